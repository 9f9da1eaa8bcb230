//! RFC 3261, by its sections, as far as a registrar and its devices need it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail it by panicking"
)]

mod bounds;
mod exchange;
mod peer;
mod properties;
mod section_07_message;
mod section_08_2_uas;
mod section_17_1_2_client;
mod section_17_1_3_matching_responses;
mod section_17_2_2_server;
mod section_17_2_3_matching_requests;
mod section_18_transport;
mod section_19_uri;
mod section_20_headers;
