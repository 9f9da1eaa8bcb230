//! The nodes of a store as an operator sees them.

use std::collections::HashMap;

use fleet::Timestamp;
use fleet::id::SHARDS;
use tokio_postgres::Row;

use super::{Connection, LASTS, between, milliseconds, now, number};
use crate::cluster::GONE_AFTER;
use crate::postgres::connection::During;
use crate::{ClusterState, Error, NewSession, NodeReport, NodeState, Roles, SessionKey};

/// The sessions that last or did at `$1`, by node.
const NODES: &str = "SELECT key, node, directory, instance, roles, version, http, sip, started_at,
        renewed_at, expires_at, report,
        (SELECT count(*) FROM shard WHERE owner = key) AS shards
    FROM session WHERE expires_at IS NULL OR expires_at > $1
    ORDER BY node, key";

/// How many registrations that last at `$1` each session has. They are in no index: this reads all
/// of them.
const BINDINGS: &str = "SELECT session, count(*) FROM binding
    WHERE session IS NOT NULL AND ended_at IS NULL AND expires_at > $1 GROUP BY session";

/// The nodes and what they do, as [`crate::Cluster::cluster`] says.
pub(in crate::postgres) async fn cluster(
    c: &Connection,
    counted: bool,
) -> Result<ClusterState, Error> {
    let now = now(c).await?;
    let since = now.0 - milliseconds(GONE_AFTER);
    let mut nodes = c.all("list the nodes", NODES, &[&since], |row| node(row, now)).await?;
    if counted {
        let pair = |row: &Row| Ok((SessionKey(number(row, 0)?), number(row, 1)?.unsigned_abs()));
        let bindings = c.all("count the registrations", BINDINGS, &[&now.0], pair).await?;
        let bindings: HashMap<SessionKey, u64> = bindings.into_iter().collect();
        for node in &mut nodes {
            node.bindings = bindings.get(&node.session).copied().unwrap_or_default();
        }
    }
    let sql = format!(
        "SELECT count(*) FROM shard WHERE owner IN (SELECT key FROM session WHERE {LASTS})"
    );
    let owned = c.count("count the shards", &sql, &[&now.0]).await?;
    let orphaned = u64::from(SHARDS).saturating_sub(owned);
    Ok(ClusterState {
        engine: format!("PostgreSQL {}", version(c).await?),
        now,
        nodes,
        orphaned_shards: u32::try_from(orphaned).unwrap_or(u32::MAX),
        synchronous_standbys: synchronous_standbys(c).await?,
    })
}

/// A row of [`NODES`]; its registrations are not counted.
fn node(row: &Row, now: Timestamp) -> Result<NodeState, Error> {
    let operation = "read a session";
    let text = |name: &str| row.try_get::<_, String>(name).during(operation);
    let time = |name: &str| row.try_get::<_, i64>(name).during(operation);
    let expires_at: Option<i64> = row.try_get("expires_at").during(operation)?;
    // What a node of another version says may not be what we know: then it said nothing.
    let report: NodeReport = serde_json::from_str(&text("report")?).unwrap_or_default();
    let node = NewSession {
        node: text("node")?,
        directory: text("directory")?,
        instance: text("instance")?,
        roles: Roles::from_words(&text("roles")?),
        version: text("version")?,
        http: text("http")?,
        sip: text("sip")?,
    };
    Ok(NodeState {
        session: SessionKey(number(row, 0)?),
        node,
        started_at: Timestamp(time("started_at")?),
        renewed_at: Timestamp(time("renewed_at")?),
        left: expires_at.map(|at| between(now.0, at)),
        shards: u32::try_from(time("shards")?).unwrap_or(u32::MAX),
        bindings: 0,
        report,
    })
}

/// The server's version, such as `15.18`.
async fn version(c: &Connection) -> Result<String, Error> {
    let sql = "SELECT current_setting('server_version_num')::bigint";
    let number = c.count("ask for the version", sql, &[]).await?;
    Ok(format!("{}.{}", number / 10_000, number % 10_000))
}

/// The standbys that a commit waits for, by name, as the server sees them now. `None` if we may not
/// know: that takes the role `pg_read_all_stats` (or `pg_monitor`, which has it).
/// <https://www.postgresql.org/docs/15/monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-VIEW>
async fn synchronous_standbys(c: &Connection) -> Result<Option<Vec<String>>, Error> {
    let operation = "look for synchronous standbys";
    let sql = "SELECT 1 WHERE pg_has_role('pg_read_all_stats', 'USAGE')";
    if !c.exists(operation, sql, &[]).await? {
        return Ok(None);
    }
    // The row as a whole is shown to all, and its columns are null to those who may not see them.
    let sql = "SELECT coalesce(application_name, '') FROM pg_stat_replication
         WHERE sync_state IN ('sync', 'quorum') AND state = 'streaming' ORDER BY 1";
    let names = c.all(operation, sql, &[], |row| row.try_get(0).during(operation)).await?;
    Ok(Some(names))
}
