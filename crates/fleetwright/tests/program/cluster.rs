//! A node on its store: what it tells of itself, what it refuses, and a store copied into another.

use serde_json::Value;

use crate::process::{fleetwright, run};
use crate::server::Server;

#[test]
fn a_server_on_sqlite_is_a_cluster_of_one() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), &["--node", "alone-1"]);
    let cluster = server.json(&["cluster", "status"]);
    assert_eq!(cluster["answered_by"], "alone-1");
    assert!(cluster["store"].as_str().unwrap().starts_with("SQLite 3."), "{cluster}");
    assert_eq!(cluster["orphaned_shards"], 0);
    let [node] = cluster["nodes"].as_array().unwrap().as_slice() else { panic!("{cluster}") };
    assert_eq!((&node["node"], &node["lives"]), (&"alone-1".into(), &true.into()));
    assert_eq!((&node["shards"], &node["lease_left_seconds"]), (&256.into(), &Value::Null));
    assert_eq!(node["roles"], serde_json::json!(["api", "engine"]), "it serves no cameras");
    assert!(server.url.ends_with(node["http"].as_str().unwrap()), "{node}");
    let shown = server.ok(&["cluster", "status"]);
    assert!(shown.contains("alone-1") && shown.contains("256"), "{shown}");
    let metrics = get(&server.url, "/metrics");
    for metric in [
        "fleetwright_cluster_nodes 1",
        "fleetwright_cluster_engines 1",
        "fleetwright_shards_owned 256",
        "fleetwright_ready 1",
    ] {
        assert!(metrics.contains(metric), "{metric} is not in\n{metrics}");
    }
    // What it is known by stays the same, and so does its session.
    let id = std::fs::read_to_string(directory.path().join("data/node-id")).unwrap();
    assert_eq!(id.trim().len(), 32);
}

/// The body of a plain GET.
fn get(url: &str, path: &str) -> String {
    use std::io::{Read as _, Write as _};

    let address = url.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_password_of_the_store_is_in_no_line_that_is_printed() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let serve = |url: &str| {
        let args = ["serve", "--http", "127.0.0.1:0", "--sip", "none", "--node", "n1", "--data"];
        let mut command = fleetwright(&args);
        command.arg(&data).env("FLEETWRIGHT_STORE", url).env("FLEETWRIGHT_LOG", "trace");
        run(&mut command)
    };
    // Nobody listens on port 1.
    let refused = serve("postgres://fw:hunter2@127.0.0.1:1/fleetwright");
    assert_eq!(refused.status, 1, "{}", refused.stderr);
    let words = "the store postgres://fw@127.0.0.1:1/fleetwright can't be opened: ";
    assert!(refused.stderr.contains(words), "{}", refused.stderr);
    let garbled = serve("postgres://fw:hunter2@@127.0.0.1:1/fleetwright");
    assert_eq!(garbled.status, 2, "{}", garbled.stderr);
    let other = serve("mysql://fw:hunter2@127.0.0.1:1/fleetwright");
    assert_eq!(other.status, 2, "{}", other.stderr);
    let copy = run(fleetwright(&["store", "copy"])
        .env("FLEETWRIGHT_COPY_FROM", "postgres://fw:hunter2@127.0.0.1:1/a")
        .env("FLEETWRIGHT_COPY_TO", format!("sqlite:{}/b.db", directory.path().display())));
    assert_eq!(copy.status, 1, "{}", copy.stderr);
    assert!(copy.stderr.contains("the source can't be opened"), "{}", copy.stderr);
    let help = run(fleetwright(&["store", "copy", "--help"])
        .env("FLEETWRIGHT_COPY_FROM", "postgres://fw:hunter2@127.0.0.1:1/a"));
    for ran in [&refused, &garbled, &other, &copy, &help] {
        assert!(
            !ran.stderr.contains("hunter2") && !ran.stdout.contains("hunter2"),
            "{}",
            ran.stderr
        );
    }
    assert!(!data.join("master-key").exists(), "nothing is made where the store is not reached");
}

#[test]
fn what_a_store_on_sqlite_has_not_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let args = ["serve", "--roles", "engine", "--http", "127.0.0.1:0", "--data"];
    let ran =
        run(fleetwright(&args).arg(&data).env("FLEETWRIGHT_POSTGRES_SYNCHRONOUS_STANDBY", "true"));
    assert_eq!(ran.status, 2);
    for words in [
        "the configuration has 2 problems",
        "--roles: cluster.roles: a store on SQLite has one node",
        "environment FLEETWRIGHT_POSTGRES_SYNCHRONOUS_STANDBY: postgres.synchronous_standby",
    ] {
        assert!(ran.stderr.contains(words), "{words} is not in {}", ran.stderr);
    }
    let restore = run(fleetwright(&["restore", "fleet.db"])
        .env("FLEETWRIGHT_STORE", "postgres://fw:hunter2@db/fleetwright"));
    assert_eq!(restore.status, 2);
    assert!(restore.stderr.contains("pg_restore"), "{}", restore.stderr);
}

#[test]
fn a_store_is_copied_while_no_server_runs_on_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let mut server = Server::start(directory.path());
    server.ok(&["project", "create", "Acme", "--id", "acme"]);
    let (from, to) = (
        format!("sqlite:{}", path("data/fleetwright.db")),
        format!("sqlite:{}", path("copy/x.db")),
    );
    let copy = || run(&mut fleetwright(&["store", "copy", "--from", &from, "--to", &to, "--json"]));
    let in_use = copy();
    assert_eq!(in_use.status, 1);
    assert!(in_use.stderr.contains("in use by another server"), "{}", in_use.stderr);
    server.running.signal("TERM");
    assert_eq!(server.running.ended().code(), Some(0));

    let copied = copy();
    assert_eq!(copied.status, 0, "{}", copied.stderr);
    assert!(copied.stderr.contains("checking project: 0 of 1"), "{}", copied.stderr);
    assert!(copied.stderr.contains("master-key"), "what else is needed: {}", copied.stderr);
    let told: Value = serde_json::from_str(&copied.stdout).unwrap();
    let projects = told["tables"].as_array().unwrap().iter().find(|it| it["table"] == "project");
    assert_eq!(projects.unwrap()["rows"], 1);
    let again = copy();
    assert_eq!((again.status, again.stdout), (0, copied.stdout), "a whole copy is checked again");

    let server = Server::start_with(directory.path(), &["--store", &to]);
    let projects = server.json(&["project", "list"]);
    assert_eq!(projects["projects"][0]["id"], "acme", "{projects}");
    let used = copy();
    assert_eq!(used.status, 1, "{}", used.stderr);
}
