//! Group commit: order, size, and that one who fails does not spoil it for the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use fleet::fault_point::{FaultPoint, FaultPoints};
use fleet::limits::{GROUP_OPERATIONS_MAX, WRITES_WAITING_MAX};
use tokio::task::JoinSet;

use super::opened::{Opened, execute};
use crate::conformance::fixture::*;
use crate::sqlite::Options;
use crate::write::AcceptedEntry;
use crate::{Cluster, Error, FeedPosition, Refused, Write, Writes, Written};

/// A database whose first commit after [`Gate::close`] waits until the gate is opened, so that
/// whatever comes meanwhile waits too.
struct Gate {
    closed: Arc<AtomicUsize>,
    commits: Arc<AtomicUsize>,
    open: Sender<()>,
}

impl Gate {
    /// A gate, open, and the options that put it into a database.
    fn new() -> (Self, impl FnOnce(&mut Options)) {
        let (open, opened) = channel();
        let closed = Arc::new(AtomicUsize::new(0));
        let commits = Arc::new(AtomicUsize::new(0));
        let opened = std::sync::Mutex::new(opened);
        let (closed_too, commits_too) = (Arc::clone(&closed), Arc::clone(&commits));
        let faults = FaultPoints::with(move |point| match point {
            FaultPoint::BeforeCommit => {
                if closed_too.swap(0, Ordering::SeqCst) == 1 {
                    opened.lock().unwrap().recv().unwrap();
                }
            }
            _ => {
                commits_too.fetch_add(1, Ordering::SeqCst);
            }
        });
        (Self { closed, commits, open }, move |options: &mut Options| options.faults = faults)
    }

    /// Makes the next commit wait, and counts commits from here on.
    fn close(&self) {
        self.commits.store(0, Ordering::SeqCst);
        self.closed.store(1, Ordering::SeqCst);
    }

    /// Waits until the writer stands at the gate.
    async fn reached(&self) {
        while self.closed.load(Ordering::SeqCst) == 1 {
            tokio::task::yield_now().await;
        }
    }

    fn open(&self) -> usize {
        self.open.send(()).unwrap();
        self.commits.load(Ordering::SeqCst)
    }
}

/// Lets every spawned task run until it waits.
async fn all_wait(tasks: usize) {
    for _ in 0..tasks * 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_thousand_at_once_share_few_commits_and_keep_their_order() {
    const DEVICES: usize = 20;
    const CALLS: u64 = 1_000;
    let (gate, put) = Gate::new();
    let opened = Arc::new(Opened::with(tempfile::tempdir().unwrap(), put));
    let (project, keys) = fleet(&**opened, DEVICES).await;
    gate.close();
    let mut tasks = JoinSet::new();
    for number in 0..CALLS {
        let key = keys[usize::try_from(number).unwrap() % DEVICES];
        let opened = Arc::clone(&opened);
        tasks.spawn(async move {
            accept_one(&**opened, project, number, key, &[("a", &number.to_string())]).await
        });
    }
    gate.reached().await;
    all_wait(1_000).await;
    gate.open();
    let mut entries: Vec<AcceptedEntry> = tasks.join_all().await;
    let commits = gate.commits.load(Ordering::SeqCst);
    let needed = usize::try_from(CALLS).unwrap().div_ceil(GROUP_OPERATIONS_MAX);
    assert!(commits <= needed + 1, "{commits} commits");
    let told = opened.changes(FeedPosition::default(), 10_000).await.unwrap().commits;
    let told: Vec<usize> = told.iter().map(|commit| commit.changes.len()).skip(2).collect();
    assert_eq!((told.len(), told.iter().sum::<usize>()), (commits, 1_000), "one row a commit");

    entries.sort_by_key(|entry| (entry.device, entry.revision));
    for key in keys {
        let own: Vec<_> = entries.iter().filter(|entry| entry.device == key).collect();
        let revisions: Vec<i64> = own.iter().map(|entry| entry.revision.0).collect();
        assert_eq!(revisions, (1..=50).collect::<Vec<_>>(), "dense");
        let state = device(&**opened, key).await.state;
        assert!(own.iter().map(|entry| entry.job).eq(state.open_jobs.iter().copied()));
        // Calls were put in by number, so the last one's value is the one that stands.
        let last = own.iter().map(|entry| entry.job).max().unwrap();
        assert_eq!(own.last().unwrap().job, last);
    }
}

#[tokio::test]
async fn one_that_fails_does_not_spoil_its_neighbours() {
    let directory = {
        let opened = Opened::fresh();
        fleet(&*opened, 3).await;
        opened.drop_store()
    };
    execute(
        directory.path(),
        "CREATE TRIGGER poison BEFORE INSERT ON job WHEN new.patch LIKE '%poison%'
         BEGIN SELECT RAISE(ABORT, 'poisoned'); END",
    );
    let (gate, put) = Gate::new();
    let opened = Arc::new(Opened::with(directory, put));
    let project = crate::Reads::project(&**opened, &engine(), &project_id("p")).await;
    let project = project.unwrap().unwrap().key;
    let keys = [1, 2, 3].map(fleet::DeviceKey);
    gate.close();
    let mut tasks = JoinSet::new();
    for number in 0..30_u64 {
        let value = if number == 17 { "poison" } else { "good" };
        let opened = Arc::clone(&opened);
        // The failing call has two devices, and its first has been applied when its second fails.
        let patch: &[(&str, &str)] = &[("a", "good")];
        let entries = [(keys[0], patch), (keys[1], &[("a", value)][..])];
        let call = accept(project, request(number), &entries);
        tasks.spawn(async move { (number, opened.write(&engine(), Write::Accept(call)).await) });
    }
    let refused = Arc::clone(&opened);
    tasks.spawn(async move { (99, refused.write(&engine(), create_key("A", "none")).await) });
    gate.reached().await;
    all_wait(31).await;
    gate.open();
    for (number, answer) in tasks.join_all().await {
        match number {
            17 => {
                let error = answer.unwrap_err();
                assert!(matches!(error, Error::Failed { .. }), "{error:?}");
                let source = std::error::Error::source(&error).unwrap().to_string();
                assert!(source.contains("poisoned"), "{source}");
            }
            99 => assert_eq!(answer.unwrap(), Err(Refused::NoSuchProject(project_id("none")))),
            _ => assert!(matches!(answer.unwrap(), Ok(Written::Accepted(_))), "call {number}"),
        }
    }
    for key in [keys[0], keys[1]] {
        let state = device(&**opened, key).await.state;
        assert_eq!(state.open_jobs.len(), 29);
        assert_eq!(state.revision.0, 29, "nothing of the failed call is left");
    }
}

#[tokio::test]
async fn a_full_queue_says_busy_at_once_and_loses_nobody() {
    let (gate, put) = Gate::new();
    let opened = Arc::new(Opened::with(tempfile::tempdir().unwrap(), put));
    create_project(&**opened, "p").await;
    gate.close();
    let mut tasks = JoinSet::new();
    let mut put_key = |number: usize| {
        let opened = Arc::clone(&opened);
        let write = create_key(&format!("AK{number}"), "p");
        tasks.spawn(async move { opened.write(&engine(), write).await });
    };
    put_key(0);
    gate.reached().await;
    let more = 10;
    (1..=WRITES_WAITING_MAX + more).for_each(&mut put_key);
    all_wait(WRITES_WAITING_MAX + more).await;
    gate.open();
    let answers = tasks.join_all().await;
    let busy = answers.iter().filter(|answer| matches!(answer, Err(Error::Busy))).count();
    let done = answers.iter().filter(|answer| matches!(answer, Ok(Ok(Written::Done)))).count();
    assert_eq!((busy, done), (more, WRITES_WAITING_MAX + 1));
    let project = project_id("p");
    let keys = crate::Reads::access_keys(&**opened, &engine(), Some(&project)).await.unwrap();
    assert_eq!(keys.len(), done);
}
