//! All that a call of the ISS door might change, for tests of calls that may not.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::Native;

/// What of a device is not compared: it changes by itself.
const PASSING: [&str; 2] = ["states", "reported"];

/// All devices with their channels, all projects with their keys and organizations, and how many
/// jobs were accepted, under names.
pub fn state(native: &Native) -> BTreeMap<String, Value> {
    let mut state = BTreeMap::new();
    let mut after = String::new();
    loop {
        let page = native.get(&format!("/api/v1/devices?limit=1000{after}"));
        for mut device in page["devices"].as_array().expect("devices").clone() {
            let id = device["id"].as_str().expect("an id").to_owned();
            if let Some(fields) = device.as_object_mut() {
                PASSING.iter().for_each(|name| drop(fields.remove(*name)));
            }
            state.insert(format!("channels of {id}"), json!(native.channels(&id)));
            state.insert(format!("device {id}"), device);
        }
        match &page["next"] {
            Value::Null => break,
            next => after = format!("&after={}", next.to_string().trim_matches('"')),
        }
    }
    let projects = native.get("/api/v1/projects");
    for project in projects["projects"].as_array().expect("projects") {
        let id = project["id"].as_str().expect("an id");
        for list in ["keys", "organizations?limit=1000"] {
            let list = format!("/api/v1/projects/{id}/{list}");
            state.insert(list.clone(), native.get(&list));
        }
    }
    state.insert("projects".to_owned(), projects);
    let accepted = native.metric("fleetwright_jobs_accepted_total");
    state.insert("jobs accepted".to_owned(), json!(accepted));
    state
}

/// Checks that all is as it was.
#[track_caller]
pub fn assert_unchanged(native: &Native, before: &BTreeMap<String, Value>) {
    let after = state(native);
    for (name, value) in before {
        assert_eq!(after.get(name), Some(value), "{name} has changed");
    }
    assert_eq!(after.len(), before.len(), "something is there that was not");
}
