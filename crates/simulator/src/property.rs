//! Android system properties: names, values, and what survives a boot.
//!
//! The rules are those of Android's init (`system/core/init/property_service.cpp` and
//! `util.cpp`: `IsLegalPropertyName`, `IsLegalPropertyValue`): a `ro.` property is written once,
//! a `persist.` one survives a boot, and only a `ro.` value may be longer than 91 bytes
//! (`PROP_VALUE_MAX` is 92 with its closing NUL). CPH's images make an exception for some of the
//! vendor's `ro.` names, which stay changeable: see [`is_changeable`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::defaults;

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
pub struct Properties {
    /// Set since the last boot; gone with the next.
    volatile: BTreeMap<String, String>,
    /// `persist.` properties.
    persistent: BTreeMap<String, String>,
}

impl Properties {
    /// The value of `name`; empty (as Android has it) when it is not set.
    pub fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or("")
    }

    /// Sets `name` by Android's rules, as `setprop` does.
    pub fn set(&mut self, name: &str, value: &str) -> Result<Set, SetError> {
        check_name(name)?;
        check_value(name, value)?;
        let before = self.find(name);
        let read_only = name.starts_with("ro.") && !is_changeable(name);
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
        let values =
            if name.starts_with("persist.") { &mut self.persistent } else { &mut self.volatile };
        values.insert(name.to_owned(), value.to_owned());
    }

    /// Forgets what a boot forgets. `serial` becomes `ro.serialno`; `uptime_ns` is when init
    /// started, in nanoseconds of kernel time. The boot is not complete afterwards.
    pub fn reboot(&mut self, serial: &str, uptime_ns: u64) {
        self.volatile.clear();
        self.put("ro.serialno", serial);
        self.put("ro.boot.serialno", serial);
        self.put("ro.boottime.init", &uptime_ns.to_string());
    }

    /// Marks the boot as complete.
    pub fn complete_boot(&mut self) {
        self.put(BOOT_COMPLETED, "1");
        self.put("dev.bootcomplete", "1");
    }

    /// Every property with its value, sorted by name.
    pub fn all(&self) -> BTreeMap<String, String> {
        let mut all: BTreeMap<String, String> = defaults::PROPERTIES
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        for values in [&self.persistent, &self.volatile] {
            all.extend(values.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        all
    }

    /// The value of `name` when anybody set it.
    fn find(&self, name: &str) -> Option<&str> {
        let own = self.volatile.get(name).or_else(|| self.persistent.get(name));
        own.map(String::as_str).or_else(|| defaults::property(name))
    }
}

/// Whether a `ro.` property may be set again and again: the vendor lists these as updatable
/// (Huawei CPH, "Cloud Phone Properties"), and its images take them.
pub fn is_changeable(name: &str) -> bool {
    name.starts_with("ro.com.cph.")
        || matches!(name, "ro.permission.changed" | "ro.install.auto" | "ro.horizontal.screen")
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
        assert_eq!(properties.set("ro.test.once", "a"), Ok(Set::Changed));
        assert_eq!(properties.set("ro.test.once", "b"), Err(SetError::ReadOnly));
        assert_eq!(properties.set("ro.product.model", "b"), Err(SetError::ReadOnly));
        assert_eq!(properties.get("ro.test.once"), "a");
        for name in ["ro.com.cph.non_root", "ro.permission.changed", "ro.horizontal.screen"] {
            assert_eq!(properties.set(name, "1"), Ok(Set::Changed), "{name}");
            assert_eq!(properties.set(name, "1"), Ok(Set::Same), "{name}");
            assert_eq!(properties.set(name, "0"), Ok(Set::Changed), "{name}");
        }
    }

    #[test]
    fn only_read_only_values_pass_91_bytes() {
        let mut properties = Properties::default();
        assert_eq!(properties.set("a.b", &"x".repeat(91)), Ok(Set::Changed));
        assert_eq!(properties.set("a.b", &"x".repeat(92)), Err(SetError::Value { bytes: 92 }));
        // 31 ideographs are 93 bytes: Android counts bytes.
        assert_eq!(properties.set("a.b", &"机".repeat(31)), Err(SetError::Value { bytes: 93 }));
        assert_eq!(properties.set("ro.long", &"x".repeat(92)), Ok(Set::Changed));
        let over = "x".repeat(READ_ONLY_BYTES_MAX + 1);
        assert_eq!(properties.set("ro.over", &over), Err(SetError::Value { bytes: over.len() }));
    }

    #[test]
    fn names_follow_init() {
        let mut properties = Properties::default();
        for name in ["", ".a", "a.", "a..b", "a b", "a,b", "a/b", "机"] {
            assert_eq!(properties.set(name, "1"), Err(SetError::Name), "{name:?}");
        }
        for name in ["a", "A.b-c_d@e:f9"] {
            assert_eq!(properties.set(name, "1"), Ok(Set::Changed), "{name:?}");
        }
    }

    #[test]
    fn a_boot_keeps_persistent_properties_and_factory_values() {
        let mut properties = Properties::default();
        properties.reboot("S1", 5);
        properties.complete_boot();
        for (name, value) in [("persist.x", "1"), ("x", "1"), ("gsm.operator.numeric", "46001")] {
            assert_eq!(properties.set(name, value), Ok(Set::Changed));
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
    fn a_phone_takes_only_so_many_properties() {
        let mut properties = Properties::default();
        for index in 0..PROPERTIES_MAX {
            assert_eq!(properties.set(&format!("a.{index}"), "1"), Ok(Set::Changed));
        }
        assert_eq!(properties.set("one.more", "1"), Err(SetError::Full));
        assert_eq!(properties.set("a.1", "2"), Ok(Set::Changed));
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
