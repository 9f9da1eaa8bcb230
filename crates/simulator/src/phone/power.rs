//! Boots, and the port that follows them.
//!
//! A reboot drops every connection at once. For the first half of the boot the port is closed
//! (a connection is refused), for the second half the daemon answers while
//! `sys.boot_completed` is still empty, then the boot is complete.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::log::Done;
use super::port::{Port, RETRY};
use super::server::Counted;
use super::{Common, Identity, Phone, State, serial};
use crate::adb;
use crate::property::BOOT_COMPLETED;

/// When init started, in ticks of 10 ms after the kernel: the same at each physical boot.
const INIT_STARTED_TICKS: u64 = 2;
/// The same in nanoseconds.
pub(crate) const INIT_STARTED_NS: u64 = INIT_STARTED_TICKS * TICK_NS;
/// Nanoseconds in a tick.
pub(crate) const TICK_NS: u64 = 10_000_000;
/// When a server starts its first container, in ticks after its kernel.
const CONTAINERS_STARTED_TICKS: u64 = 1000;
/// How many ticks lie between the starts of two containers of a server.
const CONTAINER_TICKS: u64 = 7;

/// What a phone is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// Off: the port is closed until somebody switches the phone on, or starts the container.
    Off,
    /// The first half of a boot: the port is closed.
    Down,
    /// The second half: the port is open and `sys.boot_completed` is empty.
    Starting,
    /// Booted.
    Up,
}

/// Who begins a boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Somebody with the phone, or the server, in his hand.
    Hand,
    /// An operator's command, from outside of the phone.
    Operator,
    /// A client, over ADB.
    Client,
}

impl Phone {
    /// Reboots as by its power button, or restarts its container; returns when the port has
    /// followed. Volatile properties are gone at once. A phone that is off starts.
    pub async fn reboot(&self) {
        self.begin_boot(Cause::Hand);
        self.settle().await;
    }

    /// Takes the phone back to how it left the factory: all under /data is gone, and it boots.
    /// Returns when the port has followed.
    pub async fn factory_reset(&self) {
        self.begin_factory_reset(Cause::Hand);
        self.settle().await;
    }

    /// Makes the phone's container anew with these arguments (as [`Properties::start_with`] takes
    /// them) and the data that it had; returns when the port has followed. An argument of a wrong
    /// form is given back, and nothing happens.
    ///
    /// [`Properties::start_with`]: crate::property::Properties::start_with
    pub async fn recreate<'a>(&self, args: &[&'a str]) -> Result<(), &'a str> {
        self.start_with(args, Cause::Hand)?;
        self.settle().await;
        Ok(())
    }

    /// Boots with these arguments.
    pub(crate) fn start_with<'a>(&self, args: &[&'a str], cause: Cause) -> Result<(), &'a str> {
        self.lock().properties.start_with(args)?;
        self.begin_boot(cause);
        Ok(())
    }

    /// Switches the phone off, or stops its container; returns when its port is closed.
    pub async fn power_off(&self) {
        {
            let mut state = self.lock();
            self.switch_off(&mut state);
            state.session.cancel();
        }
        self.settle().await;
    }

    /// Switches a phone on that is off: it boots. Does nothing to one that is on.
    pub async fn power_on(&self) {
        if self.power() == Power::Off {
            self.reboot().await;
        }
    }

    /// Freezes the phone: its port still takes connections, but nothing on it answers or moves
    /// any more, until [`Phone::thaw`].
    pub fn freeze(&self) {
        self.frozen.send_replace(true);
    }

    /// Lets a frozen phone move again.
    pub fn thaw(&self) {
        self.frozen.send_replace(false);
    }

    /// Waits until the phone is not frozen.
    pub(crate) async fn thawed(&self) {
        // The sender lives as long as the phone.
        let _ = self.frozen.subscribe().wait_for(|frozen| !frozen).await;
    }

    /// Drops every connection, and the scripts that run; the phone itself goes on.
    pub fn drop_connections(&self) {
        let mut state = self.lock();
        state.session.cancel();
        if matches!(state.power, Power::Starting | Power::Up) {
            state.session = self.common.stop.child_token();
        }
    }

    /// Waits until the phone has booted, as far as it ever does.
    pub async fn booted(&self) {
        let mut port = self.port.subscribe();
        let up = |power: Power| power == Power::Up && self.power() == Power::Up;
        // The sender lives as long as the phone.
        let _ = port.wait_for(|(_, power)| up(*power)).await;
    }

    /// Starts a boot: what a boot wipes is gone, and all that hung on the last one ends. A
    /// container that reboots from inside is gone instead.
    pub(crate) fn begin_boot(&self, cause: Cause) {
        let mut state = self.lock();
        self.boot_with(&mut state, cause);
        drop(state);
        self.changed.notify_one();
    }

    /// The service `reboot:`.
    pub(crate) fn told_to_reboot(&self) {
        {
            let log = &mut self.lock().history.log;
            let entry = log.begin(None);
            log.done(entry, Done::Restarted("reboot"));
        }
        self.begin_boot(Cause::Client);
    }

    /// Wipes /data and starts a boot.
    pub(crate) fn begin_factory_reset(&self, cause: Cause) {
        let mut state = self.lock();
        state.properties.wipe();
        state.framework = crate::framework::Framework::default();
        state.files.wipe();
        self.boot_with(&mut state, cause);
        drop(state);
        self.changed.notify_one();
    }

    /// The boot itself.
    fn boot_with(&self, state: &mut State, cause: Cause) {
        state.session.cancel();
        if cause == Cause::Client && self.common.make.is_container() {
            return self.switch_off(state);
        }
        let now = Instant::now();
        state.session = self.common.stop.child_token();
        state.boot_count += 1;
        let boot_id = self.next_boot_id();
        state.start_ticks = if self.common.container && boot_id == state.boot_id {
            state.start_ticks + ticks(now - state.booted_at).max(1)
        } else {
            first_ticks(&self.identity, &self.common)
        };
        state.boot_id = boot_id;
        state.booted_at = now;
        let started_ns = state.start_ticks.saturating_mul(TICK_NS);
        state.properties.reboot(serial(&self.identity.id), started_ns);
        for name in &state.faults.wipe_at_boot {
            match name.strip_prefix("settings:") {
                Some(key) => state.framework.forget(key),
                None => state.properties.remove(name),
            }
        }
        state.framework_up = None;
        if state.faults.never_back {
            return self.switch_off(state);
        }
        self.count_boot(state, cause);
        state.power = Power::Down;
        state.boot_takes = state.faults.boot.unwrap_or(self.common.boot);
        state.next_phase = Some(now + state.boot_takes / 2);
    }

    /// The kernel's boot id after a boot that begins now.
    fn next_boot_id(&self) -> String {
        if self.common.container { self.identity.server.boot_id() } else { new_boot_id() }
    }

    /// No boot goes on any more, and none is to come.
    fn switch_off(&self, state: &mut State) {
        self.uncount_boot(state);
        state.power = Power::Off;
        state.next_phase = None;
        state.framework_up = None;
    }

    /// Counts a boot that is under way, once.
    fn count_boot(&self, state: &mut State, cause: Cause) {
        let server = &self.identity.server;
        if !std::mem::replace(&mut state.counted.0, true) {
            server.enter(Counted::Boot);
        }
        if cause != Cause::Hand && !std::mem::replace(&mut state.counted.1, true) {
            server.enter(Counted::Restart);
        }
    }

    /// The boot is over.
    fn uncount_boot(&self, state: &mut State) {
        let (boot, restart) = std::mem::take(&mut state.counted);
        let counts = [(boot, Counted::Boot), (restart, Counted::Restart)];
        for (_, counted) in counts.into_iter().filter(|(counted, _)| *counted) {
            self.identity.server.leave(counted);
        }
    }

    /// `stop`: the framework ends, and the kernel, adbd and all properties stay.
    pub(crate) fn stop_framework(&self, state: &mut State) {
        self.count_boot(state, Cause::Client);
        state.properties.put(BOOT_COMPLETED, "0");
        state.framework_up = None;
    }

    /// `start`: a framework that was stopped comes up again, in half the time of a boot.
    pub(crate) fn start_framework(&self, state: &mut State) {
        if state.power != Power::Up || state.properties.get(BOOT_COMPLETED) != "0" {
            return;
        }
        if state.faults.never_back {
            return self.uncount_boot(state);
        }
        let takes = state.faults.boot.unwrap_or(self.common.boot) / 2;
        state.framework_up = Some(Instant::now() + takes);
        self.changed.notify_one();
    }

    /// Exchanges the addresses of two phones, with what listens there. Connections drop.
    pub(crate) async fn exchange(&self, other: &Phone) {
        let _moving = self.common.moving.lock().await;
        let (own, its) = (self.give_port().await, other.give_port().await);
        let (here, there) = (self.address(), other.address());
        self.take_port(its, there);
        other.take_port(own, here);
        self.settle().await;
        other.settle().await;
    }

    /// Moves to an address that nobody listens on. Connections drop.
    pub(crate) async fn move_to(&self, address: SocketAddr) -> std::io::Result<()> {
        let _moving = self.common.moving.lock().await;
        let port = Port::bound(address)?;
        drop(self.give_port().await);
        self.take_port(port, address);
        self.settle().await;
        Ok(())
    }

    /// Takes the phone's port away from it.
    async fn give_port(&self) -> Port {
        let (sender, receiver) = oneshot::channel();
        self.lock().give_port = Some(sender);
        self.drop_connections();
        self.changed.notify_one();
        tokio::select! {
            port = receiver => port.unwrap_or(Port::Lost),
            () = self.common.stop.cancelled() => Port::Lost,
        }
    }

    /// Gives the phone another port.
    fn take_port(&self, port: Port, address: SocketAddr) {
        let mut state = self.lock();
        state.address = address;
        state.take_port = Some(port);
        drop(state);
        self.changed.notify_one();
    }

    /// Waits until the port is as the phone's state wants it.
    pub(crate) async fn settle(&self) {
        self.changed.notify_one();
        let mut port = self.port.subscribe();
        // Asked anew each time: the state may move on while we wait.
        let _ = port.wait_for(|(open, _)| *open == self.wants_port() || self.is_stopped()).await;
    }

    /// Whether the port is to be open now.
    fn wants_port(&self) -> bool {
        let state = self.lock();
        matches!(state.power, Power::Starting | Power::Up) && !state.faults.refuse
    }

    /// Whether the fleet has stopped.
    fn is_stopped(&self) -> bool {
        self.common.stop.is_cancelled()
    }

    /// Moves the boot on as far as time allows; gives the time of the next phase.
    fn advance(&self) -> Option<Instant> {
        let mut state = self.lock();
        while let Some(next) = state.next_phase.filter(|next| *next <= Instant::now()) {
            if state.power == Power::Down {
                state.power = Power::Starting;
                state.next_phase = Some(next + state.boot_takes / 2);
            } else {
                state.next_phase = None;
                state.power = Power::Up;
                complete(&mut state);
                self.uncount_boot(&mut state);
            }
        }
        if state.framework_up.is_some_and(|up| up <= Instant::now()) {
            state.framework_up = None;
            state.properties.complete_boot();
            self.uncount_boot(&mut state);
        }
        [state.next_phase, state.framework_up].into_iter().flatten().min()
    }

    /// Gives the port away that somebody asked for, and takes the one that is meant for this
    /// phone.
    fn change_port(&self, mut port: Port) -> Port {
        let mut state = self.lock();
        if let Some(sender) = state.give_port.take() {
            // Who asked has left only when the fleet stops.
            let _ = sender.send(std::mem::replace(&mut port, Port::Away));
        }
        state.take_port.take().unwrap_or(port)
    }

    /// Serves the phone until the fleet stops: one task per phone, one more per connection.
    pub(crate) async fn live(self: Arc<Self>, listener: TcpListener) {
        let mut port = Port::Open(listener);
        while !self.is_stopped() {
            let next_phase = self.advance();
            port = self.change_port(port).follow(self.wants_port(), self.address());
            let open = matches!(port, Port::Open(_));
            self.port.send_replace((open, self.power()));
            // An address that somebody else holds for a moment is tried again.
            let retry = (open != self.wants_port()).then(|| Instant::now() + RETRY);
            let wake = [next_phase, retry].into_iter().flatten().min();
            tokio::select! {
                () = self.common.stop.cancelled() => {}
                () = self.changed.notified() => {}
                () = sleep_until(wake) => {}
                socket = port.accept() => self.accept(socket),
            }
        }
        drop(port);
        self.port.send_replace((false, Power::Off));
    }

    /// Starts serving a connection, if there is a place for one more.
    fn accept(self: &Arc<Self>, socket: TcpStream) {
        let (session, silent) = {
            let state = self.lock();
            let answers = !state.faults.refuse && !state.faults.hang_up;
            if !matches!(state.power, Power::Starting | Power::Up) || !answers {
                return;
            }
            (state.session.clone(), state.faults.silent)
        };
        let Ok(place) = Arc::clone(&self.connections).try_acquire_owned() else {
            tracing::debug!(phone = self.name(), "too many connections");
            return;
        };
        let phone = Arc::clone(self);
        self.common.tasks.spawn(async move {
            if silent {
                hold(socket, &session).await;
                return drop(place);
            }
            tokio::select! {
                () = phone.thawed() => {}
                () = session.cancelled() => return drop(place),
            }
            let ended = adb::connection::serve(&phone, socket, session).await;
            if let Err(error) = ended {
                tracing::debug!(phone = phone.name(), %error, "connection ended");
            }
            drop(place);
        });
    }
}

/// Takes what a client says and answers nothing, until it leaves or the boot ends.
async fn hold(mut socket: TcpStream, session: &CancellationToken) {
    let mut unheard = [0; 512];
    loop {
        tokio::select! {
            read = socket.read(&mut unheard) => if !matches!(read, Ok(1..)) {
                return;
            },
            () = session.cancelled() => return,
        }
    }
}

/// What a complete boot brings.
fn complete(state: &mut State) {
    for (name, value) in &state.faults.overwrite_at_boot {
        state.properties.put(name, value);
    }
    state.properties.complete_boot();
}

/// The boot id and the start of pid 1 (in ticks) of a phone that has just been made.
pub(crate) fn first_boot(identity: &Identity, common: &Common) -> (String, u64) {
    let id = if common.container { identity.server.boot_id() } else { new_boot_id() };
    (id, first_ticks(identity, common))
}

/// When pid 1 starts in the first boot under a kernel: one container of a server after the other.
fn first_ticks(identity: &Identity, common: &Common) -> u64 {
    let place = identity.place.saturating_mul(CONTAINER_TICKS);
    if common.container { CONTAINERS_STARTED_TICKS + place } else { INIT_STARTED_TICKS }
}

/// Sleeps until then; for ever without a time.
async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

/// A time in ticks of 10 ms.
pub(crate) fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_millis() / 10).unwrap_or(u64::MAX)
}

/// A random UUID (version 4), as the kernel makes one at each boot.
pub(crate) fn new_boot_id() -> String {
    let random: u128 = rand::random();
    let id = (random & !(0xf000_u128 << 64) & !(0xc000_u128 << 48))
        | (0x4000_u128 << 64)
        | (0x8000_u128 << 48);
    let hex = format!("{id:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}
