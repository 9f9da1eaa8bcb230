//! Whether a setting is sent to a device, given what it shows and what was sent before. Pure.
//!
//! Some makes restart instead of answering a DeviceConfig (WVP, `SIPCommander.java`, the remark at
//! `deviceBasicConfigCmd`), and what nobody answered is known of neither side: it may have been
//! taken, or lost, or have made the device restart. So a value is sent once for each time that it
//! was asked for, and what came of it is read, not tried again.

use std::time::Duration;

use fleet::{Push, PushOutcome, Timestamp};

use super::target::Parts;

/// A device that takes itself off this soon after it was sent a setting counts as one that has not
/// answered it: cameras take less than a minute to restart.
pub(super) const RESTARTS_WITHIN: Duration = Duration::from_secs(60);

/// What a target shows of what it is to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sight {
    /// All of it.
    Wanted,
    /// Something else; what, in words.
    Other(String),
    /// Nothing else, but not all of it can be read.
    Unreadable,
}

/// When a device registered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Registration {
    /// When its registration was last renewed, or began.
    pub(super) refreshed_at: Timestamp,
    /// When it last took itself off, if that is known.
    pub(super) unregistered_at: Option<Timestamp>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Move {
    /// Nothing: it shows what it is to show.
    Done,
    /// Send the setting.
    Send,
    /// Nothing before it has registered anew; why, in words.
    Wait(String),
    /// Nothing any more: it was asked, and did not take it; why, in words.
    Decline(String),
    /// Nothing: it said yes, and there is no way to see more.
    Acknowledge,
    /// Nothing but to read again: it said yes, and shows something else.
    LookAgain,
}

/// Compares what is to be shown with what is.
pub(super) fn compare(wanted: &Parts, shown: &Parts) -> Sight {
    let mut unreadable = false;
    for (part, value) in wanted {
        match shown.get(part) {
            Some(shown) if shown == value => {}
            Some(shown) => return Sight::Other(format!("{} {shown:?}", part.name())),
            None => unreadable = true,
        }
    }
    if unreadable { Sight::Unreadable } else { Sight::Wanted }
}

/// What to do for values of which a target shows `sight`. `mark` is the setting that they were sent
/// by, `None` if they were asked for since. `unanswered` is when the device was last sent one that
/// keeps it from being sent anything ([`is_unanswered`]).
pub(super) fn next(
    sight: &Sight,
    mark: Option<&Push>,
    unanswered: Option<Timestamp>,
    registration: Registration,
) -> Move {
    let send = || match unanswered {
        Some(at) => Move::Wait(format!(
            "it has not answered the setting of {at}, so it is sent the next one once it has \
             registered again"
        )),
        None => Move::Send,
    };
    if *sight == Sight::Wanted {
        return Move::Done;
    }
    let Some(mark) = mark else { return send() };
    let outcome = outcome(mark, registration);
    let at = mark.at;
    let is_renewed = registration.refreshed_at > at;
    match (outcome, sight) {
        // What it has shown once and shows no more was changed by somebody else.
        (PushOutcome::Verified, Sight::Other(_)) => send(),
        (PushOutcome::Verified | PushOutcome::Acknowledged, Sight::Unreadable) => Move::Acknowledge,
        (PushOutcome::Acknowledged, _) => Move::LookAgain,
        (PushOutcome::Declined(why), _) => Move::Decline(why.clone()),
        (PushOutcome::Sent, Sight::Other(shown)) => {
            Move::Decline(format!("it did not answer the setting of {at}, and shows {shown}"))
        }
        (PushOutcome::Sent, _) if is_renewed => Move::Decline(format!(
            "it did not answer the setting of {at} and has registered since, and nothing that it \
             answers shows whether it took it"
        )),
        (PushOutcome::Sent, _) => Move::Wait(format!(
            "it has not answered the setting of {at}, and nothing that it answers shows whether it \
             took it"
        )),
        (PushOutcome::Verified, Sight::Wanted) => Move::Done,
    }
}

/// Whether a setting was not answered, and the device has not registered or refreshed since: it may
/// be writing it or restarting, and nothing else is sent to it.
pub(super) fn is_unanswered(push: &Push, registration: Registration) -> bool {
    *outcome(push, registration) == PushOutcome::Sent && registration.refreshed_at <= push.at
}

/// What came of the last setting, by what is known now.
fn outcome(mark: &Push, registration: Registration) -> &PushOutcome {
    let restarted = registration
        .unregistered_at
        .is_some_and(|gone| gone >= mark.at && gone <= mark.at.plus(RESTARTS_WITHIN));
    match &mark.outcome {
        PushOutcome::Acknowledged if restarted => &PushOutcome::Sent,
        outcome => outcome,
    }
}

/// What is on record of a revision whose settings ended in these ways: what is worst for sending
/// again. `None` if there were none.
pub(super) fn worst<'a>(
    outcomes: impl IntoIterator<Item = &'a PushOutcome>,
) -> Option<&'a PushOutcome> {
    outcomes.into_iter().max_by_key(|outcome| match outcome {
        PushOutcome::Verified => 0,
        PushOutcome::Acknowledged => 1,
        PushOutcome::Declined(_) => 2,
        PushOutcome::Sent => 3,
    })
}

#[cfg(test)]
mod tests {
    use fleet::Revision;

    use super::*;
    use crate::driver::target::Part;

    const SENT_AT: Timestamp = Timestamp(1_800_000_000_000);

    fn mark(revision: i64, outcome: PushOutcome) -> Option<Push> {
        Some(Push { revision: Revision(revision), at: SENT_AT, outcome })
    }

    fn after(seconds: i64) -> Timestamp {
        Timestamp(SENT_AT.0 + 1000 * seconds)
    }

    /// Registered before the setting, and not since.
    const BEFORE: Registration =
        Registration { refreshed_at: Timestamp(SENT_AT.0 - 1), unregistered_at: None };

    fn since() -> Registration {
        Registration { refreshed_at: after(70), unregistered_at: None }
    }

    /// Took itself off so many seconds after the setting, and has registered again.
    fn restarted(seconds: i64) -> Registration {
        Registration { refreshed_at: after(70), unregistered_at: Some(after(seconds)) }
    }

    /// The move for values that were asked for at revision 7.
    fn at_revision_7(sight: &Sight, last: Option<&Push>, registration: Registration) -> Move {
        let mark = last.filter(|push| push.revision >= Revision(7));
        let unanswered = last.filter(|push| is_unanswered(push, registration)).map(|push| push.at);
        next(sight, mark, unanswered, registration)
    }

    #[test]
    fn each_case_has_one_move() {
        use PushOutcome::{Acknowledged, Declined, Sent, Verified};
        let other = || Sight::Other("Name \"b\"".to_owned());
        let declined = || Declined("it answered ERROR".to_owned());
        let word = |found: Move| match found {
            Move::Done => "done",
            Move::Send => "send",
            Move::Wait(_) => "wait",
            Move::Decline(_) => "decline",
            Move::Acknowledge => "acknowledge",
            Move::LookAgain => "look again",
        };
        let cases = [
            // Nothing was sent.
            (Sight::Wanted, None, BEFORE, "done"),
            (other(), None, BEFORE, "send"),
            (Sight::Unreadable, None, BEFORE, "send"),
            // It was sent for this revision.
            (Sight::Wanted, mark(7, Sent), BEFORE, "done"),
            (other(), mark(7, Sent), BEFORE, "decline"),
            (other(), mark(7, Sent), since(), "decline"),
            (Sight::Unreadable, mark(7, Sent), BEFORE, "wait"),
            (Sight::Unreadable, mark(7, Sent), since(), "decline"),
            (Sight::Wanted, mark(7, declined()), since(), "done"),
            (other(), mark(7, declined()), since(), "decline"),
            (Sight::Unreadable, mark(7, declined()), since(), "decline"),
            (other(), mark(7, Acknowledged), BEFORE, "look again"),
            (Sight::Unreadable, mark(7, Acknowledged), BEFORE, "acknowledge"),
            (other(), mark(7, Acknowledged), restarted(60), "decline"),
            (Sight::Unreadable, mark(7, Acknowledged), restarted(60), "decline"),
            (other(), mark(7, Acknowledged), restarted(61), "look again"),
            (other(), mark(7, Acknowledged), restarted(-1), "look again"),
            (other(), mark(7, Verified), BEFORE, "send"),
            (other(), mark(7, Verified), restarted(5), "send"),
            (Sight::Unreadable, mark(7, Verified), BEFORE, "acknowledge"),
            // It was sent for a later one, so with it.
            (other(), mark(8, Sent), since(), "decline"),
            (other(), mark(8, declined()), since(), "decline"),
            (other(), mark(8, Verified), since(), "send"),
            // It was sent for an earlier one.
            (other(), mark(6, Sent), BEFORE, "wait"),
            (Sight::Unreadable, mark(6, Sent), BEFORE, "wait"),
            (other(), mark(6, Sent), since(), "send"),
            (other(), mark(6, declined()), BEFORE, "send"),
            (other(), mark(6, Acknowledged), BEFORE, "send"),
            (other(), mark(6, Verified), BEFORE, "send"),
            (Sight::Wanted, mark(6, Sent), BEFORE, "done"),
        ];
        for (sight, mark, registration, expected) in cases {
            let found = at_revision_7(&sight, mark.as_ref(), registration);
            assert_eq!(word(found), expected, "{sight:?}, {mark:?}, {registration:?}");
        }
    }

    #[test]
    fn a_device_that_restarts_instead_of_answering_is_never_asked_twice_for_a_revision() {
        let mut sent = 0;
        let mut last: Option<Push> = None;
        for registration in 0..100_i64 {
            let now = Timestamp(SENT_AT.0 + registration * 90_000);
            let registered = Registration {
                refreshed_at: now,
                unregistered_at: last.as_ref().map(|push| push.at.plus(Duration::from_secs(3))),
            };
            let sight = Sight::Other("Name \"old\"".to_owned());
            if at_revision_7(&sight, last.as_ref(), registered) == Move::Send {
                sent += 1;
                let outcome = PushOutcome::Sent;
                last = Some(Push { revision: Revision(7), at: Timestamp(now.0 + 1), outcome });
            }
        }
        assert_eq!(sent, 1);
    }

    #[test]
    fn names_are_compared_as_they_are() {
        let name = |name: &str| Parts::from([(Part::Name, name.to_owned())]);
        assert_eq!(compare(&name("𠮷野家"), &name("𠮷野家")), Sight::Wanted);
        for other in ["", "𠮷野家 ", "吉野家", "𠮷野"] {
            assert!(matches!(compare(&name("𠮷野家"), &name(other)), Sight::Other(_)), "{other}");
        }
        assert_eq!(compare(&name("a"), &Parts::new()), Sight::Unreadable);
        assert_eq!(compare(&Parts::new(), &name("a")), Sight::Wanted);
        let two = Parts::from([(Part::Name, "a".to_owned()), (Part::Expiration, "60".to_owned())]);
        assert_eq!(compare(&two, &name("a")), Sight::Unreadable);
        assert_eq!(compare(&two, &name("b")), Sight::Other("Name \"b\"".to_owned()));
    }

    #[test]
    fn the_worst_outcome_is_kept() {
        use PushOutcome::{Acknowledged, Declined, Sent, Verified};
        let declined = Declined("no".to_owned());
        assert_eq!(worst([&Verified, &declined, &Acknowledged]), Some(&declined));
        assert_eq!(worst([&declined, &Sent]), Some(&Sent));
        assert_eq!(worst([&Verified, &Acknowledged]), Some(&Acknowledged));
        assert_eq!(worst([]), None);
    }
}
