//! The makes of phone that the simulator can be, and what each lets whom do.

use std::fmt;
use std::str::FromStr;

/// What make of phone a simulated phone is. A driver's profile of the same name is for it.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Make {
    /// The simulator's own: a phone as Huawei CPH's images are, whose shell user may set every
    /// property, some of the vendor's `ro.` names included.
    #[default]
    Simulated,
    /// Plain Android of a shop: the shell user has no root, and SELinux lets it set only a few
    /// names.
    Android,
    /// A redroid container (github.com/remote-android/redroid-doc): the shell is root, a reboot
    /// from inside ends the container.
    Redroid,
    /// A Kunpeng Kbox container: as redroid, and it reads `persist.sys.prop.*` and
    /// `persist.gsm.*cph` when it starts.
    Kbox,
}

/// Who a command runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// adb's shell user, uid 2000.
    Shell,
    /// uid 0.
    Root,
}

/// Names and, with a closing dot, beginnings of names that the shell user of plain Android may
/// set: those of AOSP's `system/sepolicy` (`private/shell.te`: `set_prop(shell, ...)`, with the
/// labels of `private/property_contexts`). No `ro.` name is among them.
const SHELL_MAY_SET: &[&str] = &[
    "debug.",
    "dumpstate.",
    "log.tag",
    "log.tag.",
    "perf.drop_caches",
    "persist.dumpstate.verbose_logging.enabled",
    "persist.heapprofd.enable",
    "persist.log.tag",
    "persist.log.tag.",
    "persist.pm.mock-upgrade",
    "persist.traced.enable",
    "security.perf_harden",
    "service.adb.tcp.port",
    "sys.powerctl",
];

/// The vendor's properties that begin to act at a restart (Huawei CPH, "Cloud Phone Properties"
/// and the user manual's pages on hiding keys and bars), which its images also keep.
const CPH_RESTART: &[&str] = &[
    "com.cph.disable_fb_permission",
    "com.cph.mainkeys",
    "disable.status.bar",
    "ro.com.cph.non_root",
    "ro.horizontal.screen",
];

/// The `ro.` names that a CPH image lets change beside `ro.com.cph.*`: the vendor's list has the
/// first as updatable, the next as deprecated, and a public client of its API sends the rest, while
/// the API refuses `ro.build.tags`, `ro.build.type`, `ro.build.version.sdk` and `ro.product.cpu.*`.
const CPH_CHANGEABLE: &[&str] = &[
    "ro.horizontal.screen",
    "ro.install.auto",
    "ro.permission.changed",
    "ro.board.platform",
    "ro.build.product",
    "ro.hardware.gpurenderer",
    "ro.product.device",
    "ro.product.manufacturer",
    "ro.product.name",
    "ro.baseband",
    "ro.bootimage.build.fingerprint",
    "ro.bootloader",
    "ro.build.date.utc",
    "ro.build.description",
    "ro.build.display.id",
    "ro.build.fingerprint",
    "ro.build.flavor",
    "ro.build.host",
    "ro.build.id",
    "ro.build.user",
    "ro.build.version.incremental",
    "ro.build.version.release",
    "ro.hardware",
    "ro.hardware.dpi",
    "ro.hardware.height",
    "ro.hardware.width",
    "ro.product.board",
    "ro.product.brand",
    "ro.product.locale",
    "ro.product.model",
    "ro.serialno",
];

/// The properties that a Kbox container reads when it starts, with the fewest and the most
/// characters of a value and whether it is digits alone (Kunpeng BoostKit, "Kbox Cloud Phone",
/// attribute customisation).
const KBOX_RESTART: &[(&str, usize, usize, bool)] = &[
    ("persist.gsm.operator.alphacph", 1, 20, false),
    ("persist.gsm.operator.numericcph", 5, 6, true),
    ("persist.gsm.sim.operator.alphacph", 1, 20, false),
    ("persist.sys.prop.writeimei", 15, 17, true),
    ("persist.sys.prop.writeimsi", 15, 15, true),
    ("persist.sys.prop.writephonenum", 0, 20, true),
    ("persist.sys.prop.writesimserial", 20, 20, true),
];

impl Make {
    /// Every make.
    pub const ALL: [Make; 4] = [Make::Simulated, Make::Android, Make::Redroid, Make::Kbox];

    /// The make's name, which is its profile's.
    pub fn name(self) -> &'static str {
        match self {
            Make::Simulated => "simulated",
            Make::Android => "android",
            Make::Redroid => "redroid",
            Make::Kbox => "kbox",
        }
    }

    /// Whether its adb shell is root.
    pub fn has_root_shell(self) -> bool {
        matches!(self, Make::Redroid | Make::Kbox)
    }

    /// Whether it is a container: it shares its server's kernel, and a reboot from inside ends it
    /// for good.
    pub fn is_container(self) -> bool {
        matches!(self, Make::Redroid | Make::Kbox)
    }

    /// Whether a `ro.` property may be set again and again, as CPH's images allow for some.
    pub fn is_changeable(self, name: &str) -> bool {
        let named = name.starts_with("ro.com.cph.") || CPH_CHANGEABLE.contains(&name);
        self == Make::Simulated && named
    }

    /// Whether a property outlives a boot.
    pub fn keeps(self, name: &str) -> bool {
        name.starts_with("persist.") || (self == Make::Simulated && CPH_RESTART.contains(&name))
    }

    /// Whether `user` may set a property that is not read-only.
    pub fn lets_set(self, name: &str, user: User) -> bool {
        if user == User::Root || self != Make::Android {
            return true;
        }
        let covers =
            |known: &str| name == known || (known.ends_with('.') && name.starts_with(known));
        SHELL_MAY_SET.iter().any(|known| covers(known))
    }

    /// The properties that begin to act only at a boot, sorted by name.
    pub fn restart_properties(self) -> impl Iterator<Item = &'static str> {
        let cph: &[&str] = if self == Make::Simulated { CPH_RESTART } else { &[] };
        let kbox: &[_] = if self == Make::Kbox { KBOX_RESTART } else { &[] };
        cph.iter().copied().chain(kbox.iter().map(|(name, ..)| *name))
    }

    /// Whether a boot makes this value of a restart property act. A Kbox container passes over one
    /// of wrong length or characters and uses its default.
    pub(crate) fn acts(self, name: &str, value: &str) -> bool {
        let rule = KBOX_RESTART.iter().find(|(known, ..)| self == Make::Kbox && *known == name);
        rule.is_none_or(|(_, least, most, digits)| {
            let legal = |byte: u8| match digits {
                true => byte.is_ascii_digit(),
                false => byte.is_ascii_alphanumeric() || byte == b' ',
            };
            (*least..=*most).contains(&value.len()) && value.bytes().all(legal)
        })
    }
}

impl fmt::Display for Make {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no make has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no make of phone: simulated, android, redroid or kbox")]
pub struct UnknownMake(String);

impl FromStr for Make {
    type Err = UnknownMake;

    fn from_str(text: &str) -> Result<Self, UnknownMake> {
        let found = Make::ALL.into_iter().find(|make| make.name() == text);
        found.ok_or_else(|| UnknownMake(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_are_written_by_name() {
        for make in Make::ALL {
            assert_eq!(make.to_string().parse(), Ok(make));
            assert_eq!(serde_json::to_value(make).unwrap(), make.name());
            assert!(make.restart_properties().is_sorted(), "{make}");
        }
        assert_eq!("ios".parse::<Make>(), Err(UnknownMake("ios".to_owned())));
    }

    #[test]
    fn only_plain_android_holds_its_shell_user_back() {
        for (name, allowed) in [
            ("debug.x", true),
            ("debugx", false),
            ("log.tag", true),
            ("log.tag.A", true),
            ("persist.log.tag.A", true),
            ("persist.fleetwright.id", false),
            ("persist.sys.timezone", false),
            ("gsm.operator.alpha", false),
            ("ro.new", false),
        ] {
            assert_eq!(Make::Android.lets_set(name, User::Shell), allowed, "{name}");
            assert!(Make::Android.lets_set(name, User::Root), "{name}");
            assert!(Make::Simulated.lets_set(name, User::Shell), "{name}");
        }
    }

    #[test]
    fn a_kbox_container_passes_over_what_is_illegal() {
        for (name, value, acts) in [
            ("persist.sys.prop.writeimei", "861234567890123", true),
            ("persist.sys.prop.writeimei", "86123456789012", false),
            ("persist.sys.prop.writeimei", "86123456789012x", false),
            ("persist.sys.prop.writephonenum", "", true),
            ("persist.gsm.operator.alphacph", "China Mobile", true),
            ("persist.gsm.operator.alphacph", "China-Mobile", false),
            ("persist.other", "anything", true),
        ] {
            assert_eq!(Make::Kbox.acts(name, value), acts, "{name}={value}");
        }
    }
}
