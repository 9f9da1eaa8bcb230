//! An operator's own files.

use super::super::*;
use super::{built_in, entry, invalid, unsupported};

/// The built-in catalogue with one property file and these profile files of an operator's.
fn with(properties: &str, profiles: &[&str]) -> Result<Catalogue, LoadError> {
    let profiles: Vec<Source<'_>> =
        profiles.iter().map(|text| Source { name: "mine.toml", text }).collect();
    Catalogue::with(&[Source { name: "own.toml", text: properties }], &profiles)
}

/// The error, as an operator sees it.
fn error(properties: &str, profiles: &[&str]) -> String {
    with(properties, profiles).unwrap_err().to_string()
}

#[test]
fn a_property_is_added() {
    let catalogue = with(&entry("name = 'mine.level'\nkind = 'integer'\nmax = 3"), &[]).unwrap();
    assert_eq!(catalogue.check("redroid", false, "mine.level", "3"), Ok("mine.level"));
    assert!(invalid(&catalogue.check("redroid", false, "mine.level", "4")));
    assert_eq!(catalogue.properties().count(), built_in().properties().count() + 1);
    assert!(catalogue.readable("redroid").any(|name| name == "mine.level"));
}

#[test]
fn a_property_takes_the_place_of_the_one_of_its_name() {
    let text = "name = 'sys.prop.writeimsi'\naliases = ['msin']\nkind = 'bool01'";
    let catalogue = with(&entry(text), &[]).unwrap();
    let check = |name, value| catalogue.check("simulated", false, name, value);
    assert_eq!(check("msin", "1"), Ok("sys.prop.writeimsi"));
    assert!(invalid(&check("sys.prop.writeimsi", "460021624617113")));
    assert_eq!(unsupported(check("imsi", "1")), "there is no such property");
    // The built-in profiles go on as before.
    let route = catalogue.route("kbox", "sys.prop.writeimsi").unwrap();
    assert_eq!(route.set_by, SetBy::Setprop { name: "persist.sys.prop.writeimsi" });
    assert_eq!(catalogue.properties().count(), built_in().properties().count());
}

#[test]
fn names_come_once_among_the_operators_own() {
    let twice = entry("name = 'a'\nkind = 'bool01'") + &entry("name = 'a'\nkind = 'bool01'");
    assert_eq!(error(&twice, &[]), "own.toml:8:8: \"a\" is taken by \"a\"");
    let alias = entry("name = 'a'\naliases = ['imsi']\nkind = 'bool01'");
    let expected = "own.toml:3:12: \"imsi\" is taken by \"sys.prop.writeimsi\"";
    assert_eq!(error(&alias, &[]), expected);
    let name = entry("name = 'imsi'\nkind = 'bool01'");
    assert_eq!(error(&name, &[]), "own.toml:2:8: \"imsi\" is taken by \"sys.prop.writeimsi\"");
    let profile = "name = 'q'\nbase = 'android'\n";
    assert_eq!(error("", &[profile, profile]), "mine.toml:1:8: \"q\" is taken by \"q\"");
}

#[test]
fn a_profile_is_based_on_the_one_that_it_replaces() {
    let profile = "name = 'redroid'\nbase = 'redroid'\nrestart = 'command'\n\
                   [commands]\nrestart = ['docker', 'restart', '{container}']\n\
                   [[apply]]\nnames = ['com.cph.*']\nhow = 'stored'\n";
    let catalogue = with("", &[profile]).unwrap();
    let mine = catalogue.profile("redroid").unwrap();
    assert_eq!(mine.restart, Restart::Command);
    let command = ["docker", "restart", "{container}"].map(str::to_owned).to_vec();
    assert_eq!(mine.commands, Commands { restart: Some(command), ..Commands::default() });
    let built_in = built_in();
    let theirs = built_in.profile("redroid").unwrap();
    assert_eq!((mine.privilege, &mine.meaning), (theirs.privilege, &theirs.meaning));
    let stored = catalogue.route("redroid", "com.cph.mainkeys").unwrap();
    assert_eq!(stored.set_by, SetBy::Stored);
    assert_eq!((stored.retention, stored.timing), (Retention::Record, Timing::AtOnce));
    for name in ["ro.product.model", "ro.hardware.dpi", "wm.size", "ro.hardware", "custom.a"] {
        assert_eq!(catalogue.route("redroid", name), built_in.route("redroid", name), "{name}");
    }
    assert_eq!(catalogue.profiles().count(), built_in.profiles().count());
}

#[test]
fn commands_are_taken_over_one_by_one() {
    let first = "name = 'a'\nbase = 'android'\nrestart = 'command'\nfactory_reset = 'command'\n\
                 [commands]\nrestart = ['r', '{host}:{port}']\nfactory_reset = ['f']\nstop = ['s']\n";
    let second = "name = 'b'\nbase = 'a'\n[commands]\nstop = ['t']\nstart = ['u', '']\n";
    let catalogue = with("", &[first, second]).unwrap();
    let profile = catalogue.profile("b").unwrap();
    assert_eq!(profile.restart, Restart::Command);
    assert_eq!(profile.factory_reset, FactoryReset::Command);
    let argv = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
    let expected = Commands {
        restart: argv(&["r", "{host}:{port}"]),
        start: argv(&["u", ""]),
        stop: argv(&["t"]),
        factory_reset: argv(&["f"]),
    };
    assert_eq!(profile.commands, expected);
    let expected = "mine.toml:2:8: no profile before this one is called \"b\"";
    assert_eq!(error("", &["name = 'a'\nbase = 'b'\n"]), expected);
}

/// The page that tells operators of their files, from this crate.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/catalogue-files.md");

#[test]
fn the_examples_of_the_documentation_are_right() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let blocks = page.split("```toml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    let sources = blocks.map(|text| Source { name: "page", text });
    let (properties, profiles): (Vec<_>, Vec<_>) =
        sources.partition(|source| source.text.contains("[[property]]"));
    assert_eq!((properties.len(), profiles.len()), (2, 2));
    let catalogue = Catalogue::with(&properties, &profiles).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(catalogue.check("farm", false, "customer", "acme"), Ok("farm.customer"));
    assert_eq!(catalogue.check("gatehouse", false, "Site", "east"), Ok("Site"));
    unsupported(catalogue.check("hikvision", false, "Site", "east"));
}

#[test]
fn files_and_entries_are_bounded() {
    let large = "#".repeat(1024 * 1024);
    let expected = "own.toml:1:1: there are more than 1048576 bytes in all catalogue files";
    assert_eq!(error(&large, &[]), expected);
    let room = 4_096 - built_in().properties().count();
    let many = |count: usize| {
        (0..count).fold(String::new(), |mut text, number| {
            text += &format!("[[property]]\nname = 'p{number}'\nkind = 'bool01'\n");
            text + "timing = 'at-once'\nmeaning = ''\nsource = ''\n"
        })
    };
    assert!(with(&many(room), &[]).is_ok());
    let line = room * 6 + 2;
    let expected = format!("own.toml:{line}:8: there are more than 4096 properties");
    assert_eq!(error(&many(room + 1), &[]), expected);
    let names: Vec<String> = (0..4_097).map(|number| format!("'a.{number}'")).collect();
    let prefix = entry("name = 'a.*'\nkind = 'bool01'");
    let rules = |names: &[String]| {
        let names = names.join(",");
        format!("name = 'q'\nbase = 'android'\n[[apply]]\nnames = [{names}]\nhow = 'setprop'\n")
    };
    assert_eq!(with(&prefix, &[&rules(&names[..3])]).map(|_| ()), Ok(()));
    let room = 256 - built_in().profiles().count();
    let profiles: Vec<String> =
        (0..=room).map(|number| format!("name = 'q{number}'\nbase = 'android'\n")).collect();
    let profiles: Vec<&str> = profiles.iter().map(String::as_str).collect();
    assert!(with("", &profiles[..room]).is_ok());
    assert_eq!(error("", &profiles), "mine.toml:1:8: there are more than 256 profiles");
    let text = entry("name = 'b'\nkind = 'text'\nchars_max = 9\nallows = 'x'\npattern = 'PAT'");
    let huge = text.replace("PAT", "(?:a{1000}){1000}");
    let text = error(&huge, &[]);
    assert!(text.starts_with("own.toml:6:11: the pattern is no regular expression"), "{text}");
}
