//! Rows and what they stand for: the one place that knows how a domain value is written down.

pub(super) mod cameras;
pub(super) mod organizations;

use std::fmt::Display;
use std::str::FromStr;

use fleet::job::Ended;
use fleet::{
    Condition, Device, DeviceId, DeviceKey, DeviceState, End, Job, JobId, Operation, Project,
    ProjectId, ProjectKey, Proof, Revision, Timestamp,
};
use rusqlite::types::FromSql;
use rusqlite::{Row, RowIndex};
use serde::Serialize;
use serde::de::DeserializeOwned;

use sha2::{Digest, Sha256};

use self::cameras::{BINDING_COLUMNS, CAMERA_COLUMNS, CAMERA_JOINS, CHANNEL_COUNT};
use self::organizations::ORGANIZATION_COLUMNS;
use crate::{DeviceWithState, Error, SealedKey, StoredUser, Tag, Tagged, TaggedKind};

/// Names the operation that a database error happened in.
pub(super) trait During<T> {
    /// The value, or [`Error::Failed`] with `operation`.
    fn during(self, operation: &'static str) -> Result<T, Error>;
}

impl<T, E: std::error::Error + Send + Sync + 'static> During<T> for Result<T, E> {
    fn during(self, operation: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Failed { operation, source: Box::new(source) })
    }
}

/// The error for a row that can't be read back: which column, and what is wrong with it.
pub(super) fn damaged(column: impl Display, detail: impl Display) -> Error {
    Error::Damaged { what: format!("column {column}"), detail: format!("{detail}") }
}

/// A column's name, or its number: looking a name up costs, which the shortest paths spare.
pub(super) trait Column: RowIndex + Display + Copy {}

impl<T: RowIndex + Display + Copy> Column for T {}

/// One column of `row`, read as the type it was declared as.
pub(super) fn column<T: FromSql>(row: &Row<'_>, at: impl Column) -> Result<T, Error> {
    row.get(at).map_err(|error| damaged(at, error))
}

/// A column that holds a word or an id, parsed.
pub(super) fn parsed<T>(row: &Row<'_>, at: impl Column) -> Result<T, Error>
where
    T: FromStr,
    T::Err: Display,
{
    text(row, at)?.parse().map_err(|error: T::Err| damaged(at, error))
}

/// A column that holds JSON, parsed. Borrows the text from the row: no copy.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, at: impl Column) -> Result<T, Error> {
    serde_json::from_str(text(row, at)?).map_err(|error| damaged(at, error))
}

/// The same of a column that may be null.
pub(super) fn optional_json<T: DeserializeOwned>(
    row: &Row<'_>,
    at: impl Column,
) -> Result<Option<T>, Error> {
    let value = row.get_ref(at).map_err(|error| damaged(at, error))?;
    let text = value.as_str_or_null().map_err(|error| damaged(at, error))?;
    text.map(serde_json::from_str).transpose().map_err(|error| damaged(at, error))
}

/// The JSON text of `value`, as [`json`] reads it.
pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).during("write a value as JSON")
}

/// A text column, borrowed.
fn text<'row>(row: &'row Row<'_>, at: impl Column) -> Result<&'row str, Error> {
    let value = row.get_ref(at).map_err(|error| damaged(at, error))?;
    value.as_str().map_err(|error| damaged(at, error))
}

/// A column that holds a job's id.
fn job_id(row: &Row<'_>, name: &'static str) -> Result<JobId, Error> {
    Ok(JobId::from_bytes(column(row, name)?))
}

/// The ids of a state row's open jobs, oldest first.
pub(super) fn open_jobs(bytes: &[u8]) -> Result<Vec<JobId>, Error> {
    let (ids, rest) = bytes.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(damaged("open_jobs", format!("{} bytes are no list of ids", bytes.len())));
    }
    Ok(ids.iter().map(|id| JobId::from_bytes(*id)).collect())
}

/// Whether a device has work, by the rule of [`DeviceState::has_work`], from what a write knows.
/// `begun` says whether there is an adoption, a copy or a power step.
pub(super) fn has_work(
    revision: Revision,
    settled: Revision,
    open_jobs: &[u8],
    condition: Condition,
    trouble: Option<&str>,
    begun: bool,
) -> bool {
    settled < revision || !open_jobs.is_empty() || !condition.is_met() || trouble.is_some() || begun
}

/// The columns that [`project`] reads, from `project`.
pub(super) const PROJECT_COLUMNS: &str =
    "key, id, name, description, settings, created_at, updated_at";

/// A row with [`PROJECT_COLUMNS`].
pub(super) fn project(row: &Row<'_>) -> Result<Project, Error> {
    Ok(Project {
        key: ProjectKey(column(row, "key")?),
        id: parsed(row, "id")?,
        name: column(row, "name")?,
        description: column(row, "description")?,
        settings: json(row, "settings")?,
        created_at: Timestamp(column(row, "created_at")?),
        updated_at: Timestamp(column(row, "updated_at")?),
    })
}

/// The columns that [`sealed_key`] reads, from `access_key AS a` and, where it has one,
/// `project AS p`.
pub(super) const KEY_COLUMNS: &str = "a.ak, a.project, p.id AS project_id, a.strict, \
     a.sealed_secret, a.created_at, a.revoked_at";

/// A row with [`KEY_COLUMNS`].
pub(super) fn sealed_key(row: &Row<'_>) -> Result<SealedKey, Error> {
    let project = match column::<Option<i64>>(row, "project")? {
        Some(key) => Some((ProjectKey(key), parsed(row, "project_id")?)),
        None => None,
    };
    Ok(SealedKey {
        ak: column(row, "ak")?,
        project,
        strict: column(row, "strict")?,
        sealed_secret: column(row, "sealed_secret")?,
        created_at: Timestamp(column(row, "created_at")?),
        revoked_at: column::<Option<i64>>(row, "revoked_at")?.map(Timestamp),
    })
}

/// The columns that [`device`] reads, from `device AS d JOIN project AS p`.
pub(super) const DEVICE_COLUMNS: &str = "d.key, d.project, p.id AS project_id, d.kind, d.id, \
     d.name, d.server, d.address, d.container, d.profile, d.marker, d.created_at, d.updated_at";

/// A row with [`DEVICE_COLUMNS`].
pub(super) fn device(row: &Row<'_>) -> Result<Device, Error> {
    Ok(Device {
        key: DeviceKey(column(row, "key")?),
        project: ProjectKey(column(row, "project")?),
        project_id: parsed::<ProjectId>(row, "project_id")?,
        kind: parsed(row, "kind")?,
        id: parsed::<DeviceId>(row, "id")?,
        name: column(row, "name")?,
        server: column(row, "server")?,
        address: column(row, "address")?,
        container: column(row, "container")?,
        profile: column(row, "profile")?,
        marker: column(row, "marker")?,
        created_at: Timestamp(column(row, "created_at")?),
        updated_at: Timestamp(column(row, "updated_at")?),
    })
}

/// The columns that [`device_state`] reads, from `device_state AS s`.
pub(super) const STATE_COLUMNS: &str = "s.revision, s.settled, s.condition, s.adopted, s.frozen, \
     s.since, s.open_jobs, s.copy, s.trouble, s.boot, s.adoption, s.power, s.restart_pending, \
     (SELECT facts FROM device_facts WHERE device = s.device) AS facts, s.desired, s.reported";

/// A row with [`STATE_COLUMNS`].
pub(super) fn device_state(row: &Row<'_>) -> Result<DeviceState, Error> {
    let boot: Option<String> = column(row, "boot")?;
    Ok(DeviceState {
        revision: Revision(column(row, "revision")?),
        desired: json(row, "desired")?,
        settled: Revision(column(row, "settled")?),
        reported: json(row, "reported")?,
        condition: parsed(row, "condition")?,
        since: Timestamp(column(row, "since")?),
        trouble: column(row, "trouble")?,
        boot: boot.map(|text| text.parse().map_err(|error| damaged("boot", error))).transpose()?,
        adopted: column(row, "adopted")?,
        frozen: column(row, "frozen")?,
        adoption: optional_json(row, "adoption")?,
        copy: column::<Option<i64>>(row, "copy")?.map(DeviceKey),
        power: optional_json(row, "power")?,
        restart_pending: optional_json(row, "restart_pending")?.unwrap_or_default(),
        facts: optional_json(row, "facts")?.unwrap_or_default(),
        open_jobs: open_jobs(&column::<Vec<u8>>(row, "open_jobs")?)?,
    })
}

/// What reads all that [`device_with_state`] needs, up to the terms.
pub(super) fn select_device_with_state() -> String {
    format!(
        "SELECT {DEVICE_COLUMNS}, {STATE_COLUMNS}, {CAMERA_COLUMNS}, {CHANNEL_COUNT},
             {BINDING_COLUMNS}, {ORGANIZATION_COLUMNS}
         FROM device AS d CROSS JOIN device_state AS s ON s.device = d.key
             CROSS JOIN project AS p ON p.key = d.project {CAMERA_JOINS}"
    )
}

/// A row of [`select_device_with_state`].
pub(super) fn device_with_state(row: &Row<'_>) -> Result<DeviceWithState, Error> {
    let camera = cameras::camera_state(row)?;
    Ok(DeviceWithState { device: device(row)?, state: device_state(row)?, camera })
}

/// The columns that [`job`] reads, from `job AS j`.
pub(super) const JOB_COLUMNS: &str = "j.id AS job_id, j.device, j.project AS job_project, \
     j.revision, j.stored, j.door, j.actor, j.accepted_at, j.ended_at, j.superseded_by, j.state, \
     j.failure, j.operation, j.patch, j.record";

/// A row with [`JOB_COLUMNS`].
pub(super) fn job(row: &Row<'_>) -> Result<Job, Error> {
    Ok(Job {
        id: job_id(row, "job_id")?,
        device: DeviceKey(column(row, "device")?),
        project: ProjectKey(column(row, "job_project")?),
        revision: Revision(column(row, "revision")?),
        operation: operation(row)?.0,
        clear: operation(row)?.1,
        patch: json(row, "patch")?,
        record: optional_json(row, "record")?.unwrap_or_default(),
        stored: column(row, "stored")?,
        door: parsed(row, "door")?,
        actor: column(row, "actor")?,
        accepted_at: Timestamp(column(row, "accepted_at")?),
        end: ended(row)?,
    })
}

/// What a job asks besides values, from the same row.
fn operation(row: &Row<'_>) -> Result<(Operation, bool), Error> {
    match column::<Option<i64>>(row, "operation")? {
        None => Ok((Operation::Update, false)),
        Some(RESTART) => Ok((Operation::Restart, false)),
        Some(RESET) => Ok((Operation::Reset, false)),
        Some(STOP) => Ok((Operation::Stop, false)),
        Some(RESET_AND_FORGET) => Ok((Operation::Reset, true)),
        Some(other) => Err(damaged("operation", format!("{other} stands for nothing"))),
    }
}

/// The column `operation` of a job that restarts its device.
const RESTART: i64 = 1;
/// ... that resets it.
const RESET: i64 = 2;
/// ... that stops it.
const STOP: i64 = 3;
/// ... that resets it, and after which what was desired before is forgotten.
const RESET_AND_FORGET: i64 = 4;

/// The column `operation` for what a job asks.
pub(super) fn job_operation(operation: Operation, clear: bool) -> Option<i64> {
    match operation {
        Operation::Reset if clear => Some(RESET_AND_FORGET),
        Operation::Update => None,
        Operation::Restart => Some(RESTART),
        Operation::Reset => Some(RESET),
        Operation::Stop => Some(STOP),
    }
}

/// How a job ended, from the same row; `None` for an open one.
fn ended(row: &Row<'_>) -> Result<Option<Ended>, Error> {
    let end = match column::<i64>(row, "state")? {
        OPEN => return Ok(None),
        VERIFIED => End::Succeeded { proof: Proof::Verified },
        ACKNOWLEDGED => End::Succeeded { proof: Proof::Acknowledged },
        RECORDED => End::Succeeded { proof: Proof::Recorded },
        FAILED => End::Failed { failure: json(row, "failure")? },
        other => return Err(damaged("state", format!("{other} stands for nothing"))),
    };
    let superseded_by: Option<[u8; 16]> = column(row, "superseded_by")?;
    Ok(Some(Ended {
        end,
        at: Timestamp(column(row, "ended_at")?),
        superseded_by: superseded_by.map(JobId::from_bytes),
    }))
}

/// The column `state` of a job that has not ended.
pub(super) const OPEN: i64 = 0;
/// ... of one that was verified.
const VERIFIED: i64 = 1;
/// ... of one that was acknowledged.
const ACKNOWLEDGED: i64 = 2;
/// ... of one that failed; `failure` says why.
const FAILED: i64 = 3;
/// ... of one whose values are a record of ours.
pub(super) const RECORDED: i64 = 4;

/// The columns `state` and `failure` for how a job ended.
pub(super) fn job_state(end: &End) -> Result<(i64, Option<String>), Error> {
    Ok(match end {
        End::Succeeded { proof: Proof::Verified } => (VERIFIED, None),
        End::Succeeded { proof: Proof::Acknowledged } => (ACKNOWLEDGED, None),
        End::Succeeded { proof: Proof::Recorded } => (RECORDED, None),
        End::Failed { failure } => (FAILED, Some(to_json(failure)?)),
    })
}

/// The column `kind` of a tag.
pub(super) fn tagged_kind(kind: TaggedKind) -> i64 {
    match kind {
        TaggedKind::Device => 0,
        TaggedKind::Server => 1,
    }
}

/// The columns `kind` and `thing` of a thing's tags.
pub(super) fn tagged_columns(tagged: &Tagged) -> (i64, &str) {
    match tagged {
        Tagged::Device(id) => (tagged_kind(TaggedKind::Device), id.as_str()),
        Tagged::Server(id) => (tagged_kind(TaggedKind::Server), id),
    }
}

/// A row of `tag` with `key` and `value`.
pub(super) fn tag(row: &Row<'_>) -> Result<Tag, Error> {
    Ok(Tag { key: column(row, "key")?, value: column(row, "value")? })
}

/// The columns that [`stored_user`] reads, from `user_account AS u JOIN project AS p`.
pub(super) const USER_COLUMNS: &str = "u.name, u.project, p.id AS project_id, \
     p.name AS project_name, u.password_hash, u.created_at, u.disabled_at";

/// A row with [`USER_COLUMNS`]. The id follows from the name, which a user keeps.
pub(super) fn stored_user(row: &Row<'_>) -> Result<StoredUser, Error> {
    let name: String = column(row, "name")?;
    let mut id = hex::encode(Sha256::digest(format!("fleetwright user {name}")));
    id.truncate(32);
    Ok(StoredUser {
        name,
        id,
        project: ProjectKey(column(row, "project")?),
        project_id: parsed(row, "project_id")?,
        project_name: column(row, "project_name")?,
        password_hash: column(row, "password_hash")?,
        created_at: Timestamp(column(row, "created_at")?),
        disabled_at: column::<Option<i64>>(row, "disabled_at")?.map(Timestamp),
    })
}
