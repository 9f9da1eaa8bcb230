//! Simulated cameras on real sockets, against servers that share no code with them.
//! SIPp must be installed: without it its tests fail, they are never skipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of it is test code, helpers included"
)]

mod registrar;
mod sipp;
mod sockets;

use std::time::Duration;

/// Waits for a condition, for 20 seconds at the most.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    assert!(waited.is_ok(), "never: {what}");
}
