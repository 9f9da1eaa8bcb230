//! Failures of the database and panics: never a false answer, and the store goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fleet::fault_point::{FaultPoint, FaultPoints};

use super::opened::{Opened, execute};
use crate::conformance::fixture::*;
use crate::sqlite::Inline;
use crate::{Error, Reads, Store, Writes, Written};

/// Faults that panic at `point` each time the switch is on, and turn it off.
fn panics_at(point: FaultPoint) -> (Arc<AtomicBool>, FaultPoints) {
    let switch = Arc::new(AtomicBool::new(false));
    let own = Arc::clone(&switch);
    let faults = FaultPoints::with(move |passed| {
        if passed == point && own.swap(false, Ordering::SeqCst) {
            panic!("planted");
        }
    });
    (switch, faults)
}

/// A store in memory whose time stands still.
fn inline(faults: FaultPoints) -> Arc<Inline> {
    Inline::new(Arc::new(|| AT), faults).unwrap()
}

async fn key_is_there(store: &dyn Store, ak: &str) -> bool {
    store.access_key(ak).await.unwrap().is_some()
}

/// A panic before the commit undoes the change; one after it leaves the caller not knowing.
async fn check_panic(store: &dyn Store, point: FaultPoint, switch: &AtomicBool) {
    create_project(store, "p").await;
    switch.store(true, Ordering::SeqCst);
    let error = store.write(&engine(), create_key("A", "p")).await.unwrap_err();
    match point {
        FaultPoint::BeforeCommit => {
            assert!(matches!(error, Error::Failed { .. }), "{error:?}");
            assert!(!key_is_there(store, "A").await);
        }
        _ => {
            assert!(matches!(error, Error::Unknown { .. }), "{error:?}");
            assert!(key_is_there(store, "A").await);
        }
    }
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("planted"), "{source}");
    assert_eq!(store.write(&engine(), create_key("B", "p")).await.unwrap(), Ok(Written::Done));
}

#[tokio::test]
async fn a_panic_around_the_commit_is_an_error_and_the_writer_goes_on() {
    for point in [FaultPoint::BeforeCommit, FaultPoint::AfterCommit] {
        let (switch, faults) = panics_at(point);
        let directory = tempfile::tempdir().unwrap();
        let opened = Opened::with(directory, |options| options.faults = faults.clone());
        check_panic(&*opened, point, &switch).await;
        check_panic(&inline(faults).node(), point, &switch).await;
    }
}

#[tokio::test]
async fn a_commit_that_fails_is_unknown_and_the_writer_goes_on() {
    let directory = {
        let opened = Opened::fresh();
        create_project(&*opened, "p").await;
        opened.drop_store()
    };
    // A reference that is checked at the commit, and broken by one key.
    execute(
        directory.path(),
        "CREATE TABLE loose (project INTEGER REFERENCES project (key) DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER break_it AFTER INSERT ON access_key WHEN new.ak = 'BAD'
         BEGIN INSERT INTO loose VALUES (-1); END",
    );
    let opened = Opened::with(directory, |_| {});
    let error = opened.write(&engine(), create_key("BAD", "p")).await.unwrap_err();
    assert!(matches!(error, Error::Unknown { .. }), "{error:?}");
    assert!(!key_is_there(&*opened, "BAD").await);
    assert_eq!(opened.write(&engine(), create_key("GOOD", "p")).await.unwrap(), Ok(Written::Done));
    assert!(key_is_there(&*opened, "GOOD").await);
}

#[tokio::test]
async fn a_damaged_row_is_named_and_the_others_are_served() {
    let (directory, project, keys) = {
        let opened = Opened::fresh();
        let (project, keys) = fleet(&*opened, 3).await;
        (opened.drop_store(), project, keys)
    };
    execute(directory.path(), "UPDATE device_state SET desired = '{' WHERE device = 2");
    execute(directory.path(), "UPDATE device_state SET open_jobs = x'00' WHERE device = 3");
    let opened = Opened::with(directory, |_| {});
    for key in &keys[1..] {
        let error = opened.work(*key).await.unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
    }
    let call = accept(project, request(1), &[(keys[0], &[]), (keys[1], &[])]);
    let error = opened.write(&engine(), crate::Write::Accept(call)).await.unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
    let entry = accept_one(&*opened, project, 2, keys[0], &[("a", "1")]).await;
    assert_eq!(entry.revision.0, 1);
}

#[tokio::test]
async fn a_simulated_start_takes_the_next_epoch_and_keeps_what_was_committed() {
    let shared = inline(FaultPoints::none());
    let store = shared.node();
    begin(&store).await;
    let (project, keys) = fleet(&store, 1).await;
    accept_one(&store, project, 1, keys[0], &[("a", "1")]).await;
    let old = fence(&store, keys[0]).await;
    drop(store);
    let store = shared.node();
    begin(&store).await;
    assert_eq!(fence(&store, keys[0]).await, epoch_plus(old, 1));
    assert!(settled(&store, settle(keys[0], old, 1)).await.is_err());
    assert_eq!(device(&store, keys[0]).await.state.open_jobs.len(), 1);
}
