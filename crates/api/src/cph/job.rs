//! How a job of ours looks to CPH's clients: status 1 while it runs, 2 once it succeeded, -1 once
//! it failed (CPH API, page ListJobs). What it is once is never taken back.

use fleet::{End, Ended, Failure, Job, Timestamp};

use super::error::{self, Code};

/// What a job for a phone that was abnormal says.
const STORED: &str = "stored; takes effect when the phone is running";

/// Where a job stands, in the vendor's terms.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// 1, 2 or -1.
    pub(super) status: i8,
    /// When it became 2 or -1.
    pub(super) ended_at: Option<Timestamp>,
    /// Why it is -1.
    pub(super) error: Option<(Code, String)>,
    /// A sentence of ours about the end.
    pub(super) execute_msg: Option<String>,
}

impl Outcome {
    /// The outcome of `job`. One that was stored for an abnormal phone has been 2 since it was
    /// accepted and stays so, whatever the phone does later.
    pub(super) fn of(job: &Job) -> Self {
        let ended = |status, ended_at| Self { status, ended_at, error: None, execute_msg: None };
        if job.stored {
            let execute_msg = Some(STORED.to_owned());
            return Self { execute_msg, ..ended(2, Some(job.accepted_at)) };
        }
        match &job.end {
            None => ended(1, None),
            Some(Ended { end: End::Succeeded { .. }, at, .. }) => ended(2, Some(*at)),
            Some(Ended { end: End::Failed { failure }, at, .. }) => Self {
                error: Some(error_of(failure)),
                execute_msg: Some(error::execute_message(&failure.to_string())),
                ..ended(-1, Some(*at))
            },
        }
    }
}

/// The code that fits a failure best. What the phone itself said goes into `execute_msg`.
fn error_of(failure: &Failure) -> (Code, String) {
    let about = |code: Code, name: &str| (code, code.message_about(name));
    match failure {
        Failure::DeadlinePassed { .. } => (Code::JobTimeout, Code::JobTimeout.message().to_owned()),
        Failure::Refused { name, .. } | Failure::ReadBackDiffers { name, .. } => {
            about(Code::PropertyInvalid, name)
        }
        Failure::Unsupported { name, .. } => about(Code::PropertyUnsupported, name),
        Failure::NeedsRecreate { name, argument } => {
            let (code, text) = about(Code::PropertyUnsupported, name);
            let remedy = format!("It is fixed when the container starts, by {argument}.");
            (code, error::explained(&text, &remedy))
        }
        Failure::PowerFailed { .. } | Failure::Deleted | Failure::Cancelled { .. } => {
            (Code::PhoneUnavailable, Code::PhoneUnavailable.message().to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use fleet::{DeviceKey, Door, ProjectKey, Proof, RequestId, Revision, Values};

    use super::*;

    fn job(stored: bool, end: Option<End>) -> Job {
        let ended = end.map(|end| Ended { end, at: Timestamp(9_000), superseded_by: None });
        Job {
            id: RequestId::from_parts(1_000, 7).job(0).unwrap(),
            device: DeviceKey(1),
            project: ProjectKey(1),
            revision: Revision(1),
            operation: fleet::Operation::Update,
            clear: false,
            patch: Values::new(),
            record: Values::new(),
            before: Default::default(),
            stored,
            door: Door::Cph,
            actor: "AK".to_owned(),
            accepted_at: Timestamp(1_000),
            end: ended,
        }
    }

    fn failed(failure: Failure) -> Option<End> {
        Some(End::Failed { failure })
    }

    #[test]
    fn a_stored_job_is_a_success_from_the_start_and_stays_one() {
        let late = Failure::DeadlinePassed { trouble: String::new() };
        for end in [None, Some(End::Succeeded { proof: Proof::Verified }), failed(late)] {
            let outcome = Outcome::of(&job(true, end));
            assert_eq!((outcome.status, outcome.ended_at), (2, Some(Timestamp(1_000))));
            assert_eq!((outcome.error, outcome.execute_msg.as_deref()), (None, Some(STORED)));
        }
    }

    #[test]
    fn each_end_has_its_status_and_code() {
        let name = "sys.prop.writeimsi".to_owned();
        let detail = "permission denied\nreally".to_owned();
        let rows = [
            (None, 1, None, None),
            (Some(End::Succeeded { proof: Proof::Acknowledged }), 2, None, None),
            (
                failed(Failure::DeadlinePassed { trouble: "unreachable: refused".to_owned() }),
                -1,
                Some(("CPS.0054", "Handle job timeout.")),
                Some("not done by its deadline: unreachable: refused"),
            ),
            (
                failed(Failure::Refused { name: name.clone(), detail }),
                -1,
                Some(("CPS.0164", "Parameter: Invalid property sys.prop.writeimsi.")),
                Some("the device refused sys.prop.writeimsi: permission denied\\nreally"),
            ),
            (
                failed(Failure::ReadBackDiffers { name: name.clone(), shown: None }),
                -1,
                Some(("CPS.0164", "Parameter: Invalid property sys.prop.writeimsi.")),
                Some("the device took sys.prop.writeimsi and shows nothing"),
            ),
            (
                failed(Failure::Unsupported { name: name.clone(), detail: "no way".to_owned() }),
                -1,
                Some(("CPS.0163", "Parameter: property sys.prop.writeimsi not supported.")),
                Some("sys.prop.writeimsi is not supported: no way"),
            ),
            (
                failed(Failure::NeedsRecreate { name, argument: "androidboot.x=7".to_owned() }),
                -1,
                Some((
                    "CPS.0163",
                    "Parameter: property sys.prop.writeimsi not supported. It is fixed when the \
                     container starts, by androidboot.x=7.",
                )),
                Some(
                    "sys.prop.writeimsi needs recreate: it is fixed when the container starts, by \
                     androidboot.x=7",
                ),
            ),
            (
                failed(Failure::PowerFailed {
                    operation: fleet::Operation::Restart,
                    detail: "no boot within 300 s".to_owned(),
                }),
                -1,
                Some(("CPS.0022", "Not available phone.")),
                Some("the restart failed: no boot within 300 s"),
            ),
        ];
        for (end, status, error, execute_msg) in rows {
            let is_open = end.is_none();
            let outcome = Outcome::of(&job(false, end));
            assert_eq!(outcome.status, status);
            assert_eq!(outcome.ended_at, (!is_open).then_some(Timestamp(9_000)));
            let got = outcome.error.as_ref().map(|(code, text)| (code.text(), text.as_str()));
            assert_eq!(got, error);
            assert_eq!(outcome.execute_msg.as_deref(), execute_msg);
        }
    }
}
