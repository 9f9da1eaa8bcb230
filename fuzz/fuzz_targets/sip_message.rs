//! A stranger's bytes as SIP: a datagram, and a stream that comes in pieces.
//!
//! What is answered can be read, nothing is kept of it, and no response is ever answered. How a
//! stream is cut makes no difference.

#![no_main]

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Instant;

use bytes::Bytes;
use gb28181::endpoint::{Config, Endpoint};
use gb28181::sip::uri::Address;
use gb28181::sip::via::Via;
use gb28181::sip::{Flow, Message, StreamDecoder, StreamLimits};
use libfuzzer_sys::fuzz_target;

/// The same in every run: nothing here lasts.
static NOW: LazyLock<Instant> = LazyLock::new(Instant::now);

fuzz_target!(|bytes: &[u8]| {
    let remote = SocketAddr::from(([192, 0, 2, 1], 5060));
    let mut endpoint = Endpoint::new(Config::new([1; 32]));
    receive(&mut endpoint, Flow::udp(remote), Bytes::copy_from_slice(bytes));

    let whole = messages(bytes, bytes.len().max(1));
    assert_eq!(whole, messages(bytes, 1), "byte by byte");
    assert_eq!(whole, messages(bytes, 7), "in sevens");
    for message in whole.0 {
        receive(&mut endpoint, Flow::tcp(remote, 1), message);
    }
});

/// Gives an endpoint a message, and looks at what it does.
fn receive(endpoint: &mut Endpoint, from: Flow, bytes: Bytes) {
    let read = Message::parse_leniently(bytes.clone()).ok();
    endpoint.receive(*NOW, from, bytes);
    let up = endpoint.poll_event().is_some();
    let answer = endpoint.poll_transmit();
    assert!(!(up && answer.is_some()), "handed up and answered");
    if let Some(answer) = answer {
        let answer = Message::parse(answer.bytes).expect("our own answer");
        assert!(answer.status().is_some_and(|status| status >= 400));
        assert!(read.as_ref().is_some_and(|(message, _)| message.status().is_none()));
    }
    assert!(endpoint.is_empty(), "something is kept");
    if let Some((message, _)) = read {
        for (_, value) in message.header_lines() {
            let _ = (Address::parse(&value), Via::is_sound_line(&value));
        }
    }
}

/// All messages of a stream in pieces of this many bytes, and whether it ended with an error.
fn messages(bytes: &[u8], piece_bytes: usize) -> (Vec<Bytes>, bool) {
    let limits = StreamLimits { head_bytes_max: 2048, body_bytes_max: 1024 };
    let mut decoder = StreamDecoder::new(limits);
    let mut all = Vec::new();
    for piece in bytes.chunks(piece_bytes) {
        decoder.push(piece);
        loop {
            match decoder.next() {
                Ok(Some(message)) => all.push(message),
                Ok(None) => break,
                Err(_) => return (all, true),
            }
        }
        assert!(decoder.held_bytes() <= 2048 + 1024, "more is held than one message");
    }
    (all, false)
}
