//! Bugs planted on purpose, so that the simulation can be shown to find them. Compiled only with
//! the feature `planted-bugs`, which no product build has.

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// An update is answered when its change was handed to the store, not when it is durable.
    AnswerBeforeCommit,
    /// The lanes do not hear of an update that was accepted.
    LostWakeUp,
    /// Of two pending values of a property the later one is applied first.
    LaterValueFirst,
    /// A device is told to restart before that is on record.
    ToldBeforeRecorded,
    /// The end of a lease is told by the wall clock, which may be set back.
    LeaseByWallClock,
    /// A node that stood still for longer than its lease goes on as if it had it.
    TwoOwnersAfterPause,
}
