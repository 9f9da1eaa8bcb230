//! Updates that go through their devices in waves, for people.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::follow;
use crate::client::Client;
use crate::client::answers::{BegunUpdate, LeftOut, RefusedDevice, RefusedDevices, Rollout};
use crate::output;

/// Devices in one page: the most that the server gives.
const PAGE: u32 = 1_000;

/// Shows an update that has begun, and waits for its end if `within` is given, at most so long.
pub fn begun(
    client: &Client,
    answer: &Value,
    begun: &BegunUpdate,
    within: Option<Option<Duration>>,
    is_json: bool,
) -> Result<()> {
    let left_out = left_out(&begun.left_out);
    match within {
        Some(within) => {
            // Who breaks off has to know what goes on.
            output::tell(&format!("update {} has begun", begun.id));
            if !left_out.is_empty() {
                output::tell(&left_out);
            }
            follow::wait_for(client, &begun.id, within, is_json)
        }
        None if is_json => Ok(output::json(answer)?),
        None => {
            let head = output::fields(&[
                ("update", begun.id.clone()),
                ("devices", begun.devices.to_string()),
            ]);
            let text = if left_out.is_empty() { head } else { format!("{head}\n{left_out}") };
            Ok(output::data(&text)?)
        }
    }
}

/// What is not reverted, a line each; empty if all is.
pub fn left_out(left_out: &[LeftOut]) -> String {
    if left_out.is_empty() {
        return String::new();
    }
    let rows = left_out.iter().map(|left| {
        vec![left.device.clone(), left.property.clone().unwrap_or_default(), left.why.clone()]
    });
    output::table(&["DEVICE", "PROPERTY", "LEFT OUT"], rows.collect())
}

/// Lists what a rollout refused.
pub fn refused(client: &Client, id: &str, is_json: bool) -> Result<()> {
    let (whole, devices) = all_refused(client, id)?;
    if is_json {
        output::json(&json!({ "devices": whole }))?;
    } else {
        output::data(&refused_table(&devices))?;
    }
    Ok(())
}

/// All that a rollout refused: as it was answered, and as it is printed.
pub fn all_refused(client: &Client, id: &str) -> Result<(Vec<Value>, Vec<RefusedDevice>)> {
    let (mut whole, mut devices) = (Vec::new(), Vec::new());
    let mut after: Option<String> = None;
    loop {
        let mut query = vec![("limit", PAGE.to_string())];
        query.extend(after.take().map(|after| ("after", after)));
        let mut answer = client.get(&["updates", id, "refused"], &query)?;
        let page: RefusedDevices = client.read(&answer)?;
        after = page.next;
        devices.extend(page.devices);
        if let Some(Value::Array(page)) = answer.get_mut("devices").map(Value::take) {
            whole.extend(page);
        }
        if after.is_none() {
            return Ok((whole, devices));
        }
    }
}

/// Devices that were refused, a line each.
pub fn refused_table(devices: &[RefusedDevice]) -> String {
    let rows = devices
        .iter()
        .map(|refused| vec![refused.device.clone(), refused.error.detail.clone()])
        .collect();
    output::table(&["DEVICE", "REFUSED"], rows)
}

/// Where a rollout stands: the fields that an update has because of it.
pub fn fields(rollout: &Rollout) -> Vec<(&'static str, String)> {
    let phase = match &rollout.why {
        Some(why) => format!("{}: {why}", rollout.phase),
        None => rollout.phase.clone(),
    };
    let begun = format!("{} of {} devices, {} waves", rollout.begun, rollout.devices, rollout.wave);
    let refused = if rollout.refused > 0 { rollout.refused.to_string() } else { String::new() };
    let window = rollout.plan.window.as_ref();
    let window = window.map(|hours| format!("{} to {} UTC", hours.from, hours.to));
    vec![
        ("phase", phase),
        ("begun", begun),
        ("refused", refused),
        ("next wave", rollout.next_at.clone().unwrap_or_default()),
        ("window", window.unwrap_or_default()),
        ("reverts", rollout.revert_of.clone().unwrap_or_default()),
    ]
}

/// The latest waves of a rollout, a line each; empty if none has begun.
pub fn waves(rollout: &Rollout) -> String {
    if rollout.waves.is_empty() {
        return String::new();
    }
    let rows = rollout.waves.iter().map(|wave| {
        vec![
            wave.number.to_string(),
            wave.devices.to_string(),
            wave.refused.to_string(),
            wave.succeeded.to_string(),
            wave.failed.to_string(),
            wave.open.to_string(),
            wave.begun_at.clone(),
            wave.ended_at.clone().unwrap_or_default(),
        ]
    });
    let head = ["WAVE", "DEVICES", "REFUSED", "SUCCEEDED", "FAILED", "OPEN", "BEGUN", "ENDED"];
    output::table(&head, rows.collect())
}
