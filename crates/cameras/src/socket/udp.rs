//! UDP in batches: one system call for up to 64 datagrams.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use bytes::Bytes;
use gb28181::sip::{Flow, Transmit};
use nix::errno::Errno;
use nix::sys::socket::{
    MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg, setsockopt, sockopt,
};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::canonical;
use crate::runner::Received;

/// Datagrams in one system call.
const BATCH: usize = 64;
/// System calls for one turn: the herd must not keep the runner from its other work.
const BATCHES_PER_TURN: usize = 4;
/// Bytes of the longest datagram.
const DATAGRAM_BYTES_MAX: usize = 65_535;
/// What the kernel keeps for us while we do other work: the REGISTERs of 20,000 cameras, each of
/// which it counts with some 1.3 KB.
const RECEIVE_BUFFER_BYTES: usize = 32 * 1024 * 1024;
/// And of our answers.
const SEND_BUFFER_BYTES: usize = 8 * 1024 * 1024;
/// How long a full send buffer is waited for; what then has no room is lost, as on the network.
const SEND_PATIENCE: Duration = Duration::from_millis(100);

/// The UDP socket.
pub(super) struct Udp {
    socket: UdpSocket,
    is_ipv6: bool,
    /// Room for one batch. Pages that no datagram reaches are never touched.
    room: Vec<u8>,
}

impl Udp {
    /// Listens.
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        // Only root may go over the kernel's own bound; others get as much as they may.
        if setsockopt(&socket.as_fd(), sockopt::RcvBufForce, &RECEIVE_BUFFER_BYTES).is_err() {
            socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
        }
        if setsockopt(&socket.as_fd(), sockopt::SndBufForce, &SEND_BUFFER_BYTES).is_err() {
            socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let socket = UdpSocket::from_std(socket.into())?;
        let room = vec![0; BATCH * DATAGRAM_BYTES_MAX];
        Ok(Self { socket, is_ipv6: address.is_ipv6(), room })
    }

    /// Waits until datagrams may be there.
    pub(super) async fn ready(&self) {
        // An error of the reactor comes back with the next call, and there is nothing to do.
        let _ = self.socket.readable().await;
    }

    /// Takes the datagrams that are there, a few batches at most.
    pub(super) fn take(&mut self, into: &mut Vec<Received>) {
        for _ in 0..BATCHES_PER_TURN {
            match self.take_batch(into) {
                Ok(BATCH) => {}
                Ok(_) => return,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // An ICMP error of something that was sent: it says nothing about us.
                Err(_) => {}
            }
        }
    }

    /// Takes one batch; gives how many datagrams it had.
    fn take_batch(&mut self, into: &mut Vec<Received>) -> io::Result<usize> {
        let Self { socket, room, .. } = self;
        let fd = socket.as_raw_fd();
        let found = socket.try_io(Interest::READABLE, || receive_batch(fd, room))?;
        for ((bytes, address), room) in found.iter().zip(room.chunks(DATAGRAM_BYTES_MAX)) {
            let (Some(address), Some(datagram)) = (address, room.get(..*bytes)) else { continue };
            into.push(Received::Message {
                from: Flow::udp(canonical(*address)),
                bytes: Bytes::copy_from_slice(datagram),
            });
        }
        Ok(found.len())
    }

    /// Sends all, as far as the kernel takes them.
    pub(super) async fn send(&mut self, batch: &[Transmit]) {
        let mut rest = batch;
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(rest.len().min(BATCH));
            let fd = self.socket.as_raw_fd();
            let sent =
                self.socket.try_io(Interest::WRITABLE, || send_batch(fd, chunk, self.is_ipv6));
            rest = match sent {
                Ok(sent) if sent == chunk.len() => after,
                Ok(sent) => rest.get(sent.max(1)..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let writable = self.socket.writable();
                    match tokio::time::timeout(SEND_PATIENCE, writable).await {
                        Ok(_) => rest,
                        Err(_) => return,
                    }
                }
                // The first can't be sent: too long, no route.
                Err(_) => rest.get(1..).unwrap_or_default(),
            };
        }
    }
}

/// One system call: the length and the sender of each datagram, which lie in `room` in order.
fn receive_batch(fd: i32, room: &mut [u8]) -> io::Result<Vec<(usize, Option<SocketAddr>)>> {
    let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(BATCH, None);
    let mut slices: Vec<[IoSliceMut<'_>; 1]> =
        room.chunks_mut(DATAGRAM_BYTES_MAX).map(|chunk| [IoSliceMut::new(chunk)]).collect();
    let found = recvmmsg(fd, &mut headers, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None)?;
    Ok(found.map(|one| (one.bytes, one.address.as_ref().and_then(socket_address))).collect())
}

/// One system call: how many were sent.
fn send_batch(fd: i32, batch: &[Transmit], is_ipv6: bool) -> io::Result<usize> {
    let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(batch.len(), None);
    let slices: Vec<[IoSlice<'_>; 1]> =
        batch.iter().map(|transmit| [IoSlice::new(&transmit.bytes)]).collect();
    let to: Vec<Option<SockaddrStorage>> =
        batch.iter().map(|transmit| Some(on_wire(transmit.to.remote, is_ipv6).into())).collect();
    let flags = MsgFlags::MSG_DONTWAIT;
    match sendmmsg(fd, &mut headers, &slices, &to, [], flags) {
        Ok(sent) => Ok(sent.count()),
        Err(Errno::EAGAIN) => Err(io::ErrorKind::WouldBlock.into()),
        Err(error) => Err(error.into()),
    }
}

/// An address as the socket's family writes it.
fn on_wire(address: SocketAddr, is_ipv6: bool) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if is_ipv6 => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
        _ => address,
    }
}

fn socket_address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = storage.as_sockaddr_in() {
        return Some(SocketAddr::new(v4.ip().into(), v4.port()));
    }
    storage.as_sockaddr_in6().map(|v6| SocketAddr::new(v6.ip().into(), v6.port()))
}
