//! A line between two programs that a test can cut: a relay of TCP connections on a port of its
//! own.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// What a line does with what is said over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It carries it.
    Whole,
    /// It carries nothing and says nothing, as a cable that was pulled: connections stay open, new
    /// ones are taken, and not a byte passes until it is whole again.
    Cut,
    /// It closes every connection, and refuses new ones by closing them.
    Refusing,
}

/// A line to one server. Ends when dropped.
pub struct Link {
    _runtime: Runtime,
    port: u16,
    state: watch::Sender<State>,
}

impl Link {
    /// A line to `to`.
    pub fn to(to: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (state, watched) = watch::channel(State::Whole);
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        runtime.spawn(accept(listener, to, watched));
        Self { _runtime: runtime, port, state }
    }

    /// Its own port of the loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Nothing passes any more, and nobody is told.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Every connection is closed, and no new one gets through.
    pub fn refuse(&self) {
        self.state.send_replace(State::Refusing);
    }

    /// All passes again; what was held back arrives now.
    pub fn mend(&self) {
        self.state.send_replace(State::Whole);
    }
}

async fn accept(listener: TcpListener, to: SocketAddr, state: watch::Receiver<State>) {
    loop {
        let Ok((near, _)) = listener.accept().await else { continue };
        let state = state.clone();
        tokio::spawn(async move {
            let mut watched = state.clone();
            let closed = watched.wait_for(|state| *state == State::Refusing);
            tokio::select! {
                _ = closed => {}
                () = relay(near, to, state) => {}
            }
        });
    }
}

/// Carries one connection, both ways, until one side ends it.
async fn relay(near: TcpStream, to: SocketAddr, mut state: watch::Receiver<State>) {
    if state.wait_for(|state| *state == State::Whole).await.is_err() {
        return;
    }
    let Ok(far) = TcpStream::connect(to).await else { return };
    // What is relayed must not wait for more of it.
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    let there = carry(near_read, far_write, state.clone());
    let back = carry(far_read, near_write, state);
    tokio::select! {
        () = there => {}
        () = back => {}
    }
}

/// Carries one direction; while the line is cut, what was read is kept back.
async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut state: watch::Receiver<State>,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let Ok(count) = from.read(&mut buffer).await else { return };
        if state.wait_for(|state| *state == State::Whole).await.is_err() {
            return;
        }
        if count == 0 || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
