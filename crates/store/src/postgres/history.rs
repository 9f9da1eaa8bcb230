//! [`History`]: what is old is looked for on a connection of the pool and deleted on one of the
//! node's own, some rows at a time, while the shard's row is locked: it changes hands before or
//! after.

use std::collections::HashSet;

use async_trait::async_trait;
use fleet::{Epoch, JobId, RequestId, Shard};
use tokio_postgres::Row;

use super::Postgres;
use super::cluster::{begin, end};
use super::connection::{Connection, Params};
use super::queries::rollouts;
use crate::columns::{column, optional};
use crate::rules::history::{self as rules, Cut};
use crate::{CountedJobs, Error, ForgottenJobs, ForgottenRollout, History, Old, Room};

/// The jobs between two ids, in their order.
const WALK: &str = "SELECT id, ended_at FROM job
     WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3";

/// The first request whose call has a key and no answer. (There is no `min` of bytes.)
const UNANSWERED: &str =
    "SELECT request FROM idempotency WHERE status IS NULL ORDER BY request LIMIT 1";

/// The next jobs by id, counted.
const COUNT: &str = "SELECT count(*), (array_agg(id ORDER BY id DESC))[1] FROM (
         SELECT id FROM job WHERE id > $1 ORDER BY id LIMIT $2) AS page";

/// The next rollouts by id that were over at a time.
const OLD_ROLLOUTS: &str = "SELECT id FROM rollout
     WHERE id > $1 AND id <= $2 AND ended_at <= $3 ORDER BY id LIMIT $4";

/// Looks at the next jobs, and gives those to be forgotten and after which request to go on: see
/// [`History::forget_jobs`].
pub(super) async fn find(
    c: &Connection,
    old: &Old,
    after: RequestId,
    limit: u32,
) -> Result<(Vec<JobId>, Option<RequestId>), Error> {
    let (low, high) = rules::range(old, after, unanswered(c).await?);
    let mut jobs = walk(c, low, high, i64::from(limit) + 1).await?;
    let next = match rules::cut(&mut jobs, usize::try_from(limit).unwrap_or(usize::MAX)) {
        Cut::End => None,
        Cut::After(request) => Some(request),
        Cut::Within(request) => {
            let (_, last) = request.job_range();
            jobs = walk(c, request.to_bytes(), last.to_bytes(), i64::from(u16::MAX)).await?;
            Some(request)
        }
    };
    let waves = rollouts::waves_of(c, &rules::requests(&jobs)).await?;
    let waves: HashSet<RequestId> = waves.into_iter().map(|of| of.request).collect();
    Ok((rules::forgotten(&jobs, &waves, old), next))
}

/// The first request whose call has a key and no answer.
async fn unanswered(c: &Connection) -> Result<Option<RequestId>, Error> {
    let request = |row: &Row| Ok(RequestId::from_bytes(column(row, 0)?));
    c.first("look for open calls", UNANSWERED, &[], request).await
}

/// The jobs between two ids.
async fn walk(
    c: &Connection,
    low: [u8; 16],
    high: [u8; 16],
    most: i64,
) -> Result<Vec<rules::Seen>, Error> {
    let params: Params<'_> = &[&low.as_slice(), &high.as_slice(), &most];
    c.all("look for old jobs", WALK, params, rules::seen).await
}

/// Whether the shard still has this epoch. It keeps it as long as the transaction is open.
async fn holds(c: &Connection, (shard, epoch): (Shard, Epoch)) -> Result<bool, Error> {
    let sql = "SELECT FROM shard WHERE shard = $1 AND epoch = $2 FOR SHARE";
    c.exists("compare an epoch", sql, &[&i64::from(shard.0), &epoch.0]).await
}

/// Deletes jobs that have ended, and gives how many there were.
pub(super) async fn delete(
    c: &Connection,
    fence: (Shard, Epoch),
    jobs: &[JobId],
) -> Result<u64, Error> {
    begin(c).await?;
    let deleted = delete_in_transaction(c, fence, jobs).await;
    end(c, deleted).await
}

/// The same in an open transaction.
async fn delete_in_transaction(
    c: &Connection,
    fence: (Shard, Epoch),
    jobs: &[JobId],
) -> Result<u64, Error> {
    if !holds(c, fence).await? {
        return Ok(0);
    }
    let ids: Vec<_> = jobs.iter().map(|job| job.to_bytes().to_vec()).collect();
    let sql = "DELETE FROM job WHERE id = ANY($1) AND state <> 0";
    c.execute("forget old jobs", sql, &[&ids]).await
}

/// See [`History::forget_rollout`].
pub(super) async fn forget_rollout(
    c: &Connection,
    fence: (Shard, Epoch),
    id: RequestId,
    limit: u32,
) -> Result<ForgottenRollout, Error> {
    begin(c).await?;
    let forgotten = forget_in_transaction(c, fence, id, limit).await;
    end(c, forgotten).await
}

/// The same in an open transaction.
async fn forget_in_transaction(
    c: &Connection,
    fence: (Shard, Epoch),
    id: RequestId,
    limit: u32,
) -> Result<ForgottenRollout, Error> {
    let operation = "forget an old update";
    let mut forgotten = ForgottenRollout { jobs: 0, more: false };
    let id = id.to_bytes();
    let id = id.as_slice();
    let over = "SELECT FROM rollout WHERE id = $1 AND ended_at IS NOT NULL FOR UPDATE";
    if !holds(c, fence).await? || !c.exists(operation, over, &[&id]).await? {
        return Ok(forgotten);
    }
    let limit = u64::from(limit);
    let mut rows = 0;
    let next = "SELECT request FROM rollout_wave WHERE rollout = $1 ORDER BY number LIMIT 1";
    while rows < limit
        && let Some(wave) = c.first(operation, next, &[&id], |row| column(row, 0)).await?
    {
        let Some(jobs) = forget_wave(c, RequestId::from_bytes(wave)).await? else {
            return Ok(forgotten);
        };
        forgotten.jobs += jobs;
        rows += jobs + 1;
    }
    if rows < limit {
        let rest = i64::try_from(limit - rows).unwrap_or(i64::MAX);
        let devices = "DELETE FROM rollout_device WHERE rollout = $1 AND position < $2 + (
             SELECT min(position) FROM rollout_device WHERE rollout = $1)";
        rows += c.execute(operation, devices, &[&id, &rest]).await?;
    }
    forgotten.more = rows >= limit;
    if !forgotten.more {
        c.execute(operation, "DELETE FROM rollout WHERE id = $1", &[&id]).await?;
    }
    Ok(forgotten)
}

/// Deletes a wave with all its jobs, and gives how many there were; `None` if one is open.
async fn forget_wave(c: &Connection, wave: RequestId) -> Result<Option<u64>, Error> {
    let operation = "forget a wave";
    let (low, high) = wave.job_range();
    let (low, high, wave) = (low.to_bytes(), high.to_bytes(), wave.to_bytes());
    let range: Params<'_> = &[&low.as_slice(), &high.as_slice()];
    let open = "SELECT FROM job WHERE id BETWEEN $1 AND $2 AND state = 0 LIMIT 1";
    if c.exists(operation, open, range).await? {
        return Ok(None);
    }
    let jobs = c.execute(operation, "DELETE FROM job WHERE id BETWEEN $1 AND $2", range).await?;
    let sql = "DELETE FROM rollout_wave WHERE request = $1";
    c.execute(operation, sql, &[&wave.as_slice()]).await?;
    Ok(Some(jobs))
}

/// See [`History::old_rollouts`].
pub(super) async fn old_rollouts(
    c: &Connection,
    old: &Old,
    after: RequestId,
    limit: u32,
) -> Result<Vec<RequestId>, Error> {
    let (low, high) = (after.to_bytes(), old.up_to.to_bytes());
    let limit = i64::from(limit);
    let params: Params<'_> = &[&low.as_slice(), &high.as_slice(), &old.ended_by.0, &limit];
    let found = c
        .all("look for old updates", OLD_ROLLOUTS, params, |row| {
            Ok(RequestId::from_bytes(column(row, 0)?))
        })
        .await?;
    Ok(rules::rollouts(found, old, unanswered(c).await?))
}

/// See [`History::count_jobs`].
pub(super) async fn count_jobs(
    c: &Connection,
    after: JobId,
    limit: u32,
) -> Result<CountedJobs, Error> {
    let (after, limit) = (after.to_bytes(), i64::from(limit));
    let counted = c
        .first("count jobs", COUNT, &[&after.as_slice(), &limit], |row| {
            let jobs: i64 = column(row, 0)?;
            let last = optional(row, 1)?.map(JobId::from_bytes);
            Ok(CountedJobs { jobs: jobs.unsigned_abs(), last })
        })
        .await?;
    Ok(counted.unwrap_or(CountedJobs { jobs: 0, last: None }))
}

#[async_trait]
impl History for Postgres {
    async fn forget_jobs(
        &self,
        fence: (Shard, Epoch),
        old: &Old,
        after: RequestId,
        limit: u32,
    ) -> Result<ForgottenJobs, Error> {
        let (jobs, next) = {
            let c = self.reads.take().await?;
            c.read(find(&c, old, after, limit)).await?
        };
        if jobs.is_empty() {
            return Ok(ForgottenJobs { jobs: 0, next });
        }
        let jobs = self.nodes.forget_jobs(fence, &jobs).await?;
        Ok(ForgottenJobs { jobs, next })
    }

    async fn old_rollouts(
        &self,
        old: &Old,
        after: RequestId,
        limit: u32,
    ) -> Result<Vec<RequestId>, Error> {
        let c = self.reads.take().await?;
        c.read(old_rollouts(&c, old, after, limit)).await
    }

    async fn forget_rollout(
        &self,
        fence: (Shard, Epoch),
        id: RequestId,
        limit: u32,
    ) -> Result<ForgottenRollout, Error> {
        self.nodes.forget_rollout(fence, id, limit).await
    }

    async fn count_jobs(&self, after: JobId, limit: u32) -> Result<CountedJobs, Error> {
        let c = self.reads.take().await?;
        c.read(count_jobs(&c, after, limit)).await
    }

    async fn room(&self) -> Result<Option<Room>, Error> {
        // The disk is the database's own.
        Ok(None)
    }
}
