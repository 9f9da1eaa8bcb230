//! A primary and its synchronous standby.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::server::Server;
use crate::conformance::fixture::{accept, create_key, create_project, engine, fleet, request};
use crate::postgres::{Options, Postgres};
use crate::{Cluster as _, Error, Reads as _, Write, Writes as _, Written};

/// Whether a process waits for the standby after this statement.
fn waits_after(statement: &str) -> String {
    format!(
        "SELECT count(*) > 0 FROM pg_stat_activity
         WHERE wait_event = 'SyncRep' AND query LIKE '{statement}%'"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_is_answered_once_the_standby_has_it_whatever_ends_the_wait() {
    let primary = Server::start(&[]).await;
    let standby = primary.standby("second", &[]).await;
    primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'second'").await;
    primary.sql("postgres", "SELECT pg_reload_conf()").await;
    let sync = "SELECT sync_state = 'sync' FROM pg_stat_replication";
    primary.wait_until("postgres", sync).await;
    primary.sql("postgres", "CREATE DATABASE f").await;
    // Its sessions ask for the warnings that they live by.
    primary.sql("postgres", "ALTER ROLE postgres SET client_min_messages = error").await;

    let there = "SELECT count(*) = 1 FROM pg_database WHERE datname = 'f'";
    standby.wait_until("postgres", there).await;
    let said = Postgres::open(standby.options("f")).await.unwrap_err().to_string();
    assert!(said.contains("it is a standby"), "{said}");
    let url =
        format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{}/f", standby.port(), primary.port());
    let options = Options { url, synchronous_standby: true, ..primary.options("f") };
    let store = Arc::new(Postgres::open(options).await.unwrap());
    create_project(&*store, "p").await;

    standby.signal_all("STOP");
    let own = Arc::clone(&store);
    let mut writing = tokio::spawn(async move { own.write(&engine(), create_key("A", "p")).await });
    primary.wait_until("postgres", &waits_after("SELECT 1; COMMIT")).await;
    // The server calls the commit done, with a warning.
    let cancel = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity
         WHERE wait_event = 'SyncRep'";
    assert_eq!(primary.number("postgres", cancel).await, 1);
    let message = waits_after("SELECT pg_logical_emit_message");
    primary.wait_until("postgres", &message).await;
    // Nor does the wait count that makes up for it, if it is ended too.
    let first = "SELECT max(backend_xid::text::bigint) FROM pg_stat_activity
         WHERE wait_event = 'SyncRep'";
    let first = primary.number("postgres", first).await;
    assert_eq!(primary.number("postgres", cancel).await, 1);
    let another = format!("{message} AND backend_xid::text::bigint > {first}");
    primary.wait_until("postgres", &another).await;
    assert!(futures_util::FutureExt::now_or_never(&mut writing).is_none(), "answered too early");
    standby.signal_all("CONT");
    assert_eq!(writing.await.unwrap().unwrap(), Ok(Written::Done));
    // It has it on its disk, and shows it as soon as it has read so far.
    standby.wait_until("f", "SELECT to_regclass('access_key') IS NOT NULL").await;
    let there = "SELECT count(*) = 1 FROM access_key WHERE ak = 'A'";
    standby.wait_until("f", there).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_standby_is_away_a_writer_leaves_one_commit_behind() {
    const DEVICES: u64 = 40;
    let primary = Server::start(&[]).await;
    primary.sql("postgres", "CREATE DATABASE f").await;
    // With the usual deadline, by which all of it is answered.
    let patient = Postgres::open(primary.options("f")).await.unwrap();
    let (project, keys) = fleet(&patient, usize::try_from(DEVICES).unwrap()).await;
    patient.close().await;
    let write_deadline = Duration::from_secs(1);
    let options = Options { writers: 1, write_deadline, ..primary.options("f") };
    let store = Postgres::open(options).await.unwrap();
    primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'").await;
    primary.sql("postgres", "SELECT pg_reload_conf()").await;

    let principal = engine();
    let round = async |first: u64| {
        let write = |number: u64| {
            let key = keys[usize::try_from(number % DEVICES).unwrap()];
            let call = accept(project, request(number), &[(key, &[])]);
            store.write(&principal, Write::Accept(call))
        };
        join_all((first..first + 8).map(write)).await
    };
    let is_away = |answer: &Result<_, Error>| matches!(answer, Err(Error::Away { .. }));
    let started = Instant::now();
    let mut number = 0;
    while !round(number).await.iter().all(is_away) {
        assert!(started.elapsed() < Duration::from_secs(60), "commits go on being begun");
        number += 8;
    }
    let connections = "SELECT count(*) FROM pg_stat_activity
         WHERE datname = 'f' AND application_name = 'fleetwright'";
    let before = primary.number("f", connections).await;
    let asked = Instant::now();
    for _ in 0..40 {
        number += 8;
        assert!(round(number).await.iter().all(is_away));
    }
    // If each round waited for the deadline, they would take twice as long.
    assert!(asked.elapsed() < Duration::from_secs(20), "told at once: {:?}", asked.elapsed());
    // It may have come to ask what became of its commit only now.
    assert!(primary.number("f", connections).await <= before + 1);
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    assert_eq!(primary.number("f", waiting).await, 1);

    primary.sql("postgres", "ALTER SYSTEM RESET synchronous_standby_names").await;
    primary.sql("postgres", "SELECT pg_reload_conf()").await;
    let started = Instant::now();
    while round(number).await.iter().any(is_away) {
        assert!(started.elapsed() < Duration::from_secs(60), "it does not go on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_has_taken_over_is_read_at_once_and_its_feed_is_another() {
    let primary = Server::start(&[]).await;
    let standby = primary.standby("second", &[]).await;
    primary.sql("postgres", "CREATE DATABASE f").await;
    let url =
        format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{}/f", primary.port(), standby.port());
    let store = Postgres::open(Options { url, ..primary.options("f") }).await.unwrap();
    create_project(&store, "p").await;
    assert_eq!(store.projects(&engine()).await.unwrap().len(), 1);
    let end = store.feed_end().await.unwrap();
    assert!(!store.changes(end, 9).await.unwrap().gap);
    let there = "SELECT count(*) = 1 FROM pg_database WHERE datname = 'f'";
    standby.wait_until("postgres", there).await;
    standby.wait_until("f", "SELECT to_regclass('project') IS NOT NULL").await;
    standby.wait_until("f", "SELECT count(*) = 1 FROM project").await;

    standby.sql("postgres", "SELECT pg_promote()").await;
    // The one before goes on answering what it is asked.
    primary.sql("postgres", "ALTER SYSTEM SET default_transaction_read_only = on").await;
    primary.sql("postgres", "SELECT pg_reload_conf()").await;
    let read_only = "SELECT current_setting('default_transaction_read_only') = 'on'";
    primary.wait_until("postgres", read_only).await;
    create_project(&store, "q").await;
    assert_eq!(store.projects(&engine()).await.unwrap().len(), 2);
    let page = store.changes(end, 9).await.unwrap();
    assert!(page.gap && page.commits.is_empty(), "{page:?}");
    assert!(page.next.timeline > end.timeline, "{page:?}");
    assert!(!store.changes(page.next, 9).await.unwrap().gap);
}
