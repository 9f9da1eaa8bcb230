//! The overview: devices that are not as they should be are counted, found and named, and what was
//! counted outlives the server.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::phones::{Faults, PROJECT};
use crate::harness::{Cameras, Cli, PATIENCE, Phones, Request, Site, Start, wait_for, wait_until};

const NAME: &str = "sys.prop.writephonenum";

/// How long it may take until something is counted: that is done each ten seconds.
const COUNTED: Duration = PATIENCE.saturating_mul(2);

/// The overview of the project.
fn overview(site: &Site) -> Value {
    site.native().get(&format!("/api/v1/overview?project={PROJECT}"))
}

/// Waits until a device has this word.
fn until(site: &Site, id: &str, attention: &str) {
    wait_until(&format!("{id} to be in {attention}"), COUNTED, || {
        site.native().device(id)["attention"] == attention
    });
}

/// The ids of the devices that have one of these words, in order.
fn with(site: &Site, words: &[&str]) -> Vec<String> {
    let words: Vec<String> = words.iter().map(|word| format!("attention={word}")).collect();
    let page = site.native().get(&format!("/api/v1/devices?limit=100&{}", words.join("&")));
    let devices = page["devices"].as_array().expect("devices").iter();
    devices.map(|device| device["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn what_needs_attention_is_counted_and_found_and_outlives_the_server() {
    let start = Start { cameras: true, ..Start::default() };
    let mut site = Site::start(&start, Phones::of(5).boot(Duration::ZERO));
    let native = site.native();
    let cameras = Cameras::meet(Cameras::of(2, site.server.sip()), &native);
    let gone = cameras.ids()[1].clone();
    let phones: Vec<String> = (0..5).map(|index| site.phones.id(index)).collect();

    // Somebody changes the first one by hand; the second one refuses, the third one is off.
    native.succeeded(&native.ask(&phones[0], &json!({NAME: "1"})));
    site.phones.set(0, NAME, "7");
    until(&site, &phones[0], "drift");
    let refuse_set = BTreeSet::from([NAME.to_owned()]);
    site.phones.set_faults(1, Faults { refuse_set, ..Faults::default() });
    let failed = native.ask(&phones[1], &json!({NAME: "1"}));
    assert_eq!(native.ended(&failed)["state"], "failed");
    until(&site, &phones[1], "drift");
    site.phones.power_off(2);
    native.ask(&phones[2], &json!({NAME: "1"}));
    until(&site, &phones[2], "trouble");
    cameras.unregister(&gone);
    native.wait_for_status(&gone, "OffLine");
    // Nothing goes on from here on, so that what is asked of the fourth one waits.
    let cli = Cli::new(&site.server);
    cli.run(&["pause", "--project", PROJECT]).ok();
    native.ask(&phones[3], &json!({NAME: "1"}));
    until(&site, &phones[3], "pending");

    let expected = json!({"trouble": 2, "drift": 2, "restart_pending": 0, "pending": 1});
    let counted = wait_for("all of it to be counted", COUNTED, || {
        let overview = overview(&site);
        (overview["devices"]["attention"] == expected).then_some(overview)
    });
    let devices = &counted["devices"];
    assert_eq!((&devices["total"], &devices["frozen"]), (&json!(7), &json!(0)), "{devices}");
    assert_eq!(devices["by_kind"], json!({"phone": 5, "camera": 2}));
    assert_eq!(devices["cameras"], json!({"OnLine": 1, "OffLine": 1, "Register": 0}));
    let phones_by_condition = devices["by_condition"]["phone"].as_object().expect("conditions");
    let sum: u64 = phones_by_condition.values().filter_map(Value::as_u64).sum();
    assert_eq!(sum, 5, "{devices}");

    // So do the metrics, by which somebody is woken; each node tells the same.
    let told = |name: &str, label: &str, at_least: f64| {
        wait_until(&format!("{name}{label}"), COUNTED, || {
            native.metric(&format!("{name}{label}")) >= at_least
        });
    };
    told("fleetwright_devices_attention", "{why=\"trouble\"}", 2.0);
    told("fleetwright_cameras", "{status=\"OffLine\"}", 1.0);
    told("fleetwright_phones", "", 5.0);

    // The lists have the devices that were counted.
    assert_eq!(with(&site, &["drift"]), phones[..2]);
    assert_eq!(with(&site, &["trouble"]), [phones[2].clone(), gone.clone()]);
    assert_eq!(with(&site, &["pending", "drift"]), [&phones[..2], &phones[3..4]].concat());
    assert_eq!(with(&site, &["any"]), [&phones[..4], &[gone]].concat());
    let as_they_should = [phones[4].clone(), cameras.ids()[0].clone()];
    assert_eq!(with(&site, &["none"]), as_they_should);
    let count = native.get("/api/v1/devices/count?attention=none");
    assert_eq!((&count["count"], &count["more"]), (&json!(2), &json!(false)));
    let list = cli.run(&["device", "list", "--attention", "none"]).ok();
    assert!(list.contains(&phones[4]) && !list.contains(&phones[0]), "{list}");
    let list = cli.run(&["device", "list", "--attention", "drift", "--kind", "phone"]).ok();
    assert!(list.contains(&phones[0]) && !list.contains(&phones[2]), "{list}");
    let meant = ["update", "--project", PROJECT, "--kind", "phone", "--where", "attention=drift"];
    let dry = cli.run(&[&meant[..], &["--set", "sys.prop.writeimsi=1", "--dry-run"]].concat()).ok();
    assert!(dry.contains(&phones[1]) && !dry.contains(&phones[4]), "{dry}");

    // Why the job failed, and of which device it was.
    let reasons = counted["failures"]["reasons"].as_array().expect("reasons");
    assert_eq!((&counted["failures"]["counted"], reasons.len()), (&json!(1), 1), "{counted}");
    let reason = &reasons[0];
    assert_eq!((&reason["code"], &reason["count"]), (&json!("refused"), &json!(1)), "{reason}");
    assert_eq!(reason["devices"], json!([{"project": PROJECT, "id": phones[1]}]));
    let job = native.job(&failed);
    assert_eq!(reason["message"], job["detail"]);
    assert_eq!(reason["updates"], json!([job["request"]]));

    let page = cli.run(&["overview", "--project", PROJECT]).ok();
    assert!(page.contains("attention  2 trouble, 2 drift, 1 pending\n"), "{page}");
    assert!(page.contains(" refused ") && page.contains("7: 5 phones, 2 cameras"), "{page}");
    let all: Value = serde_json::from_str(&cli.run(&["overview", "--json"]).ok()).expect("JSON");
    assert_eq!(all["devices"]["total"], 7, "{all}");
    cli.run(&["overview", "--project", "nobody"]).ended(5, "no such project");
    let unknown = Request::new("GET", "/api/v1/overview?projects=x")
        .header("authorization", format!("Bearer {}", site.server.admin_token()))
        .send(site.server.address());
    assert_eq!(unknown.status, 400, "{unknown:?}");

    let history = counted["history"].as_array().expect("a history");
    let first = history.first().expect("a sample").clone();
    assert!(first["at"].is_string() && first["total"].as_u64() <= Some(7), "{first}");
    assert!(site.server.terminate().success());
    site.server.restart(&start);
    let after = overview(&site);
    assert_eq!(after["history"][0], first);
    assert!(after["as_of"].is_string(), "what was counted is told at once: {after}");
    assert_eq!(after["devices"]["total"], 7, "{after}");
    assert_eq!(after["failures"]["counted"], 1, "{after}");
}

#[test]
fn an_update_that_is_under_way_is_shown_with_its_counts() {
    let site = Site::start(&Start::default(), Phones::of(3).boot(Duration::ZERO));
    let cli = Cli::new(&site.server);
    let pace = ["--canary", "1", "--wave", "1", "--pause", "1h", "--json"];
    let set = format!("{NAME}=1");
    let update = ["update", "--project", PROJECT, "--kind", "phone", "--set", &set];
    let made: Value =
        serde_json::from_str(&cli.run(&[&update[..], &pace].concat()).ok()).expect("JSON");
    let shown = wait_for("its jobs to be counted", COUNTED, || {
        let overview = overview(&site);
        (overview["rollouts"][0]["succeeded"] == 1).then(|| overview["rollouts"][0].clone())
    });
    assert_eq!((&shown["id"], &shown["project"]), (&made["id"], &json!(PROJECT)), "{shown}");
    assert_eq!((&shown["devices"], &shown["begun"]), (&json!(3), &json!(1)), "{shown}");
    assert_eq!((&shown["phase"], &shown["failed"]), (&json!("running"), &json!(0)), "{shown}");
    let id = made["id"].as_str().expect("an id");
    assert!(cli.run(&["overview"]).ok().contains(id));
    site.native().post(&format!("/api/v1/updates/{id}/abort"), &json!({}));
    assert_eq!(overview(&site)["rollouts"], json!([]), "it is over at once");
}
