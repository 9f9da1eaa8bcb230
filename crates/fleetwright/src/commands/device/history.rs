//! `fleetwright device history` and `device revert`: what was asked of a device, and back to it.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::target::Target;
use crate::client::Client;
use crate::client::answers::{History, HistoryEntry, HistoryValue, RevertedDevice};
use crate::commands::{job, update};
use crate::output;

/// Entries in one page: the most that the server gives.
const PAGE: usize = 1_000;

/// Lists what was asked of a device, newest first, at most `limit` updates.
pub fn list(client: &Client, target: &Target, limit: usize, is_json: bool) -> Result<()> {
    let (mut whole, mut changes) = (Vec::new(), Vec::new());
    let mut after: Option<String> = None;
    loop {
        let most = PAGE.min(limit.saturating_sub(changes.len())).max(1);
        let mut query = target.query();
        query.push(("limit", most.to_string()));
        query.extend(after.take().map(|after| ("after", after)));
        let mut answer = client.get(&target.path("history"), &query)?;
        let page: History = client.read(&answer)?;
        after = page.next;
        changes.extend(page.changes);
        if let Some(Value::Array(page)) = answer.get_mut("changes").map(Value::take) {
            whole.extend(page);
        }
        if after.is_none() || changes.len() >= limit {
            break;
        }
    }
    changes.truncate(limit);
    whole.truncate(limit);
    if is_json {
        output::json(&json!({ "changes": whole }))?;
    } else {
        output::data(&table(&changes))?;
    }
    if after.is_some() {
        output::tell(&format!("There are more than {limit}: see --limit."));
    }
    Ok(())
}

/// Asks for what was asked of a device at a revision, and waits for the end if that is wanted.
pub fn revert(
    client: &Client,
    target: &Target,
    to: i64,
    wait: Option<Option<Duration>>,
    is_json: bool,
) -> Result<()> {
    let answer = client.post_with(&target.path("revert"), &target.query(), &json!({ "to": to }))?;
    let reverted: RevertedDevice = client.read(&answer)?;
    if wait.is_none() && is_json {
        return Ok(output::json(&answer)?);
    }
    let mut fields = vec![("update", reverted.id), ("job", reverted.job.to_string())];
    let said = |(name, value)| ("asks for", format!("{name} = {value}"));
    fields.extend(reverted.set.into_iter().map(said));
    let parts = [output::fields(&fields), update::left_out(&reverted.left_out)];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    match wait {
        None => Ok(output::data(&parts.join("\n"))?),
        Some(timeout) => {
            output::tell(&parts.join("\n"));
            job::wait(client, reverted.job, timeout, is_json)
        }
    }
}

/// Shows what asking for what was asked of a device at a revision would do.
pub fn foretell(client: &Client, target: &Target, to: i64, is_json: bool) -> Result<()> {
    let body = Map::from_iter([("to".to_owned(), json!(to))]);
    update::predict_revert(client, &target.path("revert"), &target.query(), body, is_json)
}

/// A history, a line for each value that was asked for.
fn table(changes: &[HistoryEntry]) -> String {
    let rows = changes.iter().flat_map(|change| {
        let head = [change.revision.to_string(), change.accepted_at.clone(), who(change)];
        let state = change.state.replace('_', " ");
        let values: Vec<(String, String, String)> = match change.values.as_slice() {
            [] => vec![(format!("({})", change.operation), String::new(), String::new())],
            values => values.iter().map(cells).collect(),
        };
        values.into_iter().map(move |(name, before, to)| {
            let mut row = head.to_vec();
            row.extend([name, before, to, state.clone(), change.update.clone()]);
            row
        })
    });
    let head = ["REVISION", "AT", "BY", "PROPERTY", "BEFORE", "TO", "JOB", "UPDATE"];
    output::table(&head, rows.collect())
}

/// What stands in the place of a value that a factory reset made forgotten.
const FORGOTTEN: &str = "(forgotten)";

/// Who asked, and by which of the APIs.
fn who(change: &HistoryEntry) -> String {
    format!("{} ({})", change.actor, change.door)
}

/// The property, what was there before, and the value.
fn cells(value: &HistoryValue) -> (String, String, String) {
    let on_record = value.name_before.as_ref().filter(|name| !name.is_empty());
    let before = match (value.desired_before.as_ref().or(on_record), &value.shown_before) {
        (Some(was), Some(shown)) if was != shown => format!("{was} (showed {shown})"),
        (Some(was), _) => was.clone(),
        (None, Some(shown)) => format!("(showed {shown})"),
        (None, None) => String::new(),
    };
    let to = value.to.clone().unwrap_or_else(|| FORGOTTEN.to_owned());
    (value.name.clone(), before, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_a_line_for_each_value() {
        let head = |revision: i64, operation: &str, values: Value| {
            json!({"revision": revision, "update": "u",
                "operation": operation, "state": "succeeded", "door": "native", "actor": "ada",
                "accepted_at": "at", "values": values})
        };
        let page: History = serde_json::from_value(json!({"next": null, "changes": [
            head(5, "reset", json!([
                {"name": "Title", "to": null, "desired_before": "c", "shown_before": null}])),
            head(4, "update", json!([
                {"name": "Name", "to": "c", "desired_before": null, "shown_before": "IPC",
                    "name_before": "Gate"}])),
            head(3, "restart", json!([])),
            head(2, "update", json!([
                {"name": "Name", "to": "b", "desired_before": "a", "shown_before": "a"},
                {"name": "Title", "to": "c", "desired_before": "a", "shown_before": "x"}])),
            head(1, "update", json!([
                {"name": "Name", "to": "a", "desired_before": null, "shown_before": "IPC"},
                {"name": "Title", "to": "a", "desired_before": null, "shown_before": null}])),
        ]}))
        .unwrap();
        insta::assert_snapshot!(table(&page.changes), @r"
        REVISION  AT  BY            PROPERTY   BEFORE             TO           JOB        UPDATE
        5         at  ada (native)  Title      c                  (forgotten)  succeeded  u
        4         at  ada (native)  Name       Gate (showed IPC)  c            succeeded  u
        3         at  ada (native)  (restart)  -                  -            succeeded  u
        2         at  ada (native)  Name       a                  b            succeeded  u
        2         at  ada (native)  Title      a (showed x)       c            succeeded  u
        1         at  ada (native)  Name       (showed IPC)       a            succeeded  u
        1         at  ada (native)  Title      -                  a            succeeded  u
        ");
    }
}
