//! The one thread that writes, and its group commit: it takes what waits, applies it in one
//! transaction, commits once, and then answers everybody. While it commits, the next group gathers;
//! nothing is ever held back to wait for more.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use fleet::Principal;
use fleet::fault_point::{FaultPoint, FaultPoints};
use fleet::limits::{GROUP_OPERATIONS_MAX, GROUP_ROWS_MAX};
use rusqlite::Connection;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::apply::{apply, rows};
use super::checkpoint::{Log, Restarts};
use super::clock::StoreClock;
use super::feed;
use super::queue::{GroupMax, Queue, Took};
use super::rows::During;
use super::terms::{OwnSession, Terms};
use crate::feed::change;
use crate::{Error, Refused, Write, Written};

/// How long nothing may come before the writer uses the time to start the log over.
const IDLE: Duration = Duration::from_secs(1);

/// The bounds of a group.
const GROUP_MAX: GroupMax = GroupMax { count: GROUP_OPERATIONS_MAX, weight: GROUP_ROWS_MAX };

/// What one who writes is told.
pub(super) type Answer = Result<Result<Written, Refused>, Error>;

/// A change that waits for the writer.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Who asks.
    pub(super) principal: Principal,
    /// For what.
    pub(super) write: Write,
    /// Where the answer goes. Nobody may be there any more: the change is made all the same.
    pub(super) answer: oneshot::Sender<Answer>,
}

/// What the writer is asked to do.
pub(super) enum Task {
    /// A change, in a group.
    Change(Waiting),
    /// Something in a transaction of its own, which it answers itself.
    Alone(Box<dyn FnOnce(&Connection) + Send>),
}

impl Task {
    /// About how many rows it writes.
    fn rows(&self) -> usize {
        match self {
            Self::Change(waiting) => rows(&waiting.write),
            Self::Alone(_) => 1,
        }
    }
}

/// A panic, as an error.
#[derive(Debug, thiserror::Error)]
#[error("a panic: {0}")]
pub(super) struct Panicked(String);

impl Panicked {
    /// What a panic carried, if it is text.
    pub(super) fn new(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        Self(text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default())
    }
}

/// What became of a transaction.
enum Outcome {
    /// It is durable; what each change is told.
    Committed(Vec<Result<Written, Refused>>),
    /// Nothing of it is there.
    RolledBack(Error),
    /// It failed while it was committed.
    Unknown(Arc<dyn std::error::Error + Send + Sync>),
}

/// The thread's state.
pub(super) struct Writer {
    connection: Connection,
    log: Arc<Log>,
    faults: FaultPoints,
    session: Arc<OwnSession>,
    restarts: Restarts,
}

impl Writer {
    /// A writer on `connection`, whose commits tell `log` how long it is and are of `session`.
    pub(super) fn new(
        connection: Connection,
        log: Arc<Log>,
        faults: FaultPoints,
        session: Arc<OwnSession>,
    ) -> Self {
        Self { connection, log, faults, session, restarts: Restarts::default() }
    }

    /// Writes until the queue is closed and empty, then copies the log into the database.
    pub(super) fn run(mut self, queue: &Queue<Task>) {
        let mut taken = Vec::with_capacity(GROUP_OPERATIONS_MAX);
        let mut group = Vec::with_capacity(GROUP_OPERATIONS_MAX);
        loop {
            // With nothing in the log there is nothing to do in idle times: sleep for good.
            let idle = Restarts::has_rest(&self.log).then_some(IDLE);
            match queue.take_group(&mut taken, GROUP_MAX, Task::rows, idle) {
                Took::Group => self.work_through(&mut taken, &mut group),
                Took::Idle => self.restarts.when_idle(&self.connection, &self.log),
                Took::Closed => break,
            }
        }
        let truncated =
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = truncated {
            tracing::warn!(%error, "the log of the database was not copied at the end");
        }
    }

    /// Does what was taken: the changes as one group, the rest one by one. `group` is empty before
    /// and afterwards.
    fn work_through(&mut self, taken: &mut Vec<Task>, group: &mut Vec<Waiting>) {
        let mut alone = Vec::new();
        for task in taken.drain(..) {
            match task {
                Task::Change(change) => group.push(change),
                Task::Alone(task) => alone.push(task),
            }
        }
        if !group.is_empty() {
            self.write(group);
        }
        for task in alone {
            task(&self.connection);
            self.restarts.after_commit(&self.connection, &self.log);
        }
    }

    /// What a group's transaction goes by.
    fn terms(&self) -> Terms {
        Terms::new(StoreClock::Machine.now(), self.session.get())
    }

    /// Writes one group and answers all of it.
    fn write(&mut self, group: &mut Vec<Waiting>) {
        let terms = self.terms();
        match transact(&self.connection, &terms, group, &self.faults) {
            Outcome::RolledBack(error) if group.len() > 1 => {
                // One of them is at fault, and the others must not pay for it.
                metrics::counter!("fleetwright_store_groups_split_total").increment(1);
                tracing::warn!(%error, operations = group.len(), "a group failed; one by one");
                for alone in group.drain(..) {
                    let one = std::slice::from_ref(&alone);
                    let outcome = transact(&self.connection, &terms, one, &self.faults);
                    tell(outcome, vec![alone]);
                }
            }
            outcome => tell(outcome, group.drain(..)),
        }
        self.restarts.after_commit(&self.connection, &self.log);
    }
}

/// Tells each of a group what became of it.
fn tell(outcome: Outcome, group: impl IntoIterator<Item = Waiting>) {
    // A receiver that is gone is no error: its caller was dropped.
    match outcome {
        Outcome::Committed(answers) => {
            for (waiting, answer) in group.into_iter().zip(answers) {
                let _ = waiting.answer.send(Ok(answer));
            }
        }
        Outcome::RolledBack(error) => {
            if let Some(alone) = group.into_iter().next() {
                let _ = alone.answer.send(Err(error));
            }
        }
        Outcome::Unknown(source) => {
            tracing::error!(error = %source, "a commit failed");
            for waiting in group {
                let source = Box::new(Arc::clone(&source));
                let _ = waiting.answer.send(Err(Error::Unknown { source }));
            }
        }
    }
}

/// Applies a group in one transaction and commits it. A panic on the way is an outcome too: the
/// writer serves everybody and goes on.
fn transact(
    connection: &Connection,
    terms: &Terms,
    group: &[Waiting],
    faults: &FaultPoints,
) -> Outcome {
    let attempt = || attempt(connection, terms, group, faults);
    match catch_unwind(AssertUnwindSafe(attempt)) {
        Ok(outcome) => outcome,
        Err(payload) => {
            let panicked = Panicked::new(payload.as_ref());
            // In autocommit mode there is no transaction: it was committed, or never begun.
            if connection.is_autocommit() {
                return Outcome::Unknown(Arc::new(panicked));
            }
            roll_back(connection);
            Outcome::RolledBack(Error::Failed { operation: "write", source: Box::new(panicked) })
        }
    }
}

/// The same without the guard against panics.
fn attempt(
    connection: &Connection,
    terms: &Terms,
    group: &[Waiting],
    faults: &FaultPoints,
) -> Outcome {
    // Only after a roll-back that failed.
    if !connection.is_autocommit() {
        roll_back(connection);
    }
    let mut rows_written = 0;
    let mut apply_all = || -> Result<Vec<_>, Error> {
        execute(connection, "BEGIN IMMEDIATE").during("begin a transaction")?;
        let mut answers = Vec::with_capacity(group.len());
        let mut changes = Vec::new();
        for Waiting { principal, write, .. } in group {
            rows_written += rows(write);
            let answer = apply(connection, terms, principal, write)?;
            changes.extend(answer.as_ref().ok().and_then(|written| change(write, written)));
            answers.push(answer);
        }
        feed::append(connection, terms, &changes)?;
        Ok(answers)
    };
    let answers = match apply_all() {
        Ok(answers) => answers,
        Err(error) => {
            roll_back(connection);
            return Outcome::RolledBack(error);
        }
    };
    faults.pass(FaultPoint::BeforeCommit);
    let begun = Instant::now();
    if let Err(error) = execute(connection, "COMMIT") {
        roll_back(connection);
        return Outcome::Unknown(Arc::new(error));
    }
    measure(begun, answers.len(), rows_written);
    faults.pass(FaultPoint::AfterCommit);
    Outcome::Committed(answers)
}

/// Applies one change in a transaction of its own, on the caller's thread.
pub(super) fn write_alone(
    connection: &Connection,
    terms: &Terms,
    principal: &Principal,
    write: Write,
    faults: &FaultPoints,
) -> Answer {
    let (answer, _) = oneshot::channel();
    let alone = [Waiting { principal: principal.clone(), write, answer }];
    match transact(connection, terms, &alone, faults) {
        // One answer a change, and there is one.
        Outcome::Committed(answers) => answers.into_iter().next().ok_or(Error::Closed),
        Outcome::RolledBack(error) => Err(error),
        Outcome::Unknown(source) => Err(Error::Unknown { source: Box::new(source) }),
    }
}

/// Runs `change` in a transaction of its own, on the caller's thread.
pub(super) fn alone<T>(
    connection: &Connection,
    faults: &FaultPoints,
    change: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    let attempt = || {
        if !connection.is_autocommit() {
            roll_back(connection);
        }
        execute(connection, "BEGIN IMMEDIATE").during("begin a transaction")?;
        let done = change(connection)?;
        faults.pass(FaultPoint::BeforeCommit);
        let committed = execute(connection, "COMMIT");
        committed.map_err(|error| Error::Unknown { source: Box::new(error) })?;
        faults.pass(FaultPoint::AfterCommit);
        Ok(done)
    };
    let done = catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|payload| {
        let source = Box::new(Panicked::new(payload.as_ref()));
        // As in a group: without a transaction it was committed, or never begun.
        Err(match connection.is_autocommit() {
            true => Error::Unknown { source },
            false => Error::Failed { operation: "write", source },
        })
    });
    if done.is_err() {
        roll_back(connection);
    }
    done
}

/// Ends the transaction and undoes it. SQLite has often done that itself after an error.
fn roll_back(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = execute(connection, "ROLLBACK")
    {
        tracing::error!(%error, "a transaction can't be rolled back");
    }
}

/// Runs a statement that gives no rows, prepared once.
fn execute(connection: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

/// Records what a commit took and how much it carried.
fn measure(begun: Instant, operations: usize, rows_written: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a histogram of small counts")]
    let (operations, rows_written) = (operations as f64, rows_written as f64);
    metrics::histogram!("fleetwright_store_commit_seconds").record(begun.elapsed().as_secs_f64());
    metrics::histogram!("fleetwright_store_group_operations").record(operations);
    metrics::histogram!("fleetwright_store_group_rows").record(rows_written);
}
