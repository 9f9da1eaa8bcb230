//! One connection, its prepared statements, and short ways to ask.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use crate::Error;
pub(super) use crate::during::During;

/// What a statement is given.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection to the database. Statements are prepared once, by their text, which is our own and
/// never made from anybody's input.
pub(super) struct Connection {
    client: Client,
    statements: Mutex<HashMap<String, Statement>>,
}

impl Connection {
    /// A connection on `client`, whose other half runs elsewhere.
    pub(super) fn new(client: Client) -> Self {
        Self { client, statements: Mutex::default() }
    }

    /// The client itself, for what is not asked by a prepared statement.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Whether the connection is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// The statement of this text, prepared.
    pub(super) async fn prepare(&self, sql: &str) -> Result<Statement, tokio_postgres::Error> {
        let known =
            self.statements.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Every row of a statement, each read by `read`.
    pub(super) async fn all<T>(
        &self,
        operation: &'static str,
        sql: &str,
        params: Params<'_>,
        read: impl FnMut(&Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let statement = self.prepare(sql).await.during(operation)?;
        let rows = self.client.query(&statement, params).await.during(operation)?;
        rows.iter().map(read).collect()
    }

    /// The first row of a statement, if there is one.
    pub(super) async fn first<T>(
        &self,
        operation: &'static str,
        sql: &str,
        params: Params<'_>,
        read: impl FnOnce(&Row) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let statement = self.prepare(sql).await.during(operation)?;
        let row = self.client.query_opt(&statement, params).await.during(operation)?;
        row.as_ref().map(read).transpose()
    }

    /// Runs a statement and gives how many rows it changed.
    pub(super) async fn execute(
        &self,
        operation: &'static str,
        sql: &str,
        params: Params<'_>,
    ) -> Result<u64, Error> {
        let statement = self.prepare(sql).await.during(operation)?;
        self.client.execute(&statement, params).await.during(operation)
    }

    /// Whether a statement gives any row.
    pub(super) async fn exists(
        &self,
        operation: &'static str,
        sql: &str,
        params: Params<'_>,
    ) -> Result<bool, Error> {
        Ok(self.first(operation, sql, params, |_| Ok(())).await?.is_some())
    }

    /// The number that a statement without rows but one gives.
    pub(super) async fn count(
        &self,
        operation: &'static str,
        sql: &str,
        params: Params<'_>,
    ) -> Result<u64, Error> {
        let statement = self.prepare(sql).await.during(operation)?;
        let row = self.client.query_one(&statement, params).await.during(operation)?;
        let count: i64 = row.try_get(0).during(operation)?;
        Ok(count.unsigned_abs())
    }
}
