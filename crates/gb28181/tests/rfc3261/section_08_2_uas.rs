//! 8.2 UAS behaviour: what is answered without anybody being asked, and what is never answered.

use bytes::Bytes;
use gb28181::endpoint::{Config, Endpoint, Keep};
use gb28181::sip::{Message, Method, Name};

use crate::peer::{
    answer, endpoint, ok, only_request, request, request_text, sent, start, statuses, udp,
};

/// What becomes of a REGISTER of which something was replaced: its statuses, or whether it came up.
fn treated(from: &str, to: &str) -> Result<Vec<u16>, Method> {
    let text = request_text("REGISTER", "z9hG4bK1");
    assert!(text.contains(from), "nothing to replace: {from}");
    let mut endpoint = endpoint();
    endpoint.receive(start(), udp(), Bytes::from(text.replacen(from, to, 1)));
    if let Some(event) = endpoint.poll_event() {
        let gb28181::endpoint::Event::Request(request) = event else { panic!("{event:?}") };
        return Err(request.method);
    }
    let statuses = statuses(&mut endpoint);
    assert!(endpoint.is_empty());
    Ok(statuses)
}

#[test]
fn what_can_not_be_read_is_answered_400() {
    let cases = [
        ("sip:34020000002000000001@3402000000 ", "sip:@3402000000 "),
        ("sip:34020000002000000001@3402000000 ", "sip:a@b:70000 "),
        ("sip:34020000002000000001@3402000000 ", "sip:a@b?To=x "),
        ("Via: SIP/2.0/UDP 192.0.2.10:5060", "Via: SIP/2.0/UDP"),
        ("Via: SIP/2.0/UDP 192.0.2.10:5060", "Via: SIP/2.0 192.0.2.10"),
        ("CSeq: 1 REGISTER", "CSeq: 1 MESSAGE"),
        ("CSeq: 1 REGISTER", "CSeq: 2147483648 REGISTER"),
        ("CSeq: 1 REGISTER", "CSeq: REGISTER"),
        ("CSeq: 1 REGISTER", "CSeq: 1 REGISTER\r\nCSeq: 2 REGISTER"),
        ("Call-ID: a1b2c3d4@192.0.2.10\r\n", ""),
        ("Call-ID: a1b2c3d4@192.0.2.10\r\n", "Call-ID:\r\n"),
        ("From: <", "From: \"<"),
        ("From: <", "X: <"),
        ("To: <", "To: sip:a@b\r\nTo: <"),
        ("Max-Forwards: 70", "Max-Forwards: 256"),
        ("Max-Forwards: 70", "Max-Forwards: x"),
        ("Max-Forwards: 70", "Contact: <sip:a@b"),
        ("Max-Forwards: 70", "Contact: sip:a@b?x=y"),
        ("Content-Length: 0", "Content-Length: 1"),
        ("Content-Length: 0", "Content-Length"),
    ];
    for (from, to) in cases {
        assert_eq!(treated(from, to), Ok(vec![400]), "{from} -> {to}");
    }
}

#[test]
fn what_nobody_could_match_an_answer_to_is_dropped() {
    assert_eq!(treated("Via:", "X:"), Ok(vec![]));
    assert_eq!(treated("CSeq:", "X:"), Ok(vec![]));
    assert_eq!(
        treated("REGISTER sip:34020000002000000001@3402000000 SIP/2.0", "hello"),
        Ok(vec![])
    );
}

#[test]
fn what_devices_really_send_is_let_pass() {
    let cases = [
        ("Max-Forwards: 70\r\n", ""),
        ("Max-Forwards: 70\r\n", "Contact: *\r\n"),
        ("Max-Forwards: 70\r\n", "Contact: <sip:a@b>, \"x, y\" <sip:c@d>;expires=1\r\n"),
        (";tag=d1", ";tag=d1;"),
        (";tag=d1", ""),
        ("From: <", "From: \u{6444}\u{50cf}\u{673a} <"),
        ("branch=z9hG4bK1", "branch=1"),
        ("Content-Length: 0\r\n", ""),
        ("sip:34020000002000000001@3402000000 ", "sips:a@b;transport=udp "),
    ];
    for (from, to) in cases {
        assert_eq!(treated(from, to), Err(Method::Register), "{from} -> {to}");
    }
}

#[test]
fn section_8_2_1_methods() {
    let cases = [
        ("INVITE", vec![405]),
        ("CANCEL", vec![481]),
        ("PUBLISH", vec![501]),
        ("ACK", vec![]),
        ("register", vec![501]),
    ];
    for (method, expected) in cases {
        let mut endpoint = endpoint();
        endpoint.receive(start(), udp(), request(method, "z9hG4bK1"));
        assert!(endpoint.poll_event().is_none(), "{method}");
        assert_eq!(statuses(&mut endpoint), expected, "{method}");
    }
    let up = ["REGISTER", "MESSAGE", "NOTIFY", "SUBSCRIBE", "OPTIONS", "INFO", "BYE"];
    for method in up {
        let mut endpoint = endpoint();
        endpoint.receive(start(), udp(), request(method, "z9hG4bK1"));
        assert_eq!(only_request(&mut endpoint).method.text(), method);
    }
    let allow = vec![Method::Register, Method::Message];
    let mut endpoint = Endpoint::new(Config { allow, ..Config::new([1; 32]) });
    endpoint.receive(start(), udp(), request("BYE", "z9hG4bK1"));
    let answer = Message::parse(sent(&mut endpoint).remove(0)).unwrap();
    assert_eq!(answer.status(), Some(405));
    assert_eq!(answer.header(Name::Allow).as_deref(), Some(&b"REGISTER, MESSAGE"[..]));
}

#[test]
fn section_8_2_2_1_only_sip_and_sips_are_served() {
    let uri = "sip:34020000002000000001@3402000000 ";
    assert_eq!(treated(uri, "tel:+8610 "), Ok(vec![416]));
    assert_eq!(treated(uri, "x-y+z.1:whatever "), Ok(vec![416]));
    assert_eq!(treated(uri, "<sip:a@b> "), Ok(vec![400]));
}

#[test]
fn section_8_2_2_3_extensions_that_are_asked_for_are_named() {
    let mut endpoint = endpoint();
    let text = request_text("REGISTER", "z9hG4bK1")
        .replace("Max-Forwards: 70\r\n", "Require: a , b\r\nRequire: c\r\nProxy-Require: p\r\n");
    endpoint.receive(start(), udp(), Bytes::from(text));
    let answer = Message::parse(sent(&mut endpoint).remove(0)).unwrap();
    assert_eq!(answer.status(), Some(420));
    assert_eq!(answer.header(Name::Unsupported).as_deref(), Some(&b"a, b, c"[..]));
    assert_eq!(treated("Max-Forwards: 70", "Require:"), Err(Method::Register));
    assert_eq!(treated("Max-Forwards: 70", "Proxy-Require: p"), Err(Method::Register));
}

#[test]
fn section_8_2_6_2_an_answer_has_the_requests_headers_and_a_tag_of_its_own() {
    let mut endpoint = endpoint();
    endpoint.receive(start(), udp(), request("OPTIONS", "z9hG4bK1"));
    let request = only_request(&mut endpoint);
    endpoint.respond(start(), &request, ok(), Keep::Nothing);
    let first = sent(&mut endpoint).remove(0);
    let response = Message::parse(first.clone()).unwrap();
    for name in [Name::From, Name::CallId, Name::CSeq] {
        assert_eq!(response.header(name), request.message.header(name), "{name:?}");
    }
    let to = response.header(Name::To).unwrap();
    let tag = gb28181::sip::uri::Address::parse(&to).unwrap().tag().unwrap();
    assert!(tag.len() >= 8, "32 random bits at least (19.3)");
    // 8.2.7: without state, the same request gets the same tag.
    endpoint.respond(start(), &request, ok(), Keep::Nothing);
    assert_eq!(sent(&mut endpoint).first(), Some(&first));
    let mut other = Endpoint::new(Config::new([2; 32]));
    other.respond(start(), &request, ok(), Keep::Nothing);
    assert_ne!(sent(&mut other), [first], "another secret makes other tags");
}

#[test]
fn section_8_2_6_2_a_tag_that_is_there_stays() {
    let mut endpoint = endpoint();
    let to = "To: <sip:34020000001320000001@3402000000>";
    let text = request_text("NOTIFY", "z9hG4bK1").replace(to, &format!("{to};tag=theirs"));
    endpoint.receive(start(), udp(), Bytes::from(text));
    let request = only_request(&mut endpoint);
    endpoint.respond(start(), &request, ok(), Keep::Nothing);
    let response = Message::parse(sent(&mut endpoint).remove(0)).unwrap();
    assert_eq!(response.header(Name::To), request.message.header(Name::To));
}

#[test]
fn a_response_to_nothing_is_never_answered() {
    let mut endpoint = endpoint();
    let request = request("REGISTER", "z9hG4bK1");
    for status in [100, 200, 401, 503, 699] {
        endpoint.receive(start(), udp(), Bytes::from(answer(&request, status)));
    }
    let broken = answer(&request, 200).replace("SIP/2.0 200", "SIP/3.0 200");
    endpoint.receive(start(), udp(), Bytes::from(broken));
    assert!(endpoint.is_empty());
    assert_eq!(endpoint.counts().dropped, 6);
}

#[test]
fn an_answer_can_not_be_made_to_hold_another_header() {
    let mut endpoint = endpoint();
    endpoint.receive(start(), udp(), request("OPTIONS", "z9hG4bK1"));
    let request = only_request(&mut endpoint);
    let evil = ok().with(Name::Contact, "<sip:a@b>\r\nInjected: yes\r\n\r\nbody");
    endpoint.respond(start(), &request, evil, Keep::Nothing);
    let response = Message::parse(sent(&mut endpoint).remove(0)).unwrap();
    assert_eq!(response.header_named("Injected"), None);
    assert_eq!(response.body(), b"");
}

#[test]
fn a_header_over_the_bound_is_answered_400() {
    let (mut endpoint, now) = (endpoint(), start());
    let long = format!("X-Own: {}\r\nMax-Forwards", "x".repeat(8 * 1024 + 1));
    let text = request_text("MESSAGE", "z9hG4bK1").replace("Max-Forwards", &long);
    endpoint.receive(now, udp(), text.into());
    assert_eq!(statuses(&mut endpoint), [400]);
    assert!(endpoint.is_empty());
}
