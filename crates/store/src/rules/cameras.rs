//! What an update changes of a GB device's records besides its desired state.

use fleet::catalogue::ORGANIZATION;
use fleet::limits::ORGANIZATIONS_PER_PROJECT_MAX;
use fleet::{DeviceId, OrganizationChange, RecordPatch, Refusal, Values};

use super::organizations::Unfit;
use crate::write::{CameraPatch, CredentialsPatch};

/// Whether it puts anything on record besides names, which are asked for as values too.
pub(crate) fn is_of_records(patch: &CameraPatch) -> bool {
    !patch.record.is_empty() || !patch.channel_records.is_empty() || patch.credentials.is_some()
}

/// The channels that it is about, each with a property that asks for something of it.
pub(crate) fn channels(patch: &CameraPatch) -> impl Iterator<Item = (&DeviceId, &str)> {
    let named = patch.channels.iter().map(|(id, _, property)| (id, property.as_str()));
    let recorded = patch.channel_records.iter().map(|(id, _, property)| (id, property.as_str()));
    named.chain(recorded)
}

/// Where the device and its channels are to be filed.
pub(crate) fn joined(patch: &CameraPatch) -> impl Iterator<Item = &OrganizationChange> {
    let channels = patch.channel_records.iter().map(|(_, record, _)| record);
    std::iter::once(&patch.record).chain(channels).filter_map(|record| record.organization.as_ref())
}

/// The refusal of a property of a channel that the device does not have.
pub fn no_such_channel(property: &str) -> Refusal {
    let detail = "the device has no such channel".to_owned();
    Refusal::PropertyUnsupported { name: property.to_owned(), detail }
}

/// The refusal of what can't be filed where it is to be.
pub(crate) fn refusal(unfit: Unfit) -> Refusal {
    let invalid = |detail| Refusal::PropertyInvalid { name: ORGANIZATION.to_owned(), detail };
    match unfit {
        Unfit::Other(id, path) => {
            invalid(format!("the id is {id}, not the one given, of the organization {path}"))
        }
        Unfit::Missing(id, path) => {
            invalid(format!("no organization has the id {id}: there is none of the path {path}"))
        }
        Unfit::TooMany => Refusal::Busy {
            detail: format!(
                "its project would have more than {ORGANIZATIONS_PER_PROJECT_MAX} organizations"
            ),
        },
    }
}

/// What is on record of a GB device or a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OnRecord {
    /// The values, by property.
    pub(crate) values: Values,
    /// The key of the organization in which it is filed.
    pub(crate) organization: Option<i64>,
}

/// The values on record once `patch` is put there; an empty one takes its property off.
pub(crate) fn values_after(before: &Values, patch: &RecordPatch) -> Values {
    let mut values = before.clone();
    for (name, value) in &patch.values {
        if value.is_empty() {
            values.remove(name);
        } else {
            values.insert(name.clone(), value.clone());
        }
    }
    values
}

/// What a GB device has to register with.
pub(crate) struct Registers {
    /// The user name that counts: the device's id where none is on record.
    pub(crate) user: String,
    /// Whether it has a password.
    pub(crate) has_password: bool,
    /// What tells its password; `None` where that is from before there were tags: no other is the
    /// same.
    pub(crate) tag: Option<[u8; 16]>,
}

/// Whether all that a change of credentials gives is what the device registers with already.
pub(crate) fn is_same(present: &Registers, patch: &CredentialsPatch) -> bool {
    patch.user.as_ref().is_none_or(|user| *user == present.user)
        && patch.password.as_ref().is_none_or(|new| present.tag == Some(new.tag))
}
