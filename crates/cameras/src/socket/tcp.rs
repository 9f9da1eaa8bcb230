//! TCP: a bounded number of connections, each with bounded memory, none of which can hold up the
//! others.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes};
use gb28181::sip::{Flow, StreamDecoder, StreamError, StreamLimits, Transmit};
use metrics::counter;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::canonical;
use crate::runner::Received;
use crate::station::publish_connections;

/// Messages of all connections that may wait for the runner; over it their senders wait.
const WAITING_MAX: usize = 1_024;
/// What one turn takes of them.
const PER_TURN_MAX: usize = 256;
/// Connections that wait to be accepted.
const BACKLOG: i32 = 4_096;
/// How long a first message, or the rest of one that began, may take.
const MESSAGE_PATIENCE: Duration = Duration::from_secs(30);
/// How long a connection may be silent. Devices send keepalives every minute (GB/T 28181-2016,
/// 9.6.1); one that is set to send them more rarely than this loses its connection and registers
/// anew.
const SILENCE_MAX: Duration = Duration::from_secs(600);
/// How long our own bytes may stay unread.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);
/// How long a connection lives that carries no registered device: to register takes seconds.
const UNBOUND_MAX: Duration = Duration::from_secs(60);
/// Connections of one source address. Thousands of cameras behind one NAT are one address.
const CONNECTIONS_PER_ADDRESS_MAX: usize = 4_096;
/// Bytes of ours that a peer may leave unread beyond the kernel's buffer.
const UNREAD_BYTES_MAX: usize = 256 * 1024;
/// The same while the connection carries no registered device: challenges are all that it is sent.
const UNREAD_UNBOUND_BYTES_MAX: usize = 16 * 1024;
/// What each message that waits to be read costs us beyond its own bytes.
const UNREAD_OVERHEAD_BYTES: usize = 64;
/// How long a connection lives after what came over it made no sense: for the answer to leave.
const LINGER: Duration = Duration::from_secs(1);
/// When the kernel begins to ask whether a silent peer is still there.
const PROBE_AFTER: Duration = Duration::from_secs(60);
/// The wait after accepting failed, as it does without free descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Listens for connections.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// All connections.
pub(super) struct Tcp {
    events: mpsc::Receiver<Event>,
    connections: BTreeMap<u64, Arc<Connection>>,
    taken: Vec<Event>,
    /// Accepts and serves; ends with us.
    _tasks: JoinSet<()>,
}

enum Event {
    Opened(u64, Arc<Connection>),
    Message(Flow, Bytes),
    Closed(u64),
}

/// What the runner and a connection's own task share.
struct Connection {
    stream: TcpStream,
    unsent: Mutex<Unsent>,
    wake: Notify,
}

/// What the kernel had no room for.
struct Unsent {
    queue: VecDeque<Bytes>,
    /// With what each message costs beyond its bytes.
    bytes: usize,
    since: Option<Instant>,
    /// Since when the connection carries no registered device; `None` while it does.
    unbound: Option<Instant>,
    /// Too much of it, or the stream failed.
    broken: bool,
}

impl Tcp {
    /// Accepts connections, `connections_max` at a time.
    pub(super) fn start(listener: TcpListener, connections_max: usize) -> Self {
        let (sender, events) = mpsc::channel(WAITING_MAX);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, connections_max, sender));
        Self { events, connections: BTreeMap::new(), taken: Vec::new(), _tasks: tasks }
    }

    /// Waits until something is there.
    pub(super) async fn ready(&mut self) {
        if self.taken.is_empty() && self.events.recv_many(&mut self.taken, PER_TURN_MAX).await == 0
        {
            // The accepting task has ended, which it does not.
            std::future::pending::<()>().await;
        }
    }

    /// Takes what is there.
    pub(super) fn take(&mut self, into: &mut Vec<Received>) {
        for event in self.taken.drain(..) {
            match event {
                Event::Opened(number, connection) => {
                    self.connections.insert(number, connection);
                    publish_connections(self.connections.len());
                }
                Event::Message(from, bytes) => into.push(Received::Message { from, bytes }),
                Event::Closed(connection) => {
                    self.connections.remove(&connection);
                    publish_connections(self.connections.len());
                    into.push(Received::Closed { connection });
                }
            }
        }
    }

    /// A connection carries a registered device from now on, or none.
    pub(super) fn carries(&self, connection: u64, live: bool) {
        if let Some(connection) = self.connections.get(&connection) {
            connection.unsent().unbound = (!live).then(Instant::now);
            connection.wake.notify_one();
        }
    }

    /// Sends a message, or leaves it to the connection's own task. If the connection is gone, so is
    /// the message.
    pub(super) fn send(&self, transmit: &Transmit) {
        if let Some(connection) = self.connections.get(&transmit.to.connection) {
            connection.send(transmit.bytes.clone());
        }
    }
}

impl Connection {
    fn new(stream: TcpStream, now: Instant) -> Self {
        Self { stream, unsent: Mutex::new(Unsent::new(now)), wake: Notify::new() }
    }

    fn unsent(&self) -> MutexGuard<'_, Unsent> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers pings (RFC 5626, 4.4.1): all that came at once with one, and none while the peer
    /// does not read what it was sent before.
    fn pong(&self) {
        if self.unsent().queue.is_empty() {
            self.send(Bytes::from_static(b"\r\n"));
        }
    }

    fn send(&self, bytes: Bytes) {
        let mut unsent = self.unsent();
        if unsent.broken {
            return;
        }
        unsent.bytes += bytes.len() + UNREAD_OVERHEAD_BYTES;
        unsent.queue.push_back(bytes);
        if unsent.queue.len() == 1 {
            self.flush(&mut unsent);
        }
        if unsent.bytes > unsent.bytes_max() {
            unsent.broken = true;
        }
        if unsent.broken || !unsent.queue.is_empty() {
            self.wake.notify_one();
        }
    }

    /// Hands the kernel as much as it takes.
    fn flush(&self, unsent: &mut Unsent) {
        while let Some(first) = unsent.queue.front_mut() {
            match self.stream.try_write(first) {
                Ok(written) => {
                    unsent.bytes -= written;
                    unsent.since = None;
                    first.advance(written);
                    if first.is_empty() {
                        unsent.bytes -= UNREAD_OVERHEAD_BYTES;
                        unsent.queue.pop_front();
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    unsent.since.get_or_insert_with(Instant::now);
                    return;
                }
                Err(_) => {
                    unsent.broken = true;
                    return;
                }
            }
        }
    }

    /// Tries again to send what is unsent; gives how the connection stands, or `None` if it is of
    /// no use any more.
    fn flush_again(&self) -> Option<Stands> {
        let mut unsent = self.unsent();
        if !unsent.broken {
            self.flush(&mut unsent);
        }
        let unsent_since = unsent.since.filter(|_| !unsent.queue.is_empty());
        (!unsent.broken).then_some(Stands { unsent: unsent_since, unbound: unsent.unbound })
    }
}

impl Unsent {
    /// Nothing, of a connection that was opened now.
    fn new(now: Instant) -> Self {
        Self { queue: VecDeque::new(), bytes: 0, since: None, unbound: Some(now), broken: false }
    }

    fn bytes_max(&self) -> usize {
        if self.unbound.is_some() { UNREAD_UNBOUND_BYTES_MAX } else { UNREAD_BYTES_MAX }
    }
}

/// Since when a connection is of how little use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Stands {
    /// The peer does not read what it is sent.
    unsent: Option<Instant>,
    /// It carries no registered device.
    unbound: Option<Instant>,
}

/// How many connections each address has.
#[derive(Clone, Default)]
struct Addresses {
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One of an address's connections; dropping it frees its place.
struct Place {
    addresses: Addresses,
    ip: IpAddr,
}

impl Addresses {
    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more of this address, if it has fewer than `max`.
    fn take(&self, ip: IpAddr, max: usize) -> Option<Place> {
        let mut counts = self.counts();
        let count = counts.entry(ip).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Place { addresses: self.clone(), ip })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.addresses.counts();
        if let Some(count) = counts.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.ip);
            }
        }
    }
}

async fn accept(listener: TcpListener, connections_max: usize, events: mpsc::Sender<Event>) {
    let room = Arc::new(Semaphore::new(connections_max));
    let addresses = Addresses::default();
    let mut tasks = JoinSet::new();
    let mut number = 0;
    loop {
        let accepted = tokio::select! {
            Some(_) = tasks.join_next(), if !tasks.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, remote)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let remote = canonical(remote);
        let permit = room.clone().try_acquire_owned().ok();
        let place = addresses.take(remote.ip(), CONNECTIONS_PER_ADDRESS_MAX);
        let (Some(permit), Some(place)) = (permit, place) else {
            counter!("fleetwright_sip_connections_refused_total").increment(1);
            continue;
        };
        number += 1;
        let flow = Flow::tcp(remote, number);
        tasks.spawn(serve(stream, flow, events.clone(), (permit, place)));
    }
}

/// Serves one connection to its end.
async fn serve(
    stream: TcpStream,
    flow: Flow,
    events: mpsc::Sender<Event>,
    _room: (OwnedSemaphorePermit, Place),
) {
    // Without these a connection works all the same.
    let _ = stream.set_nodelay(true);
    let probes = TcpKeepalive::new().with_time(PROBE_AFTER);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&probes);
    let connection = Arc::new(Connection::new(stream, Instant::now()));
    let opened = Event::Opened(flow.connection, connection.clone());
    if events.send(opened).await.is_err() {
        return;
    }
    talk(&connection, flow, &events).await;
    // Whoever is not there to hear it has ended as well.
    let _ = events.send(Event::Closed(flow.connection)).await;
}

/// Moves messages until the peer closes, errs, or is too slow.
async fn talk(connection: &Connection, flow: Flow, events: &mpsc::Sender<Event>) {
    let mut decoder = StreamDecoder::new(StreamLimits::default());
    let mut patience = Patience::new(Instant::now());
    let mut messages = Vec::new();
    let mut closing = false;
    loop {
        let Some(stands) = connection.flush_again() else { return };
        let due = patience.ends(stands);
        let readable = tokio::select! {
            ready = connection.stream.readable(), if !closing => match ready {
                Ok(()) => true,
                Err(_) => return,
            },
            ready = connection.stream.writable(), if stands.unsent.is_some() => match ready {
                Ok(()) => false,
                Err(_) => return,
            },
            () = connection.wake.notified() => false,
            () = tokio::time::sleep_until(due) => return,
        };
        if !readable {
            continue;
        }
        let read = read(&connection.stream, &mut decoder, &mut messages);
        let now = Instant::now();
        patience.read(now, !messages.is_empty(), decoder.held_bytes() > 0);
        for bytes in messages.drain(..) {
            if events.send(Event::Message(flow, bytes)).await.is_err() {
                return;
            }
        }
        if decoder.pings() > 0 {
            connection.pong();
        }
        match read {
            Read::More => {}
            Read::Closed => return,
            Read::Broken => {
                closing = true;
                patience.linger(now);
            }
        }
    }
}

/// How a read ended.
#[derive(Debug, PartialEq, Eq)]
enum Read {
    /// There may be more later.
    More,
    /// The peer closed, or the stream failed.
    Closed,
    /// No message can be found in it any more.
    Broken,
}

/// Reads once and takes the messages that are whole.
fn read(stream: &TcpStream, decoder: &mut StreamDecoder, messages: &mut Vec<Bytes>) -> Read {
    // On the stack for the moment of the read: an idle connection holds no buffer.
    let mut room = [0; 16 * 1024];
    let bytes = match stream.try_read(&mut room) {
        Ok(0) => return Read::Closed,
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Read::More,
        Err(_) => return Read::Closed,
    };
    decoder.push(room.get(..bytes).unwrap_or_default());
    loop {
        match decoder.next() {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => return Read::More,
            Err(error) => {
                // With its head the sender can be told what is wrong.
                if let StreamError::BodyTooLong { head, .. } | StreamError::ContentLength { head } =
                    error
                {
                    messages.push(head);
                }
                return Read::Broken;
            }
        }
    }
}

/// When a connection has been too slow.
struct Patience {
    /// When it was opened, or a message began; `None` while all that came is whole.
    began: Option<Instant>,
    read: Instant,
    lingers: Option<Instant>,
}

impl Patience {
    fn new(now: Instant) -> Self {
        Self { began: Some(now), read: now, lingers: None }
    }

    /// Something was read: whole messages, or part of one that is still held.
    fn read(&mut self, now: Instant, whole: bool, held: bool) {
        self.read = now;
        if whole {
            self.began = held.then_some(now);
        } else if held {
            self.began.get_or_insert(now);
        }
    }

    /// It is to be closed soon.
    fn linger(&mut self, now: Instant) {
        self.lingers = Some(now);
    }

    fn ends(&self, stands: Stands) -> Instant {
        let waits = [
            self.began.map(|at| at + MESSAGE_PATIENCE),
            stands.unsent.map(|at| at + WRITE_PATIENCE),
            stands.unbound.map(|at| at + UNBOUND_MAX),
            self.lingers.map(|at| at + LINGER),
        ];
        waits.into_iter().flatten().fold(self.read + SILENCE_MAX, Instant::min)
    }
}

#[cfg(test)]
mod tests;
