//! The built program, run as its users run it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test stands on fails the test"
)]

mod backup;
mod cameras;
mod cluster;
mod commands;
mod demo;
mod fault_points;
mod operate;
mod process;
mod records;
mod serve;
mod server;
mod simulate;
mod wvp;
