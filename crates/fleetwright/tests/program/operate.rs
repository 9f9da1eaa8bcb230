//! What an operator does with a running fleet: settings, users, restarts, discovery, the catalogue.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use serde_json::Value;

use crate::process::{Running, fleetwright, run, until};
use crate::server::Server;

/// Simulated phones of the project `acme`, and their records.
fn phones(directory: &Path, count: usize, more: &[&str]) -> (Running, Vec<Value>, String) {
    let emit = directory.join("phones.jsonl");
    let count_text = count.to_string();
    let args = ["simulate", "phones", "--project", "acme", "--boot", "0s", "--count", &count_text];
    let phones = Running::start(fleetwright(&args).args(more).arg("--emit").arg(&emit));
    phones.says(&format!("{count} phones listen"));
    let text = std::fs::read_to_string(&emit).unwrap();
    let records = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (phones, records, emit.to_str().unwrap().to_owned())
}

/// A server with the project `acme` and these phones in it.
fn with_phones(directory: &Path, count: usize, more: &[&str]) -> (Server, Running, Vec<String>) {
    let server = Server::start(directory);
    server.ok(&["project", "create", "Acme", "--id", "acme"]);
    let (phones, records, emit) = phones(directory, count, more);
    server.ok(&["device", "import", &emit]);
    let ids: Vec<String> =
        records.iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect();
    for id in &ids {
        until("its adoption", || (shown(&server, id)["adopted"] == true).then_some(()));
    }
    (server, phones, ids)
}

fn shown(server: &Server, id: &str) -> Value {
    server.json(&["device", "show", id])
}

#[test]
fn a_user_is_made_by_a_password_that_nobody_sees() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path());
    server.ok(&["project", "create", "Acme", "--id", "acme"]);
    let file = directory.path().join("password");
    std::fs::write(&file, "a-long-password\n").unwrap();
    let file = file.to_str().unwrap();
    let made = server.ok(&["user", "create", "ada", "--project", "acme", "--password-file", file]);
    assert!(made.contains("ada") && made.contains("acme"), "{made}");
    let again =
        server.run(&["user", "create", "ada", "--project", "acme", "--password-file", file]);
    assert_eq!(again.status, 5, "{}", again.stderr);

    // The token that the vendor's call gives, by plain HTTP.
    let sign_in = |password: &str| {
        let body = format!(
            "{{\"auth\":{{\"identity\":{{\"methods\":[\"password\"],\"password\":{{\"user\":\
             {{\"name\":\"ada\",\"password\":\"{password}\",\"domain\":{{\"name\":\"acme\"}}}}}}}},\
             \"scope\":{{\"project\":{{\"id\":\"acme\"}}}}}}}}"
        );
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let url = format!("{}/v3/auth/tokens", server.url);
        ureq::Agent::new_with_config(config).post(url).send(&body).unwrap().status().as_u16()
    };
    assert_eq!(sign_in("a-long-password"), 201);
    assert_eq!(sign_in("a-long-passworD"), 401);
    std::fs::write(file, "another-password").unwrap();
    server.ok(&["user", "password", "ada", "--password-file", file]);
    assert_eq!(sign_in("a-long-password"), 401);
    assert_eq!(sign_in("another-password"), 201);
    let listed = server.ok(&["user", "list", "--project", "acme"]);
    assert!(listed.contains("ada") && !listed.contains("password"), "{listed}");
    server.ok(&["user", "disable", "ada"]);
    assert_eq!(sign_in("another-password"), 401);
    assert!(
        !server.json(&["user", "list", "--project", "acme"])["users"][0]["disabled_at"].is_null()
    );
    server.ok(&["user", "enable", "ada"]);
    assert_eq!(sign_in("another-password"), 201);
    assert_eq!(server.run(&["user", "disable", "nobody"]).status, 5);
    assert_eq!(server.run(&["user", "enable", "nobody"]).status, 5);
    let namesake =
        server.run(&["user", "create", "ADA", "--project", "acme", "--password-file", file]);
    assert!(namesake.stderr.contains("ada exists already"), "{}", namesake.stderr);
    assert_eq!(server.run(&["user", "create", "b", "--project", "acme"]).status, 2);
    for secret in ["a-long-password", "another-password"] {
        assert!(!server.running.stderr().contains(secret), "a password is in the log");
    }
}

#[test]
fn a_pause_is_set_shown_and_lifted() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path());
    server.ok(&["project", "create", "Acme", "--id", "acme"]);
    let set = server.ok(&["project", "set", "acme", "--drift", "repair", "--adoption", "explicit"]);
    assert!(set.contains("repair") && set.contains("explicit"), "{set}");
    server.ok(&["project", "set", "acme", "--identity", "allow", "--paused"]);
    let shown = server.ok(&["project", "show", "acme"]);
    assert!(shown.contains("PAUSED") && shown.contains("phones       none"), "{shown}");
    assert!(server.ok(&["project", "list"]).contains("PAUSED"));
    server.ok(&["project", "resume", "acme"]);
    assert_eq!(server.json(&["project", "show", "acme"])["settings"]["paused"], false);
    server.ok(&["pause", "--project", "acme"]);
    assert_eq!(server.json(&["project", "show", "acme"])["settings"]["paused"], true);
    server.ok(&["resume", "--project", "acme"]);

    server.ok(&["pause"]);
    assert!(server.ok(&["status"]).contains("PAUSED: nothing is done"), "the whole server");
    let status = server.json(&["status"]);
    assert_eq!(status["settings"]["paused"], true);
    assert_eq!(status["projects"][0]["id"], "acme");
    let address = server.url.strip_prefix("http://").unwrap();
    until("the metric", || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        (answer.contains("fleetwright_paused 1")
            && answer.contains("fleetwright_projects_paused 0"))
        .then_some(())
    });
    server.ok(&["resume"]);
    assert!(server.ok(&["status"]).contains("active"));
    assert_eq!(server.run(&["project", "set", "acme"]).status, 2, "nothing to set");
    assert_eq!(server.run(&["project", "set", "acme", "--drift", "mend"]).status, 2);
    assert_eq!(server.run(&["project", "pause", "nobody"]).status, 5);
}

#[test]
fn a_phone_is_restarted_checked_frozen_and_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let (server, phones, ids) = with_phones(directory.path(), 2, &[]);
    let id = ids[0].as_str();
    let before = shown(&server, id)["boot"].clone();
    let restart =
        ["device", "restart", id, "--set", "com.cph.mainkeys=1", "--wait", "--timeout", "60s"];
    let done = server.ok(&restart);
    assert!(done.contains("restart") && done.contains("succeeded"), "{done}");
    let device = shown(&server, id);
    assert_ne!(device["boot"], before);
    assert_eq!(device["states"]["com.cph.mainkeys"], "shown");
    assert!(server.ok(&["device", "show", id]).contains("model Simulated"));

    let checked = server.ok(&["device", "check", id]);
    assert!(checked.starts_with("ok           reachable"), "{checked}");
    assert_eq!(server.json(&["device", "check", id])["holds"], true);
    assert_eq!(server.run(&["device", "check", "nobody"]).status, 2, "it could not ask");

    server.ok(&["device", "freeze", id]);
    let refused = server.run(&["device", "restart", id]);
    assert_eq!(refused.status, 5);
    assert!(refused.stderr.contains("frozen"), "{}", refused.stderr);
    assert!(server.ok(&["device", "list"]).contains("running, frozen"));
    server.ok(&["device", "unfreeze", id]);
    let refused = server.run(&["device", "restart", id, "--set", "no.such.name=1"]);
    assert_eq!(refused.status, 5);
    assert!(refused.stderr.contains("no.such.name"), "{}", refused.stderr);
    assert_eq!(server.run(&["device", "restart", id, "--set", "novalue"]).status, 2);

    // A job that its profile knows no way for fails, and the wait says so.
    let stopped = server.run(&["device", "stop", id, "--wait", "--timeout", "60s"]);
    assert_eq!(stopped.status, 1, "{}{}", stopped.stdout, stopped.stderr);
    assert!(stopped.stderr.contains("failed"), "{}", stopped.stderr);

    drop(phones);
    let failed = server.run(&["device", "check", &ids[1]]);
    assert_eq!(failed.status, 1, "{}", failed.stderr);
    assert!(failed.stdout.starts_with("FAIL         reachable"), "{}", failed.stdout);
    assert!(failed.stdout.contains("-> "), "its remedy: {}", failed.stdout);
    server.ok(&["device", "mark-stopped", &ids[1]]);
    until("it to be stopped", || (shown(&server, &ids[1])["condition"] == "stopped").then_some(()));
    server.ok(&["device", "mark-started", &ids[1]]);
    assert_eq!(server.run(&["device", "freeze", "nobody"]).status, 5);

    let listed = server.json(&["device", "list"]);
    let project = listed["devices"][0]["project"].as_str().unwrap();
    let some = format!("id={}", ids[1]);
    let freeze = |verb: &str, more: &[&str]| {
        let which = ["device", verb, "--project", project, "--where", &some];
        server.json(&[&which[..], more].concat())["changed"].clone()
    };
    assert_eq!(freeze("freeze", &["--dry-run"]), 1);
    assert_eq!((freeze("freeze", &[]), freeze("freeze", &[])), (1.into(), 0.into()));
    assert_eq!(shown(&server, &ids[1])["frozen"], true);
    assert_eq!(freeze("unfreeze", &["--kind", "phone"]), 1);
    let without = server.run(&["device", "freeze", "--where", &some]);
    assert_eq!(without.status, 2, "{}", without.stderr);
    assert_eq!(server.run(&["device", "freeze", id, "--where", &some]).status, 2);
    assert_eq!(server.run(&["device", "freeze"]).status, 2);
}

#[test]
fn phones_are_discovered_by_docker_and_by_range_and_never_twice() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path());
    server.ok(&["project", "create", "Acme", "--id", "acme"]);
    let (_phones, records, _) = phones(directory.path(), 2, &["--make", "redroid"]);
    let port = |index: usize| {
        let address = records[index]["address"].as_str().unwrap();
        address.rsplit_once(':').unwrap().1.to_owned()
    };
    let listing = directory.path().join("docker-ps");
    let table = format!(
        "CONTAINER ID   PORTS                                             NAMES\n\
         4c01db0b339c   0.0.0.0:{}->5555/tcp, [::]:{}->5555/tcp      phone-1\n\
         aa7886598dbe   0.0.0.0:80->80/tcp                                web\n",
        port(0),
        port(0)
    );
    std::fs::write(&listing, table).unwrap();
    let listing = listing.to_str().unwrap();
    let docker = ["device", "discover", "--project", "acme", "--docker-ps", listing];
    let without_host = server.run(&docker);
    assert_eq!(without_host.status, 2);
    assert!(without_host.stderr.contains("--host"), "{}", without_host.stderr);

    let args = [&docker[..], &["--host", "127.0.0.1", "--server", "farm-1"]].concat();
    let preview = server.run(&args);
    assert_eq!(preview.status, 0, "{}", preview.stderr);
    assert!(preview.stdout.contains("1 addresses: 1 new"), "{}", preview.stdout);
    assert!(preview.stderr.contains("left out: web"), "{}", preview.stderr);
    assert!(preview.stderr.contains("With --apply"), "{}", preview.stderr);
    let devices = || server.json(&["device", "list"])["devices"].as_array().unwrap().clone();
    assert!(devices().is_empty(), "a preview records nothing");
    server.ok(&[&args[..], &["--apply"]].concat());
    let recorded = devices();
    assert_eq!(recorded.len(), 1);
    assert_eq!(
        (&recorded[0]["container"], &recorded[0]["server"]),
        (&"phone-1".into(), &"farm-1".into())
    );
    assert_eq!(recorded[0]["profile"], "redroid");
    let id = recorded[0]["id"].as_str().unwrap();
    until("its adoption", || (shown(&server, id)["adopted"] == true).then_some(()));

    let range = format!("127.0.0.1:[{}]", port(0));
    let other = format!("127.0.0.1:{}", port(1));
    let args = ["device", "discover", "--project", "acme", "--range", &range, "--range", &other];
    let found = server.json(&[&args[..], &["--apply"]].concat());
    let what: Vec<&str> = found["found"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    assert_eq!(what, ["known", "new"]);
    assert_eq!(devices().len(), 2);
    // Nobody answers on port 1; the row is left out and counted.
    let nobody = ["device", "discover", "--project", "acme", "--range", "127.0.0.1:1"];
    assert_eq!(server.ok(&nobody), "1 addresses: 1 unreachable\n");
    assert!(server.ok(&[&nobody[..], &["--all"]].concat()).contains("127.0.0.1:1"));
    for (range, words) in [
        ("127.0.0.1:[2-1]", "ends before it begins"),
        ("127.0.0.1", "has no port"),
        ("10.[0-255].[0-255].[0-255]:1", "more than 65536"),
    ] {
        let args = ["device", "discover", "--project", "acme", "--range", range];
        let refused = server.run(&args);
        assert_eq!(refused.status, 2);
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
    assert_eq!(
        server.run(&["device", "discover", "--project", "acme"]).status,
        2,
        "nowhere to look"
    );
}

#[test]
fn a_container_gets_its_arguments_and_a_foreign_phone_is_adopted() {
    let directory = tempfile::tempdir().unwrap();
    let (server, _phones, ids) = with_phones(directory.path(), 1, &["--make", "redroid"]);
    let id = ids[0].as_str();
    server.ok(&["project", "set", "acme", "--identity", "allow"]);
    let set = ["device", "restart", id, "--set", "ro.product.model=It's"];
    server.ok(&set);
    assert_eq!(server.ok(&["device", "start-args", id]), "ro.product.model=It's\n");
    let quoted = server.ok(&["device", "start-args", id, "--shell"]);
    assert_eq!(quoted, "'ro.product.model=It'\\''s'\n");

    // Another record at the same address finds a phone that bears the first one's marker.
    let record = std::fs::read_to_string(directory.path().join("phones.jsonl")).unwrap();
    let other = directory.path().join("other.jsonl");
    std::fs::write(&other, record.replace(id, "other")).unwrap();
    server.ok(&["device", "import", other.to_str().unwrap()]);
    until("the trouble", || shown(&server, "other")["trouble"].as_str().map(str::to_owned));
    server.ok(&["device", "adopt", "other", "--replace-marker", "--from-reported"]);
    until("the adoption", || (shown(&server, "other")["adopted"] == true).then_some(()));
    let desired = shown(&server, "other")["desired"].clone();
    assert!(!desired.as_object().unwrap().is_empty(), "what it shows is what is asked of it");
}

#[test]
fn a_catalogue_file_is_checked_loaded_and_reloaded() {
    let directory = tempfile::tempdir().unwrap();
    let own = directory.path().join("data/catalogue");
    std::fs::create_dir_all(own.join("profiles")).unwrap();
    let property = |name: &str| {
        format!(
            "[[property]]\nname = \"{name}\"\nkind = \"bool01\"\ntiming = \"at-once\"\n\
             meaning = \"Ours.\"\nsource = \"us\"\n"
        )
    };
    let file = own.join("own.toml");
    let write = |text: &str| std::fs::write(&file, text).unwrap();
    write(&property("own.one"));
    let check = || run(fleetwright(&["catalogue", "check"]).arg(&file));
    assert_eq!(check().status, 0, "{}", check().stderr);

    let server = Server::start(directory.path());
    let has = |name: &str| server.ok(&["catalogue", "show"]).contains(name);
    assert!(has("own.one") && has("own.toml"));
    assert!(server.ok(&["catalogue", "show", "--profile", "redroid"]).contains("start argument"));
    write(&property("own.two"));
    assert!(!has("own.two"));
    server.ok(&["catalogue", "reload"]);
    assert!(has("own.two") && !has("own.one"));

    write(&format!("{}colour = 1\n", property("own.three")));
    let bad = format!("{}:7:1: ", file.display());
    let refused = check();
    assert_eq!(refused.status, 2);
    assert!(refused.stderr.contains(&bad), "{}", refused.stderr);
    let refused = server.run(&["catalogue", "reload"]);
    assert_eq!(refused.status, 5);
    assert!(refused.stderr.contains(&bad), "{}", refused.stderr);
    server.running.signal("HUP");
    server.running.logs("the catalogue stays as it was");
    assert!(has("own.two"));
    write(&property("own.three"));
    server.running.signal("HUP");
    server.running.logs("the catalogue was read again");
    until("the property", || has("own.three").then_some(()));

    write("nonsense");
    let (mut running, data) = (server.running, directory.path().join("data"));
    running.signal("TERM");
    assert_eq!(running.ended().code(), Some(0));
    let serve =
        ["serve", "--http", "127.0.0.1:0", "--sip", "none", "--data", data.to_str().unwrap()];
    let refused = run(&mut fleetwright(&serve));
    assert_eq!(refused.status, 2);
    let place = format!("{}:1:", file.display());
    assert!(refused.stderr.contains(&place), "{}", refused.stderr);
}

#[test]
fn simulated_phones_do_what_their_control_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let (phones, records, _) =
        phones(directory.path(), 2, &["--make", "redroid", "--control", "127.0.0.1:0"]);
    let control = phones.says("control=");
    let tell = |words: &[&str]| run(fleetwright(&["simulate", "control", &control]).args(words));
    let address = records[0]["address"].as_str().unwrap();
    let id = records[0]["id"].as_str().unwrap();
    assert_eq!(records[0]["profile"], "redroid");
    assert!(TcpStream::connect(address).is_ok());
    assert_eq!(tell(&["stop", id]).status, 0);
    assert!(TcpStream::connect(address).is_err(), "its port is closed");
    assert_eq!(tell(&["start", "phone-0001"]).status, 0);
    assert!(TcpStream::connect(address).is_ok());
    assert_eq!(tell(&["stop", "phone-9999"]).status, 1);
    assert_eq!(tell(&["dance", id]).status, 1);
    assert_eq!(run(&mut fleetwright(&["simulate", "control", "nowhere", "stop", id])).status, 2);
    let fault = ["simulate", "phones", "--fault", "{\"sleepy\":true}"];
    assert_eq!(run(&mut fleetwright(&fault)).status, 2);
    let make = ["simulate", "phones", "--make", "ios"];
    assert_eq!(run(&mut fleetwright(&make)).status, 2);
}
