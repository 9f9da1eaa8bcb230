//! Mixed load on all nodes at once, and the ledger of what was sent, answered and read.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use fleet::JobId;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use crate::harness::{Cluster, Cph, Key, Native, Phones, Stopwatch};

/// The property that all updates set, to values that are never the same.
pub const PROPERTY: &str = "sys.prop.writephonenum";

/// Clients that call at the same time, each with a node of its own choice; any of them updates any
/// phone.
const CLIENTS: usize = 6;

/// How long a client rests between two calls: so that the faults, and not the load, are what the
/// machine is busy with.
const REST: Duration = Duration::from_millis(20);

/// One value sent for one phone.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The phone.
    pub phone: usize,
    /// The value.
    pub value: u64,
    /// When the call began and when it ended, since the start of the load.
    pub during: (Duration, Duration),
    /// The job that was answered; none if the call failed, so that nobody knows.
    pub job: Option<JobId>,
}

/// What one phone was seen to be asked for.
#[derive(Debug, Clone)]
pub struct Read {
    /// The phone.
    pub phone: usize,
    /// The value desired, and the revision that the device had.
    pub seen: (Option<u64>, i64),
    /// When the call began and when it ended.
    pub during: (Duration, Duration),
}

/// What was sent, answered and read.
#[derive(Debug, Default)]
pub struct Ledger {
    /// What was sent and not refused.
    pub sent: Vec<Sent>,
    /// What was read.
    pub reads: Vec<Read>,
    /// The longest time that no call of any client was answered well.
    pub gap: Duration,
}

/// Runs load on all nodes of the cluster beside `meanwhile`, which is given the count of answered
/// updates, and ends it when that returns.
pub fn beside(
    cluster: &mut Cluster,
    phones: &Phones,
    key: &Key,
    seed: u64,
    meanwhile: impl FnOnce(&mut Cluster, &AtomicU64),
) -> Ledger {
    let (stop, answered, values) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(1));
    let watch = Stopwatch::start();
    let mut ledger = Ledger::default();
    let mut good = Vec::new();
    let addresses: Vec<_> = cluster.nodes.iter().map(|node| node.server.address()).collect();
    let token = cluster.nodes[0].server.admin_token();
    let ids: Vec<String> = (0..phones.count()).map(|index| phones.id(index)).collect();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let client = Client {
                    doors: addresses
                        .iter()
                        .map(|address| (Cph::new(*address, key), Native::new(*address, &token)))
                        .collect(),
                    door: number % addresses.len(),
                    ids: &ids,
                    values: &values,
                    answered: &answered,
                    watch,
                    random: StdRng::seed_from_u64(seed ^ ((number as u64) << 32)),
                    ledger: Ledger::default(),
                    good: Vec::new(),
                };
                let stop = &stop;
                scope.spawn(move || client.call_until(stop))
            })
            .collect();
        let stop_clients = StopOnDrop(&stop);
        meanwhile(cluster, &answered);
        drop(stop_clients);
        for client in clients {
            let (theirs, times) = client.join().expect("a client that does not panic");
            ledger.sent.extend(theirs.sent);
            ledger.reads.extend(theirs.reads);
            good.extend(times);
        }
    });
    good.sort_unstable();
    ledger.gap = good.windows(2).map(|two| two[1] - two[0]).max().unwrap_or_default();
    ledger
}

/// Ends the clients even if what goes on meanwhile panics, or the test would hang.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One client. It stays with a node until a call fails.
struct Client<'a> {
    doors: Vec<(Cph, Native)>,
    door: usize,
    ids: &'a [String],
    values: &'a AtomicU64,
    answered: &'a AtomicU64,
    watch: Stopwatch,
    random: StdRng,
    ledger: Ledger,
    good: Vec<Duration>,
}

impl Client<'_> {
    fn call_until(mut self, stop: &AtomicBool) -> (Ledger, Vec<Duration>) {
        while !stop.load(Ordering::Relaxed) {
            let well =
                if self.random.random_range(0..4) == 0 { self.read() } else { self.update() };
            if well {
                self.good.push(self.watch.elapsed());
            } else {
                self.door = (self.door + 1) % self.doors.len();
            }
            crate::harness::waiting::pause(REST);
        }
        (self.ledger, self.good)
    }

    /// Updates some phones. `false` if it was not answered, or refused for a fault of the store.
    fn update(&mut self) -> bool {
        let value = self.values.fetch_add(1, Ordering::Relaxed);
        let all: Vec<usize> = (0..self.ids.len()).collect();
        let count = self.random.random_range(1..=3.min(all.len()));
        let chosen: Vec<usize> = all.choose_multiple(&mut self.random, count).copied().collect();
        let entries: Vec<_> = chosen
            .iter()
            .map(|phone| (self.ids[*phone].as_str(), json!({PROPERTY: value.to_string()})))
            .collect();
        let began = self.watch.elapsed();
        let answer = self.doors[self.door].0.try_update(&entries);
        let during = (began, self.watch.elapsed());
        let known = match &answer {
            Ok(answer) if answer.status == 200 => Some(&answer.body["jobs"]),
            // Too much load: nothing was taken.
            Ok(answer) if answer.status == 429 => return true,
            Ok(answer) => {
                // The store is away. It may have taken the update before it went.
                // 500: nobody knows what became of the commit.
                assert!(answer.status == 503 || answer.status == 500, "{}", answer.text);
                None
            }
            Err(_) => None,
        };
        for (position, phone) in chosen.into_iter().enumerate() {
            let job = match known.map(|jobs| &jobs[position]) {
                None => None,
                Some(entry) => match entry["job_id"].as_str() {
                    Some(job) => Some(job.parse().expect("a job id")),
                    None => {
                        // Too many open jobs is the one reason there is.
                        assert_eq!(entry["error_code"], "CPS.0042", "{entry}");
                        continue;
                    }
                },
            };
            self.ledger.sent.push(Sent { phone, value, during, job });
        }
        self.answered.fetch_add(u64::from(known.is_some()), Ordering::Relaxed);
        known.is_some()
    }

    /// Reads what a phone is asked for. `false` if it was not answered.
    fn read(&mut self) -> bool {
        let phone = self.random.random_range(0..self.ids.len());
        let target = format!("/api/v1/devices/{}", self.ids[phone]);
        let began = self.watch.elapsed();
        let answer =
            self.doors[self.door].1.call(&http::Method::GET, &target, &serde_json::Value::Null);
        let during = (began, self.watch.elapsed());
        let Ok(answer) = answer else { return false };
        if answer.status != 200 {
            assert_eq!(answer.status, 503, "{}", answer.text);
            return false;
        }
        let value = answer.body["desired"][PROPERTY].as_str();
        let value = value.map(|value| value.parse().expect("a number of ours"));
        let revision = answer.body["revision"].as_i64().expect("a revision");
        self.ledger.reads.push(Read { phone, seen: (value, revision), during });
        true
    }
}
