//! Clients that keep a ledger of what was answered, and what happens to phones and cameras by
//! itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::{CameraAsked, Clock, Update, UpdateEntry};
use fleet::catalogue::DESCRIPTION;
use fleet::{Door, JobId, Operation, Principal, RequestId, Timestamp, Values};

use crate::camera::{Cameras, camera_id};
use crate::camera_checks;
use crate::chance::{Chance, SimulatedClock};
use crate::nodes::Nodes;
use crate::phone::Phones;
use crate::scenario::Scenario;
use crate::world::{NAMES, phone_id, project};

/// What the clients remember.
#[derive(Clone, Default)]
pub struct Ledger {
    /// Every call that was made, answered or not.
    pub calls: Arc<Mutex<Vec<RequestId>>>,
    /// Every entry that was answered with a job.
    pub answered: Arc<Mutex<Vec<Answered>>>,
    /// The calls that were about phones, each of which may be cancelled.
    of_phones: Arc<Mutex<Vec<RequestId>>>,
    /// Jobs that an answer said are cancelled, or were over before, and when it came.
    pub cancelled: Arc<Mutex<Vec<(JobId, Timestamp)>>>,
    /// Calls that are still to be made.
    pub left: Arc<AtomicU64>,
    /// The same of calls that name cameras.
    pub names_left: Arc<AtomicU64>,
    /// Numbers the values, so that each is seen once.
    values: Arc<AtomicU64>,
}

/// One accepted entry, as the client remembers it.
#[derive(Debug, Clone)]
pub struct Answered {
    pub phone: usize,
    pub job: JobId,
    pub asked_at: Timestamp,
    pub answered_at: Timestamp,
}

/// What a client knows.
#[derive(Clone)]
pub struct Client {
    pub nodes: Nodes,
    pub scenario: Scenario,
    pub chance: Chance,
    pub ledger: Ledger,
    /// Its own clock, which is right.
    pub clock: SimulatedClock,
}

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

impl Client {
    /// Makes one call at any node that runs, and notes what was answered, if the node lives to
    /// answer. `phones` are the numbers of its entries.
    async fn call(&self, operation: Operation, entries: Vec<UpdateEntry>, phones: &[usize]) {
        let Some((handle, life)) = self.nodes.any(&self.chance) else {
            tokio::time::sleep(Duration::from_millis(200)).await;
            return;
        };
        let request = handle.next_request_id();
        self.ledger.calls.lock().unwrap().push(request);
        if phones.iter().all(|phone| *phone < self.scenario.phones) {
            self.ledger.of_phones.lock().unwrap().push(request);
        }
        let (project, door) = (project(), Door::Native);
        let call = request.into();
        let update = Update { call, door, project, kind: None, operation, entries };
        let asked_at = self.clock.now();
        let admin = Principal::admin();
        let answer = tokio::time::timeout(PATIENCE, handle.update(&admin, update));
        let results = tokio::select! {
            biased;
            results = answer => results,
            () = life.is_over() => return,
        };
        let Ok(Ok(results)) = results else { return };
        let answered_at = self.clock.now();
        let mut answered = self.ledger.answered.lock().unwrap();
        for (phone, result) in phones.iter().zip(results) {
            if let Ok(job) = result {
                answered.push(Answered { phone: *phone, job, asked_at, answered_at });
            }
        }
    }

    /// Cancels a call that was made before, whether it was answered or not, at any node.
    async fn cancel(&self) {
        let made = self.ledger.of_phones.lock().unwrap().clone();
        let Some((handle, life)) = self.nodes.any(&self.chance).filter(|_| !made.is_empty()) else {
            return;
        };
        // One of the last: what was made long ago is over.
        let request = made[made.len() - 1 - self.chance.one_of(made.len().min(6))];
        let is_of = |answered: &&Answered| answered.job.request() == request;
        let answered = self.ledger.answered.lock().unwrap().clone();
        let jobs: Vec<JobId> = answered.iter().filter(is_of).map(|it| it.job).collect();
        let admin = Principal::admin();
        let answer = tokio::time::timeout(PATIENCE, handle.cancel_update(&admin, request));
        let cancelled = tokio::select! {
            biased;
            cancelled = answer => cancelled,
            () = life.is_over() => return,
        };
        if let Ok(Ok(_)) = cancelled {
            let at = self.clock.now();
            let jobs = jobs.into_iter().map(|job| (job, at));
            self.ledger.cancelled.lock().unwrap().extend(jobs);
        }
    }
}

/// A client: makes its calls one after the other, and forgets what was not answered.
pub async fn client(client: Client) {
    let Client { chance, ledger, scenario, .. } = &client;
    let take_one =
        || ledger.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    // Where there are several nodes, they need time to fail and to come back.
    let longest = if scenario.nodes > 1 { 30_000 } else { 8_000 };
    while take_one().is_ok() {
        // Sometimes in quick succession, so that values pile up; sometimes after a while.
        chance.pause(if chance.strikes(3) { longest } else { 60 }).await;
        let touched: Vec<usize> =
            (0..=chance.below(3)).map(|_| chance.one_of(scenario.phones)).collect();
        let entries = touched
            .iter()
            .map(|number| UpdateEntry {
                device: Ok(phone_id(*number)),
                clear: false,
                patch: Ok(patch(chance, ledger).into()),
                camera: CameraAsked::default(),
                if_revision: None,
            })
            .collect();
        let operation = if chance.strikes(5) { Operation::Restart } else { Operation::Update };
        client.call(operation, entries, &touched).await;
        if chance.strikes(8) {
            client.cancel().await;
        }
    }
}

/// A client that gives cameras names, each of which no other has, and puts on record what else is
/// said of them.
pub async fn namer(client: Client) {
    let Client { chance, ledger, scenario, .. } = &client;
    let left = &ledger.names_left;
    let take_one =
        || left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    while take_one().is_ok() {
        chance.pause(if chance.strikes(3) { 40_000 } else { 2_000 }).await;
        let camera = chance.one_of(scenario.cameras);
        let number = ledger.values.fetch_add(1, Ordering::SeqCst) + 1;
        let text = format!("东门-{number}-𠮷");
        // One of three a name, one a record of ours, one both.
        let named = (number % 3 != 1).then(|| (camera_checks::NAME.to_owned(), text.clone()));
        let recorded = (!number.is_multiple_of(3)).then(|| (DESCRIPTION.to_owned(), text));
        let values: Values = named.into_iter().chain(recorded).collect();
        let entry = UpdateEntry {
            device: Ok(camera_id(camera)),
            clear: false,
            patch: Ok(values.into()),
            camera: CameraAsked::default(),
            if_revision: None,
        };
        // Cameras were recorded after the phones.
        client.call(Operation::Update, vec![entry], &[scenario.phones + camera]).await;
    }
}

/// Cameras with which something goes wrong for a while.
pub async fn troubled(cameras: Cameras, chance: Chance, scenario: Scenario) {
    loop {
        chance.pause(20_000).await;
        let number = chance.one_of(scenario.cameras);
        if chance.strikes(3) {
            cameras.restart(number);
        } else {
            cameras.trouble(number);
            chance.pause(30_000).await;
            cameras.set_faults(number, simulator::camera::Faults::default());
        }
    }
}

/// Up to three values, each with a number that no other value has.
fn patch(chance: &Chance, ledger: &Ledger) -> Values {
    let mut patch = Values::new();
    for _ in 0..chance.below(4) {
        let name = NAMES[chance.one_of(NAMES.len())];
        let number = ledger.values.fetch_add(1, Ordering::SeqCst) + 1;
        patch.insert(name.to_owned(), number.to_string());
    }
    patch
}

/// Phones that go off and come back, and restart by themselves.
pub async fn restless(phones: Phones, chance: Chance, count: usize) {
    loop {
        chance.pause(6_000).await;
        let number = chance.one_of(count);
        if chance.strikes(2) {
            phones.restart(number);
        } else {
            phones.set_off(number, true);
            chance.pause(if chance.strikes(4) { 100_000 } else { 3_000 }).await;
            phones.set_off(number, false);
        }
    }
}
