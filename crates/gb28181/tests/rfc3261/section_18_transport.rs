//! 18.2.1 receiving requests, RFC 3581: the answer says where the request came from, and goes
//! there. 18.3 framing.

use std::net::SocketAddr;

use bytes::Bytes;
use gb28181::endpoint::{Event, Keep};
use gb28181::sip::{Flow, Message, Method, Name, StreamDecoder, StreamError, StreamLimits};

use crate::peer::{endpoint, ok, only_request, request_text, start, tcp, udp};

/// The first Via of the answer to a request with this Via that came from this address.
fn via(sent: &str, remote: &str) -> String {
    let flow = Flow::udp(remote.parse::<SocketAddr>().unwrap());
    let text = request_text("OPTIONS", "z9hG4bK1")
        .replace("SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bK1", sent);
    let mut endpoint = endpoint();
    endpoint.receive(start(), flow, Bytes::from(text));
    let request = only_request(&mut endpoint);
    endpoint.respond(start(), &request, ok(), Keep::Nothing);
    let transmit = endpoint.poll_transmit().unwrap();
    assert_eq!(transmit.to, flow, "over the same flow");
    let answer = Message::parse(transmit.bytes).unwrap();
    String::from_utf8(answer.header(Name::Via).unwrap().into_owned()).unwrap()
}

#[test]
fn received_and_rport_say_where_a_request_came_from() {
    let cases = [
        (
            "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1",
            "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;received=192.0.2.1",
        ),
        ("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"),
        ("SIP/2.0/UDP host;branch=z9hG4bK1", "SIP/2.0/UDP host;branch=z9hG4bK1;received=192.0.2.1"),
        (
            "SIP/2.0/UDP 192.0.2.1;RPORT;branch=z9hG4bK1",
            "SIP/2.0/UDP 192.0.2.1;rport=4000;received=192.0.2.1;branch=z9hG4bK1",
        ),
        (
            "SIP/2.0/UDP 10.0.0.1;rport=1;received=6.6.6.6;branch=z9hG4bK1",
            "SIP/2.0/UDP 10.0.0.1;rport=4000;received=192.0.2.1;branch=z9hG4bK1",
        ),
        (
            "SIP/2.0/UDP 10.0.0.1;received=6.6.6.6;branch=z9hG4bK1;x=\"a;b\"",
            "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;x=\"a;b\";received=192.0.2.1",
        ),
        (
            "SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bK1, SIP/2.0/TCP p;branch=2",
            "SIP/2.0/UDP 10.0.0.1;rport=4000;received=192.0.2.1;branch=z9hG4bK1, SIP/2.0/TCP p;branch=2",
        ),
        (
            "SIP / 2.0 / UDP 10.0.0.1 : 5060 ; branch = z9hG4bK1",
            "SIP / 2.0 / UDP 10.0.0.1 : 5060;branch=z9hG4bK1;received=192.0.2.1",
        ),
    ];
    for (sent, expected) in cases {
        assert_eq!(via(sent, "192.0.2.1:4000"), expected, "{sent}");
    }
}

#[test]
fn addresses_of_ipv6() {
    let sent = "SIP/2.0/UDP [2001:db8::1];branch=z9hG4bK1";
    assert_eq!(via(sent, "[2001:db8:0::1]:4000"), sent, "the same address, however written");
    assert_eq!(via(sent, "[2001:db8::2]:4000"), format!("{sent};received=2001:db8::2"));
    let mapped = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1";
    assert_eq!(via(mapped, "[::ffff:192.0.2.1]:4000"), mapped, "a dual-stack socket shows IPv4 so");
}

#[test]
fn section_18_3_a_stream_is_cut_by_content_length() {
    let mut decoder = StreamDecoder::new(StreamLimits::default());
    decoder.push(
        b"\r\nMESSAGE sip:a@b SIP/2.0\r\nContent-Length:\r\n 5\r\n\r\nhelloOPTIONS sip:a@b SIP/2.0\n\nREG",
    );
    let message = Message::parse(decoder.next().unwrap().unwrap()).unwrap();
    assert_eq!(message.body(), b"hello");
    let message = Message::parse(decoder.next().unwrap().unwrap()).unwrap();
    assert_eq!((message.method(), message.body()), (Some(Method::Options), &b""[..]));
    assert_eq!(decoder.next(), Ok(None));
    assert_eq!(decoder.held_bytes(), 3);
}

#[test]
fn pings_are_counted_and_eaten() {
    let mut decoder = StreamDecoder::new(StreamLimits::default());
    decoder.push(b"\r\n\r\n\r\n\r\nOPTIONS sip:a@b SIP/2.0\r\n\r\n\r\n\r\n\r\n");
    assert!(decoder.next().unwrap().is_some());
    assert_eq!(decoder.next(), Ok(None));
    assert_eq!((decoder.pings(), decoder.pings()), (3, 0));
    assert_eq!(decoder.held_bytes(), 0);

    let mut endpoint = endpoint();
    for flow in [udp(), tcp(1)] {
        endpoint.receive(start(), flow, Bytes::from_static(b"\r\n\r\n"));
        assert!(matches!(endpoint.poll_event(), Some(Event::Ping { from }) if from == flow));
    }
    endpoint.receive(start(), udp(), Bytes::new());
    endpoint.receive(start(), udp(), Bytes::from_static(b"\0\0\0\0"));
    assert!(endpoint.is_empty());
}

#[test]
fn a_stream_out_of_bounds_ends_and_stays_ended() {
    let limits = StreamLimits { head_bytes_max: 64, body_bytes_max: 10 };
    let head = "MESSAGE sip:a@b SIP/2.0\r\nContent-Length: 11\r\n\r\n";
    let mut decoder = StreamDecoder::new(limits);
    decoder.push(head.as_bytes());
    let expected = StreamError::BodyTooLong { body_bytes_max: 10, head: Bytes::from(head) };
    assert_eq!(decoder.next(), Err(expected.clone()));
    decoder.push(b"OPTIONS sip:a@b SIP/2.0\r\n\r\n");
    assert_eq!(decoder.next(), Err(expected));
    assert_eq!(decoder.held_bytes(), 0, "nothing more is held");

    for tail in ["", "\r\n\r\n"] {
        let mut decoder = StreamDecoder::new(limits);
        decoder.push(format!("MESSAGE sip:{} SIP/2.0{tail}", "a".repeat(64)).as_bytes());
        assert_eq!(
            decoder.next(),
            Err(StreamError::HeadTooLong { head_bytes_max: 64 }),
            "{tail:?}"
        );
    }
}

#[test]
fn the_head_of_what_ended_a_stream_is_answered() {
    let text =
        request_text("MESSAGE", "z9hG4bK1").replace("Content-Length: 0", "Content-Length: -1");
    let mut decoder = StreamDecoder::new(StreamLimits::default());
    decoder.push(text.as_bytes());
    let Err(StreamError::ContentLength { head }) = decoder.next() else { panic!("not refused") };
    let mut endpoint = endpoint();
    endpoint.receive(start(), tcp(1), head);
    assert_eq!(crate::peer::statuses(&mut endpoint), [400]);
}
