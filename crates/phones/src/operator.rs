//! Commands of the operator's, for what ADB can't do: a program and its arguments, run here,
//! without a shell and for a limited time.

use std::collections::VecDeque;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleet::Device;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Commands that run at a time. Those for restarts are bounded by the engine's slots already; this
/// bounds what a whole fleet that stops or is reset at once starts here.
const COMMANDS_AT_A_TIME: usize = 16;

/// Bytes of what a command printed last that are kept for the words of a refusal.
const KEPT_BYTES_MAX: usize = 2 * 1024;

/// How much of that a refusal repeats.
const REPEATED_BYTES_MAX: usize = 400;

/// How long the rest of a command's output is waited for once it has ended: a program that it left
/// running may hold the pipe for ever.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Why a command did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The profile names no program.
    #[error("its profile's command is empty")]
    Empty,
    /// An argument names something that the device's record does not have, or that a program would
    /// take for an option.
    #[error(
        "its profile's command uses {placeholder}, for which the device's record has {value:?}: put \
         it on record"
    )]
    Unfillable {
        /// What the argument names, with its braces.
        placeholder: &'static str,
        /// What the record has.
        value: String,
    },
    /// The program could not be started.
    #[error("{program} could not be started: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// It was not done in time and was ended, with all that it had started.
    #[error("{program} was not done within {} s and was ended{said}", limit.as_secs())]
    TimedOut {
        /// The program.
        program: String,
        /// The time it had.
        limit: Duration,
        /// What it printed last.
        said: String,
    },
    /// It ended otherwise than well.
    #[error("{program} ended with {how}{said}")]
    Failed {
        /// The program.
        program: String,
        /// Its status, or the signal that ended it.
        how: String,
        /// What it printed last.
        said: String,
    },
}

impl CommandError {
    /// Whether running it again, as things are, can't help: the profile or the record must change.
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::Empty | Self::Unfillable { .. })
    }
}

/// Runs the operator's commands, so many at a time.
#[derive(Debug)]
pub struct Commands {
    places: Semaphore,
    limit: Duration,
}

impl Commands {
    /// Each command may take `limit`.
    pub fn new(limit: Duration) -> Self {
        Self { places: Semaphore::new(COMMANDS_AT_A_TIME), limit }
    }

    /// Runs a program with its arguments for `device`, as soon as there is a place, and waits until
    /// it has ended well. It has our environment and no input. Dropping the future ends it.
    pub async fn run(&self, argv: &[String], device: &Device) -> Result<(), CommandError> {
        let (program, arguments) = argv.split_first().ok_or(CommandError::Empty)?;
        let arguments: Result<Vec<String>, CommandError> =
            arguments.iter().map(|argument| fill(argument, device)).collect();
        let mut command = Command::new(program);
        command
            .args(arguments?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        // It is never closed.
        let Ok(_place) = self.places.acquire().await else { return Err(CommandError::Empty) };
        let start = |source| CommandError::Start { program: program.clone(), source };
        let child = command.spawn().map_err(start)?;
        self.wait(program, child).await
    }

    /// Waits for a running command, and ends it when its time is over.
    async fn wait(&self, program: &str, mut child: Child) -> Result<(), CommandError> {
        let mut group = Group(child.id());
        let tail = Tail::default();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut reading = std::pin::pin!(async {
            tokio::join!(tail.output.take_all(stdout), tail.errors.take_all(stderr));
        });
        let mut read_all = false;
        let ended = timeout(self.limit, async {
            loop {
                tokio::select! {
                    ended = child.wait() => return ended,
                    () = &mut reading, if !read_all => read_all = true,
                }
            }
        });
        let ended = ended.await;
        if ended.is_ok() {
            // Its number may be another's from now on.
            group.0 = None;
        }
        drop(group);
        if !read_all {
            let _ = timeout(LAST_WORDS, reading).await;
        }
        let program = program.to_owned();
        match ended {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => {
                Err(CommandError::Failed { program, how: how(status), said: tail.said() })
            }
            Ok(Err(source)) => Err(CommandError::Start { program, source }),
            Err(_) => {
                // Killed, so that this takes no time; it leaves no dead process behind.
                let _ = timeout(LAST_WORDS, child.wait()).await;
                Err(CommandError::TimedOut { program, limit: self.limit, said: tail.said() })
            }
        }
    }
}

/// A process group that is killed when this is dropped, unless it has ended.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let group = self.0.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group {
            // One that has ended meanwhile can't be killed, which is as good.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// How a program ended that did not end well.
fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no status".to_owned(),
    }
}

/// The last bytes of what a command prints. The two streams are kept apart, since nobody knows in
/// which order they were written: its errors count as its last words.
#[derive(Default)]
struct Tail {
    output: Kept,
    errors: Kept,
}

/// The last bytes of one stream.
#[derive(Default)]
struct Kept(Mutex<VecDeque<u8>>);

impl Kept {
    fn kept(&self) -> MutexGuard<'_, VecDeque<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all of a stream, to its end.
    async fn take_all(&self, stream: Option<impl AsyncRead + Unpin>) {
        let Some(mut stream) = stream else { return };
        let mut buffer = [0_u8; 1024];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            let mut kept = self.kept();
            kept.extend(buffer.get(..count).unwrap_or_default());
            let over = kept.len().saturating_sub(KEPT_BYTES_MAX);
            kept.drain(..over);
        }
    }
}

impl Tail {
    /// The last words, in one line, behind a colon; nothing if there are none.
    fn said(&self) -> String {
        let mut kept: Vec<u8> = self.output.kept().iter().copied().collect();
        kept.push(b'\n');
        kept.extend(self.errors.kept().iter());
        let text = String::from_utf8_lossy(&kept);
        let one_line: Vec<&str> =
            text.split(|letter: char| letter.is_control() || letter == ' ').collect();
        let one_line = one_line.into_iter().filter(|word| !word.is_empty());
        let one_line = one_line.collect::<Vec<_>>().join(" ");
        let from = one_line.len().saturating_sub(REPEATED_BYTES_MAX);
        let from = one_line.ceil_char_boundary(from);
        match one_line.get(from..) {
            Some(words) if !words.is_empty() => format!(": {words}"),
            _ => String::new(),
        }
    }
}

/// Puts what is on record of `device` into the places of one argument. What is put in is not looked
/// at again.
fn fill(argument: &str, device: &Device) -> Result<String, CommandError> {
    let (host, port) = device.address.rsplit_once(':').unwrap_or((&device.address, ""));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let places: [(&'static str, &str); 6] = [
        ("{device}", device.id.as_str()),
        ("{project}", device.project_id.as_str()),
        ("{server}", &device.server),
        ("{container}", &device.container),
        ("{host}", host),
        ("{port}", port),
    ];
    let mut filled = String::with_capacity(argument.len());
    let mut rest = argument;
    while let Some(at) = rest.find('{') {
        let (before, behind) = rest.split_at(at);
        filled.push_str(before);
        let place = places.iter().find(|(place, _)| behind.starts_with(place));
        let Some((placeholder, value)) = place else {
            filled.push('{');
            rest = behind.get(1..).unwrap_or_default();
            continue;
        };
        // An empty name could stand for all, and one with a dash for an option.
        if value.is_empty() || filled.is_empty() && value.starts_with('-') {
            return Err(CommandError::Unfillable { placeholder, value: (*value).to_owned() });
        }
        filled.push_str(value);
        rest = behind.get(placeholder.len()..).unwrap_or_default();
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests;
