//! That the published contract and the door agree: `openapi/iss.yaml` has every code of the door's
//! own tables, and every call.

use api::iss::{Code, EntryCode, Row};
use serde_json::{Value, json};

use crate::site::Site;

/// The contract.
const CONTRACT: &str = include_str!("../../../../openapi/iss.yaml");

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
    let row = |Row { code, status, message, cause }| json!({ "code": code, "status": status, "cause": cause, "message": message });
    let table: Vec<Value> = Code::ALL.iter().map(|code| row(code.row())).collect();
    assert!(published("x-error-codes") == table, "x-error-codes should be\n{}", lines(&table));
    let entries: Vec<Value> = EntryCode::ALL.iter().map(|code| json!(code.text())).collect();
    let agree = published("x-entry-codes") == entries;
    assert!(agree, "x-entry-codes should be\n{}", lines(&entries));
}

#[tokio::test]
async fn every_call_of_the_contract_asks_for_a_signature() {
    let site = Site::empty().await;
    let (mut path, mut calls) = (String::new(), 0);
    for line in CONTRACT.lines().skip_while(|line| *line != "paths:") {
        if line == "components:" {
            break;
        }
        if let Some(name) = line.strip_prefix("  /").and_then(|line| line.strip_suffix(':')) {
            path = format!("/{name}").replace("{id}", "x");
        }
        let method = line.strip_prefix("    ").and_then(|line| line.strip_suffix(':'));
        let Some(method @ ("get" | "post" | "put" | "delete")) = method else { continue };
        let answer = site.unsigned(&method.to_uppercase(), &path).await;
        answer.iss_refused(403, "AccessDenied");
        calls += 1;
    }
    assert_eq!(calls, 13);
}
