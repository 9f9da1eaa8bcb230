//! The sending half of a connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::packet::{Command, Packet, WireError};
use crate::phone::Phone;

/// How long a peer may take no byte before the connection ends.
const STALL_MAX: Duration = Duration::from_secs(30);

/// Sends packets for all streams of a connection, one after the other.
pub struct Link {
    phone: Arc<Phone>,
    socket: Mutex<Sender>,
    /// Ends this connection.
    pub end: CancellationToken,
    /// The largest payload that the peer takes.
    pub payload_bytes: usize,
    checksum: bool,
}

/// The socket, and what went over it.
struct Sender {
    half: OwnedWriteHalf,
    bytes: u64,
}

impl Link {
    /// A link for a peer that takes payloads of `payload_bytes`; `end` ends the connection.
    pub fn new(
        phone: Arc<Phone>,
        half: OwnedWriteHalf,
        end: CancellationToken,
        payload_bytes: usize,
        checksum: bool,
    ) -> Self {
        let socket = Mutex::new(Sender { half, bytes: 0 });
        Link { phone, socket, end, payload_bytes, checksum }
    }

    /// Whether packets carry checksums on this connection.
    pub fn has_checksum(&self) -> bool {
        self.checksum
    }

    /// Sends one packet, with the phone's faults: slow answers, and a drop in the midst of one.
    pub async fn send(
        &self,
        command: Command,
        arg0: u32,
        arg1: u32,
        payload: Vec<u8>,
    ) -> Result<(), WireError> {
        let slow = self.phone.lock().faults.slow;
        if let Some(slow) = slow.filter(|_| !matches!(command, Command::Okay | Command::Close)) {
            tokio::time::sleep(slow).await;
        }
        self.phone.thawed().await;
        let bytes = Packet { command, arg0, arg1, payload }.encode(self.checksum);
        let mut socket = self.socket.lock().await;
        let after = socket.bytes + u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let kept = self.cut(socket.bytes, after);
        let sent = bytes.get(..kept.unwrap_or(bytes.len())).unwrap_or(&bytes);
        match tokio::time::timeout(STALL_MAX, socket.half.write_all(sent)).await {
            Ok(result) => result?,
            Err(_) => return Err(self.fail("the peer takes nothing")),
        }
        socket.bytes = after;
        if kept.is_some() {
            return Err(self.fail("dropped by a fault"));
        }
        Ok(())
    }

    /// How much of what comes next may still be sent, when a fault drops the connection in it.
    fn cut(&self, before: u64, after: u64) -> Option<usize> {
        let mut state = self.phone.lock();
        let limit = state.faults.drop_after_bytes.filter(|limit| after >= *limit)?;
        state.faults.strike().then(|| usize::try_from(limit.saturating_sub(before)).unwrap_or(0))
    }

    /// Ends the connection.
    fn fail(&self, why: &'static str) -> WireError {
        self.end.cancel();
        WireError::Unexpected(why)
    }
}
