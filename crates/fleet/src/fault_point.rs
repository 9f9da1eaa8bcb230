//! Named instants at which a crash is worth a test.
//!
//! The code passes them and goes on. A build made for tests can stop the process at one of them, so
//! that a `kill -9` lands exactly there; a product build has nothing that could.

use std::fmt;
use std::sync::Arc;

/// An instant between two steps of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultPoint {
    /// A group of writes is applied and not yet committed.
    BeforeCommit,
    /// A group of writes is committed and nobody has been told.
    AfterCommit,
    /// An action was sent to a device and its read-back has not been taken.
    AfterSend,
    /// An action's result is known and is about to be written.
    BeforeFinish,
}

impl FaultPoint {
    /// Every point.
    pub const ALL: [Self; 4] =
        [Self::BeforeCommit, Self::AfterCommit, Self::AfterSend, Self::BeforeFinish];

    /// The point's name in test settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforeCommit => "before-commit",
            Self::AfterCommit => "after-commit",
            Self::AfterSend => "after-send",
            Self::BeforeFinish => "before-finish",
        }
    }
}

/// What happens when a fault point is passed: nothing, or what a test wants.
#[derive(Clone, Default)]
pub struct FaultPoints(Option<Arc<dyn Fn(FaultPoint) + Send + Sync>>);

impl FaultPoints {
    /// Nothing ever happens.
    pub fn none() -> Self {
        Self(None)
    }

    /// `hook` runs, on the thread that passes the point.
    pub fn with(hook: impl Fn(FaultPoint) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    /// Passes `point`.
    pub fn pass(&self, point: FaultPoint) {
        if let Some(hook) = &self.0 {
            hook(point);
        }
    }
}

impl fmt::Debug for FaultPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "FaultPoints(set)" } else { "FaultPoints(none)" })
    }
}
