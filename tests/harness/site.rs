//! A server with a project, a key and simulated phones: where most tests begin.

use serde_json::{Value, json};

use super::phones::{PROJECT, Plan};
use super::{Cph, Key, Native, PATIENCE, Phones, Server, Start, wait_until};

/// Devices in one import call.
const IMPORT_MAX: usize = 10_000;

/// A running server and phones that it has met.
pub struct Site {
    /// The server.
    pub server: Server,
    /// The phones; all of one project.
    pub phones: Phones,
    /// A key of that project.
    pub key: Key,
}

impl Site {
    /// Starts all of it, and waits until the server has met every phone.
    pub fn start(start: &Start, plan: Plan) -> Self {
        Self::start_with(start, Phones::start(plan))
    }

    /// The same, with phones that run already.
    pub fn start_with(start: &Start, phones: Phones) -> Self {
        let server = Server::start(start);
        let native = server.native();
        let key = native.new_project(PROJECT);
        import(&native, &phones.records());
        let site = Self { server, phones, key };
        site.wait_until_all_run();
        site
    }

    /// A client of the CPH door with a connection of its own.
    pub fn cph(&self) -> Cph {
        Cph::new(self.server.address(), &self.key)
    }

    /// A client of the native door with a connection of its own.
    pub fn native(&self) -> Native {
        self.server.native()
    }

    /// Waits until the server knows that every phone runs.
    pub fn wait_until_all_run(&self) {
        let native = self.native();
        let count = self.phones.count();
        wait_until("all phones to be met", 4 * PATIENCE, || running(&native) == count);
    }
}

/// Imports devices.
pub fn import(native: &Native, records: &[Value]) {
    for piece in records.chunks(IMPORT_MAX) {
        native.post("/api/v1/devices/import", &json!(piece));
    }
}

/// How many devices run.
pub fn running(native: &Native) -> usize {
    let mut count = 0;
    let mut after = String::new();
    loop {
        let target = format!("/api/v1/devices?condition=running&limit=1000{after}");
        let page = native.get(&target);
        count += page["devices"].as_array().expect("devices").len();
        match &page["next"] {
            Value::Null => return count,
            next => after = format!("&after={}", next.to_string().trim_matches('"')),
        }
    }
}
