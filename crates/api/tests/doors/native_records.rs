//! The native door: what is on record of cameras, who may register as one, and organizations.

use std::time::Duration;

use api::iss::request_id;
use engine::{CameraAsked, Credentials, Patch, Update, UpdateEntry};
use fleet::{Binding, DeviceId, Door, Operation, Principal, ProjectId, RequestId, Secret};
use serde_json::{Value, json};

use crate::cameras::{CAMERAS, CHANNEL, PASSWORD};
use crate::client::Answer;
use crate::site::{FOREIGN, PHONES, PROJECT, Site};

const START: &str = "2026-11-21T12:00:00.000Z";

/// Asks for other credentials of a camera.
async fn change(site: &Site, id: &str, body: Value) -> Answer {
    site.native("PUT", &format!("/devices/{id}/credentials"), &body.to_string()).await
}

/// The job of what was accepted.
async fn job(site: &Site, accepted: &Answer) -> Value {
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let id = accepted.json()["job"].as_str().unwrap().to_owned();
    site.native("GET", &format!("/jobs/{id}"), "").await.json()
}

/// Since when a camera's credentials hold, until when those before do, and which it uses.
async fn credentials(site: &Site, id: &str) -> Value {
    site.shown(id).await["camera"]["credentials"].clone()
}

/// Renews a camera's registration, by what is no longer on record.
async fn register_with_old(site: &Site, id: &str) {
    let key = site.camera_key(id).await;
    let known = site.handle.reads().camera(key).await.unwrap().unwrap();
    let binding = known.binding.unwrap();
    let refreshed_at = site.handle.now();
    let renewed = Binding { old_credentials: true, refreshed_at, ..binding };
    site.handle.bind(vec![renewed]).await.unwrap();
}

#[tokio::test]
async fn a_password_is_changed_with_a_job_that_never_says_it() {
    let site = Site::start().await.with_cameras().await;
    site.register(CAMERAS[0]).await;
    let id = CAMERAS[0];
    let current = json!({ "changed_at": null, "overlap_until": null, "in_use": "current" });
    assert_eq!(credentials(&site, id).await, current);

    site.clock.advance(Duration::from_secs(1));
    let new = "hunter3-of-the-gate";
    let body = json!({ "user": "gate", "password": new, "overlap_seconds": 60 });
    let job = job(&site, &change(&site, id, body).await).await;
    assert_eq!((&job["state"], &job["proof"]), (&"succeeded".into(), &"recorded".into()));
    assert_eq!((&job["patch"], &job["stored"]), (&json!({}), &false.into()));
    assert_eq!(job["record"], json!({ "User": "gate", "Pwd": "changed" }));
    let shown = site.shown(id).await;
    assert!(!shown.to_string().contains(new) && !job.to_string().contains(new));
    assert_eq!((&shown["camera"]["user"], &shown["open_jobs"]), (&"gate".into(), &json!([])));
    assert_eq!(
        shown["camera"]["credentials"],
        json!({ "changed_at": "2026-11-21T12:00:01.000Z",
                "overlap_until": "2026-11-21T12:01:01.000Z", "in_use": "not_renewed" })
    );
    let registrants = site.handle.registrants(vec![DeviceId::new(id).unwrap()]).await.unwrap();
    assert_eq!(registrants[0].password.expose(), new);

    // The same again changes nothing.
    site.clock.advance(Duration::from_secs(1));
    let before = credentials(&site, id).await;
    let body = json!({ "user": "gate", "password": new });
    assert_eq!(change(&site, id, body).await.status, 202);
    assert_eq!(credentials(&site, id).await, before);
    // It registers with them, then with those before.
    site.register(id).await;
    assert_eq!(credentials(&site, id).await["in_use"], "current");
    register_with_old(&site, id).await;
    assert_eq!(credentials(&site, id).await["in_use"], "old");
    // Of a later change that says nothing.
    site.clock.advance(Duration::from_secs(1));
    assert_eq!(change(&site, id, json!({ "password": "third-of-the-gate" })).await.status, 202);
    assert_eq!(credentials(&site, id).await["in_use"], "not_renewed");
}

#[tokio::test]
async fn credentials_that_can_not_be_are_refused_and_nothing_changes() {
    let site = Site::start().await.with_cameras().await;
    let before = site.shown(CAMERAS[0]).await;
    let secret = "opensesame";
    for (id, body, status, code) in [
        (CAMERAS[0], json!({}), 400, "invalid"),
        (CAMERAS[0], json!({ "overlap_seconds": 60 }), 400, "invalid"),
        (CAMERAS[0], json!({ "password": [secret] }), 400, "invalid"),
        (CAMERAS[0], json!({ "password": secret, "more": 1 }), 400, "invalid"),
        (CAMERAS[0], json!({ "password": "" }), 400, "property_invalid"),
        (CAMERAS[0], json!({ "password": format!("{secret}\n") }), 400, "property_invalid"),
        (CAMERAS[0], json!({ "password": secret.repeat(26) }), 400, "property_invalid"),
        (CAMERAS[0], json!({ "user": "a\"b" }), 400, "property_invalid"),
        (
            CAMERAS[0],
            json!({ "password": secret, "overlap_seconds": 30 * 24 * 3_600 + 1 }),
            400,
            "property_invalid",
        ),
        (PHONES[0], json!({ "password": secret }), 400, "invalid"),
        ("nobody", json!({ "password": secret }), 404, "not_found"),
    ] {
        let answer = change(&site, id, body.clone()).await;
        answer.problem(status, code);
        assert!(!answer.text.contains(secret), "{body}: {}", answer.text);
    }
    assert_eq!(site.shown(CAMERAS[0]).await, before);
    let registrants = vec![DeviceId::new(CAMERAS[0]).unwrap()];
    let registrants = site.handle.registrants(registrants).await.unwrap();
    assert_eq!(registrants[0].password.expose(), PASSWORD);
}

#[tokio::test]
async fn records_hold_at_once_for_a_camera_that_is_away_and_for_a_channel_by_its_id() {
    let site = Site::start().await.with_cameras().await;
    let set = json!({ "Desc": "lobby", "Ip": "10.0.0.9", "Port": "5060", "Manufacturer": "海康",
                      "Transport": "TCP", "Organization": "北京/海淀" });
    let devices = json!([
        { "id": CAMERAS[1], "set": set },
        { "id": CHANNEL, "set": { "Desc": "lens", "Organization": "北京" } },
    ]);
    let body = json!({ "project": PROJECT, "devices": devices }).to_string();
    let accepted = site.native("POST", "/updates", &body).await.json();
    let update = format!("/updates/{}", accepted["id"].as_str().unwrap());
    let update = site.native("GET", &update, "").await.json();
    assert_eq!((&update["jobs"]["succeeded"], &update["ended_at"]), (&2.into(), &START.into()));
    let job = format!("/jobs/{}", accepted["jobs"][0]["job"].as_str().unwrap());
    assert_eq!(site.native("GET", &job, "").await.json()["record"], set);

    let camera = site.shown(CAMERAS[1]).await["camera"].clone();
    assert_eq!(
        camera["record"],
        json!({ "description": "lobby", "ip": "10.0.0.9", "port": "5060", "manufacturer": "海康",
                "transport": "TCP" })
    );
    assert_eq!(camera["organization"]["path"], "北京/海淀");
    assert_eq!(camera["manufacturer"], Value::Null, "what it says itself is another thing");
    let channels = format!("/devices/{}/channels", CAMERAS[1]);
    let channel = site.native("GET", &channels, "").await.json()["channels"][0].clone();
    assert_eq!(
        (&channel["description"], &channel["organization"]["path"]),
        (&"lens".into(), &"北京".into())
    );
    assert_eq!(channel["name"], "gate");

    let body = json!({ "project": PROJECT, "devices": [
        { "id": CAMERAS[1], "set": { "Desc": "", "Organization": "" } } ] });
    assert_eq!(site.native("POST", "/updates", &body.to_string()).await.status, 200);
    let camera = site.shown(CAMERAS[1]).await["camera"].clone();
    assert_eq!(
        (&camera["record"]["description"], &camera["organization"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(camera["record"]["ip"], "10.0.0.9", "what is not named stays");
}

#[tokio::test]
async fn organizations_are_made_moved_listed_in_pages_and_deleted_when_empty() {
    let site = Site::start().await.with_cameras().await;
    let target = format!("/projects/{PROJECT}/organizations");
    let make =
        async |path: &str| site.native("POST", &target, &json!({ "path": path }).to_string()).await;
    let made = make("北京/海淀").await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        made,
        json!({ "id": id, "path": "北京/海淀", "created_at": START, "updated_at": START })
    );
    make("北京/海淀").await.problem(409, "organization_exists");
    for path in ["", "a//b", "1/2/3/4/5", &"x".repeat(65)] {
        let detail = make(path).await.problem(400, "invalid");
        assert!(detail.starts_with("path: "), "{detail}");
    }
    assert_eq!(make("a").await.status, 201);
    let page = async |query: &str| site.native("GET", &format!("{target}{query}"), "").await.json();
    let paths = |page: &Value| -> Vec<String> {
        let list = page["organizations"].as_array().unwrap().iter();
        list.map(|found| found["path"].as_str().unwrap().to_owned()).collect()
    };
    let all = page("").await;
    assert_eq!(
        (paths(&all), &all["total"], &all["next"]),
        (vec!["a".to_owned(), "北京/海淀".to_owned()], &2.into(), &Value::Null)
    );
    let first = page("?limit=1").await;
    assert_eq!(paths(&first), ["a"]);
    let next = first["next"].as_str().unwrap();
    let second = page(&format!("?limit=1&after={next}")).await;
    assert_eq!((paths(&second), &second["next"]), (vec!["北京/海淀".to_owned()], &Value::Null));

    site.clock.advance(Duration::from_secs(1));
    let one = format!("{target}/{id}");
    let moved = site.native("PATCH", &one, r#"{"path":"北京/昌平"}"#).await.json();
    assert_eq!(
        (&moved["path"], &moved["updated_at"]),
        (&"北京/昌平".into(), &"2026-11-21T12:00:01.000Z".into())
    );
    site.native("PATCH", &one, r#"{"path":"a"}"#).await.problem(409, "organization_exists");
    let body = json!({ "project": PROJECT, "devices": [
        { "id": CAMERAS[0], "set": { "Organization": "北京/昌平" } } ] });
    assert_eq!(site.native("POST", "/updates", &body.to_string()).await.status, 200);
    let filed = site.shown(CAMERAS[0]).await["camera"]["organization"].clone();
    assert_eq!(filed, json!({ "id": id, "path": "北京/昌平" }));
    let detail = site.native("DELETE", &one, "").await.problem(409, "organization_in_use");
    assert!(detail.contains("1 devices and channels"), "{detail}");
    assert_eq!(site.native("DELETE", &format!("/devices/{}", CAMERAS[0]), "").await.status, 204);
    assert_eq!(site.native("DELETE", &one, "").await.status, 204);
    site.native("DELETE", &one, "").await.problem(404, "no_such_organization");

    let elsewhere = format!("/projects/{FOREIGN}/organizations");
    assert_eq!(site.native("GET", &elsewhere, "").await.json()["total"], 0);
    for (method, target, body, status, code) in [
        ("GET", "/projects/nobody/organizations".to_owned(), "", 404, "no_such_project"),
        (
            "POST",
            "/projects/nobody/organizations".to_owned(),
            r#"{"path":"a"}"#,
            404,
            "no_such_project",
        ),
        ("GET", format!("{target}?limit=0"), "", 400, "invalid"),
        ("GET", format!("{target}?limit=1001"), "", 400, "invalid"),
        ("GET", format!("{target}?after=x"), "", 400, "invalid"),
        ("PATCH", format!("{target}/nothing"), r#"{"path":"b"}"#, 404, "no_such_organization"),
        ("POST", target.clone(), r#"{"path":["a"]}"#, 400, "invalid"),
    ] {
        site.native(method, &target, body).await.problem(status, code);
    }
}

#[tokio::test]
async fn a_deleted_camera_is_gone_and_its_jobs_are_there() {
    let site = Site::start().await.with_cameras().await;
    let devices = json!([{ "id": CAMERAS[0], "set": { "Name": "gate" } }]);
    let body = json!({ "project": PROJECT, "devices": devices }).to_string();
    let accepted = site.native("POST", "/updates", &body).await.json();
    let target = format!("/devices/{}", CAMERAS[0]);
    let elsewhere = format!("{target}?project={FOREIGN}");
    site.native("DELETE", &elsewhere, "").await.problem(404, "not_found");
    assert_eq!(site.native("DELETE", &target, "").await.status, 204);
    site.native("GET", &target, "").await.problem(404, "not_found");
    let job = format!("/jobs/{}", accepted["jobs"][0]["job"].as_str().unwrap());
    let job = site.native("GET", &job, "").await.json();
    assert_eq!((&job["state"], &job["device"]), (&"failed".into(), &CAMERAS[0].into()));
    assert_eq!(job["detail"], "the device's record was deleted");
}

#[tokio::test]
async fn an_update_by_iss_is_found_by_either_form_of_its_id() {
    let site = Site::start().await.with_cameras().await;
    let id: RequestId = site.handle.next_request_id();
    let entry = UpdateEntry {
        device: Ok(DeviceId::new(CAMERAS[0]).unwrap()),
        clear: false,
        patch: Ok(Patch::default()),
        camera: CameraAsked {
            credentials: Credentials {
                password: Some(Secret::new("12345678".to_owned())),
                ..Credentials::default()
            },
            ..CameraAsked::default()
        },
        if_revision: None,
    };
    let update = Update {
        call: id.into(),
        door: Door::Iss,
        project: ProjectId::new(PROJECT).unwrap(),
        kind: None,
        operation: Operation::Update,
        entries: vec![entry],
    };
    site.handle.update(&Principal::admin(), update).await.unwrap();
    let text = request_id::to_text(id);
    let ours = site.native("GET", &format!("/updates/{id}"), "").await.json();
    assert_eq!((&ours["iss_request_id"], &ours["door"]), (&text.as_str().into(), &"iss".into()));
    for form in [text.clone(), text.replace('=', "%3D")] {
        let found = site.native("GET", &format!("/updates/{form}"), "").await.json();
        assert_eq!(found, ours, "{form}");
        let jobs = site.native("GET", &format!("/updates/{form}/jobs"), "").await.json();
        assert_eq!(jobs["jobs"][0]["record"], json!({ "Pwd": "changed" }));
    }
    for none in ["NjBmOTVhOWZfOTBmYTUwNjRfN2I4OF8y", "Zm9v", "="] {
        site.native("GET", &format!("/updates/{none}"), "").await.problem(404, "not_found");
    }
}
