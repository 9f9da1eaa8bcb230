//! Files that are wrong, and what an operator is told of them.

mod cameras;

use super::super::tests::{entry, load_one};
use super::super::{Catalogue, Source};

/// The error of a property file, as an operator sees it.
fn property_error(text: &str) -> String {
    load_one(text).unwrap_err().to_string()
}

#[test]
fn a_wrong_property_file_is_refused_with_its_line() {
    let good = entry("name = 'a'\nkind = 'bool01'");
    assert_eq!(good.lines().count(), 6);
    // Each text stands in an entry that begins at line 7: its own lines begin at line 8.
    for (lines, expected) in [
        ("name = 'b'\nkind = 'bool01'\ncolour = 1", "a.toml:10:1: unknown field `colour`"),
        ("name = 'b'\nkind = 'colour'", "a.toml:9:8: unknown variant `colour`"),
        ("name = 'b'\nname = 'c'", "a.toml:9:1: duplicate key"),
        ("name = 'b'\nkind", "a.toml:9:5: "),
        ("name = 'b'", "a.toml:7:1: missing field `kind`"),
        ("name = 'a'\nkind = 'bool01'", "a.toml:8:8: \"a\" is taken by \"a\""),
        (
            "name = 'b'\naliases = ['c', 'a']\nkind = 'bool01'",
            "a.toml:9:17: \"a\" is taken by \"a\"",
        ),
        (
            "name = 'b'\naliases = ['c', 'c']\nkind = 'bool01'",
            "a.toml:9:17: \"c\" is taken by \"b\"",
        ),
        ("name = 'b c'\nkind = 'bool01'", "a.toml:8:8: \"b c\" is no property name"),
        ("name = '*'\nkind = 'bool01'", "a.toml:8:8: \"*\" is no property name"),
        (
            "name = 'b'\naliases = ['c.*']\nkind = 'bool01'",
            "a.toml:9:12: \"c.*\" is no property name",
        ),
        (
            "name = 'persist.fleetwright.id'\nkind = 'bool01'",
            "a.toml:8:8: \"persist.fleetwright.id\" is reserved",
        ),
        (
            "name = 'persist.fleetwright.*'\nkind = 'bool01'",
            "a.toml:8:8: \"persist.fleetwright.*\" is reserved",
        ),
        (
            "name = 'b'\nkind = 'text'\nchars_max = 1\nallows = 'x'\npattern = '[a'",
            "a.toml:12:11: the pattern is no regular expression",
        ),
        (
            "name = 'b'\nkind = 'text'\nchars_max = 1\nallows = 'x'\npattern = 'a)|(b'",
            "a.toml:12:11: the pattern is no regular expression",
        ),
        ("name = 'b'\nkind = 'text'\nchars_max = 1\npattern = 'a'", "a.toml:8:8: pattern and"),
        ("name = 'b'\nkind = 'text'", "a.toml:8:8: text needs chars_max"),
        ("name = 'b'\nkind = 'text'\none_of = []", "a.toml:8:8: one_of allows nothing"),
        ("name = 'b'\nkind = 'text'\none_of = ['x']\nchars_max = 1", "a.toml:8:8: one_of goes"),
        ("name = 'b'\nkind = 'bool01'\nchars_max = 1", "a.toml:8:8: pattern, allows, one_of"),
        ("name = 'b'\nkind = 'bool01'\nmin = 1", "a.toml:8:8: min and max are for"),
        ("name = 'b'\nkind = 'integer'\nmin = 1\nmax = 0", "a.toml:8:8: min is greater"),
        (
            "name = 'b'\nkind = 'bool01'\ndefault = '2'",
            "a.toml:10:11: the default \"2\" is not one of the values allowed: 0 or 1",
        ),
    ] {
        let error = property_error(&(good.clone() + &entry(lines)));
        assert!(error.starts_with(expected), "{lines}\n{error}");
    }
    for field in ["timing", "meaning", "source"] {
        let text = good.lines().filter(|line| !line.starts_with(field)).collect::<Vec<_>>();
        let error = property_error(&text.join("\n"));
        assert_eq!(error, format!("a.toml:1:1: missing field `{field}`"));
    }
}

#[test]
fn a_column_counts_characters() {
    let error = property_error("x = { 'äöü' = 1, 2 }");
    assert!(error.starts_with("a.toml:1:"), "{error}");
    let error = property_error(&entry("name = 'a'\naliases = ['äöü', 'b']\nkind = 'bool01'"));
    assert!(error.starts_with("a.toml:3:12: \"äöü\" is no"), "{error}");
    let error = property_error(&entry("name = 'a'\nkind = 'bool01' # ä\ndefault = 'ä'"));
    assert!(error.starts_with("a.toml:4:11: the default"), "{error}");
}

#[test]
fn a_wrong_profile_file_is_refused_with_its_line() {
    let property = entry("name = 'a.b'\naliases = ['old']\nkind = 'bool01'");
    let head = "name = 'q'\nrestart = 'none'\nmeaning = 'm'\n";
    let setprop = |names: &str| format!("{head}[[apply]]\nnames = [{names}]\nhow = 'setprop'\n");
    for (text, expected) in [
        (setprop("'a.b', 'a.c'"), "q.toml:5:17: no property of a phone is called \"a.c\""),
        (setprop("'old'"), "q.toml:5:10: no property of a phone is called \"old\""),
        (setprop("'b.*'"), "q.toml:5:10: no property of a phone is called \"b.*\""),
        (setprop("'a*'"), "q.toml:5:10: \"a*\" is no property name"),
        (setprop("'a.*', 'a.*'"), "q.toml:5:17: \"a.*\" is taken by \"q\""),
        (setprop("'*'") + "reason = 'r'\n", "q.toml:6:7: a rule has a reason"),
        (setprop("'*'").replace("setprop", "unsupported"), "q.toml:6:7: a rule has a reason"),
        (setprop("'*'").replace("setprop", "magic"), "q.toml:6:7: unknown variant `magic`"),
        (setprop("'*'") + "speed = 1\n", "q.toml:7:1: unknown field `speed`"),
        (head.replace("none", "magic"), "q.toml:2:11: unknown variant `magic`"),
        (head.replace("meaning = 'm'", ""), "q.toml:1:8: missing field `meaning`, and no base"),
        (head.replace("restart = 'none'", ""), "q.toml:1:8: missing field `restart`, and no base"),
        (head.replace("'q'", "''"), "q.toml:1:8: a profile's name has 1 to 256 bytes"),
        (head.to_owned() + "root = true", "q.toml:4:1: unknown field `root`"),
    ] {
        let profiles = [Source { name: "q.toml", text: &text }];
        let sources = [Source { name: "a.toml", text: &property }];
        let error = Catalogue::load(&sources, &profiles).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text}\n{error}");
    }
    let twice = [Source { name: "q.toml", text: head }, Source { name: "r.toml", text: head }];
    let error = Catalogue::load(&[], &twice).unwrap_err().to_string();
    assert_eq!(error, "r.toml:1:8: \"q\" is taken by \"q\"");
}

/// The error of a profile file whose head has three lines, for the properties `a.b`, `a.c` and `d`.
fn profile_error(rest: &str) -> String {
    let properties =
        ["a.b", "a.c", "d"].map(|name| entry(&format!("name = '{name}'\nkind = 'bool01'")));
    let text = format!("name = 'q'\nrestart = 'none'\nmeaning = 'm'\n{rest}");
    let sources = [Source { name: "a.toml", text: &properties.concat() }];
    match Catalogue::load(&sources, &[Source { name: "q.toml", text: &text }]) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_wrong_rule_is_refused_with_its_line() {
    // Each rule begins at line 4: its names are in line 5, its first own line is line 6.
    for (names, lines, expected) in [
        ("'d'", "how = 'setprop'\nproperty = 'a b'", "q.toml:7:12: \"a b\" is no property name"),
        (
            "'d'",
            "how = 'setprop'\nproperty = 'persist.fleetwright.id'",
            "q.toml:7:12: \"persist.fleetwright.id\" is reserved",
        ),
        ("'d'", "how = 'setprop'\nproperty = ''", "q.toml:7:12: the text is empty"),
        ("'d'", "how = 'stored'\nproperty = 'x'", "q.toml:6:7: property is for"),
        ("'a.b', 'd'", "how = 'setprop'\nproperty = 'x'", "q.toml:5:10: this names one place"),
        ("'a.*'", "how = 'setprop'\nproperty = 'x'", "q.toml:5:10: this names one place"),
        ("'a.*'", "how = 'setprop'\nproperty = 'x.{name}'", "q.toml:5:10: a prefix has no one"),
        ("'a.*'", "how = 'setprop'\neffect = ['{name}']", "q.toml:5:10: a prefix has no one"),
        (
            "'d'",
            "how = 'setprop'\nproperty = 'x.{value}'",
            "q.toml:7:12: nothing stands for {value} here, only for {name}",
        ),
        ("'d'", "how = 'settings'", "q.toml:6:7: namespace and key belong to"),
        ("'d'", "how = 'settings'\nkey = 'x'", "q.toml:6:7: namespace and key belong to"),
        ("'d'", "how = 'setprop'\nkey = 'x'", "q.toml:6:7: namespace and key belong to"),
        (
            "'d'",
            "how = 'settings'\nkey = 'x'\nnamespace = 'local'",
            "q.toml:8:13: unknown variant `local`",
        ),
        (
            "'*'",
            "how = 'settings'\nkey = 'x'\nnamespace = 'global'",
            "q.toml:5:10: this names one place",
        ),
        ("'d'", "how = 'command'", "q.toml:6:7: set and get belong to"),
        ("'d'", "how = 'command'\nget = ['x']", "q.toml:6:7: set and get belong to"),
        ("'d'", "how = 'file'\nget = ['x']\npath = '/x'", "q.toml:6:7: set and get belong to"),
        ("'d'", "how = 'command'\nset = []", "q.toml:7:7: a command has at least"),
        ("'d'", "how = 'command'\nset = ['', '{value}']", "q.toml:7:8: the text is empty"),
        ("'d'", "how = 'command'\nset = ['x']", "q.toml:7:7: {value} must stand in it"),
        (
            "'d'",
            "how = 'command'\nset = ['x', '{host}']",
            "q.toml:7:13: nothing stands for {host} here, only for {name}, {value}",
        ),
        (
            "'d'",
            "how = 'command'\nset = ['x', '{value}']\nget = ['{value}']",
            "q.toml:8:8: nothing stands for {value} here, only for {name}",
        ),
        ("'d'", "how = 'command'\nset = ['x', '{value}\\u0000']", ""),
        (
            "'d'",
            "how = 'command'\nset = ['x', \"{value}\\u0000\"]",
            "q.toml:7:13: the text has a NUL character",
        ),
        ("'d'", "how = 'command'\nset = ['{value}']", "q.toml:7:8: nothing is put into"),
        (
            "'d'",
            "how = 'command'\nset = ['sh', '-c', 'x {value}']",
            "q.toml:7:20: this would be run as a part of the script",
        ),
        (
            "'d'",
            "how = 'command'\nset = ['sh', '-ec', 'x {value}']",
            "q.toml:7:21: this would be run as a part of the script",
        ),
        ("'d'", "how = 'command'\nset = ['sh', '-c', 'x {name} $0', '{value}']", ""),
        ("'d'", "how = 'file'", "q.toml:6:7: path belongs to"),
        ("'d'", "how = 'file'\npath = 'data/x'", "q.toml:7:8: a path begins with /"),
        ("'a.b', 'd'", "how = 'file'\npath = '/data/x'", "q.toml:5:10: this names one place"),
        ("'a.b', 'd'", "how = 'file'\npath = '/data/{name}'", ""),
        ("'d'", "how = 'start-args'", "q.toml:6:7: argument belongs to"),
        ("'d'", "how = 'stored'\nargument = '{value}'", "q.toml:6:7: argument belongs to"),
        ("'d'", "how = 'start-args'\nargument = 'x=1'", "q.toml:7:12: {value} must stand in it"),
        ("'d'", "how = 'start-args'\nargument = 'x={value}'", ""),
        ("'d'", "how = 'unsupported'", "q.toml:6:7: a rule has a reason"),
        ("'d'", "how = 'unsupported'\nreason = 'r'\ntiming = 'at-once'", "q.toml:6:7: an"),
        ("'d'", "how = 'unsupported'\nreason = 'r'\neffect = ['x']", "q.toml:6:7: an"),
        ("'d'", "how = 'setprop'\npattern = '1'", "q.toml:6:7: pattern and allows go together"),
        (
            "'d'",
            "how = 'setprop'\npattern = '('\nallows = 'x'",
            "q.toml:7:11: the pattern is no regular expression",
        ),
        ("'d'", "how = 'setprop'\nretention = 'record'", "q.toml:7:13: retention \"record\""),
        ("'d'", "how = 'stored'\nretention = 'data'", "q.toml:7:13: retention \"record\""),
        ("'d'", "how = 'stored'\nretention = 'record'", ""),
        ("'d'", "how = 'setprop'\nretention = 'start-args'", "q.toml:7:13: retention \"record\""),
        ("'d'", "how = 'setprop'\nretention = 'year'", "q.toml:7:13: unknown variant `year`"),
        ("'d'", "how = 'setprop'\neffect = []", "q.toml:7:10: a command has at least"),
    ] {
        let error = profile_error(&format!("[[apply]]\nnames = [{names}]\n{lines}\n"));
        assert_eq!(error.is_empty(), expected.is_empty(), "{lines}\n{error}");
        assert!(error.starts_with(expected), "{lines}\n{error}");
    }
    let long = "x".repeat(4_097);
    let error = profile_error(&format!("[[apply]]\nnames = ['d']\nhow = 'file'\npath = '/{long}'"));
    assert_eq!(error, "q.toml:7:8: the text has more than 4096 bytes");
}

#[test]
fn wrong_commands_are_refused_with_their_line() {
    let many = format!("['x'{}]", ", 'y'".repeat(64));
    let long = format!("['x', '{0}', '{0}']", "y".repeat(2_048));
    for (lines, expected) in [
        ("restart = []", "q.toml:5:11: a command has at least its program"),
        ("stop = 'docker stop'", "q.toml:5:8: invalid type: string"),
        ("start = ['']", "q.toml:5:10: the text is empty"),
        ("boot = ['x']", "q.toml:5:1: unknown field `boot`"),
        (&format!("stop = {many}"), "q.toml:5:8: a command has at most 64 arguments"),
        (&format!("stop = {long}"), "q.toml:5:8: a command has at most 4096 bytes"),
        (
            "factory_reset = ['docker', '{contaner}']",
            "q.toml:5:28: nothing stands for {contaner} here, only for {device}, {project}, \
             {server}, {container}, {host}, {port}",
        ),
        ("stop = ['x', 'a={container}{value}']", "q.toml:5:14: nothing stands for {value} here"),
        (
            "stop = ['sh', '-c', 'docker stop {container}']",
            "q.toml:5:21: this would be run as a part of the script",
        ),
        ("stop = ['{server}']", "q.toml:5:9: nothing is put into the program's name"),
        ("stop = ['x', '{device}/{project}@{server}#{container}', '{host}:{port}', '']", ""),
    ] {
        let error = profile_error(&format!("[commands]\n{lines}\n"));
        assert_eq!(error.is_empty(), expected.is_empty(), "{lines}\n{error}");
        assert!(error.starts_with(expected), "{lines}\n{error}");
    }
    let restart = "name = 'q'\nmeaning = 'm'\nrestart = 'command'\n[commands]\nstop = ['x']\n";
    let reset = "name = 'q'\nmeaning = 'm'\nrestart = 'none'\nfactory_reset = 'command'\n";
    for (text, expected) in [
        (restart, "q.toml:3:11: \"command\" needs restart under [commands]"),
        (reset, "q.toml:4:17: \"command\" needs factory_reset under [commands]"),
    ] {
        let error = Catalogue::load(&[], &[Source { name: "q.toml", text }]).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
