//! The order of a phone's jobs, and what many of them cost.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::phones::Faults;
use crate::harness::{Cph, PATIENCE, Phones, Site, Start, wait_for, wait_until};

const NAME: &str = "sys.prop.writephonenum";

/// How long the slow phone takes to answer: long enough for it to be frozen meanwhile.
const SLOW: Duration = Duration::from_secs(2);

/// A site with one phone, on which the first job's values are set and not read back until it is let
/// go.
fn with_a_job_in_flight() -> (Site, String) {
    let site = Site::start(&Start::default(), Phones::of(1));
    site.phones.set_faults(0, Faults { slow: Some(SLOW), ..Faults::default() });
    let first = site.cph().update(&site.phones.id(0), json!({NAME: "1"}));
    wait_until("the first value", PATIENCE, || site.phones.get(0, NAME).as_deref() == Some("1"));
    site.phones.freeze(0);
    site.phones.set_faults(0, Faults::default());
    // Not "running": of several nodes only the one that works on the phone says that.
    let state = site.native().job(&first)["state"].clone();
    assert!(state != "succeeded" && state != "failed", "the phone is too fast for this test");
    (site, first)
}

/// Waits for a job's end.
fn ended(cph: &Cph, job: &str) -> Value {
    wait_for("a job's end", PATIENCE, || Some(cph.job(job)).filter(|job| job["status"] != json!(1)))
}

#[test]
fn two_jobs_for_one_phone_keep_their_order() {
    let (site, first) = with_a_job_in_flight();
    let cph = site.cph();
    let second = cph.update(&site.phones.id(0), json!({NAME: "2"}));
    assert_eq!(cph.job(&first)["status"], json!(1), "the first had ended before the second came");
    site.phones.thaw(0);

    assert_eq!(ended(&cph, &second)["status"], json!(2));
    assert_eq!(ended(&cph, &first)["status"], json!(2));
    assert_eq!(site.phones.sets_of(0, NAME), ["1", "2"]);
    let native = site.native();
    let at = |job: &str| native.job(job)["ended_at"].as_str().map(str::to_owned);
    assert!(at(&first).is_some() && at(&first) <= at(&second), "the second ended first");
}

#[test]
fn ten_pending_jobs_cost_one_application() {
    let (site, first) = with_a_job_in_flight();
    let cph = site.cph();
    let before = site.phones.applications(0);
    let pending: Vec<String> = (2..=11)
        .map(|value| cph.update(&site.phones.id(0), json!({NAME: value.to_string()})))
        .collect();
    assert_eq!(cph.job(&first)["status"], json!(1), "the first had ended before the last came");
    site.phones.thaw(0);

    for job in &pending {
        assert_eq!(ended(&cph, job)["status"], json!(2));
    }
    assert_eq!(site.phones.applications(0), before + 1);
    assert_eq!(site.phones.sets_of(0, NAME), ["1", "11"]);
    let native = site.native();
    let (last, superseded) = pending.split_last().expect("ten jobs");
    for job in superseded {
        assert_eq!(native.job(job)["superseded_by"], **last, "{job}");
    }
    assert_eq!(native.job(last)["superseded_by"], Value::Null);
}

#[test]
fn a_job_keeps_the_values_that_no_later_one_replaced() {
    let (site, _) = with_a_job_in_flight();
    let cph = site.cph();
    let phone = site.phones.id(0);
    let both = cph.update(&phone, json!({NAME: "2", "com.cph.mainkeys": 1}));
    let one = cph.update(&phone, json!({NAME: "3"}));
    site.phones.thaw(0);

    for job in [&both, &one] {
        assert_eq!(ended(&cph, job)["status"], json!(2));
        assert_eq!(site.native().job(job)["superseded_by"], Value::Null, "a value of it stands");
    }
    assert_eq!(site.phones.sets_of(0, NAME), ["1", "3"]);
    assert_eq!(site.phones.get(0, "com.cph.mainkeys").as_deref(), Some("1"));
}
