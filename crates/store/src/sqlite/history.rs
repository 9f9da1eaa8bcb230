//! [`History`]: what is old is looked for by a reader, and the writer deletes it in transactions of
//! its own, some rows at a time.
//!
//! The pages that become empty stay in the file and are written to next: the database grows no
//! more, and does not become smaller.

use std::collections::HashSet;

use async_trait::async_trait;
use fleet::{Epoch, JobId, RequestId, Shard};
use rusqlite::{Connection, params};

use super::asking::Asking;
use super::connection::PAGE_BYTES;
use super::queries::{all, count, first, rollouts};
use super::rows::During;
use super::{InlineNode, Sqlite};
use crate::columns::{column, optional};
use crate::rules::history::{self as rules, Cut};
use crate::{CountedJobs, Error, ForgottenJobs, ForgottenRollout, History, Old, Room};

/// The jobs between two ids, in their order.
pub(super) const WALK: &str = "SELECT id, ended_at FROM job
     WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3";

/// The first request whose call has a key and no answer.
pub(super) const UNANSWERED: &str =
    "SELECT min(request) FROM idempotency INDEXED BY idempotency_open WHERE status IS NULL";

/// The next jobs by id, counted.
pub(super) const COUNT: &str = "SELECT count(*), max(id) FROM (
         SELECT id FROM job WHERE id > ?1 ORDER BY id LIMIT ?2)";

/// The next rollouts by id that were over at a time.
pub(super) const OLD_ROLLOUTS: &str = "SELECT id FROM rollout
     WHERE id > ?1 AND id <= ?2 AND ended_at <= ?3 ORDER BY id LIMIT ?4";

/// What was found to be forgotten.
struct Found {
    /// The jobs.
    jobs: Vec<JobId>,
    /// After which request to go on.
    next: Option<RequestId>,
}

/// Looks at the next jobs: see [`History::forget_jobs`].
fn find(c: &Connection, old: &Old, after: RequestId, limit: u32) -> Result<Found, Error> {
    let operation = "look for old jobs";
    let (low, high) = rules::range(old, after, unanswered(c)?);
    let walk = |low: [u8; 16], high: [u8; 16], most: u32| {
        all(c, operation, WALK, params![low, high, most], |row| rules::seen(row))
    };
    let mut jobs = walk(low, high, limit.saturating_add(1))?;
    let next = match rules::cut(&mut jobs, usize::try_from(limit).unwrap_or(usize::MAX)) {
        Cut::End => None,
        Cut::After(request) => Some(request),
        Cut::Within(request) => {
            let (_, last) = request.job_range();
            jobs = walk(request.to_bytes(), last.to_bytes(), u32::from(u16::MAX))?;
            Some(request)
        }
    };
    let waves = rollouts::waves_of(c, &rules::requests(&jobs))?;
    let waves: HashSet<RequestId> = waves.into_iter().map(|of| of.request).collect();
    Ok(Found { jobs: rules::forgotten(&jobs, &waves, old), next })
}

/// The first request whose call has a key and no answer.
fn unanswered(c: &Connection) -> Result<Option<RequestId>, Error> {
    let found = first(c, "look for open calls", UNANSWERED, [], |row| optional(row, 0))?;
    Ok(found.flatten().map(RequestId::from_bytes))
}

/// Whether the shard still has this epoch.
fn holds(c: &Connection, (shard, epoch): (Shard, Epoch)) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM shard WHERE shard = ?1 AND epoch = ?2";
    let found = first(c, "compare an epoch", sql, params![shard.0, epoch.0], |_| Ok(()))?;
    Ok(found.is_some())
}

/// Deletes jobs that have ended, and gives how many there were.
fn delete(c: &Connection, fence: (Shard, Epoch), jobs: &[JobId]) -> Result<u64, Error> {
    if !holds(c, fence)? {
        return Ok(0);
    }
    let operation = "forget old jobs";
    let mut delete =
        c.prepare_cached("DELETE FROM job WHERE id = ?1 AND state <> 0").during(operation)?;
    let mut deleted = 0;
    for job in jobs {
        deleted += delete.execute([job.to_bytes()]).during(operation)?;
    }
    Ok(deleted as u64)
}

/// See [`History::old_rollouts`].
fn old_rollouts(
    c: &Connection,
    old: &Old,
    after: RequestId,
    limit: u32,
) -> Result<Vec<RequestId>, Error> {
    let params = params![after.to_bytes(), old.up_to.to_bytes(), old.ended_by.0, limit];
    let found = all(c, "look for old updates", OLD_ROLLOUTS, params, |row| {
        Ok(RequestId::from_bytes(column(row, 0)?))
    })?;
    Ok(rules::rollouts(found, old, unanswered(c)?))
}

/// See [`History::forget_rollout`].
fn forget_rollout(
    c: &Connection,
    fence: (Shard, Epoch),
    id: RequestId,
    limit: u32,
) -> Result<ForgottenRollout, Error> {
    let operation = "forget an old update";
    let mut forgotten = ForgottenRollout { jobs: 0, more: false };
    let id = id.to_bytes();
    let over = "SELECT 1 FROM rollout WHERE id = ?1 AND ended_at IS NOT NULL";
    if !holds(c, fence)? || first(c, operation, over, [id], |_| Ok(()))?.is_none() {
        return Ok(forgotten);
    }
    let limit = u64::from(limit);
    let mut rows = 0;
    let next = "SELECT request FROM rollout_wave WHERE rollout = ?1 ORDER BY number LIMIT 1";
    while rows < limit
        && let Some(wave) = first(c, operation, next, [id], |row| column(row, 0))?
    {
        let Some(jobs) = forget_wave(c, RequestId::from_bytes(wave))? else {
            return Ok(forgotten);
        };
        forgotten.jobs += jobs;
        rows += jobs + 1;
    }
    if rows < limit {
        let rest = i64::try_from(limit - rows).unwrap_or(i64::MAX);
        let devices = "DELETE FROM rollout_device WHERE rollout = ?1 AND position < ?2 + (
             SELECT min(position) FROM rollout_device WHERE rollout = ?1)";
        let deleted = c
            .prepare_cached(devices)
            .and_then(|mut delete| delete.execute(params![id, rest]))
            .during(operation)?;
        rows += deleted as u64;
    }
    forgotten.more = rows >= limit;
    if !forgotten.more {
        c.prepare_cached("DELETE FROM rollout WHERE id = ?1")
            .and_then(|mut delete| delete.execute([id]))
            .during(operation)?;
    }
    Ok(forgotten)
}

/// Deletes a wave with all its jobs, and gives how many there were; `None` if one is open.
fn forget_wave(c: &Connection, wave: RequestId) -> Result<Option<u64>, Error> {
    let operation = "forget a wave";
    let (low, high) = wave.job_range();
    let range = params![low.to_bytes(), high.to_bytes()];
    let sql = "SELECT count(*) FROM job WHERE id BETWEEN ?1 AND ?2 AND state = 0";
    if count(c, operation, sql, range)? > 0 {
        return Ok(None);
    }
    let jobs = c
        .prepare_cached("DELETE FROM job WHERE id BETWEEN ?1 AND ?2")
        .and_then(|mut delete| delete.execute(range))
        .during(operation)?;
    c.prepare_cached("DELETE FROM rollout_wave WHERE request = ?1")
        .and_then(|mut delete| delete.execute([wave.to_bytes()]))
        .during(operation)?;
    Ok(Some(jobs as u64))
}

/// See [`History::count_jobs`].
fn count_jobs(c: &Connection, after: JobId, limit: u32) -> Result<CountedJobs, Error> {
    let counted = first(c, "count jobs", COUNT, params![after.to_bytes(), limit], |row| {
        let jobs: i64 = column(row, 0)?;
        let last = optional(row, 1)?.map(JobId::from_bytes);
        Ok(CountedJobs { jobs: jobs.unsigned_abs(), last })
    })?;
    Ok(counted.unwrap_or(CountedJobs { jobs: 0, last: None }))
}

/// Bytes of the database that nothing is in.
fn spare_bytes(c: &Connection) -> Result<u64, Error> {
    let pages = count(c, "count free pages", "PRAGMA freelist_count", [])?;
    Ok(pages.saturating_mul(u64::from(PAGE_BYTES)))
}

#[async_trait]
impl History for Sqlite {
    async fn forget_jobs(
        &self,
        fence: (Shard, Epoch),
        old: &Old,
        after: RequestId,
        limit: u32,
    ) -> Result<ForgottenJobs, Error> {
        let old = old.clone();
        let Found { jobs, next } = self.ask(move |c| find(c, &old, after, limit)).await?;
        if jobs.is_empty() {
            return Ok(ForgottenJobs { jobs: 0, next });
        }
        let jobs = self.alone(move |c| delete(c, fence, &jobs)).await?;
        Ok(ForgottenJobs { jobs, next })
    }

    async fn old_rollouts(
        &self,
        old: &Old,
        after: RequestId,
        limit: u32,
    ) -> Result<Vec<RequestId>, Error> {
        let old = old.clone();
        self.ask(move |c| old_rollouts(c, &old, after, limit)).await
    }

    async fn forget_rollout(
        &self,
        fence: (Shard, Epoch),
        id: RequestId,
        limit: u32,
    ) -> Result<ForgottenRollout, Error> {
        self.alone(move |c| forget_rollout(c, fence, id, limit)).await
    }

    async fn count_jobs(&self, after: JobId, limit: u32) -> Result<CountedJobs, Error> {
        self.ask(move |c| count_jobs(c, after, limit)).await
    }

    async fn room(&self) -> Result<Option<Room>, Error> {
        Ok(self.disk.room(self.ask(spare_bytes).await?))
    }
}

#[async_trait]
impl History for InlineNode {
    async fn forget_jobs(
        &self,
        fence: (Shard, Epoch),
        old: &Old,
        after: RequestId,
        limit: u32,
    ) -> Result<ForgottenJobs, Error> {
        let old = old.clone();
        let Found { jobs, next } = self.ask(move |c| find(c, &old, after, limit)).await?;
        if jobs.is_empty() {
            return Ok(ForgottenJobs { jobs: 0, next });
        }
        let jobs = self.alone(|c| delete(c, fence, &jobs))?;
        Ok(ForgottenJobs { jobs, next })
    }

    async fn old_rollouts(
        &self,
        old: &Old,
        after: RequestId,
        limit: u32,
    ) -> Result<Vec<RequestId>, Error> {
        let old = old.clone();
        self.ask(move |c| old_rollouts(c, &old, after, limit)).await
    }

    async fn forget_rollout(
        &self,
        fence: (Shard, Epoch),
        id: RequestId,
        limit: u32,
    ) -> Result<ForgottenRollout, Error> {
        self.alone(|c| forget_rollout(c, fence, id, limit))
    }

    async fn count_jobs(&self, after: JobId, limit: u32) -> Result<CountedJobs, Error> {
        self.ask(move |c| count_jobs(c, after, limit)).await
    }

    async fn room(&self) -> Result<Option<Room>, Error> {
        // Memory has no disk.
        Ok(None)
    }
}
