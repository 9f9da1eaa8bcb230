//! The accept loop: where every connection of the doors begins, and what bounds it.
//!
//! HTTP/1.1, in the clear or over TLS, on hyper; one request at a time on a connection, so that
//! bounding connections bounds all that strangers can hold. A public control plane is attacked
//! here first, so each connection has a place in a bounded number, a time by which its headers
//! must be there, a time that it may idle, a time that it may leave an answer unread, and a size
//! that its headers may have. Bodies are bounded by [`read_body`], which the doors call.
//!
//! Nothing queues without bound: over the cap a connection gets a plain 503 and is closed.

mod activity;
mod body;
mod connection;
mod proxy;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

pub use body::{BodyError, read_body};
use connection::{Service, refuse};
pub use proxy::{ProxyError, TrustedProxy, client_address};

/// Open connections: about 300 MB when all are busy, and below the 20,000 file descriptors that
/// a service is commonly given.
pub const CONNECTIONS_MAX: usize = 16_384;

/// Bytes of a request line and its headers. A token of the vendor has up to 8 kB; 32 kB is what
/// its gateway lets through.
pub const HEADER_BYTES_MAX: usize = 32 * 1024;

/// From the first byte of a request (or from the start of a connection) to the end of its
/// headers. An honest client sends them in one packet.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Between two requests. SDKs and Terraform poll jobs each 10 s, and a connection that closes
/// under a client costs it a failed POST, so this is longer than usual polling.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// For the TLS handshake: two round trips.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take nothing of an answer that waits for it.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(20);

/// How long open requests may take to end once the server is told to stop: below the 90 s after
/// which systemd kills.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// For a whole request body to arrive, by [`read_body`]: 12 MB at 3.2 Mbit/s.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Connections that are being told 503 at one time; over it they are closed without a word.
const REFUSALS_MAX: usize = 64;

/// First and longest pause after `accept` fails for want of file descriptors or memory, which
/// only a connection's end can cure: without a pause the loop would spin.
const ACCEPT_PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// The address of a request's peer (a proxy, where there is one); in every request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// Cancelled when the server is told to stop; in every request's extensions. An answer that would
/// go on for ever ends with it.
#[derive(Debug, Clone)]
pub struct Stopping(pub CancellationToken);

/// What a connection may take. The defaults are the constants of this module.
#[derive(Debug, Clone)]
pub struct Limits {
    /// See [`CONNECTIONS_MAX`].
    pub connections_max: usize,
    /// See [`HEADER_BYTES_MAX`]; at least 8 kB. Also the size of a connection's buffers.
    pub header_bytes_max: usize,
    /// See [`HEADER_TIMEOUT`].
    pub header_timeout: Duration,
    /// See [`IDLE_TIMEOUT`].
    pub idle_timeout: Duration,
    /// See [`HANDSHAKE_TIMEOUT`].
    pub handshake_timeout: Duration,
    /// See [`STALL_TIMEOUT`].
    pub stall_timeout: Duration,
    /// See [`DRAIN_TIMEOUT`].
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: CONNECTIONS_MAX,
            header_bytes_max: HEADER_BYTES_MAX,
            header_timeout: HEADER_TIMEOUT,
            idle_timeout: IDLE_TIMEOUT,
            handshake_timeout: HANDSHAKE_TIMEOUT,
            stall_timeout: STALL_TIMEOUT,
            drain_timeout: DRAIN_TIMEOUT,
        }
    }
}

/// Where and how to listen.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// TLS, by [`crate::tls::server_config`]; `None` is plain HTTP.
    pub tls: Option<Arc<ServerConfig>>,
    /// Allows plain HTTP on an address that isn't loopback.
    pub plain_http: bool,
    /// What connections may take.
    pub limits: Limits,
}

impl Options {
    /// Plain HTTP on a loopback address, with the default limits.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, tls: None, plain_http: false, limits: Limits::default() }
    }
}

/// Why listening didn't begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Plain HTTP would be open to the network.
    #[error(
        "refusing plain HTTP on {address}, which is not loopback: set a certificate, or allow \
         plain HTTP explicitly"
    )]
    PlainHttp {
        /// The address.
        address: SocketAddr,
    },
    /// The operating system refused.
    #[error("cannot listen on {address}{}", advice(source))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// What to do about an address that can't be had.
fn advice(why: &io::Error) -> &'static str {
    match why.kind() {
        io::ErrorKind::AddrInUse => {
            " (end what listens there, or set http.listen, --http ADDR, to another)"
        }
        io::ErrorKind::AddrNotAvailable => {
            " (set http.listen, --http ADDR, to an address of this machine, or to 0.0.0.0 for all)"
        }
        io::ErrorKind::PermissionDenied => {
            " (a port below 1024 takes a capability: docs/operate/install.md)"
        }
        _ => "",
    }
}

/// How a listener ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were cut off because their requests hadn't ended in time.
    pub cut_off: usize,
}

/// A bound socket that accepts nothing yet.
#[derive(Debug)]
pub struct Listener {
    /// The socket.
    socket: TcpListener,
    /// Its address, the port known.
    address: SocketAddr,
    /// What it was bound with.
    options: Options,
}

impl Listener {
    /// Binds the address. Connections wait in the kernel's queue until [`Listener::run`].
    ///
    /// # Errors
    /// An address that is taken or not ours, and plain HTTP off loopback without leave.
    pub async fn bind(options: Options) -> Result<Self, Error> {
        let address = options.address;
        if options.tls.is_none() && !address.ip().is_loopback() && !options.plain_http {
            return Err(Error::PlainHttp { address });
        }
        let failed = |source| Error::Bind { address, source };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address, options })
    }

    /// The address that is bound, with the true port.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Accepts and serves until `shutdown`; then takes no more, lets open requests end for
    /// [`Limits::drain_timeout`], cuts off the rest, and returns.
    pub async fn run(self, router: Router, shutdown: CancellationToken) -> Drained {
        let Self { socket, options: Options { tls, limits, .. }, .. } = self;
        let drain_timeout = limits.drain_timeout;
        let mut tasks = Tasks {
            open: JoinSet::new(),
            places: Arc::new(Semaphore::new(limits.connections_max)),
            refusals: Arc::new(Semaphore::new(REFUSALS_MAX)),
            speaks_plain: tls.is_none(),
            service: Arc::new(Service::new(router, tls, limits, shutdown.clone())),
        };
        let mut pause = None;
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(ended) = tasks.open.join_next() => report(ended),
                accepted = socket.accept() => match accepted {
                    Ok((stream, peer)) => {
                        pause = None;
                        tasks.admit(stream, peer);
                    }
                    Err(error) => {
                        pause = next_pause(&error, pause);
                        if let Some(pause) = pause {
                            tracing::warn!(%error, "cannot accept connections");
                            shutdown.run_until_cancelled(sleep(pause)).await;
                        }
                    }
                },
            }
        }
        drop(socket);
        tasks.drain(drain_timeout).await
    }
}

/// The connections that are open.
struct Tasks {
    /// One task each.
    open: JoinSet<()>,
    /// Room for connections.
    places: Arc<Semaphore>,
    /// Room for connections that are being refused.
    refusals: Arc<Semaphore>,
    /// Whether a refusal in plain HTTP would be understood.
    speaks_plain: bool,
    /// What serves each.
    service: Arc<Service>,
}

impl Tasks {
    /// Serves a connection if there is a place, else refuses it.
    fn admit(&mut self, stream: TcpStream, peer: SocketAddr) {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            let service = self.service.clone();
            self.open.spawn(async move {
                service.serve(stream, peer).await;
                drop(place);
            });
            return;
        }
        metrics::counter!("fleetwright_http_connections_refused_total").increment(1);
        // Over TLS a handshake would come first: work that a full server doesn't take on.
        if self.speaks_plain
            && let Ok(refusal) = self.refusals.clone().try_acquire_owned()
        {
            self.open.spawn(async move {
                refuse(stream).await;
                drop(refusal);
            });
        }
    }

    /// Waits for all connections to end, at most `limit`.
    async fn drain(mut self, limit: Duration) -> Drained {
        let all_ended = async {
            while let Some(ended) = self.open.join_next().await {
                report(ended);
            }
        };
        if timeout(limit, all_ended).await.is_ok() {
            return Drained { cut_off: 0 };
        }
        let cut_off = self.open.len();
        tracing::warn!(cut_off, "connections were cut off: their requests did not end in time");
        self.open.shutdown().await;
        Drained { cut_off }
    }
}

/// Notes a connection whose task panicked; its client saw the connection close.
fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection's task panicked");
    }
}

/// How long to wait after a failed `accept`. An error of the one connection needs no wait; any
/// other doubles the `last` one.
fn next_pause(error: &io::Error, last: Option<Duration>) -> Option<Duration> {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    let (first, longest) = ACCEPT_PAUSES;
    match error.kind() {
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted => None,
        _ => Some(last.map_or(first, |last| (last * 2).min(longest))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn want_of_descriptors_pauses_ever_longer_and_a_lost_connection_does_not() {
        let emfile = io::Error::from_raw_os_error(24);
        let mut pause = None;
        let mut pauses_ms = Vec::new();
        for _ in 0..9 {
            pause = next_pause(&emfile, pause);
            pauses_ms.push(pause.unwrap().as_millis());
        }
        assert_eq!(pauses_ms, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        let aborted = io::Error::from(io::ErrorKind::ConnectionAborted);
        assert_eq!(next_pause(&aborted, pause), None);
    }

    #[tokio::test]
    async fn plain_http_off_loopback_needs_leave() {
        let mut options = Options::new("0.0.0.0:0".parse().unwrap());
        let refused = Listener::bind(options.clone()).await.unwrap_err();
        assert!(refused.to_string().starts_with("refusing plain HTTP on 0.0.0.0:0"), "{refused}");
        options.plain_http = true;
        assert_ne!(Listener::bind(options).await.unwrap().local_addr().port(), 0);
    }

    #[tokio::test]
    async fn a_taken_address_is_named() {
        let first = Listener::bind(Options::new("127.0.0.1:0".parse().unwrap())).await.unwrap();
        let address = first.local_addr();
        let error = Listener::bind(Options::new(address)).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot listen on {address} (end what")), "{error}");
        let why = |kind: io::ErrorKind| advice(&kind.into());
        assert!(why(io::ErrorKind::AddrNotAvailable).contains("of this machine"));
        assert!(why(io::ErrorKind::PermissionDenied).contains("docs/operate/install.md"));
        assert_eq!(why(io::ErrorKind::OutOfMemory), "");
    }
}
