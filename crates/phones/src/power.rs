//! Restart, reset and stop, in the way of a device's profile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::{Away, PowerReport, Target};
use fleet::catalogue::{FactoryReset, Privilege, Profile, Restart};
use fleet::{BootIdentity, Device, Operation, limits};
use tokio::time::Instant;

use crate::driver::{Phones, away, away_label};
use crate::link::LinkError;
use crate::script::Deed;
use crate::{answer, script};

/// How long a daemon is listened to that was asked to reboot, in case it refuses.
const REFUSAL_WAIT: Duration = Duration::from_secs(3);

/// One way to switch a device.
enum Way<'c> {
    /// Over ADB, if it is in this boot.
    Adb(Deed, &'c BootIdentity),
    /// By a program of the operator's.
    Command(&'c [String]),
    /// By none, for this reason.
    None(String),
    /// By none at the moment, for this reason.
    Away(&'static str),
}

/// How `profile` does `operation` on `target`.
fn way<'c>(profile: &'c Profile, operation: Operation, target: Target<'c>) -> Way<'c> {
    let (name, commands) = (&profile.name, &profile.commands);
    let over_adb = |deed| match target {
        Target::Answers(Some(boot)) => Way::Adb(deed, boot),
        // Nobody could see that it is over.
        Target::Answers(None) => Way::None(format!(
            "the phone tells no boots apart, so a restart over ADB can't be seen to be over: give \
             the profile {name} restart = \"command\" and commands.restart"
        )),
        Target::Stopped | Target::Away => Way::Away(
            "it is stopped or away, and its profile names no program that starts it \
             (commands.start)",
        ),
    };
    let command = |argv: &'c Option<Vec<String>>, setting: &str| match argv {
        Some(argv) => Way::Command(argv),
        None => Way::None(format!("the profile {name} names no program as commands.{setting}")),
    };
    // Starting does nothing to one that hangs, and restarting may not do for one that is stopped.
    let unseen = match target {
        Target::Answers(_) => None,
        Target::Stopped => commands.start.as_ref().or(commands.restart.as_ref()),
        Target::Away => commands.restart.as_ref().or(commands.start.as_ref()),
    };
    match operation {
        Operation::Update => Way::None("an update alone switches nothing".to_owned()),
        Operation::Restart => match (unseen, profile.restart) {
            (Some(argv), _) => Way::Command(argv),
            (None, Restart::AdbReboot) => over_adb(Deed::Reboot),
            (None, Restart::Framework) => over_adb(Deed::RestartFramework),
            (None, Restart::Command) => command(&commands.restart, "restart"),
            (None, Restart::None) => Way::None(not_restarted(name)),
        },
        Operation::Reset => match profile.factory_reset {
            FactoryReset::TestHarness => over_adb(Deed::EnableTestHarness),
            FactoryReset::Command => command(&commands.factory_reset, "factory_reset"),
            FactoryReset::None => Way::None(format!(
                "the profile {name} knows no way back to how it left the factory: set factory_reset \
                 = \"test-harness\" where Android has it, or \"command\" and commands.factory_reset"
            )),
        },
        Operation::Stop => match &commands.stop {
            Some(argv) => Way::Command(argv),
            None => Way::None(format!(
                "the profile {name} names no program that stops it (commands.stop), and a phone \
                 switched off over ADB could not be switched on again from here"
            )),
        },
    }
}

/// Why a make that is not restarted is not.
fn not_restarted(profile: &str) -> String {
    format!(
        "the profile {profile} is not restarted over ADB: a container that reboots may be gone; \
         set restart = \"command\" and commands.restart, or restart it yourself"
    )
}

impl Phones {
    /// Tells the device, once, and counts what came of it.
    pub(crate) async fn switch(
        &self,
        device: &Device,
        operation: Operation,
        target: Target<'_>,
    ) -> PowerReport {
        let begun = Instant::now();
        let report = self.tell(device, operation, target).await;
        let outcome = match &report {
            PowerReport::Told => "told",
            PowerReport::OtherBoot => "other_boot",
            PowerReport::Refused(_) => "refused",
            PowerReport::Unsupported(_) => "unsupported",
            PowerReport::Away(away) => away_label(away),
        };
        let operation = operation.name();
        metrics::counter!(
            "fleetwright_phone_power_total", "operation" => operation, "outcome" => outcome
        )
        .increment(1);
        metrics::histogram!("fleetwright_phone_power_seconds", "operation" => operation)
            .record(begun.elapsed());
        report
    }

    async fn tell(&self, device: &Device, operation: Operation, target: Target<'_>) -> PowerReport {
        let catalogue = self.catalogue.get();
        let Some(profile) = catalogue.profile(&device.profile) else {
            return PowerReport::Unsupported(format!("there is no profile {:?}", device.profile));
        };
        match way(profile, operation, target) {
            Way::Adb(deed, known) => {
                let told = self.over_adb(device, profile.privilege, deed, known).await;
                told.unwrap_or_else(|away| after(deed, away, known))
            }
            Way::Command(argv) => self.command(device, argv).await,
            Way::None(why) => PowerReport::Unsupported(why),
            Way::Away(why) => PowerReport::Away(Away::Unreachable(why.to_owned())),
        }
    }

    /// Has the phone do `deed`, if it is the right one and in the boot `known`.
    ///
    /// The connection is a new one: a kept one may have died unnoticed, and then nobody could say
    /// whether the phone was told.
    async fn over_adb(
        &self,
        device: &Device,
        privilege: Privilege,
        deed: Deed,
        known: &BootIdentity,
    ) -> Result<PowerReport, Away> {
        let (lease, kept) = self.connections.take(device).await;
        drop(kept);
        let mut connection = lease.connect().await.map_err(|error| away(&error))?;
        let nonce = self.nonce();
        let script = script::power(device, privilege, known, deed, &nonce);
        let sent = AtomicBool::new(false);
        let mark = || sent.store(true, Ordering::Relaxed);
        let limit = limits::PHONE_ACTION_TIMEOUT;
        let report = match connection.session.shell(&script, limit, &mark).await {
            Ok(output) => answer::power(&output, &nonce)?,
            // A phone that wipes itself may be gone before it has answered. If it was not told, it
            // stays in its boot, and is told again.
            Err(LinkError::Lost(_) | LinkError::TimedOut(_))
                if deed == Deed::EnableTestHarness && sent.load(Ordering::Relaxed) =>
            {
                PowerReport::Told
            }
            Err(error) => return Err(away(&error)),
        };
        if (deed, &report) != (Deed::Reboot, &PowerReport::Told) {
            return Ok(report);
        }
        match connection.session.reboot(REFUSAL_WAIT).await {
            Ok(said) if said.is_empty() => Ok(PowerReport::Told),
            Ok(said) | Err(LinkError::Refused(said)) => Ok(PowerReport::Refused(said)),
            Err(error) => Err(away(&error)),
        }
    }

    /// Runs a program of the operator's for the device.
    async fn command(&self, device: &Device, argv: &[String]) -> PowerReport {
        let begun = Instant::now();
        let outcome = self.commands.run(argv, device).await;
        let label = if outcome.is_ok() { "done" } else { "failed" };
        metrics::counter!("fleetwright_operator_commands_total", "outcome" => label).increment(1);
        metrics::histogram!("fleetwright_operator_command_seconds").record(begun.elapsed());
        match outcome {
            Ok(()) => PowerReport::Told,
            Err(error) if error.is_unsupported() => PowerReport::Unsupported(error.to_string()),
            Err(error) => PowerReport::Refused(error.to_string()),
        }
    }
}

/// What it means that the phone in question could not be told. One that has wiped itself bears no
/// marker any more.
fn after(deed: Deed, away: Away, known: &BootIdentity) -> PowerReport {
    match away {
        Away::WrongDevice { marker, boot: Some(boot) }
            if deed == Deed::EnableTestHarness && marker.is_empty() && boot != *known =>
        {
            PowerReport::OtherBoot
        }
        away => PowerReport::Away(away),
    }
}

#[cfg(test)]
mod tests;
