//! Several nodes on one PostgreSQL, each with a line to it that a test can cut.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::phones::{PROJECT, Plan};
use super::server::Process;
use super::site::{import, running};
use super::{
    Cph, Key, Link, Native, PATIENCE, Phones, Postgres, Server, Start, Stopwatch, postgres, tools,
    wait_until,
};

/// How long a session lasts that is not renewed, and one action on a phone at most: what a test may
/// have to wait for after a death.
pub const LEASE: Duration = Duration::from_secs(10);
/// See above.
pub const ACTION: Duration = Duration::from_secs(15);

/// A node: a server of several on one store.
pub struct Node {
    /// Its process.
    pub server: Server,
    link: Option<Link>,
    start: Start,
}

impl Node {
    /// Starts the node anew on its data directory. The process before must have ended.
    pub fn restart(&mut self) {
        self.server.restart(&self.start);
    }

    /// Its line to the store.
    pub fn link(&self) -> &Link {
        self.link.as_ref().expect("the test has started the store")
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.start.node.as_deref().expect("a node has a name")
    }

    /// A client of its native door.
    pub fn native(&self) -> Native {
        self.server.native()
    }
}

/// Nodes on one store. The first was there first; the others have copies of its keys.
pub struct Cluster {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// Commits wait for it, where there is one. Before the primary, which waits for it at its end.
    _standby: Option<Postgres>,
    /// The store, where the test has started it itself.
    postgres: Option<Postgres>,
    /// The primary's line to its standby.
    pub stream: Option<Link>,
    /// Where the store is, past all lines.
    url: String,
}

impl Cluster {
    /// So many nodes on a PostgreSQL without a standby. Returns when each owns its share.
    pub fn start(nodes: usize, start: &Start) -> Self {
        let postgres = Postgres::start();
        let url = postgres.url();
        let postgres = Some(postgres);
        let cluster = Self { nodes: Vec::new(), _standby: None, postgres, stream: None, url };
        cluster.with_nodes(nodes, start)
    }

    /// The same with a standby that commits wait for.
    pub fn replicated(nodes: usize, start: &Start) -> Self {
        let postgres = Postgres::start();
        let stream = Link::to((Ipv4Addr::LOCALHOST, postgres.port()).into());
        let standby = postgres.standby("standby", stream.port());
        postgres.wait_for_standby("standby");
        let (standby, stream, url) = (Some(standby), Some(stream), postgres.url());
        let postgres = Some(postgres);
        let cluster = Self { nodes: Vec::new(), _standby: standby, postgres, stream, url };
        cluster.with_nodes(nodes, start)
    }

    /// So many nodes on a store that somebody else keeps, at `url`.
    pub fn on(url: String, nodes: usize, start: &Start) -> Self {
        let cluster = Self { nodes: Vec::new(), _standby: None, postgres: None, stream: None, url };
        cluster.with_nodes(nodes, start)
    }

    fn with_nodes(mut self, nodes: usize, start: &Start) -> Self {
        for number in 0..nodes {
            self.join(&format!("node-{number}"), start);
        }
        self.wait_until_balanced();
        self
    }

    /// The store's server.
    pub fn postgres(&self) -> &Postgres {
        self.postgres.as_ref().expect("the test has started it")
    }

    /// The store's server, to be killed or started again.
    pub fn postgres_mut(&mut self) -> &mut Postgres {
        self.postgres.as_mut().expect("the test has started it")
    }

    /// One node more, with copies of the first one's keys.
    pub fn join(&mut self, name: &str, start: &Start) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        if let Some(first) = self.nodes.first() {
            copy_keys(&first.server.data(), &folder.path().join("data"));
        }
        let link = self
            .postgres
            .as_ref()
            .map(|postgres| Link::to((Ipv4Addr::LOCALHOST, postgres.port()).into()));
        let through = link.as_ref().map(|link| self.postgres().url_through(link.port()));
        let store = Some(through.unwrap_or_else(|| self.url.clone()));
        let start = Start { store, node: Some(name.to_owned()), ..start.clone() };
        let server = Server::start_in(folder, &start);
        self.nodes.push(Node { server, link, start });
    }

    /// What a node says of the cluster.
    pub fn state(&self, node: usize) -> Value {
        self.nodes[node].native().get("/api/v1/cluster")
    }

    /// How many shards each node owns, as the store has it, by the nodes' names. Nodes whose lease
    /// has run out own what nobody has taken yet.
    pub fn shards(&self) -> Vec<(String, u32)> {
        let rows = postgres::ask(
            &self.url,
            "SELECT node, count(shard) FROM session LEFT JOIN shard ON owner = key \
             GROUP BY node ORDER BY node",
        );
        let row = |line: &str| {
            let (node, count) = line.split_once('|').expect("two columns");
            (node.to_owned(), count.parse().expect("a number"))
        };
        rows.lines().map(row).collect()
    }

    /// Waits until every node owns its share, give or take one.
    pub fn wait_until_balanced(&self) {
        let engines = self
            .nodes
            .iter()
            .filter(|node| node.start.roles.is_none_or(|roles| roles.contains("engine")));
        let names: Vec<&str> = engines.map(Node::name).collect();
        self.wait_until_shared(&names, 3 * LEASE);
    }

    /// Waits until these nodes own all shards between them, each its share. Gives how long it took.
    pub fn wait_until_shared(&self, names: &[&str], bound: Duration) -> Duration {
        let watch = Stopwatch::start();
        let share = 256 / u32::try_from(names.len()).expect("few nodes");
        wait_until(&format!("{names:?} to share the shards: {:?}", self.shards()), bound, || {
            let shards = self.shards();
            let owned = |name: &&str| {
                let of = shards.iter().find(|(node, _)| node == name);
                of.map_or(0, |(_, count)| *count)
            };
            let total: u32 = names.iter().map(owned).sum();
            total == 256 && names.iter().all(|name| owned(name).abs_diff(share) <= 1)
        });
        watch.elapsed()
    }

    /// A client of a node's CPH door.
    pub fn cph(&self, node: usize, key: &Key) -> Cph {
        Cph::new(self.nodes[node].server.address(), key)
    }

    /// A project with simulated phones, known to all nodes.
    pub fn with_phones(&self, plan: Plan) -> (Phones, Key) {
        let phones = Phones::start(plan);
        let native = self.nodes[0].native();
        let key = native.new_project(PROJECT);
        import(&native, &phones.records());
        let count = phones.count();
        wait_until("all phones to be met", 4 * PATIENCE, || running(&native) == count);
        (phones, key)
    }
}

/// Gives a node's data directory what it needs to join.
pub fn copy_keys(from: &Path, to: &Path) {
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(builder.recursive(true), 0o700);
    builder.create(to).expect("make a data directory");
    for file in ["master-key", "admin-token"] {
        // With its mode: for the owner alone.
        std::fs::copy(from.join(file), to.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
    }
}

/// A node that must not start: what it says of it.
pub fn refused_start(folder: &TempDir, store: &str, name: &str, config: &str) -> String {
    let http = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).to_string();
    let mut command = Command::new(tools::fleetwright());
    command.args(["serve", "--http", &http, "--sip", "none", "--store", store, "--node", name]);
    let file = folder.path().join("fleetwright.toml");
    std::fs::write(&file, config).expect("write the configuration");
    command.arg("--data").arg(folder.path().join("data")).arg("--config").arg(file);
    let output = Process::finish(&mut command);
    assert!(!output.status.success(), "it started");
    String::from_utf8_lossy(&output.stderr).into_owned()
}
