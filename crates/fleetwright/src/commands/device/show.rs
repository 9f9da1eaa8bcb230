//! A device and its values, for people.

use std::collections::BTreeSet;

use crate::client::answers;
use crate::output;

/// A device with all that is asked of it and shown by it.
pub fn words(device: &answers::Device) -> String {
    let mut fields = vec![
        ("device", device.id.clone()),
        ("kind", device.kind.clone()),
        ("project", device.project.clone()),
        ("name", device.name.clone()),
    ];
    fields.extend(match &device.camera {
        Some(camera) => of_camera(device, camera),
        None => of_phone(device),
    });
    fields.push(("revision", device.revision.to_string()));
    fields.push(("open jobs", device.open_jobs.join(", ")));
    let text = output::fields(&fields);
    if device.desired.is_empty() && device.reported.is_empty() {
        return text;
    }
    format!("{text}\n{}", properties(device))
}

/// What is said of a phone alone.
fn of_phone(device: &answers::Device) -> Vec<(&'static str, String)> {
    let power = device.power.as_ref();
    let power = power.map(|power| format!("{} begun at {}", power.operation, power.begun_at));
    let copy = device.copy.as_ref();
    let copy = copy.map(|copy| format!("{} at {} bears its marker too", copy.id, copy.address));
    let facts: Vec<String> =
        device.facts.iter().map(|(name, value)| format!("{name} {value}")).collect();
    vec![
        ("server", device.server.clone()),
        ("address", device.address.clone()),
        ("container", device.container.clone()),
        ("profile", device.profile.clone()),
        ("adopted", adopted(device)),
        ("condition", condition(device)),
        ("trouble", device.trouble.clone().unwrap_or_default()),
        ("copy", copy.unwrap_or_default()),
        ("going on", power.unwrap_or_default()),
        ("says", facts.join(", ")),
    ]
}

/// What is said of a camera alone.
fn of_camera(device: &answers::Device, camera: &answers::Camera) -> Vec<(&'static str, String)> {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let mut status = camera.status.clone();
    if camera.status == "OnLine" {
        for (word, at) in [(" since", &camera.registered_at), (", renewed", &camera.refreshed_at)] {
            status.extend(at.as_ref().map(|at| format!("{word} {at}")));
        }
        status.extend(camera.expires_at.as_ref().map(|at| format!(", until {at}")));
    }
    if device.frozen {
        status.push_str("; FROZEN");
    }
    let offline = camera.offline.as_ref();
    let from = camera.transport.iter().chain(&camera.remote);
    let from: Vec<&str> = from.map(String::as_str).collect();
    let password = if camera.has_password { "on record" } else { "none: it can't register" };
    let channels = match camera.channels {
        0 => "none known".to_owned(),
        count => format!("{count}; see fleetwright device channels {}", device.id),
    };
    vec![
        ("shows", text(&camera.reported_name)),
        ("status", status),
        ("offline", offline.map(|o| format!("{} at {}", o.text, o.at)).unwrap_or_default()),
        ("from", from.join(" ")),
        ("speaks", camera.version.as_ref().map(|v| format!("GB/T 28181 {v}")).unwrap_or_default()),
        ("user", camera.user.clone().unwrap_or_else(|| device.id.clone())),
        ("password", password.to_owned()),
        ("credentials", credentials(&camera.credentials)),
        ("organization", camera.organization.as_ref().map(|o| o.path.clone()).unwrap_or_default()),
        ("on record", record(&camera.record)),
        ("profile", device.profile.clone()),
        ("manufacturer", text(&camera.manufacturer)),
        ("model", text(&camera.model)),
        ("firmware", text(&camera.firmware)),
        ("channels", channels),
        ("condition", condition(device)),
        ("trouble", device.trouble.clone().unwrap_or_default()),
    ]
}

/// When a camera's user name and password changed, and which it uses; empty if they never did.
fn credentials(credentials: &answers::Credentials) -> String {
    let Some(changed_at) = &credentials.changed_at else { return String::new() };
    let until = credentials.overlap_until.as_ref();
    let until = until.map(|until| format!(", those before work until {until}")).unwrap_or_default();
    let in_use = match credentials.in_use.as_deref() {
        Some("current") => "; it uses them",
        Some("old") => "; it USES THOSE BEFORE",
        Some("not_renewed") => "; it has not registered since",
        _ => "",
    };
    format!("changed at {changed_at}{until}{in_use}")
}

/// What the operator of a camera put on record of it.
fn record(record: &answers::Record) -> String {
    let parts = [
        ("", &record.description),
        ("IP ", &record.ip),
        ("port ", &record.port),
        ("made by ", &record.manufacturer),
        ("wanted over ", &record.transport),
    ];
    let parts = parts.into_iter().filter_map(|(word, value)| Some((word, value.as_ref()?)));
    parts.map(|(word, value)| format!("{word}{value}")).collect::<Vec<_>>().join(", ")
}

/// How a device is doing, and since when.
fn condition(device: &answers::Device) -> String {
    // A camera's status says it already.
    let frozen = if device.frozen && device.camera.is_none() { "; FROZEN" } else { "" };
    format!("{} since {}{frozen}", device.condition, device.since)
}

/// Whether a device is adopted, and what was asked for.
fn adopted(device: &answers::Device) -> String {
    let adopted = if device.adopted == Some(true) { "yes" } else { "not yet" };
    match &device.adoption {
        None => adopted.to_owned(),
        Some(adoption) => {
            let replace =
                if adoption.replace_marker { ", in place of any other marker" } else { "" };
            let from = if adoption.from_reported { ", with what it shows" } else { "" };
            format!("{adopted}; asked for{replace}{from}")
        }
    }
}

/// A table of all that is asked of a device or shown by it.
fn properties(device: &answers::Device) -> String {
    let names: BTreeSet<&String> = device.desired.keys().chain(device.reported.keys()).collect();
    let rows = names.into_iter().map(|name| {
        let desired = device.desired.get(name).map(|desired| value(desired));
        let reported = device.reported.get(name);
        let shown =
            reported.map(|shown| shown.value.as_deref().map_or_else(|| "(none)".into(), value));
        let state = device.states.get(name).map(|state| match state.as_str() {
            "drift" => "DIFFERS".to_owned(),
            "needs_recreate" => "needs recreate: see device start-args".to_owned(),
            state => state.replace('_', " "),
        });
        let since = device.restart_pending.get(name).map(|pending| &pending.since);
        let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
        vec![
            name.clone(),
            desired.unwrap_or_default(),
            shown.unwrap_or_default(),
            reported.map(|shown| ago(shown.age_milliseconds)).unwrap_or_default(),
            state.map(|state| state + &since).unwrap_or_default(),
        ]
    });
    output::table(&["PROPERTY", "DESIRED", "SHOWN", "READ", "STATE"], rows.collect())
}

/// A value as it is printed: one that is empty, or has blanks at its ends, in quotes.
fn value(text: &str) -> String {
    if text.is_empty() || text.trim() != text { format!("{text:?}") } else { text.to_owned() }
}

/// How long ago, in the largest unit that has passed once.
pub fn ago(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    match seconds {
        0 => format!("{milliseconds} ms ago"),
        1..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}
