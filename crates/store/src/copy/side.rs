//! What either engine does for a copy.

use std::sync::Arc;

use async_trait::async_trait;

use super::CopyError;
use super::tables::Table;
use super::value::Row;

/// How much is read and written at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch {
    /// Rows.
    pub(crate) rows: usize,
    /// Bytes in memory, after which no row is added.
    pub(crate) bytes: usize,
}

impl Batch {
    /// The size that is used: some ten milliseconds' work.
    pub(super) const LIMITS: Self = Self { rows: 2_000, bytes: 8 * 1024 * 1024 };

    /// Whether rows that are `bytes` together are enough, whatever their number.
    pub(crate) fn is_full(self, rows: &[Row], bytes: usize) -> bool {
        rows.len() >= self.rows || bytes >= self.bytes
    }
}

/// A store that nobody else uses.
#[async_trait]
pub(crate) trait Side: Send + Sync {
    /// The first rows of a table after that with the key `after`, by key.
    async fn page(
        &self,
        table: &'static Table,
        after: Option<Row>,
        batch: Batch,
    ) -> Result<Vec<Row>, CopyError>;

    /// How many rows a table has.
    async fn count(&self, table: &'static Table) -> Result<u64, CopyError>;

    /// The highest key of a table.
    async fn last_key(&self, table: &'static Table) -> Result<Option<Row>, CopyError>;

    /// Puts rows into a table, all or none.
    async fn insert(&self, table: &'static Table, rows: Vec<Row>) -> Result<(), CopyError>;

    /// The rows that a statement gives, whose columns are those of `table`.
    async fn found(
        &self,
        table: &'static Table,
        sql: String,
        params: Row,
    ) -> Result<Vec<Row>, CopyError>;

    /// Carries statements out, each with its parameters, all or none.
    async fn change(&self, changes: Vec<(Arc<str>, Row)>) -> Result<(), CopyError>;

    /// The value of a setting.
    async fn setting(&self, name: &'static str) -> Result<Option<String>, CopyError>;

    /// Sets it.
    async fn put_setting(&self, name: &'static str, value: String) -> Result<(), CopyError>;

    /// Whether any node has a session here or had one.
    async fn has_sessions(&self) -> Result<bool, CopyError>;

    /// The highest key that was ever given in each table of [`super::tables::GIVEN`], in their
    /// order; 0 for none.
    async fn given(&self) -> Result<Vec<i64>, CopyError>;

    /// The fencing tokens, each with its shard.
    async fn epochs(&self) -> Result<Vec<(i64, i64)>, CopyError>;

    /// Makes the copy one that can be used, all at once: keys are given above these, fencing tokens
    /// are these at least, and this is the marker.
    async fn finish(
        &self,
        given: Vec<i64>,
        epochs: Vec<(i64, i64)>,
        marker: String,
    ) -> Result<(), CopyError>;

    /// Lets nodes begin sessions again.
    async fn let_go(&self);

    /// Gives a finished copy its name.
    async fn keep(self: Box<Self>) -> Result<(), CopyError>;
}
