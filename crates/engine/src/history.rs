//! What is over is forgotten once it is old, there is too much of it, or the disk is full: jobs
//! that have ended, and updates that went out in waves.
//!
//! The node that owns the first shard forgets, in small steps with pauses between them, so that
//! nobody waits for it. Where nothing is old, nothing is written.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use fleet::rollout::Source;
use fleet::{Epoch, JobId, Principal, RequestId, Shard, Timestamp, limits};
use store::{Old, Room};
use tokio::time::{Instant, MissedTickBehavior};

use crate::command::Error;
use crate::shared::Shared;

/// The shard whose owner forgets.
const FORGOTTEN_BY: Shard = Shard(0);

/// The pause after a step, by how long that took: so much of the store's time is left to others.
const PAUSE_SHARE: u32 = 4;

/// The same after a page of jobs was counted, which all of them are at each start.
const COUNT_PAUSE_SHARE: u32 = 20;

/// Jobs counted at a time, at most.
const COUNT_PAGE: u32 = 20_000;

/// How often jobs are looked at again that were young or open when their turn came.
const AGAIN_EVERY: Duration = Duration::from_secs(3_600);

/// How often it is told how far it has come.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Old updates looked at with one read, and waves whose jobs are counted with one.
const ROLLOUTS_AT_A_TIME: u32 = 100;
const WAVES_AT_A_TIME: usize = 100;

/// What times are told apart by.
const MILLISECOND: Duration = Duration::from_millis(1);

/// Below all that there are.
const FIRST: RequestId = RequestId::from_bytes([0; 16]);
const FIRST_JOB: JobId = JobId::from_bytes([0; 16]);

/// What is kept of what is over. The defaults are those of [`fleet::limits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// For how long; `None`: for ever.
    pub kept: Option<Duration>,
    /// How many jobs, about; `None`: all.
    pub jobs_max: Option<u64>,
    /// How many hundredths of the disk it leaves free; 0: none.
    pub disk_free_percent: u8,
    /// How often it is looked at.
    pub look_every: Duration,
}

impl Default for History {
    fn default() -> Self {
        Self {
            kept: Some(limits::HISTORY_KEPT),
            jobs_max: Some(limits::HISTORY_JOBS_MAX),
            disk_free_percent: limits::HISTORY_DISK_FREE_PERCENT,
            look_every: Duration::from_secs(60),
        }
    }
}

/// Forgets what is old, again and again.
pub(crate) async fn keep(shared: Arc<Shared>, settings: History) {
    let mut forgetting = Forgetting::new(settings);
    let mut fails = false;
    let mut ticks = tokio::time::interval(settings.look_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick is at once: a start has other things to do.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        match forgetting.look(&shared).await {
            Ok(()) => fails = false,
            // Of many in a row the first is told.
            Err(error) if !std::mem::replace(&mut fails, true) => {
                let error = crate::step::chain(&error);
                tracing::warn!(error, "what is old could not be forgotten");
            }
            Err(_) => {}
        }
    }
}

/// Why something is old.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// It was over long ago.
    Age,
    /// There is more than is to be kept.
    Count,
    /// The disk is full.
    Disk,
}

/// What whoever forgets remembers.
struct Forgetting {
    settings: History,
    /// What it owns the shard under.
    epoch: Option<Epoch>,
    counted: Counted,
    by_age: Walk,
    by_count: Walk,
    by_disk: Walk,
    gone: Gone,
}

impl Forgetting {
    fn new(settings: History) -> Self {
        Self {
            settings,
            epoch: None,
            counted: Counted::default(),
            by_age: Walk::default(),
            by_count: Walk::default(),
            by_disk: Walk::default(),
            gone: Gone::default(),
        }
    }

    /// Forgets what is old now, if that is for this node to do.
    ///
    /// Errors: the store failed. What was not done then is done with the next look.
    async fn look(&mut self, shared: &Shared) -> Result<(), Error> {
        let epoch = shared.ownership.epoch(FORGOTTEN_BY);
        if self.epoch != epoch {
            *self = Self { epoch, ..Self::new(self.settings) };
        }
        let Some(epoch) = epoch else { return Ok(()) };
        self.count(shared).await?;
        for rule in [Rule::Age, Rule::Count, Rule::Disk] {
            self.walk(rule).begin();
            let done = self.forget_jobs(shared, epoch, rule).await;
            let done = match done {
                Ok(()) => self.forget_rollouts(shared, epoch, rule).await,
                failed => failed,
            };
            self.gone.tell();
            done?;
        }
        Ok(())
    }

    fn walk(&mut self, rule: Rule) -> &mut Walk {
        match rule {
            Rule::Age => &mut self.by_age,
            Rule::Count => &mut self.by_count,
            Rule::Disk => &mut self.by_disk,
        }
    }

    /// What is old now by a rule; `None` if nothing is, or the shard has changed hands.
    async fn old(&self, shared: &Shared, epoch: Epoch, rule: Rule) -> Result<Option<Old>, Error> {
        if shared.ownership.epoch(FORGOTTEN_BY) != Some(epoch) {
            return Ok(None);
        }
        let now = shared.clock.now();
        let kept = needed(shared).await?;
        let up_to = |at: Timestamp| RequestId::from_parts(at.0, 0);
        let (up_to, ended_by) = match rule {
            Rule::Age => {
                let Some(lasts) = self.settings.kept else { return Ok(None) };
                let at = before(now, lasts.max(limits::HISTORY_KEPT_MIN));
                // A device's jobs are looked through from the newest on.
                let first = kept.iter().min().map(|first| before(first.made_at(), MILLISECOND));
                (up_to(first.map_or(at, |first| first.min(at))), at)
            }
            Rule::Count => {
                let beyond = self.settings.jobs_max.and_then(|most| self.counted.beyond(most));
                let Some(beyond) = beyond else { return Ok(None) };
                (beyond, before(now, limits::HISTORY_KEPT_MIN))
            }
            Rule::Disk => {
                let room = match self.settings.disk_free_percent {
                    0 => None,
                    _ => shared.store.room().await?,
                };
                if !room.is_some_and(|room| is_full(room, self.settings.disk_free_percent)) {
                    return Ok(None);
                }
                let at = before(now, limits::HISTORY_KEPT_MIN_ON_FULL_DISK);
                (up_to(at), at)
            }
        };
        Ok(Some(Old { up_to, ended_by, kept }))
    }

    /// Forgets the jobs that are old by a rule, but those of waves.
    async fn forget_jobs(
        &mut self,
        shared: &Shared,
        epoch: Epoch,
        rule: Rule,
    ) -> Result<(), Error> {
        while let Some(old) = self.old(shared, epoch, rule).await? {
            let (began, after) = (Instant::now(), self.walk(rule).after);
            let fence = (FORGOTTEN_BY, epoch);
            let step = limits::HISTORY_STEP_ROWS;
            let page = shared.store.forget_jobs(fence, &old, after, step).await?;
            self.note(page.jobs);
            let Some(next) = page.next else { break };
            self.walk(rule).after = next;
            tokio::time::sleep(began.elapsed() * PAUSE_SHARE).await;
        }
        Ok(())
    }

    /// Forgets the updates that went out in waves and are old by a rule, each with all its jobs
    /// once none of them is open.
    async fn forget_rollouts(
        &mut self,
        shared: &Shared,
        epoch: Epoch,
        rule: Rule,
    ) -> Result<(), Error> {
        let mut after = FIRST;
        while let Some(mut old) = self.old(shared, epoch, rule).await? {
            // Its last jobs are younger than itself.
            old.ended_by = old.ended_by.min(old.up_to.made_at());
            let page = shared.store.old_rollouts(&old, after, ROLLOUTS_AT_A_TIME).await?;
            let Some(last) = page.last() else { break };
            after = *last;
            for id in page {
                if self.walk(rule).has_open_jobs.contains(&id) {
                    continue;
                }
                if has_open_jobs(shared, id).await? {
                    self.walk(rule).has_open_jobs.insert(id);
                    continue;
                }
                if self.old(shared, epoch, rule).await?.is_none() {
                    return Ok(());
                }
                self.forget_rollout(shared, epoch, id).await?;
            }
        }
        Ok(())
    }

    /// Forgets one update that went out in waves.
    async fn forget_rollout(
        &mut self,
        shared: &Shared,
        epoch: Epoch,
        id: RequestId,
    ) -> Result<(), Error> {
        let fence = (FORGOTTEN_BY, epoch);
        loop {
            let began = Instant::now();
            let step = limits::HISTORY_STEP_ROWS;
            let forgotten = shared.store.forget_rollout(fence, id, step).await?;
            self.note(forgotten.jobs);
            tokio::time::sleep(began.elapsed() * PAUSE_SHARE).await;
            if !forgotten.more {
                return Ok(());
            }
        }
    }

    /// Notes that so many jobs were forgotten.
    fn note(&mut self, jobs: u64) {
        if jobs == 0 {
            return;
        }
        metrics::counter!("fleetwright_history_forgotten_jobs_total").increment(jobs);
        self.counted.forget(jobs);
        self.measure();
        self.gone.jobs += jobs;
        if self.gone.since.get_or_insert_with(Instant::now).elapsed() >= TELL_EVERY {
            self.gone.tell();
        }
    }

    /// Counts the jobs that have come since the last time; after a start, all there are.
    async fn count(&mut self, shared: &Shared) -> Result<(), Error> {
        let Some(most) = self.settings.jobs_max else { return Ok(()) };
        // So that what is forgotten at a time is little of what is kept.
        let page = u32::try_from(most / 100).unwrap_or(COUNT_PAGE).clamp(1, COUNT_PAGE);
        loop {
            let (began, after) = (Instant::now(), self.counted.last());
            let found = shared.store.count_jobs(after, page).await?;
            let Some(last) = found.last else { break };
            self.counted.add(last, found.jobs, u64::from(page));
            self.measure();
            tokio::time::sleep(began.elapsed() * COUNT_PAUSE_SHARE).await;
            // While many come there are always some more.
            if found.jobs < u64::from(page) {
                break;
            }
        }
        Ok(())
    }

    /// Tells how many jobs there are, where they are counted.
    fn measure(&self) {
        if self.settings.jobs_max.is_some() {
            #[expect(clippy::cast_precision_loss, reason = "a gauge")]
            metrics::gauge!("fleetwright_history_jobs").set(self.counted.total() as f64);
        }
    }
}

/// The updates that something which goes on needs: what an update brings back is read from the jobs
/// of the one that it takes back, wave by wave.
async fn needed(shared: &Shared) -> Result<Vec<RequestId>, Error> {
    let open = shared.store.rollouts_open().await?;
    let of = open.into_iter().filter_map(|rollout| match rollout.source {
        Source::RevertOf(of) => Some(of),
        Source::Selector(_) | Source::Devices => None,
    });
    let mut needed: Vec<RequestId> = of.collect();
    let waves = shared.store.waves_of(&needed).await?;
    needed.extend(waves.into_iter().map(|of| of.rollout));
    Ok(needed)
}

/// Whether any job of an update that went out in waves is open.
async fn has_open_jobs(shared: &Shared, id: RequestId) -> Result<bool, Error> {
    let waves = shared.store.waves(&Principal::engine(), id).await?;
    let requests: Vec<RequestId> = waves.into_iter().map(|wave| wave.request).collect();
    for some in requests.chunks(WAVES_AT_A_TIME) {
        let counts = shared.store.wave_counts(some).await?;
        if counts.iter().any(|counts| counts.open > 0) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether less is free of a disk than is to be.
fn is_full(room: Room, free_percent: u8) -> bool {
    let needed = u128::from(room.total_bytes) * u128::from(free_percent);
    u128::from(room.free_bytes) * 100 < needed
}

/// So long before `now`.
fn before(now: Timestamp, duration: Duration) -> Timestamp {
    let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Timestamp(now.0.saturating_sub(milliseconds).max(0))
}

/// How far the jobs were looked at by one rule.
struct Walk {
    after: RequestId,
    /// When it began; `None` if it has not.
    begun: Option<Instant>,
    /// Old updates that went out in waves and had open jobs since.
    has_open_jobs: HashSet<RequestId>,
}

impl Default for Walk {
    fn default() -> Self {
        Self { after: FIRST, begun: None, has_open_jobs: HashSet::new() }
    }
}

impl Walk {
    /// Begins anew once in a while: what was passed over may be old by now.
    fn begin(&mut self) {
        if self.begun.is_none_or(|begun| begun.elapsed() >= AGAIN_EVERY) {
            *self = Self { begun: Some(Instant::now()), ..Self::default() };
        }
    }
}

/// How many jobs there are, by pages in the order of their ids: the last of each and how many it
/// has.
#[derive(Debug, Default)]
struct Counted {
    pages: VecDeque<(JobId, u64)>,
}

impl Counted {
    /// Up to where they were counted.
    fn last(&self) -> JobId {
        self.pages.back().map_or(FIRST_JOB, |(last, _)| *last)
    }

    /// Takes the next ones in. Pages that together have at most `page` become one.
    fn add(&mut self, last: JobId, jobs: u64, page: u64) {
        match self.pages.back_mut() {
            Some((end, count)) if *count + jobs <= page => (*end, *count) = (last, *count + jobs),
            _ => self.pages.push_back((last, jobs)),
        }
    }

    /// So many were forgotten: of the oldest, mostly.
    fn forget(&mut self, jobs: u64) {
        let mut rest = jobs;
        for (_, count) in &mut self.pages {
            let of_page = rest.min(*count);
            *count -= of_page;
            rest -= of_page;
        }
        // The last one says up to where they were counted.
        while self.pages.len() > 1 && self.pages.front().is_some_and(|(_, count)| *count == 0) {
            self.pages.pop_front();
        }
    }

    fn total(&self) -> u64 {
        self.pages.iter().map(|(_, count)| *count).sum()
    }

    /// Up to which request they are more than `most`; `None` if they are not.
    fn beyond(&self, most: u64) -> Option<RequestId> {
        let excess = self.total().checked_sub(most).filter(|excess| *excess > 0)?;
        let mut sum = 0;
        let reached = self.pages.iter().find(|(_, count)| {
            sum += count;
            sum >= excess
        });
        reached.map(|(last, _)| last.request())
    }
}

/// What was forgotten and not told yet.
#[derive(Debug, Default)]
struct Gone {
    jobs: u64,
    since: Option<Instant>,
}

impl Gone {
    fn tell(&mut self) {
        let Self { jobs, .. } = std::mem::take(self);
        if jobs > 0 {
            tracing::info!(jobs, "old jobs are forgotten");
        }
    }
}

#[cfg(test)]
mod tests;
