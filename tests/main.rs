//! The product, driven from outside: the built binary as a process, Huawei's own SDK, Tencent's
//! own signer, Debian's adb and adbd, SIPp, sipsak and baresip, a GB/T 28181 device in Python, and
//! simulated phones and cameras that a test can look into.
//!
//! Tests are filed by what a client calls: `cph`, `iss` and `native` are the doors, `phones` is
//! what arrives on phones, `cameras` what is said with cameras, `console` what people do in a
//! browser, and `docs` does what the pages say. `crash` kills the product, `scale` takes it to its
//! bounds, `cluster` runs several nodes on one PostgreSQL; `cargo xtask test --quick` leaves those
//! three and `console` out. `packaging` is what operators install and watch. Start with `harness`,
//! which every test stands on.
//!
//! A test here must never reach into the product: it sees what a client or a phone sees. It must
//! never be skipped for want of a tool: that is a failure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says how far it came"
)]

mod cameras;
mod cluster;
mod console;
mod cph;
mod crash;
mod docs;
mod harness;
mod iss;
mod native;
mod packaging;
mod phones;
mod scale;
