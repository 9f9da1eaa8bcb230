//! Cameras' passwords are rotated, with a look at who still uses the old one; a channel of a
//! recorder is renamed.

use serde_json::{Value, json};

use super::{USUAL, script};
use crate::harness::browser::{self, Browser};
use crate::harness::cameras::server;
use crate::harness::phones::PROJECT;
use crate::harness::{Cameras, PATIENCE, Start, wait_until};

/// Cameras of the project.
const CAMERAS: usize = 6;

/// Channels of a recorder.
const CHANNELS: u32 = 8;

#[test]
fn passwords_are_rotated_and_who_still_uses_the_old_one_is_seen() {
    let mut browser = Browser::default();
    for way in USUAL {
        let (server, native) = server(&Start::with_cameras());
        browser::add_user(&native);
        native.set_project(PROJECT, &json!({"password_overlap_seconds": 3600}));
        let cameras = Cameras::meet(Cameras::of(CAMERAS, server.sip()), &native);
        let ids = cameras.ids();
        let in_use = |id: &str| native.device(id)["camera"]["credentials"]["in_use"].clone();
        let heed = |what: &str, about: &Value| {
            match what {
                // They refresh their registration with what they have.
                "all-register" => {
                    cameras.register_all();
                    cameras.wait_until_registered(PATIENCE);
                }
                // Somebody sets the new one at a camera's web page.
                "renew" => {
                    let text = |name: &str| about[name].as_str().expect("text").to_owned();
                    let (id, password) = (text("id"), text("password"));
                    let before = cameras.held(&id).counts.registrations;
                    cameras.set_password(&id, &password);
                    cameras.register(&id);
                    cameras.wait_for_registration(&id, before);
                    wait_until("it to use the new one", PATIENCE, || in_use(&id) == "current");
                }
                _ => panic!("{what}"),
            }
            Value::Bool(true)
        };
        let facts = json!({"cameras": ids});
        script("passwords", way, facts).run_with(&mut browser, &server.url(), heed);
        assert_eq!(in_use(&ids[0]), "current", "{way:?}");
        assert!(ids[1..].iter().all(|id| in_use(id) == "old"), "{way:?}");
    }
}

#[test]
fn one_channel_of_a_recorder_is_renamed() {
    let (server, native) = server(&Start { cameras: true, ..Start::default() });
    browser::add_user(&native);
    let recorders = Cameras::meet(Cameras::of(1, server.sip()).channels(CHANNELS), &native);
    let id = recorders.ids().remove(0);
    wait_until("all channels to be known", PATIENCE, || {
        native.channels(&id).len() == CHANNELS as usize
    });
    let mut browser = Browser::default();
    for (number, way) in USUAL.into_iter().enumerate() {
        let before = recorders.held(&id).channels;
        let channel = before[number + 2].id.clone();
        let name = format!("西门-{number}");
        let facts = json!({"recorder": id, "channel": channel, "name": name});
        script("channel", way, facts).run_in(&mut browser, &server.url());
        let after = recorders.held(&id).channels;
        for (before, after) in before.into_iter().zip(after) {
            let expected = if before.id == channel { name.clone() } else { before.name };
            assert_eq!(after.name, expected, "{way:?}: channel {}", after.id);
        }
    }
}
