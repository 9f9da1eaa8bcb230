//! Sessions and leases of several nodes on one database.

use std::collections::BTreeSet;
use std::time::Duration;

use fleet::Shard;
use tokio::task::JoinSet;

use super::server::Server;
use crate::conformance::fixture::LONG;
use crate::postgres::Postgres;
use crate::{
    Change, Cluster, FeedPosition, Held, NewSession, NodeReport, Renewal, Roles, SessionEnded,
    SessionKey,
};

/// A lease that is waited out.
const SHORT: Duration = Duration::from_millis(200);

/// How long nothing is done after an owner's death. No case waits for the end of it.
const QUIET: Duration = Duration::from_secs(600);

/// What the node `name` says of itself.
fn node(name: &str) -> NewSession {
    NewSession {
        node: name.to_owned(),
        directory: format!("directory of {name}"),
        instance: String::new(),
        roles: Roles::ALL,
        version: "1.2.3".to_owned(),
        http: format!("http://{name}:8080"),
        sip: format!("{name}:5060"),
    }
}

/// A node with its own connections to one database.
struct Node {
    store: Postgres,
    session: SessionKey,
}

impl Node {
    /// The node `name`, whose session has begun for `lease`.
    async fn begin(server: &Server, name: &str, lease: Duration) -> Self {
        let store = Postgres::open(server.options("fleet")).await.unwrap();
        let session = store.begin_session(&node(name), lease).await.unwrap().unwrap();
        assert!(session.expires);
        Self { store, session: session.key }
    }

    /// Renews for `lease`, and takes what it may. The time is left out: it goes on.
    async fn renew(&self, lease: Duration) -> Result<Held, SessionEnded> {
        let report = NodeReport { lanes: 7, actions: 1, feed_lag_ms: 3 };
        let (session, instance) = (self.session, String::new());
        let renewal = Renewal { session, instance, lease, quiet: QUIET, takes: true, report };
        let held = self.store.renew(&renewal).await.unwrap()?;
        Ok(Held { now: fleet::Timestamp::default(), ..held })
    }

    /// Renews and gives back what is more than its share.
    async fn level(&self) -> Held {
        let held = self.renew(LONG).await.unwrap();
        let surplus: Vec<Shard> =
            held.shards.iter().take(held.surplus).map(|held| held.shard).collect();
        self.store.release(self.session, &surplus).await.unwrap();
        held
    }
}

/// All cases on one server, each with the database `fleet` to itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_case_of_leases_passes() {
    let server = Server::start(&["deadlock_timeout=100ms"]).await;
    for_each_case!(server:
        shards_move_to_a_node_that_comes_and_back_when_it_goes,
        what_a_dead_node_had_is_quiet_for_a_while,
        a_node_that_comes_back_has_its_shards_under_higher_epochs,
        a_name_is_that_of_one_node,
        of_two_that_begin_under_one_name_at_once_one_does,
        a_session_that_is_being_renewed_is_not_taken_for_dead,
        a_shard_that_is_being_written_under_is_taken_later,
        many_nodes_at_once_get_in_nobodys_way,
        the_nodes_are_told_of,
        begun_and_ended_sessions_and_given_back_shards_are_told
    );
}

/// The shards of a renewal.
fn shards(held: &Held) -> BTreeSet<u8> {
    held.shards.iter().map(|held| held.shard.0).collect()
}

async fn shards_move_to_a_node_that_comes_and_back_when_it_goes(server: &Server) {
    server.open("fleet").await.close().await;
    let first = Node::begin(server, "first", LONG).await;
    let held = first.level().await;
    assert_eq!((held.shards.len(), held.surplus, held.engines), (256, 0, 1));
    let second = Node::begin(server, "second", LONG).await;
    assert_eq!(second.level().await.shards.len(), 0, "there is none that nobody has");
    let held = first.level().await;
    assert_eq!((held.surplus, held.engines), (128, 2));
    let taken = second.level().await;
    assert_eq!(taken.shards.len(), 128);
    assert!(taken.shards.iter().all(|held| held.quiet.is_zero()), "they were given back");
    let kept = first.level().await;
    assert_eq!((kept.shards.len(), kept.surplus), (128, 0));
    assert!(shards(&kept).is_disjoint(&shards(&taken)));
    // Nothing moves any more.
    assert_eq!(second.level().await, taken);

    second.store.end_session(second.session).await.unwrap();
    assert_eq!(second.renew(LONG).await, Err(SessionEnded::RanOut));
    let held = first.level().await;
    assert_eq!((held.shards.len(), held.engines), (256, 1));
    assert!(held.shards.iter().all(|held| held.quiet.is_zero()));
    let higher = |held: &crate::HeldShard| held.epoch.0 == 3;
    assert_eq!(held.shards.iter().filter(|held| higher(held)).count(), 128);
}

async fn what_a_dead_node_had_is_quiet_for_a_while(server: &Server) {
    server.open("fleet").await.close().await;
    let dead = Node::begin(server, "dead", LONG).await;
    assert_eq!(dead.renew(SHORT).await.unwrap().shards.len(), 256);
    let heir = Node::begin(server, "heir", LONG).await;
    let over = "SELECT count(*) = 1 FROM session
         WHERE expires_at > extract(epoch FROM clock_timestamp()) * 1000";
    server.wait_until("fleet", over).await;
    let before = heir.store.feed_end().await.unwrap();
    let held = heir.renew(LONG).await.unwrap();
    assert_eq!((held.shards.len(), held.engines), (256, 1));
    let quiet = held.shards.iter().map(|held| held.quiet);
    assert!(quiet.clone().max().unwrap() <= QUIET && quiet.min().unwrap() > QUIET / 2);
    assert!(held.shards.iter().all(|held| held.epoch.0 == 2));
    assert_eq!(dead.renew(LONG).await, Err(SessionEnded::RanOut));
    // Others are told once, and not with each renewal.
    heir.renew(LONG).await.unwrap();
    let page = heir.store.changes(before, 10).await.unwrap();
    let told: Vec<_> = page.commits.iter().map(|commit| &*commit.changes).collect();
    assert_eq!(told, [[Change::Cluster]]);
    assert_eq!(page.commits[0].session, Some(heir.session));

    // What is quiet stays so, whoever has it.
    heir.store.end_session(heir.session).await.unwrap();
    let next = Node::begin(server, "next", LONG).await;
    let held = next.renew(LONG).await.unwrap();
    assert!(held.shards.iter().all(|held| held.quiet > QUIET / 2), "{held:?}");
}

async fn a_node_that_comes_back_has_its_shards_under_higher_epochs(server: &Server) {
    server.open("fleet").await.close().await;
    let node_of = |roles| NewSession { roles, ..node("node") };
    let before = Node::begin(server, "node", LONG).await;
    before.renew(LONG).await.unwrap();
    let after = Node::begin(server, "node", LONG).await;
    assert_eq!(after.session, before.session);
    let held = after.renew(LONG).await.unwrap();
    assert!(held.shards.iter().all(|held| held.epoch.0 == 2 && held.quiet.is_zero()));
    assert_eq!(held.shards.len(), 256);

    // Under another name too, for nobody else can have that directory.
    let renamed = NewSession { node: "renamed".to_owned(), ..node("node") };
    let session = after.store.begin_session(&renamed, LONG).await.unwrap().unwrap();
    assert_ne!(session.key, before.session);
    assert_eq!(before.renew(LONG).await, Err(SessionEnded::RanOut));
    let renamed = Node { session: session.key, store: after.store };
    let held = renamed.renew(LONG).await.unwrap();
    assert!(held.shards.iter().all(|held| held.epoch.0 == 3 && held.quiet.is_zero()));

    // Without the role it has none.
    let roles = Roles { engine: false, ..Roles::ALL };
    let session = before.store.begin_session(&node_of(roles), LONG).await.unwrap().unwrap();
    let idle = Node { session: session.key, store: before.store };
    let held = idle.renew(LONG).await.unwrap();
    assert_eq!((held.shards.len(), held.surplus, held.engines), (0, 0, 0));
}

async fn a_name_is_that_of_one_node(server: &Server) {
    server.open("fleet").await.close().await;
    let first = Node::begin(server, "node", LONG).await;
    let other = NewSession { directory: "another".to_owned(), ..node("node") };
    let store = Postgres::open(server.options("fleet")).await.unwrap();
    let taken = store.begin_session(&other, LONG).await.unwrap().unwrap_err();
    assert_eq!((&*taken.node, &*taken.http), ("node", "http://node:8080"));
    assert!(taken.left <= LONG);
    // Once that one is dead the name is free, and the dead one does not come back by renewing.
    assert!(first.renew(SHORT).await.is_ok());
    let session = loop {
        if let Ok(session) = store.begin_session(&other, LONG).await.unwrap() {
            break session;
        }
    };
    assert_ne!(session.key, first.session);
    assert_eq!(first.renew(LONG).await, Err(SessionEnded::RanOut));
    assert!(first.store.begin_session(&node("node"), LONG).await.unwrap().is_err());
}

async fn of_two_that_begin_under_one_name_at_once_one_does(server: &Server) {
    server.open("fleet").await.close().await;
    let mut begun = JoinSet::new();
    for number in 0..8 {
        let store = Postgres::open(server.options("fleet")).await.unwrap();
        let node = NewSession { directory: format!("{number}"), ..node("node") };
        begun.spawn(async move { store.begin_session(&node, LONG).await.unwrap().is_ok() });
    }
    let begun = begun.join_all().await;
    assert_eq!(begun.iter().filter(|begun| **begun).count(), 1);
}

async fn a_session_that_is_being_renewed_is_not_taken_for_dead(server: &Server) {
    server.open("fleet").await.close().await;
    let slow = Node::begin(server, "slow", LONG).await;
    slow.renew(LONG).await.unwrap();
    server.sql("fleet", "UPDATE session SET expires_at = 1").await;
    // Its renewal has passed the check and does not commit: it waits for a standby, say.
    let renewal = server.client("fleet").await;
    renewal.batch_execute("BEGIN; UPDATE session SET expires_at = NULL").await.unwrap();
    let other = Node::begin(server, "other", LONG).await;
    let held = other.renew(LONG).await.unwrap();
    assert_eq!(held.shards.len(), 0, "and nobody waits for it");
    renewal.batch_execute("COMMIT").await.unwrap();
    assert_eq!(other.renew(LONG).await.unwrap().shards.len(), 0);
    assert_eq!(slow.renew(LONG).await.unwrap().shards.len(), 256);
}

async fn a_shard_that_is_being_written_under_is_taken_later(server: &Server) {
    server.open("fleet").await.close().await;
    let dead = Node::begin(server, "dead", LONG).await;
    dead.renew(LONG).await.unwrap();
    let heir = Node::begin(server, "heir", LONG).await;
    server.sql("fleet", "UPDATE session SET expires_at = 1 WHERE node = 'dead'").await;
    // What it still writes holds the shard's row until it is committed or undone.
    let write = server.client("fleet").await;
    let lock = "BEGIN; SELECT FROM shard WHERE shard = 77 FOR SHARE";
    write.batch_execute(lock).await.unwrap();
    let held = heir.renew(LONG).await.unwrap();
    assert_eq!(held.shards.len(), 255);
    assert!(!shards(&held).contains(&77));
    write.batch_execute("COMMIT").await.unwrap();
    let held = heir.renew(LONG).await.unwrap();
    assert_eq!((held.shards.len(), held.surplus), (256, 0));
}

/// Nodes come, renew, level and go, all at once: none ever fails, and no shard has two owners.
async fn many_nodes_at_once_get_in_nobodys_way(server: &Server) {
    server.open("fleet").await.close().await;
    let mut nodes = Vec::new();
    for number in 0..6 {
        nodes.push(Node::begin(server, &format!("node-{number}"), LONG).await);
    }
    let mut busy = JoinSet::new();
    for (number, mut node_here) in nodes.into_iter().enumerate() {
        busy.spawn(async move {
            for round in 0..30 {
                node_here.level().await;
                if round % 10 == number {
                    node_here.store.end_session(node_here.session).await.unwrap();
                    let again = node(&format!("node-{number}"));
                    let session = node_here.store.begin_session(&again, LONG).await;
                    node_here.session = session.unwrap().unwrap().key;
                }
            }
            node_here
        });
    }
    let nodes = busy.join_all().await;
    // They come to rest, whatever was before.
    for _ in 0..3 {
        for node in &nodes {
            node.level().await;
        }
    }
    let mut all = BTreeSet::new();
    for node in &nodes {
        let held = node.level().await;
        assert_eq!((held.surplus, held.engines), (0, 6));
        assert!((42..=43).contains(&held.shards.len()), "{}", held.shards.len());
        assert!(held.shards.iter().all(|held| all.insert(held.shard.0)), "two owners");
    }
    assert_eq!(all.len(), 256);
    let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = 'fleet'";
    assert_eq!(server.number("fleet", sql).await, 0);
}

async fn the_nodes_are_told_of(server: &Server) {
    server.open("fleet").await.close().await;
    let engine = Node::begin(server, "b", LONG).await;
    engine.renew(LONG).await.unwrap();
    let gone = Node::begin(server, "gone", LONG).await;
    let roles = Roles { api: true, engine: false, sip: false };
    let api = NewSession { roles, ..node("a") };
    let session = gone.store.begin_session(&api, LONG).await.unwrap().unwrap().key;
    let sql = format!(
        "INSERT INTO binding (device, transport, remote, registered_at, refreshed_at, expires_at,
             nonce_at, nonce_count, ended_at, session)
         VALUES (1, 'UDP', '', 0, 0, 9000000000000, 0, 0, NULL, {key}),
                (2, 'UDP', '', 0, 0, 9000000000000, 0, 0, 5, {key}),
                (3, 'UDP', '', 0, 0, 1, 0, 0, NULL, {key})",
        key = session.0
    );
    server.sql("fleet", &sql).await;
    let state = engine.store.cluster(true).await.unwrap();
    assert!(state.engine.starts_with("PostgreSQL 1"), "{}", state.engine);
    let names: Vec<&str> = state.nodes.iter().map(|node| &*node.node.node).collect();
    assert_eq!(names, ["a", "b", "gone"]);
    assert_eq!((state.nodes[0].node.clone(), state.nodes[0].session), (api, session));
    assert_eq!((state.nodes[0].bindings, state.nodes[0].shards), (1, 0));
    assert_eq!(state.nodes[1].report, NodeReport { lanes: 7, actions: 1, feed_lag_ms: 3 });
    assert_eq!((state.nodes[1].shards, state.nodes[1].bindings), (256, 0));
    let left = state.nodes[1].left.unwrap();
    assert!(left <= LONG && left > LONG / 2);
    assert!(state.nodes[1].renewed_at >= state.nodes[1].started_at);
    assert_eq!(state.orphaned_shards, 0);
    assert_eq!(state.synchronous_standbys, Some(Vec::new()), "we may know, and there is none");

    server.sql("fleet", "UPDATE session SET expires_at = 1 WHERE node = 'gone'").await;
    let sql = "UPDATE session SET expires_at =
         (extract(epoch FROM clock_timestamp()) * 1000)::bigint - 5000 WHERE node = 'b'";
    server.sql("fleet", sql).await;
    let state = gone.store.cluster(true).await.unwrap();
    let left: Vec<_> =
        state.nodes.iter().map(|node| node.left.map(|left| left.is_zero())).collect();
    assert_eq!(left, [Some(false), Some(true)], "the one that is gone for good is left out");
    assert_eq!(state.orphaned_shards, 256);

    // One who may not see the standbys is not told that there is none.
    let sql = "CREATE ROLE plain LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO plain;
         GRANT ALL ON SCHEMA public TO plain";
    server.sql("fleet", sql).await;
    let mut options = server.options("fleet");
    options.url = options.url.replace("postgres://postgres@", "postgres://plain@");
    let plain = Postgres::open(options).await.unwrap();
    assert_eq!(plain.cluster(true).await.unwrap().synchronous_standbys, None);
}

async fn begun_and_ended_sessions_and_given_back_shards_are_told(server: &Server) {
    server.open("fleet").await.close().await;
    let node = Node::begin(server, "node", LONG).await;
    let told = async |after: FeedPosition| {
        let page = node.store.changes(after, 10).await.unwrap();
        for commit in &page.commits {
            assert_eq!(commit.changes, [Change::Cluster]);
            assert_eq!(commit.session, Some(node.session));
        }
        (page.commits.len(), page.next)
    };
    let (begun, at) = told(FeedPosition::default()).await;
    assert_eq!(begun, 1);
    node.renew(LONG).await.unwrap();
    assert_eq!(told(at).await, (0, at), "nothing that others lack");
    node.store.release(node.session, &[]).await.unwrap();
    assert_eq!(told(at).await.0, 0);
    node.store.release(node.session, &[Shard(3), Shard(1)]).await.unwrap();
    let (released, at) = told(at).await;
    assert_eq!(released, 1);
    node.store.end_session(node.session).await.unwrap();
    node.store.end_session(node.session).await.unwrap();
    assert_eq!(told(at).await.0, 1, "once");
}
