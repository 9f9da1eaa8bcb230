//! What a shell command sees of its phone: Android's commands, and files.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use futures_util::future::{BoxFuture, FutureExt};
use tokio_util::sync::CancellationToken;

use super::history::Effect;
use super::power::ticks;
use super::{Faults, Phone, State, files};
use crate::android;
use crate::property::{self, Set};
use crate::shell::{FileError, Outcome, Stat, System};

/// One shell command on one phone, in one boot.
pub(crate) struct Session {
    phone: Arc<Phone>,
    boot: u64,
    /// `setprop` commands so far.
    sets: AtomicU32,
    /// This command counts as an application already.
    counted: AtomicBool,
    /// The connection it came over.
    connection: CancellationToken,
}

/// What a fault does after a set.
enum Strike {
    None,
    Drop,
    Reboot,
}

impl Session {
    /// A command in the phone's present boot.
    pub(crate) fn new(phone: Arc<Phone>, connection: CancellationToken) -> Self {
        let boot = phone.boot_count();
        let (sets, counted) = (AtomicU32::new(0), AtomicBool::new(false));
        Session { phone, boot, sets, counted, connection }
    }

    /// The state, unless the phone has rebooted or gone off since: what a dead script does is
    /// nothing.
    fn alive<T>(&self, act: impl FnOnce(&mut State) -> T) -> Option<T> {
        let mut state = self.phone.lock();
        let alive = state.boot_count == self.boot && !state.session.is_cancelled();
        alive.then(|| act(&mut state))
    }

    /// Runs one of Android's commands.
    async fn android(&self, args: &[&[u8]]) -> Option<Outcome> {
        let args: Vec<String> =
            args.iter().map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let (name, rest) = args.split_first()?;
        Some(match *name {
            "getprop" => match self.alive(|state| android::getprop(&state.properties, rest)) {
                Some(outcome) => outcome,
                None => self.dead().await,
            },
            "setprop" => self.setprop(rest).await,
            "settings" => self.settings(rest).await,
            "reboot" if rest.is_empty() => {
                if self.alive(|_| ()).is_some() {
                    self.phone.begin_boot();
                }
                self.dead().await
            }
            "reboot" => Outcome::error(1, "reboot: only a plain reboot is simulated\n"),
            "id" | "whoami" => self.id(name, rest),
            "date" => match rest {
                [] | ["+%s"] => Outcome::text(format!("{}\n", android::epoch_seconds())),
                _ => Outcome::error(1, "date: only '+%s' is simulated\n"),
            },
            "uptime" => {
                let seconds = self.uptime_ticks() / 100;
                Outcome::text(format!("up {} min,  0 users\n", seconds / 60))
            }
            "uname" => Outcome::text("Linux\n"),
            "cmd" => Outcome::error(20, format!("cmd: Can't find service: {}\n", rest.join(" "))),
            "sync" | "log" => Outcome::default(),
            _ => return None,
        })
    }

    /// The script is dead: its phone has rebooted, or its connection was dropped.
    async fn dead(&self) -> Outcome {
        std::future::pending().await
    }

    /// `setprop NAME VALUE`, with the phone's faults.
    async fn setprop(&self, args: &[&str]) -> Outcome {
        let [name, value] = args else { return android::setprop_usage() };
        let count = self.sets.fetch_add(1, Ordering::Relaxed) + 1;
        let done = self.alive(|state| {
            let outcome = if Faults::covers(&state.faults.refuse_set, name) {
                Outcome::error(1, property::refusal(name, value))
            } else if Faults::covers(&state.faults.ignore_set, name) {
                Outcome::default()
            } else {
                match state.properties.set(name, value) {
                    Ok(set) => {
                        self.effect(state, name, value, set == Set::Changed);
                        Outcome::default()
                    }
                    Err(_) => Outcome::error(1, property::refusal(name, value)),
                }
            };
            let strike = if state.faults.reboot_mid_script == Some(count) {
                Strike::Reboot
            } else if state.faults.drop_mid_script == Some(count) {
                Strike::Drop
            } else {
                Strike::None
            };
            let strikes = !matches!(strike, Strike::None) && state.faults.strike();
            (outcome, if strikes { strike } else { Strike::None })
        });
        match done {
            Some((outcome, Strike::None)) => outcome,
            Some((_, Strike::Reboot)) => {
                self.phone.begin_boot();
                self.dead().await
            }
            Some((_, Strike::Drop)) => {
                self.connection.cancel();
                self.dead().await
            }
            None => self.dead().await,
        }
    }

    /// Remembers a set, and that this command applied something.
    fn effect(&self, state: &mut State, name: &str, value: &str, changed: bool) {
        if changed && !self.counted.swap(true, Ordering::Relaxed) {
            state.history.applications += 1;
        }
        let (name, value, boot) = (name.to_owned(), value.to_owned(), self.boot);
        state.history.effect(Effect { name, value, changed, boot });
    }

    /// `settings get|put|delete|list`.
    async fn settings(&self, args: &[&str]) -> Outcome {
        let done = self.alive(|state| {
            let before = match args {
                ["put", namespace, key, ..] => {
                    state.settings.get(&format!("{namespace}/{key}")).cloned()
                }
                _ => None,
            };
            let outcome = android::settings(&mut state.settings, args);
            if let (0, ["put", namespace, key, value, ..]) = (outcome.status, args) {
                let changed = before.as_deref() != Some(value);
                self.effect(state, &format!("settings:{namespace}/{key}"), value, changed);
            }
            outcome
        });
        match done {
            Some(outcome) => outcome,
            None => self.dead().await,
        }
    }

    /// `id`, `id -u`, `whoami`.
    fn id(&self, name: &str, args: &[&str]) -> Outcome {
        let (number, user, domain) =
            if self.phone.common.root { (0, "root", "su") } else { (2000, "shell", "shell") };
        Outcome::text(match (name, args) {
            ("whoami", _) | ("id", ["-un"]) => format!("{user}\n"),
            ("id", ["-u" | "-g"]) => format!("{number}\n"),
            _ => format!(
                "uid={number}({user}) gid={number}({user}) groups={number}({user}) \
                 context=u:r:{domain}:s0\n"
            ),
        })
    }

    /// Time since the kernel started.
    fn uptime_ticks(&self) -> u64 {
        let state = self.phone.lock();
        state.start_ticks + ticks(state.booted_at.elapsed())
    }

    /// The content of a file under /proc, when the phone has it.
    fn proc(&self, path: &str) -> Option<String> {
        Some(match path {
            "/proc/sys/kernel/random/boot_id" => format!("{}\n", self.phone.boot_id()),
            "/proc/1/stat" => {
                let start = self.phone.lock().start_ticks;
                // The fields of proc_pid_stat(5); the 22nd is the start time.
                let before = "1 (init) S 0 0 0 0 -1 4210944 0 0 0 0 0 0 0 0 20 0 1 0";
                format!("{before} {start} {}\n", vec!["0"; 30].join(" "))
            }
            "/proc/uptime" => {
                let ticks = self.uptime_ticks();
                format!("{}.{:02} 0.00\n", ticks / 100, ticks % 100)
            }
            "/proc/version" => "Linux version 4.19.0 (simulated)\n".to_owned(),
            _ => return None,
        })
    }

    /// Changes the phone's files, unless the script is dead.
    fn change<T>(
        &self,
        act: impl FnOnce(&mut State) -> Result<T, FileError>,
    ) -> Result<T, FileError> {
        self.alive(act).unwrap_or(Err(FileError::Denied))
    }
}

impl System for Session {
    fn command<'a>(&'a self, args: &'a [&'a [u8]]) -> BoxFuture<'a, Option<Outcome>> {
        self.android(args).boxed()
    }

    fn read(&self, path: &[u8]) -> Result<Vec<u8>, FileError> {
        match files::normal(path).and_then(|path| self.proc(&path)) {
            Some(text) => Ok(text.into_bytes()),
            None => self.phone.lock().files.read(path),
        }
    }

    fn write(&self, path: &[u8], bytes: &[u8], append: bool) -> Result<(), FileError> {
        self.change(|state| state.files.write(path, bytes, append))
    }

    fn stat(&self, path: &[u8]) -> Option<Stat> {
        self.phone.lock().files.stat(path)
    }

    fn list(&self, path: &[u8]) -> Vec<Vec<u8>> {
        self.phone.lock().files.list(path)
    }

    fn remove(&self, path: &[u8], tree: bool) -> Result<(), FileError> {
        self.change(|state| state.files.remove(path, tree))
    }

    fn make_directory(&self, path: &[u8], parents: bool) -> Result<(), FileError> {
        self.change(|state| state.files.make_directory(path, parents))
    }

    fn rename(&self, from: &[u8], to: &[u8]) -> Result<(), FileError> {
        self.change(|state| state.files.rename(from, to))
    }
}
