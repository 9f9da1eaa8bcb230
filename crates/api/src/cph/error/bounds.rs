//! The table of bounds: every limit that this door holds a request to, and the code beyond each.

use fleet::catalogue::SETPROP_VALUE_BYTES_MAX;
use fleet::limits;

use super::Code;
use crate::cph::{auth, images, list_phones, names, query, servers, small_body, tags, tokens};
use crate::signature::huawei;

/// One bound as the contract shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// The calls that have it: an operation's name, or `*`.
    pub call: &'static str,
    /// What is bounded: a field, a parameter, a header.
    pub field: &'static str,
    /// What is counted: `bytes`, `characters`, `items`, `seconds`, or `value` for a number itself.
    pub unit: &'static str,
    /// The least that is taken, with the code below it.
    pub min: Option<(u64, &'static str)>,
    /// The most that is taken, with the code above it.
    pub max: Option<(u64, &'static str)>,
}

/// All of them.
pub fn all() -> Vec<Bound> {
    let mut all = updates();
    all.extend(reads());
    all.extend(tagging());
    all.extend(authentication());
    all
}

/// A bound from `min` to `max`, with one code on both sides; no `min` below 1 but that of a number.
fn bound(
    (call, field): (&'static str, &'static str),
    unit: &'static str,
    min: u64,
    max: usize,
    code: Code,
) -> Bound {
    let below = (min > 0 || unit == "value").then_some((min, code.text()));
    Bound { call, field, unit, min: below, max: Some((most(max), code.text())) }
}

/// A bound of a list, with a code of its own for an empty one.
fn list(
    (call, field): (&'static str, &'static str),
    max: usize,
    empty: Code,
    too_long: Code,
) -> Bound {
    let (min, max) = (Some((1, empty.text())), Some((most(max), too_long.text())));
    Bound { call, field, unit: "items", min, max }
}

/// A bound as the table has it.
fn most(bound: usize) -> u64 {
    u64::try_from(bound).unwrap_or(u64::MAX)
}

/// Those of the calls that change something of phones and servers.
fn updates() -> Vec<Bound> {
    use Code::{
        BodyTooLarge, PhoneIdInvalid, PhoneIdsEmpty, PhoneNameInvalid, PhonesInvalid,
        PropertyInvalid, PropertyMalformed, PropertyUnsupported, ServerIdInvalid,
        ServerNameInvalid, TooManyPhones,
    };
    let mut all = vec![bound(("*", "body"), "bytes", 0, limits::BODY_BYTES_MAX, BodyTooLarge)];
    for call in ["UpdateCloudPhoneProperty", "RestartCloudPhone", "ResetCloudPhone"] {
        let phones = limits::PHONES_PER_UPDATE_MAX;
        let chars = limits::CPH_PROPERTY_CHARS_MAX;
        let together = limits::CPH_PROPERTIES_BYTES_MAX;
        let name_bytes = limits::PROPERTY_NAME_BYTES_MAX;
        all.extend([
            list((call, "phones"), phones, PhonesInvalid, TooManyPhones),
            bound((call, "property"), "characters", 1, chars, PropertyMalformed),
            bound((call, "property and custom_property"), "bytes", 0, together, PropertyMalformed),
            bound((call, "a property's name"), "bytes", 1, name_bytes, PropertyUnsupported),
            bound(
                (call, "a value of custom_property that the catalogue does not list"),
                "bytes",
                0,
                SETPROP_VALUE_BYTES_MAX,
                PropertyInvalid,
            ),
        ]);
    }
    let phones = limits::PHONES_PER_UPDATE_MAX;
    all.extend([
        list(("StopCloudPhone", "phone_ids"), phones, PhoneIdsEmpty, TooManyPhones),
        bound(("*", "phone_id"), "bytes", 1, limits::DEVICE_ID_BYTES_MAX, PhoneIdInvalid),
        bound(("*", "server_id"), "bytes", 1, limits::NAME_BYTES_MAX, ServerIdInvalid),
        bound(
            ("UpdatePhoneName", "phone_name"),
            "characters",
            1,
            names::CHARACTERS_MAX,
            PhoneNameInvalid,
        ),
        bound(
            ("UpdateServerName", "server_name"),
            "characters",
            1,
            names::CHARACTERS_MAX,
            ServerNameInvalid,
        ),
        bound(("UpdatePhoneName", "body"), "bytes", 0, small_body::BYTES_MAX, BodyTooLarge),
        bound(("UpdateServerName", "body"), "bytes", 0, small_body::BYTES_MAX, BodyTooLarge),
    ]);
    all
}

/// Those of the calls that list something.
fn reads() -> Vec<Bound> {
    let mut all = Vec::new();
    for (call, limit_max) in [
        ("ListCloudPhones", list_phones::LIMIT_MAX),
        ("ListJobs", limits::JOBS_PER_PAGE_MAX),
        ("ListCloudPhoneServers", servers::LIMIT_MAX),
        ("ListCloudPhoneModels", images::MODELS_LIMIT_MAX),
        ("ListProjectTags", tags::KEYS_LIMIT_MAX),
        ("ListResourceInstances", tags::THINGS_LIMIT_MAX),
    ] {
        let limit_max = usize::try_from(limit_max).unwrap_or(usize::MAX);
        let offset_max = usize::try_from(query::OFFSET_MAX).unwrap_or(usize::MAX);
        all.push(bound((call, "limit"), "value", 1, limit_max, Code::PagingInvalid));
        all.push(bound((call, "offset"), "value", 0, offset_max, Code::PagingInvalid));
    }
    let images_max = usize::try_from(images::IMAGES_LIMIT_MAX).unwrap_or(usize::MAX);
    let time_max = usize::try_from(servers::TIME_MAX).unwrap_or(usize::MAX);
    let (ids, name) = (limits::REQUEST_IDS_PER_QUERY_MAX, list_phones::NAME_CHARACTERS_MAX);
    let call = "ListCloudPhoneServers";
    all.extend([
        list(("ListJobs", "request_ids"), ids, Code::RequestIdEmpty, Code::TooManyRequestIds),
        bound(("ListCloudPhones", "phone_name"), "characters", 0, name, Code::PhoneNameInvalid),
        bound((call, "server_name"), "characters", 0, name, Code::ServerNameInvalid),
        bound((call, "create_since"), "value", 0, time_max, Code::TimeInvalid),
        bound((call, "create_until"), "value", 0, time_max, Code::TimeInvalid),
        bound(("ListCloudPhoneImages", "limit"), "value", 1, images_max, Code::PagingInvalid),
        bound(
            ("ListCloudPhoneImages", "marker"),
            "characters",
            0,
            images::MARKER_CHARACTERS_MAX,
            Code::ImageIdInvalid,
        ),
    ]);
    all
}

/// Those of the tag calls.
fn tagging() -> Vec<Bound> {
    let broken = Code::RequestBroken;
    let mut all = vec![
        list(("BatchCreateTags", "tags"), tags::TAGS_PER_CALL_MAX, broken, broken),
        list(("BatchDeleteTags", "tags"), tags::TAGS_PER_CALL_MAX, broken, broken),
        bound(
            ("BatchCreateTags", "tags of one resource"),
            "items",
            0,
            limits::TAGS_PER_RESOURCE_MAX,
            Code::TooManyTags,
        ),
        bound(("ListResourceInstances", "tags"), "items", 0, tags::KEYS_PER_QUERY_MAX, broken),
        bound(
            ("ListResourceInstances", "tags[].values"),
            "items",
            0,
            tags::VALUES_PER_KEY_MAX,
            broken,
        ),
    ];
    for call in ["BatchCreateTags", "BatchDeleteTags", "ListResourceInstances"] {
        all.extend([
            bound((call, "key"), "characters", 1, tags::KEY_CHARACTERS_MAX, broken),
            bound((call, "value"), "characters", 1, tags::VALUE_CHARACTERS_MAX, broken),
            bound((call, "body"), "bytes", 0, small_body::BYTES_MAX, Code::BodyTooLarge),
        ]);
    }
    all
}

/// Those of how a caller proves who it is.
fn authentication() -> Vec<Bound> {
    let refused = Code::Unauthenticated;
    let token_call = "KeystoneCreateUserTokenByPassword";
    let window = usize::try_from(huawei::WINDOW.as_secs()).unwrap_or(usize::MAX);
    vec![
        bound(("*", "X-Auth-Token"), "bytes", 1, auth::TOKEN_BYTES_MAX, refused),
        bound(("*", "Authorization"), "bytes", 1, huawei::AUTHORIZATION_BYTES_MAX, refused),
        bound(("*", "Access"), "bytes", 1, huawei::ACCESS_KEY_BYTES_MAX, refused),
        bound(("*", "SignedHeaders"), "items", 1, huawei::SIGNED_HEADERS_MAX, refused),
        bound(("*", "X-Sdk-Date from the server's time"), "seconds", 0, window, refused),
        bound((token_call, "body"), "bytes", 0, tokens::BODY_BYTES_MAX, Code::BodyTooLarge),
    ]
}
