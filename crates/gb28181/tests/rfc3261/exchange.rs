//! A camera's registration, to the byte: both sides, both printed here.

use std::net::SocketAddr;

use bytes::Bytes;
use gb28181::digest::{Challenge, Credentials, Form};
use gb28181::sip::{Flow, Message, MessageBuilder, Name};

const SERVER: &str = "sip:34020000002000000001@3402000000";
const DEVICE: &[u8] = b"34020000001320000001";
const NONCE: &[u8] = b"8f4c2b1e7d3a49d0a1b2c3d4e5f60718";

/// The lines with CRLF after each, and the empty line.
fn lines(lines: &[&str]) -> Bytes {
    Bytes::from(lines.join("\r\n") + "\r\n\r\n")
}

/// The start of a REGISTER as the camera prints it.
fn register(branch: &str, cseq: &str) -> MessageBuilder {
    let via = format!("SIP/2.0/UDP 192.0.2.10:5060;rport;branch={branch}");
    MessageBuilder::request("REGISTER", SERVER.as_bytes())
        .header(Name::Via, via.as_bytes())
        .header(Name::From, b"<sip:34020000001320000001@3402000000>;tag=d1")
        .header(Name::To, b"<sip:34020000001320000001@3402000000>")
        .header(Name::CallId, b"a1b2c3d4@192.0.2.10")
        .header(Name::CSeq, cseq.as_bytes())
        .header(Name::Contact, b"<sip:34020000001320000001@192.0.2.10:5060>")
}

#[test]
fn a_registration_is_printed_as_it_should_be() {
    let flow = Flow::udp(SocketAddr::from(([192, 0, 2, 10], 5060)));
    let first = register("z9hG4bK1001", "1 REGISTER")
        .header(Name::MaxForwards, b"70")
        .header(Name::XGbVer, b"2.0")
        .header(Name::Expires, b"3600")
        .finish();
    assert_eq!(
        first,
        lines(&[
            "REGISTER sip:34020000002000000001@3402000000 SIP/2.0",
            "Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bK1001",
            "From: <sip:34020000001320000001@3402000000>;tag=d1",
            "To: <sip:34020000001320000001@3402000000>",
            "Call-ID: a1b2c3d4@192.0.2.10",
            "CSeq: 1 REGISTER",
            "Contact: <sip:34020000001320000001@192.0.2.10:5060>",
            "Max-Forwards: 70",
            "X-GB-Ver: 2.0",
            "Expires: 3600",
            "Content-Length: 0",
        ])
    );

    let request = Message::parse(first).unwrap();
    let challenge = Challenge::new(b"3402000000", NONCE);
    let challenged = MessageBuilder::response(&request, &flow, 401, "Unauthorized", b"p1")
        .header(Name::WwwAuthenticate, &challenge.to_header())
        .finish();
    assert_eq!(
        challenged,
        lines(&[
            "SIP/2.0 401 Unauthorized",
            "Via: SIP/2.0/UDP 192.0.2.10:5060;rport=5060;received=192.0.2.10;branch=z9hG4bK1001",
            "From: <sip:34020000001320000001@3402000000>;tag=d1",
            "To: <sip:34020000001320000001@3402000000>;tag=p1",
            "Call-ID: a1b2c3d4@192.0.2.10",
            "CSeq: 1 REGISTER",
            "WWW-Authenticate: Digest realm=\"3402000000\",nonce=\"8f4c2b1e7d3a49d0a1b2c3d4e5f60718\",qop=\"auth\",algorithm=MD5",
            "Content-Length: 0",
        ])
    );

    let asked = Message::parse(challenged).unwrap();
    let asked = asked.header(Name::WwwAuthenticate).unwrap();
    let asked = Challenge::parse(&asked).unwrap();
    let answer = Credentials::create(
        &asked,
        DEVICE,
        b"12345678",
        b"REGISTER",
        SERVER.as_bytes(),
        b"0a4f113b",
        1,
        Form::QopAuth,
    );
    let second = register("z9hG4bK1002", "2 REGISTER")
        .header(Name::Authorization, &answer.to_header())
        .header(Name::MaxForwards, b"70")
        .header(Name::Expires, b"3600")
        .finish();
    assert_eq!(
        second,
        lines(&[
            "REGISTER sip:34020000002000000001@3402000000 SIP/2.0",
            "Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bK1002",
            "From: <sip:34020000001320000001@3402000000>;tag=d1",
            "To: <sip:34020000001320000001@3402000000>",
            "Call-ID: a1b2c3d4@192.0.2.10",
            "CSeq: 2 REGISTER",
            "Contact: <sip:34020000001320000001@192.0.2.10:5060>",
            "Authorization: Digest username=\"34020000001320000001\",realm=\"3402000000\",nonce=\"8f4c2b1e7d3a49d0a1b2c3d4e5f60718\",uri=\"sip:34020000002000000001@3402000000\",response=\"078661b123188fa8453c6212eecd741e\",algorithm=MD5,qop=auth,nc=00000001,cnonce=\"0a4f113b\"",
            "Max-Forwards: 70",
            "Expires: 3600",
            "Content-Length: 0",
        ])
    );

    let request = Message::parse(second).unwrap();
    let accepted = MessageBuilder::response(&request, &flow, 200, "OK", b"p1")
        .header(Name::Contact, &request.header(Name::Contact).unwrap())
        .header(Name::Date, b"2026-11-21T22:40:00.000")
        .header(Name::Expires, b"3600")
        .finish();
    assert_eq!(
        accepted,
        lines(&[
            "SIP/2.0 200 OK",
            "Via: SIP/2.0/UDP 192.0.2.10:5060;rport=5060;received=192.0.2.10;branch=z9hG4bK1002",
            "From: <sip:34020000001320000001@3402000000>;tag=d1",
            "To: <sip:34020000001320000001@3402000000>;tag=p1",
            "Call-ID: a1b2c3d4@192.0.2.10",
            "CSeq: 2 REGISTER",
            "Contact: <sip:34020000001320000001@192.0.2.10:5060>",
            "Date: 2026-11-21T22:40:00.000",
            "Expires: 3600",
            "Content-Length: 0",
        ])
    );
}
