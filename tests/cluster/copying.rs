//! Growing from one machine to several: the store of a server on SQLite is copied to PostgreSQL,
//! and back.

use serde_json::{Value, json};

use crate::harness::cameras::record;
use crate::harness::cluster::{copy_keys, refused_start};
use crate::harness::phones::PROJECT;
use crate::harness::server::Process;
use crate::harness::site::import;
use crate::harness::{Cli, Cph, PATIENCE, Phones, Postgres, Server, Start, tools, wait_until};

const NAME: &str = "sys.prop.writephonenum";
const CAMERA: &str = "34020000001320000001";

/// Runs `fleetwright store copy`.
fn copy(from: &str, to: &str) -> crate::harness::cli::Ran {
    Cli::at("http://127.0.0.1:9").run(&["store", "copy", "--from", from, "--to", to])
}

#[test]
fn a_server_moves_to_postgresql_and_back() {
    let mut server = Server::start(&Start::default());
    let native = server.native();
    let key = native.new_project(PROJECT);
    let phones = Phones::start(Phones::of(8));
    import(&native, &phones.records());
    import(&native, &[record(CAMERA, "12345678")]);
    let cph = Cph::new(server.address(), &key);
    let jobs: Vec<String> = (0..8)
        .map(|phone| cph.update(&phones.id(phone), json!({NAME: format!("10{phone}")})))
        .collect();
    for job in &jobs {
        wait_until("a job's end", PATIENCE, || cph.job(job)["status"] == 2);
    }
    let sqlite = format!("sqlite:{}", server.data().join("fleetwright.db").display());
    let postgres = Postgres::start();

    // Not while it runs.
    let ran = copy(&sqlite, &postgres.url());
    assert_ne!(ran.status, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("in use") || ran.stderr.contains("running"), "{ran:?}");

    let before = picture(&server, &jobs);
    assert!(server.terminate().success());
    let ran = copy(&sqlite, &postgres.url());
    assert_eq!(ran.status, Some(0), "{ran:?}");
    // Again changes nothing.
    assert_eq!(copy(&sqlite, &postgres.url()).status, Some(0));

    let on_postgres =
        Start { store: Some(postgres.url()), node: Some("one".to_owned()), ..Start::default() };
    server.restart(&on_postgres);
    assert_eq!(picture(&server, &jobs), before);
    // It goes on where it was: the same key opens it, the same phones answer.
    let cph = Cph::new(server.address(), &key);
    let job = cph.update(&phones.id(0), json!({NAME: "2000"}));
    wait_until("a job's end", PATIENCE, || cph.job(&job)["status"] == 2);
    assert_eq!(phones.get(0, NAME).as_deref(), Some("2000"));
    assert!(server.terminate().success());

    // A store that has gone on is nothing to copy into.
    let ran = copy(&sqlite, &postgres.url());
    assert_ne!(ran.status, Some(0), "{ran:?}");

    let back = server.data().join("back.db");
    let back = format!("sqlite:{}", back.display());
    let ran = copy(&postgres.url(), &back);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    server.restart(&Start { store: Some(back), ..Start::default() });
    let cph = Cph::new(server.address(), &key);
    assert_eq!(cph.job(&job)["status"], 2);
    // The first phone has gone on, and all else is as it was.
    assert_eq!(picture(&server, &jobs).without(&phones.id(0)), before.without(&phones.id(0)));
    let phone = server.native().device(&phones.id(0));
    assert_eq!(phone["revision"], json!(2), "{phone}");
}

/// What clients and operators see of a store.
#[derive(Debug, PartialEq)]
struct Picture {
    devices: Vec<Value>,
    jobs: Vec<Value>,
}

impl Picture {
    /// The same but for one device.
    fn without(mut self, id: &str) -> Self {
        let count = self.devices.len();
        self.devices.retain(|device| device["id"] != id);
        assert_eq!(self.devices.len(), count - 1, "{id} is not there");
        self
    }
}

fn picture(server: &Server, jobs: &[String]) -> Picture {
    let native = server.native();
    let devices = native.get("/api/v1/devices?limit=1000")["devices"].clone();
    let devices = devices.as_array().expect("devices").clone();
    let devices = devices.into_iter().map(still).collect();
    Picture { devices, jobs: jobs.iter().map(|job| native.job(job)).collect() }
}

/// A device without what a look at it changes.
fn still(mut device: Value) -> Value {
    for moving in ["reported", "boot", "since", "camera"] {
        device.as_object_mut().expect("a device").remove(moving);
    }
    device
}

#[test]
fn a_copy_that_was_broken_off_is_taken_up_again() {
    /// So many that copying them takes far longer than a look at how many are there.
    const DEVICES: usize = 50_000;

    let server = Server::start(&Start::default());
    let native = server.native();
    native.new_project(PROJECT);
    let phones: Vec<Value> = (0..DEVICES)
        .map(|n| {
            json!({"kind": "phone", "project": PROJECT, "id": format!("phone{n:06}"),
            "name": "a phone", "profile": "simulated", "address": format!("192.0.2.1:{}", 1024 + n)})
        })
        .collect();
    import(&native, &phones);
    assert!(server.terminate().success());
    let sqlite = format!("sqlite:{}", server.data().join("fleetwright.db").display());
    let postgres = Postgres::start();
    let start = || {
        let mut command = std::process::Command::new(tools::fleetwright());
        command.args(["store", "copy", "--from", &sqlite, "--to", &postgres.url()]);
        Process::start(command.stdout(std::process::Stdio::null()))
    };
    let copied = || {
        let there = postgres.sql("SELECT to_regclass('device') IS NOT NULL");
        if there != "t" { 0 } else { postgres.sql("SELECT count(*) FROM device").parse().unwrap() }
    };
    let process = start();
    wait_until("some of it to be copied", PATIENCE, || copied() > 0);
    assert!(process.status().is_none(), "the copy was over before it could be broken off");
    process.kill9();
    println!("broken off after {} devices", copied());
    let folder = tempfile::tempdir().unwrap();
    copy_keys(&server.data(), &folder.path().join("data"));
    let said = refused_start(&folder, &postgres.url(), "node", "");
    assert!(said.contains("has not ended"), "it is only a part: {said}");
    let status = start().wait("the copy to end");
    assert!(status.success(), "{status}");
    assert_eq!(copied(), DEVICES);
}

#[test]
fn the_first_node_on_a_copy_needs_the_keys_that_it_was_sealed_with() {
    let server = Server::start(&Start::default());
    let native = server.native();
    let key = native.new_project(PROJECT);
    import(&native, &[record(CAMERA, "12345678")]);
    assert!(server.terminate().success());
    let sqlite = format!("sqlite:{}", server.data().join("fleetwright.db").display());
    let postgres = Postgres::start();
    assert_eq!(copy(&sqlite, &postgres.url()).status, Some(0));

    let stranger = Server::start(&Start::default());
    let refused = |keys: &Server, files: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        copy_keys(&keys.data(), &data);
        for file in files {
            std::fs::copy(keys.data().join(file), data.join(file)).unwrap();
        }
        refused_start(&folder, &postgres.url(), "first", "")
    };
    let said = refused(&stranger, &["adb-host-key"]);
    assert!(said.contains("another master key"), "{said}");
    // The copy of an older store knows no key: what is sealed in it tells.
    postgres.sql("DELETE FROM setting WHERE name IN ('master-key-check', 'adb-host-key')");
    let said = refused(&stranger, &["adb-host-key"]);
    assert!(said.contains("another master key"), "{said}");
    // Nor does it get another key for phones than the one that they know.
    let said = refused(&server, &[]);
    assert!(said.contains("adb-host-key is missing"), "{said}");
    let kept = postgres.sql("SELECT count(*) FROM setting WHERE name LIKE '%key%'");
    assert_eq!(kept, "0", "a start that was refused has left its key");

    let mut server = server;
    let store = Some(postgres.url());
    server.restart(&Start { store, node: Some("first".to_owned()), ..Start::default() });
    // What the key has sealed opens: a signature of the client's is checked with it.
    let phones = format!("/v1/{PROJECT}/cloud-phone/phones");
    let answer = Cph::new(server.address(), &key).call(&http::Method::GET, &phones, &[]);
    assert_eq!(answer.expect("an answer").status, 200);
}
