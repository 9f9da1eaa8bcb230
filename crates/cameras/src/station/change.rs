//! What a REGISTER that has proved whose it is changes: the binding as the store is to have it, and
//! the row once it has.

use fleet::{Binding, DeviceKey, Offline, Timestamp};
use gb28181::endpoint::IncomingRequest;
use gb28181::sip::{Message, Name};

use crate::registrar::bindings::{Bindings, Phase, Row, Slot, transport_of};

/// A proved change of a binding, whose REGISTER is answered when it is on disk.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) request: IncomingRequest,
    pub(super) device: DeviceKey,
    pub(super) at: Timestamp,
    /// How far the wall clock had jumped by then, in milliseconds: `at` goes with it.
    pub(super) jumped: i64,
    pub(super) change: Change,
    /// Whether it was proved by the user name and password that were replaced.
    pub(super) old_credentials: bool,
}

impl Pending {
    /// Reckons its time by a wall clock that has jumped so far. Gives whether it had not been.
    pub(super) fn go_with(&mut self, jumped: i64) -> bool {
        let since = jumped.saturating_sub(self.jumped);
        self.at = Timestamp(self.at.0.saturating_add(since));
        self.jumped = jumped;
        since != 0
    }
}

/// What a REGISTER changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It is registered from where it came, for so many seconds.
    Bind(u32),
    /// It is registered no more.
    Remove,
}

/// The `X-GB-Ver` of a message.
pub(super) fn version(message: &Message) -> Option<Vec<u8>> {
    message.header(Name::XGbVer).map(std::borrow::Cow::into_owned)
}

/// When a registration of so many seconds ends.
pub(super) fn expiry(from: Timestamp, seconds: u32) -> Timestamp {
    from.plus(std::time::Duration::from_secs(seconds.into()))
}

/// The row as it will be once the change holds.
pub(super) fn changed(row: &Row, pending: &Pending) -> Binding {
    let mut binding = row.to_binding();
    binding.old_credentials = pending.old_credentials;
    match pending.change {
        Change::Bind(seconds) => {
            if !row.is_registered(pending.at) {
                binding.registered_at = pending.at;
            }
            let from = pending.request.from;
            binding.transport = transport_of(from.transport);
            binding.remote = from.remote;
            binding.refreshed_at = pending.at;
            binding.expires_at = expiry(pending.at, seconds);
            binding.version = version(&pending.request.message)
                .filter(|version| version.len() <= 8)
                .and_then(|version| String::from_utf8(version).ok());
            binding.ended = None;
        }
        Change::Remove => binding.ended = Some((pending.at, Offline::Unregistered)),
    }
    binding
}

/// The device is registered where the request came from.
pub(super) fn bind(
    bindings: &mut Bindings,
    slot: Slot,
    request: &IncomingRequest,
    at: Timestamp,
    seconds: u32,
) {
    let Some(row) = bindings.get_mut(slot) else { return };
    if !row.is_registered(at) {
        row.registered_at = at;
    }
    row.refreshed_at = at;
    row.expires_at = expiry(at, seconds);
    row.heard_at = row.heard_at.max(at);
    row.set_version(version(&request.message).as_deref());
    row.strayed = false;
    row.moved = false;
    row.ailing = false;
    bindings.set_flow(slot, request.from);
    bindings.set_phase(slot, Phase::Live);
}
