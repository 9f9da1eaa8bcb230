//! What an update, or the revert of one, would do.

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::client::answers::{Predicted, PredictedRevert, Prediction};
use crate::exit::Failure;
use crate::output;

use super::rollout::left_out;

/// Asks the server what an update of this body would do, page by page, and shows it. Fails if
/// some device would be refused.
pub fn predict(client: &Client, body: Map<String, Value>, is_json: bool) -> Result<()> {
    let Foretold { whole, devices, .. } = Foretold::ask(client, &["updates"], &[], body)?;
    if is_json {
        output::json(&json!({ "devices": whole }))?;
    } else {
        output::data(&words(&devices))?;
    }
    refused(&devices)
}

/// The same of the revert that this path and query ask for.
pub fn predict_revert(
    client: &Client,
    path: &[&str],
    query: &[(&str, String)],
    body: Map<String, Value>,
    is_json: bool,
) -> Result<()> {
    let Foretold { whole, devices, first } = Foretold::ask(client, path, query, body)?;
    if is_json {
        let of_first = |name: &str| first.get(name).cloned().unwrap_or_default();
        let (left_out, total) = (of_first("left_out"), of_first("left_out_total"));
        let answer = json!({ "devices": whole, "left_out": left_out, "left_out_total": total });
        output::json(&answer)?;
    } else {
        let stays: PredictedRevert = client.read(&first)?;
        let parts = [words(&devices), left_out(&stays.left_out)];
        let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|p| !p.is_empty()).collect();
        output::data(&parts.join("\n"))?;
    }
    refused(&devices)
}

/// What all pages of a dry run say.
struct Foretold {
    /// The devices as they were answered.
    whole: Vec<Value>,
    /// The same, read.
    devices: Vec<Prediction>,
    /// The first page, without its devices.
    first: Value,
}

impl Foretold {
    /// Asks for it page by page.
    fn ask(
        client: &Client,
        path: &[&str],
        query: &[(&str, String)],
        mut body: Map<String, Value>,
    ) -> Result<Self> {
        body.insert("dry_run".to_owned(), json!(true));
        let (mut whole, mut devices, mut first) = (Vec::new(), Vec::new(), None);
        loop {
            let mut answer = client.post_with(path, query, &Value::Object(body.clone()))?;
            let page: Predicted = client.read(&answer)?;
            devices.extend(page.devices);
            if let Some(Value::Array(page)) = answer.get_mut("devices").map(Value::take) {
                whole.extend(page);
            }
            let first = first.get_or_insert(answer);
            let Some(next) = page.next else {
                return Ok(Self { whole, devices, first: first.take() });
            };
            body.insert("after".to_owned(), json!(next));
        }
    }
}

/// Fails if some device would be refused.
fn refused(devices: &[Prediction]) -> Result<()> {
    let refused = devices.iter().filter(|device| device.refused.is_some()).count();
    if refused > 0 {
        let what = format!("{refused} of {} devices would be refused", devices.len());
        return Err(Failure::failed(what).into());
    }
    Ok(())
}

/// What would become of each device, and of how many what.
fn words(devices: &[Prediction]) -> String {
    let count = |is: fn(&Prediction) -> bool| devices.iter().filter(|device| is(device)).count();
    let restarts = count(|device| device.restart);
    let numbers = output::fields(&[
        ("devices", devices.len().to_string()),
        ("would restart", if restarts > 0 { restarts.to_string() } else { String::new() }),
        ("would change", count(|device| !device.changes.is_empty()).to_string()),
        ("unchanged", count(|d| d.changes.is_empty() && d.refused.is_none()).to_string()),
        ("would be refused", count(|device| device.refused.is_some()).to_string()),
        ("away, so later", count(|d| d.away && d.refused.is_none()).to_string()),
    ]);
    let rows: Vec<Vec<String>> = devices.iter().flat_map(rows).collect();
    if rows.is_empty() {
        return numbers;
    }
    let head = ["DEVICE", "PROPERTY", "DESIRED", "SHOWN", "WOULD BE", "ACTS"];
    format!("{numbers}\n{}", output::table(&head, rows))
}

/// The lines of one device: one for each value that would change, or one that says why not.
fn rows(device: &Prediction) -> Vec<Vec<String>> {
    if let Some(refused) = &device.refused {
        let property = refused.property.clone().unwrap_or_default();
        let why = format!("REFUSED: {}", refused.detail);
        return vec![vec![
            device.id.clone(),
            property,
            String::new(),
            String::new(),
            String::new(),
            why,
        ]];
    }
    let changes = device.changes.iter().map(|change| {
        let acts = change.acts.replace('_', " ");
        vec![
            device.id.clone(),
            change.name.clone(),
            value(change.desired.as_deref()),
            value(change.shown.as_deref()),
            value(Some(&change.to)),
            if device.away { format!("{acts}, when it is back") } else { acts },
        ]
    });
    changes.collect()
}

/// A value as it is printed: none as none, one that is empty, or has blanks at its ends, in quotes.
fn value(text: Option<&str>) -> String {
    match text {
        None => String::new(),
        Some(text) if text.is_empty() || text.trim() != text => format!("{text:?}"),
        Some(text) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prediction_names_each_value_and_each_refusal() {
        let page: Predicted = serde_json::from_value(json!({ "next": null, "devices": [
            {"id": "phone-1", "away": false, "restart": false, "unchanged": [], "refused": null, "changes": [
                {"name": "com.cph.mainkeys", "desired": "0", "shown": "0", "to": "1",
                 "acts": "after_restart"},
                {"name": "sys.prop.writewifissid", "desired": null, "shown": null, "to": " a",
                 "acts": "at_once"}]},
            {"id": "phone-2", "away": true, "restart": false, "unchanged": ["sys.prop.writewifissid"],
             "refused": null, "changes": [
                {"name": "com.cph.mainkeys", "desired": null, "shown": "0", "to": "1",
                 "acts": "after_restart"}]},
            {"id": "phone-3", "away": false, "restart": false, "unchanged": [], "changes": [],
             "refused": {"code": "frozen", "detail": "the device is frozen"}},
            {"id": "phone-4", "away": false, "restart": false, "unchanged": ["com.cph.mainkeys"], "changes": [],
             "refused": null},
        ]}))
        .unwrap();
        insta::assert_snapshot!(words(&page.devices), @r#"
        devices           4
        would change      2
        unchanged         1
        would be refused  1
        away, so later    1

        DEVICE   PROPERTY                DESIRED  SHOWN  WOULD BE  ACTS
        phone-1  com.cph.mainkeys        0        0      1         after restart
        phone-1  sys.prop.writewifissid  -        -      " a"      at once
        phone-2  com.cph.mainkeys        -        0      1         after restart, when it is back
        phone-3  -                       -        -      -         REFUSED: the device is frozen
        "#);
    }
}
