//! What an error of the database means for what was being done.

use tokio_postgres::error::{DbError, Severity, SqlState};

use super::pool::NoAnswer;
use crate::Error;

/// How to go on after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The connection is of no use any more: its transaction, unless it was being committed, is
    /// undone. The same may be done on another.
    Lost,
    /// The transaction met another one; the same may be done again.
    Conflict,
    /// The statement took longer than it may.
    Deadline,
    /// The server lacks the disk or the memory for it; the transaction is to be undone.
    NoRoom,
    /// The statement is at fault; it would fail again.
    Statement,
}

/// What an error of a statement means.
pub(super) fn failure(error: &tokio_postgres::Error) -> Failure {
    match error.as_db_error() {
        // The server says that it ends the connection, or itself, whatever the reason.
        Some(said) if ends_the_connection(said) => Failure::Lost,
        Some(said) => of_code(said.code()),
        // Sent or received badly: the stream is broken or was closed.
        None if error.is_closed() || has_io_error(error) => Failure::Lost,
        None => Failure::Statement,
    }
}

/// The same of an error that has become the store's own.
pub(super) fn failure_of(error: &Error) -> Failure {
    let Error::Failed { source, .. } = error else {
        let away = matches!(error, Error::Away { .. });
        return if away { Failure::Lost } else { Failure::Statement };
    };
    if source.is::<NoAnswer>() {
        return Failure::Lost;
    }
    source.downcast_ref().map_or(Failure::Statement, failure)
}

/// The error of a connection that was lost, as those who asked are told of it.
pub(super) fn away(error: Error) -> Error {
    match error {
        Error::Failed { operation, source } => Error::Away { operation, source },
        other => other,
    }
}

/// Whether an error is the last word on its connection.
fn ends_the_connection(said: &DbError) -> bool {
    matches!(said.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
}

/// What a code means (postgresql.org/docs/15/errcodes-appendix.html).
fn of_code(code: &SqlState) -> Failure {
    match *code {
        // `lock_timeout` ends waits: whoever holds the lock has died or hangs, and is ended too.
        // A statement that was sent together with one that failed may be told of first; done again,
        // the other has its turn.
        SqlState::IN_FAILED_SQL_TRANSACTION
        | SqlState::T_R_SERIALIZATION_FAILURE
        | SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::LOCK_NOT_AVAILABLE => Failure::Conflict,
        SqlState::QUERY_CANCELED => Failure::Deadline,
        // The server goes down, or has, or is a standby now.
        SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::CANNOT_CONNECT_NOW
        | SqlState::DATABASE_DROPPED
        | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
        | SqlState::READ_ONLY_SQL_TRANSACTION => Failure::Lost,
        // Class 08 is "connection exception".
        ref other if other.code().starts_with("08") => Failure::Lost,
        // Class 53 is "insufficient resources".
        ref other if other.code().starts_with("53") => Failure::NoRoom,
        _ => Failure::Statement,
    }
}

/// Whether the stream itself failed.
fn has_io_error(error: &tokio_postgres::Error) -> bool {
    let source = std::error::Error::source(error);
    source.is_some_and(|source| source.downcast_ref::<std::io::Error>().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_what_the_manual_says() {
        let cases = [
            ("40001", Failure::Conflict),
            ("40P01", Failure::Conflict),
            ("55P03", Failure::Conflict),
            ("57014", Failure::Deadline),
            ("57P01", Failure::Lost),
            ("25006", Failure::Lost),
            ("25P03", Failure::Lost),
            ("08006", Failure::Lost),
            ("23505", Failure::Statement),
            ("25P02", Failure::Conflict),
            ("53100", Failure::NoRoom),
            ("53200", Failure::NoRoom),
        ];
        for (code, expected) in cases {
            assert_eq!(of_code(&SqlState::from_code(code)), expected, "{code}");
        }
    }
}
