//! 17.1.3 matching responses to client transactions, 18.1.2 receiving responses, 19.3 tags.

use bytes::Bytes;
use gb28181::endpoint::Event;
use gb28181::sip::via::Via;
use gb28181::sip::{Message, Name};

use crate::peer::{answer, endpoint, send, start, udp};

#[test]
fn only_the_right_branch_sent_by_and_method_match() {
    let (mut endpoint, now) = (endpoint(), start());
    let (_, first) = send(&mut endpoint, now, udp());
    let right = answer(&first, 200);
    let wrong = [
        right.replace("z9hG4bK", "z9hG4bK0"),
        right.replace("branch=z9hG4bK", "x="),
        right.replace("1 MESSAGE", "1 REGISTER"),
        right.replace("1 MESSAGE", "MESSAGE"),
        right.replace("CSeq:", "X:"),
        right.replace("198.51.100.5:5060", "198.51.100.6:5060"),
        right.replace("198.51.100.5:5060", "198.51.100.5:5061"),
        right.replace("From:", "Via: SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKx\r\nFrom:"),
        right.replace("Via:", "X:"),
    ];
    for wrong in wrong {
        assert_ne!(wrong, right);
        endpoint.receive(now, udp(), Bytes::from(wrong.clone()));
        assert!(endpoint.poll_event().is_none(), "{wrong}");
    }
    endpoint.receive(now, udp(), Bytes::from(right.replace("198.51.100.5:5060", "198.51.100.5")));
    assert!(
        matches!(endpoint.poll_event(), Some(Event::Response { status: 200, .. })),
        "5060 is what no port means"
    );
}

#[test]
fn what_was_added_to_our_via_does_no_harm() {
    let (mut endpoint, now) = (endpoint(), start());
    let (_, first) = send(&mut endpoint, now, udp());
    let back = answer(&first, 200).replace(";rport;", ";rport=9;received=203.0.113.1;");
    endpoint.receive(now, udp(), Bytes::from(back));
    assert!(matches!(endpoint.poll_event(), Some(Event::Response { status: 200, .. })));
}

#[test]
fn no_two_requests_share_a_branch_a_tag_or_a_call_id() {
    let (mut endpoint, now) = (endpoint(), start());
    let mut seen = std::collections::BTreeSet::new();
    for count in 1..=100_u32 {
        let (_, bytes) = send(&mut endpoint, now, udp());
        let message = Message::parse(bytes).unwrap();
        let line = message.header(Name::Via).unwrap();
        let branch = Via::parse(&line).unwrap().0.branch().unwrap().to_vec();
        assert!(branch.starts_with(b"z9hG4bK") && branch.len() > 7 + 16);
        let from = message.header(Name::From).unwrap().into_owned();
        let call_id = message.header(Name::CallId).unwrap().into_owned();
        let cseq = message.header(Name::CSeq).unwrap().into_owned();
        assert_eq!(cseq, format!("{count} MESSAGE").into_bytes());
        for value in [branch, from, call_id] {
            assert!(seen.insert(value));
        }
    }
}
