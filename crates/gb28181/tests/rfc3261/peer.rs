//! What the tests of all sections share: a moment, an endpoint, and somebody who sends to it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gb28181::endpoint::{
    Config, Endpoint, Event, IncomingRequest, OutgoingRequest, OutgoingResponse, RequestId,
};
use gb28181::sip::{Flow, Message, Method, Name};

/// A moment to count from.
#[expect(
    clippy::disallowed_methods,
    reason = "any moment will do, and there is no other way to one"
)]
pub fn start() -> Instant {
    Instant::now()
}

/// Milliseconds.
pub fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// An endpoint with RFC 3261's timers.
pub fn endpoint() -> Endpoint {
    Endpoint::new(Config::new([1; 32]))
}

/// A camera's address.
pub fn remote() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 10], 5060))
}

/// A camera over UDP.
pub fn udp() -> Flow {
    Flow::udp(remote())
}

/// A camera over a TCP connection.
pub fn tcp(connection: u64) -> Flow {
    Flow::tcp(remote(), connection)
}

/// A sound request of this method under this branch.
pub fn request_text(method: &str, branch: &str) -> String {
    format!(
        "{method} sip:34020000002000000001@3402000000 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch={branch}\r\n\
         From: <sip:34020000001320000001@3402000000>;tag=d1\r\n\
         To: <sip:34020000001320000001@3402000000>\r\n\
         Call-ID: a1b2c3d4@192.0.2.10\r\n\
         CSeq: 1 {method}\r\n\
         Max-Forwards: 70\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

/// A sound request as bytes.
pub fn request(method: &str, branch: &str) -> Bytes {
    Bytes::from(request_text(method, branch))
}

/// The only event, which has to be a request.
pub fn only_request(endpoint: &mut Endpoint) -> IncomingRequest {
    let Some(Event::Request(request)) = endpoint.poll_event() else {
        panic!("no request came up");
    };
    assert!(endpoint.poll_event().is_none(), "only one event");
    request
}

/// All that is to be sent.
pub fn sent(endpoint: &mut Endpoint) -> Vec<Bytes> {
    std::iter::from_fn(|| endpoint.poll_transmit()).map(|transmit| transmit.bytes).collect()
}

/// The statuses of all answers that are to be sent.
pub fn statuses(endpoint: &mut Endpoint) -> Vec<u16> {
    let parse = |bytes| Message::parse(bytes).unwrap().status().unwrap();
    sent(endpoint).into_iter().map(parse).collect()
}

/// A 200.
pub fn ok() -> OutgoingResponse {
    OutgoingResponse::new(200)
}

/// Sends a MESSAGE, and gives its number and its bytes.
pub fn send(endpoint: &mut Endpoint, now: Instant, to: Flow) -> (RequestId, Bytes) {
    let request = OutgoingRequest::new(
        Method::Message,
        "sip:34020000001320000001@192.0.2.10:5060",
        "sip:34020000002000000001@3402000000",
        "sip:34020000001320000001@3402000000",
        "198.51.100.5:5060",
    );
    let id = endpoint.request(now, to, request).unwrap();
    let mut sent = sent(endpoint);
    assert_eq!(sent.len(), 1);
    (id, sent.remove(0))
}

/// The answer that a peer gives to a request: with its Via, From, To, Call-ID and CSeq.
pub fn answer(request: &Bytes, status: u16) -> String {
    let request = Message::parse(request.clone()).unwrap();
    let mut text = format!("SIP/2.0 {status} Whatever\r\n");
    for name in [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq] {
        let value = request.header(name).unwrap();
        text += &format!("{}: {}\r\n", name.text(), String::from_utf8_lossy(&value));
    }
    text + "Content-Length: 0\r\n\r\n"
}
