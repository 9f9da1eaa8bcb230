//! The native door: what an operator does with projects, users and single devices.

use fleet::Operation;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::phones::Mood;
use crate::site::{FOREIGN, FOREIGN_KEY, FOREIGN_PHONE, PHONES, PROJECT, Site};

impl Site {
    /// A device as the native door shows it.
    pub async fn shown(&self, id: &str) -> Value {
        let answer = self.native("GET", &format!("/devices/{id}"), "").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Asks something of a device.
    pub async fn ask(&self, id: &str, verb: &str, body: &str) -> Answer {
        self.native("POST", &format!("/devices/{id}/{verb}"), body).await
    }

    /// Sets a value of the foreign project's phone and waits until it shows it.
    async fn foreign_update(&self, name: &str, value: &str) {
        let property = json!({ name: value }).to_string();
        let body = json!({ "phones": [{ "phone_id": FOREIGN_PHONE, "property": property }] });
        let target = format!("/v1/{FOREIGN}/cloud-phone/phones/batch-update-property");
        let body = body.to_string();
        assert_eq!(self.cph_as(FOREIGN_KEY, "POST", &target, body.as_bytes()).await.status, 200);
        let holds = async || self.phones.get(FOREIGN_PHONE, name).as_deref() == Some(value);
        self.until("the other project's value", holds).await;
    }

    /// Asks for a restart, reset or stop that must be accepted, and gives the job as it ended.
    async fn power(&self, id: &str, verb: &str, body: &str) -> Value {
        let answer = self.ask(id, verb, body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let accepted = answer.json();
        assert_eq!((&accepted["device"], &accepted["project"]), (&id.into(), &PROJECT.into()));
        let target = format!("/jobs/{}", accepted["job"].as_str().unwrap());
        self.until("the job's end", async || {
            self.native("GET", &target, "").await.json()["ended_at"].is_string()
        })
        .await;
        self.native("GET", &target, "").await.json()
    }
}

#[tokio::test]
async fn a_users_password_opens_and_is_never_shown() {
    let site = Site::start().await;
    let users = format!("/projects/{PROJECT}/users");
    let body = json!({ "name": "ada", "password": "first-secret" }).to_string();
    let made = site.native("POST", &users, &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!((&made.json()["name"], &made.json()["project"]), (&"ada".into(), &PROJECT.into()));
    assert_eq!(made.json()["id"].as_str().unwrap().len(), 32);
    site.native("POST", &users, &body).await.problem(409, "exists");
    let opens = async |password: &str| {
        let secret = fleet::Secret::new(password.to_owned());
        site.handle.sign_in("ada", secret).await.map(|signed| signed.token).ok()
    };
    let token = opens("first-secret").await.unwrap();
    assert!(site.handle.token(token.expose()).await.unwrap().is_some());
    assert!(opens("second-secret").await.is_none());

    let listed = site.native("GET", &users, "").await;
    assert!(!listed.text.contains("secret") && !listed.text.contains("argon2"), "{}", listed.text);
    assert_eq!(listed.json()["users"][0]["disabled_at"], Value::Null);

    let other = json!({ "password": "second-secret" }).to_string();
    assert_eq!(site.native("PUT", "/users/ada/password", &other).await.status, 204);
    assert!(site.handle.token(token.expose()).await.unwrap().is_none(), "its tokens are gone");
    assert!(opens("first-secret").await.is_none());
    assert!(opens("second-secret").await.is_some());
    assert_eq!(site.native("DELETE", "/users/ada", "").await.status, 204);
    assert!(opens("second-secret").await.is_none());
    let listed = site.native("GET", &users, "").await.json();
    assert_eq!(listed["users"][0]["disabled_at"], "2026-11-21T12:00:00.000Z");
    assert_eq!(listed["users"][0]["has_namesake"], false);
    for _ in 0..2 {
        assert_eq!(site.native("POST", "/users/ada/enable", "").await.status, 204);
        assert!(opens("second-secret").await.is_some());
    }
    let listed = site.native("GET", &users, "").await.json();
    assert_eq!(listed["users"][0]["disabled_at"], Value::Null);
    let namesake = json!({ "name": "ADA", "password": "third-secret" }).to_string();
    let taken = site.native("POST", &users, &namesake).await.problem(409, "exists");
    assert!(taken.contains("ada exists already"), "{taken}");

    for (method, target, body, status, code) in [
        ("POST", &*users, json!({ "name": "b" }), 400, "invalid"),
        ("POST", &users, json!({ "name": "b", "password": ["top-secret"] }), 400, "invalid"),
        ("POST", &users, json!({ "name": "", "password": "top-secret" }), 400, "invalid"),
        ("POST", &users, json!({ "name": "b", "password": "" }), 400, "invalid"),
        ("POST", &users, json!({ "name": "b", "password": "x".repeat(129) }), 400, "invalid"),
        (
            "PUT",
            "/users/nobody/password",
            json!({ "password": "long-enough" }),
            404,
            "no_such_user",
        ),
        ("DELETE", "/users/nobody", json!({}), 404, "no_such_user"),
        ("POST", "/users/nobody/enable", json!({}), 404, "no_such_user"),
        ("GET", "/projects/nobody/users", json!({}), 404, "no_such_project"),
        (
            "POST",
            "/projects/nobody/users",
            json!({ "name": "b", "password": "long-enough" }),
            404,
            "no_such_project",
        ),
    ] {
        let answer = site.native(method, target, &body.to_string()).await;
        let detail = answer.problem(status, code);
        assert!(!detail.contains("secret"), "{detail}");
    }
}

#[tokio::test]
async fn guesses_at_a_name_count_however_it_is_written() {
    let site = Site::start().await;
    let body = json!({ "name": "ada", "password": "first-secret" }).to_string();
    let made = site.native("POST", &format!("/projects/{PROJECT}/users"), &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let sign_in = async |name: &str, password: &str| {
        let body = json!({ "user": name, "password": password }).to_string();
        site.native("POST", "/session", &body).await
    };
    let signed_in = sign_in("Ada", "first-secret").await;
    assert_eq!((signed_in.status, &signed_in.json()["user"]), (201, &"ada".into()));
    for name in ["ada", "ADA", "Ada", "aDa", "adA"] {
        sign_in(name, "second-secret").await.problem(401, "unauthorized");
    }
    let locked = sign_in("AdA", "first-secret").await.problem(401, "unauthorized");
    assert!(locked.contains("wait a while"), "{locked}");
}

#[tokio::test]
async fn what_a_selector_means_is_frozen_and_unfrozen() {
    let site = Site::start().await;
    let freeze = async |verb: &str, body: Value| {
        let target = format!("/projects/{PROJECT}/{verb}");
        site.native("POST", &target, &body.to_string()).await
    };
    let all = PHONES.len();
    let ids = json!({ "ids": [PHONES[0], PHONES[1], "nobody"] });
    for (verb, body, devices, changed) in [
        ("freeze", json!({ "selector": ids, "dry_run": true }), 2, 2),
        ("freeze", json!({ "selector": ids }), 2, 2),
        ("freeze", json!({ "selector": ids }), 2, 0),
        ("freeze", json!({ "selector": {}, "kind": "phone", "dry_run": true }), all, all - 2),
        ("freeze", json!({ "selector": {}, "kind": "camera" }), 0, 0),
        ("unfreeze", json!({ "selector": { "frozen": true } }), 2, 2),
    ] {
        let answer = freeze(verb, body.clone()).await;
        let expected = json!({ "devices": devices, "changed": changed });
        assert_eq!((answer.status, answer.json()), (200, expected), "{verb} {body}");
        let is_frozen = verb == "freeze" && !body.to_string().contains("dry_run");
        if devices == 2 && !body.to_string().contains("dry_run") {
            assert_eq!(site.shown(PHONES[1]).await["frozen"], is_frozen, "{verb} {body}");
        }
    }
    assert_eq!(site.shown(FOREIGN_PHONE).await["frozen"], false);
    for body in [json!({}), json!({ "selector": null }), json!({ "selector": { "ids": [] } })] {
        freeze("freeze", body).await.problem(400, "invalid");
    }
    let body = json!({ "selector": {} }).to_string();
    let nowhere = site.native("POST", "/projects/nobody/freeze", &body).await;
    nowhere.problem(404, "no_such_project");
}

#[tokio::test]
async fn an_id_that_nothing_new_may_have_is_looked_for_as_any_other() {
    let site = Site::start().await;
    for id in [".", "..", "%2E"] {
        for method in ["GET", "DELETE"] {
            let answer = site.native(method, &format!("/devices/{id}"), "").await;
            assert_eq!(answer.status, 404, "{method}: {answer:?}");
            assert!(answer.text.contains("no such device"), "{method}: {answer:?}");
        }
    }
    site.native("DELETE", "/projects/..", "").await.problem(404, "no_such_project");
    let body = json!({ "kind": "phone", "values": { "com.cph.mainkeys": "1" } }).to_string();
    let preset = format!("/projects/{PROJECT}/presets/..");
    let detail = site.native("PUT", &preset, &body).await.problem(400, "invalid");
    assert!(detail.contains("preset name must not be . or .."), "{detail}");
}

#[tokio::test]
async fn who_has_a_role_in_a_project_is_listed_whichever_project_the_user_is_of() {
    let site = Site::start().await;
    for (name, project, role) in
        [("ada", PROJECT, "viewer"), ("bob", PROJECT, "operator"), ("eve", FOREIGN, "viewer")]
    {
        let body = json!({ "name": name, "password": "long-enough", "role": role }).to_string();
        let made = site.native("POST", &format!("/projects/{project}/users"), &body).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    let grant = format!("/users/eve/grants/{PROJECT}");
    assert_eq!(site.native("PUT", &grant, r#"{"role":"admin"}"#).await.status, 204);
    assert_eq!(site.native("DELETE", "/users/bob", "").await.status, 204);
    let holder = |user: &str, role: &str, of_project: bool, disabled_at: Value| {
        let (is_of, at) = (of_project, disabled_at);
        json!({ "user": user, "role": role, "of_project": is_of, "disabled_at": at })
    };
    let at = json!("2026-11-21T12:00:00.000Z");
    let expected = [
        holder("ada", "viewer", true, Value::Null),
        holder("bob", "operator", true, at),
        holder("eve", "admin", false, Value::Null),
    ];
    let grants = format!("/projects/{PROJECT}/grants");
    let all = site.native("GET", &grants, "").await;
    assert_eq!((all.status, all.json()), (200, json!({ "grants": expected, "next": null })));
    let first = site.native("GET", &format!("{grants}?limit=2"), "").await.json();
    assert_eq!(first, json!({ "grants": expected[..2], "next": "bob" }));
    let rest = site.native("GET", &format!("{grants}?limit=2&after=bob"), "").await.json();
    assert_eq!(rest, json!({ "grants": expected[2..], "next": null }));
    site.native("GET", &format!("{grants}?limit=0"), "").await.problem(400, "invalid");
    site.native("GET", "/projects/nobody/grants", "").await.problem(404, "no_such_project");
}

#[tokio::test]
async fn what_holds_for_a_project_is_shown_and_changed_field_by_field() {
    let site = Site::start().await.with_cameras().await;
    let project = format!("/projects/{PROJECT}");
    let shown = site.native("GET", &project, "").await.json();
    assert_eq!(shown["cameras"], 2);
    let mut settings = json!({
        "paused": false, "drift": "report", "adoption": "unmarked", "identity": false,
        "password_overlap_seconds": 0,
        "iss": { "profile": "460", "private_ip": true, "mask_passwords": false },
    });
    assert_eq!(shown["settings"], settings);
    assert_eq!((&shown["devices"]["total"], &shown["devices"]["running"]), (&4.into(), &4.into()));
    let change = async |body: Value| site.native("PATCH", &project, &body.to_string()).await;
    let changed = change(json!({ "drift": "repair" })).await.json();
    assert_eq!(changed["settings"]["drift"], "repair");
    let changed = change(json!({ "adoption": "explicit", "identity": true })).await.json();
    settings["drift"] = json!("repair");
    settings["adoption"] = json!("explicit");
    settings["identity"] = json!(true);
    assert_eq!(changed["settings"], settings);
    let iss = json!({ "profile": "1344", "mask_passwords": true });
    let changed = change(json!({ "password_overlap_seconds": 3_600, "iss": iss })).await.json();
    settings["password_overlap_seconds"] = json!(3_600);
    settings["iss"] = json!({ "profile": "1344", "private_ip": true, "mask_passwords": true });
    assert_eq!(changed["settings"], settings);
    assert_eq!(site.native("GET", &project, "").await.json()["settings"], settings);
    assert_eq!(change(json!({})).await.json()["settings"], settings);
    site.clock.advance(std::time::Duration::from_secs(1));
    let named = change(json!({ "name": "Gates", "description": "东门" })).await.json();
    assert_eq!((&named["name"], &named["description"]), (&"Gates".into(), &"东门".into()));
    assert_eq!(
        (&named["created_at"], &named["updated_at"]),
        (&"2026-11-21T12:00:00.000Z".into(), &"2026-11-21T12:00:01.000Z".into())
    );
    for body in [
        json!({ "drift": "mend" }),
        json!({ "paused": "yes" }),
        json!({ "colour": "red" }),
        json!({ "name": "" }),
        json!({ "description": "a\tb" }),
        json!({ "iss": { "profile": "461" } }),
        json!({ "iss": { "private_ips": true } }),
        json!({ "name": "other", "password_overlap_seconds": 30 * 24 * 3_600 + 1 }),
    ] {
        change(body).await.problem(400, "invalid");
        let shown = site.native("GET", &project, "").await.json();
        assert_eq!((&shown["name"], &shown["settings"]), (&"Gates".into(), &settings));
    }
    // A list is no object, even of what the object's fields would take by position.
    for body in [json!([true]), json!([])] {
        change(body).await.problem(400, "invalid");
        assert_eq!(site.native("GET", &project, "").await.json()["settings"], settings);
    }
    site.native("PATCH", "/projects/nobody", "{}").await.problem(404, "no_such_project");
    site.native("GET", "/projects/nobody", "").await.problem(404, "no_such_project");
    let others = site.native("GET", &format!("/projects/{FOREIGN}"), "").await.json();
    assert_eq!(others["settings"]["drift"], "report");
}

#[tokio::test]
async fn a_project_is_deleted_once_it_has_no_devices() {
    let site = Site::start().await;
    let project = format!("/projects/{FOREIGN}");
    let detail = site.native("DELETE", &project, "").await.problem(409, "project_in_use");
    assert!(detail.contains("it has 1 devices"), "{detail}");
    let phone = format!("/devices/{FOREIGN_PHONE}");
    assert_eq!(site.native("DELETE", &phone, "").await.status, 204);
    site.native("GET", &phone, "").await.problem(404, "not_found");
    site.native("DELETE", &phone, "").await.problem(404, "not_found");
    assert_eq!(site.native("DELETE", &project, "").await.status, 204);
    site.native("GET", &project, "").await.problem(404, "no_such_project");
    site.native("DELETE", &project, "").await.problem(404, "no_such_project");
    let target = format!("/v1/{FOREIGN}/cloud-phone/phones");
    site.cph_as(FOREIGN_KEY, "GET", &target, b"").await.refused(401, "APIGW.0301");
}

#[tokio::test]
async fn a_pause_holds_work_until_it_ends() {
    let site = Site::start().await;
    let phone = PHONES[0];
    let project = format!("/projects/{PROJECT}");
    for (method, target) in [("PATCH", &*project), ("PUT", "/settings")] {
        let set = async |paused: bool| {
            let body = json!({ "paused": paused }).to_string();
            let answer = site.native(method, target, &body).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        };
        set(true).await;
        let value = method.len().to_string();
        let property = json!({ "sys.prop.writephonenum": value }).to_string();
        let body = json!({ "phones": [{ "phone_id": phone, "property": property }] });
        assert_eq!(site.update(&body.to_string()).await.status, 200, "it is accepted");
        let held = site.shown(phone).await;
        assert_eq!(held["states"]["sys.prop.writephonenum"], "pending", "{held}");
        assert_eq!(held["open_jobs"].as_array().unwrap().len(), 1);
        if method == "PATCH" {
            // Another project's work shows that the engine had its turn.
            site.foreign_update("sys.prop.writephonenum", "7").await;
        }
        assert_ne!(site.phones.get(phone, "sys.prop.writephonenum").as_deref(), Some(&*value));
        set(false).await;
        site.until("the value", async || {
            site.phones.get(phone, "sys.prop.writephonenum").as_deref() == Some(&*value)
        })
        .await;
    }
}

#[tokio::test]
async fn a_restart_makes_a_value_act_and_is_a_job() {
    let site = Site::start().await;
    let phone = PHONES[0];
    let property = json!({ "com.cph.mainkeys": "1" }).to_string();
    let body = json!({ "phones": [{ "phone_id": phone, "property": property }] });
    site.update(&body.to_string()).await;
    site.until("the value to be held", async || {
        site.shown(phone).await["states"]["com.cph.mainkeys"] == "restart_pending"
    })
    .await;
    let held = site.shown(phone).await;
    let since = &held["restart_pending"]["com.cph.mainkeys"]["since"];
    assert_eq!(since, "2026-11-21T12:00:00.000Z");
    assert_eq!((&held["drift"], &held["power"]), (&json!([]), &Value::Null));
    assert_eq!(held["facts"]["model"], "Simulated");

    let body = json!({ "property": { "sys.prop.writephonenum": "7" } }).to_string();
    let job = site.power(phone, "restart", &body).await;
    assert_eq!((&job["operation"], &job["state"]), (&"restart".into(), &"succeeded".into()));
    assert_eq!(job["patch"], json!({ "sys.prop.writephonenum": "7" }));
    assert_eq!(site.phones.told(phone), [Operation::Restart]);
    let shown = site.shown(phone).await;
    let expected = json!({ "com.cph.mainkeys": "shown", "sys.prop.writephonenum": "shown" });
    assert_eq!((&shown["states"], &shown["restart_pending"]), (&expected, &json!({})));
    assert_ne!(shown["boot"], held["boot"]);

    // Without a body it is a restart alone.
    assert_eq!(site.power(phone, "restart", "").await["state"], "succeeded");
    let job = site.power(phone, "reset", r#"{"factory_reset":true}"#).await;
    assert_eq!((&job["operation"], &job["state"]), (&"reset".into(), &"succeeded".into()));
    assert_eq!(site.shown(phone).await["desired"], json!({}), "all that was asked is forgotten");
    let job = site.power(phone, "stop", "{}").await;
    assert_eq!((&job["operation"], &job["state"]), (&"stop".into(), &"succeeded".into()));
    assert_eq!(site.shown(phone).await["condition"], "stopped");
    assert_eq!(
        site.phones.told(phone),
        [Operation::Restart, Operation::Restart, Operation::Reset, Operation::Stop]
    );
}

#[tokio::test]
async fn what_can_not_be_asked_of_a_device_is_refused_with_its_reason() {
    let site = Site::start().await;
    let phone = PHONES[0];
    assert_eq!(site.ask(phone, "freeze", "").await.status, 204);
    assert_eq!(site.shown(phone).await["frozen"], true);
    site.ask(phone, "restart", "").await.problem(409, "frozen");
    assert_eq!(site.ask(phone, "unfreeze", "").await.status, 204);
    assert_eq!(site.shown(phone).await["frozen"], false);

    for (verb, body, status, code) in [
        ("restart", r#"{"property":{"no.such.name":"1"}}"#, 400, "property_unsupported"),
        ("restart", r#"{"property":{"com.cph.mainkeys":"7"}}"#, 400, "property_invalid"),
        ("restart", r#"{"property":{"com.cph.mainkeys":1}}"#, 400, "invalid"),
        ("restart", r#"{"factory_reset":true}"#, 400, "invalid"),
        ("reset", r#"{"factory_reset":1}"#, 400, "invalid"),
        ("stop", r#"{"property":{}}"#, 400, "invalid"),
        ("adopt", r#"{"force":true}"#, 400, "invalid"),
        ("dance", "", 404, "not_found"),
    ] {
        site.ask(phone, verb, body).await.problem(status, code);
    }
    for verb in ["restart", "reset", "stop", "freeze", "unfreeze", "mark-stopped", "adopt"] {
        site.ask("nobody", verb, "").await.problem(404, "not_found");
        let target = format!("{phone}/{verb}?project={FOREIGN}");
        site.native("POST", &format!("/devices/{target}"), "").await.problem(404, "not_found");
    }
    for part in ["check", "start-args"] {
        site.native("GET", &format!("/devices/nobody/{part}"), "").await.problem(404, "not_found");
    }
    assert!(site.phones.told(phone).is_empty());
    assert_eq!(site.device(phone).await.revision.0, 0);
}

#[tokio::test]
async fn a_device_that_was_stopped_elsewhere_is_waited_for_by_nobody() {
    let site = Site::start().await;
    let phone = PHONES[0];
    site.phones.set_mood(phone, Mood::Off);
    assert_eq!(site.ask(phone, "mark-stopped", "").await.status, 204);
    site.until("it to be stopped", async || site.shown(phone).await["condition"] == "stopped")
        .await;
    let property = json!({ "sys.prop.writephonenum": "7" }).to_string();
    let body = json!({ "phones": [{ "phone_id": phone, "property": property }] });
    let answer = site.update(&body.to_string()).await.json();
    let job = format!("/jobs/{}", answer["jobs"][0]["job_id"].as_str().unwrap());
    assert_eq!(site.native("GET", &job, "").await.json()["stored"], true);
    site.phones.set_mood(phone, Mood::Works);
    assert_eq!(site.ask(phone, "mark-started", "").await.status, 204);
    site.until("the value", async || {
        site.phones.get(phone, "sys.prop.writephonenum").as_deref() == Some("7")
    })
    .await;
    site.until("it to run", async || site.shown(phone).await["condition"] == "running").await;
}

#[tokio::test]
async fn another_phone_at_the_address_is_named_by_the_check_and_adopted_when_asked() {
    let site = Site::start().await;
    let phone = PHONES[0];
    let check = async || site.native("GET", &format!("/devices/{phone}/check"), "").await.json();
    let holds = check().await;
    assert_eq!(holds["holds"], true, "{holds}");
    let names: Vec<&str> = holds["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["name"].as_str())
        .collect();
    assert_eq!(names[..3], ["reachable", "authenticated", "right phone"]);
    assert!(names.contains(&"com.cph.mainkeys"), "{names:?}");

    site.phones.set_marker(phone, "0123456789abcdef0123456789abcdef");
    let checked = check().await;
    assert_eq!(checked["holds"], false);
    let item =
        checked["items"].as_array().unwrap().iter().find(|item| item["name"] == "right phone");
    let item = item.unwrap();
    assert_eq!(item["result"], "failed");
    assert!(item["remedy"].as_str().unwrap().contains("--replace-marker"), "{item}");

    let body = json!({ "replace_marker": true, "from_reported": true }).to_string();
    assert_eq!(site.ask(phone, "adopt", &body).await.status, 202);
    site.until("the adoption", async || site.shown(phone).await["adoption"].is_null()).await;
    let shown = site.shown(phone).await;
    assert_eq!((&shown["adopted"], &shown["trouble"]), (&true.into(), &Value::Null), "{shown}");
    assert_eq!(check().await["holds"], true);
}

#[tokio::test]
async fn a_value_that_is_fixed_at_the_start_needs_another_container() {
    let site = Site::start().await;
    let device = json!([{
        "kind": "phone", "project": PROJECT, "id": "red", "name": "red", "server": "farm-1",
        "address": "10.0.0.9:5555", "container": "red-1", "profile": "redroid"
    }]);
    assert_eq!(site.native("POST", "/devices/import", &device.to_string()).await.status, 200);
    assert_eq!(site.shown("red").await["container"], "red-1");
    site.phones.set_mood("red", Mood::Unsupported);
    let arguments = async || {
        site.native("GET", "/devices/red/start-args", "").await.json()["arguments"].clone()
    };
    assert_eq!(arguments().await, json!([]));
    let name = "ro.product.model";
    let body = json!({ "property": { name: "Mate_40" } }).to_string();
    let detail = site.ask("red", "restart", &body).await.problem(400, "property_unsupported");
    assert!(detail.contains(name), "the project's policy refuses it: {detail}");
    let project = format!("/projects/{PROJECT}");
    let allowed = site.native("PATCH", &project, r#"{"identity":true}"#).await;
    assert_eq!(allowed.status, 200);
    assert_eq!(site.ask("red", "restart", &body).await.status, 202);
    assert_eq!(arguments().await, json!(["ro.product.model=Mate_40"]));
    site.until("it to be settled", async || {
        site.shown("red").await["states"][name] == "needs_recreate"
    })
    .await;
}

#[tokio::test]
async fn phones_are_found_recorded_once_and_followed() {
    let site = Site::start().await;
    let discover = async |addresses: &[&str], apply: bool| {
        let candidates: Vec<Value> = addresses
            .iter()
            .map(|address| json!({ "address": address, "container": "c-1" }))
            .collect();
        let body = json!({
            "project": PROJECT, "profile": "simulated", "server": "farm-1",
            "candidates": candidates, "apply": apply
        });
        let answer = site.native("POST", "/devices/discover", &body.to_string()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["found"].as_array().unwrap().clone()
    };
    let found = discover(&["10.0.0.1:5555"], false).await;
    assert_eq!((&found[0]["what"], &found[0]["model"]), (&"new".into(), &"Simulated".into()));
    let id = found[0]["id"].as_str().unwrap().to_owned();
    site.native("GET", &format!("/devices/{id}"), "").await.problem(404, "not_found");

    assert_eq!(discover(&["10.0.0.1:5555"], true).await[0]["id"], id);
    site.until("its adoption", async || site.shown(&id).await["adopted"] == true).await;
    let shown = site.shown(&id).await;
    assert_eq!((&shown["server"], &shown["container"]), (&"farm-1".into(), &"c-1".into()));
    let found = discover(&["10.0.0.1:5555"], true).await;
    assert_eq!((&found[0]["what"], &found[0]["id"]), (&"known".into(), &id.as_str().into()));

    // It answers at another address, and nobody at the old one.
    let other = discover(&["10.0.0.2:5555"], false).await[0]["id"].as_str().unwrap().to_owned();
    let project = fleet::ProjectId::new(PROJECT).unwrap();
    let principal = fleet::Principal::admin();
    let device = fleet::DeviceId::new(&*id).unwrap();
    let record = site.handle.reads().device(&principal, Some(&project), &device).await.unwrap();
    site.phones.set_marker(&other, &record[0].device.marker);
    site.phones.set_mood(&id, Mood::Off);
    let found = discover(&["10.0.0.2:5555"], true).await;
    assert_eq!((&found[0]["what"], &found[0]["id"]), (&"moved".into(), &id.as_str().into()));
    assert_eq!(found[0]["from"], "10.0.0.1:5555");
    assert_eq!(site.shown(&id).await["address"], "10.0.0.2:5555");

    site.phones.set_marker(&other, "ffffffffffffffffffffffffffffffff");
    assert_eq!(discover(&["10.0.0.2:5555"], false).await[0]["what"], "foreign");
    let unreachable = discover(&["10.0.0.1:5555"], false).await;
    assert_eq!(unreachable[0]["what"], "unreachable", "{unreachable:?}");

    let with = |key: &str, value: Value| {
        let mut body = json!({ "project": PROJECT, "profile": "simulated",
            "candidates": [{ "address": "10.0.0.1:5555" }] });
        body[key] = value;
        body.to_string()
    };
    let many = vec![json!({ "address": "10.0.0.1:5555" }); 1_025];
    for (body, status, code) in [
        (with("project", json!("nobody")), 404, "no_such_project"),
        (with("profile", json!("none")), 400, "invalid"),
        (with("candidates", json!([{ "address": "10.0.0.1" }])), 400, "invalid"),
        (with("candidates", json!([{}])), 400, "invalid"),
        (with("candidates", json!(many)), 400, "invalid"),
        (with("colour", json!("red")), 400, "invalid"),
    ] {
        site.native("POST", "/devices/discover", &body).await.problem(status, code);
    }
}
