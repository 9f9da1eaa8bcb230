//! What stays while one goes on: what was chosen of a list, what is typed over the page, and what
//! is put on paper.

use serde_json::{Value, json};

use super::{USUAL, script};
use crate::harness::browser::{self, Browser, LANGUAGES, WIDE};
use crate::harness::phones::PROJECT;
use crate::harness::site::import;
use crate::harness::{Server, Start};

/// Devices of the list: more than it loads at a time.
const DEVICES: usize = 250;

/// How many it loads at a time.
const LOADED: usize = 100;

/// Devices of the update: what its list of jobs loads at a time holds them.
const JOBS: usize = 120;

/// A camera's id.
fn id(number: usize) -> String {
    format!("3402000000132{number:07}")
}

/// A server with cameras that never register, and somebody who may sign in.
fn server() -> Server {
    let server = Server::start(&Start::default());
    let native = server.native();
    native.new_project(PROJECT);
    browser::add_user(&native);
    let record = |number| {
        let name = format!("gate {number:03}");
        json!({"kind": "camera", "project": PROJECT, "id": id(number), "name": name})
    };
    import(&native, &(0..DEVICES).map(record).collect::<Vec<Value>>());
    server
}

#[test]
fn what_was_chosen_or_typed_is_there_when_one_comes_back() {
    let server = server();
    let facts = json!({"first": "gate 000", "last": format!("gate {}", DEVICES - 1)});
    let mut browser = Browser::default();
    for way in USUAL {
        script("come-back", way, facts.clone()).run_in(&mut browser, &server.url());
    }
}

#[test]
fn what_is_printed_says_what_it_is() {
    let server = server();
    let devices: Vec<Value> =
        (0..JOBS).map(|number| json!({"id": id(number), "set": {"Name": "door"}})).collect();
    let update = json!({"project": PROJECT, "kind": "camera", "devices": devices});
    let begun = server.native().post("/api/v1/updates", &update);
    let facts = json!({
        "text": "340200000013", "loaded": LOADED, "count": DEVICES, "one": "gate 207",
        "update": begun["id"], "jobs": JOBS,
    });
    let mut browser = Browser::default();
    for language in LANGUAGES {
        script("paper", (language, WIDE), facts.clone()).run_in(&mut browser, &server.url());
    }
}
