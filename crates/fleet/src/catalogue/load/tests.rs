//! Files that are wrong, and what an operator is told of them.

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
        (setprop("'a.b', 'a.c'"), "q.toml:5:17: no property is called \"a.c\""),
        (setprop("'old'"), "q.toml:5:10: no property is called \"old\""),
        (setprop("'b.*'"), "q.toml:5:10: no property is called \"b.*\""),
        (setprop("'a*'"), "q.toml:5:10: \"a*\" is no property name"),
        (setprop("'a.*', 'a.*'"), "q.toml:5:17: \"a.*\" is taken by \"q\""),
        (setprop("'*'") + "reason = 'r'\n", "q.toml:6:7: a rule has a reason"),
        (setprop("'*'").replace("setprop", "unsupported"), "q.toml:6:7: a rule has a reason"),
        (setprop("'*'").replace("setprop", "magic"), "q.toml:6:7: unknown variant `magic`"),
        (setprop("'*'") + "speed = 1\n", "q.toml:7:1: unknown field `speed`"),
        (head.replace("none", "magic"), "q.toml:2:11: unknown variant `magic`"),
        (head.replace("meaning = 'm'", ""), "q.toml:1:1: missing field `meaning`"),
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
