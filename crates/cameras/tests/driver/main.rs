//! The driver, its line, the station and the engine in one process, with scripted GB devices on a
//! simulated network or on real sockets. Time is the paused clock's but for the sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test: what is not as expected ends it"
)]

mod camera;
mod network;
mod world;

mod channels;
mod push;
mod sockets;
mod survey;
