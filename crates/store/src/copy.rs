//! A store copied into an empty one, of the other engine or of the same, so that a fleet that
//! outgrows one machine does not begin anew.
//!
//! Tables are copied one after the other, each in the order of its key and in batches that are
//! there whole or not at all. What was broken off goes on after the highest key that is there. At
//! the end both sides are read once more and compared by counts and checksums; only then may a node
//! run on the copy. Neither side may be in use meanwhile.
//!
//! What nodes share while they run is not copied: sessions, who owns a shard, who holds a
//! registration, the feed, and the keys of calls: those are kept for a day, and nobody repeats a
//! call across a copy. Fencing tokens of the copy are above those of the source, and no key
//! that the source has ever given is given again.
//!
//! Start with [`copy`]; `tables` lists what is copied, `side` is what either engine does for it.

mod file;
pub(crate) mod marker;
pub(crate) mod side;
pub(crate) mod tables;
pub(crate) mod value;

#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;

use fleet::Timestamp;
use futures_util::future::try_join;
use sha2::{Digest, Sha256};

use crate::cluster::STORE_ID;
use crate::columns::to_json;
use crate::{Error, StoreId, postgres, sqlite};
use file::File;
use marker::Marker;
use side::{Batch, Side};
use tables::{TABLES, Table};
use value::{Row, Value, key_text};

/// Where a store is.
pub enum Place {
    /// In this SQLite file. As the source it has to exist, and is brought up to this version's
    /// schema as by a start of the server, after a backup. As the target it has not to: until the
    /// copy is whole, the file is called as it is with `.copying` after its name.
    Sqlite(PathBuf),
    /// In this PostgreSQL database. As the target, its schema is made if it has none.
    Postgres(Box<postgres::Options>),
}

/// Which of the two stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What is copied.
    Source,
    /// The copy.
    Target,
    /// The one store that is worked on: see [`crate::rekey`].
    Only,
}

impl fmt::Display for Role {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Source => "the source",
            Self::Target => "the target",
            Self::Only => "the store",
        })
    }
}

/// Why there is no whole copy. What has been copied stays, and the same copy asked for again goes
/// on after it, unless the error says that it can't.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is no such file.
    #[error("there is no database {}", file.display())]
    NoDatabase {
        /// The file.
        file: PathBuf,
    },
    /// What a database has left behind lies where the copy's own log will be.
    #[error("{} lies there without its database: move it away first", file.display())]
    LeftBehind {
        /// The file.
        file: PathBuf,
    },
    /// The file can't be opened, is no store of ours, or a server runs on it.
    #[error("{role} {} can't be opened", file.display())]
    OpenFile {
        /// Which store.
        role: Role,
        /// Its file.
        file: PathBuf,
        /// Why.
        #[source]
        source: Box<sqlite::OpenError>,
    },
    /// The database can't be opened, or is no store of ours.
    #[error("{role} can't be opened")]
    OpenServer {
        /// Which store.
        role: Role,
        /// Why.
        #[source]
        source: Box<postgres::OpenError>,
    },
    /// Somebody uses the store.
    #[error("{role} is in use: {by}")]
    InUse {
        /// Which store.
        role: Role,
        /// By whom.
        by: String,
    },
    /// The target holds something that is no copy of this source.
    #[error("the target is not empty ({what}): a store is copied into an empty one alone")]
    NotEmpty {
        /// What it holds.
        what: String,
    },
    /// The target holds the copy of another store, or a part of one.
    #[error("the target holds a copy of another store ({found}; this source is {source_id})")]
    AnotherSource {
        /// The id of that store.
        found: String,
        /// The id of the source.
        source_id: String,
    },
    /// The copy was whole, and nodes have run on it since.
    #[error(
        "the target was copied from this source, and has been used since: it is not written to"
    )]
    UsedSince,
    /// PostgreSQL can't hold a text with a NUL in it.
    #[error(
        "table {table}, row {key}: the text of column {column} has a NUL in it, which PostgreSQL \
         can't hold: change it first"
    )]
    Nul {
        /// The table.
        table: &'static str,
        /// The row's key.
        key: String,
        /// The column.
        column: &'static str,
    },
    /// A value can't be read as what its column holds.
    #[error("table {table}, row {key}: column {column} can't be read: {detail}")]
    Damaged {
        /// The table.
        table: &'static str,
        /// The row's key, as far as it can be read.
        key: String,
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// Both sides were read once more, and don't agree.
    #[error(
        "table {table} of the target is not that of the source ({source_rows} rows there, \
         {target_rows} here): one of them was changed after the copy was begun; begin anew in an \
         empty target"
    )]
    Differs {
        /// The table.
        table: &'static str,
        /// Rows of the source.
        source_rows: u64,
        /// Rows of the target.
        target_rows: u64,
    },
    /// Whoever watches it broke it off.
    #[error("the copy was broken off; asked for again, it goes on from here")]
    Stopped,
    /// The finished file could not be synced or given its name.
    #[error("{} can't be kept", file.display())]
    Keep {
        /// The file.
        file: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// A database failed.
    #[error("{role} failed")]
    Store {
        /// Which store.
        role: Role,
        /// What failed, and why.
        #[source]
        source: Error,
    },
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Rows are copied.
    Copying,
    /// Both sides are read and compared.
    Checking,
}

/// How far the copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub step: Step,
    /// With which table.
    pub table: &'static str,
    /// Rows of it that are done, those of an earlier attempt among them.
    pub rows: u64,
    /// Rows that there are.
    pub of: u64,
}

/// One table of a whole copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedTable {
    /// Its name.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
    /// The SHA-256 of its rows in the order of their keys, the same on both sides, in hexadecimal
    /// digits.
    pub sha256: String,
}

/// Who is told how far a copy is, and may break it off.
pub type Watch<'a> = &'a mut (dyn FnMut(Progress) -> ControlFlow<()> + Send);

/// Copies the store at `from` to `to` and checks the copy. Asked for again after it was broken off,
/// however that was, it goes on; asked for again after it was whole, it is checked alone.
///
/// Neither may be in use: directories of files are locked, and databases may have no node with a
/// session that lasts, nor may one begin meanwhile. The source is not changed, but for the id that
/// it is given when it has none, by which a copy that was broken off is known to be its own.
pub async fn copy(
    from: &Place,
    to: &Place,
    now: Timestamp,
    watch: Watch<'_>,
) -> Result<Vec<CopiedTable>, CopyError> {
    let source = open(from, Role::Source, now).await?;
    let target = open(to, Role::Target, now).await?;
    let copied = copy_between(&*source, &*target, Batch::LIMITS, watch).await;
    source.let_go().await;
    target.let_go().await;
    let copied = copied?;
    target.keep().await?;
    Ok(copied)
}

/// Opens one of the two stores, so that nobody else can use it.
pub(crate) async fn open(
    place: &Place,
    role: Role,
    now: Timestamp,
) -> Result<Box<dyn Side>, CopyError> {
    Ok(match place {
        Place::Sqlite(file) => Box::new(File::open(file, role, now).await?),
        Place::Postgres(options) => {
            Box::new(postgres::copying::Database::open(options, role, now).await?)
        }
    })
}

/// The same between two that are open, in batches of a given size.
async fn copy_between(
    source: &dyn Side,
    target: &dyn Side,
    batch: Batch,
    watch: Watch<'_>,
) -> Result<Vec<CopiedTable>, CopyError> {
    let id = store_id(source).await?;
    let ended = begin(target, &id).await?;
    let mut counts = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        let rows = source.count(table).await?;
        counts.push(rows);
        if !ended {
            copy_table(source, target, table, batch, rows, watch).await?;
        }
    }
    let mut copied = Vec::with_capacity(TABLES.len());
    for (table, of) in TABLES.iter().zip(counts) {
        tell(watch, Progress { step: Step::Checking, table: table.name, rows: 0, of })?;
        copied.push(check(source, target, table, batch).await?);
        tell(watch, Progress { step: Step::Checking, table: table.name, rows: of, of })?;
    }
    if !ended {
        let above = |(shard, epoch)| (shard, epoch + 1);
        let epochs = source.epochs().await?.into_iter().map(above).collect();
        target.finish(source.given().await?, epochs, Marker::ended(&id).to_text()).await?;
    }
    Ok(copied)
}

/// What a source is known by. It is drawn when it is first asked for.
async fn store_id(source: &dyn Side) -> Result<String, CopyError> {
    if let Some(id) = source.setting(STORE_ID).await? {
        return Ok(id);
    }
    let failed = |source| CopyError::Store { role: Role::Source, source };
    let id = StoreId::new().and_then(|id| to_json(&id.to_string())).map_err(failed)?;
    source.put_setting(STORE_ID, id.clone()).await?;
    Ok(id)
}

/// Marks an empty target as the copy of the source `id`, or finds it marked so. Gives whether the
/// copy was whole already.
async fn begin(target: &dyn Side, id: &str) -> Result<bool, CopyError> {
    let used = target.has_sessions().await?;
    let Some(text) = target.setting(marker::MARKER).await? else {
        if used {
            return Err(CopyError::NotEmpty { what: "nodes have run on it".to_owned() });
        }
        for table in TABLES {
            if target.last_key(table).await?.is_some() {
                let what = format!("there are rows in {}", table.name);
                return Err(CopyError::NotEmpty { what });
            }
        }
        target.put_setting(marker::MARKER, Marker::begun(id).to_text()).await?;
        return Ok(false);
    };
    match Marker::read(&text) {
        Some(marker) if marker.source == id => match (used, marker.ended) {
            (true, _) => Err(CopyError::UsedSince),
            (false, ended) => Ok(ended),
        },
        marker => {
            let found = marker.map_or(text, |marker| marker.source);
            Err(CopyError::AnotherSource { found, source_id: id.to_owned() })
        }
    }
}

/// Copies what the target lacks of a table that has `of` rows. The next batch is read while one is
/// written.
async fn copy_table(
    source: &dyn Side,
    target: &dyn Side,
    table: &'static Table,
    batch: Batch,
    of: u64,
    watch: Watch<'_>,
) -> Result<(), CopyError> {
    let mut rows = target.count(table).await?;
    let after = target.last_key(table).await?;
    let mut page = source.page(table, after, batch).await?;
    loop {
        tell(watch, Progress { step: Step::Copying, table: table.name, rows, of })?;
        let Some(last) = page.last() else { return Ok(()) };
        let after = table.key_of(last);
        rows += page.len() as u64;
        let written = target.insert(table, page);
        let read = source.page(table, Some(after), batch);
        ((), page) = try_join(written, read).await?;
    }
}

/// Reads a table on both sides and compares them.
async fn check(
    source: &dyn Side,
    target: &dyn Side,
    table: &'static Table,
    batch: Batch,
) -> Result<CopiedTable, CopyError> {
    let there = checksum(source, table, batch);
    let here = checksum(target, table, batch);
    let ((source_rows, sha256), (target_rows, copied)) = try_join(there, here).await?;
    if (source_rows, &sha256) != (target_rows, &copied) {
        return Err(CopyError::Differs { table: table.name, source_rows, target_rows });
    }
    Ok(CopiedTable { table: table.name, rows: source_rows, sha256 })
}

/// How many rows a table has, and the SHA-256 of them in the order of their keys.
async fn checksum(
    side: &dyn Side,
    table: &'static Table,
    batch: Batch,
) -> Result<(u64, String), CopyError> {
    let (mut hash, mut rows, mut after) = (Sha256::new(), 0, None);
    loop {
        let page = side.page(table, after, batch).await?;
        let Some(last) = page.last() else {
            return Ok((rows, hex::encode(hash.finalize())));
        };
        after = Some(table.key_of(last));
        rows += page.len() as u64;
        for value in page.iter().flatten() {
            value.add_to(&mut hash);
        }
    }
}

/// Tells how far it is; an error if it is to end here.
fn tell(watch: Watch<'_>, progress: Progress) -> Result<(), CopyError> {
    match watch(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(CopyError::Stopped),
    }
}

/// The error for a value of `row` that can't be read as what its column holds.
pub(crate) fn damaged(
    table: &'static Table,
    key: &[Value],
    column: &'static str,
    detail: impl fmt::Display,
) -> CopyError {
    CopyError::Damaged {
        table: table.name,
        key: key_text(key),
        column,
        detail: format!("{detail}"),
    }
}

/// Refuses rows with texts that PostgreSQL can't hold.
/// <https://www.postgresql.org/docs/15/datatype-character.html>
pub(crate) fn refuse_nul(table: &'static Table, rows: &[Row]) -> Result<(), CopyError> {
    for row in rows {
        for (column, value) in table.columns.iter().zip(row) {
            if matches!(value, Value::Text(text) if text.contains('\0')) {
                let key = key_text(&table.key_of(row));
                return Err(CopyError::Nul { table: table.name, key, column: column.name });
            }
        }
    }
    Ok(())
}
