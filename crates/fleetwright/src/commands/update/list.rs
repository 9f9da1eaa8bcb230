//! `fleetwright update list`: updates, newest first.

use anyhow::Result;
use fleet::ProjectId;
use serde_json::{Value, json};

use crate::client::Client;
use crate::client::answers::{UpdateHead, Updates};
use crate::output;

/// Updates in one page: the most that the server gives.
const PAGE: usize = 1_000;

/// Lists at most `limit` updates, of a project if one is given.
pub fn list(
    client: &Client,
    project: Option<&ProjectId>,
    limit: usize,
    is_json: bool,
) -> Result<()> {
    let (mut whole, mut updates) = (Vec::new(), Vec::new());
    let mut after: Option<String> = None;
    loop {
        let most = PAGE.min(limit.saturating_sub(updates.len())).max(1);
        let mut query = vec![("limit", most.to_string())];
        query.extend(project.map(|project| ("project", project.to_string())));
        query.extend(after.take().map(|after| ("after", after)));
        let mut answer = client.get(&["updates"], &query)?;
        let page: Updates = client.read(&answer)?;
        after = page.next;
        updates.extend(page.updates);
        if let Some(Value::Array(page)) = answer.get_mut("updates").map(Value::take) {
            whole.extend(page);
        }
        if after.is_none() || updates.len() >= limit {
            break;
        }
    }
    updates.truncate(limit);
    whole.truncate(limit);
    if is_json {
        output::json(&json!({ "updates": whole }))?;
    } else {
        output::data(&table(&updates))?;
    }
    if after.is_some() {
        output::tell(&format!("There are more than {limit}: see --limit."));
    }
    Ok(())
}

/// Updates, a line each.
fn table(updates: &[UpdateHead]) -> String {
    let rows = updates.iter().map(|update| {
        vec![
            update.id.clone(),
            update.project.clone(),
            update.accepted_at.clone(),
            update.door.clone(),
            update.actor.clone(),
            if update.rollout { "rollout".to_owned() } else { String::new() },
        ]
    });
    output::table(&["UPDATE", "PROJECT", "ACCEPTED", "DOOR", "BY", "AS"], rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_a_line() {
        let page: Updates = serde_json::from_value(json!({ "next": null, "updates": [
            {"id": "019a7c6e4b3d7a1c8e5f000000000000", "project": "acme", "door": "native",
             "actor": "ada", "accepted_at": "2026-11-22T01:02:03.000Z", "rollout": true},
            {"id": "019a7c6e4b3d7a1c8e5e000000000000", "project": "acme", "door": "cph",
             "actor": "AKID", "accepted_at": "2026-11-22T01:02:02.000Z", "rollout": false},
        ]}))
        .unwrap();
        insta::assert_snapshot!(table(&page.updates), @r"
        UPDATE                            PROJECT  ACCEPTED                  DOOR    BY    AS
        019a7c6e4b3d7a1c8e5f000000000000  acme     2026-11-22T01:02:03.000Z  native  ada   rollout
        019a7c6e4b3d7a1c8e5e000000000000  acme     2026-11-22T01:02:02.000Z  cph     AKID  -
        ");
    }
}
