//! Updates that go out in waves: how they are to go, and how far they have come.

use std::iter::Sum;
use std::ops::Add;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::desired::Values;
use crate::device::{Kind, UnknownWord};
use crate::id::{DeviceId, DeviceKey, ProjectId, ProjectKey, RequestId};
use crate::limits::PHONES_PER_UPDATE_MAX;
use crate::operation::Operation;
use crate::refusal::Refusal;
use crate::selector::Selector;
use crate::time::Timestamp;

/// The devices of a wave at most: each wave is one request, which has no more jobs.
const WAVE_MAX: u32 = PHONES_PER_UPDATE_MAX as u32;

/// How a rollout is to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Devices of a first wave, for trial; 0 for none. At most as many as a wave may have.
    pub canary: u32,
    /// Devices of each further wave: 1 to [`PHONES_PER_UPDATE_MAX`].
    pub wave: u32,
    /// Seconds between the end of a wave and the beginning of the next.
    pub pause_seconds: u32,
    /// When it stops by itself.
    pub stop: Stop,
    /// The time of day in which waves begin; `None`: any.
    pub window: Option<Window>,
}

impl Plan {
    /// Waves as large as they may be, one after the other without a pause, which nothing stops.
    pub fn all_at_once() -> Self {
        Self { canary: 0, wave: WAVE_MAX, pause_seconds: 0, stop: Stop::default(), window: None }
    }

    /// How many devices the wave of this number, counted from 1, has at most.
    pub fn size(&self, number: u32) -> u32 {
        let size = if number == 1 && self.canary > 0 { self.canary } else { self.wave };
        size.clamp(1, WAVE_MAX)
    }

    /// How many waves it takes for `total` devices.
    pub fn waves(&self, total: u32) -> u32 {
        let first = self.size(1);
        if total <= first {
            u32::from(total > 0)
        } else {
            1 + (total - first).div_ceil(self.size(2))
        }
    }
}

/// When a rollout stops by itself: as soon as one of these is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// So many jobs have failed or are lost; `None`: however many.
    pub failed: Option<u32>,
    /// So many of a hundred of those begun have: 1 to 100; `None`: however many.
    pub failed_percent: Option<u8>,
}

/// A time of day, in UTC. One that ends before it begins goes past midnight; one that begins where
/// it ends is the whole day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The first minute of the day that is in it: 0 to 1439.
    pub from_minute: u16,
    /// The first one that is not any more: 0 to 1439.
    pub to_minute: u16,
}

/// Milliseconds of a minute.
const MINUTE: i64 = 60_000;
/// Minutes of a day.
const DAY: i64 = 1_440;

impl Window {
    /// How many minutes it lasts, and how many of them are over at `at`, if it is open then.
    fn passed(self, at: Timestamp) -> (i64, i64) {
        let from = i64::from(self.from_minute);
        let lasts = (i64::from(self.to_minute) - from).rem_euclid(DAY);
        let passed = (at.0.div_euclid(MINUTE) - from).rem_euclid(DAY);
        (if lasts == 0 { DAY } else { lasts }, passed)
    }

    /// Whether it is open at `at`.
    pub fn is_open(self, at: Timestamp) -> bool {
        let (lasts, passed) = self.passed(at);
        passed < lasts
    }

    /// When it is open next, not before `at`: `at` itself if it is open then.
    pub fn opens(self, at: Timestamp) -> Timestamp {
        let (lasts, passed) = self.passed(at);
        if passed < lasts {
            return at;
        }
        let minute = at.0.div_euclid(MINUTE) + DAY - passed;
        Timestamp(minute.saturating_mul(MINUTE))
    }
}

/// Where a rollout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Its devices are being written down; nothing has begun.
    Collecting,
    /// Its waves go out.
    Running,
    /// Somebody has paused it: nothing new begins until it is resumed.
    Paused,
    /// It has stopped by its [`Stop`]: nothing new begins until it is resumed.
    Stopped,
    /// Somebody has given it up. It is over.
    Aborted,
    /// All of its waves are over, and so is it.
    Done,
}

impl Phase {
    /// The word that stands for it in the store and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Collecting => "collecting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Aborted => "aborted",
            Self::Done => "done",
        }
    }

    /// Whether it is over for good.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Aborted | Self::Done)
    }
}

impl FromStr for Phase {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "collecting" => Ok(Self::Collecting),
            "running" => Ok(Self::Running),
            "paused" => Ok(Self::Paused),
            "stopped" => Ok(Self::Stopped),
            "aborted" => Ok(Self::Aborted),
            "done" => Ok(Self::Done),
            _ => Err(UnknownWord { what: "phase", word: text.to_owned() }),
        }
    }
}

/// How the devices of a rollout were named.
#[expect(clippy::large_enum_variant, reason = "one a rollout, and most have a selector")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// By what is known of them.
    Selector(Selector),
    /// One by one.
    Devices,
    /// They are those of another update, which this one takes back.
    RevertOf(RequestId),
}

/// An update that goes out in waves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// Its id, which no job bears: each wave is a request of its own.
    pub id: RequestId,
    /// The project.
    pub project: ProjectKey,
    /// The project's public id.
    pub project_id: ProjectId,
    /// What its devices are.
    pub kind: Kind,
    /// What it asks of them besides values: nothing or a restart.
    pub operation: Operation,
    /// The values it asks for, by canonical name, where a device has none of its own. Kept as they
    /// are: a password must not be among them.
    pub patch: Values,
    /// How it is to go.
    pub plan: Plan,
    /// Where it stands.
    pub phase: Phase,
    /// Why it stands there, if there is more to say.
    pub why: Option<String>,
    /// How many devices it has; while it is collecting, how many are written down.
    pub total: u32,
    /// The position of the first device that has not begun yet.
    pub next: u32,
    /// How many waves have begun.
    pub wave: u32,
    /// When there is something to do next; `None`: as soon as may be.
    pub next_at: Option<Timestamp>,
    /// Who asked for it.
    pub actor: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was over; `None` while it is not.
    pub ended_at: Option<Timestamp>,
    /// How often it has changed: what a change is made by.
    pub version: i64,
    /// How its devices were named.
    pub source: Source,
}

/// Some of a rollout's devices, which begin together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wave {
    /// Its number, counted from 1.
    pub number: u32,
    /// Its jobs' request. A device's job is at its position less [`Self::first`].
    pub request: RequestId,
    /// The position of its first device.
    pub first: u32,
    /// How many devices it has.
    pub count: u32,
    /// How many of them have got a job.
    pub accepted: u32,
    /// How many were refused.
    pub refused: u32,
    /// When it began.
    pub begun_at: Timestamp,
    /// When it was over; `None` while it is not.
    pub ended_at: Option<Timestamp>,
}

/// One of a rollout's devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutDevice {
    /// Its position, counted from 0.
    pub position: u32,
    /// The device. It may be gone.
    pub device: DeviceKey,
    /// Its id when the rollout was made.
    pub device_id: DeviceId,
    /// The values asked for of it, where they are its own; `None`: those of the rollout.
    pub patch: Option<Values>,
    /// Why it got no job, if it was refused.
    pub refusal: Option<Refusal>,
}

/// How the jobs of some waves stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WaveCounts {
    /// All.
    pub total: u64,
    /// Those that have succeeded.
    pub succeeded: u64,
    /// Those that have failed.
    pub failed: u64,
    /// Those that are open, the lost and the away ones among them.
    pub open: u64,
    /// Those that are open, whose device could be worked on when they were accepted and can't be
    /// now, while no restart, reset or stop of it is under way.
    pub lost: u64,
    /// Those that are open and whose device was away when they were accepted: their values are
    /// stored.
    pub away: u64,
}

impl Add for WaveCounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            total: self.total + other.total,
            succeeded: self.succeeded + other.succeeded,
            failed: self.failed + other.failed,
            open: self.open + other.open,
            lost: self.lost + other.lost,
            away: self.away + other.away,
        }
    }
}

impl Sum for WaveCounts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A point in time by its minute of some day.
    fn minute(minute: i64) -> Timestamp {
        Timestamp((20_000 * DAY + minute) * MINUTE)
    }

    #[test]
    fn a_window_may_go_past_midnight() {
        let night = Window { from_minute: 22 * 60, to_minute: 6 * 60 };
        let day = Window { from_minute: 6 * 60, to_minute: 22 * 60 };
        let always = Window { from_minute: 60, to_minute: 60 };
        for at in 0..DAY {
            let is_night = !(6 * 60..22 * 60).contains(&at);
            assert_eq!(night.is_open(minute(at)), is_night, "{at}");
            assert_eq!(day.is_open(minute(at)), !is_night, "{at}");
            assert!(always.is_open(minute(at)), "{at}");
            for window in [night, day, always] {
                let opens = window.opens(minute(at));
                assert!(window.is_open(opens) && opens >= minute(at));
                assert_eq!(opens == minute(at), window.is_open(minute(at)));
            }
        }
        assert_eq!(night.opens(minute(12 * 60)), minute(22 * 60));
        assert_eq!(day.opens(minute(23 * 60)), minute(30 * 60));
        let late = Timestamp(minute(12 * 60).0 + 31_000);
        assert_eq!(night.opens(late), minute(22 * 60), "whole minutes");
    }

    #[test]
    fn a_plan_tells_its_waves() {
        let plan = Plan { canary: 5, wave: 100, ..Plan::all_at_once() };
        assert_eq!((plan.size(1), plan.size(2)), (5, 100));
        for (total, waves) in [(0, 0), (1, 1), (5, 1), (6, 2), (105, 2), (106, 3)] {
            assert_eq!(plan.waves(total), waves, "{total}");
        }
        let plan = Plan::all_at_once();
        assert_eq!((plan.waves(8_096), plan.waves(8_097)), (1, 2));
    }

    #[test]
    fn phases_are_read_as_they_are_written() {
        for phase in [
            Phase::Collecting,
            Phase::Running,
            Phase::Paused,
            Phase::Stopped,
            Phase::Aborted,
            Phase::Done,
        ] {
            assert_eq!(phase.name().parse(), Ok(phase));
        }
        assert!("gone".parse::<Phase>().is_err());
    }
}
