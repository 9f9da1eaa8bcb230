//! Changes, applied to a connection that has a transaction open. One statement after the other on
//! the caller's thread: the writer and the simulation run the same code.
//!
//! A refusal is decided before the first row is written (or undone to a savepoint), so that the
//! neighbours in the same transaction are not touched by it.

mod accept;
mod import;
mod records;
mod settle;

use fleet::Principal;
use rusqlite::Connection;

use crate::{Error, Refused, Write, Written};

/// Applies one change. On `Ok(Err(_))` nothing has changed; on `Err(_)` the caller rolls the whole
/// transaction back.
pub(super) fn apply(
    connection: &Connection,
    principal: &Principal,
    write: &Write,
) -> Result<Result<Written, Refused>, Error> {
    match write {
        Write::CreateProject(create) => records::create_project(connection, principal, create),
        Write::CreateKey(create) => records::create_key(connection, principal, create),
        Write::RevokeKey(revoke) => records::revoke_key(connection, principal, revoke),
        Write::ImportDevices(import) => import::import_devices(connection, principal, import),
        Write::Accept(accept) => accept::accept(connection, principal, accept)
            .map(|results| Ok(Written::Accepted(results))),
        Write::Settle(settle) => settle::settle(connection, principal, settle),
    }
}

/// About how many rows a change writes: the size of a group is bounded by it.
pub(super) fn rows(write: &Write) -> usize {
    match write {
        Write::CreateProject(_) | Write::CreateKey(_) | Write::RevokeKey(_) => 1,
        Write::ImportDevices(import) => import.devices.len(),
        Write::Accept(accept) => accept.entries.len(),
        Write::Settle(settle) => 1 + settle.ended.len(),
    }
}

/// Whether a change only adds, so that it is refused when the disk is low. Ending jobs and revoking
/// keys go on: they are what gets a server out of trouble.
pub(super) fn needs_disk(write: &Write) -> bool {
    match write {
        Write::CreateProject(_)
        | Write::CreateKey(_)
        | Write::ImportDevices(_)
        | Write::Accept(_) => true,
        Write::RevokeKey(_) | Write::Settle(_) => false,
    }
}
