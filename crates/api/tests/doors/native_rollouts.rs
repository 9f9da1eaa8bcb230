//! The native door: updates of a selection, in waves; what they would do; back again.

use fleet::{DeviceId, Principal, ProjectId};
use serde_json::{Value, json};
use store::write::ChangeTags;
use store::{Tag, Tagged};

use crate::phones::Mood;
use crate::site::{PHONES, PROJECT, Site};

const NUMBER: &str = "sys.prop.writephonenum";

/// A call that must be answered.
async fn call(site: &Site, method: &str, target: &str, body: &Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = site.native(method, target, &body).await;
    assert_eq!(answer.status, 200, "{target}: {answer:?}");
    answer.json()
}

/// Asks a value of the project's phones that a selector means.
fn asking(selector: &Value, value: &str) -> Value {
    json!({ "project": PROJECT, "kind": "phone", "selector": selector, "set": { NUMBER: value } })
}

/// The same in waves.
fn in_waves(value: &str, rollout: &Value) -> Value {
    let mut body = asking(&json!({}), value);
    body["rollout"] = rollout.clone();
    body
}

/// Asks for an update that begins, and gives its path.
async fn begin(site: &Site, body: &Value) -> String {
    let begun = call(site, "POST", "/updates", body).await;
    format!("/updates/{}", begun["id"].as_str().unwrap())
}

/// Waits until an update is in this phase with no job open.
async fn until_phase(site: &Site, target: &str, phase: &str) -> Value {
    site.until(phase, async || {
        let shown = call(site, "GET", target, &Value::Null).await;
        let jobs = &shown["jobs"];
        let ended = jobs["succeeded"].as_u64().unwrap() + jobs["failed"].as_u64().unwrap();
        shown["rollout"]["phase"] == phase && Some(ended) == jobs["total"].as_u64()
    })
    .await;
    call(site, "GET", target, &Value::Null).await
}

#[tokio::test]
async fn an_update_goes_through_a_selection_in_waves_and_is_taken_back() {
    let site = Site::start().await;
    let first = begin(&site, &asking(&json!({}), "1")).await;
    let shown = until_phase(&site, &first, "done").await;
    assert_eq!((&shown["jobs"]["succeeded"], &shown["rollout"]["wave"]), (&4.into(), &1.into()));
    assert!(shown["ended_at"].is_string(), "{shown}");

    let second = begin(&site, &in_waves("2", &json!({ "canary": 1, "wave": 2 }))).await;
    let shown = until_phase(&site, &second, "done").await;
    let rollout = &shown["rollout"];
    assert_eq!((&shown["jobs"]["succeeded"], &rollout["begun"]), (&4.into(), &4.into()));
    assert_eq!(
        rollout["plan"],
        json!({ "canary": 1, "wave": 2, "pause_seconds": 0,
                "stop": { "failed": null, "failed_percent": null }, "window": null })
    );
    let waves: Vec<(&Value, &Value)> = rollout["waves"]
        .as_array()
        .unwrap()
        .iter()
        .map(|wave| (&wave["devices"], &wave["succeeded"]))
        .collect();
    assert_eq!(waves, [(&json!(1), &json!(1)), (&json!(2), &json!(2)), (&json!(1), &json!(1))]);
    for phone in PHONES {
        assert_eq!(site.phones.get(phone, NUMBER).as_deref(), Some("2"));
    }

    // Its jobs are one list, whatever the pages.
    let all = call(&site, "GET", &format!("{second}/jobs"), &Value::Null).await;
    assert_eq!(all["jobs"].as_array().unwrap().len(), 4);
    let (mut paged, mut after) = (Vec::new(), String::new());
    loop {
        let target = format!("{second}/jobs?limit=1{after}");
        let page = call(&site, "GET", &target, &Value::Null).await;
        paged.extend(page["jobs"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(json!(paged), all["jobs"]);

    // From each of them there is a way back to it: its request is a wave.
    let id = second.trim_start_matches("/updates/");
    let job = &paged[1];
    assert_eq!(job["rollout"], id);
    let wave = format!("/updates/{}", job["request"].as_str().unwrap());
    let shown = call(&site, "GET", &wave, &Value::Null).await;
    let of = (&shown["rollout_id"], &shown["wave"], &shown["rollout"]);
    assert_eq!(of, (&json!(id), &json!(2), &Value::Null));
    assert_eq!(call(&site, "GET", &second, &Value::Null).await["rollout_id"], Value::Null);
    let jobs = call(&site, "GET", &format!("{wave}/jobs"), &Value::Null).await;
    assert_eq!((&jobs["jobs"][0], &jobs["jobs"][0]["rollout"]), (job, &json!(id)));
    let one = format!("/jobs/{}", job["id"].as_str().unwrap());
    assert_eq!(call(&site, "GET", &one, &Value::Null).await["rollout"], id);
    let device = format!("/devices/{}", job["device"].as_str().unwrap());
    let history = call(&site, "GET", &format!("{device}/history"), &Value::Null).await;
    assert_eq!(history["changes"][0]["rollout"], id);
    let explained = call(&site, "GET", &format!("{device}/explain"), &Value::Null).await;
    let asked = &explained["values"][0]["asked"];
    assert_eq!((&asked["rollout"], &asked["update"]), (&json!(id), &job["request"]));

    // It is one of the updates, its waves are none.
    let list = call(&site, "GET", &format!("/updates?project={PROJECT}"), &Value::Null).await;
    let listed: Vec<String> = list["updates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|update| format!("/updates/{}", update["id"].as_str().unwrap()))
        .collect();
    assert_eq!(listed, [second.clone(), first]);
    let newest = &list["updates"][0];
    assert_eq!((&newest["rollout"], &newest["phase"]), (&true.into(), &"done".into()));

    let revert = format!("{second}/revert");
    let foretold = call(&site, "POST", &revert, &json!({ "dry_run": true, "limit": 3 })).await;
    let totals = (&foretold["devices_total"], &foretold["left_out"], &foretold["left_out_total"]);
    assert_eq!(totals, (&4.into(), &json!([]), &0.into()));
    let rest = json!({ "dry_run": true, "after": foretold["next"] });
    let rest = call(&site, "POST", &revert, &rest).await;
    let counted_once = (&rest["devices_total"], &rest["left_out_total"], &rest["next"]);
    assert_eq!(counted_once, (&Value::Null, &Value::Null, &Value::Null));
    let pages = [&foretold, &rest].map(|page| page["devices"].as_array().unwrap());
    assert_eq!(pages.map(Vec::len), [3, 1]);
    for device in pages.into_iter().flatten() {
        let change = &device["changes"][0];
        assert_eq!((&change["name"], &change["to"]), (&json!(NUMBER), &json!("1")), "{device}");
        assert_eq!((&change["desired"], &change["shown"]), (&json!("2"), &json!("2")), "{device}");
    }
    site.native("POST", &revert, r#"{"limit":3}"#).await.problem(400, "invalid");
    let same = call(&site, "GET", &format!("/updates?project={PROJECT}"), &Value::Null).await;
    assert_eq!(same, list, "nothing was written");

    let reverted = call(&site, "POST", &revert, &Value::Null).await;
    assert_eq!((&reverted["devices"], reverted.get("left_out")), (&4.into(), None));
    let third = format!("/updates/{}", reverted["id"].as_str().unwrap());
    let shown = until_phase(&site, &third, "done").await;
    assert_eq!(format!("/updates/{}", shown["rollout"]["revert_of"].as_str().unwrap()), second);
    for phone in PHONES {
        assert_eq!(site.phones.get(phone, NUMBER).as_deref(), Some("1"));
    }
}

#[tokio::test]
async fn a_devices_history_tells_what_was_before_and_it_goes_back_to_a_revision() {
    let site = Site::start().await;
    let phone = PHONES[0];
    for value in ["1", "2"] {
        let target = begin(&site, &asking(&json!({ "ids": [phone] }), value)).await;
        until_phase(&site, &target, "done").await;
    }
    let target = format!("/devices/{phone}/history");
    let history = call(&site, "GET", &target, &Value::Null).await;
    let changes = history["changes"].as_array().unwrap();
    assert_eq!((changes.len(), &history["next"]), (2, &Value::Null));
    assert_eq!((&changes[0]["revision"], &changes[0]["state"]), (&2.into(), &"succeeded".into()));
    assert_eq!(
        changes[0]["values"],
        json!([{ "name": NUMBER, "to": "2", "desired_before": "1", "shown_before": "1" }])
    );
    assert_eq!(changes[1]["values"][0]["desired_before"], Value::Null);
    let page = call(&site, "GET", &format!("{target}?limit=1"), &Value::Null).await;
    assert_eq!(page["changes"][0], changes[0]);
    let next = page["next"].as_str().unwrap();
    let page = call(&site, "GET", &format!("{target}?limit=1&after={next}"), &Value::Null).await;
    assert_eq!((&page["changes"][0], &page["next"]), (&changes[1], &Value::Null));
    // What was a place in a history before this version: it would be another one now.
    let refused = site.native("GET", &format!("{target}?after=2"), "").await;
    assert!(refused.problem(400, "invalid").contains("`next`"));

    let target = format!("/devices/{phone}/revert");
    let foretold = call(&site, "POST", &target, &json!({ "to": 1, "dry_run": true })).await;
    let change = &foretold["devices"][0]["changes"][0];
    assert_eq!((&foretold["devices_total"], &change["to"]), (&1.into(), &json!("1")), "{foretold}");
    let after = call(&site, "GET", &format!("/devices/{phone}/history"), &Value::Null).await;
    assert_eq!(after, history, "nothing was written");
    let never = r#"{"to":9,"dry_run":true}"#;
    site.native("POST", &target, never).await.problem(400, "invalid");
    let reverted = call(&site, "POST", &target, &json!({ "to": 1 })).await;
    assert_eq!(reverted["set"], json!({ NUMBER: "1" }));
    site.until("the value", async || site.phones.get(phone, NUMBER).as_deref() == Some("1")).await;
    site.native("POST", &target, r#"{"to":9}"#).await.problem(400, "invalid");
    site.native("POST", &target, "{}").await.problem(400, "invalid");
    site.native("GET", "/devices/nobody/history", "").await.problem(404, "not_found");
    site.native("POST", "/devices/nobody/revert", r#"{"to":0}"#).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_tells_what_the_run_then_does() {
    let site = Site::start().await;
    let frozen = site.native("POST", &format!("/devices/{}/freeze", PHONES[1]), "").await;
    assert_eq!(frozen.status, 204, "{frozen:?}");
    let target = begin(&site, &asking(&json!({ "ids": [PHONES[0]] }), "1")).await;
    until_phase(&site, &target, "done").await;
    let before = site.fingerprint().await;

    let mut body = asking(&json!({}), "1");
    body["set"]["ro.permission.changed"] = "1".into();
    body["dry_run"] = true.into();
    let whole = call(&site, "POST", "/updates", &body).await;
    assert_eq!(site.fingerprint().await, before);
    let predicted = whole["devices"].as_array().unwrap();
    assert_eq!((predicted.len(), &whole["next"]), (4, &Value::Null));
    let of = |id: &str| predicted.iter().find(|device| device["id"] == id).unwrap();
    assert_eq!(of(PHONES[0])["unchanged"], json!([NUMBER]));
    assert_eq!(of(PHONES[0])["changes"][0]["name"], "ro.permission.changed");
    assert_eq!(of(PHONES[1])["refused"]["code"], "frozen");
    assert_eq!(of(PHONES[2])["changes"].as_array().unwrap().len(), 2);
    assert_eq!(of(PHONES[3])["refused"]["code"], "property_unsupported");
    body["limit"] = 3.into();
    let page = call(&site, "POST", "/updates", &body).await;
    assert_eq!(page["devices"].as_array().unwrap()[..], predicted[..3]);
    body["after"] = page["next"].clone();
    let page = call(&site, "POST", "/updates", &body).await;
    assert_eq!(page["devices"].as_array().unwrap()[..], predicted[3..]);

    for key in ["limit", "after", "dry_run"] {
        body.as_object_mut().unwrap().remove(key);
    }
    let target = begin(&site, &body).await;
    let shown = until_phase(&site, &target, "done").await;
    assert_eq!((&shown["jobs"]["total"], &shown["rollout"]["refused"]), (&2.into(), &2.into()));
    let refused = call(&site, "GET", &format!("{target}/refused"), &Value::Null).await;
    let refused = refused["devices"].as_array().unwrap();
    assert_eq!(refused.len(), 2);
    let failures = call(&site, "GET", &format!("{target}/failures"), &Value::Null).await;
    let groups = failures["groups"].as_array().unwrap();
    assert_eq!(
        (groups.len(), &failures["total"], &failures["other"]),
        (2, &2.into(), &json!(null))
    );
    for group in groups {
        let id = group["devices"][0].as_str().unwrap();
        assert_eq!((&group["refused"], &group["count"]), (&true.into(), &1.into()));
        assert_eq!(group["job"], Value::Null);
        assert_eq!(group["code"], of(id)["refused"]["code"]);
        assert_eq!(group["message"], of(id)["refused"]["detail"]);
    }
    let frozen = groups.iter().find(|group| group["code"] == "frozen").unwrap();
    let phone = PHONES[1];
    let to_do = format!("unfreeze it: `fleetwright device unfreeze {phone} --project {PROJECT}`");
    assert_eq!(frozen["what_to_do"], to_do);
    for one in refused {
        let id = one["device"].as_str().unwrap();
        assert_eq!(one["error"], of(id)["refused"], "{id}");
    }
}

#[tokio::test]
async fn an_update_stops_by_its_rule_and_is_paused_resumed_and_aborted() {
    let site = Site::start().await;
    for phone in PHONES {
        site.phones.set_mood(phone, Mood::Refuses);
    }
    let rule = json!({ "wave": 1, "stop": { "failed": 1 } });
    let target = begin(&site, &in_waves("1", &rule)).await;
    let shown = until_phase(&site, &target, "stopped").await;
    assert_eq!((&shown["rollout"]["begun"], &shown["ended_at"]), (&1.into(), &Value::Null));
    assert!(shown["rollout"]["why"].as_str().unwrap().contains("failed"), "{shown}");
    let wave = shown["rollout"]["waves"][0]["request"].as_str().unwrap();
    let part = site.native("POST", &format!("/updates/{wave}/revert"), "").await;
    let detail = part.problem(409, "wave_of_open_update");
    assert!(detail.contains(target.trim_start_matches("/updates/")), "{detail}");
    let verb = |verb: &str| format!("{target}/{verb}");
    // It is over for nobody yet: it may be paused no more, and resumed or aborted.
    site.native("POST", &verb("pause"), "").await.problem(409, "wrong_phase");
    for phone in PHONES {
        site.phones.set_mood(phone, Mood::Works);
    }
    call(&site, "POST", &verb("resume"), &Value::Null).await;
    let shown = until_phase(&site, &target, "stopped").await;
    assert_eq!((&shown["rollout"]["begun"], &shown["jobs"]["succeeded"]), (&2.into(), &1.into()));
    let shown = call(&site, "POST", &verb("abort"), &Value::Null).await;
    assert_eq!(shown["rollout"]["phase"], "aborted");
    assert!(shown["ended_at"].is_string(), "{shown}");
    site.native("POST", &verb("resume"), "").await.problem(409, "wrong_phase");

    let target = begin(&site, &in_waves("2", &json!({ "wave": 1, "pause_seconds": 60 }))).await;
    let paused = call(&site, "POST", &format!("{target}/pause"), &Value::Null).await;
    assert_eq!(paused["rollout"]["phase"], "paused");
    call(&site, "POST", &format!("{target}/resume"), &Value::Null).await;
    site.until("the first wave", async || {
        let shown = call(&site, "GET", &target, &Value::Null).await;
        shown["rollout"]["waves"][0]["ended_at"].is_string()
    })
    .await;
    call(&site, "POST", &format!("{target}/cancel"), &Value::Null).await;
    let shown = call(&site, "GET", &target, &Value::Null).await;
    let rollout = &shown["rollout"];
    assert_eq!((&rollout["phase"], &rollout["begun"]), (&"aborted".into(), &1.into()));
}

#[tokio::test]
async fn the_open_jobs_of_any_update_are_cancelled() {
    let site = Site::start().await;
    let phone = PHONES[0];
    let done = begin(&site, &asking(&json!({ "ids": [phone] }), "1")).await;
    until_phase(&site, &done, "done").await;
    site.phones.set_mood(phone, Mood::Off);
    let devices = json!([{ "id": phone, "set": { NUMBER: "2" } }]);
    let body = json!({ "project": PROJECT, "devices": devices });
    let accepted = call(&site, "POST", "/updates", &body).await;
    let target = format!("/updates/{}", accepted["id"].as_str().unwrap());
    let shown = call(&site, "POST", &format!("{target}/cancel"), &Value::Null).await;
    assert_eq!((&shown["jobs"]["failed"], &shown["rollout"]), (&1.into(), &Value::Null));
    let jobs = call(&site, "GET", &format!("{target}/jobs"), &Value::Null).await;
    let detail = jobs["jobs"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("cancelled by "), "{detail}");
    let device = call(&site, "GET", &format!("/devices/{phone}"), &Value::Null).await;
    assert_eq!(device["desired"], json!({ NUMBER: "1" }));

    for verb in ["pause", "resume", "abort"] {
        let answer = site.native("POST", &format!("{target}/{verb}"), "").await;
        answer.problem(409, "not_a_rollout");
    }
    site.native("GET", &format!("{target}/refused"), "").await.problem(409, "not_a_rollout");
    let nothing = "/updates/00000000000000000000000000000000";
    for verb in ["pause", "resume", "abort", "cancel", "revert"] {
        site.native("POST", &format!("{nothing}/{verb}"), "").await.problem(404, "not_found");
    }
    site.native("GET", &format!("{nothing}/refused"), "").await.problem(404, "not_found");
}

#[tokio::test]
async fn failures_are_told_by_reason_and_their_jobs_are_listed_alone() {
    let site = Site::start().await;
    for phone in &PHONES[..3] {
        site.phones.set_mood(phone, Mood::Refuses);
    }
    let devices: Vec<Value> =
        PHONES.iter().map(|id| json!({ "id": id, "set": { NUMBER: "1" } })).collect();
    let body = json!({ "project": PROJECT, "devices": devices });
    let accepted = call(&site, "POST", "/updates", &body).await;
    let target = format!("/updates/{}", accepted["id"].as_str().unwrap());
    site.until("the end", async || {
        call(&site, "GET", &target, &Value::Null).await["ended_at"].is_string()
    })
    .await;
    let failures = call(&site, "GET", &format!("{target}/failures"), &Value::Null).await;
    assert_eq!((&failures["total"], &failures["other"]), (&3.into(), &Value::Null));
    let groups = failures["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 1, "{failures}");
    let group = &groups[0];
    assert_eq!((&group["code"], &group["refused"]), (&"refused".into(), &false.into()));
    assert_eq!((&group["count"], &group["devices"]), (&3.into(), &json!(PHONES[..3])));
    let message = group["message"].as_str().unwrap();
    assert!(message.starts_with(&format!("the device refused {NUMBER}")), "{message}");
    let to_do = group["what_to_do"].as_str().unwrap();
    assert!(to_do.contains(&format!("fleetwright device check {}", PHONES[0])), "{to_do}");

    let devices = async |query: &str| -> Vec<String> {
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let target = format!("{target}/jobs?{query}&limit=2{after}");
            let page = call(&site, "GET", &target, &Value::Null).await;
            let jobs = page["jobs"].as_array().unwrap();
            found.extend(jobs.iter().map(|job| job["device"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { return found };
            assert_eq!(jobs.len(), 2, "a page is full if there is a next one");
            after = format!("&after={next}");
        }
    };
    assert_eq!(devices("state=failed").await, PHONES[..3]);
    assert_eq!(devices("state=succeeded").await, PHONES[3..]);
    assert_eq!(devices("state=succeeded&state=failed").await, PHONES);
    assert_eq!(devices("code=refused").await, PHONES[..3]);
    assert_eq!(devices("code=cancelled&code=refused&state=failed").await, PHONES[..3]);
    let job = group["job"].as_str().unwrap();
    assert_eq!(devices(&format!("same_reason_as={job}")).await, PHONES[..3]);
    assert!(devices(&format!("same_reason_as={job}&state=succeeded")).await.is_empty());
    let jobs = format!("{target}/jobs?state=succeeded");
    let succeeded = call(&site, "GET", &jobs, &Value::Null).await;
    let succeeded = succeeded["jobs"][0]["id"].as_str().unwrap().to_owned();
    assert!(devices(&format!("same_reason_as={succeeded}")).await.is_empty());
    assert!(devices("state=open").await.is_empty(), "there is such an update all the same");
    assert!(devices("code=deleted").await.is_empty());
    for (query, part) in [
        ("state=running", "state: unknown state of jobs"),
        ("code=x", "code: no job fails for it"),
        ("colour=red", "colour: is no parameter"),
        ("after=x", "after must be the `next` of a page"),
    ] {
        let answer = site.native("GET", &format!("{target}/jobs?{query}"), "").await;
        let detail = answer.problem(400, "invalid");
        assert!(detail.contains(part), "{detail}");
    }
    let nothing = "/updates/00000000000000000000000000000000";
    site.native("GET", &format!("{nothing}/failures"), "").await.problem(404, "not_found");
    let none = site.native("GET", &format!("{nothing}/jobs?state=failed"), "").await;
    none.problem(404, "not_found");
}

#[tokio::test]
async fn devices_are_selected_by_what_is_known_of_them() {
    let site = Site::start().await;
    let target = begin(&site, &asking(&json!({ "ids": PHONES[..2] }), "1")).await;
    until_phase(&site, &target, "done").await;
    let ids = async |query: &str| -> Vec<String> {
        let target = format!("/devices?project={PROJECT}&{query}");
        let found = call(&site, "GET", &target, &Value::Null).await;
        let devices = found["devices"].as_array().unwrap();
        devices.iter().map(|device| device["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&format!("desired={NUMBER}:1")).await, PHONES[..2]);
    assert_eq!(ids(&format!("reported={NUMBER}:1")).await, PHONES[..2]);
    assert_eq!(ids(&format!("desired=!{NUMBER}")).await, PHONES[2..]);
    assert_eq!(ids(&format!("text={}", &PHONES[0][..6].to_uppercase())).await, PHONES[..1]);
    assert_eq!(ids("server=server-1&condition=running").await.len(), 4);
    assert_eq!(ids("server=server-2&server=server-1").await.len(), 4);
    assert_eq!(ids(&format!("id={}&id={}", PHONES[2], PHONES[3])).await, PHONES[2..]);
    assert!(ids("tag=floor:2").await.is_empty());
    let tag = Tag { key: "floor".to_owned(), value: "2".to_owned() };
    let tagged = Tagged::Device(DeviceId::new(PHONES[2]).unwrap());
    let project = ProjectId::new(PROJECT).unwrap();
    let change = ChangeTags { project, tagged, put: vec![tag], take: Vec::new() };
    site.handle.change_tags(&Principal::admin(), change).await.unwrap();
    assert_eq!(ids("tag=floor:2").await, PHONES[2..3]);
    assert_eq!(site.shown(PHONES[2]).await["tags"], json!({ "floor": "2" }));
    assert!(ids("kind=camera").await.is_empty());
    let frozen = site.native("POST", &format!("/devices/{}/freeze", PHONES[1]), "").await;
    assert_eq!(frozen.status, 204, "{frozen:?}");
    assert_eq!(ids("frozen=true").await, PHONES[1..2]);
    assert_eq!(ids("frozen=false").await.len(), 3);
    let count = async |query: &str| {
        let target = format!("/devices/count?project={PROJECT}{query}");
        call(&site, "GET", &target, &Value::Null).await
    };
    assert_eq!(count("").await, json!({ "count": 4, "more": false }));
    assert_eq!(count(&format!("&reported={NUMBER}:1")).await["count"], 2);
    assert_eq!(count("&status=OnLine").await["count"], 0);
    let wrong = site.native("GET", "/devices/count?limit=1", "").await.problem(400, "invalid");
    assert_eq!(wrong, "limit: is no parameter of this call");
    for (query, part) in [
        ("colour=red", "colour: is no parameter"),
        ("desired=x", "desired: must be NAME:VALUE"),
        ("organization=a//b", "organization: level 2"),
        ("text=a&text=b", "text: is given twice"),
    ] {
        let answer = site.native("GET", &format!("/devices?{query}"), "").await;
        let detail = answer.problem(400, "invalid");
        assert!(detail.contains(part), "{detail}");
    }
}
