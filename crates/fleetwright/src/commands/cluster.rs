//! `fleetwright cluster`: the nodes that work on one store.

use std::process::ExitCode;

use anyhow::Result;

use crate::client::answers::{Cluster as Answer, Node};
use crate::client::{Client, ServerOptions};
use crate::output;

/// Shows the nodes that work on one store.
#[derive(Debug, clap::Args)]
pub struct Cluster {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Status(Status),
}

/// Shows each node: what it does, how long its lease lasts, and how much it has to do.
///
/// Any node that answers the APIs tells it of all.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  fleetwright cluster status\n  \
    fleetwright cluster status --json | jq -e '.orphaned_shards == 0'\n\n\
    LEASE   seconds that the node lives on unless it renews its lease; dead: it did not\n\
    SHARDS  of 256, into which all devices are parted: those that the node works on\n\
    LANES   devices that it works on or waits for; ACTIONS are those in flight\n\
    LAG     seconds that it is behind in learning what other nodes commit\n\n\
    Shards of nobody are taken over within the lease of a node that has died, 10 s.")]
struct Status {
    #[command(flatten)]
    server: ServerOptions,
}

impl Cluster {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let Command::Status(status) = self.command;
        let client = Client::new(&status.server)?;
        let answer = client.get(&["cluster"], &[])?;
        if status.server.json {
            output::json(&answer)?;
        } else {
            output::data(&words(&client.read(&answer)?))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// All of it, for people.
fn words(cluster: &Answer) -> String {
    let standbys = cluster.synchronous_standbys.clone().unwrap_or_default().join(", ");
    let orphaned = match cluster.orphaned_shards {
        0 => String::new(),
        count => format!("{count} of 256 have no node that works on them"),
    };
    let works = |node: &Node| node.lives && node.roles.iter().any(|role| role == "engine");
    let engines = match cluster.nodes.iter().any(works) {
        true => String::new(),
        false => "no node that lives has the role engine: nobody works on phones".to_owned(),
    };
    let clock = cluster.clock_offset_seconds.map(|ahead| {
        let way = if ahead < 0.0 { "behind" } else { "ahead of" };
        format!("{:.3} s {way} the store's", ahead.abs())
    });
    let fields = output::fields(&[
        ("store", cluster.store.clone()),
        ("standbys", standbys),
        ("shards", orphaned),
        ("engines", engines),
        ("answered by", cluster.answered_by.clone()),
        ("its clock", clock.unwrap_or_default()),
    ]);
    let header = [
        "NODE", "ROLES", "VERSION", "HTTP", "SIP", "STARTED", "RENEWED", "LEASE", "SHARDS",
        "CAMERAS", "LANES", "ACTIONS", "LAG",
    ];
    format!("{fields}\n{}", output::table(&header, cluster.nodes.iter().map(row).collect()))
}

/// One node's line.
fn row(node: &Node) -> Vec<String> {
    let lease = match node.lease_left_seconds {
        _ if !node.lives => "dead".to_owned(),
        Some(seconds) => format!("{seconds:.1}"),
        None => String::new(),
    };
    vec![
        node.node.clone(),
        node.roles.join(","),
        node.version.clone(),
        node.http.clone(),
        node.sip.clone(),
        node.started_at.clone(),
        node.renewed_at.clone(),
        lease,
        node.shards.to_string(),
        node.bindings.to_string(),
        node.lanes.to_string(),
        node.actions.to_string(),
        format!("{:.1}", node.feed_lag_seconds),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_living_and_the_dead_are_told_apart_and_orphans_are_named() {
        let node = |name: &str, lives: bool, left: Option<f64>| {
            json!({ "node": name, "lives": lives, "roles": ["api", "engine"], "version": "1.0.0",
                "http": "10.0.0.1:443", "sip": "", "started_at": "T1", "renewed_at": "T2",
                "lease_left_seconds": left, "shards": 128, "bindings": 3, "lanes": 4,
                "actions": 5, "feed_lag_seconds": 0.12 })
        };
        let answer = json!({ "answered_by": "a", "store": "PostgreSQL 15.18",
            "clock_offset_seconds": -2.5, "synchronous_standbys": ["db2"], "orphaned_shards": 128,
            "nodes": [node("a", true, Some(8.44)), node("b", false, Some(0.0))] });
        let answer: Answer = serde_json::from_value(answer).unwrap();
        let text = words(&answer);
        let line = |start: &str| {
            let found = text.lines().find(|line| line.starts_with(start)).unwrap();
            found.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let whole = "api,engine 1.0.0 10.0.0.1:443 - T1 T2";
        assert_eq!(line("a "), format!("a {whole} 8.4 128 3 4 5 0.1"));
        assert_eq!(line("b "), format!("b {whole} dead 128 3 4 5 0.1"));
        assert_eq!(line("standbys"), "standbys db2");
        assert_eq!(line("its clock"), "its clock 2.500 s behind the store's");
        assert!(!text.contains("no node that lives"), "{text}");
        assert_eq!(line("shards"), "shards 128 of 256 have no node that works on them");
    }

    #[test]
    fn a_node_alone_has_no_lease_and_no_standby() {
        let answer = json!({ "answered_by": "a", "store": "SQLite 3.51.3",
            "clock_offset_seconds": null, "synchronous_standbys": null, "orphaned_shards": 0,
            "nodes": [] });
        let answer: Answer = serde_json::from_value(answer).unwrap();
        let text = words(&answer);
        assert!(!text.contains("standbys") && !text.contains("have no node"), "{text}");
        assert!(!text.contains("its clock"), "{text}");
        // Nobody is told of here who could work.
        assert!(text.contains("no node that lives has the role engine"), "{text}");
    }
}
