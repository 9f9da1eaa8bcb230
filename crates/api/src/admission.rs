//! What the doors share to decide whom they let in: where a request came from, who guesses
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
    /// Who guesses at passwords.
    passwords: Mutex<Lockout>,
    /// Who guesses at tokens where one signs in by them. Apart from the passwords: a wrong token
    /// costs its sender next to nothing, and so many would push out of one table what was counted
    /// of passwords.
    tokens: Mutex<Lockout>,
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
            passwords: Mutex::default(),
            tokens: Mutex::default(),
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

    /// The wrong passwords of late, and the checks under way. Never held across a wait.
    pub(crate) fn passwords(&self) -> MutexGuard<'_, Lockout> {
        self.passwords.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The wrong tokens of late. Never held across a wait.
    pub(crate) fn tokens(&self) -> MutexGuard<'_, Lockout> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the places that an address has among the checks of passwords, given back when it is
/// dropped. Without them, one client that fills the queue would keep everybody from signing in.
pub(crate) struct Checking<'a> {
    admission: &'a Admission,
    address: IpAddr,
}

impl<'a> Checking<'a> {
    /// Takes one; `None` if the address has as many as it may.
    pub(crate) fn begin(admission: &'a Admission, address: IpAddr) -> Option<Self> {
        let begun = admission.passwords().begin_check(address);
        begun.then_some(Self { admission, address })
    }
}

impl Drop for Checking<'_> {
    fn drop(&mut self) {
        self.admission.passwords().end_check(self.address);
    }
}
