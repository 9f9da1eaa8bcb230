//! Huawei's own SDK, unmodified, in a Python process that takes calls as lines of JSON.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::{Key, tools};

/// A client of the SDK's class `CphClient`.
pub struct Sdk {
    process: Child,
    calls: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Sdk {
    /// A client for the server at `endpoint`; over TLS it trusts the authority in `ca` alone.
    pub fn new(endpoint: &str, key: &Key, ca: Option<&Path>) -> Self {
        let mut command = Command::new(tools::python());
        command.arg(tools::workspace().join("tests/python/cph_sdk.py"));
        // A proxy or key of the machine would decide where the SDK goes, and as whom.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy().to_ascii_lowercase();
            if text.ends_with("_proxy") || text.starts_with("huaweicloud_") {
                command.env_remove(name);
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let calls = process.stdin.take().expect("stdin is piped");
        let answers = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let mut sdk = Self { process, calls, answers };
        sdk.say(&json!({
            "endpoint": endpoint,
            "ca_cert": ca,
            "ak": key.ak,
            "sk": key.sk,
            "project_id": key.project,
        }));
        sdk
    }

    /// One call, under the SDK's name for it, with its parameters under the names of the wire.
    /// Gives the response as the SDK read it, or the exception that it raised.
    #[track_caller]
    pub fn call(&mut self, call: &str, args: &Value) -> Value {
        self.say(&json!({"call": call, "args": args}));
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer of the SDK");
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("the SDK said {line:?}: {e}"))
    }

    fn say(&mut self, value: &Value) {
        writeln!(self.calls, "{value}").expect("the SDK takes calls");
    }
}

impl Drop for Sdk {
    fn drop(&mut self) {
        // An error means that it is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
