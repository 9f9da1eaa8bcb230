//! Every call of the native API as Schemathesis makes it of the server's own document, legal ones
//! and others: none is answered with a 5xx, and each answer is one that the document names, in its
//! status, content and headers. A call that is added is among them.

use std::collections::BTreeSet;
use std::process::Command;

use http::Method;
use serde_json::{Value, json};

use crate::harness::phones::PROJECT;
use crate::harness::schemathesis::{Answers, Caller, Schemathesis};
use crate::harness::server::Process;
use crate::harness::{Cameras, Phones, Request, Site, Start, tools};

/// Calls that are not made, by their operation, each with why. No other may be missing.
const EXCLUDED: &[(&str, &str)] =
    &[("follow_events", "its answer goes on for as long as the caller listens")];

/// The call that ends the caller's own token: it is made last.
const SIGN_OUT: &str = "sign_out";

/// Everybody's password.
const PASSWORD: &str = "correct horse battery staple";

/// A property that simulated phones hold and show.
const NAME: &str = "sys.prop.writephonenum";

/// A server and some of all that its calls are about.
struct Stage {
    site: Site,
    /// They answer for as long as they are kept.
    _cameras: Cameras,
}

impl Stage {
    /// Starts all of it; a part of the updates is still to be made.
    fn new() -> Self {
        let site = Site::start(&Start::with_cameras(), Phones::of(8));
        let native = site.native();
        let cameras = Cameras::meet(Cameras::of(3, site.server.sip()), &native);
        native.new_project("elsewhere");
        native.post("/api/v1/keys", &json!({ "all_projects": true }));
        for path in ["north/gate", "north/yard", "south"] {
            let organizations = format!("/api/v1/projects/{PROJECT}/organizations");
            native.post(&organizations, &json!({ "path": path }));
        }
        for name in ["bill", "bob", "eve"] {
            let user = json!({ "name": name, "password": PASSWORD, "role": "admin" });
            native.post(&format!("/api/v1/projects/{PROJECT}/users"), &user);
            let token = json!({ "name": "nightly", "expires_in_days": 9 });
            native.post(&format!("/api/v1/users/{name}/tokens"), &token);
        }
        let device = |index| json!({ "id": site.phones.id(index), "set": { NAME: "1" } });
        let devices: Vec<Value> = (0..site.phones.count()).map(device).collect();
        native.post("/api/v1/updates", &json!({ "project": PROJECT, "devices": devices }));
        for value in ["2", "3", "4"] {
            // The first wave is made; the next would begin when all is over.
            let rollout = json!({ "canary": 1, "pause_seconds": 3600 });
            let update = json!({
                "project": PROJECT, "kind": "phone", "selector": {}, "set": { NAME: value },
                "rollout": rollout,
            });
            native.post("/api/v1/updates", &update);
        }
        Self { site, _cameras: cameras }
    }

    /// Schemathesis, which knows the names that no list shows.
    fn schemathesis(&self) -> Schemathesis<'_> {
        let backup = self.site.native().call(&Method::POST, "/api/v1/backup", &Value::Null);
        let backup = &backup.expect("an answer").body["name"];
        // There is none where the store is PostgreSQL.
        let backups: Vec<&Value> = [backup].into_iter().filter(|name| name.is_string()).collect();
        let things = json!({ "passwords": [PASSWORD], "backups": backups });
        Schemathesis::new(&self.site.server, things)
    }

    /// The server's administrator.
    fn admin(&self) -> Caller {
        Caller { token: self.site.server.admin_token(), id: String::new() }
    }

    /// Somebody with this role in the project, who has signed in.
    fn user(&self, role: &str) -> Caller {
        let user = json!({ "name": "ada", "password": PASSWORD, "role": role });
        self.site.native().post(&format!("/api/v1/projects/{PROJECT}/users"), &user);
        let body = json!({ "user": "ada", "password": PASSWORD }).to_string();
        let request = Request::new("POST", "/api/v1/session").body(body);
        let session = request.send(self.site.server.address()).ok();
        let text = |name: &str| session[name].as_str().expect("text").to_owned();
        Caller { token: text("token"), id: text("id") }
    }

    /// Makes every call as `caller`, each about `examples` times with what is legal and more with
    /// what is not. Gives how they were answered.
    #[track_caller]
    fn call_all(&self, caller: &Caller, examples: u32) -> Answers {
        let schemathesis = self.schemathesis();
        let not_made: Vec<&str> =
            EXCLUDED.iter().flat_map(|(name, _)| ["--exclude-operation-id", *name]).collect();
        // What makes comes before what deletes.
        let runs = [
            [&["--exclude-method", "DELETE"][..], &not_made].concat(),
            [&["--include-method", "DELETE", "--exclude-operation-id", SIGN_OUT][..], &not_made]
                .concat(),
            vec!["--include-operation-id", SIGN_OUT],
        ];
        let mut answers = Answers::new();
        for filter in runs {
            let run = schemathesis.run(caller, examples, &filter);
            answers.extend(run.unwrap_or_else(|said| panic!("{said}")));
        }
        answers
    }
}

/// The operations of the server's document.
fn operations(site: &Site) -> BTreeSet<String> {
    let document = site.native().get("/openapi.json");
    let paths = document["paths"].as_object().expect("paths").values();
    let calls = paths.flat_map(|item| item.as_object().expect("calls").values());
    calls.map(|call| call["operationId"].as_str().expect("an id").to_owned()).collect()
}

/// The operations that were answered with a status that begins like this.
fn answered<'a>(answers: &'a Answers, status: &str) -> BTreeSet<&'a str> {
    let had = answers.iter().filter(|(_, had)| had.keys().any(|had| had.starts_with(status)));
    had.map(|(operation, _)| operation.as_str()).collect()
}

#[test]
fn the_administrator_is_answered_as_the_document_says() {
    let stage = Stage::new();
    let answers = stage.call_all(&stage.admin(), 30);
    let excluded = EXCLUDED.iter().map(|(name, _)| (*name).to_owned());
    let made: BTreeSet<String> = answers.keys().cloned().chain(excluded).collect();
    assert_eq!(made, operations(&stage.site), "calls that were not made, or need not be excluded");
    // Beyond refusals, so that what calls answer with is held against the document too.
    let done = answered(&answers, "2");
    let refused: Vec<_> =
        answers.iter().filter(|(name, _)| !done.contains(name.as_str())).collect();
    assert!(refused.len() * 5 <= answers.len(), "too many calls are never done: {refused:#?}");
}

#[test]
fn an_operator_of_a_project_is_answered_as_the_document_says() {
    let stage = Stage::new();
    let answers = stage.call_all(&stage.user("operator"), 8);
    let (done, refused) = (answered(&answers, "2"), answered(&answers, "403"));
    assert!(done.contains("freeze_device") && done.contains(SIGN_OUT), "{answers:#?}");
    assert!(refused.contains("create_key") && refused.contains("back_up"), "{answers:#?}");
}

#[test]
fn a_viewer_is_answered_as_the_document_says() {
    let stage = Stage::new();
    let answers = stage.call_all(&stage.user("viewer"), 8);
    let (done, refused) = (answered(&answers, "2"), answered(&answers, "403"));
    assert!(done.contains("show_device") && done.contains(SIGN_OUT), "{answers:#?}");
    assert!(refused.contains("freeze_device") && refused.contains("back_up"), "{answers:#?}");
}

#[test]
fn an_answer_that_the_document_has_not_is_found() {
    let site = Site::start(&Start::default(), Phones::of(1));
    let schemathesis = Schemathesis::new(&site.server, json!({}));
    let caller = Caller { token: site.server.admin_token(), id: String::new() };
    let found = |change: fn(&mut Value), operation: &str, complaint: &str| {
        let filter = ["--include-operation-id", operation];
        let mut document = site.native().get("/openapi.json");
        schemathesis.give(&document);
        schemathesis.run(&caller, 4, &filter).unwrap_or_else(|said| panic!("{said}"));
        change(&mut document);
        schemathesis.give(&document);
        let said = schemathesis.run(&caller, 4, &filter).expect_err("it was not found");
        assert!(said.contains(complaint) && said.contains("curl -X GET"), "{said}");
    };
    let forget_404 = |document: &mut Value| {
        let responses = document["paths"]["/api/v1/jobs/{id}"]["get"]["responses"].as_object_mut();
        responses.expect("responses").remove("404").expect("a 404");
    };
    found(forget_404, "show_job", "Undocumented status code");
    let ask_for_more = |document: &mut Value| {
        let required = document["components"]["schemas"]["WhoAmI"]["required"].as_array_mut();
        required.expect("fields").push("shoe_size".into());
    };
    found(ask_for_more, "who_am_i", "Response violates schema");
    let promise_a_header = |document: &mut Value| {
        let path = &mut document["paths"]["/api/v1/session"]["get"]["responses"]["401"];
        path["headers"]["Pragma"] = json!({ "schema": { "type": "string" } });
    };
    found(promise_a_header, "who_am_i", "a 401 without Pragma");
}

#[test]
fn every_document_is_valid_openapi() {
    let folder = tools::workspace().join("openapi");
    let entries = folder.read_dir().expect("openapi/");
    let paths: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    assert!(paths.len() >= 3, "{paths:?}");
    let mut validate = Command::new(tools::python());
    let ran = Process::finish(validate.args(["-m", "openapi_spec_validator"]).args(&paths));
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(said.matches(": OK").count(), paths.len(), "{said}");
}
