//! The store's own time, by which sessions and registrations run out: SQLite's, which is the
//! machine's, or one that a simulation sets.

use std::fmt;
use std::sync::Arc;

use fleet::Timestamp;
use rusqlite::types::{ToSql, ToSqlOutput};
use rusqlite::{Connection, params};

use super::rows::During;
use crate::Error;

/// What a simulation says the time is.
pub type SetClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Where the store takes the time from.
#[derive(Clone)]
pub(super) enum StoreClock {
    /// From SQLite.
    Machine,
    /// From whoever simulates.
    Set(SetClock),
}

impl StoreClock {
    /// Now, for the statements of one transaction.
    pub(super) fn now(&self) -> Now {
        match self {
            Self::Machine => Now(None),
            Self::Set(clock) => Now(Some(clock().0)),
        }
    }
}

impl fmt::Debug for StoreClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Machine => "Machine",
            Self::Set(_) => "Set",
        })
    }
}

/// Now, as a parameter of a statement that has [`now`] in it: null has SQLite say the time, which
/// spares asking for it first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now(Option<i64>);

impl Now {
    /// The time itself.
    pub(super) fn read(self, connection: &Connection) -> Result<Timestamp, Error> {
        let sql = concat!("SELECT ", now!("?1"));
        let at: i64 = connection
            .prepare_cached(sql)
            .and_then(|mut select| select.query_row(params![self], |row| row.get(0)))
            .during("read the time")?;
        Ok(Timestamp(at))
    }
}

impl ToSql for Now {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, rusqlite::Error> {
        self.0.to_sql()
    }
}

/// The store's time in milliseconds, where the parameter named is a [`Now`]. Within one step of a
/// statement SQLite's time stands still (sqlite.org/lang_datefunc.html).
macro_rules! now {
    ($parameter:literal) => {
        concat!("coalesce(", $parameter, ", CAST(unixepoch('subsec') * 1000 AS INTEGER))")
    };
}

/// Whether the session `n` lasts, where the parameter named is a [`Now`].
macro_rules! session_lasts {
    ($parameter:literal) => {
        concat!(
            "(n.expires_at IS NULL OR n.expires_at > ",
            $crate::sqlite::clock::now!($parameter),
            ")"
        )
    };
}

/// The session that the device of the column named is registered with, if both last; null
/// otherwise. The parameter named is a [`Now`]. A phone has no binding: one look that finds
/// nothing.
macro_rules! bound_to {
    ($device:literal, $parameter:literal) => {
        concat!(
            "(SELECT n.key FROM binding AS b CROSS JOIN session AS n ON n.key = b.session
                 WHERE b.device = ",
            $device,
            " AND b.ended_at IS NULL AND b.expires_at > ",
            $crate::sqlite::clock::now!($parameter),
            " AND ",
            $crate::sqlite::clock::session_lasts!($parameter),
            ")"
        )
    };
}

pub(super) use {bound_to, now, session_lasts};
