//! The same store without threads or files, for a simulation that decides itself when what happens.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use fleet::fault_point::FaultPoints;
use fleet::{Epoch, Principal, Timestamp};
use rusqlite::Connection;

use super::asking::Asking;
use super::migrate::{MIGRATIONS, migrate};
use super::reader::snapshot;
use super::rows::During;
use super::writer::write_alone;
use super::{OpenError, backup, connection, ownership};
use crate::{Backup, Error, Refused, Write, Writes, Written};

/// A store in memory whose every call is done when it returns, on the caller's thread: no call ever
/// waits. Each change is a transaction of its own. It holds what was committed for as long as it
/// lives: whoever simulates a crash keeps it and drops everything else.
#[derive(Debug)]
pub struct Inline {
    connection: Mutex<Connection>,
    faults: FaultPoints,
}

impl Inline {
    /// An empty store, started once at `now`, that passes `faults` around each commit. A panic from
    /// there before the commit undoes the change; the call gives an error.
    pub fn new(now: Timestamp, faults: FaultPoints) -> Result<Self, OpenError> {
        let failed = |operation| move |source| OpenError::Database { operation, source };
        let connection = connection::open_in_memory().map_err(failed("make a database"))?;
        migrate(&connection, None, MIGRATIONS, now)?;
        ownership::take_shards(&connection, now).map_err(failed("take the shards"))?;
        Ok(Self { connection: Mutex::new(connection), faults })
    }

    /// What a new start does: takes all shards under the next epoch.
    pub fn bump_epoch(&self, now: Timestamp) -> Result<Epoch, Error> {
        ownership::take_shards(&self.lock(), now).during("take the shards")
    }

    /// The connection. A panic under the lock has left no transaction open.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Asking for Inline {
    async fn ask<T, F>(&self, query: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        snapshot(&self.lock(), query)
    }

    async fn copy(&self, to: PathBuf) -> Result<Backup, Error> {
        backup::back_up(&self.lock(), &to, &Arc::default())
            .map_err(|error| error.during("the backup"))
    }
}

#[async_trait]
impl Writes for Inline {
    async fn write(
        &self,
        principal: &Principal,
        write: Write,
    ) -> Result<Result<Written, Refused>, Error> {
        write_alone(&mut self.lock(), principal, write, &self.faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Box<Inline> {
        Box::new(Inline::new(Timestamp(1), FaultPoints::none()).unwrap())
    }

    crate::conformance::tests!(store());
}
