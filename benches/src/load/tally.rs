//! What the answers of a slot say: a job counts only if it was answered that there is one.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::connection::Answer;
use super::said::Said;

/// Bytes of the first refusal that are kept, for people.
const REFUSAL_BYTES_MAX: usize = 300;

/// An answer that named jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Which of the slot's requests it was.
    pub number: usize,
    /// The id that the server gave it: 32 hexadecimal digits.
    pub request: String,
    /// How many jobs it has.
    pub jobs: usize,
}

/// What has been answered so far, by one connection or several.
#[derive(Debug, Default)]
pub struct Tally {
    jobs: u64,
    refused: u64,
    refusal: Option<String>,
    latencies: Vec<Duration>,
    lateness: Vec<Duration>,
    answered: Vec<Answered>,
}

/// What was answered in a slot.
#[derive(Debug)]
pub struct Slot {
    /// From the start to the last answer.
    pub elapsed: Duration,
    /// Jobs that were answered.
    pub jobs: u64,
    /// Answers that named no job, or not for every device.
    pub refused: u64,
    /// The first of those, cut short.
    pub refusal: Option<String>,
    /// The time of each answer, sorted from short to long. In an open slot from when the request
    /// was due.
    pub latencies: Vec<Duration>,
    /// In an open slot, how long after it was due each request was sent, sorted likewise.
    pub lateness: Vec<Duration>,
    /// The answers that named jobs, in the order in which the requests were sent.
    pub answered: Vec<Answered>,
}

impl Tally {
    /// Counts an answer to the `number`-th request, which took `latency`.
    ///
    /// # Errors
    /// A status other than 200 and 429: then the server is broken or the bench is, and what was
    /// counted says nothing.
    pub fn count(&mut self, number: usize, answer: &Answer<'_>, latency: Duration) -> Result<()> {
        self.latencies.push(latency);
        let text =
            || String::from_utf8_lossy(answer.body).chars().take(REFUSAL_BYTES_MAX).collect();
        let said = match answer.status {
            200 => Said::of(answer.body),
            429 => Said { jobs: 0, refuses: true, request: None },
            status => {
                let text: String = text();
                bail!("an update was answered with status {status}: {text}");
            }
        };
        if said.refuses {
            self.refused += 1;
            self.refusal.get_or_insert_with(text);
        }
        if said.jobs > 0 {
            let request = said.request.context("an answer names jobs and no request")?;
            self.jobs += u64::try_from(said.jobs)?;
            self.answered.push(Answered { number, request, jobs: said.jobs });
        }
        Ok(())
    }

    /// Notes how long after it was due a request was sent.
    pub fn late(&mut self, by: Duration) {
        self.lateness.push(by);
    }

    /// Adds what another connection has counted.
    pub fn add(&mut self, other: Self) {
        self.jobs += other.jobs;
        self.refused += other.refused;
        self.refusal = self.refusal.take().or(other.refusal);
        self.latencies.extend(other.latencies);
        self.lateness.extend(other.lateness);
        self.answered.extend(other.answered);
    }

    /// The slot that these are all answers of.
    pub fn into_slot(self, elapsed: Duration) -> Slot {
        let Self { jobs, refused, refusal, mut latencies, mut lateness, mut answered } = self;
        latencies.sort_unstable();
        lateness.sort_unstable();
        answered.sort_unstable_by_key(|answer| answer.number);
        Slot { elapsed, jobs, refused, refusal, latencies, lateness, answered }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "6837531fd3f54550927b930180a706bf";

    fn count(tally: &mut Tally, status: u16, body: &str) -> Result<()> {
        tally.count(7, &Answer { status, body: body.as_bytes() }, Duration::from_millis(2))
    }

    #[test]
    fn only_named_jobs_count() {
        let mut tally = Tally::default();
        let body = format!(
            r#"{{"request_id":"{ID}","jobs":[{{"phone_id":"a","job_id":"1"}},
            {{"phone_id":"b","error_code":"CPS.0042","error_msg":"System busy."}}]}}"#
        );
        count(&mut tally, 200, &body).unwrap();
        count(&mut tally, 429, r#"{"error_code":"APIGW.0308"}"#).unwrap();
        let slot = tally.into_slot(Duration::from_secs(1));
        assert_eq!((slot.jobs, slot.refused), (1, 2));
        assert!(slot.refusal.unwrap().contains("CPS.0042"));
        assert_eq!(slot.answered, [Answered { number: 7, request: ID.to_owned(), jobs: 1 }]);
        assert_eq!(slot.latencies.len(), 2);
    }

    #[test]
    fn an_answer_that_means_trouble_ends_the_slot() {
        let mut tally = Tally::default();
        let error = count(&mut tally, 500, "{}").unwrap_err().to_string();
        assert_eq!(error, "an update was answered with status 500: {}");
        assert!(count(&mut tally, 200, r#"{"jobs":[{"job_id":"1"}]}"#).is_err());
    }
}
