//! That what is asked of selections and of updates finds its indexes: no such query reads a whole
//! table.

use fleet::{
    Attention, CameraStatus, Condition, CredentialsInUse, DeviceId, Kind, Selector, Timestamp,
    ValueIs, ValueOf,
};
use rusqlite::Connection;

use super::opened::Opened;
use crate::sqlite::history;
use crate::sqlite::queries::{cameras, failures, jobs, overview, rollouts, select};
use crate::sqlite::rows::select_device_with_state;

/// The steps of a statement's plan.
pub(super) fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    for index in 1..=statement.parameter_count() {
        statement.raw_bind_parameter(index, 1).unwrap();
    }
    let mut rows = statement.raw_query();
    let mut plan = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        plan.push(row.get("detail").unwrap());
    }
    assert!(!plan.is_empty(), "{sql}");
    plan
}

/// Asserts that a statement reads no table whole: what it scans is a list that it is given, or
/// `bounded`, the rows of an inner statement or an index over few.
fn looks_up(connection: &Connection, sql: &str, bounded: &str) {
    for step in plan(connection, sql) {
        let is_given = step.contains("VIRTUAL TABLE");
        let is_bounded = !bounded.is_empty() && step.starts_with(&format!("SCAN {bounded}"));
        assert!(!step.starts_with("SCAN ") || is_given || is_bounded, "{step}: {sql}");
    }
}

/// A selector that asks for everything.
fn selector() -> Selector {
    let value = |of| ValueIs { name: "a".to_owned(), value: None, of };
    Selector {
        kind: Some(Kind::Phone),
        servers: vec!["s".to_owned()],
        tags: vec![("k".to_owned(), None)],
        conditions: vec![Condition::Running],
        attention: vec![Some(Attention::Drift), None],
        frozen: Some(true),
        statuses: vec![CameraStatus::OnLine],
        credentials: vec![CredentialsInUse::Old],
        values: vec![value(ValueOf::Desired), value(ValueOf::Reported)],
        organization: Some("a".parse().unwrap()),
        manufacturer: Some("m".to_owned()),
        text: Some("t".to_owned()),
        ids: vec![DeviceId::new("d").unwrap()],
    }
}

#[tokio::test]
async fn a_selection_walks_along_indexes() {
    let store = Opened::fresh();
    let connection = Connection::open(store.file()).unwrap();
    for sql in [
        select::NEXT,
        select::NEXT_OF_PROJECT,
        select::NEXT_OF_SERVER,
        select::NEXT_PHONES,
        select::NEXT_CAMERAS,
    ] {
        let plan = plan(&connection, sql);
        assert_eq!(plan.len(), 1, "nothing is sorted: {plan:?}");
        assert!(plan[0].starts_with("SEARCH device USING"), "{plan:?}");
        assert!(plan[0].contains("rowid>?"), "{plan:?}");
    }
    looks_up(&connection, select::BY_IDS, "");
    looks_up(&connection, select::BY_TAG, "t");
    looks_up(&connection, select::BY_TAG_VALUE, "t");
    looks_up(&connection, select::BY_ORGANIZATION, "");
    for projects in [None, Some(&[1, 2][..])] {
        for selector in [selector(), Selector::default()] {
            let (terms, _) = select::terms(projects, &selector, Timestamp(0)).unwrap();
            for columns in [select_device_with_state().as_str(), select::KEYS] {
                let sql = format!("{columns} WHERE {terms} ORDER BY d.key LIMIT ?2");
                looks_up(&connection, &sql, "");
                let steps = plan(&connection, &sql);
                let by_key = "SEARCH d USING INTEGER PRIMARY KEY (rowid=?)";
                assert_eq!(steps[0], by_key, "first of all the devices that it is given: {sql}");
                assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
            }
        }
    }
}

#[tokio::test]
async fn credentials_are_counted_along_one_index() {
    let store = Opened::fresh();
    let connection = Connection::open(store.file()).unwrap();
    looks_up(&connection, &cameras::credentials_counts_sql(), "");
    let steps = plan(&connection, &cameras::credentials_counts_sql());
    assert!(steps[0].contains("device_camera_by_project (project=?)"), "{steps:?}");
}

#[tokio::test]
async fn updates_and_rollouts_are_looked_up() {
    let store = Opened::fresh();
    let connection = Connection::open(store.file()).unwrap();
    looks_up(&connection, &rollouts::open_sql(), "r USING INDEX rollout_open");
    let refused = plan(&connection, &rollouts::devices_sql(true)).join("\n");
    assert!(refused.contains("rollout_device_refused"), "{refused}");
    looks_up(&connection, &rollouts::devices_sql(false), "");
    looks_up(&connection, &rollouts::counts_sql(), "");
    let newest = plan(&connection, rollouts::NEWEST_JOB);
    assert_eq!(newest[0], "SEARCH j USING PRIMARY KEY (id<?)");
    let wave = plan(&connection, rollouts::IS_WAVE);
    assert!(wave.len() == 1 && wave[0].contains("(request=?)"), "{wave:?}");
    let wave = plan(&connection, rollouts::WAVE_OF);
    assert!(wave.len() == 1 && wave[0].contains("(request=?)"), "{wave:?}");
    looks_up(&connection, &jobs::jobs_from_sql(), "");
    let listed = plan(&connection, &jobs::jobs_from_sql());
    assert_eq!(listed[0], "SEARCH j USING PRIMARY KEY (id>? AND id<?)");
    assert!(!listed.iter().any(|step| step.contains("TEMP B-TREE")), "{listed:?}");
    let failures = plan(&connection, &failures::sql()).join("\n");
    for step in [
        "SEARCH j USING PRIMARY KEY (id>? AND id<?)",
        "SEARCH m USING INDEX rollout_device_refused (rollout=?)",
        "SEARCH d USING INTEGER PRIMARY KEY (rowid=?)",
    ] {
        assert!(failures.contains(step), "{step}: {failures}");
    }
    looks_up(&connection, &jobs::newest_sql(), "");
    let newest = plan(&connection, &jobs::newest_sql()).join("\n");
    for table in ["device_state", "deleted_device"] {
        let by_key = format!("SEARCH {table} USING INTEGER PRIMARY KEY (rowid=?)");
        assert!(newest.contains(&by_key), "{newest}");
    }
    looks_up(&connection, &jobs::of_device_sql(), "");
    let of_device = plan(&connection, &jobs::of_device_sql());
    assert_eq!(of_device[0], "SEARCH j USING PRIMARY KEY (id=?)");
}

#[tokio::test]
async fn an_overview_walks_along_indexes() {
    let store = Opened::fresh();
    let connection = Connection::open(store.file()).unwrap();
    looks_up(&connection, &overview::count_sql(), "page");
    looks_up(&connection, overview::NEWEST, "");
    looks_up(&connection, overview::SAMPLES, "");
    let samples = plan(&connection, overview::SAMPLES).join("\n");
    assert!(samples.contains("PRIMARY KEY (project=? AND at>?)"), "{samples}");
    for (of_project, index) in [
        (true, "SEARCH j USING INDEX job_failed (project=?)"),
        (false, "SCAN j USING INDEX job_failed_newest"),
    ] {
        let steps = plan(&connection, &overview::failures_sql(of_project));
        assert!(steps.iter().any(|step| step == index), "{steps:?}");
        let whole = ["SCAN job", "SCAN device", "SCAN project", "SCAN deleted"];
        assert!(!steps.iter().any(|step| whole.iter().any(|whole| step.starts_with(whole))));
    }
    let forget = plan(&connection, crate::sqlite::apply::FORGET_COUNTS).join("\n");
    assert!(!forget.contains("SCAN fleet_sample"), "{forget}");
}

#[tokio::test]
async fn what_is_old_is_walked_along_keys() {
    let store = Opened::fresh();
    let connection = Connection::open(store.file()).unwrap();
    let walk = plan(&connection, history::WALK);
    assert_eq!(walk, ["SEARCH job USING PRIMARY KEY (id>? AND id<?)"]);
    let old = plan(&connection, history::OLD_ROLLOUTS);
    assert_eq!(old, ["SEARCH rollout USING PRIMARY KEY (id>? AND id<?)"]);
    let count = plan(&connection, history::COUNT).join("\n");
    assert!(count.contains("SEARCH job USING PRIMARY KEY (id>?)"), "{count}");
    looks_up(&connection, history::COUNT, "(subquery");
    looks_up(&connection, history::UNANSWERED, "idempotency USING INDEX idempotency_open");
}
