//! An update and its jobs, for people.

use anyhow::Result;
use serde_json::{Value, json};

use super::{follow, rollout};
use crate::client::Client;
use crate::client::answers::{
    AcceptedUpdate, DeviceOutcome, Job, JobCounts, OtherFailures, Update, UpdateFailures,
    UpdateJobs,
};
use crate::exit::Failure;
use crate::output;

/// Jobs in one page: the most that the server gives.
const PAGE: u32 = 1_000;

/// Shows an update, and why jobs of it failed.
pub fn show(client: &Client, id: &str, is_json: bool) -> Result<()> {
    let answer = client.get(&["updates", id], &[])?;
    if is_json {
        output::json(&answer)?;
        return Ok(());
    }
    let update: Update = client.read(&answer)?;
    let mut parts = vec![whole(&update, &[])];
    if update.jobs.failed > 0 || update.rollout.as_ref().is_some_and(|rollout| rollout.refused > 0)
    {
        let answer = client.get(&["updates", &update.id, "failures"], &[])?;
        parts.push(failures(&update.id, &client.read(&answer)?));
    }
    output::data(&follow::joined(&parts))?;
    Ok(())
}

/// Why jobs failed and devices were refused, a reason after the other.
fn failures(id: &str, failures: &UpdateFailures) -> String {
    let rows = failures.groups.iter().map(|group| {
        let more = group.count.saturating_sub(group.devices.len() as u64);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        vec![
            group.count.to_string(),
            if group.refused { "refused".to_owned() } else { group.code.clone() },
            group.message.clone(),
            group.devices.join(" ") + &more,
        ]
    });
    let mut text = output::table(&["COUNT", "CODE", "WHY", "DEVICES"], rows.collect());
    if let Some(OtherFailures { reasons, count }) = &failures.other {
        text.push_str(&format!("\n{count} more, for {reasons} other reasons"));
    }
    let to_do = failures.groups.iter().filter_map(|group| {
        let to_do = group.what_to_do.as_ref()?;
        Some(format!("\n{}", output::clean(&format!("{}: {to_do}", group.message))))
    });
    text.push('\n');
    text.extend(to_do);
    let is_failed = failures.groups.iter().any(|group| !group.refused);
    if is_failed {
        text.push_str(&format!("\nEach of them: fleetwright update jobs {id} --state failed"));
    }
    if let [first, _, ..] = failures.groups.as_slice()
        && let Some(job) = &first.job
    {
        let of_first = format!("fleetwright update jobs {id} --same-reason-as {job}");
        text.push_str(&format!("\nThose of the first reason: {of_first}"));
    }
    text
}

/// Lists the jobs of an update that a filter lets through.
pub fn jobs(
    client: &Client,
    id: &str,
    filter: &[(&'static str, String)],
    is_json: bool,
) -> Result<()> {
    let (whole, jobs) = all_jobs(client, id, filter)?;
    if is_json {
        output::json(&json!({ "jobs": whole }))?;
    } else {
        output::data(&table(&jobs))?;
    }
    Ok(())
}

/// The jobs of an update that failed, if any did.
pub fn failed_jobs(client: &Client, update: &Update) -> Result<Vec<Job>> {
    if update.jobs.failed == 0 {
        return Ok(Vec::new());
    }
    let (_, jobs) = all_jobs(client, &update.id, &[("state", "failed".to_owned())])?;
    Ok(jobs)
}

/// All jobs of an update that a filter lets through: as they were answered, and as they are
/// printed.
fn all_jobs(
    client: &Client,
    id: &str,
    filter: &[(&'static str, String)],
) -> Result<(Vec<Value>, Vec<Job>)> {
    let (mut whole, mut jobs) = (Vec::new(), Vec::new());
    let mut after: Option<String> = None;
    loop {
        let mut query = filter.to_vec();
        query.push(("limit", PAGE.to_string()));
        query.extend(after.take().map(|after| ("after", after)));
        let mut answer = client.get(&["updates", id, "jobs"], &query)?;
        let page: UpdateJobs = client.read(&answer)?;
        after = page.next;
        jobs.extend(page.jobs);
        if let Some(Value::Array(page)) = answer.get_mut("jobs").map(Value::take) {
            whole.extend(page);
        }
        if after.is_none() {
            return Ok((whole, jobs));
        }
    }
}

/// An update, its latest waves, and its jobs that failed.
pub fn whole(update: &Update, failed: &[Job]) -> String {
    let mut fields = vec![
        ("update", update.id.clone()),
        ("ISS's id", update.iss_request_id.clone().unwrap_or_default()),
        ("project", update.project.clone()),
        ("door", update.door.clone()),
        ("by", update.actor.clone()),
        ("accepted", update.accepted_at.clone()),
        ("ended", update.ended_at.clone().unwrap_or_default()),
        ("is", wave_of(update)),
    ];
    fields.extend(update.rollout.iter().flat_map(rollout::fields));
    fields.push(("jobs", counts(update.jobs)));
    let mut parts = vec![output::fields(&fields)];
    parts.extend(update.rollout.as_ref().map(rollout::waves));
    parts.push(if failed.is_empty() { String::new() } else { table(failed) });
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// What an update is a wave of; empty if it is none.
fn wave_of(update: &Update) -> String {
    match (&update.rollout_id, update.wave) {
        (Some(id), Some(wave)) => format!("wave {wave} of update {id}"),
        _ => String::new(),
    }
}

/// How many jobs stand where, leaving out where none stand.
pub fn counts(jobs: JobCounts) -> String {
    let JobCounts { total, pending, waiting, running, succeeded, failed } = jobs;
    let places = [
        (succeeded, "succeeded"),
        (failed, "failed"),
        (running, "running"),
        (waiting, "waiting"),
        (pending, "pending"),
    ];
    let places = places.into_iter().filter(|(count, _)| *count > 0);
    let places: Vec<String> = places.map(|(count, place)| format!("{count} {place}")).collect();
    if places.is_empty() { total.to_string() } else { format!("{total}: {}", places.join(", ")) }
}

/// Jobs, a line each.
fn table(jobs: &[Job]) -> String {
    let rows = jobs.iter().map(|job| {
        vec![
            job.device.clone(),
            job.id.clone(),
            job.state.replace('_', " "),
            job.detail.clone().unwrap_or_default(),
        ]
    });
    output::table(&["DEVICE", "JOB", "STATE", "WHY"], rows.collect())
}

/// What was accepted: the update, and each device with its job or the reason of its refusal.
pub fn accepted(accepted: &AcceptedUpdate) -> String {
    let refused = accepted.jobs.iter().filter(|outcome| outcome.error.is_some()).count();
    let text = output::fields(&[
        ("update", accepted.id.clone()),
        ("accepted", format!("{} of {}", accepted.jobs.len() - refused, accepted.jobs.len())),
    ]);
    let rows = accepted.jobs.iter().map(|outcome| {
        let job = outcome.job.map(|job| job.to_string()).unwrap_or_default();
        vec![outcome.device.clone(), job, why(outcome)]
    });
    format!("{text}\n{}", output::table(&["DEVICE", "JOB", "REFUSED"], rows.collect()))
}

/// The devices that were refused, with the reasons; empty if none was.
pub fn refused(accepted: &AcceptedUpdate) -> String {
    let refused = accepted.jobs.iter().filter(|outcome| outcome.error.is_some());
    let rows: Vec<_> = refused.map(|outcome| vec![outcome.device.clone(), why(outcome)]).collect();
    if rows.is_empty() { String::new() } else { output::table(&["DEVICE", "REFUSED"], rows) }
}

/// Why a device was refused, if it was. What the server says names the property.
fn why(outcome: &DeviceOutcome) -> String {
    outcome.error.as_ref().map(|error| error.detail.clone()).unwrap_or_default()
}

/// An error if devices were refused or, once their jobs have ended, failed.
pub fn verdict(accepted: &AcceptedUpdate, ended: Option<JobCounts>) -> Result<()> {
    let total = accepted.jobs.len();
    let refused = accepted.jobs.iter().filter(|outcome| outcome.error.is_some()).count();
    let failed = ended.map_or(0, |jobs| jobs.failed);
    let mut what = Vec::new();
    if refused > 0 {
        what.push(format!("{refused} of {total} devices were refused"));
    }
    if failed > 0 {
        what.push(format!("{failed} of {} jobs failed", total - refused));
    }
    if what.is_empty() { Ok(()) } else { Err(Failure::failed(what.join(", ")).into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> AcceptedUpdate {
        serde_json::from_value(json!({"id": "019a7c6e4b3d7a1c8e5f000000000000", "jobs": [
            {"device": "34020000001320000001", "job": "019a7c6e4b3d7a1c8e5f000000000001"},
            {"device": "x", "error": {"code": "no_such_device", "detail": "no such device"}},
            {"device": "34020000001320000002", "error": {"code": "property_invalid",
                "property": "Name", "detail": "Name: has a control character"}},
        ]}))
        .unwrap()
    }

    #[test]
    fn what_was_accepted_names_each_device_with_its_job_or_the_reason() {
        insta::assert_snapshot!(accepted(&answer()), @r"
    update    019a7c6e4b3d7a1c8e5f000000000000
    accepted  1 of 3

    DEVICE                JOB                               REFUSED
    34020000001320000001  019a7c6e4b3d7a1c8e5f000000000001  -
    x                     -                                 no such device
    34020000001320000002  -                                 Name: has a control character
    ");
        insta::assert_snapshot!(refused(&answer()), @r"
    DEVICE                REFUSED
    x                     no such device
    34020000001320000002  Name: has a control character
    ");
    }

    #[test]
    fn an_update_is_shown_with_what_failed() {
        let update: Update = serde_json::from_value(json!({
            "id": "019a7c6e4b3d7a1c8e5f000000000000", "project": "acme", "door": "native",
            "actor": "admin", "accepted_at": "2026-11-22T01:02:03.000Z", "ended_at": null,
            "jobs": {"total": 5, "pending": 0, "waiting": 1, "running": 0, "succeeded": 3,
                "failed": 1}
        }))
        .unwrap();
        let job: Job = serde_json::from_value(json!({
            "id": "019a7c6e4b3d7a1c8e5f000000000002", "device": "34020000001320000002",
            "operation": "update", "state": "failed", "project": "acme", "patch": {}, "record": {},
            "door": "native", "actor": "admin", "accepted_at": "2026-11-22T01:02:03.000Z",
            "ended_at": null, "proof": null, "superseded_by": null,
            "detail": "refused by the device: it did not answer and shows \"IPC\""
        }))
        .unwrap();
        insta::assert_snapshot!(whole(&update, &[job]), @r#"
    update    019a7c6e4b3d7a1c8e5f000000000000
    project   acme
    door      native
    by        admin
    accepted  2026-11-22T01:02:03.000Z
    jobs      5: 3 succeeded, 1 failed, 1 waiting

    DEVICE                JOB                               STATE   WHY
    34020000001320000002  019a7c6e4b3d7a1c8e5f000000000002  failed  refused by the device: it did not answer and shows "IPC"
    "#);
        assert!(!whole(&update, &[]).contains("DEVICE"));
        let wave = Update {
            rollout_id: Some("019a7c6e4b3d7a1c8e5e000000000000".to_owned()),
            wave: Some(2),
            ..update
        };
        let line = "\nis        wave 2 of update 019a7c6e4b3d7a1c8e5e000000000000\n";
        assert!(whole(&wave, &[]).contains(line));
        let update = Update { rollout_id: None, wave: None, ..wave };
        let by_iss = Update { iss_request_id: Some("NjBmOQ==".to_owned()), ..update };
        assert!(whole(&by_iss, &[]).contains("\nISS's id  NjBmOQ==\n"));
    }

    #[test]
    fn failures_are_shown_by_reason() {
        let told: UpdateFailures = serde_json::from_value(json!({"total": 15, "groups": [
            {"code": "deadline_passed", "refused": false, "count": 7, "message":
                "not done by its deadline: unreachable", "what_to_do": "see that it runs",
                "devices": ["a", "b", "c", "d", "e"], "job": "019a0001"},
            {"code": "frozen", "refused": true, "count": 1, "message": "the device is frozen",
                "what_to_do": null, "devices": ["f"], "job": null}],
            "other": {"reasons": 3, "count": 7}}))
        .unwrap();
        insta::assert_snapshot!(failures("019a", &told), @r"
    COUNT  CODE             WHY                                    DEVICES
    7      deadline_passed  not done by its deadline: unreachable  a b c d e and 2 more
    1      refused          the device is frozen                   f
    7 more, for 3 other reasons

    not done by its deadline: unreachable: see that it runs
    Each of them: fleetwright update jobs 019a --state failed
    Those of the first reason: fleetwright update jobs 019a --same-reason-as 019a0001
    ");
    }

    #[test]
    fn an_update_in_waves_is_shown_with_its_phase_and_waves() {
        let update: Update = serde_json::from_value(json!({
            "id": "019a7c6e4b3d7a1c8e5f000000000000", "project": "acme", "door": "native",
            "actor": "ada", "accepted_at": "2026-11-22T01:02:03.000Z", "ended_at": null,
            "jobs": {"total": 58, "pending": 0, "waiting": 1, "running": 0, "succeeded": 50,
                "failed": 7},
            "rollout": {"phase": "stopped", "why": "7 of 58 devices had failed: it stops at 5",
                "devices": 3000, "begun": 60, "refused": 2, "wave": 2, "next_at": null,
                "away": 0, "plan": {"window": {"from": "22:00", "to": "06:00"}},
                "revert_of": null, "waves": [
                {"number": 1, "devices": 10, "refused": 0, "succeeded": 10, "failed": 0, "open": 0,
                 "begun_at": "01:02:04", "ended_at": "01:02:06"},
                {"number": 2, "devices": 50, "refused": 2, "succeeded": 40, "failed": 7, "open": 1,
                 "begun_at": "01:02:07", "ended_at": null}]}
        }))
        .unwrap();
        insta::assert_snapshot!(whole(&update, &[]), @r"
        update     019a7c6e4b3d7a1c8e5f000000000000
        project    acme
        door       native
        by         ada
        accepted   2026-11-22T01:02:03.000Z
        phase      stopped: 7 of 58 devices had failed: it stops at 5
        begun      60 of 3000 devices, 2 waves
        refused    2
        window     22:00 to 06:00 UTC
        jobs       58: 50 succeeded, 7 failed, 1 waiting

        WAVE  DEVICES  REFUSED  SUCCEEDED  FAILED  OPEN  BEGUN     ENDED
        1     10       0        10         0       0     01:02:04  01:02:06
        2     50       2        40         7       1     01:02:07  -
        ");
    }

    #[test]
    fn the_verdict_counts_what_was_refused_and_what_failed() {
        let mut accepted = answer();
        let ended =
            JobCounts { total: 1, pending: 0, waiting: 0, running: 0, succeeded: 0, failed: 1 };
        let said = |error: anyhow::Error| {
            let failure: Failure = error.downcast().unwrap();
            (failure.exit, failure.to_string())
        };
        let (exit, text) = said(verdict(&accepted, Some(ended)).unwrap_err());
        assert_eq!(exit, crate::exit::Exit::Failed);
        assert_eq!(text, "2 of 3 devices were refused, 1 of 1 jobs failed");
        accepted.jobs.truncate(1);
        assert!(verdict(&accepted, None).is_ok());
        let (_, text) = said(verdict(&accepted, Some(ended)).unwrap_err());
        assert_eq!(text, "1 of 1 jobs failed");
        assert!(verdict(&accepted, Some(JobCounts { failed: 0, ..ended })).is_ok());
    }
}
