//! Something between a device and the server that spoils the offer of qop in a challenge, so that
//! whoever answers it answers in the form of RFC 2069.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};

/// What the server offers.
const OFFER: &[u8] = b"qop=\"auth\"";

/// What is left of it: a parameter that nobody knows, which is passed over (RFC 2617, 3.2.1).
const SPOILT: &[u8] = b"xop=\"auth\"";

/// The relay. Its threads end with the test's process.
pub struct Relay(SocketAddr);

impl Relay {
    /// Passes on what comes for the server.
    pub fn start(server: SocketAddr, is_tcp: bool) -> Self {
        Self(if is_tcp { over_tcp(server) } else { over_udp(server) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0
    }
}

/// Datagrams of one device's socket at a time.
fn over_udp(server: SocketAddr) -> SocketAddr {
    let socket = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let front = socket();
    let address = front.local_addr().expect("an address");
    // Each sender has a socket of its own towards the server, as behind an address translation.
    std::thread::spawn(move || {
        let mut ways: std::collections::BTreeMap<SocketAddr, UdpSocket> = Default::default();
        let mut buffer = vec![0; 65_536];
        while let Ok((length, from)) = front.recv_from(&mut buffer) {
            let way = ways.entry(from).or_insert_with(|| {
                let back = socket();
                back.connect(server).expect("a server");
                let (answers, front) =
                    (back.try_clone().expect("a socket"), front.try_clone().expect("a socket"));
                std::thread::spawn(move || {
                    let mut buffer = vec![0; 65_536];
                    while let Ok(length) = answers.recv(&mut buffer) {
                        spoil(&mut buffer[..length]);
                        let _ = front.send_to(&buffer[..length], from);
                    }
                });
                back
            });
            let _ = way.send(&buffer[..length]);
        }
    });
    address
}

/// Connections, each with one of its own to the server.
fn over_tcp(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for front in listener.incoming() {
            let Ok(front) = front else { return };
            let Ok(back) = TcpStream::connect(server) else { return };
            let clone = |stream: &TcpStream| stream.try_clone().expect("a socket");
            let (to_front, from_back) = (clone(&front), clone(&back));
            std::thread::spawn(move || pass(front, back, false));
            std::thread::spawn(move || pass(from_back, to_front, true));
        }
    });
    address
}

/// Passes on one direction of a connection until it ends.
fn pass(mut from: TcpStream, mut to: TcpStream, spoils: bool) {
    let mut held: Vec<u8> = Vec::new();
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        held.extend_from_slice(&buffer[..length]);
        let mut kept = 0;
        if spoils {
            spoil(&mut held);
            // An offer may have been cut in two.
            kept = (1..OFFER.len()).rev().find(|kept| held.ends_with(&OFFER[..*kept])).unwrap_or(0);
        }
        let rest = held.split_off(held.len() - kept);
        if to.write_all(&held).is_err() {
            break;
        }
        held = rest;
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

/// Spoils every offer in here.
fn spoil(bytes: &mut [u8]) {
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(OFFER.len()).position(|window| window == OFFER) {
        at += found;
        bytes[at..at + SPOILT.len()].copy_from_slice(SPOILT);
    }
}
