//! What a run is made of, and what came of it.

use crate::phone::Misfortune;

/// What goes wrong with nodes, and with the time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weather {
    /// Nodes stand still, for up to a minute.
    pub pauses: bool,
    /// Nodes are cut off from the store, or from all phones.
    pub cuts: bool,
    /// Nodes' clocks are set wrong.
    pub wrong_clocks: bool,
    /// The store's clock is.
    pub wrong_store_clock: bool,
    /// Nodes stop and start, as they do for an update.
    pub stops: bool,
}

/// What a run is made of. All of it follows from the seed.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    pub seed: u64,
    pub nodes: usize,
    pub phones: usize,
    pub cameras: usize,
    /// Calls that clients make in all.
    pub calls: u64,
    /// One step of a node's process in so many is its last; 0 for none.
    pub dies_one_in: u32,
    /// One call of the store in so many fails; 0 for none.
    pub store_fails_one_in: u32,
    pub misfortune: Misfortune,
    pub weather: Weather,
    /// One datagram between cameras and server in so many is lost, doubled or late; 0 for none.
    pub network_shaky_one_in: u32,
    /// Phones go off and come back, and restart by themselves.
    pub restless: bool,
    /// Jobs that have ended are forgotten soon after.
    pub forgets_jobs: bool,
    /// A planted bug: what is sent to cameras is not put on record.
    pub forgets_pushes: bool,
    /// A planted bug: what is written under a stale fence is written all the same.
    pub no_epoch_check: bool,
}

impl Scenario {
    pub fn of(seed: u64) -> Self {
        let calm = seed % 5 == 1;
        // Only nodes fail: what they own must be worked on again soon.
        let steady = calm || seed % 5 == 3;
        let harsh = |one_in: u32| if calm { 0 } else { one_in };
        let bad_luck = |one_in: u32| if steady { 0 } else { one_in };
        let nodes = if seed.is_multiple_of(4) { 1 } else { 3 };
        let several = nodes > 1 && !calm;
        let large = seed % 100 == 37;
        Self {
            seed,
            nodes,
            phones: if large { 200 } else { 3 + usize::try_from(seed % 7).unwrap() },
            cameras: 1 + usize::try_from(seed % 3).unwrap(),
            calls: if large { 300 } else { 40 },
            // Several nodes take more steps.
            dies_one_in: match nodes {
                1 => harsh(if seed.is_multiple_of(3) { 60 } else { 400 }),
                _ => harsh(if seed.is_multiple_of(3) { 300 } else { 2_000 }),
            },
            store_fails_one_in: harsh(if seed.is_multiple_of(4) { 15 } else { 80 }),
            misfortune: Misfortune {
                answer_lost: bad_luck(12),
                restart_within: bad_luck(15),
                late: bad_luck(25),
                refuse: bad_luck(if seed.is_multiple_of(2) { 4 } else { 40 }),
                deaf: bad_luck(4),
            },
            weather: Weather {
                pauses: several && !seed.is_multiple_of(3),
                cuts: several,
                wrong_clocks: several && seed % 7 < 3,
                wrong_store_clock: several && seed % 7 == 5,
                stops: nodes > 1,
            },
            network_shaky_one_in: harsh(if seed.is_multiple_of(2) { 8 } else { 40 }),
            restless: !steady,
            forgets_jobs: seed % 3 == 2,
            forgets_pushes: false,
            no_epoch_check: false,
        }
    }

    /// Whether nothing goes wrong, so that every job must end soon.
    pub fn is_calm(&self) -> bool {
        self.seed % 5 == 1
    }

    /// Whether phones do what they are told, so that jobs wait for nothing but nodes.
    pub fn is_steady(&self) -> bool {
        !self.restless
    }

    /// Whether a node may act for as long as an action takes after another took over: one that
    /// stood still, or whose lease the store's clock has ended early.
    pub fn may_overlap(&self) -> bool {
        self.weather.pauses || self.weather.wrong_store_clock
    }

    /// Whether times on record say how long something took.
    pub fn has_true_times(&self) -> bool {
        !self.weather.wrong_clocks
    }

    /// Whether at the address of the first phone another one answers.
    pub fn has_foreign_phone(&self) -> bool {
        self.restless && self.seed.is_multiple_of(6)
    }
}

/// What came of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    pub answered: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub superseded: u64,
    /// Jobs that were cancelled.
    pub cancelled: u64,
    pub crashes: u64,
    /// Clean stops of nodes.
    pub stops: u64,
    /// Times that a node stood still.
    pub pauses: u64,
    /// Times that a node was cut off.
    pub cuts: u64,
    /// Times that a clock was set wrong.
    pub wrong_clocks: u64,
    /// Phones that more than one node has acted on.
    pub shared_phones: u64,
    /// Results that came too late, under a stale fence, and were refused.
    pub stale: u64,
    pub restarts: u64,
    /// Restarts that jobs asked for.
    pub told: u64,
    /// Registrations that cameras know of.
    pub registrations: u64,
    /// Names that cameras took.
    pub cameras_named: u64,
    /// What broke the promise, in sentences.
    pub broken: Vec<String>,
}

impl Outcome {
    pub fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.superseded += other.superseded;
        self.cancelled += other.cancelled;
        self.crashes += other.crashes;
        self.stops += other.stops;
        self.pauses += other.pauses;
        self.cuts += other.cuts;
        self.wrong_clocks += other.wrong_clocks;
        self.shared_phones += other.shared_phones;
        self.stale += other.stale;
        self.restarts += other.restarts;
        self.told += other.told;
        self.registrations += other.registrations;
        self.cameras_named += other.cameras_named;
    }
}
