//! GB/T 28181, the Chinese standard by which cameras and video platforms find and command each
//! other: its signalling, for both sides, without any IO.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`sip`] | SIP messages as bytes: reading, cutting a TCP stream, printing (RFC 3261) |
//! | [`digest`] | the answers to a registrar's challenge: MD5 and SHA-256, with qop and without |
//! | [`endpoint`] | transactions: retransmissions, time-outs, refusals of what is malformed |
//! | [`manscdp`] | the XML bodies: keepalives, catalogs, configuration, both directions |
//! | [`charset`] | GB2312, GBK, GB18030 and UTF-8 bodies, as devices really send them |
//! | [`code`] | the 20-digit ids |
//!
//! The crate opens no socket, reads no clock and starts no task. An [`endpoint::Endpoint`] is given
//! bytes and the time; it gives back events, bytes to send, and when it wants to be woken. So it
//! runs in any runtime, and in a simulation that has its own time.
//!
//! # What it must never do
//!
//! - Panic, hang or grow without a bound, whatever bytes come in.
//! - Lose a message over a byte that is not ASCII: cameras put GBK into any header, and only the
//!   header that has it may suffer.
//! - Keep anything for a sender that has proved nothing: see [`endpoint::Keep`].
//! - Answer a response or an ACK.
//! - Show a password, or what one could be guessed from, in an error or in `Debug`.
//! - Say that somebody is who they say they are. [`digest`] checks one answer; whether its nonce
//!   was given out, is fresh and was not used before, only the caller can know.
//!
//! No media, and no INVITE: such a request is answered 405.
//!
//! # Where to start
//!
//! With this registrar, which challenges a camera and lets it in. A real one has nonces that can't
//! be guessed and expire, and looks the password up.
//!
//! ```
//! use std::net::SocketAddr;
//! use std::time::Instant;
//!
//! use bytes::Bytes;
//! use gb28181::digest::{Challenge, Credentials};
//! use gb28181::endpoint::{Config, Endpoint, Event, IncomingRequest, Keep, OutgoingResponse};
//! use gb28181::sip::{Flow, Method, Name};
//!
//! const NONCE: &[u8] = b"8f4c2b1e7d3a49d0a1b2c3d4e5f60718";
//!
//! /// Whether a request has the right answer to our challenge.
//! fn proves_itself(request: &IncomingRequest) -> bool {
//!     let Some(header) = request.message.header(Name::Authorization) else { return false };
//!     let Ok(answer) = Credentials::parse(&header) else { return false };
//!     answer.realm == b"3402000000"
//!         && answer.nonce == NONCE
//!         && answer.username == b"34020000001320000001"
//!         && answer.answers(b"12345678", b"REGISTER")
//! }
//!
//! /// Handles all that has come in, and gives what is to be sent.
//! fn serve(endpoint: &mut Endpoint, now: Instant) -> Vec<Bytes> {
//!     while let Some(event) = endpoint.poll_event() {
//!         let Event::Request(request) = event else { continue };
//!         if request.method == Method::Register && proves_itself(&request) {
//!             let ok = OutgoingResponse::new(200).with(Name::Expires, "3600");
//!             endpoint.respond(now, &request, ok, Keep::Response);
//!         } else {
//!             let challenge = Challenge::new(b"3402000000", NONCE).to_header();
//!             let refusal = OutgoingResponse::new(401).with(Name::WwwAuthenticate, challenge);
//!             // Nothing is kept: whoever sent this has proved nothing.
//!             endpoint.respond(now, &request, refusal, Keep::Nothing);
//!         }
//!     }
//!     std::iter::from_fn(|| endpoint.poll_transmit()).map(|transmit| transmit.bytes).collect()
//! }
//!
//! let register = |more: &str| {
//!     Bytes::from(format!(
//!         "REGISTER sip:34020000002000000001@3402000000 SIP/2.0\r\n\
//!          Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bK{}\r\n\
//!          From: <sip:34020000001320000001@3402000000>;tag=d1\r\n\
//!          To: <sip:34020000001320000001@3402000000>\r\n\
//!          Call-ID: a1b2c3d4@192.0.2.10\r\n\
//!          CSeq: 1 REGISTER\r\n{more}\
//!          Contact: <sip:34020000001320000001@192.0.2.10:5060>\r\n\
//!          Expires: 3600\r\n\
//!          Content-Length: 0\r\n\r\n",
//!         more.len()
//!     ))
//! };
//! let now = Instant::now();
//! let camera = Flow::udp(SocketAddr::from(([192, 0, 2, 10], 5060)));
//! // The seed has to be random: see `Config::seed`.
//! let mut endpoint = Endpoint::new(Config::new([7; 32]));
//!
//! endpoint.receive(now, camera, register(""));
//! let sent = serve(&mut endpoint, now);
//! assert!(sent[0].starts_with(b"SIP/2.0 401 Unauthorized\r\n"));
//! assert!(endpoint.is_empty(), "nothing is kept of it");
//!
//! let answer = register(
//!     "Authorization: Digest username=\"34020000001320000001\",realm=\"3402000000\",\
//!      nonce=\"8f4c2b1e7d3a49d0a1b2c3d4e5f60718\",uri=\"sip:34020000002000000001@3402000000\",\
//!      response=\"4df7410a4f23e0a46801bda60cf66fbc\",algorithm=MD5\r\n",
//! );
//! endpoint.receive(now, camera, answer.clone());
//! let sent = serve(&mut endpoint, now);
//! assert!(sent[0].starts_with(b"SIP/2.0 200 OK\r\n"));
//!
//! // The answer got lost, and the camera repeats itself: it gets the same again, unasked.
//! endpoint.receive(now, camera, answer);
//! assert_eq!(serve(&mut endpoint, now), sent);
//!
//! // And after timer J nothing is left.
//! let then = endpoint.poll_timeout().unwrap();
//! endpoint.handle_timeout(then);
//! assert!(endpoint.is_empty());
//! ```

pub mod charset;
pub mod code;
pub mod digest;
pub mod endpoint;
pub mod manscdp;
pub mod sip;
