//! `kill -9` under mixed load, at each fault point and at random instants, ten times each: nothing
//! answered is lost, nothing is applied twice or out of order, and what was asked last is shown.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fleet::fault_point::FaultPoint;
use fleet::{JobId, RequestId};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::load::{Ledger, Load, PROPERTY};
use crate::harness::waiting::pause;
use crate::harness::{
    AFTER_START, Cph, PATIENCE, Phones, Server, Site, Start, wait_for, wait_until,
};

/// Kills at each point.
const KILLS: u64 = 10;

/// Phones under load.
const PHONES: usize = 12;

/// How long each phone takes to answer: so that answered jobs are unfinished at every instant.
const SLOW: Duration = Duration::from_millis(25);

/// The most passes of a fault point before the kill. Small, so that a round is short.
const PASSES_MAX: u32 = 40;

#[test]
fn before_a_commit() {
    kill_at(FaultPoint::BeforeCommit);
}

#[test]
fn between_a_commit_and_its_answers() {
    kill_at(FaultPoint::AfterCommit);
}

#[test]
fn between_sending_and_reading_back() {
    kill_at(FaultPoint::AfterSend);
}

#[test]
fn before_a_result_is_written() {
    kill_at(FaultPoint::BeforeFinish);
}

#[test]
fn at_random_instants() {
    let mut trial = Trial::start(0);
    for _ in 0..KILLS {
        let answers = trial.random.random_range(1..80);
        let later = Duration::from_millis(trial.random.random_range(0..30));
        trial.round(None, |server, answered| {
            wait_until("answers", PATIENCE, || answered.load(Ordering::Relaxed) >= answers);
            // The instant itself is what is tested.
            pause(later);
            server.kill9();
        });
    }
    trial.had_unfinished_jobs();
}

/// Ten kills with a thread of the server standing at the point.
fn kill_at(point: FaultPoint) {
    let mut trial = Trial::start(point as u64 + 1);
    for _ in 0..KILLS {
        let pass = trial.random.random_range(AFTER_START..PASSES_MAX);
        trial.round(Some((point, pass)), |server, _| {
            server.wait_for_fault_point(point);
            server.kill9();
        });
    }
    trial.had_unfinished_jobs();
}

/// A site that is killed again and again.
struct Trial {
    site: Site,
    random: StdRng,
    values: AtomicU64,
    /// The value that each phone held at the start of the round.
    held: Vec<u64>,
    /// Answered jobs whose values their phones did not have when the server was killed.
    unfinished: usize,
}

impl Trial {
    fn start(seed: u64) -> Self {
        let site = Site::start(&Start::default(), Phones::of(PHONES).boot(Duration::ZERO));
        site.phones.slow_down(SLOW);
        println!("seed {seed}");
        Self {
            site,
            random: StdRng::seed_from_u64(seed),
            values: AtomicU64::new(1_000_000),
            held: vec![0; PHONES],
            unfinished: 0,
        }
    }

    /// One process: load, the kill that `kill` does, the process after it, and the checks.
    fn round(
        &mut self,
        fault_point: Option<(FaultPoint, u32)>,
        kill: impl FnOnce(&Server, &AtomicU64),
    ) {
        let status = self.site.server.terminate();
        assert!(status.success(), "{status}");
        self.site.server.restart(&Start { fault_point, ..Start::default() });
        let seed = self.random.random();
        let load = Load { site: &self.site, values: &self.values, seed };
        let ledger = load.run(|answered| kill(&self.site.server, answered));

        let shown: Vec<u64> = (0..PHONES).map(|phone| self.shown(phone)).collect();
        self.unfinished += ledger.accepted().filter(|(phone, v, _)| *v > shown[*phone]).count();

        self.site.server.restart(&Start::default());
        self.nothing_answered_is_lost(&ledger);
        self.settle();
        for phone in 0..PHONES {
            let end = self.shown(phone);
            let allowed = ledger.ends(phone, self.held[phone]);
            assert!(allowed.contains(&end), "phone {phone} ends with {end}, not {allowed:?}");
            self.held[phone] = end;
            self.effects_are_in_order(phone);
        }
    }

    /// Each answered job is there and succeeds; each answered project is there.
    fn nothing_answered_is_lost(&self, ledger: &Ledger) {
        let cph = self.site.cph();
        let accepted: Vec<JobId> = ledger.accepted().map(|(_, _, job)| job).collect();
        let mut requests: Vec<RequestId> = accepted.iter().map(|job| job.request()).collect();
        requests.sort_unstable();
        requests.dedup();
        let states: BTreeMap<String, i64> = requests
            .chunks(20)
            .flat_map(|some| {
                wait_for("the jobs' ends", PATIENCE, || {
                    let states = states(&cph, some);
                    states.values().all(|status| *status != 1).then_some(states)
                })
            })
            .collect();
        for job in &accepted {
            assert_eq!(states.get(&job.to_string()), Some(&2), "job {job}");
        }
        let projects = self.site.native().get("/api/v1/projects").to_string();
        for project in &ledger.projects {
            assert!(projects.contains(&format!("{project:?}")), "{project} is lost");
        }
    }

    /// Waits until no device has work left, which ends the updates that were not answered too.
    fn settle(&self) {
        let native = self.site.native();
        for phone in 0..PHONES {
            let id = self.site.phones.id(phone);
            wait_until("all jobs of a phone to end", PATIENCE, || {
                let device = native.device(&id);
                device["open_jobs"].as_array().is_some_and(Vec::is_empty)
            });
        }
    }

    /// The value that a phone shows; 0 for none.
    fn shown(&self, phone: usize) -> u64 {
        self.site.phones.get(phone, PROPERTY).and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    /// What the phone itself has counted: no value was set twice, none after a later one.
    fn effects_are_in_order(&self, phone: usize) {
        let values: Vec<u64> = self
            .site
            .phones
            .sets_of(phone, PROPERTY)
            .iter()
            .map(|value| value.parse().expect("a number"))
            .collect();
        assert!(values.is_sorted_by(|a, b| a < b), "phone {phone} was set to {values:?}");
    }

    /// A kill that finds nothing to lose proves nothing.
    fn had_unfinished_jobs(&self) {
        println!("{} answered jobs were unfinished when killed", self.unfinished);
        assert!(self.unfinished > 0, "no kill met an answered, unfinished job");
    }
}

/// The status of each job of these requests, all of which must be known.
fn states(cph: &Cph, requests: &[RequestId]) -> BTreeMap<String, i64> {
    let ids: Vec<String> = requests.iter().map(ToString::to_string).collect();
    let mut states = BTreeMap::new();
    loop {
        let query = format!("request_ids={}&offset={}&limit=100", ids.join("%2C"), states.len());
        let page = cph.list_jobs(&query).expect("an answer").ok();
        let jobs = page["jobs"].as_array().expect("jobs");
        states.extend(jobs.iter().map(|job| {
            let id = job["job_id"].as_str().expect("a job id").to_owned();
            (id, job["status"].as_i64().expect("a status"))
        }));
        if jobs.len() < 100 {
            return states;
        }
    }
}
