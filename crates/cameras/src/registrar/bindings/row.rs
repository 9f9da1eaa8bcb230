//! One row of the table of bindings: as small as it can be, since there are hundreds of thousands.

use std::net::SocketAddr;

use fleet::{Binding, DeviceKey, Offline, SipTransport, Timestamp};
use gb28181::sip::{Flow, Transport};

use crate::line::LiveBinding;

/// Bytes of an id: as many as `fleet::limits::DEVICE_ID_BYTES_MAX`; unused ones are 0, which no id
/// holds.
pub(crate) const ID_BYTES: usize = 32;
/// Bytes of an `X-GB-Ver` that are kept: `m.n` by GB/T 28181-2022.
const VERSION_BYTES: usize = 8;
/// Stands for "never".
const NEVER: i64 = i64::MIN;

/// Whether a device is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It has proved its password, and its first registration with this node is not on disk yet, or
    /// never came to be: all that counts is the mark. If it has not run out, it is registered with
    /// another node.
    Marked,
    /// Registered.
    Live,
    /// Registered once.
    Ended(Offline),
}

/// One device.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    id: [u8; ID_BYTES],
    pub(crate) device: DeviceKey,
    flow: Flow,
    pub(crate) registered_at: Timestamp,
    pub(crate) refreshed_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) heard_at: Timestamp,
    pub(crate) ended_at: Timestamp,
    unregistered_at: i64,
    /// When the engine was last told to look at it.
    surveyed_at: i64,
    nonce_at: i64,
    nonce_count: u32,
    /// Seconds between keepalives and misses, if its configuration shows others than our setting.
    pub(crate) keepalive_seconds: u16,
    pub(crate) keepalive_misses: u8,
    /// Changes of this row that are on their way to the store, and were not answered yet.
    pub(crate) waiting: u8,
    /// A hash of the Call-ID of its last REGISTER; 0 if none is known.
    call: u32,
    pub(crate) phase: Phase,
    version: [u8; VERSION_BYTES],
    /// The flow can be sent over: not so for TCP after a restart of ours.
    pub(crate) has_flow: bool,
    /// It waits to be written.
    pub(crate) dirty: bool,
    /// The engine is to be told of a new registration.
    pub(crate) returned: bool,
    pub(crate) strayed: bool,
    /// A keepalive moved it since it last proved where it is.
    pub(crate) moved: bool,
    pub(crate) ailing: bool,
    /// Its last REGISTER was by the user name and password that were replaced.
    pub(crate) old_credentials: bool,
    /// Its record is gone: nothing registers it again.
    pub(crate) removed: bool,
    /// It is to be compared with what the store has of it.
    pub(super) doubted: bool,
}

impl Row {
    /// A row that nothing is known of; `None` if the id is too long to be one.
    pub(super) fn new(id: &[u8], device: DeviceKey, flow: Flow) -> Option<Self> {
        let mut inline = [0; ID_BYTES];
        inline.get_mut(..id.len())?.copy_from_slice(id);
        Some(Self {
            id: inline,
            device,
            flow,
            registered_at: Timestamp(0),
            refreshed_at: Timestamp(0),
            expires_at: Timestamp(0),
            heard_at: Timestamp(0),
            ended_at: Timestamp(0),
            unregistered_at: NEVER,
            surveyed_at: NEVER,
            nonce_at: 0,
            nonce_count: 0,
            keepalive_seconds: 0,
            keepalive_misses: 0,
            waiting: 0,
            call: 0,
            phase: Phase::Marked,
            version: [0; VERSION_BYTES],
            has_flow: false,
            dirty: false,
            returned: false,
            strayed: false,
            moved: false,
            ailing: false,
            old_credentials: false,
            removed: false,
            doubted: false,
        })
    }

    /// The device's id.
    pub(crate) fn id(&self) -> &[u8] {
        let bytes = self.id.iter().position(|byte| *byte == 0).unwrap_or(ID_BYTES);
        self.id.get(..bytes).unwrap_or_default()
    }

    /// Where it was last proved to be.
    pub(crate) fn flow(&self) -> Flow {
        self.flow
    }

    /// Only the table sets it: it knows the rows of a connection.
    pub(super) fn set_flow(&mut self, flow: Flow) {
        self.flow = flow;
        self.has_flow = true;
    }

    /// Whether it is registered at `now`.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.phase == Phase::Live && self.expires_at > now
    }

    /// Whether it is registered at `now`, with this node or, when last heard, with another.
    pub(crate) fn is_registered(&self, now: Timestamp) -> bool {
        matches!(self.phase, Phase::Live | Phase::Marked) && self.expires_at > now
    }

    /// Whether it can be reached over this flow, and is.
    pub(crate) fn is_at(&self, flow: &Flow) -> bool {
        self.has_flow && self.flow == *flow
    }

    /// The TCP connection that carries it, if it is live and one does.
    pub(super) fn carrier(&self) -> Option<u64> {
        let carried = self.phase == Phase::Live && self.has_flow;
        (carried && self.flow.transport == Transport::Tcp).then_some(self.flow.connection)
    }

    /// Whether (`issued_at`, `count`) is newer than the last that was accepted.
    pub(crate) fn is_newer(&self, issued_at: i64, count: u32) -> bool {
        (issued_at, count) > (self.nonce_at, self.nonce_count)
    }

    /// Whether (`issued_at`, `count`) is older than the last that was accepted.
    pub(crate) fn is_older(&self, issued_at: i64, count: u32) -> bool {
        (issued_at, count) < (self.nonce_at, self.nonce_count)
    }

    /// Remembers what was accepted.
    pub(crate) fn mark(&mut self, issued_at: i64, count: u32) {
        (self.nonce_at, self.nonce_count) = (issued_at, count);
    }

    /// Remembers the Call-ID of its REGISTER. Gives whether another was known: a device keeps one
    /// until it restarts (RFC 3261, 10.2), so what it was asked before is asked in vain.
    pub(crate) fn begins_call(&mut self, call_id: &[u8]) -> bool {
        let call = (super::index::hash_bytes(call_id) as u32).max(1);
        let before = std::mem::replace(&mut self.call, call);
        before != 0 && before != call
    }

    /// What was last accepted.
    pub(super) fn last_mark(&self) -> (i64, u32) {
        (self.nonce_at, self.nonce_count)
    }

    /// When the last accepted nonce was issued, in microseconds since 1970.
    pub(crate) fn nonce_at(&self) -> i64 {
        self.nonce_at
    }

    /// When the engine was last told to look at it; `None` if never.
    pub(crate) fn surveyed_at(&self) -> Option<Timestamp> {
        (self.surveyed_at != NEVER).then_some(Timestamp(self.surveyed_at))
    }

    /// The engine was told to look at it.
    pub(crate) fn set_surveyed(&mut self, at: Timestamp) {
        self.surveyed_at = at.0;
    }

    /// It took itself off.
    pub(crate) fn set_unregistered(&mut self, at: Timestamp) {
        self.unregistered_at = at.0;
    }

    /// Takes over the version that it registered with; one that is longer than any is none.
    pub(crate) fn set_version(&mut self, version: Option<&[u8]>) {
        self.version = [0; VERSION_BYTES];
        let version = version.filter(|text| text.iter().all(u8::is_ascii_graphic));
        if let Some(version) = version.filter(|text| text.len() <= VERSION_BYTES) {
            self.version.iter_mut().zip(version).for_each(|(to, from)| *to = *from);
        }
    }

    fn version(&self) -> Option<String> {
        let bytes = self.version.iter().take_while(|byte| **byte != 0).copied().collect::<Vec<_>>();
        String::from_utf8(bytes).ok().filter(|version| !version.is_empty())
    }

    /// The row as the store keeps it.
    pub(crate) fn to_binding(&self) -> Binding {
        Binding {
            device: self.device,
            transport: transport_of(self.flow.transport),
            remote: self.flow.remote,
            registered_at: self.registered_at,
            refreshed_at: self.refreshed_at,
            expires_at: self.expires_at,
            version: self.version(),
            nonce_at: self.nonce_at,
            nonce_count: self.nonce_count,
            ended: match self.phase {
                Phase::Ended(why) => Some((self.ended_at, why)),
                Phase::Live | Phase::Marked => None,
            },
            old_credentials: self.old_credentials,
        }
    }

    /// Takes over what the store keeps. `heard_at` is when it was last heard of, as far as that is
    /// known.
    pub(super) fn take(&mut self, binding: &Binding, heard_at: Timestamp) {
        self.flow = flow_of(binding.transport, binding.remote);
        self.has_flow = binding.transport == SipTransport::Udp;
        self.registered_at = binding.registered_at;
        self.refreshed_at = binding.refreshed_at;
        self.expires_at = binding.expires_at;
        self.heard_at = heard_at;
        self.mark(binding.nonce_at, binding.nonce_count);
        self.set_version(binding.version.as_deref().map(str::as_bytes));
        self.old_credentials = binding.old_credentials;
        match binding.ended {
            None => self.phase = Phase::Live,
            Some((at, why)) => {
                self.phase = Phase::Ended(why);
                self.ended_at = at;
            }
        }
    }

    /// Takes over what the store keeps of its registration with another node, if that is newer than
    /// what is known here.
    pub(super) fn remember(&mut self, binding: &Binding) {
        if !self.is_newer(binding.nonce_at, binding.nonce_count) {
            return;
        }
        if self.phase == Phase::Live {
            // It has run out and was not looked at since.
            return self.mark(binding.nonce_at, binding.nonce_count);
        }
        self.take(binding, binding.refreshed_at);
        self.has_flow = false;
        if binding.ended.is_none() {
            self.phase = Phase::Marked;
        }
    }

    /// The row as the driver sees it.
    pub(super) fn to_live(&self) -> LiveBinding {
        LiveBinding {
            flow: self.flow,
            registered_at: self.registered_at,
            refreshed_at: self.refreshed_at,
            expires_at: self.expires_at,
            heard_at: self.heard_at,
            ended: match self.phase {
                Phase::Ended(why) => Some((self.ended_at, why)),
                Phase::Live | Phase::Marked => None,
            },
            unregistered_at: (self.unregistered_at != NEVER)
                .then_some(Timestamp(self.unregistered_at)),
            has_flow: self.has_flow && self.phase == Phase::Live,
            strayed: self.strayed,
            moved: self.moved,
            ailing: self.ailing,
            version: self.version(),
        }
    }
}

/// The store's word for a transport.
pub(crate) fn transport_of(transport: Transport) -> SipTransport {
    match transport {
        Transport::Udp => SipTransport::Udp,
        Transport::Tcp => SipTransport::Tcp,
    }
}

/// A flow as the store kept it. No connection bears the number 0.
fn flow_of(transport: SipTransport, remote: SocketAddr) -> Flow {
    match transport {
        SipTransport::Udp => Flow::udp(remote),
        SipTransport::Tcp => Flow::tcp(remote, 0),
    }
}
