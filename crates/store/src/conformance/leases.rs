//! Sessions, and whose the shards are.
//!
//! A node that is to live has a lease that no case waits for the end of. One that is to die is
//! renewed for [`DYING`] at last, and then so much time passes.

use std::time::Duration;

use fleet::{Epoch, Shard, Timestamp};

use super::Nodes;
use super::fixture::*;
use crate::{
    Held, HeldShard, NameTaken, NewSession, NodeReport, Renewal, Roles, SessionEnded, SessionKey,
    Store,
};

/// The last lease of a node that dies.
pub(crate) const DYING: Duration = Duration::from_millis(100);

/// After it, whatever was begun with it is over.
pub(crate) const DEAD_AFTER: Duration = Duration::from_millis(300);

/// Begins a session for long.
pub(crate) async fn begun(store: &dyn Store, node: &NewSession) -> SessionKey {
    let session = store.begin_session(node, LONG).await.unwrap().unwrap();
    assert!(session.expires);
    session.key
}

/// Renews it for long, and takes what it can. The time is left out: it goes on.
pub(crate) async fn renewed(store: &dyn Store, session: SessionKey) -> Held {
    timeless(store.renew(&renewal(session)).await.unwrap().unwrap())
}

fn timeless(held: Held) -> Held {
    Held { now: Timestamp::default(), ..held }
}

/// Lets a session run out.
pub(crate) async fn die(nodes: &dyn Nodes, store: &dyn Store, session: SessionKey) {
    let last = Renewal { lease: DYING, ..renewal(session) };
    store.renew(&last).await.unwrap().unwrap();
    nodes.pass(DEAD_AFTER).await;
}

fn shards(held: &Held) -> Vec<Shard> {
    held.shards.iter().map(|held| held.shard).collect()
}

/// Whether the epochs of all shards of `held` are `by` above those in `before`.
fn are_above(held: &Held, before: &Held, by: i64) -> bool {
    let epoch = |shard: &HeldShard| {
        let found = before.shards.iter().find(|before| before.shard == shard.shard);
        found.map(|found| Epoch(found.epoch.0 + by))
    };
    held.shards.iter().all(|shard| Some(shard.epoch) == epoch(shard))
}

pub(crate) async fn a_name_is_taken_while_its_session_lasts(nodes: &dyn Nodes) {
    let (a, b) = (nodes.node().await, nodes.node().await);
    let first = begun(&*a, &node("one")).await;
    let elsewhere = NewSession {
        directory: "f".repeat(32),
        http: "http://elsewhere".to_owned(),
        ..node("one")
    };
    let NameTaken { node: name, http, left } =
        b.begin_session(&elsewhere, LONG).await.unwrap().unwrap_err();
    assert_eq!((name.as_str(), http.as_str()), ("one", "http://one"));
    assert!(left > LONG / 2 && left <= LONG, "{left:?}");
    assert_eq!(renewed(&*a, first).await.shards.len(), 256, "nothing has happened to it");
    begun(&*b, &node("two")).await;

    die(nodes, &*a, first).await;
    let second = begun(&*b, &elsewhere).await;
    assert_ne!(second, first);
    // It is the other's name now.
    assert_eq!(a.renew(&renewal(first)).await.unwrap(), Err(SessionEnded::RanOut));
    assert!(a.begin_session(&node("one"), LONG).await.unwrap().is_err());
}

pub(crate) async fn the_same_directory_again_has_the_same_session_under_higher_epochs(
    nodes: &dyn Nodes,
) {
    let (session, held) = begin(&*nodes.node().await).await;
    let epochs = |held: &Held| held.shards.iter().map(|held| held.epoch.0).collect::<Vec<_>>();
    assert!(epochs(&held).iter().all(|epoch| *epoch > 0));
    let again = nodes.node().await;
    let version = "2".to_owned();
    let node = NewSession { version, http: "http://new".to_owned(), ..node("node") };
    assert_eq!(begun(&*again, &node).await, session);
    let state = again.cluster(true).await.unwrap();
    assert_eq!(state.nodes.iter().map(|state| &state.node).collect::<Vec<_>>(), [&node]);
    assert_eq!((state.nodes[0].shards, state.orphaned_shards), (256, 0));

    let after = renewed(&*again, session).await;
    assert_eq!(shards(&after), shards(&held));
    assert!(are_above(&after, &held, 1), "{after:?}");
    assert!(after.shards.iter().all(|shard| shard.quiet.is_zero()), "that process has ended");
    let epochs = again.epochs().await.unwrap();
    assert_eq!(epochs.len(), 256);
    let of_held: Vec<_> = after.shards.iter().map(|held| (held.shard, held.epoch)).collect();
    assert_eq!(epochs, of_held);
}

pub(crate) async fn a_process_on_a_copy_of_the_directory_takes_the_session(nodes: &dyn Nodes) {
    let instance = |digit: &str| digit.repeat(32);
    let of = |session, digit| Renewal { instance: instance(digit), ..renewal(session) };
    let (a, b) = (nodes.node().await, nodes.node().await);
    let first = NewSession { instance: instance("a"), ..node("node") };
    let session = begun(&*a, &first).await;
    let held = a.renew(&of(session, "a")).await.unwrap().unwrap();
    // The same start again, after its session has ended, has not been replaced.
    a.end_session(session).await.unwrap();
    assert_eq!(a.renew(&of(session, "a")).await.unwrap(), Err(SessionEnded::RanOut));
    assert_eq!(begun(&*a, &first).await, session);

    let second =
        NewSession { instance: instance("b"), http: "http://copy".to_owned(), ..node("node") };
    assert_eq!(begun(&*b, &second).await, session);
    let taken = |by: &str| Err(SessionEnded::Taken { by: by.to_owned() });
    for _ in 0..2 {
        assert_eq!(a.renew(&of(session, "a")).await.unwrap(), taken("http://copy"));
    }
    let after = b.renew(&of(session, "b")).await.unwrap().unwrap();
    assert!(after.shards.len() == 256 && !are_above(&after, &held, 0), "{after:?}");
    // It stays so when that one has ended, and another name makes no difference.
    b.end_session(session).await.unwrap();
    assert_eq!(a.renew(&of(session, "a")).await.unwrap(), taken("http://copy"));
    let third = NewSession {
        instance: instance("c"),
        http: "http://third".to_owned(),
        directory: first.directory.clone(),
        ..node("renamed")
    };
    let renamed = begun(&*a, &third).await;
    assert_eq!(b.renew(&of(session, "b")).await.unwrap(), taken("http://third"));
    assert_eq!(a.renew(&of(renamed, "c")).await.unwrap().unwrap().shards.len(), 256);
}

pub(crate) async fn a_directory_under_another_name_takes_what_the_earlier_one_had(
    nodes: &dyn Nodes,
) {
    let (session, held) = begin(&*nodes.node().await).await;
    let again = nodes.node().await;
    let renamed = NewSession { node: "renamed".to_owned(), ..node("node") };
    let own = begun(&*again, &renamed).await;
    assert_ne!(own, session);
    let after = renewed(&*again, own).await;
    assert_eq!((after.shards.len(), after.engines), (256, 1));
    assert!(are_above(&after, &held, 1));
    assert!(after.shards.iter().all(|shard| shard.quiet.is_zero()), "that process has ended");
    assert_eq!(again.renew(&renewal(session)).await.unwrap(), Err(SessionEnded::RanOut));
}

pub(crate) async fn a_session_renewed_too_late_has_ended(nodes: &dyn Nodes) {
    let (a, b) = (nodes.node().await, nodes.node().await);
    let (session, held) = begin(&*a).await;
    let unknown = SessionKey(session.0 + 1_000);
    assert_eq!(b.renew(&renewal(unknown)).await.unwrap(), Err(SessionEnded::RanOut));
    die(nodes, &*a, session).await;
    assert_eq!(a.renew(&renewal(session)).await.unwrap(), Err(SessionEnded::RanOut));
    assert_eq!(a.renew(&renewal(session)).await.unwrap(), Err(SessionEnded::RanOut), "it stays so");
    assert_eq!(a.cluster(true).await.unwrap().orphaned_shards, 256);

    // It begins anew: nobody has taken what it had.
    let again = a.begin_session(&node("node"), LONG).await.unwrap().unwrap().key;
    assert_eq!(again, session);
    let after = renewed(&*a, again).await;
    assert!(are_above(&after, &held, 1) && after.shards.len() == 256);
    assert!(after.shards.iter().all(|shard| shard.quiet.is_zero()));
}

pub(crate) async fn shards_of_a_dead_node_are_taken_and_are_quiet(nodes: &dyn Nodes) {
    let (a, b) = (nodes.node().await, nodes.node().await);
    let (one, held) = begin(&*a).await;
    let two = begun(&*b, &node("two")).await;
    let nothing = Held { shards: vec![], surplus: 0, engines: 2, now: Timestamp::default() };
    assert_eq!(renewed(&*b, two).await, nothing, "its owner lives");
    die(nodes, &*a, one).await;
    let after = renewed(&*b, two).await;
    assert_eq!((after.shards.len(), after.surplus, after.engines), (256, 0, 1));
    assert!(are_above(&after, &held, 1));
    let quiet = |shard: &HeldShard| shard.quiet > LONG / 2 && shard.quiet <= LONG;
    assert!(after.shards.iter().all(quiet), "{after:?}");
    let again = renewed(&*b, two).await;
    assert!(are_above(&again, &after, 0), "what is held stays as it is");
    assert!(again.shards.iter().all(quiet), "and quiet");
}

pub(crate) async fn quiet_time_passes(nodes: &dyn Nodes) {
    let (a, b) = (nodes.node().await, nodes.node().await);
    let one = begin(&*a).await.0;
    let two = begun(&*b, &node("two")).await;
    die(nodes, &*a, one).await;
    let brief = Renewal { quiet: DYING, ..renewal(two) };
    let held = b.renew(&brief).await.unwrap().unwrap();
    assert!(held.shards.iter().all(|shard| shard.quiet <= DYING));
    nodes.pass(DEAD_AFTER).await;
    let held = renewed(&*b, two).await;
    assert_eq!(held.shards.len(), 256);
    assert!(held.shards.iter().all(|shard| shard.quiet.is_zero()), "{held:?}");
}

pub(crate) async fn quiet_time_is_kept_when_a_shard_is_given_back(nodes: &dyn Nodes) {
    let (a, b, c) = (nodes.node().await, nodes.node().await, nodes.node().await);
    let one = begin(&*a).await.0;
    let two = begun(&*b, &node("two")).await;
    die(nodes, &*a, one).await;
    let quiet = renewed(&*b, two).await;
    let three = begun(&*c, &node("three")).await;
    let given: Vec<Shard> = shards(&quiet).into_iter().take(40).collect();
    b.release(two, &given).await.unwrap();
    let brief = Renewal { quiet: Duration::ZERO, ..renewal(three) };
    let held = c.renew(&brief).await.unwrap().unwrap();
    assert_eq!(shards(&held), given);
    assert!(held.shards.iter().all(|shard| shard.quiet > LONG / 2), "{held:?}");
    // A node that comes back on its directory waits for it too.
    begun(&*b, &node("two")).await;
    let held = renewed(&*b, two).await;
    assert!(held.shards.iter().all(|shard| shard.quiet > LONG / 2), "{held:?}");
}

/// Every node renews and gives its surplus back, again and again until none has any; gives what
/// each holds then.
async fn level(members: &[(&dyn Store, SessionKey)]) -> Vec<Held> {
    for _ in 0..5 {
        let mut all = Vec::new();
        for (store, session) in members {
            let held = renewed(*store, *session).await;
            assert_eq!(held.engines, members.len());
            let given: Vec<Shard> = shards(&held).into_iter().take(held.surplus).collect();
            store.release(*session, &given).await.unwrap();
            all.push(held);
        }
        if all.iter().all(|held| held.surplus == 0)
            && all.iter().map(|held| held.shards.len()).sum::<usize>() == 256
        {
            return all;
        }
    }
    panic!("not level");
}

/// How many each holds, the least first.
fn counts(all: &[Held]) -> Vec<usize> {
    let mut counts: Vec<usize> = all.iter().map(|held| held.shards.len()).collect();
    counts.sort_unstable();
    counts
}

pub(crate) async fn shards_are_shared_evenly_and_move_no_more_than_needed(nodes: &dyn Nodes) {
    let (a, b, c) = (nodes.node().await, nodes.node().await, nodes.node().await);
    let one = begin(&*a).await.0;
    let two = begun(&*b, &node("two")).await;
    let first = renewed(&*a, one).await;
    assert_eq!((first.shards.len(), first.surplus), (256, 128));
    let of_two = level(&[(&*a, one), (&*b, two)]).await;
    assert_eq!(counts(&of_two), [128, 128]);
    let kept = of_two[0].shards.iter().all(|shard| first.shards.contains(shard));
    assert!(kept, "what it keeps stays under the same epochs");
    assert!(are_above(&of_two[1], &first, 1));
    assert!(of_two[1].shards.iter().all(|shard| shard.quiet.is_zero()), "it was given back");

    let three = begun(&*c, &node("three")).await;
    let of_three = level(&[(&*a, one), (&*b, two), (&*c, three)]).await;
    assert_eq!(counts(&of_three), [85, 85, 86]);
    for (before, after) in of_two.iter().zip(&of_three) {
        assert!(after.shards.iter().all(|shard| before.shards.contains(shard)), "none has moved");
    }
    let again = level(&[(&*c, three), (&*b, two), (&*a, one)]).await;
    assert_eq!(counts(&again), [85, 85, 86]);
    assert_eq!(again[0], of_three[2], "those that differ by one are level");

    die(nodes, &*c, three).await;
    let of_two = level(&[(&*a, one), (&*b, two)]).await;
    assert_eq!(counts(&of_two), [128, 128]);
    let orphans = shards(&of_three[2]);
    for held in of_two.iter().flat_map(|held| &held.shards) {
        assert_eq!(!held.quiet.is_zero(), orphans.contains(&held.shard), "{held:?}");
    }
}

pub(crate) async fn a_session_that_ends_frees_its_shards_at_once(nodes: &dyn Nodes) {
    let (a, b) = (nodes.node().await, nodes.node().await);
    let (one, held) = begin(&*a).await;
    let two = begun(&*b, &node("two")).await;
    a.end_session(one).await.unwrap();
    assert_eq!(a.renew(&renewal(one)).await.unwrap(), Err(SessionEnded::RanOut));
    let after = renewed(&*b, two).await;
    assert_eq!((after.shards.len(), after.engines), (256, 1));
    assert!(are_above(&after, &held, 1));
    assert!(after.shards.iter().all(|shard| shard.quiet.is_zero()));
    let state = b.cluster(true).await.unwrap();
    let ended = state.nodes.iter().find(|node| node.session == one).unwrap();
    assert_eq!((ended.left, ended.shards), (Some(Duration::ZERO), 0));
    // Ending it twice, or one that there never was, does nothing.
    b.end_session(one).await.unwrap();
    b.end_session(SessionKey(two.0 + 1_000)).await.unwrap();
    assert!(are_above(&renewed(&*b, two).await, &after, 0));
}

pub(crate) async fn a_node_without_the_role_takes_nothing_and_needs_no_share(nodes: &dyn Nodes) {
    let (a, b) = (nodes.node().await, nodes.node().await);
    let roles = Roles { engine: false, ..Roles::ALL };
    let two = begun(&*b, &NewSession { roles, ..node("two") }).await;
    let nothing = Held { shards: vec![], surplus: 0, engines: 0, now: Timestamp::default() };
    assert_eq!(renewed(&*b, two).await, nothing);
    let one = begin(&*a).await.0;
    assert_eq!(renewed(&*b, two).await, Held { engines: 1, ..nothing });
    // One that had the role and comes back without it has no shards any more.
    assert_eq!(begun(&*a, &NewSession { roles, ..node("node") }).await, one);
    assert!(renewed(&*a, one).await.shards.is_empty());
    assert_eq!(a.cluster(true).await.unwrap().orphaned_shards, 256);
}

pub(crate) async fn a_node_that_takes_nothing_keeps_what_it_has(nodes: &dyn Nodes) {
    let store = nodes.node().await;
    let session = begun(&*store, &node("node")).await;
    let idle = Renewal { takes: false, ..renewal(session) };
    assert!(store.renew(&idle).await.unwrap().unwrap().shards.is_empty());
    let held = renewed(&*store, session).await;
    assert_eq!(held.shards.len(), 256);
    assert_eq!(timeless(store.renew(&idle).await.unwrap().unwrap()), held);
}

pub(crate) async fn nobody_gives_back_what_is_anothers(nodes: &dyn Nodes) {
    let (a, b) = (nodes.node().await, nodes.node().await);
    let (one, held) = begin(&*a).await;
    let two = begun(&*b, &node("two")).await;
    b.release(two, &shards(&held)).await.unwrap();
    assert_eq!(renewed(&*a, one).await.shards, held.shards);
    a.release(one, &[]).await.unwrap();
    assert_eq!(renewed(&*a, one).await.shards, held.shards);
}

pub(crate) async fn the_cluster_is_told_with_its_nodes(nodes: &dyn Nodes) {
    let (a, b) = (nodes.node().await, nodes.node().await);
    let roles = Roles { api: true, engine: false, sip: true };
    let sip = NewSession { roles, sip: "192.0.2.1:5060".to_owned(), ..node("a-sip") };
    let two = begun(&*b, &sip).await;
    let one = begin(&*a).await.0;
    let (_, keys) = cameras(&*a, 3).await;
    let now = a.cluster(true).await.unwrap().now;
    let until = |ms: i64| Timestamp(now.0 + ms);
    let lasting = |key| fleet::Binding { expires_at: until(3_600_000), ..binding(key) };
    let over = fleet::Binding { expires_at: until(0), ..binding(keys[2]) };
    bind_to(&*b, two, vec![lasting(keys[0]), lasting(keys[1]), over]).await;
    let report = NodeReport { lanes: 7, actions: 3, feed_lag_ms: 20 };
    let held = a.renew(&Renewal { report, ..renewal(one) }).await.unwrap().unwrap();

    let state = b.cluster(true).await.unwrap();
    assert!(state.engine.contains(' '), "{state:?}");
    assert!((now..=state.now).contains(&held.now), "{state:?}");
    let names: Vec<&NewSession> = state.nodes.iter().map(|node| &node.node).collect();
    assert_eq!(names, [&sip, &node("node")], "by name");
    let [of_sip, of_engine] = &state.nodes[..] else { panic!("{state:?}") };
    assert_eq!((of_sip.session, of_sip.shards, of_sip.bindings), (two, 0, 2));
    assert_eq!((of_engine.session, of_engine.shards, of_engine.bindings), (one, 256, 0));
    assert_eq!((of_sip.report, of_engine.report), (NodeReport::default(), report));
    for node in &state.nodes {
        assert!(node.left.is_some_and(|left| left > LONG / 2 && left <= LONG), "{node:?}");
        assert!(node.started_at <= node.renewed_at && node.renewed_at <= state.now);
    }
    assert_eq!(state.orphaned_shards, 0);
    let uncounted = b.cluster(false).await.unwrap().nodes;
    assert!(uncounted.iter().all(|node| node.bindings == 0), "{uncounted:?}");
    assert_eq!(uncounted.len(), 2);
    die(nodes, &*a, one).await;
    let state = b.cluster(true).await.unwrap();
    assert_eq!((state.nodes[1].left, state.orphaned_shards), (Some(Duration::ZERO), 256));
}
