//! One try at a group: it is applied in a transaction, told in the feed, and committed.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use fleet::Principal;
use fleet::fault_point::FaultPoint;
use futures_util::FutureExt as _;
use futures_util::future::join;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::SimpleQueryMessage;

use super::{Outcome, Waiting, Writer};
use crate::columns::to_json;
use crate::feed::change;
use crate::postgres::apply::{apply, apply_group, is_frequent, needs_guard, rows};
use crate::postgres::connection::During as _;
use crate::postgres::failure::{Failure, failure, failure_of};
use crate::postgres::link::Link;
use crate::postgres::pool::NoAnswer;
use crate::{Change, Error, Refused, Write, Written};

/// Tells what a commit changed. Sent together with the commit: see [`Writer::commit`].
pub(in crate::postgres) const EVENT: &str = "INSERT INTO event (session, changes) VALUES ($1, $2)";

/// Begins the transaction of a group, whose number is needed if the commit's answer is lost.
const BEGIN: &str = "BEGIN; SELECT pg_current_xact_id()";

/// The same for a change that goes alone.
const BEGIN_ALONE: &str = "BEGIN; SELECT pg_current_xact_id(); SELECT one FROM guard FOR UPDATE";

/// Of a transaction that has failed unnoticed the first statement fails, and the second, which
/// would undo it without a word, is not reached.
const COMMIT: &str = "SELECT 1; COMMIT";

/// How long a commit may take at least, however long its changes have waited before.
const COMMIT_MIN: Duration = Duration::from_secs(5);

/// How long one try of changes that go in groups may take: longer than the wait for a lock, and
/// short enough that there is time for another where the server has gone without a word.
const ATTEMPT_MAX: Duration = Duration::from_secs(6);

/// How long the end of a transaction that failed may take.
const ROLLBACK_MAX: Duration = Duration::from_secs(1);

/// What came of a try.
pub(super) enum Attempt {
    /// It is over.
    Done(Outcome),
    /// It met another transaction, and nothing of it is there.
    Conflict(Error),
    /// The connection was lost, and nothing of it is there.
    Lost(Error),
}

/// A panic, as an error.
#[derive(Debug, thiserror::Error)]
#[error("a panic: {0}")]
struct Panicked(String);

impl Panicked {
    /// What a panic carried, if it is text.
    fn new(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        Self(text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default())
    }

    /// The outcome of a panic before the commit.
    fn outcome(payload: &(dyn Any + Send)) -> Outcome {
        let source = Box::new(Self::new(payload));
        Outcome::RolledBack(Error::Failed { operation: "write", source })
    }
}

/// A group that is applied and not yet committed.
pub(super) struct Applied {
    /// The number of its transaction.
    pub(super) transaction: u64,
    /// What each change is to be told.
    pub(super) answers: Vec<Result<Written, Refused>>,
    /// What the feed tells of it, as JSON; `None` for nothing.
    pub(super) event: Option<String>,
}

/// What the commit's answer says.
enum Commit {
    /// It is committed, and so durable as the server is set up to make it.
    Done,
    /// It is undone.
    Undone(Error),
    /// No answer.
    Unanswered(Arc<dyn std::error::Error + Send + Sync>),
}

impl Writer {
    /// Tries a group once, within the deadline and the time that a commit may take at least.
    pub(super) async fn attempt(
        &mut self,
        link: Link,
        group: &[Waiting],
        until: Instant,
    ) -> Attempt {
        let grouped = group.iter().all(|waiting| is_frequent(&waiting.write));
        let soon = Instant::now() + ATTEMPT_MAX;
        let by = if grouped { until.min(soon) } else { until };
        let applied = AssertUnwindSafe(within(by, applied(&link, group))).catch_unwind().await;
        let applied = match applied {
            Ok(Ok(applied)) => applied,
            Ok(Err(error)) => return self.undo(link, error).await,
            // The connection goes with what was under way on it.
            Err(payload) => return Attempt::Done(Panicked::outcome(payload.as_ref())),
        };
        if applied.answers.iter().all(Result::is_err) {
            // Nothing has changed that is to stay.
            self.roll_back(link).await;
            return Attempt::Done(Outcome::Committed(applied.answers));
        }
        let pass = |point| catch_unwind(AssertUnwindSafe(|| self.faults.pass(point)));
        if let Err(payload) = pass(FaultPoint::BeforeCommit) {
            self.roll_back(link).await;
            return Attempt::Done(Panicked::outcome(payload.as_ref()));
        }
        let begun = Instant::now();
        let outcome = match self.commit(link, applied, until.max(begun + COMMIT_MIN)).await {
            Attempt::Done(outcome) => outcome,
            again => return again,
        };
        if let Outcome::Committed(_) = &outcome {
            measure(begun, group);
            let pass = |point| catch_unwind(AssertUnwindSafe(|| self.faults.pass(point)));
            if let Err(payload) = pass(FaultPoint::AfterCommit) {
                let source = Arc::new(Panicked::new(payload.as_ref()));
                return Attempt::Done(Outcome::Unknown(source));
            }
        }
        Attempt::Done(outcome)
    }

    /// Commits, and finds out what became of it if there is no answer.
    async fn commit(&mut self, link: Link, applied: Applied, until: Instant) -> Attempt {
        let session = self.session.get().map(|key| key.0);
        let warned = link.warnings();
        let commit = match timeout_at(until, sent(&link, session, applied.event.as_deref())).await {
            Ok(commit) => commit,
            Err(_) => Commit::Unanswered(Arc::new(NoAnswer(COMMIT_MIN))),
        };
        match commit {
            Commit::Done if link.warnings() == warned => {
                self.link = Some(link);
                Attempt::Done(Outcome::Committed(applied.answers))
            }
            // Most likely that it did not wait for the standby.
            Commit::Done => {
                drop(link);
                self.in_doubt(applied, session, until, Arc::new(Warned)).await
            }
            Commit::Undone(error) => self.undo(link, error).await,
            Commit::Unanswered(why) => {
                drop(link);
                tracing::warn!(error = %why, "no answer to a commit: asking what became of it");
                self.in_doubt(applied, session, until, why).await
            }
        }
    }

    /// Ends a transaction that failed with `error`.
    async fn undo(&mut self, link: Link, error: Error) -> Attempt {
        match failure_of(&error) {
            _ if link.is_closed() => Attempt::Lost(error),
            Failure::Lost | Failure::Deadline => Attempt::Lost(error),
            Failure::Conflict => {
                self.roll_back(link).await;
                Attempt::Conflict(error)
            }
            Failure::NoRoom => {
                self.roll_back(link).await;
                Attempt::Done(Outcome::Unreached(Arc::new(error)))
            }
            Failure::Statement => {
                self.roll_back(link).await;
                Attempt::Done(Outcome::RolledBack(error))
            }
        }
    }

    /// Undoes a transaction and keeps the connection if it can.
    async fn roll_back(&mut self, link: Link) {
        let end = timeout(ROLLBACK_MAX, link.client().batch_execute("ROLLBACK"));
        if let Ok(Ok(())) = end.await {
            self.link = Some(link);
        }
    }
}

/// The server warned while it committed.
#[derive(Debug, thiserror::Error)]
#[error("the server warned while it committed: see the log")]
struct Warned;

/// Begins a transaction, sent together with the first of the group, and applies the group in it.
async fn applied(link: &Link, group: &[Waiting]) -> Result<Applied, Error> {
    let changes: Vec<(&Principal, &Write)> =
        group.iter().map(|waiting| (&waiting.principal, &waiting.write)).collect();
    let (begin, work) = match changes.as_slice() {
        [(principal, write)] if !is_frequent(write) => {
            let work = async { Ok(vec![apply(link, principal, write).await?]) };
            (if needs_guard(write) { BEGIN_ALONE } else { BEGIN }, work.boxed())
        }
        changes => (BEGIN, apply_group(link, changes).boxed()),
    };
    let (begun, answers) = join(link.client().simple_query(begin), work).await;
    let transaction = number(&begun.during("begin a transaction")?)?;
    let answers = answers?;
    let told = changes.iter().zip(&answers);
    let told: Vec<Change> =
        told.filter_map(|((_, write), answer)| change(write, answer.as_ref().ok()?)).collect();
    let event = if told.is_empty() { None } else { Some(to_json(&told)?) };
    Ok(Applied { transaction, answers, event })
}

/// The number of the transaction that was begun.
pub(super) fn number(answer: &[SimpleQueryMessage]) -> Result<u64, Error> {
    let first = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let number = first.and_then(|row| row.try_get(0).ok().flatten());
    number.and_then(|number| number.parse().ok()).ok_or_else(|| Error::Damaged {
        what: "the number of a transaction".to_owned(),
        detail: format!("{number:?}"),
    })
}

/// Sends what the feed tells and the commit, both at once. The first statement is known to be
/// prepared: otherwise the commit would overtake it.
async fn sent(link: &Link, session: Option<i64>, event: Option<&str>) -> Commit {
    let tell = async {
        match event {
            Some(changes) => link.execute("tell of a change", EVENT, &[&session, &changes]).await,
            None => Ok(0),
        }
    };
    let (told, committed) = join(tell, link.client().batch_execute(COMMIT)).await;
    match (told, committed) {
        (Ok(_), Ok(())) => Commit::Done,
        // The server says itself that it failed, and goes on: the transaction is undone.
        (Err(error), _) if failure_of(&error) != Failure::Lost && !link.is_closed() => {
            Commit::Undone(error)
        }
        (_, Err(error)) if failure(&error) != Failure::Lost && !link.is_closed() => {
            Commit::Undone(Error::Failed { operation: "commit", source: Box::new(error) })
        }
        (Err(error), _) => Commit::Unanswered(Arc::new(error)),
        (_, Err(error)) => Commit::Unanswered(Arc::new(error)),
    }
}

/// Within a deadline; over it, an error that means that the connection is lost.
pub(super) async fn within<T>(
    until: Instant,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let given = until.saturating_duration_since(Instant::now());
    timeout_at(until, work).await.unwrap_or_else(|_| {
        Err(Error::Failed { operation: "write", source: Box::new(NoAnswer(given)) })
    })
}

/// Records what a commit took and how much it carried.
fn measure(begun: Instant, group: &[Waiting]) {
    let rows: usize = group.iter().map(|waiting| rows(&waiting.write)).sum();
    #[expect(clippy::cast_precision_loss, reason = "a histogram of small counts")]
    let (operations, rows) = (group.len() as f64, rows as f64);
    metrics::histogram!("fleetwright_store_commit_seconds").record(begun.elapsed().as_secs_f64());
    metrics::histogram!("fleetwright_store_group_operations").record(operations);
    metrics::histogram!("fleetwright_store_group_rows").record(rows);
}
