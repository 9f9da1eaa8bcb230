//! What a station has done, for the metrics.

use metrics::{counter, gauge};

/// Counts since the station began, but for [`Tally::registered`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Devices that are registered now.
    pub registered: usize,
    /// Datagrams, and messages of streams.
    pub received: u64,
    /// Messages that could not be answered.
    pub dropped: u64,
    /// 401 sent.
    pub challenges: u64,
    /// Digests that were reckoned for REGISTERs that answered a good nonce: one for each that was
    /// right at once, and the same number for all that were wrong, of whatever id: two, and one
    /// for each enrolment that an id with such digits may mean.
    pub digests: u64,
    /// REGISTERs with credentials that were refused, told of or not.
    pub refused: u64,
    /// Registrations that began.
    pub new: u64,
    /// Registrations that were renewed where they were.
    pub refreshed: u64,
    /// Registrations that moved.
    pub moved: u64,
    /// Registrations that ended.
    pub gone: u64,
    /// Registrations that were turned away for want of room, or because the store failed.
    pub overloaded: u64,
    /// Keepalives of registered devices.
    pub keepalives: u64,
    /// Keepalives that moved a device.
    pub followed: u64,
    /// Messages of whoever is not registered, or not there.
    pub strangers: u64,
    /// Application answers that nobody awaited.
    pub unawaited: u64,
}

impl Tally {
    /// Publishes what is more than in `before`, and the gauges.
    pub(crate) fn publish(&self, before: &Self) {
        let count = |name: &'static str, now: u64, before: u64| {
            if now > before {
                counter!(name).increment(now - before);
            }
        };
        let kinds = [
            ("new", self.new, before.new),
            ("refresh", self.refreshed, before.refreshed),
            ("moved", self.moved, before.moved),
            ("gone", self.gone, before.gone),
        ];
        for (kind, now, before) in kinds {
            if now > before {
                counter!("fleetwright_sip_registrations_total", "kind" => kind)
                    .increment(now - before);
            }
        }
        count("fleetwright_sip_messages_total", self.received, before.received);
        count("fleetwright_sip_dropped_total", self.dropped, before.dropped);
        count("fleetwright_sip_challenges_total", self.challenges, before.challenges);
        count("fleetwright_sip_refused_total", self.refused, before.refused);
        count("fleetwright_sip_overloaded_total", self.overloaded, before.overloaded);
        count("fleetwright_sip_keepalives_total", self.keepalives, before.keepalives);
        count("fleetwright_sip_followed_total", self.followed, before.followed);
        count("fleetwright_sip_strangers_total", self.strangers, before.strangers);
        count("fleetwright_sip_unawaited_total", self.unawaited, before.unawaited);
        set("fleetwright_sip_registered", self.registered);
    }
}

/// Sets a gauge to a count.
pub(crate) fn set(name: &'static str, count: usize) {
    gauge!(name).set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
}
