//! What a node finds about its cluster that nobody else would tell an operator.

use std::time::Duration;

use engine::Handle;
use store::ClusterState;
use tokio::time::Instant;

use crate::config;

/// How often at most the same is said again.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// How many names are told at most of those that differ in case alone.
const NAMESAKES_TOLD: u32 = 20;

/// Tells of users whose names differ in case alone, as was allowed once. Nothing is wrong with
/// them but that each has to write its name exactly.
pub async fn of_namesakes(handle: &Handle) {
    match handle.namesakes(NAMESAKES_TOLD).await {
        Ok(names) if names.is_empty() => {}
        Ok(names) => tracing::warn!(
            users = names.join(", "),
            "names of users differ in nothing but the case of their letters: each signs in by \
             exactly its own; make one of them anew with another name, and disable it"
        ),
        Err(error) => {
            let error = anyhow::Error::from(error);
            tracing::warn!("whether names of users differ in case alone is not known: {error:#}");
        }
    }
}

/// What was said, and when.
pub struct Warnings {
    /// Each bound that the nodes share, by its key.
    bounds: [(&'static str, usize); 4],
    /// With how many nodes of the role `engine` the bounds were last compared.
    engines: usize,
    /// When it was last said that there is none.
    none_at: Option<Instant>,
}

/// How many nodes that live work on devices.
pub fn engines(state: &ClusterState) -> usize {
    let lives = |left: Option<Duration>| left != Some(Duration::ZERO);
    state.nodes.iter().filter(|node| lives(node.left) && node.node.roles.engine).count()
}

impl Warnings {
    /// Nothing was said yet.
    pub fn new(config: &config::Engine) -> Self {
        let bounds = [
            ("engine.actions_per_server", config.actions_per_server),
            ("engine.restarts_per_server", config.restarts_per_server),
            ("engine.boots_per_server", config.boots_per_server),
            ("engine.restarts_per_project", config.restarts_per_project),
        ];
        Self { bounds, engines: 1, none_at: None }
    }

    /// What is to be said at `now`.
    pub fn of(&mut self, state: &ClusterState, now: Instant) -> Vec<String> {
        let engines = engines(state);
        let mut warnings = Vec::new();
        let is_due = self.none_at.is_none_or(|last| now.duration_since(last) >= AGAIN_AFTER);
        if engines == 0 && is_due {
            self.none_at = Some(now);
            let what = "no node that lives has the role engine: jobs are accepted, and nobody \
                        works on phones";
            warnings.push(what.to_owned());
        }
        if engines > self.engines {
            let small = self.bounds.iter().filter(|(_, bound)| *bound < engines);
            warnings.extend(small.map(|(key, bound)| {
                format!(
                    "{key} is {bound}, and {engines} nodes share it: each goes by at least 1, so \
                     that there may be {engines} at a time"
                )
            }));
        }
        self.engines = engines.max(1);
        warnings
    }
}

#[cfg(test)]
mod tests {
    use fleet::Timestamp;
    use store::{NewSession, NodeReport, NodeState, Roles, SessionKey};

    use super::*;

    fn state(nodes: &[(bool, bool)]) -> ClusterState {
        let node = |(number, (engine, lives)): (usize, &(bool, bool))| NodeState {
            session: SessionKey(i64::try_from(number).unwrap()),
            node: NewSession {
                node: format!("node-{number}"),
                directory: String::new(),
                instance: String::new(),
                roles: Roles { engine: *engine, ..Roles::ALL },
                version: String::new(),
                http: String::new(),
                sip: String::new(),
            },
            started_at: Timestamp(0),
            renewed_at: Timestamp(0),
            left: Some(if *lives { Duration::from_secs(9) } else { Duration::ZERO }),
            shards: 0,
            bindings: 0,
            report: NodeReport::default(),
        };
        ClusterState {
            engine: String::new(),
            now: Timestamp(0),
            nodes: nodes.iter().enumerate().map(node).collect(),
            orphaned_shards: 0,
            synchronous_standbys: None,
        }
    }

    fn warnings() -> Warnings {
        Warnings::new(&config::Config::default().engine)
    }

    #[test]
    fn it_is_said_each_minute_that_nobody_works() {
        let (mut warnings, now) = (warnings(), Instant::now());
        let idle = state(&[(false, true), (true, false)]);
        assert!(warnings.of(&idle, now)[0].contains("no node that lives has the role engine"));
        assert!(warnings.of(&idle, now + Duration::from_secs(45)).is_empty());
        assert_eq!(warnings.of(&idle, now + AGAIN_AFTER).len(), 1);
        let one_works = state(&[(false, true), (true, true)]);
        assert!(warnings.of(&one_works, now + 3 * AGAIN_AFTER).is_empty());
    }

    #[test]
    fn bounds_that_so_many_nodes_can_not_share_are_named_once() {
        let (mut warnings, now) = (warnings(), Instant::now());
        let three = state(&[(true, true), (true, true), (true, true)]);
        let said = warnings.of(&three, now);
        let keys = ["engine.restarts_per_server is 2", "engine.boots_per_server is 1"];
        assert_eq!(said.len(), keys.len(), "{said:?}");
        for (said, key) in said.iter().zip(keys) {
            assert!(said.starts_with(key) && said.contains("3 at a time"), "{said}");
        }
        assert!(warnings.of(&three, now + AGAIN_AFTER).is_empty());
        assert!(warnings.of(&state(&[(true, true)]), now).is_empty());
    }
}
