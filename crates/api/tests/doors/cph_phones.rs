//! ListCloudPhones, ShowCloudPhoneDetail and UpdatePhoneName.

use fleet::{DeviceId, Principal, ProjectId};
use serde_json::{Value, json};
use store::write::DeviceChange;

use crate::client::Answer;
use crate::phones::Mood;
use crate::site::{FOREIGN, FOREIGN_PHONE, KEY, PHONES, PROJECT, Site};

/// The ids of the phones that a query lists, and how many it counts.
async fn listed(site: &Site, query: &str) -> (Vec<String>, u64) {
    let answer = site.cph("GET", &format!("phones{query}"), b"").await;
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    let body = answer.json();
    assert_eq!(body["request_id"], answer.header("x-request-id"));
    let phones = body["phones"].as_array().unwrap();
    let id = |phone: &Value| phone["phone_id"].as_str().unwrap().to_owned();
    (phones.iter().map(id).collect(), body["count"].as_u64().unwrap())
}

/// Gives a phone another name.
async fn rename(site: &Site, phone: &str, body: &str) -> Answer {
    site.cph("PUT", &format!("phones/{phone}"), body.as_bytes()).await
}

/// Changes a phone as an operator does.
async fn change(site: &Site, phone: &str, change: DeviceChange) {
    let (project, id) = (ProjectId::new(PROJECT).unwrap(), DeviceId::new(phone).unwrap());
    site.handle.change_device(&Principal::admin(), &project, &id, change).await.unwrap();
}

#[tokio::test]
async fn a_listed_phone_has_what_is_known_of_it_and_no_more() {
    let site = Site::start().await;
    let answer = site.cph("GET", "phones?limit=1&offset=3", b"").await;
    let text = answer.text.replace(answer.header("x-request-id"), "[this call]");
    insta::assert_snapshot!(text, @r#"{"request_id":"[this call]","count":4,"phones":[{"phone_name":"phone a7f3","server_id":"server-1","phone_id":"a7f3a1c5258347d6b6f1def79e11f2bc","phone_model_name":"Simulated","image_id":"c86c0e682479e8d1f6f9c70b8c4db973","image_version":"Android 9","status":2,"type":0,"create_time":"2026-11-21T12:00:00Z","update_time":"2026-11-21T12:00:00Z"}]}"#);
}

#[tokio::test]
async fn phones_are_listed_newest_first_and_page_by_page() {
    let site = Site::start().await;
    site.clock.advance(std::time::Duration::from_secs(1));
    site.add_phone("newest", "last", "server-2", "10.0.0.9:5555").await;
    let (all, count) = listed(&site, "").await;
    assert_eq!((all.len(), count), (5, 5), "none of another project");
    assert_eq!(all[0], "newest");
    let mut paged = Vec::new();
    for offset in 0..6 {
        let (page, count) = listed(&site, &format!("?limit=1&offset={offset}")).await;
        assert_eq!(count, 5, "of all pages");
        paged.extend(page);
    }
    assert_eq!(paged, all);
}

#[tokio::test]
async fn phones_are_found_by_each_filter() {
    let site = Site::start().await;
    site.add_phone("other", "Other-手机", "server-2", "10.0.0.9:5555").await;
    let check = async |query: &str, expected: &[&str]| {
        let (mut ids, count) = listed(&site, query).await;
        ids.sort_unstable();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(ids, expected, "{query}");
        assert_eq!(count, expected.len() as u64, "{query}");
    };
    check("?server_id=server-2", &["other"]).await;
    check("?server_id=server-9", &[]).await;
    check("?phone_name=A7F3", &[PHONES[0]]).await;
    check("?phone_name=%E6%89%8B", &["other"]).await;
    check("?phone_name=%25", &[]).await;
    check("?phone_name=phone_0000", &[]).await;
    check("?phone_name=phone%200000&server_id=server-1", &[PHONES[2], PHONES[3]]).await;
    check("?type=1", &[]).await;
    change(&site, PHONES[0], DeviceChange::Frozen(true)).await;
    check("?status=6", &[PHONES[0]]).await;
    check("?status=2&server_id=server-2&type=0", &["other"]).await;
    check("?status=2", &["other", PHONES[1], PHONES[2], PHONES[3]]).await;
    site.phones.set_mood(PHONES[1], Mood::Off);
    change(&site, PHONES[1], DeviceChange::Stopped(true)).await;
    check("?status=8", &[PHONES[1]]).await;
    check("?status=-7", &[]).await;
    check("?status=-8", &[]).await;
}

#[tokio::test]
async fn the_detail_parts_listed_properties_from_custom_ones() {
    let site = Site::start().await;
    let body = json!({ "phones": [{
        "phone_id": PHONES[0],
        "property": "{\"hide_navigate\":1}",
        "custom_property": { "custom.prop.key1": "value1", "ro.install.auto": "1" },
    }] });
    let accepted = site.update(&body.to_string()).await.json();
    assert!(accepted["jobs"][0]["job_id"].is_string(), "{accepted}");
    let shown = site.cph("GET", &format!("phones/{}", PHONES[0]), b"").await.json();
    assert_eq!(shown["property"], r#"{"com.cph.mainkeys":"1","ro.install.auto":"1"}"#);
    assert_eq!(shown["custom_property"], json!({ "custom.prop.key1": "value1" }));
    assert_eq!(
        shown["access_infos"],
        json!([{ "type": "ADB", "phone_ip": "127.0.0.1", "device_ip": "127.0.0.1",
                 "listen_port": 5555, "access_port": 5555 }])
    );
}

#[tokio::test]
async fn a_phone_takes_another_name() {
    let site = Site::start().await;
    let name = |name: &str| json!({ "phone_name": name }).to_string();
    for new in ["a", &"手".repeat(60), "Phone-0001_b"] {
        let answer = rename(&site, PHONES[0], &name(new)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json(), json!({ "request_id": answer.header("x-request-id") }));
        let shown = site.cph("GET", &format!("phones/{}", PHONES[0]), b"").await.json();
        assert_eq!(shown["phone_name"], new);
    }
    // Its own name is no conflict.
    assert_eq!(rename(&site, PHONES[0], &name("Phone-0001_b")).await.status, 200);
    let message = rename(&site, PHONES[1], &name("Phone-0001_b")).await.refused(400, "CPS.0026");
    assert_eq!(message, "Parameter: phone_name is conflicted.");
    let foreign = format!("/v1/{FOREIGN}/cloud-phone/phones/{FOREIGN_PHONE}");
    let taken = name("Phone-0001_b");
    let answer = site.cph_as(crate::site::FOREIGN_KEY, "PUT", &foreign, taken.as_bytes()).await;
    assert_eq!(answer.status, 200, "names are a project's own: {answer:?}");
}

#[tokio::test]
async fn names_are_refused_by_rule_and_nothing_changes() {
    let site = Site::start().await;
    let good = json!({ "phone_name": "good" }).to_string();
    let long = json!({ "phone_name": "a".repeat(61) }).to_string();
    for body in [
        "",
        "name",
        "[]",
        "{}",
        r#"{"phone_name":null}"#,
        r#"{"phone_name":7}"#,
        r#"{"phone_name":""}"#,
        r#"{"phone_name":"a b"}"#,
        r#"{"phone_name":"a.b"}"#,
        r#"{"phone_name":"é"}"#,
        r#"{"phone_name":"a\n"}"#,
        &long,
    ] {
        let message = rename(&site, PHONES[0], body).await.refused(400, "CPS.0025");
        assert!(message.starts_with("Parameter: phone_name is invalid."), "{body}: {message}");
    }
    rename(&site, &"f".repeat(33), &good).await.refused(400, "CPS.0004");
    rename(&site, "nobody", &good).await.refused(404, "CPS.0005");
    rename(&site, FOREIGN_PHONE, &good).await.refused(404, "CPS.0005");
    let target = format!("/v1/{FOREIGN}/cloud-phone/phones/{FOREIGN_PHONE}");
    site.cph_as(KEY, "PUT", &target, good.as_bytes()).await.refused(403, "CPS.0001");
    let huge = format!(r#"{{"phone_name":"a","x":"{}"}}"#, "x".repeat(1024 * 1024));
    rename(&site, PHONES[0], &huge).await.refused(413, "APIGW.0201");
    let shown = site.cph("GET", &format!("phones/{}", PHONES[0]), b"").await.json();
    assert_eq!(shown["phone_name"], "phone a7f3");
}

#[tokio::test]
async fn lists_are_refused_by_rule() {
    let site = Site::start().await;
    let long = format!("phone_name={}", "a".repeat(65));
    for (query, code) in [
        ("limit=0", "CPS.0002"),
        ("limit=201", "CPS.0002"),
        ("offset=-1", "CPS.0002"),
        ("offset=2147483648", "CPS.0002"),
        ("status=5", "CPS.0010"),
        ("status=x", "CPS.0010"),
        ("type=2", "CPS.0116"),
        ("server_id=a%0A", "CPS.0016"),
        (long.as_str(), "CPS.0025"),
    ] {
        site.cph("GET", &format!("phones?{query}"), b"").await.refused(400, code);
    }
    assert_eq!(site.cph("GET", "phones?limit=200&offset=2147483647", b"").await.status, 200);
}
