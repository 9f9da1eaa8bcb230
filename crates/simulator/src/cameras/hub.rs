//! What moves bytes and time between the cameras of a fleet and their sockets.
//!
//! One task waits for all cameras' timers, one for each UDP socket or TCP connection for what comes
//! in. Whichever has something for a camera locks that camera, lets it act, and sends at once.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gb28181::sip::{Message, Transport};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::link::{self, Link, Sockets};
use crate::camera::{self, Camera, Output, Place, camera_of};

/// After how many cameras the timers' task lets others run.
const TURN: usize = 64;

/// How far the cameras of a fleet are with registering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How many are registered, as far as they know.
    pub registered: usize,
    /// How many could be: those whose faults let them.
    pub able: usize,
    /// How many of those were refused or not answered, and wait to try again.
    pub waiting: usize,
    /// What the last refusal of one of those was; none if it got no answer.
    pub last_status: Option<u16>,
}

/// The cameras of a fleet, and what they share.
pub(crate) struct Hub {
    slots: Box<[Slot]>,
    by_id: HashMap<Box<str>, usize>,
    sockets: Sockets,
    timers: Mutex<BinaryHeap<Reverse<(Instant, usize)>>>,
    /// Told when a timer became the earliest.
    earlier: Notify,
    /// How many are registered.
    registered: watch::Sender<usize>,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
}

/// One camera's place.
struct Slot {
    id: Box<str>,
    state: Mutex<State>,
}

/// A camera with what it needs to run.
pub(super) struct State {
    camera: Camera,
    link: Link,
    /// Counts its links, so that one that was closed is not taken for the next.
    epoch: u64,
    /// The timer that is set for it.
    armed: Option<Instant>,
    /// Whether it is counted as registered.
    counted: bool,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("cameras", &self.slots.len()).finish_non_exhaustive()
    }
}

/// The time, as a paused runtime has it too.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

impl Hub {
    /// A hub whose cameras are off. Over UDP they share `ports` sockets.
    pub(super) fn new(
        cameras: Vec<Camera>,
        options: &camera::Options,
        bind: Option<IpAddr>,
        ports: usize,
    ) -> io::Result<Arc<Self>> {
        let stop = CancellationToken::new();
        let slots: Box<[Slot]> = cameras.into_iter().map(Slot::new).collect();
        let by_id =
            slots.iter().enumerate().map(|(index, slot)| (slot.id.clone(), index)).collect();
        let ports = if options.transport == Transport::Udp { ports } else { 0 };
        let sockets = Sockets::open(options.server, bind, ports)?;
        let hub = Arc::new(Hub {
            slots,
            by_id,
            sockets,
            timers: Mutex::default(),
            earlier: Notify::new(),
            registered: watch::Sender::default(),
            stop,
            tasks: TaskTracker::new(),
        });
        for socket in hub.sockets.shared() {
            hub.tasks.spawn(link::read_udp(Arc::clone(&hub), Arc::clone(socket), hub.stop.clone()));
        }
        hub.tasks.spawn(Arc::clone(&hub).run_timers());
        Ok(hub)
    }

    /// Switches all cameras on, so many a second.
    pub(super) fn start_all(self: &Arc<Self>, per_second: u32) {
        let (begin, step) = (now(), 1.0 / f64::from(per_second.max(1)));
        let mut after = 0.0;
        for index in 0..self.slots.len() {
            let at = begin + Duration::from_secs_f64(after);
            self.act(index, |camera, _| camera.start(at));
            after += step;
        }
    }

    /// The ids, in order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().map(|slot| &*slot.id)
    }

    /// From which address a camera there sends.
    pub(super) fn address_for(&self, place: Place) -> IpAddr {
        self.sockets.address_for(place)
    }

    /// The server's address.
    pub(super) fn server(&self) -> SocketAddr {
        self.sockets.server
    }

    /// How far the cameras are.
    pub(super) fn progress(&self) -> Progress {
        let registered = *self.registered.borrow();
        let mut progress = Progress { registered, able: 0, waiting: 0, last_status: None };
        for slot in &self.slots {
            let state = slot.lock();
            if !state.camera.faults().can_register() {
                continue;
            }
            progress.able += 1;
            if let Some(last) = state.camera.waits_after() {
                progress.waiting += 1;
                progress.last_status = last;
            }
        }
        progress
    }

    /// Waits until as many are registered as can be, with the faults that they have now.
    pub(super) async fn all_registered(&self) {
        let able = self.slots.iter().filter(|slot| slot.lock().camera.faults().can_register());
        let able = able.count();
        // The sender is this hub's own: it is not gone before.
        let _ = self.registered.subscribe().wait_for(|registered| *registered >= able).await;
    }

    /// Does something with every camera.
    pub(crate) fn each(self: &Arc<Self>, act: impl Fn(&mut Camera, Instant)) {
        for index in 0..self.slots.len() {
            self.act(index, &act);
        }
    }

    /// Does something with the camera of this id, if there is one.
    pub(crate) fn with<T>(
        self: &Arc<Self>,
        id: &str,
        act: impl FnOnce(&mut Camera, Instant) -> T,
    ) -> Option<T> {
        self.act(*self.by_id.get(id)?, act)
    }

    /// Does something with the camera of this index, and then what it wants done.
    pub(super) fn act<T>(
        self: &Arc<Self>,
        index: usize,
        act: impl FnOnce(&mut Camera, Instant) -> T,
    ) -> Option<T> {
        let mut state = self.slots.get(index)?.lock();
        let now = now();
        let done = act(&mut state.camera, now);
        self.follow(index, &mut state, now);
        Some(done)
    }

    /// The same for who holds one of a camera's links; nothing once the camera has another.
    pub(super) fn act_on_link<T>(
        self: &Arc<Self>,
        (index, epoch): (usize, u64),
        act: impl FnOnce(&mut Camera, Instant) -> T,
    ) -> Option<T> {
        let mut state = self.slots.get(index)?.lock();
        if state.epoch != epoch {
            return None;
        }
        let now = now();
        let done = act(&mut state.camera, now);
        self.follow(index, &mut state, now);
        Some(done)
    }

    /// Gives a message to the camera that it is for.
    pub(super) fn deliver(self: &Arc<Self>, message: &Message) {
        let index = camera_of(message).and_then(|id| self.by_id.get(&*id).copied());
        if let Some(index) = index {
            self.act(index, |camera, now| camera.receive_message(now, message));
        }
    }

    /// Does what a camera wants done, counts it, and sets its timer.
    fn follow(self: &Arc<Self>, index: usize, state: &mut State, now: Instant) {
        while let Some(output) = state.camera.poll_transmit() {
            match output {
                Output::Send(bytes) => {
                    if !state.link.send(self.server(), bytes) {
                        state.link = Link::None;
                        state.epoch += 1;
                        state.camera.unbound(now);
                    }
                }
                Output::Close => {
                    state.link = Link::None;
                    state.epoch += 1;
                }
                Output::Open(place) => self.open(index, state, place, now),
            }
        }
        self.count(state);
        self.arm(index, state);
    }

    /// Gives a camera a way to the server. Over TCP that takes a while.
    fn open(self: &Arc<Self>, index: usize, state: &mut State, place: Place, now: Instant) {
        state.epoch += 1;
        if state.camera.transport() == Transport::Tcp {
            let (link, outgoing) = Link::tcp();
            let whose = (index, state.epoch);
            self.tasks.spawn(link::run_tcp(Arc::clone(self), whose, place, outgoing));
            state.link = link;
            return;
        }
        match self.sockets.udp(self, index, place) {
            Ok((link, local)) => {
                state.link = link;
                state.camera.bound(now, local);
            }
            Err(error) => {
                tracing::warn!(id = state.camera.id(), %error, "no socket for a camera");
                state.link = Link::None;
                state.camera.unbound(now);
            }
        }
    }

    /// Brings the number of registered cameras up to date.
    fn count(&self, state: &mut State) {
        let is = state.camera.is_registered();
        if std::mem::replace(&mut state.counted, is) != is {
            self.registered.send_modify(|registered| {
                *registered = if is { *registered + 1 } else { *registered - 1 };
            });
        }
    }

    /// Sets a camera's timer, unless one is set that comes first: that one looks again.
    fn arm(&self, index: usize, state: &mut State) {
        let Some(at) = state.camera.poll_timeout() else { return };
        if state.armed.is_some_and(|armed| armed <= at) {
            return;
        }
        state.armed = Some(at);
        let mut timers = lock(&self.timers);
        let first = timers.peek().is_none_or(|Reverse((first, _))| at < *first);
        timers.push(Reverse((at, index)));
        drop(timers);
        if first {
            self.earlier.notify_one();
        }
    }

    /// Tells cameras the time when they asked to be told.
    async fn run_timers(self: Arc<Self>) {
        let mut done = 0;
        loop {
            let first = lock(&self.timers).peek().map(|Reverse((at, _))| *at);
            let now = now();
            match first {
                Some(at) if at <= now => {
                    let due = lock(&self.timers).pop();
                    if let Some(Reverse((at, index))) = due {
                        self.fire(index, at, now);
                    }
                    done += 1;
                    if done % TURN == 0 {
                        tokio::task::yield_now().await;
                    }
                    if self.stop.is_cancelled() {
                        return;
                    }
                }
                Some(at) => tokio::select! {
                    () = tokio::time::sleep_until(at.into()) => {}
                    () = self.earlier.notified() => {}
                    () = self.stop.cancelled() => return,
                },
                None => tokio::select! {
                    () = self.earlier.notified() => {}
                    () = self.stop.cancelled() => return,
                },
            }
        }
    }

    /// A timer has run out: one that is not the camera's any more is passed over.
    fn fire(self: &Arc<Self>, index: usize, at: Instant, now: Instant) {
        let Some(slot) = self.slots.get(index) else { return };
        let mut state = slot.lock();
        if state.armed == Some(at) {
            state.armed = None;
            state.camera.handle_timeout(now);
            self.follow(index, &mut state, now);
        }
    }
}

impl Slot {
    fn new(camera: Camera) -> Self {
        let id = camera.id().into();
        let state = State { camera, link: Link::None, epoch: 0, armed: None, counted: false };
        Slot { id, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// Locks. Whoever panicked with the lock held left a camera or a list as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
