//! One master key changed for another: what was sealed with the old one works on, wherever it was
//! broken off.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::cameras::{record, server};
use crate::harness::cli::Ran;
use crate::harness::cluster::{copy_keys, refused_start};
use crate::harness::iss::element;
use crate::harness::phones::PROJECT;
use crate::harness::server::Process;
use crate::harness::sip::{Line, Ua};
use crate::harness::site::import;
use crate::harness::{Cli, Iss, Key, PATIENCE, Postgres, Server, Start, tools, wait_for};

/// The camera of these tests, its password at first, and the one that takes its place.
const ID: &str = "34020000001320000001";
const FIRST: &str = "12345678";
const SECOND: &str = "87654321";

/// What opens a site's secrets besides.
struct Keys {
    project: Key,
    account: Key,
}

/// Makes keys, and a camera whose old password works beside the new one, on a server. Ends it.
fn fill(start: &Start) -> (Server, Keys) {
    let (server, native) = server(start);
    let keys = Keys { project: native.new_key(PROJECT, false), account: native.new_account_key() };
    native.with_optional_password();
    native.set_project(PROJECT, &json!({"password_overlap_seconds": 3_600}));
    import(&native, &[record(ID, FIRST)]);
    Iss::new(server.address(), &keys.project).set(ID, &[("Pwd", SECOND)]);
    assert_works(&server, &keys);
    assert!(server.terminate().success());
    (server, keys)
}

/// Asserts that what is sealed opens, and that the new password is known again.
#[track_caller]
fn assert_works(server: &Server, keys: &Keys) {
    assert_opens(server, keys);
    let native = server.native();
    let credentials = || native.device(ID)["camera"]["credentials"]["overlap_until"].clone();
    let before = credentials();
    Iss::new(server.address(), &keys.project).set(ID, &[("Pwd", SECOND)]);
    assert_eq!(credentials(), before, "the same password again changes nothing");
    assert_ne!(before, Value::Null);
}

/// Asserts that signatures by both keys are accepted, and that the camera registers with both of
/// its passwords.
#[track_caller]
fn assert_opens(server: &Server, keys: &Keys) {
    for key in [&keys.project, &keys.account] {
        assert_eq!(element(&Iss::new(server.address(), key).device(ID), "Gbid"), ID);
    }
    for password in [FIRST, SECOND] {
        let mut camera = Ua::new(ID, password, Line::udp(server.sip()));
        assert_eq!(camera.register(3600).status, Some(200), "{password}");
    }
}

/// Runs `fleetwright store rekey` to its end.
fn rekey(data: &Path, more: &[&str]) -> Ran {
    let data = data.to_string_lossy();
    let args = [&["store", "rekey", "--data-dir", &data], more].concat();
    Cli::at("http://127.0.0.1:9").run(&args)
}

/// The text of the master key in a data directory.
fn master_key(data: &Path) -> String {
    let path = data.join("master-key");
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn a_server_goes_on_under_another_key() {
    let start = Start::with_cameras();
    let (mut server, keys) = fill(&start);
    let (data, old) = (server.data(), master_key(&server.data()));
    server.restart(&start);
    rekey(&data, &[]).ended(1, "in use by another server");
    assert!(server.terminate().success());
    assert_eq!(master_key(&data), old, "nothing was changed");

    let kept = data.join("old-key");
    let ran = rekey(&data, &["--json", "--keep-old", &kept.to_string_lossy()]);
    let said: Value = serde_json::from_str(&ran.ok()).expect("JSON");
    let columns = said["columns"].as_array().expect("columns").iter();
    let counts: Vec<_> =
        columns.map(|one| (&one["column"], &one["values"], &one["lost"])).collect();
    let one = |column: &str, values: u64| (json!(column), json!(values), json!(0));
    // The project was made with a key.
    let expected = [
        one("sealed_secret", 3),
        one("sealed_password", 1),
        one("old_sealed_password", 1),
        // Enrolments and webhooks, of which there are none.
        one("sealed_password", 0),
        one("sealed_secret", 0),
    ];
    assert_eq!(counts, expected.iter().map(|(a, b, c)| (a, b, c)).collect::<Vec<_>>());
    assert_eq!(std::fs::read_to_string(&kept).expect("the old key"), old);
    assert_ne!(master_key(&data), old);
    assert!(!data.join("master-key.new").exists());

    server.restart(&start);
    assert!(!server.has_said("has not ended"), "there is nothing to warn of");
    assert_works(&server, &keys);
    assert!(server.terminate().success());

    // The old key opens nothing here any more, for a server or for the next change.
    let new = data.join("new-key");
    std::fs::rename(data.join("master-key"), &new).expect("move the key");
    std::fs::copy(&kept, data.join("master-key")).expect("bring the old key");
    let store = format!("sqlite:{}", data.join("fleetwright.db").display());
    let folder = TempDir::new().expect("a temporary folder");
    copy_keys(&data, &folder.path().join("data"));
    let words = refused_start(&folder, &store, "one", "");
    assert!(words.contains("is another master key than the one"), "{words}");
    rekey(&data, &[]).ended(1, "is another master key than the one");
    std::fs::rename(&new, data.join("master-key")).expect("bring the key back");
    // A file that holds something else is not written over.
    rekey(&data, &["--keep-old", &kept.to_string_lossy()]).ended(1, "is not the key that was");
    let ran = rekey(&data, &[]);
    assert!(ran.stderr.contains("The old key is gone"), "{ran:?}");
    assert!(ran.ok().contains("sealed_secret"));
    server.restart(&start);
    assert_works(&server, &keys);
}

#[test]
fn there_must_be_something_to_seal_again() {
    let folder = TempDir::new().expect("a temporary folder");
    rekey(folder.path(), &[]).ended(2, "has no master-key to change");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

/// Runs it until the process has passed so many points at which something is on disk, and kills it
/// there. Gives whether it ended first.
fn killed(data: &Path, store: Option<&str>, pass: u32) -> ControlFlow<()> {
    let mut command = Command::new(tools::fleetwright());
    command.args(["store", "rekey", "--data-dir"]).arg(data).stdout(Stdio::null());
    command.args(store.map(|store| ["--store", store]).into_iter().flatten());
    command.env("FLEETWRIGHT_FAULT_POINT", format!("after-commit:{pass}"));
    let process = Process::start(&mut command);
    wait_for("it to stand or to end", PATIENCE, || {
        if process.has_said("fault point after-commit") {
            process.kill9();
            return Some(ControlFlow::Continue(()));
        }
        process.status().map(|status| {
            assert!(status.success(), "{status}");
            ControlFlow::Break(())
        })
    })
}

/// A data directory in a folder of its own, as it is in another.
fn copied(data: &Path) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(data).arg(folder.path().join("data"));
    assert!(copy.status().is_ok_and(|status| status.success()), "{copy:?}");
    folder
}

#[test]
fn killed_anywhere_it_serves_and_goes_on() {
    let start = Start::with_cameras();
    let (filled, keys) = fill(&start);
    let old = master_key(&filled.data());
    let mut warned = 0;
    for pass in 1.. {
        let folder = copied(&filled.data());
        let data = folder.path().join("data");
        let ended = killed(&data, None, pass).is_break();
        let mut server = Server::start_in(folder, &start);
        warned += u32::from(server.has_said("a change of the master key has not ended"));
        assert_opens(&server, &keys);
        assert!(server.terminate().success());
        // What the server has sealed in between is found too.
        rekey(&data, &[]).ok();
        assert_ne!(master_key(&data), old, "pass {pass}");
        assert!(!data.join("master-key.new").exists(), "pass {pass}");
        server.restart(&start);
        assert_works(&server, &keys);
        if ended {
            // The new key, the mark, three columns, the host key, the end, the host key's file.
            assert_eq!((pass, warned), (10, 8), "every step was one to be killed at");
            return;
        }
    }
}

#[test]
fn nodes_start_again_with_the_new_key_alone() {
    let postgres = Postgres::start();
    let url = postgres.url();
    let node = |name: &str| Start {
        store: Some(url.clone()),
        node: Some(name.to_owned()),
        ..Start::with_cameras()
    };
    let (mut server, keys) = fill(&node("one"));
    let data = server.data();
    let other = TempDir::new().expect("a temporary folder");
    copy_keys(&data, &other.path().join("data"));
    let old = master_key(&data);

    server.restart(&node("one"));
    rekey(&data, &["--store", &url]).ended(1, "in use");
    let elsewhere = copied(&data);
    let ran = rekey(&elsewhere.path().join("data"), &["--store", &url]);
    ran.ended(1, "the store is in use");
    assert!(server.terminate().success());

    // Half-way, only who has both keys works.
    assert!(killed(&data, Some(&url), 3).is_continue());
    let words = refused_start(&other, &url, "two", "");
    assert!(words.contains("the store's master key is being changed"), "{words}");
    server.restart(&node("one"));
    assert_opens(&server, &keys);
    assert!(server.terminate().success());
    rekey(&data, &["--store", &url]).ok();
    assert_ne!(master_key(&data), old);
    let words = refused_start(&other, &url, "two", "");
    assert!(words.contains("is another master key than the one"), "{words}");
    copy_keys(&data, &other.path().join("data"));
    let two = Server::start_in(other, &node("two"));
    assert_works(&two, &keys);
}
