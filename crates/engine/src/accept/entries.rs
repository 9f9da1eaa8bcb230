//! The checks of a call's entries: one body of code for an update, a wave of a rollout, and a dry
//! run, so that they can't judge differently.

use std::sync::Arc;

use fleet::{DeviceId, Kind, Operation, ProjectId, ProjectKey, Refusal, Timestamp, Values};
use store::AcceptTarget;
use store::write::AcceptEntry;

use super::check::{Checked, check};
use super::records;
use crate::command::{Error, UpdateEntry};
use crate::handle::Handle;

/// What holds for all entries of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// The project, which the caller may see.
    pub(crate) project: (ProjectKey, &'a ProjectId),
    /// The kind of device that there is; `None`: all.
    pub(crate) kind: Option<Kind>,
    /// What is asked of each device besides the values.
    pub(crate) operation: Operation,
    /// Now.
    pub(crate) at: Timestamp,
}

/// The entries of a call, checked.
#[derive(Debug, Default)]
pub(crate) struct CheckedEntries {
    /// Those that were refused, by position.
    pub(crate) refused: Vec<(u16, Refusal)>,
    /// Those that passed, as the store takes them.
    pub(crate) passed: Vec<AcceptEntry>,
    /// Their devices, in the same order.
    pub(crate) targets: Vec<Arc<AcceptTarget>>,
    /// GB devices of which it changes who may register.
    pub(crate) registrants: Vec<DeviceId>,
}

impl Handle {
    /// Checks the entries of a call, at most 65,535. Per entry, in order: the device must be named,
    /// be known, and take every one of the properties; the first fault refuses that entry whole and
    /// no other. Changes nothing.
    ///
    /// Errors: the store failed.
    pub(crate) async fn check_entries(
        &self,
        call: Call<'_>,
        entries: Vec<UpdateEntry>,
    ) -> Result<CheckedEntries, Error> {
        let shared = &self.shared;
        let ids = entries.iter().filter_map(|entry| entry.device.clone().ok()).collect();
        let found = shared.targets.find(shared, call.project, ids).await?;
        let mut targets = found.into_iter();
        let catalogue = shared.catalogue.get();
        let mut checked = CheckedEntries {
            passed: Vec::with_capacity(entries.len()),
            targets: Vec::with_capacity(entries.len()),
            ..CheckedEntries::default()
        };
        for (position, entry) in (0_u16..).zip(entries) {
            let target = if entry.device.is_ok() { targets.next().flatten() } else { None };
            let target = target.filter(|target| call.kind.is_none_or(|kind| target.kind == kind));
            let (clear, if_revision) = (entry.clear, entry.if_revision);
            let is_camera = target.as_ref().is_some_and(|target| target.kind == Kind::Camera);
            let camera_id = if is_camera { entry.device.clone().ok() } else { None };
            match check(&catalogue, entry, target) {
                Ok(one) => {
                    let target = one.target.clone();
                    let entry = self.file(call, one, camera_id, &mut checked.registrants)?;
                    checked.passed.push(AcceptEntry { position, clear, if_revision, ..entry });
                    checked.targets.push(target);
                }
                Err(refusal) => checked.refused.push((position, refusal)),
            }
        }
        Ok(checked)
    }

    /// An entry that passed, as the store takes it; `camera_id` is a GB device's.
    fn file(
        &self,
        call: Call<'_>,
        checked: Checked,
        camera_id: Option<DeviceId>,
        registrants: &mut Vec<DeviceId>,
    ) -> Result<AcceptEntry, Error> {
        let Checked { target, patch, asked } = checked;
        let (patch, record, camera) = match camera_id {
            Some(id) => {
                let credentials = self.credentials_patch(
                    call.project.1,
                    &id,
                    &asked.credentials,
                    target.password_overlap_seconds,
                    call.at,
                )?;
                if credentials.is_some() {
                    registrants.push(id);
                }
                let filed = records::split(patch, &asked, || self.new_organization_id());
                let camera = records::camera_patch(&filed, &asked.names, credentials);
                (filed.patch, filed.record, Some(camera))
            }
            None => (patch, Values::new(), None),
        };
        let (device, operation) = (target.device, call.operation);
        Ok(AcceptEntry {
            position: 0,
            device,
            operation,
            clear: false,
            patch,
            record,
            camera,
            if_revision: None,
        })
    }
}
