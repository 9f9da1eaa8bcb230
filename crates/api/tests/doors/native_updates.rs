//! The native door: updates of many devices, phones and cameras.

use fleet::{DeviceId, Operation, Principal, ProjectId};
use serde_json::{Value, json};
use store::write::DeviceChange;

use crate::cameras::{CAMERAS, CHANNEL};
use crate::client::Answer;
use crate::phones::Mood;
use crate::site::{FOREIGN_PHONE, PHONES, PROJECT, Site};

const NUMBER: &str = "sys.prop.writephonenum";

/// Asks for an update.
async fn ask(site: &Site, body: &Value) -> Answer {
    site.native("POST", "/updates", &body.to_string()).await
}

/// One that must be accepted, for the parts of these devices.
async fn update(site: &Site, devices: &Value) -> Value {
    let answer = ask(site, &json!({ "project": PROJECT, "devices": devices })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// An update as it is shown.
async fn shown(site: &Site, accepted: &Value) -> Value {
    let target = format!("/updates/{}", accepted["id"].as_str().unwrap());
    let answer = site.native("GET", &target, "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// The same once all of its jobs have ended.
async fn ended(site: &Site, accepted: &Value) -> Value {
    site.until("the end", async || shown(site, accepted).await["ended_at"].is_string()).await;
    shown(site, accepted).await
}

#[tokio::test]
async fn an_update_gives_each_device_its_own_values() {
    let site = Site::start().await.with_cameras().await;
    site.register(CAMERAS[0]).await;
    let accepted = update(
        &site,
        &json!([
            { "id": PHONES[0], "set": { NUMBER: "1" } },
            { "id": CAMERAS[0], "set": { "Name": "大门", "HeartBeatCount": "5" } },
            { "id": PHONES[0], "set": { NUMBER: "2" } },
            { "id": PHONES[1], "set": {} },
        ]),
    )
    .await;
    let devices: Vec<&Value> =
        accepted["jobs"].as_array().unwrap().iter().map(|job| &job["device"]).collect();
    assert_eq!(devices, [PHONES[0], CAMERAS[0], PHONES[0], PHONES[1]]);
    let update = ended(&site, &accepted).await;
    assert_eq!(
        update,
        json!({
            "id": accepted["id"], "iss_request_id": null, "project": PROJECT, "door": "native",
            "actor": "admin",
            "accepted_at": "2026-11-21T12:00:00.000Z", "ended_at": "2026-11-21T12:00:00.000Z",
            "jobs": { "total": 4, "pending": 0, "waiting": 0, "running": 0, "succeeded": 4,
                      "failed": 0 },
            "rollout": null, "rollout_id": null, "wave": null
        })
    );
    assert_eq!(site.phones.get(PHONES[0], NUMBER).as_deref(), Some("2"));
    assert_eq!(site.cameras.get(CAMERAS[0], "Name").as_deref(), Some("大门"));
    assert_eq!(site.cameras.get(CAMERAS[0], "HeartBeatCount").as_deref(), Some("5"));
    let job = format!("/jobs/{}", accepted["jobs"][1]["job"].as_str().unwrap());
    let job = site.native("GET", &job, "").await.json();
    assert_eq!((&job["state"], &job["proof"]), (&"succeeded".into(), &"verified".into()));
    assert_eq!((&job["request"], &job["stored"]), (&accepted["id"], &false.into()));
}

#[tokio::test]
async fn a_device_is_refused_alone_with_code_property_and_reason() {
    let site = Site::start().await.with_cameras().await;
    let freeze = async |id: &str| {
        let (project, id) = (ProjectId::new(PROJECT).unwrap(), DeviceId::new(id).unwrap());
        let frozen = DeviceChange::Frozen(true);
        site.handle.change_device(&Principal::admin(), &project, &id, frozen).await.unwrap();
    };
    freeze(PHONES[1]).await;
    freeze(CAMERAS[1]).await;
    let other = format!("Channel.{CHANNEL}.Name");
    let long = "长".repeat(65);
    let rows = [
        ("nobody", json!({ NUMBER: "1" }), "no_such_device", None, "no such device"),
        (FOREIGN_PHONE, json!({}), "no_such_device", None, "no such device"),
        (PHONES[0], json!({ "Nmae": "1" }), "property_unsupported", Some("Nmae"), "Nmae"),
        (
            PHONES[0],
            json!({ "com.cph.mainkeys": "7" }),
            "property_invalid",
            Some("com.cph.mainkeys"),
            "allowed: ",
        ),
        (PHONES[1], json!({ NUMBER: "1" }), "frozen", None, "frozen"),
        (CAMERAS[1], json!({ "Name": "x" }), "frozen", None, "frozen"),
        (
            CAMERAS[0],
            json!({ "Name": "x", "com.cph.mainkeys": "1" }),
            "property_unsupported",
            Some("com.cph.mainkeys"),
            "com.cph.mainkeys",
        ),
        (CAMERAS[0], json!({ "Name": "" }), "property_invalid", Some("Name"), "1 to 64 characters"),
        (CAMERAS[0], json!({ "Name": long }), "property_invalid", Some("Name"), "1 to 64"),
        (CAMERAS[0], json!({ "Name": "a\nb" }), "property_invalid", Some("Name"), "control"),
        (
            CAMERAS[0],
            json!({ "HeartBeatInterval": "4" }),
            "property_invalid",
            Some("HeartBeatInterval"),
            "5",
        ),
        // Another's channel is none of its own.
        (CAMERAS[0], json!({ &other: "x" }), "property_unsupported", Some(other.as_str()), CHANNEL),
    ];
    let mut devices: Vec<Value> =
        rows.iter().map(|(id, set, ..)| json!({ "id": id, "set": set })).collect();
    devices.push(json!({ "id": PHONES[2], "set": { NUMBER: "1" } }));
    let accepted = update(&site, &json!(devices)).await;
    for (number, (id, set, code, property, part)) in rows.iter().enumerate() {
        let refused = &accepted["jobs"][number];
        assert_eq!((&refused["device"], refused.get("job")), (&(*id).into(), None), "{refused}");
        let error = &refused["error"];
        assert_eq!(
            (&error["code"], error.get("property")),
            (&(*code).into(), property.map(Value::from).as_ref()),
            "{set}: {error}"
        );
        assert!(error["detail"].as_str().unwrap().contains(part), "{set}: {error}");
    }
    assert_eq!(ended(&site, &accepted).await["jobs"]["total"], 1, "the others go on");
    assert_eq!(site.phones.get(PHONES[2], NUMBER).as_deref(), Some("1"));
    for id in [CAMERAS[0], PHONES[0]] {
        assert_eq!(site.shown(id).await["revision"], 0, "{id}");
    }

    // A device with as many open jobs as it may have is busy, and nothing is kept of an update all
    // of whose devices were refused.
    let many = vec![json!({ "id": CAMERAS[0], "set": { "Name": "x" } }); 65];
    let jobs = update(&site, &json!(many)).await["jobs"].clone();
    assert!(jobs[63]["job"].is_string(), "{}", jobs[63]);
    assert_eq!(jobs[64]["error"]["code"], "busy");
    let refused = update(&site, &json!([{ "id": "nobody", "set": {} }])).await;
    let target = format!("/updates/{}", refused["id"].as_str().unwrap());
    site.native("GET", &target, "").await.problem(404, "not_found");
}

#[tokio::test]
async fn an_update_of_one_kind_finds_no_other() {
    let site = Site::start().await.with_cameras().await;
    let devices = json!([{ "id": CAMERAS[0], "set": {} }, { "id": PHONES[0], "set": {} }]);
    for (kind, unknown) in [("phone", 0), ("camera", 1)] {
        let body = json!({ "project": PROJECT, "kind": kind, "devices": devices });
        let jobs = ask(&site, &body).await.json()["jobs"].clone();
        assert_eq!(jobs[unknown]["error"]["code"], "no_such_device", "{jobs}");
        assert!(jobs[1 - unknown]["job"].is_string(), "{jobs}");
    }
}

#[tokio::test]
async fn a_restart_comes_with_its_values_and_is_for_phones() {
    let site = Site::start().await.with_cameras().await;
    let devices = json!([{ "id": PHONES[0], "set": { "com.cph.mainkeys": "1" } },
                         { "id": CAMERAS[0], "set": { "Name": "x" } }]);
    let body = json!({ "project": PROJECT, "restart": true, "devices": devices });
    let accepted = ask(&site, &body).await.json();
    let error = &accepted["jobs"][1]["error"];
    assert_eq!(error["code"], "no_such_device");
    assert_eq!(error["detail"], "no such phone, and no camera can be restarted");
    assert_eq!(ended(&site, &accepted).await["jobs"]["succeeded"], 1);
    assert_eq!(site.phones.told(PHONES[0]), [Operation::Restart]);
    assert_eq!(site.shown(PHONES[0]).await["states"]["com.cph.mainkeys"], "shown");
    let body = json!({ "project": PROJECT, "kind": "camera", "restart": true, "devices": devices });
    let detail = ask(&site, &body).await.problem(400, "invalid");
    assert_eq!(detail, "restart: no camera can be restarted");
}

#[tokio::test]
async fn a_camera_that_is_not_registered_takes_its_value_when_it_is() {
    let site = Site::start().await.with_cameras().await;
    let accepted = update(&site, &json!([{ "id": CAMERAS[0], "set": { "Name": "gate" } }])).await;
    site.until("the wait", async || shown(&site, &accepted).await["jobs"]["waiting"] == 1).await;
    let job = format!("/jobs/{}", accepted["jobs"][0]["job"].as_str().unwrap());
    let waits = site.native("GET", &job, "").await.json();
    assert_eq!((&waits["stored"], &waits["state"]), (&true.into(), &"waiting_for_device".into()));
    assert_eq!(waits["detail"], "not registered: never was");
    assert_eq!(site.shown(CAMERAS[0]).await["name"], "gate", "our name is a record of ours");
    assert_eq!(site.cameras.get(CAMERAS[0], "Name"), None);
    site.register(CAMERAS[0]).await;
    assert_eq!(ended(&site, &accepted).await["jobs"]["succeeded"], 1);
    assert_eq!(site.cameras.get(CAMERAS[0], "Name").as_deref(), Some("gate"));
}

#[tokio::test]
async fn one_channel_is_renamed_and_its_neighbours_keep_their_names() {
    let site = Site::start().await.with_cameras().await;
    site.register(CAMERAS[1]).await;
    let key = site.camera_key(CAMERAS[1]).await;
    let other = DeviceId::new("34020000001310000022").unwrap();
    site.handle.record_channels(key, vec![(other, Default::default())], false).await.unwrap();
    let property = format!("Channel.{CHANNEL}.Name");
    let accepted =
        update(&site, &json!([{ "id": CAMERAS[1], "set": { &property: "后院" } }])).await;
    assert_eq!(ended(&site, &accepted).await["jobs"]["succeeded"], 1);
    let listed = site.native("GET", &format!("/devices/{}/channels", CAMERAS[1]), "").await.json();
    let names: Vec<&Value> =
        listed["channels"].as_array().unwrap().iter().map(|channel| &channel["name"]).collect();
    assert_eq!(names, [&json!("后院"), &Value::Null]);
    assert_eq!(site.cameras.get(CAMERAS[1], &property).as_deref(), Some("后院"));
}

#[tokio::test]
async fn the_jobs_of_an_update_are_counted_and_listed_page_by_page() {
    let site = Site::start().await;
    site.phones.set_mood(PHONES[0], Mood::Refuses);
    let devices: Vec<Value> =
        PHONES[..3].iter().map(|id| json!({ "id": id, "set": { NUMBER: "1" } })).collect();
    let accepted = update(&site, &json!(devices)).await;
    let counts = ended(&site, &accepted).await["jobs"].clone();
    assert_eq!((&counts["succeeded"], &counts["failed"]), (&2.into(), &1.into()));
    let target = format!("/updates/{}/jobs", accepted["id"].as_str().unwrap());
    let page = async |query: &str| {
        let answer = site.native("GET", &format!("{target}{query}"), "").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let all = page("").await;
    assert_eq!(all["next"], Value::Null);
    let jobs = all["jobs"].as_array().unwrap();
    let ids: Vec<&Value> = jobs.iter().map(|job| &job["device"]).collect();
    assert_eq!(ids, &PHONES[..3]);
    let detail = jobs[0]["detail"].as_str().unwrap();
    assert!(detail.contains(NUMBER) && detail.contains("permission denied"), "{detail}");
    let first = page("?limit=2").await;
    assert_eq!(first["jobs"].as_array().unwrap()[..], jobs[..2]);
    let next = first["next"].as_str().unwrap();
    let second = page(&format!("?limit=2&after={next}")).await;
    assert_eq!((&second["jobs"], &second["next"]), (&json!([jobs[2]]), &Value::Null));
    assert_eq!(page("?limit=3").await["next"], Value::Null);
    assert_eq!(page("?after=0.9").await["jobs"], json!([]));

    // One of the vendor's door is an update too.
    let body = json!({ "phones": [{ "phone_id": PHONES[1], "property": "{}" }] }).to_string();
    let came = json!({ "id": site.update(&body).await.json()["request_id"] });
    let shown = ended(&site, &came).await;
    assert_eq!((&shown["door"], &shown["jobs"]["succeeded"]), (&"cph".into(), &1.into()));

    let job = accepted["jobs"][0]["job"].as_str().unwrap();
    for (target, status, code) in [
        ("/updates/x".to_owned(), 404, "not_found"),
        ("/updates/00000000000000000000000000000000".to_owned(), 404, "not_found"),
        (format!("/updates/{job}"), 404, "not_found"),
        (format!("/updates/{job}/jobs"), 404, "not_found"),
        ("/updates/00000000000000000000000000000000/jobs".to_owned(), 404, "not_found"),
        ("/updates/00000000000000000000000000000000/jobs?after=0.1".to_owned(), 404, "not_found"),
        (format!("{target}?limit=0"), 400, "invalid"),
        (format!("{target}?limit=1001"), 400, "invalid"),
        (format!("{target}?after=x"), 400, "invalid"),
        (format!("{target}?colour=red"), 400, "invalid"),
    ] {
        site.native("GET", &target, "").await.problem(status, code);
    }
}

#[tokio::test]
async fn whole_updates_are_refused_by_rule_and_nothing_changes() {
    let site = Site::start().await;
    let before = site.fingerprint().await;
    let good = json!({ "id": PHONES[0], "set": { NUMBER: "1" } });
    let of = |bad: Value| json!({ "project": PROJECT, "devices": [good, bad] }).to_string();
    let with = |key: &str, value: Value| {
        let mut body = json!({ "project": PROJECT, "devices": [good] });
        body[key] = value;
        body.to_string()
    };
    let selecting = |more: Value| {
        let mut body = json!({ "project": PROJECT, "selector": {}, "set": { NUMBER: "1" } });
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        body.to_string()
    };
    let twice = format!(
        r#"{{"project":"{PROJECT}","devices":[{{"id":"a","set":{{"Name":"x","Name":"y"}}}}]}}"#
    );
    for (body, status, code, part) in [
        (String::new(), 400, "invalid", "EOF"),
        ("[]".to_owned(), 400, "invalid", ""),
        ("{}".to_owned(), 400, "invalid", "missing field `project`"),
        (json!({ "project": PROJECT }).to_string(), 400, "invalid", "devices: is missing"),
        (with("selector", json!({})), 400, "invalid", "selector: can't be given together"),
        (with("after", json!("1")), 400, "invalid", "after, limit: are of a dry run"),
        (with("rollout", json!({ "wave": 0 })), 400, "invalid", "rollout.wave: must be 1 to 8096"),
        (with("set", json!({ NUMBER: 1 })), 400, "invalid", "set, sys"),
        (selecting(json!({})), 400, "invalid", "kind: is missing"),
        (selecting(json!({ "kind": "phone", "set": {} })), 400, "invalid", "set: is empty"),
        (
            selecting(json!({ "kind": "phone", "selector": { "colour": "red" } })),
            400,
            "invalid",
            "unknown field `colour`",
        ),
        (
            selecting(json!({ "kind": "phone", "selector": { "organization": "a//b" } })),
            400,
            "invalid",
            "selector.organization: level 2",
        ),
        (
            selecting(json!({ "kind": "phone", "selector": { "servers": ["nowhere"] } })),
            409,
            "none_found",
            "no device fits",
        ),
        (with("devices", json!([])), 400, "invalid", "devices: is empty"),
        (with("devices", json!({})), 400, "invalid", "a list of devices"),
        (with("devices", json!(vec![&good; 8_097])), 400, "invalid", "more than 8096 devices"),
        (with("project", json!("nobody")), 404, "no_such_project", "no such project: nobody"),
        (with("kind", json!("toaster")), 400, "invalid", "unknown variant `toaster`"),
        (with("restart", json!("yes")), 400, "invalid", "expected a boolean"),
        (with("colour", json!("red")), 400, "invalid", "unknown field `colour`"),
        (of(json!(7)), 400, "invalid", "device 2: invalid type"),
        (of(json!({ "set": {} })), 400, "invalid", "device 2: missing field `id`"),
        (of(json!({ "id": PHONES[1] })), 400, "invalid", "device 2: missing field `set`"),
        (of(json!({ "id": "x".repeat(33), "set": {} })), 400, "invalid", "device 2: device id has"),
        (
            of(json!({ "id": PHONES[1], "set": { NUMBER: 7 } })),
            400,
            "invalid",
            "device 2: set, sys",
        ),
        (of(json!({ "id": PHONES[1], "set": [] })), 400, "invalid", "an object of values"),
        (of(json!({ "id": PHONES[1], "set": {}, "x": 1 })), 400, "invalid", "device 2: unknown"),
        (twice, 400, "invalid", "device 1: set, Name: stands there twice"),
    ] {
        let detail = site.native("POST", "/updates", &body).await.problem(status, code);
        assert!(detail.contains(part), "{part}: {detail}");
    }
    site.native("PUT", "/updates", "").await.problem(405, "method_not_allowed");
    site.unsigned("POST", "/api/v1/updates").await.problem(401, "unauthorized");
    assert_eq!(site.fingerprint().await, before);
}
