//! Asking what became of answered jobs, by the APIs that clients ask.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::time::sleep;

use crate::clock;
use crate::load::{Answered, Connection};
use crate::requests::Signer;

/// Requests that one call of ListJobs may name (Huawei CPH API, page `cph_api_0522`).
const REQUESTS_PER_QUERY_MAX: usize = 20;

/// Jobs in one page of ListJobs (same page).
const JOBS_PER_PAGE_MAX: usize = 100;

/// Between two looks at jobs that are waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How jobs stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// All that were found.
    pub jobs: usize,
    /// Those that still run.
    pub open: usize,
    /// Those that failed.
    pub failed: usize,
}

impl Standing {
    fn add(&mut self, other: Self) {
        self.jobs += other.jobs;
        self.open += other.open;
        self.failed += other.failed;
    }
}

/// How the jobs of some answered requests stand.
///
/// # Errors
/// A job that was answered and isn't found: the server has lost it.
pub async fn standing(
    address: SocketAddr,
    signer: &Signer,
    answered: &[Answered],
) -> Result<Standing> {
    let mut connection = Connection::open(address).await?;
    let mut all = Standing::default();
    for group in groups(answered) {
        let mut found = Standing::default();
        let ids: Vec<&str> = group.iter().map(|answer| answer.request.as_str()).collect();
        let wanted: usize = group.iter().map(|answer| answer.jobs).sum();
        while found.jobs < wanted {
            let request = signer.list_jobs(&ids, found.jobs)?;
            let answer = connection.exchange(&request).await?;
            if answer.status != 200 {
                let text = String::from_utf8_lossy(answer.body);
                bail!("ListJobs was answered with status {}: {text}", answer.status);
            }
            let page = count(answer.body)?;
            found.add(page);
            if page.jobs == 0 {
                bail!("of {wanted} jobs that were answered, only {} are found", found.jobs);
            }
        }
        all.add(found);
    }
    Ok(all)
}

/// How the jobs of some answered requests stand, of whichever kind their devices are: by the native
/// API, which `token` opens.
///
/// # Errors
/// A job that was answered and isn't found: the server has lost it.
pub async fn updates(address: SocketAddr, token: &str, answered: &[Answered]) -> Result<Standing> {
    let mut connection = Connection::open(address).await?;
    let mut all = Standing::default();
    for Answered { request, jobs, .. } in answered {
        let call = format!(
            "GET /api/v1/updates/{request} HTTP/1.1\r\nhost: {address}\r\n\
             authorization: Bearer {token}\r\n\r\n"
        );
        let answer = connection.exchange(call.as_bytes()).await?;
        if answer.status != 200 {
            let text = String::from_utf8_lossy(answer.body);
            bail!("an update was looked up with status {}: {text}", answer.status);
        }
        let found = count_of_update(answer.body)?;
        if found.jobs != *jobs {
            bail!("of {jobs} jobs that were answered, only {} are found", found.jobs);
        }
        all.add(found);
    }
    Ok(all)
}

/// Waits until every job of some answered requests has ended, for as long as `limit`; gives how
/// they ended.
pub async fn wait_until_ended(
    address: SocketAddr,
    signer: &Signer,
    answered: &[Answered],
    limit: Duration,
) -> Result<Standing> {
    let started = clock::now();
    let mut done = Standing::default();
    for group in groups(answered) {
        loop {
            let now = standing(address, signer, group).await?;
            if now.open == 0 {
                done.add(now);
                break;
            }
            if started.elapsed() > limit {
                bail!("jobs are still running after {} s", limit.as_secs());
            }
            sleep(LOOK_AGAIN).await;
        }
    }
    Ok(done)
}

/// Answered requests in groups that one call may ask for and, but for a single large one, one page
/// may answer.
fn groups(answered: &[Answered]) -> impl Iterator<Item = &[Answered]> {
    let largest = answered.iter().map(|answer| answer.jobs).max().unwrap_or(1);
    let size = (JOBS_PER_PAGE_MAX / largest.max(1)).clamp(1, REQUESTS_PER_QUERY_MAX);
    answered.chunks(size)
}

/// About `count` of the answers, evenly spread.
pub fn sample(answered: &[Answered], count: usize) -> Vec<Answered> {
    let step = answered.len().div_ceil(count.max(1)).max(1);
    answered.iter().step_by(step).cloned().collect()
}

/// Counts the jobs of one page by their status: 1 runs, 2 succeeded, -1 failed.
fn count(body: &[u8]) -> Result<Standing> {
    let answer: Value = serde_json::from_slice(body).context("ListJobs answered no JSON")?;
    let jobs = answer.get("jobs").and_then(Value::as_array);
    let mut standing = Standing::default();
    for job in jobs.context("ListJobs answered no jobs")? {
        standing.jobs += 1;
        match job.get("status").and_then(Value::as_i64) {
            Some(1) => standing.open += 1,
            Some(2) => {}
            Some(-1) => standing.failed += 1,
            _ => bail!("a job has no known status: {job}"),
        }
    }
    Ok(standing)
}

/// Reads the counts of an update.
fn count_of_update(body: &[u8]) -> Result<Standing> {
    let answer: Value = serde_json::from_slice(body).context("the native API answered no JSON")?;
    let jobs = |state: &str| -> Option<usize> {
        answer.get("jobs")?.get(state)?.as_u64()?.try_into().ok()
    };
    let standing = || {
        let (total, failed) = (jobs("total")?, jobs("failed")?);
        let open = total.checked_sub(jobs("succeeded")? + failed)?;
        Some(Standing { jobs: total, open, failed })
    };
    standing().context("the native API answered no counts of jobs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(count: usize, jobs: usize) -> Vec<Answered> {
        (0..count).map(|number| Answered { number, request: number.to_string(), jobs }).collect()
    }

    #[test]
    fn jobs_are_counted_by_status() {
        let body = br#"{"request_id":"x","jobs":[{"status":1},{"status":2},{"status":-1}]}"#;
        assert_eq!(count(body).unwrap(), Standing { jobs: 3, open: 1, failed: 1 });
        assert!(count(br#"{"jobs":[{"status":"2"}]}"#).is_err());
        assert!(count(br#"{"error_code":"CPS.0050"}"#).is_err());
    }

    #[test]
    fn an_update_says_how_many_of_its_jobs_stand_where() {
        let body = br#"{"id":"x","jobs":{"total":9,"pending":1,"waiting":2,"running":0,
            "succeeded":5,"failed":1}}"#;
        assert_eq!(count_of_update(body).unwrap(), Standing { jobs: 9, open: 3, failed: 1 });
        assert!(count_of_update(br#"{"jobs":{"total":1,"succeeded":2,"failed":0}}"#).is_err());
        assert!(count_of_update(br#"{"jobs":[]}"#).is_err());
    }

    #[test]
    fn groups_fit_a_query_and_a_page() {
        let sizes = |count, jobs| -> Vec<usize> {
            groups(&answered(count, jobs)).map(<[Answered]>::len).collect()
        };
        assert_eq!(sizes(45, 1), [20, 20, 5]);
        assert_eq!(sizes(3, 100), [1, 1, 1]);
        assert_eq!(sizes(2, 8_096), [1, 1]);
        assert_eq!(sizes(0, 1), [0; 0]);
    }

    #[test]
    fn a_sample_is_spread() {
        let numbers: Vec<usize> =
            sample(&answered(10, 1), 4).iter().map(|answer| answer.number).collect();
        assert_eq!(numbers, [0, 3, 6, 9]);
        assert!(sample(&[], 4).is_empty());
    }
}
