//! Why one device's entry of an update was not accepted. Nothing has changed for that device; the
//! other entries of the call are not affected.

use serde::{Deserialize, Serialize};

use crate::id::Revision;

/// A refused entry. Each door has its own codes and words for these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Refusal {
    /// The id is missing, not text, empty or too long.
    #[error("the device id is malformed")]
    DeviceIdInvalid,
    /// No such device in the caller's project.
    #[error("no such device")]
    DeviceUnknown,
    /// The set of properties can't be read as one.
    #[error("the properties are malformed: {detail}")]
    PropertiesInvalid {
        /// What is wrong and where, in a sentence.
        detail: String,
    },
    /// No such property, or one that may not be set, or one that this device can't take.
    #[error("property {name} is not supported: {detail}")]
    PropertyUnsupported {
        /// The property, as the caller named it.
        name: String,
        /// Which of the three it is.
        detail: String,
    },
    /// A value that the property does not allow.
    #[error("property {name} is invalid: {detail}")]
    PropertyInvalid {
        /// The property, as the caller named it.
        name: String,
        /// What the property does allow.
        detail: String,
    },
    /// The device lacks what a preset makes one of its values of.
    #[error("property {name} needs {variable}, which the device lacks")]
    VariableMissing {
        /// The property.
        name: String,
        /// What is missing: `name`, `server`, `tag:KEY` or `var:NAME`.
        variable: String,
    },
    /// The device is at another revision than the caller said that it has to be at.
    #[error("the device is at revision {}, not {}", .current.0, .expected.0)]
    RevisionDiffers {
        /// What the caller said.
        expected: Revision,
        /// Where the device is.
        current: Revision,
    },
    /// An operator has frozen the device.
    #[error("the device is frozen")]
    Frozen,
    /// The device has as many open jobs as it may have, or as much desired state.
    #[error("the device is busy: {detail}")]
    Busy {
        /// Which bound was met.
        detail: String,
    },
}
