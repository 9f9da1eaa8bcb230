//! Updates of 3,000 phones in waves, one in twenty of which refuses: they stop where they were
//! told to, go on exactly where they were after each `kill -9`, and are taken back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::phones::{Faults, PROJECT};
use crate::harness::{Cli, PATIENCE, Phones, Site, Start, Stopwatch, wait_for, wait_until};

/// Phones of the fleet.
const PHONES: usize = 3_000;

/// A property that each phone holds and shows.
const NAME: &str = "sys.prop.writephonenum";

/// Phones that an operator has frozen.
const FROZEN: std::ops::Range<usize> = 100..105;

/// Phones of which the new value was asked before.
const BEFORE: std::ops::Range<usize> = 10..15;

/// How long an update of all phones may take.
const LONG: Duration = Duration::from_secs(180);

/// Whether a phone refuses every value.
fn refuses(index: usize) -> bool {
    index % 20 == 7
}

/// A site whose phones all hold the value `1`; then one in twenty refuses what comes.
fn site() -> Site {
    // Each phone has a port, and the server a connection to it: two descriptors of this process.
    let limit = rlimit::increase_nofile_limit(3 * PHONES as u64).expect("the limit is known");
    assert!(limit >= 2 * PHONES as u64 + 500, "`ulimit -n` allows only {limit} open files");
    let watch = Stopwatch::start();
    let site = Site::start(&Start::default(), Phones::of(PHONES).boot(Duration::ZERO));
    println!("{PHONES} phones met after {:.1} s", watch.elapsed().as_secs_f64());
    let id = begin(&Cli::new(&site.server), &[&format!("{NAME}=1")], &[]);
    until(&site, &id, "done");
    for index in (0..PHONES).filter(|index| refuses(*index)) {
        let refuse_set = BTreeSet::from([NAME.to_owned()]);
        site.phones.set_faults(index, Faults { refuse_set, ..Faults::default() });
    }
    println!("all phones hold the first value after {:.1} s", watch.elapsed().as_secs_f64());
    site
}

/// Begins an update of all phones, with these values and options, and gives its id.
fn begin(cli: &Cli, values: &[&str], options: &[&str]) -> String {
    let mut args = vec!["update", "--project", PROJECT, "--kind", "phone", "--json"];
    args.extend(values.iter().flat_map(|value| ["--set", *value]));
    args.extend(options);
    let answer: Value = serde_json::from_str(&cli.run(&args).ok()).expect("JSON");
    assert_eq!(answer["devices"], PHONES, "{answer}");
    answer["id"].as_str().expect("an id").to_owned()
}

/// An update as it stands.
fn shown(site: &Site, id: &str) -> Value {
    site.native().get(&format!("/api/v1/updates/{id}"))
}

/// Waits until an update is in this phase and none of its jobs is open.
fn until(site: &Site, id: &str, phase: &str) -> Value {
    wait_for(&format!("the update to be {phase}"), LONG, || {
        let update = shown(site, id);
        let jobs = &update["jobs"];
        let ended = jobs["succeeded"].as_u64()? + jobs["failed"].as_u64()?;
        let is_there = update["rollout"]["phase"] == phase && jobs["total"] == ended;
        is_there.then_some(update)
    })
}

/// All of a list that comes in pages.
fn all(site: &Site, target: &str, field: &str) -> Vec<Value> {
    let (native, mut found, mut after) = (site.native(), Vec::new(), String::new());
    loop {
        let page = native.get(&format!("/api/v1/{target}?limit=1000{after}"));
        found.extend(page[field].as_array().expect("a list").clone());
        let Some(next) = page["next"].as_str() else { return found };
        after = format!("&after={next}");
    }
}

#[test]
fn a_rollout_does_what_was_foretold_stops_where_it_was_told_and_is_taken_back() {
    let site = site();
    let cli = Cli::new(&site.server);
    let native = site.native();
    for index in FROZEN {
        native.post(&format!("/api/v1/devices/{}/freeze", site.phones.id(index)), &json!({}));
    }
    let devices: Vec<Value> =
        BEFORE.map(|index| json!({"id": site.phones.id(index), "set": {NAME: "2"}})).collect();
    let update = native.post("/api/v1/updates", &json!({"project": PROJECT, "devices": devices}));
    let request = update["id"].as_str().expect("an id");
    wait_until("the value on some", PATIENCE, || shown(&site, request)["ended_at"].is_string());

    let dry = cli.run(&[
        "update",
        "--project",
        PROJECT,
        "--kind",
        "phone",
        "--set",
        &format!("{NAME}=2"),
        "--dry-run",
        "--json",
    ]);
    assert_eq!(dry.status, Some(1), "five are frozen: {}", dry.stderr);
    let foretold: Value = serde_json::from_str(&dry.stdout).expect("JSON");
    let foretold = foretold["devices"].as_array().expect("devices");
    assert_eq!(foretold.len(), PHONES);

    let options = ["--canary", "50", "--wave", "250", "--stop-failed", "20"];
    let id = begin(&cli, &[&format!("{NAME}=2")], &options);
    let stopped = until(&site, &id, "stopped");
    // Of the first 300 fifteen refuse it; of the first 550, 28.
    let rollout = &stopped["rollout"];
    assert_eq!((&rollout["begun"], &rollout["wave"]), (&json!(550), &json!(3)), "{rollout}");
    assert_eq!((&stopped["jobs"]["failed"], &rollout["refused"]), (&json!(28), &json!(5)));
    let words = cli.run(&["update", "show", &id]).ok();
    assert!(words.contains("stopped: ") && words.contains("550 of 3000"), "{words}");
    assert!(words.contains("and 23 more") && words.contains("the device is frozen"), "{words}");
    let failures = native.get(&format!("/api/v1/updates/{id}/failures"));
    let groups = failures["groups"].as_array().expect("groups");
    let told: Vec<_> = groups.iter().map(|group| (&group["code"], &group["count"])).collect();
    let expected = [(&json!("refused"), &json!(28)), (&json!("frozen"), &json!(5))];
    assert_eq!(told, expected, "{failures}");
    let first: Vec<String> = [7, 27, 47, 67, 87].map(|index| site.phones.id(index)).to_vec();
    assert_eq!((&groups[0]["devices"], &failures["other"]), (&json!(first), &Value::Null));
    let failed = native.get(&format!("/api/v1/updates/{id}/jobs?state=failed&limit=1000"));
    let failed = failed["jobs"].as_array().expect("jobs");
    assert_eq!(failed.len(), 28);
    assert!(failed.iter().all(|job| job["rollout"] == id && job["state"] == "failed"));
    for index in 0..PHONES {
        let takes = index < 550 && !refuses(index) && !FROZEN.contains(&index);
        let value = if takes || BEFORE.contains(&index) { "2" } else { "1" };
        assert_eq!(site.phones.get(index, NAME).as_deref(), Some(value), "phone {index}");
    }
    as_foretold(&site, &id, &foretold[..550]);

    let ran = cli.run(&["update", "revert", &id, "--wait", "3m", "--json"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(shown(&site, &id)["rollout"]["phase"], "aborted");
    for index in 0..PHONES {
        let value = if BEFORE.contains(&index) { "2" } else { "1" };
        assert_eq!(site.phones.get(index, NAME).as_deref(), Some(value), "phone {index}");
    }
}

/// Compares what an update did with what was foretold of these devices, one by one.
fn as_foretold(site: &Site, id: &str, foretold: &[Value]) {
    let native = site.native();
    let refused: BTreeMap<String, Value> = all(site, &format!("updates/{id}/refused"), "devices")
        .into_iter()
        .map(|one| (one["device"].as_str().expect("an id").to_owned(), one["error"].clone()))
        .collect();
    let jobs = all(site, &format!("updates/{id}/jobs"), "jobs");
    let jobs: BTreeMap<&str, &Value> =
        jobs.iter().map(|job| (job["device"].as_str().expect("an id"), &job["id"])).collect();
    for (index, prediction) in foretold.iter().enumerate() {
        let device = prediction["id"].as_str().expect("an id");
        assert_eq!(device, site.phones.id(index), "the order is that of the import");
        assert_eq!(
            refused.get(device),
            prediction["refused"].as_object().map(|_| &prediction["refused"])
        );
        if refused.contains_key(device) {
            assert!(!jobs.contains_key(device), "{device} was refused and has a job");
            continue;
        }
        let history = native.get(&format!("/api/v1/devices/{device}/history?limit=1"));
        let change = &history["changes"][0];
        assert_eq!(Some(&&change["job"]), jobs.get(device), "{device}");
        let value = &change["values"][0];
        let expected = match prediction["changes"].as_array().expect("changes").as_slice() {
            [] => {
                json!({"name": prediction["unchanged"][0], "to": "2", "desired": "2", "shown": "2"})
            }
            [one] => json!({"name": one["name"], "to": one["to"], "desired": one["desired"],
                            "shown": one["shown"]}),
            more => panic!("{device}: {more:?}"),
        };
        let done = json!({"name": value["name"], "to": value["to"],
            "desired": value["desired_before"], "shown": value["shown_before"]});
        assert_eq!(done, expected, "{device}");
    }
}

#[test]
fn a_rollout_that_is_killed_in_every_wave_begins_none_twice_and_leaves_none_out() {
    /// Waves: the first for trial, of 100 phones, and ten of 290.
    const WAVES: u64 = 11;

    let mut site = site();
    let options = ["--canary", "100", "--wave", "290"];
    let id = begin(&Cli::new(&site.server), &[&format!("{NAME}=2")], &options);
    for wave in 1..=WAVES {
        let native = site.native();
        let target = format!("/api/v1/updates/{id}");
        wait_until("the wave", LONG, || {
            native.get(&target)["rollout"]["wave"].as_u64().is_some_and(|begun| begun >= wave)
        });
        site.server.kill9();
        site.server.restart(&Start::default());
    }
    let update = until(&site, &id, "done");
    let rollout = &update["rollout"];
    assert_eq!((&rollout["wave"], &rollout["begun"]), (&json!(WAVES), &json!(PHONES)));
    let sizes: Vec<u64> = rollout["waves"]
        .as_array()
        .expect("waves")
        .iter()
        .map(|wave| wave["devices"].as_u64().expect("a number"))
        .collect();
    assert_eq!((sizes[0], &sizes[1..]), (100, &[290; 10][..]));

    // Each phone has one job of it, in the order of the import, and ended as its fault decides.
    let jobs = all(&site, &format!("updates/{id}/jobs"), "jobs");
    assert_eq!(jobs.len(), PHONES);
    for (index, job) in jobs.iter().enumerate() {
        let state = if refuses(index) { "failed" } else { "succeeded" };
        assert_eq!(
            (&job["device"], &job["state"]),
            (&json!(site.phones.id(index)), &json!(state)),
            "{job}"
        );
        let value = if refuses(index) { "1" } else { "2" };
        assert_eq!(site.phones.get(index, NAME).as_deref(), Some(value), "phone {index}");
        let device = job["device"].as_str().expect("an id");
        if index % 100 == 0 {
            let history = site.native().get(&format!("/api/v1/devices/{device}/history"));
            assert_eq!(history["changes"].as_array().map(Vec::len), Some(2), "{history}");
        }
    }

    let ran = Cli::new(&site.server).run(&["update", "revert", &id, "--wait", "3m", "--json"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    for index in 0..PHONES {
        assert_eq!(site.phones.get(index, NAME).as_deref(), Some("1"), "phone {index}");
    }
}
