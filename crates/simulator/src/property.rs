//! Android system properties: names, values, and what survives a boot.
//!
//! The rules are those of Android's init (`system/core/init/property_service.cpp` and
//! `util.cpp`: `IsLegalPropertyName`, `IsLegalPropertyValue`): a `ro.` property is written once,
//! a `persist.` one survives a boot, and only a `ro.` value may be longer than 91 bytes
//! (`PROP_VALUE_MAX` is 92 with its closing NUL). Who may set what else, and what else outlives a
//! boot, is a matter of the phone's [`Make`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::defaults;
use crate::phone::make::{Make, User};

/// Longest value of a property not called `ro.`, in bytes: `PROP_VALUE_MAX` less the NUL.
pub const VALUE_BYTES_MAX: usize = 91;
/// Longest `ro.` value taken, in bytes. Android's limit is the property area; this is ours.
pub const READ_ONLY_BYTES_MAX: usize = 4096;
/// Longest name taken, in bytes. Android 8 and later have no limit; this is ours.
pub const NAME_BYTES_MAX: usize = 256;
/// Most properties that a phone takes beside those its image has.
pub const PROPERTIES_MAX: usize = 2048;

/// The property that tells that a boot is complete: `1`, and empty until then.
pub const BOOT_COMPLETED: &str = "sys.boot_completed";

/// Why a property was not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// The name is empty, too long, badly dotted, or has a character Android does not allow.
    #[error("illegal property name")]
    Name,
    /// The value is longer than Android takes.
    #[error("property value of {bytes} bytes is too long")]
    Value {
        /// The value's length.
        bytes: usize,
    },
    /// A `ro.` property that has a value already.
    #[error("read-only property is already set")]
    ReadOnly,
    /// SELinux does not let this user set it.
    #[error("not allowed to this user")]
    Denied,
    /// The phone holds [`PROPERTIES_MAX`] properties of its own.
    #[error("no room for another property")]
    Full,
}

/// What a set did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// The property now has another value than before.
    Changed,
    /// The property had this very value.
    Same,
}

/// One phone's properties. Factory values come from the system image and are shared by all.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Properties {
    make: Make,
    /// Set since the last boot; gone with the next.
    volatile: BTreeMap<String, String>,
    /// What outlives a boot.
    persistent: BTreeMap<String, String>,
    /// What the last boot made act of the make's restart properties, where it is not the image's
    /// value.
    acting: BTreeMap<String, String>,
    /// What each boot sets: the arguments of a container.
    start: BTreeMap<String, String>,
}

impl Properties {
    /// What a phone of this make has before its first boot.
    pub fn new(make: Make) -> Self {
        Properties { make, ..Properties::default() }
    }

    /// The value of `name`; empty (as Android has it) when it is not set.
    pub fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or("")
    }

    /// Sets `name` by Android's rules, as `setprop` run by `user` does.
    pub fn set(&mut self, name: &str, value: &str, user: User) -> Result<Set, SetError> {
        check_name(name)?;
        check_value(name, value)?;
        if !self.make.lets_set(name, user) {
            return Err(SetError::Denied);
        }
        let before = self.find(name);
        let read_only = name.starts_with("ro.") && !self.make.is_changeable(name);
        if read_only && before.is_some_and(|before| !before.is_empty()) {
            return Err(SetError::ReadOnly);
        }
        if before == Some(value) {
            return Ok(Set::Same);
        }
        if before.is_none() && self.volatile.len() + self.persistent.len() >= PROPERTIES_MAX {
            return Err(SetError::Full);
        }
        self.put(name, value);
        Ok(Set::Changed)
    }

    /// Writes a value without asking any rule: what the system image or a test does.
    pub fn put(&mut self, name: &str, value: &str) {
        let values = if self.make.keeps(name) { &mut self.persistent } else { &mut self.volatile };
        values.insert(name.to_owned(), value.to_owned());
    }

    /// Forgets a value past all rules: the image's, if it has one, shows again.
    pub fn remove(&mut self, name: &str) {
        self.volatile.remove(name);
        self.persistent.remove(name);
    }

    /// Forgets all that outlives a boot: what is kept under /data.
    pub fn wipe(&mut self) {
        self.persistent.clear();
    }

    /// Takes over what outlives a boot from another phone of the same make.
    pub fn copy_data(&mut self, from: &Properties) {
        self.persistent.clone_from(&from.persistent);
    }

    /// Makes the restart properties act, as a boot (or a start of the framework) does.
    pub fn act(&mut self) {
        let mut acting = BTreeMap::new();
        for name in self.make.restart_properties() {
            let value = self.get(name);
            let default = defaults::property(self.make, name).unwrap_or_default();
            if value != default && self.make.acts(name, value) {
                acting.insert(name.to_owned(), value.to_owned());
            }
        }
        self.acting = acting;
    }

    /// The value of a restart property that acts since the last boot; none for a name that acts at
    /// once or does nothing.
    pub fn acting(&self, name: &str) -> Option<&str> {
        self.make.restart_properties().find(|known| *known == name)?;
        let own = self.acting.get(name).map(String::as_str);
        own.or_else(|| defaults::property(self.make, name)).or(Some(""))
    }

    /// What make of phone it is.
    pub fn make(&self) -> Make {
        self.make
    }

    /// Forgets what a boot forgets. `serial` becomes `ro.serialno`; `uptime_ns` is when init
    /// started, in nanoseconds of kernel time. The boot is not complete afterwards.
    pub fn reboot(&mut self, serial: &str, uptime_ns: u64) {
        self.volatile.clear();
        self.put("ro.serialno", serial);
        self.put("ro.boot.serialno", serial);
        self.put("ro.boottime.init", &uptime_ns.to_string());
        for (name, value) in self.start.clone() {
            self.put(&name, &value);
        }
    }

    /// Takes the arguments that the phone's container starts with, from the next boot on:
    /// `NAME=VALUE`, or `androidboot.NAME=VALUE` for `ro.boot.NAME`, of which Android's init copies
    /// some to names of their own (AOSP, `system/core/init/property_service.cpp`,
    /// `ExportKernelBootProps`). An argument of another form is given back.
    pub fn start_with<'a>(&mut self, args: &[&'a str]) -> Result<(), &'a str> {
        let mut start = BTreeMap::new();
        for arg in args {
            let named = arg.split_once('=').filter(|(name, _)| check_name(name).is_ok());
            let (name, value) = named.ok_or(*arg)?;
            match name.strip_prefix("androidboot.") {
                Some(short) => {
                    if matches!(short, "serialno" | "bootloader" | "baseband" | "hardware") {
                        start.insert(format!("ro.{short}"), value.to_owned());
                    }
                    start.insert(format!("ro.boot.{short}"), value.to_owned());
                }
                None => {
                    start.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        self.start = start;
        Ok(())
    }

    /// Marks the boot as complete: from now on the restart properties act as they are.
    pub fn complete_boot(&mut self) {
        self.put(BOOT_COMPLETED, "1");
        self.put("dev.bootcomplete", "1");
        self.act();
    }

    /// Every property with its value, sorted by name.
    pub fn all(&self) -> BTreeMap<String, String> {
        let mut all: BTreeMap<String, String> = defaults::image(self.make)
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        for values in [&self.persistent, &self.volatile] {
            all.extend(values.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        all
    }

    /// The value of `name` when anybody set it.
    fn find(&self, name: &str) -> Option<&str> {
        let own = self.volatile.get(name).or_else(|| self.persistent.get(name));
        own.map(String::as_str).or_else(|| defaults::property(self.make, name))
    }
}

/// Checks a name as init's `IsLegalPropertyName` does.
fn check_name(name: &str) -> Result<(), SetError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b".-@:_".contains(&byte);
    let dots = name.starts_with('.') || name.ends_with('.') || name.contains("..");
    let size = name.is_empty() || name.len() > NAME_BYTES_MAX;
    if size || dots || !name.bytes().all(legal) { Err(SetError::Name) } else { Ok(()) }
}

/// Checks a value's length; only a `ro.` property may pass [`VALUE_BYTES_MAX`].
fn check_value(name: &str, value: &str) -> Result<(), SetError> {
    let max = if name.starts_with("ro.") { READ_ONLY_BYTES_MAX } else { VALUE_BYTES_MAX };
    if value.len() > max { Err(SetError::Value { bytes: value.len() }) } else { Ok(()) }
}

/// `getprop` without arguments: a line `[name]: [value]` for each property, sorted.
pub fn listing(properties: &Properties) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for (name, value) in properties.all() {
        let _ = writeln!(text, "[{name}]: [{value}]");
    }
    text
}

/// What Android's `setprop` says on standard error for a set that failed.
pub fn refusal(name: &str, value: &str) -> String {
    format!("Failed to set property '{name}' to '{value}'.\nSee dmesg for error reason.\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_only_property_is_set_once() {
        let mut properties = Properties::default();
        assert_eq!(properties.set("ro.test.once", "a", User::Shell), Ok(Set::Changed));
        assert_eq!(properties.set("ro.test.once", "b", User::Shell), Err(SetError::ReadOnly));
        assert_eq!(properties.set("ro.build.type", "b", User::Shell), Err(SetError::ReadOnly));
        assert_eq!(properties.get("ro.test.once"), "a");
        for name in ["ro.com.cph.non_root", "ro.permission.changed", "ro.product.model"] {
            assert_eq!(properties.set(name, "1", User::Shell), Ok(Set::Changed), "{name}");
            assert_eq!(properties.set(name, "1", User::Shell), Ok(Set::Same), "{name}");
            assert_eq!(properties.set(name, "0", User::Shell), Ok(Set::Changed), "{name}");
        }
    }

    #[test]
    fn only_read_only_values_pass_91_bytes() {
        let mut properties = Properties::default();
        assert_eq!(properties.set("a.b", &"x".repeat(91), User::Shell), Ok(Set::Changed));
        assert_eq!(
            properties.set("a.b", &"x".repeat(92), User::Shell),
            Err(SetError::Value { bytes: 92 })
        );
        // 31 ideographs are 93 bytes: Android counts bytes.
        assert_eq!(
            properties.set("a.b", &"机".repeat(31), User::Shell),
            Err(SetError::Value { bytes: 93 })
        );
        assert_eq!(properties.set("ro.long", &"x".repeat(92), User::Shell), Ok(Set::Changed));
        let over = "x".repeat(READ_ONLY_BYTES_MAX + 1);
        assert_eq!(
            properties.set("ro.over", &over, User::Shell),
            Err(SetError::Value { bytes: over.len() })
        );
    }

    #[test]
    fn names_follow_init() {
        let mut properties = Properties::default();
        for name in ["", ".a", "a.", "a..b", "a b", "a,b", "a/b", "机"] {
            assert_eq!(properties.set(name, "1", User::Shell), Err(SetError::Name), "{name:?}");
        }
        for name in ["a", "A.b-c_d@e:f9"] {
            assert_eq!(properties.set(name, "1", User::Shell), Ok(Set::Changed), "{name:?}");
        }
    }

    #[test]
    fn a_boot_keeps_persistent_properties_and_factory_values() {
        let mut properties = Properties::default();
        properties.reboot("S1", 5);
        properties.complete_boot();
        for (name, value) in [("persist.x", "1"), ("x", "1"), ("gsm.operator.numeric", "46001")] {
            assert_eq!(properties.set(name, value, User::Shell), Ok(Set::Changed));
        }
        assert_eq!(properties.get(BOOT_COMPLETED), "1");
        properties.reboot("S1", 6);
        assert_eq!(properties.get("persist.x"), "1");
        assert_eq!(properties.get("x"), "");
        assert_eq!(properties.get("gsm.operator.numeric"), "46000");
        assert_eq!(properties.get(BOOT_COMPLETED), "");
        assert_eq!(properties.get("ro.serialno"), "S1");
    }

    #[test]
    fn a_restart_property_acts_from_the_next_boot_on() {
        let mut properties = Properties::new(Make::Simulated);
        properties.complete_boot();
        assert_eq!(properties.set("com.cph.mainkeys", "1", User::Shell), Ok(Set::Changed));
        assert_eq!(properties.get("com.cph.mainkeys"), "1");
        assert_eq!(properties.acting("com.cph.mainkeys"), Some("0"));
        assert_eq!(properties.acting("gsm.operator.alpha"), None);
        properties.reboot("S1", 5);
        assert_eq!(properties.acting("com.cph.mainkeys"), Some("0"));
        properties.complete_boot();
        assert_eq!(properties.get("com.cph.mainkeys"), "1");
        assert_eq!(properties.acting("com.cph.mainkeys"), Some("1"));
        properties.wipe();
        properties.act();
        assert_eq!(properties.acting("com.cph.mainkeys"), Some("0"));

        let mut kbox = Properties::new(Make::Kbox);
        let name = "persist.gsm.operator.numericcph";
        assert_eq!(kbox.set(name, "4600", User::Root), Ok(Set::Changed));
        kbox.complete_boot();
        assert_eq!((kbox.get(name), kbox.acting(name)), ("4600", Some("46000")));
        assert_eq!(kbox.set(name, "46001", User::Root), Ok(Set::Changed));
        assert_eq!(kbox.acting(name), Some("46000"));
        kbox.complete_boot();
        assert_eq!(kbox.acting(name), Some("46001"));
    }

    #[test]
    fn each_make_has_its_own_rules() {
        let mut android = Properties::new(Make::Android);
        assert_eq!(android.set("persist.x", "1", User::Shell), Err(SetError::Denied));
        assert_eq!(android.set("debug.x", "1", User::Shell), Ok(Set::Changed));
        assert_eq!(android.set("persist.x", "1", User::Root), Ok(Set::Changed));
        assert_eq!(android.set("ro.product.model", "1", User::Root), Err(SetError::ReadOnly));
        let mut redroid = Properties::new(Make::Redroid);
        assert_eq!(redroid.set("ro.com.cph.non_root", "1", User::Root), Ok(Set::Changed));
        assert_eq!(redroid.set("ro.com.cph.non_root", "0", User::Root), Err(SetError::ReadOnly));
        assert_eq!(redroid.set("com.cph.mainkeys", "1", User::Root), Ok(Set::Changed));
        redroid.reboot("S1", 5);
        assert_eq!(redroid.get("com.cph.mainkeys"), "");
        assert_eq!(redroid.set("ro.com.cph.non_root", "0", User::Root), Ok(Set::Changed));
    }

    #[test]
    fn a_phone_takes_only_so_many_properties() {
        let mut properties = Properties::default();
        for index in 0..PROPERTIES_MAX {
            assert_eq!(properties.set(&format!("a.{index}"), "1", User::Shell), Ok(Set::Changed));
        }
        assert_eq!(properties.set("one.more", "1", User::Shell), Err(SetError::Full));
        assert_eq!(properties.set("a.1", "2", User::Shell), Ok(Set::Changed));
    }

    #[test]
    fn the_listing_is_sorted_and_bracketed() {
        let mut properties = Properties::default();
        properties.put("zz", "last");
        properties.put("a", "first");
        let text = listing(&properties);
        assert!(text.starts_with("[a]: [first]\n"), "{text}");
        assert!(text.ends_with("[zz]: [last]\n"), "{text}");
    }
}
