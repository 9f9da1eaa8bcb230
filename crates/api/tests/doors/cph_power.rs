//! RestartCloudPhone, ResetCloudPhone and StopCloudPhone.

use fleet::{DeviceId, Operation, Principal, ProjectId, ProjectSettings};
use serde_json::{Value, json};
use store::write::DeviceChange;

use crate::phones::Mood;
use crate::site::{FOREIGN_PHONE, PHONES, PROJECT, Site};

const NUMBER: &str = "sys.prop.writephonenum";

/// The only job of a call.
async fn only_job(site: &Site, rest: &str, body: &Value) -> String {
    let answer = site.cph("POST", rest, body.to_string().as_bytes()).await;
    let body = answer.json();
    assert_eq!(answer.status, 200, "{answer:?}");
    body["jobs"][0]["job_id"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

/// The job once it is not 1 any more.
async fn ended(site: &Site, job: &str) -> Value {
    let rest = format!("jobs/{job}");
    site.until("a job's end", async || site.cph("GET", &rest, b"").await.json()["status"] != 1)
        .await;
    site.cph("GET", &rest, b"").await.json()
}

/// What ShowCloudPhoneDetail says.
async fn detail(site: &Site, phone: &str) -> Value {
    site.cph("GET", &format!("phones/{phone}"), b"").await.json()
}

#[tokio::test]
async fn a_restart_applies_its_property_and_ends_when_the_phone_is_back() {
    let site = Site::start().await;
    let property = json!({ NUMBER: "7" }).to_string();
    let body = json!({ "phones": [{ "phone_id": PHONES[0], "property": property,
                                    "factory_reset_enabled": "passed over here" }] });
    let job = only_job(&site, "phones/batch-restart", &body).await;
    let shown = ended(&site, &job).await;
    assert_eq!(shown["status"], 2, "{shown}");
    assert_eq!(site.phones.told(PHONES[0]), [Operation::Restart]);
    assert_eq!(site.phones.get(PHONES[0], NUMBER).as_deref(), Some("7"));
    assert_eq!(detail(&site, PHONES[0]).await["status"], 2);
}

#[tokio::test]
async fn a_reset_keeps_what_was_asked_unless_it_is_told_to_forget() {
    let site = Site::start().await;
    let phones = |property: &Value, forget: bool| {
        json!({ "phones": [{ "phone_id": PHONES[0], "property": property.to_string(),
                             "factory_reset_enabled": forget }] })
    };
    let first = phones(&json!({ NUMBER: "7", "ro.install.auto": 1 }), false);
    only_job(&site, "phones/batch-update-property", &first).await;
    let job = only_job(&site, "phones/batch-reset", &phones(&json!({}), false)).await;
    let shown = ended(&site, &job).await;
    assert_eq!(shown["status"], 2, "{shown}");
    assert_eq!(site.phones.get(PHONES[0], NUMBER).as_deref(), Some("7"), "the boot wiped it");
    let job = only_job(&site, "phones/batch-reset", &phones(&json!({ NUMBER: "8" }), true)).await;
    assert_eq!(ended(&site, &job).await["status"], 2);
    assert_eq!(detail(&site, PHONES[0]).await["property"], json!({ NUMBER: "8" }).to_string());
    assert_eq!(site.phones.get(PHONES[0], "ro.install.auto"), None);
    assert_eq!(site.phones.told(PHONES[0]), [Operation::Reset, Operation::Reset]);
}

#[tokio::test]
async fn a_phone_that_was_stopped_stores_values_and_a_restart_waits_for_it() {
    let site = Site::start().await;
    let job = only_job(&site, "phones/batch-stop", &json!({ "phone_ids": [PHONES[0]] })).await;
    let shown = ended(&site, &job).await;
    assert_eq!(shown["status"], 2, "{shown}");
    assert_eq!(detail(&site, PHONES[0]).await["status"], 8);
    let property = json!({ NUMBER: "7" }).to_string();
    let body = json!({ "phones": [{ "phone_id": PHONES[0], "property": property }] });
    let job = only_job(&site, "phones/batch-update-property", &body).await;
    let stored = ended(&site, &job).await;
    assert_eq!(stored["execute_msg"], "stored; takes effect when the phone is running");
    let body = json!({ "phones": [{ "phone_id": PHONES[0] }] });
    let job = only_job(&site, "phones/batch-restart", &body).await;
    assert_eq!(site.cph("GET", &format!("jobs/{job}"), b"").await.json()["status"], 1);
    // Its profile has no command that starts it, so somebody at its server does.
    site.phones.start(PHONES[0]);
    let (project, id) = (ProjectId::new(PROJECT).unwrap(), DeviceId::new(PHONES[0]).unwrap());
    let started = DeviceChange::Stopped(false);
    site.handle.change_device(&Principal::admin(), &project, &id, started).await.unwrap();
    let shown = ended(&site, &job).await;
    assert_eq!(shown["status"], 2, "{shown}");
    assert_eq!(detail(&site, PHONES[0]).await["status"], 2);
    site.until("the value", async || site.phones.get(PHONES[0], NUMBER).as_deref() == Some("7"))
        .await;
    assert_eq!(site.phones.told(PHONES[0]), [Operation::Stop, Operation::Restart]);
}

#[tokio::test]
async fn what_can_not_be_switched_says_why() {
    let site = Site::start().await;
    for (mood, reason) in
        [(Mood::Refuses, "permission denied"), (Mood::Unsupported, "nothing restarts it")]
    {
        site.phones.set_mood(PHONES[0], mood);
        let body = json!({ "phones": [{ "phone_id": PHONES[0] }] });
        let job = only_job(&site, "phones/batch-restart", &body).await;
        let shown = ended(&site, &job).await;
        assert_eq!((&shown["status"], &shown["error_code"]), (&json!(-1), &json!("CPS.0022")));
        assert_eq!(shown["error_msg"], "Not available phone.");
        assert!(shown["execute_msg"].as_str().unwrap().contains(reason), "{shown}");
    }
    assert!(site.phones.told(PHONES[0]).is_empty());
}

#[tokio::test]
async fn a_frozen_phone_takes_nothing() {
    let site = Site::start().await;
    let (project, id) = (ProjectId::new(PROJECT).unwrap(), DeviceId::new(PHONES[0]).unwrap());
    let frozen = DeviceChange::Frozen(true);
    site.handle.change_device(&Principal::admin(), &project, &id, frozen).await.unwrap();
    let before = site.fingerprint().await;
    let phones = json!({ "phones": [{ "phone_id": PHONES[0], "property": "{}" }] });
    for (rest, body) in [
        ("phones/batch-update-property", phones.clone()),
        ("phones/batch-restart", phones.clone()),
        ("phones/batch-reset", phones),
        ("phones/batch-stop", json!({ "phone_ids": [PHONES[0]] })),
    ] {
        let answer = site.cph("POST", rest, body.to_string().as_bytes()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let job = &answer.json()["jobs"][0];
        assert_eq!(job["error_code"], "CPS.0053", "{rest}: {job}");
        let message = "No permission to request resources. Phone is freezed.";
        assert_eq!(job["error_msg"], message, "{rest}");
        assert_eq!(job.get("job_id"), None);
    }
    assert_eq!(site.fingerprint().await, before, "nothing changes");
    assert_eq!(detail(&site, PHONES[0]).await["status"], 6);
}

#[tokio::test]
async fn jobs_of_a_paused_project_stay_1_until_it_goes_on() {
    let site = Site::start().await;
    let (admin, project) = (Principal::admin(), ProjectId::new(PROJECT).unwrap());
    let paused = ProjectSettings { paused: true, ..ProjectSettings::default() };
    site.handle.set_project(&admin, &project, paused).await.unwrap();
    let body = json!({ "phones": [{ "phone_id": PHONES[0] }] });
    let job = only_job(&site, "phones/batch-restart", &body).await;
    let rest = format!("jobs/{job}");
    let other = json!({ "phones": [{ "phone_id": PHONES[1], "property": "{}" }] });
    let other = only_job(&site, "phones/batch-update-property", &other).await;
    for job in [&rest, &format!("jobs/{other}")] {
        assert_eq!(site.cph("GET", job, b"").await.json()["status"], 1);
    }
    assert!(site.phones.told(PHONES[0]).is_empty());
    site.handle.set_project(&admin, &project, ProjectSettings::default()).await.unwrap();
    assert_eq!(ended(&site, &job).await["status"], 2);
    assert_eq!(ended(&site, &other).await["status"], 2);
}

#[tokio::test]
async fn whole_calls_are_refused_by_rule() {
    let site = Site::start().await;
    let before = site.fingerprint().await;
    let phone = json!({ "phone_id": PHONES[0] });
    let with_image =
        |image: Value| json!({ "image_id": image, "phones": [phone.clone()] }).to_string();
    let many = |one: &Value| json!({ "phones": vec![one; 8_097] }).to_string();
    let ids = |ids: Value| json!({ "phone_ids": ids }).to_string();
    for rest in ["phones/batch-restart", "phones/batch-reset"] {
        for (rule, body, code) in [
            ("a body is JSON", "phones".to_owned(), "CPS.0077"),
            ("phones may not be missing", json!({ "phone_ids": ["a"] }).to_string(), "CPS.0077"),
            ("phones may not be empty", json!({ "phones": [] }).to_string(), "CPS.0077"),
            ("phones is a list", json!({ "phones": {} }).to_string(), "CPS.0077"),
            ("at most 8,096 phones", many(&phone), "CPS.0190"),
            ("no image", with_image(json!("20032120200330a20b000eae5b8c01e6")), "CPS.0030"),
            ("an image is a text", with_image(json!(7)), "CPS.0030"),
        ] {
            let answer = site.cph("POST", rest, body.as_bytes()).await;
            let message = answer.refused(400, code);
            assert!(!message.is_empty(), "{rule}");
        }
    }
    let stop = "phones/batch-stop";
    for (rule, body, code) in [
        ("a body is JSON", "{".to_owned(), "CPS.0080"),
        ("a body is an object", "[]".to_owned(), "CPS.0080"),
        ("phone_ids is a list", ids(json!("a")), "CPS.0080"),
        ("phone_ids is no object", ids(json!({})), "CPS.0080"),
        ("phone_ids is not null", ids(Value::Null), "CPS.0080"),
        ("phone_ids may not be missing", json!({ "phones": [phone] }).to_string(), "CPS.0081"),
        ("phone_ids may not be empty", ids(json!([])), "CPS.0081"),
        (
            "phone_ids stands there once",
            r#"{"phone_ids":["a"],"phone_ids":["b"]}"#.to_owned(),
            "CPS.0080",
        ),
        ("at most 8,096 phones", ids(json!(vec!["a"; 8_097])), "CPS.0190"),
    ] {
        let answer = site.cph("POST", stop, body.as_bytes()).await;
        assert!(!answer.refused(400, code).is_empty(), "{rule}");
    }
    assert_eq!(site.fingerprint().await, before, "nothing changes");
    for id in PHONES {
        assert!(site.phones.told(id).is_empty());
    }
}

#[tokio::test]
async fn entries_are_refused_alone() {
    let site = Site::start().await;
    let entry = |more: Value| {
        let mut entry = json!({ "phone_id": PHONES[0] });
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        entry
    };
    let rows = [
        (json!({}), "CPS.0004"),
        (json!({ "phone_id": "f".repeat(33) }), "CPS.0004"),
        (json!({ "phone_id": "nobody" }), "CPS.0005"),
        (json!({ "phone_id": FOREIGN_PHONE }), "CPS.0005"),
        (entry(json!({ "property": {} })), "CPS.0078"),
        (entry(json!({ "property": "{" })), "CPS.0078"),
        (entry(json!({ "property": "{\"no.such\":1}" })), "CPS.0163"),
        (entry(json!({ "property": "{\"com.cph.mainkeys\":2}" })), "CPS.0164"),
        (entry(json!({ "custom_property": [] })), "CPS.0078"),
        (entry(json!({ "factory_reset_enabled": "true" })), "CPS.0078"),
        (entry(json!({ "factory_reset_enabled": 1 })), "CPS.0078"),
    ];
    let phones: Vec<&Value> = rows.iter().map(|(entry, _)| entry).collect();
    let body = json!({ "phones": phones }).to_string();
    let answer = site.cph("POST", "phones/batch-reset", body.as_bytes()).await.json();
    for ((entry, code), job) in rows.iter().zip(answer["jobs"].as_array().unwrap()) {
        assert_eq!(job["error_code"], *code, "{entry}: {job}");
        assert_eq!(job.get("job_id"), None, "{entry}");
    }
    let body = json!({ "phone_ids": [7, "", "f".repeat(33), "nobody", PHONES[1]] }).to_string();
    let answer = site.cph("POST", "phones/batch-stop", body.as_bytes()).await.json();
    let codes: Vec<Option<&str>> =
        answer["jobs"].as_array().unwrap().iter().map(|job| job["error_code"].as_str()).collect();
    let malformed = Some("CPS.0004");
    assert_eq!(codes, [malformed, malformed, malformed, Some("CPS.0005"), None]);
    assert!(site.phones.told(PHONES[0]).is_empty());
    let job = answer["jobs"][4]["job_id"].as_str().unwrap();
    assert_eq!(ended(&site, job).await["status"], 2, "the others go on");
}
