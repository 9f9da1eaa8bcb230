//! What a transaction goes by besides the rows.

use std::sync::atomic::{AtomicI64, Ordering};

use super::clock::Now;
use crate::SessionKey;

/// The time, and whose transaction it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// Now, by the store's clock.
    pub(super) now: Now,
    /// The session that the feed says the commit is of; `None` before one has begun.
    pub(super) session: Option<SessionKey>,
    /// Whether stale fences are let through.
    #[cfg(feature = "planted-bugs")]
    pub(super) unfenced: bool,
}

impl Terms {
    /// Those of a transaction now.
    pub(super) fn new(now: Now, session: Option<SessionKey>) -> Self {
        Self {
            now,
            session,
            #[cfg(feature = "planted-bugs")]
            unfenced: false,
        }
    }
}

/// The session that has begun by a handle to the store. Keys are above zero.
#[derive(Debug, Default)]
pub(super) struct OwnSession(AtomicI64);

impl OwnSession {
    /// It; `None` before there is one.
    pub(super) fn get(&self) -> Option<SessionKey> {
        Some(self.0.load(Ordering::Acquire)).filter(|key| *key != 0).map(SessionKey)
    }

    /// It has begun.
    pub(super) fn set(&self, session: SessionKey) {
        self.0.store(session.0, Ordering::Release);
    }
}
