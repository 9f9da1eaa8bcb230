//! A phone's TCP port.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 64;
/// How long to wait after a failed bind or accept before it is tried again.
pub(crate) const RETRY: Duration = Duration::from_millis(20);

/// A phone's port. While it is closed the address stays bound, without listening, so that no
/// other process takes it.
#[derive(Debug)]
pub(crate) enum Port {
    Open(TcpListener),
    Closed(TcpSocket),
    /// Bound by nobody; only after a failure.
    Lost,
    /// Taken from this phone, which is about to get another.
    Away,
}

impl Port {
    /// Opens or closes the port.
    pub(crate) fn follow(self, open: bool, address: SocketAddr) -> Self {
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
    pub(crate) async fn accept(&self) -> TcpStream {
        let Port::Open(listener) = self else { return std::future::pending().await };
        loop {
            match listener.accept().await {
                Ok((socket, _)) => return socket,
                // Out of descriptors, or a peer that gave up already.
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }

    /// Binds a port that nobody listens on yet.
    pub(crate) fn bound(address: SocketAddr) -> std::io::Result<Self> {
        bind(address).map(Port::Closed)
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
