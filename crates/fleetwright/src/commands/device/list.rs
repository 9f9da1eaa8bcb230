//! `fleetwright device list`: devices, a line each.

use anyhow::Result;
use fleet::{Attention, CameraStatus, Condition, CredentialsInUse, Kind, ProjectId};
use serde_json::{Value, json};

use super::credentials::in_use;
use crate::client::{Client, answers};
use crate::exit::Failure;
use crate::output;

/// Devices in one page of a list: the most that the server gives.
pub const PAGE: usize = fleet::limits::DEVICES_PER_PAGE_MAX as usize;

/// What heads the tables.
const OF_PHONES: [&str; 8] =
    ["ID", "PROJECT", "NAME", "SERVER", "ADDRESS", "CONDITION", "WORK", "TROUBLE"];
const OF_CAMERAS: [&str; 10] =
    ["ID", "PROJECT", "STATUS", "NAME", "SHOWN", "FROM", "EXPIRES", "CHANNELS", "WORK", "TROUBLE"];

/// Which devices are listed: those for which all of it holds.
#[derive(Debug, clap::Args)]
pub struct Filter {
    /// Those of this kind: phone or camera.
    #[arg(long)]
    kind: Option<Kind>,
    /// Those of this project.
    #[arg(long, value_name = "ID")]
    project: Option<ProjectId>,
    /// Those on this server; given several times: on one of them.
    #[arg(long, value_name = "NAME")]
    server: Vec<String>,
    /// Those in this condition: new, running, restarting, resetting, stopping, stopped or abnormal;
    /// of a camera, awaited until something is asked of it. Given several times: in one of them.
    #[arg(long, value_parser = condition)]
    condition: Vec<Condition>,
    /// Those that are not as they should be, for this reason: trouble (they can't be worked on, or
    /// a camera was registered once and is not now), drift, restart-pending, pending, or any for
    /// all of these. Those that are as they should be: none. Given several times: one of it.
    #[arg(long, value_name = "WHY", value_parser = attention)]
    attention: Vec<&'static str>,
    /// Cameras alone that stand so: `Register` (on record, never registered), `OnLine` or
    /// `OffLine`. Given several times: in one of these ways.
    #[arg(long, value_parser = status)]
    status: Vec<CameraStatus>,
    /// Cameras alone that registered with these: `current`, `old` (the user name and password from
    /// before they were changed, which work for a while yet), or `not-renewed` (they have not
    /// registered since). Given several times: with one of them.
    #[arg(long, value_name = "WHICH", value_parser = in_use)]
    credentials: Vec<CredentialsInUse>,
    /// Those with this tag; given several times: with all of them.
    #[arg(long, value_name = "KEY[:VALUE]")]
    tag: Vec<String>,
    /// Those of which this value is asked; !PROPERTY: none.
    #[arg(long, value_name = "PROPERTY:VALUE")]
    desired: Vec<String>,
    /// Those that showed this value; !PROPERTY: none.
    #[arg(long, value_name = "PROPERTY:VALUE")]
    reported: Vec<String>,
    /// Those filed in this organization or below it.
    #[arg(long, value_name = "PATH")]
    organization: Option<String>,
    /// Those of this manufacturer.
    #[arg(long, value_name = "NAME")]
    manufacturer: Option<String>,
    /// Those with this in the id, the name, the server or the address.
    #[arg(long, value_name = "PART")]
    text: Option<String>,
}

/// Reads why a device is not as it should be, or `none` if it is, with a hyphen or an underscore,
/// as the API takes it.
pub fn attention(text: &str) -> std::result::Result<&'static str, String> {
    let words = Attention::ALL.map(Attention::name).into_iter().chain(["any", "none"]);
    let mut all = words.filter(|word| *word == text.replace('-', "_"));
    let known = "trouble, drift, restart-pending, pending, any, none";
    all.next().ok_or_else(|| format!("{text:?} is not one of {known}"))
}

/// Reads a condition.
pub fn condition(text: &str) -> std::result::Result<Condition, String> {
    let mut all = Condition::ALL.into_iter();
    let found = all.find(|condition| condition.name() == text);
    found.ok_or_else(|| {
        let known = Condition::ALL.map(Condition::name).join(", ");
        format!("{text:?} is none of {known}")
    })
}

/// Reads how a camera stands, whatever the case of the letters.
pub fn status(text: &str) -> std::result::Result<CameraStatus, String> {
    let all = [CameraStatus::Register, CameraStatus::OnLine, CameraStatus::OffLine];
    let found = all.into_iter().find(|status| status.name().eq_ignore_ascii_case(text));
    found.ok_or_else(|| format!("{text:?} is none of Register, OnLine, OffLine"))
}

impl Filter {
    /// Which kind of device alone can pass; `None`: any. Errors: none can, for what it asks for
    /// phones do not have.
    fn kind(&self) -> Result<Option<Kind>> {
        let of_cameras =
            [("--status", self.status.len()), ("--credentials", self.credentials.len())];
        let named = of_cameras.into_iter().find(|(_, count)| *count > 0);
        match (self.kind, named) {
            (Some(Kind::Phone), Some((option, _))) => {
                Err(Failure::usage(format!("{option}: a phone has none")).into())
            }
            (kind, named) => Ok(kind.or_else(|| named.map(|_| Kind::Camera))),
        }
    }

    /// As the server takes it.
    pub fn query_with_kind(self) -> Vec<(&'static str, String)> {
        let kind = self.kind;
        let mut query = self.query();
        query.extend(kind.map(|kind| ("kind", kind.name().to_owned())));
        query
    }

    /// The same but for the kind.
    fn query(self) -> Vec<(&'static str, String)> {
        let mut query = Vec::new();
        query.extend(self.project.map(|project| ("project", project.to_string())));
        query.extend(self.server.into_iter().map(|server| ("server", server)));
        let conditions = self.condition.into_iter().map(|condition| condition.to_string());
        query.extend(conditions.map(|condition| ("condition", condition)));
        let attention = self.attention.into_iter().map(str::to_owned);
        query.extend(attention.map(|word| ("attention", word)));
        let statuses = self.status.into_iter().map(CameraStatus::name);
        query.extend(statuses.map(|status| ("status", status.to_owned())));
        let credentials = self.credentials.into_iter().map(CredentialsInUse::name);
        query.extend(credentials.map(|in_use| ("credentials", in_use.to_owned())));
        query.extend(self.tag.into_iter().map(|tag| ("tag", tag)));
        query.extend(self.desired.into_iter().map(|value| ("desired", value)));
        query.extend(self.reported.into_iter().map(|value| ("reported", value)));
        query.extend(self.organization.map(|path| ("organization", path)));
        query.extend(self.manufacturer.map(|name| ("manufacturer", name)));
        query.extend(self.text.map(|text| ("text", text)));
        query
    }
}

/// Lists devices, page by page, at most `limit`.
pub fn list(client: &Client, filter: Filter, limit: usize, is_json: bool) -> Result<()> {
    let kind = filter.kind()?;
    let mut filter = filter.query();
    filter.extend(kind.map(|kind| ("kind", kind.name().to_owned())));
    let mut found: Vec<(Value, answers::Device)> = Vec::new();
    let mut after: Option<String> = None;
    let mut is_more = true;
    while is_more && found.len() < limit {
        let mut query = filter.clone();
        query.push(("limit", PAGE.min(limit - found.len()).to_string()));
        query.extend(after.take().map(|after| ("after", after)));
        let mut answer = client.get(&["devices"], &query)?;
        let page: answers::Devices = client.read(&answer)?;
        after = page.next;
        is_more = after.is_some();
        let whole = match answer.get_mut("devices").map(Value::take) {
            Some(Value::Array(whole)) => whole,
            _ => Vec::new(),
        };
        found.extend(whole.into_iter().zip(page.devices));
    }
    is_more = is_more || found.len() > limit;
    found.truncate(limit);
    let (whole, devices): (Vec<Value>, Vec<answers::Device>) = found.into_iter().unzip();
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
    if camera.credentials.in_use.as_deref() == Some("old") {
        trouble.push("OLD password".to_owned());
    }
    let offline = camera.offline.as_ref();
    trouble.extend(offline.map(|offline| format!("{} at {}", offline.text, offline.at)));
    trouble.extend(device.trouble.clone());
    trouble.join("; ")
}
