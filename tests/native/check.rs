//! `device check`: what holds and what does not, each with its remedy, and what a script goes by.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::phones::{Faults, Make};
use crate::harness::{Cli, PATIENCE, Phones, Site, Start, wait_until};

/// What is looked at of every device, in this order.
const ABOUT_THE_DEVICE: [&str; 6] =
    ["reachable", "authenticated", "right phone", "rights", "boot identity", "clock"];

/// The items of a check, and the command's status.
fn check(site: &Site, index: usize) -> (Option<i32>, Vec<Value>) {
    let ran = Cli::new(&site.server).run(&["device", "check", &site.phones.id(index), "--json"]);
    let check: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
    let items = check["items"].as_array().expect("items").clone();
    assert_eq!(check["holds"] == json!(true), ran.status == Some(0), "{ran:?}");
    (ran.status, items)
}

/// The result of an item.
fn result<'a>(items: &'a [Value], name: &str) -> &'a str {
    let item = items.iter().find(|item| item["name"] == name);
    let item = item.unwrap_or_else(|| panic!("no {name}: {items:?}"));
    item["result"].as_str().expect("a result")
}

#[test]
fn a_phone_in_order_ends_with_0_and_unsupported_is_no_failure() {
    for make in [Make::Simulated, Make::Redroid] {
        let site = Site::start(&Start::default(), Phones::of(1).make(make));
        let (status, items) = check(&site, 0);
        assert_eq!(status, Some(0), "{make}: {items:?}");
        let names: Vec<&str> = items.iter().filter_map(|item| item["name"].as_str()).collect();
        assert_eq!(names[..6], ABOUT_THE_DEVICE, "{make}");
        assert!(names.len() > 20, "{make} has few properties: {names:?}");
        let results: BTreeSet<&str> =
            items.iter().filter_map(|item| item["result"].as_str()).collect();
        assert!(results.is_subset(&BTreeSet::from(["passed", "unsupported"])), "{results:?}");
        let words = Cli::new(&site.server).run(&["device", "check", &site.phones.id(0)]).ok();
        assert!(words.lines().count() >= items.len(), "{words}");
    }
}

#[test]
fn it_changes_nothing() {
    let site = Site::start(&Start::default(), Phones::of(1));
    let before = site.phones.applications(0);
    check(&site, 0);
    assert_eq!(site.phones.applications(0), before);
}

#[test]
fn each_failure_has_a_remedy_and_ends_with_1() {
    let site = Site::start(&Start::default(), Phones::of(3));
    let dead = Faults { refuse: true, ..Faults::default() };
    let early = Faults { clock_ahead: 3 * 24 * 3600, ..Faults::default() };
    site.phones.set_faults(0, dead);
    site.phones.set_faults(1, early);
    site.phones.set(2, "persist.fleetwright.id", "another-server's");
    for (index, name) in [(0, "reachable"), (1, "clock"), (2, "right phone")] {
        let (status, items) = check(&site, index);
        assert_eq!(status, Some(1), "{name}: {items:?}");
        assert_eq!(result(&items, name), "failed", "{items:?}");
        for item in items.iter().filter(|item| item["result"] == "failed") {
            let remedy = item["remedy"].as_str().unwrap_or_default();
            assert!(remedy.split(' ').count() > 4, "no sentence: {item}");
        }
    }
    let (_, items) = check(&site, 0);
    assert_eq!(result(&items, "authenticated"), "not_reached", "{items:?}");
}

#[test]
fn what_can_not_be_asked_is_2() {
    let site = Site::start(&Start::default(), Phones::of(1));
    let cli = Cli::new(&site.server);
    let ran = cli.run(&["device", "check", &"0".repeat(32)]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
    let ran = Cli::at("http://127.0.0.1:1").run(&["device", "check", &site.phones.id(0)]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
}

#[test]
fn a_phone_is_adopted_as_it_is() {
    let site = Site::start(&Start::default(), Phones::of(1));
    let (native, phone) = (site.native(), site.phones.id(0));
    site.phones.set(0, "sys.prop.writephonenum", "13811112222");
    let before = site.phones.applications(0);
    let ran = Cli::new(&site.server).run(&["device", "adopt", &phone, "--from-reported"]);
    ran.ok();
    wait_until("what it shows to be what is desired", PATIENCE, || {
        native.device(&phone)["desired"]["sys.prop.writephonenum"] == "13811112222"
    });
    assert_eq!(site.phones.applications(0), before, "the phone was changed");
    site.phones.reboot(0);
    wait_until("the value to be back after a boot", PATIENCE, || {
        site.phones.get(0, "sys.prop.writephonenum").as_deref() == Some("13811112222")
    });
}
