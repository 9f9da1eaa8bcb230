//! The rows of GB devices: what is known of each, where it is registered, and its channels.

use fleet::{
    Binding, Channel, DeviceId, DeviceKey, Offline, ProjectId, Push, SipTransport, Timestamp,
};

use super::organizations::organization;
use crate::cluster::SessionKey;
use crate::columns::{Columns, column, damaged, optional, optional_json, parsed};
use crate::words::remote;
use crate::{
    CameraListing, CameraState, CameraWork, CredentialsCounts, Error, OldCredentials,
    SealedRegistrant, StoredBinding,
};

/// The columns that [`binding`] reads, from `binding AS b`.
pub(crate) const BINDING_COLUMNS: &str = "b.device AS bound, b.transport, b.remote, \
     b.registered_at, b.refreshed_at, b.expires_at, b.nonce_at, b.nonce_count, b.version, \
     b.ended_at, b.ended_why, b.old_credentials";

/// How many channels the device of `camera AS k` has, as `channels`.
pub(crate) const CHANNEL_COUNT: &str =
    "(SELECT count(*) FROM channel WHERE device = k.device) AS channels";

/// The columns that [`camera_state`] reads besides [`BINDING_COLUMNS`], [`CHANNEL_COUNT`] and
/// [`super::organizations::ORGANIZATION_COLUMNS`], from `camera AS k`.
pub(crate) const CAMERA_COLUMNS: &str = "k.device AS camera, k.user, \
     k.sealed_password IS NOT NULL AS has_password, k.record, k.credentials_at, k.old_until";

/// A row with [`CAMERA_COLUMNS`] and those besides; `None` for a phone's.
pub(crate) fn camera_state(row: &impl Columns) -> Result<Option<CameraState>, Error> {
    if optional::<i64>(row, "camera")?.is_none() {
        return Ok(None);
    }
    Ok(Some(CameraState {
        user: optional(row, "user")?,
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
fn optional_time(row: &impl Columns, name: &'static str) -> Result<Option<Timestamp>, Error> {
    Ok(optional::<i64>(row, name)?.map(Timestamp))
}

/// A row with [`REGISTRANT_COLUMNS`], [`BINDING_COLUMNS`], [`CHANNEL_COUNT`],
/// [`super::organizations::ORGANIZATION_COLUMNS`], `name` and `record`.
pub(crate) fn camera_listing(row: &impl Columns) -> Result<CameraListing, Error> {
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
pub(crate) fn binding(row: &impl Columns) -> Result<Option<Binding>, Error> {
    let Some(device) = optional(row, "bound")? else {
        return Ok(None);
    };
    let bytes = row.bytes("remote")?.unwrap_or_default();
    let ended = match optional::<i64>(row, "ended_at")? {
        None => None,
        Some(at) => Some((Timestamp(at), parsed::<Offline>(row, "ended_why")?)),
    };
    Ok(Some(Binding {
        device: DeviceKey(device),
        transport: parsed::<SipTransport>(row, "transport")?,
        remote: remote(bytes)
            .ok_or_else(|| damaged("remote", format!("{} bytes are no address", bytes.len())))?,
        registered_at: Timestamp(column(row, "registered_at")?),
        refreshed_at: Timestamp(column(row, "refreshed_at")?),
        expires_at: Timestamp(column(row, "expires_at")?),
        version: optional(row, "version")?,
        nonce_at: column(row, "nonce_at")?,
        nonce_count: column(row, "nonce_count")?,
        ended,
        old_credentials: column(row, "old_credentials")?,
    }))
}

/// A row with [`BINDING_COLUMNS`], `bound_to`, `id` and `surveyed_at`.
pub(crate) fn stored_binding(row: &impl Columns) -> Result<StoredBinding, Error> {
    Ok(StoredBinding {
        id: parsed::<DeviceId>(row, "id")?,
        binding: binding(row)?.ok_or_else(|| damaged("bound", "it is null"))?,
        surveyed_at: optional_time(row, "surveyed_at")?,
        bound_to: bound_to(row)?,
    })
}

/// The session in the column `bound_to`.
fn bound_to(row: &impl Columns) -> Result<Option<SessionKey>, Error> {
    Ok(optional(row, "bound_to")?.map(SessionKey))
}

/// The columns that [`registrant`] reads, from `device AS d`, `camera AS k` and `project AS p`.
pub(crate) const REGISTRANT_COLUMNS: &str = "d.key, d.id, p.id AS project_id, \
     k.user, k.sealed_password, k.old_user, k.old_sealed_password, k.old_until";

/// A row with [`REGISTRANT_COLUMNS`].
pub(crate) fn registrant(row: &impl Columns) -> Result<SealedRegistrant, Error> {
    Ok(SealedRegistrant {
        device: DeviceKey(column(row, "key")?),
        id: parsed::<DeviceId>(row, "id")?,
        project_id: parsed::<ProjectId>(row, "project_id")?,
        user: optional(row, "user")?,
        sealed_password: optional(row, "sealed_password")?,
        old: old_credentials(row)?,
    })
}

/// What was replaced and works for a while yet, from the same row.
fn old_credentials(row: &impl Columns) -> Result<Option<OldCredentials>, Error> {
    let Some(until) = optional_time(row, "old_until")? else {
        return Ok(None);
    };
    Ok(Some(OldCredentials {
        user: optional(row, "old_user")?,
        sealed_password: column(row, "old_sealed_password")?,
        until,
    }))
}

/// A row with [`REGISTRANT_COLUMNS`], [`BINDING_COLUMNS`], `bound_to`, `push`, `surveyed_at`,
/// `facts` and `credentials_at`.
pub(crate) fn camera_work(row: &impl Columns) -> Result<CameraWork, Error> {
    Ok(CameraWork {
        bound_to: bound_to(row)?,
        registrant: registrant(row)?,
        binding: binding(row)?,
        push: optional_json::<Push>(row, "push")?,
        surveyed_at: optional_time(row, "surveyed_at")?,
        facts: optional_json(row, "facts")?.unwrap_or_default(),
        credentials_at: optional_time(row, "credentials_at")?,
    })
}

/// How the GB device of `camera AS k` is registered, whose `binding AS b` lasts: the word of
/// [`fleet::CredentialsInUse`], as [`CameraState::credentials_in_use`] finds it.
pub(crate) const CREDENTIALS_IN_USE: &str = "CASE \
     WHEN b.refreshed_at < k.credentials_at THEN 'not_renewed' \
     WHEN k.credentials_at IS NOT NULL AND b.old_credentials THEN 'old' ELSE 'current' END";

/// What [`credentials_counts`] reads of the GB devices in `from`, which has them as `camera AS k`
/// with their `binding AS b`, if they have one. The other is the time.
pub(crate) fn credentials_counts_sql(from: &str, now: &str) -> String {
    format!(
        "SELECT count(*) FILTER (WHERE in_use = 'current') AS current_ones,
             count(*) FILTER (WHERE in_use = 'old') AS old_ones,
             count(*) FILTER (WHERE in_use = 'not_renewed') AS not_renewed,
             count(*) FILTER (WHERE in_use = 'offline') AS offline,
             max(old_until) FILTER (WHERE old_until > {now}) AS overlap_until
         FROM (SELECT k.old_until,
                   CASE WHEN b.device IS NULL OR b.ended_at IS NOT NULL OR b.expires_at <= {now}
                       THEN 'offline' ELSE {CREDENTIALS_IN_USE} END AS in_use
               FROM {from}) AS camera"
    )
}

/// A row of [`credentials_counts_sql`].
pub(crate) fn credentials_counts(row: &impl Columns) -> Result<CredentialsCounts, Error> {
    let count = |name: &'static str| Ok::<_, Error>(column::<i64>(row, name)?.unsigned_abs());
    Ok(CredentialsCounts {
        current: count("current_ones")?,
        old: count("old_ones")?,
        not_renewed: count("not_renewed")?,
        offline: count("offline")?,
        overlap_until: optional_time(row, "overlap_until")?,
    })
}

/// The columns that [`channel`] reads besides
/// [`super::organizations::ORGANIZATION_COLUMNS`], from `channel AS c`.
pub(crate) const CHANNEL_COLUMNS: &str =
    "c.device, c.id, c.name, c.missed, c.seen_at, c.reported, c.record";

/// A row with [`CHANNEL_COLUMNS`] and those besides.
pub(crate) fn channel(row: &impl Columns) -> Result<Channel, Error> {
    Ok(Channel {
        device: DeviceKey(column(row, "device")?),
        id: parsed::<DeviceId>(row, "id")?,
        name: optional(row, "name")?,
        reported: optional_json(row, "reported")?,
        seen_at: optional_time(row, "seen_at")?,
        missed: column(row, "missed")?,
        record: optional_json(row, "record")?.unwrap_or_default(),
        organization: organization(row)?,
    })
}
