//! What the vendors' doors share to decide whom they let in: where a request came from, who guesses
//! at the secrets of access keys, and room for bodies.
//!
//! One of each for all doors: a key that opens two must not be guessed at twice as often.

mod body_room;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::request::Parts;

use crate::listener::{PeerAddr, TrustedProxy, client_address};
use crate::signature::lockout::Lockout;

use body_room::BodyRoom;
pub(crate) use body_room::{NoRoom, Room};

/// See the module.
pub(crate) struct Admission {
    /// Further names of this server that a signature may be made for.
    pub(crate) public_hosts: Vec<String>,
    /// Who may say where a request came from.
    trusted_proxies: Vec<TrustedProxy>,
    /// Who guesses at the secrets of access keys.
    lockout: Mutex<Lockout>,
    /// Room for bodies.
    pub(crate) bodies: BodyRoom,
}

impl Admission {
    /// With nobody locked out, and all the room.
    pub(crate) fn new(public_hosts: Vec<String>, trusted_proxies: Vec<TrustedProxy>) -> Self {
        Self {
            public_hosts,
            trusted_proxies,
            lockout: Mutex::default(),
            bodies: BodyRoom::default(),
        }
    }

    /// The client's address: that of the peer, or what trusted proxies say it is; the unspecified
    /// address where nobody has said anything.
    pub(crate) fn address(&self, parts: &Parts) -> IpAddr {
        match parts.extensions.get::<PeerAddr>() {
            Some(PeerAddr(peer)) => {
                client_address(peer.ip(), &parts.headers, &self.trusted_proxies)
            }
            None => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        }
    }

    /// The wrong signatures of late. Never held across a wait.
    pub(crate) fn lockout(&self) -> MutexGuard<'_, Lockout> {
        self.lockout.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
