//! 7 SIP messages, and 18.3 framing: what is read, however it is written.

use bytes::Bytes;
use gb28181::sip::{Fault, Message, Method, Name, ParseError, Start};

/// Reads a message that has to be sound.
fn read(text: impl Into<Vec<u8>>) -> Message {
    Message::parse(Bytes::from(text.into())).unwrap()
}

/// Why a message is not taken.
fn refused(text: impl Into<Vec<u8>>) -> ParseError {
    Message::parse(Bytes::from(text.into())).unwrap_err()
}

/// A header's value as text.
fn value(message: &Message, name: Name) -> String {
    String::from_utf8(message.header(name).unwrap().into_owned()).unwrap()
}

#[test]
fn section_7_1_a_request_line() {
    let message = read("NEW%2dM sip:a@b;x SIP/2.0\r\n\r\n");
    let expected =
        Start::Request { method: Method::Other, method_text: b"NEW%2dM", uri: b"sip:a@b;x" };
    assert_eq!(message.start(), expected);
    assert_eq!(read("MESSAGE sip:a@b sip/2.0\r\n\r\n").method(), Some(Method::Message));
    assert_eq!(read("message sip:a@b SIP/2.0\r\n\r\n").method(), Some(Method::Other));
    for odd in ["MESSAGE  sip:a@b SIP/2.0", "MESSAGE sip:a@b SIP/2.0 ", "MESSAGE sip:a @b SIP/2.0"]
    {
        let fault = refused(format!("{odd}\r\n\r\n"));
        assert_eq!(fault, ParseError::Faulty(Fault::StartLine), "{odd}");
    }
    assert_eq!(refused("MESSAGE sip:a@b SIP/3.0\r\n\r\n"), Fault::Version.into());
    for other in
        ["", "\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "MESSAGE\r\n\r\n", "M SIP/2.0", " \r\n\r\n"]
    {
        assert_eq!(refused(other), ParseError::NotSip, "{other:?}");
    }
}

#[test]
fn section_7_2_a_status_line() {
    let message = read(b"SIP/2.0 200 \xb3\xc9\xb9\xa6\r\n\r\n".to_vec());
    assert_eq!(message.start(), Start::Response { status: 200, reason: b"\xb3\xc9\xb9\xa6" });
    let bare = read("SIP/2.0 404\r\n\r\n");
    assert_eq!(bare.start(), Start::Response { status: 404, reason: b"" });
    for status in ["99", "700", "4294967496", "+20", "2 00", "abc", ""] {
        assert_eq!(refused(format!("SIP/2.0 {status} OK\r\n\r\n")), ParseError::NotSip, "{status}");
    }
}

#[test]
fn section_7_3_1_folded_headers_are_one_line() {
    let message =
        read("OPTIONS sip:a@b SIP/2.0\r\nTo  :\r\n  sip:a@b ;\r\n\t tag = x  \r\nl:0\r\n\r\n");
    assert_eq!(value(&message, Name::To), "sip:a@b ; tag = x");
    assert_eq!(value(&message, Name::ContentLength), "0");
    let stray = refused("OPTIONS sip:a@b SIP/2.0\r\n folded onto nothing: x\r\n\r\n");
    assert_eq!(stray, Fault::HeaderLine.into());
}

#[test]
fn section_7_3_1_names_in_any_case_and_headers_in_any_number() {
    let message =
        read("OPTIONS sip:a@b SIP/2.0\r\nvIa: one\r\nX-Own: 1\r\nV:two\r\nx-own: 2\r\n\r\n");
    let all: Vec<_> = message.headers(Name::Via).map(|value| value.into_owned()).collect();
    assert_eq!(all, [b"one".to_vec(), b"two".to_vec()]);
    assert_eq!(message.header_named("X-OWN").as_deref(), Some(&b"1"[..]));
    assert_eq!(message.header_named("X-Other"), None);
    assert_eq!(message.header_lines().count(), 4);
}

#[test]
fn section_7_3_3_compact_forms_are_the_same_names() {
    let message = read(
        "MESSAGE sip:a@b SIP/2.0\r\nv: v\r\nf: f\r\nt: t\r\ni: i\r\nm: m\r\nc: c\r\nl: 2\r\n\
         s: s\r\nk: k\r\no: o\r\n\r\nhi",
    );
    let names = [
        (Name::Via, "v"),
        (Name::From, "f"),
        (Name::To, "t"),
        (Name::CallId, "i"),
        (Name::Contact, "m"),
        (Name::ContentType, "c"),
        (Name::ContentLength, "2"),
        (Name::Subject, "s"),
        (Name::Supported, "k"),
        (Name::Event, "o"),
    ];
    for (name, expected) in names {
        assert_eq!(value(&message, name), expected, "{name:?}");
    }
    assert_eq!(message.body(), b"hi");
}

#[test]
fn section_7_5_line_feeds_alone_and_empty_lines_before() {
    let message = read("\r\n\n\r\nMESSAGE sip:a@b SIP/2.0\nTo: x\nContent-Length: 2\n\nhi");
    assert_eq!(value(&message, Name::To), "x");
    assert_eq!(message.body(), b"hi");
    let unended = read("OPTIONS sip:a@b SIP/2.0\r\nTo: x\r\n");
    assert_eq!(value(&unended, Name::To), "x", "some devices leave the empty line out");
    assert_eq!(refused("OPTIONS sip:a@b SIP/2.0\r\nTo: x"), Fault::HeadCut.into());
    assert_eq!(refused("OPTIONS sip:a@b SIP/2.0\r\nno colon\r\n\r\n"), Fault::HeaderLine.into());
}

#[test]
fn section_18_3_the_body_is_as_long_as_the_content_length_says() {
    let with = |length: &str| format!("MESSAGE sip:a@b SIP/2.0\r\n{length}\r\nhello");
    assert_eq!(read(with("")).body(), b"hello", "without one, all of the datagram");
    assert_eq!(read(with("Content-Length: 3\r\n")).body(), b"hel", "what is left is dropped");
    assert_eq!(read(with("Content-Length: 0005\r\nl: 5\r\n")).body(), b"hello");
    for wrong in ["6", "-1", "", "5 5", "0x5", "99999999999999999999"] {
        let fault = refused(with(&format!("Content-Length: {wrong}\r\n")));
        assert_eq!(fault, Fault::ContentLength.into(), "{wrong}");
    }
    assert_eq!(refused(with("Content-Length: 5\r\nl: 4\r\n")), Fault::ContentLength.into());
}

#[test]
fn a_gbk_byte_in_one_header_hurts_no_other() {
    // 摄像机 in GBK, and 誠, whose second byte is a backslash, right before the closing quote.
    let mut text = b"MESSAGE sip:a@b SIP/2.0\r\nSubject: \xc9\xe3\xcf\xf1\xbb\xfa\r\n".to_vec();
    text.extend_from_slice(b"From: \"\xd5\x5c\" <sip:d@h>;tag=1\r\n\xc9\xe3: x\r\n");
    text.extend_from_slice(
        b"User-Agent: \xff\xfe\x80\r\nTo: \xc9\xe3<sip:t@h>\r\nl: 2\r\n\r\n\xc9\xe3",
    );
    let message = read(text);
    assert_eq!(message.body(), b"\xc9\xe3");
    let from = message.header(Name::From).unwrap();
    let from = gb28181::sip::uri::Address::parse(&from).unwrap();
    assert_eq!(
        (from.display, from.uri.user, from.tag()),
        (&b"\"\xd5\x5c\""[..], Some(&b"d"[..]), Some(&b"1"[..]))
    );
    let to = message.header(Name::To).unwrap();
    assert_eq!(gb28181::sip::uri::Address::parse(&to).unwrap().display, b"\xc9\xe3");
}

#[test]
fn a_message_of_too_many_lines_or_bytes_is_refused() {
    let lines = "a: b\r\n".repeat(257);
    let message = format!("OPTIONS sip:a@b SIP/2.0\r\n{lines}\r\n");
    assert_eq!(refused(message), ParseError::TooManyLines);
    assert_eq!(refused(vec![b'a'; gb28181::sip::MESSAGE_BYTES_MAX + 1]), ParseError::TooLong);
}

/// Folded lines count too, so no more of them are gone through than of others.
#[test]
fn section_7_3_1_lines_folded_onto_a_header_are_bounded_with_the_others() {
    let folded =
        |lines: usize| format!("OPTIONS sip:a@b SIP/2.0\r\nTo: x\r\n{}\r\n", " \r\n".repeat(lines));
    assert_eq!(value(&read(folded(255)), Name::To), "x");
    assert_eq!(refused(folded(256)), ParseError::TooManyLines);
    let longest = gb28181::sip::MESSAGE_BYTES_MAX / 3 - 20;
    assert_eq!(refused(folded(longest)), ParseError::TooManyLines);
    let colonless = format!("OPTIONS sip:a@b SIP/2.0\r\n{}\r\n", "x\r\n".repeat(257));
    assert_eq!(refused(colonless), ParseError::TooManyLines);
}

#[test]
fn section_7_3_1_blank_lines_folded_onto_a_header_add_nothing() {
    let message = read(
        "OPTIONS sip:a@b SIP/2.0\r\nTo:\r\n \r\n\t sip:a@b\r\n  \r\n ;tag=x \r\n \r\nl: 0\r\n\r\n",
    );
    assert_eq!(value(&message, Name::To), "sip:a@b ;tag=x");
    let blank = read("OPTIONS sip:a@b SIP/2.0\r\nTo: \r\n \r\n\t\r\nl: 0\r\n\r\n");
    assert_eq!(value(&blank, Name::To), "");
}

#[test]
fn a_header_may_be_as_long_as_the_bound_and_no_longer() {
    let with =
        |header: String| format!("OPTIONS sip:a@b SIP/2.0\r\nX-Own: {header}\r\nl: 0\r\n\r\n");
    let longest = "x".repeat(8 * 1024);
    assert_eq!(read(with(longest.clone())).header_named("X-Own").unwrap().len(), 8 * 1024);
    assert_eq!(refused(with(longest.clone() + "x")), Fault::HeaderTooLong.into());
    assert_eq!(refused(with(longest + "\r\n x")), Fault::HeaderTooLong.into());
}

/// Credentials and bodies are secrets, and so may a Request-URI be.
#[test]
fn no_bytes_of_a_message_are_shown() {
    use gb28181::endpoint::{OutgoingRequest, OutgoingResponse};
    use gb28181::sip::{MessageBuilder, StreamDecoder, StreamLimits, Transmit};

    let text = "MESSAGE sip:a:s3cret@b SIP/2.0\r\nAuthorization: Digest response=\"s3cret\"\r\n\
                l: 6\r\n\r\ns3cret";
    let message = read(text);
    let expected = "Message { method: Message, header_lines: 2, body_bytes: 6, bytes: 90 }";
    assert_eq!(format!("{message:?}"), expected.replace("90", &text.len().to_string()));
    let response = read("SIP/2.0 200 s3cret\r\n\r\n");
    assert!(format!("{response:?}").starts_with("Message { status: 200, header_lines: 0, "));
    let (mut endpoint, now) = (crate::peer::endpoint(), crate::peer::start());
    endpoint.receive(now, crate::peer::udp(), crate::peer::request("MESSAGE", "z9hG4bKs3cret"));
    let incoming = crate::peer::only_request(&mut endpoint);
    endpoint.hold(now, &incoming).unwrap();
    let asked = OutgoingRequest::new(Method::Message, "sip:s3cret@b", "sip:a@b", "sip:a@b", "h")
        .with(Name::Subject, "s3cret")
        .with_body("text/plain", "s3cret");
    let answered =
        OutgoingResponse::new(200).with(Name::Subject, "s3cret").with_body("text/plain", "s3cret");
    endpoint.request(now, crate::peer::udp(), asked.clone()).unwrap();
    let transmit = Transmit { to: crate::peer::udp(), bytes: Bytes::from(text) };
    let mut decoder = StreamDecoder::new(StreamLimits::default());
    decoder.push(text.replace("l: 6", "l: s").as_bytes());
    let held = format!("{decoder:?}");
    let error = decoder.next().unwrap_err();
    let builder = MessageBuilder::request("MESSAGE", b"sip:s3cret@b");
    for shown in [
        held,
        format!("{incoming:?}"),
        format!("{asked:?}"),
        format!("{answered:?}"),
        format!("{transmit:?}"),
        format!("{endpoint:?}"),
        format!("{error:?}"),
        format!("{builder:?}"),
    ] {
        // Bytes of a list would be shown as numbers: 115, 51, 99.
        assert!(!shown.contains("s3cret") && !shown.contains("115, 51"), "{shown}");
    }
    assert!(format!("{asked:?}").contains("method: Message"));
}
