//! Keys of calls, and what a call that is made again has done already.

use fleet::{DeviceKey, JobId, RequestId, Revision, Timestamp};

use crate::Error;
use crate::columns::{Columns, column, json, optional};
use crate::rules::idempotency::Stored;
use crate::words::OPEN;
use crate::write::{AcceptedEntry, KeptAnswer};

/// What [`stored`] reads.
pub(crate) const KEY_COLUMNS: &str =
    "fingerprint, request, begun_at, expires_at, status, headers, body";

/// A key with what is kept of its call.
pub(crate) fn stored(row: &impl Columns) -> Result<Stored, Error> {
    let status: Option<u32> = optional(row, 4)?;
    let answer = match status {
        None => None,
        Some(status) => Some(KeptAnswer {
            status: u16::try_from(status).unwrap_or(u16::MAX),
            headers: json(row, 5)?,
            body: optional(row, 6)?,
        }),
    };
    Ok(Stored {
        fingerprint: column(row, 0)?,
        request: RequestId::from_bytes(column(row, 1)?),
        begun_at: Timestamp(column(row, 2)?),
        expires_at: Timestamp(column(row, 3)?),
        answer,
    })
}

/// An entry that was accepted before with this job, from the job's device, revision, `stored` and
/// state.
pub(crate) fn accepted_before(row: &impl Columns, job: JobId) -> Result<AcceptedEntry, Error> {
    let state: i64 = column(row, 3)?;
    Ok(AcceptedEntry {
        device: DeviceKey(column(row, 0)?),
        job,
        revision: Revision(column(row, 1)?),
        stored: column(row, 2)?,
        ended: state != OPEN,
    })
}
