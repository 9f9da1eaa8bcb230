//! Lines: their width, their ends, and what must not stand on one.

use super::{SourceFile, Violation, code_of, words};

/// Widest line of Rust, in characters, as rustfmt has it; rustfmt leaves comments and strings.
const WIDTH_MAX: usize = 100;

/// Files with one of these extensions, or with none, are written by us, and their blanks and
/// ends are ours to keep. Others may be inputs of tests, true to the byte.
const WRITTEN: &[&str] =
    &["", "rs", "toml", "md", "py", "sh", "sql", "yaml", "yml", "ts", "tsx", "css", "html"];

/// Marks of unfinished work. Parted here, so that this file does not hold them.
const UNFINISHED_WORDS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Code that stands for code that is not there, or for a test that is not run.
const UNFINISHED_CODE: &[&str] = &[
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
    concat!("#[", "ignore"),
];

/// The keyword that no line of code has.
const KEYWORD_REFUSED: &str = concat!("un", "safe");

/// Checks the lines of all files that we write.
pub fn check(files: &[SourceFile]) -> Vec<Violation> {
    let written = files.iter().filter(|file| {
        let verbatim = matches!(file.path.as_str(), "Cargo.lock" | "LICENSE");
        WRITTEN.contains(&file.extension()) && !verbatim
    });
    written.flat_map(check_file).collect()
}

/// Checks one file.
fn check_file(file: &SourceFile) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (index, line) in file.text.split('\n').enumerate() {
        let mut found = |why: String| violations.push(Violation::at(&file.path, index + 1, why));
        if line.ends_with([' ', '\t', '\r']) {
            found("blanks at the end of the line make noise in every diff".to_owned());
        }
        if let Some(word) = words(line).find(|word| UNFINISHED_WORDS.contains(word)) {
            found(format!("`{word}`: finish it, or open an issue"));
        }
        if file.is_rust() {
            rust_line(line).into_iter().for_each(&mut found);
        }
    }
    if !file.text.is_empty() && (!file.text.ends_with('\n') || file.text.ends_with("\n\n")) {
        let last = file.text.lines().count();
        violations.push(Violation::at(&file.path, last, "a file ends with one line feed"));
    }
    violations
}

/// What is wrong with a line of Rust. Addresses, and texts that a test compares to the byte, are
/// not broken for the width's sake.
fn rust_line(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let width = line.chars().count();
    let verbatim = line.contains("://") || code_of(line).contains('"');
    if width > WIDTH_MAX && !verbatim {
        found.push(format!("{width} columns, over {WIDTH_MAX}: two files fit side by side"));
    }
    if line.contains('\t') {
        found.push("a tab: rustfmt indents with blanks".to_owned());
    }
    if let Some(code) = UNFINISHED_CODE.iter().find(|code| line.contains(*code)) {
        found.push(format!("`{code}`: unfinished work, or a test that proves nothing"));
    }
    if words(code_of(line)).any(|word| word == KEYWORD_REFUSED) {
        found.push(format!("`{KEYWORD_REFUSED}`: this workspace does without it"));
    }
    found
}
