//! How the first page of every list is planned in a fleet of very many devices: as the server says
//! of the very statements that were run. None reads a large table whole, nor sorts one.

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom};

use serde_json::Value;

use super::server::Server;
use crate::conformance::plenty::{Dialect, MILLION, USUAL, fill, first_pages};
use crate::postgres::Postgres;

/// Rows from which a table is a large one.
const LARGE: f64 = 20_000.0;

/// Rows that are sorted at most for each device of a project, which are a tenth of all: a list with
/// a total may have all of its project's in hand.
const SORTED_PER_DEVICE: f64 = 1.0;

/// What the server says besides, and of which statements: all that take any time.
const SETTINGS: [&str; 8] = [
    "autovacuum=off",
    "session_preload_libraries=auto_explain",
    "auto_explain.log_min_duration=0",
    "auto_explain.log_analyze=on",
    "auto_explain.log_timing=off",
    "auto_explain.log_format=json",
    "max_wal_size=8GB",
    "jit=off",
];

/// The plans in what the server has written since: each is a JSON object behind the word `plan:`.
fn plans(log: &str) -> Vec<Value> {
    let mut plans = Vec::new();
    for part in log.split("plan:\n").skip(1) {
        let mut values = serde_json::Deserializer::from_str(part).into_iter::<Value>();
        plans.push(values.next().unwrap().unwrap_or_else(|error| panic!("{error}: {part}")));
    }
    plans
}

/// What is wrong with a plan: with this step of it or with those below.
fn faults(step: &Value, rows: &BTreeMap<String, f64>, sorted_max: f64, found: &mut Vec<String>) {
    let text = |name: &str| step[name].as_str().unwrap_or_default();
    let table = rows.get(text("Relation Name")).copied().unwrap_or_default();
    if text("Node Type") == "Seq Scan" && table > LARGE {
        found.push(format!("{} is read whole", text("Relation Name")));
    }
    let below = step["Plans"].as_array().map(Vec::as_slice).unwrap_or_default();
    if text("Node Type").ends_with("Sort") {
        let sorted = below.iter().filter_map(|step| {
            Some(step["Actual Rows"].as_f64()? * step["Actual Loops"].as_f64()?)
        });
        let sorted: f64 = sorted.sum();
        if sorted > sorted_max {
            found.push(format!("{sorted} rows are sorted by {}", step["Sort Key"]));
        }
    }
    for step in below {
        faults(step, rows, sorted_max, found);
    }
}

/// Fills a store and asks for every list, so many times. What is planned once a statement has been
/// used often is looked at by `super::plans`.
async fn check(devices: usize, times: usize) {
    let server = Server::start(&SETTINGS).await;
    server.open("plenty").await.close().await;
    let id = "decode(lpad(to_hex({a}), 28, '0') || lpad(to_hex({b}), 4, '0'), 'hex')";
    let dialect = Dialect { no_bytes: "''", address: "'\\x7f00000113c4'", id };
    let client = server.client("plenty").await;
    client
        .batch_execute(
            "SET auto_explain.log_min_duration = -1; SET session_replication_role = replica;
             SET synchronous_commit = off",
        )
        .await
        .unwrap();
    for sql in fill(devices, &dialect) {
        let filled = client.batch_execute(&sql).await;
        filled.unwrap_or_else(|error| panic!("{error:?}: {sql}"));
    }
    client.batch_execute("VACUUM ANALYZE").await.unwrap();
    let sql = "SELECT relname::text, reltuples::float8 FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'";
    let rows = client.query(sql, &[]).await.unwrap();
    let rows = rows.iter().map(|row| (row.get(0), row.get(1))).collect();

    let store = Postgres::open(server.options("plenty")).await.unwrap();
    let mut log = std::fs::File::open(server.log()).unwrap();
    let sorted_max = SORTED_PER_DEVICE * devices as f64 / 10.0;
    let (mut wrong, mut seen) = (BTreeMap::new(), 0);
    for _ in 0..times {
        log.seek(SeekFrom::End(0)).unwrap();
        let mut asked = |what: &str| {
            let mut text = String::new();
            log.read_to_string(&mut text).unwrap();
            for plan in plans(&text) {
                let mut found = Vec::new();
                faults(&plan["Plan"], &rows, sorted_max, &mut found);
                seen += 1;
                if !found.is_empty() {
                    let sql = plan["Query Text"].as_str().unwrap_or_default().to_owned();
                    wrong.entry(sql).or_insert_with(|| (what.to_owned(), found, plan));
                }
            }
        };
        first_pages(&store, &mut asked).await;
    }
    store.close().await;
    assert!(seen > 500, "{seen} plans were written");
    let words = wrong.iter().map(|(sql, (what, found, plan))| {
        format!("{what}: {}\n{sql}\n{:#}", found.join(", "), plan["Plan"])
    });
    assert!(wrong.is_empty(), "{}", words.collect::<Vec<_>>().join("\n\n"));
}

#[tokio::test]
async fn every_list_of_many_devices_finds_its_indexes() {
    check(USUAL, 1).await;
}

#[test]
fn a_table_that_is_read_whole_and_one_that_is_sorted_are_found() {
    let rows = BTreeMap::from([("device".to_owned(), 200_000.0), ("project".to_owned(), 10.0)]);
    let scan = |table: &str| {
        serde_json::json!({"Node Type": "Seq Scan", "Relation Name": table, "Actual Rows": 200_000,
            "Actual Loops": 1})
    };
    let sort = |below: Value| serde_json::json!({"Node Type": "Sort", "Sort Key": ["d.name"], "Plans": [below]});
    let check = |plan: &Value, faulty: usize| {
        let mut found = Vec::new();
        faults(plan, &rows, 20_000.0, &mut found);
        assert_eq!(found.len(), faulty, "{found:?}: {plan}");
    };
    check(&scan("project"), 0);
    check(&scan("device"), 1);
    check(&sort(scan("project")), 1);
    check(&sort(scan("device")), 2);
}

mod full {
    use super::*;

    #[tokio::test]
    async fn every_list_of_a_million_devices_finds_its_indexes() {
        check(MILLION, 2).await;
    }
}
