//! The phone profiles that are part of the product: how each takes each property.

use super::super::*;
use super::{built_in, entry, unsupported};

const PROFILES: [&str; 4] = ["android", "kbox", "redroid", "simulated"];

#[test]
fn what_each_make_does_by_itself() {
    let catalogue = built_in();
    let seen: Vec<_> = catalogue
        .profiles()
        .filter(|profile| profile.kind == Kind::Phone)
        .map(|profile| (&*profile.name, profile.restart, profile.factory_reset, profile.privilege))
        .collect();
    let none = FactoryReset::None;
    let expected = [
        ("android", Restart::AdbReboot, none, Privilege::None),
        ("kbox", Restart::None, none, Privilege::RootShell),
        ("redroid", Restart::None, none, Privilege::RootShell),
        ("simulated", Restart::AdbReboot, FactoryReset::TestHarness, Privilege::None),
    ];
    assert_eq!(seen, expected);
    assert!(catalogue.profiles().all(|profile| profile.commands == Commands::default()));
}

#[test]
fn every_profile_has_a_way_or_a_reason_for_every_property() {
    let catalogue = built_in();
    for profile in PROFILES {
        for property in catalogue.properties_of(Kind::Phone) {
            let name = &property.name;
            let route =
                catalogue.route(profile, name).unwrap_or_else(|| panic!("{profile} {name}"));
            if let SetBy::Unsupported { reason } = route.set_by {
                assert!(reason.len() > 10, "{profile} {name}");
                if property.updatable {
                    let value = property.default.as_deref().unwrap_or("1");
                    let detail = unsupported(catalogue.check(profile, true, name, value));
                    assert_eq!(detail, format!("profile {profile}: {reason}"));
                }
            }
            if let SetBy::Settings { namespace, .. } = route.set_by {
                assert!(["system", "secure", "global"].contains(&namespace));
            }
        }
    }
    for name in catalogue.properties_of(Kind::Phone).filter(|p| p.updatable).map(|p| &*p.name) {
        assert!(catalogue.readable("simulated").any(|readable| readable == name), "{name}");
    }
}

/// The ways of one profile, by the words of the files.
fn by_way(catalogue: &Catalogue, profile: &str) -> Vec<(&'static str, usize)> {
    let ways = ["setprop", "once", "settings", "command", "file", "argument", "stored", "none"];
    let mut counted = ways.map(|way| (way, 0_usize));
    for property in catalogue.properties_of(Kind::Phone).filter(|property| property.updatable) {
        let at = match catalogue.route(profile, &property.name).unwrap().set_by {
            SetBy::Setprop { .. } => 0,
            SetBy::SetpropOncePerBoot { .. } => 1,
            SetBy::Settings { .. } => 2,
            SetBy::Command { .. } => 3,
            SetBy::File { .. } => 4,
            SetBy::StartArgument { .. } => 5,
            SetBy::Stored => 6,
            SetBy::Unsupported { .. } => 7,
            SetBy::BasicParam => panic!("{} of a phone", property.name),
        };
        counted[at].1 += 1;
    }
    counted.into_iter().filter(|(_, count)| *count > 0).collect()
}

#[test]
fn the_ways_of_each_profile() {
    let catalogue = built_in();
    let of = |profile| by_way(&catalogue, profile);
    assert_eq!(of("simulated"), [("setprop", 66), ("settings", 4), ("command", 2)]);
    let android = [("setprop", 14), ("settings", 4), ("command", 3), ("none", 51)];
    assert_eq!(of("android"), android);
    let redroid = [
        ("setprop", 14),
        ("once", 1),
        ("settings", 4),
        ("command", 3),
        ("argument", 26),
        ("none", 24),
    ];
    assert_eq!(of("redroid"), redroid);
    let kbox = [("setprop", 12), ("once", 1), ("settings", 4), ("command", 3), ("none", 52)];
    assert_eq!(of("kbox"), kbox);
}

#[test]
fn plain_android() {
    let catalogue = built_in();
    let route = |name| catalogue.route("android", name).unwrap();
    let locale = route("persist.sys.locale");
    assert_eq!(locale.set_by, SetBy::Setprop { name: "persist.sys.locale" });
    assert_eq!((locale.retention, locale.timing), (Retention::Data, Timing::AfterRestart));
    assert_eq!(route("sys.prop.writephonenum").retention, Retention::Boot);
    let proxy = route("settings.global.http_proxy");
    assert_eq!(proxy.set_by, SetBy::Settings { namespace: "global", key: "http_proxy" });
    assert_eq!((proxy.retention, proxy.timing), (Retention::Data, Timing::AtOnce));
    let SetBy::Command { set, get } = route("wm.density").set_by else { panic!() };
    assert_eq!(set, ["wm", "density", "{value}"]);
    assert_eq!(get, ["sh", "-c", "v=$(wm density); echo ${v##* }"]);
    let detail = unsupported(catalogue.check("android", true, "ro.product.model", "x"));
    assert!(detail.contains("begins with ro."), "{detail}");
    let detail = unsupported(catalogue.check("android", true, "ro.hardware.dpi", "320"));
    assert!(detail.contains("set wm.density instead"), "{detail}");
}

#[test]
fn redroid_has_its_arguments() {
    let catalogue = built_in();
    let argument = |name, value| catalogue.start_argument("redroid", name, value);
    for (name, value, expected) in [
        ("ro.hardware.width", "1080", "androidboot.redroid_width=1080"),
        ("ro.hardware.height", "1920", "androidboot.redroid_height=1920"),
        ("ro.hardware.dpi", "480", "androidboot.redroid_dpi=480"),
        ("ro.product.model", "P60", "ro.product.model=P60"),
        ("phone_type", "P60", "ro.product.model=P60"),
        ("ro.product.manufacturer", "Huawei", "ro.product.manufacturer=Huawei"),
        ("ro.serialno", "A1", "androidboot.serialno=A1"),
    ] {
        assert_eq!(argument(name, value).as_deref(), Some(expected), "{name}");
        let route = catalogue.route("redroid", name).unwrap();
        assert_eq!((route.retention, route.timing), (Retention::StartArgs, Timing::AtOnce));
        assert!(catalogue.readable("redroid").all(|readable| readable != name), "{name}");
    }
    let SetBy::StartArgument { name, .. } =
        catalogue.route("redroid", "ro.hardware.dpi").unwrap().set_by
    else {
        panic!()
    };
    assert_eq!(name, "ro.boot.redroid_dpi");
    assert_eq!(argument("sys.prop.writeimsi", "1"), None);
    assert_eq!(catalogue.start_argument("android", "ro.product.model", "P60"), None);
    assert_eq!(catalogue.start_argument("nokia", "ro.product.model", "P60"), None);
    let check = |value| catalogue.check("redroid", true, "ro.product.model", value);
    assert_eq!(check("P60"), Ok("ro.product.model"));
    assert!(unsupported(check("P 60")).starts_with("profile redroid takes only values without"));
    let once = catalogue.route("redroid", "ro.hardware.gpurenderer").unwrap();
    assert_eq!(once.set_by, SetBy::SetpropOncePerBoot { name: "ro.hardware.gpurenderer" });
    assert_eq!(once.retention, Retention::Boot);
}

#[test]
fn kbox_takes_less_than_the_list_allows() {
    let catalogue = built_in();
    let check = |name, value: &str| catalogue.check("kbox", true, name, value).map(str::to_owned);
    for (name, good, bad) in [
        ("sys.prop.writeimsi", &["460021624617113"][..], &["46002162461711", "1"][..]),
        ("sys.prop.writephonenum", &["1234567", "12345678901"], &["123456", "123456789012"]),
        ("iccid", &["89860123456789012345"], &["8986012345678901234", "89010123456789012345"]),
        ("gsm.operator.alpha", &["C", "CMCCCMCCCMCCCMCCCMCC"], &["CM,CC"]),
        ("gsm.operator.numeric", &["46000", "460000"], &["4600", "4600000", "46000,"]),
        ("gsm.sim.operator.alpha", &["CMCC"], &[","]),
    ] {
        for value in good {
            assert_eq!(check(name, value).as_deref(), Ok(name), "{name}={value}");
        }
        for value in bad {
            match check(name, value) {
                Err(Refusal::PropertyUnsupported { detail, .. }) => {
                    assert!(detail.starts_with("profile kbox takes only "), "{detail}");
                }
                other => panic!("{name}={value}: {other:?}"),
            }
        }
    }
    for name in ["gsm.sim.operator.numeric", "gsm.operator.iso-country", "ro.product.model"] {
        assert!(check(name, "46000").unwrap_err().to_string().contains("Kbox"), "{name}");
    }
}

#[test]
fn simulated_phones_show_what_acts() {
    let catalogue = built_in();
    for name in [
        "com.cph.mainkeys",
        "disable.status.bar",
        "ro.com.cph.non_root",
        "com.cph.disable_fb_permission",
        "ro.horizontal.screen",
    ] {
        let route = catalogue.route("simulated", name).unwrap();
        let effect = ["dumpsys", "cph", name].map(str::to_owned);
        let expected = Route {
            set_by: SetBy::Setprop { name },
            retention: Retention::Data,
            timing: Timing::AfterRestart,
            effect: &effect,
        };
        assert_eq!(route, expected);
    }
    let route = catalogue.route("simulated", "ro.install.auto").unwrap();
    let expected = Route {
        set_by: SetBy::Setprop { name: "ro.install.auto" },
        retention: Retention::Boot,
        timing: Timing::AtOnce,
        effect: &[],
    };
    assert_eq!(route, expected);
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
    let detail = unsupported(catalogue.check("q", false, "c", "1"));
    assert_eq!(detail, "profile q does not say how to apply it");
    assert_eq!(catalogue.route("nokia", "c"), None);
    let detail = unsupported(catalogue.check("nokia", false, "c", "1"));
    assert_eq!(detail, "the device's profile \"nokia\" is not known");
    assert_eq!(catalogue.readable("q").collect::<Vec<_>>(), ["a.b"]);
    assert_eq!(catalogue.readable("nokia").count(), 0);
}
