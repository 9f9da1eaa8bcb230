//! What a shell command sees of its phone: Android's programs, and files.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{BoxFuture, FutureExt};
use tokio_util::sync::CancellationToken;

use super::faults::Faults;
use super::history::Effect;
use super::log::Done;
use super::make::User;
use super::server::Counted;
use super::{Phone, State, files};
use crate::shell::{FileError, Outcome, Stat, System};

/// How much of a value a record keeps, in bytes.
const VALUE_BYTES_MAX: usize = 4096;

/// One shell command on one phone, in one boot.
#[derive(Clone)]
pub(crate) struct Session {
    pub(super) phone: Arc<Phone>,
    boot: u64,
    pub(super) user: User,
    /// The command's entry in the phone's log.
    entry: u64,
    pub(super) counts: Arc<Counts>,
    /// The connection it came over.
    pub(super) connection: CancellationToken,
}

/// What is the same for a command and what it runs as root.
pub(super) struct Counts {
    server: Arc<super::server::Server>,
    /// `setprop` commands so far.
    pub(super) sets: AtomicU32,
    /// This command counts as an application already.
    counted: AtomicBool,
    /// The file that was emptied last, and what it held: what is written next replaces that.
    emptied: Mutex<Option<(String, Vec<u8>)>>,
}

impl Drop for Counts {
    fn drop(&mut self) {
        self.server.leave(Counted::Command);
    }
}

impl Session {
    /// A command in the phone's present boot; the phone and its server count it until the last
    /// copy is gone.
    pub(crate) fn new(phone: Arc<Phone>, script: &[u8], connection: CancellationToken) -> Self {
        let server = Arc::clone(&phone.identity.server);
        server.enter(Counted::Command);
        let counts = Arc::new(Counts {
            server,
            sets: AtomicU32::new(0),
            counted: AtomicBool::new(false),
            emptied: Mutex::new(None),
        });
        let user = if phone.common.root { User::Root } else { User::Shell };
        let script = String::from_utf8_lossy(script);
        let (boot, entry) = {
            let mut state = phone.lock();
            state.history.command(&script);
            (state.boot_count, state.history.log.begin(Some(&script)))
        };
        Session { phone, boot, user, entry, counts, connection }
    }

    /// The same command with root's rights.
    pub(super) fn as_root(&self) -> Self {
        Session { user: User::Root, ..self.clone() }
    }

    /// The state, unless the phone has rebooted or gone off since: what a dead script does is
    /// nothing.
    pub(super) fn alive<T>(&self, act: impl FnOnce(&mut State) -> T) -> Option<T> {
        let mut state = self.phone.lock();
        let alive = state.boot_count == self.boot && !state.session.is_cancelled();
        alive.then(|| act(&mut state))
    }

    /// Remembers a set, and that this command applied something.
    pub(super) fn effect(&self, state: &mut State, name: &str, value: &str, changed: bool) {
        if changed && !self.counts.counted.swap(true, Ordering::Relaxed) {
            state.history.applications += 1;
        }
        let value = value.get(..value.floor_char_boundary(VALUE_BYTES_MAX)).unwrap_or_default();
        if state.history.log.is_kept() {
            let done = Done::Wrote { name: name.to_owned(), value: value.to_owned() };
            state.history.log.done(self.entry, done);
        }
        let (name, value, boot) = (name.to_owned(), value.to_owned(), self.boot);
        state.history.effect(Effect { name, value, changed, boot });
    }

    /// Remembers that this command put the phone into a boot.
    pub(super) fn restarted(&self, state: &mut State, what: &'static str) {
        state.history.log.done(self.entry, Done::Restarted(what));
    }

    /// Changes the phone's files, unless the script is dead.
    fn change<T>(
        &self,
        act: impl FnOnce(&mut State) -> Result<T, FileError>,
    ) -> Result<T, FileError> {
        self.alive(act).unwrap_or(Err(FileError::Denied))
    }

    /// Writes a file, with the phone's faults, and remembers what came of it.
    fn write_file(
        &self,
        state: &mut State,
        path: &[u8],
        bytes: &[u8],
        append: bool,
    ) -> Result<(), FileError> {
        let name = format!("file:{}", files::normal(path).ok_or(FileError::Missing)?);
        if Faults::covers(&state.faults.refuse_set, &name) {
            return Err(FileError::Denied);
        }
        if Faults::covers(&state.faults.ignore_set, &name) {
            return Ok(());
        }
        let before = state.files.read(path, self.user).unwrap_or_default();
        let mut emptied = self.counts.emptied.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes.is_empty() {
            state.files.write(path, bytes, append, self.user)?;
            if !append {
                *emptied = Some((name, before));
            }
            return Ok(());
        }
        match state.faults.instead(&name) {
            Some(instead) => state.files.write(path, instead.as_bytes(), false, self.user)?,
            None => state.files.write(path, bytes, append, self.user)?,
        }
        let replaced = emptied.take_if(|(emptied, _)| *emptied == name);
        let before = replaced.map_or(before, |(_, before)| before);
        let after = state.files.read(path, self.user)?;
        self.effect(state, &name, &String::from_utf8_lossy(&after), before != after);
        Ok(())
    }
}

impl System for Session {
    fn command<'a>(&'a self, args: &'a [&'a [u8]]) -> BoxFuture<'a, Option<Outcome>> {
        async move {
            self.phone.thawed().await;
            let args: Vec<String> =
                args.iter().map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            self.program(&args).await
        }
        .boxed()
    }

    fn read(&self, path: &[u8]) -> Result<Vec<u8>, FileError> {
        match self.proc(path) {
            Some(text) => Ok(text.into_bytes()),
            None => self.phone.lock().files.read(path, self.user),
        }
    }

    fn write(&self, path: &[u8], bytes: &[u8], append: bool) -> Result<(), FileError> {
        self.change(|state| self.write_file(state, path, bytes, append))
    }

    fn stat(&self, path: &[u8]) -> Option<Stat> {
        let state = self.phone.lock();
        // `su` is a program like the others where it is there.
        let path = if path == b"/system/bin/su" && state.su { b"/system/bin/sh" } else { path };
        state.files.stat(path, self.user)
    }

    fn list(&self, path: &[u8]) -> Vec<Vec<u8>> {
        self.phone.lock().files.list(path, self.user)
    }

    fn remove(&self, path: &[u8], tree: bool) -> Result<(), FileError> {
        self.change(|state| {
            state.files.remove(path, tree, self.user)?;
            let name = format!("file:{}", files::normal(path).unwrap_or_default());
            self.effect(state, &name, "", true);
            Ok(())
        })
    }

    fn make_directory(&self, path: &[u8], parents: bool) -> Result<(), FileError> {
        self.change(|state| state.files.make_directory(path, parents, self.user))
    }

    fn rename(&self, from: &[u8], to: &[u8]) -> Result<(), FileError> {
        self.change(|state| {
            state.files.rename(from, to, self.user)?;
            let content = state.files.read(to, self.user)?;
            let [from, to] = [from, to].map(|path| files::normal(path).unwrap_or_default());
            self.effect(state, &format!("file:{from}"), "", true);
            let content = String::from_utf8_lossy(&content);
            self.effect(state, &format!("file:{to}"), &content, true);
            Ok(())
        })
    }

    fn change_mode(&self, path: &[u8]) -> Result<(), FileError> {
        self.change(|state| state.files.change_mode(path, self.user))
    }

    fn ran(&self, args: &[Vec<u8>]) {
        let mut state = self.phone.lock();
        if state.history.log.is_kept() {
            let args = args.iter().map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
            state.history.log.done(self.entry, Done::Ran(args));
        }
    }

    fn superuser(&self) -> Option<Arc<dyn System>> {
        let there = self.phone.lock().su;
        there.then(|| Arc::new(self.as_root()) as Arc<dyn System>)
    }
}
