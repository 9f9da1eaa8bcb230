//! Ports for programs that can't choose one themselves.

use std::net::UdpSocket;

use anyhow::{Context, Result};

/// A UDP port of the loopback address that is free at this moment.
pub fn free_udp_port() -> Result<u16> {
    let socket = UdpSocket::bind("127.0.0.1:0").context("could not make a socket")?;
    Ok(socket.local_addr().context("could not ask for a socket's address")?.port())
}

/// A port on which nobody listens by TCP.
pub fn free_port() -> Result<u16> {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").context("could not bind a socket")?;
    Ok(socket.local_addr().context("could not ask for a socket's address")?.port())
}
