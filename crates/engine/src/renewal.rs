//! Keeps this node's session: renews it, takes and gives back shards, waits out their quiet times,
//! and begins anew where it has ended.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fleet::Timestamp;
use store::{
    Held, NameTaken, NewSession, NodeReport, Renewal, Roles, Session, SessionEnded, SessionKey,
    Store,
};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::ownership::Ownership;
use crate::shared::Shared;

/// How soon a renewal that failed is tried again.
const AGAIN: Duration = Duration::from_millis(500);
/// The shortest time between two renewals, however often one is asked for.
const BETWEEN_MIN: Duration = Duration::from_millis(50);
/// How long a node that stops waits for the store to take note.
const GOODBYE_MAX: Duration = Duration::from_secs(5);
/// How much further than a node's own the store's clock may go between two renewals before it has
/// stepped.
const CLOCK_STEP: Duration = Duration::from_secs(1);
/// How far apart in milliseconds the clocks of a node and of the store may be before that is said.
const OFFSET_MAX: u64 = 2_000;

/// Why an engine could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store could not be read or written.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// Another node has the name.
    #[error(transparent)]
    NameTaken(#[from] NameTaken),
}

/// How this node stands in its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStanding {
    /// Its name.
    pub node: String,
    /// Its session.
    pub session: Option<Session>,
    /// What it does.
    pub roles: Roles,
    /// Whether its session lasts, so that it may work on devices.
    pub lease: bool,
    /// How many shards it owns.
    pub shards: usize,
    /// How many nodes work on devices, as far as it knows.
    pub engines: usize,
    /// What it says of itself to others.
    pub report: NodeReport,
    /// Why it can't do what it is there for, if it can't.
    pub trouble: Option<Trouble>,
    /// Its clock minus the store's in milliseconds; `None` before the first renewal.
    pub clock_offset: Option<i64>,
}

/// Why a node can't do what it is there for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// Why, in a sentence.
    pub why: String,
}

/// What this node is, and how its session fares.
pub(crate) struct Node {
    /// What it says of itself when it begins.
    pub(crate) new: NewSession,
    lease: Duration,
    /// How long nobody works on the devices of a shard whose owner has died.
    quiet: Duration,
    renew_every: Duration,
    /// Devices that have a lane.
    lanes: AtomicU64,
    /// Actions in flight.
    actions: AtomicU64,
    /// Why the last renewal failed, and since when they fail.
    trouble: Mutex<Option<Trouble>>,
    /// How the store's clock went at the last renewal.
    store_clock: Mutex<Option<StoreClock>>,
    /// That another process has taken the session over, in words. It is not fought for.
    ousted: watch::Sender<Option<String>>,
}

/// What the store's clock said.
#[derive(Debug, Clone, Copy)]
struct StoreClock {
    /// Its time.
    now: Timestamp,
    /// When it was asked.
    asked: Instant,
    /// This node's clock minus it, in milliseconds.
    offset: i64,
}

impl Node {
    pub(crate) fn new(
        new: NewSession,
        (lease, renew_every): (Duration, Duration),
        quiet: Duration,
    ) -> Self {
        Self {
            new,
            lease,
            quiet,
            renew_every,
            lanes: AtomicU64::new(0),
            actions: AtomicU64::new(0),
            trouble: Mutex::default(),
            store_clock: Mutex::default(),
            ousted: watch::Sender::new(None),
        }
    }

    /// What the runner has to do.
    pub(crate) fn note_work(&self, lanes: usize, actions: usize) {
        self.lanes.store(lanes as u64, Ordering::Relaxed);
        self.actions.store(actions as u64, Ordering::Relaxed);
    }

    fn trouble(&self) -> Option<Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A renewal failed, or none does any more.
    fn set_trouble(&self, why: Option<(Timestamp, String)>) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *trouble = why.map(|(now, why)| {
            let since = trouble.as_ref().map_or(now, |before| before.since);
            Trouble { since, why }
        });
    }

    /// This node's clock minus the store's in milliseconds; `None` before the first renewal.
    fn clock_offset(&self) -> Option<i64> {
        let clock = self.store_clock.lock().unwrap_or_else(PoisonError::into_inner);
        clock.map(|clock| clock.offset)
    }

    /// The store's clock says `now` in the answer to what was asked then; this node's said `own`.
    /// Gives how much longer new shards have to be quiet: if the store's clock has stepped forward,
    /// sessions only seem to have run out, and whose they are finds that out within a lease.
    fn grace(&self, now: Timestamp, asked: Instant, own: Timestamp) -> Duration {
        let offset = own.0.saturating_sub(now.0);
        let mut clock = self.store_clock.lock().unwrap_or_else(PoisonError::into_inner);
        let before = clock.replace(StoreClock { now, asked, offset });
        let Some(before) = before else { return Duration::ZERO };
        if offset.unsigned_abs() > OFFSET_MAX && before.offset.unsigned_abs() <= OFFSET_MAX {
            tracing::warn!(
                offset_ms = offset,
                "this node's clock is not the store's: deadlines of jobs and nonces go by it"
            );
        }
        // What passed between the two questions, and the second one's way.
        let passed = before.asked.elapsed();
        let stepped = now.since(before.now) > passed + CLOCK_STEP;
        if stepped { self.lease } else { Duration::ZERO }
    }

    /// That another process has taken the session over.
    pub(crate) async fn ousted(&self) -> String {
        let mut ousted = self.ousted.subscribe();
        match ousted.wait_for(Option::is_some).await.map(|words| words.clone()) {
            Ok(Some(words)) => words,
            // The sender lives as long as this does.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// What a renewal has given, where no shard is quiet for longer than one is made so: if the
    /// store's clock has stepped back, the end of a quiet time seems to be that much further off.
    fn within_quiet(&self, mut held: Held) -> Held {
        for shard in &mut held.shards {
            shard.quiet = shard.quiet.min(self.quiet);
        }
        held
    }

    fn renewal(&self, session: SessionKey, takes: bool, report: NodeReport) -> Renewal {
        let (instance, lease, quiet) = (self.new.instance.clone(), self.lease, self.quiet);
        Renewal { session, instance, lease, quiet, takes, report }
    }
}

impl Shared {
    /// What this node says of itself.
    fn report(&self) -> NodeReport {
        let lag = self.freshness.lag();
        NodeReport {
            lanes: self.node.lanes.load(Ordering::Relaxed),
            actions: self.node.actions.load(Ordering::Relaxed),
            feed_lag_ms: u64::try_from(lag.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// How this node stands.
    pub(crate) fn standing(&self) -> NodeStanding {
        let lease = self.ownership.live_session().is_some();
        let (shards, engines) = self.ownership.counts();
        let roles = self.node.new.roles;
        let mut trouble = self.node.trouble();
        if !lease && (roles.engine || roles.sip) && trouble.is_none() {
            let why = "its lease is over and is being taken anew".to_owned();
            trouble = Some(Trouble { since: self.clock.now(), why });
        }
        NodeStanding {
            node: self.node.new.node.clone(),
            session: self.ownership.session(),
            roles,
            lease,
            shards,
            engines,
            report: self.report(),
            trouble,
            clock_offset: self.node.clock_offset(),
        }
    }
}

/// Begins the node's session and takes its first shards. With `wait`, a name that is taken is
/// waited for, once, until the other's lease has run out.
pub(crate) async fn begin(
    (store, ownership, node): (&dyn Store, &Ownership, &Node),
    clock: &dyn Clock,
    wait: bool,
) -> Result<(), StartError> {
    let session = match store.begin_session(&node.new, node.lease).await? {
        Ok(session) => session,
        Err(taken) if wait => {
            tracing::info!(%taken, "waiting for the other node's lease");
            // The store's clock is not ours: a little longer.
            tokio::time::sleep(taken.left + AGAIN).await;
            store.begin_session(&node.new, node.lease).await??
        }
        Err(taken) => return Err(taken.into()),
    };
    ownership.begun(session);
    let sent = Instant::now();
    let renewal = node.renewal(session.key, node.new.roles.engine, NodeReport::default());
    // One that has ended already is begun anew by the loop.
    if let Ok(held) = store.renew(&renewal).await? {
        let held = node.within_quiet(held);
        ownership.take(&held, sent, node.grace(held.now, sent, clock.now()));
    }
    Ok(())
}

/// Keeps the session until `ended`: all that was in flight has ended.
pub(crate) async fn keep(shared: Arc<Shared>, ended: CancellationToken) {
    let ownership = &shared.ownership;
    let mut last = Instant::now();
    let mut due = last + shared.node.renew_every;
    loop {
        let next = ownership.next_end().map_or(due, |end| end.min(due));
        tokio::select! {
            biased;
            () = ended.cancelled() => break,
            () = ownership.must_renew() => due = last + BETWEEN_MIN,
            () = ownership.can_release() => {}
            () = tokio::time::sleep_until(next) => {}
        }
        if ownership.end_quiet() {
            shared.rescan.notify_one();
        }
        if Instant::now() >= due {
            last = Instant::now();
            due = last + if renew(&shared).await { shared.node.renew_every } else { AGAIN };
        }
        give_back(&shared).await;
    }
}

/// Renews the session once, or begins it anew. Gives whether it lasts.
async fn renew(shared: &Shared) -> bool {
    let (node, ownership) = (&shared.node, &shared.ownership);
    let sent = Instant::now();
    let outcome = tokio::time::timeout(node.renew_every, renew_or_begin(shared, sent)).await;
    let why = match outcome {
        Ok(Ok(())) => None,
        Ok(Err(why)) => Some(why),
        Err(_) => Some(format!("the store gave no answer within {:?}", node.renew_every)),
    };
    let lasts = why.is_none();
    if let Some(why) = &why {
        tracing::warn!(why, "this node's session could not be renewed");
        metrics::counter!("fleetwright_renewals_failed_total").increment(1);
    }
    node.set_trouble(why.map(|why| (shared.clock.now(), why)));
    gauge(ownership.counts().0);
    lasts
}

async fn renew_or_begin(shared: &Shared, sent: Instant) -> Result<(), String> {
    let (node, ownership, store) = (&shared.node, &shared.ownership, &shared.store);
    let failed = |error: store::Error| format!("the store failed: {}", crate::step::chain(&error));
    if let Some(words) = node.ousted.borrow().clone() {
        return Err(words);
    }
    if let Some(session) = ownership.session() {
        let takes = node.new.roles.engine && !ownership.is_stopping();
        let renewal = node.renewal(session.key, takes, shared.report());
        match store.renew(&renewal).await.map_err(failed)? {
            Ok(held) => {
                let held = node.within_quiet(held);
                let grace = node.grace(held.now, sent, shared.clock.now());
                if ownership.take(&held, sent, grace) {
                    shared.rescan.notify_one();
                }
                return Ok(());
            }
            Err(ended @ SessionEnded::Taken { .. }) => {
                let words = ended.to_string();
                ownership.lose();
                node.ousted.send_replace(Some(words.clone()));
                return Err(words);
            }
            Err(ended @ SessionEnded::RanOut) => {
                tracing::warn!(%ended, "beginning anew");
                ownership.lose();
            }
        }
    }
    if ownership.is_stopping() {
        return Ok(());
    }
    begin((&**store, ownership, node), &*shared.clock, false).await.map_err(
        |error| match error {
            StartError::Store(error) => failed(error),
            StartError::NameTaken(taken) => taken.to_string(),
        },
    )?;
    shared.rescan.notify_one();
    Ok(())
}

/// Gives back what is to leave and has nothing in flight.
async fn give_back(shared: &Shared) {
    let ownership = &shared.ownership;
    let shards = ownership.give_back();
    let Some(session) = ownership.live_session().filter(|_| !shards.is_empty()) else { return };
    let limit = shared.node.renew_every;
    let released = shared.store.release(session, &shards);
    match tokio::time::timeout(limit, released).await {
        Ok(Ok(())) => {
            tracing::info!(shards = shards.len(), "gave shards back");
            ownership.released(&shards);
        }
        // They are given back again with the next turn, for as long as they are still ours.
        Ok(Err(error)) => tracing::warn!(%error, "shards could not be given back"),
        Err(_) => tracing::warn!("shards could not be given back: no answer from the store"),
    }
}

/// Ends the session: nothing is in flight any more.
pub(crate) async fn end(shared: &Shared) {
    let Some(session) = shared.ownership.session() else { return };
    let ended = async {
        // What another process has taken over is not this one's to end, whether it knows or not.
        let renewal = shared.node.renewal(session.key, false, shared.report());
        match shared.store.renew(&renewal).await? {
            Ok(_) => shared.store.end_session(session.key).await,
            Err(_) => Ok(()),
        }
    };
    match tokio::time::timeout(GOODBYE_MAX, ended).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the session could not be ended"),
        Err(_) => tracing::warn!("the session could not be ended: no answer from the store"),
    }
    shared.ownership.lose();
}

#[expect(clippy::cast_precision_loss, reason = "a gauge; there are 256 shards")]
fn gauge(shards: usize) {
    metrics::gauge!("fleetwright_shards_owned").set(shards as f64);
}

#[cfg(test)]
mod tests {
    use fleet::{Epoch, Shard};
    use store::HeldShard;

    use super::*;

    fn a_node() -> NewSession {
        NewSession {
            node: "n".to_owned(),
            directory: String::new(),
            instance: String::new(),
            roles: Roles::ALL,
            version: String::new(),
            http: String::new(),
            sip: String::new(),
        }
    }

    #[test]
    fn no_shard_is_quiet_for_longer_than_one_is_made_so() {
        let quiet = Duration::from_secs(15);
        let times = (Duration::from_secs(10), Duration::from_secs(3));
        let node = Node::new(a_node(), times, quiet);
        let of = |quiet| HeldShard { shard: Shard(1), epoch: Epoch(1), quiet };
        let shards = vec![of(Duration::ZERO), of(quiet / 2), of(quiet * 200)];
        let held = Held { shards, surplus: 0, engines: 1, now: Timestamp(0) };
        let kept = node.within_quiet(held).shards.into_iter().map(|shard| shard.quiet);
        assert_eq!(kept.collect::<Vec<_>>(), [Duration::ZERO, quiet / 2, quiet]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_only_seems_to_have_run_out_is_quiet_for_another_lease() {
        let (lease, every) = (Duration::from_secs(10), Duration::from_secs(3));
        let node = Node::new(a_node(), (lease, every), Duration::from_secs(15));
        let mut own = Timestamp(1_800_000_000_000);
        let mut renewed = async |store_ahead: i64| {
            tokio::time::advance(every).await;
            own = own.plus(every);
            node.grace(Timestamp(own.0 + store_ahead), Instant::now(), own)
        };
        assert_eq!(renewed(5_000).await, Duration::ZERO, "nothing is known from before");
        assert_eq!(renewed(5_400).await, Duration::ZERO, "it goes a little faster");
        assert_eq!(renewed(9_000).await, lease);
        assert_eq!(renewed(9_000).await, Duration::ZERO);
        assert_eq!(renewed(-9_000).await, Duration::ZERO, "a step back ends nothing too early");
        assert_eq!(node.clock_offset(), Some(9_000));
    }
}
