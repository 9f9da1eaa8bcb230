//! Counts of devices, and the jobs that failed.

use fleet::limits::{FAILURE_REASON_DEVICES_MAX, FAILURE_REASONS_MAX};
use fleet::{
    Alike, CameraStatus, DeviceCounts, DeviceId, DeviceKey, Failure, FleetCounts, JobId, ProjectId,
    ProjectKey, Timestamp,
};

use crate::columns::{Columns, column, damaged, json, optional, parsed};
use crate::{CountedFleet, CountedPage, Error, FailedJob, FailureReason, RecentFailures};

/// The column `project` of the counts of the whole server: no project has this key.
const SERVER: i64 = 0;

/// The column `project` of counts; `None` stands for the whole server.
pub(crate) fn project_column(project: Option<ProjectKey>) -> i64 {
    project.map_or(SERVER, |project| project.0)
}

/// The columns `project` of the counts that are asked for: those of these projects, or of the whole
/// server.
pub(crate) fn projects_asked(projects: Option<&[ProjectKey]>) -> Vec<i64> {
    projects.map_or_else(|| vec![SERVER], |all| all.iter().map(|project| project.0).collect())
}

/// A row with `project`, `kind`, `condition`, `status`, `frozen`, `attention`, how many `devices`
/// are so, and the highest key of them, `last`.
pub(crate) fn alike(row: &impl Columns) -> Result<((ProjectKey, Alike, u64), DeviceKey), Error> {
    let alike = Alike {
        kind: parsed(row, "kind")?,
        condition: parsed(row, "condition")?,
        status: word::<CameraStatus>(row, "status")?,
        frozen: column(row, "frozen")?,
        attention: word(row, "attention")?,
    };
    let devices = column::<i64>(row, "devices")?.unsigned_abs();
    let project = ProjectKey(column(row, "project")?);
    Ok(((project, alike, devices), DeviceKey(column(row, "last")?)))
}

/// A page of at most `limit` devices, from rows as [`alike`] reads them.
pub(crate) fn counted_page(
    found: Vec<((ProjectKey, Alike, u64), DeviceKey)>,
    limit: u32,
) -> CountedPage {
    let devices: u64 = found.iter().map(|((_, _, devices), _)| devices).sum();
    let last = found.iter().map(|(_, last)| *last).max();
    let next = last.filter(|_| devices >= u64::from(limit));
    CountedPage { counts: found.into_iter().map(|(counts, _)| counts).collect(), next }
}

/// A column that holds a word or null.
fn word<T: std::str::FromStr<Err: std::fmt::Display>>(
    row: &impl Columns,
    at: &'static str,
) -> Result<Option<T>, Error> {
    let word = row.text(at)?.map(str::parse);
    word.transpose().map_err(|error: T::Err| damaged(at, error))
}

/// A row of the newest counts, with `counts`.
pub(crate) fn newest(row: &impl Columns) -> Result<FleetCounts, Error> {
    json(row, "counts")
}

/// A row of those that are kept, with `at` and `counts`.
pub(crate) fn sample(row: &impl Columns) -> Result<(Timestamp, DeviceCounts), Error> {
    Ok((Timestamp(column(row, "at")?), json(row, "counts")?))
}

/// What was counted of several projects, all together; the samples are ordered by their times.
pub(crate) fn together(
    at: Option<Timestamp>,
    newest: Vec<FleetCounts>,
    samples: Vec<(Timestamp, DeviceCounts)>,
) -> CountedFleet {
    let mut fleet = CountedFleet { at, ..CountedFleet::default() };
    for counts in newest {
        fleet.counts += counts;
    }
    for (at, counts) in samples {
        match fleet.history.last_mut() {
            Some((last, sum)) if *last == at => *sum += counts,
            _ => fleet.history.push((at, counts)),
        }
    }
    fleet
}

/// A reason for which jobs failed, and what is known of all that were looked at.
pub(crate) struct ReasonRow {
    /// The reason.
    reason: FailureReason,
    /// How many jobs failed, for whatever reason.
    counted: u64,
    /// How many were looked at.
    walked: u64,
    /// When the first of these was accepted.
    first_at: Timestamp,
}

/// A row with `failure`, how many `jobs` failed so, when the last did, `at`, a list of the `newest`
/// in JSON, and of all `counted`, `walked` and `first_at`.
pub(crate) fn reason(row: &impl Columns) -> Result<ReasonRow, Error> {
    let newest: Vec<(ProjectId, DeviceId, Timestamp, JobId)> = json(row, "newest")?;
    let newest = newest.into_iter();
    let newest = newest.map(|(project, device, at, job)| FailedJob { job, project, device, at });
    let failure = match json(row, "failure")? {
        Failure::DeadlinePassed { trouble } => {
            let trouble = trouble.split(": ").next().unwrap_or_default().to_owned();
            Failure::DeadlinePassed { trouble }
        }
        failure => failure,
    };
    let number = |name| Ok::<_, Error>(column::<i64>(row, name)?.unsigned_abs());
    Ok(ReasonRow {
        reason: FailureReason {
            failure,
            jobs: number("jobs")?,
            last_at: Timestamp(column(row, "at")?),
            newest: newest.collect(),
        },
        counted: number("counted")?,
        walked: number("walked")?,
        first_at: Timestamp(optional(row, "first_at")?.unwrap_or_default()),
    })
}

/// The jobs that failed since a time, given the rows of one look at the newest `most`.
pub(crate) fn failures(rows: Vec<ReasonRow>, since: Timestamp, most: u32) -> RecentFailures {
    let first = rows.first();
    let counted = first.map_or(0, |row| row.counted);
    // Where one was looked at that is older, all that were accepted since were looked at.
    let more = first.is_some_and(|row| row.walked >= u64::from(most) && row.first_at >= since);
    RecentFailures { counted, more, reasons: rows.into_iter().map(|row| row.reason).collect() }
}

/// The same of several projects, all together.
pub(crate) fn failures_together(of_projects: Vec<RecentFailures>) -> RecentFailures {
    let mut all = RecentFailures::default();
    for RecentFailures { counted, more, reasons } in of_projects {
        all.counted += counted;
        all.more |= more;
        for reason in reasons {
            match all.reasons.iter_mut().find(|known| known.failure == reason.failure) {
                Some(known) => join(known, reason),
                None => all.reasons.push(reason),
            }
        }
    }
    all.reasons.sort_by_key(|reason| std::cmp::Reverse((reason.jobs, reason.last_at)));
    all.reasons.truncate(FAILURE_REASONS_MAX);
    all
}

/// Adds the jobs of another project that failed for the same reason.
fn join(known: &mut FailureReason, more: FailureReason) {
    known.jobs += more.jobs;
    known.last_at = known.last_at.max(more.last_at);
    known.newest.extend(more.newest);
    known.newest.sort_by_key(|failed| std::cmp::Reverse(failed.at));
    known.newest.truncate(FAILURE_REASON_DEVICES_MAX as usize);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many jobs that failed for `reason`, the last of them of the project `of`, at `at`.
    fn failed(of: &str, reason: &str, jobs: u64, at: i64) -> RecentFailures {
        let id = DeviceId::new(of).unwrap();
        let project = ProjectId::new(of).unwrap();
        let job = fleet::RequestId::from_parts(at, 0).job(0).unwrap();
        let newest = vec![FailedJob { job, project, device: id, at: Timestamp(at) }];
        let failure = Failure::DeadlinePassed { trouble: reason.to_owned() };
        let reason = FailureReason { failure, jobs, last_at: Timestamp(at), newest };
        RecentFailures { counted: jobs, more: at == 9, reasons: vec![reason] }
    }

    #[test]
    fn reasons_of_several_projects_are_joined() {
        let all = failures_together(vec![
            failed("p", "a", 1, 5),
            failed("q", "b", 3, 6),
            failed("r", "a", 4, 9),
            failed("s", "a", 1, 3),
            failed("t", "a", 1, 4),
        ]);
        assert_eq!((all.counted, all.more, all.reasons.len()), (10, true, 2));
        let [first, second] = &all.reasons[..] else { panic!("{all:?}") };
        assert_eq!((first.jobs, first.last_at, second.jobs), (7, Timestamp(9), 3));
        let named: Vec<&str> = first.newest.iter().map(|failed| failed.project.as_str()).collect();
        assert_eq!(named, ["r", "p", "t"]);
    }

    #[test]
    fn there_may_be_more_where_all_that_were_looked_at_are_new() {
        let row = |first_at| ReasonRow {
            reason: failed("p", "a", 2, 5).reasons.remove(0),
            counted: 2,
            walked: 2,
            first_at: Timestamp(first_at),
        };
        assert!(failures(vec![row(10)], Timestamp(10), 2).more);
        assert!(!failures(vec![row(9)], Timestamp(10), 2).more, "one is older");
        assert!(!failures(vec![row(10)], Timestamp(10), 3).more, "there were no more");
        assert_eq!(failures(Vec::new(), Timestamp(10), 2), RecentFailures::default());
    }

    #[test]
    fn samples_of_the_same_time_are_one() {
        let counts = DeviceCounts { frozen: 1, ..DeviceCounts::default() };
        let samples = [1, 1, 2].map(|at| (Timestamp(at), counts.clone())).to_vec();
        let fleet = together(None, Vec::new(), samples);
        let history: Vec<_> =
            fleet.history.iter().map(|(at, counts)| (at.0, counts.frozen)).collect();
        assert_eq!(history, [(1, 2), (2, 1)]);
    }
}
