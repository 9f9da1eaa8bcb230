//! Stopping at a fault point, in a build that can; and that a product build can't.

#[cfg(feature = "fault-points")]
use crate::process::until;
use crate::process::{Running, fleetwright};

/// Commits after which the server stops: some of them are its own, of its start and by the clock.
#[cfg(feature = "fault-points")]
const COMMITS: u32 = 12;

#[cfg(feature = "fault-points")]
#[test]
fn the_process_stops_where_it_is_told_and_a_kill_there_loses_what_was_not_answered() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let args =
        ["serve", "--http", "127.0.0.1:0", "--sip", "none", "--data", data.to_str().unwrap()];
    let serve = |point: &str| {
        let server = Running::start(fleetwright(&args).env("FLEETWRIGHT_FAULT_POINT", point));
        let url = format!("http://{}", server.says("ready http="));
        let token = std::fs::read_to_string(data.join("admin-token")).unwrap();
        let command = move |args: &[&str]| {
            let mut command = fleetwright(args);
            command.env("FLEETWRIGHT_URL", &url).env("FLEETWRIGHT_TOKEN", &token);
            command
        };
        (server, command)
    };
    let (server, command) = serve(&format!("before-commit:{COMMITS}"));
    let mut answered = Vec::new();
    let mut waiting = loop {
        let id = format!("p{:02}", answered.len());
        let mut made = Running::start(&mut command(&["project", "create", "P", "--id", &id]));
        let ended = until("an answer, or the fault point", || match made.has_ended() {
            Some(status) => Some(Some(status)),
            None => server.stderr().contains("fault point before-commit").then_some(None),
        });
        match ended {
            Some(status) => assert_eq!(status.code(), Some(0), "{}", made.stderr()),
            None => break made,
        }
        answered.push(id);
    };
    assert!(!answered.is_empty(), "the first commits pass");
    server.signal("KILL");
    assert_eq!(waiting.ended().code(), Some(4), "it was not answered: {}", waiting.stderr());

    let (_server, command) = serve("after-send:1000000");
    let listed = crate::process::run(&mut command(&["project", "list", "--json"]));
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    let ids: Vec<_> = listed["projects"].as_array().unwrap().iter().map(|p| &p["id"]).collect();
    assert_eq!(ids, answered.iter().collect::<Vec<_>>());
}

#[cfg(feature = "fault-points")]
#[test]
fn a_point_that_is_none_is_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let args = [
        "serve",
        "--http",
        "127.0.0.1:0",
        "--sip",
        "none",
        "--data",
        directory.path().to_str().unwrap(),
    ];
    let mut command = fleetwright(&args);
    let ran = crate::process::run(command.env("FLEETWRIGHT_FAULT_POINT", "at-dinner:1"));
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("there are before-commit, "), "{}", ran.stderr);
}

#[cfg(not(feature = "fault-points"))]
#[test]
fn a_product_build_knows_nothing_of_fault_points() {
    let directory = tempfile::tempdir().unwrap();
    let args = [
        "serve",
        "--http",
        "127.0.0.1:0",
        "--sip",
        "none",
        "--data",
        directory.path().to_str().unwrap(),
    ];
    let mut command = fleetwright(&args);
    let server = Running::start(command.env("FLEETWRIGHT_FAULT_POINT", "nonsense"));
    server.says("ready http=");
}
