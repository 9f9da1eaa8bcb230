//! Records of ours: properties of cameras that no camera is told.

use super::super::*;
use super::{built_in, entry, invalid, unsupported};
use crate::organization::OrganizationPath;

const OF_DEVICES: [&str; 6] = [DESCRIPTION, ORGANIZATION, IP, PORT, MANUFACTURER, TRANSPORT];
const CHANNEL: &str = "Channel.34020000001310000001";

/// Checks a record's value for a camera.
fn check(name: &str, value: &str) -> Result<(), Refusal> {
    built_in().check("generic", false, name, value).map(|canonical| assert_eq!(canonical, name))
}

#[test]
fn what_each_record_takes() {
    let (longest, wide) = ("x".repeat(64), "𠀀".repeat(64));
    let (long, path) = (format!("{longest}x"), [&*wide; 4].join("/"));
    for (name, taken, refused) in [
        (
            DESCRIPTION,
            vec!["x", "东门, by the *gate* (1)", "<&>", " a ", &longest, &wide],
            vec!["a\nb", "\0", "\u{7f}", "\u{9f}", "\u{ffff}", &long],
        ),
        (
            MANUFACTURER,
            vec!["Hikvision", "海康_*-", &longest, &wide],
            vec!["a\tb", "\u{fffe}", &long],
        ),
        (
            ORGANIZATION,
            vec!["北京", "北京/海淀/学院路/5 号", &path],
            vec!["/", "a/", "/a", "a//b", "a/b/c/d/e", "a\n", "a/\u{1}", &long],
        ),
        (PORT, vec!["1", "1025", "65535"], vec!["0", "65536", "-1", "01", " 1", "x", "５", "1.0"]),
        (TRANSPORT, vec!["UDP", "TCP"], vec!["udp", "Tcp", "TLS", " "]),
        (
            IP,
            vec!["1.2.3.4", "255.255.255.255", "0.0.0.0", "10.0.0.1", "2001:db8::1", "::", "::1"],
            vec!["1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4.", "cam.example.com", "1.2.3.4:5060"],
        ),
    ] {
        for value in taken {
            assert_eq!(check(name, value), Ok(()), "{name}={value:?}");
        }
        assert_eq!(check(name, ""), Ok(()), "{name} is taken off the record");
        for value in refused {
            let refused = check(name, value).map(|()| "");
            assert!(invalid(&refused), "{name}={value:?}: {refused:?}");
        }
    }
    let refused = check(PORT, "0").unwrap_err();
    let detail = "allowed: a whole number from 1 to 65535, or nothing: then it is taken off the \
                  record";
    let (name, detail) = (PORT.to_owned(), detail.to_owned());
    assert_eq!(refused, Refusal::PropertyInvalid { name, detail });
}

#[test]
fn a_channel_has_two_records_that_take_what_a_devices_do() {
    let catalogue = built_in();
    for (part, good, bad) in [(DESCRIPTION, "by the gate", "a\nb"), (ORGANIZATION, "a/b", "a//b")] {
        let name = format!("{CHANNEL}.{part}");
        assert_eq!(check(&name, good), Ok(()));
        assert_eq!(check(&name, ""), Ok(()));
        let refused = check(&name, bad).unwrap_err();
        assert!(matches!(refused, Refusal::PropertyInvalid { name: of, .. } if of == name));
        assert_eq!(catalogue.property_of(Kind::Camera, &name).unwrap().name, part);
        assert_eq!(catalogue.route("dahua", &name).unwrap().set_by, SetBy::Stored);
    }
    for part in [IP, PORT, MANUFACTURER, TRANSPORT, "desc", "Desc.Desc", ""] {
        let name = format!("{CHANNEL}.{part}");
        unsupported(catalogue.check("generic", true, &name, "1"));
        assert_eq!(catalogue.route("generic", &name), None, "{name}");
    }
    // A name is no record: it can't be taken off.
    assert!(invalid(&check(&format!("{CHANNEL}.{NAME}"), "").map(|()| "")));
}

#[test]
fn no_profile_has_a_say_and_nothing_is_read_back() {
    let own = "name = 'own'\nkind = 'camera'\nmeaning = 'ours'\n[gb]\nshape = '2016'\n\
               channel_names = false\nmanufacturers = []\n\
               [[apply]]\nnames = ['*']\nhow = 'unsupported'\nreason = 'no'\n";
    let own = [Source { name: "own.toml", text: own }];
    let catalogue = Catalogue::with(&[], &own).unwrap_or_else(|error| panic!("{error}"));
    let cameras = catalogue.profiles().filter(|profile| profile.kind == Kind::Camera);
    let mut profiles = 0;
    for Profile { name: profile, .. } in cameras {
        profiles += 1;
        for name in OF_DEVICES {
            assert_eq!(catalogue.check(profile, false, name, ""), Ok(name), "{profile}");
            assert_eq!(catalogue.check_custom(profile, false, name, ""), Ok(name), "{profile}");
            let route = catalogue.route(profile, name).unwrap();
            assert_eq!((route.set_by, route.retention), (SetBy::Stored, Retention::Record));
            assert!(catalogue.readable(profile).all(|readable| readable != name), "{profile}");
        }
    }
    assert_eq!(profiles, 5);
    // Of phones they are names like any other.
    unsupported(catalogue.check("redroid", false, PORT, "1"));
    let route = catalogue.route("redroid", PORT).unwrap();
    assert_eq!(route.set_by, SetBy::Setprop { name: PORT });

    for how in ["how = 'stored'", "how = 'basic-param'", "how = 'unsupported'\nreason = 'no'"] {
        let own = format!("name = 'own'\nbase = 'generic'\n[[apply]]\nnames = ['Port']\n{how}\n");
        let refused = Catalogue::with(&[], &[Source { name: "own.toml", text: &own }]).unwrap_err();
        let problem = "it is a record of ours with every make: no rule sets it";
        assert_eq!(refused.problem, Problem::Fields(problem), "{how}");
        assert_eq!(refused.line, 4, "{refused}");
    }
}

#[test]
fn an_operators_file_can_make_one_narrower_and_no_other_property_a_record() {
    let with = |text: &str| {
        let text = format!("kind = 'camera'\n{text}");
        Catalogue::with(&[Source { name: "own.toml", text: &text }], &[])
    };
    let narrow = "name = 'Desc'\naliases = ['about']\nrecord = true\nkind = 'text'\n\
                  one_of = ['east', 'west']";
    let catalogue = with(&entry(narrow)).unwrap_or_else(|error| panic!("{error}"));
    for value in ["east", ""] {
        assert_eq!(catalogue.check("generic", false, "about", value), Ok(DESCRIPTION));
    }
    assert!(invalid(&catalogue.check("generic", false, DESCRIPTION, "north")));
    let name = format!("{CHANNEL}.{DESCRIPTION}");
    assert!(invalid(&catalogue.check("generic", false, &name, "north")));

    for lines in [
        "name = 'Desc'\nkind = 'bool01'",
        "name = 'Desc'\nrecord = false\nkind = 'bool01'",
        "name = 'Site'\nrecord = true\nkind = 'bool01'",
        "name = 'Name'\nrecord = true\nkind = 'bool01'",
        "name = 'Channel.*'\nrecord = true\nkind = 'bool01'",
    ] {
        let refused = with(&entry(lines)).unwrap_err();
        let Problem::Fields(problem) = refused.problem else { panic!("{refused}") };
        assert!(problem.starts_with("record = true belongs to Desc"), "{problem}");
    }
    let phones = entry("name = 'Desc'\nrecord = true\nkind = 'bool01'");
    assert!(Catalogue::with(&[Source { name: "a.toml", text: &phones }], &[]).is_err());
}

proptest::proptest! {
    /// What is taken as a path or an address is one.
    #[test]
    fn what_is_taken_is_what_it_says(path in "[a/\u{1}]{1,12}", ip in "[0-9a-f:.]{1,20}") {
        if check(ORGANIZATION, &path).is_ok() {
            proptest::prop_assert!(path.parse::<OrganizationPath>().is_ok(), "{path:?}");
        }
        if check(IP, &ip).is_ok() {
            proptest::prop_assert!(ip.parse::<std::net::IpAddr>().is_ok(), "{ip}");
        }
    }

    /// Every address is taken in the form that it is written in, but for one that is an IPv4
    /// address within an IPv6 one.
    #[test]
    fn every_address_is_taken(v4: [u8; 4], v6: [u16; 8], blank: u8) {
        proptest::prop_assert!(check(IP, &std::net::Ipv4Addr::from(v4).to_string()).is_ok());
        let mut v6 = v6;
        for (index, group) in v6.iter_mut().enumerate() {
            *group = if blank >> index & 1 == 1 { 0 } else { *group };
        }
        let ip = std::net::Ipv6Addr::from(v6).to_string();
        proptest::prop_assert!(ip.contains('.') || check(IP, &ip).is_ok(), "{ip}");
    }
}
