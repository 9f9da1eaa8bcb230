//! What other nodes on the same store do to a device's registration: it may have been accepted by
//! one of them, and it may have moved there.
//!
//! What tells which of two is the later one is the nonce that each was accepted with: whoever
//! accepts a REGISTER knows what was accepted before, by whichever node, and takes only what is
//! newer. No clock has a part in it.

use std::time::Instant;

use fleet::{Binding, Timestamp};
use store::SessionKey;

use super::register::Proved;
use super::{Station, lock};
use crate::line::Undelivered;
use crate::registrar::bindings::Phase;

impl Station {
    /// What the store has of the device's registration, with whichever node: `None` if it never was
    /// registered, and an error if the store could not be asked.
    pub fn remembered(
        &mut self,
        now: Instant,
        wall: Timestamp,
        proved: Proved,
        stored: Result<Option<&Binding>, ()>,
    ) {
        self.watch_clock(now, wall);
        self.waiting = self.waiting.saturating_sub(1);
        let Proved { claim, accepted } = proved;
        let Ok(stored) = stored else { return self.turn_away(now, &claim.request) };
        if let Some(binding) = stored {
            self.nonces.begin_after(now, binding.nonce_at);
            lock(&self.bindings).remember(claim.id().as_str().as_bytes(), binding);
        }
        self.admit(now, wall, claim, accepted);
    }

    /// What the store has of a registration that this node holds, and of which session. If another
    /// node has accepted a newer REGISTER, or this very one before us, the device is not ours any
    /// more, and what another node wrote in ignorance of a newer one of ours is written over.
    pub fn compare(&mut self, stored: &Binding, bound_to: Option<SessionKey>) {
        let device = stored.device;
        let mut bindings = lock(&self.bindings);
        let Some(slot) = bindings.find_device(device) else { return };
        let Some(row) = bindings.get_mut(slot) else { return };
        if row.phase == Phase::Marked || row.removed || row.waiting > 0 {
            // Nothing is held of it, or it is about to be written.
            return;
        }
        let is_older = row.is_older(stored.nonce_at, stored.nonce_count);
        let is_theirs = bound_to != self.session && !is_older;
        if is_theirs || row.is_newer(stored.nonce_at, stored.nonce_count) {
            let was_live = row.phase == Phase::Live;
            bindings.remove(slot);
            drop(bindings);
            self.tally.gone += u64::from(was_live);
            self.end_exchanges(device, Undelivered::Moved);
            tracing::debug!(device = device.0, "a camera has registered with another node");
        } else if is_older && row.phase == Phase::Live && !std::mem::replace(&mut row.dirty, true) {
            self.unwritten.push_back(slot);
        }
    }
}
