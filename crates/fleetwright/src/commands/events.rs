//! `fleetwright events`: what happens, as it happens.

use std::io::{BufRead, BufReader, Read};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use fleet::{DeviceId, ProjectId};
use serde_json::{Value, json};

use super::rest;
use crate::client::{Client, Error, ServerOptions};
use crate::output;

/// How long one answer is read before another is asked for, and so how long a server that has gone
/// without a word is waited for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// Between two attempts to come back: at first, and at most.
const RETRY_FIRST: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(10);

/// Bytes that a line may have: far more than any has.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// Tells what happens, until it is stopped: `fleetwright events --project ID`
///
/// It comes back by itself when the connection breaks or the server starts anew, and goes on where
/// it was: nothing is left out, and some may come twice.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  fleetwright events --project ID\n  \
    fleetwright events --project ID --types job.ended --json | jq -r .data.state\n  \
    fleetwright events --after TOKEN --json\n\n\
    With --json there is one object on each line: event, data and, where it is a place to go on \
    from,\nid: what --after takes. An event `dropped` says that some are not told, and why.")]
pub struct Events {
    /// Of this project only.
    #[arg(long, value_name = "ID")]
    project: Option<ProjectId>,
    /// Of this device only.
    #[arg(long, value_name = "ID")]
    device: Option<DeviceId>,
    /// Of these types only, parted by commas: update.accepted, job.ended, device.changed,
    /// projects.changed.
    #[arg(long, value_name = "TYPES")]
    types: Option<String>,
    /// What came after this place, instead of what happens from now on.
    #[arg(long, value_name = "TOKEN")]
    after: Option<String>,
    #[command(flatten)]
    server: ServerOptions,
}

impl Events {
    /// Does it, until it is stopped or the server refuses.
    pub fn run(self) -> Result<ExitCode> {
        let client = Client::with_timeout(&self.server, ANSWER_TIMEOUT)?;
        let mut after = self.after.clone();
        let (mut was_there, mut pause) = (false, RETRY_FIRST);
        loop {
            match client.stream(&["events"], &self.query(after.as_deref())) {
                Ok(content) => {
                    (was_there, pause) = (true, RETRY_FIRST);
                    let mut stream = Stream::new(content);
                    while let Some(event) = stream.next()? {
                        after = event.id.clone().or(after);
                        if let Some(text) = event.text(self.server.json) {
                            output::data(&text)?;
                        }
                    }
                }
                Err(error) if was_there && may_pass(&error) => {}
                Err(error) => return Err(error.into()),
            }
            rest(pause);
            pause = (pause * 2).min(RETRY_MAX);
        }
    }

    fn query(&self, after: Option<&str>) -> Vec<(&'static str, String)> {
        let project = self.project.as_ref().map(ToString::to_string);
        let device = self.device.as_ref().map(ToString::to_string);
        let after = after.map(str::to_owned);
        let all = [
            ("project", project),
            ("device", device),
            ("types", self.types.clone()),
            ("after", after),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// Whether trying again may help.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Unreachable { .. } => true,
        Error::Refused { status, .. } => matches!(status, 429 | 500..),
        _ => false,
    }
}

/// One event, or a place to go on from.
#[derive(Debug, Default, PartialEq)]
struct Event {
    name: String,
    data: String,
    id: Option<String>,
}

impl Event {
    /// What is printed of it: JSON on one line, or words; nothing of what is a place alone.
    fn text(&self, is_json: bool) -> Option<String> {
        if self.data.is_empty() {
            return None;
        }
        let data: Value = serde_json::from_str(&self.data).unwrap_or_default();
        if is_json {
            return Some(json!({"event": self.name, "id": self.id, "data": data}).to_string());
        }
        let part = |name: &str| match data.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(output::clean(text)),
            other => Some(other.to_string()),
        };
        let mut line = vec![part("at").unwrap_or_else(|| "-".to_owned()), self.name.clone()];
        let named = ["project", "device", "id", "state", "what", "why", "from", "to"];
        line.extend(named.iter().filter_map(|name| part(name)));
        line.extend(part("jobs").map(|jobs| format!("{jobs} jobs")));
        Some(line.join("  "))
    }
}

/// Events as they come in.
struct Stream<R: Read> {
    content: BufReader<R>,
}

impl<R: Read> Stream<R> {
    fn new(content: R) -> Self {
        Self { content: BufReader::new(content) }
    }

    /// The next one; `None` if the connection has ended, however it did: what was begun is told
    /// again.
    fn next(&mut self) -> Result<Option<Event>> {
        let mut event = Event::default();
        loop {
            let mut line = Vec::new();
            let read = self.content.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
            if read.is_err() || line.pop() != Some(b'\n') {
                return Ok(None);
            }
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches('\r');
            if line.is_empty() {
                if event != Event::default() {
                    return Ok(Some(event));
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => event.name = value.to_owned(),
                "data" => event.data.push_str(value),
                "id" => event.id = Some(value.to_owned()),
                // A comment begins with a colon.
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: &str = "retry: 2000\nid: 01\n\n: still here\nid: 02\n\n\
        event: update.accepted\n\
        data: {\"id\":\"a\",\"project\":\"acme\",\"jobs\":2,\"at\":\"T\"}\n\n\
        event: job.ended\r\ndata: {\"id\":\"b\",\"device\":\"d\",\"project\":\"acme\",\
        \"state\":\"failed\",\"at\":\"T\"}\r\nid: 03\r\n\r\nevent: job.ended\ndata: {\"id\"";

    #[test]
    fn events_are_read_as_they_come_and_the_last_one_is_whole_or_not_there() {
        let mut stream = Stream::new(CONTENT.as_bytes());
        let mut events = Vec::new();
        while let Some(event) = stream.next().unwrap() {
            events.push(event);
        }
        let ids: Vec<Option<&str>> = events.iter().map(|event| event.id.as_deref()).collect();
        assert_eq!(ids, [Some("01"), Some("02"), None, Some("03")]);
        let text = |is_json| -> String {
            events.iter().filter_map(|event| event.text(is_json)).map(|line| line + "\n").collect()
        };
        insta::assert_snapshot!(text(false), @r"
        T  update.accepted  acme  a  2 jobs
        T  job.ended  acme  d  b  failed
        ");
        insta::assert_snapshot!(text(true), @r#"
        {"event":"update.accepted","id":null,"data":{"id":"a","project":"acme","jobs":2,"at":"T"}}
        {"event":"job.ended","id":"03","data":{"id":"b","device":"d","project":"acme","state":"failed","at":"T"}}
        "#);
    }
}
