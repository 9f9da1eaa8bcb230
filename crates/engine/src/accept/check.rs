//! The check of one entry of an update.

use std::sync::Arc;

use fleet::catalogue::record_of;
use fleet::catalogue::{NAME, ORGANIZATION, channel_part_name};
use fleet::{Catalogue, DeviceId, Kind, OrganizationPath, Refusal, Values};
use store::AcceptTarget;

use crate::command::{CameraAsked, UpdateEntry};
use crate::credentials;

/// An entry that passed.
pub(super) struct Checked {
    /// The device.
    pub(super) target: Arc<AcceptTarget>,
    /// The values, by canonical name.
    pub(super) patch: Values,
    /// What is asked of a GB device besides.
    pub(super) asked: CameraAsked,
}

/// Checks one entry, in the documented order: id, device, properties.
pub(super) fn check(
    catalogue: &Catalogue,
    entry: UpdateEntry,
    target: Option<Arc<AcceptTarget>>,
) -> Result<Checked, Refusal> {
    entry.device?;
    let target = target.ok_or(Refusal::DeviceUnknown)?;
    let asked = entry.patch?;
    let mut patch = Values::new();
    let mut add = |name: &str, canonical: &str, value: String| {
        if patch.insert(canonical.to_owned(), value).is_none() {
            return Ok(());
        }
        let detail = format!("given twice: it and another name stand for {canonical}");
        Err(Refusal::PropertyInvalid { name: name.to_owned(), detail })
    };
    for (name, value) in asked.properties {
        let of_channel = target.channel.as_ref().map(|channel| of_channel(channel, &name));
        let full = of_channel.transpose()?;
        let full = full.as_deref().unwrap_or(&name);
        let canonical = catalogue.check(&target.profile, target.identity, full, &value)?;
        add(&name, canonical, value)?;
    }
    for (name, value) in asked.custom {
        let canonical = catalogue.check_custom(&target.profile, target.identity, &name, &value)?;
        add(&name, canonical, value)?;
    }
    check_organizations(&patch, target.kind)?;
    check_asked(&entry.camera, &target)?;
    Ok(Checked { target, patch, asked: entry.camera })
}

/// The property of a GB device that the property `name` of its channel `channel` is.
fn of_channel(channel: &DeviceId, name: &str) -> Result<String, Refusal> {
    let full = channel_part_name(channel, name);
    if name == NAME || record_of(&full).is_some() {
        return Ok(full);
    }
    let detail = format!("{channel} is a channel, which has none");
    Err(Refusal::PropertyUnsupported { name: name.to_owned(), detail })
}

/// Checks the paths of organizations, which the catalogue takes as texts.
pub(crate) fn check_organizations(patch: &Values, kind: Kind) -> Result<(), Refusal> {
    if kind != Kind::Camera {
        return Ok(());
    }
    for (name, value) in patch {
        let is_path = record_of(name).is_some_and(|record| record.name == ORGANIZATION);
        if is_path && !value.is_empty() {
            value.parse::<OrganizationPath>().map_err(|error| Refusal::PropertyInvalid {
                name: name.clone(),
                detail: error.to_string(),
            })?;
        }
    }
    Ok(())
}

/// Checks what is asked of a GB device besides.
fn check_asked(asked: &CameraAsked, target: &AcceptTarget) -> Result<(), Refusal> {
    let CameraAsked { credentials, organization: _, names: _ } = asked;
    if credentials.is_empty() {
        return Ok(());
    }
    let detail = match (&target.channel, target.kind) {
        (Some(channel), _) => format!("{channel} is a channel: the device that has it registers"),
        (None, Kind::Phone) => "a phone does not register".to_owned(),
        (None, Kind::Camera) => return credentials::check(credentials),
    };
    let name = if credentials.user.is_some() { credentials::USER } else { credentials::PASSWORD };
    Err(Refusal::PropertyUnsupported { name: name.to_owned(), detail })
}
