//! Phones that reboot, are off, or stay away.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::phones::Faults;
use crate::harness::{PATIENCE, Phones, Site, Start, wait_for, wait_until};

/// A property that a boot wipes.
const NAME: &str = "sys.prop.writephonenum";

/// The deadline of jobs where a test waits for it, in seconds.
const DEADLINE: u32 = 2;

/// A site with one phone that shows `value`.
fn with_value(start: &Start, value: &str) -> Site {
    let site = Site::start(start, Phones::of(1));
    let cph = site.cph();
    let job = cph.update(&site.phones.id(0), json!({NAME: value}));
    wait_until("the first job's end", PATIENCE, || cph.job(&job)["status"] == json!(2));
    assert_eq!(site.phones.get(0, NAME).as_deref(), Some(value));
    site
}

/// Waits until the phone shows `value`.
fn shows(site: &Site, value: &str) {
    wait_until("the phone to show its value", PATIENCE, || {
        site.phones.get(0, NAME).as_deref() == Some(value)
    });
}

/// Waits until the server knows a phone's status, as the CPH door says it.
fn wait_for_status(site: &Site, status: i64) {
    let cph = site.cph();
    wait_until(&format!("status {status}"), PATIENCE, || {
        cph.phone(&site.phones.id(0))["status"] == json!(status)
    });
}

#[test]
fn a_phone_that_reboots_shows_its_values_again_with_no_call_and_no_job() {
    let site = with_value(&Start::default(), "13800000001");
    let native = site.native();
    let jobs = native.metric("fleetwright_jobs_accepted_total");
    let revision = native.device(&site.phones.id(0))["revision"].clone();

    for boot in 1..=2 {
        site.phones.reboot(0);
        assert_eq!(site.phones.get(0, NAME), None, "the boot wipes the value");
        shows(&site, "13800000001");
        assert_eq!(site.phones.sets_of(0, NAME).len(), boot + 1, "one set a boot");
    }
    let after = native.metric("fleetwright_jobs_accepted_total");
    assert_eq!(after.to_bits(), jobs.to_bits(), "re-applying made a job");
    let device = native.device(&site.phones.id(0));
    assert_eq!(device["revision"], revision);
    assert_eq!(device["open_jobs"], json!([]));
}

#[test]
fn a_value_that_a_boot_overwrites_is_set_again() {
    let site = with_value(&Start::default(), "13800000001");
    let overwrite_at_boot = BTreeMap::from([(NAME.to_owned(), "10086".to_owned())]);
    site.phones.set_faults(0, Faults { overwrite_at_boot, ..Faults::default() });
    site.phones.reboot(0);
    wait_until("the boot to overwrite the value, and the server to set it again", PATIENCE, || {
        site.phones.sets_of(0, NAME).len() == 2
    });
    shows(&site, "13800000001");
}

#[test]
fn a_phone_known_to_be_abnormal_stores_what_it_is_asked() {
    let site = with_value(&Start::with_deadline(DEADLINE), "13800000001");
    let (cph, native) = (site.cph(), site.native());
    let phone = site.phones.id(0);
    site.phones.power_off(0);
    wait_for_status(&site, -7);

    let job = cph.update(&phone, json!({NAME: "13800000002"}));
    let shown = cph.job(&job);
    assert_eq!(shown["status"], json!(2), "{shown}");
    assert_eq!(shown["execute_msg"], "stored; takes effect when the phone is running");
    let inside = native.job(&job);
    assert_eq!(inside["state"], "waiting_for_device", "{inside}");

    // Past the deadline too: a stored value waits for as long as it takes.
    let jobs_failed = native.metric("fleetwright_jobs_ended_total");
    site.phones.power_on(0);
    shows(&site, "13800000002");
    wait_until("the job's end", PATIENCE, || native.job(&job)["state"] == "succeeded");
    assert_eq!(cph.job(&job)["status"], json!(2));
    assert!(native.metric("fleetwright_jobs_ended_total") > jobs_failed);
    wait_for_status(&site, 2);
}

#[test]
fn a_phone_that_is_off_and_not_yet_known_to_be_takes_its_values_when_it_is_back() {
    let site = with_value(&Start::default(), "13800000001");
    let (cph, native) = (site.cph(), site.native());
    site.phones.power_off(0);
    let job = cph.update(&site.phones.id(0), json!({NAME: "13800000002"}));
    wait_for("the trouble to be known", PATIENCE, || {
        Some(native.job(&job)).filter(|job| job["state"] == "waiting_for_device")
    });
    assert_eq!(cph.job(&job)["status"], json!(1), "it should run, so the job waits for it");

    site.phones.power_on(0);
    wait_until("the job's end", PATIENCE, || cph.job(&job)["status"] != json!(1));
    assert_eq!(cph.job(&job)["status"], json!(2));
    assert_eq!(site.phones.get(0, NAME).as_deref(), Some("13800000002"));
}

#[test]
fn a_phone_that_stays_away_fails_its_job_and_keeps_what_it_was_asked() {
    let site = with_value(&Start::with_deadline(DEADLINE), "13800000001");
    let (cph, native) = (site.cph(), site.native());
    site.phones.power_off(0);
    let job = cph.update(&site.phones.id(0), json!({NAME: "13800000002"}));
    let watch = crate::harness::Stopwatch::start();
    let failed = wait_for("the job's end", PATIENCE, || {
        Some(cph.job(&job)).filter(|job| job["status"] != json!(1))
    });
    assert!(watch.elapsed() + Duration::from_secs(1) > Duration::from_secs(DEADLINE.into()));
    assert_eq!(failed["status"], json!(-1), "{failed}");
    assert_eq!(failed["error_code"], "CPS.0054", "{failed}");
    assert_eq!(failed["error_msg"], "Handle job timeout.", "{failed}");
    assert_eq!(cph.phone(&site.phones.id(0))["status"], json!(-7));
    assert_eq!(native.job(&job)["state"], "failed");

    site.phones.power_on(0);
    shows(&site, "13800000002");
    wait_for_status(&site, 2);
    assert_eq!(cph.job(&job)["status"], json!(-1), "a job ends once");
    let open = native.device(&site.phones.id(0))["open_jobs"].clone();
    assert_eq!(open, Value::Array(Vec::new()));
}
