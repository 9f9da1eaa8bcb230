//! The sample request of Huawei's page "UpdateCloudPhoneProperty", byte for byte. Its first
//! phone's `property` lacks a quote.

use serde_json::json;

use crate::harness::{PATIENCE, Phones, Site, Start, tools, wait_for};

/// The file with the body of the sample, as the page prints it.
const SAMPLE: &str = "crates/api/tests/data/cph-seed-update.json";

/// The demo's copy of it.
const DEMONSTRATED: &str = "crates/fleetwright/src/demo/seed-request.json";

/// Its phones.
const MALFORMED: &str = "a7f3a1c5258347d6b6f1def79e11f2bc";
const WELL_FORMED: &str = "1678567b8bab40f93711234cb80d0764";

/// What the second phone is asked to show.
const VALUES: [(&str, &str); 3] = [
    ("sys.prop.writephonenum", "13666666666"),
    ("sys.prop.writeimsi", "460021624617113"),
    ("sys.prop.writewifissid", "test_wifi"),
];

#[test]
fn the_first_phone_is_refused_and_the_second_takes_its_values() {
    let site = Site::start(&Start::default(), Phones::with_ids(&[MALFORMED, WELL_FORMED]));
    let cph = site.cph();

    let [sample, demonstrated] = [SAMPLE, DEMONSTRATED]
        .map(|file| std::fs::read(tools::workspace().join(file)).expect("the sample"));
    assert!(sample == demonstrated, "the demo sends another request");
    let answer = cph.update_raw(&sample).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.request_id.as_deref(), answer.body["request_id"].as_str());
    let [refused, accepted] = answer.body["jobs"].as_array().expect("jobs").as_slice() else {
        panic!("not two entries: {}", answer.text)
    };
    assert_eq!(refused["phone_id"], MALFORMED);
    assert_eq!(refused["error_code"], "CPS.0078");
    assert!(refused["error_msg"].as_str().is_some_and(|m| m.contains("Property is invalid")));
    assert_eq!(refused.get("job_id"), None, "a refused entry has no job");
    assert_eq!(accepted["phone_id"], WELL_FORMED);
    assert_eq!(accepted.get("error_code"), None, "an accepted entry has no error");
    let job = accepted["job_id"].as_str().expect("a job");

    let ended = wait_for("the job's end", PATIENCE, || {
        Some(cph.job(job)).filter(|job| job["status"] != json!(1))
    });
    assert_eq!(ended["status"], json!(2), "{ended}");
    for (name, value) in VALUES {
        assert_eq!(site.phones.get(1, name).as_deref(), Some(value), "{name}");
        assert_ne!(site.phones.get(0, name).as_deref(), Some(value), "{name} of the refused phone");
    }
    let request = answer.body["request_id"].as_str().expect("a request id");
    let jobs = cph.jobs_of(request);
    assert_eq!(jobs.len(), 1, "a refused entry leaves no job: {jobs:?}");
}
