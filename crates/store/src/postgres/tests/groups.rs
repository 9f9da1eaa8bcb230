//! Group commit: size, order, and that one who fails does not spoil it for the others.

use std::sync::Arc;
use std::time::Duration;

use fleet::Epoch;
use fleet::fault_point::{FaultPoint, FaultPoints};
use fleet::limits::{LEASE, WRITES_WAITING_MAX};
use tokio::task::JoinSet;

use super::gate::Gate;
use super::server::Server;
use crate::conformance::fixture::*;
use crate::postgres::{Options, Postgres};
use crate::write::AcceptedEntry;
use crate::{
    Cluster as _, Error, NewSession, Reads as _, Refused, Roles, Write, Writes as _, Written,
};

/// An empty database, opened with changed options.
async fn opened(server: &Server, change: impl FnOnce(&mut Options)) -> Arc<Postgres> {
    server.sql("postgres", "CREATE DATABASE f").await;
    let mut options = server.options("f");
    change(&mut options);
    Arc::new(Postgres::open(options).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_at_once_share_few_commits_and_revisions_are_dense() {
    const DEVICES: usize = 20;
    const CALLS: u64 = 1_000;
    let server = Server::start(&[]).await;
    let (gate, faults) = Gate::new();
    let store = opened(&server, |options| options.faults = faults).await;
    let (project, keys) = fleet(&*store, DEVICES).await;
    let events = "SELECT count(*) FROM event";
    let (commits, told) = (gate.commits(), server.number("f", events).await);
    // Each is put into the queue when it is first polled, all of them one right after the other.
    let calls = (0..CALLS).map(|number| {
        let (store, value) = (Arc::clone(&store), number.to_string());
        let key = keys[usize::try_from(number).unwrap() % DEVICES];
        async move { accept_one(&*store, project, number, key, &[("a", &value)]).await }
    });
    let mut entries: Vec<AcceptedEntry> = futures_util::future::join_all(calls).await;
    let commits = gate.commits() - commits;
    assert!(commits < 500, "{commits} commits");
    let told = server.number("f", events).await - told;
    assert_eq!(usize::try_from(told).unwrap(), commits, "one row a commit");
    entries.sort_by_key(|entry| (entry.device, entry.revision));
    for key in keys {
        let own: Vec<_> = entries.iter().filter(|entry| entry.device == key).collect();
        let revisions: Vec<i64> = own.iter().map(|entry| entry.revision.0).collect();
        assert_eq!(revisions, (1..=50).collect::<Vec<_>>(), "dense");
        let state = device(&*store, key).await.state;
        assert!(own.iter().map(|entry| entry.job).eq(state.open_jobs.iter().copied()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_fails_does_not_spoil_its_neighbours() {
    let server = Server::start(&[]).await;
    let (gate, faults) = Gate::new();
    let store = opened(&server, |options| {
        options.faults = faults;
        options.writers = 1;
    })
    .await;
    let (project, keys) = fleet(&*store, 3).await;
    let trigger = "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             RAISE EXCEPTION 'poisoned'; END $$;
         CREATE TRIGGER poison BEFORE INSERT ON job FOR EACH ROW
             WHEN (new.patch LIKE '%poison%') EXECUTE FUNCTION poison()";
    server.sql("f", trigger).await;
    gate.close();
    let mut tasks = JoinSet::new();
    for number in 0..30_u64 {
        let value = if number == 17 { "poison" } else { "good" };
        let own = Arc::clone(&store);
        let entries = [(keys[0], &[("a", "good")][..]), (keys[1], &[("a", value)][..])];
        let call = accept(project, request(number), &entries);
        tasks.spawn(async move { (number, own.write(&engine(), Write::Accept(call)).await) });
        if number == 0 {
            // The rest gathers while the first stands at the gate.
            gate.reached().await;
        }
    }
    let refused = Arc::clone(&store);
    tasks.spawn(async move { (99, refused.write(&engine(), create_key("A", "none")).await) });
    gate.open();
    for (number, answer) in tasks.join_all().await {
        match number {
            17 => {
                let error = answer.unwrap_err();
                assert!(matches!(error, Error::Failed { .. }), "{error:?}");
                assert!(format!("{error:?}").contains("poisoned"), "{error:?}");
            }
            99 => assert_eq!(answer.unwrap(), Err(Refused::NoSuchProject(project_id("none")))),
            _ => assert!(matches!(answer.unwrap(), Ok(Written::Accepted(_))), "call {number}"),
        }
    }
    for key in [keys[0], keys[1]] {
        let state = device(&*store, key).await.state;
        assert_eq!(state.open_jobs.len(), 29);
        assert_eq!(state.revision.0, 29, "nothing of the failed call is left");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_says_busy_at_once_and_loses_nobody() {
    let server = Server::start(&[]).await;
    let (gate, faults) = Gate::new();
    let store = opened(&server, |options| {
        options.faults = faults;
        options.writers = 1;
    })
    .await;
    let (project, keys) = fleet(&*store, 1).await;
    let call = move |number| accept(project, request(number), &[(keys[0], &[])]);
    gate.close();
    let first = tokio::spawn({
        let (store, call) = (Arc::clone(&store), call(0));
        async move { store.write(&engine(), Write::Accept(call)).await }
    });
    gate.reached().await;
    let more = 10;
    let principal = engine();
    let all: Vec<_> = (1..=(WRITES_WAITING_MAX + more) as u64)
        .map(|number| store.write(&principal, Write::Accept(call(number))))
        .collect();
    // Each is put into the queue when it is first polled.
    let all = futures_util::future::join_all(all);
    let opener = async {
        gate.open();
    };
    let (answers, ()) = tokio::join!(all, opener);
    let busy = answers.iter().filter(|answer| matches!(answer, Err(Error::Busy))).count();
    let done = answers.iter().filter(|answer| matches!(answer, Ok(Ok(_)))).count();
    assert_eq!((busy, done), (more, WRITES_WAITING_MAX));
    first.await.unwrap().unwrap().unwrap();
    let state = device(&*store, fleet::DeviceKey(1)).await.state;
    assert!(state.open_jobs.len() <= fleet::limits::OPEN_JOBS_PER_DEVICE_MAX);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_around_the_commit_is_an_error_and_the_writer_goes_on() {
    let server = Server::start(&[]).await;
    for (place, point) in [FaultPoint::BeforeCommit, FaultPoint::AfterCommit].iter().enumerate() {
        let switch = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let own = Arc::clone(&switch);
        let point = *point;
        let faults = FaultPoints::with(move |passed| {
            if passed == point && own.swap(false, std::sync::atomic::Ordering::SeqCst) {
                panic!("planted");
            }
        });
        let database = format!("f{place}");
        server.sql("postgres", &format!("CREATE DATABASE {database}")).await;
        let options = Options { faults, ..server.options(&database) };
        let store = Postgres::open(options).await.unwrap();
        create_project(&store, "p").await;
        switch.store(true, std::sync::atomic::Ordering::SeqCst);
        let error = store.write(&engine(), create_key("A", "p")).await.unwrap_err();
        let there = store.access_key("A").await.unwrap().is_some();
        match point {
            FaultPoint::BeforeCommit => {
                assert!(matches!(error, Error::Failed { .. }), "{error:?}");
                assert!(!there);
            }
            _ => {
                assert!(matches!(error, Error::Unknown { .. }), "{error:?}");
                assert!(there);
            }
        }
        assert!(format!("{error:?}").contains("planted"), "{error:?}");
        let answer = store.write(&engine(), create_key("B", "p")).await.unwrap();
        assert_eq!(answer, Ok(Written::Done));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_is_told_to_be_of_the_session_that_has_begun() {
    let server = Server::start(&[]).await;
    let store = opened(&server, |_| {}).await;
    create_project(&*store, "before").await;
    let node = NewSession {
        node: "one".to_owned(),
        directory: "0".repeat(32),
        instance: String::new(),
        roles: Roles::ALL,
        version: "1".to_owned(),
        http: String::new(),
        sip: String::new(),
    };
    let session = store.begin_session(&node, LEASE).await.unwrap().unwrap();
    assert!(session.expires);
    create_project(&*store, "after").await;
    let page = store.changes(crate::FeedPosition::default(), 100).await.unwrap();
    let told: Vec<_> = page.commits.iter().map(|commit| commit.session).collect();
    assert_eq!(told, [None, Some(session.key), Some(session.key)]);
    assert!(store.epochs().await.unwrap().iter().all(|(_, epoch)| *epoch == Epoch(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_fails_is_told_as_undone() {
    let server = Server::start(&[]).await;
    let store = opened(&server, |_| {}).await;
    create_project(&*store, "p").await;
    // A check that is made at the commit, and failed by one key.
    let trigger = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             RAISE EXCEPTION 'too late'; END $$;
         CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON access_key
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
             WHEN (new.ak = 'BAD') EXECUTE FUNCTION refuse()";
    server.sql("f", trigger).await;
    let error = store.write(&engine(), create_key("BAD", "p")).await.unwrap_err();
    assert!(matches!(error, Error::Failed { .. }), "{error:?}");
    assert!(store.access_key("BAD").await.unwrap().is_none());
    let answer = store.write(&engine(), create_key("GOOD", "p")).await.unwrap();
    assert_eq!(answer, Ok(Written::Done));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_frequent_does_not_wait_behind_what_is_rare() {
    let server = Server::start(&[]).await;
    let store = opened(&server, |_| {}).await;
    let (project, phones) = fleet(&*store, 1).await;
    let camera = import_new(&*store, vec![new_camera("p", &camera_id(1))]).await[0];
    let guard = server.client("f").await;
    guard.batch_execute("BEGIN; SELECT one FROM guard FOR UPDATE").await.unwrap();
    let mut rare = JoinSet::new();
    for number in 0..4 {
        let (own, key) = (Arc::clone(&store), create_key(&format!("A{number}"), "p"));
        rare.spawn(async move { own.write(&engine(), key).await });
    }
    let waits = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    server.wait_until("f", waits).await;
    let channels = vec![(channel_id(1), fleet::ReportedChannel::default())];
    let catalog = crate::write::RecordChannels { device: camera, channels, complete: true, at: AT };
    let frequent = async {
        accept_one(&*store, project, 1, phones[0], &[("a", "1")]).await;
        let written = store.write(&engine(), Write::RecordChannels(catalog)).await.unwrap();
        assert_eq!(written, Ok(Written::Done));
    };
    // Less than anybody waits for a lock.
    tokio::time::timeout(Duration::from_secs(3), frequent).await.expect("it waits for the guard");
    assert_eq!(rare.len(), 4);
    assert!(rare.try_join_next().is_none());
    guard.batch_execute("COMMIT").await.unwrap();
    for written in rare.join_all().await {
        assert_eq!(written.unwrap(), Ok(Written::Done));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_room_is_away() {
    let server = Server::start(&[]).await;
    let store = opened(&server, |_| {}).await;
    create_project(&*store, "p").await;
    let trigger = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$;
         CREATE TRIGGER full_disk BEFORE INSERT ON access_key FOR EACH ROW
             WHEN (new.ak = 'LARGE') EXECUTE FUNCTION full_disk();
         CREATE TRIGGER full_disk BEFORE INSERT ON setting FOR EACH ROW
             WHEN (new.name = 'LARGE') EXECUTE FUNCTION full_disk()";
    server.sql("f", trigger).await;
    let error = store.write(&engine(), create_key("LARGE", "p")).await.unwrap_err();
    assert!(matches!(error, Error::Away { .. }), "{error:?}");
    assert!(format!("{error:?}").contains("no space left"), "{error:?}");
    let error = store.remember("LARGE", "thing").await.unwrap_err();
    assert!(matches!(error, Error::Away { .. }), "{error:?}");
    assert_eq!(store.remember("SMALL", "thing").await.unwrap(), "thing");
    let answer = store.write(&engine(), create_key("SMALL", "p")).await.unwrap();
    assert_eq!(answer, Ok(Written::Done));
}
