//! Cameras that nobody has put on record come by a password that they share, and wait until they
//! are accepted.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use crate::harness::cameras::{record, server};
use crate::harness::phones::PROJECT;
use crate::harness::sip::{Line, Ua};
use crate::harness::site::import;
use crate::harness::{Cameras, Cli, Native, PATIENCE, PythonCamera, Server, Start, wait_until};

/// What the cameras share.
const SHARED: &str = "install-me-2026";
/// What one that is accepted gets.
const OWN: &str = "87654321";
const ID: &str = "34020000001320000001";

fn target(rest: &str) -> String {
    format!("/api/v1/projects/{PROJECT}/{rest}")
}

/// Opens the project for cameras whose ids begin so.
fn open(native: &Native, prefixes: &[&str]) {
    let terms = json!({"password": SHARED, "prefixes": prefixes, "ends_in_days": 14});
    let shown = native.put(&target("enrolment"), &terms);
    assert_eq!((&shown["open"], &shown["prefixes"]), (&json!(true), &json!(prefixes)));
    assert!(!shown.to_string().contains(SHARED), "{shown}");
}

/// The ids of the pending cameras.
fn pending(native: &Native) -> Vec<String> {
    let page = native.get(&target("pending?limit=1000"));
    let devices = page["devices"].as_array().expect("devices").iter();
    devices.map(|device| device["id"].as_str().expect("an id").to_owned()).collect()
}

/// Waits until these cameras are pending, and no others.
fn wait_for_pending(native: &Native, ids: &[&str]) {
    wait_until("cameras to be pending", PATIENCE, || pending(native) == ids);
}

fn devices(native: &Native) -> usize {
    native.get("/api/v1/devices")["devices"].as_array().expect("devices").len()
}

/// A camera by itself.
fn ua(server: &Server, id: &str, password: &str) -> Ua {
    Ua::new(id, password, Line::udp(server.sip()))
}

/// Registers until the answer is this: other nodes hear a moment later of what is changed.
fn wait_for_answer(ua: &mut Ua, status: u16) {
    wait_until("another answer", PATIENCE, || ua.register(3600).status == Some(status));
}

#[test]
fn cameras_wait_are_accepted_in_bulk_and_come_in_at_once() {
    let (server, native) = server(&Start::with_cameras());
    native.set_project(PROJECT, &json!({"password_overlap_seconds": 3600}));
    open(&native, &["34020000"]);
    let cameras = Cameras::start(Cameras::of(20, server.sip()).password(SHARED));
    let ids = cameras.ids();
    wait_for_pending(&native, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    // They are nothing else, and nobody speaks to them.
    assert_eq!(devices(&native), 0);
    for held in cameras.all_held() {
        let counts = held.counts;
        assert_eq!((counts.last_status, counts.registrations), (Some(503), 0), "{counts:?}");
        assert_eq!((counts.queries, counts.device_configs, counts.answers), (0, 0, 0));
        assert!(native.refusals(&held.id).contains_key("pending"));
    }
    let page = native.get(&target("pending?limit=7"));
    assert_eq!(
        (page["devices"].as_array().map(Vec::len), &page["next"]),
        (Some(7), &json!(ids[6]))
    );
    let cli = Cli::new(&server);
    let table = cli.run(&["enrolment", "pending", "--project", PROJECT]).ok();
    assert!(ids.iter().all(|id| table.contains(id)), "{table}");

    let accept = ["enrolment", "accept", "--project", PROJECT, "--all", "--generate", "--json"];
    let answer: Value = serde_json::from_str(&cli.run(&accept).ok()).expect("JSON");
    assert_eq!(answer["accepted"], 20, "{answer}");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let passwords: BTreeMap<String, String> = answer["devices"]
        .as_array()
        .expect("devices")
        .iter()
        .map(|device| (text(&device["id"]), text(&device["password"])))
        .collect();
    assert!(passwords.keys().eq(&ids), "{passwords:?}");
    let is_made =
        |password: &str| password.len() == 12 && password.bytes().all(|byte| byte.is_ascii_digit());
    assert!(passwords.values().all(|password| is_made(password)), "{passwords:?}");
    assert_eq!((devices(&native), pending(&native).len()), (20, 0));

    // They come again with what they came with.
    cameras.register_all();
    cameras.wait_until_registered(PATIENCE);
    for id in &ids {
        native.wait_for_status(id, "OnLine");
        assert_eq!(native.device(id)["camera"]["credentials"]["in_use"], "old");
    }
    // The installer sets the new ones, and they stay.
    for (id, password) in &passwords {
        let before = cameras.held(id).counts.registrations;
        cameras.set_password(id, password);
        cameras.register(id);
        cameras.wait_for_registration(id, before);
        wait_until("it to use its own password", PATIENCE, || {
            native.device(id)["camera"]["credentials"]["in_use"] == "current"
        });
        assert_eq!(native.camera_status(id), "OnLine");
    }
    // Nothing that is shown later has a password in it.
    let audit = cli.run(&["audit", "list", "--project", PROJECT, "--json"]).ok();
    assert!(audit.contains("enrolment.accept") && audit.contains("enrolment.open"), "{audit}");
    let shown = native.get("/api/v1/devices?limit=100").to_string();
    for secret in passwords.values().map(String::as_str).chain([SHARED]) {
        assert!(!audit.contains(secret) && !shown.contains(secret), "a password is shown");
    }
}

#[test]
fn without_an_overlap_a_camera_is_refused_until_it_has_its_own_password() {
    let (server, native) = server(&Start::with_cameras());
    open(&native, &["3402"]);
    // A device in Python, which shares no code with the product.
    let mut first = PythonCamera::new(ID, SHARED, server.sip(), &json!({}));
    wait_until("it to be put off", PATIENCE, || first.register(3600) == 503);
    wait_for_pending(&native, &[ID]);
    assert!(first.heard("Catalog").is_empty() && first.heard("DeviceInfo").is_empty());

    let accept = json!({"devices": [
        {"id": ID, "name": "东门", "password": OWN},
        {"id": "34020000001320000099"},
    ]});
    let answer = native.post(&target("pending/accept"), &accept);
    assert_eq!((&answer["accepted"], &answer["more"]), (&json!(1), &json!(false)));
    let [accepted, refused] = answer["devices"].as_array().expect("devices").as_slice() else {
        panic!("{answer}")
    };
    assert_eq!(accepted["password"], Value::Null, "it was given: {answer}");
    assert_eq!(refused["error"]["code"], "not_pending", "{answer}");
    assert_eq!(native.device(ID)["name"], "东门");
    assert_eq!(native.camera_status(ID), "Register");

    wait_until("it to be refused", PATIENCE, || first.register(3600) == 401);
    assert!(native.refusals(ID).contains_key("wrong_digest"), "{:?}", native.refusals(ID));
    let mut own = PythonCamera::new(ID, OWN, server.sip(), &json!({}));
    assert_eq!(own.register(3600), 200);
    assert_eq!(native.camera_status(ID), "OnLine");
    assert_eq!(first.register(3600), 401);
}

#[test]
fn who_lacks_the_prefix_the_password_or_the_time_is_refused_as_ever() {
    let (server, native) = server(&Start::with_cameras());
    let known = "34020000001320000002";
    import(&native, &[record(known, OWN)]);
    open(&native, &["34020000"]);
    wait_for_answer(&mut ua(&server, ID, SHARED), 503);
    wait_for_pending(&native, &[ID]);
    let mut answer = ua(&server, ID, SHARED);
    let answer = answer.register(3600);
    assert_eq!((answer.status, answer.header("Retry-After")), (Some(503), Some("60")));
    // It may say nothing either.
    assert_eq!(ua(&server, ID, SHARED).keepalive().status, Some(403));

    let elsewhere = "44030000001320000001";
    for (id, password, why) in [
        ("34020000001320000003", "another-password", "unknown_id"),
        (elsewhere, SHARED, "unknown_id"),
        // One that is on record has a password of its own.
        (known, SHARED, "wrong_digest"),
    ] {
        assert_eq!(ua(&server, id, password).register(3600).status, Some(401), "{id}");
        assert!(native.refusals(id).contains_key(why), "{id}: {:?}", native.refusals(id));
    }
    assert_eq!(ua(&server, known, OWN).register(3600).status, Some(200));
    assert_eq!(pending(&native), [ID]);

    // It may be extended without the password, and closing forgets all.
    native.put(&target("enrolment"), &json!({"prefixes": ["4403"], "ends_in_days": 90}));
    wait_for_answer(&mut ua(&server, elsewhere, SHARED), 503);
    wait_for_pending(&native, &[ID, elsewhere]);
    let closed = native.call(&Method::DELETE, &target("enrolment"), &Value::Null);
    assert_eq!(closed.expect("an answer").status, 204);
    assert!(pending(&native).is_empty());
    wait_for_answer(&mut ua(&server, elsewhere, SHARED), 401);
    let shown = native.call(&Method::GET, &target("enrolment"), &Value::Null);
    let shown = shown.expect("an answer");
    assert_eq!((shown.status, &shown.body["code"]), (404, &json!("not_found")), "{}", shown.text);
}

#[test]
fn a_rejected_camera_is_off_the_list() {
    let (server, native) = server(&Start::with_cameras());
    open(&native, &["34"]);
    let second = "34030000001320000002";
    for id in [ID, second] {
        wait_for_answer(&mut ua(&server, id, SHARED), 503);
    }
    wait_for_pending(&native, &[ID, second]);
    let cli = Cli::new(&server);
    let reject = ["enrolment", "reject", "--project", PROJECT, "--all", "--prefix", "3402"];
    cli.run(&reject).ok();
    assert_eq!(pending(&native), [second]);
    let accept = ["enrolment", "accept", "--project", PROJECT, ID];
    cli.run(&accept).ended(1, "");
    let answer = native.post(&target("pending/reject"), &json!({"devices": [second, ID]}));
    assert_eq!(answer["rejected"], 1);
    // It comes again, and is not listed for a day.
    assert_eq!(ua(&server, ID, SHARED).register(3600).status, Some(503));
    assert!(pending(&native).is_empty());
    assert_eq!(devices(&native), 0);
}

#[test]
fn what_is_not_acceptable_is_refused_in_words() {
    let (server, native) = server(&Start::with_cameras());
    let refused = |method: &Method, rest: &str, body: Value, code: &str, why: &str| {
        let answer = native.call(method, &target(rest), &body).expect("an answer");
        let detail = answer.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(why), "{why}: {}", answer.text);
        let status = if code == "no_enrolment" { 409 } else { 400 };
        assert_eq!((answer.status, &answer.body["code"]), (status, &json!(code)));
    };
    let open = |body: Value, why: &str| refused(&Method::PUT, "enrolment", body, "invalid", why);
    open(json!({"password": SHARED, "prefixes": [], "ends_in_days": 1}), "prefixes");
    open(json!({"password": SHARED, "prefixes": ["34x"], "ends_in_days": 1}), "34x");
    open(json!({"password": SHARED, "prefixes": ["34"]}), "ends_at or ends_in_days");
    open(json!({"password": SHARED, "prefixes": ["34"], "ends_in_days": 91}), "90 days");
    open(json!({"password": SHARED, "prefixes": ["34"], "ends_at": "soon"}), "soon");
    open(json!({"password": "short", "prefixes": ["34"], "ends_in_days": 1}), "8 bytes");
    let kept = json!({"prefixes": ["34"], "ends_in_days": 1});
    refused(&Method::PUT, "enrolment", kept, "no_enrolment", "password");
    let accept = |body: Value, why: &str| {
        refused(&Method::POST, "pending/accept", body, "invalid", why);
    };
    accept(json!({}), "devices, or all");
    accept(json!({"all": true}), "generate");
    accept(json!({"all": true, "generate": true, "prefix": "x"}), "prefix");
    accept(json!({"devices": [], "all": true, "generate": true}), "devices goes with neither");
    let cli = Cli::new(&server);
    let open = ["enrolment", "open", "--project", PROJECT, "--prefix", "34", "--days", "14"];
    cli.run(&open).ended(5, "no enrolment password");
    cli.run(&["enrolment", "show", "--project", PROJECT]).ended(5, "no camera may enrol");
}
