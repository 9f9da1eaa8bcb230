//! What makes two requests the same one.

use std::net::IpAddr;

use crate::sip::via::{MAGIC_COOKIE, Via};
use crate::sip::{Flow, Message, Name, Start, Transport};

/// Writes the key of a request's server transaction into `key` (RFC 3261 17.2.3).
///
/// With a branch of RFC 3261 it is the branch, the sent-by and the method, and beyond the RFC also
/// the flow, the Call-ID and the CSeq: cheap cameras behind different NATs share a private sent-by
/// and count their branches from 1, or use a branch again for their next request. A retransmission
/// has all of these in common anyway. Without such a branch it is the Request-URI, To, From,
/// Call-ID, CSeq and the Via.
pub(super) fn write_server_key(key: &mut Vec<u8>, request: &Message, from: &Flow) {
    key.clear();
    write_flow(key, from);
    let Start::Request { method_text, uri, .. } = request.start() else { return };
    for name in [Name::CallId, Name::CSeq] {
        part(key, &request.header(name).unwrap_or_default());
    }
    part(key, method_text);
    let line = request.header(Name::Via).unwrap_or_default();
    let via = Via::parse(&line).map(|(via, _)| via);
    let sender = via.ok().and_then(|via| Some((via, via.branch()?)));
    match sender.filter(|(_, branch)| has_cookie(branch)) {
        Some((via, branch)) => {
            part(key, via.host);
            part(key, &via.port.unwrap_or_default().to_be_bytes());
            part(key, branch);
        }
        None => {
            part(key, uri);
            for name in [Name::To, Name::From] {
                part(key, &request.header(name).unwrap_or_default());
            }
            part(key, &line);
        }
    }
}

/// Whether a branch is one of RFC 3261: the cookie in whatever case, and something after it.
fn has_cookie(branch: &[u8]) -> bool {
    let start = branch.get(..MAGIC_COOKIE.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(MAGIC_COOKIE))
        && branch.len() > MAGIC_COOKIE.len()
}

/// Adds a part with its length, so that no two lists of parts look alike.
fn part(key: &mut Vec<u8>, bytes: &[u8]) {
    key.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    key.extend_from_slice(bytes);
}

/// Adds the flow.
fn write_flow(key: &mut Vec<u8>, flow: &Flow) {
    match flow.transport {
        Transport::Udp => key.push(b'u'),
        Transport::Tcp => {
            key.push(b't');
            key.extend_from_slice(&flow.connection.to_be_bytes());
        }
    }
    match flow.remote.ip() {
        IpAddr::V4(address) => part(key, &address.octets()),
        IpAddr::V6(address) => part(key, &address.octets()),
    }
    key.extend_from_slice(&flow.remote.port().to_be_bytes());
}
