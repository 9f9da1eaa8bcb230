//! The changes that come all the time (accepting, settling, binding, noting, recording catalogs), a
//! whole group of them at once: what the group needs to see is locked and read together, all of it
//! is decided here in the order of the group, and what has changed is written together, one
//! statement for each kind of row. So a group takes two exchanges with the database, however many
//! changes it has; only what an update changes of a GB device's records, besides, takes some for
//! each entry, and so does a catalog.
//!
//! Rows are locked in one order everywhere, each kind by its key: shards, the states of devices,
//! bindings, and then what belongs to a device, which is changed under the lock of its state alone.
//! Sessions are not locked: they are read last, when nothing that is locked can change any more.

mod ledger;
mod needs;
mod writes;

use fleet::{OrganizationChange, Principal, Refusal};

pub(in crate::postgres) use self::ledger::Ledger;
pub(super) use self::ledger::{Found, State};
use self::needs::Needs;
pub(super) use self::writes::{JobEnd, NewJob};
use super::{accept, bindings, cameras, channels, settle};
use crate::postgres::connection::Connection;
use crate::rules;
use crate::write::{Accept, AcceptedEntry};
use crate::{Error, Refused, Write, Written};

/// Whether a change may be part of a group. An update that files something in an organization may
/// not: it may have to make the organization, and does so under the lock of the rare changes.
pub(in crate::postgres) fn is_frequent(write: &Write) -> bool {
    match write {
        Write::Settle(_)
        | Write::Bind(..)
        | Write::NotePush(_)
        | Write::NoteSurvey(_)
        | Write::RecordChannels(_) => true,
        Write::Accept(accept) => {
            let patches = accept.entries.iter().filter_map(|entry| entry.camera.as_ref());
            !patches
                .flat_map(rules::cameras::joined)
                .any(|change| matches!(change, OrganizationChange::Join { .. }))
        }
        _ => false,
    }
}

/// Applies a group in the transaction that `c` has open, and gives what each change is told, in
/// order. Each is applied whole or, with [`Refused`], not at all. One that is not frequent may be
/// applied so too, if it is an [`Write::Accept`] and alone in its group.
///
/// Errors: the database failed, or a change is of no kind that is applied so; the caller undoes the
/// whole transaction.
pub(in crate::postgres) async fn apply_group(
    c: &Connection,
    group: &[(&Principal, &Write)],
) -> Result<Vec<Result<Written, Refused>>, Error> {
    let (answers, ledger) = decide(c, group).await?;
    ledger.write(c).await?;
    Ok(answers)
}

/// The first half of [`apply_group`]: all is locked, read and decided, and what the ledger has to
/// write is not written yet.
pub(in crate::postgres) async fn decide<'w>(
    c: &Connection,
    group: &[(&'w Principal, &'w Write)],
) -> Result<(Vec<Result<Written, Refused>>, Ledger<'w>), Error> {
    let needs = Needs::of(group);
    let mut ledger = Ledger::read(c, &needs).await?;
    let mut answers = Vec::with_capacity(group.len());
    for (principal, write) in group {
        let answer = match write {
            Write::Accept(update) => {
                let results = accept::accept(c, &mut ledger, principal, update).await?;
                Ok(Written::Accepted(results))
            }
            Write::Settle(result) => settle::settle(&mut ledger, principal, result)?,
            Write::Bind(session, given) => bindings::bind(&mut ledger, principal, *session, given),
            Write::NotePush(note) => cameras::note_push(&mut ledger, principal, note),
            Write::NoteSurvey(note) => cameras::note_survey(&mut ledger, principal, note),
            Write::RecordChannels(record) => {
                channels::record_channels(c, &ledger, principal, record).await?
            }
            other => return Err(rare(other)),
        };
        answers.push(answer);
    }
    Ok((answers, ledger))
}

/// Accepts an update on behalf of `actor`, who may, in the transaction that `c` has open.
pub(super) async fn accept_for(
    c: &Connection,
    actor: &str,
    update: &Accept,
) -> Result<Vec<Result<AcceptedEntry, Refusal>>, Error> {
    let mut ledger = Ledger::read(c, &Needs::of_update(update)).await?;
    let results = accept::accept_for(c, &mut ledger, actor, update).await?;
    ledger.write(c).await?;
    Ok(results)
}

/// The error for a change that no group may have.
fn rare(write: &Write) -> Error {
    Error::Failed {
        operation: "write a group",
        source: format!("{:?} is no change of a group", std::mem::discriminant(write)).into(),
    }
}
