//! The words and numbers in which both engines write down what the types of the fleet stand for.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use fleet::{End, JobId, Operation, Proof};
use sha2::{Digest, Sha256};

use crate::columns::{damaged, to_json};
use crate::{Error, Tagged, TaggedKind};

/// The row of `setting` that holds the [`fleet::ServerSettings`].
pub(crate) const SERVER_SETTINGS: &str = "server";

/// The ids of a state row's open jobs, oldest first.
pub(crate) fn open_jobs(bytes: &[u8]) -> Result<Vec<JobId>, Error> {
    let (ids, rest) = bytes.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(damaged("open_jobs", format!("{} bytes are no list of ids", bytes.len())));
    }
    Ok(ids.iter().map(|id| JobId::from_bytes(*id)).collect())
}

/// The column `operation` of a job that restarts its device.
const RESTART: i64 = 1;
/// ... that resets it.
const RESET: i64 = 2;
/// ... that stops it.
const STOP: i64 = 3;
/// ... that resets it, and after which what was desired before is forgotten.
const RESET_AND_FORGET: i64 = 4;

/// The column `operation` for what a job asks.
pub(crate) fn job_operation(operation: Operation, clear: bool) -> Option<i64> {
    match operation {
        Operation::Reset if clear => Some(RESET_AND_FORGET),
        Operation::Update => None,
        Operation::Restart => Some(RESTART),
        Operation::Reset => Some(RESET),
        Operation::Stop => Some(STOP),
    }
}

/// What a job asks besides values, from its column `operation`: what is done, and whether what was
/// desired before is forgotten after it.
pub(crate) fn operation(column: Option<i64>) -> Result<(Operation, bool), Error> {
    match column {
        None => Ok((Operation::Update, false)),
        Some(RESTART) => Ok((Operation::Restart, false)),
        Some(RESET) => Ok((Operation::Reset, false)),
        Some(STOP) => Ok((Operation::Stop, false)),
        Some(RESET_AND_FORGET) => Ok((Operation::Reset, true)),
        Some(other) => Err(damaged("operation", format!("{other} stands for nothing"))),
    }
}

/// The column `state` of a job that has not ended.
pub(crate) const OPEN: i64 = 0;
/// ... of one that was verified.
pub(crate) const VERIFIED: i64 = 1;
/// ... of one that was acknowledged.
pub(crate) const ACKNOWLEDGED: i64 = 2;
/// ... of one that failed; `failure` says why.
pub(crate) const FAILED: i64 = 3;
/// ... of one whose values are a record of ours.
pub(crate) const RECORDED: i64 = 4;

/// The columns `state` and `failure` for how a job ended.
pub(crate) fn job_state(end: &End) -> Result<(i64, Option<String>), Error> {
    Ok(match end {
        End::Succeeded { proof: Proof::Verified } => (VERIFIED, None),
        End::Succeeded { proof: Proof::Acknowledged } => (ACKNOWLEDGED, None),
        End::Succeeded { proof: Proof::Recorded } => (RECORDED, None),
        End::Failed { failure } => (FAILED, Some(to_json(failure)?)),
    })
}

/// The column `kind` of a tag.
pub(crate) fn tagged_kind(kind: TaggedKind) -> i64 {
    match kind {
        TaggedKind::Device => 0,
        TaggedKind::Server => 1,
    }
}

/// The columns `kind` and `thing` of a thing's tags.
pub(crate) fn tagged_columns(tagged: &Tagged) -> (i64, &str) {
    match tagged {
        Tagged::Device(id) => (tagged_kind(TaggedKind::Device), id.as_str()),
        Tagged::Server(id) => (tagged_kind(TaggedKind::Server), id),
    }
}

/// A user's id, 32 hexadecimal digits: it follows from the name, which a user keeps.
pub(crate) fn user_id(name: &str) -> String {
    let mut id = hex::encode(Sha256::digest(format!("fleetwright user {name}")));
    id.truncate(32);
    id
}

/// The column `remote`: what [`remote`] reads. An IPv6 flow label is left out: it is the sender's,
/// and no part of where the device is (RFC 6437, section 2).
pub(crate) fn remote_bytes(remote: SocketAddr) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(22);
    match remote {
        SocketAddr::V4(remote) => {
            bytes.extend_from_slice(&remote.ip().octets());
            bytes.extend_from_slice(&remote.port().to_be_bytes());
        }
        SocketAddr::V6(remote) => {
            bytes.extend_from_slice(&remote.ip().octets());
            bytes.extend_from_slice(&remote.port().to_be_bytes());
            if remote.scope_id() != 0 {
                bytes.extend_from_slice(&remote.scope_id().to_be_bytes());
            }
        }
    }
    bytes
}

/// The address in a column `remote`; `None` if the bytes are none.
pub(crate) fn remote(bytes: &[u8]) -> Option<SocketAddr> {
    if let Ok([a, b, c, d, high, low]) = <[u8; 6]>::try_from(bytes) {
        let port = u16::from_be_bytes([high, low]);
        return Some((Ipv4Addr::new(a, b, c, d), port).into());
    }
    let (ip, rest) = bytes.split_first_chunk::<16>()?;
    let (port, zone) = rest.split_first_chunk::<2>()?;
    let zone = if zone.is_empty() { [0; 4] } else { zone.try_into().ok()? };
    let (port, zone) = (u16::from_be_bytes(*port), u32::from_be_bytes(zone));
    Some(SocketAddrV6::new(Ipv6Addr::from(*ip), port, 0, zone).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        let zoned = SocketAddrV6::new(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1), 5060, 0, 3);
        for (address, bytes) in [
            ("192.0.2.10:5060".parse().unwrap(), 6),
            ("0.0.0.0:0".parse().unwrap(), 6),
            ("255.255.255.255:65535".parse().unwrap(), 6),
            ("[2001:db8::1]:5060".parse().unwrap(), 18),
            ("[::ffff:192.0.2.10]:5060".parse().unwrap(), 18),
            (SocketAddr::V6(zoned), 22),
        ] {
            let written = remote_bytes(address);
            assert_eq!((written.len(), remote(&written)), (bytes, Some(address)));
        }
        let labelled = SocketAddrV6::new(*zoned.ip(), 5060, 7, 3);
        assert_eq!(remote(&remote_bytes(labelled.into())), Some(zoned.into()));
        for bytes in [0, 5, 7, 17, 19, 21, 23] {
            assert_eq!(remote(&vec![1; bytes]), None, "{bytes} bytes");
        }
    }
}
