//! The spans by which a trace tells what was done and how long it took.
//!
//! A span names devices and jobs by their ids, and how something ended by one word. It must never
//! hold a value of a property, an address, or words that a device or a client has sent: traces go
//! to another system, which shows them to other people.

use std::fmt;

use fleet::{Job, JobId, Operation, RequestId};
use store::Work;
use tracing::Span;
use tracing::field::{Empty, display};

use crate::driver::{Away, PowerReport, Report};

/// The target of every span that is meant for traces: nothing else is exported, and no line of the
/// log has them.
pub const TARGET: &str = "fleetwright::span";

/// Jobs that a span names. Most actions are for one or two.
const JOBS_NAMED_MAX: usize = 16;

/// The ids of the first jobs, parted by commas.
struct Jobs<'a>(&'a [Job]);

impl fmt::Display for Jobs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, job) in self.0.iter().take(JOBS_NAMED_MAX).enumerate() {
            let comma = if position == 0 { "" } else { "," };
            let id: JobId = job.id;
            write!(f, "{comma}{id}")?;
        }
        Ok(())
    }
}

/// An exchange with a device.
pub(crate) fn exchange(work: &Work) -> Span {
    tracing::info_span!(
        target: TARGET,
        "device exchange",
        otel.kind = "client",
        device.id = %work.device.id,
        device.kind = work.device.kind.name(),
        jobs = %Jobs(&work.jobs),
        jobs.count = work.jobs.len(),
        ended = Empty,
        otel.status_code = Empty,
    )
}

/// Telling a device to restart, reset or stop.
pub(crate) fn power(work: &Work, operation: Operation) -> Span {
    tracing::info_span!(
        target: TARGET,
        "device power",
        otel.kind = "client",
        device.id = %work.device.id,
        device.kind = work.device.kind.name(),
        operation = operation.name(),
        jobs = %Jobs(&work.jobs),
        jobs.count = work.jobs.len(),
        ended = Empty,
        otel.status_code = Empty,
    )
}

/// Notes how an exchange ended; `None` if the time was over first.
pub(crate) fn exchanged(span: &Span, report: Option<&Report>) {
    end(
        span,
        report.map_or("timed_out", |report| match report {
            Report::Reached(_) => "reached",
            Report::Away(away) => away_word(away),
        }),
    );
}

/// Notes how a device was told; `None` if it was not heard to the end.
pub(crate) fn told(span: &Span, report: Option<&PowerReport>) {
    end(
        span,
        report.map_or("timed_out", |report| match report {
            PowerReport::Told => "told",
            PowerReport::OtherBoot => "other_boot",
            PowerReport::Away(away) => away_word(away),
            PowerReport::Refused(_) => "refused",
            PowerReport::Unsupported(_) => "unsupported",
        }),
    );
}

/// Notes on the span of the request at hand, if there is one, what it asked for: the id of the
/// update, by which its jobs are found.
pub(crate) fn accepted(request: RequestId) {
    Span::current().record("update.id", display(request));
}

/// Notes the word that says how it ended. Whatever kept the device from being worked on is an error
/// of the span.
fn end(span: &Span, word: &'static str) {
    span.record("ended", word);
    let is_good = matches!(word, "reached" | "told" | "other_boot");
    span.record("otel.status_code", if is_good { "OK" } else { "ERROR" });
}

/// Why a device can't be worked on, without its words.
fn away_word(away: &Away) -> &'static str {
    match away {
        Away::NotRegistered(_) => "not_registered",
        Away::Unreachable(_) => "unreachable",
        Away::Unauthorised(_) => "unauthorised",
        Away::Booting => "booting",
        Away::WrongDevice { .. } => "wrong_device",
        Away::Unmarkable(_) => "unmarkable",
        Away::Copied(_) => "copied",
        Away::Garbled(_) => "garbled",
    }
}
