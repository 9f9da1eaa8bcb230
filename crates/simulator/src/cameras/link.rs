//! The ways from cameras to their server: UDP sockets, shared by many cameras or a camera's own,
//! and TCP connections.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket as StdUdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gb28181::sip::{Message, StreamDecoder, StreamLimits};
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::hub::Hub;
use crate::camera::Place;

/// Longest datagram that a camera takes: a command is a tenth of that.
const DATAGRAM_BYTES_MAX: usize = 8 * 1024;
/// How many datagrams are read from a socket before others have their turn.
const TURN: usize = 64;
/// How many messages wait for a TCP connection at the most; a connection with more is given up.
const WAITING_MAX: usize = 256;
/// How long connecting, and writing one message, may take.
const TCP_MAX: Duration = Duration::from_secs(10);
/// What is read from a TCP connection at once.
const READ_BYTES: usize = 4096;

/// A camera's way to its server.
pub(super) enum Link {
    /// It has none.
    None,
    /// A socket.
    Udp {
        /// It may be shared.
        socket: Arc<UdpSocket>,
        /// Stops its reader, if it is this camera's alone.
        _own: Option<DropGuard>,
    },
    /// What takes messages for a connection. The connection closes, when all are written, as soon
    /// as this is dropped.
    Tcp(mpsc::Sender<Bytes>),
}

impl Link {
    /// A link to be connected, and where its messages come out.
    pub(super) fn tcp() -> (Self, mpsc::Receiver<Bytes>) {
        let (sender, outgoing) = mpsc::channel(WAITING_MAX);
        (Link::Tcp(sender), outgoing)
    }

    /// Sends a message; false if the way is gone.
    pub(super) fn send(&self, server: SocketAddr, bytes: Bytes) -> bool {
        match self {
            // Nothing to send on: as lost as a datagram can be.
            Link::None => true,
            Link::Udp { socket, .. } => {
                // Past Tokio, which knows of a new socket only later that it can be written. What
                // does not fit into its buffer is lost like any datagram, and repeated.
                let _ = SockRef::from(&**socket).send_to(&bytes, &server.into());
                true
            }
            Link::Tcp(sender) => sender.try_send(bytes).is_ok(),
        }
    }
}

/// The sockets of a fleet, and where others may be opened.
pub(super) struct Sockets {
    pub(super) server: SocketAddr,
    /// Where cameras' messages come from.
    home: IpAddr,
    shared: Vec<(Arc<UdpSocket>, SocketAddr)>,
    /// How many cameras have moved to another address.
    moved: AtomicU32,
}

impl Sockets {
    /// Opens `ports` UDP sockets.
    pub(super) fn open(server: SocketAddr, bind: Option<IpAddr>, ports: usize) -> io::Result<Self> {
        let home = match bind.filter(|address| !address.is_unspecified()) {
            Some(address) => address,
            None => address_towards(server)?,
        };
        let shared = (0..ports).map(|_| open_udp(home)).collect::<io::Result<_>>()?;
        Ok(Sockets { server, home, shared, moved: AtomicU32::new(0) })
    }

    /// The sockets that cameras share.
    pub(super) fn shared(&self) -> impl Iterator<Item = &Arc<UdpSocket>> {
        self.shared.iter().map(|(socket, _)| socket)
    }

    /// The socket of the camera with this index, or one of its own elsewhere.
    pub(super) fn udp(
        &self,
        hub: &Arc<Hub>,
        index: usize,
        place: Place,
    ) -> io::Result<(Link, SocketAddr)> {
        if place == Place::Home {
            let at = index.checked_rem(self.shared.len()).and_then(|at| self.shared.get(at));
            let (socket, local) = at.ok_or(io::ErrorKind::NotConnected)?;
            return Ok((Link::Udp { socket: Arc::clone(socket), _own: None }, *local));
        }
        let (socket, local) = open_udp(self.address_for(place))?;
        let stop = hub.stop.child_token();
        hub.tasks.spawn(read_udp(Arc::clone(hub), Arc::clone(&socket), stop.clone()));
        Ok((Link::Udp { socket, _own: Some(stop.drop_guard()) }, local))
    }

    /// From which address a camera there sends. There is another one only on the loopback
    /// interface, which has 127.0.0.0/8: elsewhere a camera just changes its port.
    pub(super) fn address_for(&self, place: Place) -> IpAddr {
        match (place, self.home) {
            (Place::OtherAddress, IpAddr::V4(home)) if home.is_loopback() => {
                let number = self.moved.fetch_add(1, Ordering::Relaxed) % 0xff_00;
                let [_, _, high, low] = (number + 0x100).to_be_bytes();
                Ipv4Addr::new(127, 28, high, low).into()
            }
            _ => self.home,
        }
    }
}

/// The address that the system would send from to `server`.
fn address_towards(server: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = StdUdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    Ok(socket.local_addr()?.ip())
}

/// Opens a UDP socket on some free port.
fn open_udp(address: IpAddr) -> io::Result<(Arc<UdpSocket>, SocketAddr)> {
    let socket = StdUdpSocket::bind((address, 0))?;
    socket.set_nonblocking(true)?;
    let local = socket.local_addr()?;
    Ok((Arc::new(UdpSocket::from_std(socket)?), local))
}

/// Gives cameras what comes in on a UDP socket from their server's address, until `stop`.
pub(super) async fn read_udp(hub: Arc<Hub>, socket: Arc<UdpSocket>, stop: CancellationToken) {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let ready = tokio::select! {
            ready = socket.readable() => ready,
            () = stop.cancelled() => return,
        };
        if ready.is_err() {
            return;
        }
        for _ in 0..TURN {
            match socket.try_recv_from(&mut buffer) {
                Ok((length, from)) if from.ip() == hub.server().ip() => {
                    let bytes = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
                    if let Ok(message) = Message::parse(bytes) {
                        hub.deliver(&message);
                    }
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // A port that nobody listens on, for what was sent before.
                Err(_) => {}
            }
        }
        tokio::task::yield_now().await;
    }
}

/// Connects a camera's link, and serves it until either side closes it.
pub(super) async fn run_tcp(
    hub: Arc<Hub>,
    whose: (usize, u64),
    place: Place,
    outgoing: mpsc::Receiver<Bytes>,
) {
    let stop = hub.stop.clone();
    tokio::select! {
        () = serve_tcp(&hub, whose, place, outgoing) => {}
        () = stop.cancelled() => return,
    }
    hub.act_on_link(whose, |camera, now| camera.unbound(now));
}

/// Connects, and serves until the connection is closed.
async fn serve_tcp(
    hub: &Arc<Hub>,
    whose: (usize, u64),
    place: Place,
    mut outgoing: mpsc::Receiver<Bytes>,
) {
    let connecting = connect(hub.server(), hub.address_for(place));
    let Ok(Ok(mut stream)) = tokio::time::timeout(TCP_MAX, connecting).await else { return };
    let Ok(local) = stream.local_addr() else { return };
    hub.act_on_link(whose, |camera, now| camera.bound(now, local));
    let mut decoder = StreamDecoder::new(StreamLimits::default());
    loop {
        tokio::select! {
            message = outgoing.recv() => {
                let Some(bytes) = message else {
                    // Nothing is lost if the server has closed already.
                    let _ = stream.shutdown().await;
                    return;
                };
                let written = tokio::time::timeout(TCP_MAX, stream.write_all(&bytes)).await;
                if !matches!(written, Ok(Ok(()))) {
                    return;
                }
            }
            ready = stream.readable() => {
                if ready.is_err() || !read_tcp(hub, whose, &stream, &mut decoder) {
                    return;
                }
            }
        }
    }
}

/// Connects from an address.
async fn connect(server: SocketAddr, from: IpAddr) -> io::Result<TcpStream> {
    let socket = match server {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.bind(SocketAddr::new(from, 0))?;
    let stream = socket.connect(server).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads what there is, and gives the camera the messages in it; false when the connection is over.
fn read_tcp(
    hub: &Arc<Hub>,
    whose: (usize, u64),
    stream: &TcpStream,
    decoder: &mut StreamDecoder,
) -> bool {
    // Not kept: an idle connection has no buffer.
    let mut buffer = vec![0; READ_BYTES];
    match stream.try_read(&mut buffer) {
        Ok(0) => return false,
        Ok(length) => decoder.push(buffer.get(..length).unwrap_or_default()),
        Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
    }
    loop {
        match decoder.next() {
            Ok(Some(bytes)) => {
                hub.act_on_link(whose, |camera, now| camera.receive(now, bytes));
            }
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}
