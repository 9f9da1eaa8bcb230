//! One device of many, why it is not as it should be, changing one and changing five hundred, and a
//! host whose phones all reboot.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::{NAME, USUAL, script};
use crate::harness::browser::{self, Browser};
use crate::harness::phones::{Faults, PROJECT, Power};
use crate::harness::{PATIENCE, Phones, Site, Start, wait_until};

/// A site of so many phones, so many on a host, with somebody who may sign in.
fn site(phones: usize, per_server: usize) -> Site {
    let site = Site::start(&Start::default(), Phones::of(phones).per_server(per_server));
    browser::add_user(&site.native());
    site
}

#[test]
fn what_keeps_a_device_from_its_desired_state_is_told() {
    let site = site(6, 3);
    let refuse_set = BTreeSet::from([NAME.to_owned()]);
    site.phones.set_faults(2, Faults { refuse_set, ..Faults::default() });
    let job = site.native().ask(&site.phones.id(2), &json!({NAME: "13700137000"}));
    assert_eq!(site.native().ended(&job)["state"], "failed");
    let explain = site.native().get(&format!("/api/v1/devices/{}/explain", site.phones.id(2)));
    let values = explain["values"].as_array().expect("values");
    let value = values.iter().find(|value| value["name"] == NAME).expect("the value");
    let facts = json!({
        "phone": site.phones.id(2),
        "property": NAME,
        "value": "13700137000",
        "reason": value["reasons"][0],
    });
    let mut browser = Browser::default();
    for way in USUAL {
        script("why", way, facts.clone()).run_in(&mut browser, &site.server.url());
    }
}

#[test]
fn one_device_is_changed() {
    let site = site(4, 4);
    let mut browser = Browser::default();
    for (number, way) in USUAL.into_iter().enumerate() {
        let job = site.native().ask(&site.phones.id(number), &json!({NAME: "13600136000"}));
        site.native().succeeded(&job);
        let facts = json!({
            "phone": site.phones.id(number), "property": NAME,
            "from": "13600136000", "to": "13600136001",
        });
        script("change-one", way, facts).run_in(&mut browser, &site.server.url());
        assert_eq!(site.phones.get(number, NAME).as_deref(), Some("13600136001"), "{way:?}");
    }
    assert_eq!(site.phones.get(3, NAME), None, "another phone was changed");
}

#[test]
fn five_hundred_are_changed_by_a_filter_after_a_dry_run() {
    /// Those on the host that is chosen.
    const CHOSEN: usize = 500;

    let limit = rlimit::increase_nofile_limit(4 * CHOSEN as u64).expect("the limit is known");
    assert!(limit >= 3 * CHOSEN as u64, "`ulimit -n` allows only {limit} open files");
    let site = site(CHOSEN + 20, CHOSEN);
    let mut browser = Browser::default();
    for (number, way) in USUAL.into_iter().take(2).enumerate() {
        let value = format!("1350013500{number}");
        let facts = json!({
            "server": "server-001", "count": CHOSEN, "property": NAME, "value": value,
        });
        script("change-many", way, facts).run_in(&mut browser, &site.server.url());
        wait_until("all to have it", 4 * PATIENCE, || {
            (0..CHOSEN).all(|index| site.phones.get(index, NAME).as_ref() == Some(&value))
        });
        for index in CHOSEN..CHOSEN + 20 {
            assert_eq!(site.phones.get(index, NAME), None, "phone {index} of the other host");
        }
    }
}

#[test]
fn the_phones_of_a_host_that_reboots_are_watched_as_they_recover() {
    /// Phones of a host: more than are in sight. One restarts after the other.
    const HOST: usize = 24;

    // A boot takes long enough to be seen.
    let plan = Phones::of(HOST + 10).per_server(HOST).boot(Duration::from_secs(1));
    let site = Site::start(&Start::default(), plan);
    browser::add_user(&site.native());
    // The server keeps an eye on those that it wants something of.
    let update = json!({
        "project": PROJECT, "kind": "phone", "selector": {}, "set": {NAME: "1"},
    });
    site.native().post("/api/v1/updates", &update);
    wait_until("all to hold a value", 2 * PATIENCE, || {
        (0..HOST).all(|index| site.phones.get(index, NAME).is_some())
    });
    let facts = json!({"server": "server-001", "count": HOST, "phone": site.phones.id(0)});
    let (url, mut browser) = (site.server.url(), Browser::default());
    for way in USUAL {
        let boots: u64 = (0..HOST).map(|index| site.phones.boots(index)).sum();
        script("host-restarts", way, facts.clone()).run_with(&mut browser, &url, |what, _| {
            match what {
                "host-goes" => (0..HOST).for_each(|index| site.phones.power_off(index)),
                "host-comes" => (0..HOST).for_each(|index| site.phones.power_on(index)),
                _ => panic!("{what}"),
            }
            Value::Bool(true)
        });
        let after: u64 = (0..HOST).map(|index| site.phones.boots(index)).sum();
        assert_eq!(after, boots + 2 * HOST as u64, "each has booted by itself and been restarted");
        assert!((0..HOST).all(|index| site.phones.power(index) == Power::Up), "{way:?}");
    }
    assert_eq!(site.phones.boots(HOST), 1, "a phone of another host");
}
