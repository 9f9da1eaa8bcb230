//! The listener over real sockets: what it serves, and what it closes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail it by panicking"
)]

#[path = "listener/hostile.rs"]
mod hostile;
#[path = "listener/served.rs"]
mod served;
#[path = "listener/tls.rs"]
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api::listener::{Drained, Limits, Listener, Options, PeerAddr};
use axum::extract::Extension;
use axum::routing::get;
use axum::{Router, body::Body};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// No step of a test takes longer; a test that hangs fails by it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A listener at work, with handlers that tests can hold.
struct Serving {
    address: SocketAddr,
    shutdown: CancellationToken,
    ended: JoinHandle<Drained>,
    /// `/hold` tells here that it has begun ...
    begun: Arc<Semaphore>,
    /// ... and answers once it is let.
    release: Arc<Notify>,
    /// `/flood` tells here that its answer was dropped.
    flood_dropped: Arc<Semaphore>,
}

/// Limits short enough for a test, long enough for a busy machine.
fn short() -> Limits {
    Limits {
        header_timeout: Duration::from_millis(500),
        idle_timeout: Duration::from_millis(1000),
        handshake_timeout: Duration::from_millis(500),
        stall_timeout: Duration::from_millis(500),
        ..Limits::default()
    }
}

/// Serves with these limits.
async fn serve(limits: Limits, tls: Option<Arc<ServerConfig>>) -> Serving {
    let mut options = Options::new("127.0.0.1:0".parse().unwrap());
    options.limits = limits;
    options.tls = tls;
    let listener = Listener::bind(options).await.unwrap();
    let (address, shutdown) = (listener.local_addr(), CancellationToken::new());
    let (begun, release) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
    let flood_dropped = Arc::new(Semaphore::new(0));
    let (on_hold, on_release, on_flood) = (begun.clone(), release.clone(), flood_dropped.clone());
    let router = Router::new()
        .route(
            "/peer",
            get(|Extension(PeerAddr(peer))| async move { SocketAddr::to_string(&peer) }),
        )
        .route("/panic", get(async || -> &'static str { panic!("a handler's bug") }))
        .route(
            "/hold",
            get(async move || {
                on_hold.add_permits(1);
                on_release.notified().await;
                "released"
            }),
        )
        .route("/flood", get(async move || flood(on_flood)));
    let ended = tokio::spawn(listener.run(router, shutdown.clone()));
    Serving { address, shutdown, ended, begun, release, flood_dropped }
}

impl Serving {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A connection on which `/hold` is being handled.
    async fn hold(&self) -> TcpStream {
        let mut stream = self.connect().await;
        send(&mut stream, "/hold").await;
        timeout(PATIENCE, self.begun.acquire()).await.unwrap().unwrap().forget();
        stream
    }

    async fn stop(self) -> Drained {
        self.shutdown.cancel();
        timeout(PATIENCE, self.ended).await.unwrap().unwrap()
    }
}

/// Adds a permit when dropped.
struct Tell(Arc<Semaphore>);

impl Drop for Tell {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

/// A body without end.
fn flood(dropped: Arc<Semaphore>) -> Body {
    let tell = Tell(dropped);
    let chunk = axum::body::Bytes::from(vec![b'x'; 64 * 1024]);
    Body::from_stream(futures_util::stream::repeat_with(move || {
        let _ = &tell;
        Ok::<_, std::convert::Infallible>(chunk.clone())
    }))
}

/// Sends a GET.
async fn send<S: tokio::io::AsyncWrite + Unpin>(stream: &mut S, path: &str) {
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
}

/// Reads one answer whose body ends with `last`, and no more.
async fn answer<S: AsyncRead + Unpin>(stream: &mut S, last: &str) -> String {
    let mut text = Vec::new();
    let reading = async {
        while !text.ends_with(last.as_bytes()) {
            let byte = stream.read_u8().await;
            text.push(byte.unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&text))));
        }
    };
    timeout(PATIENCE, reading).await.unwrap();
    String::from_utf8(text).unwrap()
}

/// Reads until the server closes; a reset counts as that.
async fn until_closed<S: AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut bytes = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    let _ = read.expect("the server did not close the connection");
    String::from_utf8_lossy(&bytes).into_owned()
}
