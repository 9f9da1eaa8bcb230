//! The rows of GB devices: what is known of each, where it is registered, and its channels.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use fleet::{
    Binding, Channel, DeviceId, DeviceKey, Offline, ProjectId, Push, SipTransport, Timestamp,
};
use rusqlite::Row;

use super::organizations::organization;
use super::{column, damaged, optional_json, parsed};
use crate::{
    CameraListing, CameraState, CameraWork, Error, OldCredentials, SealedRegistrant, StoredBinding,
};

/// The columns that [`binding`] reads, from `binding AS b`.
pub(in crate::sqlite) const BINDING_COLUMNS: &str = "b.device AS bound, b.transport, b.remote, \
     b.registered_at, b.refreshed_at, b.expires_at, b.nonce_at, b.nonce_count, b.version, \
     b.ended_at, b.ended_why, b.old_credentials";

/// How many channels the device of `camera AS k` has, as `channels`.
pub(in crate::sqlite) const CHANNEL_COUNT: &str =
    "(SELECT count(*) FROM channel WHERE device = k.device) AS channels";

/// The columns that [`camera_state`] reads besides [`BINDING_COLUMNS`], [`CHANNEL_COUNT`] and
/// [`super::organizations::ORGANIZATION_COLUMNS`], from `camera AS k`.
pub(in crate::sqlite) const CAMERA_COLUMNS: &str = "k.device AS camera, k.user, \
     k.sealed_password IS NOT NULL AS has_password, k.record, k.credentials_at, k.old_until";

/// What joins all three to `device AS d`. A phone has none of the rows: the first look finds
/// nothing, and there is no second.
pub(in crate::sqlite) const CAMERA_JOINS: &str = "LEFT JOIN camera AS k ON k.device = d.key \
     LEFT JOIN binding AS b ON b.device = k.device \
     LEFT JOIN organization AS o ON o.key = k.organization";

/// A row with [`CAMERA_COLUMNS`] and those besides; `None` for a phone's.
pub(in crate::sqlite) fn camera_state(row: &Row<'_>) -> Result<Option<CameraState>, Error> {
    if column::<Option<i64>>(row, "camera")?.is_none() {
        return Ok(None);
    }
    Ok(Some(CameraState {
        user: column(row, "user")?,
        has_password: column(row, "has_password")?,
        binding: binding(row)?,
        channels: column(row, "channels")?,
        record: optional_json(row, "record")?.unwrap_or_default(),
        organization: organization(row)?,
        credentials_at: optional_time(row, "credentials_at")?,
        overlap_until: optional_time(row, "old_until")?,
    }))
}

/// A column that holds a time or null.
fn optional_time(row: &Row<'_>, name: &'static str) -> Result<Option<Timestamp>, Error> {
    Ok(column::<Option<i64>>(row, name)?.map(Timestamp))
}

/// A row with [`REGISTRANT_COLUMNS`], [`BINDING_COLUMNS`], [`CHANNEL_COUNT`],
/// [`super::organizations::ORGANIZATION_COLUMNS`], `name` and `record`.
pub(in crate::sqlite) fn camera_listing(row: &Row<'_>) -> Result<CameraListing, Error> {
    Ok(CameraListing {
        name: column(row, "name")?,
        registrant: registrant(row)?,
        record: optional_json(row, "record")?.unwrap_or_default(),
        organization: organization(row)?,
        binding: binding(row)?,
        channels: column(row, "channels")?,
    })
}

/// A row with [`BINDING_COLUMNS`]; `None` where nothing was joined.
pub(in crate::sqlite) fn binding(row: &Row<'_>) -> Result<Option<Binding>, Error> {
    let Some(device) = column(row, "bound")? else {
        return Ok(None);
    };
    let bytes: Vec<u8> = column(row, "remote")?;
    let ended = match column::<Option<i64>>(row, "ended_at")? {
        None => None,
        Some(at) => Some((Timestamp(at), parsed::<Offline>(row, "ended_why")?)),
    };
    Ok(Some(Binding {
        device: DeviceKey(device),
        transport: parsed::<SipTransport>(row, "transport")?,
        remote: remote(&bytes)
            .ok_or_else(|| damaged("remote", format!("{} bytes are no address", bytes.len())))?,
        registered_at: Timestamp(column(row, "registered_at")?),
        refreshed_at: Timestamp(column(row, "refreshed_at")?),
        expires_at: Timestamp(column(row, "expires_at")?),
        version: column(row, "version")?,
        nonce_at: column(row, "nonce_at")?,
        nonce_count: column(row, "nonce_count")?,
        ended,
        old_credentials: column(row, "old_credentials")?,
    }))
}

/// A row with [`BINDING_COLUMNS`], `id` and `surveyed_at`.
pub(in crate::sqlite) fn stored_binding(row: &Row<'_>) -> Result<StoredBinding, Error> {
    Ok(StoredBinding {
        id: parsed::<DeviceId>(row, "id")?,
        binding: binding(row)?.ok_or_else(|| damaged("bound", "it is null"))?,
        surveyed_at: optional_time(row, "surveyed_at")?,
    })
}

/// The columns that [`registrant`] reads, from `device AS d`, `camera AS k` and `project AS p`.
pub(in crate::sqlite) const REGISTRANT_COLUMNS: &str = "d.key, d.id, p.id AS project_id, \
     k.user, k.sealed_password, k.old_user, k.old_sealed_password, k.old_until";

/// A row with [`REGISTRANT_COLUMNS`].
pub(in crate::sqlite) fn registrant(row: &Row<'_>) -> Result<SealedRegistrant, Error> {
    Ok(SealedRegistrant {
        device: DeviceKey(column(row, "key")?),
        id: parsed::<DeviceId>(row, "id")?,
        project_id: parsed::<ProjectId>(row, "project_id")?,
        user: column(row, "user")?,
        sealed_password: column(row, "sealed_password")?,
        old: old_credentials(row)?,
    })
}

/// What was replaced and works for a while yet, from the same row.
fn old_credentials(row: &Row<'_>) -> Result<Option<OldCredentials>, Error> {
    let Some(until) = optional_time(row, "old_until")? else {
        return Ok(None);
    };
    Ok(Some(OldCredentials {
        user: column(row, "old_user")?,
        sealed_password: column(row, "old_sealed_password")?,
        until,
    }))
}

/// A row with [`REGISTRANT_COLUMNS`], `push`, `surveyed_at`, `facts` and
/// `credentials_at`.
pub(in crate::sqlite) fn camera_work(row: &Row<'_>) -> Result<CameraWork, Error> {
    Ok(CameraWork {
        registrant: registrant(row)?,
        binding: binding(row)?,
        push: optional_json::<Push>(row, "push")?,
        surveyed_at: optional_time(row, "surveyed_at")?,
        facts: optional_json(row, "facts")?.unwrap_or_default(),
        credentials_at: optional_time(row, "credentials_at")?,
    })
}

/// The columns that [`channel`] reads besides
/// [`super::organizations::ORGANIZATION_COLUMNS`], from `channel AS c`.
pub(in crate::sqlite) const CHANNEL_COLUMNS: &str =
    "c.device, c.id, c.name, c.missed, c.seen_at, c.reported, c.record";

/// A row with [`CHANNEL_COLUMNS`] and those besides.
pub(in crate::sqlite) fn channel(row: &Row<'_>) -> Result<Channel, Error> {
    Ok(Channel {
        device: DeviceKey(column(row, "device")?),
        id: parsed::<DeviceId>(row, "id")?,
        name: column(row, "name")?,
        reported: optional_json(row, "reported")?,
        seen_at: optional_time(row, "seen_at")?,
        missed: column(row, "missed")?,
        record: optional_json(row, "record")?.unwrap_or_default(),
        organization: organization(row)?,
    })
}

/// The column `remote`: what [`remote`] reads. An IPv6 flow label is left out: it is the sender's,
/// and no part of where the device is (RFC 6437, section 2).
pub(in crate::sqlite) fn remote_bytes(remote: SocketAddr) -> Vec<u8> {
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
fn remote(bytes: &[u8]) -> Option<SocketAddr> {
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
