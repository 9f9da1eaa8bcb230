//! Registrations of GB devices: the path that every fresh REGISTER waits for, and so as short as
//! accepting is. Per binding it is one row of one table, looked up by an integer.

use fleet::{Binding, Principal};

use super::hot::Ledger;
use crate::cluster::SessionKey;
use crate::{Refused, Written};

/// Records the bindings, in their order: of two for one device the later one stands. The registrar
/// alone does this, for the engine: to one who is bound to a project no device can be bound.
pub(super) fn bind<'w>(
    ledger: &mut Ledger<'w>,
    principal: &Principal,
    session: SessionKey,
    bindings: &'w [Binding],
) -> Result<Written, Refused> {
    if !principal.is_server_admin() {
        return Err(Refused::NoSuchDevice);
    }
    for binding in bindings {
        ledger.bind(session, binding);
    }
    Ok(Written::Done)
}
