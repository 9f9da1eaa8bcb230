//! Files of cameras that are wrong, and phone files with what only cameras have.

use super::super::super::tests::entry;
use super::super::super::{Catalogue, Source};

/// The properties `Name` and `a.b` of cameras, and `a.b` and `c` of phones.
fn properties() -> [String; 2] {
    let flag = |name: &str| entry(&format!("name = '{name}'\nkind = 'bool01'"));
    let text = entry("name = 'Name'\nkind = 'text'\nchars_max = 64");
    ["kind = 'camera'\n".to_owned() + &text + &flag("a.b"), flag("a.b") + &flag("c")]
}

/// A camera's profile in four lines, a phone's in three.
const CAMERA: &str =
    "name = 'k'\nkind = 'camera'\nmeaning = 'm'\ngb = { shape = '2016', channel_names = true }\n";
const PHONE: &str = "name = 'p'\nrestart = 'none'\nmeaning = 'm'\n";

/// The error of these profile files, one after the other; empty if there is none.
fn error(profiles: &[&str]) -> String {
    let [cameras, phones] = properties();
    let sources =
        [Source { name: "k.toml", text: &cameras }, Source { name: "a.toml", text: &phones }];
    let names = ["1.toml", "2.toml", "3.toml"];
    let profiles = profiles.iter().zip(names).map(|(text, name)| Source { name, text });
    let loaded = Catalogue::load(&sources, &profiles.collect::<Vec<_>>());
    loaded.err().map(|error| error.to_string()).unwrap_or_default()
}

/// Whether there is such an error, or none where none is expected.
fn assert_error(profiles: &[&str], expected: &str) {
    let error = error(profiles);
    assert_eq!(error.is_empty(), expected.is_empty(), "{profiles:?}\n{error}");
    assert!(error.starts_with(expected), "{profiles:?}\n{error}");
}

#[test]
fn what_phones_have_is_refused_in_a_cameras_profile() {
    for (lines, expected) in [
        ("", ""),
        ("restart = 'none'\n", "1.toml:5:11: restart, factory_reset, privilege and commands are"),
        ("factory_reset = 'none'\n", "1.toml:5:17: restart, factory_reset, privilege and"),
        ("privilege = 'su'\nrestart = 'none'\n", "1.toml:5:13: restart, factory_reset,"),
        ("[commands]\nrestart = ['x']\n", "1.toml:5:1: restart, factory_reset,"),
        ("[commands]\n", "1.toml:5:1: restart, factory_reset,"),
    ] {
        assert_error(&[&format!("{CAMERA}{lines}")], expected);
    }
    let only = "\"basic-param\", \"stored\" and \"unsupported\"";
    for (names, lines, expected) in [
        ("'Name'", "how = 'basic-param'", "".to_owned()),
        ("'Name'", "how = 'stored'\nretention = 'record'", "".to_owned()),
        ("'Name'", "how = 'unsupported'\nreason = 'r'", "".to_owned()),
        ("'*'", "how = 'unsupported'\nreason = 'r'", "".to_owned()),
        ("'Name'", "how = 'basic-param'\npattern = 'x'\nallows = 'x'\nnote = 'n'", "".to_owned()),
        ("'a.*'", "how = 'stored'", "".to_owned()),
        ("'*'", "how = 'setprop'", format!("1.toml:7:7: this is for phones; a camera has {only}")),
        ("'Name'", "how = 'file'\npath = '/x'", "1.toml:7:7: this is for phones".to_owned()),
        ("'Name'", "how = 'command'\nset = ['x']", "1.toml:7:7: this is for phones".to_owned()),
        (
            "'c'",
            "how = 'stored'",
            "1.toml:6:10: no property of a camera is called \"c\"".to_owned(),
        ),
        ("'Name', 'x.*'", "how = 'stored'", "1.toml:6:18: no property of a camera".to_owned()),
        ("'a.b'", "how = 'basic-param'", "1.toml:6:10: BasicParam has Name, Exp".to_owned()),
        ("'*'", "how = 'basic-param'", "1.toml:6:10: BasicParam has Name, Exp".to_owned()),
        ("'Channel.*'", "how = 'stored'", "1.toml:6:10: channel_names under [gb]".to_owned()),
        (
            "'Channel.34020000001310000001.Name'",
            "how = 'stored'",
            "1.toml:6:10: channel_names under [gb]".to_owned(),
        ),
        (
            "'Name'",
            "how = 'basic-param'\ntiming = 'at-once'",
            "1.toml:8:10: timing is for phones".to_owned(),
        ),
        (
            "'Name'",
            "how = 'stored'\neffect = ['x']",
            "1.toml:8:10: effect is for phones".to_owned(),
        ),
        (
            "'Name'",
            "how = 'basic-param'\nretention = 'boot'",
            "1.toml:8:13: retention is for phones".to_owned(),
        ),
        ("'Name'", "how = 'stored'\nretention = 'boot'", "1.toml:8:13: retention \"rec".to_owned()),
        ("'Name'", "how = 'basic-param'\nreason = 'r'", "1.toml:7:7: a rule has a re".to_owned()),
        ("'Name'", "how = 'basic-param'\nproperty = 'x'", "1.toml:7:7: property is for".to_owned()),
    ] {
        let rule = format!("[[apply]]\nnames = [{names}]\n{lines}\n");
        assert_error(&[&format!("{CAMERA}{rule}")], &expected);
    }
}

#[test]
fn what_cameras_have_is_refused_in_a_phones_profile() {
    let gb = "[gb]\nshape = '2016'\nchannel_names = true\n";
    assert_error(&[&format!("{PHONE}{gb}")], "1.toml:4:1: [gb] is for cameras");
    for (names, expected) in [
        ("'c'", "1.toml:6:7: \"basic-param\" is for cameras"),
        ("'*'", "1.toml:6:7: \"basic-param\" is for cameras"),
        ("'Name'", "1.toml:5:10: no property of a phone is called \"Name\""),
    ] {
        let rule = format!("[[apply]]\nnames = [{names}]\nhow = 'basic-param'\n");
        assert_error(&[&format!("{PHONE}{rule}")], expected);
    }
}

#[test]
fn a_base_is_for_the_same_kind() {
    for (file, expected) in [
        ("name = 'x'\nbase = 'k'\n", ""),
        ("name = 'x'\nbase = 'k'\nkind = 'camera'\n", ""),
        ("name = 'x'\nbase = 'k'\nkind = 'phone'\n", "2.toml:3:8: the base is for the other kind"),
        ("name = 'x'\nbase = 'k'\nkind = 'car'\n", "2.toml:3:8: unknown variant `car`"),
        ("name = 'x'\nbase = 'k'\nrestart = 'none'\n", "2.toml:3:11: restart, factory_reset"),
    ] {
        assert_error(&[CAMERA, file], expected);
    }
    let file = "name = 'x'\nkind = 'camera'\nbase = 'p'\n";
    assert_error(&[PHONE, file], "2.toml:2:8: the base is for the other kind");

    let phone = PHONE.replace("'p'", "'generic'");
    let profiles = [Source { name: "p.toml", text: &phone }];
    let error = Catalogue::with(&[], &profiles).unwrap_err().to_string();
    let expected = "p.toml:1:8: a profile of this name is there for the other kind of device";
    assert_eq!(error, expected);
}

#[test]
fn a_wrong_gb_table_is_refused_with_its_line() {
    let head = "name = 'k'\nkind = 'camera'\nmeaning = 'm'\n";
    let table = |lines: &str| format!("{head}[gb]\n{lines}\n");
    let whole = |lines: &str| table(&format!("shape = '2014'\nchannel_names = false\n{lines}"));
    for (text, expected) in [
        (whole(""), ""),
        (whole("manufacturers = ['A', 'ab']"), ""),
        (head.to_owned(), "1.toml:1:8: missing field `shape` under [gb], and no base to have it"),
        (table("shape = '2016'"), "1.toml:4:1: missing field `channel_names` under [gb]"),
        (table("channel_names = true"), "1.toml:4:1: missing field `shape` under [gb]"),
        (table("shape = '2011'"), "1.toml:5:9: unknown variant `2011`, expected `2016` or `2014`"),
        (table("shape = 2016"), "1.toml:5:9: "),
        (whole("password = true"), "1.toml:7:1: unknown field `password`"),
        (whole("manufacturers = 'a'"), "1.toml:7:17: invalid type"),
        (whole("manufacturers = ['a', ' ']"), "1.toml:7:23: a manufacturer is a text of 1 to 64"),
        (whole("manufacturers = ['']"), "1.toml:7:18: a manufacturer is a text of 1 to 64"),
        (whole("manufacturers = ['a', 'A']"), "1.toml:7:23: \"A\" is taken by \"k\""),
        (
            whole(&format!("manufacturers = ['{}']", "x".repeat(65))),
            "1.toml:7:18: a manufacturer is a text of 1 to 64 bytes",
        ),
        (
            whole(&format!("manufacturers = ['x'{}]", ", 'y'".repeat(32))),
            "1.toml:7:17: there are more than 32 manufacturers of a profile",
        ),
    ] {
        assert_error(&[&text], expected);
    }
    let first = whole("manufacturers = ['Acme']");
    let second = first.replace("'k'", "'l'").replace("Acme", "ACME");
    assert_error(&[&first, &second], "2.toml:7:18: \"ACME\" is taken by \"k\"");
    // What is based on another has none of its manufacturers, so none is there twice.
    assert_error(&[&first, "name = 'l'\nbase = 'k'\n", "name = 'm'\nbase = 'l'\n"], "");
}

#[test]
fn a_wrong_property_of_cameras_is_refused_with_its_line() {
    let good = entry("name = 'Name'\nkind = 'bool01'");
    for (text, expected) in [
        (format!("kind = 'camera'\n{good}"), ""),
        (format!("kind = 'car'\n{good}"), "k.toml:1:8: unknown variant `car`"),
        (format!("kind = 'camera'\n{good}{good}"), "k.toml:9:8: \"Name\" is taken by \"Name\""),
        (
            format!("kind = 'camera'\n{}", good.replace("at-once", "after-restart")),
            "k.toml:5:10: what a camera is told acts at once",
        ),
        (
            format!("kind = 'camera'\n{}", good.replace("Name", "Channel.34020000001310000001.*")),
            "k.toml:3:8: all names that begin with Channel. are those of Channel.*",
        ),
        (
            format!("kind = 'camera'\n{}", good.replace("Name", "Channel.Name")),
            "k.toml:3:8: all names that begin with Channel. are those of Channel.*",
        ),
        (
            "kind = 'camera'\n".to_owned()
                + &entry("name = 'a'\naliases = ['Channel.a']\nkind = 'bool01'"),
            "k.toml:4:12: all names that begin with Channel. are those of Channel.*",
        ),
        (format!("kind = 'camera'\n{}", good.replace("Name", "Channel.*")), ""),
        (good.replace("Name", "Channel.Name"), ""),
    ] {
        let loaded = Catalogue::load(&[Source { name: "k.toml", text: &text }], &[]);
        let error = loaded.err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(error.is_empty(), expected.is_empty(), "{text}\n{error}");
        assert!(error.starts_with(expected), "{text}\n{error}");
    }
}
