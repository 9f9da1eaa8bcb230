//! Phones that bear another phone's marker: a cloned /data, or a reused address.
//!
//! What was last seen at the address of each such record is kept in memory, bounded; that a device
//! has a copy is on record too (`DeviceState::copy`), so that nothing is set on it after a restart
//! of the server before the other one was looked at again. Where another node works on the device
//! whose marker was seen, it is told by the feed ([`Sighting`]); what it was told may be out of
//! date, so it asks again with each step.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use fleet::{BootIdentity, DeviceKey, Principal};
use store::{LaneSeed, Sighting, Write};

use crate::driver::{Away, Reached, Report};
use crate::lane::Wake;
use crate::shared::Shared;
use crate::step::Step;
use crate::sweep::wake_all;

/// Records kept at most; over it a copy is found at its next look, when there is room.
const KEPT_MAX: usize = 10_000;

/// What was last seen at a record's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It has to be looked at, for the sake of this device.
    Asked(DeviceKey),
    /// A phone that bears the marker of another device, in this boot.
    MarkerOf(DeviceKey, Option<BootIdentity>),
    /// No such phone.
    Nothing,
}

/// What was last seen at the addresses of those records that matter here.
#[derive(Debug, Default)]
pub(crate) struct Copies(Mutex<HashMap<DeviceKey, Seen>>);

/// A device whose marker was seen elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Suspect {
    /// The record at whose address it was seen.
    pub(crate) other: DeviceKey,
    /// The boot that the phone there is in.
    pub(crate) boot: Option<BootIdentity>,
}

impl Copies {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<DeviceKey, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// At the address of `at` a phone in `boot` bears the marker of `of`. Gives whether that is
    /// news.
    pub(crate) fn saw(&self, at: DeviceKey, of: DeviceKey, boot: Option<BootIdentity>) -> bool {
        let mut seen = self.lock();
        if seen.len() >= KEPT_MAX && !seen.contains_key(&at) {
            seen.retain(|_, what| *what != Seen::Nothing);
            if seen.len() >= KEPT_MAX {
                return false;
            }
        }
        let now = Seen::MarkerOf(of, boot);
        seen.insert(at, now.clone()) != Some(now)
    }

    /// The record of `at` was deleted. Gives the device whose marker was seen there.
    pub(crate) fn forget(&self, at: DeviceKey) -> Option<DeviceKey> {
        self.lock().remove(&at)?.concerns()
    }

    /// Forgets what was seen at the addresses of all others: it is not this node any more that
    /// looks there.
    pub(crate) fn keep(&self, is_ours: impl Fn(DeviceKey) -> bool) {
        self.lock().retain(|at, _| is_ours(*at));
    }

    /// At the address of `at` there is no phone with another's marker. Gives the device whose
    /// marker was seen there before, or asked for.
    pub(crate) fn saw_none(&self, at: DeviceKey) -> Option<DeviceKey> {
        let mut seen = self.lock();
        std::mem::replace(seen.get_mut(&at)?, Seen::Nothing).concerns()
    }

    /// Whether a phone with the marker of `of` is at the address of `at` is asked: the next look
    /// there leaves its answer, and is news.
    pub(crate) fn ask(&self, at: DeviceKey, of: DeviceKey) {
        let mut seen = self.lock();
        if seen.len() < KEPT_MAX || seen.contains_key(&at) {
            seen.insert(at, Seen::Asked(of));
        }
    }

    /// Whose marker `device` shares as far as is known: the first record at whose address it was
    /// seen.
    pub(crate) fn suspect(&self, device: DeviceKey) -> Option<Suspect> {
        let seen = self.lock();
        seen.iter()
            .filter_map(|(at, what)| match what {
                Seen::MarkerOf(of, boot) if *of == device => {
                    Some(Suspect { other: *at, boot: boot.clone() })
                }
                _ => None,
            })
            .min_by_key(|suspect| suspect.other)
    }

    /// What was last seen at the address of `at`, where a copy of `of` is on record. That it was
    /// not looked at is remembered, so that the next look there leaves its answer.
    pub(crate) fn last_seen(&self, at: DeviceKey, of: DeviceKey) -> Seen {
        self.lock().entry(at).or_insert(Seen::Asked(of)).clone()
    }
}

impl Seen {
    /// The device that is concerned by what is seen there next.
    fn concerns(self) -> Option<DeviceKey> {
        match self {
            Self::Asked(of) | Self::MarkerOf(of, _) => Some(of),
            Self::Nothing => None,
        }
    }
}

/// What makes a device be looked at before anything is set on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Suspicion {
    /// Its marker was seen at another record's address.
    Seen(Suspect),
    /// That is on record, and the other address was not looked at since the server started.
    OnRecord(DeviceKey),
}

/// Whether something speaks for a copy of the step's device.
pub(crate) fn suspicion(step: Step<'_>) -> Option<Suspicion> {
    let Step { shared, work, .. } = step;
    if let Some(suspect) = shared.copies.suspect(work.device.key) {
        return Some(Suspicion::Seen(suspect));
    }
    let other = work.state.copy?;
    match shared.copies.last_seen(other, work.device.key) {
        Seen::Asked(_) => Some(Suspicion::OnRecord(other)),
        Seen::MarkerOf(..) | Seen::Nothing => None,
    }
}

/// The device has answered. If its copy has too, gives the record of that one and what is the
/// matter, in a sentence.
pub(crate) async fn confirm(
    step: Step<'_>,
    suspicion: &Suspicion,
    reached: &Reached,
) -> Result<Option<(DeviceKey, String)>, store::Error> {
    let Step { shared, work, .. } = step;
    let other = match suspicion {
        // One phone behind two addresses is in one boot.
        Suspicion::Seen(suspect) if suspect.boot.is_some() && suspect.boot == reached.boot => {
            return Ok(None);
        }
        Suspicion::Seen(suspect) => suspect.other,
        Suspicion::OnRecord(other) => *other,
    };
    let is_ours = match suspicion {
        // A look there that finds something else ends the suspicion by itself.
        Suspicion::Seen(_) => works_on(shared, other).await?,
        Suspicion::OnRecord(_) => wake(shared, other).await?,
    };
    if !is_ours {
        tell(shared, Sighting::MarkerAsked { at: other, of: work.device.key }).await?;
    }
    let Some(device) = shared.store.records(&[other]).await?.into_iter().next() else {
        // Its record was deleted: nothing is known to be at that address any more.
        shared.copies.saw_none(other);
        return Ok(None);
    };
    let whose = match device {
        device if device.project == work.device.project => {
            format!("the phone at {}, which should be {},", device.address, device.id)
        }
        _ => "another phone".to_owned(),
    };
    let words = format!(
        "{whose} bears the same marker as this one: one is a copy of the other, and nothing is set \
         on either until the copy is adopted anew, with its marker replaced"
    );
    Ok(Some((other, words)))
}

/// Takes note of what answers at the device's address, wakes whom it concerns, and names the phone
/// that was found there by mistake, if it is one of the same project.
pub(crate) async fn note(step: Step<'_>, report: Report) -> Result<Report, store::Error> {
    let Step { shared, work, .. } = step;
    let here = work.device.key;
    let found = match &report {
        Report::Away(Away::WrongDevice { marker, boot }) if !marker.is_empty() => {
            let found = shared.store.device_by_marker(marker).await?;
            found.filter(|device| device.key != here).map(|device| (device, boot.clone()))
        }
        _ => None,
    };
    let Some((found, boot)) = found else {
        // One look without an answer says nothing of who is there.
        let is_silent = matches!(report, Report::Away(Away::Unreachable(_) | Away::Booting));
        let is_known_away = work.state.condition.stores();
        if is_silent && !is_known_away {
            return Ok(report);
        }
        if let Some(of) = shared.copies.saw_none(here)
            && !wake(shared, of).await?
        {
            tell(shared, Sighting::MarkerGone { at: here, of }).await?;
        }
        return Ok(report);
    };
    let of = found.key;
    let is_news = shared.copies.saw(here, of, boot.clone());
    let is_ours = if is_news { wake(shared, of).await? } else { works_on(shared, of).await? };
    if !is_ours {
        // Each time: whoever works on it may have come to it since.
        tell(shared, Sighting::MarkerSeen { at: here, of, boot }).await?;
    }
    let whose = if found.project == work.device.project {
        format!("that of {} ({})", found.id, found.name)
    } else {
        "that of a device of another project".to_owned()
    };
    let words = format!("another device answers at this address: its marker is {whose}");
    Ok(Report::Away(Away::Copied(words)))
}

/// Has a device looked at, if this node works on it. Gives whether it does.
pub(crate) async fn wake(shared: &Shared, key: DeviceKey) -> Result<bool, store::Error> {
    let seeds = ours(shared, key).await?;
    let is_ours = !seeds.is_empty();
    wake_all(shared, seeds, Wake::Now).await;
    Ok(is_ours)
}

/// Whether this node works on a device.
async fn works_on(shared: &Shared, key: DeviceKey) -> Result<bool, store::Error> {
    Ok(!ours(shared, key).await?.is_empty())
}

/// What a device's lane is made from; nothing if this node does not work on the device.
async fn ours(shared: &Shared, key: DeviceKey) -> Result<Vec<LaneSeed>, store::Error> {
    let mut seeds = shared.store.lane_seeds(&[key]).await?;
    shared.ownership.keep_ours(&mut seeds);
    Ok(seeds)
}

/// Tells the node that works on the device concerned, if any does.
async fn tell(shared: &Shared, sighting: Sighting) -> Result<(), store::Error> {
    let told = shared.store.write(&Principal::engine(), Write::Tell(sighting)).await?;
    if let Err(refused) = told {
        tracing::warn!(%refused, "other nodes could not be told of a copy");
    }
    Ok(())
}

/// Another node has seen something, or asks for a look.
pub(crate) async fn hear(shared: &Shared, sighting: Sighting) -> Result<(), store::Error> {
    match sighting {
        Sighting::MarkerSeen { at, of, boot } => {
            if works_on(shared, of).await? && shared.copies.saw(at, of, boot) {
                wake(shared, of).await?;
            }
        }
        Sighting::MarkerGone { at, of } => {
            if shared.copies.saw_none(at).is_some() {
                wake(shared, of).await?;
            }
        }
        Sighting::MarkerAsked { at, of } => {
            if works_on(shared, at).await? {
                shared.copies.ask(at, of);
                wake(shared, at).await?;
            }
        }
    }
    Ok(())
}
