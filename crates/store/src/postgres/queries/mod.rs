//! What can be asked, as functions of a connection that has a read transaction open.
//!
//! Whatever a principal may not see is left out by the statement itself, not afterwards. A list of
//! ids goes in one statement, as an array.

pub(super) mod access;
pub(super) mod attention;
pub(super) mod camera_ids;
pub(super) mod cameras;
pub(super) mod channels;
pub(super) mod devices;
pub(super) mod enrolment;
pub(super) mod failures;
pub(super) mod jobs;
pub(super) mod lanes;
pub(super) mod listings;
pub(super) mod organizations;
pub(super) mod overview;
pub(super) mod phones;
pub(super) mod presets;
pub(super) mod projects;
pub(super) mod rollouts;
pub(super) mod select;
pub(super) mod servers;
pub(super) mod tags;
pub(super) mod users;
pub(super) mod webhooks;

use fleet::Principal;
use tokio_postgres::types::ToSql;

use super::connection::{Connection, Params};
use crate::columns::Columns;
use crate::{Counted, Error};

/// Terms of a filter, joined by AND, and the values that they compare with.
#[derive(Default)]
struct Terms {
    /// The terms.
    terms: Vec<String>,
    /// The statement's values: those of the terms, and what is given after them.
    values: Vec<Box<dyn ToSql + Send + Sync>>,
}

impl Terms {
    /// A term in which `?` stands for the value. A term that is not asked for is not there: an
    /// index serves only plain equality.
    fn require(&mut self, term: &str, value: impl ToSql + Send + Sync + 'static) {
        let place = self.value(value);
        self.terms.push(term.replace('?', &place));
    }

    /// A term without a value.
    fn require_that(&mut self, term: &str) {
        self.terms.push(term.to_owned());
    }

    /// How the statement speaks of this value.
    fn value(&mut self, value: impl ToSql + Send + Sync + 'static) -> String {
        self.values.push(Box::new(value));
        format!("${}", self.values.len())
    }

    /// The terms as text.
    fn sql(&self) -> String {
        self.terms.join(" AND ")
    }

    /// What the statement is given.
    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()
    }
}

/// A page of a list and the list's length, asked for together.
async fn counted<T>(
    c: &Connection,
    operation: &'static str,
    (count, terms): (&str, Params<'_>),
    (page, params): (&str, Params<'_>),
    read: impl FnMut(&tokio_postgres::Row) -> Result<T, Error>,
) -> Result<Counted<T>, Error> {
    let total = c.count(operation, count, terms);
    let items = c.all(operation, page, params, read);
    let (total, items) = futures_util::future::try_join(total, items).await?;
    Ok(Counted { items, total })
}

/// A list of which nothing is there, or may be seen.
const fn nothing<T>() -> Counted<T> {
    Counted { items: Vec::new(), total: 0 }
}

/// What was found for each of `asked` ids, in their order, from rows that have its place, counted
/// from 1.
fn in_order<T>(asked: usize, found: Vec<(i64, T)>) -> Vec<Option<T>> {
    let mut placed: Vec<Option<T>> = (0..asked).map(|_| None).collect();
    for (place, thing) in found {
        let slot = usize::try_from(place - 1).ok().and_then(|place| placed.get_mut(place));
        if let Some(slot) = slot {
            *slot = Some(thing);
        }
    }
    placed
}

/// The place, among the ids asked for, that a row was found for, as [`in_order`] takes it.
fn place(row: &impl Columns) -> Result<i64, Error> {
    crate::columns::column(row, "place")
}

/// Whether this may be in the database. PostgreSQL takes no U+0000 in a text, so that one with it
/// names nothing.
pub(in crate::postgres) fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// Now, by the database's clock, in milliseconds: the same all through a statement. A query of its
/// own, so that it is reckoned once and not for each row.
const NOW: &str = "(SELECT (extract(epoch FROM statement_timestamp()) * 1000)::bigint)";

/// A number of rows as PostgreSQL takes it.
fn sql_count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// The keys of the projects that the principal is bound to: null for those who may see all.
pub(in crate::postgres) fn bound(principal: &Principal) -> Option<Vec<i64>> {
    principal.projects().map(|projects| projects.iter().map(|project| project.0).collect())
}
