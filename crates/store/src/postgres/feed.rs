//! The feed: what was committed, told in an order that never changes.
//!
//! Rows carry the number of their transaction. Numbers are given before their commits are seen, so
//! a row with a lower number may appear after one with a higher. What is told ends therefore below
//! the oldest transaction that is still open (`pg_snapshot_xmin`): everything there has committed
//! or never will, and nothing appears there any more.
//! <https://www.postgresql.org/docs/15/functions-info.html#FUNCTIONS-PG-SNAPSHOT>
//!
//! A server that takes over from another gives numbers anew from where it had heard last. Its
//! timeline is another one, and a position of the one before is a gap.
//! <https://www.postgresql.org/docs/15/continuous-archiving.html#BACKUP-TIMELINES>
//!
//! Nothing is forgotten but from the beginning, and the last row that is stays, without changes:
//! whoever comes from before it has missed something.

use std::time::Duration;

use fleet::Timestamp;
use futures_util::future::try_join;
use tokio_postgres::Row;

use super::connection::{Connection, During, Params};
use crate::columns::to_json;
use crate::{Change, Commit, Error, FeedPage, FeedPosition, SessionKey};

/// What the last row holds of those that are forgotten.
const FORGOTTEN: &str = "[]";

/// The oldest transaction that is open, or the next one if none is.
macro_rules! oldest_open {
    () => {
        "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    };
}

/// The database's time in milliseconds.
macro_rules! now {
    () => {
        "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    };
}

/// The rows after `($1, $2)`, at most `$3`.
const ROWS: &str = concat!(
    "SELECT tx, seq, at, session, changes FROM event
     WHERE (tx, seq) > ($1::bigint, $2::bigint) AND tx < ",
    oldest_open!(),
    " ORDER BY tx, seq LIMIT $3"
);

/// The oldest transaction that is open, the next one that will be, for how long the first row has
/// waited that can't be told, and the timeline in hexadecimal digits: the name of a file of the log
/// begins with it.
const END: &str = concat!(
    "SELECT ",
    oldest_open!(),
    ", pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
     coalesce(",
    now!(),
    " - (SELECT at FROM event WHERE tx >= ",
    oldest_open!(),
    " ORDER BY tx, seq LIMIT 1), 0),
     left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)"
);

/// The first rows, at most `$1`; whether each is older than `$2` milliseconds, and whether it holds
/// something.
const OLDEST: &str = concat!(
    "SELECT tx, seq, at < ",
    now!(),
    " - $2, changes <> '[]' FROM event WHERE tx < ",
    oldest_open!(),
    " ORDER BY tx, seq LIMIT $1"
);

/// What was committed after `after`, as [`crate::Cluster::changes`] says.
///
/// A position that lies after all transactions there ever were is of another database, or of this
/// one before it was restored; one of another timeline is of a server before this one. That is a
/// gap too, and the feed goes on at its end.
pub(super) async fn changes(
    c: &Connection,
    after: FeedPosition,
    limit: u32,
) -> Result<FeedPage, Error> {
    let limit = i64::from(limit);
    let params: Params<'_> = &[&after.transaction, &after.row, &limit];
    // Sent together.
    let (end, mut rows) = try_join(end(c), c.all("read the feed", ROWS, params, commit)).await?;
    let (timeline, held_back_ms) = (end.timeline, end.held_back_ms);
    let is_of_another = after.timeline != 0 && after.timeline != timeline;
    if is_of_another || (after.transaction, after.row) > (end.next_transaction, 0) {
        return Ok(FeedPage { commits: vec![], next: end.position(), gap: true, held_back_ms });
    }
    for row in &mut rows {
        row.position.timeline = timeline;
    }
    let next = rows.last().map_or(after, |last| last.position);
    // Every commit that is told has changes, unless they can't be read.
    let gap = rows.iter().any(|row| row.changes.is_empty());
    let commits = rows.into_iter().filter(|row| !row.changes.is_empty()).collect();
    Ok(FeedPage { commits, next, gap, held_back_ms })
}

/// Where the feed stands: after every row of the transactions below the oldest one that is open,
/// all of which have committed or never will. Whoever goes on from here is told of that one and of
/// all after it, whenever they commit, and misses none; also of some that have committed by now, if
/// an older one is open.
pub(super) async fn feed_end(c: &Connection) -> Result<FeedPosition, Error> {
    Ok(end(c).await?.position())
}

/// Forgets at most `limit` commits that are older than `keep`, as [`crate::Cluster::prune_feed`]
/// says: from the first on, up to one that is young enough, and never the last. Two nodes may do so
/// at once: what one has forgotten is no longer there for the other.
pub(super) async fn prune_feed(c: &Connection, keep: Duration, limit: u32) -> Result<u64, Error> {
    let operation = "forget old commits";
    let keep_ms = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX / 4);
    // That which is empty already, and one that shows that there are more.
    let most = i64::from(limit) + 2;
    let mut rows = c
        .all(operation, OLDEST, &[&most, &keep_ms], |row| {
            let flag = |at: usize| row.try_get::<_, bool>(at).during(operation);
            Ok((position(row)?, flag(2)?, flag(3)?))
        })
        .await?;
    rows.pop();
    let old = rows.iter().take_while(|(_, old, _)| *old).filter(|(_, _, full)| *full);
    let old: Vec<FeedPosition> =
        old.map(|(position, _, _)| *position).take(usize::try_from(limit).unwrap_or(0)).collect();
    let Some(last) = old.last() else { return Ok(0) };
    let sql = "WITH stays AS (UPDATE event SET changes = $3 WHERE tx = $1 AND seq = $2)
         DELETE FROM event WHERE (tx, seq) < ($1, $2)";
    c.execute(operation, sql, &[&last.transaction, &last.row, &FORGOTTEN]).await?;
    Ok(old.len() as u64)
}

/// Tells others that shards are free, or that a node has come or gone. In the transaction that made
/// it so.
pub(super) async fn tell_cluster(c: &Connection, session: SessionKey) -> Result<(), Error> {
    let operation = "tell of the cluster";
    let changes = to_json(&[Change::Cluster])?;
    let sql = "INSERT INTO event (session, changes) VALUES ($1, $2)";
    c.execute(operation, sql, &[&session.0, &changes]).await?;
    Ok(())
}

/// Where the feed ends for now.
struct End {
    timeline: i64,
    oldest_open: i64,
    next_transaction: i64,
    held_back_ms: u64,
}

impl End {
    /// As a position: before the first row of the oldest transaction that is open. Rows are counted
    /// from 1.
    fn position(&self) -> FeedPosition {
        FeedPosition { timeline: self.timeline, transaction: self.oldest_open, row: 0 }
    }
}

/// Reads it.
async fn end(c: &Connection) -> Result<End, Error> {
    let operation = "find the end of the feed";
    let end = c
        .first(operation, END, &[], |row| {
            let held_back: i64 = row.try_get(2).during(operation)?;
            let timeline: &str = row.try_get(3).during(operation)?;
            let timeline = i64::from_str_radix(timeline, 16).map_err(|error| Error::Damaged {
                what: "the server's timeline".to_owned(),
                detail: error.to_string(),
            })?;
            Ok(End {
                timeline,
                oldest_open: row.try_get(0).during(operation)?,
                next_transaction: row.try_get(1).during(operation)?,
                held_back_ms: u64::try_from(held_back).unwrap_or_default(),
            })
        })
        .await?;
    let none = || Error::Damaged { what: operation.to_owned(), detail: "no row".to_owned() };
    end.ok_or_else(none)
}

/// The position that a row begins with, without its timeline.
fn position(row: &Row) -> Result<FeedPosition, Error> {
    let number = |at: usize| row.try_get(at).during("read the feed");
    Ok(FeedPosition { timeline: 0, transaction: number(0)?, row: number(1)? })
}

/// A row of [`ROWS`], without its timeline.
fn commit(row: &Row) -> Result<Commit, Error> {
    let operation = "read the feed";
    let position = position(row)?;
    let text: &str = row.try_get(4).during(operation)?;
    // A newer version may tell of what we don't know: that is as if we had missed it.
    let changes = serde_json::from_str(text).unwrap_or_else(|error| {
        tracing::warn!(%error, ?position, "a commit in the feed can't be read");
        Vec::new()
    });
    let session: Option<i64> = row.try_get(3).during(operation)?;
    let at = Timestamp(row.try_get(2).during(operation)?);
    Ok(Commit { position, at, session: session.map(SessionKey), changes })
}
