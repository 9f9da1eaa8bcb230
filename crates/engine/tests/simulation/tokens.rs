//! Who was granted what, as the store says, and what follows from it: on each device, actions begin
//! in the order of fencing tokens, and nothing is recorded under one that is stale.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use fleet::{DeviceKey, Epoch, Revision, Shard};
use store::sqlite::InlineNode;
use store::{Fence, Held, Reads};

/// A node, and which life of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Worker {
    pub node: usize,
    pub life: u64,
}

#[derive(Default)]
struct Inner {
    granted: HashMap<(Worker, Shard), Epoch>,
    /// The highest that was granted of each shard.
    highest: HashMap<Shard, Epoch>,
    /// Which node sent a revision to a GB device.
    senders: HashMap<(DeviceKey, Revision), usize>,
    broken: Vec<String>,
    /// Results under a stale fence that were refused.
    stale: u64,
}

/// What the store has granted to whom.
#[derive(Clone, Default)]
pub struct Tokens(Arc<Mutex<Inner>>);

impl Tokens {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// A renewal was answered with this, whether the answer arrives or not.
    pub fn granted(&self, worker: Worker, held: &Held) {
        let mut inner = self.lock();
        for held in &held.shards {
            inner.granted.insert((worker, held.shard), held.epoch);
            let highest = inner.highest.entry(held.shard).or_default();
            if held.epoch < *highest {
                let broken = format!("{worker:?} was granted {held:?} below {:?}", *highest);
                inner.broken.push(broken);
            } else {
                *highest = held.epoch;
            }
        }
    }

    /// The token under which a worker owns a device's shard, the last one it was granted.
    pub fn of(&self, worker: Worker, device: DeviceKey) -> Epoch {
        self.lock().granted.get(&(worker, device.shard())).copied().unwrap_or_default()
    }

    /// Why a fence proves nothing at this moment, if it does not.
    pub async fn is_stale(
        &self,
        store: &InlineNode,
        fence: Fence,
        device: DeviceKey,
    ) -> Option<String> {
        match fence {
            Fence::Shard { shard, epoch } => {
                let highest = self.lock().highest.get(&shard).copied().unwrap_or_default();
                (epoch < highest).then(|| format!("{fence:?} is below {highest:?}"))
            }
            Fence::Binding(session) => {
                let bound_to = store.camera(device).await.unwrap()?.bound_to;
                (bound_to != Some(session)).then(|| format!("{fence:?}: bound to {bound_to:?}"))
            }
        }
    }

    /// A worker is about to send a revision to a GB device.
    pub fn sends(&self, worker: Worker, device: DeviceKey, revision: Revision) {
        self.lock().senders.insert((device, revision), worker.node);
    }

    /// The node that sent a revision to a GB device, if one did.
    pub fn sender(&self, device: DeviceKey, revision: Revision) -> Option<usize> {
        self.lock().senders.get(&(device, revision)).copied()
    }

    /// A result under a stale fence was refused.
    pub fn refused(&self) {
        self.lock().stale += 1;
    }

    pub fn stale(&self) -> u64 {
        self.lock().stale
    }

    pub fn broke(&self, what: String) {
        self.lock().broken.push(what);
    }

    pub fn broken(&self) -> Vec<String> {
        self.lock().broken.clone()
    }
}
