//! Every call of the native API, from its own document, made by those who may not: by nobody, by a
//! viewer, and by the admin of another project. A call that is added is among them.

use serde_json::{Value, json};

use crate::harness::phones::PROJECT;
use crate::harness::{Answer, Cli, Native, Phones, Request, Server, Site, Start};

const PASSWORD: &str = "correct horse battery staple";

/// A preset of the first project.
const PRESET: &str = "lobby";

/// The other project.
const OTHER: &str = "elsewhere";

/// A call of the document.
struct Call {
    method: String,
    /// Its path, with `{...}`.
    path: String,
    /// The role that it takes: `any` for whoever has a token, `nothing`.
    needs: String,
    /// Whether its answer goes on for as long as the caller listens.
    streams: bool,
}

/// All calls of a server's document.
fn calls(native: &Native) -> Vec<Call> {
    let document = native.get("/openapi.json");
    let mut calls = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, call) in item.as_object().expect("calls") {
            let Some(security) = call.get("security") else { continue };
            let [requirement] = security.as_array().expect("a list").as_slice() else {
                panic!("{method} {path}: {security}")
            };
            let needs = match requirement.get("token").map(|roles| roles.as_array()) {
                None => "nothing",
                Some(Some(roles)) if roles.is_empty() => "any",
                Some(roles) => roles.and_then(|roles| roles[0].as_str()).expect("a role"),
            };
            let streams = call["responses"]["200"]["content"].get("text/event-stream").is_some();
            calls.push(Call {
                method: method.to_uppercase(),
                path: path.clone(),
                needs: needs.to_owned(),
                streams,
            });
        }
    }
    let count = document.to_string().matches("\"operationId\"").count();
    assert_eq!(calls.len(), count, "a call does not say what it needs");
    assert!(count > 50, "{count}");
    calls
}

/// The calls by which one signs in, which are made without a token.
const SIGN_IN: [(&str, &str); 2] =
    [("POST", "/api/v1/session"), ("POST", "/api/v1/session/cookie")];

/// Real ids of the first project, and who is who.
struct Stage {
    site: Site,
    device: String,
    update: String,
    job: String,
    key: String,
    token: String,
    organization: String,
    webhook: String,
    viewer: String,
    stranger: String,
}

/// Makes a user in a project and signs it in: gives the token.
fn signed_in(server: &Server, name: &str, project: &str, role: &str) -> String {
    let target = format!("/api/v1/projects/{project}/users");
    let user = json!({ "name": name, "password": PASSWORD, "role": role });
    server.native().post(&target, &user);
    let body = json!({ "user": name, "password": PASSWORD }).to_string();
    let session = Request::new("POST", "/api/v1/session").body(body).send(server.address());
    session.ok()["token"].as_str().expect("a token").to_owned()
}

impl Stage {
    fn new() -> Self {
        let site = Site::start(&Start::default(), Phones::of(1));
        let native = site.native();
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned();
        let device = site.phones.id(0);
        let set = json!([{ "id": device, "set": { "sys.prop.writephonenum": "1" } }]);
        let update = json!({ "project": PROJECT, "devices": set });
        let update = native.post("/api/v1/updates", &update);
        let key = native.post(&format!("/api/v1/projects/{PROJECT}/keys"), &json!({}));
        let filed = json!({ "path": "a/b" });
        let filed = native.post(&format!("/api/v1/projects/{PROJECT}/organizations"), &filed);
        let webhook = json!({ "project": PROJECT, "url": "http://127.0.0.1:9/", "enabled": false });
        let webhook = native.post("/api/v1/webhooks", &webhook);
        let preset = json!({ "kind": "phone", "values": { "com.cph.mainkeys": "1" } });
        native.put(&format!("/api/v1/projects/{PROJECT}/presets/{PRESET}"), &preset);
        native.new_project(OTHER);
        let viewer = signed_in(&site.server, "vera", PROJECT, "viewer");
        let stranger = signed_in(&site.server, "stan", OTHER, "admin");
        let named = json!({ "name": "nightly", "expires_in_days": 9 });
        let token = native.post("/api/v1/users/vera/tokens", &named);
        Self {
            device,
            update: text(&update["id"]),
            job: text(&update["jobs"][0]["job"]),
            key: text(&key["ak"]),
            token: text(&token["id"]),
            organization: text(&filed["id"]),
            webhook: text(&webhook["id"]),
            viewer,
            stranger,
            site,
        }
    }

    /// A call's path with ids of the first project in it.
    fn target(&self, call: &Call) -> String {
        let mut target = call.path.clone();
        let is_of = |part: &str| call.path.starts_with(&format!("/api/v1/{part}/"));
        let id = if is_of("devices") {
            &self.device
        } else if is_of("updates") {
            &self.update
        } else if is_of("jobs") {
            &self.job
        } else if is_of("webhooks") {
            &self.webhook
        } else {
            &self.token
        };
        for (name, value) in [
            ("{project}", PROJECT),
            ("{organization}", &self.organization),
            ("{preset}", PRESET),
            ("{ak}", &self.key),
            ("{name}", "vera"),
            ("{id}", id),
        ] {
            target = target.replace(name, value);
        }
        assert!(!target.contains('{'), "say what stands in {}", call.path);
        if call.path.ends_with("/import/template") {
            target.push_str("?kind=phone");
        }
        target
    }

    /// A body that the call takes, about the first project.
    fn body(&self, call: &Call) -> Value {
        let path = call.path.strip_prefix("/api/v1").expect("a path of the API");
        match (call.method.as_str(), path) {
            ("POST", "/updates") => {
                let devices = json!([{ "id": self.device, "set": { "persist.sys.a": "2" } }]);
                json!({ "project": PROJECT, "devices": devices })
            }
            ("POST", "/devices/import") => json!([{
                "project": PROJECT, "kind": "phone", "id": self.device, "name": "x",
                "server": "s", "address": "127.0.0.1:9", "profile": "redroid",
            }]),
            ("POST", "/devices/discover") => json!({
                "project": PROJECT, "profile": "redroid", "server": "s",
                "candidates": [{ "address": "127.0.0.1:9" }],
            }),
            ("POST", "/devices/{id}/revert") => json!({ "to": 1 }),
            ("POST", "/webhooks") => {
                json!({ "project": PROJECT, "url": "http://127.0.0.1:9/" })
            }
            ("PUT", "/devices/{id}/credentials") => json!({ "user": "x" }),
            ("PATCH", "/devices/{id}/desired") => json!({ "set": {}, "restart": true }),
            ("POST", "/projects/{project}/users") => {
                json!({ "name": "eve", "password": PASSWORD })
            }
            ("POST", "/projects/{project}/organizations")
            | ("PATCH", "/projects/{project}/organizations/{organization}") => {
                json!({ "path": "c" })
            }
            ("PUT", "/projects/{project}/presets/{preset}") => {
                json!({ "kind": "phone", "values": { "com.cph.mainkeys": "0" } })
            }
            ("PUT", "/projects/{project}/enrolment") => {
                json!({ "password": PASSWORD, "prefixes": ["34"], "ends_in_days": 1 })
            }
            ("POST", "/projects/{project}/pending/accept") => {
                json!({ "all": true, "generate": true })
            }
            ("POST", "/projects/{project}/pending/reject") => json!({ "all": true }),
            ("POST", "/projects/{project}/freeze" | "/projects/{project}/unfreeze") => {
                json!({ "selector": {} })
            }
            ("PUT", "/users/{name}/password") => json!({ "password": PASSWORD }),
            ("PUT", "/users/{name}/grants/{project}") => json!({ "role": "admin" }),
            ("POST", "/users/{name}/tokens") => json!({ "name": "x", "expires_in_days": 1 }),
            _ => json!({}),
        }
    }

    /// Makes a call with a token, if one is given.
    fn call(&self, call: &Call, token: Option<&str>) -> Answer {
        let mut request = Request::new(&call.method, &self.target(call));
        if call.method != "GET" && call.method != "DELETE" {
            request = request.body(self.body(call).to_string());
        }
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request.send(self.site.server.address())
    }
}

#[test]
fn no_call_is_answered_without_a_token_that_works() {
    let stage = Stage::new();
    for call in calls(&stage.site.native()) {
        if call.needs == "nothing" {
            assert!(SIGN_IN.contains(&(&call.method, &call.path)), "{} {}", call.method, call.path);
            continue;
        }
        for token in [None, Some("x"), Some("0123456789012345678901234567890123456789012")] {
            let answer = stage.call(&call, token);
            assert_eq!(answer.status, 401, "{} {}: {answer:?}", call.method, call.path);
            assert_eq!(answer.body["code"], "unauthorized");
        }
    }
}

/// A browser's call by cookie, with headers of its own.
fn by_cookie(stage: &Stage, call: &Call, lines: &[(&str, &str)]) -> Answer {
    let mut request = Request::new(&call.method, &stage.target(call));
    if call.method != "GET" && call.method != "DELETE" {
        request = request.body(stage.body(call).to_string());
    }
    let cookie = format!("__Host-fleetwright={}", stage.site.server.admin_token());
    request = request.header("cookie", cookie);
    for (name, value) in lines {
        request = request.header(name, value);
    }
    request.send(stage.site.server.address())
}

#[test]
fn no_page_of_another_site_makes_a_call_by_cookie() {
    let stage = Stage::new();
    let own = ("x-fleetwright-console", "1");
    let elsewhere = ("origin", "http://elsewhere.example");
    let mut changes = 0;
    // Signing in is let in by no cookie; where that makes one, `session.rs` has the same.
    for call in calls(&stage.site.native()).into_iter().filter(|call| call.needs != "nothing") {
        let what = format!("{} {}", call.method, call.path);
        let mut pages = vec![
            vec![own, ("sec-fetch-site", "cross-site")],
            vec![own, ("sec-fetch-site", "same-site")],
            vec![own, elsewhere],
        ];
        if call.method != "GET" {
            changes += 1;
            // What a form sends, and what a page of this server would that forgets the header.
            pages.extend([vec![], vec![("sec-fetch-site", "same-origin")]]);
        }
        for lines in pages {
            let answer = by_cookie(&stage, &call, &lines);
            assert_eq!(
                (answer.status, &answer.body["code"]),
                (403, &json!("cross_site")),
                "{what} {lines:?}: {answer:?}"
            );
        }
        let preflight = Call { method: "OPTIONS".to_owned(), path: call.path, ..who() };
        let answer = by_cookie(&stage, &preflight, &[elsewhere]);
        let allowed = |name: &http::HeaderName| name.as_str().starts_with("access-control");
        assert!(answer.status >= 400 && !answer.headers.keys().any(allowed), "{what}: {answer:?}");
    }
    assert!(changes > 40, "{changes}");
    // What they were refused for is what is missing.
    let same = [own, ("sec-fetch-site", "same-origin")];
    assert_eq!(by_cookie(&stage, &who(), &same).status, 200);
    let freeze =
        Call { method: "POST".to_owned(), path: "/api/v1/devices/{id}/freeze".to_owned(), ..who() };
    assert_eq!(by_cookie(&stage, &freeze, &same).status, 204);
}

#[test]
fn a_viewer_changes_nothing() {
    let stage = Stage::new();
    for call in calls(&stage.site.native()) {
        let what = format!("{} {}", call.method, call.path);
        match call.needs.as_str() {
            "operator" | "admin" | "server" => {
                let answer = stage.call(&call, Some(&stage.viewer));
                assert_eq!(
                    (answer.status, &answer.body["code"]),
                    (403, &json!("forbidden")),
                    "{what}"
                );
                let detail = answer.body["detail"].as_str().expect("a detail");
                let told = if call.needs == "server" { "admin token" } else { &call.needs };
                assert!(detail.contains(told), "{what}: {detail}");
            }
            "viewer" => {
                assert_eq!(call.method, "GET", "{what} is open to viewers");
                if !call.streams {
                    let answer = stage.call(&call, Some(&stage.viewer));
                    assert!(![401, 403, 404].contains(&answer.status), "{what}: {answer:?}");
                }
            }
            // Of oneself: tokens, and who one is.
            "any" | "nothing" => {}
            other => panic!("{what} takes {other}"),
        }
    }
    let cph = format!("/v1/{PROJECT}/cloud-phone/phones");
    let by_token = |request: Request| {
        request.header("x-auth-token", &stage.viewer).send(stage.site.server.address())
    };
    assert_eq!(by_token(Request::new("GET", &cph)).status, 200);
    let update = Request::new("POST", &format!("{cph}/batch-update-property"));
    let phones = json!({ "phones": [{ "phone_id": stage.device, "property": "{}" }] });
    by_token(update.body(phones.to_string())).refused(403, "CPS.0001");
}

#[test]
fn who_is_of_another_project_sees_nothing() {
    let stage = Stage::new();
    let before = stage.site.native().get(&format!("/api/v1/projects/{PROJECT}"));
    for call in calls(&stage.site.native()) {
        let what = format!("{} {}", call.method, call.path);
        // These are about the caller alone.
        let is_own = call.path.starts_with("/api/v1/session") && call.method != "GET";
        if is_own || call.streams {
            continue;
        }
        let answer = stage.call(&call, Some(&stage.stranger));
        let is_about_one = call.path.contains('{') || call.method != "GET";
        let expected: &[u16] = match call.needs.as_str() {
            "server" => &[403],
            _ if is_about_one => &[404],
            _ => &[200],
        };
        assert!(expected.contains(&answer.status), "{what}: {answer:?}");
        let Stage { device, update, job, key, token, webhook, .. } = &stage;
        let ids = [device, update, job, key, token, webhook];
        if answer.status == 200 {
            for id in ids.into_iter().map(String::as_str).chain([PROJECT, "vera"]) {
                assert!(!answer.text.contains(&format!("\"{id}\"")), "{what}: {}", answer.text);
            }
            // Of a file, in which nothing stands between quotation marks.
            let is_export = call.path.ends_with("/export");
            assert!(!(is_export && answer.text.contains(&stage.device)), "{}", answer.text);
        }
    }
    let after = stage.site.native().get(&format!("/api/v1/projects/{PROJECT}"));
    assert_eq!(before["updated_at"], after["updated_at"]);
    assert_eq!(stage.call(&who(), Some(&stage.viewer)).status, 200, "she is signed in");
}

/// The call that tells who one is.
fn who() -> Call {
    let path = "/api/v1/session".to_owned();
    Call { method: "GET".to_owned(), path, needs: "any".to_owned(), streams: false }
}

#[test]
fn the_admin_of_a_project_manages_it_and_it_is_in_the_audit() {
    let stage = Stage::new();
    let server = &stage.site.server;
    let boss = signed_in(server, "boss", PROJECT, "admin");
    let cli = Cli::with_token(server, &boss);
    let json = |ran: String| serde_json::from_str::<Value>(&ran).expect("JSON");
    let of_project = ["--project", PROJECT];

    cli.run(&[&["user", "grant", "stan", "--role", "operator"][..], &of_project].concat()).ok();
    let grants = cli.run(&["user", "grants", "stan"]).ok();
    assert!(grants.contains("operator") && !grants.contains(OTHER), "{grants}");
    let holders = cli.run(&[&["user", "grants"][..], &of_project].concat()).ok();
    let of = |user: &str| holders.lines().find(|line| line.starts_with(user)).unwrap_or_default();
    assert!(of("stan").contains("another project"), "{holders}");
    assert!(of("vera").contains("this project"), "{holders}");
    cli.run(&["user", "grants", "--project", OTHER]).ended(5, "no such project");
    let stranger = Cli::with_token(server, &stage.stranger);
    stranger.run(&["device", "freeze", &stage.device]).ok();
    cli.run(&["device", "unfreeze", &stage.device]).ok();
    cli.run(&[&["user", "ungrant", "stan"][..], &of_project].concat()).ok();
    stranger.run(&["device", "freeze", &stage.device]).ended(5, "no such device");
    // A viewer of one project who is admin of another is told what else may be the reason.
    cli.run(&[&["user", "grant", "stan", "--role", "viewer"][..], &of_project].concat()).ok();
    let freeze = ["device", "freeze", &stage.device];
    stranger.run(&freeze).ended(5, "or your role there is below operator");

    let made = json(
        cli.run(&["user", "token", "create", "vera", "--name", "b", "--days", "2", "--json"]).ok(),
    );
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let vera = Cli::with_token(server, &text(&made["token"]));
    assert!(vera.run(&["device", "list"]).ok().contains(&stage.device));
    vera.run(&freeze).ended(5, "this call needs the role operator");
    let more = ["user", "token", "create", "vera", "--name", "c", "--days", "2"];
    vera.run(&more).ended(5, "got by signing in");
    cli.run(&["user", "token", "revoke", &text(&made["id"])]).ok();
    vera.run(&["device", "list"]).ended(5, "one of a user's that works");
    cli.run(&["user", "create", "x", "--project", OTHER, "--password-file", "/dev/null"])
        .ended(2, "holds no password");
    cli.run(&["key", "list", "--all-projects"]).ended(5, "admin token");
    let keys = cli.run(&[&["key", "list"][..], &of_project].concat()).ok();
    assert!(keys.contains("LAST USED") && keys.contains(&stage.key), "{keys}");

    let acts = json(cli.run(&["audit", "list", "--json", "--actor", "user:boss"]).ok());
    let acts: Vec<String> = acts["acts"]
        .as_array()
        .expect("acts")
        .iter()
        .rev()
        .map(|act| format!("{} {}", text(&act["action"]), text(&act["target"])))
        .collect();
    let device = &stage.device;
    let expected = [
        "session.create boss".to_owned(),
        "user.grant stan".to_owned(),
        format!("device.unfreeze {device}"),
        "user.ungrant stan".to_owned(),
        "user.grant stan".to_owned(),
        "token.create vera".to_owned(),
        "token.revoke vera".to_owned(),
    ];
    assert_eq!(acts, expected);
    let all = json(cli.run(&["audit", "list", "--json"]).ok()).to_string();
    assert!(all.contains("\"device.freeze\"") && all.contains("user:stan"), "{all}");
    assert!(!all.contains(OTHER) && !all.contains(PASSWORD), "{all}");
}

#[test]
fn when_a_key_was_last_used_is_shown() {
    let mut site = Site::start(&Start::default(), Phones::of(1));
    let keys = format!("/api/v1/projects/{PROJECT}/keys");
    let last = |site: &Site| site.native().get(&keys)["keys"][0]["last_used_at"].clone();
    assert_eq!(last(&site), Value::Null);
    site.cph()
        .call(&http::Method::GET, &format!("/v1/{PROJECT}/cloud-phone/phones"), b"")
        .expect("an answer")
        .ok();
    // A server that stops writes what it has not yet.
    site.server.terminate();
    site.server.restart(&Start::default());
    assert!(last(&site).is_string());
}
