//! A small POSIX shell, in process: thousands of phones run scripts at once without a fork.
//!
//! It knows simple commands, pipelines, `;` `&&` `||` `!`, `if`, `case`, `for`, `while`,
//! `until`, functions, groups, subshells, parameters with their operators, command and
//! arithmetic substitution, field splitting, pathname expansion and redirections of descriptors
//! 0 to 2, `sh -c` and `su`. It has no here-documents, background commands, backquotes, `~` and
//! shell options: a script with the former is refused by a syntax error (status 2) that names the
//! token, and `set` refuses the latter. A backslash at the end of a line joins words, but not the
//! letters of one name or operator.
//!
//! What it does is compared with the machine's own `/bin/sh` in the tests. Start reading at
//! [`run`]; `interpreter` executes, `expand` makes words, `parser` and `source` read scripts.

mod arithmetic;
mod ast;
mod builtins;
mod condition;
mod expand;
mod files;
mod interpreter;
mod nested;
mod parser;
mod pattern;
mod printf;
mod scope;
mod source;
mod stdin;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

pub use source::SyntaxError;
pub use stdin::Stdin;

/// Longest script, in bytes: Linux's `MAX_ARG_STRLEN` less the NUL, as adbd passes a command to
/// `sh -c` as one argument.
pub const SCRIPT_BYTES_MAX: usize = 131_071;
/// Most commands that one script runs; ends endless loops.
pub const STEPS_MAX: u32 = 200_000;
/// Most output of one script, both streams together.
pub const OUTPUT_BYTES_MAX: usize = 4 << 20;
/// Most bytes that one expansion, one substitution or all variables together hold.
pub const TEXT_BYTES_MAX: usize = 256 << 10;
/// How deep functions, substitutions and compound commands may nest at run time.
pub const DEPTH_MAX: u32 = 100;
/// The name that the shell gives itself in messages: Android's path.
const SHELL: &str = "/system/bin/sh";

/// What a command gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The exit status.
    pub status: u8,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
}

impl Outcome {
    /// Success, with this on standard output.
    pub fn text(stdout: impl Into<Vec<u8>>) -> Self {
        Outcome { stdout: stdout.into(), ..Outcome::default() }
    }

    /// Only a status.
    pub fn status(status: u8) -> Self {
        Outcome { status, ..Outcome::default() }
    }

    /// A failure, with this on standard error.
    pub fn error(status: u8, stderr: impl Into<Vec<u8>>) -> Self {
        Outcome { status, stderr: stderr.into(), ..Outcome::default() }
    }
}

/// Why a file operation failed; the message is the one of `strerror`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// ENOENT.
    #[error("No such file or directory")]
    Missing,
    /// EACCES.
    #[error("Permission denied")]
    Denied,
    /// EISDIR.
    #[error("Is a directory")]
    Directory,
    /// ENOTDIR.
    #[error("Not a directory")]
    NotDirectory,
    /// EEXIST.
    #[error("File exists")]
    Exists,
    /// EROFS.
    #[error("Read-only file system")]
    ReadOnly,
    /// ENOSPC.
    #[error("No space left on device")]
    Full,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A device, like `/dev/null`.
    Device,
}

/// What `test` may ask of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: FileKind,
    /// Its size; 0 for all but files.
    pub bytes: usize,
    /// Whether the shell may read it.
    pub readable: bool,
    /// Whether the shell may write to it.
    pub writable: bool,
}

/// What a script finds around it: the phone's commands and files. Paths are absolute or relative
/// to `/`, where an adb shell starts.
pub trait System: Send + Sync + 'static {
    /// Runs a command that is not part of the shell; none when there is no such command. The
    /// future may never end: a phone that reboots drops it.
    fn command<'a>(&'a self, args: &'a [&'a [u8]]) -> BoxFuture<'a, Option<Outcome>>;
    /// Reads a file.
    fn read(&self, path: &[u8]) -> Result<Vec<u8>, FileError>;
    /// Writes a file, creating it when missing; replaces its content unless `append`.
    fn write(&self, path: &[u8], bytes: &[u8], append: bool) -> Result<(), FileError>;
    /// Looks at a path.
    fn stat(&self, path: &[u8]) -> Option<Stat>;
    /// The names in a directory, sorted.
    fn list(&self, path: &[u8]) -> Vec<Vec<u8>>;
    /// Removes a file, or with `tree` a directory with all in it.
    fn remove(&self, path: &[u8], tree: bool) -> Result<(), FileError>;
    /// Makes a directory, with `parents` also those above it.
    fn make_directory(&self, path: &[u8], parents: bool) -> Result<(), FileError>;
    /// Renames a file.
    fn rename(&self, from: &[u8], to: &[u8]) -> Result<(), FileError>;
    /// `chmod`: whether a file is there whose mode may be changed. Modes mean nothing here.
    fn change_mode(&self, path: &[u8]) -> Result<(), FileError>;
    /// Is told of each simple command, with its name and arguments as they were expanded, before
    /// it runs: programs, commands of the shell itself, and functions.
    fn ran(&self, _args: &[Vec<u8>]) {}
    /// The same phone as root sees it, where `su` is there; none where it is not.
    fn superuser(&self) -> Option<Arc<dyn System>> {
        None
    }
}

/// A piece of a script's output, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk {
    /// For standard output.
    Stdout(Vec<u8>),
    /// For standard error.
    Stderr(Vec<u8>),
    /// The script ended with this status; nothing follows.
    Exit(u8),
}

/// Runs `script`. Its output goes to `output` in pieces while it runs, and last its status; when
/// nobody takes them any more, the script ends as by SIGPIPE.
pub async fn run(
    system: Arc<dyn System>,
    script: &[u8],
    stdin: Arc<Stdin>,
    output: mpsc::Sender<Chunk>,
) {
    let list = if script.len() > SCRIPT_BYTES_MAX {
        Err(format!("{SHELL}: Argument list too long\n"))
    } else {
        parser::parse(script).map_err(|error| format!("{SHELL}: {error}\n"))
    };
    let status = match list {
        Ok(list) => interpreter::Shell::new(system, output.clone()).script(&list, stdin).await,
        Err(message) => {
            let _ = output.send(Chunk::Stderr(message.into_bytes())).await;
            2
        }
    };
    // A peer that is gone has no use for either.
    let _ = output.send(Chunk::Exit(status)).await;
}
