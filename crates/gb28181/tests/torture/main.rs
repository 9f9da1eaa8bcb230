//! RFC 4475's and RFC 5118's messages, over a datagram and over a stream cut anyhow.
//!
//! What becomes of each is in `expected.tsv`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail it by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;
use gb28181::endpoint::{Config, Endpoint, Event};
use gb28181::sip::{Flow, Message, StreamDecoder, StreamError, StreamLimits};

/// One line of the table.
struct Case {
    file: String,
    section: String,
    udp: String,
    tcp: String,
}

impl Case {
    /// The message.
    fn bytes(&self) -> Vec<u8> {
        fs::read(folder().join(&self.file)).unwrap()
    }
}

/// Where the messages lie.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture")
}

/// All lines of the table.
fn cases() -> Vec<Case> {
    let table = fs::read_to_string(folder().join("expected.tsv")).unwrap();
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut columns = line.split('\t').map(str::to_owned);
            let mut next = || columns.next().unwrap_or_else(|| panic!("too few columns: {line}"));
            Case { file: next(), section: next(), udp: next(), tcp: next() }
        })
        .collect()
}

/// A moment.
#[expect(
    clippy::disallowed_methods,
    reason = "any moment will do, and there is no other way to one"
)]
fn now() -> Instant {
    Instant::now()
}

/// An endpoint, and whom it hears.
fn endpoint() -> (Endpoint, SocketAddr) {
    (Endpoint::new(Config::new([3; 32])), SocketAddr::from(([203, 0, 113, 9], 40_000)))
}

/// What the endpoint did since it was last asked, in the table's words.
fn outcome(endpoint: &mut Endpoint) -> Vec<String> {
    let mut outcome = Vec::new();
    while let Some(event) = endpoint.poll_event() {
        match event {
            Event::Request(request) => outcome.push(format!("up {}", request.method.text())),
            other => outcome.push(format!("{other:?}")),
        }
    }
    while let Some(transmit) = endpoint.poll_transmit() {
        let answer = Message::parse(transmit.bytes).unwrap();
        outcome.push(format!("answer {}", answer.status().unwrap()));
    }
    assert!(endpoint.is_empty(), "nothing is kept of a request that nobody held");
    outcome
}

/// What became of one message that the endpoint was given.
fn received(endpoint: &mut Endpoint, flow: Flow, bytes: &Bytes) -> Vec<String> {
    endpoint.receive(now(), flow, bytes.clone());
    let outcome = outcome(endpoint);
    if !outcome.is_empty() {
        return outcome;
    }
    // Dropped; but a response to nothing may have been a sound one.
    let parsed = Message::parse(bytes.clone()).ok();
    let cseq = parsed.as_ref().and_then(|message| message.header(gb28181::sip::Name::CSeq));
    let sound = cseq.is_some_and(|cseq| gb28181::sip::field::cseq(&cseq).is_some());
    match parsed.and_then(|message| message.status()).filter(|_| sound) {
        Some(status) => vec![format!("response {status}")],
        None => vec!["drop".to_owned()],
    }
}

/// What became of a stream that came in pieces of this many bytes.
fn streamed(bytes: &[u8], piece_bytes: usize) -> Vec<String> {
    let (mut endpoint, remote) = endpoint();
    let flow = Flow::tcp(remote, 1);
    let mut decoder = StreamDecoder::new(StreamLimits::default());
    let mut all = Vec::new();
    for piece in bytes.chunks(piece_bytes) {
        decoder.push(piece);
        loop {
            match decoder.next() {
                Ok(Some(message)) => all.extend(received(&mut endpoint, flow, &message)),
                Ok(None) => break,
                Err(
                    StreamError::ContentLength { head } | StreamError::BodyTooLong { head, .. },
                ) => {
                    all.extend(received(&mut endpoint, flow, &head));
                    all.push("close".to_owned());
                    return all;
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
    if all.is_empty() && decoder.held_bytes() > 0 {
        all.push("wait".to_owned());
    }
    all
}

#[test]
fn every_message_is_in_the_table_once_and_every_section_has_one() {
    let listed: Vec<String> = cases().into_iter().map(|case| case.file).collect();
    let mut there = BTreeSet::new();
    for rfc in ["rfc4475", "rfc5118"] {
        for entry in fs::read_dir(folder().join(rfc)).unwrap() {
            there.insert(format!("{rfc}/{}", entry.unwrap().file_name().to_string_lossy()));
        }
    }
    assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), there);
    assert_eq!(listed.len(), there.len());
    let of = |rfc: &str| listed.iter().filter(|file| file.starts_with(rfc)).count();
    assert_eq!((of("rfc4475"), of("rfc5118")), (49, 12), "as many as the RFCs have");
}

#[test]
fn over_datagrams() {
    for case in cases() {
        let (mut endpoint, remote) = endpoint();
        let outcome = received(&mut endpoint, Flow::udp(remote), &Bytes::from(case.bytes()));
        assert_eq!(outcome.join(", "), case.udp, "{} ({})", case.file, case.section);
    }
}

#[test]
fn over_a_stream_cut_anyhow() {
    for case in cases() {
        let bytes = case.bytes();
        for piece_bytes in [1, 2, 3, 7, 64, 1500, bytes.len()] {
            let outcome = streamed(&bytes, piece_bytes).join(", ");
            assert_eq!(outcome, case.tcp, "{} ({}), {piece_bytes}", case.file, case.section);
        }
    }
}

#[test]
fn an_answer_names_all_that_was_asked_for_and_is_not_there() {
    let (mut endpoint, remote) = endpoint();
    let bytes = fs::read(folder().join("rfc4475/bext01.sip")).unwrap();
    endpoint.receive(now(), Flow::udp(remote), Bytes::from(bytes));
    let answer = Message::parse(endpoint.poll_transmit().unwrap().bytes).unwrap();
    let unsupported = answer.header(gb28181::sip::Name::Unsupported).unwrap();
    assert_eq!(&*unsupported, b"nothingSupportsThis, nothingSupportsThisEither");
}

#[test]
fn an_answer_to_what_lacks_headers_has_those_that_are_there() {
    let (mut endpoint, remote) = endpoint();
    let bytes = fs::read(folder().join("rfc4475/insuf.sip")).unwrap();
    endpoint.receive(now(), Flow::udp(remote), Bytes::from(bytes));
    let answer = endpoint.poll_transmit().unwrap().bytes;
    assert_eq!(
        String::from_utf8_lossy(&answer),
        "SIP/2.0 400 Bad Request\r\n\
         Via: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKkdj.insuf;received=203.0.113.9\r\n\
         CSeq: 193942 INVITE\r\n\
         Content-Length: 0\r\n\r\n"
    );
}

#[test]
fn an_answer_gives_back_every_via_of_the_longest_request() {
    let (mut endpoint, remote) = endpoint();
    let bytes = Bytes::from(fs::read(folder().join("rfc4475/longreq.sip")).unwrap());
    let request = Message::parse(bytes.clone()).unwrap();
    endpoint.receive(now(), Flow::udp(remote), bytes);
    let answer = Message::parse(endpoint.poll_transmit().unwrap().bytes).unwrap();
    let vias = |message: &Message| -> Vec<Vec<u8>> {
        message.headers(gb28181::sip::Name::Via).map(std::borrow::Cow::into_owned).collect()
    };
    assert_eq!(vias(&answer).len(), 34);
    assert_eq!(vias(&answer)[1..], vias(&request)[1..]);
    assert_eq!(vias(&answer)[0], b"SIP/2.0/TCP sip33.example.com;received=203.0.113.9");
}
