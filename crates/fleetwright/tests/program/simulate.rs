//! `simulate phones` as an operator runs it.

use std::net::TcpStream;

use crate::process::{Running, fleetwright, run};

#[test]
fn phones_listen_by_the_time_their_records_are_there() {
    let directory = tempfile::tempdir().unwrap();
    let emit = directory.path().join("phones.jsonl");
    let args = ["simulate", "phones", "--count", "20", "--project", "acme", "--emit"];
    let mut phones = Running::start(fleetwright(&args).arg(&emit));
    phones.says("20 phones listen from 127.0.0.1:");
    let text = std::fs::read_to_string(&emit).unwrap();
    let records: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 20);
    for record in &records {
        assert_eq!((&record["kind"], &record["project"]), (&"phone".into(), &"acme".into()));
        TcpStream::connect(record["address"].as_str().unwrap()).unwrap();
    }
    phones.signal("TERM");
    assert_eq!(phones.ended().code(), Some(0));
    assert_eq!(phones.stdout(), "", "the records are in the file");
}

#[test]
fn without_a_file_the_records_are_data() {
    let args = ["simulate", "phones", "--count", "2", "--faults", "7:0.5"];
    let mut phones = Running::start(&mut fleetwright(&args));
    phones.prints("{\"kind\":\"phone\",\"project\":\"demo\",\"id\":\"");
    phones.says("2 phones listen");
    phones.signal("TERM");
    assert_eq!(phones.ended().code(), Some(0));
    assert_eq!(phones.stdout().lines().count(), 2);
}

#[test]
fn what_can_not_be_is_a_mistake_in_use() {
    for (args, word) in [
        (["--count", "0"], "--count must be 1 to"),
        (["--faults", "7"], "SEED:SHARE"),
        (["--boot", "soon"], "no duration"),
        (["--project", "a/b"], "character that is not allowed"),
        (["--listen", "nowhere"], "invalid socket address"),
    ] {
        let ran = run(fleetwright(&["simulate", "phones"]).args(args));
        assert_eq!(ran.status, 2, "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(word), "{args:?}: {}", ran.stderr);
    }
    let keys = tempfile::NamedTempFile::new().unwrap();
    let args = ["simulate", "phones", "--authorized-keys"];
    let ran = run(fleetwright(&args).arg(keys.path()));
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("holds no key"), "{}", ran.stderr);
}
