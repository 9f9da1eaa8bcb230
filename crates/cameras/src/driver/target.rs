//! What an action asks of a device, sorted by whom it is told to: the device itself, or one of its
//! channels. Pure.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Action, Fault};
use fleet::catalogue::{
    EXPIRATION, HEARTBEAT_COUNT, HEARTBEAT_INTERVAL, NAME, Profile, SetBy, channel_property,
    channel_property_name,
};
use fleet::{Catalogue, DeviceId, Revision};

/// A part of BasicParam that is a property here (GB/T 28181-2016, A.2.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// `Name`.
    Name,
    /// `Expiration`, in seconds.
    Expiration,
    /// `HeartBeatInterval`, in seconds.
    HeartBeatInterval,
    /// `HeartBeatCount`.
    HeartBeatCount,
}

impl Part {
    /// The element that it is, which is also the property of a device.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Name => NAME,
            Self::Expiration => EXPIRATION,
            Self::HeartBeatInterval => HEARTBEAT_INTERVAL,
            Self::HeartBeatCount => HEARTBEAT_COUNT,
        }
    }

    /// The part that a device's property of this name is.
    fn of(name: &str) -> Option<Self> {
        [Self::Name, Self::Expiration, Self::HeartBeatInterval, Self::HeartBeatCount]
            .into_iter()
            .find(|part| part.name() == name)
    }
}

/// Parts with their values, as text.
pub(super) type Parts = BTreeMap<Part, String>;

/// Whom a DeviceConfig is sent to, by its `DeviceID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The id of the device or channel.
    pub(super) id: DeviceId,
    /// Whether it is a channel.
    pub(super) is_channel: bool,
    /// What it is to show. Of a channel the name alone.
    pub(super) wanted: Parts,
    /// The desired revision of each part in `wanted`.
    pub(super) revisions: BTreeMap<Part, Revision>,
    /// What is only read.
    pub(super) read: BTreeSet<Part>,
    /// Whether it takes no configuration, so that what it is to show is a record of ours.
    pub(super) is_record: bool,
}

impl Target {
    /// One of which nothing is asked yet.
    fn new(id: DeviceId, is_channel: bool) -> Self {
        let (wanted, revisions, read) = (Parts::new(), BTreeMap::new(), BTreeSet::new());
        Self { id, is_channel, wanted, revisions, read, is_record: false }
    }

    /// The property that a part of it is.
    pub(super) fn property(&self, part: Part) -> String {
        if self.is_channel { channel_property_name(&self.id) } else { part.name().to_owned() }
    }

    /// Whether all that is wanted was asked for by the revision `through`.
    pub(super) fn is_covered(&self, through: Revision) -> bool {
        self.revisions.values().all(|revision| *revision <= through)
    }

    /// The target with only that to show which was asked for by the revision `through`, and with
    /// the rest. Each reads all.
    pub(super) fn split(&self, through: Option<Revision>) -> (Self, Self) {
        let (mut before, mut since) = (self.clone(), self.clone());
        for (part, revision) in &self.revisions {
            let is_before = through.is_some_and(|through| *revision <= through);
            let other = if is_before { &mut since } else { &mut before };
            other.wanted.remove(part);
            other.revisions.remove(part);
            other.read.insert(*part);
        }
        (before, since)
    }

    /// Whether the part is to be read.
    pub(super) fn asks_for(&self, part: Part) -> bool {
        self.wanted.contains_key(&part) || self.read.contains(&part)
    }
}

/// An action, sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sorted {
    /// Whom something is asked of: the device first, then channels by their ids.
    pub(super) targets: Vec<Target>,
    /// Properties that can't be set or read, and why.
    pub(super) faults: BTreeMap<String, Fault>,
    /// Properties that are records of ours.
    pub(super) recorded: BTreeSet<String>,
}

/// What becomes of one property.
enum Way {
    /// A part of the configuration of the device or a channel.
    Part(Option<DeviceId>, Part),
    /// The name of a channel that takes no configuration: it can only be read.
    ReadOnly(DeviceId),
    /// A record of ours.
    Recorded,
    /// Nothing; why, in words.
    None(String),
}

/// Sorts what `action` asks of the device `id`, which is spoken to by `profile`.
pub(super) fn sort(
    catalogue: &Catalogue,
    profile: &Profile,
    id: &DeviceId,
    action: &Action,
) -> Sorted {
    let mut sorted = Sorted::default();
    let mut targets: BTreeMap<Option<DeviceId>, Target> = BTreeMap::new();
    let set = action.set.iter().map(|(name, value)| (name, Some(value)));
    // What a boot wipes, no GB device has: nothing tells its boots apart.
    let read = action.read.iter().chain(action.set_after_boot.keys()).map(|name| (name, None));
    for (name, value) in set.chain(read) {
        let (channel, part, is_record) = match way(catalogue, profile, name) {
            Way::Part(channel, part) => (channel, part, false),
            Way::ReadOnly(channel) => (Some(channel), Part::Name, true),
            Way::Recorded => {
                sorted.recorded.insert(name.clone());
                continue;
            }
            Way::None(why) => {
                sorted.faults.insert(name.clone(), Fault::Unsupported(why));
                continue;
            }
        };
        let is_channel = channel.is_some();
        let target_id = channel.clone().unwrap_or_else(|| id.clone());
        let target = targets.entry(channel).or_insert_with(|| Target::new(target_id, is_channel));
        target.is_record = is_record;
        match value {
            Some(value) => {
                let revision = action.set_revisions.get(name).copied();
                target.revisions.insert(part, revision.unwrap_or(action.revision));
                target.wanted.insert(part, value.clone());
            }
            None => {
                target.read.insert(part);
            }
        }
    }
    sorted.targets = targets.into_values().collect();
    sorted
}

/// What becomes of the property `name` on devices of `profile`.
fn way(catalogue: &Catalogue, profile: &Profile, name: &str) -> Way {
    let channel = channel_property(name);
    if let (Some(channel), Some(gb)) = (&channel, &profile.gb)
        && !gb.channel_names
    {
        return Way::ReadOnly(channel.clone());
    }
    let unknown = || Way::None(format!("profile {}: there is no such property", profile.name));
    match catalogue.route(&profile.name, name).map(|route| route.set_by) {
        Some(SetBy::BasicParam) => match (channel, Part::of(name)) {
            (Some(channel), _) => Way::Part(Some(channel), Part::Name),
            (None, Some(part)) => Way::Part(None, part),
            (None, None) => unknown(),
        },
        Some(SetBy::Stored) => Way::Recorded,
        Some(SetBy::Unsupported { reason }) => {
            Way::None(format!("profile {}: {reason}", profile.name))
        }
        _ => unknown(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: &str = "34020000001180000001";
    const CHANNEL: &str = "34020000001310000002";

    fn sorted(profile: &str, set: &[(&str, &str)], read: &[&str]) -> Sorted {
        let catalogue = Catalogue::built_in().unwrap();
        let profile = catalogue.profile(profile).unwrap();
        let action = Action {
            set: set.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            read: read.iter().map(|name| (*name).to_owned()).collect(),
            ..Action::default()
        };
        sort(&catalogue, profile, &DeviceId::new(DEVICE).unwrap(), &action)
    }

    #[test]
    fn the_device_comes_first_and_each_channel_is_one_target() {
        let channel = format!("Channel.{CHANNEL}.Name");
        let sorted = sorted(
            "generic",
            &[(&channel, "门"), ("Name", "a")],
            &["Expiration", "HeartBeatCount"],
        );
        let [device, second] = &sorted.targets[..] else { panic!("{sorted:?}") };
        assert_eq!((device.id.as_str(), device.is_channel), (DEVICE, false));
        assert_eq!(device.wanted, Parts::from([(Part::Name, "a".to_owned())]));
        assert!(device.asks_for(Part::Expiration) && device.asks_for(Part::HeartBeatCount));
        assert!(!device.asks_for(Part::HeartBeatInterval));
        assert_eq!((second.id.as_str(), second.is_channel), (CHANNEL, true));
        assert_eq!(second.property(Part::Name), channel);
        assert_eq!((sorted.faults.len(), sorted.recorded.len()), (0, 0));
    }

    #[test]
    fn what_was_asked_for_since_is_told_apart() {
        let mut target = Target::new(DeviceId::new(DEVICE).unwrap(), false);
        for (part, revision) in [(Part::Name, 3), (Part::Expiration, 4)] {
            target.wanted.insert(part, "1".to_owned());
            target.revisions.insert(part, Revision(revision));
        }
        let parts = |target: &Target| target.wanted.keys().copied().collect::<Vec<Part>>();
        for (through, expected) in [
            (None, (vec![], vec![Part::Name, Part::Expiration])),
            (Some(3), (vec![Part::Name], vec![Part::Expiration])),
            (Some(4), (vec![Part::Name, Part::Expiration], vec![])),
        ] {
            let (before, since) = target.split(through.map(Revision));
            assert_eq!((parts(&before), parts(&since)), expected);
            assert!(before.asks_for(Part::Expiration) && since.asks_for(Part::Name));
        }
        assert!(target.is_covered(Revision(4)) && !target.is_covered(Revision(3)));
    }

    #[test]
    fn a_make_that_takes_no_channel_is_read_all_the_same() {
        let channel = format!("Channel.{CHANNEL}.Name");
        let sorted = sorted("dahua", &[(&channel, "门"), ("Name", "a")], &[]);
        let [device, channel] = &sorted.targets[..] else { panic!("{sorted:?}") };
        assert_eq!((device.is_record, channel.is_record), (false, true));
    }

    #[test]
    fn what_no_camera_has_is_a_fault() {
        let sorted = sorted("generic", &[("sys.prop.writephonenum", "1")], &["Channel.1.Name"]);
        assert_eq!(sorted.targets, []);
        for name in ["sys.prop.writephonenum", "Channel.1.Name"] {
            let Some(Fault::Unsupported(why)) = sorted.faults.get(name) else { panic!("{name}") };
            assert_eq!(why, "profile generic: there is no such property");
        }
    }
}
