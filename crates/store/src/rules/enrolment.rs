//! Which pending devices are noted, and which are forgotten.

use std::collections::BTreeMap;

use fleet::limits::{PENDING_KEPT, REJECTED_FOR};
use fleet::{PendingDevice, ProjectKey, Timestamp};

use crate::write::NotePending;

/// Before which times pending devices, and enrolments, are forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forgotten {
    /// Those last seen then or earlier; enrolments whose time was over then.
    pub(crate) seen: Timestamp,
    /// Those rejected then or earlier: they may come again.
    pub(crate) rejected: Timestamp,
}

/// What is forgotten at `at`.
pub(crate) fn forgotten(at: Timestamp) -> Forgotten {
    let before = |kept: std::time::Duration| {
        Timestamp(at.0.saturating_sub(i64::try_from(kept.as_millis()).unwrap_or(i64::MAX)))
    };
    Forgotten { seen: before(PENDING_KEPT), rejected: before(REJECTED_FOR) }
}

/// The devices to note, by project, each once: where one is given twice, the later.
pub(crate) fn by_project(
    note: &NotePending,
) -> BTreeMap<ProjectKey, BTreeMap<&str, &PendingDevice>> {
    let mut by_project: BTreeMap<_, BTreeMap<_, &PendingDevice>> = BTreeMap::new();
    for (project, device) in &note.seen {
        let of_project = by_project.entry(*project).or_default();
        let kept = of_project.entry(device.id.as_str()).or_insert(device);
        if device.last_seen > kept.last_seen {
            *kept = device;
        }
    }
    by_project
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_device_that_is_given_twice_the_later_sighting_counts() {
        let seen = |id: &str, at| PendingDevice {
            id: fleet::DeviceId::new(id).unwrap(),
            first_seen: Timestamp(at),
            last_seen: Timestamp(at),
            remote: "192.0.2.1:5060".parse().unwrap(),
            transport: fleet::SipTransport::Udp,
            user_agent: None,
        };
        let (one, two) = (ProjectKey(1), ProjectKey(2));
        let seen = vec![
            (one, seen("a", 5)),
            (one, seen("a", 9)),
            (one, seen("a", 7)),
            (two, seen("a", 6)),
        ];
        let note = NotePending { seen, at: Timestamp(10) };
        let times: Vec<_> = by_project(&note)
            .into_iter()
            .map(|(project, devices)| (project, devices["a"].last_seen.0, devices.len()))
            .collect();
        assert_eq!(times, [(one, 9, 1), (two, 6, 1)]);
    }
}
