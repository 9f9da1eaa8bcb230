//! What time brings: registrations that run out, keepalives that stop, bindings that wait to be
//! written, devices that the engine is to look at. All by going round the table in slices, so that
//! no device needs a timer of its own.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use fleet::{DeviceKey, Offline, Timestamp};

use super::{Station, lock};
use crate::registrar::bindings::{Bindings, Phase, Row, Slot};
use crate::registrar::nonce::NONCE_LIFETIME;
use crate::registrar::offline;

/// The time between two slices.
const EVERY: Duration = Duration::from_millis(250);
/// Slices that make up the table: all of it is seen every 2 s.
const SLICES: usize = 8;
/// Rows of the smallest slice.
const SLICE_ROWS_MIN: usize = 64;
/// Slices after which what waits to be written without anybody waiting for it is written: 1 s.
const WRITE_AFTER: u32 = 4;
/// How long a registration that ended is remembered: the driver asks whether a device took itself
/// off after it was sent a configuration.
const ENDED_KEPT: Duration = Duration::from_secs(3_600);
/// How often a device that stays registered is looked at by the engine.
const SURVEY_EVERY: Duration = Duration::from_secs(24 * 3_600);
/// Devices that wait to be looked at. What does not fit is found by a later round.
const RETURNED_MAX: usize = 65_536;
/// One device of what may be told.
const DEVICE: u64 = 1_000_000;
/// Long-known devices that wait to be looked at.
const AGED_MAX: usize = 1_024;

/// Where the rounds are.
pub(super) struct Rounds {
    next: Instant,
    /// Slices since what waits was last written.
    unwritten_for: u32,
    /// Devices that registered, the newest last.
    returned: Vec<DeviceKey>,
    /// Devices that are due for their daily look.
    aged: VecDeque<DeviceKey>,
    per_second: u32,
    /// Millionths of a device that may be told of now.
    credit: u64,
    credit_at: Instant,
}

impl Rounds {
    /// Rounds from `now` on that tell of so many devices a second at most.
    pub(super) fn new(now: Instant, per_second: u32) -> Self {
        Self {
            next: now,
            unwritten_for: 0,
            returned: Vec::new(),
            aged: VecDeque::new(),
            per_second,
            credit: u64::from(per_second) * DEVICE,
            credit_at: now,
        }
    }

    /// When the next slice is due.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Whether a slice is due.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.next <= now
    }

    /// Whether what waits to be written has waited long enough.
    pub(super) fn writes_now(&self, unwritten: &VecDeque<Slot>) -> bool {
        !unwritten.is_empty() && self.unwritten_for >= WRITE_AFTER
    }

    /// What waits is written at the next opportunity.
    pub(super) fn write_now(&mut self) {
        self.unwritten_for = WRITE_AFTER;
    }

    /// What waited has been taken.
    pub(super) fn wrote(&mut self) {
        self.unwritten_for = 0;
    }

    /// A device registered that was not.
    pub(super) fn returned(&mut self, bindings: &mut Bindings, slot: Slot) {
        let Some(row) = bindings.get_mut(slot) else { return };
        row.returned = true;
        if self.returned.len() < RETURNED_MAX {
            self.returned.push(row.device);
        }
    }

    /// The next device that the engine is to look at, if one more may be told of: those that
    /// registered first, the newest before the others.
    fn take(
        &mut self,
        now: Instant,
        bindings: &mut Bindings,
        wall: Timestamp,
    ) -> Option<DeviceKey> {
        let since = now.saturating_duration_since(self.credit_at);
        let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        let more = u64::from(self.per_second).saturating_mul(micros);
        let full = u64::from(self.per_second) * DEVICE;
        self.credit = self.credit.saturating_add(more).min(full);
        self.credit_at = now;
        while self.credit >= DEVICE {
            let device = self.returned.pop().or_else(|| self.aged.pop_front())?;
            let Some(row) = bindings.find_device(device).and_then(|slot| bindings.get_mut(slot))
            else {
                continue;
            };
            let due = row.returned || is_aged(row.surveyed_at(), wall);
            if !row.is_live(wall) || !due {
                continue;
            }
            row.returned = false;
            row.set_surveyed(wall);
            self.credit -= DEVICE;
            return Some(device);
        }
        None
    }
}

/// Whether a device is due for its daily look.
fn is_aged(surveyed_at: Option<Timestamp>, now: Timestamp) -> bool {
    surveyed_at.is_none_or(|at| now.since(at) >= SURVEY_EVERY)
}

/// Ends a registration in memory and has it written: `None` if there is none.
pub(super) fn end(
    bindings: &mut Bindings,
    unwritten: &mut VecDeque<Slot>,
    slot: Slot,
    at: Timestamp,
    why: Offline,
) -> Option<DeviceKey> {
    let row = bindings.get_mut(slot).filter(|row| row.phase == Phase::Live)?;
    row.ended_at = at;
    row.returned = false;
    let device = row.device;
    if !std::mem::replace(&mut row.dirty, true) {
        unwritten.push_back(slot);
    }
    bindings.set_phase(slot, Phase::Ended(why));
    tracing::debug!(device = device.0, why = why.name(), "a camera is offline");
    Some(device)
}

impl Station {
    /// Looks at the next slice of the table.
    pub(super) fn go_round(&mut self, now: Instant, wall: Timestamp) {
        self.rounds.next = now + EVERY;
        let keepalives = self.keepalives();
        let mut ended = Vec::new();
        {
            let nonce_time = self.nonces.time(now);
            let mut bindings = lock(&self.bindings);
            let rows = bindings.slots().div_ceil(SLICES).max(SLICE_ROWS_MIN);
            for slot in bindings.next_slots(rows) {
                let Some(row) = bindings.get(slot) else { continue };
                if let Some((at, why)) = offline::gone(row, wall, keepalives) {
                    ended.push((slot, at, why));
                } else if row.phase == Phase::Live {
                    // One that returned, and yet is not among those, was not told of before a
                    // restart, or had no place among them.
                    let due = if row.returned {
                        self.rounds.returned.is_empty()
                    } else {
                        is_aged(row.surveyed_at(), wall)
                    };
                    if due && self.rounds.aged.len() < AGED_MAX {
                        self.rounds.aged.push_back(row.device);
                    }
                } else if is_forgotten(row, wall, nonce_time) {
                    bindings.remove(slot);
                }
            }
        }
        for (slot, at, why) in ended {
            self.end(slot, at, why);
        }
        self.end_unwaited();
        let waits = !self.unwritten.is_empty();
        self.rounds.unwritten_for = if waits { self.rounds.unwritten_for + 1 } else { 0 };
        self.tell_of_returned(now, wall);
    }

    /// Tells the engine of devices that it is to look at, as many as may be told of now.
    pub(super) fn tell_of_returned(&mut self, now: Instant, wall: Timestamp) {
        loop {
            let device = self.rounds.take(now, &mut lock(&self.bindings), wall);
            let Some(device) = device else { break };
            self.tell_returned(device);
        }
    }
}

/// Whether a row of a device that is not registered is of no use any more: its mark is older than
/// any nonce that is taken, and nobody asks since when it is gone.
fn is_forgotten(row: &Row, now: Timestamp, nonce_time: i64) -> bool {
    // Of one whose record is gone nothing is written any more, and nobody asks since when.
    if row.waiting > 0 || (row.dirty && !row.removed) {
        return false;
    }
    let mark_age = nonce_time.saturating_sub(row.nonce_at());
    let mark_age = Duration::from_micros(u64::try_from(mark_age).unwrap_or(0));
    let kept = match row.phase {
        Phase::Live => return false,
        _ if row.removed => Duration::ZERO,
        Phase::Marked => Duration::ZERO,
        Phase::Ended(_) => ENDED_KEPT,
    };
    mark_age > 2 * NONCE_LIFETIME && now.since(row.ended_at) > kept
}
