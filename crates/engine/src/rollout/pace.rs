//! What a rollout does next, given how its waves stand. Pure.

use std::time::Duration;

use fleet::{Phase, Plan, Rollout, Timestamp, Wave, WaveCounts};

/// How a rollout stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing<'a> {
    /// The rollout.
    pub(super) rollout: &'a Rollout,
    /// Its waves that are not over.
    pub(super) open: &'a [(Wave, WaveCounts)],
    /// The jobs of those that are.
    pub(super) ended: WaveCounts,
    /// Now.
    pub(super) now: Timestamp,
}

/// What it does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing at this moment.
    Wait,
    /// A wave of so many devices begins.
    Begin(u32),
    /// The wave of this number is over.
    End {
        /// Its number.
        number: u32,
        /// Why nothing begins after it until somebody says so; `None`: it goes on.
        pause: Option<String>,
    },
    /// It stops, and why.
    Stop(String),
    /// All of its waves are over; why it would have stopped, if it would.
    Finish(Option<String>),
}

/// What a rollout does next.
pub(super) fn next(standing: Standing<'_>) -> Next {
    let Standing { rollout, open, now, .. } = standing;
    let running = rollout.phase == Phase::Running;
    let all_begun = rollout.next >= rollout.total;
    if rollout.phase.is_end() || rollout.phase == Phase::Collecting {
        return Next::Wait;
    }
    // Once all have begun there is nothing to keep from beginning.
    let reached = reached(standing);
    if running
        && !all_begun
        && let Some(why) = reached
    {
        return Next::Stop(why);
    }
    if let Some((wave, counts)) = open.iter().find(|(_, counts)| is_over(counts)) {
        let fails = running && !all_begun && is_canary(rollout, wave) && counts.succeeded == 0;
        let pause = fails.then(|| proves_nothing(wave, counts));
        return Next::End { number: wave.number, pause };
    }
    if all_begun {
        return if open.is_empty() { Next::Finish(reached) } else { Next::Wait };
    }
    let waits = !open.is_empty() && rollout.plan != Plan::all_at_once()
        || rollout.next_at.is_some_and(|at| at > now)
        || rollout.plan.window.is_some_and(|window| !window.is_open(now));
    if !running || waits {
        return Next::Wait;
    }
    Next::Begin(next_wave(rollout))
}

/// How many devices the next wave has.
pub(super) fn next_wave(rollout: &Rollout) -> u32 {
    rollout.plan.size(rollout.wave + 1).min(rollout.total.saturating_sub(rollout.next))
}

/// When the next wave may begin after one that was over at `now`.
pub(super) fn after_wave(plan: &Plan, now: Timestamp) -> Option<Timestamp> {
    let pause = Duration::from_secs(plan.pause_seconds.into());
    (!pause.is_zero()).then(|| now.plus(pause))
}

/// Whether none of a wave's jobs is open but those whose devices were away from the start: they
/// have their values when they come back, and nobody knows when that is.
fn is_over(counts: &WaveCounts) -> bool {
    counts.open <= counts.away
}

fn is_canary(rollout: &Rollout, wave: &Wave) -> bool {
    wave.number == 1 && rollout.plan.canary > 0
}

/// Why nothing follows a canary in which no device has taken what was asked for.
fn proves_nothing(wave: &Wave, counts: &WaveCounts) -> String {
    format!(
        "none of the canary's {} devices has taken it: {} failed, {} were refused, {} are away",
        wave.count, counts.failed, wave.refused, counts.away
    )
}

/// Why the rollout stops by its rule, if it does, as it stands now: jobs that have begun go on, and
/// of them more may fail. A device that went away while it had a job counts as failed, and one that
/// was refused does not count: nothing has begun on it.
fn reached(standing: Standing<'_>) -> Option<String> {
    let stop = standing.rollout.plan.stop;
    let open: WaveCounts = standing.open.iter().map(|(_, counts)| *counts).sum();
    let all = standing.ended + open;
    let bad = all.failed + all.lost;
    if bad == 0 {
        return None;
    }
    let rule = if stop.failed.is_some_and(|most| bad >= u64::from(most)) {
        format!("it stops at {}", stop.failed.unwrap_or_default())
    } else if stop.failed_percent.is_some_and(|most| bad * 100 >= all.total * u64::from(most)) {
        format!("it stops at {} %", stop.failed_percent.unwrap_or_default())
    } else {
        return None;
    };
    let lost = match all.lost {
        0 => String::new(),
        lost => format!(" ({lost} of them could not be reached any more)"),
    };
    Some(format!("{bad} of {} devices had failed{lost}: {rule}", all.total))
}

#[cfg(test)]
mod tests;
