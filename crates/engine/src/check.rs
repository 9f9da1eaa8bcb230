//! Checking one device: everything that must hold for it to be worked on, one by one, and for each
//! that does not what to do about it.

mod camera;
mod judgement;
mod route;

use std::collections::BTreeSet;

use fleet::{Device, DeviceId, Principal, ProjectId};

use crate::command::Error;
use crate::handle::Handle;
use judgement::Findings;
pub(crate) use route::in_words;

/// What a check found, in the order in which one thing rests on another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The items: six about a phone or four about a GB device, then one for each property that is
    /// desired of it or that its profile can set and read back.
    pub items: Vec<CheckItem>,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckItem {
    /// What: `reachable`, `authenticated`, `right phone`, `rights`, `boot identity`, `clock`; of a
    /// GB device `registered`, `credentials`, `transport`, `answers`; or a property's name.
    pub name: String,
    /// Whether it holds.
    pub result: CheckResult,
    /// What was seen, in words; empty if nothing was.
    pub detail: String,
}

/// Whether a thing holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckResult {
    /// It does.
    Passed,
    /// It does not.
    Failed {
        /// What to do about it, in a sentence.
        remedy: String,
    },
    /// It could not be looked at, since something before it failed.
    NotReached,
    /// The device's profile knows no way. No failure.
    Unsupported,
}

impl Check {
    /// Whether all holds that must: nothing failed, and nothing was not reached.
    pub fn holds(&self) -> bool {
        self.items
            .iter()
            .all(|item| matches!(item.result, CheckResult::Passed | CheckResult::Unsupported))
    }
}

impl Handle {
    /// Looks at a device and says what holds and what does not. Changes nothing.
    ///
    /// Errors: no such project or device, or the store failed. A device that does not answer is no
    /// error.
    pub async fn check(
        &self,
        principal: &Principal,
        project: &ProjectId,
        id: &DeviceId,
    ) -> Result<Check, Error> {
        let record = self.device(principal, project, id).await?;
        let examination = self.examine(&record.device).await;
        let now = self.shared.clock.now();
        let catalogue = self.shared.catalogue.get();

        let marker = examination.marker.as_deref().unwrap_or_default();
        let bears_marker_of = if marker.is_empty() || marker == record.device.marker {
            None
        } else {
            let other = self.shared.store.device_by_marker(marker).await?;
            // Of another project's devices nothing is told.
            other.filter(|other| other.project == record.device.project)
        };
        let copy = match record.state.copy {
            Some(key) => self.shared.store.records(&[key]).await?.into_iter().next(),
            None => None,
        };
        let copy = copy.filter(|other| other.project == record.device.project);
        let names: BTreeSet<&str> = catalogue
            .readable(&record.device.profile)
            .chain(record.state.desired.0.keys().map(String::as_str))
            .collect();
        Ok(judgement::judge(&Findings {
            device: &record.device,
            state: &record.state,
            camera: record.camera.as_ref(),
            examination: &examination,
            bears_marker_of: bears_marker_of.as_ref(),
            copy: copy.as_ref(),
            catalogue: &catalogue,
            names: &names,
            now,
        }))
    }
}

/// A device as a sentence names it.
fn named(device: &Device) -> String {
    format!("{} ({}, at {})", device.id, device.name, device.address)
}

#[cfg(test)]
mod tests;
