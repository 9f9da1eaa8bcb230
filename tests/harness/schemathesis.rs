//! Schemathesis, which makes calls of what an OpenAPI document says and holds answers against it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::server::Process;
use super::{Server, tools, wait_for};

/// What is held against the document; the last one is our own, of `tests/python/schema/hooks.py`.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
     response_schema_conformance,response_headers_conformance,problems_have_their_headers";

/// How long one run may take, on a busy machine.
const LONG: Duration = Duration::from_secs(240);

/// The token that a run's calls are made with.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The token.
    pub token: String,
    /// Its id, which no call may name, so that it works to the end; empty for the admin token.
    pub id: String,
}

/// How often each operation of the document was answered with each status.
pub type Answers = BTreeMap<String, BTreeMap<String, u64>>;

/// A document, and the server that it is of.
pub struct Schemathesis<'a> {
    server: &'a Server,
    /// Names of things that no list of the server shows, by the list that they would be in.
    things: Value,
    folder: TempDir,
}

impl<'a> Schemathesis<'a> {
    /// Of the document that the server itself gives.
    pub fn new(server: &'a Server, things: Value) -> Self {
        let this = Self { server, things, folder: tempfile::tempdir().expect("a folder") };
        this.give(&server.native().get("/openapi.json"));
        this
    }

    /// Of another document from now on.
    pub fn give(&self, document: &Value) {
        std::fs::write(self.document(), document.to_string()).expect("write the document");
    }

    /// Where the document is that calls are made of.
    fn document(&self) -> PathBuf {
        self.folder.path().join("openapi.json")
    }

    /// Makes about so many calls of each operation that `filter`, flags of its own, lets through.
    /// The same document gives the same calls. Gives how they were answered.
    ///
    /// # Errors
    /// What it says of the answers that are not as the document has them, each with a line of curl.
    pub fn run(&self, caller: &Caller, examples: u32, filter: &[&str]) -> Result<Answers, String> {
        let (said, answers) = (self.folder.path().join("said"), self.folder.path().join("answers"));
        let mut command = Command::new(tools::python());
        command.args(["-m", "schemathesis.cli", "run"]).arg(self.document());
        command.args(["--url", &self.server.url(), "--checks", CHECKS]);
        command.args(["--header", &format!("Authorization: Bearer {}", caller.token)]);
        command.args(["--phases", "examples,coverage,fuzzing", "--generation-deterministic"]);
        command.args(["--max-examples", &examples.to_string(), "--continue-on-failure"]);
        command.args(["--suppress-health-check", "all", "--request-timeout", "60"]);
        command.args(["--workers", "1", "--warnings", "off", "--no-color"]).args(filter);
        command
            .env("SCHEMATHESIS_HOOKS", "hooks")
            .env("PYTHONPATH", tools::workspace().join("tests/python/schema"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            // A proxy of the machine would decide where the calls go.
            .env("NO_PROXY", "*")
            .env("SCHEMA_URL", self.server.url())
            .env("SCHEMA_ADMIN_TOKEN", self.server.admin_token())
            .env("SCHEMA_THINGS", self.things.to_string())
            .env("SCHEMA_OWN_TOKEN", &caller.id)
            .env("SCHEMA_ANSWERS", &answers)
            // It keeps folders of its own where it is started.
            .current_dir(self.folder.path())
            .stdout(File::create(&said).expect("a file"));
        let process = Process::start(&mut command);
        let status = wait_for("Schemathesis to end", LONG, || process.status());
        let said = read(&said);
        if status.success() { Ok(counts(&read(&answers))) } else { Err(said) }
    }
}

/// A file's text.
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// What the hooks counted.
fn counts(text: &str) -> Answers {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{text:?}: {e}"))
}
