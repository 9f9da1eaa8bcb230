//! A PostgreSQL database as one side of a copy.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fleet::Timestamp;
use futures_util::TryStreamExt as _;
use futures_util::future::try_join_all;
use tokio::time::timeout;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use super::connect::{Connector, Purpose};
use super::connection::{Connection, During as _, Params};
use super::link::Link;
use super::migrate::{MIGRATIONS, migrate};
use super::pool::NoAnswer;
use super::{OpenError, Options};
use crate::Error;
use crate::copy::side::{Batch, Side};
use crate::copy::tables::{Column, GIVEN, Kind, TABLES, Table};
use crate::copy::value::{Row, Value};
use crate::copy::{CopyError, Role, damaged, marker, refuse_nul};

/// How long one exchange may take: counting a table of fifty million rows, say, on a slow disk.
const DEADLINE: Duration = Duration::from_secs(900);

/// What the sessions of a copy set: its transactions stand open for long, and its statements take
/// what they take.
const SETTINGS: &str = "SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0;
     SET default_transaction_isolation = 'read committed'";

/// A node that runs on the database, if there is one.
const RUNNING: &str = "SELECT node, http FROM session
     WHERE expires_at IS NULL OR expires_at > extract(epoch FROM clock_timestamp()) * 1000
     ORDER BY node LIMIT 1";

/// A database in which no node can begin a session.
pub(crate) struct Database {
    role: Role,
    /// What is read and written. Of the source: as of one moment.
    link: Link,
    /// Has the table of sessions locked in a transaction; of the source, `link` itself has.
    lock: Option<Link>,
}

impl Database {
    /// Connects and keeps nodes from beginning a session; refuses a database on which one runs.
    /// Brings the schema up to date first, as a node does that starts.
    pub(crate) async fn open(
        options: &Options,
        role: Role,
        now: Timestamp,
    ) -> Result<Self, CopyError> {
        let opened = |source| CopyError::OpenServer { role, source: Box::new(source) };
        let connector = Connector::new(options).map_err(opened)?;
        let link = connect(&connector, role).await?;
        let migrated = migrate(&link, MIGRATIONS, now).await;
        migrated.map_err(|error| opened(OpenError::Migrate(error)))?;
        let this = match role {
            // Its transaction begins once it has an id: see `Side::put_setting`.
            Role::Source => Self { role, link, lock: None },
            Role::Target | Role::Only => {
                Self { role, lock: Some(connect(&connector, role).await?), link }
            }
        };
        match &this.lock {
            // Two copies at a time don't go into one database; two may come out of one.
            Some(lock) => {
                let mode = "SHARE ROW EXCLUSIVE";
                this.keep_nodes_out(lock, "READ COMMITTED", mode).await?;
            }
            None => this.keep_nodes_out(&this.link, "REPEATABLE READ", "SHARE").await?,
        }
        Ok(this)
    }

    /// Begins a transaction on `link` that locks the table of sessions, and refuses a database on
    /// which a node runs. The lock comes first: what the transaction sees is what is there then.
    async fn keep_nodes_out(
        &self,
        link: &Link,
        isolation: &str,
        mode: &str,
    ) -> Result<(), CopyError> {
        let operation = "lock the sessions";
        let begin =
            format!("BEGIN ISOLATION LEVEL {isolation}; LOCK TABLE session IN {mode} MODE NOWAIT");
        let locked = within(operation, async {
            match link.client().batch_execute(&begin).await {
                Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(false),
                locked => locked.during(operation).map(|()| true),
            }
        });
        let in_use = |by| CopyError::InUse { role: self.role, by };
        if !locked.await.map_err(|source| self.failed(source))? {
            let by = "a node begins or renews its session, or another copy is made".to_owned();
            return Err(in_use(by));
        }
        let running = link.first(operation, RUNNING, &[], |row| {
            let text = |at: usize| row.try_get::<_, String>(at).during(operation);
            Ok(format!("node {} runs on it, at {}", text(0)?, text(1)?))
        });
        match within(operation, running).await.map_err(|source| self.failed(source))? {
            Some(by) => Err(in_use(by)),
            None => Ok(()),
        }
    }

    /// Asks the database, within the deadline.
    async fn ask<T>(
        &self,
        operation: &'static str,
        question: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, CopyError> {
        within(operation, question).await.map_err(|source| self.failed(source))
    }

    /// The error of this side.
    fn failed(&self, source: Error) -> CopyError {
        CopyError::Store { role: self.role, source }
    }
}

#[async_trait]
impl Side for Database {
    async fn page(
        &self,
        table: &'static Table,
        after: Option<Row>,
        batch: Batch,
    ) -> Result<Vec<Row>, CopyError> {
        let operation = "read rows for a copy";
        let limit = Value::Integer(i64::try_from(batch.rows).unwrap_or(i64::MAX));
        let sql = table.page_sql(after.is_some());
        let params: Row = after.into_iter().flatten().chain([limit]).collect();
        let read = async {
            let statement = self.link.prepare(&sql).await.during(operation)?;
            let found = self.link.client().query_raw(&statement, &params).await;
            let mut found = pin!(found.during(operation)?);
            let (mut rows, mut bytes) = (Vec::new(), 0);
            while let Some(row) = found.try_next().await.during(operation)? {
                let row = match read(table, table.columns, &row) {
                    Ok(row) => row,
                    Err(error) => return Ok(Err(error)),
                };
                bytes += row.iter().map(Value::bytes).sum::<usize>();
                rows.push(row);
                // What follows is thrown away as it comes.
                if batch.is_full(&rows, bytes) {
                    break;
                }
            }
            Ok(Ok(rows))
        };
        self.ask(operation, read).await?
    }

    async fn count(&self, table: &'static Table) -> Result<u64, CopyError> {
        self.ask("count rows", self.link.count("count rows", &table.count_sql(), &[])).await
    }

    async fn last_key(&self, table: &'static Table) -> Result<Option<Row>, CopyError> {
        let (operation, sql) = ("find the highest key", table.last_key_sql());
        let found =
            self.link.first(operation, &sql, &[], |row| Ok(read(table, table.key_columns(), row)));
        self.ask(operation, found).await?.transpose()
    }

    async fn insert(&self, table: &'static Table, rows: Vec<Row>) -> Result<(), CopyError> {
        refuse_nul(table, &rows)?;
        let operation = "write rows of a copy";
        let types: Vec<Type> = table.columns.iter().map(|column| type_of(*column)).collect();
        // One statement, and so whole or not at all.
        let written = async {
            let sink = self.link.client().copy_in(&table.copy_sql()).await.during(operation)?;
            let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
            for row in &rows {
                writer.as_mut().write_raw(row).await.during(operation)?;
            }
            writer.finish().await.during(operation)
        };
        self.ask(operation, written).await?;
        Ok(())
    }

    async fn found(
        &self,
        table: &'static Table,
        sql: String,
        params: Row,
    ) -> Result<Vec<Row>, CopyError> {
        let operation = "read rows";
        let found = async {
            let statement = self.link.prepare(&sql).await.during(operation)?;
            let found = self.link.client().query_raw(&statement, &params).await;
            let found = found.during(operation)?.try_collect::<Vec<_>>().await;
            found.during(operation)
        };
        let found = self.ask(operation, found).await?;
        found.iter().map(|row| read(table, table.columns, row)).collect()
    }

    async fn change(&self, changes: Vec<(Arc<str>, Row)>) -> Result<(), CopyError> {
        let operation = "change rows";
        if let Some(lock) = &self.lock {
            // Whether the lock has held until now.
            self.ask(operation, lock.exists(operation, "SELECT 1", &[])).await?;
        }
        let changed = async {
            self.link.client().batch_execute("BEGIN").await.during(operation)?;
            let mut prepared = Vec::with_capacity(changes.len());
            for (sql, params) in &changes {
                prepared.push((self.link.prepare(sql).await.during(operation)?, params));
            }
            // They are sent without waiting for one another's answers.
            let client = self.link.client();
            let each =
                prepared.iter().map(|(statement, params)| client.execute_raw(statement, *params));
            try_join_all(each).await.during(operation)?;
            self.link.client().batch_execute("COMMIT").await.during(operation)
        };
        self.ask(operation, changed).await
    }

    async fn setting(&self, name: &'static str) -> Result<Option<String>, CopyError> {
        let operation = "read a setting";
        let sql = "SELECT value FROM setting WHERE name = $1";
        let params: Params<'_> = &[&name];
        let found = self.link.first(operation, sql, params, |row| row.try_get(0).during(operation));
        self.ask(operation, found).await
    }

    async fn put_setting(&self, name: &'static str, value: String) -> Result<(), CopyError> {
        let operation = "write a setting";
        let written = put_setting(&self.link, name, &value);
        self.ask(operation, written).await?;
        if self.role == Role::Source {
            // The transaction that reads ends here, so that the setting stays whatever happens,
            // and another begins, with a moment between them in which a node may come.
            batch(self.role, operation, &self.link, "COMMIT").await?;
            self.keep_nodes_out(&self.link, "REPEATABLE READ", "SHARE").await?;
        }
        Ok(())
    }

    async fn has_sessions(&self) -> Result<bool, CopyError> {
        let operation = "look for sessions";
        self.ask(operation, self.link.exists(operation, "SELECT 1 FROM session LIMIT 1", &[])).await
    }

    async fn given(&self) -> Result<Vec<i64>, CopyError> {
        let operation = "find the highest keys";
        let mut given = Vec::with_capacity(GIVEN.len());
        for (table, deleted) in GIVEN {
            let deleted = deleted.unwrap_or(table);
            let sql = format!(
                "SELECT greatest((SELECT max(key) FROM {table}), (SELECT max(key) FROM {deleted}),
                     pg_sequence_last_value(pg_get_serial_sequence('{table}', 'key')::regclass), 0)"
            );
            let highest = self.ask(operation, self.link.count(operation, &sql, &[])).await?;
            given.push(i64::try_from(highest).unwrap_or(i64::MAX));
        }
        Ok(given)
    }

    async fn epochs(&self) -> Result<Vec<(i64, i64)>, CopyError> {
        let operation = "read the fencing tokens";
        let sql = "SELECT shard, epoch FROM shard ORDER BY shard";
        let read = self.link.all(operation, sql, &[], |row| {
            Ok((row.try_get(0).during(operation)?, row.try_get(1).during(operation)?))
        });
        self.ask(operation, read).await
    }

    async fn finish(
        &self,
        given: Vec<i64>,
        epochs: Vec<(i64, i64)>,
        marker: String,
    ) -> Result<(), CopyError> {
        let operation = "finish a copy";
        if let Some(lock) = &self.lock {
            // Whether the lock has held until now.
            self.ask(operation, lock.exists(operation, "SELECT 1", &[])).await?;
        }
        let finished = async {
            self.link.client().batch_execute("BEGIN").await.during(operation)?;
            for ((table, _), highest) in GIVEN.iter().zip(&given) {
                give_above(&self.link, table, *highest).await?;
            }
            let (shards, tokens): (Vec<i64>, Vec<i64>) = epochs.iter().copied().unzip();
            let sql = "INSERT INTO shard (shard, epoch)
                 SELECT * FROM unnest($1::bigint[], $2::bigint[])
                 ON CONFLICT (shard) DO UPDATE
                 SET epoch = greatest(shard.epoch, excluded.epoch)";
            self.link.execute(operation, sql, &[&shards, &tokens]).await?;
            put_setting(&self.link, marker::MARKER, &marker).await?;
            self.link.client().batch_execute("COMMIT").await.during(operation)
        };
        self.ask(operation, finished).await?;
        // The tables were empty when the planner last looked at them. Not that of sessions: it is
        // locked.
        let names: Vec<_> = TABLES.iter().map(|table| format!("\"{}\"", table.name)).collect();
        let analyze = format!("ANALYZE {}", names.join(", "));
        batch(self.role, "count for the planner", &self.link, &analyze).await
    }

    async fn let_go(&self) {
        // Nothing was changed in the transactions that are open. If this fails, they end with their
        // connections.
        let _ = batch(self.role, "unlock the sessions", &self.link, "ROLLBACK").await;
        if let Some(lock) = &self.lock {
            let _ = batch(self.role, "unlock the sessions", lock, "ROLLBACK").await;
        }
    }

    async fn keep(self: Box<Self>) -> Result<(), CopyError> {
        Ok(())
    }
}

/// A connection for a copy.
async fn connect(connector: &Connector, role: Role) -> Result<Link, CopyError> {
    let opened = |error| {
        let source = Box::new(OpenError::Connect(error));
        CopyError::OpenServer { role, source }
    };
    let link = connector.connect(Purpose::Write).await.map_err(opened)?;
    batch(role, "make a session ready", &link, SETTINGS).await?;
    Ok(link)
}

/// Makes the next key of a table above `highest`. A sequence never goes back.
async fn give_above(c: &Connection, table: &str, highest: i64) -> Result<(), Error> {
    let operation = "finish a copy";
    let sql = format!(
        "SELECT setval(s, $1) FROM pg_get_serial_sequence('{table}', 'key') AS name,
             CAST(name AS regclass) AS s
         WHERE coalesce(pg_sequence_last_value(s), 0) < $1"
    );
    c.execute(operation, &sql, &[&highest]).await?;
    Ok(())
}

/// Sets a setting.
async fn put_setting(c: &Connection, name: &str, value: &str) -> Result<(), Error> {
    let sql = "INSERT INTO setting (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    c.execute("write a setting", sql, &[&name, &value]).await?;
    Ok(())
}

/// Runs statements that give nothing.
async fn batch(
    role: Role,
    operation: &'static str,
    c: &Connection,
    sql: &str,
) -> Result<(), CopyError> {
    within(operation, async { c.client().batch_execute(sql).await.during(operation) })
        .await
        .map_err(|source| CopyError::Store { role, source })
}

/// What `work` gives, if it does so in time.
async fn within<T>(
    operation: &'static str,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let late = |_| Error::Failed { operation, source: Box::new(NoAnswer(DEADLINE)) };
    timeout(DEADLINE, work).await.map_err(late)?
}

/// The type of a column.
fn type_of(column: Column) -> Type {
    match column.kind {
        Kind::Integer => Type::INT8,
        Kind::Flag => Type::BOOL,
        Kind::Text => Type::TEXT,
        Kind::Bytes => Type::BYTEA,
    }
}

/// Reads the values of these columns of a table, which a row begins with.
fn read(
    table: &'static Table,
    columns: &[Column],
    row: &tokio_postgres::Row,
) -> Result<Row, CopyError> {
    let mut values: Row = Vec::with_capacity(columns.len());
    for (at, column) in columns.iter().enumerate() {
        let value = match column.kind {
            Kind::Integer => row.try_get(at).map(|value: Option<_>| value.map(Value::Integer)),
            Kind::Flag => row.try_get(at).map(|value: Option<_>| value.map(Value::Flag)),
            Kind::Text => row.try_get(at).map(|value: Option<_>| value.map(Value::Text)),
            Kind::Bytes => row.try_get(at).map(|value: Option<_>| value.map(Value::Bytes)),
        };
        let value =
            value.map_err(|error| damaged(table, &table.key_of(&values), column.name, error))?;
        values.push(value.unwrap_or(Value::Null));
    }
    Ok(values)
}
