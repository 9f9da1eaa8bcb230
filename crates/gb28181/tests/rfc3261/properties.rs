//! What holds for all bytes.

use bytes::Bytes;
use gb28181::digest::{Algorithm, Challenge, Credentials, Form};
use gb28181::sip::uri::{Address, Uri};
use gb28181::sip::via::Via;
use gb28181::sip::{
    Message, MessageBuilder, Method, Name, Start, StreamDecoder, StreamError, StreamLimits,
};
use proptest::prelude::*;

use crate::peer::{endpoint, request_text, start, tcp, udp};

/// Bytes that look a little like SIP, so that they get further than the first line.
fn sip_like() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "REGISTER sip:a@b SIP/2.0\r\n",
        "SIP/2.0 200 OK\r\n",
        "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n",
        "From: ",
        "To: ",
        "<sip:",
        "\"",
        "\\",
        ">",
        ";tag=",
        "Call-ID: x\r\n",
        "CSeq: 1 REGISTER\r\n",
        "Content-Length: ",
        "l: 3\r\n",
        "\r\n",
        "\n",
        " ",
        ",",
        ";",
        "=",
        ":",
        "@",
        "[",
        "]",
        "0",
        "999",
        "Authorization: Digest ",
        "username=",
        "MESSAGE",
        "\t",
        "\r",
    ]);
    let piece = prop_oneof![
        8 => pieces.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// A header value that is printed as it is: no line ends, no NUL, no blanks at its ends.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_filter("a line end", |byte| !matches!(byte, b'\r' | b'\n' | 0));
    prop::collection::vec(byte, 0..40).prop_map(|bytes| gb28181::sip::field::trim(&bytes).to_vec())
}

/// A text that needs no escapes in quotes.
fn quotable() -> impl Strategy<Value = Vec<u8>> {
    "[ -!#-\\[\\]-~]{1,20}".prop_map(String::into_bytes)
}

/// All messages of a stream that comes in these pieces, the error that ends it, and its pings.
fn cut(
    bytes: &[u8],
    mut pieces: impl Iterator<Item = usize>,
) -> (Vec<Bytes>, Option<StreamError>, u32) {
    let limits = StreamLimits { head_bytes_max: 200, body_bytes_max: 50 };
    let mut decoder = StreamDecoder::new(limits);
    let (mut messages, mut rest, mut pings) = (Vec::new(), bytes, 0);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(pieces.next().unwrap_or(1).clamp(1, rest.len()));
        decoder.push(piece);
        loop {
            match decoder.next() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error), pings + decoder.pings()),
            }
        }
        pings += decoder.pings();
        rest = after;
    }
    (messages, None, pings)
}

proptest! {
    #[test]
    fn no_bytes_make_anything_panic(
        bytes in prop_oneof![sip_like(), prop::collection::vec(any::<u8>(), 0..300)],
    ) {
        let mut endpoint = endpoint();
        for flow in [udp(), tcp(1)] {
            endpoint.receive(start(), flow, Bytes::from(bytes.clone()));
        }
        let _ = Uri::parse(&bytes);
        let _ = Address::parse(&bytes);
        let _ = Via::is_sound_line(&bytes);
        let _ = Credentials::parse(&bytes);
        let _ = Challenge::parse(&bytes);
        if let Ok((message, _)) = Message::parse_leniently(Bytes::from(bytes)) {
            for (_, value) in message.header_lines() {
                let _ = (Address::parse(&value), Via::parse(&value), Credentials::parse(&value));
                prop_assert!(!value.contains(&b'\n'), "unfolded");
            }
            // Whatever was read, an answer to it can be read too.
            let answer = MessageBuilder::response(&message, &udp(), 400, "Bad Request", b"t").finish();
            prop_assert_eq!(Message::parse(answer).unwrap().status(), Some(400));
        }
    }

    #[test]
    fn a_stream_gives_the_same_messages_however_it_is_cut(
        bytes in prop::collection::vec(sip_like(), 1..5).prop_map(|all| all.concat()),
        pieces in prop::collection::vec(1..60_usize, 0..30),
    ) {
        let whole = cut(&bytes, std::iter::once(bytes.len()));
        prop_assert_eq!(&cut(&bytes, pieces.into_iter()), &whole);
        prop_assert_eq!(&cut(&bytes, std::iter::empty()), &whole);
    }

    #[test]
    fn what_is_printed_is_read_back(
        names in prop::collection::vec(prop::sample::select(vec![
            Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq, Name::Contact, Name::Date,
        ]), 0..12),
        values in prop::collection::vec(value(), 12),
        body in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut printed = MessageBuilder::request("MESSAGE", b"sip:a@b");
        for (name, value) in names.iter().zip(&values) {
            printed = printed.header(*name, value);
        }
        let message = Message::parse(printed.finish_with_body("text/plain", &body)).unwrap();
        let expected =
            Start::Request { method: Method::Message, method_text: b"MESSAGE", uri: b"sip:a@b" };
        prop_assert_eq!(message.start(), expected);
        prop_assert_eq!(message.body(), &body[..]);
        for (line, (name, value)) in message.header_lines().zip(names.iter().zip(&values)) {
            prop_assert_eq!(line.0, name.text().as_bytes());
            prop_assert_eq!(&*line.1, &value[..]);
        }
    }

    #[test]
    fn credentials_are_read_back_and_answer(
        username in quotable(), realm in quotable(), nonce in quotable(), uri in quotable(),
        cnonce in quotable(), password in prop::collection::vec(any::<u8>(), 0..20),
        nc in any::<u32>(), with_qop in any::<bool>(), sha in any::<bool>(), stale in any::<bool>(),
        opaque in prop::option::of(quotable()),
    ) {
        let challenge = Challenge {
            realm: realm.into(),
            nonce: nonce.into(),
            opaque: opaque.map(Into::into),
            qop_auth: with_qop,
            algorithm: if sha { Algorithm::Sha256 } else { Algorithm::Md5 },
            stale,
        };
        let header = challenge.to_header();
        prop_assert_eq!(&Challenge::parse(&header).unwrap(), &challenge);
        let form = if with_qop { Form::QopAuth } else { Form::Rfc2069 };
        let made = Credentials::create(
            &challenge, &username, &password, b"REGISTER", &uri, &cnonce, nc, form,
        );
        let read = Credentials::parse(&made.to_header()).unwrap();
        prop_assert_eq!(&read, &made);
        prop_assert!(read.answers(&password, b"REGISTER"));
        prop_assert!(!read.answers(&[&password[..], b"x"].concat(), b"REGISTER"));
    }

    /// One byte of a sound REGISTER changed: it comes up, is answered, or is dropped; and nothing
    /// is kept.
    #[test]
    fn a_damaged_request_leaves_nothing_behind(at in 0..400_usize, byte in any::<u8>()) {
        let mut bytes = request_text("REGISTER", "z9hG4bK1").into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let mut endpoint = endpoint();
        endpoint.receive(start(), udp(), Bytes::from(bytes));
        let happened = [endpoint.poll_event().is_some(), endpoint.poll_transmit().is_some()];
        prop_assert!(happened != [true, true], "answered and handed up");
        prop_assert!(endpoint.is_empty());
    }
}
