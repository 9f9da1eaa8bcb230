//! The parsers of what strangers send, as plain functions of bytes, for fuzzing. None may panic,
//! whatever the bytes are; each says whether it took them.

use http::HeaderValue;

pub use crate::cph::fuzzing::{
    cph_batch_body, cph_phone_ids_body, cph_property, cph_query, cph_small_bodies,
};

/// The header `Authorization`: its bytes, where HTTP lets them through.
pub fn authorization(bytes: &[u8]) -> bool {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return false };
    crate::signature::huawei::read_authorization(&value).is_ok()
}

/// The header `X-Forwarded-For`, as a trusted proxy hands it on.
pub fn forwarded_for(bytes: &[u8]) -> bool {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return false };
    let peer = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    let Ok(proxy) = "127.0.0.1".parse() else { return false };
    let headers = [(http::HeaderName::from_static("x-forwarded-for"), value)].into_iter().collect();
    crate::listener::client_address(peer, &headers, &[proxy]) != peer
}
