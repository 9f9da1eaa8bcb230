//! Sessions and the leases of shards: what nodes write to live beside each other.
//!
//! Every time here is the database's, read after the locks are held that it is compared under.
//! Each operation is one transaction. What it locks, in this order: shards by number, then
//! sessions. That is the order in which fenced changes lock them too, so that nobody waits in a
//! ring. [`renew`] alone has its session first, and then waits for nobody: what another has locked
//! it leaves for the next time.
//!
//! A node that looks for shards of the dead locks the sessions that it takes for dead. One that is
//! being renewed at that moment is locked by its own renewal, and so is not dead; one that is taken
//! for dead can't renew before its shards are gone, and then learns what it has lost.

mod kept;
mod seen;

use std::time::Duration;

use fleet::id::SHARDS;
use fleet::{Epoch, Shard, Timestamp};
use tokio_postgres::Row;

use super::connection::{Connection, During};
use super::feed;
use crate::cluster::{GONE_AFTER, share};
use crate::columns::to_json;
use crate::{
    Error, Held, HeldShard, NameTaken, NewSession, Renewal, Roles, Session, SessionEnded,
    SessionKey,
};
pub(super) use kept::{remember, remembered};
pub(super) use seen::cluster;

/// The database's time in milliseconds, when the statement comes to it.
const NOW: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// Whether a session lasts at `$1`.
const LASTS: &str = "(expires_at IS NULL OR expires_at > $1)";

/// Begins a session, as [`crate::Cluster::begin_session`] says. Such beginnings come one after the
/// other, with all other rare changes: two nodes of one name can't both find it free.
pub(super) async fn begin_session(
    c: &Connection,
    node: &NewSession,
    lease: Duration,
) -> Result<Result<Session, NameTaken>, Error> {
    begin(c).await?;
    let begun = take_name(c, node, lease).await;
    end(c, begun).await
}

/// The same in an open transaction.
async fn take_name(
    c: &Connection,
    node: &NewSession,
    lease: Duration,
) -> Result<Result<Session, NameTaken>, Error> {
    let operation = "begin a session";
    c.execute(operation, "SELECT one FROM guard FOR UPDATE", &[]).await?;
    kept::refuse_half_copied(c).await?;
    let now = now(c).await?;
    if let Some(taken) = name_taken(c, node, now).await? {
        return Ok(Err(taken));
    }
    // Whatever its name was: a process that had this directory has ended.
    let sql = "SELECT shard FROM shard
         WHERE owner IN (SELECT key FROM session WHERE directory = $1)
         ORDER BY shard FOR UPDATE";
    let shards = c.all(operation, sql, &[&node.directory], |row| number(row, 0)).await?;
    let key = put_session(c, node, now, lease).await?;
    // A process that lives all the same, on a copy of the directory, is to learn of whom.
    let sql = "UPDATE session SET expires_at = least(expires_at, $1), instance = $4, http = $5
         WHERE directory = $2 AND key <> $3";
    c.execute(operation, sql, &[&now.0, &node.directory, &key.0, &node.instance, &node.http])
        .await?;
    let owner = node.roles.engine.then_some(key.0);
    let sql = "UPDATE shard SET owner = $1, epoch = epoch + 1 WHERE shard = ANY($2)";
    c.execute(operation, sql, &[&owner, &shards]).await?;
    let sql = "DELETE FROM session AS s WHERE s.expires_at < $1
         AND NOT EXISTS (SELECT FROM shard WHERE owner = s.key)";
    c.execute(operation, sql, &[&(now.0 - milliseconds(GONE_AFTER))]).await?;
    feed::tell_cluster(c, key).await?;
    Ok(Ok(Session { key, expires: true }))
}

/// Who else runs under the node's name at `now`.
async fn name_taken(
    c: &Connection,
    node: &NewSession,
    now: Timestamp,
) -> Result<Option<NameTaken>, Error> {
    let operation = "find a session of the same name";
    let sql = format!(
        "SELECT http, expires_at FROM session WHERE {LASTS} AND node = $2 AND directory <> $3"
    );
    let other = c
        .first(operation, &sql, &[&now.0, &node.node, &node.directory], |row| {
            let http: String = row.try_get(0).during(operation)?;
            let expires_at: Option<i64> = row.try_get(1).during(operation)?;
            let left = between(now.0, expires_at.unwrap_or(now.0));
            Ok(NameTaken { node: node.node.clone(), http, left })
        })
        .await?;
    Ok(other)
}

/// Writes the session's row, a new one or that which the node had.
async fn put_session(
    c: &Connection,
    node: &NewSession,
    now: Timestamp,
    lease: Duration,
) -> Result<SessionKey, Error> {
    let sql = "INSERT INTO session
             (node, directory, roles, version, http, sip, started_at, renewed_at, expires_at,
              instance)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)
         ON CONFLICT (node, directory) DO UPDATE SET
             roles = excluded.roles, version = excluded.version, http = excluded.http,
             sip = excluded.sip, started_at = excluded.started_at,
             renewed_at = excluded.renewed_at, expires_at = excluded.expires_at, report = '{}',
             instance = excluded.instance
         RETURNING key";
    let NewSession { node, directory, instance, roles, version, http, sip } = node;
    let (roles, expires_at) = (roles.words(), now.0 + milliseconds(lease));
    let key = c
        .first(
            "begin a session",
            sql,
            &[node, directory, &roles, version, http, sip, &now.0, &expires_at, instance],
            |row| number(row, 0),
        )
        .await?;
    key.map(SessionKey).ok_or_else(|| no_row("begin a session"))
}

/// Renews a session, as [`crate::Cluster::renew`] says.
pub(super) async fn renew(
    c: &Connection,
    renewal: &Renewal,
) -> Result<Result<Held, SessionEnded>, Error> {
    begin(c).await?;
    let renewed = prolong(c, renewal).await;
    end(c, renewed).await
}

/// The same in an open transaction.
async fn prolong(c: &Connection, renewal: &Renewal) -> Result<Result<Held, SessionEnded>, Error> {
    let operation = "renew a session";
    let sql = "SELECT expires_at, instance, http FROM session WHERE key = $1 FOR NO KEY UPDATE";
    let found: Option<(Option<i64>, String, String)> = c
        .first(operation, sql, &[&renewal.session.0], |row| {
            let text = |at: usize| row.try_get(at).during(operation);
            Ok((row.try_get(0).during(operation)?, text(1)?, text(2)?))
        })
        .await?;
    let now = now(c).await?;
    match found {
        Some((_, instance, by)) if instance != renewal.instance => {
            return Ok(Err(SessionEnded::Taken { by }));
        }
        Some((expires_at, _, _)) if expires_at.is_none_or(|at| at > now.0) => {}
        _ => return Ok(Err(SessionEnded::RanOut)),
    }
    let report = to_json(&renewal.report)?;
    let sql = "UPDATE session SET renewed_at = $2, expires_at = $3, report = $4 WHERE key = $1";
    let expires_at = now.0 + milliseconds(renewal.lease);
    c.execute(operation, sql, &[&renewal.session.0, &now.0, &expires_at, &report]).await?;

    let (mut engines, free) = shares(c, now).await?;
    let is_engine = engines.iter().any(|(session, _)| *session == renewal.session);
    let wanted = match renewal.takes && is_engine {
        true => share::to_take(renewal.session, &engines, free),
        false => 0,
    };
    let taken = take(c, renewal, wanted, now).await?;
    let shards = held(c, renewal.session, now).await?;
    for (session, count) in &mut engines {
        *count = if *session == renewal.session { shards.len() } else { *count };
    }
    let surplus = share::surplus(renewal.session, &engines, free.saturating_sub(taken));
    Ok(Ok(Held { shards, surplus, engines: engines.len(), now }))
}

/// The sessions with the role `engine` that last, by key, with how many shards each has; and how
/// many shards nobody has who lives.
async fn shares(
    c: &Connection,
    now: Timestamp,
) -> Result<(Vec<(SessionKey, usize)>, usize), Error> {
    let operation = "count the shards of the nodes";
    let sql = format!(
        "SELECT key, roles, (SELECT count(*) FROM shard WHERE owner = key)
         FROM session WHERE {LASTS} ORDER BY key"
    );
    let sessions = c
        .all(operation, &sql, &[&now.0], |row| {
            let roles: String = row.try_get(1).during(operation)?;
            let shards = usize::try_from(number(row, 2)?).unwrap_or_default();
            Ok((SessionKey(number(row, 0)?), Roles::from_words(&roles).engine, shards))
        })
        .await?;
    let owned: usize = sessions.iter().map(|(_, _, shards)| shards).sum();
    let engines = sessions.into_iter().filter(|(_, engine, _)| *engine);
    let engines = engines.map(|(session, _, shards)| (session, shards)).collect();
    Ok((engines, usize::from(SHARDS).saturating_sub(owned)))
}

/// Takes at most `most` shards of nobody and of the dead, and gives how many. Those of the dead are
/// quiet from now on, not from when the session ran out: a clock that jumped would make it short.
async fn take(
    c: &Connection,
    renewal: &Renewal,
    most: usize,
    now: Timestamp,
) -> Result<usize, Error> {
    if most == 0 {
        return Ok(0);
    }
    let operation = "take shards";
    let sql = "SELECT key FROM session
         WHERE expires_at <= $1 AND key IN (SELECT owner FROM shard) AND key <> $2
         ORDER BY key FOR NO KEY UPDATE SKIP LOCKED";
    let dead = c.all(operation, sql, &[&now.0, &renewal.session.0], |row| number(row, 0)).await?;
    let sql = "SELECT shard, owner FROM shard WHERE owner IS NULL OR owner = ANY($1)
         ORDER BY shard LIMIT $2 FOR UPDATE SKIP LOCKED";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let found = c
        .all(operation, sql, &[&dead, &most], |row| {
            let owner: Option<i64> = row.try_get(1).during(operation)?;
            Ok((number(row, 0)?, owner))
        })
        .await?;
    let shards: Vec<i64> = found.iter().map(|(shard, _)| *shard).collect();
    let sql = "UPDATE shard SET owner = $1, epoch = epoch + 1,
             quiet_until = CASE WHEN owner IS NULL THEN quiet_until
                                ELSE greatest(quiet_until, $3) END
         WHERE shard = ANY($2)";
    let quiet_until = now.0 + milliseconds(renewal.quiet);
    c.execute(operation, sql, &[&renewal.session.0, &shards, &quiet_until]).await?;
    if found.iter().any(|(_, owner)| owner.is_some()) {
        // Others may take their part of what the dead have left.
        feed::tell_cluster(c, renewal.session).await?;
    }
    Ok(shards.len())
}

/// The shards of a session, by number.
async fn held(
    c: &Connection,
    session: SessionKey,
    now: Timestamp,
) -> Result<Vec<HeldShard>, Error> {
    let operation = "read the shards of a session";
    let sql = "SELECT shard, epoch, quiet_until FROM shard WHERE owner = $1 ORDER BY shard";
    c.all(operation, sql, &[&session.0], |row| {
        let quiet_until: Option<i64> = row.try_get(2).during(operation)?;
        let quiet = between(now.0, quiet_until.unwrap_or(now.0));
        Ok(HeldShard { shard: shard(row)?, epoch: Epoch(number(row, 1)?), quiet })
    })
    .await
}

/// Gives shards back, as [`crate::Cluster::release`] says.
pub(super) async fn release(
    c: &Connection,
    session: SessionKey,
    shards: &[Shard],
) -> Result<(), Error> {
    begin(c).await?;
    let shards: Vec<i64> = shards.iter().map(|shard| i64::from(shard.0)).collect();
    let released = async {
        if let_go(c, session, Some(&shards)).await? > 0 {
            feed::tell_cluster(c, session).await?;
        }
        Ok(())
    };
    let released = released.await;
    end(c, released).await
}

/// Ends a session, as [`crate::Cluster::end_session`] says.
pub(super) async fn end_session(c: &Connection, session: SessionKey) -> Result<(), Error> {
    begin(c).await?;
    let ended = leave(c, session).await;
    end(c, ended).await
}

/// The same in an open transaction.
async fn leave(c: &Connection, session: SessionKey) -> Result<(), Error> {
    let shards = let_go(c, session, None).await?;
    let now = now(c).await?;
    let sql = format!("UPDATE session SET expires_at = $1 WHERE key = $2 AND {LASTS}");
    let ended = c.execute("end a session", &sql, &[&now.0, &session.0]).await?;
    if shards + ended > 0 {
        feed::tell_cluster(c, session).await?;
    }
    Ok(())
}

/// Makes shards of the session nobody's, those given or all, and gives how many they were. Their
/// quiet time stays as it is, and so does the epoch: it goes up when somebody takes them.
async fn let_go(c: &Connection, session: SessionKey, shards: Option<&[i64]>) -> Result<u64, Error> {
    let operation = "give shards back";
    let sql = "SELECT shard FROM shard
         WHERE owner = $1 AND ($2::bigint[] IS NULL OR shard = ANY($2))
         ORDER BY shard FOR UPDATE";
    let locked = c.all(operation, sql, &[&session.0, &shards], |row| number(row, 0)).await?;
    let sql = "UPDATE shard SET owner = NULL WHERE shard = ANY($1)";
    c.execute(operation, sql, &[&locked]).await
}

/// Begins a transaction.
pub(super) async fn begin(c: &Connection) -> Result<(), Error> {
    c.client().batch_execute("BEGIN").await.during("begin a transaction")
}

/// Commits what went well, and undoes the rest.
pub(super) async fn end<T>(c: &Connection, result: Result<T, Error>) -> Result<T, Error> {
    match result {
        Ok(done) => {
            c.client().batch_execute("COMMIT").await.during("commit a lease")?;
            Ok(done)
        }
        Err(error) => {
            // If this fails too, the connection is gone, and the transaction with it.
            let _ = c.client().batch_execute("ROLLBACK").await;
            Err(error)
        }
    }
}

/// The database's time.
async fn now(c: &Connection) -> Result<Timestamp, Error> {
    let now = c.first("ask for the time", NOW, &[], |row| number(row, 0)).await?;
    now.map(Timestamp).ok_or_else(|| no_row("ask for the time"))
}

/// A number of a row.
fn number(row: &Row, at: usize) -> Result<i64, Error> {
    row.try_get(at).during("read a row of the cluster")
}

/// The shard that a row begins with.
fn shard(row: &Row) -> Result<Shard, Error> {
    let shard = number(row, 0)?;
    let out_of_range = |_| Error::Damaged {
        what: "column shard".to_owned(),
        detail: format!("{shard} is no shard"),
    };
    Ok(Shard(shard.try_into().map_err(out_of_range)?))
}

/// The error for a statement that always gives a row and gave none.
fn no_row(what: &str) -> Error {
    Error::Damaged { what: what.to_owned(), detail: "no row".to_owned() }
}

/// From `from` to `to`, both in milliseconds; zero if `to` is over.
fn between(from: i64, to: i64) -> Duration {
    Duration::from_millis(u64::try_from(to.saturating_sub(from)).unwrap_or_default())
}

/// A duration in milliseconds.
fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}
