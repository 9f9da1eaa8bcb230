//! The promise to cameras, checked after a run.

use std::time::Duration;

use fleet::catalogue::DESCRIPTION;
use fleet::{End, Failure, Job, Proof, Push, PushOutcome, Revision, Timestamp};
use store::DeviceWithState;

use crate::world::World;

/// The property by which cameras are named.
pub const NAME: &str = "Name";

/// How long it takes until a camera that lost its power counts as gone, and all that was known of
/// its messages is forgotten.
const FORGOTTEN_WITHIN: Duration = Duration::from_secs(400);

/// One camera, its record and its jobs in the order of their revisions.
pub struct Case<'a> {
    pub world: &'a World,
    pub number: usize,
    pub device: &'a DeviceWithState,
    pub jobs: Vec<&'a Job>,
    /// What was last sent to it.
    pub push: Option<&'a Push>,
}

impl Case<'_> {
    pub fn check(&self, broken: &mut Vec<String>) {
        self.jobs_tell_the_truth(broken);
        self.it_shows_what_was_asked_for(broken);
        self.names_come_in_order(broken);
        self.it_is_asked_once(broken);
        self.records_are_the_last_that_were_accepted(broken);
    }

    fn jobs_tell_the_truth(&self, broken: &mut Vec<String>) {
        let had = self.world.cameras.names(self.number);
        for job in &self.jobs {
            let Some(ended) = &job.end else {
                broken.push(format!("job {} of a camera never ended", job.id));
                continue;
            };
            if ended.superseded_by.is_some() {
                continue;
            }
            match &ended.end {
                End::Succeeded { proof: Proof::Verified } => {
                    let Some(name) = job.patch.get(NAME) else { continue };
                    let replaced = self.jobs.iter().any(|other| other.revision > job.revision);
                    if !had.contains(name) && !replaced {
                        broken.push(format!("job {} succeeded, and {had:?} lacks {name}", job.id));
                    }
                }
                End::Succeeded { .. } => {}
                // One whose node has stopped is not reached before it registers with another.
                End::Failed { .. }
                    if self.world.scenario.is_calm() && self.world.scenario.nodes == 1 =>
                {
                    broken.push(format!("job {} failed and nothing was wrong: {ended:?}", job.id));
                }
                End::Failed { .. } => {}
            }
        }
    }

    fn it_shows_what_was_asked_for(&self, broken: &mut Vec<String>) {
        let Some(desired) = self.device.state.desired.get(NAME) else { return };
        let last = self.jobs.iter().rfind(|job| job.patch.contains_key(NAME));
        let given_up = last.and_then(|job| job.end.as_ref()).is_some_and(|ended| {
            matches!(
                ended.end,
                End::Failed { failure: Failure::Refused { .. } | Failure::ReadBackDiffers { .. } }
                    | End::Succeeded { proof: Proof::Acknowledged }
            )
        });
        // Its job may have failed by its deadline before; what was sent is not sent again.
        let sent = self.push.is_some_and(|push| {
            push.revision >= desired.revision && push.outcome != PushOutcome::Verified
        });
        let names = self.world.cameras.names(self.number);
        let by = self.jobs.iter().find(|job| job.patch.get(NAME) == names.last());
        let overtaken = names.contains(&desired.value)
            && by.is_some_and(|job| self.overtakes(job.revision, desired.revision));
        if names.last() != Some(&desired.value) && !given_up && !sent && !overtaken {
            broken.push(format!("camera {} is called {names:?}, not {desired:?}", self.number));
        }
        if self.device.device.name != desired.value {
            broken.push(format!("the record of camera {} has another name", self.number));
        }
    }

    fn names_come_in_order(&self, broken: &mut Vec<String>) {
        let revision = |name: &String| {
            let job = self.jobs.iter().find(|job| job.patch.get(NAME) == Some(name));
            job.map(|job| job.revision)
        };
        let names = self.world.cameras.names(self.number);
        let revisions: Vec<Revision> = names.iter().filter_map(revision).collect();
        let in_order = |pair: &[Revision]| pair[0] <= pair[1] || self.overtakes(pair[1], pair[0]);
        if !revisions.windows(2).all(in_order) {
            broken.push(format!("camera {} got its names out of order: {names:?}", self.number));
        }
    }

    /// Whether what was sent of the earlier revision may arrive after the later one: the camera has
    /// gone to another node meanwhile, and what the node before had in flight may still land.
    fn overtakes(&self, earlier: Revision, later: Revision) -> bool {
        let sender = |revision| self.world.tokens.sender(self.device.device.key, revision);
        sender(earlier) != sender(later)
    }

    /// No more configurations than revisions: one that is not answered is not sent again.
    fn it_is_asked_once(&self, broken: &mut Vec<String>) {
        let configs = self.world.cameras.configs(self.number);
        let revisions = self.jobs.iter().filter(|job| job.patch.contains_key(NAME)).count() as u64;
        if configs > revisions {
            broken.push(format!(
                "camera {} was sent {configs} configurations for {revisions} revisions",
                self.number
            ));
        }
    }
}

impl Case<'_> {
    /// What went on record holds in the order of acceptance, and a job that asked for nothing else
    /// ended when it was accepted.
    fn records_are_the_last_that_were_accepted(&self, broken: &mut Vec<String>) {
        let last = self.jobs.iter().rev().find_map(|job| job.record.get(DESCRIPTION));
        let camera = self.device.camera.as_ref();
        let shown = camera.and_then(|camera| camera.record.get(DESCRIPTION));
        if shown != last {
            broken.push(format!("camera {} has {shown:?} on record, not {last:?}", self.number));
        }
        for job in self.jobs.iter().filter(|job| job.patch.is_empty()) {
            let is_recorded = job.end.as_ref().is_some_and(|ended| {
                ended.end == End::Succeeded { proof: Proof::Recorded }
                    && ended.at == job.accepted_at
            });
            if !is_recorded {
                broken.push(format!("job {} of records alone ended as {:?}", job.id, job.end));
            }
        }
    }
}

/// Once all cameras are off, nothing is known of their messages and nobody is registered.
pub async fn all_is_forgotten(
    world: &World,
    known: impl Fn() -> Option<String>,
    bindings: impl AsyncFn() -> Vec<fleet::Binding>,
    broken: &mut Vec<String>,
) {
    world.cameras.switch_off();
    let mut waited = Duration::ZERO;
    loop {
        let now: Timestamp = engine::Clock::now(&world.clock);
        let live = bindings().await.iter().filter(|binding| binding.is_live(now)).count();
        let left = known();
        if left.is_none() && live == 0 {
            return;
        }
        if waited >= FORGOTTEN_WITHIN {
            broken.push(format!("{FORGOTTEN_WITHIN:?} after all cameras went: {left:?}, {live}"));
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        waited += Duration::from_secs(1);
    }
}
