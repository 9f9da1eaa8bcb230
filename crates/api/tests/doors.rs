//! The doors over real sockets, on a real engine and store: what clients send and get.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail it by panicking"
)]

#[path = "doors/cameras.rs"]
mod cameras;
#[path = "doors/client.rs"]
mod client;
#[path = "doors/cph_calls.rs"]
mod cph_calls;
#[path = "doors/cph_cameras.rs"]
mod cph_cameras;
#[path = "doors/cph_contract.rs"]
mod cph_contract;
#[path = "doors/cph_paths.rs"]
mod cph_paths;
#[path = "doors/cph_phones.rs"]
mod cph_phones;
#[path = "doors/cph_power.rs"]
mod cph_power;
#[path = "doors/cph_refusals.rs"]
mod cph_refusals;
#[path = "doors/cph_servers.rs"]
mod cph_servers;
#[path = "doors/cph_signatures.rs"]
mod cph_signatures;
#[path = "doors/cph_site.rs"]
mod cph_site;
#[path = "doors/cph_tags.rs"]
mod cph_tags;
#[path = "doors/cph_tokens.rs"]
mod cph_tokens;
#[path = "doors/native.rs"]
mod native;
#[path = "doors/native_cameras.rs"]
mod native_cameras;
#[path = "doors/native_fleet.rs"]
mod native_fleet;
#[path = "doors/native_server.rs"]
mod native_server;
#[path = "doors/native_updates.rs"]
mod native_updates;
#[path = "doors/phones.rs"]
mod phones;
#[path = "doors/site.rs"]
mod site;
