//! ListCloudPhoneServers, ShowCloudPhoneServerDetail, UpdateServerName, ListCloudPhoneModels and
//! ListCloudPhoneImages.

use serde_json::{Value, json};

use crate::site::{FOREIGN, FOREIGN_KEY, Site};

/// The ids of the servers that a query lists, and how many it counts.
async fn listed(site: &Site, query: &str) -> (Vec<String>, u64) {
    let answer = site.cph("GET", &format!("servers{query}"), b"").await;
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    let body = answer.json();
    let servers = body["servers"].as_array().unwrap();
    let id = |server: &Value| server["server_id"].as_str().unwrap().to_owned();
    (servers.iter().map(id).collect(), body["count"].as_u64().unwrap())
}

#[tokio::test]
async fn servers_are_those_that_records_name() {
    let site = Site::start().await;
    let answer = site.cph("GET", "servers", b"").await;
    let text = answer.text.replace(answer.header("x-request-id"), "[this call]");
    insta::assert_snapshot!(text, @r#"{"request_id":"[this call]","count":1,"servers":[{"server_name":"server-1","server_id":"server-1","phone_model_name":"Simulated","status":5,"create_time":"2026-11-21T12:00:00Z","update_time":"2026-11-21T12:00:00Z"}]}"#);
    let answer = site.cph("GET", "servers/server-1", b"").await;
    let text = answer.text.replace(answer.header("x-request-id"), "[this call]");
    insta::assert_snapshot!(text, @r#"{"request_id":"[this call]","server_name":"server-1","server_id":"server-1","phone_model_name":"Simulated","status":5,"create_time":"2026-11-21T12:00:00Z","update_time":"2026-11-21T12:00:00Z"}"#);
}

#[tokio::test]
async fn servers_are_found_by_each_filter_and_paged() {
    let site = Site::start().await;
    let first_day = site.handle.now();
    for number in 2..5 {
        site.clock.advance(std::time::Duration::from_secs(1));
        let (id, server) = (format!("phone-{number}"), format!("server-{number}"));
        site.add_phone(&id, &id, &server, "10.0.0.9:5555").await;
    }
    let all = ["server-4", "server-3", "server-2", "server-1"];
    let (ids, count) = listed(&site, "").await;
    assert_eq!((ids, count), (all.map(str::to_owned).to_vec(), 4), "newest first");
    let check = async |query: &str, expected: &[&str], total: u64| {
        let (ids, count) = listed(&site, query).await;
        assert_eq!(
            (ids, count),
            (expected.iter().map(|id| (*id).to_owned()).collect(), total),
            "{query}"
        );
    };
    check("?limit=2&offset=1", &all[1..3], 4).await;
    check("?server_id=server-3", &all[1..2], 1).await;
    check("?server_name=VER-2", &all[2..3], 1).await;
    check("?status=5", &all, 4).await;
    check("?status=2", &[], 0).await;
    check("?network_version=v2", &[], 0).await;
    check("?phone_model_name=Simulated", &all, 4).await;
    check("?phone_model_name=Simulated&limit=1&offset=3", &all[3..], 4).await;
    check("?phone_model_name=simulated", &[], 0).await;
    check(&format!("?create_until={}", first_day.0), &all[3..], 1).await;
    check(&format!("?create_since={}", first_day.0 + 1), &all[..3], 3).await;
}

#[tokio::test]
async fn a_server_takes_another_name_and_keeps_its_id() {
    let site = Site::start().await;
    let body = json!({ "server_name": "机架-1" }).to_string();
    let answer = site.cph("PUT", "servers/server-1", body.as_bytes()).await;
    assert_eq!(answer.json(), json!({ "request_id": answer.header("x-request-id") }), "{answer:?}");
    let shown = site.cph("GET", "servers/server-1", b"").await.json();
    assert_eq!(
        (&shown["server_id"], &shown["server_name"]),
        (&json!("server-1"), &json!("机架-1"))
    );
    let foreign = format!("/v1/{FOREIGN}/cloud-phone/servers/server-1");
    let shown = site.cph_as(FOREIGN_KEY, "GET", &foreign, b"").await.json();
    assert_eq!(shown["server_name"], "server-1", "another project's server of the same name");
}

#[tokio::test]
async fn calls_about_servers_are_refused_by_rule() {
    let site = Site::start().await;
    let long = "a".repeat(257);
    for (rest, status, code) in [
        ("servers?limit=101", 400, "CPS.0002"),
        ("servers?limit=0", 400, "CPS.0002"),
        ("servers?offset=-1", 400, "CPS.0002"),
        ("servers?status=6", 400, "CPS.0010"),
        ("servers?network_version=v3", 400, "CPS.0240"),
        ("servers?create_since=yesterday", 400, "CPS.0174"),
        ("servers?create_until=20000000000001", 400, "CPS.0174"),
        ("servers?server_id=%0A", 400, "CPS.0016"),
        (&format!("servers?server_name={}", &long[..65]), 400, "CPS.0087"),
        (&format!("servers/{long}"), 400, "CPS.0016"),
        ("servers/%7F", 400, "CPS.0016"),
        ("servers/nobody", 404, "CPS.0015"),
        ("phone-models?limit=101", 400, "CPS.0002"),
        ("phone-models?offset=x", 400, "CPS.0002"),
        ("phone-models?status=2", 400, "CPS.0010"),
        ("phone-images?limit=501", 400, "CPS.0002"),
        ("phone-images?limit=0", 400, "CPS.0002"),
        ("phone-images?image_type=mine", 400, "CPS.0116"),
        (&format!("phone-images?marker={}", &long[..65]), 400, "CPS.0030"),
    ] {
        site.cph("GET", rest, b"").await.refused(status, code);
    }
    for body in [
        "",
        "[]",
        "{}",
        r#"{"server_name":1}"#,
        r#"{"server_name":""}"#,
        r#"{"server_name":"a b"}"#,
    ] {
        site.cph("PUT", "servers/server-1", body.as_bytes()).await.refused(400, "CPS.0087");
    }
    let good = br#"{"server_name":"good"}"#;
    site.cph("PUT", "servers/nobody", good).await.refused(404, "CPS.0015");
    let long = format!("servers/{long}");
    site.cph("PUT", &long, good).await.refused(400, "CPS.0016");
    assert_eq!(site.cph("GET", "servers/server-1", b"").await.json()["server_name"], "server-1");
}

#[tokio::test]
async fn models_and_images_are_those_that_phones_report() {
    let site = Site::start().await;
    let list = async |rest: &str| {
        let answer = site.cph("GET", rest, b"").await;
        assert_eq!(answer.status, 200, "{rest}: {answer:?}");
        answer.text.replace(answer.header("x-request-id"), "[this call]")
    };
    insta::assert_snapshot!(list("phone-models").await, @r#"{"request_id":"[this call]","phone_models":[{"phone_model_name":"Simulated"}]}"#);
    insta::assert_snapshot!(list("phone-images").await, @r#"{"request_id":"[this call]","phone_images":[{"image_id":"c86c0e682479e8d1f6f9c70b8c4db973","image_name":"monbox-9","os_name":"Android 9"}],"page_info":{}}"#);
    for same in ["phone-models?status=1&limit=1", "phone-models?limit=100&offset=0"] {
        assert_eq!(list(same).await, list("phone-models").await);
    }
    for none in ["phone-models?status=0", "phone-models?offset=1"] {
        assert!(list(none).await.contains(r#""phone_models":[]"#), "{none}");
    }
    assert_eq!(list("phone-images?image_type=all&limit=500").await, list("phone-images").await);
    for none in
        ["phone-images?image_type=public", "phone-images?image_type=share", "phone-images?marker=z"]
    {
        assert!(list(none).await.contains(r#""phone_images":[]"#), "{none}");
    }
    let shown = site.cph("GET", &format!("phones/{}", crate::site::PHONES[0]), b"").await.json();
    let images = site.cph("GET", "phone-images", b"").await.json();
    assert_eq!(shown["image_id"], images["phone_images"][0]["image_id"]);
    let empty = Site::empty().await;
    assert_eq!(empty.unsigned("GET", "/v1/x/cloud-phone/phone-models").await.status, 401);
}
