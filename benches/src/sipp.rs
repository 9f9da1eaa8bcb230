//! SIPp from Debian registers cameras, each by a REGISTER that is challenged and one that answers
//! the challenge. It counts a camera only when both answers have come: 401 and 200.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::cameras::{PASSWORD, id};
use crate::ports::free_udp_port;
use crate::process::ended_children_cpu;

/// Where Debian's package puts it.
const PROGRAM: &str = "/usr/bin/sipp";

/// What it sends and awaits.
const SCENARIO: &str = include_str!("register.sipp.xml");

/// How long it may take for all cameras of a slot.
const RUN_MAX: Duration = Duration::from_secs(60);

/// Bytes of its socket's buffers, so that the load itself loses nothing.
const BUFFER_BYTES: &str = "4194304";

/// A load that comes from one port.
#[derive(Debug)]
pub struct Sipp {
    port: u16,
    scratch: TempDir,
}

/// What a slot's load was.
#[derive(Debug, Clone, Copy)]
pub struct Registered {
    /// Cameras that were registered.
    pub cameras: u32,
    /// Messages that it repeated because no answer had come within 0.5 s.
    pub repeated: u32,
    /// Registrations a second, from the first to the last.
    pub per_second: f64,
    /// Its own processor time.
    pub cpu: Duration,
}

impl Sipp {
    /// One with its files below `dir`.
    pub fn new(dir: &Path) -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("benches-sipp-").tempdir_in(dir);
        let scratch = scratch.context("could not make a directory for SIPp")?;
        std::fs::write(scratch.path().join("register.xml"), SCENARIO)
            .context("could not write SIPp's scenario")?;
        Ok(Self { port: free_udp_port()?, scratch })
    }

    /// Registers `count` cameras from the index `first` on, so many begun a second.
    ///
    /// # Errors
    /// A camera that was not registered: then nothing was measured.
    pub async fn register(
        &self,
        server: SocketAddr,
        first: u32,
        count: u32,
        per_second: u32,
    ) -> Result<Registered> {
        let dir = self.scratch.path();
        std::fs::write(dir.join("cameras.csv"), cameras(first, count))
            .context("could not write SIPp's cameras")?;
        // SIPp would go on with what it finds there.
        let statistics = dir.join("statistics.csv");
        let _ = std::fs::remove_file(&statistics);
        let before = ended_children_cpu()?;
        let mut command = Command::new(PROGRAM);
        command.arg(server.to_string()).args(["-sf", "register.xml", "-inf", "cameras.csv"]);
        command.args(["-i", "127.0.0.1", "-p", &self.port.to_string(), "-t", "u1"]);
        command.args(["-r", &per_second.to_string(), "-m", &count.to_string()]);
        command.args(["-l", &count.to_string(), "-buff_size", BUFFER_BYTES]);
        command.args(["-nostdin", "-nd", "-trace_stat", "-stf", "statistics.csv", "-fd", "1"]);
        command.args(["-trace_err", "-error_file", "errors"]).env("TERM", "dumb");
        command.current_dir(dir).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().context("could not start sipp (package sip-tester)")?;
        let status = timeout(RUN_MAX, child.wait()).await;
        let status = status.context("SIPp did not end")?.context("could not wait for SIPp")?;
        let text = std::fs::read_to_string(&statistics).unwrap_or_default();
        let run = Statistics::parse(&text).context("SIPp left no statistics")?;
        if !status.success() || run.successful != count || run.failed > 0 {
            let errors = std::fs::read_to_string(dir.join("errors")).unwrap_or_default();
            let first_error = errors.lines().take(3).collect::<Vec<_>>().join(" ");
            let Statistics { successful, failed, .. } = run;
            bail!("of {count} cameras {successful} were registered, {failed} not: {first_error}");
        }
        Ok(Registered {
            cameras: count,
            repeated: run.repeated,
            per_second: run.per_second,
            cpu: ended_children_cpu()?.saturating_sub(before),
        })
    }
}

/// The file that each call takes a line of: the id, and how to answer a challenge.
fn cameras(first: u32, count: u32) -> String {
    let mut text = String::from("SEQUENTIAL\n");
    for index in first..first + count {
        let id = id(index);
        text.push_str(&format!("{id};[authentication username={id} password={PASSWORD}]\n"));
    }
    text
}

/// The last line of SIPp's statistics.
#[derive(Debug, PartialEq)]
struct Statistics {
    successful: u32,
    failed: u32,
    repeated: u32,
    per_second: f64,
}

impl Statistics {
    /// Columns are found by their names in the first line; `(C)` marks those since the start.
    fn parse(text: &str) -> Option<Self> {
        let (names, values) = (text.lines().next()?, text.lines().last()?);
        let field = |name: &str| {
            let at = names.split(';').position(|column| column == name)?;
            values.split(';').nth(at)
        };
        Some(Self {
            successful: field("SuccessfulCall(C)")?.parse().ok()?,
            failed: field("FailedCall(C)")?.parse().ok()?,
            repeated: field("Retransmissions(C)")?.parse().ok()?,
            per_second: field("CallRate(C)")?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_the_statistics_counts() {
        let text = "StartTime;CallRate(C);SuccessfulCall(P);SuccessfulCall(C);FailedCall(C);\
                    Retransmissions(C);\n0;1.5;7;7;0;0;\n0;3971.41;2;10000;1;20;\n";
        let expected =
            Statistics { successful: 10_000, failed: 1, repeated: 20, per_second: 3_971.41 };
        assert_eq!(Statistics::parse(text), Some(expected));
        assert_eq!(Statistics::parse(""), None);
    }

    #[test]
    fn each_camera_answers_with_its_own_name() {
        assert_eq!(
            cameras(1, 1),
            "SEQUENTIAL\n34020000001320100002;[authentication username=34020000001320100002 \
             password=12345678]\n"
        );
    }
}
