//! `User` and `Pwd`: enforced from the next REGISTER on, refreshes included, and, where the project
//! says so, beside the old ones for a while.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::cameras::{record, server};
use crate::harness::iss::{element, failed};
use crate::harness::phones::PROJECT;
use crate::harness::sip::{Line, Ua};
use crate::harness::site::import;
use crate::harness::{Cameras, Iss, Native, PATIENCE, Server, Start, Stopwatch, wait_until};

/// The camera of these tests, and its password at first.
const ID: &str = "34020000001320000001";
const FIRST: &str = "12345678";

/// How long old ones go on working where they do, in seconds: long enough for all that is tried
/// within it on a busy machine.
const OVERLAP: u64 = 12;

/// A server with one camera on record, a client of the door, and the camera, registered.
fn site() -> (Server, Native, Iss, Ua) {
    let (server, native) = server(&Start::with_cameras());
    native.with_optional_password();
    import(&native, &[record(ID, FIRST)]);
    let key = native.new_key(PROJECT, false);
    let iss = Iss::new(server.address(), &key);
    let mut camera = Ua::new(ID, FIRST, Line::udp(server.sip()));
    assert_eq!(camera.register(3600).status, Some(200));
    native.wait_for_status(ID, "OnLine");
    (server, native, iss, camera)
}

/// What the native door says of the camera's credentials.
fn credentials(native: &Native) -> Value {
    native.device(ID)["camera"]["credentials"].clone()
}

/// Waits until it is known which pair the camera uses: a binding is written down within seconds.
#[track_caller]
fn wait_for_use(native: &Native, pair: &str) {
    wait_until(&format!("{pair} to be in use"), PATIENCE, || credentials(native)["in_use"] == pair);
}

/// The status of a registration with this user name and password.
#[track_caller]
fn register(camera: &mut Ua, user: &str, password: &str) -> Option<u16> {
    user.clone_into(&mut camera.user);
    password.clone_into(&mut camera.password);
    camera.register(3600).status
}

#[test]
fn a_new_user_name_is_required_and_the_old_one_refused() {
    let (_server, native, iss, mut camera) = site();
    let answer = iss.set(ID, &[("User", "管理员-1")]);
    assert_eq!((element(&answer, "User"), element(&answer, "Pwd")), ("管理员-1", FIRST));
    assert_eq!(register(&mut camera, ID, FIRST), Some(401), "the old user name");
    assert_eq!(native.refusals(ID).get("wrong_user"), Some(&1), "{:?}", native.refusals(ID));
    assert_eq!(register(&mut camera, "管理员-1", "87654321"), Some(401), "another password");
    assert_eq!(register(&mut camera, "管理员-1", FIRST), Some(200));
    native.wait_for_status(ID, "OnLine");
    assert_eq!(native.device(ID)["camera"]["user"], "管理员-1");
    wait_for_use(&native, "current");
    // Back to the id, which is a user name like any other.
    iss.set(ID, &[("User", ID)]);
    assert_eq!(register(&mut camera, "管理员-1", FIRST), Some(401));
    assert_eq!(register(&mut camera, ID, FIRST), Some(200));
}

#[test]
fn a_new_password_is_enforced_at_the_very_next_refresh() {
    let (_server, native, iss, mut camera) = site();
    let answer = iss.set(ID, &[("Pwd", "87654321")]);
    assert_eq!(element(&answer, "Pwd"), "87654321");
    assert_eq!(register(&mut camera, ID, FIRST), Some(401), "a refresh with the old one");
    assert_eq!(native.refusals(ID).get("wrong_digest"), Some(&1), "{:?}", native.refusals(ID));
    assert_eq!(register(&mut camera, ID, "87654321"), Some(200));
    native.wait_for_status(ID, "OnLine");
    wait_for_use(&native, "current");
    // The job ended with the answer, and never says the password.
    let jobs = native.get(&format!("/api/v1/updates/{}/jobs", element(&answer, "RequestId")));
    let job = &jobs["jobs"][0];
    assert_eq!((&job["state"], &job["record"]["Pwd"]), (&json!("succeeded"), &json!("changed")));
    assert!(!jobs.to_string().contains("87654321"), "{jobs}");
    // A refused one changes nothing, and the answer never shows it.
    let long = "9753".repeat(17);
    let refused = iss.update(&[crate::harness::iss::entry(ID, &[("Pwd", &long)])]);
    assert!(failed(&refused)[0].1.starts_with("InvalidPwd: ") && !refused.contains("97539753"));
    assert_eq!(register(&mut camera, ID, "87654321"), Some(200));
}

#[test]
fn the_same_again_changes_nothing() {
    let (_server, native, iss, mut camera) = site();
    native.set_project(PROJECT, &json!({"password_overlap_seconds": 60}));
    let before = native.device(ID);
    let answer = iss.set(ID, &[("Pwd", FIRST), ("User", ID)]);
    assert_eq!(element(&answer, "Pwd"), FIRST);
    let after = native.device(ID);
    assert_eq!(after["camera"]["credentials"], before["camera"]["credentials"]);
    assert_eq!(after["camera"]["status"], "OnLine");
    assert_eq!(after["camera"]["credentials"]["overlap_until"], Value::Null);
    assert_eq!(register(&mut camera, ID, FIRST), Some(200));
}

#[test]
fn with_an_overlap_both_work_until_its_end() {
    let (server, native, iss, mut camera) = site();
    native.set_project(PROJECT, &json!({"password_overlap_seconds": OVERLAP}));
    let watch = Stopwatch::start();
    iss.set(ID, &[("Pwd", "87654321"), ("User", "admin")]);
    // The overlap began between these two.
    let set = Stopwatch::start();
    let overlap = Duration::from_secs(OVERLAP);
    assert_eq!(credentials(&native)["in_use"], "not_renewed");
    assert_eq!(register(&mut camera, ID, FIRST), Some(200), "the old pair");
    wait_for_use(&native, "old");
    assert_eq!(native.device(ID)["camera"]["status"], "OnLine");
    assert_eq!(register(&mut camera, "admin", "87654321"), Some(200), "the new pair");
    wait_for_use(&native, "current");
    // Neither half of the one pair goes with the other's.
    assert_eq!(register(&mut camera, ID, "87654321"), Some(401), "old user, new password");
    assert_eq!(register(&mut camera, "admin", FIRST), Some(401), "new user, old password");
    assert_eq!(register(&mut camera, ID, FIRST), Some(200), "the old pair again");
    assert!(watch.elapsed() < overlap, "the machine was too slow for this test to mean anything");

    let mut last = set.elapsed();
    wait_until("the old pair to be refused", PATIENCE, || {
        let at = set.elapsed();
        let status = register(&mut camera, ID, FIRST);
        if status == Some(200) {
            last = at;
        }
        status == Some(401)
    });
    // Whoever asked to refresh a moment before the end was let in.
    assert!(last < overlap + Duration::from_secs(1), "still let in {last:?} after the change");
    assert!(watch.elapsed() >= overlap, "refused {:?} after the change", watch.elapsed());
    assert_eq!(register(&mut camera, "admin", "87654321"), Some(200), "the new pair, after it");
    let mut other = Ua::new(ID, FIRST, Line::tcp(server.sip()));
    assert_eq!(other.register(3600).status, Some(401), "the old pair from elsewhere");
}

#[test]
fn a_second_change_ends_the_overlap_of_the_pair_before_the_last() {
    let (_server, native, iss, mut camera) = site();
    native.set_project(PROJECT, &json!({"password_overlap_seconds": 600}));
    iss.set(ID, &[("Pwd", "second-1")]);
    iss.set(ID, &[("Pwd", "third--1")]);
    assert_eq!(register(&mut camera, ID, FIRST), Some(401), "the one before the last");
    assert_eq!(register(&mut camera, ID, "second-1"), Some(200));
    assert_eq!(register(&mut camera, ID, "third--1"), Some(200));
}

#[test]
fn a_camera_whose_installer_follows_is_back_by_itself() {
    let (server, native) = server(&Start::with_cameras());
    native.with_optional_password();
    let iss = Iss::new(server.address(), &native.new_key(PROJECT, false));
    let cameras = Cameras::meet(Cameras::of(1, server.sip()), &native);
    let id = cameras.ids()[0].clone();
    let before = cameras.held(&id).counts.registrations;
    let answer = iss.set(&id, &[("Pwd", "97531086"), ("Name", "新名")]);
    // A setting that finds the camera in the middle of a registration goes unanswered, and is not
    // sent twice: the name comes first.
    let jobs = native.get(&format!("/api/v1/updates/{}/jobs", element(&answer, "RequestId")));
    native.succeeded(jobs["jobs"][0]["id"].as_str().unwrap_or_else(|| panic!("{jobs}")));
    assert_eq!(cameras.held(&id).name, "新名");
    cameras.register(&id);
    wait_until("it to be refused", PATIENCE, || native.refusals(&id).contains_key("wrong_digest"));
    assert_eq!(cameras.held(&id).counts.registrations, before);
    cameras.set_password(&id, "97531086");
    cameras.wait_for_registration(&id, before);
    native.wait_for_status(&id, "OnLine");
}
