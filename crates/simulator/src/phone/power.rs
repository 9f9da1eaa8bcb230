//! Boots, and the port that follows them.
//!
//! A reboot drops every connection at once. For the first half of the boot the port is closed
//! (a connection is refused), for the second half the daemon answers while
//! `sys.boot_completed` is still empty, then the boot is complete.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::Instant;

use super::{Phone, State, serial};
use crate::adb;

/// When init started, in nanoseconds after the kernel: the same at each physical boot.
pub(crate) const INIT_STARTED_NS: u64 = 20_000_000;
/// The same in ticks of 10 ms, as `/proc/1/stat` has it.
pub(crate) const INIT_STARTED_TICKS: u64 = 2;
/// How many connections may wait to be accepted.
const BACKLOG: u32 = 64;
/// How long the port's task waits after a failed bind or accept before it tries again.
const RETRY: Duration = Duration::from_millis(20);

/// What a phone is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// Off: the port is closed until somebody switches the phone on.
    Off,
    /// The first half of a boot: the port is closed.
    Down,
    /// The second half: the port is open and `sys.boot_completed` is empty.
    Starting,
    /// Booted.
    Up,
}

impl Phone {
    /// Reboots as by its power button; returns when the port has followed. Volatile properties
    /// are gone at once. A phone that is off starts.
    pub async fn reboot(&self) {
        self.begin_boot();
        self.settle().await;
    }

    /// Switches the phone off; returns when its port is closed.
    pub async fn power_off(&self) {
        {
            let mut state = self.lock();
            state.power = Power::Off;
            state.next_phase = None;
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

    /// Waits until the phone has booted, as far as it ever does.
    pub async fn booted(&self) {
        let mut port = self.port.subscribe();
        let up = |power: Power| power == Power::Up && self.power() == Power::Up;
        // The sender lives as long as the phone.
        let _ = port.wait_for(|(_, power)| up(*power)).await;
    }

    /// Starts a boot: what a boot wipes is gone, and all that hung on the last one ends.
    pub(crate) fn begin_boot(&self) {
        let now = Instant::now();
        let mut guard = self.lock();
        let state = &mut *guard;
        state.session.cancel();
        state.session = self.common.stop.child_token();
        state.boot_count += 1;
        let mut started_ns = INIT_STARTED_NS;
        if self.common.container {
            let uptime = state.start_ticks + ticks(now - state.booted_at).max(1);
            state.start_ticks = uptime;
            started_ns = uptime.saturating_mul(10_000_000);
        } else {
            state.boot_id = new_boot_id();
        }
        state.booted_at = now;
        state.properties.reboot(serial(&self.identity.id), started_ns);
        if state.faults.never_back {
            state.power = Power::Off;
            state.next_phase = None;
        } else {
            state.power = Power::Down;
            state.next_phase = Some(now + self.common.boot / 2);
        }
        drop(guard);
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
                state.next_phase = Some(next + self.common.boot / 2);
            } else {
                state.next_phase = None;
                state.power = Power::Up;
                complete(&mut state);
            }
        }
        state.next_phase
    }

    /// Serves the phone until the fleet stops: one task per phone, one more per connection.
    pub(crate) async fn live(self: Arc<Self>, listener: TcpListener) {
        let mut port = Port::Open(listener);
        while !self.is_stopped() {
            let next_phase = self.advance();
            port = port.follow(self.wants_port(), self.identity.address);
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
        let session = {
            let state = self.lock();
            if !matches!(state.power, Power::Starting | Power::Up) || state.faults.refuse {
                return;
            }
            state.session.clone()
        };
        let Ok(place) = Arc::clone(&self.connections).try_acquire_owned() else {
            tracing::debug!(phone = self.name(), "too many connections");
            return;
        };
        let phone = Arc::clone(self);
        self.common.tasks.spawn(async move {
            let ended = adb::connection::serve(&phone, socket, session).await;
            if let Err(error) = ended {
                tracing::debug!(phone = phone.name(), %error, "connection ended");
            }
            drop(place);
        });
    }
}

/// What a complete boot brings.
fn complete(state: &mut State) {
    state.properties.complete_boot();
    for (name, value) in &state.faults.overwrite_at_boot {
        state.properties.put(name, value);
    }
}

/// A phone's port. While it is closed the address stays bound, without listening, so that no
/// other process takes it.
enum Port {
    Open(TcpListener),
    Closed(TcpSocket),
    /// Bound by nobody; only after a failure.
    Lost,
}

impl Port {
    /// Opens or closes the port.
    fn follow(self, open: bool, address: SocketAddr) -> Self {
        match (self, open) {
            (Port::Open(listener), false) => {
                drop(listener);
                bind(address).map_or(Port::Lost, Port::Closed)
            }
            (Port::Closed(socket), true) => socket.listen(BACKLOG).map_or(Port::Lost, Port::Open),
            (Port::Lost, true) => match bind(address).and_then(|socket| socket.listen(BACKLOG)) {
                Ok(listener) => Port::Open(listener),
                Err(error) => {
                    tracing::debug!(%address, %error, "cannot listen again");
                    Port::Lost
                }
            },
            (port, _) => port,
        }
    }

    /// The next connection; waits for ever on a closed port.
    async fn accept(&self) -> TcpStream {
        let Port::Open(listener) = self else { return std::future::pending().await };
        loop {
            match listener.accept().await {
                Ok((socket, _)) => return socket,
                // Out of descriptors, or a peer that gave up already.
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }
}

/// Listens on an address.
pub(crate) fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    bind(address)?.listen(BACKLOG)
}

/// Binds without listening.
fn bind(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Connections of the last boot may still linger on the port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
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
