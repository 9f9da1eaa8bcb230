//! The answer about the nodes.

use serde::Deserialize;

/// `GET /cluster`.
#[derive(Debug, Deserialize)]
pub struct Cluster {
    /// The node that answered.
    pub answered_by: String,
    /// What the store is.
    pub store: String,
    /// The standbys that commits wait for.
    pub synchronous_standbys: Option<Vec<String>>,
    /// How far the clock of the node that answered is ahead of the store's.
    pub clock_offset_seconds: Option<f64>,
    /// How many shards nobody works on.
    pub orphaned_shards: u32,
    /// The nodes, by name.
    pub nodes: Vec<Node>,
}

/// A node.
#[derive(Debug, Deserialize)]
pub struct Node {
    /// Its name.
    pub node: String,
    /// Whether its lease lasts.
    pub lives: bool,
    /// What it does.
    pub roles: Vec<String>,
    /// Its version.
    pub version: String,
    /// Where it answers HTTP.
    pub http: String,
    /// Where cameras register with it.
    pub sip: String,
    /// When it was started.
    pub started_at: String,
    /// When it last renewed its lease.
    pub renewed_at: String,
    /// How long its lease lasts.
    pub lease_left_seconds: Option<f64>,
    /// How many shards it works on.
    pub shards: u32,
    /// How many cameras are registered with it.
    pub bindings: u64,
    /// How many devices it has to work on.
    pub lanes: u64,
    /// How many actions it has in flight.
    pub actions: u64,
    /// How far behind it is in learning what others commit.
    pub feed_lag_seconds: f64,
}
