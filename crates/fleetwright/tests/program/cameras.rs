//! Cameras: imported, listed, asked for values, refused.

use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{Running, fleetwright, run, until};
use crate::server::Server;

/// A camera, a recorder, and a channel of that.
pub const CAMERA: &str = "34020000001320000001";
pub const RECORDER: &str = "34020000001180000002";
pub const CHANNEL: &str = "34020000001310000001";

/// A server with the project `acme` where cameras may register.
pub fn server(directory: &Path) -> Server {
    let server = Server::start_with(directory, &["--sip", "127.0.0.1:0"]);
    server.ok(&["project", "create", "Acme", "--id", "acme"]);
    server
}

/// Writes a file and gives its path.
pub fn write(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Imports the camera and the recorder.
pub fn import(server: &Server, directory: &Path) {
    let list = json!([
        {"kind": "camera", "project": "acme", "id": CAMERA, "name": "东门", "password": "pass-1"},
        {"kind": "camera", "project": "acme", "id": RECORDER, "name": "yard", "user": "nvr",
            "channels": [{"id": CHANNEL, "name": "gate"}]},
    ]);
    let file = write(directory, "cameras.json", &format!("{list:#}"));
    assert_eq!(server.ok(&["device", "import", &file]), "imported 2 devices: 2 new, 0 known\n");
}

#[test]
fn cameras_are_imported_listed_and_shown() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path());
    assert!(server.sip.starts_with("127.0.0.1:") && !server.sip.ends_with(":0"), "{}", server.sip);
    import(&server, directory.path());
    let listed = server.ok(&["device", "list", "--kind", "camera"]);
    let line = listed.lines().find(|line| line.starts_with(CAMERA)).unwrap();
    assert!(line.contains("Register") && line.contains("东门"), "{listed}");
    let line = listed.lines().find(|line| line.starts_with(RECORDER)).unwrap();
    assert!(line.contains("has no password"), "{listed}");
    let phones = server.json(&["device", "list", "--kind", "phone"]);
    assert_eq!(phones["devices"], json!([]));
    let shown = server.ok(&["device", "show", RECORDER]);
    for word in ["nvr", "yard", "none: it can't register", "1; see fleetwright device channels"] {
        assert!(shown.contains(word), "{word} is not in {shown}");
    }
    assert!(server.ok(&["device", "show", CAMERA]).contains("on record"));
    let channels = server.ok(&["device", "channels", RECORDER]);
    assert!(channels.contains(CHANNEL) && channels.contains("gate"), "{channels}");
    let channels = server.json(&["device", "channels", RECORDER]);
    assert_eq!(channels["channels"][0]["name"], "gate");
    assert!(!server.running.stderr().contains("pass-1"), "a password is in the log");

    let bad = json!({"kind": "camera", "project": "acme", "id": "3402", "name": "x"}).to_string();
    let file = write(directory.path(), "bad.jsonl", &bad);
    let refused = server.run(&["device", "import", &file]);
    assert_eq!(refused.status, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("bad.jsonl:1 "), "{}", refused.stderr);
    assert!(refused.stderr.contains("\"3402\" is not 20 digits"), "{}", refused.stderr);
}

#[test]
fn an_update_waits_for_a_camera_that_is_not_there_and_its_wait_ends_first() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path());
    import(&server, directory.path());
    let made =
        server.json(&["update", "--project", "acme", "--device", CAMERA, "--set", "Name=Gate"]);
    let id = made["id"].as_str().unwrap();
    assert!(made["jobs"][0]["job"].is_string(), "{made}");
    let shown = server.json(&["update", "show", id]);
    assert_eq!((&shown["jobs"]["total"], &shown["jobs"]["succeeded"]), (&json!(1), &json!(0)));
    let words = server.ok(&["update", "show", id]);
    assert!(words.contains(id) && words.contains("acme"), "{words}");
    let jobs = server.json(&["update", "jobs", id]);
    assert_eq!(jobs["jobs"][0]["patch"]["Name"], "Gate");

    let waited = server.run(&[
        "update",
        "--project",
        "acme",
        "--device",
        CAMERA,
        "--set",
        "Name=Gate 2",
        "--wait",
        "300ms",
        "--json",
    ]);
    assert_eq!(waited.status, 3, "{}", waited.stderr);
    let answer: Value = serde_json::from_str(&waited.stdout).unwrap();
    assert_eq!(answer["jobs"]["succeeded"], 0, "the update as it stands: {answer}");
    assert!(waited.stderr.contains("jobs are open"), "{}", waited.stderr);
    assert_eq!(server.json(&["device", "show", CAMERA])["name"], "Gate 2");
    let unknown = server.run(&["update", "show", "019a7c6e4b3d7a1c8e5f000000000000"]);
    assert_eq!(unknown.status, 5, "{}", unknown.stderr);
}

#[test]
fn what_is_refused_of_an_update_is_named_and_the_rest_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path());
    import(&server, directory.path());
    let file = format!(
        "{{\"id\":\"{CAMERA}\",\"set\":{{\"Name\":\"East\"}}}}\n\
         {{\"id\":\"{RECORDER}\",\"set\":{{\"Channel.{CHANNEL}.Name\":\"Gate 7\"}}}}\n\
         {{\"id\":\"34020000001320000009\"}}\n"
    );
    let file = write(directory.path(), "names.jsonl", &file);
    let args = ["update", "--project", "acme", "--file", &file, "--set", "Name=All"];
    let made = server.run(&args);
    assert_eq!(made.status, 1, "{}", made.stderr);
    assert!(made.stderr.contains("1 of 3 devices were refused"), "{}", made.stderr);
    let line = made.stdout.lines().find(|line| line.starts_with("34020000001320000009")).unwrap();
    assert!(line.contains("no such"), "{}", made.stdout);
    assert!(made.stdout.contains("2 of 3"), "{}", made.stdout);
    assert_eq!(server.json(&["device", "show", CAMERA])["desired"]["Name"], "East");
    assert_eq!(server.json(&["device", "show", RECORDER])["desired"]["Name"], "All");
    let channels = server.json(&["device", "channels", RECORDER]);
    assert_eq!(channels["channels"][0]["name"], "Gate 7");

    // Nothing is waited for where nothing was accepted.
    let none = ["update", "--project", "acme", "--device", "nobody", "--set", "Name=x", "--wait"];
    let none = server.run(&[&none[..], &["--json"]].concat());
    assert_eq!(none.status, 1, "{}", none.stderr);
    let answer: Value = serde_json::from_str(&none.stdout).unwrap();
    assert_eq!(answer["refused"][0]["error"]["code"], "no_such_device", "{answer}");
    for args in [
        &["update", "--project", "acme", "--device", CAMERA][..],
        &["update", "--device", CAMERA, "--set", "Name=x"],
        &["update", "--project", "acme", "--set", "Name=x"],
        &["update", "--project", "acme", "--device", CAMERA, "--set", "Name"],
        &["update", "--project", "acme", "--device", CAMERA, "--set", "a=1", "--set", "a=2"],
        &[
            "update",
            "--project",
            "acme",
            "--device",
            CAMERA,
            "--set",
            "a=1",
            "--timeout",
            "1s",
            "--wait",
        ],
    ] {
        assert_eq!(server.run(args).status, 2, "{args:?}");
    }
}

/// Sends a message from a port of its own and gives the answer to it.
fn exchange(socket: &UdpSocket, message: &str) -> String {
    let mut answer = vec![0; 65_536];
    // UDP may lose either of them.
    for _ in 0..20 {
        socket.send(message.as_bytes()).unwrap();
        if let Ok(length) = socket.recv(&mut answer) {
            return String::from_utf8(answer[..length].to_vec()).unwrap();
        }
    }
    panic!("no answer to\n{message}");
}

#[test]
fn who_can_not_register_is_listed_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path());
    import(&server, directory.path());
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(&server.sip).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    let local = socket.local_addr().unwrap();
    // RFC 3261, 10.2, with the fields that GB/T 28181-2016, 9.1.2, has.
    let register = |id: &str, sequence: u32, more: &str| {
        format!(
            "REGISTER sip:34020000002000000001@3402000000 SIP/2.0\r\n\
             Via: SIP/2.0/UDP {local};rport;branch=z9hG4bK{id}{sequence}\r\n\
             From: <sip:{id}@3402000000>;tag={sequence}\r\nTo: <sip:{id}@3402000000>\r\n\
             Call-ID: {id}\r\nCSeq: {sequence} REGISTER\r\nContact: <sip:{id}@{local}>\r\n\
             Max-Forwards: 70\r\nExpires: 3600\r\n{more}Content-Length: 0\r\n\r\n"
        )
    };
    let unknown = "34020000001320000009";
    for id in [CAMERA, RECORDER, unknown] {
        let challenge = exchange(&socket, &register(id, 1, ""));
        assert!(challenge.starts_with("SIP/2.0 401 "), "{challenge}");
        let nonce = challenge.split_once("nonce=\"").unwrap().1.split_once('"').unwrap().0;
        let user = if id == RECORDER { "nvr" } else { id };
        let answer = format!(
            "Authorization: Digest username=\"{user}\", realm=\"3402000000\", nonce=\"{nonce}\", \
             uri=\"sip:34020000002000000001@3402000000\", \
             response=\"00000000000000000000000000000000\", algorithm=MD5\r\n"
        );
        let refused = exchange(&socket, &register(id, 2, &answer));
        assert!(refused.starts_with("SIP/2.0 401 "), "{refused}");
    }
    let refused = server.json(&["registrations"]);
    let refused: Vec<(&str, &str)> = refused["registrations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refused| (refused["id"].as_str().unwrap(), refused["why"].as_str().unwrap()))
        .collect();
    let expected = [(unknown, "unknown_id"), (RECORDER, "no_password"), (CAMERA, "wrong_digest")];
    assert_eq!(refused, expected, "the last one first");
    let words = server.ok(&["registrations"]);
    let line = words.lines().find(|line| line.starts_with(unknown)).unwrap();
    assert!(line.contains(&format!("udp {local}")), "{words}");
    assert_eq!(words.lines().count(), 4, "{words}");
}

/// Simulated cameras that are on record, by `more`; running, and their ids.
pub fn simulated(server: &Server, directory: &Path, more: &[&str]) -> (Running, Vec<String>) {
    let emit = directory.join("simulated.jsonl");
    let emit = emit.to_str().unwrap();
    let args =
        ["simulate", "cameras", "--project", "acme", "--server", &server.sip, "--emit", emit];
    let args = [&args[..], more].concat();
    let ran = run(fleetwright(&args).arg("--emit-only"));
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    server.ok(&["device", "import", emit]);
    let text = std::fs::read_to_string(emit).unwrap();
    let id =
        |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().map(str::to_owned);
    let ids: Vec<String> = text.lines().map(|line| id(line).unwrap()).collect();
    let running = Running::start(&mut fleetwright(&args));
    for id in &ids {
        until("its registration", || {
            let shown = server.json(&["device", "show", id]);
            (shown["camera"]["status"] == "OnLine").then_some(())
        });
    }
    (running, ids)
}

#[test]
fn cameras_that_are_there_take_their_names_and_a_refusal_of_theirs_fails_the_update() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path());
    let (_running, ids) =
        simulated(&server, directory.path(), &["--kind", "nvr", "--count", "2", "--channels", "3"]);
    let update =
        ["update", "--project", "acme", "--set", "Name=东门 𠮷", "--wait", "60s", "--device"];
    let both: Vec<&str> = update.into_iter().chain(ids.iter().map(String::as_str)).collect();
    let done = server.json(&both);
    assert_eq!((&done["jobs"]["total"], &done["jobs"]["succeeded"]), (&json!(2), &json!(2)));
    assert_eq!(done["refused"], json!([]));
    let listed = server.ok(&["device", "list", "--kind", "camera"]);
    for id in &ids {
        let line = listed.lines().find(|line| line.starts_with(id.as_str())).unwrap();
        assert_eq!(line.matches("东门 𠮷").count(), 2, "on record and shown: {line}");
        assert!(line.contains("OnLine") && line.contains("udp 127.0.0.1:"), "{line}");
    }
    let channels = until("the catalog", || {
        let channels = server.json(&["device", "channels", &ids[0]]);
        let seen = channels["channels"].as_array()?.iter().filter(|it| it["seen_at"].is_string());
        (seen.count() == 3).then_some(channels)
    });
    let channel = channels["channels"][1]["id"].as_str().unwrap();
    let set = format!("Channel.{channel}.Name=Gate 7");
    let renamed =
        ["update", "--project", "acme", "--device", &ids[0], "--set", &set, "--wait", "60s"];
    let renamed = server.ok(&renamed);
    assert!(renamed.contains("1: 1 succeeded"), "{renamed}");
    let shown = server.ok(&["device", "channels", &ids[0]]);
    let line = shown.lines().find(|line| line.starts_with(channel)).unwrap();
    assert!(line.matches("Gate 7").count() >= 1, "{shown}");
}

#[test]
fn what_a_camera_refuses_fails_and_is_told_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path());
    let fault = "{\"error_answers\":true}";
    let (_running, ids) = simulated(&server, directory.path(), &["--count", "1", "--fault", fault]);
    let update = ["update", "--project", "acme", "--device", &ids[0], "--set", "Name=x", "--wait"];
    let failed = server.run(&update);
    assert_eq!(failed.status, 1, "{}", failed.stderr);
    assert!(failed.stderr.contains("1 of 1 jobs failed"), "{}", failed.stderr);
    let line = failed.stdout.lines().find(|line| line.starts_with(&ids[0])).unwrap();
    assert!(line.contains("failed"), "{}", failed.stdout);
}
