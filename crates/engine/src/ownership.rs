//! What this node owns: its session, its shards with their fencing tokens, and until when.
//!
//! The lease is over by this node's own monotonic clock, counted from before the renewal was sent,
//! minus a margin: so nothing new begins here once another node may begin. What is in flight then
//! may still land; what comes of it is not recorded. Each look at this compares the time first, so
//! that a process that stood still owns nothing when it goes on, whatever runs first.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleet::id::SHARDS;
use fleet::{DeviceKey, Epoch, Shard};
use store::{Fence, Held, LaneSeed, Session, SessionKey, Work};
use tokio::sync::Notify;
use tokio::time::Instant;

#[cfg(feature = "planted-bugs")]
use crate::planted::Bug;

/// The part of a lease by which this node gives it up early: clocks run at different speeds.
const MARGIN: u32 = 20;

/// What this node owns at this moment.
pub(crate) struct Ownership {
    lease: Duration,
    state: Mutex<State>,
    /// The runner has to look what has changed.
    changed: Notify,
    /// The session has to be renewed at once.
    renew: Notify,
    /// A shard that is to be given back has nothing in flight any more.
    idle: Notify,
    #[cfg(feature = "planted-bugs")]
    planted: Option<(Bug, std::sync::Arc<dyn crate::clock::Clock>)>,
}

struct State {
    session: Option<Session>,
    /// Goes up with all that makes what was claimed before void: a lease that is over, a session
    /// that began.
    generation: u64,
    /// Goes up when there may be devices to work on that were passed over before.
    gains: u64,
    /// Until when what is held is held; `None` if nothing is.
    until: Option<Until>,
    shards: HashMap<Shard, Owned>,
    /// Steps in flight by shard, whatever has become of the shard.
    steps: HashMap<Shard, u32>,
    engines: usize,
    /// Nothing new begins any more.
    stopping: bool,
}

/// The end of a lease.
#[derive(Debug, Clone, Copy)]
enum Until {
    /// There is none: no other node can open this store.
    Never,
    At {
        instant: Instant,
        /// The same by the wall clock, which only a planted bug goes by.
        #[cfg(feature = "planted-bugs")]
        wall: fleet::Timestamp,
    },
}

/// A shard that this node owns.
#[derive(Debug, Clone, Copy)]
struct Owned {
    epoch: Epoch,
    /// Nothing may be done on its devices before; `None` once that has passed.
    quiet_until: Option<Instant>,
    /// It is to be given back: nothing new begins on its devices.
    leaving: bool,
    /// The store was told that it is given back. That may be done later even if no answer came, so
    /// nothing begins here again under this epoch.
    given_back: bool,
}

/// What stood before a device's work was read. What is claimed afterwards must stand on the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Glance {
    generation: u64,
    epoch: Option<Epoch>,
}

/// The right to act on one device and to record what came of it.
pub(crate) struct Claim<'a> {
    ownership: &'a Ownership,
    fence: Fence,
    generation: u64,
}

/// What the runner needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    /// Another one than before: nothing of what was held before is held.
    pub(crate) generation: u64,
    /// Another one than before: there is more to work on.
    pub(crate) gains: u64,
    /// How many nodes own shards.
    pub(crate) engines: usize,
    /// By number, whether work on the devices of a shard may begin.
    workable: Vec<bool>,
}

impl View {
    /// Whether work on this device may begin, if it belongs to its shard's owner.
    pub(crate) fn works(&self, device: DeviceKey) -> bool {
        self.workable.get(usize::from(device.shard().0)).copied().unwrap_or(false)
    }

    /// Whether work may not begin any more on some device on which it might have `before`.
    pub(crate) fn has_lost(&self, before: &Self) -> bool {
        let mut pairs = before.workable.iter().zip(&self.workable);
        self.generation != before.generation || pairs.any(|(before, now)| *before && !*now)
    }
}

impl State {
    fn new() -> Self {
        Self {
            session: None,
            generation: 0,
            gains: 0,
            until: None,
            shards: HashMap::new(),
            steps: HashMap::new(),
            engines: 1,
            stopping: false,
        }
    }

    fn session_key(&self) -> Option<SessionKey> {
        self.session.map(|session| session.key)
    }

    /// Gives everything up.
    fn lose(&mut self) {
        self.generation += 1;
        self.until = None;
        self.shards.clear();
    }

    /// Whether work on the devices of a shard may begin.
    fn workable(&self, shard: Shard, now: Instant) -> Option<Owned> {
        let owned = self.shards.get(&shard).filter(|_| self.until.is_some())?;
        let quiet = owned.quiet_until.is_some_and(|until| now < until);
        (!quiet && !owned.leaving).then_some(*owned)
    }

    fn steps(&self, shard: Shard) -> u32 {
        self.steps.get(&shard).copied().unwrap_or(0)
    }
}

impl Ownership {
    /// Nothing yet. `lease` is what each renewal asks for.
    pub(crate) fn new(lease: Duration) -> Self {
        Self {
            lease,
            state: Mutex::new(State::new()),
            changed: Notify::new(),
            renew: Notify::new(),
            idle: Notify::new(),
            #[cfg(feature = "planted-bugs")]
            planted: None,
        }
    }

    /// The same with a bug.
    #[cfg(feature = "planted-bugs")]
    pub(crate) fn with_bug(
        self,
        bug: Option<Bug>,
        clock: std::sync::Arc<dyn crate::clock::Clock>,
    ) -> Self {
        Self { planted: bug.map(|bug| (bug, clock)), ..self }
    }

    /// The state as it is now: a lease that is over has been given up.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.until.is_some_and(|until| self.is_over(until)) {
            state.lose();
            self.changed.notify_one();
            tracing::warn!("this node's lease is over: it could not be renewed in time");
            metrics::counter!("fleetwright_leases_lost_total").increment(1);
        }
        state
    }

    fn is_over(&self, until: Until) -> bool {
        let Until::At { instant, .. } = until else { return false };
        #[cfg(feature = "planted-bugs")]
        if let (Some((bug, clock)), Until::At { wall, .. }) = (&self.planted, until) {
            match bug {
                Bug::TwoOwnersAfterPause => return false,
                Bug::LeaseByWallClock => return clock.now() >= wall,
                _ => {}
            }
        }
        Instant::now() >= instant
    }

    /// When a lease ends whose renewal was sent at `sent`.
    fn until(&self, sent: Instant) -> Until {
        let lasts = self.lease.saturating_sub(self.lease / MARGIN);
        #[cfg(feature = "planted-bugs")]
        let wall = {
            let now = self.planted.as_ref().map(|(_, clock)| clock.now()).unwrap_or_default();
            now.plus(lasts.saturating_sub(sent.elapsed()))
        };
        Until::At {
            instant: sent + lasts,
            #[cfg(feature = "planted-bugs")]
            wall,
        }
    }

    /// A session has begun. What was held under one before is held no more.
    pub(crate) fn begun(&self, session: Session) {
        let mut state = self.state();
        state.lose();
        state.session = Some(session);
        self.changed.notify_one();
    }

    /// The store says that the session has ended.
    pub(crate) fn lose(&self) {
        self.state().lose();
        self.changed.notify_one();
    }

    /// This node's session, whether it lasts or not; `None` before the first one has begun.
    pub(crate) fn session(&self) -> Option<Session> {
        self.state().session
    }

    /// This node's session, if it lasts.
    pub(crate) fn live_session(&self) -> Option<SessionKey> {
        let state = self.state();
        state.session_key().filter(|_| state.until.is_some())
    }

    /// How many shards it owns, and how many nodes own some.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let state = self.state();
        (state.shards.len(), state.engines)
    }

    /// What a renewal sent at `sent` has given. Shards that are new and quiet are so for `grace`
    /// longer. Gives whether there may be more to work on.
    pub(crate) fn take(&self, held: &Held, sent: Instant, grace: Duration) -> bool {
        let mut guard = self.state();
        let state = &mut *guard;
        let expires = state.session.is_none_or(|session| session.expires);
        let until = if expires { self.until(sent) } else { Until::Never };
        if self.is_over(until) {
            return false;
        }
        let now = Instant::now();
        let was_held = state.until.replace(until).is_some();
        state.engines = held.engines.max(1);
        let before = std::mem::take(&mut state.shards);
        let mut gained = false;
        for new in &held.shards {
            let old = before.get(&new.shard).filter(|old| old.epoch == new.epoch);
            let owned = match old {
                Some(old) => *old,
                None => {
                    let quiet_until = (!new.quiet.is_zero()).then(|| now + new.quiet + grace);
                    gained |= quiet_until.is_none();
                    let leaving = state.stopping;
                    Owned { epoch: new.epoch, quiet_until, leaving, given_back: false }
                }
            };
            state.shards.insert(new.shard, owned);
        }
        gained |= Self::balance(state, held.surplus);
        // Even without a shard: GB devices that are registered here are worked on again.
        gained |= !was_held;
        state.gains += u64::from(gained);
        self.changed.notify_one();
        gained
    }

    /// Has as many shards leave as are too many, those first on which nothing is in flight. Gives
    /// whether some that were to leave may stay.
    fn balance(state: &mut State, surplus: usize) -> bool {
        if state.stopping {
            return false;
        }
        let mut leaving: Vec<Shard> = Vec::new();
        let mut staying: Vec<Shard> = Vec::new();
        for (shard, owned) in &state.shards {
            match owned {
                Owned { given_back: true, .. } => {}
                Owned { leaving: true, .. } => leaving.push(*shard),
                Owned { .. } => staying.push(*shard),
            }
        }
        let surplus = surplus.saturating_sub(state.shards.len() - leaving.len() - staying.len());
        let (change, to_leave, count) = if leaving.len() < surplus {
            (&mut staying, true, surplus - leaving.len())
        } else {
            let count = leaving.len() - surplus;
            (&mut leaving, false, count)
        };
        change.sort_by_key(|shard| (state.steps(*shard) > 0, std::cmp::Reverse(shard.0)));
        for shard in change.iter().take(count) {
            if let Some(owned) = state.shards.get_mut(shard) {
                owned.leaving = to_leave;
            }
        }
        !to_leave && count > 0
    }

    /// From now on nothing new begins, and every shard is to be given back.
    pub(crate) fn leave_all(&self) {
        let mut state = self.state();
        state.stopping = true;
        // Where no other node can open the store, nobody waits for them.
        if state.session.is_some_and(|session| session.expires) {
            state.shards.values_mut().for_each(|owned| owned.leaving = true);
        }
        self.changed.notify_one();
        self.renew.notify_one();
    }

    /// Whether this node is about to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.state().stopping
    }

    /// The shards that are given back now: nothing is in flight on their devices, and nothing will
    /// be.
    pub(crate) fn give_back(&self) -> Vec<Shard> {
        let mut state = self.state();
        let leaving = state.shards.iter().filter(|(_, owned)| owned.leaving);
        let mut idle: Vec<Shard> =
            leaving.map(|(shard, _)| *shard).filter(|shard| state.steps(*shard) == 0).collect();
        idle.sort_unstable_by_key(|shard| shard.0);
        for shard in &idle {
            if let Some(owned) = state.shards.get_mut(shard) {
                owned.given_back = true;
            }
        }
        idle
    }

    /// These shards have been given back.
    pub(crate) fn released(&self, shards: &[Shard]) {
        let mut state = self.state();
        for shard in shards {
            state.shards.remove(shard);
        }
        self.changed.notify_one();
    }

    /// Ends the quiet times that have passed. Gives whether there is more to work on.
    pub(crate) fn end_quiet(&self) -> bool {
        let mut state = self.state();
        let now = Instant::now();
        let mut ended = false;
        for owned in state.shards.values_mut() {
            if owned.quiet_until.is_some_and(|until| until <= now) {
                owned.quiet_until = None;
                ended = true;
            }
        }
        if ended {
            state.gains += 1;
            self.changed.notify_one();
        }
        ended
    }

    /// When a quiet time or the lease ends next, if one does.
    pub(crate) fn next_end(&self) -> Option<Instant> {
        let state = self.state();
        let now = Instant::now();
        let lease = match state.until {
            // One that is over has been given up already, but for the planted bugs.
            Some(Until::At { instant, .. }) if instant > now => Some(instant),
            _ => None,
        };
        state.shards.values().filter_map(|owned| owned.quiet_until).chain(lease).min()
    }

    /// What the runner needs to know.
    pub(crate) fn view(&self) -> View {
        let state = self.state();
        let now = Instant::now();
        let number = |number: u16| u8::try_from(number).unwrap_or(u8::MAX);
        let workable = (0..SHARDS).map(|at| state.workable(Shard(number(at)), now).is_some());
        View {
            generation: state.generation,
            gains: state.gains,
            engines: state.engines,
            workable: workable.collect(),
        }
    }

    /// How often there was more to work on.
    pub(crate) fn gains(&self) -> u64 {
        self.state().gains
    }

    /// Of these, those that this node may work on at the moment.
    pub(crate) fn keep_ours(&self, seeds: &mut Vec<LaneSeed>) {
        let state = self.state();
        let now = Instant::now();
        if state.until.is_none() || state.stopping {
            seeds.clear();
        }
        seeds.retain(|seed| match seed.bound_to {
            Some(session) => state.session_key() == Some(session),
            None => state.workable(seed.shard, now).is_some(),
        });
    }

    /// Of these, those whose shards this node owns.
    pub(crate) fn keep_in_shards(&self, devices: &mut Vec<DeviceKey>) {
        let state = self.state();
        devices.retain(|device| state.shards.contains_key(&device.shard()));
    }

    /// Whether this node may work on what falls in the shard at the moment.
    pub(crate) fn owns(&self, shard: Shard) -> bool {
        self.epoch(shard).is_some()
    }

    /// Under which epoch it may; `None` if it may not.
    pub(crate) fn epoch(&self, shard: Shard) -> Option<Epoch> {
        let state = self.state();
        let owned = state.workable(shard, Instant::now()).filter(|_| !state.stopping);
        owned.map(|owned| owned.epoch)
    }

    /// What stands now, before a device's work is read.
    pub(crate) fn glance(&self, device: DeviceKey) -> Glance {
        let state = self.state();
        let epoch = state.shards.get(&device.shard()).map(|owned| owned.epoch);
        Glance { generation: state.generation, epoch }
    }

    /// The right to work on the device of `work`, which was read after `before`; `None` if it is
    /// not this node's, or not any more, or not yet.
    pub(crate) fn claim(&self, work: &Work, before: Glance) -> Option<Claim<'_>> {
        let device = work.device.key;
        let mut state = self.state();
        if state.until.is_none() || state.generation != before.generation || state.stopping {
            return None;
        }
        let fence = match work.bound_to {
            Some(session) if state.session_key() == Some(session) => Fence::Binding(session),
            Some(_) => return None,
            None => {
                let shard = device.shard();
                let owned = state.workable(shard, Instant::now())?;
                if before.epoch != Some(owned.epoch) {
                    return None;
                }
                *state.steps.entry(shard).or_default() += 1;
                Fence::Shard { shard, epoch: owned.epoch }
            }
        };
        Some(Claim { ownership: self, fence, generation: state.generation })
    }

    /// The fence under which this node may speak for a device that is registered with `bound_to`;
    /// `None` if it may not.
    pub(crate) fn fence(&self, device: DeviceKey, bound_to: Option<SessionKey>) -> Option<Fence> {
        let state = self.state();
        state.until?;
        match bound_to {
            Some(session) => {
                (state.session_key() == Some(session)).then_some(Fence::Binding(session))
            }
            None => {
                let shard = device.shard();
                let epoch = state.shards.get(&shard)?.epoch;
                Some(Fence::Shard { shard, epoch })
            }
        }
    }

    /// Whether what was decided under `fence` may still be done.
    fn holds(&self, fence: Fence, generation: u64) -> bool {
        let state = self.state();
        state.until.is_some()
            && state.generation == generation
            && match fence {
                Fence::Shard { shard, epoch } => {
                    state.shards.get(&shard).is_some_and(|owned| owned.epoch == epoch)
                }
                Fence::Binding(session) => state.session_key() == Some(session),
            }
    }

    /// Has the session renewed at once.
    pub(crate) fn renew_now(&self) {
        self.renew.notify_one();
    }

    /// Returns once [`Self::renew_now`] was called.
    pub(crate) async fn must_renew(&self) {
        self.renew.notified().await;
    }

    /// Returns once a shard can be given back.
    pub(crate) async fn can_release(&self) {
        self.idle.notified().await;
    }

    /// Returns once [`Self::view`] may give another answer.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Claim<'_> {
    /// What is sent along with whatever is recorded.
    pub(crate) fn fence(&self) -> Fence {
        self.fence
    }

    /// Whether it still holds. To be asked before anything is begun on the device, and before
    /// anything is recorded.
    pub(crate) fn holds(&self) -> bool {
        self.ownership.holds(self.fence, self.generation)
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let Fence::Shard { shard, .. } = self.fence else { return };
        let mut state = self.ownership.state();
        let left = state.steps.get_mut(&shard).map_or(0, |steps| {
            *steps = steps.saturating_sub(1);
            *steps
        });
        if left > 0 {
            return;
        }
        state.steps.remove(&shard);
        if state.shards.get(&shard).is_some_and(|owned| owned.leaving) {
            self.ownership.idle.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
