//! Updates that go out in waves.

use fleet::{Phase, Principal, Refusal, RequestId, Rollout, Values};

use crate::columns::to_json;
use crate::write::{AcceptedEntry, StepRollout, WaveStep};
use crate::{Error, Refused};

/// The rollout that was found under this id, if the principal may see it, it is not over, and it is
/// at the version that the writer knows.
pub(crate) fn may_change(
    principal: &Principal,
    found: Option<Rollout>,
    id: RequestId,
    version: i64,
) -> Result<Rollout, Refused> {
    match found.filter(|found| principal.may_see(found.project)) {
        None => Err(Refused::NoSuchUpdate(id)),
        Some(found) if found.version != version || found.ended_at.is_some() => {
            Err(Refused::RolloutMoved)
        }
        Some(found) => Ok(found),
    }
}

/// How a rollout begins whose devices are all there, or are not.
pub(crate) fn begins_as(all: bool) -> Phase {
    if all { Phase::Running } else { Phase::Collecting }
}

/// The columns `patch` and `refusal` of a device with these values of its own, or this refusal.
pub(crate) fn own_columns(
    own: Option<&Result<Values, Refusal>>,
) -> Result<(Option<String>, Option<String>), Error> {
    Ok(match own {
        None => (None, None),
        Some(Ok(values)) => (Some(to_json(values)?), None),
        Some(Err(refusal)) => (None, Some(to_json(refusal)?)),
    })
}

/// A number of devices as a column takes it.
pub(crate) fn count(devices: usize) -> i64 {
    i64::try_from(devices).unwrap_or(i64::MAX)
}

/// The devices that get no job by a step, each with its position in the rollout: those that were
/// refused before, and those that were when the wave's entries were accepted.
///
/// Errors: entries were accepted and no wave begins.
pub(crate) fn refusals<'s>(
    step: &'s StepRollout,
    results: &'s [Result<AcceptedEntry, Refusal>],
) -> Result<Vec<(i64, &'s Refusal)>, Error> {
    let mut refusals: Vec<_> =
        step.refusals.iter().map(|(position, refusal)| (i64::from(*position), refusal)).collect();
    let Some(accept) = &step.accept else {
        return Ok(refusals);
    };
    let Some(WaveStep::Begin { first, .. }) = step.wave else {
        return Err(Error::Failed {
            operation: "step a rollout",
            source: "entries are to be accepted and no wave begins".into(),
        });
    };
    let refused = accept.entries.iter().zip(results).filter_map(|(entry, result)| {
        let position = i64::from(first) + i64::from(entry.position);
        result.as_ref().err().map(|refusal| (position, refusal))
    });
    refusals.extend(refused);
    Ok(refusals)
}

/// How many devices of a wave that begins got a job, and how many were refused.
pub(crate) fn outcome(
    step: &StepRollout,
    results: &[Result<AcceptedEntry, Refusal>],
) -> (i64, i64) {
    let accepted = results.iter().filter(|result| result.is_ok()).count();
    (count(accepted), count(step.refusals.len() + results.len() - accepted))
}
