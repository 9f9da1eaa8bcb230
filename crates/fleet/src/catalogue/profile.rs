//! Profiles: how one make of device is spoken to.

use serde::Deserialize;

use super::names::Names;
use super::property::Timing;

/// The most bytes of a value that `setprop` takes, but for `ro.*` names, whose values have no such
/// bound: `PROP_VALUE_MAX` (92) less the terminator (AOSP, bionic/libc/include/sys/
/// system_properties.h and system/core/init/property_service.cpp).
pub const SETPROP_VALUE_BYTES_MAX: usize = 91;

/// How one make of device is spoken to.
#[derive(Debug)]
pub struct Profile {
    /// What a device's record calls it.
    pub name: String,
    /// How such a device is restarted.
    pub restart: Restart,
    /// Which devices it is for.
    pub meaning: String,
    /// How it applies each property.
    pub(super) rules: Names<Rule>,
}

/// How a device is restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// By adbd's `reboot:` service.
    AdbReboot,
    /// Not by us.
    None,
}

/// How long a value holds on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retention {
    /// It survives restarts.
    Data,
    /// Each boot loses it.
    Boot,
}

impl Retention {
    /// Android's own rule: it stores properties whose names begin with `persist.` under /data, and
    /// keeps all others in memory (AOSP, "Add system properties").
    fn of_android(name: &str) -> Self {
        if name.starts_with("persist.") { Self::Data } else { Self::Boot }
    }
}

/// How a value is set on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetBy<'a> {
    /// By `setprop`.
    Setprop {
        /// The device's name for the property.
        name: &'a str,
    },
    /// Not at all.
    Unsupported {
        /// Why not, in words for the caller.
        reason: &'a str,
    },
}

/// How a profile applies one property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route<'a> {
    /// How it is set.
    pub set_by: SetBy<'a>,
    /// How long the value holds.
    pub retention: Retention,
    /// When the value begins to act.
    pub timing: Timing,
}

impl Route<'_> {
    /// The most bytes of a value that this route can carry to the device; `None` where it sets no
    /// bound of its own.
    pub fn value_bytes_max(&self) -> Option<usize> {
        match self.set_by {
            SetBy::Setprop { name } if !name.starts_with("ro.") => Some(SETPROP_VALUE_BYTES_MAX),
            SetBy::Setprop { .. } | SetBy::Unsupported { .. } => None,
        }
    }
}

/// One rule of a profile: how it applies the properties that the rule names.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// How they are set.
    pub(super) how: How,
    /// How long their values hold, where it is not as Android's own rule says.
    pub(super) retention: Option<Retention>,
    /// When their values begin to act, where it is not as the catalogue says.
    pub(super) timing: Option<Timing>,
}

/// How a rule sets a property.
#[derive(Debug, Clone)]
pub(super) enum How {
    /// By `setprop` under the property's own name.
    Setprop,
    /// Not at all, for this reason.
    Unsupported(String),
}

impl Rule {
    /// The route of the property `name`, which begins to act at `timing` unless the rule says
    /// otherwise.
    pub(super) fn route<'a>(&'a self, name: &'a str, timing: Timing) -> Route<'a> {
        Route {
            set_by: match &self.how {
                How::Setprop => SetBy::Setprop { name },
                How::Unsupported(reason) => SetBy::Unsupported { reason },
            },
            retention: self.retention.unwrap_or_else(|| Retention::of_android(name)),
            timing: self.timing.unwrap_or(timing),
        }
    }
}
