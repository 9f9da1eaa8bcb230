//! What stands of devices at this moment: what is desired of them, or on record, by property.

use std::collections::{BTreeSet, HashMap};

use fleet::catalogue::{NAME, ORGANIZATION, channel_property, record_of};
use fleet::limits::{CHANNELS_PER_DEVICE_MAX, DEVICES_PER_PAGE_MAX};
use fleet::{Channel, DeviceId, DeviceKey, Organization, Principal, ProjectId, Selector, Values};
use store::DeviceWithState;

use crate::command::Error;
use crate::handle::Handle;

/// What stands of some devices.
#[derive(Debug, Default)]
pub(crate) struct Holdings {
    devices: HashMap<DeviceKey, DeviceWithState>,
    channels: HashMap<(DeviceKey, DeviceId), Channel>,
}

impl Handle {
    /// Reads what stands of these devices of a project, those that exist, and of those of their
    /// channels that these properties name.
    ///
    /// Errors: the store failed.
    pub(crate) async fn holdings(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Vec<DeviceId>,
        properties: BTreeSet<String>,
    ) -> Result<Holdings, Error> {
        let store = &self.shared.store;
        let mut devices = Vec::new();
        // An empty selector means all devices.
        let mut after = (!ids.is_empty()).then_some(DeviceKey(0));
        let selector = Selector { ids, ..Selector::default() };
        while let Some(key) = after {
            let limit = DEVICES_PER_PAGE_MAX;
            let page = store.select(principal, Some(project), &selector, key, limit).await?;
            devices.extend(page.devices);
            after = page.next;
        }
        self.holdings_of(principal, devices, properties).await
    }

    /// What stands of these devices, and of those of their channels that these properties name.
    ///
    /// Errors: the store failed.
    pub(crate) async fn holdings_of(
        &self,
        principal: &Principal,
        devices: Vec<DeviceWithState>,
        properties: BTreeSet<String>,
    ) -> Result<Holdings, Error> {
        let named: BTreeSet<DeviceId> =
            properties.iter().filter_map(|name| channel(name)).collect();
        let mut channels = HashMap::new();
        let cameras = devices.iter().filter(|found| !named.is_empty() && found.camera.is_some());
        let most = u32::try_from(CHANNELS_PER_DEVICE_MAX).unwrap_or(u32::MAX);
        for found in cameras {
            let key = found.device.key;
            let all = self.shared.store.channels(principal, key, "", most).await?;
            let all = all.into_iter().filter(|channel| named.contains(&channel.id));
            channels.extend(all.map(|channel| ((key, channel.id.clone()), channel)));
        }
        let devices = devices.into_iter().map(|found| (found.device.key, found)).collect();
        Ok(Holdings { devices, channels })
    }
}

impl Holdings {
    /// One of the devices, if it exists.
    pub(crate) fn device(&self, key: DeviceKey) -> Option<&DeviceWithState> {
        self.devices.get(&key)
    }

    /// Whether the device has the channel that the property names, or it names none.
    pub(crate) fn has_channel(&self, key: DeviceKey, property: &str) -> bool {
        channel(property).is_none_or(|channel| self.channels.contains_key(&(key, channel)))
    }

    /// What stands there now: what is on record of the device or its channel, or what is desired.
    pub(crate) fn now(&self, key: DeviceKey, property: &str) -> Option<String> {
        let device = self.devices.get(&key)?;
        let record = record_of(property).filter(|_| device.camera.is_some());
        let Some(record) = record else {
            return device.state.desired.get(property).map(|desired| desired.value.clone());
        };
        match record.channel {
            None => {
                let camera = device.camera.as_ref()?;
                on_record(&camera.record, camera.organization.as_ref(), record.name)
            }
            Some(id) => {
                let channel = self.channels.get(&(key, id))?;
                on_record(&channel.record, channel.organization.as_ref(), record.name)
            }
        }
    }

    /// Our name there, empty for none, if the property is the name of a device or of a channel.
    pub(crate) fn name(&self, key: DeviceKey, property: &str) -> Option<String> {
        let device = self.devices.get(&key)?;
        match channel_property(property) {
            Some(id) => Some(self.channels.get(&(key, id))?.name.clone().unwrap_or_default()),
            None => (property == NAME).then(|| device.device.name.clone()),
        }
    }

    /// What the device last showed there.
    pub(crate) fn shown(&self, key: DeviceKey, property: &str) -> Option<String> {
        self.devices.get(&key)?.state.reported.values.get(property)?.value.clone()
    }
}

/// The channel that a property is about, if it is about one.
fn channel(property: &str) -> Option<DeviceId> {
    channel_property(property).or_else(|| record_of(property)?.channel)
}

/// What is on record under this name.
fn on_record(record: &Values, filed: Option<&Organization>, name: &str) -> Option<String> {
    match name {
        ORGANIZATION => filed.map(|organization| organization.path.to_string()),
        _ => record.get(name).cloned(),
    }
}
