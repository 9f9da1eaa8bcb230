//! Leases between several nodes, which simulated ones on a store in memory have. All times are by
//! the store's clock; each function is one transaction of its caller's.

use std::time::Duration;

use fleet::{Shard, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::clock::{Now, session_lasts};
use super::ownership::held_shard;
use super::rows::During;
use crate::cluster::{GONE_AFTER, share};
use crate::columns::{column, optional, to_json};
use crate::{
    Error, Held, HeldShard, NameTaken, NewSession, Renewal, Roles, SessionEnded, SessionKey,
};

/// So much later.
fn after(at: Timestamp, duration: Duration) -> Timestamp {
    Timestamp(at.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
}

/// How long it is from `now` to `at`; zero if that has passed.
pub(super) fn until(now: Timestamp, at: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(at.0.saturating_sub(now.0)).unwrap_or(0))
}

/// See [`crate::Cluster::begin_session`].
pub(super) fn begin(
    connection: &Connection,
    now: Now,
    node: &NewSession,
    lease: Duration,
) -> Result<Result<SessionKey, NameTaken>, Error> {
    let operation = "begin a session";
    let now = now.read(connection)?;
    let other: Option<(String, i64)> = connection
        .query_row(
            "SELECT http, expires_at FROM session
             WHERE node = ?1 AND directory <> ?2 AND expires_at > ?3",
            params![node.node, node.directory, now.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
        .during(operation)?;
    if let Some((http, expires_at)) = other {
        let left = until(now, Timestamp(expires_at));
        return Ok(Err(NameTaken { node: node.node.clone(), http, left }));
    }
    let key: i64 = connection
        .query_row(
            "INSERT INTO session (node, directory, roles, version, http, sip, started_at,
                 renewed_at, expires_at, instance)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9)
             ON CONFLICT (node, directory) DO UPDATE SET roles = excluded.roles,
                 version = excluded.version, http = excluded.http, sip = excluded.sip,
                 started_at = excluded.started_at, renewed_at = excluded.renewed_at,
                 expires_at = excluded.expires_at, report = '{}',
                 instance = excluded.instance
             RETURNING key",
            params![
                node.node,
                node.directory,
                node.roles.words(),
                node.version,
                node.http,
                node.sip,
                now.0,
                after(now, lease).0,
                node.instance
            ],
            |row| row.get(0),
        )
        .during(operation)?;
    let owner = node.roles.engine.then_some(key);
    // Whatever its name was: a process that had this directory has ended.
    connection
        .execute(
            "UPDATE shard SET epoch = epoch + 1, owner = ?2
             WHERE owner IN (SELECT key FROM session WHERE directory = ?1)",
            params![node.directory, owner],
        )
        .and_then(|_| {
            connection.execute(
                "UPDATE session SET expires_at = min(expires_at, ?3), instance = ?4, http = ?5
                 WHERE directory = ?1 AND key <> ?2",
                params![node.directory, key, now.0, node.instance, node.http],
            )
        })
        .and_then(|_| {
            let gone = Timestamp(now.0.saturating_sub(after(Timestamp(0), GONE_AFTER).0));
            connection.execute(
                "DELETE FROM session WHERE expires_at < ?1
                     AND NOT EXISTS (SELECT 1 FROM shard WHERE owner = session.key)",
                [gone.0],
            )
        })
        .during(operation)?;
    Ok(Ok(SessionKey(key)))
}

/// See [`crate::Cluster::renew`]. Says besides whether something was taken of what a dead one had,
/// of which others may take their part.
pub(super) fn renew(
    connection: &Connection,
    now: Now,
    renewal: &Renewal,
) -> Result<Result<(Held, bool), SessionEnded>, Error> {
    let now = now.read(connection)?;
    let lasts = connection
        .execute(
            "UPDATE session SET renewed_at = ?2, expires_at = ?3, report = ?4
             WHERE key = ?1 AND expires_at > ?2 AND instance = ?5",
            params![
                renewal.session.0,
                now.0,
                after(now, renewal.lease).0,
                to_json(&renewal.report)?,
                renewal.instance
            ],
        )
        .during("renew a session")?;
    if lasts == 0 {
        return Ok(Err(ended(connection, renewal)?));
    }
    let mut shards = shards(connection, now)?;
    let mut engines = engines(connection, now)?;
    let is_free = |shard: &&mut OwnedShard| !shard.owner_lasts;
    let free = shards.iter().filter(|shard| !shard.owner_lasts).count();
    let is_engine = engines.iter().any(|(session, _)| *session == renewal.session);
    let takes = renewal.takes && is_engine;
    let count = if takes { share::to_take(renewal.session, &engines, free) } else { 0 };
    let mut inherits = false;
    for shard in shards.iter_mut().filter(is_free).take(count) {
        inherits |= shard.owner.is_some();
        take(connection, now, renewal, shard)?;
    }
    for (session, held) in &mut engines {
        *held += if *session == renewal.session { count } else { 0 };
    }
    let surplus = share::surplus(renewal.session, &engines, free - count);
    let own = shards.into_iter().filter(|shard| shard.owner == Some(renewal.session.0));
    let shards = own.map(|shard| shard.held(now)).collect();
    Ok(Ok((Held { shards, surplus, engines: engines.len(), now }, inherits)))
}

/// Why a session does not last.
fn ended(connection: &Connection, renewal: &Renewal) -> Result<SessionEnded, Error> {
    let by: Option<String> = connection
        .query_row(
            "SELECT http FROM session WHERE key = ?1 AND instance <> ?2",
            params![renewal.session.0, renewal.instance],
            |row| row.get(0),
        )
        .optional()
        .during("find who has a session")?;
    Ok(by.map_or(SessionEnded::RanOut, |by| SessionEnded::Taken { by }))
}

/// A shard as its row says.
struct OwnedShard {
    held: HeldShard,
    owner: Option<i64>,
    owner_lasts: bool,
    quiet_until: Option<i64>,
}

impl OwnedShard {
    /// What its owner holds with it.
    fn held(&self, now: Timestamp) -> HeldShard {
        let quiet = self.quiet_until.map_or(Duration::ZERO, |at| until(now, Timestamp(at)));
        HeldShard { quiet, ..self.held }
    }
}

/// All shards, by number.
fn shards(connection: &Connection, now: Timestamp) -> Result<Vec<OwnedShard>, Error> {
    let operation = "read who owns the shards";
    let sql = concat!(
        "SELECT h.shard, h.epoch, h.owner, h.quiet_until, coalesce(",
        session_lasts!("?1"),
        ", 0) AND n.key IS NOT NULL
         FROM shard AS h LEFT JOIN session AS n ON n.key = h.owner ORDER BY h.shard"
    );
    let mut select = connection.prepare_cached(sql).during(operation)?;
    let mut rows = select.query([now.0]).during(operation)?;
    let mut shards = Vec::new();
    while let Some(row) = rows.next().during(operation)? {
        shards.push(OwnedShard {
            held: held_shard(row)?,
            owner: optional(row, 2)?,
            quiet_until: optional(row, 3)?,
            owner_lasts: column(row, 4)?,
        });
    }
    Ok(shards)
}

/// The sessions with the role `engine` that last, and how many shards each owns.
fn engines(connection: &Connection, now: Timestamp) -> Result<Vec<(SessionKey, usize)>, Error> {
    let operation = "read which nodes there are";
    let sql = concat!(
        "SELECT n.key, n.roles, (SELECT count(*) FROM shard WHERE owner = n.key)
         FROM session AS n WHERE ",
        session_lasts!("?1")
    );
    let mut select = connection.prepare_cached(sql).during(operation)?;
    let mut rows = select.query([now.0]).during(operation)?;
    let mut engines = Vec::new();
    while let Some(row) = rows.next().during(operation)? {
        let (key, roles, held): (i64, String, i64) =
            (column(row, 0)?, column(row, 1)?, column(row, 2)?);
        if Roles::from_words(&roles).engine {
            engines.push((SessionKey(key), usize::try_from(held).unwrap_or(0)));
        }
    }
    Ok(engines)
}

/// Takes a shard. One whose owner has died is quiet for a while.
fn take(
    connection: &Connection,
    now: Timestamp,
    renewal: &Renewal,
    shard: &mut OwnedShard,
) -> Result<(), Error> {
    if shard.owner.is_some() {
        let quiet_until = after(now, renewal.quiet).0;
        shard.quiet_until = Some(shard.quiet_until.unwrap_or(quiet_until).max(quiet_until));
    }
    shard.owner = Some(renewal.session.0);
    shard.held.epoch = fleet::Epoch(shard.held.epoch.0 + 1);
    connection
        .prepare_cached(
            "UPDATE shard SET epoch = ?2, owner = ?3, quiet_until = ?4 WHERE shard = ?1",
        )
        .and_then(|mut update| {
            update.execute(params![
                shard.held.shard.0,
                shard.held.epoch.0,
                renewal.session.0,
                shard.quiet_until
            ])
        })
        .during("take a shard")?;
    Ok(())
}

/// See [`crate::Cluster::release`]; gives how many shards are free now that were not.
pub(super) fn release(
    connection: &Connection,
    session: SessionKey,
    shards: &[Shard],
) -> Result<usize, Error> {
    let operation = "give shards back";
    let sql = "UPDATE shard SET owner = NULL WHERE shard = ?1 AND owner = ?2";
    let mut update = connection.prepare_cached(sql).during(operation)?;
    let released: Result<Vec<usize>, _> =
        shards.iter().map(|shard| update.execute(params![shard.0, session.0])).collect();
    Ok(released.during(operation)?.iter().sum())
}

/// See [`crate::Cluster::end_session`].
pub(super) fn end(connection: &Connection, now: Now, session: SessionKey) -> Result<(), Error> {
    let now = now.read(connection)?;
    connection
        .execute("UPDATE shard SET owner = NULL WHERE owner = ?1", [session.0])
        .and_then(|_| {
            connection.execute(
                "UPDATE session SET expires_at = ?2 WHERE key = ?1 AND expires_at > ?2",
                params![session.0, now.0],
            )
        })
        .during("end a session")?;
    Ok(())
}
