//! To the CPH door no camera exists, in the caller's own project either.

use fleet::{Facts, Offline};
use serde_json::{Value, json};

use crate::cameras::CAMERAS;
use crate::site::{KEY, PHONES, PROJECT, Site};

/// A site with registered cameras.
async fn site() -> Site {
    let site = Site::start().await.with_cameras().await;
    for id in CAMERAS {
        site.register(id).await;
    }
    site
}

/// What a camera has that a call could change.
async fn fingerprint(site: &Site) -> Vec<Value> {
    let mut all = Vec::new();
    for id in CAMERAS {
        let shown = site.shown(id).await;
        all.push(json!([shown["name"], shown["revision"], shown["desired"], shown["open_jobs"]]));
    }
    all
}

#[tokio::test]
async fn no_call_about_phones_finds_a_camera() {
    let site = site().await;
    let before = fingerprint(&site).await;
    for camera in CAMERAS {
        let entry = json!({ "phone_id": camera, "property": "{\"Name\":\"x\"}" });
        let both = json!([entry, { "phone_id": PHONES[0], "property": "{}" }]);
        for (rest, body) in [
            ("phones/batch-update-property", json!({ "phones": both })),
            ("phones/batch-restart", json!({ "phones": both })),
            ("phones/batch-reset", json!({ "phones": both })),
            ("phones/batch-stop", json!({ "phone_ids": [camera, PHONES[0]] })),
        ] {
            let answer = site.cph("POST", rest, body.to_string().as_bytes()).await;
            let jobs = answer.json()["jobs"].clone();
            assert_eq!(jobs[0]["error_code"], "CPS.0005", "{rest}: {jobs}");
            assert_eq!(jobs[0]["error_msg"], "Parameter: Phone not found.", "{rest}");
            assert_eq!(jobs[0].get("job_id"), None, "{rest}");
            assert!(jobs[1]["job_id"].is_string(), "the phone's part goes on: {rest}: {jobs}");
        }
        let one = format!("phones/{camera}");
        site.cph("GET", &one, b"").await.refused(404, "CPS.0005");
        let name = json!({ "phone_name": "taken" }).to_string();
        site.cph("PUT", &one, name.as_bytes()).await.refused(404, "CPS.0005");
    }
    assert_eq!(fingerprint(&site).await, before);
}

#[tokio::test]
async fn no_list_names_a_camera() {
    let site = site().await;
    let key = site.camera_key(CAMERAS[0]).await;
    let facts = [(Facts::MANUFACTURER, "Hikvision"), (Facts::MODEL, "DS-2CD2T45")];
    let facts = facts.map(|(name, value)| (name.to_owned(), value.to_owned()));
    site.handle.note_survey(key, Some(Facts(facts.into()))).await.unwrap();
    assert_eq!(site.shown(CAMERAS[0]).await["facts"]["model"], "DS-2CD2T45");

    let listed = site.cph("GET", "phones?limit=200", b"").await.json();
    assert_eq!(listed["count"], PHONES.len());
    for phone in listed["phones"].as_array().unwrap() {
        assert!(PHONES.contains(&phone["phone_id"].as_str().unwrap()), "{phone}");
    }
    let models = site.cph("GET", "phone-models", b"").await.json();
    assert_eq!(models["phone_models"], json!([{ "phone_model_name": "Simulated" }]));
    let images = site.cph("GET", "phone-images", b"").await.json();
    assert_eq!(images["phone_images"].as_array().unwrap().len(), 1, "{images}");
    let servers = site.cph("GET", "servers", b"").await.json();
    assert_eq!(servers["count"], 1, "{servers}");
    let project = site.native("GET", &format!("/projects/{PROJECT}"), "").await.json();
    assert_eq!(project["devices"]["total"], PHONES.len());
}

#[tokio::test]
async fn no_tag_is_on_a_camera() {
    let site = site().await;
    let call = async |method: &str, rest: &str, body: &Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        site.cph_as(KEY, method, &format!("/v1/{PROJECT}/{rest}"), body.as_bytes()).await
    };
    let camera = format!("elastic-cloud-phone/{}", CAMERAS[0]);
    for action in ["create", "delete"] {
        let body = json!({ "action": action, "tags": [{ "key": "k", "value": "v" }] });
        call("POST", &format!("{camera}/tags/action"), &body).await.refused(404, "CPS.0005");
    }
    call("GET", &format!("{camera}/tags"), &Value::Null).await.refused(404, "CPS.0005");
    let keys = call("GET", "elastic-cloud-phone/tags", &Value::Null).await.json();
    assert_eq!(keys, json!({ "tags": [], "total_count": 0 }));
    let rest = "elastic-cloud-phone/resource_instances/action";
    for body in
        [json!({ "action": "filter" }), json!({ "action": "filter", "without_any_tag": true })]
    {
        let found = call("POST", rest, &body).await.json();
        assert_eq!(found["total_count"], PHONES.len(), "{found}");
        for thing in found["resources"].as_array().unwrap() {
            assert!(PHONES.contains(&thing["resource_id"].as_str().unwrap()), "{thing}");
        }
    }
    let count = call("POST", rest, &json!({ "action": "count" })).await.json();
    assert_eq!(count["total_count"], PHONES.len());
}

#[tokio::test]
async fn no_job_of_a_camera_is_shown_though_it_has_a_phones_beside_it() {
    let site = site().await;
    site.unregister(CAMERAS[1], Offline::Expired).await;
    let update = async |devices: Value| {
        let body = json!({ "project": PROJECT, "devices": devices }).to_string();
        let answer = site.native("POST", "/updates", &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let camera = |id: &str| json!({ "id": id, "set": { "Name": "gate" } });
    let phone = json!({ "id": PHONES[0], "set": { "sys.prop.writephonenum": "7" } });
    let both = update(json!([camera(CAMERAS[0]), phone, camera(CAMERAS[1])])).await;
    let request = both["id"].as_str().unwrap();
    let job = |number: usize| both["jobs"][number]["job"].as_str().unwrap();
    let listed = site.cph("GET", &format!("jobs?request_id={request}"), b"").await.json();
    let ids: Vec<&Value> =
        listed["jobs"].as_array().unwrap().iter().map(|job| &job["job_id"]).collect();
    assert_eq!(ids, [job(1)]);
    for number in [0, 2] {
        let target = format!("jobs/{}", job(number));
        site.cph("GET", &target, b"").await.refused(404, "CPS.0011");
    }
    assert_eq!(site.cph("GET", &format!("jobs/{}", job(1)), b"").await.status, 200);
    let past = format!("jobs?request_id={request}&offset=7");
    assert_eq!(site.cph("GET", &past, b"").await.json()["jobs"], json!([]));

    let alone = update(json!([camera(CAMERAS[0])])).await;
    for page in ["", "&offset=1"] {
        let target = format!("jobs?request_id={}{page}", alone["id"].as_str().unwrap());
        site.cph("GET", &target, b"").await.refused(404, "CPS.0050");
    }
}
