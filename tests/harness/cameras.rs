//! Simulated cameras in the test's own process, so that a test can look into them; and what tests
//! ask of a server about its cameras.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::camera::{Camera, Held, Secret};
use simulator::cameras::{Fleet, Options};
use tokio::runtime::Runtime;

pub use simulator::camera::{DigestForm, Edition, Faults, Late, Make, Transport};

use super::phones::PROJECT;
use super::site::import;
use super::{Native, PATIENCE, Server, Start, wait_for, wait_until};

/// The first id of simulated recorders.
const FIRST_RECORDER: &str = "34020000001180000001";

/// Which cameras to start.
#[derive(Debug, Clone)]
pub struct Plan(Options);

impl Plan {
    /// What make they are.
    pub fn make(mut self, make: Make) -> Self {
        self.0.camera.make = make;
        self
    }

    /// What is wrong with all of them.
    pub fn faults(mut self, faults: Faults) -> Self {
        self.0.fault = faults;
        self
    }

    /// Each is a recorder with so many channels.
    pub fn channels(mut self, channels: u32) -> Self {
        self.0.camera.recorder = Some(channels);
        FIRST_RECORDER.clone_into(&mut self.0.first_id);
        self
    }

    /// What carries their messages.
    pub fn transport(mut self, transport: Transport) -> Self {
        self.0.camera.transport = transport;
        self
    }

    /// How they answer challenges.
    pub fn digest(mut self, digest: DigestForm) -> Self {
        self.0.camera.digest = digest;
        self
    }

    /// By which edition of the standard they were made.
    pub fn edition(mut self, edition: Edition) -> Self {
        self.0.camera.edition = edition;
        self
    }

    /// How many begin to register in a second.
    pub fn rate(mut self, per_second: u32) -> Self {
        self.0.register_rate = per_second;
        self
    }

    /// The first one's id; the others count on from it.
    pub fn first_id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.0.first_id);
        self
    }

    /// The password of all of them; without one, each has its own.
    pub fn password(mut self, password: &str) -> Self {
        self.0.password = Some(Secret::new(password));
        self
    }

    /// The user name in their digests.
    pub fn user(mut self, user: &str) -> Self {
        self.0.camera.user = Some(user.to_owned());
        self
    }
}

/// Simulated cameras that run, and what a test does with them. They end with this value.
pub struct Cameras {
    runtime: Runtime,
    fleet: Fleet,
}

impl Cameras {
    /// So many cameras of a server's. They boot in a moment, and try again soon.
    pub fn of(count: usize, server: SocketAddr) -> Plan {
        let mut options = Options { count, project: PROJECT.to_owned(), ..Options::default() };
        options.camera.server = server;
        options.camera.boot = Duration::from_millis(100);
        options.camera.retry = Duration::from_secs(1);
        Plan(options)
    }

    /// Their records, as they are imported.
    pub fn records(plan: &Plan) -> Vec<Value> {
        let lines = plan.0.emit().expect("legal ids");
        lines.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
    }

    /// Switches them on.
    pub fn start(plan: Plan) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let fleet = runtime.block_on(Fleet::start(plan.0)).expect("cameras");
        Self { runtime, fleet }
    }

    /// Imports them, switches them on and waits until all are registered.
    pub fn meet(plan: Plan, native: &Native) -> Self {
        import(native, &Self::records(&plan));
        let cameras = Self::start(plan);
        cameras.wait_until_registered(PATIENCE);
        cameras
    }

    /// Waits until every one that can is registered, as far as it knows.
    pub fn wait_until_registered(&self, bound: Duration) {
        let all = self
            .runtime
            .block_on(async { tokio::time::timeout(bound, self.fleet.all_registered()).await });
        assert!(all.is_ok(), "not all registered within {bound:?}: {:?}", self.fleet.progress());
    }

    /// How many are registered, as far as they know.
    pub fn registered(&self) -> usize {
        self.fleet.progress().registered
    }

    /// Their ids, in order.
    pub fn ids(&self) -> Vec<String> {
        self.fleet.ids().map(str::to_owned).collect()
    }

    /// What a camera holds, and what happened to it.
    #[track_caller]
    pub fn held(&self, id: &str) -> Held {
        self.fleet.held(id).expect("a camera of the fleet")
    }

    /// What all of them hold.
    pub fn all_held(&self) -> Vec<Held> {
        self.fleet.ids().map(|id| self.held(id)).collect()
    }

    /// Does something with a camera, as somebody who stands before it.
    fn act<T>(&self, id: &str, act: impl FnOnce(&mut Camera, Instant) -> T) -> T {
        let _entered = self.runtime.enter();
        self.fleet.with(id, act).expect("a camera of the fleet")
    }

    /// It registers now, whatever it waits for.
    pub fn register(&self, id: &str) {
        self.act(id, |camera, now| camera.register(now));
    }

    /// All register at the same moment.
    pub fn register_all(&self) {
        self.fleet.ids().for_each(|id| self.register(id));
    }

    /// It takes itself off, and stays off.
    pub fn unregister(&self, id: &str) {
        self.act(id, |camera, now| camera.unregister(now));
    }

    /// Gives it other faults.
    pub fn set_faults(&self, id: &str, faults: Faults) {
        self.act(id, |camera, _| camera.set_faults(faults));
    }

    /// Somebody sets another password at its web page.
    pub fn set_password(&self, id: &str, password: &str) {
        self.act(id, |camera, now| camera.set_password(now, Secret::new(password)));
    }

    /// Somebody renames one of its channels at its web page, or itself.
    pub fn set_name(&self, id: &str, channel: Option<&str>, name: &str) {
        let known = self.act(id, |camera, _| camera.set_name(channel, name));
        assert!(known, "camera {id} has no channel {channel:?}");
    }

    /// Waits until a camera has been accepted once more than `before` times.
    pub fn wait_for_registration(&self, id: &str, before: u64) {
        wait_until("a camera to register anew", PATIENCE, || {
            self.held(id).counts.registrations > before
        });
    }
}

/// A camera's record, as it is imported.
pub fn record(id: &str, password: &str) -> Value {
    json!({"kind": "camera", "project": PROJECT, "id": id, "name": id, "password": password})
}

/// A server that serves cameras, and has a project for them.
pub fn server(start: &Start) -> (Server, Native) {
    let server = Server::start(start);
    let native = server.native();
    native.new_project(PROJECT);
    (server, native)
}

impl Native {
    /// How a camera stands: `Register`, `OnLine` or `OffLine`.
    #[track_caller]
    pub fn camera_status(&self, id: &str) -> String {
        self.device(id)["camera"]["status"].as_str().expect("a camera").to_owned()
    }

    /// Waits until a camera stands so.
    #[track_caller]
    pub fn wait_for_status(&self, id: &str, status: &str) {
        let what = format!("{id} to be {status}");
        wait_until(&what, PATIENCE, || self.camera_status(id) == status);
    }

    /// How many cameras stand how, page by page.
    #[track_caller]
    pub fn camera_statuses(&self) -> std::collections::BTreeMap<String, usize> {
        let mut counts = std::collections::BTreeMap::new();
        let mut after = String::new();
        loop {
            let target = format!("/api/v1/devices?kind=camera&limit=1000{after}");
            let page = self.get(&target);
            for device in page["devices"].as_array().expect("devices") {
                let status = device["camera"]["status"].as_str().expect("a camera").to_owned();
                *counts.entry(status).or_default() += 1;
            }
            match &page["next"] {
                Value::Null => return counts,
                next => after = format!("&after={}", next.to_string().trim_matches('"')),
            }
        }
    }

    /// Asks values of one camera, which must be taken; gives the job.
    #[track_caller]
    pub fn ask(&self, id: &str, set: &Value) -> String {
        let devices = json!([{"id": id, "set": set}]);
        let answer = self.post("/api/v1/updates", &json!({"project": PROJECT, "devices": devices}));
        let job = answer["jobs"][0]["job"].as_str();
        job.unwrap_or_else(|| panic!("refused: {answer}")).to_owned()
    }

    /// Waits until a job has ended, and gives it.
    #[track_caller]
    pub fn ended(&self, job: &str) -> Value {
        // A camera may take four times five seconds to be found silent.
        wait_for("a job to end", 2 * PATIENCE, || {
            let job = self.job(job);
            matches!(job["state"].as_str(), Some("succeeded" | "failed")).then_some(job)
        })
    }

    /// Waits until a job has succeeded, and gives it.
    #[track_caller]
    pub fn succeeded(&self, job: &str) -> Value {
        let job = self.ended(job);
        assert_eq!(job["state"], "succeeded", "{job}");
        job
    }

    /// Why registrations under an id were refused, and how often for each reason.
    #[track_caller]
    pub fn refusals(&self, id: &str) -> std::collections::BTreeMap<String, u64> {
        let answer = self.get("/api/v1/registrations/refused");
        let mut counts = std::collections::BTreeMap::new();
        for row in answer["registrations"].as_array().expect("registrations") {
            if row["id"] == id {
                let why = row["why"].as_str().expect("a reason").to_owned();
                *counts.entry(why).or_default() += row["count"].as_u64().expect("a count");
            }
        }
        counts
    }

    /// A device's channels, all on one page.
    #[track_caller]
    pub fn channels(&self, id: &str) -> Vec<Value> {
        let page = self.get(&format!("/api/v1/devices/{id}/channels?limit=1000"));
        page["channels"].as_array().expect("channels").clone()
    }
}
