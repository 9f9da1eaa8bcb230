//! The native door: cameras, their channels, and registrations that were refused.

use std::net::SocketAddr;
use std::time::Duration;

use engine::{RefusedRegistration, RegistrationFault};
use fleet::{DeviceId, Facts, Offline, Push, PushOutcome, ReportedChannel, Revision, SipTransport};
use serde_json::{Value, json};

use crate::cameras::{CAMERAS, CHANNEL, PASSWORD};
use crate::site::{FOREIGN, PHONES, PROJECT, Site};

/// A camera to import.
fn camera(id: &str) -> Value {
    json!({ "kind": "camera", "project": PROJECT, "id": id, "name": "gate" })
}

/// Imports devices.
async fn import(site: &Site, devices: &Value) -> crate::client::Answer {
    site.native("POST", "/devices/import", &devices.to_string()).await
}

#[tokio::test]
async fn cameras_are_imported_beside_phones_and_no_password_is_ever_told() {
    let site = Site::start().await;
    let mut first = camera(CAMERAS[0]);
    first["user"] = json!("gatekeeper");
    first["password"] = json!(PASSWORD);
    first["channels"] = json!([{ "id": CHANNEL, "name": "lens" }]);
    let mut second = camera(CAMERAS[1]);
    second["profile"] = json!("dahua");
    let phone = json!({ "kind": "phone", "project": PROJECT, "id": "one", "name": "desk 1",
                        "address": "10.0.0.7:5555", "profile": "simulated" });
    let answer = import(&site, &json!([first, phone, second])).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "new": 3, "updated": 0 })));
    let shown = site.shown(CAMERAS[0]).await;
    assert_eq!(
        (&shown["profile"], &shown["camera"]["user"]),
        (&"generic".into(), &"gatekeeper".into())
    );
    assert_eq!(shown["camera"]["has_password"], true);
    assert!(!shown.to_string().contains(PASSWORD));
    let shown = site.shown(CAMERAS[1]).await;
    assert_eq!((&shown["profile"], &shown["camera"]["user"]), (&"dahua".into(), &Value::Null));
    assert_eq!(shown["camera"]["has_password"], false);

    // What is left out stays.
    let answer = import(&site, &json!([camera(CAMERAS[0])])).await;
    assert_eq!(answer.json(), json!({ "new": 0, "updated": 1 }));
    let kept = site.shown(CAMERAS[0]).await["camera"].clone();
    assert_eq!((&kept["user"], &kept["has_password"]), (&"gatekeeper".into(), &true.into()));
    let registrant = site.handle.registrants(vec![DeviceId::new(CAMERAS[0]).unwrap()]).await;
    assert_eq!(registrant.unwrap()[0].password.expose(), PASSWORD);
}

#[tokio::test]
async fn an_import_of_cameras_is_refused_with_entry_and_field() {
    let site = Site::start().await.with_cameras().await;
    let new = "34020000001320000009";
    let with = |key: &str, value: Value| {
        let mut camera = camera(new);
        camera[key] = value;
        camera
    };
    let channel = |id: &str, name: &str| json!([{ "id": id, "name": name }]);
    let mut nameless = camera(new);
    nameless.as_object_mut().unwrap().remove("name");
    let mut foreign = camera(CAMERAS[0]);
    foreign["project"] = json!(FOREIGN);
    let phones = json!({ "kind": "phone", "project": PROJECT, "id": CAMERAS[0], "name": "x",
                         "address": "10.0.0.7:5555", "profile": "simulated" });
    let secret = "opensesame";
    for (bad, status, code, part) in [
        (nameless, 400, "invalid", "device 2: missing field `name`"),
        (with("id", json!("cam-1")), 400, "invalid", "device 2 (cam-1), id: "),
        (
            with("address", json!("10.0.0.7:80")),
            400,
            "invalid",
            "device 2: unknown field `address`",
        ),
        (with("server", json!("")), 400, "invalid", "device 2: unknown field `server`"),
        (with("container", json!("c")), 400, "invalid", "device 2: unknown field `container`"),
        (with("name", json!("")), 400, "invalid", ", name: is empty"),
        (with("user", json!("")), 400, "invalid", ", user: is empty"),
        (with("user", json!("a\"b")), 400, "invalid", ", user: "),
        (with("password", json!([secret])), 400, "invalid", "device 2: password is not a text"),
        (with("password", json!({ secret: 1 })), 400, "invalid", "device 2: password is not"),
        (with("password", json!(format!("{secret}\n"))), 400, "invalid", ", password: "),
        (with("password", json!(secret.repeat(26))), 400, "invalid", ", password: "),
        (with("profile", json!("simulated")), 400, "invalid", ", profile: no profile"),
        (with("channels", channel("21", "x")), 400, "invalid", ", channel id: "),
        (
            with("channels", channel(CHANNEL, "")),
            400,
            "invalid",
            &format!("channel {CHANNEL}, name"),
        ),
        (with("channels", json!([{ "id": CHANNEL }])), 400, "invalid", "missing field `name`"),
        (foreign, 409, "exists", CAMERAS[0]),
        (phones, 409, "kind_differs", CAMERAS[0]),
    ] {
        let answer = import(&site, &json!([camera("34020000001320000008"), bad])).await;
        let detail = answer.problem(status, code);
        assert!(detail.contains(part), "{bad}: {detail}");
        assert!(!answer.text.contains(secret), "{answer:?}");
        for id in [new, "34020000001320000008"] {
            site.native("GET", &format!("/devices/{id}"), "").await.problem(404, "not_found");
        }
    }
}

#[tokio::test]
async fn a_camera_is_shown_with_where_it_is_and_why_it_is_not_there() {
    let site = Site::start().await.with_cameras().await;
    let target = format!("/devices/{}", CAMERAS[0]);
    let shown = site.native("GET", &target, "").await;
    insta::assert_snapshot!(shown.text, @r#"{"project":"0123456789abcdef0123456789abcdef","id":"34020000001320000001","kind":"camera","name":"门口 01","profile":"generic","condition":"awaited","since":"2026-11-21T12:00:00.000Z","trouble":null,"attention":null,"frozen":false,"camera":{"status":"Register","user":null,"has_password":true,"credentials":{"changed_at":null,"overlap_until":null,"in_use":null},"record":{"description":null,"ip":null,"port":null,"manufacturer":null,"transport":null},"organization":null,"transport":null,"remote":null,"registered_at":null,"refreshed_at":null,"expires_at":null,"version":null,"offline":null,"reported_name":null,"manufacturer":null,"model":null,"firmware":null,"channels":0},"facts":{},"revision":0,"settled":0,"desired":{},"states":{},"reported":{},"drift":[],"open_jobs":[],"created_at":"2026-11-21T12:00:00.000Z","updated_at":"2026-11-21T12:00:00.000Z","tags":{}}"#);

    site.register(CAMERAS[0]).await;
    let key = site.camera_key(CAMERAS[0]).await;
    let facts = [
        (Facts::MANUFACTURER, "Hikvision"),
        (Facts::MODEL, "DS-2CD2T45"),
        (Facts::FIRMWARE, "V5.7.3"),
        (Facts::NAME, "Camera 01"),
    ];
    let facts = facts.map(|(name, value)| (name.to_owned(), value.to_owned()));
    site.handle.note_survey(key, Some(Facts(facts.into()))).await.unwrap();
    let online = site.shown(CAMERAS[0]).await["camera"].clone();
    assert_eq!(
        online,
        json!({
            "status": "OnLine", "user": null, "has_password": true,
            "credentials": { "changed_at": null, "overlap_until": null, "in_use": "current" },
            "record": { "description": null, "ip": null, "port": null, "manufacturer": null,
                        "transport": null },
            "organization": null, "transport": "udp",
            "remote": "192.0.2.10:5062", "registered_at": "2026-11-21T12:00:00.000Z",
            "refreshed_at": "2026-11-21T12:00:00.000Z", "expires_at": "2026-11-21T13:00:00.000Z",
            "version": "3.0", "offline": null, "reported_name": "Camera 01",
            "manufacturer": "Hikvision", "model": "DS-2CD2T45", "firmware": "V5.7.3", "channels": 0
        })
    );

    site.clock.advance(Duration::from_secs(3_600));
    let expired = site.shown(CAMERAS[0]).await["camera"].clone();
    assert_eq!(
        (&expired["status"], &expired["remote"]),
        (&"OffLine".into(), &"192.0.2.10:5062".into())
    );
    assert_eq!(
        expired["offline"],
        json!({ "at": "2026-11-21T13:00:00.000Z", "why": "expired",
                "text": "its registration ran out" })
    );
    site.unregister(CAMERAS[0], Offline::KeepalivesMissed).await;
    let missed = site.shown(CAMERAS[0]).await["camera"].clone();
    assert_eq!(missed["status"], "OffLine");
    assert_eq!(missed["offline"]["why"], "keepalives_missed");
    assert_eq!(site.shown(PHONES[0]).await["camera"], Value::Null);
}

#[tokio::test]
async fn cameras_are_listed_and_counted_by_how_they_are_registered() {
    let site = Site::start().await.with_cameras().await;
    site.register(CAMERAS[0]).await;
    let ids = async |query: &str| -> Vec<String> {
        let found = site.native("GET", &format!("/devices?{query}"), "").await.json();
        let devices = found["devices"].as_array().unwrap();
        devices.iter().map(|device| device["id"].as_str().unwrap().to_owned()).collect()
    };
    let counts =
        async || site.native("GET", &format!("/projects/{PROJECT}/credentials"), "").await.json();
    assert_eq!(ids("status=OnLine").await, [CAMERAS[0]]);
    assert_eq!(ids("status=Register").await, [CAMERAS[1]]);
    assert_eq!(ids("status=Register&status=OnLine").await, &CAMERAS[..2]);
    assert!(ids("status=OnLine&kind=phone").await.is_empty());
    assert_eq!(ids("credentials=current").await, [CAMERAS[0]]);
    let expected = json!({ "current": 1, "old": 0, "not_renewed": 0, "offline": 1,
                           "overlap_until": null });
    assert_eq!(counts().await, expected);

    site.clock.advance(Duration::from_secs(1));
    let new = json!({ "password": "another 1", "overlap_seconds": 3_600 }).to_string();
    let target = format!("/devices/{}/credentials", CAMERAS[0]);
    assert_eq!(site.native("PUT", &target, &new).await.status, 202);
    assert_eq!(ids("credentials=not_renewed&credentials=old").await, [CAMERAS[0]]);
    let expected = json!({ "current": 0, "old": 0, "not_renewed": 1, "offline": 1,
                           "overlap_until": "2026-11-21T13:00:01.000Z" });
    assert_eq!(counts().await, expected);

    site.unregister(CAMERAS[0], Offline::Unregistered).await;
    assert_eq!(ids("status=OffLine").await, [CAMERAS[0]]);
    assert!(ids("credentials=not_renewed").await.is_empty(), "it is not registered");
    let file = site.native("GET", "/devices/export?format=jsonl&status=OffLine", "").await.text;
    assert!(file.contains(CAMERAS[0]) && !file.contains(CAMERAS[1]), "{file}");
    let body = json!({ "project": PROJECT, "kind": "camera", "set": { "Name": "x" },
                       "selector": { "statuses": ["Register"] }, "dry_run": true });
    let told = site.native("POST", "/updates", &body.to_string()).await.json();
    assert_eq!(told["devices"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!(told["devices"][0]["id"], CAMERAS[1]);
    for (query, part) in
        [("status=online", "status: unknown camera status"), ("credentials=x", "credentials: ")]
    {
        let answer = site.native("GET", &format!("/devices?{query}"), "").await;
        let detail = answer.problem(400, "invalid");
        assert!(detail.contains(part), "{detail}");
    }
    let unknown = site.native("GET", "/projects/nobody/credentials", "").await;
    unknown.problem(404, "no_such_project");
}

#[tokio::test]
async fn what_a_camera_shows_is_told_from_what_it_only_took() {
    let site = Site::start().await.with_cameras().await;
    site.register(CAMERAS[0]).await;
    let update = async |set: Value| {
        let devices = json!([{ "id": CAMERAS[0], "set": set }]);
        let body = json!({ "project": PROJECT, "devices": devices }).to_string();
        let answer = site.native("POST", "/updates", &body).await.json();
        let update = format!("/updates/{}", answer["id"].as_str().unwrap());
        let shown = async || site.native("GET", &update, "").await.json();
        site.until("the end", async || shown().await["ended_at"].is_string()).await;
        shown().await["jobs"].clone()
    };
    assert_eq!(update(json!({ "Name": "大门" })).await["succeeded"], 1);
    let shown = site.shown(CAMERAS[0]).await;
    assert_eq!(
        (&shown["name"], &shown["camera"]["reported_name"]),
        (&"大门".into(), &"大门".into())
    );
    assert_eq!((&shown["states"]["Name"], &shown["drift"]), (&"shown".into(), &json!([])));

    site.cameras.decline(CAMERAS[0], "Result ERROR");
    assert_eq!(update(json!({ "Name": "后门" })).await["failed"], 1);
    let shown = site.shown(CAMERAS[0]).await;
    assert_eq!(
        (&shown["name"], &shown["camera"]["reported_name"]),
        (&"后门".into(), &"大门".into())
    );
    assert_eq!((&shown["states"]["Name"], &shown["drift"]), (&"drift".into(), &json!(["Name"])));
}

#[tokio::test]
async fn devices_are_listed_by_kind() {
    let site = Site::start().await.with_cameras().await;
    let list = async |query: &str| {
        let answer = site.native("GET", &format!("/devices?project={PROJECT}&{query}"), "").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        let devices = body["devices"].as_array().unwrap().iter();
        devices.map(|device| device["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list("kind=camera").await, CAMERAS);
    assert_eq!(list("kind=phone").await, PHONES);
    assert_eq!(list("kind=camera&condition=awaited").await, CAMERAS);
    assert_eq!(list("").await.len(), CAMERAS.len() + PHONES.len());
    site.native("GET", "/devices?kind=toaster", "").await.problem(400, "invalid");
}

#[tokio::test]
async fn channels_have_our_name_and_theirs_and_come_in_pages() {
    let site = Site::start().await.with_cameras().await;
    let key = site.camera_key(CAMERAS[1]).await;
    let said = |name: &str, status: &str| ReportedChannel {
        name: name.to_owned(),
        status: status.to_owned(),
        civil_code: "340200".to_owned(),
        parent: CAMERAS[1].to_owned(),
        ..ReportedChannel::default()
    };
    let other = "34020000001310000022";
    let channels = vec![
        (DeviceId::new(CHANNEL).unwrap(), said("Camera 21", "ON")),
        (DeviceId::new(other).unwrap(), said("", "OFF")),
    ];
    site.handle.record_channels(key, channels, true).await.unwrap();
    let target = format!("/devices/{}/channels", CAMERAS[1]);
    let listed = site.native("GET", &target, "").await;
    insta::assert_snapshot!(listed.text, @r#"{"channels":[{"id":"34020000001310000021","name":"gate","description":null,"organization":null,"reported_name":"Camera 21","manufacturer":null,"model":null,"status":"ON","parent":"34020000001180000002","civil_code":"340200","address":null,"seen_at":"2026-11-21T12:00:00.000Z","missed":0},{"id":"34020000001310000022","name":null,"description":null,"organization":null,"reported_name":null,"manufacturer":null,"model":null,"status":"OFF","parent":"34020000001180000002","civil_code":"340200","address":null,"seen_at":"2026-11-21T12:00:00.000Z","missed":0}],"next":null}"#);
    assert_eq!(site.shown(CAMERAS[1]).await["camera"]["channels"], 2);

    let page = site.native("GET", &format!("{target}?limit=1"), "").await.json();
    assert_eq!((&page["channels"][0]["id"], &page["next"]), (&CHANNEL.into(), &CHANNEL.into()));
    let page = site.native("GET", &format!("{target}?limit=1&after={CHANNEL}"), "").await.json();
    assert_eq!((&page["channels"][0]["id"], &page["next"]), (&other.into(), &Value::Null));
    let none = site.native("GET", &format!("/devices/{}/channels", CAMERAS[0]), "").await.json();
    assert_eq!(none, json!({ "channels": [], "next": null }));

    let phone = format!("/devices/{}/channels", PHONES[0]);
    let detail = site.native("GET", &phone, "").await.problem(400, "invalid");
    assert_eq!(detail, format!("device {} is a phone: only a camera has channels", PHONES[0]));
    for (target, status, code) in [
        ("/devices/nobody/channels".to_owned(), 404, "not_found"),
        (format!("{target}?limit=0"), 400, "invalid"),
        (format!("{target}?limit=1001"), 400, "invalid"),
        (format!("{target}?after=a%0Ab"), 400, "invalid"),
        (format!("{target}?colour=red"), 400, "invalid"),
        (format!("{target}?project={FOREIGN}"), 404, "not_found"),
    ] {
        site.native("GET", &target, "").await.problem(status, code);
    }
}

#[tokio::test]
async fn what_only_a_phone_can_undergo_is_refused_for_a_camera_with_the_reason() {
    let site = Site::start().await.with_cameras().await;
    let id = CAMERAS[0];
    let before = site.shown(id).await;
    for (method, verb, part) in [
        ("POST", "restart", "nothing here can restart one"),
        ("POST", "reset", "nothing here can reset one"),
        ("POST", "stop", "nothing here can stop one"),
        ("POST", "adopt", "a camera is not adopted"),
        ("POST", "mark-stopped", "a camera is not marked as stopped"),
        ("POST", "mark-started", "a camera is not marked as stopped or started"),
        ("GET", "start-args", "only a phone runs in a container"),
    ] {
        let answer = site.native(method, &format!("/devices/{id}/{verb}"), "").await;
        let detail = answer.problem(400, "invalid");
        assert!(detail.starts_with(&format!("device {id}")) && detail.contains(part), "{detail}");
    }
    let body = json!({ "project": PROJECT, "profile": "generic",
                       "candidates": [{ "address": "192.0.2.10:5060" }] });
    let answer = site.native("POST", "/devices/discover", &body.to_string()).await;
    let detail = answer.problem(400, "invalid");
    assert!(detail.contains("for a phone"), "{detail}");
    assert_eq!(site.shown(id).await, before);
    for (verb, frozen) in [("freeze", true), ("unfreeze", false)] {
        assert_eq!(site.ask(id, verb, "").await.status, 204);
        assert_eq!(site.shown(id).await["frozen"], frozen);
    }
}

#[tokio::test]
async fn refused_registrations_say_why_and_come_last_first() {
    let site = Site::start().await;
    let listed = async || site.native("GET", "/registrations/refused", "").await;
    assert_eq!(listed().await.json(), json!({ "registrations": [] }));
    let refuse = |id: &str, why: RegistrationFault, detail: &str| {
        let now = site.handle.now();
        site.handle.refuse_registration(RefusedRegistration {
            id: id.to_owned(),
            remote: SocketAddr::from(([192, 0, 2, 10], 5060)),
            transport: SipTransport::Tcp,
            why,
            detail: detail.to_owned(),
            count: 1,
            first_at: now,
            at: now,
        });
    };
    refuse(CAMERAS[0], RegistrationFault::WrongDigest, "digest without qop");
    refuse("nobody", RegistrationFault::UnknownId, "");
    site.clock.advance(Duration::from_secs(1));
    refuse(CAMERAS[0], RegistrationFault::WrongDigest, "digest without qop");
    insta::assert_snapshot!(listed().await.text, @r#"{"registrations":[{"id":"34020000001320000001","remote":"192.0.2.10:5060","transport":"tcp","why":"wrong_digest","text":"the digest does not fit the password on record","detail":"digest without qop","count":2,"first_at":"2026-11-21T12:00:00.000Z","at":"2026-11-21T12:00:01.000Z"},{"id":"nobody","remote":"192.0.2.10:5060","transport":"tcp","why":"unknown_id","text":"no device has this id","detail":"","count":1,"first_at":"2026-11-21T12:00:00.000Z","at":"2026-11-21T12:00:00.000Z"}]}"#);
    site.unsigned("GET", "/api/v1/registrations/refused").await.problem(401, "unauthorized");
}

#[tokio::test]
async fn a_value_that_a_camera_took_and_never_shows_is_acknowledged() {
    let site = Site::start().await.with_cameras().await;
    let devices = json!([{ "id": CAMERAS[0], "set": { "HeartBeatCount": "5" } }]);
    let body = json!({ "project": PROJECT, "devices": devices }).to_string();
    assert_eq!(site.native("POST", "/updates", &body).await.status, 200);
    let state = async || site.shown(CAMERAS[0]).await["states"]["HeartBeatCount"].clone();
    assert_eq!(state().await, "pending");
    site.cameras.hide(CAMERAS[0]);
    site.register(CAMERAS[0]).await;
    site.until("the job's end", async || site.shown(CAMERAS[0]).await["open_jobs"] == json!([]))
        .await;
    let key = site.camera_key(CAMERAS[0]).await;
    for (outcome, expected) in [
        (PushOutcome::Sent, "drift"),
        (PushOutcome::Acknowledged, "acknowledged"),
        (PushOutcome::Declined("no".to_owned()), "drift"),
    ] {
        let push = Push { revision: Revision(1), at: site.handle.now(), outcome };
        site.handle.note_push(key, push).await.unwrap();
        assert_eq!(state().await, expected);
    }
}
