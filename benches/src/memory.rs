//! How much memory a program has resident.

use std::fs;

use anyhow::{Context, Result};

use crate::process::family;

/// Memory of a process and its children in bytes. A page that several have is shared out among
/// them (`Pss` of proc(5)), so that it counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resident {
    /// All of it.
    pub bytes: u64,
    /// What is a file's, such as the program's own code and a mapped database.
    pub of_files: u64,
}

impl Resident {
    fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.of_files += other.of_files;
    }

    /// Reads `/proc/PID/smaps_rollup`.
    fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| -> Option<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            let kilobytes: u64 = line.strip_suffix("kB")?.trim().parse().ok()?;
            Some(kilobytes * 1_024)
        };
        Some(Self { bytes: field("Pss:")?, of_files: field("Pss_File:")? })
    }
}

/// What a process and its children have resident now.
pub fn resident(process: u32) -> Result<Resident> {
    let mut total = Resident::default();
    for id in family(process)? {
        let path = format!("/proc/{id}/smaps_rollup");
        let text = fs::read_to_string(&path).with_context(|| format!("could not read {path}"))?;
        let one = Resident::parse(&text);
        total.add(one.with_context(|| format!("{path} has another form than proc(5) says"))?);
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read() {
        let text = "5581e000-7ffc1000 ---p 00000000 00:00 0     [rollup]
Rss:                5804 kB
Pss:                1190 kB
Pss_Dirty:           340 kB
Pss_Anon:            340 kB
Pss_File:            850 kB
Pss_Shmem:             0 kB
";
        let expected = Resident { bytes: 1_190 * 1_024, of_files: 850 * 1_024 };
        assert_eq!(Resident::parse(text), Some(expected));
        assert_eq!(Resident::parse("Rss: 1 kB"), None);
    }

    #[test]
    fn our_own_memory_is_found() {
        let own = resident(std::process::id()).unwrap();
        assert!(own.bytes > 100_000 && own.of_files < own.bytes, "{own:?}");
    }
}
