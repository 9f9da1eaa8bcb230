//! `device explain`: who asked for a value and how it is known to hold, and why one does not.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::cameras;
use crate::harness::iss::element;
use crate::harness::phones::{Faults, PROJECT};
use crate::harness::{Cameras, Cli, Iss, PATIENCE, Phones, Site, Start, wait_for, wait_until};

const NAME: &str = "sys.prop.writephonenum";

/// A site of two phones.
fn site() -> Site {
    Site::start(&Start::default(), Phones::of(2).boot(Duration::ZERO))
}

/// What is said of a phone.
fn explained(site: &Site, index: usize) -> Value {
    site.native().get(&format!("/api/v1/devices/{}/explain", site.phones.id(index)))
}

/// What is said of one value.
#[track_caller]
fn value<'a>(explained: &'a Value, name: &str) -> &'a Value {
    let mut values = explained["values"].as_array().expect("values").iter();
    values.find(|value| value["name"] == name).unwrap_or_else(|| panic!("{name}: {explained}"))
}

/// The codes of some reasons.
fn codes(of: &Value) -> Vec<&str> {
    let reasons = of["reasons"].as_array().unwrap_or_else(|| panic!("{of}"));
    reasons.iter().map(|reason| reason["code"].as_str().expect("a code")).collect()
}

/// Waits until the reasons of a value are these, and gives what is said of the device.
fn until_value_is(site: &Site, index: usize, expected: &[&str]) -> Value {
    wait_for(&format!("{NAME} to be {expected:?}"), 2 * PATIENCE, || {
        let explained = explained(site, index);
        (codes(value(&explained, NAME)) == expected).then_some(explained)
    })
}

#[test]
fn a_value_that_holds_names_its_update_its_door_and_who_asked() {
    let site = site();
    let phone = site.phones.id(0);
    let job = site.cph().update(&phone, json!({NAME: "1"}));
    site.native().succeeded(&job);
    let first = explained(&site, 0);
    let one = value(&first, NAME);
    assert_eq!(codes(&first), [""; 0]);
    assert_eq!((&one["state"], &one["desired"]), (&json!("shown"), &json!("1")), "{one}");
    let asked = &one["asked"];
    assert_eq!((&asked["door"], &asked["actor"]), (&json!("cph"), &json!(site.key.ak)), "{asked}");
    assert_eq!((&asked["job"], &asked["proof"]), (&json!(job), &json!("verified")), "{asked}");
    let known = site.native().job(&job);
    assert_eq!(asked["update"], known["request"]);
    assert_eq!(asked["accepted_at"], known["accepted_at"]);
    assert_eq!(one["shown"]["value"], "1");
    assert!(one["route"].as_str().expect("a route").contains("read by getprop"), "{one}");

    let second = site.native().ask(&phone, &json!({NAME: "2"}));
    site.native().succeeded(&second);
    let later = explained(&site, 0);
    let one = value(&later, NAME);
    assert_eq!(one["before"], json!({"desired": "1", "shown": "1"}));
    assert_eq!(
        (&one["asked"]["door"], &one["asked"]["actor"]),
        (&json!("native"), &json!("admin"))
    );
    assert!(one["revision"].as_i64() > value(&first, NAME)["revision"].as_i64());

    let cli = Cli::new(&site.server);
    let page = cli.run(&["device", "explain", &phone, "--property", "phone_num"]).ok();
    assert!(page.contains(&format!("\n{NAME}\n")), "by an alias: {page}");
    assert!(page.contains("admin (native)") && page.contains("succeeded, verified"), "{page}");
    let none = cli.run(&["device", "explain", &phone, "--property", "com.cph.mainkeys", "--json"]);
    let none: Value = serde_json::from_str(&none.ok()).expect("JSON");
    let none = value(&none, "com.cph.mainkeys").clone();
    assert_eq!((&none["state"], &none["asked"]), (&Value::Null, &Value::Null));
    assert_eq!(none["asked_unknown"], "nothing is asked of it");
    cli.run(&["device", "explain", &phone, "--property", "no such"])
        .ended(5, "there is no such property");
}

#[test]
fn a_value_that_is_refused_says_so_first() {
    let site = site();
    let refuse_set = BTreeSet::from([NAME.to_owned()]);
    site.phones.set_faults(0, Faults { refuse_set, ..Faults::default() });
    let set = json!({NAME: "1", "sys.prop.writeimsi": "460001234567890"});
    let job = site.native().ask(&site.phones.id(0), &set);
    assert_eq!(site.native().ended(&job)["state"], "failed");
    let explained = until_value_is(&site, 0, &["refused"]);
    assert_eq!(explained["values"][0]["name"], NAME, "what is wrong comes first");
    let one = value(&explained, NAME);
    assert_eq!((&one["asked"]["job"], &one["asked"]["state"]), (&json!(job), &json!("failed")));
    let to_do = one["reasons"][0]["what_to_do"].as_str().expect("a sentence");
    assert!(to_do.contains(&format!("fleetwright device check {}", site.phones.id(0))), "{to_do}");
    let page = Cli::new(&site.server).run(&["device", "explain", &site.phones.id(0)]).ok();
    assert!(page.contains("(refused)") && page.contains("what to do"), "{page}");
}

#[test]
fn a_phone_that_does_not_answer_lets_its_values_wait() {
    let site = site();
    site.phones.power_off(0);
    let job = site.native().ask(&site.phones.id(0), &json!({NAME: "1"}));
    let away = until_value_is(&site, 0, &["waits"]);
    assert_eq!(codes(&away), ["unreachable"]);
    let one = value(&away, NAME);
    assert_eq!((&one["state"], &one["asked"]["job"]), (&json!("pending"), &json!(job)));
    assert_eq!(one["asked"]["state"], "waiting_for_device");
    site.phones.power_on(0);
    site.native().succeeded(&job);
    let back = until_value_is(&site, 0, &[]);
    assert_eq!(codes(&back), [""; 0]);
}

#[test]
fn what_is_frozen_paused_or_changed_by_hand_is_told() {
    let site = site();
    let (native, cli) = (site.native(), Cli::new(&site.server));
    let phone = site.phones.id(0);
    native.succeeded(&native.ask(&phone, &json!({NAME: "1"})));
    cli.run(&["device", "freeze", &phone]).ok();
    let frozen = explained(&site, 0);
    assert_eq!(codes(&frozen), ["frozen"]);
    assert_eq!(codes(value(&frozen, NAME)), [""; 0], "the value holds");
    let to_do = frozen["reasons"][0]["what_to_do"].as_str().expect("a sentence");
    assert!(to_do.contains(&format!("fleetwright device unfreeze {phone}")), "{to_do}");
    cli.run(&["device", "unfreeze", &phone]).ok();

    cli.run(&["pause", "--project", PROJECT]).ok();
    native.ask(&phone, &json!({NAME: "2"}));
    let paused = explained(&site, 0);
    assert_eq!(codes(&paused), ["project_paused"]);
    assert_eq!(codes(value(&paused, NAME)), ["waits"]);
    assert_eq!(codes(&explained(&site, 1)), ["project_paused"], "all of its devices");
    cli.run(&["pause"]).ok();
    assert_eq!(codes(&explained(&site, 0)), ["server_paused", "project_paused"]);
    cli.run(&["resume"]).ok();
    cli.run(&["resume", "--project", PROJECT]).ok();
    let going = until_value_is(&site, 0, &[]);
    assert_eq!((codes(&going), &value(&going, NAME)["desired"]), (vec![], &json!("2")));

    // The sweep finds what somebody with the phone in his hand did.
    site.phones.set(0, NAME, "7");
    let drifted = until_value_is(&site, 0, &["drift"]);
    let one = value(&drifted, NAME);
    assert_eq!((&one["state"], &one["shown"]["value"]), (&json!("drift"), &json!("7")), "{one}");
}

#[test]
fn a_cameras_records_and_its_name_say_who_set_them_and_passwords_are_never_shown() {
    let (server, native) = cameras::server(&Start { cameras: true, ..Start::default() });
    native.with_optional_password();
    native.set_project(PROJECT, &json!({"password_overlap_seconds": 600}));
    let key = native.new_key(PROJECT, false);
    let iss = Iss::new(server.address(), &key);
    let cameras = Cameras::meet(Cameras::of(1, server.sip()), &native);
    let id = cameras.ids()[0].clone();
    let explained = || native.get(&format!("/api/v1/devices/{id}/explain"));

    let answer = iss.set(&id, &[("Name", "东门"), ("Desc", "描述")]);
    let jobs = native.get(&format!("/api/v1/updates/{}/jobs", element(&answer, "RequestId")));
    native.succeeded(jobs["jobs"][0]["id"].as_str().expect("a job"));
    let first = explained();
    for name in ["Name", "Desc"] {
        let asked = &value(&first, name)["asked"];
        assert_eq!((&asked["door"], &asked["actor"]), (&json!("iss"), &json!(key.ak)), "{asked}");
        assert_eq!(asked["job"], jobs["jobs"][0]["id"], "{asked}");
    }
    assert_eq!(value(&first, "Name")["desired"], "东门");
    assert_eq!(value(&first, "Desc")["state"], "recorded");
    assert_eq!(codes(&first), [""; 0], "{first}");

    let later = native.ask(&id, &json!({"Desc": "别的"}));
    iss.set(&id, &[("Pwd", "97531086")]);
    let second = explained();
    assert_eq!(value(&second, "Desc")["asked"]["job"], later, "the latest that named it");
    assert_eq!(value(&second, "Desc")["before"]["desired"], "描述");
    let password = value(&second, "Pwd");
    assert_eq!((&password["desired"], &password["asked"]["door"]), (&Value::Null, &json!("iss")));
    assert_eq!(codes(password), ["credentials_not_used"]);
    assert!(!second.to_string().contains("97531086"), "a password is shown");
    cameras.register(&id);
    wait_until("the old password to be seen", PATIENCE, || {
        codes(value(&explained(), "Pwd")) == ["old_credentials"]
    });

    cameras.unregister(&id);
    native.wait_for_status(&id, "OffLine");
    let gone = explained();
    assert_eq!(codes(&gone), ["not_registered"], "{gone}");
}
