//! The right phone or none: reused addresses, copies of a phone, and proxies with nobody behind
//! them. Nothing is set on a wrong one, and each is named where an operator looks.

use serde_json::{Value, json};

use crate::harness::phones::{Done, Faults};
use crate::harness::{Cli, PATIENCE, Phones, Site, Start, wait_until};

/// A property that survives boots, and one that each boot wipes.
const LOCALE: &str = "persist.sys.locale";
const NUMBER: &str = "sys.prop.writephonenum";

/// A site whose phones each show a value of their own.
fn site(count: usize) -> Site {
    let site = Site::start(&Start::default(), Phones::of(count).logged());
    let cph = site.cph();
    for index in 0..count {
        let job = cph.update(&site.phones.id(index), json!({NUMBER: number(index)}));
        wait_until("a job's end", PATIENCE, || cph.job(&job)["status"] == json!(2));
    }
    site
}

/// The value that a phone shows.
fn number(index: usize) -> String {
    format!("1380000000{index}")
}

/// Waits until a device is in trouble that says `words`.
fn in_trouble(site: &Site, index: usize, words: &str) {
    let native = site.native();
    let id = site.phones.id(index);
    wait_until(&format!("phone {index} to be in trouble: {words}"), PATIENCE, || {
        let device = native.device(&id);
        device["trouble"].as_str().is_some_and(|trouble| trouble.contains(words))
    });
}

/// What `device check` of a device finds wrong with `item`. It must end with 1.
fn check_fails(site: &Site, index: usize, item: &str) -> String {
    let ran = Cli::new(&site.server).run(&["device", "check", &site.phones.id(index), "--json"]);
    assert_eq!(ran.status, Some(1), "{ran:?}");
    let check: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(check["holds"], json!(false), "{check}");
    let items = check["items"].as_array().expect("items");
    let found = items.iter().find(|found| found["name"] == item);
    let found = found.unwrap_or_else(|| panic!("no {item}: {check}"));
    assert_eq!(found["result"], "failed", "{check}");
    assert!(found["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "{check}");
    found["detail"].as_str().expect("a detail").to_owned()
}

/// Whether a phone was ever told to give a property this value.
fn was_given(site: &Site, index: usize, value: &str) -> bool {
    let wrote = |done: &Done| matches!(done, Done::Wrote { value: set, .. } if set == value);
    site.phones.done(index).iter().any(wrote)
}

#[test]
fn a_reused_address_gets_nothing() {
    let site = site(2);
    site.phones.swap(0, site.phones.address(1));
    let cph = site.cph();
    let job = cph.update(&site.phones.id(0), json!({LOCALE: "fr-FR"}));
    for index in [0, 1] {
        in_trouble(&site, index, "another device answers at this address");
        let other = site.phones.id(1 - index);
        let detail = check_fails(&site, index, "right phone");
        assert!(detail.contains(&other), "{detail:?} does not name {other}");
    }
    assert_eq!(cph.job(&job)["status"], json!(1));
    for index in [0, 1] {
        assert!(!was_given(&site, index, "fr-FR"), "phone {index} was given it");
        assert_eq!(site.phones.get(index, NUMBER), Some(number(index)));
    }
    let shown = Cli::new(&site.server).run(&["device", "show", &site.phones.id(0)]).ok();
    assert!(shown.contains("another device answers at this address"), "{shown}");

    // Home again, each takes what is its own.
    site.phones.swap(0, site.phones.address(1));
    wait_until("the job's end", PATIENCE, || cph.job(&job)["status"] == json!(2));
    assert_eq!(site.phones.get(0, LOCALE).as_deref(), Some("fr-FR"));
    assert_ne!(site.phones.get(1, LOCALE).as_deref(), Some("fr-FR"));
}

#[test]
fn a_copy_of_a_phone_stops_both() {
    let site = site(3);
    site.phones.copy_data(2, 0);
    site.phones.reboot(2);
    let native = site.native();
    let (original, copy) = (site.phones.id(0), site.phones.id(2));
    // The record whose marker is borne twice names the other; the other says whose marker it bears.
    wait_until("the copy to be named", PATIENCE, || {
        native.device(&original)["copy"]["id"] == *copy
    });
    in_trouble(&site, 0, &copy);
    in_trouble(&site, 2, &original);
    for index in [0, 2] {
        check_fails(&site, index, "right phone");
    }

    let cph = site.cph();
    let jobs = [0, 2].map(|index| cph.update(&site.phones.id(index), json!({LOCALE: "fr-FR"})));
    let bystander = cph.update(&site.phones.id(1), json!({LOCALE: "de-DE"}));
    wait_until("the bystander's job", PATIENCE, || cph.job(&bystander)["status"] == json!(2));
    for (job, index) in jobs.iter().zip([0, 2]) {
        assert_eq!(cph.job(job)["status"], json!(1), "nothing is set on either");
        assert!(!was_given(&site, index, "fr-FR"), "phone {index} was given it");
    }

    // The operator says which is which: the copy becomes a phone of its own.
    let ran = Cli::new(&site.server).run(&["device", "adopt", &copy, "--replace-marker"]);
    ran.ok();
    for job in &jobs {
        wait_until("a job's end", PATIENCE, || cph.job(job)["status"] == json!(2));
    }
    for id in [&original, &copy] {
        wait_until("no trouble to be left", PATIENCE, || {
            let device = native.device(id);
            device["copy"].is_null() && device["trouble"].is_null()
        });
    }
}

#[test]
fn a_proxy_with_nobody_behind_it_is_no_phone() {
    let site = site(2);
    let native = site.native();
    for (index, faults) in [
        (0, Faults { hang_up: true, ..Faults::default() }),
        (1, Faults { silent: true, ..Faults::default() }),
    ] {
        site.phones.set_faults(index, faults);
        // The connection that the server keeps was made before.
        site.phones.reboot(index);
        let job = site.cph().update(&site.phones.id(index), json!({LOCALE: "fr-FR"}));
        wait_until("the trouble to be known", PATIENCE, || {
            !native.device(&site.phones.id(index))["trouble"].is_null()
        });
        let ran = Cli::new(&site.server).run(&["device", "check", &site.phones.id(index)]);
        assert_eq!(ran.status, Some(1), "{ran:?}");
        assert!(ran.stdout.contains("FAIL"), "{ran:?}");
        assert_eq!(site.cph().job(&job)["status"], json!(1));
        assert!(!was_given(&site, index, "fr-FR"), "phone {index} was given it");

        site.phones.set_faults(index, Faults::default());
        wait_until("the job's end", PATIENCE, || site.cph().job(&job)["status"] == json!(2));
        assert_eq!(site.phones.get(index, LOCALE).as_deref(), Some("fr-FR"));
    }
}
