//! How many devices there are and how they do: counted for all nodes by one, once in a while, so
//! that nobody who wants to know it has them counted.
//!
//! The node that owns the first shard counts. What it found is in the store, the newest of each
//! project and a sample each ten minutes and with its first devices, so that every node can tell
//! it, and tells it after a restart too. Two nodes that count at a time do no harm: what is written
//! last holds.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use fleet::{
    DeviceCounts, DeviceKey, Epoch, FleetCounts, Principal, ProjectKey, RequestId, RolloutCounts,
    Shard, Timestamp, Wave, limits,
};
use store::Write;
use store::write::NoteCounts;
use tokio::time::Instant;

use crate::command::Error;
use crate::shared::Shared;

/// The shard whose owner counts.
const COUNTED_BY: Shard = Shard(0);

/// Waves whose jobs are counted with one read.
const WAVES_AT_A_TIME: usize = 100;

/// Counts again and again, as long as it takes and no more often than may be, `least` the shortest
/// wait between two counts; never if that is zero.
pub(crate) async fn keep(shared: Arc<Shared>, least: Duration) {
    if least.is_zero() {
        return;
    }
    let mut counter = Counter::default();
    let mut fails = false;
    let mut wait = least;
    loop {
        tokio::time::sleep(wait).await;
        match counter.count(&shared).await {
            Ok(took) => (fails, wait) = (false, wait_after(took, least)),
            Err(error) => {
                // Of many in a row the first is told.
                if !std::mem::replace(&mut fails, true) {
                    let error = crate::step::chain(&error);
                    tracing::warn!(error, "the devices could not be counted");
                }
                wait = least.max(limits::COUNT_WAIT.0);
            }
        }
    }
}

/// How long to wait after a count that kept the store busy for so long.
fn wait_after(took: Duration, least: Duration) -> Duration {
    let (_, most) = limits::COUNT_WAIT;
    took.saturating_mul(limits::COUNT_SHARE).min(most).max(least)
}

/// What whoever counts remembers of what is in the store.
#[derive(Debug, Default)]
struct Counter {
    /// What it owned the shard under when it wrote that. Under another one, somebody else may have
    /// written since.
    epoch: Option<Epoch>,
    /// The newest counts, by project; under `None` those of the whole server.
    written: HashMap<Option<ProjectKey>, FleetCounts>,
    /// When they were last written.
    written_at: Option<Instant>,
    /// When they were last kept.
    sampled_at: Option<Timestamp>,
    /// The projects whose first devices were kept since.
    begun: HashSet<ProjectKey>,
    /// By update that goes out in waves, what is known of it for good.
    ended: HashMap<RequestId, EndedWaves>,
}

/// The waves of an update of which no job is open: what ended stays as it is, so that nobody has to
/// count it again.
#[derive(Debug, Default)]
struct EndedWaves {
    /// Their requests.
    waves: HashSet<RequestId>,
    /// How their jobs ended.
    counts: RolloutCounts,
}

impl Counter {
    /// Counts, if that is for this node to do, and has what was found written where it is new.
    /// Gives for how long it kept the store busy.
    ///
    /// Errors: the store failed.
    async fn count(&mut self, shared: &Shared) -> Result<Duration, Error> {
        let Some(epoch) = shared.ownership.epoch(COUNTED_BY) else {
            *self = Self::default();
            return Ok(Duration::ZERO);
        };
        if self.epoch != Some(epoch) {
            let sampled_at = last_sampled(shared).await?;
            *self = Self { epoch: Some(epoch), sampled_at, ..Self::default() };
        }
        let (found, took) = walk(shared, &mut self.ended).await?;
        if shared.ownership.epoch(COUNTED_BY) == Some(epoch) {
            self.note(shared, found).await?;
        }
        Ok(took)
    }

    /// Has what was found written: where it has changed, or all if it is time to keep it, since a
    /// node that counted before may have written after; and in any case once in a while when it was
    /// found.
    async fn note(
        &mut self,
        shared: &Shared,
        found: BTreeMap<ProjectKey, FleetCounts>,
    ) -> Result<(), Error> {
        let at = shared.clock.now();
        let mut server = FleetCounts::default();
        for counts in found.values() {
            server += counts.clone();
        }
        let all: HashMap<Option<ProjectKey>, FleetCounts> =
            found.into_iter().map(|(project, counts)| (Some(project), counts)).collect();
        let is_sampled = self.is_sampled(at);
        let is_new = |(project, counts): &(&Option<ProjectKey>, &FleetCounts)| {
            !is_sampled || self.written.get(*project) != Some(*counts)
        };
        let mut newest: Vec<(Option<ProjectKey>, FleetCounts)> =
            all.iter().filter(is_new).map(|(project, counts)| (*project, counts.clone())).collect();
        newest.sort_by_key(|(project, _)| *project);
        let is_recent =
            self.written_at.is_some_and(|at| at.elapsed() < limits::COUNTS_WRITTEN_EVERY);
        if newest.is_empty() && is_sampled && is_recent {
            return Ok(());
        }
        let sample = if is_sampled { self.beginnings(&all) } else { sample(&all, &server) };
        let begun: Vec<ProjectKey> = sample.iter().filter_map(|(project, _)| *project).collect();
        newest.push((None, server.clone()));
        let forget_before = Timestamp(at.0.saturating_sub(milliseconds(limits::COUNTS_KEPT)));
        let note = NoteCounts { at, newest, sample, forget_before };
        // What came of it may not be known if it fails: then all of it is written the next time.
        self.written.clear();
        self.written_at = None;
        for note in in_parts(&note) {
            let write = Write::NoteCounts(Box::new(note));
            shared.store.write(&Principal::engine(), write).await??;
        }
        self.written = all;
        self.written_at = Some(Instant::now());
        if is_sampled {
            self.begun.extend(begun);
        } else {
            self.begun.clear();
            self.sampled_at = Some(at);
        }
        Ok(())
    }

    /// What is kept between two samples: the projects that have devices now and had none when they
    /// were counted last, each once. So nobody who begins looks at an empty history for minutes.
    fn beginnings(
        &self,
        all: &HashMap<Option<ProjectKey>, FleetCounts>,
    ) -> Vec<(Option<ProjectKey>, DeviceCounts)> {
        // Before it has written anything it knows of none what it had.
        if self.written_at.is_none() {
            return Vec::new();
        }
        let begins = |(project, counts): &(&Option<ProjectKey>, &FleetCounts)| {
            let before = self.written.get(*project).map_or(0, |counts| counts.devices.total());
            let is_known = project.is_some_and(|project| self.begun.contains(&project));
            before == 0 && counts.devices.total() > 0 && !is_known
        };
        let begun = all.iter().filter(begins);
        let mut begun: Vec<_> =
            begun.map(|(project, counts)| (*project, counts.devices.clone())).collect();
        begun.sort_by_key(|(project, _)| *project);
        begun
    }

    /// Whether a sample was kept that is recent at `at`. One of a time to come is none: the clock
    /// was set back.
    fn is_sampled(&self, at: Timestamp) -> bool {
        let is_recent =
            |last: Timestamp| last <= at && at.since(last) < limits::COUNTS_SAMPLED_EVERY;
        self.sampled_at.is_some_and(is_recent)
    }
}

/// A time in milliseconds.
fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// The same in parts, each of so few projects that it may be one write. Those of the server are the
/// last of both lists.
fn in_parts(note: &NoteCounts) -> impl Iterator<Item = NoteCounts> {
    let mut newest = note.newest.chunks(limits::COUNTS_PER_WRITE);
    let mut sample = note.sample.chunks(limits::COUNTS_PER_WRITE);
    std::iter::from_fn(move || {
        let (newest, sample) = (newest.next(), sample.next());
        (newest.is_some() || sample.is_some()).then(|| NoteCounts {
            newest: newest.unwrap_or_default().to_vec(),
            sample: sample.unwrap_or_default().to_vec(),
            ..*note
        })
    })
}

/// What is kept over time: the devices of projects that have some, and those of the server.
fn sample(
    all: &HashMap<Option<ProjectKey>, FleetCounts>,
    server: &FleetCounts,
) -> Vec<(Option<ProjectKey>, DeviceCounts)> {
    let devices = all.iter().map(|(project, counts)| (*project, counts.devices.clone()));
    let mut sample: Vec<_> = devices.filter(|(_, devices)| devices.total() > 0).collect();
    sample.sort_by_key(|(project, _)| *project);
    sample.push((None, server.devices.clone()));
    sample
}

/// When the last sample was kept that is recent.
async fn last_sampled(shared: &Shared) -> Result<Option<Timestamp>, Error> {
    let kept = milliseconds(limits::COUNTS_SAMPLED_EVERY);
    let since = Timestamp(shared.clock.now().0.saturating_sub(kept));
    let counted = shared.store.counted_fleet(&Principal::engine(), None, since).await?;
    Ok(counted.history.last().map(|(at, _)| *at))
}

/// Counts all devices, and the jobs of the updates that go out in waves, by project; of these only
/// what has not `ended`. Gives for how long that kept the store busy, besides: it pauses between
/// reads.
async fn walk(
    shared: &Shared,
    ended: &mut HashMap<RequestId, EndedWaves>,
) -> Result<(BTreeMap<ProjectKey, FleetCounts>, Duration), Error> {
    let (store, engine) = (&shared.store, Principal::engine());
    let began = Instant::now();
    let projects = store.projects(&engine).await?;
    let mut found: BTreeMap<ProjectKey, FleetCounts> =
        projects.into_iter().map(|project| (project.key, FleetCounts::default())).collect();
    let rollouts = store.rollouts_open().await?;
    ended.retain(|id, _| rollouts.iter().any(|rollout| rollout.id == *id));
    for rollout in rollouts {
        let waves = store.waves(&engine, rollout.id).await?;
        let counts = ended.entry(rollout.id).or_default().count(shared, &waves).await?;
        let of_project = found.entry(rollout.project).or_default();
        of_project.rollouts.insert(rollout.id, counts);
    }
    let mut took = began.elapsed();
    let mut after = Some(DeviceKey(0));
    while let Some(key) = after {
        let began = Instant::now();
        let page = store.count_devices(key, limits::COUNTED_PER_READ).await?;
        took += began.elapsed();
        for (project, alike, devices) in page.counts {
            found.entry(project).or_default().devices.add(alike, devices);
        }
        after = page.next;
        if after.is_some() {
            tokio::time::sleep(limits::COUNT_PAUSE).await;
        }
    }
    Ok((found, took))
}

impl EndedWaves {
    /// How the jobs of an update stand, given its waves: those of a wave are all there are once it
    /// has begun.
    async fn count(&mut self, shared: &Shared, waves: &[Wave]) -> Result<RolloutCounts, Error> {
        let requests = waves.iter().map(|wave| wave.request);
        let rest: Vec<_> = requests.filter(|request| !self.waves.contains(request)).collect();
        let mut open = RolloutCounts::default();
        for some in rest.chunks(WAVES_AT_A_TIME) {
            for (request, jobs) in some.iter().zip(shared.store.wave_counts(some).await?) {
                let counts = if jobs.open == 0 {
                    self.waves.insert(*request);
                    &mut self.counts
                } else {
                    &mut open
                };
                counts.succeeded += jobs.succeeded;
                counts.failed += jobs.failed;
            }
        }
        Ok(RolloutCounts {
            succeeded: self.counts.succeeded + open.succeeded,
            failed: self.counts.failed + open.failed,
        })
    }
}

#[cfg(test)]
mod tests;
