//! Calls that may be sent twice, at each of the doors; and what is desired of a device, changed
//! only where it is as it was read.

use engine::{CallId, CameraAsked, Credentials, Reserved, Update, UpdateEntry};
use fleet::{DeviceId, Door, IssSettings, Kind, Operation, Principal, ProjectId, Revision, Values};
use http::HeaderMap;
use serde_json::{Value, json};

use crate::cameras::CAMERAS;
use crate::client::{Answer, bytes, exchange};
use crate::iss_cameras::{camera, device, outcome, request};
use crate::site::{FOREIGN_KEY, KEY, PHONES, PROJECT, Site, TOKEN};

const NUMBER: &str = "sys.prop.writephonenum";

/// The body of UpdateCloudPhoneProperty for one phone.
fn phone_update(value: &str) -> String {
    let property = json!({ NUMBER: value }).to_string();
    json!({ "phones": [{ "phone_id": PHONES[0], "property": property }] }).to_string()
}

/// A call of the native door with the token and these headers.
async fn native(
    site: &Site,
    (method, rest): (&str, &str),
    more: &[(&'static str, &str)],
    body: &Value,
) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert("host", "localhost".parse().unwrap());
    headers.insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
    for (name, value) in more {
        headers.append(*name, value.parse().unwrap());
    }
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = bytes(method, &format!("/api/v1{rest}"), &headers, body.as_bytes());
    exchange(site.address, &request).await
}

/// An update of one phone with a key.
async fn update(site: &Site, key: &str, value: &str) -> Answer {
    let devices = json!([{ "id": PHONES[0], "set": { NUMBER: value } }]);
    let body = json!({ "project": PROJECT, "devices": devices });
    native(site, ("POST", "/updates"), &[("idempotency-key", key)], &body).await
}

/// A signed call of CPH with a key.
async fn cph(site: &Site, by: (&str, &str), key: &str, body: &str) -> Answer {
    let target = format!("/v1/{PROJECT}/cloud-phone/phones/batch-update-property");
    let mut headers = site.signed(by, "POST", &target, body.as_bytes());
    headers.insert("idempotency-key", key.parse().unwrap());
    exchange(site.address, &bytes("POST", &target, &headers, body.as_bytes())).await
}

/// UpdateDevice with a key.
async fn iss(site: &Site, key: &str, name: &str) -> Answer {
    let body = request(&device(CAMERAS[0], &format!("<Name>{name}</Name><Pwd>12345678</Pwd>")));
    let mut headers = site.iss_signed(KEY, "PUT", "/device", body.as_bytes());
    headers.insert("idempotency-key", key.parse().unwrap());
    exchange(site.address, &bytes("PUT", "/device", &headers, body.as_bytes())).await
}

/// Checks that an answer is another once more, and says so.
#[track_caller]
fn replayed(again: &Answer, first: &Answer) {
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(again.header("idempotency-replayed"), "true", "{again:?}");
    assert_eq!(first.header("idempotency-replayed"), "", "{first:?}");
    let of_answer = |answer: &Answer| {
        let mut headers = answer.headers.clone();
        headers.remove("date");
        headers.remove("idempotency-replayed");
        headers
    };
    assert_eq!(of_answer(again), of_answer(first));
}

async fn revision(site: &Site) -> i64 {
    site.device(PHONES[0]).await.revision.0
}

#[tokio::test]
async fn a_native_call_sent_again_is_answered_as_before() {
    let site = Site::start().await;
    let first = update(&site, "one", "1").await;
    assert_eq!(first.status, 200, "{first:?}");
    replayed(&update(&site, "one", "1").await, &first);
    assert_eq!(revision(&site).await, 1);
    update(&site, "one", "2").await.problem(422, "idempotency_key_reused");
    assert_eq!(revision(&site).await, 1);
    assert_eq!(update(&site, "two", "2").await.status, 200);
    assert_eq!(revision(&site).await, 2);

    for bad in ["", "a b", &"k".repeat(256)] {
        assert!(update(&site, bad, "3").await.problem(400, "invalid").contains("255"), "{bad}");
    }
    let two = [("idempotency-key", "a"), ("idempotency-key", "b")];
    native(&site, ("POST", "/updates"), &two, &json!({})).await.problem(400, "invalid");
    // Where nothing changes, it is not looked at.
    let read = native(&site, ("GET", "/projects"), &[("idempotency-key", "a b")], &Value::Null);
    assert_eq!(read.await.status, 200);
}

#[tokio::test]
async fn what_was_refused_is_refused_again_and_what_failed_is_not_kept() {
    let site = Site::start().await;
    let create = |id: &str| json!({ "id": id, "name": "x" });
    let keyed = &[("idempotency-key", "project")];
    let first = native(&site, ("POST", "/projects"), keyed, &create("acme")).await;
    assert_eq!(first.status / 100, 2, "{first:?}");
    replayed(&native(&site, ("POST", "/projects"), keyed, &create("acme")).await, &first);
    let other = &[("idempotency-key", "another")];
    let refused = native(&site, ("POST", "/projects"), other, &create("acme")).await;
    refused.problem(409, "exists");
    site.native("DELETE", "/projects/acme", "").await;
    replayed(&native(&site, ("POST", "/projects"), other, &create("acme")).await, &refused);
    assert_eq!(site.native("GET", "/projects/acme", "").await.status, 404);

    // A secret that is shown once is shown to who asks again in the same words.
    let keyed = &[("idempotency-key", "key")];
    let target = format!("/projects/{PROJECT}/keys");
    let made = native(&site, ("POST", &target), keyed, &json!({})).await;
    assert!(made.json()["sk"].is_string(), "{made:?}");
    replayed(&native(&site, ("POST", &target), keyed, &json!({})).await, &made);

    // So is what can't be meant.
    let keyed = &[("idempotency-key", "broken")];
    let first = native(&site, ("POST", "/projects"), keyed, &json!({ "nam": "x" })).await;
    first.problem(400, "invalid");
    let again = native(&site, ("POST", "/projects"), keyed, &json!({ "nam": "x" })).await;
    replayed(&again, &first);
}

#[tokio::test]
async fn a_call_sent_three_times_at_once_has_one_effect() {
    let site = Site::start().await;
    let mut last = 0;
    for key in ["1", "2", "3", "4"] {
        let send = || update(&site, key, key);
        let (one, two, three) = tokio::join!(send(), send(), send());
        last += 1;
        assert_eq!(revision(&site).await, last, "{key}");
        let answers = [one, two, three];
        let done: Vec<&Answer> = answers.iter().filter(|one| one.status == 200).collect();
        assert!(done.iter().all(|one| one.text == done[0].text), "{answers:?}");
        for waiting in answers.iter().filter(|one| one.status != 200) {
            waiting.problem(409, "idempotency_in_progress");
            assert_eq!(waiting.header("retry-after"), "1");
        }
        let after = update(&site, key, key).await;
        assert_eq!((after.status, &after.text), (200, &done[0].text));
        assert_eq!(revision(&site).await, last, "{key}");
    }
}

#[tokio::test]
async fn updates_in_waves_and_reverts_are_made_once() {
    let site = Site::start().await;
    let keyed = &[("idempotency-key", "waves")];
    let body = json!({
        "project": PROJECT, "kind": "phone", "selector": { "ids": [PHONES[0], PHONES[1]] },
        "set": { NUMBER: "1" },
    });
    let first = native(&site, ("POST", "/updates"), keyed, &body).await;
    assert_eq!((first.status, &first.json()["devices"]), (200, &json!(2)), "{first:?}");
    replayed(&native(&site, ("POST", "/updates"), keyed, &body).await, &first);
    let id = first.json()["id"].as_str().unwrap().to_owned();
    let target = format!("/updates/{id}");
    site.until("the end", async || {
        site.native("GET", &target, "").await.json()["ended_at"].is_string()
    })
    .await;
    let listed = site.native("GET", "/updates", "").await.json();
    assert_eq!(listed["updates"].as_array().unwrap().len(), 1, "{listed}");

    let set = json!({ "set": { NUMBER: "2" } });
    let desired = format!("/devices/{}/desired", PHONES[0]);
    assert_eq!(native(&site, ("PATCH", &desired), &[], &set).await.status, 202);
    let back = format!("/devices/{}/revert", PHONES[0]);
    let keyed = &[("idempotency-key", "back")];
    let reverted = native(&site, ("POST", &back), keyed, &json!({ "to": 1 })).await;
    assert_eq!(reverted.status, 200, "{reverted:?}");
    replayed(&native(&site, ("POST", &back), keyed, &json!({ "to": 1 })).await, &reverted);
    assert_eq!(revision(&site).await, 3);
}

#[tokio::test]
async fn a_cph_call_sent_again_is_answered_as_before() {
    let site = Site::start().await;
    let first = cph(&site, KEY, "one", &phone_update("1")).await;
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(first.json()["request_id"], first.header("x-request-id"));
    replayed(&cph(&site, KEY, "one", &phone_update("1")).await, &first);
    assert_eq!(revision(&site).await, 1);
    cph(&site, KEY, "one", &phone_update("2")).await.refused(422, "FLEETWRIGHT.0422");
    cph(&site, KEY, "a b", &phone_update("2")).await.refused(400, "APIGW.0201");
    // It is the caller's own: a stranger is turned away as ever, and finds nothing of it.
    cph(&site, FOREIGN_KEY, "one", &phone_update("1")).await.refused(403, "CPS.0001");
    replayed(&cph(&site, KEY, "one", &phone_update("1")).await, &first);

    let body = phone_update("3");
    let send = || cph(&site, KEY, "three", &body);
    let (one, two, three) = tokio::join!(send(), send(), send());
    assert_eq!(revision(&site).await, 2);
    for answer in [one, two, three] {
        if answer.status != 200 {
            answer.refused(409, "FLEETWRIGHT.0409");
            assert_eq!(answer.header("retry-after"), "1");
        }
    }
    assert_eq!(send().await.status, 200);
}

#[tokio::test]
async fn an_iss_call_sent_again_is_answered_as_before() {
    let site = Site::start().await.with_cameras().await;
    let first = iss(&site, "one", "gate").await;
    assert_eq!((first.status, first.element("Code")), (200, "200"), "{first:?}");
    assert_eq!(first.element("RequestId"), first.header("x-iss-request-id"));
    let again = iss(&site, "one", "gate").await;
    replayed(&again, &first);
    again.iss_headers();
    let camera = site.native("GET", &format!("/devices/{}", CAMERAS[0]), "").await.json();
    assert_eq!(camera["revision"], 1, "{camera}");
    let reused = iss(&site, "one", "door").await;
    assert_eq!((reused.status, reused.element("Code")), (422, "IdempotencyKeyReused"));
    let invalid = iss(&site, "a b", "door").await;
    assert_eq!((invalid.status, invalid.element("Code")), (400, "InvalidArgument"));
}

#[tokio::test]
async fn a_device_is_changed_at_its_revision_alone() {
    let site = Site::start().await;
    let shown = format!("/devices/{}", PHONES[0]);
    let desired = format!("{shown}/desired");
    let tag = async || native(&site, ("GET", &shown), &[], &Value::Null).await;
    assert_eq!(tag().await.header("etag"), "\"0\"");
    let patch = async |tag: &str, value: &str| {
        let set = json!({ "set": { NUMBER: value } });
        native(&site, ("PATCH", &desired), &[("if-match", tag)], &set).await
    };
    assert_eq!(patch("\"0\"", "1").await.status, 202);
    assert_eq!(tag().await.header("etag"), "\"1\"");
    let differs = patch("\"0\"", "2").await;
    differs.problem(412, "revision_differs");
    let body = differs.json();
    assert_eq!((&body["expected"], &body["current"]), (&json!(0), &json!(1)));
    let none = patch("W/\"1\"", "2").await;
    none.problem(412, "revision_differs");
    assert_eq!((none.json().get("expected"), &none.json()["current"]), (None, &json!(1)));
    patch("1", "2").await.problem(400, "invalid");
    assert_eq!(patch("\"0\", \"1\"", "2").await.status, 202);
    assert_eq!(patch("*", "3").await.status, 202);
    let nothing = native(&site, ("PATCH", &desired), &[], &json!({})).await;
    nothing.problem(400, "invalid");
    let unknown = json!({ "set": { "no.such.property": "1" } });
    let unknown = native(&site, ("PATCH", &desired), &[], &unknown).await;
    unknown.problem(400, "property_unsupported");
    assert_eq!(revision(&site).await, 3);

    // Of two who have read the same, one alone changes it.
    for round in 3..8 {
        let tag = format!("\"{round}\"");
        let (one, two) = tokio::join!(patch(&tag, "11"), patch(&tag, "12"));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [202, 412], "{one:?} {two:?}");
        assert_eq!(revision(&site).await, round + 1);
    }

    let known = [("if-none-match", "\"7\", \"8\"")];
    let same = native(&site, ("GET", &shown), &known, &Value::Null).await;
    assert_eq!((same.status, same.text.as_str(), same.header("etag")), (304, "", "\"8\""));
    let other = [("if-none-match", "\"7\"")];
    let other = native(&site, ("GET", &shown), &other, &Value::Null).await;
    assert_eq!((other.status, &other.json()["revision"]), (200, &json!(8)));
}

#[tokio::test]
async fn each_device_of_an_update_may_say_its_revision() {
    let site = Site::start().await;
    let ask = async |more: Value| {
        let devices = json!([
            { "id": PHONES[0], "set": { NUMBER: "1" }, "if_revision": 0 },
            { "id": PHONES[1], "set": { NUMBER: "1" }, "if_revision": 7 },
        ]);
        let mut body = json!({ "project": PROJECT, "devices": devices });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        site.native("POST", "/updates", &body.to_string()).await
    };
    let foretold = ask(json!({ "dry_run": true })).await;
    assert_eq!(foretold.status, 200, "{foretold:?}");
    let refused = foretold.json()["devices"][1]["refused"].clone();
    assert_eq!(refused["code"], "revision_differs", "{foretold:?}");
    assert_eq!(revision(&site).await, 0);

    let made = ask(json!({})).await.json();
    assert!(made["jobs"][0]["job"].is_string(), "{made}");
    let error = &made["jobs"][1]["error"];
    assert_eq!(
        (&error["code"], &error["expected"], &error["current"]),
        (&json!("revision_differs"), &json!(7), &json!(0))
    );
    let waves = ask(json!({ "rollout": { "wave": 1 } })).await;
    assert!(waves.problem(400, "invalid").contains("if_revision"));
}

/// The id that the call of a request, which is all of `parts`, has when it is sent for the first
/// time: by a server that dies before it has answered.
async fn cut_off(site: &Site, by: &Principal, key: &str, parts: &[&[u8]]) -> CallId {
    let reserved = site.handle.reserve_key(by, key, parts).await.unwrap();
    let Reserved::Held(held) = reserved else { panic!("{reserved:?}") };
    let call = held.call;
    site.handle.free_key(by, held).await.unwrap();
    call
}

/// What is asked of one device, at this revision if that is given.
fn entry(id: &str, values: Values, if_revision: Option<Revision>) -> UpdateEntry {
    let (device, camera) = (Ok(DeviceId::new(id).unwrap()), CameraAsked::default());
    UpdateEntry { device, clear: false, patch: Ok(values.into()), camera, if_revision }
}

#[tokio::test]
async fn a_change_at_one_of_several_revisions_is_answered_as_it_was_made() {
    let site = Site::start().await;
    let path = format!("/devices/{}/desired", PHONES[0]);
    let tags = "\"5\", \"0\"";
    let body = json!({ "set": { NUMBER: "1" } });
    let text = body.to_string();
    let parts = ["PATCH", &path, "", "", tags, &text].map(str::as_bytes);
    let admin = Principal::admin();
    let call = cut_off(&site, &admin, "tags", &parts).await;
    let values = Values::from([(NUMBER.to_owned(), "1".to_owned())]);
    let update = Update {
        call,
        door: Door::Native,
        project: ProjectId::new(PROJECT).unwrap(),
        kind: None,
        operation: Operation::Update,
        entries: vec![entry(PHONES[0], values, Some(Revision(0)))],
    };
    let made = site.handle.update(&admin, update).await.unwrap().remove(0).unwrap();
    assert_eq!(revision(&site).await, 1);

    let keyed = [("idempotency-key", "tags"), ("if-match", tags)];
    let again = native(&site, ("PATCH", &path), &keyed, &body).await;
    assert_eq!((again.status, &again.json()["job"]), (202, &json!(made)), "{again:?}");
    replayed(&native(&site, ("PATCH", &path), &keyed, &body).await, &again);
    assert_eq!(revision(&site).await, 1);
}

#[tokio::test]
async fn all_lines_of_if_match_are_of_the_request() {
    let site = Site::start().await;
    let path = format!("/devices/{}/desired", PHONES[0]);
    let body = json!({ "set": { NUMBER: "1" } });
    let send = async |second: &str| {
        let lines = [("idempotency-key", "lines"), ("if-match", "\"0\""), ("if-match", second)];
        native(&site, ("PATCH", &path), &lines, &body).await
    };
    let first = send("\"5\"").await;
    assert_eq!(first.status, 202, "{first:?}");
    send("\"6\"").await.problem(422, "idempotency_key_reused");
    replayed(&send("\"5\"").await, &first);
}

#[tokio::test]
async fn an_iss_call_made_again_finds_each_device_its_own_job() {
    let site = Site::start().await.with_many_cameras(2).await;
    let (one, two) = (camera(1), camera(2));
    let body = request(
        &(device(&one, "<User>u1</User>") + &device(&two, "<User>u2</User><Pwd>12345678</Pwd>")),
    );
    let parts = ["PUT", "/device", "", "application/xml", &body].map(str::as_bytes);
    let by = site.handle.access_key(KEY.0).await.unwrap().unwrap().principal();
    let call = cut_off(&site, &by, "places", &parts).await;
    // Of the first no password was required then; the second was refused.
    let mut first = entry(&one, Values::new(), None);
    first.camera.credentials =
        Credentials { user: Some("u1".to_owned()), ..Credentials::default() };
    let update = Update {
        call,
        door: Door::Iss,
        project: ProjectId::new(PROJECT).unwrap(),
        kind: Some(Kind::Camera),
        operation: Operation::Update,
        entries: vec![first],
    };
    assert!(site.handle.update(&by, update).await.unwrap()[0].is_ok());

    site.iss_settings(IssSettings::default()).await;
    let mut headers = site.iss_signed(KEY, "PUT", "/device", body.as_bytes());
    headers.insert("idempotency-key", "places".parse().unwrap());
    let again = exchange(site.address, &bytes("PUT", "/device", &headers, body.as_bytes())).await;
    assert_eq!(outcome(&again), (vec![one.as_str(), two.as_str()], vec![]), "{again:?}");
    assert_eq!(site.credentials(&one).await.0, "u1");
    assert_eq!(site.credentials(&two).await, ("u2".to_owned(), "12345678".to_owned()));
    let jobs = site.handle.reads().jobs(&by, &[call.request], 0, 10).await.unwrap();
    assert_eq!(jobs.len(), 2, "{jobs:?}");
}
