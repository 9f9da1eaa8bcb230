//! What a phone was told to run, and all that came of it, for a test to say that nothing else did.

use std::collections::VecDeque;

/// What an entry costs beside its text, in bytes.
const ENTRY_BYTES: usize = 64;

/// One thing that came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// A simple command ran: its name and arguments as they were expanded. Programs, commands of
    /// the shell itself and functions alike; bytes that are not UTF-8 are replaced.
    Ran(Vec<String>),
    /// A value was written: a property by its name, `settings:NAMESPACE/KEY`, `wm:density`,
    /// `wm:size`, or a file's content as `file:PATH`.
    Wrote {
        /// What.
        name: String,
        /// Its value from then on, up to 4 KiB of it; empty for what was removed.
        value: String,
    },
    /// The phone went into a boot: `reboot`, `factory-reset` or `framework`.
    Restarted(&'static str),
}

/// One command that a phone was told to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The script for the shell; none for the service `reboot:`.
    pub script: Option<String>,
    /// What came of it, in order.
    pub done: Vec<Done>,
    /// There was more than the log has room for.
    pub cut: bool,
    number: u64,
    bytes: usize,
}

/// The latest commands, within a number of bytes.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: VecDeque<Told>,
    bytes: usize,
    /// The most bytes that are kept; with 0 there is no log.
    bytes_max: usize,
    last: u64,
}

impl Log {
    /// A log that keeps so many bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Log { bytes_max, ..Log::default() }
    }

    /// Whether anything is kept at all.
    pub(crate) fn is_kept(&self) -> bool {
        self.bytes_max > 0
    }

    /// Begins an entry and gives its number.
    pub(crate) fn begin(&mut self, script: Option<&str>) -> u64 {
        self.last += 1;
        if self.is_kept() {
            let bytes = ENTRY_BYTES + script.map_or(0, str::len);
            let cut = bytes > self.bytes_max;
            let script =
                if cut { script.map(|_| String::new()) } else { script.map(str::to_owned) };
            let bytes = if cut { ENTRY_BYTES } else { bytes };
            let done = Vec::new();
            self.entries.push_back(Told { script, done, cut, number: self.last, bytes });
            self.bytes += bytes;
            self.shrink();
        }
        self.last
    }

    /// Adds to the entry with this number, if it is still there.
    pub(crate) fn done(&mut self, number: u64, done: Done) {
        let Some(entry) = self.entries.iter_mut().rev().find(|entry| entry.number == number) else {
            return;
        };
        let bytes = ENTRY_BYTES
            + match &done {
                Done::Ran(args) => args.iter().map(|arg| arg.len() + ENTRY_BYTES / 2).sum(),
                Done::Wrote { name, value } => name.len() + value.len(),
                Done::Restarted(_) => 0,
            };
        if entry.cut || entry.bytes + bytes > self.bytes_max {
            entry.cut = true;
            return;
        }
        entry.done.push(done);
        entry.bytes += bytes;
        self.bytes += bytes;
        self.shrink();
    }

    /// Drops the oldest entries until the rest has room; the last always stays.
    fn shrink(&mut self) {
        while self.bytes > self.bytes_max && self.entries.len() > 1 {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.bytes;
        }
    }

    /// The entries, oldest first.
    pub(crate) fn entries(&self) -> Vec<Told> {
        self.entries.iter().cloned().collect()
    }

    /// Takes the entries out.
    pub(crate) fn take(&mut self) -> Vec<Told> {
        self.bytes = 0;
        std::mem::take(&mut self.entries).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded_and_says_what_it_dropped() {
        let mut log = Log::new(1000);
        let old = log.begin(Some("old"));
        let ran = || Done::Ran(vec!["echo".to_owned(), "x".repeat(100)]);
        log.done(old, ran());
        let new = log.begin(Some("new"));
        for _ in 0..20 {
            log.done(new, ran());
        }
        let entries = log.entries();
        assert_eq!(entries.len(), 1);
        assert!(entries[0].cut && entries[0].done.len() < 10);
        assert!(log.bytes <= 1000);
        log.done(old, ran());
        assert_eq!(log.take(), entries);
        assert!(log.entries().is_empty());
        log.begin(Some(&"x".repeat(2000)));
        assert!(log.entries()[0].cut);

        let mut none = Log::default();
        let number = none.begin(Some("a"));
        none.done(number, ran());
        assert!(none.entries().is_empty());
    }
}
