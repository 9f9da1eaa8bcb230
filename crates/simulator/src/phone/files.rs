//! A phone's files: a few fixed directories, and a small writable tree under /data that survives
//! boots. adb's shell user sees and writes only what is under /data/local/tmp of it, root all.

use std::collections::BTreeMap;

use super::make::User;
use crate::shell::{FileError, FileKind, Stat};

/// The only place that adb's shell user may write to.
pub const WRITABLE: &str = "/data/local/tmp";
/// The only place that root may write to: the rest is mounted read-only.
pub const DATA: &str = "/data";
/// Most files and directories in it.
const ENTRIES_MAX: usize = 128;
/// Most bytes in all its files together.
const BYTES_MAX: usize = 1 << 20;

/// Fixed directories with the names in them.
const DIRECTORIES: &[(&str, &[&str])] = &[
    ("/", &["data", "dev", "proc", "system"]),
    (DATA, &["adb", "local", "misc", "property", "system", "vendor"]),
    ("/data/adb", &[]),
    ("/data/local", &["tmp"]),
    (WRITABLE, &[]),
    ("/data/misc", &[]),
    ("/data/property", &[]),
    ("/data/system", &[]),
    ("/data/vendor", &[]),
    ("/dev", &["null"]),
    ("/proc", &["1", "sys", "uptime", "version"]),
    ("/proc/1", &["stat"]),
    ("/proc/sys", &["kernel"]),
    ("/proc/sys/kernel", &["random"]),
    ("/proc/sys/kernel/random", &["boot_id"]),
    ("/system", &["bin"]),
    ("/system/bin", PROGRAMS),
];

/// The programs that a phone has in /system/bin.
pub const PROGRAMS: &[&str] = &[
    "[", "cat", "chmod", "cmd", "date", "dumpsys", "echo", "false", "getprop", "id", "log",
    "mkdir", "mv", "printf", "reboot", "rm", "setprop", "settings", "sh", "sleep", "start", "stop",
    "sync", "test", "true", "uname", "uptime", "whoami", "wm",
];

/// One entry of the writable tree.
#[derive(Debug, Clone)]
enum Entry {
    Directory,
    File(Vec<u8>),
}

/// The writable tree, by path.
#[derive(Debug, Clone, Default)]
pub struct Files {
    entries: BTreeMap<String, Entry>,
}

impl Files {
    /// Reads a file of the writable tree; what /proc shows is the phone's business.
    pub fn read(&self, path: &[u8], user: User) -> Result<Vec<u8>, FileError> {
        let path = normal(path).ok_or(FileError::Missing)?;
        if !sees(&path, user) {
            return Err(FileError::Denied);
        }
        match self.entries.get(&path) {
            Some(Entry::File(bytes)) => Ok(bytes.clone()),
            _ => match self.stat_at(&path, user) {
                Some(stat) if stat.kind == FileKind::Directory => Err(FileError::Directory),
                Some(stat) if stat.kind == FileKind::Device => Ok(Vec::new()),
                Some(_) => Err(FileError::Denied),
                None => Err(FileError::Missing),
            },
        }
    }

    /// Writes a file, creating it when missing.
    pub fn write(
        &mut self,
        path: &[u8],
        bytes: &[u8],
        append: bool,
        user: User,
    ) -> Result<(), FileError> {
        let path = normal(path).ok_or(FileError::Missing)?;
        let known = self.check_place(&path, user)?;
        if known == Some(FileKind::Directory) {
            return Err(FileError::Directory);
        }
        if known.is_none() && self.entries.len() >= ENTRIES_MAX {
            return Err(FileError::Full);
        }
        let used: usize = self.entries.values().map(size).sum();
        let entry = self.entries.entry(path).or_insert_with(|| Entry::File(Vec::new()));
        let Entry::File(content) = entry else { return Err(FileError::Directory) };
        let kept = if append { used } else { used - content.len() };
        if kept + bytes.len() > BYTES_MAX {
            return Err(FileError::Full);
        }
        if !append {
            content.clear();
        }
        content.extend_from_slice(bytes);
        Ok(())
    }

    /// Looks at a path.
    pub fn stat(&self, path: &[u8], user: User) -> Option<Stat> {
        let path = normal(path)?;
        self.stat_at(&path, user).filter(|_| sees(&path, user))
    }

    /// The names in a directory, sorted.
    pub fn list(&self, path: &[u8], user: User) -> Vec<Vec<u8>> {
        let Some(path) = normal(path).filter(|path| sees(path, user)) else { return Vec::new() };
        let fixed = DIRECTORIES.iter().find(|(name, _)| *name == path);
        let fixed = fixed.map_or(&[] as &[&str], |(_, names)| names);
        let prefix = if path == "/" { path } else { path + "/" };
        let own = self.entries.keys().filter_map(|key| key.strip_prefix(&prefix));
        let own = own.filter(|name| !name.contains('/') && sees(&format!("{prefix}{name}"), user));
        let mut names: Vec<Vec<u8>> =
            fixed.iter().copied().chain(own).map(|name| name.as_bytes().to_vec()).collect();
        names.sort();
        names
    }

    /// Removes a file, or with `tree` a directory with all in it.
    pub fn remove(&mut self, path: &[u8], tree: bool, user: User) -> Result<(), FileError> {
        let path = normal(path).ok_or(FileError::Missing)?;
        match self.check_place(&path, user)? {
            None => return Err(FileError::Missing),
            Some(_) if !self.entries.contains_key(&path) => return Err(FileError::Denied),
            Some(FileKind::Directory) if !tree => return Err(FileError::Directory),
            Some(_) => {}
        }
        let below = format!("{path}/");
        self.entries.retain(|key, _| *key != path && !key.starts_with(&below));
        Ok(())
    }

    /// Makes a directory, with `parents` also those above it.
    pub fn make_directory(
        &mut self,
        path: &[u8],
        parents: bool,
        user: User,
    ) -> Result<(), FileError> {
        let path = normal(path).ok_or(FileError::Missing)?;
        if let Some(stat) = self.stat_at(&path, user) {
            let there = parents && stat.kind == FileKind::Directory;
            return if there { Ok(()) } else { Err(FileError::Exists) };
        }
        if parents && let Some((parent, _)) = path.rsplit_once('/') {
            self.make_directory(parent.as_bytes(), true, user)?;
        }
        self.check_place(&path, user)?;
        if self.entries.len() >= ENTRIES_MAX {
            return Err(FileError::Full);
        }
        self.entries.insert(path, Entry::Directory);
        Ok(())
    }

    /// Renames a file; directories stay where they are.
    pub fn rename(&mut self, from: &[u8], to: &[u8], user: User) -> Result<(), FileError> {
        let from = normal(from).ok_or(FileError::Missing)?;
        let to = normal(to).ok_or(FileError::Missing)?;
        self.check_place(&from, user)?;
        if self.check_place(&to, user)? == Some(FileKind::Directory) {
            return Err(FileError::Directory);
        }
        match self.entries.remove(&from) {
            Some(file @ Entry::File(_)) => {
                self.entries.insert(to, file);
                Ok(())
            }
            Some(directory) => {
                self.entries.insert(from, directory);
                Err(FileError::Directory)
            }
            None => Err(FileError::Missing),
        }
    }

    /// `chmod`: nothing here depends on a mode, but the file must be there and the user's own.
    pub fn change_mode(&self, path: &[u8], user: User) -> Result<(), FileError> {
        let path = normal(path).ok_or(FileError::Missing)?;
        self.check_place(&path, user)?.map(|_| ()).ok_or(FileError::Missing)
    }

    /// Forgets all: /data is wiped.
    pub fn wipe(&mut self) {
        self.entries.clear();
    }

    /// Looks at a normal path, whoever may see it.
    fn stat_at(&self, path: &str, user: User) -> Option<Stat> {
        let (kind, bytes) = match self.entries.get(path) {
            Some(Entry::Directory) => (FileKind::Directory, 0),
            Some(Entry::File(bytes)) => (FileKind::File, bytes.len()),
            None if path == "/dev/null" => (FileKind::Device, 0),
            None if DIRECTORIES.iter().any(|(name, _)| *name == path) => (FileKind::Directory, 0),
            None => {
                let (parent, name) = path.rsplit_once('/')?;
                let (_, names) = DIRECTORIES.iter().find(|(directory, _)| *directory == parent)?;
                names.iter().find(|known| **known == name)?;
                (FileKind::File, 0)
            }
        };
        let writable = kind == FileKind::Device || is_at(path, place(user));
        Some(Stat { kind, bytes, readable: true, writable })
    }

    /// Checks that an entry may be made or changed at `path`, and tells what is there now.
    fn check_place(&self, path: &str, user: User) -> Result<Option<FileKind>, FileError> {
        let (parent, _) = path.rsplit_once('/').ok_or(FileError::Missing)?;
        let parent = self.stat_at(if parent.is_empty() { "/" } else { parent }, user);
        let known = self.stat_at(path, user);
        if !is_at(path, place(user)) || path == place(user) {
            return Err(match (user, parent, known) {
                (_, None, None) => FileError::Missing,
                (User::Root, ..) if !is_at(path, DATA) => FileError::ReadOnly,
                _ => FileError::Denied,
            });
        }
        match parent {
            None => Err(FileError::Missing),
            Some(stat) if stat.kind != FileKind::Directory => Err(FileError::NotDirectory),
            Some(_) => Ok(known.map(|stat| stat.kind)),
        }
    }
}

/// Where a user may write.
fn place(user: User) -> &'static str {
    match user {
        User::Shell => WRITABLE,
        User::Root => DATA,
    }
}

/// Whether a path is this one or below it.
fn is_at(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a user may look at a path: of /data, adb's shell user sees what leads to its own place.
fn sees(path: &str, user: User) -> bool {
    let own = is_at(path, WRITABLE) || is_at(WRITABLE, path);
    user == User::Root || own || !is_at(path, DATA)
}

/// A file's size.
fn size(entry: &Entry) -> usize {
    match entry {
        Entry::Directory => 0,
        Entry::File(bytes) => bytes.len(),
    }
}

/// The path from `/`, without `.`, `..` and doubled slashes; none when it is empty, not UTF-8 or
/// longer than Linux takes.
pub fn normal(path: &[u8]) -> Option<String> {
    let path = std::str::from_utf8(path).ok().filter(|path| !path.is_empty())?;
    if path.len() >= 4096 {
        return None;
    }
    let mut pieces: Vec<&str> = Vec::new();
    for piece in path.split('/') {
        match piece {
            "" | "." => {}
            ".." => drop(pieces.pop()),
            piece => pieces.push(piece),
        }
    }
    Some(format!("/{}", pieces.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &Files, path: &str) -> Result<Vec<u8>, FileError> {
        files.read(path.as_bytes(), User::Shell)
    }

    #[test]
    fn only_the_temporary_directory_takes_files() {
        let mut files = Files::default();
        assert_eq!(files.write(b"/data/local/tmp/a", b"1", false, User::Shell), Ok(()));
        assert_eq!(files.write(b"data/local/tmp/../tmp/a", b"2", true, User::Shell), Ok(()));
        assert_eq!(read(&files, "/data//local/tmp/./a"), Ok(b"12".to_vec()));
        for path in ["/a", "/system/bin/sh", "/data/local/a", "/proc/uptime"] {
            assert_eq!(
                files.write(path.as_bytes(), b"", false, User::Shell),
                Err(FileError::Denied),
                "{path}"
            );
        }
        assert_eq!(files.write(b"/no/where", b"", false, User::Shell), Err(FileError::Missing));
        assert_eq!(
            files.write(b"/data/local/tmp/x/y", b"", false, User::Shell),
            Err(FileError::Missing)
        );
        assert_eq!(read(&files, "/data"), Err(FileError::Directory));
    }

    #[test]
    fn directories_hold_and_lose_files() {
        let mut files = Files::default();
        assert_eq!(
            files.make_directory(b"/data/local/tmp/x/y", false, User::Shell),
            Err(FileError::Missing)
        );
        assert_eq!(files.make_directory(b"/data/local/tmp/x/y", true, User::Shell), Ok(()));
        assert_eq!(files.write(b"/data/local/tmp/x/y/f", b"1", false, User::Shell), Ok(()));
        assert_eq!(
            files.rename(b"/data/local/tmp/x/y/f", b"/data/local/tmp/g", User::Shell),
            Ok(())
        );
        assert_eq!(files.list(b"/data/local/tmp", User::Shell), [b"g".to_vec(), b"x".to_vec()]);
        assert_eq!(
            files.remove(b"/data/local/tmp/x", false, User::Shell),
            Err(FileError::Directory)
        );
        assert_eq!(files.remove(b"/data/local/tmp/x", true, User::Shell), Ok(()));
        assert_eq!(files.list(b"/data/local/tmp", User::Shell), [b"g".to_vec()]);
    }

    #[test]
    fn the_tree_is_bounded() {
        let mut files = Files::default();
        let half = vec![0; BYTES_MAX / 2 + 1];
        assert_eq!(files.write(b"/data/local/tmp/a", &half, false, User::Shell), Ok(()));
        assert_eq!(files.write(b"/data/local/tmp/a", &half, false, User::Shell), Ok(()));
        assert_eq!(
            files.write(b"/data/local/tmp/a", &half, true, User::Shell),
            Err(FileError::Full)
        );
        for index in 1..ENTRIES_MAX {
            let path = format!("/data/local/tmp/{index}");
            assert_eq!(files.write(path.as_bytes(), b"", false, User::Shell), Ok(()));
        }
        assert_eq!(
            files.write(b"/data/local/tmp/more", b"", false, User::Shell),
            Err(FileError::Full)
        );
    }

    #[test]
    fn root_writes_anywhere_under_data_and_the_shell_user_does_not_see_it() {
        let mut files = Files::default();
        let path = b"/data/system/fleet/serial";
        assert_eq!(files.make_directory(b"/data/system/fleet", true, User::Root), Ok(()));
        assert_eq!(files.write(path, b"1", false, User::Root), Ok(()));
        assert_eq!(files.read(path, User::Root), Ok(b"1".to_vec()));
        assert_eq!(files.change_mode(path, User::Root), Ok(()));
        assert_eq!(files.list(b"/data/system", User::Root), [b"fleet".to_vec()]);
        assert_eq!(files.read(path, User::Shell), Err(FileError::Denied));
        assert_eq!(files.stat(path, User::Shell), None);
        assert_eq!(files.change_mode(path, User::Shell), Err(FileError::Denied));
        assert_eq!(files.write(path, b"2", false, User::Shell), Err(FileError::Denied));
        let system = b"/system/bin/su";
        assert_eq!(files.write(system, b"", false, User::Root), Err(FileError::ReadOnly));
        assert_eq!(files.write(b"/data/local/tmp/a", b"", false, User::Root), Ok(()));
        assert_eq!(files.list(WRITABLE.as_bytes(), User::Shell), [b"a".to_vec()]);
        assert_eq!(files.remove(b"/data/system", true, User::Root), Err(FileError::Denied));
        files.wipe();
        assert_eq!(files.stat(path, User::Root), None);
    }
}
