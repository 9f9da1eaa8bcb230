//! A phone's files: a few fixed directories, and a small writable tree under /data/local/tmp
//! that survives boots.

use std::collections::BTreeMap;

use crate::shell::{FileError, FileKind, Stat};

/// The only place that may be written to, as for adb's shell user.
pub const WRITABLE: &str = "/data/local/tmp";
/// Most files and directories in it.
const ENTRIES_MAX: usize = 128;
/// Most bytes in all its files together.
const BYTES_MAX: usize = 1 << 20;

/// Fixed directories with the names in them.
const DIRECTORIES: &[(&str, &[&str])] = &[
    ("/", &["data", "dev", "proc", "system"]),
    ("/data", &["local"]),
    ("/data/local", &["tmp"]),
    (WRITABLE, &[]),
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
    "cat", "cmd", "date", "getprop", "id", "log", "mkdir", "mv", "reboot", "rm", "setprop",
    "settings", "sh", "sleep", "sync", "uname", "uptime", "whoami",
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
    pub fn read(&self, path: &[u8]) -> Result<Vec<u8>, FileError> {
        let path = normal(path).ok_or(FileError::Missing)?;
        match self.entries.get(&path) {
            Some(Entry::File(bytes)) => Ok(bytes.clone()),
            _ => match self.stat_at(&path) {
                Some(stat) if stat.kind == FileKind::Directory => Err(FileError::Directory),
                Some(stat) if stat.kind == FileKind::Device => Ok(Vec::new()),
                Some(_) => Err(FileError::Denied),
                None => Err(FileError::Missing),
            },
        }
    }

    /// Writes a file, creating it when missing.
    pub fn write(&mut self, path: &[u8], bytes: &[u8], append: bool) -> Result<(), FileError> {
        let path = normal(path).ok_or(FileError::Missing)?;
        let known = self.check_place(&path)?;
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
    pub fn stat(&self, path: &[u8]) -> Option<Stat> {
        self.stat_at(&normal(path)?)
    }

    /// The names in a directory, sorted.
    pub fn list(&self, path: &[u8]) -> Vec<Vec<u8>> {
        let Some(path) = normal(path) else { return Vec::new() };
        let fixed = DIRECTORIES.iter().find(|(name, _)| *name == path && path != WRITABLE);
        if let Some((_, names)) = fixed {
            return names.iter().map(|name| name.as_bytes().to_vec()).collect();
        }
        let prefix = format!("{path}/");
        let names = self.entries.keys().filter_map(|key| key.strip_prefix(&prefix));
        names.filter(|name| !name.contains('/')).map(|name| name.as_bytes().to_vec()).collect()
    }

    /// Removes a file, or with `tree` a directory with all in it.
    pub fn remove(&mut self, path: &[u8], tree: bool) -> Result<(), FileError> {
        let path = normal(path).ok_or(FileError::Missing)?;
        match self.check_place(&path)? {
            None => return Err(FileError::Missing),
            Some(FileKind::Directory) if !tree => return Err(FileError::Directory),
            Some(_) => {}
        }
        let below = format!("{path}/");
        self.entries.retain(|key, _| *key != path && !key.starts_with(&below));
        Ok(())
    }

    /// Makes a directory, with `parents` also those above it.
    pub fn make_directory(&mut self, path: &[u8], parents: bool) -> Result<(), FileError> {
        let path = normal(path).ok_or(FileError::Missing)?;
        if let Some(stat) = self.stat_at(&path) {
            let there = parents && stat.kind == FileKind::Directory;
            return if there { Ok(()) } else { Err(FileError::Exists) };
        }
        if parents && let Some((parent, _)) = path.rsplit_once('/') {
            self.make_directory(parent.as_bytes(), true)?;
        }
        self.check_place(&path)?;
        if self.entries.len() >= ENTRIES_MAX {
            return Err(FileError::Full);
        }
        self.entries.insert(path, Entry::Directory);
        Ok(())
    }

    /// Renames a file; directories stay where they are.
    pub fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<(), FileError> {
        let from = normal(from).ok_or(FileError::Missing)?;
        let to = normal(to).ok_or(FileError::Missing)?;
        self.check_place(&from)?;
        if self.check_place(&to)? == Some(FileKind::Directory) {
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

    /// Looks at a normal path.
    fn stat_at(&self, path: &str) -> Option<Stat> {
        let (kind, bytes, writable) = match self.entries.get(path) {
            Some(Entry::Directory) => (FileKind::Directory, 0, true),
            Some(Entry::File(bytes)) => (FileKind::File, bytes.len(), true),
            None if path == "/dev/null" => (FileKind::Device, 0, true),
            None if DIRECTORIES.iter().any(|(name, _)| *name == path) => {
                (FileKind::Directory, 0, path == WRITABLE)
            }
            None => {
                let (parent, name) = path.rsplit_once('/')?;
                let (_, names) = DIRECTORIES.iter().find(|(directory, _)| *directory == parent)?;
                names.iter().find(|known| **known == name)?;
                (FileKind::File, 0, false)
            }
        };
        Some(Stat { kind, bytes, readable: true, writable })
    }

    /// Checks that an entry may be made or changed at `path`, and tells what is there now.
    fn check_place(&self, path: &str) -> Result<Option<FileKind>, FileError> {
        if !path.strip_prefix(WRITABLE).is_some_and(|rest| rest.starts_with('/')) {
            let known = self.stat_at(path).is_some();
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let parent = self.stat_at(if parent.is_empty() { "/" } else { parent });
            return Err(match parent {
                None if !known => FileError::Missing,
                _ => FileError::Denied,
            });
        }
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        match self.stat_at(parent) {
            None => Err(FileError::Missing),
            Some(stat) if stat.kind != FileKind::Directory => Err(FileError::NotDirectory),
            Some(_) => Ok(self.stat_at(path).map(|stat| stat.kind)),
        }
    }
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
        files.read(path.as_bytes())
    }

    #[test]
    fn only_the_temporary_directory_takes_files() {
        let mut files = Files::default();
        assert_eq!(files.write(b"/data/local/tmp/a", b"1", false), Ok(()));
        assert_eq!(files.write(b"data/local/tmp/../tmp/a", b"2", true), Ok(()));
        assert_eq!(read(&files, "/data//local/tmp/./a"), Ok(b"12".to_vec()));
        for path in ["/a", "/system/bin/sh", "/data/local/a", "/proc/uptime"] {
            assert_eq!(files.write(path.as_bytes(), b"", false), Err(FileError::Denied), "{path}");
        }
        assert_eq!(files.write(b"/no/where", b"", false), Err(FileError::Missing));
        assert_eq!(files.write(b"/data/local/tmp/x/y", b"", false), Err(FileError::Missing));
        assert_eq!(read(&files, "/data"), Err(FileError::Directory));
    }

    #[test]
    fn directories_hold_and_lose_files() {
        let mut files = Files::default();
        assert_eq!(files.make_directory(b"/data/local/tmp/x/y", false), Err(FileError::Missing));
        assert_eq!(files.make_directory(b"/data/local/tmp/x/y", true), Ok(()));
        assert_eq!(files.write(b"/data/local/tmp/x/y/f", b"1", false), Ok(()));
        assert_eq!(files.rename(b"/data/local/tmp/x/y/f", b"/data/local/tmp/g"), Ok(()));
        assert_eq!(files.list(b"/data/local/tmp"), [b"g".to_vec(), b"x".to_vec()]);
        assert_eq!(files.remove(b"/data/local/tmp/x", false), Err(FileError::Directory));
        assert_eq!(files.remove(b"/data/local/tmp/x", true), Ok(()));
        assert_eq!(files.list(b"/data/local/tmp"), [b"g".to_vec()]);
    }

    #[test]
    fn the_tree_is_bounded() {
        let mut files = Files::default();
        let half = vec![0; BYTES_MAX / 2 + 1];
        assert_eq!(files.write(b"/data/local/tmp/a", &half, false), Ok(()));
        assert_eq!(files.write(b"/data/local/tmp/a", &half, false), Ok(()));
        assert_eq!(files.write(b"/data/local/tmp/a", &half, true), Err(FileError::Full));
        for index in 1..ENTRIES_MAX {
            let path = format!("/data/local/tmp/{index}");
            assert_eq!(files.write(path.as_bytes(), b"", false), Ok(()));
        }
        assert_eq!(files.write(b"/data/local/tmp/more", b"", false), Err(FileError::Full));
    }
}
