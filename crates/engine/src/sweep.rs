//! What wakes lanes besides new updates: the scan at the start, the rescan that finds what an event
//! lost, the sweep over devices at rest, and what drivers tell.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fleet::{DeviceKey, Kind, limits};
use store::LaneSeed;
use tokio::time::{Instant, MissedTickBehavior};

use crate::driver::{DeviceEvent, EventReceiver};
use crate::lane::Wake;
use crate::operate::follow_server_settings;
use crate::shared::{Message, Shared};

/// How soon a rescan is tried again that could not read the store: there may be devices that have
/// just come to us.
const AGAIN: Duration = Duration::from_secs(1);

/// Reads the server's settings and all devices with work, at once and then every `every`: the
/// truth behind all events. Each page is handed on as it is read, so the first step starts before
/// the scan has ended.
pub(crate) async fn rescan(shared: Arc<Shared>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = shared.rescan.notified() => {}
            _ = ticks.tick() => {}
        }
        let gains = shared.ownership.gains();
        let ends_waits = shared.rescan_ends_waits.swap(false, Ordering::SeqCst);
        let wake = if ends_waits { Wake::Now } else { Wake::Work };
        if let Err(error) = follow_server_settings(&shared).await {
            tracing::warn!(%error, "the server's settings could not be read");
        }
        let mut after = DeviceKey(0);
        loop {
            match shared.store.devices_with_work(after, limits::SCAN_PAGE).await {
                Ok(page) => {
                    let Some(last) = page.last() else {
                        if shared.messages.send(Message::Scanned { gains }).await.is_err() {
                            return;
                        }
                        break;
                    };
                    after = last.device;
                    if !wake_all(&shared, page, wake).await {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the rescan could not read the store");
                    // What it did not come to is left to the next one, soon.
                    shared.rescan_ends_waits.fetch_or(ends_waits, Ordering::SeqCst);
                    tokio::time::sleep(AGAIN).await;
                    shared.rescan.notify_one();
                    break;
                }
            }
        }
    }
}

/// Looks at devices at rest, `per_second` a second, round and round, each at most once in
/// [`limits::SWEEP_ROUND_MIN`]: finds drift, and restarts that nobody noticed.
pub(crate) async fn sweep(shared: Arc<Shared>, per_second: u32) {
    if per_second == 0 {
        return;
    }
    let mut after = DeviceKey(0);
    // The first round waits as well: what is open goes first.
    let mut round_began = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if after == DeviceKey(0) {
            // A small fleet is not asked again and again.
            tokio::time::sleep_until(round_began + limits::SWEEP_ROUND_MIN).await;
            round_began = Instant::now();
        }
        match shared.store.devices_at_rest(after, per_second).await {
            Ok(page) => {
                let is_full = page.len() >= per_second as usize;
                let last = page.last().filter(|_| is_full);
                after = last.map_or(DeviceKey(0), |last| last.device);
                if !wake_all(&shared, page, Wake::Look).await {
                    return;
                }
            }
            Err(error) => tracing::warn!(%error, "the sweep could not read the store"),
        }
    }
}

/// Hands on what drivers tell.
pub(crate) async fn events(shared: Arc<Shared>, mut events: EventReceiver) {
    const AT_A_TIME: usize = 256;
    let mut batch = Vec::with_capacity(AT_A_TIME);
    while events.0.recv_many(&mut batch, AT_A_TIME).await > 0 {
        let keys: Vec<DeviceKey> = batch
            .drain(..)
            .map(|event| match event {
                DeviceEvent::Lost(key) | DeviceEvent::Returned(key) => key,
            })
            .collect();
        match shared.store.lane_seeds(&keys).await {
            Ok(seeds) => {
                if !wake_all(&shared, seeds, Wake::Now).await {
                    return;
                }
            }
            // The sweep will find these devices.
            Err(error) => tracing::warn!(%error, "events of devices could not be followed"),
        }
    }
}

/// What the lane of a device is made from of which only its kind and its server are known. Who
/// holds a GB device is seen when its turn comes: it may be this node, whoever owns its shard.
pub(crate) fn seed_of(
    shared: &Shared,
    (device, kind): (DeviceKey, Kind),
    server: String,
) -> LaneSeed {
    let session = shared.ownership.session().filter(|_| kind == Kind::Camera);
    LaneSeed {
        device,
        shard: device.shard(),
        server,
        restarting: None,
        bound_to: session.map(|session| session.key),
    }
}

/// Wakes the lanes of those devices that this node works on. `false` once the lanes are gone.
pub(crate) async fn wake_all(shared: &Shared, mut seeds: Vec<LaneSeed>, wake: Wake) -> bool {
    shared.ownership.keep_ours(&mut seeds);
    // Devices of a page share few servers: one allocation a server, not one a device.
    let mut servers: HashMap<String, Arc<str>> = HashMap::new();
    for seed in seeds {
        let server =
            servers.entry(seed.server).or_insert_with_key(|name| Arc::from(name.as_str())).clone();
        let (device, restarting) = (seed.device, seed.restarting);
        let message = Message::Wake { device, server, restarting, wake };
        if shared.messages.send(message).await.is_err() {
            return false;
        }
    }
    true
}
