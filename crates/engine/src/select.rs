//! The devices that a selector means, all of them, and how many they are.

use fleet::limits::{COUNT_WALK_MAX, SELECT_WALK_MAX, UPDATE_DEVICES_MAX};
use fleet::{DeviceId, DeviceKey, Principal, ProjectId, Selector};

use crate::command::Error;
use crate::handle::Handle;

/// Devices that one page gives at most.
const PAGE: u32 = 10_000;
const _: () = assert!(PAGE as usize <= SELECT_WALK_MAX, "a page walks past no more");

impl Handle {
    /// The devices of a project that a selector means, by key.
    ///
    /// Errors: there are none, or more than [`UPDATE_DEVICES_MAX`], with their number; or the store
    /// failed.
    pub(crate) async fn selected(
        &self,
        principal: &Principal,
        project: &ProjectId,
        selector: &Selector,
    ) -> Result<Vec<(DeviceKey, DeviceId)>, Error> {
        let store = &self.shared.store;
        let mut devices = Vec::new();
        let mut found = 0;
        let mut after = Some(DeviceKey(0));
        while let Some(key) = after {
            let page = store.select_keys(principal, Some(project), selector, key, PAGE).await?;
            found += page.devices.len();
            // Beyond what is allowed they are counted, for the refusal to say how many there are.
            if found <= UPDATE_DEVICES_MAX {
                devices.extend(page.devices);
            }
            after = page.next;
        }
        match found {
            0 => Err(Error::NoneFound),
            1..=UPDATE_DEVICES_MAX => Ok(devices),
            _ => Err(Error::TooManyDevices { found: found as u64 }),
        }
    }

    /// How many devices a selector means, of one project if it is given, and whether there may be
    /// more: they are counted among the first [`COUNT_WALK_MAX`] that are looked at.
    ///
    /// Errors: the store failed.
    pub async fn count_selected(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        selector: &Selector,
    ) -> Result<(u64, bool), Error> {
        let store = &self.shared.store;
        let (mut found, mut after) = (0, Some(DeviceKey(0)));
        for _ in 0..COUNT_WALK_MAX / SELECT_WALK_MAX {
            let Some(key) = after else { break };
            let page = store.select_keys(principal, project, selector, key, PAGE).await?;
            found += page.devices.len() as u64;
            after = page.next;
        }
        Ok((found, after.is_some()))
    }
}
