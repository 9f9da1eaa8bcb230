//! The one node that a database in a file has.

use std::time::Duration;

use fleet::Shard;

use super::opened::Opened;
use crate::conformance::fixture::*;
use crate::sqlite::restore;
use crate::{
    Change, Cluster, FeedPosition, Held, NewSession, NodeReport, Reads, Renewal, Roles,
    SessionEnded, SessionKey,
};

#[tokio::test]
async fn the_one_node_has_everything_and_its_session_does_not_run_out() {
    let opened = Opened::fresh();
    assert_eq!(opened.cluster(true).await.unwrap().orphaned_shards, 256);
    let begun = opened.begin_session(&node("node"), Duration::ZERO).await.unwrap().unwrap();
    assert!(!begun.expires);
    let report = NodeReport { lanes: 5, actions: 1, feed_lag_ms: 0 };
    let idle = Renewal { lease: Duration::ZERO, takes: false, report, ..renewal(begun.key) };
    let end = opened.feed_end().await.unwrap();
    let held = opened.renew(&idle).await.unwrap().unwrap();
    assert_eq!((held.shards.len(), held.surplus, held.engines), (256, 0, 1));
    assert!(held.shards.iter().all(|shard| shard.epoch.0 == 1 && shard.quiet.is_zero()));
    let of_held: Vec<_> = held.shards.iter().map(|held| (held.shard, held.epoch)).collect();
    assert_eq!(opened.epochs().await.unwrap(), of_held);
    // Nobody could take them.
    opened.release(begun.key, &[Shard(0)]).await.unwrap();
    let again = opened.renew(&idle).await.unwrap().unwrap();
    assert!(again.now >= held.now && held.now.0 > 0, "{held:?}");
    assert_eq!(again, Held { now: again.now, ..held });
    let state = opened.cluster(true).await.unwrap();
    assert!(state.engine.starts_with("SQLite 3."), "{}", state.engine);
    assert_eq!(opened.feed_end().await.unwrap(), end, "none of it was written");
    assert_eq!((state.orphaned_shards, &state.synchronous_standbys), (0, &None));
    let [one] = &state.nodes[..] else { panic!("{state:?}") };
    assert_eq!((&one.node, one.session, one.report), (&node("node"), begun.key, report));
    assert_eq!((one.left, one.shards, one.renewed_at), (None, 256, state.now));
    let other = renewal(SessionKey(begun.key.0 + 1));
    assert_eq!(opened.renew(&other).await.unwrap(), Err(SessionEnded::RanOut));
    opened.end_session(other.session).await.unwrap();
    assert!(opened.renew(&idle).await.unwrap().is_ok());
    opened.end_session(begun.key).await.unwrap();
    assert_eq!(opened.renew(&idle).await.unwrap(), Err(SessionEnded::RanOut));
}

#[tokio::test]
async fn a_node_of_another_name_takes_over_all_that_the_file_holds() {
    let opened = Opened::fresh();
    let (session, held) = begin(&*opened).await;
    let (_, keys) = cameras(&*opened, 1).await;
    bind(&*opened, vec![binding(keys[0])]).await;
    assert_eq!(opened.camera(keys[0]).await.unwrap().unwrap().bound_to, Some(session));

    let opened = Opened::with(opened.drop_store(), |_| {});
    let begun = opened.begin_session(&node("another"), LONG).await.unwrap().unwrap();
    assert_ne!(begun.key, session);
    let after = opened.renew(&renewal(begun.key)).await.unwrap().unwrap();
    let epochs = |held: &Held, by| {
        held.shards.iter().map(|held| (held.shard, held.epoch.0 + by)).collect::<Vec<_>>()
    };
    assert_eq!(epochs(&after, 0), epochs(&held, 1));
    assert_eq!(opened.camera(keys[0]).await.unwrap().unwrap().bound_to, Some(begun.key));
    let names = opened.cluster(true).await.unwrap().nodes;
    assert_eq!(names.iter().map(|node| &*node.node.node).collect::<Vec<_>>(), ["another"]);
    let told = opened.changes(FeedPosition::default(), 100).await.unwrap().commits;
    let last = told.last().unwrap();
    assert_eq!((&last.changes[..], last.session), (&[Change::Cluster][..], Some(begun.key)));
}

#[tokio::test]
async fn without_the_role_the_shards_are_nobodys() {
    let opened = Opened::fresh();
    begin(&*opened).await;
    let roles = Roles { engine: false, ..Roles::ALL };
    let node = NewSession { roles, ..node("node") };
    let session = opened.begin_session(&node, LONG).await.unwrap().unwrap().key;
    let held = opened.renew(&renewal(session)).await.unwrap().unwrap();
    assert_eq!(held, Held { shards: vec![], surplus: 0, engines: 0, now: held.now });
    let epochs = opened.epochs().await.unwrap();
    assert!(epochs.iter().all(|(_, epoch)| epoch.0 == 2), "what was before is fenced");
}

#[tokio::test]
async fn what_is_restored_from_a_backup_is_another_store() {
    let opened = Opened::fresh();
    create_project(&*opened, "p").await;
    let id = opened.store_id().await.unwrap();
    assert_eq!(opened.remember("kept", "as it is").await.unwrap(), "as it is");
    let backups = tempfile::tempdir().unwrap();
    let backup = opened.back_up(&backups.path().join("b.db")).await.unwrap();
    assert_eq!(opened.store_id().await.unwrap(), id, "the store itself keeps its id");
    let directory = tempfile::tempdir().unwrap();
    restore(&backup.path, &super::opened::file(directory.path())).unwrap();
    let restored = Opened::with(directory, |_| {});
    assert_ne!(restored.store_id().await.unwrap(), id);
    assert_eq!(restored.remembered("kept").await.unwrap().as_deref(), Some("as it is"));
    assert_eq!(restored.feed_end().await.unwrap(), opened.feed_end().await.unwrap());
}
