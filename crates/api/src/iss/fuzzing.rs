//! The door's parsers as plain functions of bytes. See [`crate::fuzzing`].

use super::query::Query;
use super::request::Asked;
use super::{fields, request_id};

/// The body of a call about devices, with everything that is read of each, by either profile.
pub fn iss_request(bytes: &[u8]) -> bool {
    let Ok(asked) = Asked::read(bytes) else { return false };
    let _ = asked.project_id();
    let Ok(devices) = asked.devices() else { return false };
    fields::read_all(&devices)
}

/// What follows `?`.
pub fn iss_query(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(query) = Query::parse(Some(text)) else { return false };
    super::ids::Ids::of(&query).is_ok() && query.page().is_ok()
}

/// A request's id as ISS prints it: what is taken is printed so.
pub fn iss_request_id(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    request_id::from_text(text).is_some_and(|id| request_id::to_text(id) == text)
}
