//! What a group has to see and to lock.

use std::collections::{BTreeMap, BTreeSet};

use fleet::{DeviceKey, JobId, Operation, Principal};

use crate::rules;
use crate::write::{Accept, Settle};
use crate::{Fence, Write};

/// The keys of all that a group looks at, each kind in the order in which it is locked.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// Shards whose fences are to hold.
    pub(super) shards: BTreeSet<i64>,
    /// Devices whose state is looked at, and whether what is desired of them and shown by them is.
    pub(super) states: BTreeMap<i64, bool>,
    /// Devices whose binding is looked at.
    pub(super) bindings: BTreeSet<i64>,
    /// Devices that are bound.
    pub(super) bound: BTreeSet<i64>,
    /// GB devices of which something is noted.
    pub(super) cameras: BTreeSet<i64>,
    /// Devices whose adoption a result may be about, whatever their state is.
    pub(super) adoptions: BTreeSet<i64>,
    /// Devices that a result says have shown their marker.
    pub(super) adopted: BTreeSet<i64>,
    /// Jobs of calls that may be made again.
    pub(super) jobs: BTreeSet<JobId>,
    /// Whether it matters which sessions last.
    pub(super) sessions: bool,
}

impl Needs {
    /// What this group needs.
    pub(super) fn of(group: &[(&Principal, &Write)]) -> Self {
        let mut needs = Self::default();
        for (principal, write) in group {
            match write {
                // To one who may not see the project there is nothing to look at.
                Write::Accept(accept) if principal.may_see(accept.project) => needs.accept(accept),
                Write::Settle(settle) => needs.settle(settle),
                Write::Bind(_, bindings) if principal.is_server_admin() => {
                    needs.bound.extend(bindings.iter().map(|binding| binding.device.0));
                }
                Write::NotePush(note) => {
                    needs.fence(note.fence, note.device);
                    needs.cameras.insert(note.device.0);
                }
                Write::NoteSurvey(note) => {
                    needs.state(note.device, false);
                    needs.cameras.insert(note.device.0);
                }
                Write::RecordChannels(record) => {
                    needs.state(record.device, false);
                    needs.cameras.insert(record.device.0);
                }
                _ => {}
            }
        }
        // Nothing else looks at bindings: they are written as they are, without a look.
        if !needs.bindings.is_empty() {
            needs.bindings.extend(&needs.bound);
        }
        needs
    }

    /// What accepting an update looks at, for one who may have it accepted.
    pub(super) fn of_update(accept: &Accept) -> Self {
        let mut needs = Self::default();
        needs.accept(accept);
        needs
    }

    /// What accepting an update looks at.
    fn accept(&mut self, accept: &Accept) {
        if accept.may_repeat {
            let positions = accept.entries.iter().map(|entry| entry.position);
            self.jobs.extend(positions.filter_map(|position| accept.request.job(position)));
        }
        for entry in &accept.entries {
            self.state(entry.device, rules::before::is_of_desired(entry));
            let is_stored = entry.operation == Operation::Update
                && entry.camera.is_some()
                && !rules::is_of_records_alone(entry);
            if is_stored {
                self.bindings.insert(entry.device.0);
            }
        }
    }

    /// What recording a result looks at.
    fn settle(&mut self, settle: &Settle) {
        self.fence(settle.fence, settle.device);
        let is_desired = settle.forget_below.is_some() || !settle.desire.is_empty();
        self.state(settle.device, is_desired);
        if settle.adoption_done.is_some() || !settle.desire.is_empty() {
            self.adoptions.insert(settle.device.0);
        } else if settle.adopted {
            self.adopted.insert(settle.device.0);
        }
    }

    /// What a fence is compared with. The state is locked in any case: whoever is next to write of
    /// the device waits for that.
    fn fence(&mut self, fence: Fence, device: DeviceKey) {
        if let Fence::Shard { shard, .. } = fence {
            self.shards.insert(i64::from(shard.0));
        }
        self.state(device, false);
        self.bindings.insert(device.0);
        self.sessions = true;
    }

    /// A device's state, and perhaps what is desired of it.
    fn state(&mut self, device: DeviceKey, desired: bool) {
        *self.states.entry(device.0).or_default() |= desired;
    }
}
