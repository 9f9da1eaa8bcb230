//! Rows and what they stand for: the one place that knows how a domain value is written down, in
//! whichever engine's tables.

pub(crate) mod access;
pub(crate) mod cameras;
pub(crate) mod enrolment;
pub(crate) mod idempotency;
pub(crate) mod organizations;
pub(crate) mod overview;
pub(crate) mod presets;
pub(crate) mod rollouts;
pub(crate) mod webhooks;

use fleet::job::Ended;
use fleet::{
    Device, DeviceId, DeviceKey, DeviceState, End, Facts, Job, JobId, Project, ProjectId,
    ProjectKey, Proof, Revision, Timestamp,
};

use crate::columns::{Columns, column, damaged, json, optional, optional_json, parsed};
use crate::words::{self, open_jobs};
use crate::{
    AcceptTarget, DeviceWithState, Error, JobWithDevice, LaneSeed, Make, SealedKey, SessionKey,
    StoredUser, Tag,
};

/// The columns that [`project`] reads, from `project`.
pub(crate) const PROJECT_COLUMNS: &str =
    "key, id, name, description, settings, created_at, updated_at";

/// A row with [`PROJECT_COLUMNS`].
pub(crate) fn project(row: &impl Columns) -> Result<Project, Error> {
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
pub(crate) const KEY_COLUMNS: &str = "a.ak, a.project, p.id AS project_id, a.strict, \
     a.sealed_secret, a.created_at, a.revoked_at, a.last_used_at";

/// A row with [`KEY_COLUMNS`].
pub(crate) fn sealed_key(row: &impl Columns) -> Result<SealedKey, Error> {
    let project = match optional::<i64>(row, "project")? {
        Some(key) => Some((ProjectKey(key), parsed(row, "project_id")?)),
        None => None,
    };
    Ok(SealedKey {
        ak: column(row, "ak")?,
        project,
        strict: column(row, "strict")?,
        sealed_secret: column(row, "sealed_secret")?,
        created_at: Timestamp(column(row, "created_at")?),
        revoked_at: optional::<i64>(row, "revoked_at")?.map(Timestamp),
        last_used_at: optional::<i64>(row, "last_used_at")?.map(Timestamp),
    })
}

/// The columns that [`device`] reads, from `device AS d JOIN project AS p`.
pub(crate) const DEVICE_COLUMNS: &str = "d.key, d.project, p.id AS project_id, d.kind, d.id, \
     d.name, d.server, d.address, d.container, d.profile, d.marker, d.created_at, d.updated_at";

/// A row with [`DEVICE_COLUMNS`].
pub(crate) fn device(row: &impl Columns) -> Result<Device, Error> {
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
pub(crate) const STATE_COLUMNS: &str = "s.revision, s.settled, s.condition, s.adopted, s.frozen, \
     s.since, s.open_jobs, s.copy, s.trouble, s.boot, s.adoption, s.power, s.restart_pending, \
     (SELECT facts FROM device_facts WHERE device = s.device) AS facts, s.desired, s.reported";

/// A row with [`STATE_COLUMNS`].
pub(crate) fn device_state(row: &impl Columns) -> Result<DeviceState, Error> {
    let boot: Option<String> = optional(row, "boot")?;
    Ok(DeviceState {
        revision: Revision(column(row, "revision")?),
        desired: json(row, "desired")?,
        settled: Revision(column(row, "settled")?),
        reported: json(row, "reported")?,
        condition: parsed(row, "condition")?,
        since: Timestamp(column(row, "since")?),
        trouble: optional(row, "trouble")?,
        boot: boot.map(|text| text.parse().map_err(|error| damaged("boot", error))).transpose()?,
        adopted: column(row, "adopted")?,
        frozen: column(row, "frozen")?,
        adoption: optional_json(row, "adoption")?,
        copy: optional::<i64>(row, "copy")?.map(DeviceKey),
        power: optional_json(row, "power")?,
        restart_pending: optional_json(row, "restart_pending")?.unwrap_or_default(),
        facts: optional_json(row, "facts")?.unwrap_or_default(),
        open_jobs: open_jobs(&column::<Vec<u8>>(row, "open_jobs")?)?,
    })
}

/// A row with [`DEVICE_COLUMNS`], [`STATE_COLUMNS`], [`cameras::CAMERA_COLUMNS`],
/// [`cameras::CHANNEL_COUNT`], [`cameras::BINDING_COLUMNS`] and
/// [`organizations::ORGANIZATION_COLUMNS`].
pub(crate) fn device_with_state(row: &impl Columns) -> Result<DeviceWithState, Error> {
    let camera = cameras::camera_state(row)?;
    Ok(DeviceWithState { device: device(row)?, state: device_state(row)?, camera })
}

/// The columns that [`job`] reads, from `job AS j`.
pub(crate) const JOB_COLUMNS: &str = "j.id AS job_id, j.device, j.project AS job_project, \
     j.revision, j.stored, j.door, j.actor, j.accepted_at, j.ended_at, j.superseded_by, j.state, \
     j.failure, j.operation, j.patch, j.record, j.before";

/// A row with [`JOB_COLUMNS`].
pub(crate) fn job(row: &impl Columns) -> Result<Job, Error> {
    let (operation, clear) = words::operation(optional(row, "operation")?)?;
    Ok(Job {
        id: job_id(row, "job_id")?,
        device: DeviceKey(column(row, "device")?),
        project: ProjectKey(column(row, "job_project")?),
        revision: Revision(column(row, "revision")?),
        operation,
        clear,
        patch: json(row, "patch")?,
        record: optional_json(row, "record")?.unwrap_or_default(),
        before: optional_json(row, "before")?.unwrap_or_default(),
        stored: column(row, "stored")?,
        door: parsed(row, "door")?,
        actor: column(row, "actor")?,
        accepted_at: Timestamp(column(row, "accepted_at")?),
        end: ended(row)?,
    })
}

/// A row with [`JOB_COLUMNS`], `device_id`, `project_id`, `server` and `trouble`.
pub(crate) fn job_with_device(row: &impl Columns) -> Result<JobWithDevice, Error> {
    Ok(JobWithDevice {
        job: job(row)?,
        device_id: parsed(row, "device_id")?,
        project_id: parsed(row, "project_id")?,
        server: column(row, "server")?,
        trouble: optional(row, "trouble")?,
    })
}

/// The same with `previous`: the job of the device before it, if there was one.
pub(crate) fn job_of_chain(row: &impl Columns) -> Result<(JobWithDevice, Option<JobId>), Error> {
    Ok((job_with_device(row)?, named_job(row, "previous")?))
}

/// A column that holds a job's id, or null.
pub(crate) fn named_job(row: &impl Columns, name: &'static str) -> Result<Option<JobId>, Error> {
    Ok(optional(row, name)?.map(JobId::from_bytes))
}

/// A column that holds a job's id.
fn job_id(row: &impl Columns, name: &'static str) -> Result<JobId, Error> {
    Ok(JobId::from_bytes(column(row, name)?))
}

/// How a job ended, from the same row; `None` for an open one.
fn ended(row: &impl Columns) -> Result<Option<Ended>, Error> {
    let end = match column::<i64>(row, "state")? {
        words::OPEN => return Ok(None),
        words::VERIFIED => End::Succeeded { proof: Proof::Verified },
        words::ACKNOWLEDGED => End::Succeeded { proof: Proof::Acknowledged },
        words::RECORDED => End::Succeeded { proof: Proof::Recorded },
        words::FAILED => End::Failed { failure: json(row, "failure")? },
        other => return Err(damaged("state", format!("{other} stands for nothing"))),
    };
    Ok(Some(Ended {
        end,
        at: Timestamp(column(row, "ended_at")?),
        superseded_by: named_job(row, "superseded_by")?,
    }))
}

/// A row of `tag` with `key` and `value`.
pub(crate) fn tag(row: &impl Columns) -> Result<Tag, Error> {
    Ok(Tag { key: column(row, "key")?, value: column(row, "value")? })
}

/// The columns that [`stored_user`] reads, from `user_account AS u JOIN project AS p`.
pub(crate) const USER_COLUMNS: &str = "u.name, u.project, p.id AS project_id, \
     p.name AS project_name, u.password_hash, u.created_at, u.disabled_at, \
     EXISTS (SELECT 1 FROM user_account AS o \
             WHERE lower(o.name) = lower(u.name) AND o.name <> u.name) AS has_namesake";

/// A row with [`USER_COLUMNS`]. The id follows from the name, which a user keeps.
pub(crate) fn stored_user(row: &impl Columns) -> Result<StoredUser, Error> {
    let name: String = column(row, "name")?;
    Ok(StoredUser {
        id: words::user_id(&name),
        name,
        project: ProjectKey(column(row, "project")?),
        project_id: parsed(row, "project_id")?,
        project_name: column(row, "project_name")?,
        password_hash: column(row, "password_hash")?,
        created_at: Timestamp(column(row, "created_at")?),
        disabled_at: optional::<i64>(row, "disabled_at")?.map(Timestamp),
        has_namesake: column(row, "has_namesake")?,
    })
}

/// A row with a device's key, its server, its project if a restart of it is under way, and the
/// session that it is bound to, if that lasts. By number: a start reads one of every device.
pub(crate) fn lane_seed(row: &impl Columns) -> Result<LaneSeed, Error> {
    let device = DeviceKey(column(row, 0)?);
    Ok(LaneSeed {
        device,
        shard: device.shard(),
        server: column(row, 1)?,
        restarting: optional(row, 2)?.map(ProjectKey),
        bound_to: optional(row, 3)?.map(SessionKey),
    })
}

/// A row with a device's key, kind, profile and server, by number; `channel` is what of it the id
/// names.
pub(crate) fn accept_target(
    row: &impl Columns,
    project: &Project,
    channel: Option<&DeviceId>,
) -> Result<AcceptTarget, Error> {
    Ok(AcceptTarget {
        device: DeviceKey(column(row, 0)?),
        project: project.key,
        kind: parsed(row, 1)?,
        profile: column(row, 2)?,
        identity: project.settings.identity,
        server: column(row, 3)?,
        channel: channel.cloned(),
        password_overlap_seconds: project.settings.password_overlap_seconds,
    })
}

/// A row with the facts that make a make, by their names, and `devices`.
pub(crate) fn make(row: &impl Columns) -> Result<Make, Error> {
    let mut facts = Facts::default();
    for name in [Facts::MODEL, Facts::RELEASE, Facts::BUILD, Facts::FINGERPRINT] {
        if let Some(value) = optional::<String>(row, name)? {
            facts.0.insert(name.to_owned(), value);
        }
    }
    Ok(Make { facts, devices: column::<i64>(row, "devices")?.unsigned_abs() })
}
