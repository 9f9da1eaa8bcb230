//! Names that callers choose freely: CPH's `custom_property`.

use super::names::{is_legal, is_reserved};
use super::profile::SETPROP_VALUE_BYTES_MAX;

/// Namespaces by which init, Android's own services, the makers of phones and CPH itself steer a
/// device, so that nobody may make up a name there. One that ends in a dot stands for all names
/// that begin so. After AOSP, property_contexts in system/sepolicy (Android 14), and "Add system
/// properties" for the makers' prefixes; `com.cph.` and `persist.gsm.` are those of the images of
/// CPH and Kbox. To let callers use one name of them, an operator puts it into the catalogue.
const SYSTEM: &[&str] = &[
    "apexd.",
    "audio.",
    "bluetooth.",
    "boot.",
    "bootreceiver.",
    "bpf.",
    "build.",
    "cache_key.",
    "camera.",
    "cdma.",
    "com.cph.",
    "ctl.",
    "dalvik.",
    "debug.",
    "dev.",
    "dhcp.",
    "disable.status.bar",
    "drm.",
    "dumpstate.",
    "graphics.",
    "gsm.",
    "hal.",
    "heapprofd.",
    "hw.",
    "hwservicemanager.",
    "init.",
    "keyguard.",
    "libc.",
    "lmkd.",
    "log.",
    "logd.",
    "media.",
    "net.",
    "next_boot.",
    "nfc.",
    "odm.",
    "ota.",
    "persist.adb.",
    "persist.audio.",
    "persist.bluetooth.",
    "persist.dbg.",
    "persist.debug.",
    "persist.device_config.",
    "persist.gsm.",
    "persist.log.",
    "persist.logd.",
    "persist.nfc.",
    "persist.odm.",
    "persist.radio.",
    "persist.security.",
    "persist.service.",
    "persist.sys.",
    "persist.traced.",
    "persist.vendor.",
    "persist.wifi.",
    "pm.",
    "qemu.",
    "radio.",
    "ril.",
    "rild.",
    "ro.",
    "security.",
    "selinux.",
    "service.",
    "servicemanager.",
    "statsd.",
    "storage_manager.",
    "sys.",
    "telephony.",
    "tombstoned.",
    "traced.",
    "vendor.",
    "vold.",
    "wifi.",
    "wlan.",
    "wrap.",
];

/// The system's own namespace that `name` lies in, if it lies in one.
pub(super) fn system_namespace(name: &str) -> Option<&'static str> {
    SYSTEM.iter().copied().find(|space| match space.strip_suffix('.') {
        Some(stem) => name == stem || name.starts_with(space),
        None => name == *space,
    })
}

/// Whether a caller may choose `name` for a property of its own, if no file lists it.
pub(super) fn is_free(name: &str) -> bool {
    is_legal(name) && !is_reserved(name) && system_namespace(name).is_none()
}

/// Whether a property of a caller's own may have `value`: what `setprop` carries, without control
/// characters, which no list of CPH's allows either.
pub(super) fn takes(value: &str) -> bool {
    value.len() <= SETPROP_VALUE_BYTES_MAX && !value.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_own_names_are_not_free() {
        assert!(SYSTEM.is_sorted());
        for name in [
            "ro.product.model",
            "ctl.start",
            "sys.powerctl",
            "sys.boot_completed",
            "init.svc.adbd",
            "selinux.restorecon_recursive",
            "persist.sys.locale2",
            "persist.fleetwright.id",
            "persist.vendor.a",
            "com.cph.made_up",
            "disable.status.bar",
            "wrap.com.example.app",
            "ctl",
            "a b",
            "",
            ".a",
        ] {
            assert!(!is_free(name), "{name}");
        }
        for name in
            ["custom.prop.key1", "persist.mine.a", "rose", "system", "control.a", "com.cphx"]
        {
            assert!(is_free(name), "{name}");
        }
    }

    #[test]
    fn a_value_is_what_setprop_carries() {
        for value in ["", "一", &"x".repeat(91), &"一".repeat(30)] {
            assert!(takes(value), "{value}");
        }
        for value in ["a\n", "\0", "\u{7f}", &"x".repeat(92), &"一".repeat(31)] {
            assert!(!takes(value), "{value:?}");
        }
    }
}
