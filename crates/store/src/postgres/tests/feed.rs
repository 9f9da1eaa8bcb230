//! The feed while transactions are open that have begun earlier.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_postgres::Client;

use super::server::Server;
use crate::postgres::Postgres;
use crate::{Change, Cluster, Commit, FeedPage, FeedPosition};

/// What each commit of these tests tells.
const INSERT: &str = "INSERT INTO event (session, changes) VALUES (NULL, '[\"keys\"]')";

/// Longer ago than anything of these tests.
const LONG_AGO: Duration = Duration::from_secs(24 * 3_600);

/// All cases on one server, each with the database `fleet` to itself, and one after the other: an
/// open transaction in one database holds up the feeds of all. So would one of the server's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_case_of_the_feed_passes() {
    let server = Server::start(&["autovacuum=off"]).await;
    for_each_case!(server:
        nothing_is_told_before_what_began_earlier,
        what_is_undone_holds_up_and_is_never_told,
        each_commit_is_told_once_and_in_one_order,
        what_is_forgotten_leaves_a_gap_before_it_alone,
        a_position_that_is_none_of_this_database_is_a_gap,
        what_a_newer_version_tells_is_passed_over_as_missed
    );
}

/// What was committed after a position.
async fn changes(store: &Postgres, after: FeedPosition) -> FeedPage {
    store.changes(after, 100).await.unwrap()
}

/// Tells of something in a transaction that stays open.
async fn begin(server: &Server) -> Client {
    let client = server.client("fleet").await;
    client.batch_execute(&format!("BEGIN; {INSERT}")).await.unwrap();
    client
}

async fn nothing_is_told_before_what_began_earlier(server: &Server) {
    let store = server.open("fleet").await;
    let start = store.feed_end().await.unwrap();
    let earlier = begin(server).await;
    let (end, empty) = (store.feed_end().await.unwrap(), changes(&store, start).await);
    assert_eq!((empty.commits, empty.held_back_ms), (vec![], 0));
    server.sql("fleet", INSERT).await;
    server.sql("fleet", "UPDATE event SET at = at - 3000").await;

    let page = changes(&store, start).await;
    assert_eq!((page.commits, page.next, page.gap), (vec![], start, false));
    assert!((3_000..60_000).contains(&page.held_back_ms), "{}", page.held_back_ms);
    let late = store.feed_end().await.unwrap();
    earlier.batch_execute("COMMIT").await.unwrap();
    for from in [start, end, late] {
        let page = changes(&store, from).await;
        assert_eq!((page.commits.len(), page.held_back_ms), (2, 0), "from {from:?}");
        let places: Vec<_> = page.commits.iter().map(|commit| commit.position).collect();
        assert!(places.is_sorted() && places[0].transaction < places[1].transaction);
        assert_eq!(page.next, places[1]);
        assert_eq!(page.commits[0].changes, [Change::Keys]);
        assert_eq!(page.commits[0].session, None);
    }
    let end = store.feed_end().await.unwrap();
    let page = changes(&store, end).await;
    assert_eq!((page.commits, page.next, page.gap), (vec![], end, false));
}

async fn what_is_undone_holds_up_and_is_never_told(server: &Server) {
    let store = server.open("fleet").await;
    let undone = begin(server).await;
    server.sql("fleet", INSERT).await;
    assert_eq!(changes(&store, FeedPosition::default()).await.commits, []);
    undone.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(changes(&store, FeedPosition::default()).await.commits.len(), 1);
}

/// Writers whose transactions overlap in every way, and readers that follow: each is told of each
/// commit once, in one order.
async fn each_commit_is_told_once_and_in_one_order(server: &Server) {
    const WRITERS: usize = 6;
    const COMMITS: usize = 60;
    let store = Arc::new(server.open("fleet").await);
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for _ in 0..2 {
        let (store, done) = (Arc::clone(&store), Arc::clone(&done));
        readers.spawn(async move {
            let (mut seen, mut after) = (Vec::<Commit>::new(), FeedPosition::default());
            loop {
                let ended = done.load(Ordering::SeqCst);
                let page = store.changes(after, 7).await.unwrap();
                assert!(!page.gap);
                after = page.next;
                if ended && page.commits.is_empty() {
                    return seen;
                }
                seen.extend(page.commits);
            }
        });
    }
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let client = server.client("fleet").await;
        writers.spawn(async move {
            for number in 0..COMMITS {
                let end = if (number + writer) % 5 == 0 { "ROLLBACK" } else { "COMMIT" };
                client.batch_execute(&format!("BEGIN; {INSERT}")).await.unwrap();
                // Some stay open for as long as others need for several.
                for _ in 0..(number * 7 + writer * 3) % 11 {
                    client.batch_execute("SELECT 1").await.unwrap();
                }
                client.batch_execute(end).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    done.store(true, Ordering::SeqCst);
    let seen = readers.join_all().await;
    for seen in &seen {
        let places: Vec<_> = seen.iter().map(|commit| commit.position).collect();
        assert!(places.is_sorted());
        let rows: BTreeSet<i64> = places.iter().map(|place| place.row).collect();
        assert_eq!((rows.len(), places.len()), (WRITERS * COMMITS * 4 / 5, rows.len()));
    }
    assert_eq!(seen[0], seen[1]);
}

async fn what_is_forgotten_leaves_a_gap_before_it_alone(server: &Server) {
    let store = server.open("fleet").await;
    let start = FeedPosition::default();
    for _ in 0..6 {
        server.sql("fleet", INSERT).await;
    }
    server.sql("fleet", "UPDATE event SET at = at - 60000 WHERE seq <= 4").await;
    let all = changes(&store, start).await;
    assert!(!all.gap);
    let place = |number: usize| all.commits[number].position;
    let half_a_minute = Duration::from_secs(30);
    assert_eq!(store.prune_feed(LONG_AGO, 10).await.unwrap(), 0);
    assert_eq!(store.prune_feed(half_a_minute, 0).await.unwrap(), 0);
    assert!(!changes(&store, start).await.gap, "nothing is forgotten yet");

    assert_eq!(store.prune_feed(half_a_minute, 3).await.unwrap(), 3);
    let page = changes(&store, start).await;
    assert!(page.gap);
    assert_eq!(page.commits, all.commits[3..]);
    assert!(changes(&store, place(1)).await.gap);
    assert!(!changes(&store, place(2)).await.gap, "it has seen all that is forgotten");
    // The page may end with what is forgotten: it goes on after it and is told once.
    let page = store.changes(start, 1).await.unwrap();
    assert_eq!((page.gap, page.commits.len(), page.next), (true, 0, place(2)));
    assert!(!changes(&store, page.next).await.gap);

    assert_eq!(store.prune_feed(half_a_minute, 10).await.unwrap(), 1);
    assert_eq!(store.prune_feed(half_a_minute, 10).await.unwrap(), 0);
    assert_eq!(changes(&store, place(3)).await.commits, all.commits[4..]);
    // The last one stays, however old.
    assert_eq!(store.prune_feed(Duration::ZERO, 10).await.unwrap(), 1);
    assert_eq!(store.prune_feed(Duration::ZERO, 10).await.unwrap(), 0);
    let page = changes(&store, place(4)).await;
    assert_eq!((page.gap, page.commits), (false, all.commits[5..].to_vec()));
    assert_eq!(server.number("fleet", "SELECT count(*) FROM event").await, 2);
}

async fn a_position_that_is_none_of_this_database_is_a_gap(server: &Server) {
    let store = server.open("fleet").await;
    server.sql("fleet", INSERT).await;
    let end = store.feed_end().await.unwrap();
    let beyond = FeedPosition { transaction: end.transaction + 1_000, row: 1, ..end };
    let page = changes(&store, beyond).await;
    assert_eq!((page.gap, page.commits, page.next), (true, vec![], end));
}

async fn what_a_newer_version_tells_is_passed_over_as_missed(server: &Server) {
    let store = server.open("fleet").await;
    let sql = "INSERT INTO event (session, changes) VALUES (NULL, '[{\"colours\": 3}]')";
    server.sql("fleet", sql).await;
    server.sql("fleet", INSERT).await;
    let page = changes(&store, FeedPosition::default()).await;
    assert_eq!((page.gap, page.commits.len()), (true, 1));
    assert!(!changes(&store, page.next).await.gap);
}
