//! Follows the feed of what other nodes have committed: wakes the lanes of our devices, and forgets
//! what was cached and is true no more.
//!
//! What the feed says is a hint: what to do is always read from the store. While it can't be read,
//! or is held back, for longer than [`limits::FEED_SILENCE_MAX`], nothing that was cached is used.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use fleet::{Device, DeviceKey, limits};
use store::{Change, Commit, FeedPage, FeedPosition, LaneSeed, Sighting};
use tokio::time::{Instant, MissedTickBehavior};

use crate::copies;
use crate::idempotency;
use crate::lane::Wake;
use crate::operate::follow_server_settings;
use crate::shared::Shared;
use crate::sweep::wake_all;

/// Commits read at a time.
const PAGE: u32 = 1_000;
/// Devices looked up at a time.
const DEVICES_AT_A_TIME: usize = 1_000;
/// The shortest time between two rescans that the feed asks for.
const BETWEEN_RESCANS: Duration = Duration::from_secs(1);

/// How often what is older is forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// Commits forgotten in one step, and the pause before the next.
const PRUNE_STEP: (u32, Duration) = (2_000, Duration::from_millis(50));

/// Up to when this node knows what others have committed.
pub(crate) struct Freshness {
    started: Instant,
    /// Milliseconds since then.
    as_of: AtomicU64,
    /// No other node can open the store.
    alone: AtomicBool,
}

impl Freshness {
    /// Up to now.
    pub(crate) fn new() -> Self {
        let started = Instant::now();
        Self { started, as_of: AtomicU64::new(0), alone: AtomicBool::new(false) }
    }

    /// Whether any other node can open the store.
    pub(crate) fn set_alone(&self, alone: bool) {
        self.alone.store(alone, Ordering::Relaxed);
    }

    fn set_as_of(&self, moment: Instant) {
        let since = moment.saturating_duration_since(self.started);
        let since = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        self.as_of.store(since, Ordering::Relaxed);
    }

    /// How long ago it was that all was known.
    pub(crate) fn lag(&self) -> Duration {
        if self.alone.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        let as_of = Duration::from_millis(self.as_of.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(as_of)
    }

    /// Whether what is cached may be used.
    pub(crate) fn holds(&self) -> bool {
        self.lag() <= limits::FEED_SILENCE_MAX
    }
}

/// Reads the feed from a place on, every so often, and does what follows from it.
pub(crate) async fn follow(shared: Arc<Shared>, every: Duration, from: FeedPosition) {
    let mut position = from;
    let mut fails = false;
    let mut scans = Rescans { wanted: false, last: Instant::now() };
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        loop {
            let asked = Instant::now();
            match shared.store.changes(position, PAGE).await {
                Ok(page) => {
                    fails = false;
                    position = page.next;
                    let is_full = page.commits.len() >= PAGE as usize;
                    let held_back = Duration::from_millis(page.held_back_ms);
                    scans.wanted |= hear(&shared, page).await;
                    if !is_full {
                        shared.freshness.set_as_of(asked.checked_sub(held_back).unwrap_or(asked));
                        break;
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut fails, true) {
                        tracing::warn!(%error, "what other nodes have changed can't be read");
                    }
                    break;
                }
            }
        }
        metrics::gauge!("fleetwright_feed_lag_seconds").set(shared.freshness.lag().as_secs_f64());
        scans.go_on(&shared);
    }
}

/// Rescans that the feed asks for, not too many of them.
struct Rescans {
    wanted: bool,
    last: Instant,
}

impl Rescans {
    fn go_on(&mut self, shared: &Shared) {
        if self.wanted && self.last.elapsed() >= BETWEEN_RESCANS {
            *self = Self { wanted: false, last: Instant::now() };
            shared.rescan.notify_one();
        }
    }
}

/// What a page says, sorted by what follows from it.
#[derive(Default)]
struct Heard {
    /// Devices that an update was accepted for, or taken back.
    accepted: BTreeSet<DeviceKey>,
    /// Those of which a restart, reset or stop was.
    powered: BTreeSet<DeviceKey>,
    /// Those of which what goes on record changed with it, or that may register otherwise.
    records: BTreeSet<DeviceKey>,
    /// Devices that were made or changed, or of which operators ask something.
    devices: BTreeSet<DeviceKey>,
    /// GB devices that have registered elsewhere, or whose registration has ended there.
    bound: BTreeSet<DeviceKey>,
    deleted: BTreeSet<DeviceKey>,
    /// What was seen of phones with others' markers, in the order in which it was told.
    sighted: Vec<Sighting>,
    projects: bool,
    keys: bool,
    users: bool,
    webhooks: bool,
    server: bool,
    cluster: bool,
}

impl Heard {
    /// What one of this node's own commits says. What it did with the answer is done; but the
    /// answer may never have come, and what was cached since be older than the commit.
    fn note_own(&mut self, commit: Commit) {
        for change in commit.changes {
            match change {
                Change::Accepted { records, .. } => self.records.extend(records),
                Change::Devices(devices) => self.records.extend(devices),
                Change::Projects => self.projects = true,
                Change::Keys => self.keys = true,
                Change::Users => self.users = true,
                Change::Webhooks => self.webhooks = true,
                Change::Server => self.server = true,
                _ => {}
            }
        }
    }

    fn note(&mut self, commit: Commit) {
        for change in commit.changes {
            match change {
                Change::Accepted { entries, records, power, .. } => {
                    let devices = entries.into_iter().map(|(_, device)| device);
                    if power { &mut self.powered } else { &mut self.accepted }.extend(devices);
                    self.records.extend(records);
                }
                Change::Cancelled { devices, .. } => self.accepted.extend(devices),
                Change::Bound(devices) => self.bound.extend(devices),
                Change::Devices(devices) => self.devices.extend(devices),
                Change::Deleted(device) => {
                    self.deleted.insert(device);
                }
                Change::Projects => self.projects = true,
                Change::Keys => self.keys = true,
                Change::Users => self.users = true,
                Change::Webhooks => self.webhooks = true,
                Change::Server => self.server = true,
                Change::Cluster => self.cluster = true,
                Change::Sighted(sighting) => self.sighted.push(sighting),
                // Nothing of these is kept in memory.
                Change::Settled { .. }
                | Change::Channels(_)
                | Change::Organizations
                | Change::Servers
                | Change::Tags => {}
            }
        }
    }
}

/// Does what follows from a page. Gives whether all devices with work have to be read again.
async fn hear(shared: &Shared, page: FeedPage) -> bool {
    let own = shared.ownership.session().map(|session| session.key);
    let mut heard = Heard::default();
    for commit in page.commits {
        if commit.session == own { heard.note_own(commit) } else { heard.note(commit) }
    }
    if heard.cluster {
        shared.ownership.renew_now();
    }
    if page.gap {
        tracing::warn!("the feed was not read for too long: reading everything anew");
        forget_all(shared);
        heard.server = true;
    }
    match apply(shared, heard).await {
        Ok(rescan) => rescan || page.gap,
        Err(error) => {
            tracing::warn!(%error, "what other nodes have changed could not be followed");
            forget_all(shared);
            true
        }
    }
}

async fn apply(shared: &Shared, heard: Heard) -> Result<bool, store::Error> {
    let mut copied = Vec::new();
    for device in &heard.deleted {
        for driver in shared.drivers.values() {
            driver.forget(*device);
        }
        copied.extend(shared.copies.forget(*device));
    }
    if heard.keys || heard.projects {
        shared.keys.forget_all();
    }
    if heard.users || heard.projects {
        shared.tokens.forget_all();
    }
    if heard.webhooks || heard.projects {
        shared.webhooks.changed.notify_one();
    }
    if heard.projects {
        shared.projects.forget_all();
        shared.enrolments.forget();
        shared.targets.forget_all();
    }
    forget_devices(shared, &heard).await?;
    if heard.server {
        follow_server_settings(shared).await?;
    }
    for device in copied {
        copies::wake(shared, device).await?;
    }
    for sighting in heard.sighted {
        copies::hear(shared, sighting).await?;
    }
    follow_bound(shared, heard.bound).await?;
    wake(shared, heard.devices, Wake::Now).await?;
    wake(shared, heard.powered, Wake::Now).await?;
    wake(shared, heard.accepted, Wake::Work).await?;
    Ok(heard.projects || heard.server)
}

/// Forgets what was cached of devices whose records have changed.
async fn forget_devices(shared: &Shared, heard: &Heard) -> Result<(), store::Error> {
    if !heard.deleted.is_empty() {
        // Their ids are gone with them.
        forget_all_devices(shared);
        return Ok(());
    }
    let changed: Vec<DeviceKey> = heard.devices.union(&heard.records).copied().collect();
    for keys in changed.chunks(DEVICES_AT_A_TIME) {
        let devices = shared.store.records(keys).await?;
        if devices.len() < keys.len() {
            forget_all_devices(shared);
            return Ok(());
        }
        shared.registrants.forget(devices.iter().map(|device| &device.id));
        let id = |device: Device| (device.project, device.id);
        shared.targets.forget(devices.into_iter().map(id));
    }
    Ok(())
}

/// GB devices have registered elsewhere, or their registrations have ended there: what drivers hold
/// of those that are not ours ends, and those that are nobody's are looked at by the owners of
/// their shards.
async fn follow_bound(shared: &Shared, devices: BTreeSet<DeviceKey>) -> Result<(), store::Error> {
    let mut devices: Vec<DeviceKey> = devices.into_iter().collect();
    let sip = shared.node.new.roles.sip;
    if !sip {
        shared.ownership.keep_in_shards(&mut devices);
    }
    let own = shared.ownership.session().map(|session| session.key);
    for keys in devices.chunks(DEVICES_AT_A_TIME) {
        let seeds = shared.store.lane_seeds(keys).await?;
        let elsewhere = seeds.iter().filter(|seed| sip && seed.bound_to != own);
        for seed in elsewhere {
            for driver in shared.drivers.values() {
                driver.moved(seed.device);
            }
        }
        wake_all(shared, seeds, Wake::Now).await;
    }
    Ok(())
}

/// Wakes those of these devices that are ours.
async fn wake(
    shared: &Shared,
    devices: BTreeSet<DeviceKey>,
    wake: Wake,
) -> Result<(), store::Error> {
    let mut devices: Vec<DeviceKey> = devices.into_iter().collect();
    if !shared.node.new.roles.sip {
        shared.ownership.keep_in_shards(&mut devices);
    }
    for keys in devices.chunks(DEVICES_AT_A_TIME) {
        let seeds: Vec<LaneSeed> = shared.store.lane_seeds(keys).await?;
        wake_all(shared, seeds, wake).await;
    }
    Ok(())
}

fn forget_all_devices(shared: &Shared) {
    shared.targets.forget_all();
    shared.registrants.forget_all();
}

/// Forgets all that was cached.
fn forget_all(shared: &Shared) {
    shared.keys.forget_all();
    shared.tokens.forget_all();
    shared.projects.forget_all();
    shared.enrolments.forget();
    forget_all_devices(shared);
}

/// Forgets what is too old: of the feed in small steps, and keys of calls, a step at a time.
pub(crate) async fn prune(shared: Arc<Shared>) {
    let (step, pause) = PRUNE_STEP;
    let mut ticks = tokio::time::interval(PRUNE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick is at once: a start has other things to do.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        idempotency::forget_expired(&shared).await;
        loop {
            match shared.store.prune_feed(limits::FEED_KEPT, step).await {
                Ok(count) if count >= u64::from(step) => tokio::time::sleep(pause).await,
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "the feed could not be pruned");
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
