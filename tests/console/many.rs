//! A store of 100,000 devices: finding one of them, and staying smooth and small while a thousand
//! things a second happen.

mod smooth;

use serde_json::{Value, json};

use super::{USUAL, script};
use crate::harness::browser::{self, Browser};
use crate::harness::phones::PROJECT;
use crate::harness::site::import;
use crate::harness::{Server, Start};

/// Devices of the store: cameras that never register cost the server no work.
const DEVICES: usize = 100_000;

/// A camera's id.
fn id(number: usize) -> String {
    format!("3402000000132{number:07}")
}

/// A camera's record.
fn record(number: usize, name: &str) -> Value {
    json!({"kind": "camera", "project": PROJECT, "id": id(number), "name": name})
}

/// A server that has them all, with somebody who may sign in.
fn server() -> Server {
    let server = Server::start(&Start::default());
    let native = server.native();
    native.new_project(PROJECT);
    browser::add_user(&native);
    let records: Vec<Value> =
        (0..DEVICES).map(|number| record(number, &format!("gate {number}"))).collect();
    import(&native, &records);
    server
}

#[test]
fn one_device_is_found_among_a_hundred_thousand() {
    let server = server();
    let number = 73_519;
    let facts = json!({"id": id(number), "name": format!("gate {number}")});
    let mut browser = Browser::default();
    for way in USUAL {
        script("find", way, facts.clone()).run_in(&mut browser, &server.url());
    }
}
