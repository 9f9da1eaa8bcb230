//! One master key changed for another: every sealed value is sealed again, and the store is marked.
//!
//! The store's mark says which key seals from now on; it is the first thing that changes. Until
//! every value is under that key, a second mark names the key that is being retired, and a node has
//! to have both. What was broken off, however it was, goes on when it is asked for again: a value
//! that is under the new key is left as it is. Nobody may use the store meanwhile.
//!
//! Start with [`Rekeying::open`]; `sealed` lists what is sealed.

mod sealed;

#[cfg(test)]
pub(crate) mod tests;

use std::ops::ControlFlow;
use std::sync::Arc;

use fleet::Timestamp;
use fleet::fault_point::{FaultPoint, FaultPoints};
use serde_json::Value as Json;

use crate::copy::marker::{self, MARKER};
use crate::copy::side::Side;
use crate::copy::tables::{Table, integer, table};
use crate::copy::value::{Row, Value, key_text};
use crate::copy::{CopyError, Place, Role, open};
use crate::seal::{MasterKey, SealError};
pub use sealed::{
    ACCESS_KEY_SECRET, ENROLMENT_PASSWORD, HOST_KEY_PLACE, REGISTRATION_PASSWORD, WEBHOOK_SECRET,
};
use sealed::{DISCARDED, SEALED, SealedColumn};

/// The setting with the check of the master key that seals: see [`check_of`].
pub const MASTER_KEY_CHECK: &str = "master-key-check";
/// The setting with the check of the master key that is being retired; none if none is.
pub const RETIRING_KEY_CHECK: &str = "retiring-master-key-check";
/// The setting with the key by which phones know all nodes, sealed, in hexadecimal digits.
pub const HOST_KEY: &str = "adb-host-key";

/// Values that are sealed in one transaction: some ten milliseconds' work.
const BATCH: usize = 1_000;

/// What a count is read as.
const COUNT: Table = table("count", 1, &[integer("count")]);

/// What is derived from a master key so that a store can tell whether a node has the right one.
pub fn check_of(key: &MasterKey) -> String {
    hex::encode(key.derive("master key check"))
}

/// Why a key could not be changed for another. What has been sealed again stays so, and the same
/// asked for again goes on after it.
#[derive(Debug, thiserror::Error)]
pub enum RekeyError {
    /// The store can't be used, or somebody else uses it.
    #[error(transparent)]
    Store(#[from] CopyError),
    /// It is a part of a copy.
    #[error("the store is a copy that is not whole: finish `store copy` first")]
    HalfCopied,
    /// The store's mark is that of neither key.
    #[error("the store's secrets are sealed with another master key than the one at hand")]
    OtherKey,
    /// It is being changed, and one of the two is not at hand.
    #[error("the store's master key is being changed, and one of the two keys is not at hand")]
    OneOfTwo,
    /// A value does not open under any key at hand.
    #[error("table {table}, row {row}: {column} can't be opened")]
    Closed {
        /// The table.
        table: &'static str,
        /// The row's key.
        row: String,
        /// The column.
        column: &'static str,
        /// Why.
        #[source]
        source: SealError,
    },
    /// A row has a sealed value, and what ties it to its place is not there.
    #[error("table {table}: {values} values of {column}, and the places of {found} alone")]
    NoPlace {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// How many values there are.
        values: u64,
        /// Of how many the place is known.
        found: u64,
    },
    /// A value is still under the key that is to be retired.
    #[error("table {table}, row {row}: {column} is still under the old key")]
    Left {
        /// The table.
        table: &'static str,
        /// The row's key.
        row: String,
        /// The column.
        column: &'static str,
    },
    /// A setting is not what it must be.
    #[error("{0} in the store can't be read")]
    Setting(&'static str),
    /// A value could not be sealed.
    #[error("a value can't be sealed")]
    Seal(#[source] SealError),
    /// Whoever watches it broke it off.
    #[error("broken off; asked for again, it goes on from here")]
    Stopped,
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Values are opened, to see that they can be.
    Checking,
    /// Values are sealed again.
    Sealing,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub step: Step,
    /// With which table.
    pub table: &'static str,
    /// With which column of it.
    pub column: &'static str,
    /// Values of it that are done.
    pub values: u64,
    /// Values that there are.
    pub of: u64,
}

/// Who is told how far it is, and may break it off.
pub type Watch<'a> = &'a mut (dyn FnMut(Progress) -> ControlFlow<()> + Send);

/// One column whose values are all under the new key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rekeyed {
    /// Its table.
    pub table: &'static str,
    /// Its name.
    pub column: &'static str,
    /// Values that are under the new key.
    pub values: u64,
    /// Values that no key at hand opens, which are as they were.
    pub lost: u64,
}

/// How far a store is with a change of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The old key seals.
    Old,
    /// The new key seals, and there may be values under the old one.
    Begun,
    /// The new key has sealed everything.
    Ended,
}

/// The keyed hash, by a key, of a value that is tied to this place.
type Tagging = dyn Fn(&MasterKey, &[&str; 3], &[u8]) -> [u8; 16] + Sync;

/// What a key is changed by.
pub struct Change<'a> {
    /// The key that is retired.
    pub old: &'a MasterKey,
    /// The key that takes its place.
    pub new: &'a MasterKey,
    /// A random nonce, another each time.
    pub nonce: &'a (dyn Fn() -> [u8; 24] + Sync),
    /// The keyed hash, by a key, of a value that is tied to this place.
    pub tag: &'a Tagging,
    /// A value that neither has sealed is left as it is; otherwise it is an error.
    pub leave_lost: bool,
    /// Where a test may stop the process: after every commit.
    pub fault_points: &'a FaultPoints,
}

/// A store that nobody else uses.
pub struct Rekeying {
    side: Box<dyn Side>,
    batch: usize,
}

impl Rekeying {
    /// Opens a store and keeps everybody else from it, as for a copy.
    pub async fn open(place: &Place, now: Timestamp) -> Result<Self, RekeyError> {
        let side = open(place, Role::Only, now).await?;
        let copied_from = side.setting(MARKER).await?;
        if copied_from.is_some_and(|marker| !marker::has_ended(&marker)) {
            return Err(RekeyError::HalfCopied);
        }
        Ok(Self { side, batch: BATCH })
    }

    /// How far the store is, where `new` is to take the place of `old`.
    ///
    /// Errors: [`RekeyError::OtherKey`] if it is marked with a third key; [`RekeyError::OneOfTwo`]
    /// if a third takes the place of one of these, or the other way round.
    pub async fn standing(&self, old: &MasterKey, new: &MasterKey) -> Result<Standing, RekeyError> {
        let check = self.kept(MASTER_KEY_CHECK).await?;
        let retiring = self.kept(RETIRING_KEY_CHECK).await?;
        let (old, new) = (check_of(old), check_of(new));
        let is_at_hand = |check: &String| *check == old || *check == new;
        match (&check, &retiring) {
            (Some(check), None) if *check == new => Ok(Standing::Ended),
            (Some(check), Some(was)) if *check == new && *was == old => Ok(Standing::Begun),
            (Some(check), Some(was)) if is_at_hand(check) || is_at_hand(was) => {
                Err(RekeyError::OneOfTwo)
            }
            (Some(check), None) if *check == old => Ok(Standing::Old),
            // What it holds was sealed before there were marks.
            (None, None) => Ok(Standing::Old),
            _ => Err(RekeyError::OtherKey),
        }
    }

    /// Opens every sealed value under one of `keys`, and gives how many there are of each column.
    ///
    /// Errors: [`RekeyError::Closed`] for a value that none opens; with `leave_lost` only if one of
    /// them has sealed it.
    pub async fn check(
        &self,
        keys: &[&MasterKey],
        leave_lost: bool,
        watch: Watch<'_>,
    ) -> Result<Vec<Rekeyed>, RekeyError> {
        let mut checked = Vec::with_capacity(SEALED.len());
        for sealed in SEALED {
            let (mut values, mut lost) = (0, 0);
            let mut pages = Pages::of(&*self.side, sealed, self.batch).await?;
            loop {
                pages.tell(Step::Checking, watch)?;
                let page = pages.next().await?;
                if page.is_empty() {
                    break;
                }
                for value in page {
                    match value.open(sealed, keys) {
                        Ok(_) => values += 1,
                        Err(RekeyError::Closed { source: SealError::WrongKey { .. }, .. })
                            if leave_lost =>
                        {
                            lost += 1;
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            checked.push(Rekeyed { table: sealed.table(), column: sealed.column(), values, lost });
        }
        self.open_host_key(keys).await?;
        Ok(checked)
    }

    /// Seals everything under the new key, and sees that nothing is left under the old one.
    pub async fn run(
        &self,
        change: &Change<'_>,
        watch: Watch<'_>,
    ) -> Result<Vec<Rekeyed>, RekeyError> {
        if self.standing(change.old, change.new).await? == Standing::Old {
            self.begin(change).await?;
        }
        for sealed in SEALED {
            let update: Arc<str> = sealed.update_sql().into();
            let mut pages = Pages::of(&*self.side, sealed, self.batch).await?;
            loop {
                pages.tell(Step::Sealing, watch)?;
                let page = pages.next().await?;
                if page.is_empty() {
                    break;
                }
                let mut changes = Vec::with_capacity(page.len());
                for value in page.iter().filter(|value| !change.new.has_sealed(&value.sealed)) {
                    if let Some(row) = value.sealed_anew(sealed, change)? {
                        changes.push((update.clone(), row));
                    }
                }
                self.commit(change, changes).await?;
            }
        }
        self.seal_host_key(change).await?;
        self.check_none_left(change).await?;
        let rekeyed = self.check(&[change.new], change.leave_lost, watch).await?;
        let forget = "DELETE FROM setting WHERE name = $1".into();
        let name = Value::Text(RETIRING_KEY_CHECK.to_owned());
        self.commit(change, vec![(forget, vec![name])]).await?;
        Ok(rekeyed)
    }

    /// Lets others use the store again. What was done is on disk when this returns.
    pub async fn close(self) -> Result<(), RekeyError> {
        self.side.let_go().await;
        Ok(self.side.keep().await?)
    }

    /// Marks the store: from now on the new key seals, and the old one is being retired.
    async fn begin(&self, change: &Change<'_>) -> Result<(), RekeyError> {
        let mut changes = vec![
            put(MASTER_KEY_CHECK, &check_of(change.new)),
            put(RETIRING_KEY_CHECK, &check_of(change.old)),
        ];
        for table in DISCARDED {
            changes.push((format!("DELETE FROM \"{table}\"").into(), Vec::new()));
        }
        self.commit(change, changes).await
    }

    /// Sees that the old key has sealed nothing that is there, whoever else may have.
    async fn check_none_left(&self, change: &Change<'_>) -> Result<(), RekeyError> {
        for sealed in SEALED {
            let mut pages = Pages::of(&*self.side, sealed, self.batch).await?;
            loop {
                let page = pages.next().await?;
                if page.is_empty() {
                    break;
                }
                if let Some(left) = page.iter().find(|value| change.old.has_sealed(&value.sealed)) {
                    let (table, column) = (sealed.table(), sealed.column());
                    return Err(RekeyError::Left { table, row: left.row(), column });
                }
            }
        }
        Ok(())
    }

    /// Seals the key by which phones know all nodes, if the store has it.
    async fn seal_host_key(&self, change: &Change<'_>) -> Result<(), RekeyError> {
        let Some(pem) = self.open_host_key(&[change.new, change.old]).await? else { return Ok(()) };
        let sealed = change.new.seal((change.nonce)(), &HOST_KEY_PLACE, pem.expose());
        let sealed = hex::encode(sealed.map_err(RekeyError::Seal)?);
        self.commit(change, vec![put(HOST_KEY, &sealed)]).await
    }

    /// Opens it under one of these keys.
    async fn open_host_key(
        &self,
        keys: &[&MasterKey],
    ) -> Result<Option<fleet::Secret<Vec<u8>>>, RekeyError> {
        let Some(text) = self.kept(HOST_KEY).await? else { return Ok(None) };
        let sealed = hex::decode(&text).map_err(|_| RekeyError::Setting(HOST_KEY))?;
        let opened = opened(keys, &HOST_KEY_PLACE, &sealed);
        let closed = |source| RekeyError::Closed {
            table: "setting",
            row: HOST_KEY.to_owned(),
            column: "value",
            source,
        };
        Ok(Some(opened.map_err(closed)?))
    }

    /// Changes rows, all or none, if there is anything to change.
    async fn commit(
        &self,
        change: &Change<'_>,
        changes: Vec<(Arc<str>, Row)>,
    ) -> Result<(), RekeyError> {
        if !changes.is_empty() {
            self.side.change(changes).await?;
            change.fault_points.pass(FaultPoint::AfterCommit);
        }
        Ok(())
    }

    /// The text that nodes keep in the store under this name. It is JSON in JSON.
    async fn kept(&self, name: &'static str) -> Result<Option<String>, RekeyError> {
        let Some(value) = self.side.setting(name).await? else { return Ok(None) };
        let text = |json: &str| serde_json::from_str::<String>(json);
        let kept = text(&value).and_then(|json| text(&json));
        Ok(Some(kept.map_err(|_| RekeyError::Setting(name))?))
    }
}

/// The change that keeps a text under this name.
fn put(name: &str, text: &str) -> (Arc<str>, Row) {
    let sql = "INSERT INTO setting (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    let json = Json::from(Json::from(text).to_string()).to_string();
    (sql.into(), vec![Value::Text(name.to_owned()), Value::Text(json)])
}

/// What one of these keys opens; the error of the first if none has sealed it.
fn opened(
    keys: &[&MasterKey],
    place: &[&str],
    sealed: &[u8],
) -> Result<fleet::Secret<Vec<u8>>, SealError> {
    let own = keys.iter().find(|key| key.has_sealed(sealed)).or_else(|| keys.first());
    let truncated = || SealError::Truncated { bytes: sealed.len() };
    own.ok_or_else(truncated)?.open(place, sealed).map(fleet::Secret::new)
}

/// A sealed value and its place.
struct SealedValue {
    key: Value,
    project: String,
    thing: String,
    sealed: Vec<u8>,
}

impl SealedValue {
    /// Of a row as [`SealedColumn::row`] describes it; `None` if it is none.
    fn of(row: Row) -> Option<Self> {
        match <[Value; 4]>::try_from(row).ok()? {
            [key, Value::Text(project), Value::Text(thing), Value::Bytes(sealed)] => {
                Some(Self { key, project, thing, sealed })
            }
            _ => None,
        }
    }

    /// The row's key, for people.
    fn row(&self) -> String {
        key_text(std::slice::from_ref(&self.key))
    }

    /// What ties it to its place.
    fn place(&self, sealed: &SealedColumn) -> [&str; 3] {
        [&self.project, &self.thing, sealed.field]
    }

    /// The secret.
    fn open(
        &self,
        sealed: &SealedColumn,
        keys: &[&MasterKey],
    ) -> Result<fleet::Secret<Vec<u8>>, RekeyError> {
        let closed = |source| RekeyError::Closed {
            table: sealed.table(),
            row: self.row(),
            column: sealed.column(),
            source,
        };
        opened(keys, &self.place(sealed), &self.sealed).map_err(closed)
    }

    /// The parameters that put it under the new key; `None` if it is to be left as it is.
    fn sealed_anew(
        &self,
        sealed: &SealedColumn,
        change: &Change<'_>,
    ) -> Result<Option<Row>, RekeyError> {
        if change.leave_lost && !change.old.has_sealed(&self.sealed) {
            return Ok(None);
        }
        let plain = self.open(sealed, &[change.old])?;
        let place = self.place(sealed);
        let anew = change.new.seal((change.nonce)(), &place, plain.expose());
        let mut row = vec![Value::Bytes(anew.map_err(RekeyError::Seal)?)];
        if sealed.tag.is_some() {
            let tag = (change.tag)(change.new, &place, plain.expose());
            row.push(Value::Bytes(tag.to_vec()));
        }
        row.push(self.key.clone());
        Ok(Some(row))
    }
}

/// The values of a column, batch by batch in the order of their keys.
struct Pages<'a> {
    side: &'a dyn Side,
    sealed: &'static SealedColumn,
    batch: usize,
    after: Option<Value>,
    values: u64,
    of: u64,
}

impl<'a> Pages<'a> {
    /// From the first one on.
    async fn of(
        side: &'a dyn Side,
        sealed: &'static SealedColumn,
        batch: usize,
    ) -> Result<Self, RekeyError> {
        let count = side.found(&COUNT, sealed.count_sql(), Vec::new()).await?;
        let of = match count.first().and_then(|row| row.first()) {
            Some(Value::Integer(count)) => count.unsigned_abs(),
            _ => 0,
        };
        Ok(Self { side, sealed, batch, after: None, values: 0, of })
    }

    /// The next ones; none at the end.
    ///
    /// Errors: [`RekeyError::NoPlace`] at the end, if there are more than were given.
    async fn next(&mut self) -> Result<Vec<SealedValue>, RekeyError> {
        let sql = self.sealed.page_sql(self.after.is_some());
        let limit = Value::Integer(i64::try_from(self.batch).unwrap_or(i64::MAX));
        let params = self.after.take().into_iter().chain([limit]).collect();
        let rows = self.side.found(&self.sealed.row, sql, params).await?;
        let page: Vec<_> = rows.into_iter().filter_map(SealedValue::of).collect();
        self.values += page.len() as u64;
        self.after = page.last().map(|value| value.key.clone());
        if page.is_empty() && self.values != self.of {
            let (table, column) = (self.sealed.table(), self.sealed.column());
            let (values, found) = (self.of, self.values);
            return Err(RekeyError::NoPlace { table, column, values, found });
        }
        Ok(page)
    }

    /// Tells how far it is; an error if it is to end here.
    fn tell(&self, step: Step, watch: Watch<'_>) -> Result<(), RekeyError> {
        let (table, column) = (self.sealed.table(), self.sealed.column());
        match watch(Progress { step, table, column, values: self.values, of: self.of }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(RekeyError::Stopped),
        }
    }
}
