//! Time and entropy, as the engine takes them in: the one place in the product that reads the
//! machine's clock and its random numbers, so that a test or the simulation can give others.

use std::sync::{Arc, Mutex};

use fleet::{RequestId, Timestamp};

/// The wall clock.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Random bits.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes` with bits that nobody can foresee.
    fn fill(&self, bytes: &mut [u8]);
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }
}

/// The kernel's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // The kernel gives these from the first moments of its boot on and never fails after; a
        // machine on which it does can't sign or seal anything, and must not go on.
        #[expect(clippy::expect_used, reason = "going on without entropy would be worse")]
        getrandom::fill(bytes).expect("the kernel gives random numbers");
    }
}

/// Gives request ids: time-ordered, never the same twice.
pub struct RequestIds {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    last: Mutex<Last>,
}

/// The millisecond and the count within it of the last id given.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    milliseconds: i64,
    count: u16,
}

impl RequestIds {
    /// Ids by this clock and this entropy.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy, last: Mutex::new(Last::default()) }
    }

    /// The next id: above every one that this process gave before, even if the clock went back.
    /// 48 random bits keep it apart from what other nodes and earlier runs gave.
    pub fn next(&self) -> RequestId {
        let mut random = [0_u8; 8];
        if let Some(tail) = random.get_mut(2..) {
            self.entropy.fill(tail);
        }
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = self.clock.now().0;
        if now > last.milliseconds {
            *last = Last { milliseconds: now, count: 0 };
        } else if let Some(count) = last.count.checked_add(1) {
            last.count = count;
        } else {
            *last = Last { milliseconds: last.milliseconds.saturating_add(1), count: 0 };
        }
        let distinct = u64::from(last.count) << 48 | u64::from_be_bytes(random);
        RequestId::from_parts(last.milliseconds, distinct)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    struct Settable(AtomicI64);

    impl Clock for Settable {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn ids_grow_even_when_the_clock_stands_still_or_goes_back() {
        let clock = Arc::new(Settable(AtomicI64::new(1_000)));
        let ids = RequestIds::new(clock.clone(), Arc::new(SystemEntropy));
        let mut last = ids.next();
        for step in 0..200_000_i64 {
            if step == 100_000 {
                clock.0.store(10, Ordering::Relaxed);
            }
            let next = ids.next();
            assert!(next > last, "step {step}");
            last = next;
        }
    }
}
