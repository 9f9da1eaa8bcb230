//! A file of devices with lines that are not right.

use std::fmt::Write as _;

use serde_json::json;

use super::{USUAL, script};
use crate::harness::browser::{self, Browser};
use crate::harness::phones::PROJECT;
use crate::harness::{Native, Server, Start};

/// Lines of devices in the file.
const LINES: usize = 1_000;

/// Those that are not right, counted as the file's lines are, with the field that is not.
const BAD: [(usize, &str); 3] = [(12, "id"), (22, "name"), (32, "kind")];

/// A file of cameras, whose ids begin so.
fn file(prefix: &str) -> String {
    let mut file = "kind,project,id,name,password\n".to_owned();
    for line in 2..LINES + 2 {
        let id = format!("{prefix}{line:06}");
        let (kind, id, name) = match line {
            12 => ("camera", "3402".to_owned(), "short".to_owned()),
            22 => ("camera", id, String::new()),
            32 => ("toaster", id, "warm".to_owned()),
            _ => ("camera", id, format!("gate {line}")),
        };
        let _ = writeln!(file, "{kind},{PROJECT},{id},{name},secret-12345678");
    }
    file
}

/// How many devices have ids that begin so.
fn count(native: &Native, prefix: &str) -> usize {
    let found = native.get(&format!("/api/v1/devices?text={prefix}&limit=1000"));
    assert!(found["next"].is_null(), "{}", found["next"]);
    found["devices"].as_array().expect("devices").len()
}

#[test]
fn a_file_with_bad_lines_says_which_and_brings_the_good_ones() {
    let server = Server::start(&Start::default());
    let native = server.native();
    native.new_project(PROJECT);
    browser::add_user(&native);
    let folder = tempfile::tempdir().expect("a folder");
    let mut browser = Browser::default();
    for (number, way) in USUAL.into_iter().enumerate() {
        let prefix = format!("3402000{number}001320");
        let path = folder.path().join(format!("cameras-{number}.csv"));
        let file = file(&prefix);
        std::fs::write(&path, &file).expect("write the file");
        let lines: Vec<&str> = file.lines().collect();
        let bad =
            BAD.map(|(line, field)| json!({"line": line, "field": field, "text": lines[line - 1]}));
        let good = LINES - BAD.len();
        let facts = json!({
            "file": path, "header": lines[0], "lines": LINES, "good": good, "bad": bad,
        });
        script("import", way, facts).run_in(&mut browser, &server.url());
        assert_eq!(count(&native, &prefix), good, "{way:?}");
    }
}
