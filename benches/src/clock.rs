//! The clocks: what is measured here is real time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fleet::Timestamp;

/// The monotonic clock.
#[allow(clippy::disallowed_methods, reason = "measures real programs; nothing here is simulated")]
pub fn now() -> Instant {
    Instant::now()
}

/// The date and time, for signatures.
#[allow(clippy::disallowed_methods, reason = "a signature holds the date of its making")]
pub fn date() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Blocks the thread, for code that runs outside the runtime or while it is torn down.
#[allow(clippy::disallowed_methods, reason = "the callers have no runtime to wait with")]
pub fn block_for(duration: Duration) {
    std::thread::sleep(duration);
}
