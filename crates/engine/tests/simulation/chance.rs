//! Chance by seed, time by tokio's paused clock, and death.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::{Clock, Entropy};
use fleet::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::Notify;

/// The one source of chance of a run.
#[derive(Clone)]
pub struct Chance(Arc<Mutex<StdRng>>);

impl Chance {
    pub fn of(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// True once in `one_in` times on average; never if that is 0.
    pub fn strikes(&self, one_in: u32) -> bool {
        one_in > 0 && self.below(u64::from(one_in)) == 0
    }

    /// A number from 0 up to below `bound`.
    pub fn below(&self, bound: u64) -> u64 {
        self.0.lock().unwrap().random_range(0..bound)
    }

    /// Lets up to `milliseconds_max` pass.
    pub async fn pause(&self, milliseconds_max: u64) {
        let milliseconds = self.below(milliseconds_max + 1);
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

impl Entropy for Chance {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap().fill(bytes);
    }
}

/// The wall clock of the simulation: follows the paused clock of the runtime.
#[derive(Clone, Copy)]
pub struct SimulatedClock(tokio::time::Instant);

impl SimulatedClock {
    pub fn start() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000_000).plus(self.0.elapsed())
    }
}

/// One life of the process. What belongs to a life that has ended stands still for ever, as if the
/// process had been killed between two steps.
#[derive(Clone)]
pub struct Life {
    number: u64,
    /// One step in so many is the last; 0 for none.
    dies_one_in: u32,
    current: Arc<AtomicU64>,
    died: Arc<Notify>,
    chance: Chance,
}

impl Life {
    /// A life in which nothing happens.
    pub fn first(chance: Chance) -> Self {
        Self { number: 0, dies_one_in: 0, current: Arc::default(), died: Arc::default(), chance }
    }

    /// The life after this one, which ends here if it has not yet.
    pub fn next(&self, dies_one_in: u32) -> Self {
        let number = self.current.fetch_add(1, Ordering::SeqCst) + 1;
        Self { number, dies_one_in, died: Arc::default(), ..self.clone() }
    }

    /// A point between two steps: passes, or is the end.
    pub async fn step(&self) {
        self.stand_still_if_dead().await;
        if self.chance.strikes(self.dies_one_in) {
            self.current.fetch_add(1, Ordering::SeqCst);
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// Goes on only in the life that it belongs to.
    pub async fn stand_still_if_dead(&self) {
        if self.number != self.current.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }

    /// Returns when this life has ended.
    pub async fn died(&self) {
        self.died.notified().await;
    }
}
