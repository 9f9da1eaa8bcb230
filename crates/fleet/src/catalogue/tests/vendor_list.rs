//! Each name of the vendor's lists and of those that were seen in use has its entry, with both ends
//! of its bounds.

use super::super::*;
use super::{built_in, invalid, unsupported};

/// What a property takes.
#[derive(Clone, Copy)]
enum Takes {
    /// 0 or 1.
    Flag,
    /// A whole number in this range.
    Whole(i64, i64),
    /// Any whole number.
    AnyWhole,
    /// `before`, then one character again and again, this many characters at least and at most in
    /// all; and never another character.
    Text { before: &'static str, of: &'static str, least: usize, most: usize, never: &'static str },
    /// These and nothing like them.
    Words(&'static [&'static str], &'static [&'static str]),
}
use Takes::{AnyWhole, Flag, Whole, Words};

const fn text(of: &'static str, most: usize, never: &'static str) -> Takes {
    Takes::Text { before: "", of, least: 1, most, never }
}

const DEPRECATED: Takes = Takes::Text { before: "", of: "~", least: 0, most: 91, never: "é" };
const URL: Takes = Takes::Text { before: "http", of: "/", least: 4, most: 256, never: "?" };
const PRINTED: Takes = text("~", 91, "\n");
const LONG: Takes = text(" ", 256, "ä");
const SECONDS: Takes = Whole(0, 253_402_300_799);

/// Names of lists B and C, the current ones, and their deprecated ones.
const LISTED: &[(&str, Takes)] = &[
    ("com.cph.mainkeys", Flag),
    ("disable.status.bar", Flag),
    ("ro.permission.changed", Flag),
    ("ro.install.auto", Flag),
    ("ro.com.cph.non_root", Flag),
    ("ro.com.cph.notification_disable", Flag),
    ("com.cph.disable_fb_permission", Flag),
    (
        "com.cph.bandwidth_limit",
        Words(&["-1", "1", "99999999"], &["", "0", "-2", "01", "100000000", "1k"]),
    ),
    ("ro.com.cph.toast_enable", Flag),
    ("com.cph.cam_local_pic_path", text("p", 90, ";")),
    ("persist.sys.locale", text("z", 64, "_")),
    ("sys.prop.writeimsi", text("4", 15, "x")),
    ("sys.prop.writephonenum", text("1", 20, "+")),
    ("sys.prop.writewifissid", text("/", 64, " ")),
    ("gsm.sim.operator.iso-country", text("c", 10, "1")),
    ("gsm.sim.operator.numeric", text("4", 10, "c")),
    ("gsm.sim.operator.alpha", text("C", 20, " ")),
    ("gsm.operator.iso-country", text(",", 10, "1")),
    ("gsm.operator.numeric", text(",", 10, "c")),
    ("gsm.operator.alpha", text("C", 20, "4")),
    ("ro.hardware.gpurenderer", DEPRECATED),
    ("ro.board.platform", DEPRECATED),
    ("ro.build.product", DEPRECATED),
    ("ro.product.device", DEPRECATED),
    ("ro.com.cph.sfs_enable", DEPRECATED),
    ("ro.product.manufacturer", DEPRECATED),
    ("ro.product.name", DEPRECATED),
    ("qemu.hw.mainkeys", AnyWhole),
    ("ro.horizontal.screen", Flag),
    ("com.cph.cg.sign_check_url", URL),
    ("com.cph.cg.event_notify_url", URL),
    ("com.cph.cg.heartbeat_url", URL),
    ("com.cph.cg.heartbeat_interval", text("9", 10, "s")),
    ("com.cph.cg.app_port", Whole(10_000, 11_000)),
    ("com.cph.cg.h5_port", Whole(10_000, 11_000)),
    ("ro.com.cph.cloud_app_engine", Flag),
    // Of the list of 2019; all others of that list are aliases.
    ("iccid", text("F", 20, "-")),
];

/// Names that no list has and that clients were seen to send, and Android's own: those that tell a
/// phone from others.
const IDENTITY: &[(&str, Takes)] = &[
    ("ro.product.model", PRINTED),
    ("ro.product.brand", PRINTED),
    ("ro.product.board", PRINTED),
    ("ro.serialno", text("A", 64, " ")),
    (
        "ro.com.cph.mac_address",
        Words(&["02:00:5e:10:AB:ff"], &["", "02:00:5e:10:ab", "02-00-5e-10-ab-ff", "0g:0:0:0:0:0"]),
    ),
    (
        "sys.prop.writeimei",
        Words(
            &["861456987456321", "86145698745632112"],
            &["86145698745632", "861456987456321123", ""],
        ),
    ),
    ("ro.bootloader", PRINTED),
    ("ro.build.date.utc", SECONDS),
    ("ro.build.description", LONG),
    ("ro.build.fingerprint", LONG),
    ("ro.build.host", PRINTED),
    ("ro.build.id", PRINTED),
    ("ro.build.user", PRINTED),
    ("ro.build.version.incremental", PRINTED),
    ("ro.build.version.release", PRINTED),
    ("ro.build.display.id", LONG),
    ("ro.build.flavor", PRINTED),
    ("ro.bootimage.build.fingerprint", LONG),
    ("ro.hardware", PRINTED),
    ("ro.baseband", PRINTED),
    ("gsm.version.baseband", DEPRECATED),
    ("com.cph.sensor.vendor", PRINTED),
    ("com.cph.system.app.install_time", SECONDS),
    (
        "settings.secure.android_id",
        Words(
            &["0123456789abcdef"],
            &["", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF"],
        ),
    ),
];

/// The others of those.
const UNLISTED: &[(&str, Takes)] = &[
    ("ro.hardware.dpi", Whole(72, 1_000)),
    ("ro.hardware.width", Whole(200, 9_999)),
    ("ro.hardware.height", Whole(200, 9_999)),
    ("ro.product.locale", text("Z", 64, "_")),
    ("gsm.sim.state", text("A", 91, "a")),
    (
        "settings.global.http_proxy",
        Words(
            &["10.0.0.1:3128", "proxy.example:1", "[fd00::1]:65535", ":0"],
            &["", "10.0.0.1", "10.0.0.1:0", ":1", "a b:1", "host:123456", "http://a:1"],
        ),
    ),
    (
        "settings.global.private_dns_mode",
        Words(&["off", "opportunistic", "hostname"], &["", "on", "Off", "off "]),
    ),
    ("settings.global.private_dns_specifier", text("d", 253, ":")),
    (
        "persist.sys.timezone",
        Words(
            &["UTC", "Asia/Shanghai", "America/Argentina/Buenos_Aires", "Etc/GMT+8"],
            &["", "/", "Asia/", "../etc", "Asia/Shang hai", "a/b/c/d"],
        ),
    ),
    ("wm.density", Whole(72, 1_000)),
    (
        "wm.size",
        Words(
            &["200x200", "1080x1920", "9999x9999"],
            &["", "199x200", "200x199", "10000x200", "1080", "1080X1920", "1080x1920 "],
        ),
    ),
];

/// Names that other names stand for: those of 2019, then those that only the error table has.
const ALIASES: &[(&str, &str)] = &[
    ("imsi", "sys.prop.writeimsi"),
    ("phone_num", "sys.prop.writephonenum"),
    ("wifi_name", "sys.prop.writewifissid"),
    ("hide_navigate", "com.cph.mainkeys"),
    ("sim_country", "gsm.sim.operator.iso-country"),
    ("sim_number", "gsm.sim.operator.numeric"),
    ("sim_operator", "gsm.sim.operator.alpha"),
    ("gsm_country", "gsm.operator.iso-country"),
    ("gsm_number", "gsm.operator.numeric"),
    ("gsm_operator", "gsm.operator.alpha"),
    ("phone_brand", "ro.product.brand"),
    ("phone_type", "ro.product.model"),
    ("serial_num", "ro.serialno"),
    ("os_version", "ro.build.version.release"),
    ("mac_address", "ro.com.cph.mac_address"),
    ("imei", "sys.prop.writeimei"),
    ("build_id", "ro.build.id"),
    ("android_id", "settings.secure.android_id"),
];

/// Names that are reported to be refused.
const REFUSED: &[&str] = &[
    "ro.build.tags",
    "ro.build.type",
    "ro.build.version.all_codenames",
    "ro.build.version.codename",
    "ro.build.version.sdk",
    "ro.product.cpu.abi",
    "ro.product.cpu.abilist",
    "ro.product.cpu.abilist32",
    "ro.product.cpu.abilist64",
    "ro.sf.lcd_density",
];

/// The phone's own names of Kbox, which no caller may send, and whose they are.
const OF_KBOX: &[(&str, &str)] = &[
    ("persist.sys.prop.writeimei", "sys.prop.writeimei"),
    ("persist.sys.prop.writeimsi", "sys.prop.writeimsi"),
    ("persist.sys.prop.writephonenum", "sys.prop.writephonenum"),
    ("persist.sys.prop.writesimserial", "iccid"),
    ("persist.gsm.operator.alphacph", "gsm.operator.alpha"),
    ("persist.gsm.operator.numericcph", "gsm.operator.numeric"),
    ("persist.gsm.sim.operator.alphacph", "gsm.sim.operator.alpha"),
];

/// Values at the ends of what is taken, and next to them values that are not.
fn ends(takes: Takes) -> (Vec<String>, Vec<String>) {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    match takes {
        Flag => (owned(&["0", "1"]), owned(&["2", "-1", "", "01", "true", " 1", "1\n", "１"])),
        Whole(min, max) => (
            vec![min.to_string(), max.to_string()],
            vec![
                (min - 1).to_string(),
                (max + 1).to_string(),
                format!("0{max}"),
                format!("+{max}"),
                format!("{max} "),
                String::new(),
            ],
        ),
        AnyWhole => (owned(&["0", "-1", "9223372036854775807"]), owned(&["", "x", "00", "1.0"])),
        Words(good, bad) => (owned(good), owned(bad)),
        Takes::Text { before, of, least, most, never } => {
            let long = |chars: usize| {
                let more = chars.saturating_sub(before.len());
                before.chars().take(chars).collect::<String>() + &of.repeat(more)
            };
            let mut bad = vec![long(most + 1), long(least) + never, long(most - 1) + never];
            if least > 0 {
                bad.push(long(least - 1));
            }
            (vec![long(least), long(most)], bad)
        }
    }
}

#[test]
fn every_name_has_its_entry_and_every_entry_its_name() {
    let catalogue = built_in();
    let all = LISTED.iter().chain(IDENTITY).chain(UNLISTED).map(|(name, _)| *name);
    let mut known: Vec<&str> = all.chain(REFUSED.iter().copied()).collect();
    let mut entries: Vec<&str> =
        catalogue.properties_of(Kind::Phone).map(|entry| &*entry.name).collect();
    known.sort_unstable();
    entries.sort_unstable();
    assert_eq!(known, entries);
    let mut aliases: Vec<_> = catalogue
        .properties_of(Kind::Phone)
        .flat_map(|entry| entry.aliases.iter().map(|alias| (&**alias, &*entry.name)))
        .collect();
    let mut expected = ALIASES.to_vec();
    aliases.sort_unstable();
    expected.sort_unstable();
    assert_eq!(aliases, expected);
}

#[test]
fn both_ends_of_every_bound() {
    let catalogue = built_in();
    for (name, takes) in LISTED.iter().chain(IDENTITY).chain(UNLISTED) {
        let property = catalogue.property(name).unwrap();
        let (taken, refused) = ends(*takes);
        for value in taken {
            assert!(property.takes(&value), "{name}={value:?}");
            match catalogue.check("simulated", true, name, &value) {
                Ok(canonical) => assert_eq!(canonical, *name),
                // 91 bytes are all that `setprop` carries.
                Err(refusal) => {
                    assert!(value.len() > 91, "{name}={value:?}: {refusal}");
                    assert!(matches!(refusal, Refusal::PropertyUnsupported { .. }));
                }
            }
        }
        for value in refused {
            assert!(!property.takes(&value), "{name}={value:?}");
            let refused = catalogue.check("simulated", true, name, &value);
            assert!(invalid(&refused), "{name}={value:?}: {refused:?}");
        }
    }
}

/// The one property of the list that takes characters of more than a byte: its bound is in
/// characters, and what the phone's own bound in bytes leaves out is no invalid value.
#[test]
fn characters_are_not_bytes() {
    let catalogue = built_in();
    let picture = "com.cph.cam_local_pic_path";
    let property = catalogue.property(picture).unwrap();
    for value in ["图".repeat(90), "一".repeat(90), "龥".repeat(90)] {
        assert!(property.takes(&value), "{value}");
        unsupported(catalogue.check("simulated", false, picture, &value));
    }
    let at_the_end = format!("{}p", "图".repeat(30));
    assert_eq!(at_the_end.len(), 91);
    assert_eq!(catalogue.check("simulated", false, picture, &at_the_end), Ok(picture));
    unsupported(catalogue.check("simulated", false, picture, &format!("{at_the_end}p")));
    for value in ["图".repeat(91), "Ａ".to_owned(), "か".to_owned(), "한".to_owned()] {
        assert!(invalid(&catalogue.check("simulated", false, picture, &value)), "{value}");
    }
}

#[test]
fn identity_is_the_projects_to_allow() {
    let catalogue = built_in();
    for (name, takes) in IDENTITY {
        let (taken, refused) = ends(*takes);
        for value in taken.iter().chain(&refused) {
            let detail = unsupported(catalogue.check("simulated", false, name, value));
            assert!(detail.contains("policy `identity`"), "{name}: {detail}");
            assert_eq!(catalogue.check_custom("simulated", false, name, value).ok(), None);
        }
        assert!(catalogue.property(name).unwrap().identity, "{name}");
    }
    for (name, takes) in LISTED.iter().chain(UNLISTED) {
        let property = catalogue.property(name).unwrap();
        assert!(!property.identity && property.updatable, "{name}");
        let value = ends(*takes).0.remove(0);
        assert_eq!(catalogue.check("simulated", false, name, &value), Ok(*name), "{value:?}");
    }
}

#[test]
fn other_names_are_stored_under_the_propertys_own() {
    let catalogue = built_in();
    for (alias, name) in ALIASES {
        let rows = LISTED.iter().chain(IDENTITY).chain(UNLISTED);
        let (_, takes) = rows.into_iter().find(|(row, _)| row == name).unwrap();
        let value = ends(*takes).0.remove(0);
        assert_eq!(catalogue.check("simulated", true, alias, &value), Ok(*name));
        assert_eq!(catalogue.check_custom("simulated", true, alias, &value), Ok(*name));
        assert_eq!(catalogue.route("redroid", alias), catalogue.route("redroid", name));
    }
    let refused = catalogue.check("simulated", false, "hide_navigate", "2").unwrap_err();
    let expected = Refusal::PropertyInvalid {
        name: "hide_navigate".to_owned(),
        detail: "allowed: 0 or 1".to_owned(),
    };
    assert_eq!(refused, expected);
}

#[test]
fn what_the_vendor_refuses_is_known_and_refused() {
    let catalogue = built_in();
    for name in REFUSED {
        for profile in ["android", "redroid", "kbox", "simulated"] {
            let detail = unsupported(catalogue.check(profile, true, name, "1"));
            assert_eq!(detail, "it may not be changed", "{name}");
            assert!(catalogue.readable(profile).all(|readable| readable != *name));
        }
        let detail = unsupported(catalogue.check_custom("simulated", true, name, "1"));
        assert_eq!(detail, "it may not be changed", "{name}");
    }
}

#[test]
fn the_phones_own_names_are_not_for_callers() {
    let catalogue = built_in();
    for (own, name) in OF_KBOX {
        for profile in ["kbox", "simulated"] {
            let detail = unsupported(catalogue.check(profile, true, own, "1"));
            assert_eq!(detail, "there is no such property", "{own}");
            let detail = unsupported(catalogue.check_custom(profile, true, own, "1"));
            assert!(detail.contains("the system's own"), "{own}: {detail}");
        }
        let route = catalogue.route("kbox", name).unwrap();
        assert_eq!(route.set_by, SetBy::Setprop { name: own });
        assert_eq!((route.retention, route.timing), (Retention::Data, Timing::AfterRestart));
    }
}
