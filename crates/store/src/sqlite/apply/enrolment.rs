//! Who may enrol, and the GB devices that wait to be accepted.

use std::collections::BTreeMap;

use fleet::limits::{ENROLMENTS_MAX, ENROLMENTS_PENDING_MAX};
use fleet::{DeviceId, DeviceKey, PendingDevice, Principal, ProjectKey, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::projects::visible_project;
use super::{cameras, device, import};
use crate::columns::to_json;
use crate::rules::enrolment::{by_project, forgotten};
use crate::sqlite::rows::During;
use crate::write::{
    AcceptPending, AcceptedPending, EnrolmentTerms, NotAccepted, NotePending, RejectPending,
    SetEnrolment,
};
use crate::{Error, Refused, Written};

/// About how many rows an accepted device takes: its record, its state, what it registers with,
/// and the pending one that goes.
pub(super) const ROWS_PER_ACCEPTED: usize = 4;

/// Opens a project for enrolment, changes on what terms, or closes it.
pub(super) fn set_enrolment(
    connection: &Connection,
    principal: &Principal,
    set: &SetEnrolment,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(connection, principal, &set.project)? else {
        return Ok(Err(Refused::NoSuchProject(set.project.clone())));
    };
    forget_ended(connection, set.at)?;
    let Some(terms) = &set.terms else {
        close(connection, project)?;
        return Ok(Ok(Written::Done));
    };
    let (others, own): (i64, i64) = connection
        .prepare_cached(
            "SELECT coalesce(sum(project <> ?1 AND ends_at > ?2), 0),
                 coalesce(sum(project = ?1), 0) FROM enrolment",
        )
        .and_then(|mut select| {
            select.query_row([project.0, set.at.0], |row| Ok((row.get(0)?, row.get(1)?)))
        })
        .during("count the enrolments")?;
    if own == 0 && terms.sealed_password.is_none() {
        return Ok(Err(Refused::NoEnrolment(set.project.clone())));
    }
    if usize::try_from(others).is_ok_and(|others| others >= ENROLMENTS_MAX) {
        return Ok(Err(Refused::TooManyEnrolments));
    }
    if terms.sealed_password.is_some() {
        begin_anew(connection, project)?;
    }
    open(connection, project, terms, (&principal.actor(), set.at))?;
    Ok(Ok(Written::Done))
}

/// Forgets enrolments whose time has been over for long, and all that wait there.
fn forget_ended(connection: &Connection, at: Timestamp) -> Result<(), Error> {
    for sql in [
        "DELETE FROM pending_device
         WHERE project IN (SELECT project FROM enrolment WHERE ends_at <= ?1)",
        "DELETE FROM enrolment WHERE ends_at <= ?1",
    ] {
        connection
            .prepare_cached(sql)
            .and_then(|mut delete| delete.execute([forgotten(at).seen.0]))
            .during("forget ended enrolments")?;
    }
    Ok(())
}

/// Forgets those that wait: they came with a password that is replaced.
fn begin_anew(connection: &Connection, project: ProjectKey) -> Result<(), Error> {
    connection
        .prepare_cached("DELETE FROM pending_device WHERE project = ?1 AND rejected_at IS NULL")
        .and_then(|mut delete| delete.execute([project.0]))
        .during("begin the pending devices anew")?;
    Ok(())
}

/// Puts the terms on record.
fn open(
    connection: &Connection,
    project: ProjectKey,
    terms: &EnrolmentTerms,
    (actor, at): (&str, Timestamp),
) -> Result<(), Error> {
    let (prefixes, ends_at) = (to_json(&terms.prefixes)?, terms.ends_at.0);
    match &terms.sealed_password {
        Some(sealed) => connection
            .prepare_cached(
                "INSERT INTO enrolment (project, prefixes, ends_at, actor, set_at, sealed_password)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (project) DO UPDATE SET prefixes = excluded.prefixes,
                     ends_at = excluded.ends_at, actor = excluded.actor,
                     set_at = excluded.set_at, sealed_password = excluded.sealed_password",
            )
            .and_then(|mut insert| {
                insert.execute(params![project.0, prefixes, ends_at, actor, at.0, sealed])
            }),
        None => connection
            .prepare_cached(
                "UPDATE enrolment SET prefixes = ?2, ends_at = ?3, actor = ?4, set_at = ?5
                 WHERE project = ?1",
            )
            .and_then(|mut update| {
                update.execute(params![project.0, prefixes, ends_at, actor, at.0])
            }),
    }
    .during("set an enrolment")?;
    Ok(())
}

/// Forgets the password and all that wait.
fn close(connection: &Connection, project: ProjectKey) -> Result<(), Error> {
    for sql in [
        "DELETE FROM pending_device WHERE project = ?1",
        "DELETE FROM enrolment WHERE project = ?1",
    ] {
        connection
            .prepare_cached(sql)
            .and_then(|mut delete| delete.execute([project.0]))
            .during("close an enrolment")?;
    }
    Ok(())
}

/// Notes devices that have shown an enrolment password.
pub(super) fn note_pending(connection: &Connection, note: &NotePending) -> Result<Written, Error> {
    let forgotten = forgotten(note.at);
    let mut left_out = 0;
    for (project, mut devices) in by_project(note) {
        let set_at: Option<i64> = connection
            .prepare_cached("SELECT set_at FROM enrolment WHERE project = ?1")
            .and_then(|mut select| select.query_row([project.0], |row| row.get(0)).optional())
            .during("find an enrolment")?;
        let Some(set_at) = set_at else { continue };
        // They may have come with the password before.
        devices.retain(|_, device| device.last_seen.0 >= set_at);
        connection
            .prepare_cached(
                "DELETE FROM pending_device
                 WHERE project = ?1 AND (last_seen <= ?2 OR rejected_at <= ?3)",
            )
            .and_then(|mut delete| {
                delete.execute([project.0, forgotten.seen.0, forgotten.rejected.0])
            })
            .during("forget pending devices")?;
        left_out += note_in(connection, project, devices)?;
    }
    Ok(Written::PendingNoted { left_out })
}

/// Notes those of one project; gives how many there was no room for.
fn note_in(
    connection: &Connection,
    project: ProjectKey,
    devices: BTreeMap<&str, &PendingDevice>,
) -> Result<usize, Error> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM pending_device WHERE project = ?1")
        .and_then(|mut select| select.query_row([project.0], |row| row.get(0)))
        .during("count the pending devices")?;
    let mut room = ENROLMENTS_PENDING_MAX.saturating_sub(usize::try_from(count).unwrap_or(0));
    let mut left_out = 0;
    for device in devices.into_values() {
        if find(connection, project, &device.id)?.is_some() {
            see_again(connection, project, device)?;
        } else if is_taken(connection, project, &device.id)? {
            // It has been accepted or imported since it came.
        } else if room > 0 {
            room -= 1;
            insert(connection, project, device)?;
        } else {
            left_out += 1;
        }
    }
    Ok(left_out)
}

/// Whether the device waits, if it is on record: `false` for one that was rejected.
fn find(
    connection: &Connection,
    project: ProjectKey,
    id: &DeviceId,
) -> Result<Option<bool>, Error> {
    connection
        .prepare_cached(
            "SELECT rejected_at IS NULL FROM pending_device WHERE project = ?1 AND id = ?2",
        )
        .and_then(|mut select| {
            select.query_row(params![project.0, id.as_str()], |row| row.get(0)).optional()
        })
        .during("find a pending device")
}

/// Whether a device of the project, or a GB device of another, has the id.
fn is_taken(connection: &Connection, project: ProjectKey, id: &DeviceId) -> Result<bool, Error> {
    let own = device::find(connection, project, id.as_str())?.is_some();
    Ok(own || cameras::is_elsewhere(connection, project, id.as_str())?)
}

/// A device that waits has come again. One that was rejected stays as it is.
fn see_again(
    connection: &Connection,
    project: ProjectKey,
    device: &PendingDevice,
) -> Result<(), Error> {
    connection
        .prepare_cached(
            "UPDATE pending_device SET last_seen = max(last_seen, ?3), address = ?4,
                 transport = ?5, user_agent = ?6
             WHERE project = ?1 AND id = ?2 AND rejected_at IS NULL",
        )
        .and_then(|mut update| {
            update.execute(params![
                project.0,
                device.id.as_str(),
                device.last_seen.0,
                device.remote.to_string(),
                device.transport.name(),
                device.user_agent,
            ])
        })
        .during("note a pending device")?;
    Ok(())
}

/// A device has come for the first time.
fn insert(
    connection: &Connection,
    project: ProjectKey,
    device: &PendingDevice,
) -> Result<(), Error> {
    connection
        .prepare_cached(
            "INSERT INTO pending_device (project, id, first_seen, last_seen, address, transport,
                                         user_agent)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                project.0,
                device.id.as_str(),
                device.first_seen.0,
                device.last_seen.0,
                device.remote.to_string(),
                device.transport.name(),
                device.user_agent,
            ])
        })
        .during("note a pending device")?;
    Ok(())
}

/// Makes pending devices devices of the project, each accepted or refused alone.
pub(super) fn accept_pending(
    connection: &Connection,
    principal: &Principal,
    accept: &AcceptPending,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(connection, principal, &accept.project)? else {
        return Ok(Err(Refused::NoSuchProject(accept.project.clone())));
    };
    let mut results = Vec::with_capacity(accept.devices.len());
    for accepted in &accept.devices {
        let id = &accepted.new.record.id;
        results.push(if find(connection, project, id)? != Some(true) {
            Err(NotAccepted::NotPending)
        } else if is_taken(connection, project, id)? {
            Err(NotAccepted::Taken)
        } else {
            delete(connection, project, id)?;
            Ok(make(connection, project, accepted, accept.at)?)
        });
    }
    Ok(Ok(Written::PendingAccepted(results)))
}

/// Makes a device of a pending one. What it came with is what it had before.
fn make(
    connection: &Connection,
    project: ProjectKey,
    accepted: &AcceptedPending,
    at: Timestamp,
) -> Result<DeviceKey, Error> {
    let device = import::insert(connection, project, &accepted.new, at)?;
    connection
        .prepare_cached(
            "INSERT INTO camera (device, project, sealed_password, password_tag, credentials_at,
                                 old_sealed_password, old_until)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .and_then(|mut insert| {
            let (password, overlap) = (accepted.new.password.as_ref(), accepted.overlap.as_ref());
            insert.execute(params![
                device.0,
                project.0,
                password.map(|password| &password.sealed),
                password.map(|password| password.tag),
                at.0,
                overlap.map(|overlap| &overlap.sealed),
                overlap.map(|overlap| overlap.until.0),
            ])
        })
        .during("record an accepted device")?;
    Ok(device)
}

/// A device waits no longer.
fn delete(connection: &Connection, project: ProjectKey, id: &DeviceId) -> Result<(), Error> {
    connection
        .prepare_cached("DELETE FROM pending_device WHERE project = ?1 AND id = ?2")
        .and_then(|mut delete| delete.execute(params![project.0, id.as_str()]))
        .during("take a device off the pending ones")?;
    Ok(())
}

/// Rejects pending devices.
pub(super) fn reject_pending(
    connection: &Connection,
    principal: &Principal,
    reject: &RejectPending,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(connection, principal, &reject.project)? else {
        return Ok(Err(Refused::NoSuchProject(reject.project.clone())));
    };
    let operation = "reject a pending device";
    let mut update = connection
        .prepare_cached(
            "UPDATE pending_device SET rejected_at = ?3
             WHERE project = ?1 AND id = ?2 AND rejected_at IS NULL",
        )
        .during(operation)?;
    let mut rejected = 0;
    for id in &reject.ids {
        let params = params![project.0, id.as_str(), reject.at.0];
        rejected += update.execute(params).during(operation)?;
    }
    Ok(Ok(Written::PendingRejected(rejected)))
}
