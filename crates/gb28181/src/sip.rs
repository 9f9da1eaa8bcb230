//! SIP messages as bytes (RFC 3261): reading, cutting a stream into messages, and printing.
//!
//! A message is kept as it came, with a list of where each header lies in it. Header values are
//! bytes, never text: cameras put GBK into any of them, and one odd byte must not cost the rest.
//!
//! Start with [`Message`]; [`StreamDecoder`] makes messages of a TCP stream, [`uri`] and [`via`]
//! read what stands in a header, [`MessageBuilder`] prints.

mod build;
pub mod field;
mod message;
mod method;
mod name;
mod reason;
mod stream;
pub mod uri;
pub mod via;

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;

pub use build::MessageBuilder;
pub use message::{Fault, MESSAGE_BYTES_MAX, Message, ParseError, Start};
pub use method::Method;
pub use name::Name;
pub use reason::reason_phrase;
pub use stream::{StreamDecoder, StreamError, StreamLimits};

/// What carries messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// One message a datagram; transactions repeat what is lost.
    Udp,
    /// A stream of messages; nothing is repeated.
    Tcp,
}

impl Transport {
    /// Whether the transport itself delivers reliably, which switches timers E, J and K off
    /// (RFC 3261, 17.1.2.2 and 17.2.2).
    pub fn is_reliable(self) -> bool {
        self == Self::Tcp
    }
}

impl fmt::Display for Transport {
    /// As it stands in a Via: `UDP` or `TCP`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        })
    }
}

/// Where a message came from, and where an answer to it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// What carries the messages.
    pub transport: Transport,
    /// The peer's address as the socket shows it, so behind a NAT that of the NAT.
    pub remote: SocketAddr,
    /// Names one TCP connection for as long as the endpoint lives; 0 for UDP.
    pub connection: u64,
}

impl Flow {
    /// Datagrams from and to an address.
    pub fn udp(remote: SocketAddr) -> Self {
        Self { transport: Transport::Udp, remote, connection: 0 }
    }

    /// One TCP connection. Its number must never be used again for another connection.
    pub fn tcp(remote: SocketAddr, connection: u64) -> Self {
        Self { transport: Transport::Tcp, remote, connection }
    }
}

/// Bytes that the caller has to send.
#[derive(Clone, PartialEq, Eq)]
pub struct Transmit {
    /// Over what, and to whom.
    pub to: Flow,
    /// One whole message.
    pub bytes: Bytes,
}

impl fmt::Debug for Transmit {
    /// The length alone of the bytes: they may hold credentials or a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transmit").field("to", &self.to).field("bytes", &self.bytes.len()).finish()
    }
}
