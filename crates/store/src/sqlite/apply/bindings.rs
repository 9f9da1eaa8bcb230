//! Registrations of GB devices: the path that every fresh REGISTER waits for, and so as short as
//! accepting is. Per binding it is one row of one table, looked up by an integer.

use fleet::{Binding, DeviceKey, Offline, Principal, Timestamp};
use rusqlite::{CachedStatement, Connection};

use crate::sqlite::rows::During;
use crate::words::remote_bytes;
use crate::{Error, Refused, SessionKey, Written};

/// Puts a binding in the place of the one before it. It gives every column, so nothing of the other
/// has to be kept. Passed over if the device has registered with another session with a later
/// nonce, or with the same one used as often: this one is replayed, or tells what that has
/// overtaken.
const BIND: &str = "INSERT OR REPLACE INTO binding (device, transport, remote, registered_at,
         refreshed_at, expires_at, nonce_at, nonce_count, version, ended_at, ended_why,
         old_credentials, session)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13
     WHERE NOT EXISTS (SELECT 1 FROM binding WHERE device = ?1 AND session <> ?13
         AND (nonce_at, nonce_count) >= (?7, ?8))";

/// Records the bindings of `session`, in their order: of two for one device the later one stands.
/// The registrar alone does this, for the engine: to one who is bound to a project no device can be
/// bound.
pub(super) fn bind(
    connection: &Connection,
    principal: &Principal,
    session: SessionKey,
    bindings: &[Binding],
) -> Result<Result<Written, Refused>, Error> {
    if !principal.is_server_admin() {
        return Ok(Err(Refused::NoSuchDevice));
    }
    let mut statement = connection.prepare_cached(BIND).during("prepare to record bindings")?;
    for binding in bindings {
        write(&mut statement, session, binding).during("record a binding")?;
    }
    Ok(Ok(Written::Done))
}

/// Whether the device is registered at `now`, by the rule of [`Binding::is_live`].
pub(super) fn is_live(
    connection: &Connection,
    device: DeviceKey,
    now: Timestamp,
) -> Result<bool, Error> {
    connection
        .prepare_cached(
            "SELECT 1 FROM binding WHERE device = ?1 AND ended_at IS NULL AND expires_at > ?2",
        )
        .and_then(|mut select| select.exists([device.0, now.0]))
        .during("read a device's binding")
}

/// Records one binding.
fn write(
    statement: &mut CachedStatement<'_>,
    session: SessionKey,
    binding: &Binding,
) -> Result<(), rusqlite::Error> {
    let (ended_at, ended_why) = binding.ended.unzip();
    statement.raw_bind_parameter(1, binding.device.0)?;
    statement.raw_bind_parameter(2, binding.transport.name())?;
    statement.raw_bind_parameter(3, remote_bytes(binding.remote))?;
    statement.raw_bind_parameter(4, binding.registered_at.0)?;
    statement.raw_bind_parameter(5, binding.refreshed_at.0)?;
    statement.raw_bind_parameter(6, binding.expires_at.0)?;
    statement.raw_bind_parameter(7, binding.nonce_at)?;
    statement.raw_bind_parameter(8, binding.nonce_count)?;
    statement.raw_bind_parameter(9, binding.version.as_deref())?;
    statement.raw_bind_parameter(10, ended_at.map(|at| at.0))?;
    statement.raw_bind_parameter(11, ended_why.map(Offline::name))?;
    statement.raw_bind_parameter(12, binding.old_credentials)?;
    statement.raw_bind_parameter(13, session.0)?;
    statement.raw_execute().map(drop)
}
