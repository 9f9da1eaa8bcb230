//! Changes, applied on a connection that has a transaction open.
//!
//! What is frequent goes in groups: `hot` applies many such changes by few statements and locks the
//! rows that it changes, in the order of the devices. All else goes alone. Keys of calls need their
//! own row's lock; the rest is rare and holds the guard of the whole cluster, so that what it has
//! looked at stays as it is until it commits; if it is refused, its transaction is undone.

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
mod hot;
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

use super::connection::Connection;
use crate::write::FreeKeys;
use crate::{Error, Refused, Write, Written, rules};

pub(super) use hot::{apply_group, is_frequent};

/// Whether a change that goes alone looks at more than the rows that it locks. Calls with keys
/// would wait for each other on the whole cluster.
pub(super) fn needs_guard(write: &Write) -> bool {
    !matches!(
        write,
        Write::ReserveKey(_)
            | Write::RenewKey(_)
            | Write::KeepAnswer(_)
            | Write::FreeKeys(FreeKeys::One { .. } | FreeKeys::Expired)
    )
}

/// Applies one change that is rare. On `Ok(Err(_))` something may have changed already: the caller
/// undoes the transaction, as on `Err(_)`.
pub(super) async fn apply(
    c: &Connection,
    principal: &Principal,
    write: &Write,
) -> Result<Result<Written, Refused>, Error> {
    let answer = change(c, principal, write).await?;
    if let Ok(written) = &answer {
        audit::record(c, principal, write, written).await?;
    }
    Ok(answer)
}

/// The change itself.
async fn change(
    c: &Connection,
    principal: &Principal,
    write: &Write,
) -> Result<Result<Written, Refused>, Error> {
    match write {
        Write::CreateProject(create) => projects::create_project(c, principal, create).await,
        Write::ChangeProject(change) => projects::change_project(c, principal, change).await,
        Write::DeleteProject(id) => projects::delete_project(c, principal, id).await,
        Write::CreateKey(create) => keys::create_key(c, principal, create).await,
        Write::RevokeKey(revoke) => keys::revoke_key(c, principal, revoke).await,
        Write::SetProject(set) => settings::set_project(c, principal, set).await,
        Write::ChangeOrganization(change) => {
            organizations::change_organization(c, principal, change).await
        }
        Write::SetServer(set) => settings::set_server(c, principal, set).await,
        Write::CreateUser(create) => users::create_user(c, principal, create).await,
        Write::ChangeUser(change) => users::change_user(c, principal, change).await,
        Write::IssueToken(issue) => users::issue_token(c, principal, issue).await,
        Write::SetGrant(set) => access::set_grant(c, principal, set).await,
        Write::CreateToken(create) => access::create_token(c, principal, create).await,
        Write::RevokeToken(revoke) => access::revoke_token(c, principal, revoke).await,
        Write::NoteUse(note) => access::note_use(c, note).await.map(Ok),
        Write::ChangeDevice(change) => device::change_device(c, principal, change).await,
        Write::FreezeDevices(freeze) => device::freeze(c, principal, freeze).await,
        Write::RenameServer(rename) => servers::rename_server(c, principal, rename).await,
        Write::ChangeTags(change) => tags::change_tags(c, principal, change).await,
        Write::ImportDevices(import) => import::import_devices(c, principal, import).await,
        Write::DeleteDevice(delete) => delete::delete_device(c, principal, delete).await,
        Write::SetEnrolment(set) => enrolment::set_enrolment(c, principal, set).await,
        Write::NotePending(note) => enrolment::note_pending(c, note).await.map(Ok),
        Write::AcceptPending(accept) => enrolment::accept_pending(c, principal, accept).await,
        Write::RejectPending(reject) => enrolment::reject_pending(c, principal, reject).await,
        Write::SetPreset(set) => presets::set_preset(c, principal, set).await,
        Write::DeletePreset(delete) => presets::delete_preset(c, principal, delete).await,
        Write::CreateRollout(create) => rollouts::create_rollout(c, principal, create).await,
        Write::AddRolloutDevices(more) => rollouts::add_devices(c, principal, more).await,
        Write::StepRollout(step) => rollouts::step_rollout(c, principal, step).await,
        Write::Cancel(cancel) => cancel::cancel(c, principal, cancel).await.map(Ok),
        Write::CreateWebhook(create) => webhooks::create_webhook(c, principal, create).await,
        Write::ChangeWebhook(change) => webhooks::change_webhook(c, principal, change).await,
        Write::DeleteWebhook(delete) => webhooks::delete_webhook(c, principal, delete).await,
        Write::NoteDeliveries(notes) => webhooks::note_deliveries(c, notes).await.map(Ok),
        Write::NoteCounts(note) => overview::note_counts(c, note).await.map(Ok),
        Write::Tell(_) => Ok(rules::tell(principal)),
        Write::ReserveKey(asked) => idempotency::reserve_key(c, asked).await.map(Ok),
        Write::RenewKey(renew) => idempotency::renew_key(c, renew).await.map(Ok),
        Write::KeepAnswer(keep) => idempotency::keep_answer(c, keep).await.map(Ok),
        Write::FreeKeys(free) => idempotency::free_keys(c, principal, free).await,
        Write::Accept(_)
        | Write::Bind(..)
        | Write::NotePush(_)
        | Write::NoteSurvey(_)
        | Write::RecordChannels(_)
        | Write::Settle(_) => alone(c, principal, write).await,
    }
}

/// Applies a change of a kind that is frequent as a group of its own.
async fn alone(
    c: &Connection,
    principal: &Principal,
    write: &Write,
) -> Result<Result<Written, Refused>, Error> {
    let answers = apply_group(c, &[(principal, write)]).await?;
    answers.into_iter().next().ok_or_else(|| Error::Damaged {
        what: "a group of one change".to_owned(),
        detail: "nothing came of it".to_owned(),
    })
}

/// What a catalog counts for besides its channels: it takes some exchanges of its own with the
/// database, so that few may go in one group.
const CATALOG_ROWS: usize = 32;

/// About how many rows a change writes: the size of a group is bounded by it. One that goes alone
/// fills it.
pub(super) fn rows(write: &Write) -> usize {
    if !is_frequent(write) {
        return GROUP_ROWS_MAX;
    }
    let rows = match write {
        Write::NoteSurvey(note) => 1 + usize::from(note.facts.is_some()),
        Write::Bind(_, bindings) => bindings.len(),
        Write::Accept(accept) => accept.entries.len(),
        Write::Settle(settle) => 1 + settle.ended.len(),
        Write::RecordChannels(record) => CATALOG_ROWS + record.channels.len(),
        _ => 1,
    };
    // One without a row counts too, or it would be put to one that goes alone.
    rows.max(1)
}
