//! The native door: what an operator and the command line do with it.

use serde_json::{Value, json};

use crate::client::{bytes, exchange};
use crate::phones::Mood;
use crate::site::{FOREIGN, KEY, PHONES, PROJECT, Site, TOKEN};

/// A device to import.
fn device(project: &str, id: &str) -> Value {
    json!({
        "kind": "phone", "project": project, "id": id, "name": "desk 1", "server": "rack-7",
        "address": "10.0.0.7:5555", "profile": "android"
    })
}

#[tokio::test]
async fn without_the_token_nothing_is_told() {
    let site = Site::start().await;
    for target in
        ["/api/v1/projects", "/api/v1/devices", "/api/v1/nothing", "/api/v1/devices/import"]
    {
        let answer = site.unsigned("GET", target).await;
        answer.problem(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        for value in ["Bearer wrong", "Bearer", "Basic dTpw", "the-admin-token-of-this-test"] {
            let mut headers = http::HeaderMap::new();
            headers.insert("authorization", value.parse().unwrap());
            let answer = exchange(site.address, &bytes("GET", target, &headers, b"")).await;
            answer.problem(401, "unauthorized");
            assert!(!answer.text.contains(TOKEN));
        }
    }
}

#[tokio::test]
async fn projects_are_made_and_listed() {
    let site = Site::empty().await;
    let answer = site.native("POST", "/projects", r#"{"name":"Acme","id":"acme"}"#).await;
    insta::assert_snapshot!(format!("{} {}", answer.status, answer.text), @r#"201 {"id":"acme","name":"Acme","description":"","settings":{"paused":false,"drift":"report","adoption":"unmarked","identity":false,"password_overlap_seconds":0,"iss":{"profile":"460","private_ip":true,"mask_passwords":false}},"created_at":"2026-11-21T12:00:00.000Z","updated_at":"2026-11-21T12:00:00.000Z"}"#);
    let made = site.native("POST", "/projects", r#"{"name":"no id"}"#).await.json();
    assert_eq!(made["id"].as_str().unwrap().len(), 32);
    let listed = site.native("GET", "/projects", "").await.json();
    assert_eq!(listed["projects"].as_array().unwrap().len(), 2);

    for (body, status, code, part) in [
        (r#"{"name":"Acme","id":"acme"}"#, 409, "exists", "acme exists already"),
        (r#"{"name":""}"#, 400, "invalid", "project name: is empty"),
        (r#"{"name":"  "}"#, 400, "invalid", "project name: has nothing but blanks"),
        (r#"{"name":"x","id":".."}"#, 400, "invalid", "project id must not be . or .."),
        (r#"{"id":"x"}"#, 400, "invalid", "missing field `name`"),
        (r#"{"name":"x","id":"a/b"}"#, 400, "invalid", "'/'"),
        (r#"{"name":"x","colour":"red"}"#, 400, "invalid", "unknown field `colour`"),
        ("", 400, "invalid", "EOF"),
        ("{", 400, "invalid", "line 1 column 1"),
    ] {
        let detail = site.native("POST", "/projects", body).await.problem(status, code);
        assert!(detail.contains(part), "{body}: {detail}");
    }
    site.native("PUT", "/projects", "{}").await.problem(405, "method_not_allowed");
    site.native("GET", "/nothing", "").await.problem(404, "not_found");
    // The body is not sent: the answer shows that nobody waited for it.
    let too_long = 12 * 1024 * 1024 + 1;
    let head = format!(
        "POST /api/v1/projects HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n\
         content-length: {too_long}\r\n\r\n"
    );
    exchange(site.address, head.as_bytes()).await.problem(413, "too_large");
}

#[tokio::test]
async fn a_keys_secret_is_shown_once() {
    let site = Site::start().await;
    let keys = format!("/projects/{PROJECT}/keys");
    let answer = site.native("POST", &keys, "{}").await;
    assert_eq!(answer.status, 201);
    let made = answer.json();
    let (ak, sk) = (made["ak"].as_str().unwrap(), made["sk"].as_str().unwrap());
    assert_eq!((ak.len(), sk.len(), &made["project"]), (20, 64, &PROJECT.into()));
    assert_eq!((&made["all_projects"], &made["strict"]), (&false.into(), &false.into()));
    let rest = format!("/v1/{PROJECT}/cloud-phone/phones/{}", PHONES[0]);
    assert_eq!(site.cph_as((ak, sk), "GET", &rest, b"").await.status, 200);

    let listed = site.native("GET", &keys, "").await;
    assert!(listed.text.contains(ak) && listed.text.contains(KEY.0));
    for secret in [sk, KEY.1] {
        assert!(!listed.text.contains(secret), "{}", listed.text);
    }
    assert_eq!(site.native("DELETE", &format!("/keys/{ak}"), "").await.status, 204);
    let listed = site.native("GET", &keys, "").await.json();
    let revoked = listed["keys"].as_array().unwrap().iter().find(|key| key["ak"] == ak).unwrap();
    assert_eq!(revoked["revoked_at"], "2026-11-21T12:00:00.000Z");
    site.cph_as((ak, sk), "GET", &rest, b"").await.refused(401, "APIGW.0301");

    let secret = "thesecret0123456789";
    for (body, status, code) in [
        (json!({ "ak": "AKONLY" }), 400, "invalid"),
        (json!({ "sk": secret }), 400, "invalid"),
        (json!({ "ak": KEY.0, "sk": secret }), 409, "exists"),
        (json!({ "ak": "a,b", "sk": secret }), 400, "invalid"),
        (json!({ "ak": "x", "sk": [secret] }), 400, "invalid"),
        (json!({ "ak": "x", "sk": format!("{secret} x") }), 400, "invalid"),
        (json!({ "ak": "x", "sk": secret, "more": 1 }), 400, "invalid"),
    ] {
        let answer = site.native("POST", &keys, &body.to_string()).await;
        answer.problem(status, code);
        assert!(!answer.text.contains(secret), "{}", answer.text);
    }
    site.native("POST", "/projects/nobody/keys", "{}").await.problem(404, "no_such_project");
    site.native("GET", "/projects/nobody/keys", "").await.problem(404, "no_such_project");
    site.native("DELETE", "/keys/nobody", "").await.problem(404, "no_such_key");
}

#[tokio::test]
async fn a_key_for_all_projects_is_made_by_that_word_and_listed_apart() {
    let site = Site::start().await;
    let body = json!({ "all_projects": true, "strict": true }).to_string();
    let answer = site.native("POST", "/keys", &body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let made = answer.json();
    let (ak, sk) = (made["ak"].as_str().unwrap(), made["sk"].as_str().unwrap());
    assert_eq!((&made["project"], &made["strict"]), (&Value::Null, &true.into()));
    for project in [PROJECT, FOREIGN] {
        let target = format!("/v1/{project}/cloud-phone/phones");
        assert_eq!(site.cph_as((ak, sk), "GET", &target, b"").await.status, 200, "{project}");
    }
    let listed = site.native("GET", "/keys", "").await;
    assert!(!listed.text.contains(sk), "{}", listed.text);
    let expected = json!([{ "ak": ak, "project": null, "all_projects": true, "strict": true,
        "created_at": "2026-11-21T12:00:00.000Z", "revoked_at": null, "last_used_at": null }]);
    assert_eq!(listed.json()["keys"], expected);
    let of_project = site.native("GET", &format!("/projects/{PROJECT}/keys"), "").await;
    assert!(!of_project.text.contains(ak) && of_project.text.contains(KEY.0));
    assert_eq!(site.native("DELETE", &format!("/keys/{ak}"), "").await.status, 204);
    let target = format!("/v1/{PROJECT}/cloud-phone/phones");
    site.cph_as((ak, sk), "GET", &target, b"").await.refused(401, "APIGW.0301");
    for body in ["{}", r#"{"all_projects":false}"#, r#"{"all_projects":true,"ak":"A"}"#] {
        site.native("POST", "/keys", body).await.problem(400, "invalid");
    }
    let taken = json!({ "all_projects": true, "ak": KEY.0, "sk": "x" }).to_string();
    site.native("POST", "/keys", &taken).await.problem(409, "exists");
}

#[tokio::test]
async fn devices_are_imported_all_or_none() {
    let site = Site::start().await;
    let import =
        async |devices: &Value| site.native("POST", "/devices/import", &devices.to_string()).await;
    let answer = import(&json!([device(PROJECT, "one"), device(PROJECT, "two")])).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "new": 2, "updated": 0 })));
    let answer = import(&json!([device(PROJECT, "two"), device(PROJECT, "three")])).await;
    assert_eq!(answer.json(), json!({ "new": 1, "updated": 1 }));
    assert_eq!(import(&json!([])).await.json(), json!({ "new": 0, "updated": 0 }));

    let with = |key: &str, value: Value| {
        let mut device = device(PROJECT, "four");
        device[key] = value;
        device
    };
    let without = |key: &str| {
        let mut device = device(PROJECT, "four");
        device.as_object_mut().unwrap().remove(key);
        device
    };
    for (bad, status, code, part) in [
        (with("kind", json!("toaster")), 400, "invalid", "device 2: unknown variant `toaster`"),
        (with("id", json!("x".repeat(33))), 400, "invalid", "device 2: device id has 33 bytes"),
        (with("colour", json!("red")), 400, "invalid", "device 2: unknown field `colour`"),
        (with("profile", json!("none")), 400, "invalid", "device 2 (four), profile: no profile"),
        (with("address", json!("10.0.0.7")), 400, "invalid", "device 2 (four), address"),
        (with("name", json!("")), 400, "invalid", "device 2 (four), name: is empty"),
        (with("project", json!("nobody")), 404, "no_such_project", "no such project: nobody"),
        (without("address"), 400, "invalid", "device 2: missing field `address`"),
        (json!(7), 400, "invalid", "device 2: invalid type"),
    ] {
        let answer = import(&json!([device(PROJECT, "five"), bad])).await;
        let detail = answer.problem(status, code);
        assert!(detail.contains(part), "{detail}");
        site.native("GET", "/devices/five", "").await.problem(404, "not_found");
    }
    import(&json!({})).await.problem(400, "invalid");
    let answer = import(&json!(vec![device(PROJECT, "five"); 10_001])).await;
    assert!(answer.problem(400, "invalid").contains("more than 10000 devices"));
}

#[tokio::test]
async fn a_device_is_shown_with_what_is_asked_of_it_and_what_it_shows() {
    let site = Site::start().await;
    let phone = PHONES[0];
    let body = json!({ "phones": [{ "phone_id": phone, "property": "{\"com.cph.mainkeys\":1}" }] });
    site.update(&body.to_string()).await;
    site.until("the job's end", async || site.device(phone).await.open_jobs.is_empty()).await;
    site.clock.advance(std::time::Duration::from_secs(7));
    let shown = site.native("GET", &format!("/devices/{phone}"), "").await;
    insta::assert_snapshot!(shown.text, @r#"{"project":"0123456789abcdef0123456789abcdef","id":"a7f3a1c5258347d6b6f1def79e11f2bc","kind":"phone","name":"phone a7f3","server":"server-1","address":"127.0.0.1:5555","container":"","profile":"simulated","condition":"running","since":"2026-11-21T12:00:00.000Z","trouble":null,"attention":"restart_pending","frozen":false,"adopted":true,"adoption":null,"copy":null,"power":null,"camera":null,"facts":{"build":"monbox-9","fingerprint":"Huawei/monbox/9","model":"Simulated","release":"9","rights":"root","user":"0"},"boot":{"kernel":"kernel","init_start":"1"},"revision":1,"settled":1,"desired":{"com.cph.mainkeys":"1"},"states":{"com.cph.mainkeys":"restart_pending"},"reported":{"com.cph.mainkeys":{"value":"1","at":"2026-11-21T12:00:00.000Z","age_milliseconds":7000}},"restart_pending":{"com.cph.mainkeys":{"since":"2026-11-21T12:00:00.000Z"}},"drift":[],"open_jobs":[],"created_at":"2026-11-21T12:00:00.000Z","updated_at":"2026-11-21T12:00:00.000Z","tags":{}}"#);

    // A value that does not stick is drift once its job has ended.
    site.phones.set_mood(phone, Mood::Refuses);
    let body = json!({ "phones": [{ "phone_id": phone, "property": "{\"ro.install.auto\":1}" }] });
    site.update(&body.to_string()).await;
    site.until("the job's end", async || site.device(phone).await.open_jobs.is_empty()).await;
    let shown = site.native("GET", &format!("/devices/{phone}"), "").await.json();
    assert_eq!(shown["drift"], json!(["ro.install.auto"]), "{shown}");
    assert_eq!(shown["reported"]["ro.install.auto"]["value"], Value::Null);
}

#[tokio::test]
async fn devices_are_listed_by_filter_and_page() {
    let site = Site::start().await;
    let import = json!([device(PROJECT, "one"), device(PROJECT, "two"), device(FOREIGN, "one")]);
    site.native("POST", "/devices/import", &import.to_string()).await;
    let list = async |query: &str| {
        let answer = site.native("GET", &format!("/devices?{query}"), "").await;
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        let body = answer.json();
        let devices = body["devices"].as_array().unwrap();
        let ids: Vec<String> =
            devices.iter().map(|device| device["id"].as_str().unwrap().to_owned()).collect();
        (ids, body["next"].as_str().map(str::to_owned))
    };
    assert_eq!(list("server=rack-7").await.0, ["one", "two", "one"]);
    assert_eq!(list(&format!("server=rack-7&project={FOREIGN}")).await.0, ["one"]);
    assert!(list("condition=abnormal").await.0.is_empty());
    let (ids, next) = list("server=rack-7&limit=2").await;
    assert_eq!(ids, ["one", "two"]);
    let (ids, next) = list(&format!("server=rack-7&limit=2&after={}", next.unwrap())).await;
    assert_eq!((ids, next), (vec!["one".to_owned()], None));
    assert_eq!(list("server=rack-7&limit=3").await.1, None, "no page follows a full last one");

    let detail = site.native("GET", "/devices/one", "").await.problem(409, "ambiguous");
    assert!(detail.contains(PROJECT) && detail.contains(FOREIGN), "{detail}");
    let one = site.native("GET", &format!("/devices/one?project={FOREIGN}"), "").await.json();
    assert_eq!(one["project"], FOREIGN);
    for (target, status, code) in [
        ("/devices?limit=0", 400, "invalid"),
        ("/devices?limit=1001", 400, "invalid"),
        ("/devices?limit=x", 400, "invalid"),
        ("/devices?after=x", 400, "invalid"),
        ("/devices?colour=red", 400, "invalid"),
        ("/devices?condition=ill", 400, "invalid"),
        ("/devices?project=nobody", 404, "no_such_project"),
        ("/devices/nobody", 404, "not_found"),
        ("/devices/one?project=nobody", 404, "not_found"),
        ("/devices/%FF", 404, "not_found"),
        ("/devices/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 404, "not_found"),
        ("/jobs/00000000000000000000000000000001", 404, "not_found"),
        ("/jobs/x", 404, "not_found"),
    ] {
        site.native("GET", target, "").await.problem(status, code);
    }
}

#[tokio::test]
async fn a_job_is_shown_with_its_proof_or_its_reason() {
    let site = Site::start().await;
    let update = async |mood: Mood, property: &str| {
        site.phones.set_mood(PHONES[0], mood);
        let body = json!({ "phones": [{ "phone_id": PHONES[0], "property": property }] });
        let job = site.update(&body.to_string()).await.json()["jobs"][0]["job_id"].clone();
        let target = format!("/jobs/{}", job.as_str().unwrap());
        site.until("the job's end", async || {
            site.native("GET", &target, "").await.json()["ended_at"].is_string()
        })
        .await;
        site.native("GET", &target, "").await
    };
    let done = update(Mood::Works, "{\"hide_navigate\":1}").await;
    let job = done.json();
    let text = done.text.replace(job["id"].as_str().unwrap(), "[job]");
    let text = text.replace(job["request"].as_str().unwrap(), "[request]");
    insta::assert_snapshot!(text, @r#"{"id":"[job]","request":"[request]","project":"0123456789abcdef0123456789abcdef","device":"a7f3a1c5258347d6b6f1def79e11f2bc","patch":{"com.cph.mainkeys":"1"},"record":{},"revision":1,"stored":false,"rollout":null,"operation":"update","state":"succeeded","proof":"verified","detail":null,"door":"cph","actor":"AKTESTVECTOR00000001","accepted_at":"2026-11-21T12:00:00.000Z","ended_at":"2026-11-21T12:00:00.000Z","superseded_by":null}"#);
    let failed = update(Mood::Refuses, "{\"ro.install.auto\":1}").await.json();
    assert_eq!((&failed["state"], &failed["proof"]), (&"failed".into(), &Value::Null));
    assert_eq!(failed["detail"], "the device refused ro.install.auto: permission denied");
}

#[tokio::test]
async fn machines_may_ask_how_the_server_is() {
    let site = Site::empty().await;
    assert_eq!(site.unsigned("GET", "/healthz").await.json(), json!({ "status": "alive" }));
    assert_eq!(site.unsigned("GET", "/readyz").await.json(), json!({ "status": "ready" }));
    let metrics = site.unsigned("GET", "/metrics").await;
    assert_eq!(metrics.text, "fleetwright_test 1\n");
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    let document = site.unsigned("GET", "/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/api/v1/devices/import"]["post"].is_object());
    site.unsigned("POST", "/healthz").await.problem(405, "method_not_allowed");
    for target in ["/favicon.ico", "/api", "/api/v2/x", "/v4/x"] {
        site.unsigned("GET", target).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_stopped_engine_takes_updates_for_later() {
    let mut site = Site::start().await;
    site.stop_engine().await;
    let body =
        json!({ "phones": [{ "phone_id": PHONES[0], "property": "{\"com.cph.mainkeys\":1}" }] });
    let answer = site.update(&body.to_string()).await;
    assert_eq!(answer.status, 200, "what was accepted is durable, and the next start works on it");
    assert_eq!(site.device(PHONES[0]).await.revision.0, 1);
}
