//! What is read of the store because devices may register with other nodes too: what they accepted
//! of a device that comes here, and whether a device that is registered here has gone there.

use std::collections::VecDeque;
use std::time::Duration;

use engine::{Camera, Error, Handle};
use fleet::{DeviceKey, Timestamp, limits};
use store::StoredBinding;
use tokio::time::Instant;

use crate::station::{Proved, Station};

/// Registrations that are read in one go, one after the other.
const READS_PER_CALL_MAX: usize = 64;
/// Goes at a time.
const CALLS_MAX: usize = 8;
/// How often all that this node holds is compared with what the store has: what it is told of other
/// nodes may be lost.
const COMPARE_EVERY: Duration = Duration::from_secs(60);

/// Whose registration is read, and why.
pub(super) enum Asked {
    /// A device has proved itself to us, and is not registered here.
    Proved(Box<Proved>),
    /// A device that is registered here seems to have registered with another node.
    Doubted(DeviceKey),
}

impl Asked {
    fn device(&self) -> DeviceKey {
        match self {
            Self::Proved(proved) => proved.device(),
            Self::Doubted(device) => *device,
        }
    }
}

/// A read that runs beside the runner.
pub(super) enum Read {
    /// Of these devices, to be asked.
    Devices(Vec<Asked>),
    /// Of these devices, with what was found.
    Found(Vec<(Asked, Result<Option<Camera>, Error>)>),
    /// Of all registrations of devices with a key above this, to be asked.
    After(DeviceKey),
    /// A page of all, in the order of keys.
    Page(Result<Vec<StoredBinding>, Error>),
}

impl Read {
    /// Asks the store.
    pub(super) async fn run(self, handle: &Handle) -> Self {
        match self {
            Self::Devices(asked) => {
                let mut found = Vec::with_capacity(asked.len());
                for asked in asked {
                    let camera = handle.camera(asked.device()).await;
                    found.push((asked, camera));
                }
                Self::Found(found)
            }
            Self::After(after) => Self::Page(handle.bindings(after, limits::SCAN_PAGE).await),
            found @ (Self::Found(_) | Self::Page(_)) => found,
        }
    }
}

/// What is to be read, and what is being read.
pub(super) struct Nodes {
    /// The station bounds how many there are: those that wait, and those that it holds.
    asked: VecDeque<Asked>,
    calls: usize,
    /// When all is compared next; `None` where there are no other nodes, and while it is.
    compare_at: Option<Instant>,
    /// The next page of all.
    after: Option<DeviceKey>,
}

impl Nodes {
    /// Nothing yet. `compares`: whether there are other nodes.
    pub(super) fn new(compares: bool, now: Instant) -> Self {
        let compare_at = compares.then(|| now + COMPARE_EVERY);
        Self { asked: VecDeque::new(), calls: 0, compare_at, after: None }
    }

    /// When [`Self::next`] has something whatever else happens.
    pub(super) fn due(&self) -> Option<Instant> {
        self.compare_at
    }

    /// Wants a registration read.
    pub(super) fn ask(&mut self, asked: Asked) {
        self.asked.push_back(asked);
    }

    /// The next read to begin, if one may.
    pub(super) fn next(&mut self, now: Instant) -> Option<Read> {
        if self.compare_at.is_some_and(|at| at <= now) {
            self.compare_at = None;
            self.after = Some(DeviceKey(0));
        }
        if let Some(after) = self.after.take() {
            return Some(Read::After(after));
        }
        if self.calls >= CALLS_MAX || self.asked.is_empty() {
            return None;
        }
        self.calls += 1;
        let count = self.asked.len().min(READS_PER_CALL_MAX);
        Some(Read::Devices(self.asked.drain(..count).collect()))
    }

    /// A read is done.
    pub(super) fn done(
        &mut self,
        station: &mut Station,
        now: std::time::Instant,
        wall: Timestamp,
        read: Read,
    ) {
        match read {
            Read::Found(found) => {
                self.calls = self.calls.saturating_sub(1);
                for (asked, found) in found {
                    hand_in(station, now, wall, asked, &found);
                }
            }
            Read::Page(Ok(page)) => {
                for stored in &page {
                    station.compare(&stored.binding, stored.bound_to);
                }
                match page.last() {
                    Some(last) => self.after = Some(last.binding.device),
                    None => self.compare_at = Some(Instant::from_std(now) + COMPARE_EVERY),
                }
            }
            Read::Page(Err(error)) => {
                tracing::debug!(%error, "registrations can't be compared with the store's");
                self.compare_at = Some(Instant::from_std(now) + COMPARE_EVERY);
            }
            // These are given out, and never come back.
            Read::Devices(_) | Read::After(_) => {}
        }
    }
}

/// Tells the station what was found of one device.
fn hand_in(
    station: &mut Station,
    now: std::time::Instant,
    wall: Timestamp,
    asked: Asked,
    found: &Result<Option<Camera>, Error>,
) {
    if let Err(error) = found {
        tracing::warn!(device = asked.device().0, %error, "a registration can't be read");
    }
    match asked {
        Asked::Proved(proved) => {
            let binding = found.as_ref().map(|camera| camera.as_ref()?.binding.as_ref());
            station.remembered(now, wall, *proved, binding.map_err(drop));
        }
        Asked::Doubted(_) => {
            if let Ok(Some(Camera { binding: Some(stored), bound_to, .. })) = found {
                station.compare(stored, *bound_to);
            }
        }
    }
}
