//! How the program ends: a number that a script can go by.

use std::process::ExitCode;

/// How the program ends. Documented in `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// What was asked is done.
    Ok = 0,
    /// What was asked has failed.
    Failed = 1,
    /// The command line, the environment or a file is not right. The number that clap ends with.
    Usage = 2,
    /// The time was over first.
    TimedOut = 3,
    /// No server answered.
    Unreachable = 4,
    /// The server refused.
    Refused = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Every status, with what it means.
#[cfg(test)]
pub const STATUSES: &[(Exit, &str)] = &[
    (Exit::Ok, "what was asked is done"),
    (
        Exit::Failed,
        "what was asked has failed, or a part of it: a job failed, a device was refused, a line of \
         a file can't be taken while others were, a check did not hold, a demo showed something \
         else, a server could not start",
    ),
    (Exit::Usage, "the command line, the environment or a file is not right; nothing was done"),
    (Exit::TimedOut, "the time was over first; what was asked goes on"),
    (Exit::Unreachable, "no server answers"),
    (Exit::Refused, "the server refused, and said why"),
];

/// The last lines of `--help`.
pub const TABLE: &str = "\
Exit status:
  0  done
  1  what was asked has failed, or a part of it (a job failed, a device was refused, a line of a
     file can't be taken while others were, a check did not hold, a demo showed something else)
  2  the command line, the environment or a file is not right
  3  the time was over first
  4  no server answers
  5  the server refused
`device check` ends with 0 if all holds, 1 if something does not, 2 if it could not ask.

Commands that talk to a server find it by FLEETWRIGHT_URL (http://127.0.0.1:8080 unless set) and
prove themselves by FLEETWRIGHT_TOKEN: a user's token, or the content of the file admin-token in
the server's data directory.
Data goes to stdout, everything else to stderr.";

/// An error that decides how the program ends.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// How.
    pub exit: Exit,
    /// What to say.
    message: String,
}

impl Failure {
    /// What was asked has failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into() }
    }

    /// What was given is not right.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// A file that was named can't be read.
    pub fn unreadable(file: impl std::fmt::Display, why: &std::io::Error) -> Self {
        Self::usage(format!("{file} can't be read: {why}"))
    }

    /// The time was over first.
    pub fn timed_out(message: impl Into<String>) -> Self {
        Self { exit: Exit::TimedOut, message: message.into() }
    }
}
