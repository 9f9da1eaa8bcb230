//! Packets: a header of six little-endian words, then the payload (AOSP `protocol.txt`,
//! "ADB protocol overview").

use tokio::io::{AsyncRead, AsyncReadExt};

/// The oldest protocol version that is spoken.
pub const VERSION_MIN: u32 = 0x0100_0000;
/// The version from which on checksums are neither sent nor checked.
pub const VERSION_SKIP_CHECKSUM: u32 = 0x0100_0001;
/// The largest payload that is taken: below AOSP's 1 MiB, so that a fleet stays small.
pub const PAYLOAD_BYTES_MAX: u32 = 256 << 10;
/// The largest payload before the peers have agreed on one (`MAX_PAYLOAD_V1`).
pub const PAYLOAD_BYTES_EARLY: u32 = 4096;
/// Bytes in a header.
const HEADER_BYTES: usize = 24;

/// What a packet asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Connect,
    Auth,
    Open,
    Okay,
    Write,
    Close,
}

impl Command {
    /// The command's word on the wire.
    fn word(self) -> u32 {
        u32::from_le_bytes(match self {
            Command::Connect => *b"CNXN",
            Command::Auth => *b"AUTH",
            Command::Open => *b"OPEN",
            Command::Okay => *b"OKAY",
            Command::Write => *b"WRTE",
            Command::Close => *b"CLSE",
        })
    }

    /// Reads a command; none for one that a phone does not know (`STLS` and `SYNC` among them).
    fn from_word(word: u32) -> Option<Self> {
        use Command::{Auth, Close, Connect, Okay, Open, Write};
        [Connect, Auth, Open, Okay, Write, Close].into_iter().find(|known| known.word() == word)
    }
}

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    pub command: Command,
    pub arg0: u32,
    pub arg1: u32,
    pub payload: Vec<u8>,
}

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The socket failed, or the peer is gone.
    #[error("connection lost")]
    Socket(#[from] std::io::Error),
    /// A command that a phone does not know.
    #[error("unknown command {word:#010x}")]
    Command {
        /// The word on the wire.
        word: u32,
    },
    /// The magic word is not the command's complement.
    #[error("bad magic")]
    Magic,
    /// A payload over what was agreed.
    #[error("payload of {bytes} bytes is too long")]
    Length {
        /// The length that the header gave.
        bytes: u32,
    },
    /// The payload does not have its sum.
    #[error("bad checksum")]
    Checksum,
    /// A packet that has no place here.
    #[error("unexpected packet: {0}")]
    Unexpected(&'static str),
    /// The peer did not say who it is in time, or is not allowed in.
    #[error("not authenticated")]
    Unauthenticated,
}

impl Packet {
    /// The packet as bytes; with its checksum if asked.
    pub fn encode(&self, checksum: bool) -> Vec<u8> {
        let word = self.command.word();
        let length = u32::try_from(self.payload.len()).unwrap_or(u32::MAX);
        let sum = if checksum { sum(&self.payload) } else { 0 };
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.payload.len());
        for field in [word, self.arg0, self.arg1, length, sum, !word] {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    /// Reads one packet, with a payload of at most `bytes_max`. `checksum` tells whether the sum
    /// counts; the first packet tells for itself, by the version that it carries.
    pub async fn read(
        from: &mut (impl AsyncRead + Unpin),
        bytes_max: u32,
        checksum: Option<bool>,
    ) -> Result<Self, WireError> {
        let mut word = [0; 6];
        for field in &mut word {
            *field = from.read_u32_le().await?;
        }
        let [command_word, arg0, arg1, length, check, magic] = word;
        if magic != !command_word {
            return Err(WireError::Magic);
        }
        let command =
            Command::from_word(command_word).ok_or(WireError::Command { word: command_word })?;
        if length > bytes_max {
            return Err(WireError::Length { bytes: length });
        }
        let size = usize::try_from(length).unwrap_or(usize::MAX);
        let mut payload = vec![0; size];
        from.read_exact(&mut payload).await?;
        let version = if command == Command::Connect { arg0 } else { VERSION_MIN };
        if checksum.unwrap_or(version < VERSION_SKIP_CHECKSUM) && check != sum(&payload) {
            return Err(WireError::Checksum);
        }
        Ok(Packet { command, arg0, arg1, payload })
    }
}

/// The sum of the payload's bytes, which the protocol calls a CRC.
fn sum(payload: &[u8]) -> u32 {
    payload.iter().fold(0, |sum, byte| sum.wrapping_add(u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(command: Command, arg0: u32, payload: &[u8]) -> Packet {
        Packet { command, arg0, arg1: 7, payload: payload.to_vec() }
    }

    async fn read(bytes: &[u8], checksum: Option<bool>) -> Result<Packet, WireError> {
        Packet::read(&mut &*bytes, 64, checksum).await
    }

    #[tokio::test]
    async fn packets_survive_the_wire() {
        for (sent, checksum) in [(true, Some(true)), (false, Some(false)), (true, Some(false))] {
            let packet = packet(Command::Write, 3, b"payload");
            assert_eq!(read(&packet.encode(sent), checksum).await.unwrap(), packet);
        }
    }

    #[tokio::test]
    async fn the_first_packet_tells_whether_sums_count() {
        let old = packet(Command::Connect, VERSION_MIN, b"host::");
        assert!(matches!(read(&old.encode(false), None).await, Err(WireError::Checksum)));
        assert!(read(&old.encode(true), None).await.is_ok());
        let new = packet(Command::Connect, VERSION_SKIP_CHECKSUM, b"host::");
        assert!(read(&new.encode(false), None).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_malformed_is_refused() {
        let good = packet(Command::Okay, 1, b"").encode(false);
        let mut magic = good.clone();
        magic[20] ^= 1;
        assert!(matches!(read(&magic, Some(false)).await, Err(WireError::Magic)));
        let mut stls = good.clone();
        stls[..4].copy_from_slice(b"STLS");
        let complement = !u32::from_le_bytes(*b"STLS");
        stls[20..].copy_from_slice(&complement.to_le_bytes());
        assert!(matches!(read(&stls, Some(false)).await, Err(WireError::Command { .. })));
        let long = packet(Command::Write, 1, &[0; 65]).encode(false);
        assert!(matches!(read(&long, Some(false)).await, Err(WireError::Length { bytes: 65 })));
        assert!(matches!(read(&good[..20], Some(false)).await, Err(WireError::Socket(_))));
    }
}
