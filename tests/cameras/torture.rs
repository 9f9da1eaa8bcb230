//! RFC 4475's and RFC 5118's torture messages over real UDP and TCP, against the running server.
//! How each is to be treated says the table beside the messages.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::harness::cameras::{record, server};
use crate::harness::sip::{DOMAIN, Line, Received, SERVER_ID, assert_alive, unique};
use crate::harness::site::import;
use crate::harness::{PATIENCE, Start, tools};

/// How long nothing may come where the rest of a message is waited for.
const QUIET: Duration = Duration::from_millis(200);

/// A line of the table.
struct Case {
    file: String,
    udp: Vec<String>,
    tcp: Vec<String>,
}

/// Where the messages lie.
fn folder() -> PathBuf {
    tools::workspace().join("crates/gb28181/tests/torture")
}

fn cases() -> Vec<Case> {
    let path = folder().join("expected.tsv");
    let table = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let lines = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let outcomes = |text: &str| text.split(", ").map(str::to_owned).collect();
    lines
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [file, _, udp, tcp] = columns[..] else { panic!("four columns: {line}") };
            Case { file: file.to_owned(), udp: outcomes(udp), tcp: outcomes(tcp) }
        })
        .collect()
}

/// The status that the server gives to a message of this treatment; none if it says nothing.
fn status(file: &str, outcome: &str) -> Option<u16> {
    match outcome.split_once(' ') {
        // Who registers must first say who it is, in a URI that can name a device.
        Some(("up", "REGISTER")) if file == "rfc4475/unksm2.sip" => Some(400),
        Some(("up", "REGISTER")) => Some(401),
        Some(("up", "OPTIONS")) => Some(200),
        // Nobody of them is registered.
        Some(("up", "MESSAGE" | "NOTIFY")) => Some(403),
        // There are no dialogs.
        Some(("up", "BYE" | "INFO")) => Some(481),
        Some(("up", "SUBSCRIBE")) => Some(489),
        Some(("answer", status)) => Some(status.parse().expect("a status")),
        Some(("response", _)) => None,
        None if ["drop", "wait", "close"].contains(&outcome) => None,
        _ => panic!("{file}: {outcome:?} is none of the table's words"),
    }
}

/// A request that is answered in any case, and the Call-ID by which the answer is known.
fn question(line: &Line) -> (Vec<u8>, String) {
    let (transport, local, unique) = (line.transport(), line.local(), unique());
    let call_id = format!("after{unique}");
    let text = format!(
        "OPTIONS sip:{SERVER_ID}@{DOMAIN} SIP/2.0\r\n\
         Via: SIP/2.0/{transport} {local};rport;branch=z9hG4bKafter{unique}\r\n\
         From: <sip:test@{DOMAIN}>;tag=1\r\nTo: <sip:{SERVER_ID}@{DOMAIN}>\r\n\
         Call-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    (text.into_bytes(), call_id)
}

/// What the server says on a line until it answers a question that is asked now.
fn said_before(line: &mut Line, file: &str) -> Vec<u16> {
    let (bytes, call_id) = question(line);
    line.send(&bytes);
    let mut statuses = Vec::new();
    loop {
        let received: Option<Received> = line.receive_within(PATIENCE);
        let received = received.unwrap_or_else(|| panic!("{file}: silence after {statuses:?}"));
        if received.header("Call-ID") == Some(&call_id) {
            return statuses;
        }
        statuses.push(received.status.expect("a response"));
    }
}

#[test]
fn every_torture_message_is_treated_as_the_rfcs_say() {
    let (server, native) = server(&Start::with_cameras());
    import(&native, &[record("34020000001320000001", "12345678")]);
    let cases = cases();
    assert_eq!(cases.len(), 49 + 12, "as many as the RFCs have");
    for Case { file, udp, .. } in &cases {
        let bytes = fs::read(folder().join(file)).expect("a message");
        let expected: Vec<u16> = udp.iter().filter_map(|outcome| status(file, outcome)).collect();
        let mut line = Line::udp(server.sip());
        line.send(&bytes);
        assert_eq!(said_before(&mut line, file), expected, "{file} over UDP: {udp:?}");
    }
    for Case { file, tcp, .. } in &cases {
        let bytes = fs::read(folder().join(file)).expect("a message");
        let expected: Vec<u16> = tcp.iter().filter_map(|outcome| status(file, outcome)).collect();
        let ends = tcp.last().is_some_and(|outcome| outcome == "close");
        // Where a stream's message has a body and does not say how long, what follows it can't be
        // told from it: nothing more is asked on that connection.
        let is_endless = !String::from_utf8_lossy(&bytes).to_lowercase().contains("content-length")
            && !bytes.windows(3).any(|three| three == b"\nl:");
        let waits = is_endless || tcp.last().is_some_and(|outcome| outcome == "wait");
        let mut line = Line::tcp(server.sip());
        line.send(&bytes);
        if !ends && !waits {
            assert_eq!(said_before(&mut line, file), expected, "{file} over TCP: {tcp:?}");
            continue;
        }
        for status in expected {
            let answer = line.receive_within(PATIENCE);
            let answer = answer.unwrap_or_else(|| panic!("{file} over TCP: silence"));
            assert_eq!(answer.status, Some(status), "{file} over TCP");
        }
        if ends {
            assert!(line.is_closed_within(PATIENCE), "{file}: the connection is still open");
        } else {
            assert!(line.receive_within(QUIET).is_none(), "{file}: not waited for");
            assert!(!line.is_closed_within(QUIET), "{file}: the connection was closed");
        }
    }
    assert_alive(server.sip());
    let statuses = native.camera_statuses();
    assert_eq!(statuses.get("Register"), Some(&1), "{statuses:?}");
    assert_eq!(native.metric("fleetwright_sip_registered"), 0.0);
}
