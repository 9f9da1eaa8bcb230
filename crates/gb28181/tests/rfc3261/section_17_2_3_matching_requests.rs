//! 17.2.3 matching requests to server transactions.

use bytes::Bytes;
use gb28181::endpoint::{Endpoint, Keep};
use gb28181::sip::Flow;

use crate::peer::{endpoint, ok, only_request, remote, request_text, sent, start, tcp, udp};

/// An endpoint that has answered a request, and keeps the answer.
fn answered(text: &str) -> Endpoint {
    let mut endpoint = endpoint();
    endpoint.receive(start(), udp(), Bytes::from(text.to_owned()));
    let request = only_request(&mut endpoint);
    endpoint.respond(start(), &request, ok(), Keep::Response);
    sent(&mut endpoint);
    endpoint
}

/// Whether a request is taken for a retransmission of another.
fn same(first: &str, again: &str, flow: Flow) -> bool {
    let mut endpoint = answered(first);
    endpoint.receive(start(), flow, Bytes::from(again.to_owned()));
    let repeated = sent(&mut endpoint).len() == 1;
    assert_ne!(repeated, endpoint.poll_event().is_some(), "one or the other");
    repeated
}

#[test]
fn with_the_cookie_it_is_branch_sent_by_and_method() {
    let first = request_text("REGISTER", "z9hG4bK1");
    assert!(same(&first, &first, udp()));
    assert!(same(&first, &first.replace("Max-Forwards: 70", "Max-Forwards: 69"), udp()));
    let shouted = first.replace("z9hG4bK", "Z9HG4BK");
    assert!(!same(&first, &shouted, udp()), "a branch is compared as it stands");
    assert!(!same(&first, &first.replace("z9hG4bK1", "z9hG4bK2"), udp()));
    assert!(!same(&first, &first.replace("10:5060;rport", "10:5061;rport"), udp()));
    assert!(!same(&first, &first.replace("UDP 192.0.2.10", "UDP 192.0.2.11"), udp()));
    assert!(!same(&first, &request_text("MESSAGE", "z9hG4bK1"), udp()));
}

/// Cheap cameras count their branches from 1, or use one again for the next request.
#[test]
fn a_branch_that_is_used_again_makes_no_retransmission() {
    let first = request_text("REGISTER", "z9hG4bK1");
    assert!(!same(&first, &first.replace("CSeq: 1", "CSeq: 2"), udp()));
    assert!(!same(&first, &first.replace("a1b2c3d4", "b1b2c3d4"), udp()));
}

/// And cameras behind different NATs share private addresses.
#[test]
fn what_comes_over_another_flow_is_another_request() {
    let first = request_text("REGISTER", "z9hG4bK1");
    let mut elsewhere = remote();
    elsewhere.set_port(5061);
    assert!(!same(&first, &first, Flow::udp(elsewhere)));
    elsewhere.set_ip([203, 0, 113, 1].into());
    assert!(!same(&first, &first, Flow::udp(elsewhere)));
    assert!(!same(&first, &first, tcp(1)));
}

#[test]
fn without_the_cookie_it_is_all_that_rfc_2543_had() {
    for branch in ["1", "z9hG4bK", ""] {
        let first = request_text("REGISTER", branch);
        assert!(same(&first, &first, udp()), "{branch}");
        let changes = [
            ("sip:34020000002000000001@3402000000 SIP", "sip:other@3402000000 SIP"),
            (";tag=d1", ";tag=d2"),
            (
                "To: <sip:34020000001320000001@3402000000>",
                "To: <sip:34020000001320000001@3402000000>;tag=x",
            ),
            ("a1b2c3d4", "b1b2c3d4"),
            ("CSeq: 1", "CSeq: 2"),
            (";rport", ";rport;x"),
        ];
        for (from, to) in changes {
            assert!(first.contains(from));
            assert!(!same(&first, &first.replace(from, to), udp()), "{branch}: {to}");
        }
    }
    let bare = request_text("REGISTER", "").replace(";branch=", "");
    assert!(same(&bare, &bare, udp()));
}
