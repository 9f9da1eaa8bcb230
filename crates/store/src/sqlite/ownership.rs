//! The leases of a database in a file: there are none. The lock on the directory is the lease, so
//! whoever has the file open is the one node, and owns all that there is to own.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleet::{Epoch, Shard, Timestamp};
use rusqlite::{Connection, Row, params};

use super::clock::Now;
use super::rows::During;
use crate::columns::column;
use crate::{
    ClusterState, Error, Held, HeldShard, NewSession, NodeReport, Renewal, SessionEnded, SessionKey,
};

/// The one node.
#[derive(Debug)]
struct Alone {
    held: Held,
    report: NodeReport,
}

/// What the one node has begun and last said.
#[derive(Debug, Default)]
pub(super) struct Ownership(Mutex<Option<(SessionKey, Alone)>>);

impl Ownership {
    /// The node has begun: its session, what it owns, and whether it has the role `engine`.
    pub(super) fn began(&self, session: SessionKey, shards: Vec<HeldShard>, is_engine: bool) {
        let (engines, now) = (usize::from(is_engine), Timestamp::default());
        let held = Held { shards, surplus: 0, engines, now };
        *self.lock() = Some((session, Alone { held, report: NodeReport::default() }));
    }

    /// What the node holds at `now`, which is what it has held since it began. Nothing is written.
    pub(super) fn renew(&self, renewal: &Renewal, now: Timestamp) -> Result<Held, SessionEnded> {
        match self.lock().as_mut() {
            Some((session, alone)) if *session == renewal.session => {
                alone.report = renewal.report;
                Ok(Held { now, ..alone.held.clone() })
            }
            _ => Err(SessionEnded::RanOut),
        }
    }

    /// The node has ended.
    pub(super) fn end(&self, ended: SessionKey) {
        let mut own = self.lock();
        if own.as_ref().is_some_and(|(session, _)| *session == ended) {
            *own = None;
        }
    }

    /// Puts in what is not in the database: the node's report, and that it is here now.
    pub(super) fn tell(&self, state: &mut ClusterState) {
        let now = state.now;
        if let Some((session, alone)) = self.lock().as_ref()
            && let Some(node) = state.nodes.iter_mut().find(|node| node.session == *session)
        {
            node.report = alone.report;
            node.renewed_at = now;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<(SessionKey, Alone)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins the session of the one node, and takes every shard for it under a higher fencing token,
/// or for nobody, if it has not the role `engine`. What an earlier session still holds can't be
/// written any more. All registrations that there are were with this file's servers, whatever they
/// were called, and are the node's own.
pub(super) fn begin(
    connection: &Connection,
    now: Now,
    node: &NewSession,
) -> Result<(SessionKey, Vec<HeldShard>), Error> {
    let operation = "begin the session";
    let now = now.read(connection)?;
    let key: i64 = connection
        .query_row(
            "INSERT INTO session (node, directory, roles, version, http, sip, started_at,
                 renewed_at, instance)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)
             ON CONFLICT (node, directory) DO UPDATE SET roles = excluded.roles,
                 version = excluded.version, http = excluded.http, sip = excluded.sip,
                 started_at = excluded.started_at, renewed_at = excluded.renewed_at,
                 expires_at = NULL, report = '{}', instance = excluded.instance
             RETURNING key",
            params![
                node.node,
                node.directory,
                node.roles.words(),
                node.version,
                node.http,
                node.sip,
                now.0,
                node.instance
            ],
            |row| row.get(0),
        )
        .during(operation)?;
    let owner = node.roles.engine.then_some(key);
    connection
        .execute("UPDATE shard SET epoch = epoch + 1, owner = ?1, quiet_until = NULL", [owner])
        .and_then(|_| connection.execute("DELETE FROM session WHERE key <> ?1", [key]))
        .and_then(|_| {
            let sql = "UPDATE binding SET session = ?1 WHERE session IS NOT ?1";
            connection.execute(sql, [key])
        })
        .during(operation)?;
    let mut select = connection
        .prepare("SELECT shard, epoch FROM shard WHERE owner = ?1 ORDER BY shard")
        .during(operation)?;
    let mut rows = select.query([key]).during(operation)?;
    let mut held = Vec::new();
    while let Some(row) = rows.next().during(operation)? {
        held.push(held_shard(row)?);
    }
    Ok((SessionKey(key), held))
}

/// A row with a shard's number and its epoch; not quiet.
pub(super) fn held_shard(row: &Row<'_>) -> Result<HeldShard, Error> {
    Ok(HeldShard {
        shard: Shard(column(row, 0)?),
        epoch: Epoch(column(row, 1)?),
        quiet: Duration::ZERO,
    })
}
