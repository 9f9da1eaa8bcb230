//! Restarts: what acts only after one, phones that do not come back, and makes that nobody restarts
//! unless an operator says how.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::harness::adb::Adb;
use crate::harness::phones::{Done, Faults, Make, Power};
use crate::harness::{Cph, PATIENCE, Phones, Site, Start, Stopwatch, wait_for, wait_until};

/// A property that acts after a restart, and is kept over it.
const KEYS: &str = "com.cph.mainkeys";
/// A property that acts at once, and that a boot wipes.
const NUMBER: &str = "sys.prop.writephonenum";

/// Seconds that a phone may take to come back, where a test waits for them to be over.
const BOOT_DEADLINE: u64 = 12;

/// Calls one of the calls about many phones, and gives the jobs.
fn switch(cph: &Cph, call: &str, entries: &Value) -> Vec<String> {
    let target = format!("/v1/demo/cloud-phone/phones/{call}");
    let answer = cph.call(&Method::POST, &target, entries.to_string().as_bytes());
    let body = answer.expect("an answer").ok();
    let jobs = body["jobs"].as_array().expect("jobs").iter();
    jobs.map(|job| job["job_id"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()).collect()
}

/// The body of a restart or reset of these phones.
fn phones(site: &Site, indices: &[usize]) -> Value {
    let entries = indices.iter().map(|index| json!({"phone_id": site.phones.id(*index)}));
    json!({"phones": entries.collect::<Vec<_>>()})
}

/// Waits for a job's end.
fn ended(cph: &Cph, job: &str) -> Value {
    wait_for("a job's end", 2 * PATIENCE, || {
        Some(cph.job(job)).filter(|job| job["status"] != json!(1))
    })
}

/// Waits for a job to succeed.
fn succeeds(cph: &Cph, job: &str) {
    let ended = ended(cph, job);
    assert_eq!(ended["status"], json!(2), "{ended}");
}

#[test]
fn a_value_acts_after_the_restart_and_not_before() {
    let site = Site::start(&Start::default(), Phones::of(1));
    let (cph, native, adb) = (site.cph(), site.native(), Adb::new());
    let (phone, address) = (site.phones.id(0), site.phones.address(0));
    let acts = || adb.shell(address, &["dumpsys", "cph", KEYS]);
    let pending = || native.device(&phone)["restart_pending"].clone();
    assert_eq!(acts(), "0");

    succeeds(&cph, &cph.update(&phone, json!({KEYS: 1, NUMBER: "13800000001"})));
    assert_eq!(adb.getprop(address, KEYS), "1", "the phone holds the value");
    assert_eq!(acts(), "0", "and does as before");
    let waiting = pending();
    assert!(waiting[KEYS].is_object() && waiting.get(NUMBER).is_none(), "{waiting}");
    assert_eq!(native.device(&phone)["states"][KEYS], "restart_pending");
    assert_eq!(site.phones.boots(0), 1, "an update restarts nothing");

    let jobs = switch(&cph, "batch-restart", &phones(&site, &[0]));
    wait_until("the phone to be restarting", PATIENCE, || {
        cph.phone(&phone)["status"] == json!(4) || cph.job(&jobs[0])["status"] != json!(1)
    });
    succeeds(&cph, &jobs[0]);
    assert_eq!(site.phones.boots(0), 2, "one restart, and one only");
    assert_eq!(acts(), "1");
    assert_eq!(adb.getprop(address, NUMBER), "13800000001", "what the boot wiped is back");
    assert_eq!(pending(), json!({}), "it acts: nothing is pending");
    assert_eq!(native.device(&phone)["states"][KEYS], "shown");
    assert_eq!(cph.phone(&phone)["status"], json!(2));
}

#[test]
fn a_restart_that_nobody_asked_for_makes_it_act_too() {
    let site = Site::start(&Start::default(), Phones::of(1));
    let (cph, native) = (site.cph(), site.native());
    let phone = site.phones.id(0);
    succeeds(&cph, &cph.update(&phone, json!({KEYS: 1})));
    assert_eq!(site.phones.acting(0, KEYS).as_deref(), Some("0"));
    site.phones.reboot(0);
    wait_until("nothing to be pending", PATIENCE, || {
        native.device(&phone)["restart_pending"] == json!({})
    });
    assert_eq!(site.phones.acting(0, KEYS).as_deref(), Some("1"));
}

#[test]
fn a_restart_and_a_reset_bring_values_of_their_own() {
    let site = Site::start(&Start::default(), Phones::of(1));
    let (cph, native) = (site.cph(), site.native());
    let phone = site.phones.id(0);
    let property = |value: Value| value.to_string();
    let body = json!({"phones": [{"phone_id": phone, "property": property(json!({KEYS: 1}))}]});
    succeeds(&cph, &switch(&cph, "batch-restart", &body)[0]);
    assert_eq!(site.phones.acting(0, KEYS).as_deref(), Some("1"));

    succeeds(&cph, &cph.update(&phone, json!({NUMBER: "13800000001"})));
    let body = json!({"phones": [{"phone_id": phone}]});
    succeeds(&cph, &switch(&cph, "batch-reset", &body)[0]);
    assert_eq!(site.phones.get(0, NUMBER).as_deref(), Some("13800000001"), "a reset keeps it");
    let device = native.device(&phone);
    assert!(device["restart_pending"][KEYS].is_object(), "it is set anew and acts later: {device}");
    assert_eq!(site.phones.acting(0, KEYS).as_deref(), Some("0"));

    let own = property(json!({NUMBER: "13800000002"}));
    let body = json!({"phones": [{
        "phone_id": phone, "property": own, "factory_reset_enabled": true,
    }]});
    succeeds(&cph, &switch(&cph, "batch-reset", &body)[0]);
    let device = native.device(&phone);
    assert_eq!(device["desired"], json!({NUMBER: "13800000002"}), "all before is forgotten");
    assert_eq!(site.phones.get(0, NUMBER).as_deref(), Some("13800000002"));
    assert_eq!(site.phones.boots(0), 4);
}

#[test]
fn a_phone_that_never_returns_is_abnormal_and_nobody_else_waits_for_it() {
    let start = Start::with_engine(&format!("boot_deadline_seconds = {BOOT_DEADLINE}"));
    let site = Site::start(&start, Phones::of(4).per_server(2));
    let cph = site.cph();
    let id = |index| site.phones.id(index);
    for index in 0..4 {
        succeeds(&cph, &cph.update(&id(index), json!({NUMBER: "13800000001"})));
    }
    site.phones.set_faults(0, Faults { never_back: true, ..Faults::default() });
    let watch = Stopwatch::start();
    let lost = switch(&cph, "batch-restart", &phones(&site, &[0])).remove(0);
    wait_until("the phone to be off", PATIENCE, || site.phones.power(0) == Power::Off);

    // Its neighbour takes values, and phones of another server restart.
    succeeds(&cph, &cph.update(&id(1), json!({NUMBER: "13800000002"})));
    let others = switch(&cph, "batch-restart", &phones(&site, &[2, 3]));
    others.iter().for_each(|job| succeeds(&cph, job));
    let meanwhile = watch.elapsed();
    assert!(meanwhile < Duration::from_secs(BOOT_DEADLINE), "they waited {meanwhile:?}");
    assert_eq!(cph.job(&lost)["status"], json!(1), "its deadline is not over");

    let end = ended(&cph, &lost);
    assert_eq!(end["status"], json!(-1), "{end}");
    assert!(watch.elapsed() + Duration::from_secs(1) > Duration::from_secs(BOOT_DEADLINE));
    wait_until("it to be abnormal", PATIENCE, || cph.phone(&id(0))["status"] == json!(-7));
    succeeds(&cph, &switch(&cph, "batch-restart", &phones(&site, &[1]))[0]);
    assert_eq!(site.phones.get(1, NUMBER).as_deref(), Some("13800000002"));

    // Back from the dead it takes what was asked of it.
    site.phones.set_faults(0, Faults::default());
    site.phones.power_on(0);
    wait_until("its value", PATIENCE, || {
        site.phones.get(0, NUMBER).as_deref() == Some("13800000001")
    });
    assert_eq!(cph.job(&lost)["status"], json!(-1), "a job ends once");
}

#[test]
fn redroid_is_not_restarted_unless_somebody_says_how() {
    let plan = Phones::of(1).make(Make::Redroid).logged();
    let site = Site::start(&Start::default(), plan);
    let (cph, native) = (site.cph(), site.native());
    for call in ["batch-restart", "batch-reset"] {
        let jobs = switch(&cph, call, &phones(&site, &[0]));
        let end = ended(&cph, &jobs[0]);
        assert_eq!(end["status"], json!(-1), "{call}: {end}");
        let job = native.job(&jobs[0]).to_string();
        assert!(job.contains("redroid") || job.contains("unsupported"), "{call}: {job}");
    }
    let jobs = switch(&cph, "batch-stop", &json!({"phone_ids": [site.phones.id(0)]}));
    assert_eq!(ended(&cph, &jobs[0])["status"], json!(-1));
    assert_eq!(site.phones.boots(0), 1);
    let restarted = |done: &Done| matches!(done, Done::Restarted(_));
    assert!(!site.phones.done(0).iter().any(restarted), "it was told to restart");
    // And it works on.
    succeeds(&cph, &cph.update(&site.phones.id(0), json!({"gsm.operator.alpha": "CMCC"})));
}

#[test]
fn an_operators_command_restarts_stops_starts_and_resets() {
    let mut phones_first = Phones::start(Phones::of(2).make(Make::Redroid));
    let control = phones_first.control();
    let command = |verb: &str| format!(r#"[{control}, "{verb}", "{{device}}"]"#);
    let profile = format!(
        "name = \"redroid\"\nbase = \"redroid\"\nrestart = \"command\"\n\
         factory_reset = \"command\"\n\n[commands]\nrestart = {}\nstart = {}\nstop = {}\n\
         factory_reset = {}\n",
        command("restart"),
        command("start"),
        command("stop"),
        command("factory-reset"),
    );
    let start = Start::default().with_file("catalogue/profiles/redroid.toml", profile);
    let site = Site::start_with(&start, phones_first);
    let (cph, native) = (site.cph(), site.native());
    let phone = site.phones.id(0);
    succeeds(&cph, &cph.update(&phone, json!({NUMBER: "13800000001"})));

    succeeds(&cph, &switch(&cph, "batch-restart", &phones(&site, &[0]))[0]);
    assert_eq!(site.phones.boots(0), 2);
    assert_eq!(site.phones.get(0, NUMBER).as_deref(), Some("13800000001"));

    succeeds(&cph, &switch(&cph, "batch-stop", &json!({"phone_ids": [phone]}))[0]);
    assert_eq!(site.phones.power(0), Power::Off);
    wait_until("it to be stopped", PATIENCE, || cph.phone(&phone)["status"] == json!(8));
    let stored = cph.update(&phone, json!({NUMBER: "13800000002"}));
    assert_eq!(cph.job(&stored)["status"], json!(2), "a stopped phone stores its values");

    // RestartCloudPhone starts what is stopped.
    succeeds(&cph, &switch(&cph, "batch-restart", &phones(&site, &[0]))[0]);
    assert_eq!(site.phones.power(0), Power::Up);
    assert_eq!(site.phones.get(0, NUMBER).as_deref(), Some("13800000002"));
    assert_eq!(native.job(&stored)["state"], "succeeded");

    succeeds(&cph, &switch(&cph, "batch-reset", &phones(&site, &[0]))[0]);
    assert_eq!(site.phones.get(0, NUMBER).as_deref(), Some("13800000002"));
    assert_eq!(site.phones.boots(1), 1, "its neighbour was left alone");
}
