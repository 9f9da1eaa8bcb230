//! The nodes: they start, die, stop, come back, and suffer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::Handle;
use tokio::sync::Notify;

use crate::chance::{Chance, Life, SimulatedClock};
use crate::scenario::Outcome;
use crate::world::{Process, World};

/// A node, over all its lives.
pub struct Node {
    pub number: usize,
    pub clock: SimulatedClock,
    /// The life that runs, or the last one that did.
    life: Mutex<Life>,
    running: Mutex<Option<Arc<Process>>>,
    stop: Notify,
    /// How often it has come back on an empty data directory.
    directories: AtomicU64,
}

/// What happened to nodes.
#[derive(Default)]
struct Counts {
    crashes: AtomicU64,
    stops: AtomicU64,
    pauses: AtomicU64,
    cuts: AtomicU64,
    wrong_clocks: AtomicU64,
}

/// All nodes.
#[derive(Clone)]
pub struct Nodes {
    nodes: Arc<Vec<Node>>,
    counts: Arc<Counts>,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::SeqCst);
}

impl Node {
    /// What its data directory is known by.
    pub fn directory(&self) -> String {
        format!("{}-{}", self.number, self.directories.load(Ordering::SeqCst))
    }

    fn life(&self) -> Life {
        self.life.lock().unwrap().clone()
    }

    fn is_up(&self) -> bool {
        self.running.lock().unwrap().is_some()
    }
}

impl Nodes {
    /// So many, none of which runs. `life` is one that has not begun.
    pub fn new(count: usize, clock: &SimulatedClock, life: impl Fn() -> Life) -> Self {
        let node = |number| Node {
            number,
            clock: clock.another(),
            life: Mutex::new(life()),
            running: Mutex::default(),
            stop: Notify::new(),
            directories: AtomicU64::new(0),
        };
        Self { nodes: Arc::new((0..count).map(node).collect()), counts: Arc::default() }
    }

    pub fn first(&self) -> &Node {
        &self.nodes[0]
    }

    /// Any of those that run, with the life in which it does.
    pub fn any(&self, chance: &Chance) -> Option<(Handle, Life)> {
        let up: Vec<&Node> = self.nodes.iter().filter(|node| node.is_up()).collect();
        if up.is_empty() {
            return None;
        }
        let node = up[chance.one_of(up.len())];
        let running = node.running.lock().unwrap().clone()?;
        Some((running.engine.handle(), node.life()))
    }

    /// What runs.
    pub fn processes(&self) -> Vec<Arc<Process>> {
        self.nodes.iter().filter_map(|node| node.running.lock().unwrap().clone()).collect()
    }

    /// Returns when all run and none stands still.
    pub async fn all_well(&self) {
        let is_well = |node: &Node| node.is_up() && !node.life().suffering.is_paused();
        while !self.nodes.iter().all(is_well) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// No more cuts and wrong clocks.
    pub fn calm(&self) {
        for node in self.nodes.iter() {
            node.life().suffering.end_cuts();
            node.clock.set_ahead(0);
        }
    }

    pub fn note(&self, outcome: &mut Outcome) {
        let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        outcome.crashes = read(&self.counts.crashes);
        outcome.stops = read(&self.counts.stops);
        outcome.pauses = read(&self.counts.pauses);
        outcome.cuts = read(&self.counts.cuts);
        outcome.wrong_clocks = read(&self.counts.wrong_clocks);
    }
}

/// One node's lives, one after the other, for as long as this is polled.
pub async fn live(world: Arc<World>, number: usize) {
    let node = &world.nodes.nodes[number];
    let counts = &world.nodes.counts;
    // They don't start together.
    tokio::time::sleep(Duration::from_millis(700 * number as u64)).await;
    loop {
        let life = node.life().next();
        *node.life.lock().unwrap() = life.clone();
        if one_life(&world, node, &life).await {
            count(&counts.stops);
        } else {
            life.end();
            count(&counts.crashes);
            if world.scenario.nodes > 1 && world.chance.strikes(6) {
                // Its machine is replaced.
                count(&node.directories);
            }
        }
        *node.running.lock().unwrap() = None;
        world.phones.forget_actions(number);
        // Some come back before their lease is over, some after.
        let longest =
            if world.scenario.nodes > 1 && world.chance.strikes(3) { 25_000 } else { 3_000 };
        world.chance.pause(longest).await;
    }
}

/// Runs until the process dies, or stops cleanly, which it gives.
async fn one_life(world: &World, node: &Node, life: &Life) -> bool {
    let started = tokio::select! {
        biased;
        () = life.is_over() => return false,
        started = world.start(node, life) => started,
    };
    // A server that can't read its store at the start is started again.
    let Ok(process) = started else { return false };
    let process = Arc::new(process);
    *node.running.lock().unwrap() = Some(process.clone());
    tokio::select! {
        biased;
        () = life.is_over() => return false,
        () = node.stop.notified() => {}
    }
    *node.running.lock().unwrap() = None;
    let Some(Process { engine, sip }) = Arc::into_inner(process) else { return false };
    let stop = async {
        engine.stop().await;
        sip.stop().await;
    };
    tokio::select! {
        biased;
        () = life.is_over() => false,
        () = stop => true,
    }
}

/// All that goes wrong with nodes besides death, for as long as this is polled.
pub async fn suffer(world: Arc<World>) {
    let World { scenario, chance, nodes, .. } = &*world;
    let weather = scenario.weather;
    loop {
        chance.pause(20_000).await;
        let node = &nodes.nodes[chance.one_of(scenario.nodes)];
        let suffering = node.life().suffering;
        let span = Duration::from_millis(1_000 + chance.below(60_000));
        let wrong = i64::try_from(chance.below(120_000)).unwrap() - 60_000;
        let camera = chance.one_of(scenario.cameras);
        match chance.below(6) {
            0 | 1 if weather.pauses => {
                count(&nodes.counts.pauses);
                suffering.pause(span);
                if weather.wrong_clocks {
                    // As that of a virtual machine that stood still: it knows nothing of the pause.
                    count(&nodes.counts.wrong_clocks);
                    node.clock.set_ahead(-i64::try_from(span.as_millis()).unwrap());
                }
            }
            2 if weather.cuts => {
                count(&nodes.counts.cuts);
                suffering.cut_store(span / 2);
            }
            3 if weather.cuts => {
                count(&nodes.counts.cuts);
                suffering.cut_phones(span / 2);
            }
            4 if weather.wrong_clocks => {
                count(&nodes.counts.wrong_clocks);
                node.clock.set_ahead(wrong);
            }
            4 if weather.wrong_store_clock => {
                count(&nodes.counts.wrong_clocks);
                world.store_clock.set_ahead(wrong);
            }
            5 if weather.stops => node.stop.notify_one(),
            // The balance in front of the nodes thinks again; the camera may notice, or not.
            _ if !scenario.is_calm() => {
                world.cameras.route(camera, node.number);
                if chance.strikes(2) {
                    world.cameras.restart(camera);
                }
            }
            _ => {}
        }
    }
}
