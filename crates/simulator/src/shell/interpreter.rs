//! Execution: lists, compound commands, functions, redirections.
//!
//! It runs as a future, because a script may sleep, wait for input, or end with the phone. What
//! nests is boxed, and [`DEPTH_MAX`] bounds how deep.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::mpsc;

use super::ast::{AndOr, Command, Joint, Kind, List, Pipeline, Redirect, Target, Word};
use super::pattern::Pattern;
use super::scope::Scope;
use super::stdin::Stdin;
use super::{
    Chunk, DEPTH_MAX, FileError, FileKind, OUTPUT_BYTES_MAX, Outcome, SHELL, STEPS_MAX, System,
    TEXT_BYTES_MAX,
};

/// Output waits in the shell until this much has come together.
const PENDING_BYTES: usize = 16 << 10;

/// Why the normal course of commands ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Out of this many loops.
    Break(u32),
    /// To the next round of the loop this many levels up.
    Continue(u32),
    /// Out of the function.
    Return,
    /// Out of the (sub)shell.
    Exit,
}

/// Where output goes.
#[derive(Debug, Clone)]
pub(super) enum Sink {
    /// The client's standard output, or its standard error.
    Client {
        error: bool,
    },
    Capture(Arc<Mutex<Vec<u8>>>),
    File(Arc<[u8]>),
    Null,
}

impl Sink {
    /// A sink that keeps what it gets.
    pub(super) fn capture() -> Self {
        Sink::Capture(Arc::default())
    }

    /// What a capturing sink got; nothing for the others.
    pub(super) fn captured(&self) -> Vec<u8> {
        match self {
            Sink::Capture(text) => {
                std::mem::take(&mut *text.lock().unwrap_or_else(PoisonError::into_inner))
            }
            _ => Vec::new(),
        }
    }
}

/// The descriptors of a command.
#[derive(Debug, Clone)]
pub(super) struct Io {
    pub stdin: Arc<Stdin>,
    pub stdout: Sink,
    pub stderr: Sink,
}

/// A running script.
pub(super) struct Shell {
    pub(super) system: Arc<dyn System>,
    /// `$?`.
    pub(super) status: u8,
    /// A command substitution ran since the current command began: its status counts.
    pub(super) substituted: bool,
    pub(super) scope: Scope,
    steps: u32,
    pub(super) depth: u32,
    output_bytes: usize,
    pending: Vec<Chunk>,
    pending_bytes: usize,
    output: mpsc::Sender<Chunk>,
}

impl Shell {
    /// A shell without variables.
    pub(super) fn new(system: Arc<dyn System>, output: mpsc::Sender<Chunk>) -> Self {
        Shell {
            system,
            status: 0,
            substituted: false,
            scope: Scope::default(),
            steps: 0,
            depth: 0,
            output_bytes: 0,
            pending: Vec::new(),
            pending_bytes: 0,
            output,
        }
    }

    /// Runs a whole script and gives its status.
    pub(super) async fn script(mut self, list: &List, stdin: Arc<Stdin>) -> u8 {
        let (stdout, stderr) = (Sink::Client { error: false }, Sink::Client { error: true });
        let io = Io { stdin, stdout, stderr };
        // However it stopped, the status says how it went.
        let _ = self.list(list, &io).await;
        if self.flush().await.is_err() { 141 } else { self.status }
    }

    /// Runs commands one after the other.
    pub(super) fn list<'a>(
        &'a mut self,
        list: &'a List,
        io: &'a Io,
    ) -> BoxFuture<'a, Result<(), Stop>> {
        async move {
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                return Err(self.fatal(io, "nested too deeply"));
            }
            for and_or in list {
                let result = self.and_or(and_or, io).await;
                if result.is_err() {
                    self.depth -= 1;
                    return result;
                }
            }
            self.depth -= 1;
            Ok(())
        }
        .boxed()
    }

    /// Runs pipelines joined by `&&` and `||`.
    async fn and_or(&mut self, and_or: &AndOr, io: &Io) -> Result<(), Stop> {
        self.pipeline(&and_or.first, io).await?;
        for (joint, pipeline) in &and_or.rest {
            if (self.status == 0) == (*joint == Joint::And) {
                self.pipeline(pipeline, io).await?;
            }
        }
        Ok(())
    }

    /// Runs a pipeline; each command but a lone one in a subshell, one after the other, with the
    /// output of the one as the input of the next.
    async fn pipeline(&mut self, pipeline: &Pipeline, io: &Io) -> Result<(), Stop> {
        if let [command] = pipeline.commands.as_slice() {
            self.command(command, io).await?;
        } else {
            let mut stdin = Arc::clone(&io.stdin);
            for (at, command) in pipeline.commands.iter().enumerate() {
                let last = at + 1 == pipeline.commands.len();
                let stdout = if last { io.stdout.clone() } else { Sink::capture() };
                let io = Io { stdin, stdout, stderr: io.stderr.clone() };
                let outer = self.scope.clone();
                let result = self.command(command, &io).await;
                self.scope = outer;
                self.contain(result)?;
                let passed = if last { Vec::new() } else { io.stdout.captured() };
                stdin = Arc::new(Stdin::closed(passed));
            }
        }
        if pipeline.negated {
            self.status = u8::from(self.status == 0);
        }
        Ok(())
    }

    /// Runs one command of any kind.
    fn command<'a>(
        &'a mut self,
        command: &'a Command,
        io: &'a Io,
    ) -> BoxFuture<'a, Result<(), Stop>> {
        async move {
            self.step(io).await?;
            if let Kind::Simple { assignments, words } = &command.kind {
                return self.simple(assignments, words, &command.redirects, io).await;
            }
            if command.redirects.is_empty() {
                return self.compound(&command.kind, io).await;
            }
            match self.redirect(&command.redirects, io).await? {
                Some(io) => self.compound(&command.kind, &io).await,
                None => Ok(()),
            }
        }
        .boxed()
    }

    /// Runs all but a simple command.
    async fn compound(&mut self, kind: &Kind, io: &Io) -> Result<(), Stop> {
        match kind {
            Kind::Simple { .. } => Ok(()),
            Kind::Group(list) => self.list(list, io).await,
            Kind::Subshell(list) => self.subshell(list, io).await,
            Kind::If { branches, otherwise } => {
                for (test, body) in branches {
                    self.list(test, io).await?;
                    if self.status == 0 {
                        return self.list(body, io).await;
                    }
                }
                match otherwise {
                    Some(body) => self.list(body, io).await,
                    None => {
                        self.status = 0;
                        Ok(())
                    }
                }
            }
            Kind::Case { subject, arms } => self.case(subject, arms, io).await,
            Kind::For { name, words, body } => {
                let values = match words {
                    Some(words) => self.fields(words, io).await?,
                    None => self.scope.positional.clone(),
                };
                self.status = 0;
                for value in values {
                    self.assign(name, value, io)?;
                    self.step(io).await?;
                    if self.round(body, io).await? {
                        break;
                    }
                }
                Ok(())
            }
            Kind::Loop { until, test, body } => {
                let mut last = 0;
                loop {
                    self.step(io).await?;
                    if self.round(test, io).await? || (self.status == 0) == *until {
                        break;
                    }
                    let ended = self.round(body, io).await?;
                    last = self.status;
                    if ended {
                        break;
                    }
                }
                self.status = last;
                Ok(())
            }
            Kind::Function { name, body } => {
                self.scope.functions.insert(name.clone(), Arc::clone(body));
                self.status = 0;
                Ok(())
            }
        }
    }

    /// The first arm with a pattern that matches.
    async fn case(
        &mut self,
        subject: &Word,
        arms: &[(Vec<Word>, List)],
        io: &Io,
    ) -> Result<(), Stop> {
        let subject = self.text(subject, io).await?;
        for (patterns, body) in arms {
            for word in patterns {
                if Pattern::new(&self.units(word, io).await?).matches(&subject) {
                    self.status = 0;
                    return self.list(body, io).await;
                }
            }
        }
        self.status = 0;
        Ok(())
    }

    /// One round of a loop; true when the loop ends.
    async fn round(&mut self, body: &List, io: &Io) -> Result<bool, Stop> {
        self.scope.loops += 1;
        let result = self.list(body, io).await;
        self.scope.loops -= 1;
        match result {
            Ok(()) | Err(Stop::Continue(1)) => Ok(false),
            Err(Stop::Break(1)) => Ok(true),
            Err(Stop::Break(levels)) => Err(Stop::Break(levels - 1)),
            Err(Stop::Continue(levels)) => Err(Stop::Continue(levels - 1)),
            Err(stop) => Err(stop),
        }
    }

    /// Runs a list with a copy of everything.
    pub(super) async fn subshell(&mut self, list: &List, io: &Io) -> Result<(), Stop> {
        let outer = self.scope.clone();
        self.scope.loops = 0;
        let depth = self.depth;
        let result = self.list(list, io).await;
        self.depth = depth;
        self.scope = outer;
        self.contain(result)
    }

    /// What a subshell's end means for the shell around it: only a broken limit ends both.
    pub(super) fn contain(&self, result: Result<(), Stop>) -> Result<(), Stop> {
        let broken = self.steps > STEPS_MAX || self.output_bytes > OUTPUT_BYTES_MAX;
        if broken { Err(Stop::Exit) } else { result.or(Ok(())) }
    }

    /// A simple command: expand, redirect, assign, run.
    async fn simple(
        &mut self,
        assignments: &[(Vec<u8>, Word)],
        words: &[Word],
        redirects: &[Redirect],
        io: &Io,
    ) -> Result<(), Stop> {
        self.substituted = false;
        let args = self.fields(words, io).await?;
        let Some(io) = self.redirect(redirects, io).await? else { return Ok(()) };
        let Some(name) = args.first() else {
            for (name, word) in assignments {
                let value = self.text(word, &io).await?;
                self.assign(name, value, &io)?;
            }
            if !self.substituted {
                self.status = 0;
            }
            return Ok(());
        };
        let mut before = Vec::new();
        for (name, word) in assignments {
            let value = self.text(word, &io).await?;
            let added = self.scope.exported.insert(name.clone());
            before.push((name.clone(), self.variable(name), added));
            self.assign(name, value, &io)?;
        }
        self.system.ran(&args);
        let result = match self.scope.functions.get(name).cloned() {
            Some(body) => self.call(&body, &args, &io).await,
            None => self.run(&args, &io).await,
        };
        for (name, value, added) in before.into_iter().rev() {
            if added {
                self.scope.exported.remove(&name);
            }
            self.restore(name, value);
        }
        if self.pending_bytes > PENDING_BYTES {
            self.flush().await?;
        }
        result
    }

    /// Calls a function with its own positional parameters and `local` names.
    async fn call(&mut self, body: &Command, args: &[Vec<u8>], io: &Io) -> Result<(), Stop> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.fatal(io, "nested too deeply"));
        }
        let inner = args.get(1..).unwrap_or_default().to_vec();
        let outer = std::mem::replace(&mut self.scope.positional, inner);
        let loops = std::mem::take(&mut self.scope.loops);
        self.scope.hidden.push(Vec::new());
        let result = self.command(body, io).await;
        for (name, value) in self.scope.hidden.pop().unwrap_or_default().into_iter().rev() {
            self.restore(name, value);
        }
        self.scope.positional = outer;
        self.scope.loops = loops;
        self.depth -= 1;
        if result == Err(Stop::Return) { Ok(()) } else { result }
    }

    /// Applies redirections; none when one failed, which has then been reported.
    async fn redirect(&mut self, redirects: &[Redirect], io: &Io) -> Result<Option<Io>, Stop> {
        let mut new = io.clone();
        for redirect in redirects {
            let (word, done) = match &redirect.target {
                Target::Copy(0) | Target::Close if redirect.fd == 0 => {
                    if matches!(redirect.target, Target::Close) {
                        new.stdin = Arc::new(Stdin::closed(Vec::new()));
                    }
                    continue;
                }
                Target::Copy(fd) => {
                    let sink = if *fd == 2 { new.stderr.clone() } else { new.stdout.clone() };
                    set_sink(&mut new, redirect.fd, sink);
                    continue;
                }
                Target::Close => {
                    set_sink(&mut new, redirect.fd, Sink::Null);
                    continue;
                }
                Target::Read(word) | Target::Write(word) | Target::Append(word) => {
                    let path = self.text(word, io).await?;
                    let done = self.open(&path, redirect, &mut new);
                    (path, done)
                }
            };
            if let Err(error) = done {
                let verb = if redirect.fd == 0 { "open" } else { "create" };
                let path = String::from_utf8_lossy(&word).into_owned();
                self.complain(io, &format!("can't {verb} {path}: {error}"));
                self.status = 1;
                return Ok(None);
            }
        }
        Ok(Some(new))
    }

    /// Opens one file for a redirection.
    fn open(&self, path: &[u8], redirect: &Redirect, io: &mut Io) -> Result<(), FileError> {
        let device = self.system.stat(path).is_some_and(|stat| stat.kind == FileKind::Device);
        if matches!(redirect.target, Target::Read(_)) {
            let bytes = if device { Vec::new() } else { self.system.read(path)? };
            io.stdin = Arc::new(Stdin::closed(bytes));
        } else if device {
            set_sink(io, redirect.fd, Sink::Null);
        } else {
            let append = matches!(redirect.target, Target::Append(_));
            self.system.write(path, b"", append)?;
            set_sink(io, redirect.fd, Sink::File(path.into()));
        }
        Ok(())
    }

    /// Counts one step; lets other tasks run now and then.
    async fn step(&mut self, io: &Io) -> Result<(), Stop> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Err(self.fatal(io, "too many commands"));
        }
        if self.steps.is_multiple_of(256) {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Writes what a command gave, and takes its status.
    pub(super) fn finish(&mut self, outcome: &Outcome, io: &Io) -> Result<(), Stop> {
        self.write(&io.stderr, &outcome.stderr)?;
        self.write(&io.stdout, &outcome.stdout)?;
        self.status = outcome.status;
        Ok(())
    }

    /// Writes to a sink; the client's output waits for the next [`Shell::flush`].
    pub(super) fn write(&mut self, sink: &Sink, bytes: &[u8]) -> Result<(), Stop> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.output_bytes += bytes.len();
        let mut full = self.output_bytes > OUTPUT_BYTES_MAX;
        match sink {
            Sink::Null => {}
            Sink::Client { error } => {
                self.pending_bytes += bytes.len();
                match (self.pending.last_mut(), error) {
                    (Some(Chunk::Stdout(last)), false) | (Some(Chunk::Stderr(last)), true) => {
                        last.extend_from_slice(bytes);
                    }
                    (_, false) => self.pending.push(Chunk::Stdout(bytes.to_vec())),
                    (_, true) => self.pending.push(Chunk::Stderr(bytes.to_vec())),
                }
            }
            Sink::Capture(text) => {
                let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
                text.extend_from_slice(bytes);
                full |= text.len() > TEXT_BYTES_MAX;
            }
            // A full or vanished file loses the write, as a closed pipe would.
            Sink::File(path) => full |= self.system.write(path, bytes, true).is_err(),
        }
        if full {
            self.status = 2;
            return Err(Stop::Exit);
        }
        Ok(())
    }

    /// Hands waiting output to the client.
    pub(super) async fn flush(&mut self) -> Result<(), Stop> {
        self.pending_bytes = 0;
        for chunk in std::mem::take(&mut self.pending) {
            if self.output.send(chunk).await.is_err() {
                self.status = 141;
                return Err(Stop::Exit);
            }
        }
        Ok(())
    }

    /// Says something on standard error in the shell's own name.
    pub(super) fn complain(&mut self, io: &Io, message: &str) {
        // A limit broken by this very message shows at the next write.
        let _ = self.write(&io.stderr, format!("{SHELL}: {message}\n").as_bytes());
    }

    /// Says that there is no such program.
    pub(super) fn not_found(&mut self, name: &[u8], io: &Io) -> Result<(), Stop> {
        let name = String::from_utf8_lossy(name);
        let text = format!("{SHELL}: {name}: inaccessible or not found\n");
        self.finish(&Outcome::error(127, text), io)
    }

    /// Ends the script with status 2 and a message.
    pub(super) fn fatal(&mut self, io: &Io, message: &str) -> Stop {
        self.complain(io, message);
        self.status = 2;
        Stop::Exit
    }
}

/// Points descriptor 1 or 2 somewhere.
fn set_sink(io: &mut Io, fd: u8, sink: Sink) {
    match fd {
        1 => io.stdout = sink,
        2 => io.stderr = sink,
        _ => {}
    }
}
