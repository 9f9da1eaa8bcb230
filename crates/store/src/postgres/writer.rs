//! The tasks that write, and their group commit: each takes what waits, applies it in one
//! transaction, commits once, and then answers everybody. While it commits, the next group gathers;
//! nothing is ever held back to wait for more.

mod attempt;
mod doubt;

use std::sync::Arc;
use std::time::Duration;

use fleet::Principal;
use fleet::fault_point::FaultPoints;
use fleet::limits::{GROUP_OPERATIONS_MAX, GROUP_ROWS_MAX};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout_at};

use super::OwnSession;
use super::apply::rows;
use super::connect::Connector;
use super::link::Link;
use super::pool::NoAnswer;
use super::queue::{GroupMax, Queue};
use crate::{Error, Refused, Write, Written};
use attempt::Attempt;

pub(super) use attempt::EVENT;

/// The bounds of a group.
const GROUP_MAX: GroupMax = GroupMax { count: GROUP_OPERATIONS_MAX, weight: GROUP_ROWS_MAX };

/// How often a group that meets other transactions is tried again before its changes are tried one
/// by one, and each of them alone.
const CONFLICTS_MAX: u32 = 8;

/// The pause before the first try again; it doubles with each further one, up to the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// The last commit has no end yet, most likely because the standby is away.
#[derive(Debug, thiserror::Error)]
#[error("the last commit goes on: the database waits for its standby, it seems")]
struct CommitGoesOn;

/// What one who writes is told.
pub(super) type Answer = Result<Result<Written, Refused>, Error>;

/// A change that waits for a writer.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Who asks.
    pub(super) principal: Principal,
    /// For what.
    pub(super) write: Write,
    /// Since when.
    pub(super) since: Instant,
    /// Where the answer goes. Nobody may be there any more: the change is made all the same.
    pub(super) answer: oneshot::Sender<Answer>,
}

/// What became of a group.
enum Outcome {
    /// It is durable; what each change is told.
    Committed(Vec<Result<Written, Refused>>),
    /// Nothing of it is there: a change of it is at fault.
    RolledBack(Error),
    /// Nothing of it is there: the database could not be reached in time.
    Unreached(Arc<dyn std::error::Error + Send + Sync>),
    /// It failed while it was committed.
    Unknown(Arc<dyn std::error::Error + Send + Sync>),
}

/// One task's state.
pub(super) struct Writer {
    connector: Arc<Connector>,
    session: Arc<OwnSession>,
    faults: FaultPoints,
    /// How long a change may wait and be tried, from when it was asked for.
    deadline: Duration,
    link: Option<Link>,
    /// The number of the last commit of which no answer came, until it is known to have ended. The
    /// server goes on with it, though nobody is at the other end any more: one that waits for its
    /// standby is a connection less for others. So this writer begins nothing else meanwhile.
    open: Option<u64>,
    /// Whether there was a connection before.
    connected: bool,
}

impl Writer {
    /// One that has not connected yet; each change may wait and be tried for as long as `deadline`.
    pub(super) fn new(
        connector: Arc<Connector>,
        session: Arc<OwnSession>,
        faults: FaultPoints,
        deadline: Duration,
    ) -> Self {
        Self { connector, session, faults, deadline, link: None, open: None, connected: false }
    }

    /// Writes until the queue is closed and empty.
    pub(super) async fn run(mut self, queue: Arc<Queue<Waiting>>) {
        while let Some(group) = queue.take_group(GROUP_MAX, |next| rows(&next.write)).await {
            self.write(group).await;
        }
    }

    /// Writes one group and answers all of it.
    async fn write(&mut self, group: Vec<Waiting>) {
        match self.transact(&group).await {
            Outcome::RolledBack(error) if group.len() > 1 => {
                // One of them is at fault, and the others must not pay for it.
                metrics::counter!("fleetwright_store_groups_split_total").increment(1);
                tracing::warn!(%error, operations = group.len(), "a group failed; one by one");
                for alone in group {
                    let outcome = self.transact(std::slice::from_ref(&alone)).await;
                    tell(outcome, vec![alone]);
                }
            }
            outcome => tell(outcome, group),
        }
    }

    /// Tries a group until it is committed, or at fault, or its oldest change has waited too long.
    async fn transact(&mut self, group: &[Waiting]) -> Outcome {
        let oldest = group.iter().map(|waiting| waiting.since).min();
        let until = oldest.unwrap_or_else(Instant::now) + self.deadline;
        let mut why: Arc<dyn std::error::Error + Send + Sync> = Arc::new(NoAnswer(self.deadline));
        let mut conflicts = 0;
        let mut pause = PAUSE_FIRST;
        while Instant::now() < until {
            let link = match self.connected(until).await {
                Ok(link) => link,
                Err(error) => {
                    why = error;
                    sleep(jittered(pause).min(until - Instant::now())).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                    continue;
                }
            };
            let link = match self.unless_going_on(link, until).await {
                Ok(Some(link)) => link,
                Ok(None) => return Outcome::Unreached(Arc::new(CommitGoesOn)),
                Err(error) => {
                    why = Arc::new(error);
                    sleep(jittered(pause)).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                    continue;
                }
            };
            match self.attempt(link, group, until).await {
                Attempt::Done(outcome) => return outcome,
                Attempt::Conflict(error) if conflicts >= CONFLICTS_MAX => {
                    return Outcome::RolledBack(error);
                }
                Attempt::Conflict(error) => {
                    tracing::debug!(%error, "a group met another transaction");
                    conflicts += 1;
                    why = Arc::new(error);
                }
                Attempt::Lost(error) => {
                    tracing::warn!(%error, "a connection was lost in the middle of a group");
                    metrics::gauge!("fleetwright_store_connected").set(0);
                    why = Arc::new(error);
                }
            }
            sleep(jittered(pause)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        Outcome::Unreached(why)
    }

    /// The connection, a new one if the last one is gone.
    async fn connected(
        &mut self,
        until: Instant,
    ) -> Result<Link, Arc<dyn std::error::Error + Send + Sync>> {
        if let Some(link) = self.link.take().filter(|link| self.connector.is_current(link)) {
            return Ok(link);
        }
        let link = timeout_at(until, self.connector.connect_to_write()).await;
        let link = link.map_err(|_| Arc::new(NoAnswer(self.deadline)) as Arc<_>)?;
        let link = link.map_err(|error| Arc::new(error) as Arc<_>)?;
        if std::mem::replace(&mut self.connected, true) {
            metrics::counter!("fleetwright_store_reconnects_total").increment(1);
        }
        Ok(link)
    }
}

/// Tells each of a group what became of it.
fn tell(outcome: Outcome, group: Vec<Waiting>) {
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
        Outcome::Unreached(source) => {
            tracing::error!(error = %source, operations = group.len(), "nothing was written");
            for waiting in group {
                let (operation, source) = ("write", Box::new(Arc::clone(&source)));
                let _ = waiting.answer.send(Err(Error::Away { operation, source }));
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

/// Between half of a pause and the whole of it, so that those who met don't meet again.
fn jittered(pause: Duration) -> Duration {
    let half = pause / 2;
    let random = getrandom::u32().unwrap_or_default();
    half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
}
