//! Debian's `adb` 34 against simulated phones and against real `adbd` 34. Both packages must be
//! installed: without them these tests fail, they are never skipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of it is test code, helpers included"
)]

mod adbd;
mod client;
mod crowd;
mod makes;
mod simulated;
