//! The types of what happens that a client, or a webhook, can ask to be told of.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A type of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    /// An update was accepted, or a wave of one.
    UpdateAccepted,
    /// A job has ended.
    JobEnded,
    /// Something of a device may be another.
    DeviceChanged,
    /// Projects have come, changed or gone.
    ProjectsChanged,
}

impl EventType {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::UpdateAccepted, Self::JobEnded, Self::DeviceChanged, Self::ProjectsChanged];

    /// The word that stands for it in the store, the API and the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::UpdateAccepted => "update.accepted",
            Self::JobEnded => "job.ended",
            Self::DeviceChanged => "device.changed",
            Self::ProjectsChanged => "projects.changed",
        }
    }

    /// Its place in an [`EventTypes`].
    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// No type of event has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no type of event; there are {names}", names = EventTypes::ALL)]
pub struct UnknownEventType(String);

impl FromStr for EventType {
    type Err = UnknownEventType;

    fn from_str(text: &str) -> Result<Self, UnknownEventType> {
        let found = Self::ALL.into_iter().find(|known| known.name() == text);
        found.ok_or_else(|| UnknownEventType(text.to_owned()))
    }
}

/// Some types of events. As JSON a list of their names, as text the names with commas between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTypes(u8);

impl EventTypes {
    /// All types.
    pub const ALL: Self = Self(0b1111);

    /// Whether this type is one of them.
    pub fn holds(self, event_type: EventType) -> bool {
        self.0 & event_type.bit() != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their names.
    pub fn names(self) -> Vec<&'static str> {
        let held = EventType::ALL.into_iter().filter(|known| self.holds(*known));
        held.map(EventType::name).collect()
    }
}

impl FromIterator<EventType> for EventTypes {
    fn from_iter<I: IntoIterator<Item = EventType>>(types: I) -> Self {
        Self(types.into_iter().fold(0, |bits, event_type| bits | event_type.bit()))
    }
}

impl fmt::Display for EventTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(", "))
    }
}

impl FromStr for EventTypes {
    type Err = UnknownEventType;

    /// Reads types that are parted by commas: at least one.
    fn from_str(text: &str) -> Result<Self, UnknownEventType> {
        text.split(',').map(|name| name.trim().parse::<EventType>()).collect()
    }
}

impl Serialize for EventTypes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.names().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for EventTypes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        names.iter().map(|name| name.parse().map_err(D::Error::custom)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_by_name_and_a_wrong_one_is_named() {
        let some: EventTypes = "job.ended, device.changed".parse().unwrap();
        assert_eq!(some.names(), ["job.ended", "device.changed"]);
        assert!(some.holds(EventType::JobEnded) && !some.holds(EventType::UpdateAccepted));
        let all = "update.accepted,job.ended,device.changed,projects.changed";
        assert_eq!(all.parse(), Ok(EventTypes::ALL));
        assert_eq!(EventType::ALL.into_iter().collect::<EventTypes>(), EventTypes::ALL);
        for text in ["", "job.ended,", "job.begun", "dropped"] {
            let error = text.parse::<EventTypes>().unwrap_err().to_string();
            assert!(error.contains("update.accepted, job.ended"), "{error}");
        }
    }

    #[test]
    fn as_json_they_are_a_list_of_names() {
        let some: EventTypes = "device.changed,job.ended".parse().unwrap();
        let text = serde_json::to_string(&some).unwrap();
        assert_eq!(text, r#"["job.ended","device.changed"]"#);
        assert_eq!(serde_json::from_str::<EventTypes>(&text).unwrap(), some);
        assert!(serde_json::from_str::<EventTypes>("[]").unwrap().is_empty());
        assert!(serde_json::from_str::<EventTypes>(r#"["job.begun"]"#).is_err());
    }
}
