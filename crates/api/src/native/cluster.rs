//! The nodes that work on one store, and what each does.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use store::{ClusterState, NodeState};
use utoipa::ToSchema;

use super::{Native, Problem, openapi};

/// The store and the nodes that work on it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cluster {
    /// The name of the node that answers this.
    answered_by: String,
    /// What the store is, with its version.
    #[schema(example = "PostgreSQL 15.18")]
    store: String,
    /// The store's time.
    now: String,
    /// How far the clock of the node that answers is ahead of the store's, in seconds, negative if
    /// it is behind; `null` where that is not known yet.
    clock_offset_seconds: Option<f64>,
    /// The standbys that every commit waits for, by name; `null` where it waits for none.
    synchronous_standbys: Option<Vec<String>>,
    /// How many of the 256 shards, into which devices are parted, no node works on: some for the
    /// length of a lease after a node has died, all where no node has the role `engine`.
    orphaned_shards: u32,
    /// The nodes, by name: those that live, and those that have died of late.
    nodes: Vec<Node>,
}

/// A node.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Node {
    /// Its name.
    node: String,
    /// Whether its lease lasts.
    lives: bool,
    /// What it does: `api`, `engine` and `sip`, those of them that it does.
    #[schema(example = json!(["api", "engine", "sip"]))]
    roles: Vec<String>,
    /// Its version.
    version: String,
    /// Where it answers HTTP.
    http: String,
    /// Where cameras register with it; empty if nowhere.
    sip: String,
    /// When it was started.
    started_at: String,
    /// When it last renewed its lease.
    renewed_at: String,
    /// How long its lease lasts unless it renews it; 0 if it has run out, `null` where it does not
    /// run out, since the store has one node.
    lease_left_seconds: Option<f64>,
    /// How many shards it works on.
    shards: u32,
    /// How many cameras are registered with it.
    bindings: u64,
    /// How many devices it has to work on, or is waiting for.
    lanes: u64,
    /// How many actions on devices it has in flight.
    actions: u64,
    /// How far behind it is in learning what other nodes have committed.
    feed_lag_seconds: f64,
}

/// Shows the nodes that work on the store.
#[utoipa::path(
    get,
    path = "/cluster",
    tag = "server",
    security(("token" = ["server"])),
    responses(
        (status = 200, description = "The store and its nodes", body = Cluster),
        openapi::Guarded,
    )
)]
pub(super) async fn show_cluster(
    State(native): State<Arc<Native>>,
) -> Result<Json<Cluster>, Problem> {
    let standing = native.handle.standing();
    let state = native.handle.cluster().await?;
    Ok(Json(cluster(standing.node, standing.clock_offset, state)))
}

/// The cluster, as the node of this name, whose clock is so many milliseconds ahead, tells of it.
#[expect(clippy::cast_precision_loss, reason = "milliseconds between two clocks")]
fn cluster(answered_by: String, clock_offset: Option<i64>, state: ClusterState) -> Cluster {
    Cluster {
        answered_by,
        clock_offset_seconds: clock_offset.map(|milliseconds| milliseconds as f64 / 1000.0),
        store: state.engine,
        now: state.now.to_string(),
        synchronous_standbys: state.synchronous_standbys,
        orphaned_shards: state.orphaned_shards,
        nodes: state.nodes.into_iter().map(node).collect(),
    }
}

/// A node, as it is shown.
fn node(state: NodeState) -> Node {
    let NodeState { node, started_at, renewed_at, left, report, .. } = state;
    Node {
        node: node.node,
        lives: left != Some(Duration::ZERO),
        roles: node.roles.words().split_whitespace().map(str::to_owned).collect(),
        version: node.version,
        http: node.http,
        sip: node.sip,
        started_at: started_at.to_string(),
        renewed_at: renewed_at.to_string(),
        lease_left_seconds: left.map(|left| left.as_secs_f64()),
        shards: state.shards,
        bindings: state.bindings,
        lanes: report.lanes,
        actions: report.actions,
        feed_lag_seconds: Duration::from_millis(report.feed_lag_ms).as_secs_f64(),
    }
}

#[cfg(test)]
mod tests {
    use fleet::Timestamp;
    use store::{NewSession, NodeReport, Roles, SessionKey};

    use super::*;

    fn state(left: Option<Duration>) -> ClusterState {
        let node = NewSession {
            node: "a".to_owned(),
            directory: "0".repeat(32),
            instance: String::new(),
            roles: Roles { api: true, engine: false, sip: true },
            version: "1".to_owned(),
            http: "127.0.0.1:8080".to_owned(),
            sip: String::new(),
        };
        let node = NodeState {
            session: SessionKey(5),
            node,
            started_at: Timestamp(1_000),
            renewed_at: Timestamp(2_000),
            left,
            shards: 3,
            bindings: 4,
            report: NodeReport { lanes: 5, actions: 6, feed_lag_ms: 70 },
        };
        ClusterState {
            engine: "PostgreSQL 15.18".to_owned(),
            now: Timestamp(3_000),
            nodes: vec![node],
            orphaned_shards: 7,
            synchronous_standbys: Some(vec!["b".to_owned()]),
        }
    }

    #[test]
    fn a_node_lives_while_its_lease_lasts_and_where_none_runs_out() {
        let shown = |left| {
            serde_json::to_value(cluster("a".to_owned(), Some(-2_500), state(left))).unwrap()
        };
        let lasting = shown(Some(Duration::from_millis(8_500)));
        assert_eq!(lasting["nodes"][0]["lives"], true);
        assert_eq!(lasting["nodes"][0]["lease_left_seconds"], 8.5);
        assert_eq!(lasting["nodes"][0]["roles"], serde_json::json!(["api", "sip"]));
        assert_eq!(lasting["nodes"][0]["feed_lag_seconds"], 0.07);
        assert_eq!(lasting["clock_offset_seconds"], -2.5);
        assert_eq!(lasting["synchronous_standbys"], serde_json::json!(["b"]));
        // What the directory is known by opens nothing, and is nobody's business.
        assert!(!lasting.to_string().contains(&"0".repeat(32)));
        assert_eq!(shown(Some(Duration::ZERO))["nodes"][0]["lives"], false);
        let alone = shown(None);
        assert_eq!(alone["nodes"][0]["lives"], true);
        assert!(alone["nodes"][0]["lease_left_seconds"].is_null());
    }
}
