//! What the system image of a simulated phone says of itself.
//!
//! The vendor's names and their defaults are those of Huawei CPH, "Cloud Phone Properties"
//! (cph_api_appendix_03), and of Kunpeng BoostKit's "Kbox Cloud Phone"; the rest is what any
//! Android of that make says that a driver may read.

use crate::phone::make::Make;

/// What every image says. This list and the others are sorted by name, so that [`property`] can
/// search by halves.
const COMMON: &[(&str, &str)] = &[
    ("init.svc.adbd", "running"),
    ("ro.adb.secure", "1"),
    ("ro.build.characteristics", "default"),
    ("ro.product.cpu.abi", "arm64-v8a"),
    ("ro.secure", "1"),
    ("ro.sf.lcd_density", "320"),
];

/// Plain Android: a Pixel 6 as it is sold.
const ANDROID: &[(&str, &str)] = &[
    ("gsm.sim.state", "ABSENT"),
    ("ro.build.display.id", "UQ1A.240205.002"),
    ("ro.build.fingerprint", "google/oriole/oriole:14/UQ1A.240205.002/11224170:user/release-keys"),
    ("ro.build.tags", "release-keys"),
    ("ro.build.type", "user"),
    ("ro.build.version.release", "14"),
    ("ro.build.version.sdk", "34"),
    ("ro.debuggable", "0"),
    ("ro.product.brand", "google"),
    ("ro.product.device", "oriole"),
    ("ro.product.manufacturer", "Google"),
    ("ro.product.model", "Pixel 6"),
    ("ro.product.name", "oriole"),
];

/// redroid, as its images of Android 13 say.
const REDROID: &[(&str, &str)] = &[
    ("ro.boot.redroid_dpi", "320"),
    ("ro.boot.redroid_height", "1280"),
    ("ro.boot.redroid_width", "720"),
    ("ro.build.display.id", "redroid_arm64-userdebug 13 TQ3A.230901.001 eng.redroid test-keys"),
    (
        "ro.build.fingerprint",
        "redroid/redroid_arm64/redroid_arm64:13/TQ3A.230901.001/eng.redroid:userdebug/test-keys",
    ),
    ("ro.build.tags", "test-keys"),
    ("ro.build.type", "userdebug"),
    ("ro.build.version.release", "13"),
    ("ro.build.version.sdk", "33"),
    ("ro.debuggable", "1"),
    ("ro.hardware", "redroid"),
    ("ro.product.brand", "redroid"),
    ("ro.product.device", "redroid_arm64"),
    ("ro.product.manufacturer", "redroid"),
    ("ro.product.model", "redroid13_arm64"),
    ("ro.product.name", "redroid_arm64"),
];

/// Kbox, of Android 11.
const KBOX: &[(&str, &str)] = &[
    ("persist.gsm.operator.alphacph", "CMCC"),
    ("persist.gsm.operator.numericcph", "46000"),
    ("persist.gsm.sim.operator.alphacph", "CMCC"),
    ("persist.sys.prop.writeimei", "86123456789012345"),
    ("persist.sys.prop.writeimsi", "460110123456789"),
    ("persist.sys.prop.writephonenum", "15551236565"),
    ("persist.sys.prop.writesimserial", "89860012345678901234"),
    ("ro.build.display.id", "kbox_arm64-userdebug 11 RQ3A.210805.001 eng.kbox test-keys"),
    (
        "ro.build.fingerprint",
        "Huawei/kbox_arm64/kbox_arm64:11/RQ3A.210805.001/eng.kbox:userdebug/test-keys",
    ),
    ("ro.build.tags", "test-keys"),
    ("ro.build.type", "userdebug"),
    ("ro.build.version.release", "11"),
    ("ro.build.version.sdk", "30"),
    ("ro.debuggable", "1"),
    ("ro.product.brand", "Huawei"),
    ("ro.product.device", "kbox_arm64"),
    ("ro.product.manufacturer", "Huawei"),
    ("ro.product.model", "Kbox"),
    ("ro.product.name", "kbox_arm64"),
];

/// The simulator's own: an image of CPH's.
const SIMULATED: &[(&str, &str)] = &[
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
    ("persist.sys.timezone", "Asia/Shanghai"),
    ("qemu.hw.mainkeys", "0"),
    ("ro.board.platform", "hi3660"),
    ("ro.boot.hardware", "cph"),
    ("ro.build.display.id", "STF-AL00 9.0.0.1"),
    ("ro.build.fingerprint", "Huawei/monbox/HWSTF:9/PPR1.180610.011/1:user/release-keys"),
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
    ("ro.product.device", "HWSTF"),
    ("ro.product.manufacturer", "Huawei"),
    ("ro.product.model", "Simulated"),
    ("ro.product.name", "monbox"),
    ("sys.prop.writewifissid", "cloudphone_wifi"),
];

/// What the image of a make says beyond [`COMMON`].
fn own(make: Make) -> &'static [(&'static str, &'static str)] {
    match make {
        Make::Simulated => SIMULATED,
        Make::Android => ANDROID,
        Make::Redroid => REDROID,
        Make::Kbox => KBOX,
    }
}

/// Every property of a make's image.
pub fn image(make: Make) -> impl Iterator<Item = (&'static str, &'static str)> {
    COMMON.iter().chain(own(make)).copied()
}

/// The image's value of `name`, when it has one.
pub fn property(make: Make, name: &str) -> Option<&'static str> {
    [own(make), COMMON].into_iter().find_map(|list| {
        let at = list.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
        list.get(at).map(|(_, value)| *value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_is_sorted_and_says_what_it_is() {
        assert!(COMMON.is_sorted_by(|a, b| a.0 < b.0));
        for make in Make::ALL {
            assert!(own(make).is_sorted_by(|a, b| a.0 < b.0), "{make}");
            assert!(
                own(make).iter().all(|(name, _)| COMMON.iter().all(|(known, _)| known != name))
            );
            for fact in [
                "ro.product.model",
                "ro.product.brand",
                "ro.build.version.release",
                "ro.build.display.id",
                "ro.build.fingerprint",
            ] {
                assert!(
                    property(make, fact).is_some_and(|value| !value.is_empty()),
                    "{make} {fact}"
                );
            }
        }
        assert_eq!(property(Make::Simulated, "com.cph.mainkeys"), Some("0"));
        assert_eq!(property(Make::Simulated, "com.cph.mainkey"), None);
        assert_eq!(property(Make::Android, "com.cph.mainkeys"), None);
        assert_eq!(property(Make::Android, "ro.secure"), Some("1"));
    }
}
