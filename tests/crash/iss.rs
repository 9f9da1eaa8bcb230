//! `kill -9` under a storm of registrations and UpdateDevice calls, at each fault point and at
//! random instants: every answered update is there after the restart, on record whole, enforced at
//! the next REGISTER, and with its job.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use fleet::fault_point::FaultPoint;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use crate::harness::cameras::{record, server};
use crate::harness::iss::{element, elements, entry, failed};
use crate::harness::phones::PROJECT;
use crate::harness::sip::{Line, Ua};
use crate::harness::site::import;
use crate::harness::waiting::pause;
use crate::harness::{
    AFTER_START, Cameras, Iss, Key, Native, PATIENCE, Server, Start, Stopwatch, wait_for,
    wait_until,
};

/// Kills at each point.
const KILLS: usize = 3;

/// Kills at random instants.
const RANDOM_KILLS: usize = 10;

/// Cameras that register again and again, and are renamed.
const STORMING: usize = 120;

/// Cameras whose passwords are changed.
const GUARDED: usize = 12;

/// Clients that call at the same time. Each camera is one client's, so that the order in which its
/// updates were accepted is the order in which they were sent.
const CLIENTS: usize = 4;

/// The most cameras that a kill may find being asked something. Those of earlier rounds count again
/// until they are renamed.
const UNANSWERED_MAX: usize = STORMING / 4;

/// The most passes of a fault point before the kill.
const PASSES_MAX: u32 = 60;

/// The first password; each update takes the next number.
const FIRST: u64 = 10_000_000;

/// What became of one value sent for one camera, as far as its client knows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    /// Answered: done, by the call of this RequestId.
    Done(String),
    /// Answered: refused.
    Refused,
    /// The connection ended before the answer. It may have been done or not.
    Unknown,
}

/// By camera, the values sent while one process lived, oldest first.
type Ledger = BTreeMap<String, Vec<(u64, Fate)>>;

#[test]
fn at_each_fault_point() {
    let mut trial = Trial::start(1);
    for _ in 0..KILLS {
        for point in FaultPoint::ALL {
            let pass = trial.random.random_range(AFTER_START..PASSES_MAX);
            trial.round(Some((point, pass)), |server, _| {
                server.wait_for_fault_point(point);
                server.kill9();
            });
        }
    }
    trial.had_something_to_lose();
}

#[test]
fn at_random_instants() {
    let mut trial = Trial::start(2);
    for _ in 0..RANDOM_KILLS {
        let answers = trial.random.random_range(5..80);
        let later = Duration::from_millis(trial.random.random_range(0..30));
        trial.round(None, |server, answered| {
            wait_until("answers", PATIENCE, || answered.load(Ordering::Relaxed) >= answers);
            // The instant itself is what is tested.
            pause(later);
            server.kill9();
        });
    }
    trial.had_something_to_lose();
}

/// A server that is killed again and again, and its cameras.
struct Trial {
    server: Server,
    key: Key,
    cameras: Cameras,
    /// Those that register by themselves, and those that only the test registers as.
    storming: Vec<String>,
    guarded: Vec<String>,
    values: AtomicU64,
    /// The value that each camera has on record, as of the last round.
    recorded: BTreeMap<String, u64>,
    random: StdRng,
    /// Answered updates, and those among them whose camera did not have its name when the server
    /// was killed.
    answered: usize,
    unfinished: usize,
}

impl Trial {
    fn start(seed: u64) -> Self {
        println!("seed {seed}");
        let (server, native) = server(&Start::with_cameras());
        native.with_optional_password();
        let guarded: Vec<String> = (0..GUARDED).map(|n| format!("34020000001329{n:06}")).collect();
        let records: Vec<_> = guarded.iter().map(|id| record(id, &FIRST.to_string())).collect();
        import(&native, &records);
        let cameras = Cameras::meet(Cameras::of(STORMING, server.sip()), &native);
        let (key, storming) = (native.new_key(PROJECT, false), cameras.ids());
        let recorded = guarded.iter().map(|id| (id.clone(), FIRST)).collect();
        Self {
            server,
            key,
            cameras,
            storming,
            guarded,
            values: AtomicU64::new(FIRST),
            recorded,
            random: StdRng::seed_from_u64(seed),
            answered: 0,
            unfinished: 0,
        }
    }

    /// One process: the storm, the kill that `kill` does, the process after it, and the checks.
    fn round(
        &mut self,
        fault_point: Option<(FaultPoint, u32)>,
        kill: impl FnOnce(&Server, &AtomicU64),
    ) {
        let status = self.server.terminate();
        assert!(status.success(), "{status}");
        self.server.restart(&Start { fault_point, ..Start::with_cameras() });
        let seed = self.random.random();
        let ledger = self.storm(seed, kill);
        self.answered += done(&ledger).count();
        let is_unfinished = |id: &String, value: u64| {
            self.storming.contains(id) && self.cameras.held(id).name != name(value)
        };
        self.unfinished += done(&ledger).filter(|(id, value, _)| is_unfinished(id, *value)).count();

        self.server.restart(&Start::with_cameras());
        let native = self.server.native();
        self.each_job_is_there(&native, &ledger);
        self.each_record_is_whole(&ledger);
        self.each_password_is_enforced(&native);
        self.each_name_arrives(&native);
    }

    /// Registrations and updates at the same time until `kill` has killed the server.
    fn storm(&self, seed: u64, kill: impl FnOnce(&Server, &AtomicU64)) -> Ledger {
        let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
        let mut ledger = Ledger::new();
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|number| {
                    let client = self.client(seed, number);
                    let (stop, answered) = (&stop, &answered);
                    scope.spawn(move || client.call_until(stop, answered))
                })
                .collect();
            let stop_all = StopOnDrop(&stop);
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    self.cameras.register_all();
                    wait_until("the herd to be taken", PATIENCE, || {
                        stop.load(Ordering::Relaxed) || self.cameras.registered() == STORMING
                    });
                }
            });
            kill(&self.server, &answered);
            drop(stop_all);
            for client in clients {
                ledger.extend(client.join().expect("a client that does not panic"));
            }
        });
        ledger
    }

    /// A client with cameras of its own.
    fn client(&self, seed: u64, number: usize) -> Client<'_> {
        let own = |ids: &[String]| ids.iter().skip(number).step_by(CLIENTS).cloned().collect();
        Client {
            iss: Iss::new(self.server.address(), &self.key),
            storming: own(&self.storming),
            guarded: own(&self.guarded),
            values: &self.values,
            random: StdRng::seed_from_u64(seed ^ (number as u64) << 32),
            ledger: Ledger::new(),
        }
    }

    /// The native door finds each answered update by the RequestId of its answer, with a job for
    /// each device that was done.
    fn each_job_is_there(&self, native: &Native, ledger: &Ledger) {
        let mut requests: BTreeMap<&str, BTreeSet<(String, String)>> = BTreeMap::new();
        for (id, value, request) in done(ledger) {
            requests.entry(request).or_default().insert((id.clone(), description(value)));
        }
        for (request, expected) in requests {
            let jobs = native.get(&format!("/api/v1/updates/{request}/jobs?limit=100"));
            let jobs: BTreeSet<(String, String)> = jobs["jobs"]
                .as_array()
                .expect("jobs")
                .iter()
                .map(|job| {
                    let text = |value: &serde_json::Value| {
                        value.as_str().unwrap_or_else(|| panic!("{job}")).to_owned()
                    };
                    (text(&job["device"]), text(&job["record"]["Desc"]))
                })
                .collect();
            assert_eq!(jobs, expected, "the jobs of {request}");
        }
    }

    /// Each camera has on record what was last answered, or something later of unknown fate, and
    /// all of it.
    fn each_record_is_whole(&mut self, ledger: &Ledger) {
        let iss = Iss::new(self.server.address(), &self.key);
        for (id, sent) in ledger {
            let answered = sent.iter().rev().find(|(_, fate)| matches!(fate, Fate::Done(_)));
            let before = self.recorded.get(id).copied();
            let last = answered.map(|(value, _)| *value).or(before);
            let later = sent.iter().filter(|(value, fate)| {
                *fate == Fate::Unknown && last.is_none_or(|last| *value > last)
            });
            let allowed: BTreeSet<Option<u64>> =
                later.map(|(value, _)| Some(*value)).chain([last]).collect();
            let shown = iss.device(id);
            let [desc, shown_name, password] =
                ["Desc", "Name", "Pwd"].map(|name| element(&shown, name));
            let value = desc.strip_prefix("d-").and_then(|value| value.parse().ok());
            let value = value.or_else(|| before.filter(|before| *before == FIRST));
            assert!(allowed.contains(&value), "{id} has {value:?}, not one of {allowed:?}");
            let Some(value) = value else { continue };
            if self.guarded.contains(id) {
                assert_eq!(password, value.to_string(), "{shown}");
            } else {
                assert_eq!(shown_name, name(value), "{shown}");
            }
            self.recorded.insert(id.clone(), value);
        }
    }

    /// The password on record is the one with which a camera gets in, and no earlier one is.
    fn each_password_is_enforced(&self, native: &Native) {
        for id in &self.guarded {
            let value = self.recorded[id];
            let mut camera = Ua::new(id, &(value - 1).to_string(), Line::udp(self.server.sip()));
            assert_eq!(camera.register(3600).status, Some(401), "{id} by another password");
            camera.password = value.to_string();
            assert_eq!(camera.register(3600).status, Some(200), "{id} by {value}");
            assert_eq!(camera.register(0).status, Some(200), "{id}");
        }
        let first = &self.guarded[0];
        native.wait_for_status(first, "OffLine");
    }

    /// Each storming camera is there. It has the name on record in the end, unless the kill came
    /// between the note that it is being asked and its answer: such a command is not sent again,
    /// since the camera may have restarted over it. Then its job has failed, and the drift is
    /// shown.
    fn each_name_arrives(&self, native: &Native) {
        // Who was being asked something is asked nothing more until it has registered again.
        self.cameras.register_all();
        self.cameras.wait_until_registered(PATIENCE);
        let mut unanswered = 0;
        for id in &self.storming {
            let Some(value) = self.recorded.get(id) else { continue };
            let watch = Stopwatch::start();
            // A lane that found it unanswered looks again within half a minute.
            let device = wait_for("all jobs of a camera to end", 3 * PATIENCE, || {
                let device = native.device(id);
                assert!(watch.elapsed() < 2 * PATIENCE, "its jobs don't end: {device}");
                Some(device).filter(|device| device["open_jobs"] == json!([]))
            });
            let held = self.cameras.held(id);
            if held.name != name(*value) {
                assert_eq!(device["states"]["Name"], "drift", "{device}");
                assert_eq!(device["camera"]["reported_name"], held.name, "{device}");
                unanswered += 1;
            }
        }
        assert!(unanswered <= UNANSWERED_MAX, "{unanswered} cameras lack their names");
        wait_until("all to be online", PATIENCE, || {
            native.camera_statuses().get("OnLine") == Some(&STORMING)
        });
    }

    /// Kills that find nothing to lose prove nothing.
    fn had_something_to_lose(&self) {
        let Self { answered, unfinished, .. } = self;
        println!("{answered} answered updates, {unfinished} of them unfinished when killed");
        assert!(*answered > 0 && *unfinished > 0, "no kill met an answered, unfinished update");
    }
}

/// The name and the description that stand for a value.
fn name(value: u64) -> String {
    format!("门-{value}")
}

fn description(value: u64) -> String {
    format!("d-{value}")
}

/// All that was answered as done: camera, value and RequestId.
fn done(ledger: &Ledger) -> impl Iterator<Item = (&String, u64, &str)> {
    ledger.iter().flat_map(|(id, sent)| {
        sent.iter().filter_map(move |(value, fate)| match fate {
            Fate::Done(request) => Some((id, *value, request.as_str())),
            Fate::Refused | Fate::Unknown => None,
        })
    })
}

/// Ends the clients even if waiting for the kill panics, or the test would hang.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One client and the cameras that are its own.
struct Client<'a> {
    iss: Iss,
    storming: Vec<String>,
    guarded: Vec<String>,
    values: &'a AtomicU64,
    random: StdRng,
    ledger: Ledger,
}

impl Client<'_> {
    /// Calls until told to stop or until the server is gone.
    fn call_until(mut self, stop: &AtomicBool, answered: &AtomicU64) -> Ledger {
        while !stop.load(Ordering::Relaxed) && self.update(answered) {}
        self.ledger
    }

    /// Updates some of the client's cameras. `false` once the server is gone.
    fn update(&mut self, answered: &AtomicU64) -> bool {
        // So far apart that the value before is nobody's password.
        let value = self.values.fetch_add(2, Ordering::Relaxed) + 2;
        let (name, desc, password) = (name(value), description(value), value.to_string());
        let count = self.random.random_range(1..=6);
        let storming = self.storming.choose_multiple(&mut self.random, count);
        let storming: Vec<String> = storming.cloned().collect();
        let guarded = self.guarded.choose(&mut self.random).cloned();
        let mut entries: Vec<String> =
            storming.iter().map(|id| entry(id, &[("Name", &name), ("Desc", &desc)])).collect();
        entries.extend(guarded.iter().map(|id| entry(id, &[("Pwd", &password), ("Desc", &desc)])));
        let answer = self.iss.try_update(&entries);
        for id in storming.into_iter().chain(guarded) {
            let fate = match &answer {
                Ok(answer) => fate_of(answer, &id),
                Err(_) => Fate::Unknown,
            };
            self.ledger.entry(id).or_default().push((value, fate));
        }
        answered.fetch_add(u64::from(answer.is_ok()), Ordering::Relaxed);
        answer.is_ok()
    }
}

/// What an answer says of this camera.
fn fate_of(answer: &crate::harness::Answer, id: &str) -> Fate {
    let text = answer.text.as_str();
    if answer.status != 200 {
        // Too much load. Anything else is a fault of the product.
        assert_eq!(answer.status, 503, "{text}");
        return Fate::Refused;
    }
    if let Some((_, why)) = failed(text).into_iter().find(|(failed, _)| *failed == id) {
        assert!(why.starts_with("Busy: "), "{text}");
        return Fate::Refused;
    }
    let good = elements(element(text, "DeviceList"), "Device");
    assert!(good.iter().any(|device| element(device, "Gbid") == id), "{id} is in no list: {text}");
    Fate::Done(element(text, "RequestId").to_owned())
}
