//! What becomes of a key that a call is made with.

use fleet::{Refusal, RequestId, Timestamp};

use crate::write::{AcceptEntry, AcceptedEntry, KeptAnswer, Reservation, ReserveKey};
use crate::{Refused, Written};

/// When a key that nobody holds was reserved last: so long ago that whoever asks takes it over.
pub(crate) const FREE: Timestamp = Timestamp(0);

/// Keys whose time is over that are deleted with each new one, at most: the table stays as short as
/// what is kept, and no one call pays for all the others.
pub(crate) const EXPIRED_PER_KEY: u32 = 100;

/// Keys whose time is over that are deleted at a time where nobody asks for a new one.
pub(crate) const EXPIRED_PER_ROUND: u32 = 500;

/// A key as the store has it.
#[derive(Debug)]
pub(crate) struct Stored {
    /// See [`ReserveKey::fingerprint`].
    pub(crate) fingerprint: Vec<u8>,
    /// The call's id.
    pub(crate) request: RequestId,
    /// Since when it is reserved.
    pub(crate) begun_at: Timestamp,
    /// When its time is over.
    pub(crate) expires_at: Timestamp,
    /// The answer, if there was one.
    pub(crate) answer: Option<KeptAnswer>,
}

/// What becomes of a key that is stored and not new, at `now`. Where it is [`Reservation::New`] or
/// [`Reservation::TakenOver`], it is the asking call's from then on.
pub(crate) fn judge(stored: Stored, asked: &ReserveKey, now: Timestamp) -> Reservation {
    if stored.expires_at <= now {
        return Reservation::New { since: now };
    }
    if stored.fingerprint != asked.fingerprint {
        return Reservation::Reused;
    }
    if let Some(answer) = stored.answer {
        return Reservation::Answered(answer);
    }
    if now < stored.begun_at.plus(asked.taken_over_after) {
        return Reservation::InProgress;
    }
    Reservation::TakenOver { since: now, request: stored.request }
}

/// What came of renewing a key at `now`: it is `renewed`, or somebody else's by then, or answered.
pub(crate) fn renewed(renewed: bool, now: Timestamp) -> Written {
    let reservation =
        if renewed { Reservation::New { since: now } } else { Reservation::InProgress };
    Written::Reserved(reservation)
}

/// What an entry is answered with whose job is there already, as `done`: with that, or with a
/// refusal if the job is another device's. A second one can't have its id.
pub(crate) fn repeated(entry: &AcceptEntry, done: AcceptedEntry) -> Result<AcceptedEntry, Refusal> {
    if done.device == entry.device {
        return Ok(done);
    }
    let detail = "the call was made before, and its job of this place is another device's: make \
                  it with an idempotency key of its own";
    Err(Refusal::PropertiesInvalid { detail: detail.to_owned() })
}

/// The first and the last hash of the part that a key falls in. A caller's keys are bounded by the
/// part: to count all of them would cost more than the call.
pub(crate) fn part(hash: &[u8; 32]) -> ([u8; 32], [u8; 32]) {
    let [first, ..] = *hash;
    let (mut low, mut high) = ([0; 32], [u8::MAX; 32]);
    for bound in [&mut low, &mut high] {
        if let Some(byte) = bound.first_mut() {
            *byte = first;
        }
    }
    (low, high)
}

/// What one is told who is not the server and speaks for all of a node's keys.
pub(crate) fn not_the_server() -> Result<Written, Refused> {
    Err(Refused::NoSuchServer("this server as a whole".to_owned()))
}
