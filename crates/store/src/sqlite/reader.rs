//! The threads that read, each on its own read-only connection. A read sees one snapshot, and has a
//! deadline: a reader that stays keeps the log from starting over.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::queue::{Queue, Rejected};
use super::rows::During;
use super::writer::Panicked;
use crate::Error;

/// Steps of SQLite's machine between two looks at the clock: some tens of microseconds.
const STEPS_PER_LOOK: i32 = 2_000;

/// A read that waits for a reader.
pub(super) type Question = Box<dyn FnOnce(&Reader) + Send>;

/// One thread's state.
pub(super) struct Reader {
    connection: Connection,
    /// When the running read must end.
    deadline: Arc<Mutex<Option<Instant>>>,
    read_deadline: Duration,
}

impl Reader {
    /// A reader on `connection` whose reads take at most `read_deadline`.
    pub(super) fn new(
        mut connection: Connection,
        read_deadline: Duration,
    ) -> Result<Self, rusqlite::Error> {
        let deadline: Arc<Mutex<Option<Instant>>> = Arc::default();
        let shared = Arc::clone(&deadline);
        let is_over = move || {
            let deadline = *shared.lock().unwrap_or_else(PoisonError::into_inner);
            deadline.is_some_and(|deadline| Instant::now() >= deadline)
        };
        connection.progress_handler(STEPS_PER_LOOK, Some(is_over))?;
        Ok(Self { connection, deadline, read_deadline })
    }

    /// Answers until the queue is closed and empty.
    pub(super) fn run(&self, queue: &Queue<Question>) {
        while let Some(question) = queue.take() {
            question(self);
        }
    }

    /// Reads within the deadline.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        self.set_deadline(Some(Instant::now() + self.read_deadline));
        let result = snapshot(&self.connection, read);
        self.set_deadline(None);
        result.map_err(|error| {
            if is_interrupt(&error) {
                metrics::counter!("fleetwright_store_read_deadlines_total").increment(1);
                return Error::ReadDeadline(self.read_deadline);
            }
            error
        })
    }

    fn set_deadline(&self, deadline: Option<Instant>) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }
}

/// Whether a read was ended by its deadline.
fn is_interrupt(error: &Error) -> bool {
    let Error::Failed { source, .. } = error else {
        return false;
    };
    let code =
        source.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
    code == Some(ErrorCode::OperationInterrupted)
}

/// Runs `read` in one read transaction: all its statements see the same state. A panic in it is an
/// error.
pub(super) fn snapshot<T>(
    connection: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    let execute = |sql| connection.prepare_cached(sql)?.execute([]).map(drop);
    execute("BEGIN").during("begin a read")?;
    let result = catch_unwind(AssertUnwindSafe(|| read(connection))).unwrap_or_else(|payload| {
        let source = Box::new(Panicked::new(payload.as_ref()));
        Err(Error::Failed { operation: "read", source })
    });
    if !connection.is_autocommit() {
        execute("ROLLBACK").during("end a read")?;
    }
    result
}

/// Puts a read into the queue and waits for its answer.
pub(super) async fn ask<T: Send + 'static>(
    queue: &Queue<Question>,
    read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (answer, answered) = oneshot::channel();
    let question = Box::new(move |reader: &Reader| {
        // Nobody waits for it any more: its caller was dropped.
        if !answer.is_closed() {
            let _ = answer.send(reader.read(read));
        }
    });
    queue.push(question).map_err(|rejected| match rejected {
        Rejected::Full => {
            metrics::counter!("fleetwright_store_busy_total", "queue" => "reads").increment(1);
            Error::Busy
        }
        Rejected::Closed => Error::Closed,
    })?;
    answered.await.unwrap_or(Err(Error::Closed))
}
