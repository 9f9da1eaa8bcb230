//! `fleetwright overview`: how a whole fleet is doing.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Result;
use fleet::ProjectId;

use crate::client::answers::{
    AttentionCounts, FailureReason, FleetOverview, FleetSample, OpenRollout, Reasons,
};
use crate::client::{Client, ServerOptions};
use crate::output;

/// Shows how many devices there are, which are not as they should be, why jobs failed in the last
/// 24 hours, and which updates are under way: `fleetwright overview --project ID`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  fleetwright overview\n  \
    fleetwright overview --project acme\n  \
    fleetwright overview --json | jq -e '.devices.attention.trouble == 0'\n\n\
    Of all projects that you may see, unless --project is given. The devices are counted every\n\
    10 s, the more of them there are the less often, and at least every 10 minutes.\n\n\
    attention, each device under the first that holds:\n  \
    trouble          it can't be worked on, or a camera was registered once and is not now\n  \
    drift            nothing is under way, and it last showed another value than is asked\n  \
    restart_pending  a value waits for a restart to act\n  \
    pending          something that was asked is not settled\n\n\
    Which devices those are: fleetwright device list --attention drift\n\
    Why one is so: fleetwright device explain ID")]
pub struct Overview {
    /// Of this project alone.
    #[arg(long, value_name = "ID")]
    project: Option<ProjectId>,
    #[command(flatten)]
    server: ServerOptions,
}

impl Overview {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let client = Client::new(&self.server)?;
        let project = self.project.map(|project| ("project", project.to_string()));
        let query: Vec<(&str, String)> = project.into_iter().collect();
        let answer = client.get(&["overview"], &query)?;
        if self.server.json {
            output::json(&answer)?;
        } else {
            output::data(&words(&client.read(&answer)?))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// All of it, for people.
fn words(overview: &FleetOverview) -> String {
    let devices = &overview.devices;
    let of_kind = |kind: &str| devices.by_kind.get(kind).copied().unwrap_or(0);
    let conditions = |kind: &str| devices.by_condition.get(kind).map(counts).unwrap_or_default();
    let (phones, cameras) = (of_kind("phone"), of_kind("camera"));
    let stands = [counts(&devices.cameras), conditions("camera")];
    let stands = if cameras > 0 { stands.join("; ") } else { String::new() };
    let as_of = overview.as_of.clone().unwrap_or_else(|| "not counted yet".to_owned());
    let total = format!("{}: {phones} phones, {cameras} cameras", devices.total);
    let fields = output::fields(&[
        ("as of", as_of),
        ("devices", total),
        ("phones", conditions("phone")),
        ("cameras", stands),
        ("frozen", if devices.frozen > 0 { devices.frozen.to_string() } else { String::new() }),
        ("attention", attention(&devices.attention)),
        ("before", overview.history.first().map(before).unwrap_or_default()),
    ]);
    let mut parts = vec![fields, failures(&overview.failures)];
    if !overview.rollouts.is_empty() {
        let header = ["UPDATE", "PROJECT", "PHASE", "DEVICES", "BEGUN", "SUCCEEDED", "FAILED"];
        parts.push(output::table(&header, overview.rollouts.iter().map(rollout).collect()));
    }
    parts.join("\n")
}

/// Numbers with their words, those of none left out.
fn counts(counts: &BTreeMap<String, u64>) -> String {
    let there = counts.iter().filter(|(_, count)| **count > 0);
    there.map(|(word, count)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

/// How many devices are not as they should be, by reason.
fn attention(of: &AttentionCounts) -> String {
    let all = [
        ("trouble", of.trouble),
        ("drift", of.drift),
        ("restart_pending", of.restart_pending),
        ("pending", of.pending),
    ];
    let there = all.iter().filter(|(_, count)| *count > 0);
    let there: Vec<_> = there.map(|(word, count)| format!("{count} {word}")).collect();
    if there.is_empty() { "none".to_owned() } else { there.join(", ") }
}

/// How it was at one time.
fn before(sample: &FleetSample) -> String {
    let FleetSample { at, total, attention: of } = sample;
    format!("{at}: {total} devices, attention {}", attention(of))
}

/// The jobs that failed, by reason.
fn failures(failures: &Reasons) -> String {
    if failures.counted == 0 {
        return format!("No job has failed since {}.\n", failures.since);
    }
    let more = if failures.more { "; only the newest are counted" } else { "" };
    let mut rows: Vec<Vec<String>> = failures.reasons.iter().map(reason).collect();
    if failures.other > 0 {
        let other = failures.other.to_string();
        rows.push(vec![other, "other".to_owned(), String::new(), String::new(), String::new()]);
    }
    let header = ["FAILED", "CODE", "WHY", "LAST", "DEVICES"];
    let table = output::table(&header, rows);
    format!("{} jobs have failed since {}{more}:\n{table}\n", failures.counted, failures.since)
}

/// A reason's line.
fn reason(reason: &FailureReason) -> Vec<String> {
    let devices: Vec<&str> = reason.devices.iter().map(|device| device.id.as_str()).collect();
    vec![
        reason.count.to_string(),
        reason.code.clone(),
        reason.message.clone(),
        reason.last_at.clone(),
        devices.join(" "),
    ]
}

/// An update's line.
fn rollout(rollout: &OpenRollout) -> Vec<String> {
    let number = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
    vec![
        rollout.id.clone(),
        rollout.project.clone(),
        rollout.phase.clone(),
        rollout.devices.to_string(),
        rollout.begun.to_string(),
        number(rollout.succeeded),
        number(rollout.failed),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What is printed of an answer.
    fn printed(answer: Value) -> String {
        words(&serde_json::from_value(answer).unwrap())
    }

    #[test]
    fn a_fleet_is_shown_with_what_needs_attention() {
        let attention = json!({"trouble": 1, "drift": 2, "restart_pending": 0, "pending": 3});
        let text = printed(json!({
            "as_of": "2026-11-22T01:02:03.000Z",
            "devices": {
                "total": 12, "by_kind": {"phone": 10, "camera": 2},
                "by_condition": {"phone": {"running": 9, "abnormal": 1}, "camera": {"awaited": 2}},
                "cameras": {"OnLine": 1, "OffLine": 1, "Register": 0},
                "frozen": 1, "attention": attention,
            },
            "history": [{
                "at": "2026-11-20T01:00:00.000Z", "total": 10, "online": 0, "offline": 0,
                "trouble": 0, "drift": 0, "restart_pending": 0, "pending": 0,
            }],
            "failures": {
                "since": "2026-11-21T01:02:03.000Z", "counted": 5, "more": false, "other": 1,
                "reasons": [{
                    "code": "refused", "message": "the device refused a: no", "count": 4,
                    "devices": [{"project": "p", "id": "x"}, {"project": "p", "id": "y"}],
                    "last_at": "2026-11-22T00:00:00.000Z",
                }],
            },
            "rollouts": [{
                "id": "019a", "project": "p", "phase": "running", "why": null, "devices": 9,
                "begun": 3, "succeeded": 2, "failed": null,
                "created_at": "2026-11-22T00:00:00.000Z",
            }],
        }));
        for part in [
            "devices    12: 10 phones, 2 cameras\n",
            "phones     1 abnormal, 9 running\n",
            "cameras    1 OffLine, 1 OnLine; 2 awaited\n",
            "frozen     1\n",
            "attention  1 trouble, 2 drift, 3 pending\n",
            "before     2026-11-20T01:00:00.000Z: 10 devices, attention none\n",
            "5 jobs have failed since 2026-11-21T01:02:03.000Z:\n",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
        let line = |word: &str| {
            let found = text.lines().find(|line| line.starts_with(word));
            found.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let refused = "4 refused the device refused a: no 2026-11-22T00:00:00.000Z x y";
        assert_eq!(line("4 "), refused);
        assert_eq!(line("1 "), "1 other - - -");
        assert_eq!(line("019a"), "019a p running 9 3 2 -");
    }

    #[test]
    fn what_was_never_counted_says_so() {
        let none = json!({"trouble": 0, "drift": 0, "restart_pending": 0, "pending": 0});
        let text = printed(json!({
            "as_of": null,
            "devices": {
                "total": 0, "by_kind": {"phone": 0, "camera": 0},
                "by_condition": {"phone": {}, "camera": {}},
                "cameras": {"OnLine": 0, "OffLine": 0, "Register": 0},
                "frozen": 0, "attention": none,
            },
            "history": [],
            "failures": {"since": "2026-11-21T01:02:03.000Z", "counted": 0, "more": false,
                "reasons": [], "other": 0},
            "rollouts": [],
        }));
        assert_eq!(
            text,
            "as of      not counted yet\ndevices    0: 0 phones, 0 cameras\nattention  none\n\n\
             No job has failed since 2026-11-21T01:02:03.000Z.\n"
        );
    }
}
