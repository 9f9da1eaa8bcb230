//! Recorders: each of their channels has two names, ours and the device's.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::cameras::{Make, server};
use crate::harness::{Cameras, Native, PATIENCE, Start, wait_until};

/// Channels of a recorder.
const CHANNELS: u32 = 32;

/// Recorders that the server knows all channels of.
fn met(make: Make) -> (crate::harness::Server, Native, Cameras) {
    let (server, native) = server(&Start { cameras: true, ..Start::default() });
    let plan = Cameras::of(2, server.sip()).channels(CHANNELS).make(make);
    let recorders = Cameras::meet(plan, &native);
    for id in recorders.ids() {
        wait_until("all channels to be known", PATIENCE, || {
            native.channels(&id).len() == CHANNELS as usize
        });
    }
    (server, native, recorders)
}

/// A name of each channel, as the server has it.
fn names(native: &Native, id: &str, which: &str) -> BTreeMap<String, Value> {
    let channels = native.channels(id);
    let named = channels.iter().map(|channel| {
        let id = channel["id"].as_str().expect("an id").to_owned();
        (id, channel[which].clone())
    });
    named.collect()
}

/// A name of each channel, as the recorder has it.
fn held(recorders: &Cameras, id: &str) -> BTreeMap<String, Value> {
    let channels = recorders.held(id).channels;
    channels.into_iter().map(|channel| (channel.id, json!(channel.name))).collect()
}

#[test]
fn renaming_one_channel_leaves_the_others_alone() {
    let (_server, native, recorders) = met(Make::Hikvision);
    let [id, other] = <[String; 2]>::try_from(recorders.ids()).expect("two recorders");
    let (mut expected, others) = (held(&recorders, &id), held(&recorders, &other));
    assert_eq!(names(&native, &id, "reported_name"), expected);
    let channel = recorders.held(&id).channels[6].id.clone();

    let job = native.ask(&id, &json!({format!("Channel.{channel}.Name"): "萳园𠮷-7"}));
    assert_eq!(native.succeeded(&job)["proof"], "verified");
    expected.insert(channel.clone(), json!("萳园𠮷-7"));
    assert_eq!(held(&recorders, &id), expected, "31 of them as before");
    assert_eq!(held(&recorders, &other), others, "another recorder was renamed");
    assert_eq!(recorders.held(&id).counts.device_configs, 1);
    assert_eq!(recorders.held(&other).counts.device_configs, 0);
    let ours = names(&native, &id, "name");
    assert_eq!(ours.values().filter(|name| !name.is_null()).count(), 1);
    assert_eq!(ours[&channel], "萳园𠮷-7");
    wait_until("the catalog to be read", PATIENCE, || {
        names(&native, &id, "reported_name") == expected
    });
    assert_ne!(recorders.held(&id).name, "萳园𠮷-7", "the recorder itself was renamed");
}

#[test]
fn a_later_catalog_changes_what_is_reported_and_never_our_names() {
    let (_server, native, recorders) = met(Make::Generic);
    let id = recorders.ids()[0].clone();
    let channels: Vec<String> =
        recorders.held(&id).channels.into_iter().map(|channel| channel.id).collect();
    let [named, other] = [&channels[0], &channels[1]];
    let job =
        native.ask(&id, &json!({format!("Channel.{named}.Name"): "ours", "Name": "recorder-1"}));
    native.succeeded(&job);

    // Somebody goes to its web page.
    recorders.set_name(&id, Some(named), "theirs");
    recorders.set_name(&id, Some(other), "theirs-too");
    recorders.set_name(&id, None, "their-recorder");
    let before = recorders.held(&id).counts.registrations;
    recorders.unregister(&id);
    native.wait_for_status(&id, "OffLine");
    recorders.register(&id);
    recorders.wait_for_registration(&id, before);
    wait_until("the new catalog to be read", PATIENCE, || {
        let reported = names(&native, &id, "reported_name");
        reported[named] == "theirs" && reported[other] == "theirs-too"
    });
    wait_until("its own name to be read", PATIENCE, || {
        native.device(&id)["camera"]["reported_name"] == "their-recorder"
    });
    let ours = names(&native, &id, "name");
    assert_eq!(ours[named], "ours");
    assert_eq!(ours[other], Value::Null);
    assert_eq!(native.device(&id)["name"], "recorder-1");
    // The project only reports such a change.
    assert_eq!(recorders.held(&id).counts.device_configs, 2, "one each, and none again");
}

#[test]
fn a_make_that_knows_no_names_of_channels_is_not_asked_for_one() {
    let (_server, native, recorders) = met(Make::Dahua);
    let id = recorders.ids()[0].clone();
    let before = held(&recorders, &id);
    let channel = before.keys().next().expect("a channel").clone();
    let job = native.ask(&id, &json!({format!("Channel.{channel}.Name"): "ours"}));
    let job = native.ended(&job);
    assert_ne!(job["proof"], "verified", "{job}");
    assert_eq!(held(&recorders, &id), before);
    assert_eq!(recorders.held(&id).counts.device_configs, 0);
    assert_eq!(names(&native, &id, "name")[&channel], "ours");
    // Its own name it takes.
    let job = native.ask(&id, &json!({"Name": "大华录像机"}));
    assert_eq!(native.succeeded(&job)["proof"], "verified");
    assert_eq!(recorders.held(&id).name, "大华录像机");
}
