//! The parsers of what strangers send, as plain functions of bytes, for fuzzing. None may panic,
//! whatever the bytes are; each says whether it took them.

use fleet::Timestamp;
use http::{HeaderMap, HeaderValue, Method, header};

pub use crate::cph::fuzzing::{
    cph_batch_body, cph_phone_ids_body, cph_property, cph_query, cph_small_bodies,
};
pub use crate::iss::fuzzing::{iss_query, iss_request, iss_request_id};

use crate::signature::tencent::{Head, Signed};

/// The header `Authorization`: its bytes, where HTTP lets them through.
pub fn authorization(bytes: &[u8]) -> bool {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return false };
    crate::signature::huawei::read_authorization(&value).is_ok()
}

/// The signature of ISS as the header `Authorization`, and as a query. Neither holds, by a secret
/// that nobody knows.
pub fn iss_authorization(bytes: &[u8]) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:18080"));
    let text = std::str::from_utf8(bytes).ok();
    let in_query = text.is_some_and(|query| iss_signed(Some(query), &headers));
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return in_query };
    headers.insert(header::AUTHORIZATION, value);
    in_query | iss_signed(None, &headers)
}

/// Whether the signature of such a request is read.
fn iss_signed(query: Option<&str>, headers: &HeaderMap) -> bool {
    let head = Head { method: &Method::PUT, path: "/device", query, authority: None, headers };
    // In the time of the vendor's samples.
    let Ok(signed) = Signed::parse(head, Timestamp(1_497_530_202_000)) else { return false };
    let _ = signed.check_strict(signed.has_body());
    let hosts = ["iss.example.com".to_owned()];
    assert!(signed.verify(b"a secret that nobody knows", &hosts).is_err(), "guessed");
    true
}

/// The header `X-Forwarded-For`, as a trusted proxy hands it on.
pub fn forwarded_for(bytes: &[u8]) -> bool {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return false };
    let peer = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    let Ok(proxy) = "127.0.0.1".parse() else { return false };
    let headers = [(http::HeaderName::from_static("x-forwarded-for"), value)].into_iter().collect();
    crate::listener::client_address(peer, &headers, &[proxy]) != peer
}
