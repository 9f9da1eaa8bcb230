//! Changes of updates that go out in waves, and updates that are taken back.

use fleet::{
    DeviceId, DeviceKey, JobId, Phase, ProjectKey, Refusal, RequestId, Rollout, Timestamp, Values,
};

use super::Accept;

/// One device of a rollout: its key, its id, and the values asked for of it where they are its own,
/// or why it can't have any: then it is refused, and counts for the wave that comes to it. Whether
/// it exists is not looked at until that begins.
pub type NewRolloutDevice = (DeviceKey, DeviceId, Option<Result<Values, Refusal>>);

/// Makes a rollout, with the first of its devices in their order, at most
/// [`fleet::limits::ROLLOUT_DEVICES_PER_WRITE_MAX`]. Refused with
/// [`super::Refused::NoSuchProject`], with [`super::Refused::Exists`] if its id is taken, and with
/// [`super::Refused::TooManyRollouts`] if its project has
/// [`fleet::limits::ROLLOUTS_OPEN_MAX`] that are not over.
#[derive(Debug, Clone)]
pub struct CreateRollout {
    /// What it is. Where it stands is set here: collecting, or running if these are all of its
    /// devices, with nothing begun, at version 0.
    pub rollout: Rollout,
    /// Its devices, or the first of them.
    pub devices: Vec<NewRolloutDevice>,
    /// Whether these are all.
    pub last: bool,
}

/// Adds devices to a rollout that is collecting, after those that it has. Refused with
/// [`super::Refused::NoSuchUpdate`], and with [`super::Refused::RolloutMoved`] if its version is
/// another or it is not collecting. With the last of them it is running. Its version goes up by
/// one.
#[derive(Debug, Clone)]
pub struct AddRolloutDevices {
    /// The rollout.
    pub id: RequestId,
    /// Its version as far as the writer knows.
    pub version: i64,
    /// The devices: at most [`fleet::limits::ROLLOUT_DEVICES_PER_WRITE_MAX`].
    pub devices: Vec<NewRolloutDevice>,
    /// Whether these are the last.
    pub last: bool,
}

/// Changes where a rollout stands, and with it begins or ends a wave: all of it or nothing. Refused
/// with [`super::Refused::NoSuchUpdate`], and with [`super::Refused::RolloutMoved`] if its version
/// is another, or if it is over. Its version goes up by one.
#[derive(Debug, Clone)]
pub struct StepRollout {
    /// The rollout.
    pub id: RequestId,
    /// Its version as far as the writer knows.
    pub version: i64,
    /// Now.
    pub at: Timestamp,
    /// Where it stands from now on.
    pub next: RolloutStep,
    /// The wave that begins or ends with it, if one does.
    pub wave: Option<WaveStep>,
    /// Devices that are refused already, each with its position in the rollout. They count for the
    /// wave that begins.
    pub refusals: Vec<(u32, Refusal)>,
    /// What the wave that begins asks of its devices. It is accepted as [`super::Write::Accept`]
    /// is, on behalf of the rollout's actor whoever takes the step. An entry's position counts from
    /// the wave's first device; what is refused then is kept with the device.
    pub accept: Option<Accept>,
}

/// Where a rollout stands from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutStep {
    /// See [`Rollout::phase`].
    pub phase: Phase,
    /// See [`Rollout::why`].
    pub why: Option<String>,
    /// See [`Rollout::next`].
    pub next: u32,
    /// See [`Rollout::wave`].
    pub wave: u32,
    /// See [`Rollout::next_at`].
    pub next_at: Option<Timestamp>,
    /// See [`Rollout::ended_at`].
    pub ended_at: Option<Timestamp>,
}

impl RolloutStep {
    /// Where the rollout stands, unchanged.
    pub fn of(rollout: &Rollout) -> Self {
        Self {
            phase: rollout.phase,
            why: rollout.why.clone(),
            next: rollout.next,
            wave: rollout.wave,
            next_at: rollout.next_at,
            ended_at: rollout.ended_at,
        }
    }
}

/// A wave that begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaveStep {
    /// It begins. How many of its devices were accepted and refused is counted here.
    Begin {
        /// Its number, counted from 1.
        number: u32,
        /// Its jobs' request.
        request: RequestId,
        /// The position of its first device.
        first: u32,
        /// How many devices it has.
        count: u32,
    },
    /// It is over.
    End {
        /// Its number.
        number: u32,
    },
}

/// Takes jobs back: at most [`fleet::limits::CANCELLED_PER_WRITE_MAX`]. Each that is open ends as
/// [`fleet::Failure::Cancelled`], unless it has ended, is of another project, or asks for a
/// restart, reset or stop that has begun: then it is passed over. What its device still is to hold
/// because of it goes back to what was desired before it, or is not desired any more, at a revision
/// of its own that is not settled. What went on record with it stays. To one who may not see the
/// project there are no such jobs.
#[derive(Debug, Clone)]
pub struct Cancel {
    /// The project that the jobs belong to.
    pub project: ProjectKey,
    /// The jobs.
    pub jobs: Vec<JobId>,
    /// Who takes them back.
    pub by: String,
    /// Now.
    pub at: Timestamp,
}
