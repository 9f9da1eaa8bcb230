//! One stream: a shell command, or one of the few other services.
//!
//! Flow control (`protocol.txt`): after each WRITE its sender waits for a READY (`OKAY`).

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::link::Link;
use super::packet::{Command, WireError};
use crate::phone::Phone;
use crate::phone::session::Session;
use crate::shell::{self, Chunk, Stdin, System};

/// Pieces of output that may wait between a script and its stream.
const CHUNKS_MAX: usize = 4;
/// Longest service name (as the shell bounds its scripts, with room for `shell,v2,...:`).
const SERVICE_BYTES_MAX: usize = shell::SCRIPT_BYTES_MAX + 256;

/// Packets of shell,v2 (AOSP `shell_protocol.h`).
const ID_STDIN: u8 = 0;
const ID_STDOUT: u8 = 1;
const ID_STDERR: u8 = 2;
const ID_EXIT: u8 = 3;
const ID_CLOSE_STDIN: u8 = 4;

/// What happens to a stream.
#[derive(Debug)]
pub enum Event {
    /// The peer took our last write.
    Okay,
    /// The peer wrote this.
    Data(Vec<u8>),
    /// The peer closed the stream.
    Close,
}

/// What a client opens.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// `shell`, `shell,v2` and `exec` with a command.
    Shell {
        /// shell,v2: framed, both outputs apart, with the exit code.
        framed: bool,
        /// A terminal was asked for: both outputs are one.
        terminal: bool,
        script: Vec<u8>,
    },
    /// A service that only says something.
    Say { text: &'static str },
    /// `reboot:`.
    Reboot,
}

impl Request {
    /// Reads a service's name; none for one that a phone refuses by closing the stream: `sync:`,
    /// `reboot:bootloader`, forwards, and whatever is unknown.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let end = payload.iter().position(|byte| *byte == 0).unwrap_or(payload.len());
        let service = payload.get(..end)?;
        if service.len() > SERVICE_BYTES_MAX {
            return None;
        }
        let colon = service.iter().position(|byte| *byte == b':')?;
        let (name, argument) = (service.get(..colon)?, service.get(colon + 1..)?);
        let mut words = name.split(|byte| *byte == b',');
        let kind = words.next()?;
        let has = |wanted: &[u8]| name.split(|byte| *byte == b',').any(|word| word == wanted);
        Some(match (kind, argument) {
            (b"shell", []) => {
                let text = "interactive shells are not simulated: give a command\n";
                if has(b"v2") {
                    let script = format!("printf '%s\\n' '{}' >&2; exit 1", text.trim_end());
                    let script = script.into_bytes();
                    return Some(Request::Shell { framed: true, terminal: false, script });
                }
                Request::Say { text }
            }
            (b"shell", script) => Request::Shell {
                framed: has(b"v2"),
                terminal: has(b"pty"),
                script: script.to_vec(),
            },
            (b"exec", script) if !script.is_empty() => {
                Request::Shell { framed: false, terminal: false, script: script.to_vec() }
            }
            (b"reboot", []) => Request::Reboot,
            (b"root", []) => {
                Request::Say { text: "adbd cannot run as root in production builds\n" }
            }
            (b"unroot", []) => Request::Say { text: "adbd not running as root\n" },
            _ => return None,
        })
    }
}

/// An open stream.
pub struct Stream<'l> {
    pub link: &'l Link,
    pub local: u32,
    pub remote: u32,
    pub events: mpsc::Receiver<Event>,
}

impl Stream<'_> {
    /// Serves the stream to its end.
    pub async fn serve(self, phone: Arc<Phone>, request: Request) -> Result<(), WireError> {
        match request {
            Request::Shell { framed, terminal, script } => {
                let Ok(place) = Arc::clone(&phone.scripts).try_acquire_owned() else {
                    return self.send(Command::Close, Vec::new()).await;
                };
                self.send(Command::Okay, Vec::new()).await?;
                let stdin = Arc::new(Stdin::default());
                let (sender, pieces) = mpsc::channel(CHUNKS_MAX);
                let (input, connection) = (Arc::clone(&stdin), self.link.end.clone());
                let boot = phone.lock().session.clone();
                let tasks = phone.common.tasks.clone();
                let session = Session::new(phone, &script, connection.clone());
                let system: Arc<dyn System> = Arc::new(session);
                // As on a phone, a command whose client left finds its input at an end and dies
                // when it next writes; a boot ends it at once, and so does a fault that drops
                // the connection.
                tasks.spawn(async move {
                    let output = sender.clone();
                    let hang_up = async {
                        output.closed().await;
                        input.close();
                        std::future::pending::<()>().await;
                    };
                    tokio::select! {
                        () = shell::run(system, &script, Arc::clone(&input), sender) => {}
                        () = hang_up => {}
                        () = boot.cancelled() => {}
                        () = connection.cancelled() => {}
                    }
                    drop(place);
                });
                let frames = Frames { framed, terminal, out: VecDeque::new() };
                self.relay(pieces, stdin, frames).await
            }
            Request::Say { text } => {
                self.send(Command::Okay, Vec::new()).await?;
                let (sender, pieces) = mpsc::channel(2);
                // Two places for two pieces: neither can fail.
                let _ = sender.try_send(Chunk::Stdout(text.into()));
                let _ = sender.try_send(Chunk::Exit(0));
                let frames = Frames { framed: false, terminal: false, out: VecDeque::new() };
                self.relay(pieces, Arc::default(), frames).await
            }
            Request::Reboot => {
                self.send(Command::Okay, Vec::new()).await?;
                self.send(Command::Close, Vec::new()).await?;
                phone.told_to_reboot();
                Ok(())
            }
        }
    }

    /// Sends a packet of this stream.
    async fn send(&self, command: Command, payload: Vec<u8>) -> Result<(), WireError> {
        self.link.send(command, self.local, self.remote, payload).await
    }

    /// Carries output out and input in until the command has ended and all is said.
    async fn relay(
        mut self,
        mut pieces: mpsc::Receiver<Chunk>,
        stdin: Arc<Stdin>,
        mut frames: Frames,
    ) -> Result<(), WireError> {
        let mut input = Input::default();
        // A write of ours is not yet acknowledged; one of theirs is not yet.
        let (mut waiting, mut owed) = (false, false);
        let mut ended = false;
        loop {
            if !waiting && !frames.out.is_empty() {
                let payload = frames.take(self.link.payload_bytes);
                self.send(Command::Write, payload).await?;
                waiting = true;
            } else if !waiting && ended {
                return self.send(Command::Close, Vec::new()).await;
            }
            let room = frames.out.len() < self.link.payload_bytes;
            tokio::select! {
                event = self.events.recv() => match event {
                    Some(Event::Okay) => waiting = false,
                    Some(Event::Data(_)) if owed => {
                        return Err(WireError::Unexpected("a write before its turn"));
                    }
                    Some(Event::Data(bytes)) => {
                        if frames.framed {
                            input.decode(&bytes, &stdin);
                        } else {
                            stdin.push(&bytes);
                        }
                        owed = true;
                    }
                    Some(Event::Close) | None => {
                        stdin.close();
                        return self.send(Command::Close, Vec::new()).await;
                    }
                },
                piece = pieces.recv(), if room && !ended => {
                    ended |= frames.add(piece);
                    // What comes at once goes out at once, in one packet.
                    tokio::task::yield_now().await;
                    while let Ok(piece) = pieces.try_recv() {
                        ended |= frames.add(Some(piece));
                    }
                }
                () = stdin.room(), if owed => {
                    self.send(Command::Okay, Vec::new()).await?;
                    owed = false;
                }
            }
        }
    }
}

/// Output on its way into packets.
struct Frames {
    framed: bool,
    terminal: bool,
    out: VecDeque<u8>,
}

impl Frames {
    /// Adds a piece; true when it was the last. A command that vanished without a status closes
    /// the stream without one.
    fn add(&mut self, piece: Option<Chunk>) -> bool {
        match piece {
            Some(Chunk::Stdout(bytes)) => self.frame(ID_STDOUT, &bytes),
            Some(Chunk::Stderr(bytes)) => {
                self.frame(if self.terminal { ID_STDOUT } else { ID_STDERR }, &bytes);
            }
            Some(Chunk::Exit(status)) => {
                if self.framed {
                    self.frame(ID_EXIT, &[status]);
                }
                return true;
            }
            None => return true,
        }
        false
    }

    /// Adds bytes, in the frame that shell,v2 gives them.
    fn frame(&mut self, id: u8, bytes: &[u8]) {
        if self.framed {
            self.out.push_back(id);
            self.out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        }
        self.out.extend(bytes);
    }

    /// Takes a payload's worth.
    fn take(&mut self, bytes_max: usize) -> Vec<u8> {
        let count = self.out.len().min(bytes_max);
        self.out.drain(..count).collect()
    }
}

/// The place in a client's shell,v2 packets, which writes may cut anywhere.
#[derive(Default)]
struct Input {
    header: Vec<u8>,
    left: usize,
}

impl Input {
    /// Takes some bytes of the stream; input goes to `stdin`, window sizes nowhere.
    fn decode(&mut self, bytes: &[u8], stdin: &Stdin) {
        let mut bytes = bytes;
        loop {
            if self.header.len() < 5 {
                let missing = (5 - self.header.len()).min(bytes.len());
                let (head, rest) = bytes.split_at_checked(missing).unwrap_or_default();
                self.header.extend_from_slice(head);
                bytes = rest;
                let &[_, a, b, c, d] = self.header.as_slice() else { return };
                self.left = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(0);
            }
            let (data, rest) = bytes.split_at_checked(self.left).unwrap_or((bytes, &[]));
            self.left -= data.len();
            bytes = rest;
            match self.header.first() {
                Some(&ID_STDIN) => stdin.push(data),
                Some(&ID_CLOSE_STDIN) => stdin.close(),
                _ => {}
            }
            if self.left > 0 {
                return;
            }
            self.header.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(framed: bool, terminal: bool, script: &str) -> Option<Request> {
        Some(Request::Shell { framed, terminal, script: script.into() })
    }

    #[test]
    fn services_are_read_as_adb_sends_them() {
        for (service, expect) in [
            ("shell,v2,raw:echo a:b,c", shell(true, false, "echo a:b,c")),
            ("shell,v2,TERM=xterm,raw:id\0", shell(true, false, "id")),
            ("shell,v2,pty:id", shell(true, true, "id")),
            ("shell:id", shell(false, false, "id")),
            ("exec:id", shell(false, false, "id")),
            ("reboot:", Some(Request::Reboot)),
            ("reboot:bootloader", None),
            ("sync:", None),
            ("tcp:80", None),
            ("exec:", None),
            ("", None),
        ] {
            assert_eq!(Request::parse(service.as_bytes()), expect, "{service}");
        }
        for service in ["root:", "unroot:", "shell:"] {
            let request = Request::parse(service.as_bytes());
            assert!(matches!(request, Some(Request::Say { .. })), "{service}");
        }
        let long = format!("shell:{}", "x".repeat(SERVICE_BYTES_MAX));
        assert_eq!(Request::parse(long.as_bytes()), None);
    }

    #[tokio::test]
    async fn input_is_read_however_it_is_cut() {
        let mut sent = vec![ID_STDIN, 3, 0, 0, 0, b'a', b'b', b'c', 5, 2, 0, 0, 0, b'x', b'x'];
        sent.extend([ID_STDIN, 1, 0, 0, 0, b'd', ID_CLOSE_STDIN, 0, 0, 0, 0]);
        for size in 1..sent.len() {
            let (stdin, mut input) = (Stdin::default(), Input::default());
            for piece in sent.chunks(size) {
                input.decode(piece, &stdin);
            }
            assert_eq!(stdin.chunk().await.as_deref(), Some(b"abcd".as_slice()), "{size}");
            assert_eq!(stdin.chunk().await, None, "{size}");
        }
    }
}
