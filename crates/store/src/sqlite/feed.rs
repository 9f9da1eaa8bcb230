//! The feed's rows: written with each commit, forgotten after a while.

use std::time::Duration;

use fleet::Timestamp;
use rusqlite::{Connection, params};

use super::clock::{Now, now};
use super::rows::During;
use super::terms::Terms;
use crate::columns::{column, json, optional, to_json};
use crate::feed::Change;
use crate::{Commit, Error, FeedPage, FeedPosition, SessionKey};

/// Appends what a transaction has changed, if anything.
pub(super) fn append(
    connection: &Connection,
    terms: &Terms,
    changes: &[Change],
) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let sql = concat!("INSERT INTO event (at, session, changes) VALUES (", now!("?1"), ", ?2, ?3)");
    let session = terms.session.map(|session| session.0);
    connection
        .prepare_cached(sql)
        .during("prepare to tell of a commit")?
        .execute(params![terms.now, session, to_json(&changes)?])
        .during("tell of a commit")?;
    Ok(())
}

/// The rows after a position.
pub(super) const PAGE: &str =
    "SELECT seq, at, session, changes FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2";

/// The lowest and the highest number that there is.
pub(super) const ENDS: &str = "SELECT (SELECT min(seq) FROM event), (SELECT max(seq) FROM event)";

/// See [`crate::Cluster::changes`].
pub(super) fn changes(
    connection: &Connection,
    after: FeedPosition,
    limit: u32,
) -> Result<FeedPage, Error> {
    let operation = "read the feed";
    let (first, last) = ends(connection)?;
    if after.row > last || after.transaction != 0 || after.timeline != 0 {
        let next = position(last);
        return Ok(FeedPage { commits: Vec::new(), next, gap: true, held_back_ms: 0 });
    }
    let mut select = connection.prepare_cached(PAGE).during(operation)?;
    let mut rows = select.query(params![after.row, limit]).during(operation)?;
    let (mut commits, mut next) = (Vec::new(), after);
    let mut gap = after.row + 1 < first;
    while let Some(row) = rows.next().during(operation)? {
        next = position(column(row, 0)?);
        match json(row, 3) {
            Ok(changes) => commits.push(Commit {
                position: next,
                at: Timestamp(column(row, 1)?),
                session: optional(row, 2)?.map(SessionKey),
                changes,
            }),
            // A newer version may have told of what we don't know: as if we had missed it.
            Err(error) => {
                tracing::warn!(%error, ?next, "a commit in the feed can't be read");
                gap = true;
            }
        }
    }
    Ok(FeedPage { commits, next, gap, held_back_ms: 0 })
}

/// See [`crate::Cluster::feed_end`].
pub(super) fn feed_end(connection: &Connection) -> Result<FeedPosition, Error> {
    ends(connection).map(|(_, last)| position(last))
}

/// The lowest number that there is, or the first one that will be, and the highest, or 0.
fn ends(connection: &Connection) -> Result<(i64, i64), Error> {
    let ends: (Option<i64>, Option<i64>) = connection
        .prepare_cached(ENDS)
        .and_then(|mut select| select.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
        .during("read where the feed begins and ends")?;
    Ok((ends.0.unwrap_or(1), ends.1.unwrap_or(0)))
}

/// A row's place: commits do not overtake each other here.
fn position(row: i64) -> FeedPosition {
    FeedPosition { row, ..FeedPosition::default() }
}

/// See [`crate::Cluster::prune_feed`]. Deletes from the lowest number on up to the first row that
/// is young enough, so that what is left has no gaps, and never the last row: the next number
/// follows from it.
pub(super) fn prune(
    connection: &Connection,
    now: Now,
    keep: Duration,
    limit: u32,
) -> Result<u64, Error> {
    let operation = "forget the feed's oldest rows";
    let now = now.read(connection)?;
    let keep_ms = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
    let oldest = now.0.saturating_sub(keep_ms);
    let deleted = connection
        .prepare_cached(
            "DELETE FROM event WHERE seq < (SELECT coalesce(
                 (SELECT min(seq) FROM (SELECT seq, at FROM event ORDER BY seq LIMIT ?2)
                  WHERE at >= ?1),
                 (SELECT min(seq) FROM event) + ?2))
             AND seq < (SELECT max(seq) FROM event)",
        )
        .and_then(|mut delete| delete.execute(params![oldest, limit]))
        .during(operation)?;
    Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
}
