//! A SQLite file as one side of a copy.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use fleet::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params, params_from_iter};

use super::side::{Batch, Side};
use super::tables::{Column, GIVEN, Kind, Table};
use super::value::{Row, Value};
use super::{CopyError, Role, damaged};
use crate::Error;
use crate::sqlite::{DirectoryLock, OpenError, Options, Sqlite};

/// What a copy is called until it is whole, after its name.
const UNFINISHED: &str = ".copying";

/// What SQLite puts beside a database.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A file whose directory is locked for us.
pub(super) struct File {
    role: Role,
    /// What it is to be called in the end.
    file: PathBuf,
    /// What it is called.
    working: PathBuf,
    /// `None` only once it is closed.
    connection: Arc<Mutex<Option<Connection>>>,
    _lock: DirectoryLock,
}

impl File {
    /// Opens a store as a server would, so that its schema is ours and of this version, and then
    /// keeps everybody else from it. A target that does not exist is made.
    pub(super) async fn open(file: &Path, role: Role, now: Timestamp) -> Result<Self, CopyError> {
        let file = file.to_owned();
        blocking(role, move || Self::open_here(file, role, now)).await
    }

    /// The same on this thread.
    fn open_here(file: PathBuf, role: Role, now: Timestamp) -> Result<Self, CopyError> {
        let working = match (role, file.exists()) {
            (_, true) => file.clone(),
            (Role::Source | Role::Only, false) => return Err(CopyError::NoDatabase { file }),
            (Role::Target, false) => {
                let mut left = BESIDE.iter().map(|suffix| with_suffix(&file, suffix));
                if let Some(file) = left.find(|left| left.exists()) {
                    return Err(CopyError::LeftBehind { file });
                }
                with_suffix(&file, UNFINISHED)
            }
        };
        let failed = |source| {
            let file = file.clone();
            CopyError::OpenFile { role, file, source: Box::new(source) }
        };
        let options = Options { readers: 1, ..Options::new(&working, now) };
        Sqlite::open(options).map_err(failed)?.close();
        let lock = DirectoryLock::take(directory_of(&working))
            .map_err(|source| failed(OpenError::Lock(source)))?;
        let connection = connect(&working, role).map_err(|source| {
            failed(OpenError::Database { operation: "open the database for a copy", source })
        })?;
        let connection = Arc::new(Mutex::new(Some(connection)));
        Ok(Self { role, file, working, connection, _lock: lock })
    }

    /// Asks the database, on a thread that may wait for the disk.
    async fn ask<T: Send + 'static>(
        &self,
        operation: &'static str,
        question: impl FnOnce(&mut Connection) -> Result<T, Broken> + Send + 'static,
    ) -> Result<T, CopyError> {
        let (role, connection) = (self.role, Arc::clone(&self.connection));
        blocking(role, move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let closed = || CopyError::Store { role, source: Error::Closed };
            let answer = question(connection.as_mut().ok_or_else(closed)?);
            answer.map_err(|broken| match broken {
                Broken::Copy(error) => error,
                Broken::Database(source) => {
                    let source = Error::Failed { operation, source: Box::new(source) };
                    CopyError::Store { role, source }
                }
            })
        })
        .await
    }
}

/// Why a question was not answered.
enum Broken {
    /// The database failed.
    Database(rusqlite::Error),
    /// Something else is wrong.
    Copy(CopyError),
}

impl From<rusqlite::Error> for Broken {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

#[async_trait]
impl Side for File {
    async fn page(
        &self,
        table: &'static Table,
        after: Option<Row>,
        batch: Batch,
    ) -> Result<Vec<Row>, CopyError> {
        self.ask("read rows for a copy", move |connection| {
            let mut select = connection.prepare_cached(&table.page_sql(after.is_some()))?;
            let limit = Value::Integer(i64::try_from(batch.rows).unwrap_or(i64::MAX));
            let params = after.into_iter().flatten().chain([limit]);
            let mut found = select.query(params_from_iter(params))?;
            let (mut rows, mut bytes) = (Vec::new(), 0);
            while let Some(row) = found.next()? {
                let row = read(table, table.columns, row)?;
                bytes += row.iter().map(Value::bytes).sum::<usize>();
                rows.push(row);
                if batch.is_full(&rows, bytes) {
                    break;
                }
            }
            Ok(rows)
        })
        .await
    }

    async fn count(&self, table: &'static Table) -> Result<u64, CopyError> {
        self.ask("count rows", move |connection| {
            let count: i64 = connection.query_row(&table.count_sql(), [], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        })
        .await
    }

    async fn last_key(&self, table: &'static Table) -> Result<Option<Row>, CopyError> {
        self.ask("find the highest key", move |connection| {
            let mut select = connection.prepare(&table.last_key_sql())?;
            let mut found = select.query([])?;
            let row = found.next()?;
            row.map(|row| read(table, table.key_columns(), row)).transpose()
        })
        .await
    }

    async fn insert(&self, table: &'static Table, rows: Vec<Row>) -> Result<(), CopyError> {
        self.ask("write rows of a copy", move |connection| {
            let transaction = connection.transaction()?;
            {
                let mut insert = transaction.prepare_cached(&table.insert_sql())?;
                for row in rows {
                    insert.execute(params_from_iter(row))?;
                }
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    async fn found(
        &self,
        table: &'static Table,
        sql: String,
        params: Row,
    ) -> Result<Vec<Row>, CopyError> {
        self.ask("read rows", move |connection| {
            let mut select = connection.prepare_cached(&sql)?;
            let mut found = select.query(params_from_iter(params))?;
            let mut rows = Vec::new();
            while let Some(row) = found.next()? {
                rows.push(read(table, table.columns, row)?);
            }
            Ok(rows)
        })
        .await
    }

    async fn change(&self, changes: Vec<(Arc<str>, Row)>) -> Result<(), CopyError> {
        self.ask("change rows", move |connection| {
            let transaction = connection.transaction()?;
            for (sql, params) in changes {
                transaction.prepare_cached(&sql)?.execute(params_from_iter(params))?;
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    async fn setting(&self, name: &'static str) -> Result<Option<String>, CopyError> {
        self.ask("read a setting", move |connection| {
            let sql = "SELECT value FROM setting WHERE name = ?1";
            Ok(connection.query_row(sql, [name], |row| row.get(0)).optional()?)
        })
        .await
    }

    async fn put_setting(&self, name: &'static str, value: String) -> Result<(), CopyError> {
        self.ask("write a setting", move |connection| Ok(put_setting(connection, name, &value)?))
            .await
    }

    async fn has_sessions(&self) -> Result<bool, CopyError> {
        self.ask("look for sessions", |connection| {
            let sql = "SELECT 1 FROM session LIMIT 1";
            Ok(connection.query_row(sql, [], |_| Ok(())).optional()?.is_some())
        })
        .await
    }

    async fn given(&self) -> Result<Vec<i64>, CopyError> {
        self.ask("find the highest keys", |connection| {
            let highest = |(table, deleted): &(&str, Option<&str>)| -> Result<i64, Broken> {
                let deleted = deleted.unwrap_or(table);
                let sql = format!(
                    "SELECT max(coalesce((SELECT max(key) FROM {table}), 0),
                                coalesce((SELECT max(key) FROM {deleted}), 0),
                                coalesce((SELECT seq FROM sqlite_sequence WHERE name = ?1), 0))"
                );
                Ok(connection.query_row(&sql, [table], |row| row.get(0))?)
            };
            GIVEN.iter().map(highest).collect()
        })
        .await
    }

    async fn epochs(&self) -> Result<Vec<(i64, i64)>, CopyError> {
        self.ask("read the fencing tokens", |connection| {
            let mut select = connection.prepare("SELECT shard, epoch FROM shard ORDER BY shard")?;
            let epochs = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(epochs.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn finish(
        &self,
        given: Vec<i64>,
        epochs: Vec<(i64, i64)>,
        marker: String,
    ) -> Result<(), CopyError> {
        self.ask("finish a copy", move |connection| {
            let transaction = connection.transaction()?;
            for ((table, _), highest) in GIVEN.iter().zip(given) {
                give_above(&transaction, table, highest)?;
            }
            for (shard, epoch) in epochs {
                transaction.execute(
                    "INSERT INTO shard (shard, epoch) VALUES (?1, ?2)
                     ON CONFLICT (shard) DO UPDATE SET epoch = max(epoch, excluded.epoch)",
                    params![shard, epoch],
                )?;
            }
            put_setting(&transaction, super::marker::MARKER, &marker)?;
            Ok(transaction.commit()?)
        })
        .await
    }

    async fn let_go(&self) {
        // It is held by being open.
    }

    async fn keep(self: Box<Self>) -> Result<(), CopyError> {
        let role = self.role;
        let connection = Arc::clone(&self.connection);
        self.ask("keep a copy", move |connection| {
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            Ok(connection.pragma_update(None, "journal_mode", "DELETE")?)
        })
        .await?;
        blocking(role, move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(Err((_, source))) = connection.map(Connection::close) {
                let operation = "keep a copy";
                let source = Error::Failed { operation, source: Box::new(source) };
                return Err(CopyError::Store { role, source });
            }
            let keep = |source| CopyError::Keep { file: self.file.clone(), source };
            name(&self.working, &self.file).map_err(keep)
        })
        .await
    }
}

/// Makes the next key of a table above `highest`, if the table has its keys given so. Those that
/// have not take the one above the highest key that there is, or that was deleted.
fn give_above(connection: &Connection, table: &str, highest: i64) -> Result<(), rusqlite::Error> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE name = ?1 AND sql LIKE '%AUTOINCREMENT%'";
    let given = connection.query_row(sql, [table], |_| Ok(())).optional()?.is_some();
    if !given || highest == 0 {
        return Ok(());
    }
    // SQLite allows ordinary changes of this table (sqlite.org/autoinc.html).
    let sql = "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1";
    if connection.execute(sql, params![table, highest])? == 0 {
        let sql = "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)";
        connection.execute(sql, params![table, highest])?;
    }
    Ok(())
}

/// Sets a setting.
fn put_setting(connection: &Connection, name: &str, value: &str) -> Result<(), rusqlite::Error> {
    let sql = "INSERT INTO setting (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.execute(sql, [name, value]).map(drop)
}

/// Reads the values of these columns of a table, which a row begins with.
fn read(table: &'static Table, columns: &[Column], row: &rusqlite::Row<'_>) -> Result<Row, Broken> {
    let mut values: Row = Vec::with_capacity(columns.len());
    for (at, column) in columns.iter().enumerate() {
        let value = match (column.kind, row.get_ref(at)?) {
            (_, ValueRef::Null) => Ok(Value::Null),
            (Kind::Integer, ValueRef::Integer(number)) => Ok(Value::Integer(number)),
            (Kind::Flag, ValueRef::Integer(0)) => Ok(Value::Flag(false)),
            (Kind::Flag, ValueRef::Integer(1)) => Ok(Value::Flag(true)),
            (Kind::Text, ValueRef::Text(text)) => std::str::from_utf8(text)
                .map(|text| Value::Text(text.to_owned()))
                .map_err(|error| error.to_string()),
            (Kind::Bytes, ValueRef::Blob(bytes)) => Ok(Value::Bytes(bytes.to_owned())),
            (_, other) => Err(format!("it holds {}", other.data_type())),
        };
        let broken =
            |detail| Broken::Copy(damaged(table, &table.key_of(&values), column.name, detail));
        values.push(value.map_err(broken)?);
    }
    Ok(values)
}

/// Opens a database that nobody else has open.
fn connect(file: &Path, role: Role) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    let synchronous = match role {
        // What is committed is whole after a power cut, if not the latest of it.
        Role::Source | Role::Target => "NORMAL",
        // What is done to the only store is done before what follows from it.
        Role::Only => "FULL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Syncs a file, gives it its name and syncs that.
fn name(working: &Path, file: &Path) -> io::Result<()> {
    fs::File::open(working)?.sync_all()?;
    if working != file {
        if file.exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(working, file)?;
    }
    fs::File::open(directory_of(file))?.sync_all()
}

/// The path of `file` with `suffix` after its name.
fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(file);
    path.push(suffix);
    PathBuf::from(path)
}

/// The directory in which `file` lies.
pub(super) fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(directory) if directory != Path::new("") => directory,
        _ => Path::new("."),
    }
}

/// Runs what waits for the disk on a thread that may.
async fn blocking<T: Send + 'static>(
    role: Role,
    work: impl FnOnce() -> Result<T, CopyError> + Send + 'static,
) -> Result<T, CopyError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(source) => {
            let operation = "use a thread for a copy";
            let source = Error::Failed { operation, source: Box::new(source) };
            Err(CopyError::Store { role, source })
        }
    }
}
