//! Registrations that were refused: why, from where, how often. In memory only.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use fleet::limits::REFUSED_REGISTRATIONS_MAX;
use fleet::{SipTransport, Timestamp};

/// Why a registration was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegistrationFault {
    /// No device has the id.
    UnknownId,
    /// The device has no password to register with.
    NoPassword,
    /// The digest names another user than the device's.
    WrongUser,
    /// The digest names another realm than ours.
    WrongRealm,
    /// The digest does not fit the password.
    WrongDigest,
    /// The digest answers a nonce that is not ours, too old, or was answered before.
    StaleNonce,
    /// The digest can't be read.
    Malformed,
    /// No device has the id, and the digest fits a project's enrolment password: it waits to be
    /// accepted.
    Pending,
}

impl RegistrationFault {
    /// The word that stands for it in the log, the API and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownId => "unknown_id",
            Self::NoPassword => "no_password",
            Self::WrongUser => "wrong_user",
            Self::WrongRealm => "wrong_realm",
            Self::WrongDigest => "wrong_digest",
            Self::StaleNonce => "stale_nonce",
            Self::Malformed => "malformed",
            Self::Pending => "pending",
        }
    }
}

impl fmt::Display for RegistrationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownId => "no device has this id",
            Self::NoPassword => "the device has no password on record",
            Self::WrongUser => "the digest is of another user name than the one on record",
            Self::WrongRealm => "the digest is of another realm",
            Self::WrongDigest => "the digest does not fit the password on record",
            Self::StaleNonce => "the nonce is too old, or was answered before",
            Self::Malformed => "the Authorization header can't be read",
            Self::Pending => "it has the enrolment password, and waits to be accepted",
        })
    }
}

/// Registrations of one id from one host that were refused for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRegistration {
    /// The id as it was given, at most 64 characters of it.
    pub id: String,
    /// Where the last one came from.
    pub remote: SocketAddr,
    /// By which transport.
    pub transport: SipTransport,
    /// Why.
    pub why: RegistrationFault,
    /// What else helps to find the fault: the digest's form, the user it named. Never a secret.
    pub detail: String,
    /// How often.
    pub count: u64,
    /// When first.
    pub first_at: Timestamp,
    /// When last.
    pub at: Timestamp,
}

/// Those of late: bounded, the longest unheard of goes first.
#[derive(Debug, Default)]
pub(crate) struct RefusedRegistrations(Mutex<Rows>);

/// What tells one row from another.
type RowKey = (String, IpAddr, RegistrationFault);

/// The rows, and the order in which they were last heard of: a flood of refusals must not cost a
/// look at every row each.
#[derive(Debug, Default)]
struct Rows {
    rows: HashMap<RowKey, (u64, RefusedRegistration)>,
    order: BTreeMap<u64, RowKey>,
    /// The number of the last one.
    last: u64,
}

impl RefusedRegistrations {
    pub(crate) fn note(&self, mut new: RefusedRegistration) {
        metrics::counter!("fleetwright_registrations_refused_total", "why" => new.why.name())
            .increment(1);
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = &mut *guard;
        let key = (new.id.clone(), new.remote.ip(), new.why);
        if let Some((number, old)) = rows.rows.remove(&key) {
            rows.order.remove(&number);
            new.count = new.count.saturating_add(old.count);
            new.first_at = old.first_at;
        } else if rows.rows.len() >= REFUSED_REGISTRATIONS_MAX
            && let Some((_, oldest)) = rows.order.pop_first()
        {
            rows.rows.remove(&oldest);
        }
        rows.last += 1;
        rows.order.insert(rows.last, key.clone());
        rows.rows.insert(key, (rows.last, new));
    }

    pub(crate) fn list(&self) -> Vec<RefusedRegistration> {
        let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newest_first = rows.order.values().rev();
        newest_first.filter_map(|key| rows.rows.get(key)).map(|(_, row)| row.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(id: &str, why: RegistrationFault, at: i64) -> RefusedRegistration {
        RefusedRegistration {
            id: id.to_owned(),
            remote: SocketAddr::from(([192, 0, 2, 1], 5060)),
            transport: SipTransport::Udp,
            why,
            detail: String::new(),
            count: 1,
            first_at: Timestamp(at),
            at: Timestamp(at),
        }
    }

    #[test]
    fn one_row_a_reason_the_last_heard_first_and_bounded() {
        let list = RefusedRegistrations::default();
        list.note(refused("a", RegistrationFault::UnknownId, 1));
        list.note(refused("b", RegistrationFault::WrongDigest, 2));
        list.note(refused("a", RegistrationFault::UnknownId, 3));
        list.note(refused("a", RegistrationFault::StaleNonce, 4));
        let found = list.list();
        let rows: Vec<_> = found.iter().map(|row| (&*row.id, row.why, row.count)).collect();
        assert_eq!(
            rows,
            [
                ("a", RegistrationFault::StaleNonce, 1),
                ("a", RegistrationFault::UnknownId, 2),
                ("b", RegistrationFault::WrongDigest, 1),
            ]
        );
        assert_eq!((found[1].first_at, found[1].at), (Timestamp(1), Timestamp(3)));
        for number in 0..2 * REFUSED_REGISTRATIONS_MAX {
            list.note(refused(&format!("c{number}"), RegistrationFault::UnknownId, 5));
        }
        assert_eq!(list.list().len(), REFUSED_REGISTRATIONS_MAX);
    }
}
