//! `fleetwright device channels`: what hangs on a camera or a recorder.

use anyhow::Result;
use serde_json::{Value, json};

use super::list::PAGE;
use super::target::Target;
use crate::client::Client;
use crate::client::answers::{Channel, Channels};
use crate::output;

/// Lists the channels of a GB device: all of them.
pub fn list(client: &Client, target: &Target, is_json: bool) -> Result<()> {
    let mut whole: Vec<Value> = Vec::new();
    let mut channels = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut query = target.query();
        query.push(("limit", PAGE.to_string()));
        query.extend(after.take().map(|after| ("after", after)));
        let mut answer = client.get(&target.path("channels"), &query)?;
        let page: Channels = client.read(&answer)?;
        after = page.next.filter(|_| !page.channels.is_empty());
        channels.extend(page.channels);
        if let Some(Value::Array(page)) = answer.get_mut("channels").map(Value::take) {
            whole.extend(page);
        }
        if after.is_none() {
            break;
        }
    }
    if is_json {
        output::json(&json!({ "channels": whole }))?;
    } else {
        output::data(&table(channels))?;
    }
    Ok(())
}

/// Channels for people. NAME is ours, SHOWN the device's.
fn table(channels: Vec<Channel>) -> String {
    let rows = channels.into_iter().map(|channel| {
        let seen = match (channel.seen_at, channel.missed) {
            (None, _) => "never".to_owned(),
            (Some(at), 0) => at,
            (Some(at), missed) => format!("{at}, missed {missed} since"),
        };
        vec![
            channel.id,
            channel.name.unwrap_or_default(),
            channel.reported_name.unwrap_or_default(),
            channel.description.unwrap_or_default(),
            channel.organization.map(|filed| filed.path).unwrap_or_default(),
            channel.status.unwrap_or_default(),
            channel.manufacturer.unwrap_or_default(),
            channel.model.unwrap_or_default(),
            channel.parent.unwrap_or_default(),
            seen,
        ]
    });
    let header = [
        "ID",
        "NAME",
        "SHOWN",
        "DESCRIPTION",
        "ORGANIZATION",
        "STATUS",
        "MANUFACTURER",
        "MODEL",
        "PARENT",
        "IN CATALOG",
    ];
    output::table(&header, rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_listed_with_both_names_and_when_a_catalog_named_them() {
        let channel = |id: &str, seen_at: Value, missed: u32| {
            json!({"id": id, "name": "东门", "reported_name": null, "description": null,
                "organization": {"id": "0a", "path": "北京/海淀"}, "manufacturer": "Dahua",
                "model": null, "status": "ON", "parent": null, "civil_code": null,
                "address": null, "seen_at": seen_at, "missed": missed})
        };
        let at = json!("01:02");
        let page: Channels = serde_json::from_value(json!({"channels": [
            channel("34020000001310000001", at.clone(), 0),
            channel("34020000001310000002", at, 2),
            channel("34020000001310000003", Value::Null, 0),
        ], "next": null}))
        .unwrap();
        // The blanks that align its columns make it wide.
        let cells = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let listed: Vec<String> = table(page.channels).lines().map(cells).collect();
        insta::assert_snapshot!(listed.join("\n"), @r"
        ID NAME SHOWN DESCRIPTION ORGANIZATION STATUS MANUFACTURER MODEL PARENT IN CATALOG
        34020000001310000001 东门 - - 北京/海淀 ON Dahua - - 01:02
        34020000001310000002 东门 - - 北京/海淀 ON Dahua - - 01:02, missed 2 since
        34020000001310000003 东门 - - 北京/海淀 ON Dahua - - never
        ");
    }
}
