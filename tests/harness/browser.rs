//! The console in a browser: Chromium, driven by a script of `console/e2e` that finds what it needs
//! by what people read, in their language.
//!
//! A script is a process with a browser of its own. It is given a line of JSON, its brief, and says
//! by one whether the console did what it should; what it says of a failure goes to the test's
//! output, and a picture of the page to `target/console-e2e`. Whatever only a test can do, such as
//! killing the server, it asks for by a line of JSON, and waits for one in answer. Another brief
//! has it do the same again, as somebody who comes with a browser that has never been anywhere.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::{Value, json};

use super::phones::PROJECT;
use super::server::own_environment;
use super::waiting::pause;
use super::{Native, PATIENCE, Stopwatch, tools};

/// The languages of the console.
pub const LANGUAGES: [&str; 2] = ["en", "zh"];

/// How wide the page is on a desk, in CSS pixels.
pub const WIDE: u32 = 1440;

/// How wide it is on a telephone.
pub const NARROW: u32 = 390;

/// Who signs in: an administrator of the project.
pub const USER: &str = "olga";

/// Her password.
pub const PASSWORD: &str = "correct horse battery staple";

/// How long a script may take. Far beyond what it takes on a busy machine.
const BOUND: Duration = Duration::from_secs(150);

/// How often it is looked whether a script has ended.
const LOOK: Duration = Duration::from_millis(10);

/// Makes the user who signs in.
pub fn add_user(native: &Native) {
    let user = json!({"name": USER, "password": PASSWORD, "role": "admin"});
    native.post(&format!("/api/v1/projects/{PROJECT}/users"), &user);
}

/// A script of `console/e2e`, and how the browser stands.
#[derive(Debug, Clone)]
pub struct Script {
    name: &'static str,
    language: &'static str,
    width: u32,
    facts: Value,
    bound: Duration,
}

impl Script {
    /// The script with this name, in English and on a desk.
    pub fn new(name: &'static str) -> Self {
        let (language, facts) = (LANGUAGES[0], json!({}));
        Self { name, language, width: WIDE, facts, bound: BOUND }
    }

    /// In this language.
    pub fn language(self, language: &'static str) -> Self {
        Self { language, ..self }
    }

    /// So wide.
    pub fn width(self, width: u32) -> Self {
        Self { width, ..self }
    }

    /// With what it has to know of the server and its devices.
    pub fn facts(self, facts: Value) -> Self {
        Self { facts, ..self }
    }

    /// It may take so long.
    pub fn bound(self, bound: Duration) -> Self {
        Self { bound, ..self }
    }

    /// Runs it on the console of the server at `url`, to its end. It must ask for nothing.
    #[track_caller]
    pub fn run(&self, url: &str) {
        self.run_in(&mut Browser::default(), url);
    }

    /// The same in a browser in which it has been run before, or will be again.
    #[track_caller]
    pub fn run_in(&self, browser: &mut Browser, url: &str) {
        self.run_with(browser, url, |what, _| panic!("{} asks for {what:?}", self.name));
    }

    /// The same; `heed` does what the script asks for, and gives the answer.
    #[track_caller]
    pub fn run_with(
        &self,
        browser: &mut Browser,
        url: &str,
        mut heed: impl FnMut(&str, &Value) -> Value,
    ) {
        let watch = Stopwatch::start();
        let process = browser.process_of(self.name);
        process.say(&self.brief(url));
        let is_good = loop {
            let said = process.hear(&self.title(), self.bound.saturating_sub(watch.elapsed()));
            if let Some(is_good) = said["over"].as_bool() {
                break is_good;
            }
            let what = said["ask"].as_str().unwrap_or_else(|| panic!("{}: {said}", self.name));
            process.say(&heed(what, &said["about"]));
        };
        println!("{}: {:.1} s", self.title(), watch.elapsed().as_secs_f64());
        assert!(is_good, "{} did not come to its end", self.title());
    }

    /// What its picture is called, if it fails.
    fn title(&self) -> String {
        format!("{}-{}-{}", self.name, self.language, self.width)
    }

    /// What it is told first.
    fn brief(&self, url: &str) -> Value {
        json!({
            "name": self.title(),
            "url": url,
            "user": USER,
            "password": PASSWORD,
            "language": self.language,
            "width": self.width,
            "theme": "light",
            "chromium": tools::chromium(),
            "artifacts": tools::workspace().join("target/console-e2e"),
            "facts": self.facts,
        })
    }
}

/// A browser for one script, which runs in it as often as a test wants: starting one takes longer
/// than many a script. It ends with this value.
#[derive(Default)]
pub struct Browser(Option<Running>);

impl Browser {
    /// The process that runs this script, started now unless it runs already.
    #[track_caller]
    fn process_of(&mut self, name: &'static str) -> &mut Running {
        let running = self.0.get_or_insert_with(|| Running::start(name));
        assert_eq!(running.name, name, "the browser is another script's");
        running
    }
}

/// A script that runs. It ends with this value, and its browser with it.
struct Running {
    name: &'static str,
    child: Child,
    /// Nothing once it has been told all.
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Running {
    /// Starts the script with this name, which waits for its brief.
    fn start(name: &'static str) -> Self {
        let path: PathBuf = tools::workspace().join(format!("console/e2e/{name}.mjs"));
        assert!(path.is_file(), "{} is not there", path.display());
        let mut command = Command::new(tools::node());
        own_environment(command.arg(path));
        // stderr is the test's own, so that what it says of a failure stands in its output.
        let mut child = command
            .current_dir(tools::workspace().join("console"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let stdin = child.stdin.take();
        let lines = lines(child.stdout.take().expect("stdout is piped"));
        Self { name, child, stdin, lines }
    }

    /// Tells it something. One that has ended by then is told nothing.
    fn say(&mut self, what: &Value) {
        let _ = writeln!(self.stdin.as_mut().expect("it is still told things"), "{what}");
    }

    /// The next line that it writes, which must come; `title` is what it does.
    #[track_caller]
    fn hear(&mut self, title: &str, bound: Duration) -> Value {
        match self.lines.recv_timeout(bound) {
            Ok(line) => {
                serde_json::from_str(&line).unwrap_or_else(|e| panic!("{title}: {line}: {e}"))
            }
            Err(RecvTimeoutError::Disconnected) => panic!("{title} has ended without a word"),
            Err(RecvTimeoutError::Timeout) => panic!("{title} takes too long"),
        }
    }

    /// Whether it has ended by itself, as it does once it is told nothing more. Once it has been
    /// waited for, its number may be another process's.
    fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stdin = None;
        let watch = Stopwatch::start();
        while !self.has_ended() {
            // One that is in the middle of something does not listen.
            if std::thread::panicking() || watch.elapsed() > PATIENCE {
                // SIGTERM, which it hands on to its browser.
                let id = self.child.id().to_string();
                let _ = Command::new("kill").args(["-s", "TERM", &id]).output();
                let _ = self.child.wait();
                return;
            }
            pause(LOOK);
        }
    }
}

/// The lines that come out of a process, until it ends.
fn lines(stdout: ChildStdout) -> Receiver<String> {
    let (give, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if give.send(line).is_err() {
                break;
            }
        }
    });
    lines
}
