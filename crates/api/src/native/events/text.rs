//! Events as they are sent: lines `event:`, `data:` and `id:`, with a blank line after each event.

use std::fmt::Write as _;

use engine::events::{Dropped, Event, Happened, Told, Watch};
use fleet::{Principal, Timestamp};
use serde::Serialize;
use store::ResumeToken;

use super::filter::Filter;

/// How long a browser waits before it comes back.
const RETRY_MS: u32 = 2_000;

/// The stream's beginning. An id without data is a place to go on from and no event.
pub(super) fn greeting(token: ResumeToken) -> String {
    format!("retry: {RETRY_MS}\nid: {token}\n\n")
}

/// A sign of life.
pub(super) fn heartbeat(token: ResumeToken) -> String {
    format!(": still here\nid: {token}\n\n")
}

/// What a client is told; empty if that is nothing. The last event of a commit that it is told of
/// has the commit's place, if the commit ends with these parts.
pub(super) fn told(told: &Told, watch: &Watch, filter: &Filter, principal: &Principal) -> String {
    let mut text = String::new();
    match told {
        Told::Dropped(dropped) => {
            put(&mut text, "dropped", &as_json(&Data::of(dropped)), dropped.to);
        }
        Told::Happened(parts) => {
            for part in parts.iter() {
                let passing = part.events.iter().filter(|event| filter.passes(principal, event));
                let mut passing = passing.peekable();
                while let Some(event) = passing.next() {
                    let is_last = part.is_last && passing.peek().is_none();
                    let token = is_last.then(|| watch.token_of(part.position));
                    let name = event.what.event_type().name();
                    put(&mut text, name, &data(event, part.at), token);
                }
            }
        }
    }
    text
}

/// Adds an event. Its data is one line.
fn put(text: &mut String, name: &str, data: &str, token: Option<ResumeToken>) {
    // Can't fail: it is a text.
    let _ = writeln!(text, "event: {name}\ndata: {data}");
    if let Some(token) = token {
        let _ = writeln!(text, "id: {token}");
    }
    text.push('\n');
}

/// An event's data, as JSON on one line: what webhooks deliver is the same to the byte.
pub(in crate::native) fn data(event: &Event, at: Timestamp) -> String {
    as_json(&Data::new(event, at))
}

fn as_json(data: &Data<'_>) -> String {
    // Can't fail: it is texts and a number.
    serde_json::to_string(data).unwrap_or_default()
}

/// An event's data. What there is nothing of is left out.
#[derive(Debug, Default, Serialize)]
struct Data<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jobs: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

impl<'a> Data<'a> {
    fn new(event: &'a Event, at: Timestamp) -> Self {
        let at = Some(at.to_string());
        match &event.what {
            Happened::UpdateAccepted { id, project, jobs } => Self {
                id: Some(id.to_string()),
                project: project.as_ref().map(|project| project.as_str()),
                jobs: Some(*jobs),
                at,
                ..Self::default()
            },
            Happened::JobEnded { id, device, project, succeeded } => Self {
                id: Some(id.to_string()),
                device: Some(device.as_str()),
                project: Some(project.as_str()),
                state: Some(if *succeeded { "succeeded" } else { "failed" }),
                at,
                ..Self::default()
            },
            Happened::DeviceChanged { id, project, what } => Self {
                id: id.as_ref().map(|id| id.as_str().to_owned()),
                project: project.as_ref().map(|project| project.as_str()),
                what: Some(what.name()),
                at,
                ..Self::default()
            },
            Happened::ProjectsChanged => Self { at, ..Self::default() },
        }
    }

    fn of(dropped: &Dropped) -> Self {
        Self {
            why: Some(dropped.why.name()),
            from: Some(dropped.from.to_string()),
            to: dropped.to.map(|to| to.to_string()),
            ..Self::default()
        }
    }
}
