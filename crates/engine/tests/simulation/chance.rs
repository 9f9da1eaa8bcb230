//! Chance by seed, time by tokio's paused clock and what sets it wrong, and death.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::{Clock, Entropy};
use fleet::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

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

    /// One of so many things.
    pub fn one_of(&self, count: usize) -> usize {
        usize::try_from(self.below(count as u64)).unwrap()
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

/// A wall clock of the simulation: follows the paused clock of the runtime, from wherever it was
/// set.
#[derive(Clone)]
pub struct SimulatedClock {
    began: Instant,
    /// How much it is ahead, in milliseconds.
    ahead: Arc<AtomicI64>,
}

impl SimulatedClock {
    pub fn start() -> Self {
        Self { began: Instant::now(), ahead: Arc::default() }
    }

    /// Another clock that shows the true time until it is set.
    pub fn another(&self) -> Self {
        Self { began: self.began, ahead: Arc::default() }
    }

    /// Sets it so much ahead of the true time, or behind.
    pub fn set_ahead(&self, milliseconds: i64) {
        self.ahead.store(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        let true_time = Timestamp(1_800_000_000_000).plus(self.began.elapsed());
        Timestamp(true_time.0 + self.ahead.load(Ordering::SeqCst))
    }
}

/// What a node suffers besides death.
#[derive(Default)]
pub struct Suffering {
    /// Until when it stands still.
    paused_until: Mutex<Option<Instant>>,
    /// Until when it can't reach the store.
    store_cut_until: Mutex<Option<Instant>>,
    /// Until when it can't reach any phone.
    phones_cut_until: Mutex<Option<Instant>>,
}

fn lasts(until: &Mutex<Option<Instant>>) -> Option<Instant> {
    (*until.lock().unwrap()).filter(|until| *until > Instant::now())
}

impl Suffering {
    fn set(until: &Mutex<Option<Instant>>, lasts: Duration) {
        *until.lock().unwrap() = Some(Instant::now() + lasts);
    }

    pub fn pause(&self, lasts: Duration) {
        Self::set(&self.paused_until, lasts);
    }

    pub fn cut_store(&self, lasts: Duration) {
        Self::set(&self.store_cut_until, lasts);
    }

    pub fn cut_phones(&self, lasts: Duration) {
        Self::set(&self.phones_cut_until, lasts);
    }

    /// All of it ends, but for a pause: that ends in its own time.
    pub fn end_cuts(&self) {
        *self.store_cut_until.lock().unwrap() = None;
        *self.phones_cut_until.lock().unwrap() = None;
    }

    pub fn is_paused(&self) -> bool {
        lasts(&self.paused_until).is_some()
    }

    pub fn store_is_cut(&self) -> bool {
        lasts(&self.store_cut_until).is_some()
    }

    pub fn phones_are_cut(&self) -> bool {
        lasts(&self.phones_cut_until).is_some()
    }

    /// Returns when it does not stand still.
    async fn go_on(&self) {
        while let Some(until) = lasts(&self.paused_until) {
            tokio::time::sleep_until(until).await;
        }
    }
}

/// One life of a node's process. What belongs to a life that has ended stands still for ever, as if
/// the process had been killed between two steps.
#[derive(Clone)]
pub struct Life {
    number: u64,
    current: Arc<AtomicU64>,
    /// One step in so many is the last; 0 for none.
    dies_one_in: Arc<AtomicU32>,
    over: CancellationToken,
    chance: Chance,
    pub suffering: Arc<Suffering>,
}

impl Life {
    /// A life before the first, in which nothing happens.
    pub fn none(chance: Chance, dies_one_in: Arc<AtomicU32>) -> Self {
        Self {
            number: 0,
            current: Arc::default(),
            dies_one_in,
            over: CancellationToken::new(),
            chance,
            suffering: Arc::default(),
        }
    }

    /// The life after this one, which ends here if it has not yet.
    pub fn next(&self) -> Self {
        let number = self.current.fetch_add(1, Ordering::SeqCst) + 1;
        Self { number, over: CancellationToken::new(), ..self.clone() }
    }

    /// Which one it is.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// A point between two steps: passes, or is the end.
    pub async fn step(&self) {
        self.go_on().await;
        if self.chance.strikes(self.dies_one_in.load(Ordering::SeqCst)) {
            self.end();
            std::future::pending::<()>().await;
        }
    }

    /// It ends here.
    pub fn end(&self) {
        let next = self.number + 1;
        let ends =
            self.current.compare_exchange(self.number, next, Ordering::SeqCst, Ordering::SeqCst);
        if ends.is_ok() {
            self.over.cancel();
        }
    }

    /// Goes on only in the life that it belongs to, and not while the node stands still.
    pub async fn go_on(&self) {
        self.suffering.go_on().await;
        if self.number != self.current.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }

    /// Returns when this life has ended.
    pub async fn is_over(&self) {
        self.over.cancelled().await;
    }
}
