//! A fleet moved in, worked and moved out by the command line, and the demo.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::server::Process;
use crate::harness::{
    Cli, Cph, Key, PATIENCE, Server, Start, Stopwatch, tools, wait_for, wait_until,
};

const PROJECT: &str = "acme";
const NAME: &str = "sys.prop.writephonenum";

/// `fleetwright ARGS` as a process that is killed at the end.
fn start(args: &[&str]) -> Process {
    Process::start(Command::new(tools::fleetwright()).args(args).stdout(Stdio::null()))
}

/// Simulated phones in a process of their own, and their records.
fn simulate(count: usize, emit: &Path) -> (Process, Vec<Value>) {
    let (count_text, emit_text) = (count.to_string(), emit.to_string_lossy());
    let process = start(&[
        "simulate",
        "phones",
        "--count",
        &count_text,
        "--listen",
        "127.0.0.1:0",
        "--emit",
        &emit_text,
        "--project",
        PROJECT,
        "--boot",
        "0s",
    ]);
    let text = wait_for("the phones' records", PATIENCE, || std::fs::read_to_string(emit).ok());
    let records = text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
    (process, records)
}

/// A key that a team brings along, its secret in a file.
fn key_of_ones_own(folder: &Path) -> (Key, String) {
    let (ak, sk) = ("TEAMSOWNKEY000000001", "the/team+s/own/secret/0123456789abcdefgh");
    let file = folder.join("secret");
    std::fs::write(&file, format!("{sk}\n")).expect("write the secret");
    let key = Key { project: PROJECT.to_owned(), ak: ak.to_owned(), sk: sk.to_owned() };
    (key, file.to_string_lossy().into_owned())
}

#[test]
fn a_fleet_is_moved_in_and_worked_by_commands() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(&Start::with_deadline(3));
    let cli = Cli::new(&server);
    let emit = folder.path().join("phones.jsonl");
    let (phones, records) = simulate(3, &emit);
    assert_eq!(records.len(), 3);
    let ids: Vec<&str> = records.iter().map(|r| r["id"].as_str().expect("an id")).collect();
    let keys: Vec<&String> = records[0].as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["kind", "project", "id", "name", "server", "address", "profile"]);

    cli.run(&["project", "create", "Acme", "--id", PROJECT]).ok();
    assert!(cli.run(&["project", "list"]).ok().contains(PROJECT));
    cli.run(&["project", "create", "Acme", "--id", PROJECT]).ended(5, PROJECT);

    let (key, secret_file) = key_of_ones_own(folder.path());
    let made = ["key", "create", "--project", PROJECT, "--ak", &key.ak, "--sk-file", &secret_file];
    cli.run(&made).ok();
    let listed = cli.run(&["key", "list", "--project", PROJECT]).ok();
    assert!(listed.contains(&key.ak) && !listed.contains(&key.sk), "{listed}");

    import(&cli, &emit, &ids);
    let native = server.native();
    wait_until("all phones to be met", PATIENCE, || {
        ids.iter().all(|id| native.device(id)["condition"] == "running")
    });

    let cph = Cph::new(server.address(), &key);
    let job = cph.update(ids[1], json!({NAME: "13800000000"}));
    cli.run(&["job", "wait", &job]).ok();
    assert!(cli.run(&["job", "show", &job]).ok().contains("succeeded"));
    let shown: Value =
        serde_json::from_str(&cli.run(&["device", "show", ids[1], "--json"]).ok()).expect("JSON");
    assert_eq!(shown["id"], ids[1]);
    assert!(cli.run(&["device", "show", ids[1]]).ok().contains("13800000000"));

    // Nobody is there any more: first the wait is over before the job, then the job fails.
    phones.kill9();
    let job = cph.update(ids[2], json!({NAME: "13800000001"}));
    cli.run(&["job", "wait", &job, "--timeout", "1s"]).ended(3, &job);
    cli.run(&["job", "wait", &job]).ended(1, "deadline");

    // The client keeps its connection, and is refused on it all the same.
    assert_eq!(cph.job(&job)["status"], json!(-1));
    cli.run(&["key", "revoke", &key.ak]).ok();
    let target = format!("/v1/{PROJECT}/cloud-phone/jobs/{job}");
    cph.call(&http::Method::GET, &target, &[]).expect("an answer").refused(401, "APIGW.0301");
    drop(server);
    cli.run(&["device", "list"]).ended(4, "FLEETWRIGHT_URL");
}

/// Imports the file, after a broken copy of it of which nothing is taken.
fn import(cli: &Cli, file: &Path, ids: &[&str]) {
    let text = std::fs::read_to_string(file).expect("the records");
    let broken = file.with_extension("broken");
    let lines: Vec<&str> = text.lines().collect();
    let second = lines[1].replace("\"kind\":\"phone\"", "\"kind\":\"toaster\"");
    std::fs::write(&broken, format!("{}\n{second}\n", lines[0])).expect("write");
    let ran = cli.run(&["device", "import", &broken.to_string_lossy()]);
    assert!(ran.stderr.contains("toaster") && ran.stderr.contains('2'), "{ran:?}");
    assert!(matches!(ran.status, Some(2 | 5)), "{ran:?}");
    let listed = cli.run(&["device", "list", "--project", PROJECT]).ok();
    assert!(!listed.contains(ids[0]), "a line of a refused file was taken: {listed}");

    cli.run(&["device", "import", &file.to_string_lossy()]).ok();
    let listed = cli.run(&["device", "list", "--project", PROJECT]).ok();
    assert!(ids.iter().all(|id| listed.contains(id)), "{listed}");
}

#[test]
fn a_server_that_is_not_there_is_said_to_be_so() {
    Cli::at("http://127.0.0.1:1").run(&["project", "list"]).ended(4, "http://127.0.0.1:1");
}

#[test]
fn a_wrong_token_is_refused() {
    let server = Server::start(&Start::default());
    let ran = Cli::at(&server.url()).run(&["project", "list"]);
    assert_eq!(ran.status, Some(5), "{ran:?}");
}

#[test]
fn the_demo_shows_what_it_promises_and_ends_with_0() {
    let demo = start(&["demo", "--exit", "--http", "127.0.0.1:0"]);
    let status = demo.wait("the demo to end");
    assert_eq!(status.code(), Some(0));
}

/// How long a quiet demo takes at most, and how many are started to see it.
const READY_MAX: Duration = Duration::from_secs(2);
/// See above.
const STARTS: usize = 5;

#[test]
fn a_quiet_demo_is_ready_within_two_seconds() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (key, secret_file) = key_of_ones_own(folder.path());
    let records = folder.path().join("records.jsonl");
    let start = || {
        let stdout = std::fs::File::create(&records).expect("a file");
        let watch = Stopwatch::start();
        let demo = Process::start(
            Command::new(tools::fleetwright())
                .args(["demo", "--quiet", "--project", PROJECT, "--ak", &key.ak, "--sk-file"])
                .args([&secret_file, "--http", "127.0.0.1:0", "--phones", "20", "--boot", "0s"])
                .stdout(stdout),
        );
        let address = demo.wait_for_line("ready http=");
        let ready = watch.elapsed();
        println!("ready after {ready:?}");
        (demo, address, ready)
    };
    // What else the machine does makes a start later, and never sooner: the quickest one tells.
    let started = (0..STARTS).find_map(|_| {
        let (demo, address, ready) = start();
        (ready < READY_MAX).then_some((demo, address))
    });
    let (_demo, address) = started.expect("one of them is ready in time");
    let address = address.parse().expect("an address");

    // The ids are fixed, so that a test can be written against them: the sample's phones first.
    let cph = Cph::new(address, &key);
    let phone = "1678567b8bab40f93711234cb80d0764";
    let listed = wait_for("all phones' records", PATIENCE, || {
        std::fs::read_to_string(&records).ok().filter(|text| text.lines().count() == 20)
    });
    let second: Value =
        serde_json::from_str(listed.lines().nth(1).expect("a second")).expect("a record");
    assert_eq!((&second["id"], &second["project"]), (&json!(phone), &json!(PROJECT)));
    let job = cph.update(phone, json!({NAME: "13800000000"}));
    wait_until("the job's end", PATIENCE, || cph.job(&job)["status"] == json!(2));
    let shown = cph.phone(phone)["property"].as_str().map(str::to_owned);
    assert!(shown.is_some_and(|property| property.contains("13800000000")));
}
