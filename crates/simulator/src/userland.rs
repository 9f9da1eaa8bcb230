//! The commands that Android has and a Linux machine with a real `adbd` lacks, over a folder of
//! state: the heart of the program `android-userland`.
//!
//! The folder (`FLEETWRIGHT_PHONE_DIR`) holds `state.json`, replaced as a whole under a lock on
//! the file `lock`, which the kernel gives back when a process dies; and `boot_id`. The property
//! rules are those of [`crate::property`].

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::android;
use crate::framework::Framework;
use crate::phone::make::User;
use crate::phone::power;
use crate::property::{self, Properties};
use crate::shell::Outcome;

/// The variable that names the folder.
pub const FOLDER_VARIABLE: &str = "FLEETWRIGHT_PHONE_DIR";
/// The names under which the program is to be found on an adbd's `PATH`.
pub const COMMANDS: &[&str] = &["getprop", "setprop", "settings", "wm", "dumpsys", "cmd", "reboot"];
/// Largest state file that is read.
const STATE_BYTES_MAX: u64 = 16 << 20;

/// Why the state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file operation failed.
    #[error("cannot {act} {}", path.display())]
    File {
        /// What was tried.
        act: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The state file is not ours.
    #[error("cannot read the state in {}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The state file is larger than any phone's state.
    #[error("the state in {} is too large", path.display())]
    Size {
        /// The file.
        path: PathBuf,
    },
}

/// What the folder holds of a phone.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    properties: Properties,
    framework: Framework,
    boot_count: u64,
}

/// A phone's folder.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder at `path`; it is made when missing.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, FolderError> {
        let path = path.into();
        fs::create_dir_all(&path).map_err(file_error("make", &path))?;
        Ok(Folder { path })
    }

    /// Boots: volatile properties go, the boot id is new, and the boot is complete at once.
    pub fn boot(&self) -> Result<(), FolderError> {
        self.change(|state| {
            state.boot_count += 1;
            state.properties.reboot("adbd", power::INIT_STARTED_NS);
            state.properties.complete_boot();
        })?;
        self.replace("boot_id", format!("{}\n", power::new_boot_id()).as_bytes())
    }

    /// A property's value; empty when it is not set.
    pub fn get(&self, name: &str) -> Result<String, FolderError> {
        let _lock = self.lock()?;
        Ok(self.read()?.properties.get(name).to_owned())
    }

    /// Writes a property past all rules, as [`crate::phone::Phone::set`] does.
    pub fn set(&self, name: &str, value: &str) -> Result<(), FolderError> {
        self.change(|state| state.properties.put(name, value))
    }

    /// Runs one of [`COMMANDS`]; `args` begins with its name. None for another name.
    pub fn command(&self, args: &[&str]) -> Result<Option<Outcome>, FolderError> {
        let Some((name, rest)) = args.split_first() else { return Ok(None) };
        Ok(Some(match *name {
            "getprop" => {
                let _lock = self.lock()?;
                android::getprop(&self.read()?.properties, rest)
            }
            "setprop" => match rest {
                [name, value] => {
                    self.change(|state| match state.properties.set(name, value, User::Shell) {
                        Ok(_) => Outcome::default(),
                        Err(_) => Outcome::error(1, property::refusal(name, value)),
                    })?
                }
                _ => android::setprop_usage(),
            },
            "settings" | "wm" => self.change(|state| state.framework.run(args).0)?,
            "dumpsys" => {
                let _lock = self.lock()?;
                android::dumpsys(&self.read()?.properties, rest)
            }
            "cmd" => match rest {
                ["settings", rest @ ..] => {
                    let args = [&["settings"], rest].concat();
                    self.change(|state| state.framework.run(&args).0)?
                }
                ["alarm", "set-timezone", zone] => self.change(|state| {
                    state.properties.put("persist.sys.timezone", zone);
                    Outcome::default()
                })?,
                _ => android::no_service(rest),
            },
            "reboot" if rest.is_empty() => {
                self.boot()?;
                Outcome::default()
            }
            "reboot" => Outcome::error(1, "reboot: only a plain reboot is simulated\n"),
            _ => return Ok(None),
        }))
    }

    /// Changes the state under the lock, so that commands at once do not undo each other.
    fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> Result<T, FolderError> {
        let _lock = self.lock()?;
        let mut state = self.read()?;
        let result = act(&mut state);
        let path = self.path.join("state.json");
        let text =
            serde_json::to_vec(&state).map_err(|source| FolderError::State { path, source })?;
        self.replace("state.json", &text)?;
        Ok(result)
    }

    /// Waits for the lock; it is held as long as the file.
    fn lock(&self) -> Result<File, FolderError> {
        let path = self.path.join("lock");
        let file = File::create(&path).map_err(file_error("open", &path))?;
        file.lock().map_err(file_error("lock", &path))?;
        Ok(file)
    }

    /// Reads the state; a new folder has an empty one.
    fn read(&self) -> Result<State, FolderError> {
        let path = self.path.join("state.json");
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::default()),
            Err(source) => return Err(file_error("read", &path)(source)),
            Ok(meta) if meta.len() > STATE_BYTES_MAX => return Err(FolderError::Size { path }),
            Ok(_) => {}
        }
        let text = fs::read(&path).map_err(file_error("read", &path))?;
        serde_json::from_slice(&text).map_err(|source| FolderError::State { path, source })
    }

    /// Replaces a file as a whole: a process killed in between leaves the old one.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
        let path = self.path.join(name);
        let new = self.path.join(format!(".{name}.{}", std::process::id()));
        let written = File::create(&new).and_then(|mut file| file.write_all(bytes));
        written.and_then(|()| fs::rename(&new, &path)).map_err(file_error("write", &path))
    }
}

/// An error of a file operation.
fn file_error(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_path_buf();
    move |source| FolderError::File { act, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_what_android_keeps() {
        let directory = tempfile::tempdir().unwrap();
        let folder = Folder::open(directory.path().join("phone")).unwrap();
        folder.boot().unwrap();
        let run = |args: &[&str]| folder.command(args).unwrap().unwrap();
        assert_eq!(run(&["setprop", "persist.a", "1 'x'"]), Outcome::default());
        assert_eq!(run(&["setprop", "a.b", "2"]), Outcome::default());
        assert_eq!(run(&["setprop", "ro.build.type", "x"]).status, 1);
        assert_eq!(run(&["settings", "put", "global", "k", "v"]), Outcome::default());
        assert_eq!(run(&["getprop", "a.b"]), Outcome::text("2\n"));
        let boot_id = fs::read_to_string(directory.path().join("phone/boot_id")).unwrap();
        assert_eq!(run(&["reboot"]), Outcome::default());
        assert_ne!(fs::read_to_string(directory.path().join("phone/boot_id")).unwrap(), boot_id);
        assert_eq!(run(&["getprop", "a.b"]), Outcome::text("\n"));
        assert_eq!(run(&["getprop", "persist.a"]), Outcome::text("1 'x'\n"));
        assert_eq!(run(&["getprop", "sys.boot_completed"]), Outcome::text("1\n"));
        assert_eq!(run(&["settings", "get", "global", "k"]), Outcome::text("v\n"));
        assert_eq!(run(&["wm", "density", "240"]), Outcome::default());
        let density = Outcome::text("Physical density: 320\nOverride density: 240\n");
        assert_eq!(run(&["wm", "density"]), density);
        assert_eq!(run(&["setprop", "com.cph.mainkeys", "1"]), Outcome::default());
        let acting = ["dumpsys", "cph", "com.cph.mainkeys"];
        assert_eq!(run(&acting), Outcome::text("0\n"));
        assert_eq!(run(&["reboot"]), Outcome::default());
        assert_eq!(run(&acting), Outcome::text("1\n"));
        assert_eq!(run(&["cmd", "wifi"]), Outcome::error(20, "cmd: Can't find service: wifi\n"));
        assert!(folder.command(&["ls"]).unwrap().is_none());
    }

    #[test]
    fn a_broken_state_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("state.json"), "{").unwrap();
        let folder = Folder::open(directory.path()).unwrap();
        assert!(matches!(folder.get("a"), Err(FolderError::State { .. })));
    }
}
