//! The wire of real sockets: UDP and TCP on one port.

mod tcp;
mod udp;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use gb28181::sip::{Transmit, Transport};

use crate::runner::{Received, Wire};
use tcp::Tcp;
use udp::Udp;

/// How often a port is sought that is free for both.
const PORT_ATTEMPTS: usize = 64;

/// Why the sockets can't be made.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// UDP.
    #[error("the UDP socket can't be made")]
    Udp(#[source] io::Error),
    /// TCP.
    #[error("the TCP socket can't be made")]
    Tcp(#[source] io::Error),
}

/// Both sockets.
pub(crate) struct Sockets {
    address: SocketAddr,
    udp: Udp,
    tcp: Tcp,
}

impl Sockets {
    /// Listens on both; port 0 stands for one that is free for both.
    pub(crate) fn bind(listen: SocketAddr, connections_max: usize) -> Result<Self, SocketError> {
        let mut attempts = 0;
        loop {
            let listener = tcp::listen(listen).map_err(SocketError::Tcp)?;
            let address = listener.local_addr().map_err(SocketError::Tcp)?;
            attempts += 1;
            match Udp::bind(address) {
                Ok(udp) => {
                    let tcp = Tcp::start(listener, connections_max);
                    return Ok(Self { address, udp, tcp });
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && listen.port() == 0 => {
                    if attempts >= PORT_ATTEMPTS {
                        return Err(SocketError::Udp(error));
                    }
                }
                Err(error) => return Err(SocketError::Udp(error)),
            }
        }
    }
}

impl Wire for Sockets {
    fn address(&self) -> SocketAddr {
        self.address
    }

    async fn receive(&mut self, into: &mut Vec<Received>) {
        let before = into.len();
        while into.len() == before {
            tokio::select! {
                () = self.udp.ready() => self.udp.take(into),
                () = self.tcp.ready() => self.tcp.take(into),
            }
        }
    }

    fn carries(&mut self, connection: u64, live: bool) {
        self.tcp.carries(connection, live);
    }

    async fn send(&mut self, batch: &mut Vec<Transmit>) {
        batch.retain(|transmit| match transmit.to.transport {
            Transport::Udp => true,
            Transport::Tcp => {
                self.tcp.send(transmit);
                false
            }
        });
        if !batch.is_empty() {
            self.udp.send(batch).await;
            batch.clear();
        }
    }
}

/// The address of ours that the kernel would speak to a peer from. Nothing is sent.
pub(crate) fn address_towards(remote: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match remote {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    // Any port but 0 will do: connecting UDP only looks the route up.
    socket.connect((remote, 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// An IPv4 peer of an IPv6 socket as the IPv4 address that it is.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests;
