//! The promise, checked after a run: nothing answered is lost, values apply in the order they were
//! accepted, a job's state is the truth, and every phone shows what was asked for in the end.

use std::collections::BTreeMap;
use std::time::Duration;

use fleet::{Condition, End, Ended, Failure, Job, JobId, Principal, Timestamp, limits};
use store::{DeviceFilter, DeviceWithState, HistoryPage, Page, Reads};

use crate::camera_checks::Case;
use crate::scenario::Outcome;
use crate::world::{JOB_DEADLINE, NAMES, World};

/// How long after the end of all misfortune everything must be settled.
const SETTLES_WITHIN: Duration = Duration::from_secs(600);

/// How long after the end of all misfortune every device is worked on again: what a node that died
/// at the last moment owned waits for its lease, and for what it may have begun.
const WORKED_ON_WITHIN: Duration =
    limits::LEASE.saturating_add(limits::PHONE_ACTION_TIMEOUT).saturating_add(LATE);
const LATE: Duration = Duration::from_secs(5);

/// How long after its acceptance a job must have ended when nothing goes wrong.
const CALM_JOB_ENDS_WITHIN: Duration = Duration::from_secs(10);

/// Waits until everything is settled, then checks all that can be checked.
pub async fn check(world: &World) -> Outcome {
    let mut broken = Vec::new();
    nothing_is_stuck(world, &mut broken).await;
    if let Err(what) = wait_until_settled(world).await {
        broken.push(what);
    }
    let facts = Facts::read(world).await;
    facts.cameras(&mut broken);
    facts.nothing_answered_is_lost(&mut broken);
    facts.order_is_kept(&mut broken);
    facts.histories_are_whole(&mut broken);
    facts.what_was_cancelled_has_ended(&mut broken);
    facts.jobs_tell_the_truth(&mut broken);
    facts.phones_show_what_was_asked_for(&mut broken);
    facts.effects_come_in_order_and_once(&mut broken);
    facts.calm_jobs_end_soon(&mut broken);
    facts.restarts_are_asked_for_and_done_once(&mut broken);
    broken.extend(world.phones.broken());
    broken.extend(world.tokens.broken());
    let mut outcome = Outcome { broken, ..Outcome::default() };
    outcome.answered = world.ledger.answered.lock().unwrap().len() as u64;
    for job in facts.jobs.values() {
        match job.end.as_ref().map(|ended| &ended.end) {
            Some(End::Succeeded { .. }) => outcome.succeeded += 1,
            Some(End::Failed { .. }) => outcome.failed += 1,
            None => {}
        }
        outcome.cancelled += u64::from(is_cancelled(job));
        let superseded = job.end.as_ref().is_some_and(|ended| ended.superseded_by.is_some());
        outcome.superseded += u64::from(superseded);
    }
    outcome
}

/// Whether a client has taken the job back.
fn is_cancelled(job: &Job) -> bool {
    let end = job.end.as_ref().map(|ended| &ended.end);
    matches!(end, Some(End::Failed { failure: Failure::Cancelled { .. } }))
}

async fn devices(world: &World) -> Vec<DeviceWithState> {
    let page = Page { after: fleet::DeviceKey(0), limit: 1_000 };
    world.store.devices(&Principal::admin(), &DeviceFilter::default(), page).await.unwrap()
}

/// Whether another phone answers at this one's address, so that nothing of it can be settled.
fn is_foreign(world: &World, number: usize) -> bool {
    world.scenario.has_foreign_phone() && number == 0
}

/// Where phones do what they are told, an update that is open when the last node has come back ends
/// soon; and wherever one is open, some node looks at its phone.
async fn nothing_is_stuck(world: &World, broken: &mut Vec<String>) {
    let began = tokio::time::Instant::now();
    let before = open_updates(world).await;
    let within = worked_on_within(world);
    tokio::time::sleep(within).await;
    let after = open_updates(world).await;
    if world.scenario.is_steady() {
        for (number, jobs) in &before {
            let left: Vec<&JobId> =
                after.get(number).into_iter().flatten().filter(|job| jobs.contains(job)).collect();
            if !left.is_empty() {
                broken.push(format!("{within:?} later phone {number} has open: {left:?}"));
            }
        }
        return;
    }
    tokio::time::sleep(limits::RETRY_MAX.mul_f64(1.25)).await;
    let after = open_updates(world).await;
    for number in before.keys().filter(|number| after.contains_key(number)) {
        if world.phones.worked_on(*number).0.is_none_or(|at| at < began) {
            broken.push(format!("nobody works on phone {number}"));
        }
    }
}

/// How long after the end of all misfortune every device is worked on again. That the store's clock
/// is set right is a step of its own: nodes notice it when they renew next, and what they take then
/// is quiet for a lease longer, since its owner may live.
fn worked_on_within(world: &World) -> Duration {
    let noticed = if world.scenario.weather.wrong_store_clock {
        limits::LEASE_RENEW_EVERY
    } else {
        Duration::ZERO
    };
    WORKED_ON_WITHIN + noticed
}

/// The open jobs of phones that wait for no restart.
async fn open_updates(world: &World) -> BTreeMap<usize, Vec<JobId>> {
    let mut open = BTreeMap::new();
    for (number, device) in devices(world).await.iter().enumerate().take(world.scenario.phones) {
        let work = world.store.work(device.device.key).await.unwrap().unwrap();
        let restarts = work.jobs.iter().any(|job| job.operation.is_power());
        if !restarts && work.state.power.is_none() && !work.jobs.is_empty() {
            open.insert(number, work.jobs.iter().map(|job| job.id).collect());
        }
    }
    open
}

async fn wait_until_settled(world: &World) -> Result<(), String> {
    let mut waited = Duration::ZERO;
    while waited < SETTLES_WITHIN {
        tokio::time::sleep(Duration::from_secs(1)).await;
        waited += Duration::from_secs(1);
        let open = devices(world).await.into_iter().enumerate().any(|(number, device)| {
            let state = device.state;
            if is_foreign(world, number) {
                // What is stored for it waits for as long as it takes; all else has a deadline.
                return state.condition != Condition::Abnormal || waited < 2 * JOB_DEADLINE;
            }
            state.has_work()
        });
        if !open {
            // The sweep comes round to every phone in this time.
            tokio::time::sleep(Duration::from_secs(60)).await;
            return Ok(());
        }
    }
    let open: Vec<String> = devices(world)
        .await
        .into_iter()
        .filter(|device| device.state.has_work())
        .map(|device| format!("{}: {:?}", device.device.id, device.state))
        .collect();
    Err(format!(
        "not everything was settled {SETTLES_WITHIN:?} after all misfortune ended:\n{}",
        open.join("\n")
    ))
}

/// All that is known at the end.
struct Facts<'a> {
    world: &'a World,
    devices: Vec<DeviceWithState>,
    jobs: BTreeMap<JobId, Job>,
    /// The jobs of each device, newest first, as far as each names one that is kept.
    histories: Vec<HistoryPage>,
    /// What was last sent to each camera.
    pushes: BTreeMap<fleet::DeviceKey, fleet::Push>,
}

impl<'a> Facts<'a> {
    async fn read(world: &'a World) -> Self {
        let calls = world.ledger.calls.lock().unwrap().clone();
        // What was forgotten had ended by then.
        let mut jobs = world.archive.lock().unwrap().clone();
        for call in calls {
            let found = world.store.jobs(&Principal::admin(), &[call], 0, 100).await.unwrap();
            jobs.extend(found.into_iter().map(|found| (found.job.id, found.job)));
        }
        let devices = devices(world).await;
        let (mut pushes, mut histories) = (BTreeMap::new(), Vec::new());
        for device in &devices {
            let key = device.device.key;
            histories
                .push(world.store.history(&Principal::admin(), key, None, 10_000).await.unwrap());
            let camera = world.store.camera(key).await.unwrap();
            pushes.extend(camera.and_then(|camera| camera.push).map(|push| (key, push)));
        }
        Self { world, devices, jobs, histories, pushes }
    }

    /// The jobs of one phone, in the order of their revisions.
    fn jobs_of(&self, number: usize) -> Vec<&Job> {
        let key = self.devices[number].device.key;
        let mut jobs: Vec<&Job> = self.jobs.values().filter(|job| job.device == key).collect();
        jobs.sort_by_key(|job| job.revision);
        jobs
    }

    fn cameras(&self, broken: &mut Vec<String>) {
        for (index, device) in self.devices.iter().enumerate().skip(self.phones()) {
            let number = index - self.phones();
            let jobs = self.jobs_of(index);
            let push = self.pushes.get(&device.device.key);
            Case { world: self.world, number, device, jobs, push }.check(broken);
        }
    }

    /// How many of the devices are phones: the first ones.
    fn phones(&self) -> usize {
        self.world.scenario.phones
    }

    fn nothing_answered_is_lost(&self, broken: &mut Vec<String>) {
        for answered in self.world.ledger.answered.lock().unwrap().iter() {
            let Some(job) = self.jobs.get(&answered.job) else {
                broken.push(format!("job {} was answered and is lost", answered.job));
                continue;
            };
            let may_wait = job.stored && is_foreign(self.world, answered.phone);
            if job.end.is_none() && !may_wait {
                broken.push(format!("job {} never ended", answered.job));
            }
        }
    }

    fn order_is_kept(&self, broken: &mut Vec<String>) {
        let answered = self.world.ledger.answered.lock().unwrap();
        for earlier in answered.iter() {
            for later in answered.iter() {
                let (Some(first), Some(second)) =
                    (self.jobs.get(&earlier.job), self.jobs.get(&later.job))
                else {
                    continue;
                };
                let in_order = earlier.phone == later.phone
                    && earlier.answered_at < later.asked_at
                    && first.revision >= second.revision;
                if in_order {
                    broken.push(format!(
                        "job {} was answered before job {} was asked for and has revision {:?}, \
                         not below {:?}",
                        first.id, second.id, first.revision, second.revision
                    ));
                }
            }
        }
        for number in 0..self.phones() {
            let jobs = self.jobs_of(number);
            if jobs.windows(2).any(|pair| pair[0].revision == pair[1].revision) {
                broken.push(format!("two jobs of phone {number} have one revision"));
            }
            for name in NAMES {
                // What was cancelled has gone back to what was asked for before it.
                let stands = jobs.iter().rev().filter(|job| !is_cancelled(job));
                let last = stands.into_iter().find_map(|job| job.patch.get(name));
                let desired = self.devices[number].state.desired.get(name);
                if last != desired.map(|desired| &desired.value) {
                    broken.push(format!(
                        "phone {number} is to have {desired:?} for {name}; last asked for: {last:?}"
                    ));
                }
            }
        }
    }

    /// Whether each phone's history has all its jobs in their order, up to the first that was
    /// forgotten.
    fn histories_are_whole(&self, broken: &mut Vec<String>) {
        let forgotten = self.world.archive.lock().unwrap();
        for (number, history) in self.histories.iter().enumerate().take(self.phones()) {
            let jobs: Vec<JobId> = self.jobs_of(number).iter().rev().map(|job| job.id).collect();
            let told: Vec<JobId> = history.jobs.iter().map(|found| found.job.id).collect();
            let is_end = match jobs.get(told.len()) {
                Some(next) => history.is_cut && forgotten.contains_key(next),
                None => !history.is_cut,
            };
            if !jobs.starts_with(&told) || !is_end {
                broken.push(format!("the history of phone {number} is {told:?} of {jobs:?}"));
            }
        }
    }

    fn jobs_tell_the_truth(&self, broken: &mut Vec<String>) {
        for number in 0..self.phones() {
            let effects = self.world.phones.effects(number);
            for job in self.jobs_of(number) {
                let Some(ended) = &job.end else { continue };
                if let Some(successor) = ended.superseded_by {
                    let by = self.jobs.get(&successor).and_then(|job| job.end.as_ref());
                    if by.is_none() {
                        broken.push(format!("job {} ended before its successor", job.id));
                    }
                    continue;
                }
                match &ended.end {
                    End::Succeeded { .. } => {
                        for (name, value) in &job.patch {
                            let replaced = self.is_replaced(number, job, name);
                            let had = effects.iter().any(|(_, n, v)| n == name && v == value);
                            if !had && !replaced {
                                broken.push(format!(
                                    "job {} succeeded and phone {number} never had {name}={value}",
                                    job.id
                                ));
                            }
                        }
                    }
                    // A phone that was restarted has its own time to come back.
                    End::Failed { failure: Failure::DeadlinePassed { .. } }
                        if !job.operation.is_power()
                            && self.world.scenario.has_true_times()
                            && ended.at.since(job.accepted_at) < JOB_DEADLINE =>
                    {
                        broken.push(format!("job {} failed before its deadline: {job:?}", job.id));
                    }
                    End::Failed { failure: Failure::Cancelled { .. } } => {}
                    End::Failed { .. } if self.world.scenario.is_calm() => {
                        broken.push(format!("job {} failed and nothing was wrong", job.id));
                    }
                    End::Failed { .. } => {}
                }
            }
        }
    }

    /// Whether a later job asked for another value of `name` before `job` ended.
    fn is_replaced(&self, number: usize, job: &Job, name: &str) -> bool {
        self.jobs_of(number)
            .iter()
            .any(|other| other.revision > job.revision && other.patch.contains_key(name))
    }

    /// Whether a job of the phone that asked for a value of `name` was cancelled.
    fn was_cancelled(&self, number: usize, name: &str) -> bool {
        let jobs = self.jobs_of(number);
        jobs.into_iter().any(|job| is_cancelled(job) && job.patch.contains_key(name))
    }

    /// What a client was told is cancelled had ended by then, but for restarts that had begun.
    fn what_was_cancelled_has_ended(&self, broken: &mut Vec<String>) {
        for (id, at) in self.world.ledger.cancelled.lock().unwrap().iter() {
            let Some(job) = self.jobs.get(id).filter(|job| !job.operation.is_power()) else {
                continue;
            };
            let is_late = |ended: &Ended| self.world.scenario.has_true_times() && ended.at > *at;
            if job.end.as_ref().is_none_or(is_late) {
                broken.push(format!("job {id} was said to be cancelled at {at:?}: {job:?}"));
            }
        }
    }

    fn phones_show_what_was_asked_for(&self, broken: &mut Vec<String>) {
        for (number, device) in self.devices.iter().enumerate().take(self.phones()) {
            if is_foreign(self.world, number) {
                if !self.world.phones.effects(number).is_empty() {
                    broken.push(format!("something was set on phone {number}, which is another"));
                }
                continue;
            }
            for (name, desired) in &device.state.desired.0 {
                if self.was_cancelled(number, name) && !self.world.scenario.is_steady() {
                    // A phone may refuse what it is to go back to, and no job tells of that.
                    continue;
                }
                let is_last = |job: &&Job| job.patch.contains_key(name) && !is_cancelled(job);
                let last = self.jobs_of(number).into_iter().rfind(is_last);
                let given_up = last.and_then(|job| job.end.as_ref()).is_some_and(|ended| {
                    matches!(
                        ended.end,
                        End::Failed {
                            failure: Failure::Refused { .. } | Failure::ReadBackDiffers { .. }
                        }
                    )
                });
                let has = self.world.phones.value(number, name);
                if has.as_ref() != Some(&desired.value) && !given_up {
                    broken.push(format!(
                        "phone {number} has {has:?} for {name}, not {:?}",
                        desired.value
                    ));
                }
            }
        }
    }

    fn effects_come_in_order_and_once(&self, broken: &mut Vec<String>) {
        for number in 0..self.phones() {
            let effects = self.world.phones.effects(number);
            for name in NAMES {
                if self.was_cancelled(number, name) {
                    // It goes back, to an earlier value.
                    continue;
                }
                let of_name: Vec<(u64, u64)> = effects
                    .iter()
                    .filter(|(_, n, _)| n == name)
                    .map(|(boot, _, value)| (value.parse().unwrap(), *boot))
                    .collect();
                for pair in of_name.windows(2) {
                    let revision = |value: u64| {
                        self.jobs_of(number)
                            .into_iter()
                            .find(|job| job.patch.get(name) == Some(&value.to_string()))
                            .map(|job| job.revision)
                    };
                    if revision(pair[0].0) > revision(pair[1].0) {
                        broken.push(format!(
                            "phone {number} got {name}={} after the later value {}",
                            pair[1].0, pair[0].0
                        ));
                    }
                    if pair[0] == pair[1] {
                        broken.push(format!(
                            "phone {number} got {name}={} twice in one boot",
                            pair[0].0
                        ));
                    }
                }
            }
        }
    }

    fn calm_jobs_end_soon(&self, broken: &mut Vec<String>) {
        if !self.world.scenario.is_calm() {
            return;
        }
        for job in (0..self.phones()).flat_map(|number| self.jobs_of(number)) {
            let Some(ended) = &job.end else { continue };
            let took = ended.at.since(job.accepted_at);
            // A restart waits for its turn, and a superseded job for its successor.
            let restarts = job.operation.is_power() || ended.superseded_by.is_some();
            if took > CALM_JOB_ENDS_WITHIN && !restarts {
                broken.push(format!("job {} took {took:?} and nothing was wrong", job.id));
            }
        }
    }

    fn restarts_are_asked_for_and_done_once(&self, broken: &mut Vec<String>) {
        for number in 0..self.phones() {
            let told = self.world.phones.told(number);
            let jobs = self.jobs_of(number);
            let asked: Vec<&&Job> = jobs.iter().filter(|job| job.operation.is_power()).collect();
            if told.len() > asked.len() {
                let (told, asked) = (told.len(), asked.len());
                broken.push(format!("phone {number} restarted {told} times for {asked} jobs"));
            }
            for job in asked {
                let Some(ended) = &job.end else { continue };
                let between = |at: &Timestamp| job.accepted_at <= *at && *at <= ended.at;
                let succeeded = matches!(ended.end, End::Succeeded { .. });
                // One that restarted by itself while it was about to be told need not be told.
                let may_have_by_itself =
                    self.world.scenario.restless || !self.world.scenario.has_true_times();
                if succeeded && !told.iter().any(between) && !may_have_by_itself {
                    broken.push(format!("job {} succeeded and nothing restarted", job.id));
                }
            }
        }
    }
}
