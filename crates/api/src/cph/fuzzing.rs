//! The door's parsers as plain functions of bytes. See [`crate::fuzzing`].

use std::borrow::Cow;

use super::body::{self, Entry, Given};
use super::error::Code;
use super::property::{self, Need};
use super::query::Query;
use super::{small_body, tags, tokens};

/// The body of UpdateCloudPhoneProperty, RestartCloudPhone and ResetCloudPhone, with everything
/// that is read of each entry.
pub fn cph_batch_body(bytes: &[u8]) -> bool {
    let Ok(batch) = body::batch(bytes) else { return false };
    batch.entries.iter().all(|entry| {
        let required = property::patch(entry, Need::Required).is_ok();
        property::patch(entry, Need::Optional).is_ok()
            && required
            && property::factory_reset(entry).is_ok()
    })
}

/// The body of StopCloudPhone.
pub fn cph_phone_ids_body(bytes: &[u8]) -> bool {
    body::ids(bytes).is_ok()
}

/// The JSON inside `property`.
pub fn cph_property(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let entry = Entry { property: Given::Text(Cow::Borrowed(text)), ..Entry::default() };
    property::patch(&entry, Need::Required).is_ok()
}

/// The bodies of the calls about one thing: of a token, of tags.
pub fn cph_small_bodies(bytes: &[u8]) -> bool {
    let token = tokens::asked(bytes).is_ok();
    let Ok(object) = small_body::object(bytes, Code::RequestBroken) else { return token };
    token | tags::read_change(&object).is_ok() | tags::read_search(&object).is_ok()
}

/// What follows `?`.
pub fn cph_query(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    Query::parse(Some(text)).page(100, 100).is_ok()
}
