//! `fleetwright device list`: devices, a line each.

use anyhow::Result;
use fleet::Kind;
use serde_json::{Value, json};

use crate::client::{Client, answers};
use crate::output;

/// Devices in one page of a list: the most that the server gives.
pub const PAGE: usize = fleet::limits::DEVICES_PER_PAGE_MAX as usize;

/// What heads the tables.
const OF_PHONES: [&str; 8] =
    ["ID", "PROJECT", "NAME", "SERVER", "ADDRESS", "CONDITION", "WORK", "TROUBLE"];
const OF_CAMERAS: [&str; 10] =
    ["ID", "PROJECT", "STATUS", "NAME", "SHOWN", "FROM", "EXPIRES", "CHANNELS", "WORK", "TROUBLE"];

/// Lists devices, page by page, at most `limit`. `kind` is the one that is asked for.
pub fn list(
    client: &Client,
    filter: &[(&'static str, String)],
    kind: Option<Kind>,
    limit: usize,
    is_json: bool,
) -> Result<()> {
    let mut filter = filter.to_vec();
    filter.extend(kind.map(|kind| ("kind", kind.name().to_owned())));
    let mut whole: Vec<Value> = Vec::new();
    let mut devices = Vec::new();
    let mut after: Option<String> = None;
    let mut is_more = true;
    while is_more && whole.len() < limit {
        let mut query = filter.clone();
        query.push(("limit", PAGE.min(limit - whole.len()).to_string()));
        query.extend(after.take().map(|after| ("after", after)));
        let mut answer = client.get(&["devices"], &query)?;
        let page: answers::Devices = client.read(&answer)?;
        after = page.next;
        is_more = after.is_some() && !page.devices.is_empty();
        devices.extend(page.devices);
        if let Some(Value::Array(page)) = answer.get_mut("devices").map(Value::take) {
            whole.extend(page);
        }
    }
    if is_json {
        output::json(&json!({ "devices": whole }))?;
    } else {
        output::data(&tables(devices, kind))?;
    }
    if is_more {
        output::tell(&format!("There are more than {limit}: see --limit."));
    }
    Ok(())
}

/// Devices for people: phones, then cameras, each with what can be said of them. Where there are
/// none, the heading of the kind that was asked for.
pub fn tables(devices: Vec<answers::Device>, kind: Option<Kind>) -> String {
    let (mut phones, mut cameras) = (Vec::new(), Vec::new());
    for device in devices {
        match &device.camera {
            Some(camera) => cameras.push(camera_row(&device, camera)),
            None => phones.push(phone_row(device)),
        }
    }
    let mut tables = Vec::new();
    if !phones.is_empty() || (cameras.is_empty() && kind != Some(Kind::Camera)) {
        tables.push(output::table(&OF_PHONES, phones));
    }
    if !cameras.is_empty() || kind == Some(Kind::Camera) {
        tables.push(output::table(&OF_CAMERAS, cameras));
    }
    tables.join("\n\n")
}

fn phone_row(device: answers::Device) -> Vec<String> {
    let work = work(&device);
    let frozen = if device.frozen { ", frozen" } else { "" };
    vec![
        device.id,
        device.project,
        device.name,
        device.server,
        device.address,
        device.condition + frozen,
        work,
        device.trouble.unwrap_or_default(),
    ]
}

fn camera_row(device: &answers::Device, camera: &answers::Camera) -> Vec<String> {
    let frozen = if device.frozen { ", frozen" } else { "" };
    let from = camera.transport.iter().chain(&camera.remote);
    let from: Vec<&str> = from.map(String::as_str).collect();
    // When it would have ended says nothing of one that has ended.
    let expires = camera.expires_at.clone().filter(|_| camera.status == "OnLine");
    vec![
        device.id.clone(),
        device.project.clone(),
        format!("{}{frozen}", camera.status),
        device.name.clone(),
        camera.reported_name.clone().unwrap_or_default(),
        from.join(" "),
        expires.unwrap_or_default(),
        camera.channels.to_string(),
        work(device),
        camera_trouble(device, camera),
    ]
}

/// What is to be done for a device, in a few words.
fn work(device: &answers::Device) -> String {
    let pending = device.restart_pending.len();
    match (device.open_jobs.len(), device.drift.len()) {
        (0, 0) if pending > 0 => format!("{pending} wait for a restart"),
        (0, 0) => String::new(),
        (0, drift) => format!("{drift} drifted"),
        (jobs, _) => format!("{jobs} open"),
    }
}

/// Why a camera is not there, or can't be worked on.
fn camera_trouble(device: &answers::Device, camera: &answers::Camera) -> String {
    let mut trouble = Vec::new();
    if !camera.has_password {
        trouble.push("has no password to register with".to_owned());
    }
    let offline = camera.offline.as_ref();
    trouble.extend(offline.map(|offline| format!("{} at {}", offline.text, offline.at)));
    trouble.extend(device.trouble.clone());
    trouble.join("; ")
}
