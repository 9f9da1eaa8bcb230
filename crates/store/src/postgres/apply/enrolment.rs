//! Who may enrol, and the GB devices that wait to be accepted. These changes hold the guard: what
//! one has looked at stays as it is until it commits.

use std::collections::{BTreeMap, HashMap, HashSet};

use fleet::limits::{ENROLMENTS_MAX, ENROLMENTS_PENDING_MAX};
use fleet::{DeviceId, DeviceKey, PendingDevice, Principal, ProjectKey, Timestamp};

use super::import::new;
use super::projects::visible_project;
use crate::columns::{column, to_json};
use crate::postgres::connection::{Connection, Params};
use crate::rules::enrolment::{by_project, forgotten};
use crate::write::{
    AcceptPending, AcceptedPending, EnrolmentTerms, NotAccepted, NotePending, RejectPending,
    SetEnrolment,
};
use crate::{Error, Refused, Written};

/// Opens a project for enrolment, changes on what terms, or closes it.
pub(super) async fn set_enrolment(
    c: &Connection,
    principal: &Principal,
    set: &SetEnrolment,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(c, principal, &set.project).await? else {
        return Ok(Err(Refused::NoSuchProject(set.project.clone())));
    };
    forget_ended(c, set.at).await?;
    let Some(terms) = &set.terms else {
        close(c, project).await?;
        return Ok(Ok(Written::Done));
    };
    let sql = "SELECT 1 FROM enrolment WHERE project = $1";
    let is_open = c.exists("find an enrolment", sql, &[&project.0]).await?;
    if !is_open && terms.sealed_password.is_none() {
        return Ok(Err(Refused::NoEnrolment(set.project.clone())));
    }
    let sql = "SELECT count(*) FROM enrolment WHERE project <> $1 AND ends_at > $2";
    let others = c.count("count the enrolments", sql, &[&project.0, &set.at.0]).await?;
    if usize::try_from(others).is_ok_and(|others| others >= ENROLMENTS_MAX) {
        return Ok(Err(Refused::TooManyEnrolments));
    }
    if terms.sealed_password.is_some() {
        begin_anew(c, project).await?;
    }
    open(c, project, terms, (&principal.actor(), set.at)).await?;
    Ok(Ok(Written::Done))
}

/// Forgets enrolments whose time has been over for long, and all that wait there.
async fn forget_ended(c: &Connection, at: Timestamp) -> Result<(), Error> {
    for sql in [
        "DELETE FROM pending_device
         WHERE project IN (SELECT project FROM enrolment WHERE ends_at <= $1)",
        "DELETE FROM enrolment WHERE ends_at <= $1",
    ] {
        c.execute("forget ended enrolments", sql, &[&forgotten(at).seen.0]).await?;
    }
    Ok(())
}

/// Forgets those that wait: they came with a password that is replaced.
async fn begin_anew(c: &Connection, project: ProjectKey) -> Result<(), Error> {
    let sql = "DELETE FROM pending_device WHERE project = $1 AND rejected_at IS NULL";
    c.execute("begin the pending devices anew", sql, &[&project.0]).await?;
    Ok(())
}

/// Puts the terms on record.
async fn open(
    c: &Connection,
    project: ProjectKey,
    terms: &EnrolmentTerms,
    (actor, at): (&str, Timestamp),
) -> Result<(), Error> {
    let operation = "set an enrolment";
    let (prefixes, ends_at) = (to_json(&terms.prefixes)?, terms.ends_at.0);
    match &terms.sealed_password {
        Some(sealed) => {
            let sql = "INSERT INTO enrolment (project, prefixes, ends_at, actor, set_at,
                                              sealed_password)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (project) DO UPDATE SET prefixes = excluded.prefixes,
                     ends_at = excluded.ends_at, actor = excluded.actor,
                     set_at = excluded.set_at, sealed_password = excluded.sealed_password";
            let params: Params<'_> = &[&project.0, &prefixes, &ends_at, &actor, &at.0, sealed];
            c.execute(operation, sql, params).await?;
        }
        None => {
            let sql = "UPDATE enrolment SET prefixes = $2, ends_at = $3, actor = $4, set_at = $5
                 WHERE project = $1";
            let params: Params<'_> = &[&project.0, &prefixes, &ends_at, &actor, &at.0];
            c.execute(operation, sql, params).await?;
        }
    }
    Ok(())
}

/// Forgets the password and all that wait.
async fn close(c: &Connection, project: ProjectKey) -> Result<(), Error> {
    for sql in [
        "DELETE FROM pending_device WHERE project = $1",
        "DELETE FROM enrolment WHERE project = $1",
    ] {
        c.execute("close an enrolment", sql, &[&project.0]).await?;
    }
    Ok(())
}

/// Notes devices that have shown an enrolment password.
pub(super) async fn note_pending(c: &Connection, note: &NotePending) -> Result<Written, Error> {
    let forgotten = forgotten(note.at);
    let mut left_out = 0;
    for (project, mut devices) in by_project(note) {
        let sql = "SELECT set_at FROM enrolment WHERE project = $1";
        let of = |row: &tokio_postgres::Row| column::<i64>(row, 0);
        let set_at = c.first("find an enrolment", sql, &[&project.0], of).await?;
        let Some(set_at) = set_at else { continue };
        // They may have come with the password before.
        devices.retain(|_, device| device.last_seen.0 >= set_at);
        let sql = "DELETE FROM pending_device
             WHERE project = $1 AND (last_seen <= $2 OR rejected_at <= $3)";
        let params: Params<'_> = &[&project.0, &forgotten.seen.0, &forgotten.rejected.0];
        c.execute("forget pending devices", sql, params).await?;
        left_out += note_in(c, project, &devices).await?;
    }
    Ok(Written::PendingNoted { left_out })
}

/// Notes those of one project; gives how many there was no room for.
async fn note_in(
    c: &Connection,
    project: ProjectKey,
    devices: &BTreeMap<&str, &PendingDevice>,
) -> Result<usize, Error> {
    let ids: Vec<&str> = devices.keys().copied().collect();
    let sql = "SELECT id FROM pending_device WHERE project = $1 AND id = ANY($2)";
    let params: Params<'_> = &[&project.0, &ids];
    let known = c.all("find pending devices", sql, params, |row| column(row, 0)).await?;
    let known: HashSet<String> = known.into_iter().collect();
    let taken = taken(c, project, &ids).await?;
    let sql = "SELECT count(*) FROM pending_device WHERE project = $1";
    let count = c.count("count the pending devices", sql, &[&project.0]).await?;
    let room = ENROLMENTS_PENDING_MAX.saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
    let devices = devices.iter();
    let (again, new): (Vec<_>, Vec<_>) =
        devices.map(|(id, device)| (*id, *device)).partition(|(id, _)| known.contains(*id));
    // One that is taken has been accepted or imported since it came.
    let mut new: Vec<_> = new.into_iter().filter(|(id, _)| !taken.contains(*id)).collect();
    let left_out = new.len().saturating_sub(room);
    new.truncate(room);
    see(c, project, &again, AGAIN).await?;
    see(c, project, &new, FIRST).await?;
    Ok(left_out)
}

/// Devices that wait have come again. Those that were rejected stay as they are.
const AGAIN: &str = "UPDATE pending_device AS n
     SET last_seen = greatest(n.last_seen, seen.last_seen), address = seen.address,
         transport = seen.transport, user_agent = seen.user_agent
     FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[])
         AS seen (id, first_seen, last_seen, address, transport, user_agent)
     WHERE n.project = $1 AND n.id = seen.id AND n.rejected_at IS NULL";

/// Devices have come for the first time.
const FIRST: &str = "INSERT INTO pending_device (project, id, first_seen, last_seen, address,
                                                 transport, user_agent)
     SELECT $1::bigint, seen.*
     FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[])
         AS seen";

/// Puts sightings on record by one of the statements above.
async fn see(
    c: &Connection,
    project: ProjectKey,
    devices: &[(&str, &PendingDevice)],
    sql: &str,
) -> Result<(), Error> {
    if devices.is_empty() {
        return Ok(());
    }
    let of = || devices.iter().map(|(_, device)| *device);
    let ids: Vec<&str> = devices.iter().map(|(id, _)| *id).collect();
    let first: Vec<i64> = of().map(|device| device.first_seen.0).collect();
    let last: Vec<i64> = of().map(|device| device.last_seen.0).collect();
    let addresses: Vec<String> = of().map(|device| device.remote.to_string()).collect();
    let transports: Vec<&str> = of().map(|device| device.transport.name()).collect();
    let agents: Vec<Option<&str>> = of().map(|device| device.user_agent.as_deref()).collect();
    let params: Params<'_> = &[&project.0, &ids, &first, &last, &addresses, &transports, &agents];
    c.execute("note pending devices", sql, params).await?;
    Ok(())
}

/// Those of the ids that a device of the project, or a GB device of another, has.
async fn taken(
    c: &Connection,
    project: ProjectKey,
    ids: &[&str],
) -> Result<HashSet<String>, Error> {
    let sql =
        "SELECT d.id FROM unnest($2::text[]) AS asked (id) JOIN device AS d ON d.id = asked.id
         WHERE d.project = $1 OR d.kind = 'camera'";
    let params: Params<'_> = &[&project.0, &ids];
    let found = c.all("look for devices' ids", sql, params, |row| column(row, 0)).await?;
    Ok(found.into_iter().collect())
}

/// Makes pending devices devices of the project, each accepted or refused alone.
pub(super) async fn accept_pending(
    c: &Connection,
    principal: &Principal,
    accept: &AcceptPending,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(c, principal, &accept.project).await? else {
        return Ok(Err(Refused::NoSuchProject(accept.project.clone())));
    };
    let ids: Vec<&str> =
        accept.devices.iter().map(|accepted| accepted.new.record.id.as_str()).collect();
    let sql = "SELECT id FROM pending_device
         WHERE project = $1 AND id = ANY($2) AND rejected_at IS NULL";
    let params: Params<'_> = &[&project.0, &ids];
    let waiting = c.all("find pending devices", sql, params, |row| column(row, 0)).await?;
    let mut waiting: HashSet<String> = waiting.into_iter().collect();
    let taken = taken(c, project, &ids).await?;
    let (mut accepted, mut results) = (Vec::new(), Vec::with_capacity(ids.len()));
    for (device, id) in accept.devices.iter().zip(&ids) {
        results.push(if !waiting.contains(*id) {
            Err(NotAccepted::NotPending)
        } else if taken.contains(*id) {
            Err(NotAccepted::Taken)
        } else {
            waiting.remove(*id);
            accepted.push(device);
            Ok(*id)
        });
    }
    let made = make(c, project, &accepted, accept.at).await?;
    let accepted: Vec<&str> = results.iter().filter_map(|result| result.ok()).collect();
    let sql = "DELETE FROM pending_device WHERE project = $1 AND id = ANY($2)";
    let params: Params<'_> = &[&project.0, &accepted];
    c.execute("take devices off the pending ones", sql, params).await?;
    let mut made = made.into_iter();
    let results = results
        .into_iter()
        .map(|result| result.and_then(|_| made.next().ok_or(NotAccepted::NotPending)));
    Ok(Ok(Written::PendingAccepted(results.collect())))
}

/// Makes devices of pending ones; gives their keys, in their order. What each came with is what it
/// had before.
async fn make(
    c: &Connection,
    project: ProjectKey,
    accepted: &[&AcceptedPending],
    at: Timestamp,
) -> Result<Vec<DeviceKey>, Error> {
    let new: Vec<new::New<'_>> =
        accepted.iter().map(|accepted| new::New { project, imported: &accepted.new }).collect();
    let keys = new::insert(c, &new, &HashMap::new(), at).await?;
    if keys.is_empty() {
        return Ok(keys);
    }
    let devices: Vec<i64> = keys.iter().map(|key| key.0).collect();
    let overlaps = || accepted.iter().map(|accepted| accepted.overlap.as_ref());
    let sealed: Vec<Option<&[u8]>> = overlaps().map(|of| of.map(|of| &of.sealed[..])).collect();
    let until: Vec<Option<i64>> = overlaps().map(|of| of.map(|of| of.until.0)).collect();
    let sql = "UPDATE camera SET credentials_at = $1, old_sealed_password = made.sealed,
             old_until = made.until
         FROM unnest($2::bigint[], $3::bytea[], $4::bigint[]) AS made (device, sealed, until)
         WHERE camera.device = made.device";
    let params: Params<'_> = &[&at.0, &devices, &sealed, &until];
    c.execute("record accepted devices", sql, params).await?;
    Ok(keys)
}

/// Rejects pending devices.
pub(super) async fn reject_pending(
    c: &Connection,
    principal: &Principal,
    reject: &RejectPending,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(c, principal, &reject.project).await? else {
        return Ok(Err(Refused::NoSuchProject(reject.project.clone())));
    };
    let ids: Vec<&str> = reject.ids.iter().map(DeviceId::as_str).collect();
    let sql = "UPDATE pending_device SET rejected_at = $3
         WHERE project = $1 AND id = ANY($2) AND rejected_at IS NULL";
    let params: Params<'_> = &[&project.0, &ids, &reject.at.0];
    let rejected = c.execute("reject pending devices", sql, params).await?;
    Ok(Ok(Written::PendingRejected(usize::try_from(rejected).unwrap_or(usize::MAX))))
}
