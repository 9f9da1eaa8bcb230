//! What an update changes of a GB device's records, with the commit itself. Pure.

use std::collections::BTreeMap;

use fleet::catalogue::{NAME, ORGANIZATION, RecordOf, channel_property, record_of};
use fleet::{DeviceId, OrganizationChange, OrganizationId, RecordPatch, Values};
use store::write::{CameraPatch, CredentialsPatch};

use crate::command::CameraAsked;
use crate::credentials;

/// The values of an update, by what becomes of them.
pub(crate) struct Filed {
    /// Those that the device is to have.
    pub(crate) patch: Values,
    /// Those that go on record, as the job remembers them.
    pub(crate) record: Values,
    /// What goes on record of the device.
    of_device: RecordPatch,
    /// What goes on record of its channels, each with a property that asks for it.
    of_channels: BTreeMap<DeviceId, (RecordPatch, String)>,
}

/// Tells the checked values of a GB device that go on record from those that it is to have.
/// `new_id` gives the id of an organization, should it be new.
pub(crate) fn split(
    values: Values,
    asked: &CameraAsked,
    new_id: impl Fn() -> Option<OrganizationId>,
) -> Filed {
    let mut filed = Filed {
        patch: Values::new(),
        record: Values::new(),
        of_device: RecordPatch::default(),
        of_channels: BTreeMap::new(),
    };
    for (property, value) in values {
        let Some(RecordOf { channel, name }) = record_of(&property) else {
            filed.patch.insert(property, value);
            continue;
        };
        let place = match channel {
            None => &mut filed.of_device,
            Some(channel) => {
                let first = || (RecordPatch::default(), property.clone());
                &mut filed.of_channels.entry(channel).or_insert_with(first).0
            }
        };
        if name == ORGANIZATION {
            place.organization = organization(&value, asked.organization.clone(), &new_id);
        } else {
            place.values.insert(name.to_owned(), value.clone());
        }
        filed.record.insert(property, value);
    }
    credentials::remember(&mut filed.record, &asked.credentials);
    filed
}

/// Where something is filed that is filed under this value, a path.
fn organization(
    value: &str,
    expected: Option<OrganizationId>,
    new_id: impl Fn() -> Option<OrganizationId>,
) -> Option<OrganizationChange> {
    if value.is_empty() {
        return Some(OrganizationChange::Detach);
    }
    let (path, id_if_new) = (value.parse().ok()?, new_id()?);
    Some(OrganizationChange::Join { path, expected, id_if_new })
}

/// What becomes of the device's records: our names for it and for its channels, what goes on
/// record, and who may register as it. Our names are what the devices get, but for those in
/// `names`, by property.
pub(crate) fn camera_patch(
    filed: &Filed,
    names: &Values,
    credentials: Option<CredentialsPatch>,
) -> CameraPatch {
    let ours = |property: &str, name: &String| names.get(property).unwrap_or(name).clone();
    let channel = |(property, name): (&String, &String)| {
        Some((channel_property(property)?, ours(property, name), property.clone()))
    };
    CameraPatch {
        name: filed.patch.get(NAME).map(|name| ours(NAME, name)),
        channels: filed.patch.iter().filter_map(channel).collect(),
        record: filed.of_device.clone(),
        channel_records: filed
            .of_channels
            .iter()
            .map(|(id, (patch, property))| (id.clone(), patch.clone(), property.clone()))
            .collect(),
        credentials,
    }
}
