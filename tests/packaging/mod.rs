//! What operators install, watch and put around the server: the Debian package and its unit, the
//! dashboard, the container and the chart, and the traces that go to a collector.

mod chart;
mod container;
mod dashboard;
mod deb;
mod traces;
mod unit;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::harness::server::Process;
use crate::harness::tools;

/// The text of a file of the repository.
fn text(path: &str) -> String {
    let path = tools::workspace().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Runs a command to its end, which must be a good one, and gives what it printed.
fn finish(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {printed}{said}");
    printed
}

/// Every environment variable that sets something of the server, by its own word.
fn variables() -> BTreeSet<String> {
    let output = Process::finish(Command::new(tools::fleetwright()).args(["config", "default"]));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let names = text.lines().filter_map(|line| line.strip_prefix("# Environment: "));
    let names: BTreeSet<String> = names.map(str::to_owned).collect();
    assert!(names.len() > 20, "{names:?}");
    names
}

/// The variables of ours that a text names.
fn variables_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    words.filter(|word| word.starts_with("FLEETWRIGHT_")).map(str::to_owned).collect()
}

/// All files below a folder with this extension.
fn files_below(folder: &Path, extension: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_below(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found
}
