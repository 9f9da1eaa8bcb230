//! The registrar on real sockets, with an engine and a database on disk.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test: what is not as expected ends it"
)]

mod client;
mod server;

mod credentials;
mod herd;
mod streams;
mod whole;
