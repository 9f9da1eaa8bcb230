//! How an update goes through its devices, in a body and in an answer.

use fleet::limits::PHONES_PER_UPDATE_MAX;
use fleet::rollout::Stop;
use fleet::{Plan, Window};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::native::{Problem, objects};

/// The most devices of a wave.
const WAVE_MAX: u32 = PHONES_PER_UPDATE_MAX as u32;

/// Seconds of the longest pause between two waves: a week.
const PAUSE_SECONDS_MAX: u32 = 7 * 24 * 60 * 60;

/// How an update goes through its devices: in waves, each begun once the one before is over.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RolloutPlan)]
pub(in crate::native) struct PlanBody {
    /// The devices of the first wave, to try it out; 0, which it is unless given, for none.
    #[serde(default)]
    #[schema(maximum = 8096)]
    canary: u32,
    /// The devices of each further wave: 1 to 8,096, which it is unless given.
    #[serde(default = "wave_max")]
    #[schema(minimum = 1, maximum = 8096)]
    wave: u32,
    /// Seconds between the end of a wave and the begin of the next: at most 604,800; 0 unless
    /// given. What has failed is counted again after it.
    #[serde(default)]
    #[schema(maximum = 604800)]
    pause_seconds: u32,
    /// When it stops by itself. What is begun goes on then; resume lets it begin more.
    #[serde(default, deserialize_with = "objects::object")]
    stop: StopBody,
    /// The hours of the day in which it begins waves; any hour unless given.
    #[serde(default, deserialize_with = "objects::object_or_null")]
    window: Option<WindowBody>,
}

/// When an update stops by itself: at whichever comes first. Jobs that failed count, and those
/// whose device was there when they were accepted and is not any more.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = RolloutStop)]
struct StopBody {
    /// When so many devices have failed: 1 or more.
    #[schema(minimum = 1)]
    failed: Option<u32>,
    /// When so many in a hundred of the devices begun so far have failed: 1 to 100.
    #[schema(minimum = 1, maximum = 100)]
    failed_percent: Option<u8>,
}

/// Hours of each day, in UTC. They may go over midnight.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RolloutWindow)]
struct WindowBody {
    /// Their begin, `HH:MM`.
    #[schema(example = "22:00")]
    from: String,
    /// Their end, `HH:MM`, another time than the begin.
    #[schema(example = "06:00")]
    to: String,
}

/// For serde.
fn wave_max() -> u32 {
    WAVE_MAX
}

impl PlanBody {
    /// The plan of this body, which stands at `rollout`. Errors name the field.
    pub(super) fn plan(self) -> Result<Plan, Problem> {
        let Self { canary, wave, pause_seconds, stop, window } = self;
        let bounds = [
            ("canary", canary, 0, WAVE_MAX),
            ("wave", wave, 1, WAVE_MAX),
            ("pause_seconds", pause_seconds, 0, PAUSE_SECONDS_MAX),
            ("stop.failed", stop.failed.unwrap_or(1), 1, u32::MAX),
            ("stop.failed_percent", stop.failed_percent.unwrap_or(1).into(), 1, 100),
        ];
        for (field, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                let range = if most == u32::MAX {
                    format!("{least} or more")
                } else {
                    format!("{least} to {most}")
                };
                return Err(Problem::invalid(format!("rollout.{field}: must be {range}")));
            }
        }
        Ok(Plan {
            canary,
            wave,
            pause_seconds,
            stop: Stop { failed: stop.failed, failed_percent: stop.failed_percent },
            window: window.map(WindowBody::window).transpose()?,
        })
    }
}

impl From<Plan> for PlanBody {
    fn from(plan: Plan) -> Self {
        let Stop { failed, failed_percent } = plan.stop;
        Self {
            canary: plan.canary,
            wave: plan.wave,
            pause_seconds: plan.pause_seconds,
            stop: StopBody { failed, failed_percent },
            window: plan.window.map(|window| WindowBody {
                from: time_text(window.from_minute),
                to: time_text(window.to_minute),
            }),
        }
    }
}

impl WindowBody {
    /// The hours. Errors name the field.
    fn window(self) -> Result<Window, Problem> {
        let read = |field: &str, text: &str| {
            let why = || format!("rollout.window.{field}: {text:?} is no time of a day as 22:00");
            minute_of(text).ok_or_else(|| Problem::invalid(why()))
        };
        let (from_minute, to_minute) = (read("from", &self.from)?, read("to", &self.to)?);
        if from_minute == to_minute {
            let why = "rollout.window.to: is the same as from: leave the window out for all day";
            return Err(Problem::invalid(why));
        }
        Ok(Window { from_minute, to_minute })
    }
}

/// Reads `HH:MM`.
fn minute_of(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, most: u16| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: u16 = text.parse().ok().filter(|_| is_number)?;
        (number <= most).then_some(number)
    };
    Some(number(hours, 23)? * 60 + number(minutes, 59)?)
}

/// Writes `HH:MM`.
fn time_text(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(body: Value) -> Result<Plan, Problem> {
        serde_json::from_value::<PlanBody>(body).unwrap().plan()
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        assert_eq!(read(json!({})).unwrap(), Plan::all_at_once());
        let body = json!({"canary": 10, "wave": 200, "pause_seconds": 30,
            "stop": {"failed": 5, "failed_percent": 7},
            "window": {"from": "22:00", "to": "06:30"}});
        let plan = read(body.clone()).unwrap();
        assert_eq!(plan.window, Some(Window { from_minute: 22 * 60, to_minute: 6 * 60 + 30 }));
        assert_eq!(json!(PlanBody::from(plan)), body);
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        for (body, part) in [
            (json!({"wave": 0}), "rollout.wave: must be 1 to 8096"),
            (json!({"canary": 8097}), "rollout.canary: must be 0 to 8096"),
            (json!({"pause_seconds": 604_801}), "rollout.pause_seconds: "),
            (json!({"stop": {"failed": 0}}), "rollout.stop.failed: must be 1 or more"),
            (json!({"stop": {"failed_percent": 101}}), "rollout.stop.failed_percent: "),
            (json!({"window": {"from": "24:00", "to": "06:00"}}), "rollout.window.from: \"24:00\""),
            (json!({"window": {"from": "22:00", "to": "6:00"}}), "rollout.window.to: \"6:00\""),
            (json!({"window": {"from": "22:00", "to": "22:00"}}), "rollout.window.to: is the same"),
        ] {
            let problem = serde_json::to_value(read(body).unwrap_err()).unwrap();
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.starts_with(part), "{part}: {detail}");
        }
    }
}
