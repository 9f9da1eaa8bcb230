//! Tags: keys and values that clients put on phones and servers (CPH API, "Tag management").

use fleet::DeviceId;

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// Its key, unique on one thing.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// A thing that can have tags.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Tagged {
    /// A phone.
    Device(DeviceId),
    /// The host that phones live on, by its id.
    Server(String),
}

/// Which sort of things is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaggedKind {
    /// Phones.
    Device,
    /// Hosts.
    Server,
}

/// Which things of a project to list by their tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagFilter {
    /// Each key must be there with one of its values; with any if there are none.
    pub tags: Vec<(String, Vec<String>)>,
    /// Only things without any tag.
    pub without_any: bool,
    /// Only the thing with exactly this name.
    pub name: Option<String>,
}

/// A thing with its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaggedThing {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its tags, by key.
    pub tags: Vec<Tag>,
}
