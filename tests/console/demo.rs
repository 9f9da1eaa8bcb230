//! What `fleetwright demo` opens on.

use std::fs::{self, File};
use std::process::Command;

use serde_json::Value;

use super::script;
use super::shown::Shown;
use super::views::BOUND;
use crate::harness::browser::{LANGUAGES, WIDE};
use crate::harness::phones::PROJECT;
use crate::harness::server::Process;
use crate::harness::waiting::{wait_for, wait_until};
use crate::harness::{Native, PATIENCE, tools};

/// A demo that runs.
struct Demo {
    process: Process,
    url: String,
    token: String,
    native: Native,
    /// After the process, whose files are in it.
    _folder: tempfile::TempDir,
}

impl Demo {
    /// Starts one and waits until it says how to try it.
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let said = folder.path().join("said");
        let mut command = Command::new(tools::fleetwright());
        command.arg("demo").env("TMPDIR", folder.path());
        command.stdout(File::create(&said).expect("a file"));
        let process = Process::start(&mut command);
        let text = wait_for("the demo to serve", 4 * PATIENCE, || {
            assert!(process.status().is_none(), "it has ended");
            let text = fs::read_to_string(&said).expect("what it said");
            text.contains("Serving until Ctrl-C").then_some(text)
        });
        let field = |name: &str| {
            let found = text.lines().find_map(|line| line.trim_start().strip_prefix(name));
            found.unwrap_or_else(|| panic!("no {name:?} in {text}")).trim().to_owned()
        };
        let console = field("address ");
        let url = console.strip_suffix("/ui/").expect("the console's address").to_owned();
        let token = fs::read_to_string(field("or a token  in ")).expect("the token");
        let token = token.trim().to_owned();
        let address = url.strip_prefix("http://").expect("plain HTTP").parse().expect("an address");
        let native = Native::new(address, &token);
        Self { process, url, token, native, _folder: folder }
    }

    /// The first of a list whose field is so.
    #[track_caller]
    fn first(&self, list: &str, name: &str, is: impl Fn(&Value) -> bool) -> Value {
        let answer = self.native.get(&format!("/api/v1/{list}"));
        let rows = answer[name].as_array().unwrap_or_else(|| panic!("{list}: {answer}"));
        rows.iter().find(|row| is(row)).unwrap_or_else(|| panic!("{list}: {answer}")).clone()
    }

    /// What its views are looked at with.
    fn shown(&self) -> Shown {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let of_project = |list: &str| format!("projects/{PROJECT}/{list}");
        let device = |query: &str, is: fn(&Value) -> bool| {
            text(&self.first(&format!("devices?project={PROJECT}&{query}"), "devices", is)["id"])
        };
        let rollout = self.first("updates", "updates", |update| !update["rollout"].is_null());
        Shown {
            phone: device("kind=phone&attention=drift", |_| true),
            camera: device("credentials=old", |_| true),
            recorder: device("kind=camera", |camera| camera["camera"]["channels"] == 8),
            updates: vec![text(&rollout["id"])],
            organization: text(
                &self.first(&of_project("organizations"), "organizations", |_| true)["path"],
            ),
            preset: text(&self.first(&of_project("presets"), "presets", |_| true)["name"]),
            // The one who has a token.
            user: text(
                &self.first(&of_project("users"), "users", |user| user["name"] == "li.na")["name"],
            ),
            webhook: text(&self.first("webhooks", "webhooks", |_| true)["id"]),
        }
    }
}

#[test]
fn a_demo_has_something_to_show_in_each_view() {
    let demo = Demo::start();
    wait_until("the devices to be counted", 2 * PATIENCE, || {
        let seen = demo.native.get("/api/v1/overview");
        seen["devices"]["attention"]["trouble"].as_u64().is_some_and(|count| count > 0)
    });
    let facts = demo.shown().facts(&demo.token);
    script("views", (LANGUAGES[0], WIDE), facts).bound(BOUND).run(&demo.url);
    demo.process.signal("INT");
    let status = demo.process.wait("the demo to end");
    assert!(status.success(), "{status}");
}
