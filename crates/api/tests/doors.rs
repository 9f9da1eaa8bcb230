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
#[path = "doors/idempotency.rs"]
mod idempotency;
#[path = "doors/iss_bounds.rs"]
mod iss_bounds;
#[path = "doors/iss_calls.rs"]
mod iss_calls;
#[path = "doors/iss_cameras.rs"]
mod iss_cameras;
#[path = "doors/iss_client.rs"]
mod iss_client;
#[path = "doors/iss_contract.rs"]
mod iss_contract;
#[path = "doors/iss_devices.rs"]
mod iss_devices;
#[path = "doors/iss_organizations.rs"]
mod iss_organizations;
#[path = "doors/iss_paths.rs"]
mod iss_paths;
#[path = "doors/iss_projects.rs"]
mod iss_projects;
#[path = "doors/iss_signatures.rs"]
mod iss_signatures;
#[path = "doors/iss_snapshots.rs"]
mod iss_snapshots;
#[path = "doors/native.rs"]
mod native;
#[path = "doors/native_cameras.rs"]
mod native_cameras;
#[path = "doors/native_fleet.rs"]
mod native_fleet;
#[path = "doors/native_records.rs"]
mod native_records;
#[path = "doors/native_rollouts.rs"]
mod native_rollouts;
#[path = "doors/native_server.rs"]
mod native_server;
#[path = "doors/native_updates.rs"]
mod native_updates;
#[path = "doors/phones.rs"]
mod phones;
#[path = "doors/site.rs"]
mod site;
