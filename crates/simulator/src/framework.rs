//! What Android's framework keeps, and the programs that ask it: `settings` and `wm`.
//!
//! Forms and messages are AOSP's: `packages/SettingsProvider`, `SettingsService.java`, and
//! `services/core`, `WindowManagerShellCommand.java`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::shell::Outcome;

/// Most values that `settings` keeps.
const SETTINGS_MAX: usize = 1024;
/// Longest key or value of `settings`, in bytes.
const SETTING_BYTES_MAX: usize = 4096;
/// The density of the simulated screen, in dots per inch.
const DENSITY: u32 = 320;
/// The least density that `wm` takes.
const DENSITY_MIN: u32 = 72;
/// The size of the simulated screen, in pixels.
const SIZE: (u32, u32) = (720, 1280);
/// The least width and height that the window manager goes down to.
const SIDE_MIN: u32 = 200;
/// How often the screen's own width and height it goes up to.
const SCALE_MAX: u32 = 2;
/// The status of a shell command of the framework that failed: -1.
const FAILED: u8 = 255;

/// The framework's part of /data: it outlives boots.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Framework {
    /// `settings` values by `NAMESPACE/KEY`.
    settings: BTreeMap<String, String>,
    density: Option<u32>,
    size: Option<(u32, u32)>,
}

/// A change that a program asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `settings:NAMESPACE/KEY`, `wm:density` or `wm:size`.
    pub name: String,
    /// The value that was asked for; empty for a deletion or a reset.
    pub value: String,
    /// Whether that was another value than before.
    pub changed: bool,
}

impl Framework {
    /// A value of `settings`.
    pub fn setting(&self, namespace: &str, key: &str) -> Option<&str> {
        self.settings.get(&format!("{namespace}/{key}")).map(String::as_str)
    }

    /// Forgets a setting, by `NAMESPACE/KEY`.
    pub fn forget(&mut self, key: &str) {
        self.settings.remove(key);
    }

    /// Which value a call of `settings` or `wm` (with its name first) asks to change, and to what;
    /// none for a call that only asks, or is wrong.
    pub fn asked(args: &[&str]) -> Option<(String, String)> {
        let owned = |name: String, value: &str| Some((name, value.to_owned()));
        match *args {
            ["settings", ref rest @ ..] => match *without_user(rest) {
                ["put", namespace, key, value, ..] => {
                    owned(format!("settings:{namespace}/{key}"), value)
                }
                ["delete", namespace, key] => owned(format!("settings:{namespace}/{key}"), ""),
                _ => None,
            },
            ["wm", what @ ("density" | "size"), value] => {
                owned(format!("wm:{what}"), if value == "reset" { "" } else { value })
            }
            _ => None,
        }
    }

    /// Runs `settings` or `wm`; `args` begins with its name. The change is what took effect.
    pub fn run(&mut self, args: &[&str]) -> (Outcome, Option<Change>) {
        let before = self.clone_of(args);
        let outcome = match *args {
            ["settings", ref rest @ ..] => self.settings(&without_user(rest)),
            ["wm", ref rest @ ..] => self.wm(rest),
            _ => Outcome::status(FAILED),
        };
        let asked = Self::asked(args).filter(|_| outcome.status == 0);
        let change = asked.map(|(name, value)| {
            let changed = before != self.clone_of(args);
            Change { name, value, changed }
        });
        (outcome, change)
    }

    /// The value that a call is about, as it is now.
    fn clone_of(&self, args: &[&str]) -> Option<String> {
        let (name, _) = Self::asked(args)?;
        match name.strip_prefix("settings:") {
            Some(key) => self.settings.get(key).cloned(),
            None if name == "wm:density" => self.density.map(|density| density.to_string()),
            None => self.size.map(|(width, height)| format!("{width}x{height}")),
        }
    }

    /// `settings get|put|delete|list NAMESPACE [KEY [VALUE]]`.
    fn settings(&mut self, args: &[&str]) -> Outcome {
        let known = |namespace: &str| matches!(namespace, "system" | "secure" | "global");
        let namespace = args.get(1).copied().unwrap_or_default();
        if !known(namespace) {
            let text = format!("Invalid namespace '{namespace}'. Use system, secure or global\n");
            return Outcome::error(FAILED, text);
        }
        let values = &mut self.settings;
        match *args {
            ["get", _, key] => {
                let value = values.get(&format!("{namespace}/{key}"));
                Outcome::text(format!("{}\n", value.map_or("null", String::as_str)))
            }
            // A tag may stand behind the value, and "default" behind that.
            ["put", _, key, value] | ["put", _, key, value, _] => {
                let full = values.len() >= SETTINGS_MAX;
                let key = format!("{namespace}/{key}");
                let long = key.len().max(value.len()) > SETTING_BYTES_MAX;
                if long || full && !values.contains_key(&key) {
                    return Outcome::error(FAILED, "settings: no room for this value\n");
                }
                values.insert(key, value.to_owned());
                Outcome::default()
            }
            ["delete", _, key] => {
                let deleted = values.remove(&format!("{namespace}/{key}"));
                Outcome::text(format!("Deleted {} rows\n", u8::from(deleted.is_some())))
            }
            ["list", _] => {
                let prefix = format!("{namespace}/");
                let own = values.iter().filter_map(|(key, value)| {
                    key.strip_prefix(&prefix).map(|key| format!("{key}={value}\n"))
                });
                Outcome::text(own.collect::<String>())
            }
            _ => Outcome::error(FAILED, "Invalid command\n"),
        }
    }

    /// `wm density [N|reset]`, `wm size [WxH|reset]`.
    fn wm(&mut self, args: &[&str]) -> Outcome {
        match *args {
            ["density"] => {
                let own = format!("Physical density: {DENSITY}\n");
                let over = self.density.filter(|density| *density != DENSITY);
                let over = over.map(|density| format!("Override density: {density}\n"));
                Outcome::text(own + &over.unwrap_or_default())
            }
            ["density", "reset"] => {
                self.density = None;
                Outcome::default()
            }
            ["density", text] => match number(text) {
                Err(outcome) => outcome,
                Ok(density) if density < i64::from(DENSITY_MIN) => {
                    let text = format!("Error: density must be >= {DENSITY_MIN}\n");
                    Outcome::error(FAILED, text)
                }
                Ok(density) => {
                    self.density = u32::try_from(density).ok();
                    Outcome::default()
                }
            },
            ["size"] => {
                let over = self.size.filter(|size| *size != SIZE);
                let over = over.map(|(width, height)| format!("Override size: {width}x{height}\n"));
                let own = format!("Physical size: {}x{}\n", SIZE.0, SIZE.1);
                Outcome::text(own + &over.unwrap_or_default())
            }
            ["size", "reset"] => {
                self.size = None;
                Outcome::default()
            }
            ["size", text] => self.set_size(text),
            [command, ..] => Outcome::error(FAILED, format!("Unknown command: {command}\n")),
            [] => Outcome::error(FAILED, "Window manager (window) commands: density, size\n"),
        }
    }

    /// `wm size WxH`: within the bounds of what the window manager is willing to emulate.
    fn set_size(&mut self, text: &str) -> Outcome {
        let sides =
            text.split_once('x').filter(|(width, height)| !width.is_empty() && !height.is_empty());
        let Some((width, height)) = sides else {
            return Outcome::error(FAILED, format!("Error: bad size {text}\n"));
        };
        let (width, height) = match (number(width), number(height)) {
            (Ok(width), Ok(height)) => (width, height),
            (Err(outcome), _) | (_, Err(outcome)) => return outcome,
        };
        let bound = |side: i64, own: u32| {
            let side = side.clamp(i64::from(SIDE_MIN), i64::from(own * SCALE_MAX));
            u32::try_from(side).unwrap_or(own)
        };
        // A negative side clears the override, as `reset` does.
        self.size =
            (width >= 0 && height >= 0).then(|| (bound(width, SIZE.0), bound(height, SIZE.1)));
        Outcome::default()
    }
}

/// Drops `--user N` behind the verb; a simulated phone has one user.
fn without_user<'a>(args: &'a [&'a str]) -> Vec<&'a str> {
    match *args {
        [verb, "--user", _, ref rest @ ..] | ["--user", _, verb, ref rest @ ..] => {
            std::iter::once(verb).chain(rest.iter().copied()).collect()
        }
        _ => args.to_vec(),
    }
}

/// A number as Java reads it: `Integer.parseInt`.
fn number(text: &str) -> Result<i64, Outcome> {
    text.parse::<i32>().map(i64::from).map_err(|_| {
        let cause = format!("java.lang.NumberFormatException: For input string: \"{text}\"");
        Outcome::error(FAILED, format!("Error: bad number {cause}\n"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_keep_their_namespaces_apart() {
        let mut framework = Framework::default();
        let mut run = |args: &[&str]| framework.run(args).0;
        assert_eq!(run(&["settings", "get", "secure", "a"]), Outcome::text("null\n"));
        assert_eq!(run(&["settings", "put", "secure", "a", "x y"]), Outcome::default());
        assert_eq!(run(&["settings", "get", "secure", "a"]), Outcome::text("x y\n"));
        assert_eq!(run(&["settings", "--user", "0", "get", "secure", "a"]), Outcome::text("x y\n"));
        assert_eq!(run(&["settings", "get", "--user", "0", "secure", "a"]), Outcome::text("x y\n"));
        assert_eq!(run(&["settings", "get", "global", "a"]), Outcome::text("null\n"));
        assert_eq!(run(&["settings", "list", "secure"]), Outcome::text("a=x y\n"));
        assert_eq!(run(&["settings", "delete", "secure", "a"]), Outcome::text("Deleted 1 rows\n"));
        assert_eq!(run(&["settings", "delete", "secure", "a"]), Outcome::text("Deleted 0 rows\n"));
        assert_eq!(run(&["settings", "get", "secure", "a"]), Outcome::text("null\n"));
        assert_eq!(run(&["settings", "put", "global", "a", ""]), Outcome::default());
        assert_eq!(run(&["settings", "get", "global", "a"]), Outcome::text("\n"));
        assert_eq!(run(&["settings", "put", "global", "a", "null"]), Outcome::default());
        assert_eq!(run(&["settings", "get", "global", "a"]), Outcome::text("null\n"));
        assert_eq!(run(&["settings", "get", "other", "a"]).status, 255);
        assert_eq!(run(&["settings", "put", "global", "a"]).status, 255);
    }

    #[test]
    fn changes_are_told_from_repetitions_and_questions() {
        let mut framework = Framework::default();
        let change = |name: &str, value: &str, changed| {
            Some(Change { name: name.to_owned(), value: value.to_owned(), changed })
        };
        let put = ["settings", "put", "global", "k", "v"];
        assert_eq!(framework.run(&put).1, change("settings:global/k", "v", true));
        assert_eq!(framework.run(&put).1, change("settings:global/k", "v", false));
        assert_eq!(framework.run(&["settings", "get", "global", "k"]).1, None);
        assert_eq!(framework.run(&["settings", "put", "bad", "k", "v"]).1, None);
        assert_eq!(framework.run(&["wm", "density", "240"]).1, change("wm:density", "240", true));
        assert_eq!(framework.run(&["wm", "density", "reset"]).1, change("wm:density", "", true));
        assert_eq!(framework.run(&["wm", "density"]).1, None);
    }

    #[test]
    fn the_screen_answers_as_androids_window_manager() {
        let mut framework = Framework::default();
        let mut run = |args: &[&str]| framework.run(args).0;
        let own = Outcome::text("Physical density: 320\n");
        assert_eq!(run(&["wm", "density"]), own);
        assert_eq!(run(&["wm", "density", "240"]), Outcome::default());
        let both = Outcome::text("Physical density: 320\nOverride density: 240\n");
        assert_eq!(run(&["wm", "density"]), both);
        assert_eq!(run(&["wm", "density", "71"]).stderr, b"Error: density must be >= 72\n");
        let bad = "Error: bad number java.lang.NumberFormatException: For input string: \"x\"\n";
        assert_eq!(run(&["wm", "density", "x"]), Outcome::error(255, bad));
        assert_eq!(run(&["wm", "density"]), both);
        assert_eq!(run(&["wm", "density", "reset"]), Outcome::default());
        assert_eq!(run(&["wm", "density"]), own);

        let own = Outcome::text("Physical size: 720x1280\n");
        assert_eq!(run(&["wm", "size"]), own);
        assert_eq!(run(&["wm", "size", "600x1024"]), Outcome::default());
        let both = Outcome::text("Physical size: 720x1280\nOverride size: 600x1024\n");
        assert_eq!(run(&["wm", "size"]), both);
        for bad in ["600", "x600", "600x", "600xy"] {
            assert_eq!(run(&["wm", "size", bad]).status, 255, "{bad}");
        }
        assert_eq!(run(&["wm", "size"]), both);
        assert_eq!(run(&["wm", "size", "1x99999"]), Outcome::default());
        let bounded = Outcome::text("Physical size: 720x1280\nOverride size: 200x2560\n");
        assert_eq!(run(&["wm", "size"]), bounded);
        assert_eq!(run(&["wm", "size", "reset"]), Outcome::default());
        assert_eq!(run(&["wm", "size"]), own);
        assert_eq!(run(&["wm", "overscan"]).status, 255);
    }
}
