//! A rollout that stops by itself, what failed in it, and taking it back.

use std::collections::BTreeSet;

use serde_json::json;

use super::{NAME, USUAL, script};
use crate::harness::browser::{self, Browser};
use crate::harness::phones::{Faults, PROJECT};
use crate::harness::{PATIENCE, Phones, Site, Start, wait_until};

/// Phones of the fleet.
const PHONES: usize = 120;

/// The devices of the wave for trial.
const CANARY: usize = 20;
/// Those of each further wave.
const WAVE: usize = 40;

/// How many failures stop it.
const STOP_AT: usize = 5;

/// Whether a phone refuses every value.
fn refuses(index: usize) -> bool {
    index % 10 == 7
}

#[test]
fn a_rollout_stops_by_itself_shows_what_failed_and_is_taken_back() {
    let site = Site::start(&Start::default(), Phones::of(PHONES));
    let native = site.native();
    browser::add_user(&native);
    let mut browser = Browser::default();
    for (number, way) in USUAL.into_iter().enumerate() {
        // What they hold before, so that there is something to go back to.
        let before = format!("1310013100{number}");
        for index in 0..PHONES {
            site.phones.set_faults(index, Faults::default());
        }
        let update = json!({
            "project": PROJECT, "kind": "phone", "selector": {}, "set": {NAME: before},
        });
        native.post("/api/v1/updates", &update);
        wait_until("all to hold the value before", 2 * PATIENCE, || {
            (0..PHONES).all(|index| site.phones.get(index, NAME).as_ref() == Some(&before))
        });
        for index in (0..PHONES).filter(|index| refuses(*index)) {
            let refuse_set = BTreeSet::from([NAME.to_owned()]);
            site.phones.set_faults(index, Faults { refuse_set, ..Faults::default() });
        }
        let facts = json!({
            "property": NAME,
            "value": format!("1320013200{number}"),
            "devices": PHONES,
            "canary": CANARY,
            "wave": WAVE,
            "stopAt": STOP_AT,
            // Of the first 60 six refuse it.
            "begun": CANARY + WAVE,
            "failed": (0..CANARY + WAVE).filter(|index| refuses(*index)).count(),
            "refusing": (0..CANARY + WAVE)
                .filter(|index| refuses(*index))
                .map(|index| site.phones.id(index))
                .collect::<Vec<_>>(),
        });
        script("rollout", way, facts).run_in(&mut browser, &site.server.url());
        wait_until("all to hold the value before again", 2 * PATIENCE, || {
            (0..PHONES).all(|index| site.phones.get(index, NAME).as_ref() == Some(&before))
        });
    }
}
