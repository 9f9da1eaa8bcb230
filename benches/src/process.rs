//! The processes that are measured: started apart, watched by `/proc`, ended for certain.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::clock;

/// How long a process may take to end by itself before it is killed.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// Length of a tick in `/proc/PID/stat`: `USER_HZ` is 100 on every architecture of Linux in use
/// (proc(5), clock_gettime(2)).
const TICK: Duration = Duration::from_millis(10);

/// A signal, by the name that `kill` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ends it without its help.
    Kill,
    /// Asks it to end; PostgreSQL then aborts its children and cleans up.
    Quit,
    /// Asks it to end in its own time; Kamailio then ends its children.
    Terminate,
    /// Halts it.
    Stop,
    /// Lets it go on.
    Continue,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Kill => "KILL",
            Self::Quit => "QUIT",
            Self::Terminate => "TERM",
            Self::Stop => "STOP",
            Self::Continue => "CONT",
        }
    }
}

/// A process that ends with its owner.
#[derive(Debug)]
pub struct Process {
    /// What it is, for messages.
    name: &'static str,
    /// The process.
    child: Child,
    /// By what it is ended.
    end: Signal,
}

impl Process {
    /// Starts a process in a group of its own, so that an interrupt at the terminal reaches only
    /// us. Its standard input is empty; `end` is the signal by which it is ended.
    pub fn start(name: &'static str, command: &mut Command, end: Signal) -> Result<Self> {
        let program = command.get_program().to_owned();
        let child = command.stdin(Stdio::null()).process_group(0).spawn();
        let child = child.with_context(|| format!("could not start {}", program.display()))?;
        Ok(Self { name, child, end })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Fails if the process has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        let ended =
            self.child.try_wait().with_context(|| format!("could not watch {}", self.name))?;
        match ended {
            Some(status) => bail!("{} has ended by itself: {status}", self.name),
            None => Ok(()),
        }
    }

    /// Processor time of the process so far.
    pub fn cpu(&self) -> Result<Duration> {
        cpu_of(self.id())
    }

    /// Sends a signal. Through the shell, whose builtin needs no package and no library of ours.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let line = format!("kill -{} {}", signal.name(), self.id());
        let sent = Command::new("sh").args(["-c", &line]).stderr(Stdio::null()).status();
        let sent = sent.context("could not start sh")?;
        if !sent.success() {
            bail!("could not send SIG{} to {}", signal.name(), self.name);
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        if self.end != Signal::Kill && self.signal(self.end).is_ok() {
            let asked = clock::now();
            while asked.elapsed() < END_TIMEOUT {
                if matches!(self.child.try_wait(), Ok(Some(_))) {
                    return;
                }
                clock::block_for(Duration::from_millis(5));
            }
        }
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("{} (process {}) could not be ended: {error}", self.name, self.id());
        }
    }
}

/// Processor time, user and system, of a process so far.
fn cpu_of(process: u32) -> Result<Duration> {
    let stat = read_stat(process)?;
    Ok(stat.cpu())
}

/// Processor time of this process so far.
pub fn own_cpu() -> Result<Duration> {
    cpu_of(std::process::id())
}

/// Processor time of those children of this process that have ended, such as pgbench.
pub fn ended_children_cpu() -> Result<Duration> {
    Ok(read_stat(std::process::id())?.ended_children)
}

/// Processor time of a process and of all its children, those that have ended included.
pub fn family_cpu(process: u32) -> Result<Duration> {
    let parent = read_stat(process)?;
    let mut total = parent.cpu() + parent.ended_children;
    for child in children(process)? {
        // One that has ended meanwhile is counted the next time, with the parent's.
        if let Ok(stat) = read_stat(child) {
            total += stat.cpu();
        }
    }
    Ok(total)
}

/// A process and those of its children that live.
pub fn family(process: u32) -> Result<Vec<u32>> {
    let mut all = children(process)?;
    all.push(process);
    Ok(all)
}

/// The children of a process that live.
fn children(process: u32) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").context("could not list /proc")?.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if read_stat(id).is_ok_and(|stat| stat.parent == process) {
            found.push(id);
        }
    }
    Ok(found)
}

/// What is wanted of `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    user: Duration,
    system: Duration,
    ended_children: Duration,
}

impl Stat {
    fn cpu(&self) -> Duration {
        self.user + self.system
    }

    /// Reads the fields 4 and 14 to 17 of proc(5). The second, the program's name in brackets, may
    /// hold blanks and brackets itself.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |number: usize| -> Option<Duration> {
            let count: u32 = fields.get(number - 3)?.parse().ok()?;
            Some(TICK * count)
        };
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            user: ticks(14)?,
            system: ticks(15)?,
            ended_children: ticks(16)? + ticks(17)?,
        })
    }
}

fn read_stat(process: u32) -> Result<Stat> {
    let path = format!("/proc/{process}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("could not read {path}"))?;
    Stat::parse(&text).with_context(|| format!("{path} has another form than proc(5) says"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_past_the_name() {
        let text = "812 (a (b) c) S 7 1 1 0 -1 4194560 5 6 0 0 123 45 60 7 20 0 1 0 99 1 2 3";
        let expected = Stat {
            parent: 7,
            user: Duration::from_millis(1_230),
            system: Duration::from_millis(450),
            ended_children: Duration::from_millis(670),
        };
        assert_eq!(Stat::parse(text), Some(expected));
        assert_eq!(Stat::parse("812 (sh) S 7 1"), None);
    }

    #[test]
    fn a_process_ends_with_its_owner() {
        let mut command = Command::new("sleep");
        let mut process = Process::start("sleep", command.arg("600"), Signal::Kill).unwrap();
        process.check_alive().unwrap();
        let id = process.id();
        process.signal(Signal::Stop).unwrap();
        assert_eq!(read_stat(id).unwrap().parent, std::process::id());
        drop(process);
        assert!(read_stat(id).is_err(), "process {id} is still there");
    }

    #[test]
    fn one_that_has_ended_is_noticed() {
        let mut process = Process::start("true", &mut Command::new("true"), Signal::Quit).unwrap();
        while process.check_alive().is_ok() {
            clock::block_for(Duration::from_millis(1));
        }
        assert!(process.check_alive().unwrap_err().to_string().contains("has ended by itself"));
    }
}
