//! What the first page of every list costs in a fleet of very many devices, with the statistics of
//! `ANALYZE` and without: no statement reads a large table whole, nor sorts one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use fleet::fault_point::FaultPoints;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, StatementStatus};

use super::plans::plan;
use crate::conformance::fixture::AT;
use crate::conformance::plenty::{Dialect, MILLION, USUAL, fill, first_pages};
use crate::sqlite::inline::Inline;

/// Rows that a statement may pass that reads a table from its beginning: the servers of a project,
/// say.
const SCANNED_MAX: i64 = 5_000;

/// Instructions of SQLite's machine that a statement may take for each device of its project: a
/// list with a total looks at each.
const STEPS_PER_DEVICE: i64 = 60;

/// ... and besides: a selection walks past so many devices before it gives up for a page.
const STEPS_BESIDE: i64 = 3_000_000;

/// What running statements has cost, by their text. A statement that is kept counts on from where
/// it was.
#[derive(Debug, Default)]
struct Costs {
    now: BTreeMap<String, Cost>,
    before: HashMap<String, Cost>,
}

/// What one statement has cost.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    scanned: i64,
    sorts: i64,
    steps: i64,
}

impl Costs {
    /// Counts one run.
    fn add(&mut self, sql: String, total: Cost) {
        let before = self.before.insert(sql.clone(), total).unwrap_or_default();
        // A statement that was prepared anew begins at nothing.
        let before = if before.steps > total.steps { Cost::default() } else { before };
        let of = self.now.entry(sql).or_default();
        of.scanned += total.scanned - before.scanned;
        of.sorts += total.sorts - before.sorts;
        of.steps += total.steps - before.steps;
    }
}

/// Watches what a connection runs.
fn watch(connection: &mut Connection) -> Arc<Mutex<Costs>> {
    let costs = Arc::new(Mutex::new(Costs::default()));
    let added = costs.clone();
    let ended = move |event: TraceEvent<'_>| {
        let TraceEvent::Profile(statement, _) = event else { return };
        let total = Cost {
            scanned: statement.get_status(StatementStatus::FullscanStep).into(),
            sorts: statement.get_status(StatementStatus::Sort).into(),
            steps: statement.get_status(StatementStatus::VmStep).into(),
        };
        added.lock().unwrap().add(statement.sql().into_owned(), total);
    };
    connection.trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(ended)).unwrap();
    costs
}

/// Fills a store and asks for every list, without statistics and with them.
async fn check(devices: usize) {
    let store = Inline::new(Arc::new(|| AT), FaultPoints::none()).unwrap();
    let dialect = Dialect {
        no_bytes: "x''",
        address: "x'7f00000113c4'",
        id: "unhex(printf('%028x%04x', {a}, {b}))",
    };
    let costs = store.with_connection(|connection| {
        connection.pragma_update(None, "foreign_keys", false).unwrap();
        for sql in fill(devices, &dialect) {
            connection.execute_batch(&sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
        }
        connection.pragma_update(None, "foreign_keys", true).unwrap();
        watch(connection)
    });
    let node = store.node();
    for statistics in [false, true] {
        if statistics {
            store.with_connection(|connection| connection.execute_batch("ANALYZE").unwrap());
        }
        costs.lock().unwrap().now.clear();
        let mut wrong = Vec::new();
        let mut asked = |what: &str| {
            let cost = std::mem::take(&mut costs.lock().unwrap().now);
            for (sql, cost) in cost {
                let most = STEPS_PER_DEVICE * (devices as i64 / 10) + STEPS_BESIDE;
                if cost.scanned > SCANNED_MAX || cost.steps > most {
                    wrong.push((what.to_owned(), cost, sql));
                }
            }
        };
        first_pages(&node, &mut asked).await;
        let words = store.with_connection(|connection| {
            let words = wrong.iter().map(|(what, cost, sql)| {
                format!("{what}: {cost:?}\n{sql}\n{}", plan(connection, sql).join("\n"))
            });
            words.collect::<Vec<_>>().join("\n\n")
        });
        assert!(wrong.is_empty(), "with statistics: {statistics}\n{words}");
    }
    // What reads a table whole is noticed.
    costs.lock().unwrap().now.clear();
    store.with_connection(|connection| {
        connection.execute_batch("SELECT count(*) FROM device WHERE profile = ''").unwrap();
    });
    assert!(costs.lock().unwrap().now.values().any(|cost| cost.scanned > SCANNED_MAX));
}

#[tokio::test]
async fn every_list_of_many_devices_finds_its_indexes() {
    check(USUAL).await;
}

mod full {
    use super::*;

    #[tokio::test]
    async fn every_list_of_a_million_devices_finds_its_indexes() {
        check(MILLION).await;
    }
}
