//! Phones found at addresses: a preview that changes nothing, what is recorded, and a second look
//! that finds nothing new.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::harness::phones::{Faults, PROJECT};
use crate::harness::{Cli, PATIENCE, Phones, Server, Start, wait_until};

/// A server with a project, and phones that it does not know.
struct Ground {
    server: Server,
    phones: Phones,
}

impl Ground {
    fn new(count: usize) -> Self {
        let phones = Phones::start(Phones::of(count));
        let server = Server::start(&Start::default());
        server.native().new_project(PROJECT);
        Self { server, phones }
    }

    /// `device discover` with these arguments: what was found, by address.
    fn discover(&self, args: &[&str]) -> Vec<Value> {
        let common =
            ["device", "discover", "--project", PROJECT, "--profile", "simulated", "--json"];
        let ran = Cli::new(&self.server).run(&[&common[..], args].concat());
        let answer: Value = serde_json::from_str(&ran.ok()).expect("JSON");
        answer["found"].as_array().expect("found").clone()
    }

    /// All devices.
    fn devices(&self) -> Vec<Value> {
        let list = self.server.native().get("/api/v1/devices?limit=1000");
        list["devices"].as_array().expect("devices").clone()
    }

    /// Waits until the server has met all devices.
    fn met(&self) {
        wait_until("all devices to run", PATIENCE, || {
            self.devices().iter().all(|device| device["condition"] == "running")
        });
    }

    /// One `host:port` for all phones, whose ports are not in a row.
    fn ranges(&self) -> Vec<String> {
        (0..self.phones.count()).map(|i| format!("127.0.0.1:[{0}-{0}]", self.port(i))).collect()
    }

    fn port(&self, index: usize) -> u16 {
        self.phones.address(index).port()
    }
}

/// How often each thing was found.
fn counts(found: &[Value], what: &str) -> usize {
    found.iter().filter(|found| found["what"] == what).count()
}

#[test]
fn ranges_are_previewed_applied_and_looked_at_again() {
    let ground = Ground::new(3);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody: SocketAddr = nobody.local_addr().expect("an address");
    let mut ranges = ground.ranges();
    ranges.push(nobody.to_string());
    let mut args: Vec<&str> = ranges.iter().flat_map(|range| ["--range", range.as_str()]).collect();

    let preview = ground.discover(&args);
    assert_eq!((counts(&preview, "new"), counts(&preview, "unreachable")), (3, 1), "{preview:?}");
    assert!(ground.devices().is_empty(), "a preview has recorded something");
    assert!((0..3).all(|i| ground.phones.get(i, "persist.fleetwright.id").is_none()));

    args.extend(["--server", "rack-1", "--apply"]);
    let applied = ground.discover(&args);
    assert_eq!(counts(&applied, "new"), 3, "{applied:?}");
    ground.met();
    let devices = ground.devices();
    assert_eq!(devices.len(), 3);
    for (index, device) in devices.iter().enumerate() {
        assert_eq!(device["server"], "rack-1", "{index}: {device}");
    }

    let again = ground.discover(&args);
    assert_eq!((counts(&again, "known"), counts(&again, "new")), (3, 0), "{again:?}");
    assert_eq!(ground.devices().len(), 3, "a second look has made duplicates");
}

#[test]
fn a_phone_that_moved_is_known_by_its_marker() {
    let ground = Ground::new(3);
    let ranges = ground.ranges();
    let mut args: Vec<&str> = ranges.iter().flat_map(|range| ["--range", range.as_str()]).collect();
    args.push("--apply");
    let applied = ground.discover(&args);
    ground.met();
    let at = |address: SocketAddr, found: &[Value]| {
        let of = found.iter().find(|found| found["address"] == address.to_string());
        of.unwrap_or_else(|| panic!("{address}: {found:?}")).clone()
    };
    let (first, second) = (ground.phones.address(0), ground.phones.address(1));
    let id = at(first, &applied)["id"].clone();
    ground.phones.swap(0, second);

    // Each is found where the other was, by what it bears.
    args.pop();
    let preview = ground.discover(&args);
    let moved = at(second, &preview);
    assert_eq!((&moved["what"], &moved["id"]), (&json!("moved"), &id), "{moved}");
    assert_eq!(moved["from"], first.to_string(), "{moved}");
    let recorded = |id: &Value| {
        let id = id.as_str().expect("an id");
        ground.server.native().device(id)["address"].clone()
    };
    assert_eq!(recorded(&id), first.to_string(), "a preview has moved a record");

    args.push("--apply");
    let applied = ground.discover(&args);
    assert_eq!(counts(&applied, "moved"), 2, "{applied:?}");
    assert_eq!(recorded(&id), second.to_string());
    wait_until("no trouble to be left", PATIENCE, || {
        ground.devices().iter().all(|device| device["trouble"].is_null())
    });
    assert_eq!(ground.devices().len(), 3, "a move has made duplicates");
    assert_eq!(counts(&ground.discover(&args), "known"), 3);
}

#[test]
fn what_docker_prints_is_read_in_both_forms() {
    let ground = Ground::new(3);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let table = folder.path().join("docker-ps.txt");
    let [one, two, three] = [0, 1, 2].map(|index| ground.port(index));
    let row = |name: &str, image: &str, ports: &str| {
        let command = "\"/init qemu=1\"";
        format!(
            "{:<15}{image:<26}{command:<18}{:<14}{:<13}{ports:<50}{name}\n",
            "0a1b2c3d4e5f", "2 hours ago", "Up 2 hours"
        )
    };
    let text = [
        format!(
            "{:<15}{:<26}{:<18}{:<14}{:<13}{:<50}NAMES\n",
            "CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS"
        ),
        row(
            "phone-a",
            "redroid/redroid:12.0.0",
            &format!("0.0.0.0:{one}->5555/tcp, [::]:{one}->5555/tcp"),
        ),
        row("phone-b", "redroid/redroid:12.0.0", &format!("127.0.0.1:{two}->5555/tcp")),
        row("web", "nginx:1", "0.0.0.0:8080->80/tcp"),
    ]
    .concat();
    std::fs::write(&table, text).expect("write");
    let table = table.to_string_lossy();
    let host = ["--host", "127.0.0.1", "--server", "rack-2", "--apply"];
    let found = ground.discover(&[&["--docker-ps", &*table][..], &host].concat());
    assert_eq!(counts(&found, "new"), 2, "{found:?}");
    ground.met();
    let containers: Vec<Value> =
        ground.devices().iter().map(|device| device["container"].clone()).collect();
    assert!(containers.contains(&json!("phone-a")) && containers.contains(&json!("phone-b")));

    let json_file = folder.path().join("docker-ps.json");
    let line = |name: &str, port: u16| {
        let ports = format!("0.0.0.0:{port}->5555/tcp");
        json!({"ID": "0a1b2c3d4e5f", "Image": "redroid", "Names": name, "Ports": ports}).to_string()
    };
    let lines = [line("phone-a", one), line("phone-b", two), line("phone-c", three)].join("\n");
    std::fs::write(&json_file, lines).expect("write");
    let json_file = json_file.to_string_lossy();
    let found = ground.discover(&[&["--docker-ps", &*json_file][..], &host].concat());
    assert_eq!((counts(&found, "known"), counts(&found, "new")), (2, 1), "{found:?}");
    assert_eq!(ground.devices().len(), 3);
}

#[test]
fn who_can_not_be_spoken_to_is_named_and_not_recorded() {
    let ground = Ground::new(2);
    ground.phones.set_faults(0, Faults { hang_up: true, ..Faults::default() });
    let ranges = ground.ranges();
    let mut args: Vec<&str> = ranges.iter().flat_map(|range| ["--range", range.as_str()]).collect();
    args.push("--apply");
    let found = ground.discover(&args);
    assert_eq!((counts(&found, "unreachable"), counts(&found, "new")), (1, 1), "{found:?}");
    let dead = found.iter().find(|found| found["what"] == "unreachable").expect("one");
    assert!(dead["why"].as_str().is_some_and(|why| !why.is_empty()), "{dead}");
    assert_eq!(ground.devices().len(), 1);

    // A phone that bears a marker of nobody's here is left alone.
    ground.phones.set_faults(0, Faults::default());
    ground.phones.set(0, "persist.fleetwright.id", "another-server's");
    let found = ground.discover(&args);
    assert_eq!(counts(&found, "foreign"), 1, "{found:?}");
    assert_eq!(ground.devices().len(), 1);
}
