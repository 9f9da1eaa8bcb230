//! The properties and profiles of cameras that are part of the product, and an operator's own.

use super::super::*;
use super::{built_in, entry, invalid, unsupported};

const PROFILES: [&str; 4] = ["dahua", "generic", "hikvision", "uniview"];
const CHANNEL: &str = "Channel.34020000001310000001.Name";

/// The built-in catalogue with these profile files of an operator's.
fn with(profiles: &[&str]) -> Catalogue {
    let profiles: Vec<Source<'_>> =
        profiles.iter().map(|text| Source { name: "mine.toml", text }).collect();
    Catalogue::with(&[], &profiles).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn both_ends_of_every_bound() {
    let catalogue = built_in();
    let names: Vec<&str> =
        catalogue.properties_of(Kind::Camera).map(|property| &*property.name).collect();
    let (pushed, records) = names.split_at(5);
    assert_eq!(pushed, ["Name", "Channel.*", "Expiration", "HeartBeatInterval", "HeartBeatCount"]);
    assert_eq!(records, [DESCRIPTION, ORGANIZATION, IP, PORT, MANUFACTURER, TRANSPORT]);
    for (name, taken, refused) in [
        (EXPIRATION, ["3600", "604800"], ["3599", "604801", "", "+3600", "3600 ", "1e5"]),
        (HEARTBEAT_INTERVAL, ["5", "3600"], ["4", "3601", "", "060", "-5", "x"]),
        (HEARTBEAT_COUNT, ["1", "100"], ["0", "101", "", "03", "-1", "３"]),
    ] {
        for profile in PROFILES {
            for value in taken {
                assert_eq!(catalogue.check(profile, false, name, value), Ok(name), "{value}");
            }
            for value in refused {
                assert!(invalid(&catalogue.check(profile, false, name, value)), "{name}={value}");
            }
        }
    }
}

#[test]
fn a_name_is_what_a_message_can_carry() {
    let catalogue = built_in();
    let (longest, wide) = ("x".repeat(64), "𠀀".repeat(64));
    for name in [NAME, CHANNEL] {
        for value in [
            "x",
            "gate 1",
            "东门-1",
            "萳*_",
            "<a>&'\"|",
            "a\u{3000}b",
            "\u{e000}\u{10ffff}",
            "é\u{301}",
            &longest,
            &wide,
        ] {
            for profile in PROFILES {
                assert_eq!(catalogue.check(profile, false, name, value), Ok(name), "{value:?}");
            }
        }
        for value in [
            "",
            " ",
            " a",
            "a ",
            "\u{3000}a",
            "a\u{a0}",
            "a\tb",
            "a\nb",
            "a\r",
            "a\0b",
            "a\u{1b}b",
            "a\u{7f}b",
            "a\u{85}b",
            "\u{fffe}",
            "a\u{ffff}b",
            &format!("{longest}x"),
            &format!("{wide}x"),
        ] {
            let refused = catalogue.check("generic", false, name, value);
            assert!(invalid(&refused), "{name}={value:?}: {refused:?}");
        }
    }
}

#[test]
fn a_channels_name_has_one_form() {
    let catalogue = built_in();
    for name in [
        "Channel.34020000001310000001",
        "Channel.34020000001310000001.Expiration",
        "Channel.3402000000131000000.Name",
        "Channel.340200000013100000011.Name",
        "Channel.3402000000131000000a.Name",
        "Channel.Name",
        "Channel",
        "channel.34020000001310000001.Name",
        "Model",
    ] {
        for profile in PROFILES {
            let detail = unsupported(catalogue.check(profile, true, name, "x"));
            assert_eq!(detail, "there is no such property", "{name}");
            let detail = unsupported(catalogue.check_custom(profile, true, name, "x"));
            assert_eq!(detail, "there is no such property", "{name}");
            assert_eq!(catalogue.route(profile, name), None, "{name}");
        }
        assert!(catalogue.property_of(Kind::Camera, name).is_none(), "{name}");
    }
    assert_eq!(catalogue.property_of(Kind::Camera, CHANNEL).unwrap().name, "Channel.*");
}

#[test]
fn phones_and_cameras_have_names_of_their_own() {
    let catalogue = built_in();
    assert!(catalogue.property(NAME).is_none());
    assert!(catalogue.property_of(Kind::Camera, "sys.prop.writeimsi").is_none());
    assert!(catalogue.property_of(Kind::Phone, "sys.prop.writeimsi").is_some());
    let detail = unsupported(catalogue.check("generic", true, "sys.prop.writeimsi", "1"));
    assert_eq!(detail, "there is no such property");
    let detail = unsupported(catalogue.check("redroid", true, NAME, "x"));
    assert_eq!(detail, "there is no such property");
    // For a phone it is a name of the caller's own, as any other.
    for name in [NAME, EXPIRATION, CHANNEL, "Channel.x"] {
        assert_eq!(catalogue.check_custom("redroid", true, name, " "), Ok(name));
        let route = catalogue.route("redroid", name).unwrap();
        assert_eq!(route.set_by, SetBy::Setprop { name });
    }
    // A camera has no properties of a caller's own, by whichever way they come.
    let detail = unsupported(catalogue.check_custom("generic", true, "custom.a", "x"));
    assert_eq!(detail, "there is no such property");
    assert_eq!(catalogue.check_custom("generic", true, NAME, "x"), Ok(NAME));
    assert!(invalid(&catalogue.check_custom("generic", true, NAME, " ")));
    let detail = unsupported(catalogue.check("nokia", true, NAME, "x"));
    assert_eq!(detail, "the device's profile \"nokia\" is not known");
}

#[test]
fn an_operators_property_is_for_one_kind() {
    let of_phones = entry("name = 'Name'\naliases = ['n']\nkind = 'bool01'");
    let of_cameras = "kind = 'camera'\n".to_owned()
        + &entry("name = 'site'\naliases = ['n', 'imsi']\nkind = 'text'\nchars_max = 4");
    let profile = "name = 'own'\nbase = 'generic'\n[[apply]]\nnames = ['site']\nhow = 'stored'\n";
    let catalogue = Catalogue::with(
        &[
            Source { name: "a.toml", text: &of_phones },
            Source { name: "b.toml", text: &of_cameras },
        ],
        &[Source { name: "own.toml", text: profile }],
    );
    let catalogue = catalogue.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(catalogue.check("own", false, NAME, "gate"), Ok(NAME));
    assert_eq!(catalogue.check("redroid", false, "n", "1"), Ok(NAME));
    assert!(invalid(&catalogue.check("redroid", false, NAME, "gate")));
    assert_eq!(catalogue.check("own", false, "n", "east"), Ok("site"));
    assert_eq!(catalogue.check("own", false, "imsi", "east"), Ok("site"));
    assert_eq!(catalogue.route("own", "site").unwrap().set_by, SetBy::Stored);
    let detail = unsupported(catalogue.check("generic", false, "site", "east"));
    assert_eq!(detail, "profile generic does not say how to apply it");
}

#[test]
fn each_make_has_its_ways() {
    let catalogue = built_in();
    let seen: Vec<&str> = catalogue
        .profiles()
        .filter(|profile| profile.kind == Kind::Camera)
        .map(|profile| &*profile.name)
        .collect();
    assert_eq!(seen, PROFILES);
    let pushed = Route {
        set_by: SetBy::BasicParam,
        retention: Retention::Data,
        timing: Timing::AtOnce,
        effect: &[],
    };
    let stored = Route { set_by: SetBy::Stored, retention: Retention::Record, ..pushed };
    for name in PROFILES {
        let profile = catalogue.profile(name).unwrap();
        let gb = profile.gb.as_ref().unwrap();
        assert_eq!((profile.kind, gb.shape), (Kind::Camera, GbShape::Y2016));
        assert_eq!(gb.channel_names, name != "dahua");
        assert_eq!((profile.restart, profile.factory_reset), (Restart::None, FactoryReset::None));
        assert_eq!(profile.privilege, Privilege::None);
        assert_eq!(profile.commands, Commands::default());
        for property in [NAME, EXPIRATION, HEARTBEAT_INTERVAL, HEARTBEAT_COUNT] {
            assert_eq!(catalogue.route(name, property), Some(pushed), "{name} {property}");
        }
        let expected = if gb.channel_names { pushed } else { stored };
        assert_eq!(catalogue.route(name, CHANNEL), Some(expected), "{name}");
        let readable: Vec<&str> = catalogue.readable(name).collect();
        assert_eq!(readable, [NAME, EXPIRATION, HEARTBEAT_INTERVAL, HEARTBEAT_COUNT]);
        assert_eq!(catalogue.start_argument(name, NAME, "x"), None);
    }
    for phone in catalogue.profiles().filter(|profile| profile.kind == Kind::Phone) {
        assert_eq!(phone.gb, None);
        for property in catalogue.properties_of(Kind::Phone) {
            let route = catalogue.route(&phone.name, &property.name).unwrap();
            assert_ne!(route.set_by, SetBy::BasicParam, "{} {}", phone.name, property.name);
        }
    }
}

#[test]
fn a_maker_is_known_by_what_its_devices_say() {
    let catalogue = built_in();
    let chosen = |recorded, manufacturer| {
        catalogue.camera_profile(recorded, manufacturer).map(|profile| &*profile.name)
    };
    for (manufacturer, profile) in [
        (None, "generic"),
        (Some(""), "generic"),
        (Some("ExampleCam"), "generic"),
        (Some("Hikvision"), "hikvision"),
        (Some("HIKVISION"), "hikvision"),
        (Some("海康威视"), "hikvision"),
        (Some("DAHUA"), "dahua"),
        (Some(" Dahua Technology Co., Ltd"), "dahua"),
        (Some("浙江大华技术股份有限公司"), "dahua"),
        (Some("UNIVIEW"), "uniview"),
        (Some("宇视科技"), "uniview"),
    ] {
        assert_eq!(chosen("generic", manufacturer), Some(profile), "{manufacturer:?}");
        // What an operator says of a device counts more than what it says itself.
        assert_eq!(chosen("uniview", manufacturer), Some("uniview"), "{manufacturer:?}");
    }
    for recorded in ["nokia", "redroid", ""] {
        assert_eq!(chosen(recorded, Some("Hikvision")), None, "{recorded}");
    }
}

#[test]
fn an_operators_profile_is_based_on_one_of_cameras() {
    let own = "name = 'farm'\nbase = 'hikvision'\nmeaning = 'ours'\n[gb]\nshape = '2014'\n";
    let replaced = "name = 'hikvision'\nbase = 'hikvision'\n[gb]\nchannel_names = false\n\
                    [[apply]]\nnames = ['Expiration']\nhow = 'unsupported'\nreason = 'fixed'\n";
    let oem = "name = 'oem'\nbase = 'generic'\n[gb]\nmanufacturers = ['Hikvision OEM']\n";
    let catalogue = with(&[own, replaced, oem]);
    let gb = |name| catalogue.profile(name).unwrap().gb.clone().unwrap();
    let manufacturers = vec!["hikvision".to_owned(), "海康".to_owned()];
    let expected = GbProfile { shape: GbShape::Y2016, channel_names: false, manufacturers };
    assert_eq!(gb("hikvision"), expected);
    let expected =
        GbProfile { shape: GbShape::Y2014, channel_names: true, manufacturers: Vec::new() };
    assert_eq!(gb("farm"), expected);
    assert_eq!(catalogue.profile("farm").unwrap().kind, Kind::Camera);
    assert_eq!(catalogue.route("farm", CHANNEL).unwrap().set_by, SetBy::BasicParam);
    assert_eq!(catalogue.route("hikvision", CHANNEL).unwrap().set_by, SetBy::Stored);
    assert_eq!(catalogue.check("hikvision", false, CHANNEL, "x"), Ok(CHANNEL));
    let detail = unsupported(catalogue.check("hikvision", false, EXPIRATION, "3600"));
    assert_eq!(detail, "profile hikvision: fixed");
    let readable: Vec<&str> = catalogue.readable("hikvision").collect();
    assert_eq!(readable, [NAME, HEARTBEAT_INTERVAL, HEARTBEAT_COUNT]);

    let chosen = |recorded, manufacturer| {
        let chosen = catalogue.camera_profile(recorded, Some(manufacturer));
        &*chosen.unwrap().name
    };
    assert_eq!(chosen("generic", "Hikvision"), "hikvision");
    assert_eq!(chosen("generic", "HIKVISION OEM"), "oem", "the longest text that it has");
    assert_eq!(chosen("farm", "Dahua"), "farm");
    // A profile that is based on `generic` is a choice of the operator's.
    assert_eq!(chosen("oem", "Dahua"), "oem");
}
