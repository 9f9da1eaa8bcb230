//! Files as wholes: their length, how a crate opens, how a decision is written down.

use super::{SourceFile, Violation};

/// Longest file of code or prose, in lines. Past about 600 there is a second subject in it.
const LINES_MAX: usize = 700;

/// Files with one of these extensions have a length to watch. Data is as long as it is.
const WATCHED: &[&str] = &["rs", "py", "sh", "sql", "ts", "tsx", "css", "md"];

/// Where pages stand that the program writes of itself: each is as long as what it tells of.
const WRITTEN_BY_PROGRAM: &str = "docs/reference/commands/";

/// Longest record of a decision, in lines: longer ones are not read.
const DECISION_LINES_MAX: usize = 60;

/// Checks all files.
pub fn check(files: &[SourceFile]) -> Vec<Violation> {
    let checks = [too_long, crate_opening, decision];
    files.iter().flat_map(|file| checks.iter().filter_map(|check| check(file))).collect()
}

/// A file with more than one subject. Tests are as long as their cases.
fn too_long(file: &SourceFile) -> Option<Violation> {
    let lines = file.text.lines().count();
    let by_program = file.path.starts_with(WRITTEN_BY_PROGRAM);
    let watched = WATCHED.contains(&file.extension()) && !file.is_test() && !by_program;
    (watched && lines > LINES_MAX).then(|| {
        let why = format!("{lines} lines, over {LINES_MAX}: find the second subject in it");
        Violation::at(&file.path, LINES_MAX + 1, why)
    })
}

/// A crate whose first lines do not say what it must never do.
fn crate_opening(file: &SourceFile) -> Option<Violation> {
    if !file.path.ends_with("src/lib.rs") && !file.path.ends_with("src/main.rs") {
        return None;
    }
    let opening: Vec<&str> = file.text.lines().take_while(|line| line.starts_with("//!")).collect();
    let says_never = opening.iter().any(|line| line.to_ascii_lowercase().contains("never"));
    (!says_never).then(|| {
        let why = "a crate opens with `//!` lines that say what it is and what it must never do";
        Violation::of(&file.path, why)
    })
}

/// A decision without a title, or too long to be read.
fn decision(file: &SourceFile) -> Option<Violation> {
    if !file.path.starts_with("docs/decisions/") {
        return None;
    }
    if !file.text.starts_with("# ") {
        return Some(Violation::of(&file.path, "a decision opens with its title, `# ...`"));
    }
    let lines = file.text.lines().count();
    (lines > DECISION_LINES_MAX).then(|| {
        let why =
            format!("{lines} lines, over {DECISION_LINES_MAX}: a decision is read in a minute");
        Violation::at(&file.path, DECISION_LINES_MAX + 1, why)
    })
}
