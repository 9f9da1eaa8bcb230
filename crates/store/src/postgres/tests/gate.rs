//! Commits that wait until a test has done something.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use fleet::fault_point::{FaultPoint, FaultPoints};
use tokio::sync::Notify;

/// A gate before the commit. Tests with one need a runtime with several threads: one stands at it.
pub(super) struct Gate {
    closed: Arc<AtomicBool>,
    commits: Arc<AtomicUsize>,
    reached: Arc<Notify>,
    open: Sender<()>,
}

impl Gate {
    /// A gate, open, and what is passed around each commit.
    pub(super) fn new() -> (Self, FaultPoints) {
        let (open, opened) = channel();
        let opened: Mutex<Receiver<()>> = Mutex::new(opened);
        let gate =
            Self { closed: Arc::default(), commits: Arc::default(), reached: Arc::default(), open };
        let closed = Arc::clone(&gate.closed);
        let (commits, reached) = (Arc::clone(&gate.commits), Arc::clone(&gate.reached));
        let faults = FaultPoints::with(move |point| match point {
            FaultPoint::BeforeCommit => {
                if closed.swap(false, Ordering::SeqCst) {
                    reached.notify_one();
                    // Not a worker's thread: the others may leave it to that to look for events.
                    tokio::task::block_in_place(|| opened.lock().unwrap().recv().unwrap());
                }
            }
            _ => {
                commits.fetch_add(1, Ordering::SeqCst);
            }
        });
        (gate, faults)
    }

    /// Makes the next commit wait.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Waits until a writer stands at the gate.
    pub(super) async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Lets it pass.
    pub(super) fn open(&self) {
        self.open.send(()).unwrap();
    }

    /// How many commits there were.
    pub(super) fn commits(&self) -> usize {
        self.commits.load(Ordering::SeqCst)
    }
}
