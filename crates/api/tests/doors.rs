//! The doors over real sockets, on a real engine and store: what clients send and get.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail it by panicking"
)]

#[path = "doors/client.rs"]
mod client;
#[path = "doors/cph_calls.rs"]
mod cph_calls;
#[path = "doors/cph_paths.rs"]
mod cph_paths;
#[path = "doors/cph_refusals.rs"]
mod cph_refusals;
#[path = "doors/cph_signatures.rs"]
mod cph_signatures;
#[path = "doors/native.rs"]
mod native;
#[path = "doors/phones.rs"]
mod phones;
#[path = "doors/site.rs"]
mod site;
