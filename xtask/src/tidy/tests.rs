//! Each rule is shown to find a planted violation, and to leave its lawful twin alone.

use std::path::{Path, PathBuf};

use super::*;
use crate::workspace::{Dependency, Package};

/// A file to plant.
fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

/// The lines on which a check finds fault with one planted file.
fn lines_found(check: fn(&[SourceFile]) -> Vec<Violation>, path: &str, text: &str) -> Vec<usize> {
    check(&[file(path, text)]).into_iter().map(|violation| violation.line).collect()
}

/// A package with normal dependencies on crates of ours (by path) and of others.
fn package(name: &str, ours: &[&str], others: &[&str]) -> Package {
    let depend = |name: &&str, path: Option<PathBuf>| Dependency {
        name: (*name).to_owned(),
        rename: None,
        kind: None,
        path,
    };
    let on_ours = ours.iter().map(|name| depend(name, Some(PathBuf::from("/w/crates").join(name))));
    let on_others = others.iter().map(|name| depend(name, None));
    Package {
        name: name.to_owned(),
        manifest_path: PathBuf::from(format!("/w/crates/{name}/Cargo.toml")),
        dependencies: on_ours.chain(on_others).collect(),
    }
}

/// What the layers' check says of one package whose source names every dependency.
fn edges_found(package: Package) -> Vec<String> {
    let uses: Vec<String> =
        package.dependencies.iter().map(|d| format!("use {}::X;\n", d.name)).collect();
    let source = file(&format!("crates/{}/src/lib.rs", package.name), &uses.concat());
    let violations = layers::check(&[package], Path::new("/w"), &[source]);
    violations.into_iter().map(|violation| violation.why).collect()
}

#[test]
fn a_forbidden_edge_is_found_and_a_lawful_one_is_not() {
    let check = |user: &str, used: &str, lawful: bool| {
        let found = edges_found(package(user, &[used], &[]));
        assert_eq!(found.is_empty(), lawful, "{user} -> {used}: {found:?}");
    };
    check("api", "engine", true);
    check("fleetwright", "phones", true);
    check("simulator", "fleet", true);
    check("fleet", "store", false);
    check("store", "engine", false);
    check("engine", "api", false);
    check("phones", "store", false);
    check("phones", "simulator", false);
    check("simulator", "phones", false);
    check("api", "phones", false);
    check("xtask", "fleet", false);
    let why = edges_found(package("simulator", &["phones"], &[]));
    assert_eq!(
        why,
        ["`simulator` must not use `phones`; of our crates it may use: fleet, gb28181"]
    );
}

#[test]
fn tests_may_use_what_the_crate_may_not() {
    let mut phones = package("phones", &["simulator"], &[]);
    phones.dependencies[0].kind = Some("dev".to_owned());
    assert_eq!(edges_found(phones), [""; 0]);
}

#[test]
fn a_crate_outside_the_table_is_found() {
    let found = edges_found(package("newcomer", &[], &[]));
    assert!(found[0].contains("`newcomer` is not in tidy's table of layers"), "{found:?}");
}

#[test]
fn a_library_outside_its_layer_is_found() {
    let check = |user: &str, library: &str, lawful: bool| {
        let found = edges_found(package(user, &[], &[library]));
        assert_eq!(found.is_empty(), lawful, "{user} -> {library}: {found:?}");
    };
    check("store", "rusqlite", true);
    check("api", "rusqlite", false);
    check("engine", "axum", false);
    check("phones", "libadb", true);
    check("simulator", "libadb", false);
    check("fleet", "tokio", false);
    check("engine", "tokio", true);
}

#[test]
fn an_unused_dependency_is_found_on_its_line() {
    let manifest = "[dependencies]\nserde_json.workspace = true\nserde.workspace = true\n";
    let check = |source: &str, lines: &[usize]| {
        let files = [
            file("crates/engine/Cargo.toml", manifest),
            file("crates/engine/src/lib.rs", source),
            file("crates/other/src/lib.rs", "use serde::Serialize; use serde_json::Value;"),
        ];
        let engine = package("engine", &[], &["serde", "serde_json"]);
        let found = layers::check(&[engine], Path::new("/w"), &files);
        assert_eq!(found.iter().map(|v| v.line).collect::<Vec<_>>(), lines, "{source}");
    };
    check("use serde_json::Value;\n#[derive(serde::Serialize)]", &[]);
    check("use serde_json::Value;", &[3]);
    check("// serde and serde_json are praised here\nfn my_serde::x", &[3, 2]);
    check("a::serde::x(::serde_json::y)", &[3, 2]);
    check("use serde as s; extern crate serde_json;", &[]);
}

#[test]
fn a_door_that_writes_to_the_store_is_found() {
    let check = |path: &str, text: &str, lines: &[usize]| {
        let found = layers::check(&[], Path::new("/w"), &[file(path, text)]);
        assert_eq!(found.iter().map(|v| v.line).collect::<Vec<_>>(), lines, "{path}: {text}");
    };
    check("crates/api/src/cph.rs", "//! Doors\nuse store::{Reads, Writes};\n", &[2]);
    check("crates/api/src/cph.rs", "use store::Reads; // never Writes\n", &[]);
    check("crates/api/src/cph.rs", "fn f() {}\n#[cfg(test)]\nuse store::Writes;\n", &[]);
    check("crates/api/src/cph/tests.rs", "use store::Writes;\n", &[]);
    check("crates/engine/src/lib.rs", "use store::Writes;\n", &[]);
}

#[test]
fn an_unexpected_entry_of_the_root_is_found() {
    let check = |path: &str, found: usize| {
        assert_eq!(names::check(&[file(path, "")]).len(), found, "{path}");
    };
    check("README.md", 0);
    check("crates/fleet/src/lib.rs", 0);
    check("notes.txt", 1);
    check("scripts/run.sh", 1);
}

#[test]
fn names_that_say_nothing_are_found() {
    let check = |path: &str, text: &str, lines: &[usize]| {
        assert_eq!(lines_found(names::check, path, text), lines, "{path}: {text}");
    };
    check("crates/api/src/utils.rs", "", &[1]);
    check("crates/api/src/common/time.rs", "", &[1]);
    check("tests/helpers/mod.rs", "", &[1]);
    check("crates/api/src/useful.rs", "", &[]);
    check("crates/api/src/lib.rs", "mod listener;\npub(crate) mod misc;\n", &[2]);
    check("crates/api/src/lib.rs", concat!("mod help", "er { fn f() {} }\n"), &[1]);
    check("crates/api/src/lib.rs", "mod helpers_of_phones;\n// a mod util is refused\n", &[]);
}

#[test]
fn a_file_with_a_second_subject_is_found() {
    let long = "x\n".repeat(701);
    let check = |path: &str, text: &str, lines: &[usize]| {
        assert_eq!(lines_found(files::check, path, text), lines, "{path}");
    };
    check("crates/api/src/cph.rs", &long, &[701]);
    check("docs/operate.md", &long, &[701]);
    check("crates/api/src/cph.rs", &"x\n".repeat(700), &[]);
    check("crates/api/src/cph/tests.rs", &long, &[]);
    check("tests/cph/jobs.rs", &long, &[]);
    check("catalogue/cph.toml", &long, &[]);
}

#[test]
fn a_crate_that_does_not_say_what_it_never_does_is_found() {
    let check = |path: &str, text: &str, found: usize| {
        assert_eq!(files::check(&[file(path, text)]).len(), found, "{path}: {text}");
    };
    check("crates/api/src/lib.rs", "//! The doors.\n//! Must never write.\n\nmod cph;\n", 0);
    check("crates/api/src/lib.rs", "//! The doors.\n\n//! never\n", 1);
    check("crates/api/src/lib.rs", "// never\n", 1);
    check("xtask/src/main.rs", "fn main() {}\n", 1);
    check("crates/api/src/cph.rs", "//! The CPH door.\n", 0);
}

#[test]
fn a_decision_without_title_or_end_is_found() {
    let check = |text: &str, lines: &[usize]| {
        assert_eq!(lines_found(files::check, "docs/decisions/0001-x.md", text), lines);
    };
    check("# We use SQLite\n\nBecause.\n", &[]);
    check("We use SQLite\n", &[1]);
    check(&format!("# Title\n{}", "x\n".repeat(60)), &[61]);
}

#[test]
fn a_line_of_rust_that_breaks_a_rule_is_found() {
    let check = |line: &str, found: usize| {
        let text = format!("fn first() {{}}\n{line}\n");
        let lines = lines_found(lines::check, "crates/api/src/cph.rs", &text);
        assert_eq!(lines, vec![2; found], "{line:?}");
    };
    check(&"x".repeat(100), 0);
    check(&"x".repeat(101), 1);
    check(&"é".repeat(100), 0);
    check(&format!("// https://example.com/{}", "x".repeat(100)), 0);
    check("let x = 1; ", 1);
    check("\tlet x = 1;", 1);
    check("let x = 1;\r", 1);
    check(concat!("// TO", "DO: later"), 1);
    check(concat!("// FIX", "ME"), 1);
    check("// a todo list, and TODOS", 0);
    check(concat!("todo", "!()"), 1);
    check(concat!("dbg", "!(x);"), 1);
    check(concat!("#[", "ignore = \"slow\"]"), 1);
    check(concat!("un", "safe { x }"), 1);
    check(concat!("pub un", "safe fn f() {}"), 1);
    check(concat!("#[un", "safe(no_mangle)]"), 1);
    check("// unsafe { is only talked about }", 0);
    check("#![forbid(unsafe_code)]", 0);
}

#[test]
fn a_text_is_as_wide_as_it_is_and_a_comment_is_not() {
    let wide = format!("    \"{}\"\n", "x".repeat(100));
    assert_eq!(lines_found(lines::check, "crates/api/src/cph/tests.rs", &wide), [0; 0]);
    assert_eq!(lines_found(lines::check, "crates/api/src/cph.rs", &wide), [0; 0]);
    let comment = format!("// {}\n", "x".repeat(100));
    assert_eq!(lines_found(lines::check, "crates/api/src/cph/tests.rs", &comment), [1]);
}

#[test]
fn the_end_of_a_file_is_checked_where_we_write_it() {
    let check = |path: &str, text: &str, found: usize| {
        assert_eq!(lines::check(&[file(path, text)]).len(), found, "{path}: {text:?}");
    };
    check("docs/operate.md", "text\n", 0);
    check("docs/operate.md", "text", 1);
    check("docs/operate.md", "text\n\n", 1);
    check(".ci/run", "text", 1);
    check("crates/api/src/empty.rs", "", 0);
    check("tests/cph/request.json", "{} ", 0);
    check("Cargo.lock", "text", 0);
}
