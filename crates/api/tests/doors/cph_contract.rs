//! That the published contract and the door agree: `openapi/cph.yaml` has every code and every
//! bound of the door's own tables, and every call.

use api::cph::{Bound, Code, Row, bounds};
use serde_json::{Value, json};

use crate::site::Site;

/// The contract.
const CONTRACT: &str = include_str!("../../../../openapi/cph.yaml");

/// The items of a list at the top level of the contract, each of which is JSON on a line.
fn published(name: &str) -> Vec<Value> {
    let mut lines = CONTRACT.lines().skip_while(|line| *line != format!("{name}:")).skip(1);
    let items = lines.by_ref().take_while(|line| line.starts_with("  - "));
    items
        .map(|line| serde_json::from_str(&line[4..]).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}

/// The lines that the contract should have.
fn lines(items: &[Value]) -> String {
    items.iter().map(|item| format!("  - {item}\n")).collect()
}

#[test]
fn the_contract_has_every_code() {
    let row = |row: Row| {
        json!({ "code": row.code, "status": row.status, "in": row.places, "cause": row.cause,
                "message": row.message })
    };
    let table: Vec<Value> = Code::ALL.iter().map(|code| row(code.row())).collect();
    assert!(published("x-error-codes") == table, "x-error-codes should be\n{}", lines(&table));
}

#[test]
fn the_contract_has_every_bound() {
    let end = |end: Option<(u64, &str)>| end.map(|(bound, code)| json!([bound, code]));
    let bound = |Bound { call, field, unit, min, max }| json!({ "call": call, "field": field, "unit": unit, "min": end(min), "max": end(max) });
    let table: Vec<Value> = bounds().into_iter().map(bound).collect();
    assert!(published("x-limits") == table, "x-limits should be\n{}", lines(&table));
}

#[tokio::test]
async fn every_call_of_the_contract_is_answered() {
    let site = Site::empty().await;
    let (mut path, mut calls) = (String::new(), 0);
    for line in CONTRACT.lines().skip_while(|line| *line != "paths:") {
        if line == "components:" {
            break;
        }
        if let Some(name) = line.strip_prefix("  /").and_then(|line| line.strip_suffix(':')) {
            path = format!("/{name}").replace("{resource_type}", "cph-server");
        }
        let method = line.strip_prefix("    ").and_then(|line| line.strip_suffix(':'));
        let Some(method @ ("get" | "post" | "put")) = method else { continue };
        let target: String = path.chars().filter(|character| !"{}".contains(*character)).collect();
        let answer = site.unsigned(&method.to_uppercase(), &target).await;
        assert!([400, 401].contains(&answer.status), "{method} {path}: {answer:?}");
        calls += 1;
    }
    assert_eq!(calls, 20);
}
