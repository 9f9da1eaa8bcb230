//! The catalogue as a whole, and the files that are part of the product.

mod cameras;
mod operator;
mod page;
mod profiles;
mod records;
mod vendor_list;

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
        let profile = match property.device_kind {
            Kind::Phone => "simulated",
            Kind::Camera => "generic",
        };
        if let Some(default) = &property.default {
            defaults += 1;
            let checked = catalogue.check(profile, true, &property.name, default);
            assert_eq!(checked, Ok(&*property.name));
        }
    }
    assert_eq!(defaults, 26);
}

#[test]
fn names_that_nobody_may_use_are_unsupported() {
    let catalogue = load_one(&entry("name = 'persist.*'\nkind = 'text'\nchars_max = 9")).unwrap();
    for name in ["persist.fleetwright.id", "persist.fleetwright"] {
        let detail = unsupported(catalogue.check("p", false, name, "1"));
        assert_eq!(detail, "the name is reserved for the server itself");
        assert!(catalogue.property(name).is_none() && catalogue.route("p", name).is_none());
    }
    let long = format!("persist.{}", "x".repeat(120));
    assert_eq!(catalogue.check("p", false, &long, "1"), Ok(&*long));
    for name in ["", "persist.", "persist.a b", "persist.ä", "persist.*", &format!("{long}x")] {
        let detail = unsupported(catalogue.check("p", false, name, "1"));
        assert!(detail.starts_with("a name is 1 to 128 letters"), "{name}: {detail}");
    }
}

#[test]
fn an_exact_entry_beats_a_prefix_and_a_longer_prefix_a_shorter() {
    let text = entry("name = 'persist.*'\nkind = 'text'\nchars_max = 9")
        + &entry("name = 'persist.net.*'\nkind = 'integer'\nmin = 1\nmax = 2")
        + &entry("name = 'persist.net.on'\naliases = ['net_on']\nkind = 'bool01'");
    let catalogue = load_one(&text).unwrap();
    assert_eq!(catalogue.check("p", false, "persist.a", "x"), Ok("persist.a"));
    assert_eq!(catalogue.check("p", false, "persist.net.mtu", "2"), Ok("persist.net.mtu"));
    assert!(invalid(&catalogue.check("p", false, "persist.net.mtu", "x")));
    assert_eq!(catalogue.check("p", false, "net_on", "0"), Ok("persist.net.on"));
    assert!(invalid(&catalogue.check("p", false, "persist.net.on", "2")));
    assert_eq!(
        unsupported(catalogue.check("p", false, "persist", "x")),
        "there is no such property"
    );
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
        assert_eq!(catalogue.check("p", false, name, good), Ok(name));
        let refused = catalogue.check("p", false, name, bad).unwrap_err();
        let detail = allows.to_owned();
        assert_eq!(refused, Refusal::PropertyInvalid { name: name.to_owned(), detail });
    }
}

#[test]
fn what_may_not_be_changed_is_unsupported() {
    let text = entry("name = 'a'\nkind = 'bool01'\nupdatable = false");
    let catalogue = load_one(&text).unwrap();
    assert_eq!(unsupported(catalogue.check("p", false, "a", "1")), "it may not be changed");
}

/// A value that the vendor allows and `setprop` can't carry is not invalid: this make of device
/// can't take it.
#[test]
fn a_value_too_long_for_setprop_is_unsupported() {
    let catalogue = built_in();
    let url = |bytes: usize| format!("http://{}", "a".repeat(bytes - 7));
    let name = "com.cph.cg.heartbeat_url";
    assert_eq!(catalogue.check("simulated", false, name, &url(91)), Ok(name));
    for bytes in [92, 256] {
        let detail = unsupported(catalogue.check("simulated", false, name, &url(bytes)));
        assert!(detail.contains("at most 91 bytes"), "{detail}");
    }
    assert!(invalid(&catalogue.check("simulated", false, name, &url(257))));
    let picture = "com.cph.cam_local_pic_path";
    assert_eq!(catalogue.check("simulated", false, picture, &"图".repeat(30)), Ok(picture));
    unsupported(catalogue.check("simulated", false, picture, &"图".repeat(31)));

    let text = entry("name = 'ro.long'\nkind = 'text'\nchars_max = 200");
    let catalogue = load_one(&text).unwrap();
    assert_eq!(catalogue.check("p", false, "ro.long", &"x".repeat(200)), Ok("ro.long"));
}

#[test]
fn a_free_name_needs_no_entry() {
    let catalogue = built_in();
    let most = "x".repeat(91);
    for profile in ["android", "redroid", "kbox", "simulated"] {
        for (name, value) in [
            ("custom.prop.key1", "value1"),
            ("a", ""),
            ("persist.mine", "一"),
            ("b-c_d:e@f", &most),
        ] {
            assert_eq!(catalogue.check_custom(profile, false, name, value), Ok(name));
            let route = catalogue.route(profile, name).unwrap();
            assert_eq!(route.set_by, SetBy::Setprop { name });
            assert_eq!(route.timing, Timing::AtOnce);
            let detail = unsupported(catalogue.check(profile, false, name, value));
            assert_eq!(detail, "there is no such property");
            assert!(catalogue.readable(profile).all(|readable| readable != name));
        }
    }
    let holds = |name| catalogue.route("redroid", name).unwrap().retention;
    assert_eq!((holds("persist.mine"), holds("mine")), (Retention::Data, Retention::Boot));
}

#[test]
fn a_free_name_has_bounds_too() {
    let catalogue = built_in();
    let (bytes, chars) = ("x".repeat(92), "一".repeat(31));
    let (longest, longer) = ("x".repeat(128), "x".repeat(129));
    let check = |name, value| catalogue.check_custom("redroid", true, name, value);
    for value in [&*bytes, &*chars, "a\nb", "\0"] {
        let refused = check("custom.a", value).unwrap_err();
        let detail = "allowed: at most 91 bytes without control characters".to_owned();
        assert_eq!(refused, Refusal::PropertyInvalid { name: "custom.a".to_owned(), detail });
    }
    for (name, why) in [
        ("sys.powerctl", "sys. is the system's own and not free to use"),
        ("ro.custom", "ro. is the system's own and not free to use"),
        ("persist.fleetwright.id", "the name is reserved for the server itself"),
        ("a b", "a name is 1 to 128 letters"),
        (&*longer, "a name is 1 to 128 letters"),
    ] {
        let detail = unsupported(check(name, "1"));
        assert!(detail.starts_with(why), "{name}: {detail}");
        assert_eq!(catalogue.route("redroid", name), None, "{name}");
    }
    assert_eq!(check(&longest, "1"), Ok(&*longest));
    let detail = unsupported(catalogue.check_custom("nokia", true, "custom.a", "1"));
    assert_eq!(detail, "the device's profile \"nokia\" is not known");
}

/// A name of the catalogue obeys its own rules, by whichever way it comes.
#[test]
fn a_listed_name_is_no_free_one() {
    let catalogue = built_in();
    let check = |name, value| catalogue.check_custom("simulated", false, name, value);
    assert_eq!(check("imsi", "46000"), Ok("sys.prop.writeimsi"));
    assert!(invalid(&check("sys.prop.writeimsi", "x")));
    assert!(invalid(&check("com.cph.mainkeys", "2")));
    unsupported(catalogue.check_custom("android", false, "com.cph.mainkeys", "1"));
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
            for name in [&name, &format!("a.{name}"), &format!("ro.{name}")] {
                let _ = catalogue.check(profile, true, name, &value);
                let _ = catalogue.check_custom(profile, true, name, &value);
                let _ = catalogue.start_argument(profile, name, &value);
            }
        }
    }

    /// What is taken is a value that the same property takes under its stored name too.
    #[test]
    fn what_is_taken_is_taken_again(index in 0_usize..128, value in "[-0-9a-zA-Z,./:一 ]{0,24}") {
        let catalogue = built_in();
        let phones = catalogue.properties_of(Kind::Phone);
        let names = phones.flat_map(|p| p.aliases.iter().chain([&p.name]));
        let names: Vec<&String> = names.collect();
        let name = names[index % names.len()];
        if let Ok(canonical) = catalogue.check("simulated", true, name, &value) {
            prop_assert_eq!(catalogue.check("simulated", true, canonical, &value), Ok(canonical));
            prop_assert_eq!(&catalogue.property(name).unwrap().name, canonical);
        }
    }
}
