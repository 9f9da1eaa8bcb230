//! What every kind of store here does alike for [`crate::Cluster`]: telling of the nodes, and what
//! is kept once for the whole store.

use fleet::Timestamp;
use rusqlite::{Connection, Row, params};

use super::clock::{Now, session_lasts};
use super::leases::until;
use super::queries::{all, count, first};
use super::rows::During;
use crate::cluster::GONE_AFTER;
use crate::columns::{column, json, optional, to_json};
use crate::{ClusterState, Error, NewSession, NodeState, Roles, SessionKey};

/// The registrations that last, by session. They are in no index: this reads all of them, for the
/// rare request of an operator.
pub(super) const BINDINGS: &str = "SELECT session, count(*) FROM binding
     WHERE session IS NOT NULL AND ended_at IS NULL AND expires_at > ?1 GROUP BY session";

/// See [`crate::Cluster::cluster`].
pub(super) fn state(
    connection: &Connection,
    now: Now,
    counted: bool,
) -> Result<ClusterState, Error> {
    let now = now.read(connection)?;
    let pair = |row: &Row<'_>| Ok((column(row, 0)?, column(row, 1)?));
    let bindings: Vec<(i64, i64)> = match counted {
        true => all(connection, "count the registrations", BINDINGS, [now.0], pair)?,
        false => Vec::new(),
    };
    let gone_ms = i64::try_from(GONE_AFTER.as_millis()).unwrap_or(i64::MAX);
    let sql = "SELECT key, node, directory, roles, version, http, sip, started_at, renewed_at,
             expires_at, report, (SELECT count(*) FROM shard WHERE owner = key), instance
         FROM session WHERE expires_at IS NULL OR expires_at >= ?1 ORDER BY node, key";
    let mut nodes: Vec<NodeState> =
        all(connection, "list the nodes", sql, [now.0.saturating_sub(gone_ms)], |row| {
            node_state(row, now)
        })?;
    for node in &mut nodes {
        let own = bindings.iter().find(|(session, _)| *session == node.session.0);
        node.bindings = own.map_or(0, |(_, count)| count.unsigned_abs());
    }
    let sql = concat!(
        "SELECT count(*) FROM shard AS h WHERE NOT EXISTS (
             SELECT 1 FROM session AS n WHERE n.key = h.owner AND ",
        session_lasts!("?1"),
        ")"
    );
    let orphaned = count(connection, "count the shards of nobody", sql, [now.0])?;
    Ok(ClusterState {
        engine: format!("SQLite {}", rusqlite::version()),
        now,
        nodes,
        orphaned_shards: u32::try_from(orphaned).unwrap_or(u32::MAX),
        synchronous_standbys: None,
    })
}

/// A row of `session` with the count of its shards; without that of its registrations.
fn node_state(row: &Row<'_>, now: Timestamp) -> Result<NodeState, Error> {
    let roles: String = column(row, "roles")?;
    let expires_at: Option<i64> = optional(row, "expires_at")?;
    let shards: i64 = column(row, 11)?;
    Ok(NodeState {
        session: SessionKey(column(row, "key")?),
        node: NewSession {
            node: column(row, "node")?,
            directory: column(row, "directory")?,
            instance: column(row, "instance")?,
            roles: Roles::from_words(&roles),
            version: column(row, "version")?,
            http: column(row, "http")?,
            sip: column(row, "sip")?,
        },
        started_at: Timestamp(column(row, "started_at")?),
        renewed_at: Timestamp(column(row, "renewed_at")?),
        left: expires_at.map(|at| until(now, Timestamp(at))),
        shards: u32::try_from(shards).unwrap_or(u32::MAX),
        bindings: 0,
        report: json(row, "report")?,
    })
}

/// See [`crate::Cluster::remembered`].
pub(super) fn remembered(connection: &Connection, name: &str) -> Result<Option<String>, Error> {
    let sql = "SELECT value FROM setting WHERE name = ?1";
    first(connection, "read what is remembered", sql, [name], |row| json(row, "value"))
}

/// See [`crate::Cluster::remember`].
pub(super) fn remember(connection: &Connection, name: &str, value: &str) -> Result<String, Error> {
    if let Some(known) = remembered(connection, name)? {
        return Ok(known);
    }
    connection
        .execute(
            "INSERT INTO setting (name, value) VALUES (?1, ?2)",
            params![name, to_json(&value)?],
        )
        .during("remember something")?;
    Ok(value.to_owned())
}
