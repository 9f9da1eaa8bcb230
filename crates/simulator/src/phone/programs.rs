//! Android's programs, as a shell command on a simulated phone runs them.

use super::faults::Faults;
use super::make::User;
use super::power::{Cause, ticks};
use super::session::Session;
use super::{State, files};
use crate::android;
use crate::framework::Framework;
use crate::property::{self, BOOT_COMPLETED, Set};
use crate::shell::Outcome;

use std::sync::atomic::Ordering;

/// What a fault does after a set.
enum Strike {
    None,
    Drop,
    Reboot,
}

impl Session {
    /// Runs one of Android's programs; none for a name that is none.
    pub(super) async fn program(&self, args: &[&str]) -> Option<Outcome> {
        let (name, rest) = args.split_first()?;
        Some(match *name {
            "getprop" => self.with(|state| android::getprop(&state.properties, rest)).await,
            "setprop" => self.setprop(rest).await,
            "dumpsys" => self.with(|state| android::dumpsys(&state.properties, rest)).await,
            "settings" | "wm" => self.framework(args).await,
            "cmd" => self.cmd(rest).await,
            "stop" | "start" => self.switch_framework(args).await,
            "reboot" if rest.is_empty() => self.reboot("reboot", Self::boot).await,
            "reboot" => Outcome::error(1, "reboot: only a plain reboot is simulated\n"),
            "id" | "whoami" => self.id(name, rest),
            "date" => self.date(rest).await,
            "uptime" => {
                let minutes = self.uptime_ticks() / 100 / 60;
                Outcome::text(format!("up {minutes} min,  0 users\n"))
            }
            "uname" => Outcome::text("Linux\n"),
            "sync" | "log" => Outcome::default(),
            _ => return None,
        })
    }

    /// Does something to the phone, unless the script is dead.
    async fn with(&self, act: impl FnOnce(&mut State) -> Outcome) -> Outcome {
        match self.alive(act) {
            Some(outcome) => outcome,
            None => Self::dead().await,
        }
    }

    /// The script is dead: its phone has rebooted, or its connection was dropped.
    async fn dead() -> Outcome {
        std::future::pending().await
    }

    /// Puts the phone into a boot, and the script to death.
    async fn reboot(&self, what: &'static str, begin: impl FnOnce(&Self)) -> Outcome {
        if self.alive(|state| self.restarted(state, what)).is_some() {
            begin(self);
        }
        Self::dead().await
    }

    /// A plain boot.
    fn boot(&self) {
        self.phone.begin_boot(Cause::Client);
    }

    /// `setprop NAME VALUE`, with the phone's faults.
    async fn setprop(&self, args: &[&str]) -> Outcome {
        let [name, value] = args else { return android::setprop_usage() };
        let count = self.counts.sets.fetch_add(1, Ordering::Relaxed) + 1;
        let done = self.alive(|state| {
            let outcome = self.store_property(state, name, value);
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
            // init acts on this name itself (system/core/init/reboot.cpp, HandlePowerctlMessage).
            Some((outcome, _))
                if outcome.status == 0
                    && *name == "sys.powerctl"
                    && value.starts_with("reboot") =>
            {
                self.reboot("reboot", Self::boot).await
            }
            Some((outcome, Strike::None)) => outcome,
            Some((_, Strike::Reboot)) => {
                self.phone.begin_boot(Cause::Hand);
                Self::dead().await
            }
            Some((_, Strike::Drop)) => {
                self.connection.cancel();
                Self::dead().await
            }
            None => Self::dead().await,
        }
    }

    /// Stores a property by Android's rules and the phone's faults.
    fn store_property(&self, state: &mut State, name: &str, value: &str) -> Outcome {
        let refused = || Outcome::error(1, property::refusal(name, value));
        if Faults::covers(&state.faults.refuse_set, name) {
            return refused();
        }
        if Faults::covers(&state.faults.ignore_set, name) {
            return Outcome::default();
        }
        let stored = state.faults.instead(name).cloned();
        let stored = stored.as_deref().unwrap_or(value);
        match state.properties.set(name, stored, self.user) {
            Ok(set) => {
                self.effect(state, name, stored, set == Set::Changed);
                Outcome::default()
            }
            Err(_) => refused(),
        }
    }

    /// `settings` and `wm`, with the phone's faults. `args` begins with the name.
    async fn framework(&self, args: &[&str]) -> Outcome {
        self.with(|state| {
            if state.properties.get(BOOT_COMPLETED) != "1" {
                let service = if args.first() == Some(&"wm") { "window" } else { "settings" };
                return android::no_service(&[service]);
            }
            let asked = Framework::asked(args);
            let mut args: Vec<&str> = args.to_vec();
            let mut instead = None;
            if let Some((name, _)) = &asked {
                if Faults::covers(&state.faults.refuse_set, name) {
                    return Outcome::error(255, "java.lang.SecurityException: Permission denial\n");
                }
                if Faults::covers(&state.faults.ignore_set, name) {
                    return Outcome::default();
                }
                instead = state.faults.instead(name).cloned();
            }
            if let (Some(instead), Some((_, value))) = (&instead, &asked)
                && let Some(arg) = args.iter_mut().rev().find(|arg| *arg == value)
            {
                *arg = instead;
            }
            let (outcome, change) = state.framework.run(&args);
            if let Some(change) = change {
                self.effect(state, &change.name, &change.value, change.changed);
            }
            outcome
        })
        .await
    }

    /// `cmd SERVICE ARG...`.
    async fn cmd(&self, args: &[&str]) -> Outcome {
        match *args {
            ["settings", ref rest @ ..] => self.framework(&[&["settings"], rest].concat()).await,
            ["window", ref rest @ ..] => self.framework(&[&["wm"], rest].concat()).await,
            ["alarm", "set-timezone", zone] => self.set_timezone(zone).await,
            // A container has no partition that a wipe of the data leaves alone, where the ADB
            // keys could wait (AOSP, TestHarnessModeService.handleEnable).
            ["testharness", "enable" | "restore"] if self.phone.common.make.is_container() => {
                Outcome::error(1, "Failed to enable Test Harness Mode\n")
            }
            ["testharness", "enable"] => {
                let wipe = |own: &Self| own.phone.begin_factory_reset(Cause::Client);
                self.reboot("factory-reset", wipe).await
            }
            ["testharness", ..] => Outcome::error(255, "Invalid command\n"),
            ["-l"] => Outcome::text(
                "Currently running services:\n  alarm\n  settings\n  testharness\n  window\n",
            ),
            _ => android::no_service(args),
        }
    }

    /// `cmd alarm set-timezone ZONE`: the framework, which may set every property, sets this one
    /// (AOSP, `AlarmManagerService.java`, `setTimeZoneImpl`).
    async fn set_timezone(&self, zone: &str) -> Outcome {
        self.with(|state| {
            if state.properties.get(BOOT_COMPLETED) != "1" {
                return android::no_service(&["alarm"]);
            }
            let outcome = self.as_root().store_property(state, "persist.sys.timezone", zone);
            if outcome.status == 0 { outcome } else { Outcome::error(255, "") }
        })
        .await
    }

    /// `stop` and `start` of the whole framework (AOSP, `system/core/toolbox/start.cpp`).
    async fn switch_framework(&self, args: &[&str]) -> Outcome {
        if self.user != User::Root {
            return Outcome::error(1, "Must be root\n");
        }
        self.with(|state| match *args {
            ["stop"] => {
                self.restarted(state, "framework");
                self.phone.stop_framework(state);
                Outcome::default()
            }
            ["start"] => {
                self.phone.start_framework(state);
                Outcome::default()
            }
            _ => Outcome::error(1, "only the whole framework is simulated\n"),
        })
        .await
    }

    /// `id`, `id -u`, `whoami`.
    fn id(&self, name: &str, args: &[&str]) -> Outcome {
        let (number, user, domain) = match self.user {
            User::Root => (0, "root", "su"),
            User::Shell => (2000, "shell", "shell"),
        };
        Outcome::text(match (name, args) {
            ("whoami", _) | ("id", ["-un"]) => format!("{user}\n"),
            ("id", ["-u" | "-g"]) => format!("{number}\n"),
            _ => format!(
                "uid={number}({user}) gid={number}({user}) groups={number}({user}) \
                 context=u:r:{domain}:s0\n"
            ),
        })
    }

    /// `date +%s`, by the phone's own clock.
    async fn date(&self, args: &[&str]) -> Outcome {
        let ([] | ["+%s"]) = args else {
            return Outcome::error(1, "date: only '+%s' is simulated\n");
        };
        self.with(|state| {
            let now = android::epoch_seconds().saturating_add_signed(state.faults.clock_ahead);
            Outcome::text(format!("{now}\n"))
        })
        .await
    }

    /// Time since the kernel started.
    fn uptime_ticks(&self) -> u64 {
        let state = self.phone.lock();
        state.start_ticks + ticks(state.booted_at.elapsed())
    }

    /// The content of a file under /proc, when the phone has it.
    pub(super) fn proc(&self, path: &[u8]) -> Option<String> {
        Some(match files::normal(path)?.as_str() {
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
}
