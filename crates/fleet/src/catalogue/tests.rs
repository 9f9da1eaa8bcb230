//! The catalogue as a whole, and the files that are part of the product.

use proptest::prelude::*;

use super::*;

fn built_in() -> Catalogue {
    Catalogue::built_in().unwrap_or_else(|error| panic!("{error}"))
}

/// Loads one property file and one profile that sets all by `setprop`.
pub(super) fn load_one(properties: &str) -> Result<Catalogue, LoadError> {
    let profile = "name = 'p'\nrestart = 'none'\nmeaning = 'm'\n\
                   [[apply]]\nnames = ['*']\nhow = 'setprop'\n";
    Catalogue::load(
        &[Source { name: "a.toml", text: properties }],
        &[Source { name: "p.toml", text: profile }],
    )
}

/// A property entry with these lines besides those that every entry needs.
pub(super) fn entry(lines: &str) -> String {
    format!("[[property]]\n{lines}\ntiming = 'at-once'\nmeaning = 'm'\nsource = 's'\n")
}

fn invalid(refused: &Result<&str, Refusal>) -> bool {
    matches!(refused, Err(Refusal::PropertyInvalid { .. }))
}

/// The detail of an unsupported property.
fn unsupported(refused: Result<&str, Refusal>) -> String {
    match refused {
        Err(Refusal::PropertyUnsupported { detail, .. }) => detail,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_documented_default_is_taken() {
    let catalogue = built_in();
    let mut defaults = 0;
    for property in catalogue.properties() {
        if let Some(default) = &property.default {
            defaults += 1;
            assert_eq!(catalogue.check("simulated", &property.name, default), Ok(&*property.name));
        }
    }
    assert_eq!(defaults, 23);
}

#[test]
fn every_zero_or_one_property_takes_zero_and_one_only() {
    let catalogue = built_in();
    let names = [
        "com.cph.mainkeys",
        "disable.status.bar",
        "ro.permission.changed",
        "ro.install.auto",
        "ro.com.cph.non_root",
        "ro.com.cph.notification_disable",
        "ro.com.cph.toast_enable",
        "com.cph.disable_fb_permission",
        "ro.horizontal.screen",
        "ro.com.cph.cloud_app_engine",
    ];
    let flags = catalogue.properties().filter(|property| property.kind == ValueKind::Bool01);
    assert_eq!(flags.map(|property| &*property.name).collect::<Vec<_>>(), names);
    for name in names {
        assert_eq!(catalogue.check("simulated", name, "0"), Ok(name));
        assert_eq!(catalogue.check("simulated", name, "1"), Ok(name));
        for value in ["2", "-1", "", "01", "true", " 1", "1\n", "１"] {
            assert!(invalid(&catalogue.check("simulated", name, value)), "{name}={value:?}");
        }
    }
}

#[test]
fn the_ends_of_each_range() {
    let catalogue = built_in();
    let long = |unit: &str, count: usize| unit.repeat(count);
    let cases: [(&str, Vec<String>, Vec<String>); 12] = [
        (
            "sys.prop.writephonenum",
            vec![long("1", 20), long("1", 1)],
            vec![long("1", 21), "".into(), "+8613666666666".into(), "1\n".into(), "١".into()],
        ),
        (
            "sys.prop.writeimsi",
            vec![long("4", 15), "0".into()],
            vec![long("4", 16), "".into(), "46002x".into()],
        ),
        (
            "sys.prop.writewifissid",
            vec![long("w", 64), "a-b_c.d/e".into()],
            vec![long("w", 65), "".into(), "a b".into(), "一".into(), "a$b".into()],
        ),
        (
            "gsm.operator.numeric",
            vec!["46000".into(), long("4", 10), "46000,4600".into()],
            vec![long("4", 11), "".into(), "abc".into()],
        ),
        ("gsm.sim.operator.alpha", vec![long("C", 20)], vec![long("C", 21), "4".into()]),
        ("gsm.operator.iso-country", vec!["cn,us".into()], vec![long("c", 11), "c1".into()]),
        ("persist.sys.locale", vec!["zh-CN".into()], vec!["zh_CN".into(), long("z", 65)]),
        (
            "com.cph.bandwidth_limit",
            vec!["-1".into(), "1".into(), "99999999".into()],
            vec!["0".into(), "100000000".into(), "-2".into(), "01".into(), "-1\n".into()],
        ),
        (
            "com.cph.cam_local_pic_path",
            vec![long("p", 90), "/sdcard/图 1.png".into()],
            vec![long("p", 91), "".into(), "a;b".into()],
        ),
        (
            "com.cph.cg.app_port",
            vec!["10000".into(), "11000".into()],
            vec!["9999".into(), "11001".into(), "010000".into(), "+10000".into()],
        ),
        (
            "com.cph.cg.heartbeat_url",
            vec!["https://a.b:8080/c".into(), long("http", 1)],
            vec!["ftp://a".into(), format!("http{}", long("a", 253)), "http://a?b".into()],
        ),
        ("ro.product.name", vec!["".into(), long("~", 91)], vec![long("~", 92), "é".into()]),
    ];
    for (name, taken, refused) in cases {
        for value in taken {
            assert_eq!(catalogue.check("simulated", name, &value), Ok(name), "{value:?}");
        }
        for value in refused {
            assert!(invalid(&catalogue.check("simulated", name, &value)), "{name}={value:?}");
        }
    }
}

#[test]
fn names_of_2019_are_stored_under_the_current_ones() {
    let catalogue = built_in();
    for (old, name, value) in [
        ("imsi", "sys.prop.writeimsi", "460021624617113"),
        ("phone_num", "sys.prop.writephonenum", "13666666666"),
        ("wifi_name", "sys.prop.writewifissid", "test_wifi"),
        ("hide_navigate", "com.cph.mainkeys", "1"),
        ("sim_country", "gsm.sim.operator.iso-country", "cn"),
        ("sim_number", "gsm.sim.operator.numeric", "46000"),
        ("sim_operator", "gsm.sim.operator.alpha", "CMCC"),
        ("gsm_country", "gsm.operator.iso-country", "cn"),
        ("gsm_number", "gsm.operator.numeric", "46000"),
        ("gsm_operator", "gsm.operator.alpha", "CMCC"),
    ] {
        assert_eq!(catalogue.check("android", old, value), Ok(name));
        assert_eq!(catalogue.property(old).unwrap().name, name);
        assert_eq!(catalogue.route("android", old), catalogue.route("android", name));
    }
    let refused = catalogue.check("android", "hide_navigate", "2").unwrap_err();
    let expected = Refusal::PropertyInvalid {
        name: "hide_navigate".to_owned(),
        detail: "allowed: 0 or 1".to_owned(),
    };
    assert_eq!(refused, expected);
    assert_eq!(unsupported(catalogue.check("android", "iccid", "1")), "there is no such property");
}

#[test]
fn names_that_nobody_may_use_are_unsupported() {
    let catalogue = load_one(&entry("name = 'persist.*'\nkind = 'text'\nchars_max = 9")).unwrap();
    for name in ["persist.fleetwright.id", "persist.fleetwright"] {
        let detail = unsupported(catalogue.check("p", name, "1"));
        assert_eq!(detail, "the name is reserved for the server itself");
        assert!(catalogue.property(name).is_none() && catalogue.route("p", name).is_none());
    }
    let long = format!("persist.{}", "x".repeat(120));
    assert_eq!(catalogue.check("p", &long, "1"), Ok(&*long));
    for name in ["", "persist.", "persist.a b", "persist.ä", "persist.*", &format!("{long}x")] {
        let detail = unsupported(catalogue.check("p", name, "1"));
        assert!(detail.starts_with("a name is 1 to 128 letters"), "{name}: {detail}");
    }
}

#[test]
fn an_exact_entry_beats_a_prefix_and_a_longer_prefix_a_shorter() {
    let text = entry("name = 'persist.*'\nkind = 'text'\nchars_max = 9")
        + &entry("name = 'persist.net.*'\nkind = 'integer'\nmin = 1\nmax = 2")
        + &entry("name = 'persist.net.on'\naliases = ['net_on']\nkind = 'bool01'");
    let catalogue = load_one(&text).unwrap();
    assert_eq!(catalogue.check("p", "persist.a", "x"), Ok("persist.a"));
    assert_eq!(catalogue.check("p", "persist.net.mtu", "2"), Ok("persist.net.mtu"));
    assert!(invalid(&catalogue.check("p", "persist.net.mtu", "x")));
    assert_eq!(catalogue.check("p", "net_on", "0"), Ok("persist.net.on"));
    assert!(invalid(&catalogue.check("p", "persist.net.on", "2")));
    assert_eq!(unsupported(catalogue.check("p", "persist", "x")), "there is no such property");
    let route = catalogue.route("p", "persist.net.mtu").unwrap();
    assert_eq!(route.set_by, SetBy::Setprop { name: "persist.net.mtu" });
    assert_eq!(route.retention, Retention::Data);
}

#[test]
fn each_kind_of_check_says_what_it_allows() {
    let text = entry("name = 'a'\nkind = 'text'\none_of = ['x', 'y']")
        + &entry("name = 'b'\nkind = 'text'\nchars_max = 3\nbytes_max = 4")
        + &entry("name = 'c'\nkind = 'integer'\nmin = -1\nmax = 5");
    let catalogue = load_one(&text).unwrap();
    for (name, good, bad, allows) in [
        ("a", "y", "z", "allowed: one of x, y"),
        ("b", "ää", "äää", "allowed: at most 3 characters and at most 4 bytes"),
        ("c", "-1", "-2", "allowed: a whole number from -1 to 5"),
    ] {
        assert_eq!(catalogue.check("p", name, good), Ok(name));
        let refused = catalogue.check("p", name, bad).unwrap_err();
        let detail = allows.to_owned();
        assert_eq!(refused, Refusal::PropertyInvalid { name: name.to_owned(), detail });
    }
}

#[test]
fn what_may_not_be_changed_is_unsupported() {
    let text = entry("name = 'a'\nkind = 'bool01'\nupdatable = false");
    let catalogue = load_one(&text).unwrap();
    assert_eq!(unsupported(catalogue.check("p", "a", "1")), "it may not be changed");
}

#[test]
fn routes_follow_the_profile() {
    let catalogue = built_in();
    let simulated = catalogue.route("simulated", "ro.install.auto").unwrap();
    let expected = Route {
        set_by: SetBy::Setprop { name: "ro.install.auto" },
        retention: Retention::Boot,
        timing: Timing::AtOnce,
    };
    assert_eq!(simulated, expected);
    let locale = catalogue.route("android", "persist.sys.locale").unwrap();
    assert_eq!((locale.retention, locale.timing), (Retention::Data, Timing::AfterRestart));

    let android = catalogue.route("android", "ro.install.auto").unwrap();
    assert!(matches!(android.set_by, SetBy::Unsupported { .. }));
    let detail = unsupported(catalogue.check("android", "ro.install.auto", "1"));
    assert!(detail.contains("begins with ro."), "{detail}");

    let detail = unsupported(catalogue.check("nokia", "com.cph.mainkeys", "1"));
    assert_eq!(detail, "the device's profile \"nokia\" is not known");
    assert_eq!(catalogue.route("nokia", "com.cph.mainkeys"), None);
    assert_eq!(catalogue.route("android", "no.such"), None);

    let names: Vec<_> = catalogue.profiles().map(|p| (&*p.name, p.restart)).collect();
    assert_eq!(names, [("android", Restart::AdbReboot), ("simulated", Restart::AdbReboot)]);
}

#[test]
fn a_profile_may_say_otherwise_and_must_say_something() {
    let property = entry("name = 'a.b'\nkind = 'bool01'") + &entry("name = 'c'\nkind = 'bool01'");
    let profile = "name = 'q'\nrestart = 'none'\nmeaning = 'm'\n\
                   [[apply]]\nnames = ['a.*']\nhow = 'setprop'\n\
                   retention = 'data'\ntiming = 'after-restart'\n";
    let catalogue = Catalogue::load(
        &[Source { name: "a.toml", text: &property }],
        &[Source { name: "q.toml", text: profile }],
    )
    .unwrap();
    let route = catalogue.route("q", "a.b").unwrap();
    assert_eq!((route.retention, route.timing), (Retention::Data, Timing::AfterRestart));
    assert_eq!(catalogue.route("q", "c"), None);
    let detail = unsupported(catalogue.check("q", "c", "1"));
    assert_eq!(detail, "profile q does not say how to apply it");
    assert_eq!(catalogue.profile("q").unwrap().restart, Restart::None);
}

/// A value that the vendor allows and `setprop` can't carry is not invalid: this make of device
/// can't take it.
#[test]
fn a_value_too_long_for_setprop_is_unsupported() {
    let catalogue = built_in();
    let url = |bytes: usize| format!("http://{}", "a".repeat(bytes - 7));
    let name = "com.cph.cg.heartbeat_url";
    assert_eq!(catalogue.check("simulated", name, &url(91)), Ok(name));
    for bytes in [92, 256] {
        let detail = unsupported(catalogue.check("simulated", name, &url(bytes)));
        assert!(detail.contains("at most 91 bytes"), "{detail}");
    }
    assert!(invalid(&catalogue.check("simulated", name, &url(257))));
    let picture = "com.cph.cam_local_pic_path";
    assert_eq!(catalogue.check("simulated", picture, &"图".repeat(30)), Ok(picture));
    unsupported(catalogue.check("simulated", picture, &"图".repeat(31)));

    let text = entry("name = 'ro.long'\nkind = 'text'\nchars_max = 200");
    let catalogue = load_one(&text).unwrap();
    assert_eq!(catalogue.check("p", "ro.long", &"x".repeat(200)), Ok("ro.long"));
}

proptest! {
    #[test]
    fn a_check_never_panics(
        profile in "\\PC{0,9}",
        name in "\\PC{0,140}",
        value in any::<String>(),
    ) {
        let catalogue = load_one(&entry("name = 'a.*'\nkind = 'text'\nchars_max = 9")).unwrap();
        for profile in [&*profile, "p"] {
            let _ = catalogue.check(profile, &name, &value);
            let name = format!("a.{name}");
            let _ = catalogue.check(profile, &name, &value);
        }
    }

    /// What is taken is a value that the same property takes under its stored name too.
    #[test]
    fn what_is_taken_is_taken_again(index in 0_usize..64, value in "[-0-9a-zA-Z,./:一 ]{0,24}") {
        let catalogue = built_in();
        let names = catalogue.properties().flat_map(|p| p.aliases.iter().chain([&p.name]));
        let names: Vec<&String> = names.collect();
        let name = names[index % names.len()];
        if let Ok(canonical) = catalogue.check("simulated", name, &value) {
            prop_assert_eq!(catalogue.check("simulated", canonical, &value), Ok(canonical));
            prop_assert_eq!(&catalogue.property(name).unwrap().name, canonical);
        }
    }
}
