//! Mixed load on a server that is going to be killed, and the ledger of what was answered.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use fleet::JobId;
use http::Method;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use crate::harness::{Answer, Cph, Key, Native, Site};

/// The property that all updates set, to values that grow with each update.
pub const PROPERTY: &str = "sys.prop.writephonenum";

/// Clients that call at the same time. Each phone is one client's, so that the order in which its
/// updates were accepted is the order in which they were sent.
pub const CLIENTS: usize = 4;

/// What became of one value sent for one phone, as far as its client knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Answered: this job will see to it.
    Accepted(JobId),
    /// Answered: refused.
    Refused,
    /// The connection ended before the answer. It may have been accepted or not.
    Unknown,
}

/// What was sent and answered while one process lived.
#[derive(Debug, Default)]
pub struct Ledger {
    /// By phone, the values sent, oldest first.
    pub phones: BTreeMap<usize, Vec<(u64, Fate)>>,
    /// Projects whose making was answered.
    pub projects: BTreeSet<String>,
}

impl Ledger {
    /// All jobs that were answered, with phone and value.
    pub fn accepted(&self) -> impl Iterator<Item = (usize, u64, JobId)> + '_ {
        self.phones.iter().flat_map(|(phone, sent)| {
            sent.iter().filter_map(|(value, fate)| match fate {
                Fate::Accepted(job) => Some((*phone, *value, *job)),
                Fate::Refused | Fate::Unknown => None,
            })
        })
    }

    /// The values that a phone may end with: the last one accepted, or a later one of unknown
    /// fate. `before` is what it held when the process started.
    pub fn ends(&self, phone: usize, before: u64) -> BTreeSet<u64> {
        let sent = self.phones.get(&phone).map_or(&[][..], Vec::as_slice);
        let accepted = sent.iter().rev().find(|(_, fate)| matches!(fate, Fate::Accepted(_)));
        let last = accepted.map_or(before, |(value, _)| *value);
        let unknown = sent.iter().filter(|(value, fate)| *fate == Fate::Unknown && *value > last);
        unknown.map(|(value, _)| *value).chain([last]).collect()
    }

    fn merge(&mut self, other: Self) {
        self.phones.extend(other.phones);
        self.projects.extend(other.projects);
    }
}

/// Load that runs while `until` waits for the moment of the kill, and goes on until the server is
/// dead. `kill` ends it.
pub struct Load<'a> {
    /// Where the load goes.
    pub site: &'a Site,
    /// The last value given out.
    pub values: &'a AtomicU64,
    /// Decides what is called.
    pub seed: u64,
}

impl Load<'_> {
    /// Runs the load beside `until`, which is given the count of answered updates and returns at
    /// the moment of the kill, having killed.
    pub fn run(&self, until: impl FnOnce(&AtomicU64)) -> Ledger {
        let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
        let mut ledger = Ledger::default();
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|number| {
                    let client = Client::new(self, number);
                    let (stop, answered) = (&stop, &answered);
                    scope.spawn(move || client.call_until(stop, answered))
                })
                .collect();
            let stop_clients = StopOnDrop(&stop);
            until(&answered);
            drop(stop_clients);
            for client in clients {
                ledger.merge(client.join().expect("a client that does not panic"));
            }
        });
        ledger
    }
}

/// Ends the clients even if waiting for the kill panics, or the test would hang.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One client and the phones that are its own.
struct Client<'a> {
    number: usize,
    cph: Cph,
    native: Native,
    phones: Vec<(usize, String)>,
    values: &'a AtomicU64,
    random: StdRng,
    ledger: Ledger,
}

impl<'a> Client<'a> {
    fn new(load: &Load<'a>, number: usize) -> Self {
        let site = load.site;
        let (address, key): (SocketAddr, &Key) = (site.server.address(), &site.key);
        let own = (number..site.phones.count()).step_by(CLIENTS);
        Self {
            number,
            cph: Cph::new(address, key),
            native: site.native(),
            phones: own.map(|i| (i, site.phones.id(i))).collect(),
            values: load.values,
            random: StdRng::seed_from_u64(load.seed ^ (number as u64) << 32),
            ledger: Ledger::default(),
        }
    }

    /// Calls until told to stop or until the server is gone.
    fn call_until(mut self, stop: &AtomicBool, answered: &AtomicU64) -> Ledger {
        while !stop.load(Ordering::Relaxed) {
            let alive = match self.random.random_range(0..10) {
                0 => self.make_project(),
                1 | 2 => self.read(),
                _ => self.update(answered),
            };
            if !alive {
                break;
            }
        }
        self.ledger
    }

    /// Updates some of the client's phones. `false` once the server is gone.
    fn update(&mut self, answered: &AtomicU64) -> bool {
        let value = self.values.fetch_add(1, Ordering::Relaxed) + 1;
        let count = self.random.random_range(1..=self.phones.len());
        let chosen: Vec<(usize, String)> =
            self.phones.choose_multiple(&mut self.random, count).cloned().collect();
        let entries: Vec<_> = chosen
            .iter()
            .map(|(_, id)| (id.as_str(), json!({PROPERTY: value.to_string()})))
            .collect();
        let answer = self.cph.try_update(&entries);
        for (position, (phone, _)) in chosen.iter().enumerate() {
            let fate = match &answer {
                Ok(answer) => fate_of(answer, position),
                Err(_) => Fate::Unknown,
            };
            self.ledger.phones.entry(*phone).or_default().push((value, fate));
        }
        answered.fetch_add(u64::from(answer.is_ok()), Ordering::Relaxed);
        answer.is_ok()
    }

    /// Makes a project, through the native door. `false` once the server is gone.
    fn make_project(&mut self) -> bool {
        let value = self.values.fetch_add(1, Ordering::Relaxed) + 1;
        let id = format!("project-{}-{value}", self.number);
        let body = json!({"id": id, "name": id});
        let answer = self.native.call(&Method::POST, "/api/v1/projects", &body);
        if answer.as_ref().is_ok_and(|answer| (200..300).contains(&answer.status)) {
            self.ledger.projects.insert(id);
        }
        answer.is_ok()
    }

    /// Reads the jobs of one of the updates. `false` once the server is gone.
    fn read(&mut self) -> bool {
        let accepted: Vec<JobId> = self.ledger.accepted().map(|(_, _, job)| job).collect();
        let Some(job) = accepted.choose(&mut self.random) else { return true };
        let answer = self.cph.list_jobs(&format!("request_id={}", job.request()));
        if let Ok(answer) = &answer {
            assert_eq!(answer.status, 200, "an answered update is unknown: {}", answer.text);
        }
        answer.is_ok()
    }
}

/// What an answer says of the phone at this position.
fn fate_of(answer: &Answer, position: usize) -> Fate {
    if answer.status == 200 {
        match answer.body["jobs"][position]["job_id"].as_str() {
            Some(job) => Fate::Accepted(job.parse().expect("a job id")),
            None => {
                // Too many open jobs is the one reason there is.
                let code = &answer.body["jobs"][position]["error_code"];
                assert_eq!(code, "CPS.0042", "{}", answer.text);
                Fate::Refused
            }
        }
    } else {
        // Refused as a whole: too much load. Anything else is a fault of the product.
        assert_eq!(answer.status, 429, "{}", answer.text);
        Fate::Refused
    }
}
