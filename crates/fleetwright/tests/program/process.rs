//! Running the program: with nothing of this shell's settings, killed at the end of a test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine: a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `holds` gives something.
#[expect(clippy::disallowed_methods, reason = "a bounded wait for a condition")]
pub fn until<T>(what: &str, mut holds: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = holds() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The program, without any `FLEETWRIGHT_` variable.
pub fn fleetwright(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleetwright"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FLEETWRIGHT_") {
            command.env_remove(name);
        }
    }
    command.args(args).stdin(Stdio::null());
    command
}

/// What a command that ends by itself has printed.
pub struct Ran {
    /// Its exit status.
    pub status: i32,
    /// Its data.
    pub stdout: String,
    /// Everything else.
    pub stderr: String,
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().unwrap();
    Ran {
        status: status.code().expect("not ended by a signal"),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

/// What a running program has printed so far, and whether there can be more.
#[derive(Default)]
struct Printed {
    /// Whole lines.
    text: String,
    /// Whether it has closed the stream.
    is_whole: bool,
}

/// One of its streams, read by a thread of its own.
#[derive(Clone, Default)]
struct Stream(Arc<(Mutex<Printed>, Condvar)>);

impl Stream {
    /// Reads `source` to its end.
    fn read(source: impl Read + Send + 'static) -> Self {
        let stream = Self::default();
        let kept = stream.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(source).lines() {
                let Ok(line) = line else { break };
                let mut printed = kept.0.0.lock().unwrap();
                printed.text.push_str(&line);
                printed.text.push('\n');
                kept.0.1.notify_all();
            }
            kept.0.0.lock().unwrap().is_whole = true;
            kept.0.1.notify_all();
        });
        stream
    }

    /// What it has printed so far.
    fn text(&self) -> String {
        self.0.0.lock().unwrap().text.clone()
    }

    /// Waits for a line in which `part` finds something.
    fn line(&self, part: impl Fn(&str) -> Option<&str>) -> Option<String> {
        let find = |printed: &Printed| printed.text.lines().find_map(&part).map(str::to_owned);
        let printed = self.0.0.lock().unwrap();
        let waiting = |printed: &mut Printed| find(printed).is_none() && !printed.is_whole;
        let (printed, _) = self.0.1.wait_timeout_while(printed, PATIENCE, waiting).unwrap();
        find(&printed)
    }

    /// Waits until the program has closed it; `false` if it does not.
    fn is_closed(&self) -> bool {
        let printed = self.0.0.lock().unwrap();
        let waiting = |printed: &mut Printed| !printed.is_whole;
        self.0.1.wait_timeout_while(printed, PATIENCE, waiting).unwrap().0.is_whole
    }
}

/// A program that runs until it is told to stop. Killed when dropped.
pub struct Running {
    child: Child,
    stdout: Stream,
    stderr: Stream,
}

impl Running {
    /// Starts it.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = Stream::read(child.stdout.take().unwrap());
        let stderr = Stream::read(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    /// Waits for a line of stderr that begins with `start` and gives the rest of it.
    pub fn says(&self, start: &str) -> String {
        let found = self.stderr.line(|line| line.strip_prefix(start));
        found.unwrap_or_else(|| panic!("no line {start:?} in stderr:\n{}", self.stderr.text()))
    }

    /// The same of stdout.
    pub fn prints(&self, start: &str) -> String {
        let found = self.stdout.line(|line| line.strip_prefix(start));
        found.unwrap_or_else(|| panic!("no line {start:?} in stdout:\n{}", self.stdout.text()))
    }

    /// Waits for a line of stderr that has these words in it.
    pub fn logs(&self, words: &str) {
        let found = self.stderr.line(|line| line.contains(words).then_some(line));
        assert!(found.is_some(), "{words:?} is not in stderr:\n{}", self.stderr.text());
    }

    /// Its data so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Everything else so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Its exit status, if it has ended by now.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits until it has ended by itself.
    pub fn ended(&mut self) -> ExitStatus {
        // It closes its streams by ending, and not before.
        let is_over = self.stdout.is_closed() && self.stderr.is_closed();
        assert!(is_over, "it runs on; stderr:\n{}", self.stderr.text());
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
