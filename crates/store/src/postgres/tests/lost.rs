//! Connections that are lost and servers that hang or die: no answer is ever false, and the store
//! goes on as soon as the server does.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::gate::Gate;
use super::proxy::{Cut, Proxy};
use super::server::Server;
use crate::conformance::fixture::*;
use crate::postgres::{Options, Postgres};
use crate::write::{CreateUser, IssueToken};
use crate::{Cluster as _, Error, Reads as _, Write, Writes as _, Written};

/// Ends all other connections to the database.
const TERMINATE: &str = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
     WHERE datname = 'f' AND pid <> pg_backend_pid()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_under_way_on_a_lost_connection_is_done_on_another() {
    let server = Server::start(&[]).await;
    server.sql("postgres", "CREATE DATABASE f").await;
    let (gate, faults) = Gate::new();
    let options = Options { faults, ..server.options("f") };
    let store = Arc::new(Postgres::open(options).await.unwrap());
    let (project, keys) = fleet(&*store, 1).await;
    gate.close();
    let own = Arc::clone(&store);
    let key = keys[0];
    let writing =
        tokio::spawn(async move { accept_one(&*own, project, 1, key, &[("a", "1")]).await });
    gate.reached().await;
    assert!(server.number("f", TERMINATE).await > 0);
    gate.open();
    assert_eq!(writing.await.unwrap().revision.0, 1);
    let state = device(&*store, key).await.state;
    assert_eq!((state.revision.0, state.open_jobs.len()), (1, 1));
    // Connections that were lost while nobody used them are no matter to anybody.
    server.number("f", TERMINATE).await;
    server.wait_until("f", "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = 'f'").await;
    assert_eq!(device(&*store, key).await.state.revision.0, 1);
    accept_one(&*store, project, 2, key, &[("a", "2")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_without_an_answer_is_asked_about() {
    let server = Server::start(&[]).await;
    server.sql("postgres", "CREATE DATABASE f").await;
    let proxy = Proxy::to(&server).await;
    let store = Postgres::open(proxy.options(&server, "f")).await.unwrap();
    let (project, keys) = fleet(&store, 1).await;
    let cuts = [Cut::BeforeCommit, Cut::AfterCommit, Cut::AfterCommit, Cut::BeforeCommit];
    for (number, cut) in (1..).zip(cuts) {
        let events = server.number("f", "SELECT count(*) FROM event").await;
        proxy.cut(cut);
        let entry = accept_one(&store, project, number, keys[0], &[("a", "1")]).await;
        assert!(proxy.has_cut());
        assert_eq!(entry.revision.0, i64::try_from(number).unwrap(), "{cut:?}");
        let jobs = server.number("f", "SELECT count(*) FROM job").await;
        assert_eq!(jobs, entry.revision.0, "{cut:?}");
        let told = server.number("f", "SELECT count(*) FROM event").await - events;
        assert_eq!(told, 1, "{cut:?}");
    }
    // The same for one that goes alone.
    for (ak, cut) in [("A", Cut::BeforeCommit), ("B", Cut::AfterCommit)] {
        proxy.cut(cut);
        let answer = store.write(&engine(), create_key(ak, "p")).await.unwrap();
        assert_eq!(answer, Ok(Written::Done), "{cut:?}");
        assert!(proxy.has_cut());
        assert!(store.access_key(ak).await.unwrap().is_some());
    }
    // What tells nothing can't be told from what another server made of the same number.
    let user = CreateUser {
        project: project_id("p"),
        name: "somebody".to_owned(),
        grant: fleet::Grant::Operator,
        password_hash: "hash".to_owned(),
        at: AT,
    };
    store.write(&engine(), Write::CreateUser(user)).await.unwrap().unwrap();
    let issue = |number: u8| {
        Write::IssueToken(IssueToken {
            user: "somebody".to_owned(),
            id: format!("token-{number}"),
            password_hash: "hash".to_owned(),
            hash: [number; 32],
            at: AT,
            expires_at: LATER,
        })
    };
    proxy.cut(Cut::BeforeCommit);
    assert_eq!(store.write(&engine(), issue(1)).await.unwrap(), Ok(Written::Done));
    proxy.cut(Cut::AfterCommit);
    let answer = store.write(&engine(), issue(2)).await;
    assert!(matches!(answer, Err(Error::Unknown { .. })), "{answer:?}");
    assert_eq!(store.write(&engine(), issue(3)).await.unwrap(), Ok(Written::Done));
}

#[tokio::test]
async fn nodes_are_told_that_the_server_is_away() {
    let server = Server::start(&[]).await;
    let store = server.open("f").await;
    let session = store.begin_session(&node("one"), LONG).await.unwrap().unwrap().key;
    let end = store.feed_end().await.unwrap();
    drop(server);
    let is_away = |error: Error| assert!(matches!(error, Error::Away { .. }), "{error:?}");
    // The first finds its connection gone, the second that there is no other.
    for _ in 0..2 {
        is_away(store.changes(end, 9).await.unwrap_err());
        is_away(store.renew(&renewal(session)).await.unwrap_err());
        is_away(store.remember("a", "b").await.unwrap_err());
        is_away(store.remembered("a").await.unwrap_err());
        is_away(store.cluster(true).await.unwrap_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answered_write_is_lost_when_server_processes_are_killed() {
    const KILLS: usize = 4;
    let server = Server::start(&[]).await;
    let store = Arc::new(server.open("f").await);
    let (project, keys) = fleet(&*store, 8 * 50).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for (client, own) in (0_u64..).zip(keys.chunks(50)) {
        let (store, stop) = (Arc::clone(&store), Arc::clone(&stop));
        let own = own.to_vec();
        clients.spawn(async move {
            let mut accepted = Vec::new();
            let mut number = client << 32;
            // In turn, for a device takes no more than so many open jobs.
            for key in own.into_iter().cycle() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                number += 1;
                let call = accept(project, request(number), &[(key, &[("a", "1")])]);
                match store.write(&engine(), Write::Accept(call)).await {
                    Ok(Ok(Written::Accepted(entries))) => {
                        accepted.extend(entries.into_iter().filter_map(Result::ok));
                    }
                    Ok(other) => panic!("{other:?}"),
                    // Not answered: it may be there or not.
                    Err(_) => {}
                }
            }
            accepted
        });
    }
    for _ in 0..KILLS {
        let jobs = server.number("f", "SELECT count(*) FROM job").await;
        let more = format!("SELECT count(*) > {jobs} + 50 FROM job");
        server.wait_until("f", &more).await;
        let writer = "SELECT pid::bigint FROM pg_stat_activity
             WHERE datname = 'f' AND query NOT LIKE '%pg_stat_activity%'
             ORDER BY query_start DESC LIMIT 1";
        let process = server.number("f", writer).await;
        let witness = server.client("f").await;
        server.signal(i32::try_from(process).unwrap(), "KILL");
        // The server ends all its processes, this one's among them, and starts over.
        while !witness.is_closed() {
            sleep(Duration::from_millis(10)).await;
        }
        server.wait_until_it_answers("f").await;
    }
    stop.store(true, Ordering::SeqCst);
    let mut answered = 0;
    for accepted in clients.join_all().await {
        answered += accepted.len();
        for entry in accepted {
            let job = store.job(&engine(), entry.job).await.unwrap();
            assert!(job.is_some_and(|job| job.job.revision == entry.revision), "{entry:?}");
        }
    }
    assert!(answered > KILLS * 50, "{answered}");
    for key in keys {
        let state = device(&*store, key).await.state;
        let distinct: BTreeSet<_> = state.open_jobs.iter().collect();
        assert_eq!(distinct.len(), state.open_jobs.len());
        assert_eq!(usize::try_from(state.revision.0).unwrap(), distinct.len(), "dense");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_keeps_nobody_waiting_beyond_the_deadline() {
    let server = Server::start(&[]).await;
    server.sql("postgres", "CREATE DATABASE f").await;
    // It has the usual deadlines: all that is asked of it is answered.
    let patient = Postgres::open(server.options("f")).await.unwrap();
    let (project, keys) = fleet(&patient, 1).await;
    let key = keys[0];
    let (gate, faults) = Gate::new();
    let options = Options {
        faults,
        read_deadline: Duration::from_secs(1),
        write_deadline: Duration::from_secs(4),
        ..server.options("f")
    };
    let store = Arc::new(Postgres::open(options).await.unwrap());

    server.signal_all("STOP");
    let begun = Instant::now();
    let read = store.work(key).await;
    assert!(matches!(read, Err(Error::ReadDeadline(_) | Error::Away { .. })), "{read:?}");
    let call = accept(project, request(1), &[(key, &[("a", "1")])]);
    let written = store.write(&engine(), Write::Accept(call)).await;
    assert!(matches!(written, Err(Error::Away { .. })), "{written:?}");
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    server.signal_all("CONT");
    assert_eq!(until_ok(async || store.work(key).await).await.unwrap().state.revision.0, 0);

    // In the middle of a commit nobody can tell what became of it.
    gate.close();
    let own = Arc::clone(&store);
    let call = accept(project, request(2), &[(key, &[("a", "2")])]);
    let writing = tokio::spawn(async move { own.write(&engine(), Write::Accept(call)).await });
    gate.reached().await;
    server.signal_all("STOP");
    gate.open();
    let written = writing.await.unwrap();
    assert!(matches!(written, Err(Error::Unknown { .. })), "{written:?}");
    server.signal_all("CONT");
    let entry = until_ok(async || {
        let call = accept(project, request(3), &[(key, &[("a", "3")])]);
        store.write(&engine(), Write::Accept(call)).await
    });
    let Ok(Written::Accepted(entries)) = entry.await else { panic!("refused") };
    let revision = entries[0].as_ref().unwrap().revision.0;
    assert_eq!(device(&patient, key).await.state.revision.0, revision);

    // Closing ends, however the server does.
    server.signal_all("STOP");
    tokio::time::timeout(Duration::from_secs(60), store.close()).await.unwrap();
    server.signal_all("CONT");
}

#[tokio::test]
async fn a_slow_read_is_ended_and_its_connection_goes_on() {
    let server = Server::start(&[]).await;
    server.sql("postgres", "CREATE DATABASE f").await;
    let options =
        Options { readers: 1, read_deadline: Duration::from_secs(3), ..server.options("f") };
    let store = Postgres::open(options).await.unwrap();
    create_project(&store, "p").await;
    // A table that somebody has locked.
    let client = server.client("f").await;
    client.batch_execute("BEGIN; LOCK TABLE project").await.unwrap();
    let read = store.projects(&engine()).await;
    assert!(matches!(read, Err(Error::ReadDeadline(_))), "{read:?}");
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(store.projects(&engine()).await.unwrap().len(), 1);
}

/// Tries until there is an answer.
async fn until_ok<T>(mut ask: impl AsyncFnMut() -> Result<T, Error>) -> T {
    let begun = Instant::now();
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(60), "{error:?}"),
        }
    }
}
