//! Profiles: how one make of device is spoken to.

use std::sync::Arc;

use serde::Deserialize;

use super::names::Names;
use super::property::Timing;
use super::rule::Rule;
use crate::device::Kind;

/// The most bytes of a value that `setprop` takes, but for `ro.*` names, whose values have no such
/// bound: `PROP_VALUE_MAX` (92) less the terminator (AOSP, bionic/libc/include/sys/
/// system_properties.h and system/core/init/property_service.cpp).
pub const SETPROP_VALUE_BYTES_MAX: usize = 91;

/// How one make of device is spoken to.
#[derive(Debug)]
pub struct Profile {
    /// What a device's record calls it.
    pub name: String,
    /// What sort of device it is for.
    pub kind: Kind,
    /// How such a phone is restarted; [`Restart::None`] for a camera.
    pub restart: Restart,
    /// How such a phone goes back to how it left the factory; [`FactoryReset::None`] for a camera.
    pub factory_reset: FactoryReset,
    /// The rights that setting values takes, and how they are got; [`Privilege::None`] for a
    /// camera.
    pub privilege: Privilege,
    /// What the operator runs for what ADB can't do; nothing for a camera.
    pub commands: Commands,
    /// How such a GB device is spoken to: `Some` for a camera, and only for one.
    pub gb: Option<GbProfile>,
    /// Which devices it is for.
    pub meaning: String,
    /// How it applies each property.
    pub(super) rules: Names<Arc<Rule>>,
}

/// The profile of a camera whose make is not known: the one by which it is spoken to until it has
/// said who made it.
pub const GENERIC_PROFILE: &str = "generic";

/// How one make of GB device is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GbProfile {
    /// The shape of DeviceConfig's BasicParam that it takes.
    pub shape: GbShape,
    /// Whether it takes a DeviceConfig with a channel's id, which gives that channel a name. Where
    /// it does not, our name for a channel is a record of ours.
    pub channel_names: bool,
    /// Texts, in lower case, of which its DeviceInfo's Manufacturer has one, in whatever case.
    pub manufacturers: Vec<String>,
}

impl GbProfile {
    /// The longest of its texts that `manufacturer`, in lower case, has; `None` if it has none.
    pub(super) fn matched(&self, manufacturer: &str) -> Option<usize> {
        let found = self.manufacturers.iter().filter(|text| manufacturer.contains(text.as_str()));
        found.map(String::len).max()
    }
}

/// The shape of DeviceConfig's BasicParam.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
pub enum GbShape {
    /// That of GB/T 28181-2016 and -2022: name, expiration, heartbeat interval and count, each
    /// there or not.
    #[serde(rename = "2016")]
    Y2016,
    /// That of the amendment of 2014 to GB/T 28181-2011: those four, the ids and addresses of the
    /// device and the server, and the password, all of them there.
    #[serde(rename = "2014")]
    Y2014,
}

impl GbShape {
    /// The word that stands for it in profile files and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Y2016 => "2016",
            Self::Y2014 => "2014",
        }
    }
}

/// How a device is restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// By adbd's `reboot:` service.
    AdbReboot,
    /// By stopping and starting Android's framework, which leaves the kernel and process 1 alone:
    /// the boot identity stays, and what a boot wipes is not wiped.
    Framework,
    /// By the operator's [`Commands::restart`].
    Command,
    /// Not by us.
    None,
}

/// How a device goes back to how it left the factory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactoryReset {
    /// By `cmd testharness enable`, which wipes the data and keeps the ADB keys (Android 10 and
    /// later; AOSP, "Test Harness Mode").
    TestHarness,
    /// By the operator's [`Commands::factory_reset`].
    Command,
    /// Not by us.
    None,
}

/// The rights that setting values takes, and how they are got. `root:` is never sent: it would drop
/// everybody's sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Privilege {
    /// Those of the shell user.
    None,
    /// Root's, by `su`.
    Su,
    /// Root's, which adbd itself runs with.
    RootShell,
}

/// Commands of the operator for what ADB can't do: a program and its arguments, run without a shell
/// and for a limited time. In an argument `{device}`, `{project}`, `{server}`, `{container}`,
/// `{host}` and `{port}` stand for what the record says. A command must be harmless if it is run
/// twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commands {
    /// Restarts the device.
    pub restart: Option<Vec<String>>,
    /// Starts it when it is stopped.
    pub start: Option<Vec<String>>,
    /// Stops it.
    pub stop: Option<Vec<String>>,
    /// Takes it back to how it left the factory, and starts it.
    pub factory_reset: Option<Vec<String>>,
}

/// How long a value holds on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retention {
    /// It is ours alone.
    Record,
    /// It survives restarts.
    Data,
    /// Each boot loses it.
    Boot,
    /// It is fixed when the device's container starts.
    StartArgs,
}

impl Retention {
    /// Android's own rule: it stores properties whose names begin with `persist.` under /data, and
    /// keeps all others in memory (AOSP, "Add system properties").
    pub(super) fn of_android(name: &str) -> Self {
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
    /// By `setprop`, once a boot: the device's property is read-only once it has a value.
    SetpropOncePerBoot {
        /// The device's name for the property.
        name: &'a str,
    },
    /// By `settings put`, and read back by `settings get`.
    Settings {
        /// `system`, `secure` or `global`.
        namespace: &'a str,
        /// The setting.
        key: &'a str,
    },
    /// By a program on the device, in whose arguments `{value}` stands for the value.
    Command {
        /// The program that sets the value, and its arguments.
        set: &'a [String],
        /// The program that prints the value, and its arguments; empty if there is none, so that
        /// what it acknowledges is all that is known.
        get: &'a [String],
    },
    /// By writing a file, whose whole content is the value.
    File {
        /// Its path.
        path: &'a str,
    },
    /// By an argument of the device's container, so not while it runs. Read back by `getprop`.
    StartArgument {
        /// The device's name for the property that shows the value.
        name: &'a str,
        /// The argument, in which `{value}` stands for the value.
        argument: &'a str,
    },
    /// By DeviceConfig's BasicParam, and read back by ConfigDownload: the part of it that has the
    /// property's name, or for [`super::channel_property`] the name of that channel. Of cameras
    /// only; and no camera has another way than this, [`Self::Stored`] and [`Self::Unsupported`].
    BasicParam,
    /// Not on the device: it is a record of ours, and nothing on this make reads it.
    Stored,
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
    /// A program on the device, and its arguments, that prints what the value does: it has acted
    /// when the two are equal. Empty if there is none.
    pub effect: &'a [String],
}

impl Route<'_> {
    /// That of a property which is a record of ours on every make.
    pub(super) const RECORD: Self = Self {
        set_by: SetBy::Stored,
        retention: Retention::Record,
        timing: Timing::AtOnce,
        effect: &[],
    };

    /// The argument that a container must be started with to have `value`; `None` where the
    /// property is not set by one.
    pub fn start_argument(&self, value: &str) -> Option<String> {
        match self.set_by {
            SetBy::StartArgument { argument, .. } => Some(argument.replace("{value}", value)),
            _ => None,
        }
    }

    /// The most bytes of a value that this route can carry to the device; `None` where it sets no
    /// bound of its own.
    pub fn value_bytes_max(&self) -> Option<usize> {
        match self.set_by {
            SetBy::Setprop { name } | SetBy::SetpropOncePerBoot { name }
                if !name.starts_with("ro.") =>
            {
                Some(SETPROP_VALUE_BYTES_MAX)
            }
            _ => None,
        }
    }
}
