//! The engine's driver for GB devices: it asks a registered device what it is and what it shows,
//! sets what differs, and reads it back.
//!
//! A device is spoken to by one at a time. What it answers counts by its content alone: an answer
//! is a message of its own, matched by CmdType and SN, and may be late or never come.
//!
//! Start with `run`, which is one action; `decision` says when a setting is sent and when not.

mod decision;
mod examine;
mod memory;
mod push;
mod query;
mod read_back;
mod run;
mod settings;
mod survey;
mod target;

use std::time::Duration;

use async_trait::async_trait;
use engine::{Action, Away, Driver, Examination, Handle, PowerReport, Reached, Report, Target};
use fleet::{Device, DeviceKey, Kind, Operation, Timestamp};
use tokio::time::Instant;

use crate::Cameras;
use crate::line::LiveBinding;
use query::Talk;
use run::{RUN_MAX, Run};

pub(crate) use memory::Memory;

/// How long one action on a GB device may take. A phone has 15 s; a camera's answers are messages
/// of their own, each of which may take 5 s ([`query::ANSWER_WAIT`]): the survey's two, the look
/// before, the setting with its late answer (15 s, [`push::LATE_WAIT`]), and the look after.
pub(crate) const ACTION_TIMEOUT: Duration = Duration::from_secs(40);

/// Why nothing restarts a camera here.
const NO_POWER: &str = "restarts of cameras are not offered: GB/T 28181's TeleBoot is answered by \
                        no device (GB/T 28181-2016, 9.3.1), so nothing would show that it was done";

/// Why nobody speaks to a device that an operator has removed.
const GONE: &str = "it is on record no more";

impl Cameras {
    /// The engine and the device's registration, if it can be spoken to.
    ///
    /// Errors: SIP does not run, or the device is not registered; since when and why.
    async fn bound(&self, device: DeviceKey) -> Result<(Handle, LiveBinding), Away> {
        let handle = self.handle();
        let handle = handle.ok_or_else(|| Away::NotRegistered("SIP has not started".to_owned()))?;
        let now = handle.now();
        match self.line.binding(device) {
            Some(binding) if binding.is_live(now) => Ok((handle, binding)),
            Some(binding) => Err(not_registered(binding.ended, binding.expires_at)),
            None => {
                // It is not registered, so that the store is asked costs nobody any time.
                Err(match handle.camera(device).await {
                    Ok(Some(camera)) => match camera.binding {
                        // Not here; and if that node lived, nobody would ask us.
                        Some(binding) if binding.is_live(now) => Away::NotRegistered(
                            "it has registered with another node, which has gone since".to_owned(),
                        ),
                        Some(binding) => not_registered(binding.ended, binding.expires_at),
                        None => Away::NotRegistered("it has never registered".to_owned()),
                    },
                    Ok(None) => Away::NotRegistered(GONE.to_owned()),
                    Err(error) => Away::NotRegistered(format!("since when can't be read: {error}")),
                })
            }
        }
    }

    /// Waits until nobody else speaks to the device.
    async fn turn(&self, device: DeviceKey, binding: &LiveBinding, now: Timestamp) -> memory::Turn {
        let line = &self.line;
        let is_bound = |key| line.binding(key).is_some_and(|binding| binding.is_live(now));
        let mut turn = self.driver.turn(device, is_bound).await;
        turn.learned().renew(binding.registered_at, binding.unregistered_at);
        turn
    }

    /// Does `action` on `device`.
    async fn act(&self, device: &Device, action: &Action) -> Result<Reached, Away> {
        let (handle, binding) = match self.bound(device.key).await {
            Ok(bound) => bound,
            Err(away) => {
                self.driver.forget(device.key);
                return Err(away);
            }
        };
        let talk = Talk::new(&self.line, device.key, RUN_MAX);
        let turn = self.turn(device.key, &binding, handle.now()).await;
        let camera = match handle.camera(device.key).await {
            Ok(Some(camera)) => camera,
            Ok(None) => return Err(Away::NotRegistered(GONE.to_owned())),
            Err(error) => {
                tracing::warn!(device = device.key.0, %error, "a camera could not be read");
                return Err(Away::Unreachable(format!("its record can't be read: {error}")));
            }
        };
        let run = Run {
            handle: &handle,
            fault_points: &self.fault_points,
            device,
            binding,
            camera,
            turn,
            talk,
            revision: action.revision,
            info: None,
            catalog: None,
            info_is_fresh: false,
            has_renamed: false,
            is_after_set: false,
            has_missed: false,
            reached: Reached::default(),
        };
        run.act(&self.catalogue.get(), action).await
    }
}

/// A device that was registered once.
fn not_registered(ended: Option<(Timestamp, fleet::Offline)>, expires_at: Timestamp) -> Away {
    let (at, why) = ended.unwrap_or((expires_at, fleet::Offline::Expired));
    Away::NotRegistered(format!("{why}, at {at}"))
}

/// The outcome of an action in the metrics.
fn outcome(report: &Report) -> &'static str {
    match report {
        Report::Reached(reached) if reached.faults.is_empty() => "done",
        Report::Reached(_) => "faults",
        Report::Away(Away::NotRegistered(_)) => "not_registered",
        Report::Away(_) => "unreachable",
    }
}

#[async_trait]
impl Driver for Cameras {
    fn kind(&self) -> Kind {
        Kind::Camera
    }

    async fn run(&self, device: &Device, action: Action) -> Report {
        let begun = Instant::now();
        let report = match self.act(device, &action).await {
            Ok(reached) => Report::Reached(reached),
            Err(away) => Report::Away(away),
        };
        let outcome = outcome(&report);
        metrics::counter!("fleetwright_camera_actions_total", "outcome" => outcome).increment(1);
        metrics::histogram!("fleetwright_camera_action_seconds").record(begun.elapsed());
        report
    }

    async fn power(&self, _: &Device, _: Operation, _: Target<'_>) -> PowerReport {
        PowerReport::Unsupported(NO_POWER.to_owned())
    }

    fn action_timeout(&self, _: Duration) -> Duration {
        ACTION_TIMEOUT
    }

    async fn examine(&self, device: &Device) -> Examination {
        self.look_at(device).await
    }

    fn watch(&self, _: &Device) {
        // The registrar tells when a device goes and when it comes back.
    }

    fn moved(&self, device: DeviceKey) {
        self.line.doubt(device);
        self.driver.remove(device);
    }

    fn forget(&self, device: DeviceKey) {
        self.line.end(device, self.clock.now());
        self.driver.remove(device);
    }
}
