//! Runs the examples of a page, in order, in one shell, against a server of their own.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::harness::server::own_environment;
use crate::harness::sip::free_port;
use crate::harness::waiting::pause;
use crate::harness::{PATIENCE, Server, Start, Stopwatch, tools, wait_for};

use super::examples::{Example, blocks, examples};
use super::pages::{CANNOT, INSTEAD, Page};

/// What the examples find.
const PRELUDE: &str = include_str!("prelude.sh");

/// What runs each example, and says how it ended.
const RUNNER: &str = "cd \"$WORK\" || exit 1\n\
     run() { echo \"@@ $1\"; source \"$WORK/run/$1.sh\"; printf '\\n@= %s %s\\n' \"$1\" $?; }\n";

/// How long the examples of a page may take.
const PAGE_MAX: Duration = Duration::from_secs(180);

/// How often it is looked whether they have ended.
const LOOK: Duration = Duration::from_millis(20);

/// Ports in a row that a page needs.
const PORTS: u16 = 4;

/// A shell, killed with all that it has started.
struct Shell(Child);

impl Drop for Shell {
    fn drop(&mut self) {
        // The group is the shell's own. An error means that nothing of it is left.
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-s", "KILL", "--", &group]).status();
        let _ = self.0.wait();
    }
}

/// The text of a page.
pub fn read(name: &str) -> String {
    let path = tools::workspace().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Why an example can't be run here; `None`: it is run.
fn why_not(page: &Page, example: &Example) -> Option<&'static str> {
    let all = page.cannot.iter().chain(CANNOT);
    all.copied().find(|(begin, _)| example.text.starts_with(begin)).map(|(_, why)| why)
}

/// An example with what stands for the reader's own.
fn filled(page: &Page, example: &Example) -> String {
    let all = page.instead.iter().chain(INSTEAD);
    all.fold(example.text.clone(), |text, (from, to)| text.replace(from, to))
}

/// The status that an example is to end with.
fn expected(page: &Page, example: &Example) -> i32 {
    let found = page.ends.iter().find(|(part, _)| example.text.contains(part));
    found.map_or(0, |(_, status)| *status)
}

/// Runs a page: each of its examples ends as expected.
#[track_caller]
pub fn page(page: &Page) {
    let text = read(page.name);
    let all = examples(&text);
    nothing_is_said_in_vain(page, &all);
    let run: Vec<&Example> =
        all.iter().filter(|example| why_not(page, example).is_none()).collect();
    if run.is_empty() {
        return;
    }
    let server = Server::start(&Start::with_cameras());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = write(folder.path(), page, &text, &run);
    let log = folder.path().join("log");
    let output = std::fs::File::create(&log).expect("a file");
    let mut command = Command::new("/bin/bash");
    command.arg(script).stdin(Stdio::null()).process_group(0);
    command.stdout(output.try_clone().expect("a file")).stderr(output);
    environment(&mut command, &server, folder.path());
    let mut shell = Shell(command.spawn().expect("bash"));
    // What hangs is named below, with what it said.
    let watch = Stopwatch::start();
    while shell.0.try_wait().expect("a child").is_none() && watch.elapsed() < PAGE_MAX {
        pause(LOOK);
    }
    let said = String::from_utf8_lossy(&std::fs::read(&log).expect("the log")).into_owned();
    judge(page, &run, &said);
}

/// Checks how each example ended.
#[track_caller]
fn judge(page: &Page, run: &[&Example], said: &str) {
    let mut wrong = String::new();
    for (at, example) in run.iter().enumerate() {
        let begin = format!("@@ {at}\n");
        let own = said.split_once(&begin).map_or("", |(_, own)| own);
        let own = own.split_once(&format!("@@ {}\n", at + 1)).map_or(own, |(own, _)| own);
        let end = format!("@= {at} ");
        let status = own.lines().find_map(|line| line.strip_prefix(&end));
        let expected = expected(page, example);
        if status != Some(expected.to_string().as_str()) {
            let status = status.unwrap_or("nothing: it did not end");
            let (name, line) = (page.name, example.line);
            let shown: String = own.chars().take(4000).collect();
            let _ = writeln!(
                wrong,
                "{name}:{line}: ended with {status}, not {expected}:\n{}\n--- {shown}",
                example.text
            );
        }
    }
    let setup = said.split_once("@@ 0\n").map_or(said, |(setup, _)| setup);
    assert!(wrong.is_empty(), "{wrong}\n--- what was said before the first: {setup}");
}

/// Every entry of the page's table is about something in the page.
#[track_caller]
fn nothing_is_said_in_vain(page: &Page, all: &[Example]) {
    for (begin, why) in page.cannot {
        assert!(!why.is_empty(), "{}: no reason: {begin}", page.name);
        let is_there = all.iter().any(|example| example.text.starts_with(begin));
        assert!(is_there, "{}: no example begins with {begin:?}", page.name);
    }
    let replaced = page.instead.iter().map(|(from, _)| *from);
    for part in replaced.chain(page.ends.iter().map(|(part, _)| *part)) {
        let is_there = all.iter().any(|example| example.text.contains(part));
        assert!(is_there, "{}: no example has {part:?}", page.name);
    }
}

/// Writes what the shell runs.
fn write(folder: &Path, page: &Page, text: &str, run: &[&Example]) -> PathBuf {
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        path
    };
    let mut counts = std::collections::BTreeMap::<String, u32>::new();
    for block in blocks(text) {
        let count = counts.entry(block.language.clone()).or_default();
        *count += 1;
        put(&format!("blocks/{}-{count}", block.language), &block.text);
    }
    let mut script = format!("{PRELUDE}\n{RUNNER}{}\n", page.setup);
    for (at, example) in run.iter().enumerate() {
        put(&format!("run/{at}.sh"), &format!("{}\n", filled(page, example)));
        let _ = writeln!(script, "run {at}");
    }
    put("script.sh", &script)
}

/// What the shell knows of the server and of this machine.
fn environment(command: &mut Command, server: &Server, folder: &Path) {
    command.env("PROGRAM", tools::fleetwright()).env("PYTHON", tools::python());
    command.env("FLEETWRIGHT_URL", server.url());
    command.env("FLEETWRIGHT_TOKEN", server.admin_token());
    command.env("DATA", server.data()).env("SIP", server.sip().to_string()).env("WORK", folder);
    command.env("WORKSPACE", tools::workspace());
    command.env("HTTP2", free_port().to_string()).env("SIP2", free_port().to_string());
    command.env("CONTROL", free_port().to_string()).env("PORT", ports_in_a_row().to_string());
    own_environment(command);
}

/// The first of some free ports in a row.
fn ports_in_a_row() -> u16 {
    wait_for("free ports in a row", PATIENCE, || {
        let first = free_port();
        let is_free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        (first..first + PORTS).all(is_free).then_some(first)
    })
}
