//! Changes, applied to a connection that has a transaction open. One statement after the other on
//! the caller's thread: the writer and the simulation run the same code.
//!
//! A refusal is decided before the first row is written (or undone to a savepoint), so that the
//! neighbours in the same transaction are not touched by it.

mod accept;
mod access;
mod audit;
mod bindings;
mod camera_patch;
mod cameras;
mod cancel;
mod channels;
mod credentials;
mod delete;
mod device;
mod enrolment;
mod fence;
mod idempotency;
mod import;
mod keys;
mod organizations;
mod overview;
mod presets;
mod projects;
mod records;
mod rollouts;
mod servers;
mod settings;
mod settle;
mod tags;
mod users;
mod webhooks;

use fleet::Principal;
use fleet::limits::GROUP_ROWS_MAX;
use rusqlite::Connection;

#[cfg(test)]
pub(super) use fence::STANDING;
#[cfg(test)]
pub(super) use overview::FORGET as FORGET_COUNTS;

use super::terms::Terms;
use crate::write::{FreeKeys, ImportedDevice, OrganizationEdit};
use crate::{Error, Refused, Write, Written, rules};

/// Applies one change. On `Ok(Err(_))` nothing has changed; on `Err(_)` the caller rolls the whole
/// transaction back.
pub(super) fn apply(
    connection: &Connection,
    terms: &Terms,
    principal: &Principal,
    write: &Write,
) -> Result<Result<Written, Refused>, Error> {
    let answer = change(connection, terms, principal, write)?;
    if let Ok(written) = &answer {
        audit::record(connection, terms, principal, write, written)?;
    }
    Ok(answer)
}

/// The change itself.
fn change(
    connection: &Connection,
    terms: &Terms,
    principal: &Principal,
    write: &Write,
) -> Result<Result<Written, Refused>, Error> {
    match write {
        Write::CreateProject(create) => projects::create_project(connection, principal, create),
        Write::ChangeProject(change) => projects::change_project(connection, principal, change),
        Write::DeleteProject(id) => projects::delete_project(connection, principal, id),
        Write::CreateKey(create) => keys::create_key(connection, principal, create),
        Write::RevokeKey(revoke) => keys::revoke_key(connection, principal, revoke),
        Write::SetProject(set) => settings::set_project(connection, principal, set),
        Write::ChangeOrganization(change) => {
            organizations::change_organization(connection, principal, change)
        }
        Write::SetServer(set) => settings::set_server(connection, principal, set),
        Write::CreateUser(create) => users::create_user(connection, principal, create),
        Write::ChangeUser(change) => users::change_user(connection, principal, change),
        Write::IssueToken(issue) => users::issue_token(connection, principal, issue),
        Write::SetGrant(set) => access::set_grant(connection, principal, set),
        Write::CreateToken(create) => access::create_token(connection, principal, create),
        Write::RevokeToken(revoke) => access::revoke_token(connection, principal, revoke),
        Write::NoteUse(note) => access::note_use(connection, note).map(Ok),
        Write::ChangeDevice(change) => device::change_device(connection, principal, change),
        Write::FreezeDevices(freeze) => device::freeze(connection, principal, freeze),
        Write::RenameServer(rename) => servers::rename_server(connection, principal, rename),
        Write::ChangeTags(change) => tags::change_tags(connection, principal, change),
        Write::ImportDevices(import) => import::import_devices(connection, principal, import),
        Write::DeleteDevice(delete) => delete::delete_device(connection, principal, delete),
        Write::SetEnrolment(set) => enrolment::set_enrolment(connection, principal, set),
        Write::NotePending(note) => enrolment::note_pending(connection, note).map(Ok),
        Write::AcceptPending(accept) => enrolment::accept_pending(connection, principal, accept),
        Write::RejectPending(reject) => enrolment::reject_pending(connection, principal, reject),
        Write::Bind(session, bindings) => bindings::bind(connection, principal, *session, bindings),
        Write::NotePush(note) => cameras::note_push(connection, terms, principal, note),
        Write::NoteSurvey(note) => cameras::note_survey(connection, principal, note),
        Write::RecordChannels(record) => channels::record_channels(connection, principal, record),
        Write::Accept(accept) => accept::accept(connection, principal, accept)
            .map(|results| Ok(Written::Accepted(results))),
        Write::Settle(settle) => settle::settle(connection, terms, principal, settle),
        Write::SetPreset(set) => presets::set_preset(connection, principal, set),
        Write::DeletePreset(delete) => presets::delete_preset(connection, principal, delete),
        Write::CreateRollout(create) => rollouts::create_rollout(connection, principal, create),
        Write::AddRolloutDevices(more) => rollouts::add_devices(connection, principal, more),
        Write::StepRollout(step) => rollouts::step_rollout(connection, principal, step),
        Write::Cancel(cancel) => cancel::cancel(connection, principal, cancel).map(Ok),
        Write::CreateWebhook(create) => webhooks::create_webhook(connection, principal, create),
        Write::ChangeWebhook(change) => webhooks::change_webhook(connection, principal, change),
        Write::DeleteWebhook(delete) => webhooks::delete_webhook(connection, principal, delete),
        Write::NoteDeliveries(notes) => webhooks::note_deliveries(connection, notes).map(Ok),
        Write::NoteCounts(note) => overview::note_counts(connection, note).map(Ok),
        Write::Tell(_) => Ok(rules::tell(principal)),
        Write::ReserveKey(asked) => idempotency::reserve_key(connection, terms, asked).map(Ok),
        Write::RenewKey(renew) => idempotency::renew_key(connection, terms, renew).map(Ok),
        Write::KeepAnswer(keep) => idempotency::keep_answer(connection, keep).map(Ok),
        Write::FreeKeys(free) => idempotency::free_keys(connection, terms, principal, free),
    }
}

/// About how many rows a change writes: the size of a group is bounded by it.
pub(super) fn rows(write: &Write) -> usize {
    match write {
        Write::CreateProject(_)
        | Write::CreateKey(_)
        | Write::RevokeKey(_)
        | Write::SetProject(_)
        | Write::ChangeProject(_)
        | Write::ChangeOrganization(_)
        | Write::SetServer(_)
        | Write::CreateUser(_)
        | Write::ChangeUser(_)
        | Write::SetGrant(_)
        | Write::RevokeToken(_)
        | Write::ChangeDevice(_)
        | Write::RenameServer(_)
        | Write::SetPreset(_)
        | Write::DeletePreset(_)
        | Write::NotePush(_)
        | Write::RenewKey(_)
        | Write::KeepAnswer(_)
        | Write::FreeKeys(FreeKeys::One { .. } | FreeKeys::OfNode(_))
        | Write::Tell(_) => 1,
        Write::FreeKeys(FreeKeys::Expired) => idempotency::EXPIRED_PER_ROUND as usize,
        Write::ReserveKey(_) => 1 + idempotency::EXPIRED_PER_KEY as usize,
        // With all its organizations: alone.
        Write::DeleteProject(_) => GROUP_ROWS_MAX,
        Write::DeleteDevice(_) => delete::ROWS,
        // Closing takes all that wait with it: alone.
        Write::SetEnrolment(set) if set.terms.is_none() => GROUP_ROWS_MAX,
        Write::SetEnrolment(_) => 1,
        Write::FreezeDevices(freeze) => freeze.devices.len(),
        Write::NotePending(note) => note.seen.len(),
        Write::AcceptPending(accept) => enrolment::ROWS_PER_ACCEPTED * accept.devices.len(),
        Write::RejectPending(reject) => reject.ids.len(),
        Write::NoteSurvey(note) => 1 + usize::from(note.facts.is_some()),
        Write::IssueToken(_) | Write::CreateToken(_) => 1 + users::EXPIRED_PER_TOKEN as usize,
        Write::NoteUse(note) => note.keys.len() + note.tokens.len(),
        Write::CreateWebhook(_) | Write::ChangeWebhook(_) | Write::DeleteWebhook(_) => 1,
        Write::NoteDeliveries(notes) => notes.len(),
        Write::NoteCounts(note) => overview::rows(note),
        Write::ChangeTags(change) => change.put.len() + change.take.len(),
        Write::ImportDevices(import) => {
            let channels = |device: &ImportedDevice| {
                device.record.camera.as_ref().map_or(0, |camera| camera.channels.len())
            };
            import.devices.iter().map(|device| 1 + channels(device)).sum()
        }
        Write::Bind(_, bindings) => bindings.len(),
        Write::RecordChannels(record) => record.channels.len(),
        Write::Accept(accept) => accept.entries.len(),
        Write::Settle(settle) => 1 + settle.ended.len(),
        Write::CreateRollout(create) => 1 + create.devices.len(),
        Write::AddRolloutDevices(more) => 1 + more.devices.len(),
        Write::StepRollout(step) => {
            let accepted = step.accept.as_ref().map_or(0, |accept| accept.entries.len());
            2 + step.refusals.len() + accepted
        }
        Write::Cancel(cancel) => 1 + 2 * cancel.jobs.len(),
    }
}

/// Whether a change only adds, so that it is refused when the disk is low. Ending jobs, revoking
/// keys, deleting, pausing and signing in go on: they are what gets a server out of trouble. So
/// does registering, which keeps the fleet in reach and takes one short row a device however often
/// it is done: a device whose REGISTER fails comes back at once, and so would all of them. What is
/// noted of a push stops one from being sent for ever. What a catalog says can be asked again.
pub(super) fn needs_disk(write: &Write) -> bool {
    match write {
        Write::CreateProject(_)
        | Write::CreateKey(_)
        | Write::CreateUser(_)
        | Write::CreateToken(_)
        | Write::CreateWebhook(_)
        | Write::ImportDevices(_)
        | Write::NotePending(_)
        | Write::AcceptPending(_)
        | Write::RecordChannels(_)
        | Write::SetPreset(_)
        | Write::CreateRollout(_)
        | Write::AddRolloutDevices(_)
        | Write::ReserveKey(_)
        | Write::Accept(_) => true,
        Write::StepRollout(step) => step.accept.is_some(),
        Write::ChangeTags(change) => !change.put.is_empty(),
        Write::SetEnrolment(set) => set.terms.is_some(),
        Write::ChangeOrganization(change) => {
            matches!(change.change, OrganizationEdit::Create(_))
        }
        Write::RevokeKey(_)
        | Write::SetProject(_)
        | Write::ChangeProject(_)
        | Write::DeleteProject(_)
        | Write::DeleteDevice(_)
        | Write::RejectPending(_)
        | Write::SetServer(_)
        | Write::ChangeUser(_)
        | Write::SetGrant(_)
        | Write::RevokeToken(_)
        | Write::NoteUse(_)
        | Write::ChangeWebhook(_)
        | Write::DeleteWebhook(_)
        | Write::NoteDeliveries(_)
        | Write::NoteCounts(_)
        | Write::IssueToken(_)
        | Write::ChangeDevice(_)
        | Write::FreezeDevices(_)
        | Write::RenameServer(_)
        | Write::DeletePreset(_)
        | Write::Bind(..)
        | Write::NotePush(_)
        | Write::NoteSurvey(_)
        | Write::Settle(_)
        | Write::Cancel(_)
        | Write::RenewKey(_)
        | Write::KeepAnswer(_)
        | Write::FreeKeys(_)
        | Write::Tell(_) => false,
    }
}
