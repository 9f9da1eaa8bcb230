//! Time in tests: waiting for a condition with a bound, and measuring.

use std::time::Duration;

use tokio::time::Instant;

/// How long a test waits for what should happen soon. Far beyond what it takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often a condition is looked at.
const STEP: Duration = Duration::from_millis(5);

/// Waits until `condition` gives something, at most `bound`, and gives that. `what` says in the
/// failure what was waited for.
pub fn wait_for<T>(what: &str, bound: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let watch = Stopwatch::start();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(watch.elapsed() < bound, "waited {bound:?} in vain for {what}");
        pause(STEP);
    }
}

/// Waits until `condition` holds, at most `bound`.
pub fn wait_until(what: &str, bound: Duration, mut condition: impl FnMut() -> bool) {
    wait_for(what, bound, || condition().then_some(()));
}

/// Lets time pass. Only for what is about time itself: the instant of a kill, or the step between
/// two looks at a condition.
#[allow(clippy::disallowed_methods, reason = "a test's own thread, with no runtime to block")]
pub fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// Measures real time.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    #[allow(clippy::disallowed_methods, reason = "measures the product from outside")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
