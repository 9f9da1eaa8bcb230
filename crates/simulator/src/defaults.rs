//! What the system image of a simulated phone says of itself.
//!
//! The vendor's names and their defaults are those of Huawei CPH, "Cloud Phone Properties"
//! (cph_api_appendix_03); the rest is what any Android 9 says that a driver may read.

/// The image's properties, sorted by name so that [`property`] can search by halves.
pub const PROPERTIES: &[(&str, &str)] = &[
    ("com.cph.disable_fb_permission", "0"),
    ("com.cph.mainkeys", "0"),
    ("disable.status.bar", "0"),
    ("gsm.operator.alpha", "CMCC"),
    ("gsm.operator.iso-country", "cn"),
    ("gsm.operator.numeric", "46000"),
    ("gsm.sim.operator.alpha", "CMCC"),
    ("gsm.sim.operator.iso-country", "cn"),
    ("gsm.sim.operator.numeric", "46000"),
    ("gsm.sim.state", "READY"),
    ("init.svc.adbd", "running"),
    ("persist.sys.timezone", "Asia/Shanghai"),
    ("qemu.hw.mainkeys", "0"),
    ("ro.adb.secure", "1"),
    ("ro.board.platform", "hi3660"),
    ("ro.boot.hardware", "cph"),
    ("ro.build.characteristics", "default"),
    ("ro.build.product", "STF"),
    ("ro.build.tags", "release-keys"),
    ("ro.build.type", "user"),
    ("ro.build.version.release", "9"),
    ("ro.build.version.sdk", "28"),
    ("ro.com.cph.cloud_app_engine", "0"),
    ("ro.com.cph.non_root", "0"),
    ("ro.com.cph.notification_disable", "0"),
    ("ro.com.cph.sfs_enable", "0"),
    ("ro.com.cph.toast_enable", "0"),
    ("ro.debuggable", "0"),
    ("ro.horizontal.screen", "0"),
    ("ro.install.auto", "0"),
    ("ro.permission.changed", "0"),
    ("ro.product.brand", "Huawei"),
    ("ro.product.cpu.abi", "arm64-v8a"),
    ("ro.product.device", "HWSTF"),
    ("ro.product.manufacturer", "Huawei"),
    ("ro.product.model", "Simulated"),
    ("ro.product.name", "monbox"),
    ("ro.secure", "1"),
    ("ro.sf.lcd_density", "320"),
    ("sys.prop.writewifissid", "cloudphone_wifi"),
];

/// The image's value of `name`, when it has one.
pub fn property(name: &str) -> Option<&'static str> {
    let at = PROPERTIES.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
    PROPERTIES.get(at).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(PROPERTIES.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(property("com.cph.mainkeys"), Some("0"));
        assert_eq!(property("com.cph.mainkey"), None);
    }
}
