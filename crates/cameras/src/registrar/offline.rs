//! When a registered device counts as gone (GB/T 28181-2016, 9.6.1).

use std::time::Duration;

use fleet::{Offline, Timestamp};

use super::bindings::{Phase, Row};

/// How often keepalives come and how many may be missed, unless a device's own configuration shows
/// otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keepalives {
    /// Seconds between two; 0 expects none.
    pub(crate) seconds: u32,
    /// Misses after which a device is gone.
    pub(crate) misses: u32,
}

/// Why a device that is still marked as registered is not, and since when; `None` if it is.
pub(crate) fn gone(
    row: &Row,
    now: Timestamp,
    keepalives: Keepalives,
) -> Option<(Timestamp, Offline)> {
    if row.phase != Phase::Live {
        return None;
    }
    if row.expires_at <= now {
        return Some((row.expires_at, Offline::Expired));
    }
    let or_setting = |own: u32, setting| if own == 0 { setting } else { own };
    let seconds = or_setting(row.keepalive_seconds.into(), keepalives.seconds);
    let misses = or_setting(row.keepalive_misses.into(), keepalives.misses).max(1);
    let patience = Duration::from_secs(u64::from(seconds) * u64::from(misses));
    // Whoever switched keepalives off wants none of any device.
    let missed = keepalives.seconds != 0 && now.since(row.heard_at) > patience;
    missed.then_some((now, Offline::KeepalivesMissed))
}
