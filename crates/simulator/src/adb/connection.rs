//! One connection: the greeting, then streams until somebody ends it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::auth::{Door, TOKEN_BYTES};
use super::link::Link;
use super::packet::{
    Command, PAYLOAD_BYTES_EARLY, PAYLOAD_BYTES_MAX, Packet, VERSION_MIN, VERSION_SKIP_CHECKSUM,
    WireError,
};
use super::stream::{self, Event};
use crate::phone::Phone;

/// Most streams on a connection.
const STREAMS_MAX: usize = 16;
/// How long a client has to connect and prove who it is.
const GREETING_MAX: Duration = Duration::from_secs(20);
/// Most signatures that a client may try: one for each of its keys.
const SIGNATURES_MAX: u32 = 32;
/// Events that may wait for a stream. A peer that keeps to flow control never has more than an
/// acknowledgement, a write and a close under way.
const EVENTS_MAX: usize = 4;
/// Smallest payload that a peer must take.
const PAYLOAD_BYTES_MIN: u32 = 64;

/// AUTH's first argument.
const AUTH_TOKEN: u32 = 1;
const AUTH_SIGNATURE: u32 = 2;
const AUTH_PUBLIC_KEY: u32 = 3;

/// The streams of a connection by our id.
type Streams = Arc<Mutex<HashMap<u32, (u32, mpsc::Sender<Event>)>>>;

/// Serves a connection until the client leaves, breaks the protocol, or `session` (the boot)
/// ends.
pub(crate) async fn serve(
    phone: &Arc<Phone>,
    socket: TcpStream,
    session: CancellationToken,
) -> Result<(), WireError> {
    let end = session.child_token();
    // Small answers that somebody waits for: never worth a delay. Failing to say so costs time
    // only.
    let _ = socket.set_nodelay(true);
    let served = async {
        let (half, sender) = socket.into_split();
        let mut reader = BufReader::with_capacity(1024, half);
        let greeting = greet(phone, &mut reader, sender, end.clone());
        let Ok(link) = tokio::time::timeout(GREETING_MAX, greeting).await else {
            return Err(WireError::Unauthenticated);
        };
        streams(phone, &mut reader, Arc::new(link?)).await
    };
    tokio::select! {
        result = served => result,
        () = end.cancelled() => Ok(()),
    }
}

/// Exchanges CNXN and AUTH.
async fn greet(
    phone: &Arc<Phone>,
    reader: &mut BufReader<OwnedReadHalf>,
    sender: tokio::net::tcp::OwnedWriteHalf,
    end: CancellationToken,
) -> Result<Link, WireError> {
    let hello = Packet::read(reader, PAYLOAD_BYTES_EARLY, None).await?;
    if hello.command != Command::Connect || hello.arg0 < VERSION_MIN {
        return Err(WireError::Unexpected("no CNXN"));
    }
    if hello.arg1 < PAYLOAD_BYTES_MIN {
        return Err(WireError::Unexpected("payload limit too small"));
    }
    let checksum = hello.arg0 < VERSION_SKIP_CHECKSUM;
    let payload_bytes = usize::try_from(hello.arg1.min(PAYLOAD_BYTES_MAX)).unwrap_or(0);
    let link = Link::new(Arc::clone(phone), sender, end, payload_bytes, checksum);
    if matches!(phone.common.door, Door::Keys(_)) {
        authenticate(phone, reader, &link, checksum).await?;
    }
    let banner = banner(phone).into_bytes();
    link.send(Command::Connect, VERSION_SKIP_CHECKSUM, PAYLOAD_BYTES_MAX, banner).await?;
    Ok(link)
}

/// Sends tokens until one comes back well signed.
async fn authenticate(
    phone: &Phone,
    reader: &mut BufReader<OwnedReadHalf>,
    link: &Link,
    checksum: bool,
) -> Result<(), WireError> {
    for _ in 0..SIGNATURES_MAX {
        let token: [u8; TOKEN_BYTES] = rand::random();
        link.send(Command::Auth, AUTH_TOKEN, 0, token.to_vec()).await?;
        loop {
            let answer = Packet::read(reader, PAYLOAD_BYTES_EARLY, Some(checksum)).await?;
            match (answer.command, answer.arg0) {
                (Command::Auth, AUTH_SIGNATURE) => {
                    if phone.common.door.accepts(&token, &answer.payload) {
                        return Ok(());
                    }
                    break;
                }
                // Nobody is there to accept a new key: the client waits until it is too late.
                (Command::Auth, AUTH_PUBLIC_KEY) => {}
                _ => return Err(WireError::Unauthenticated),
            }
        }
    }
    Err(WireError::Unauthenticated)
}

/// What the phone says of itself (`protocol.txt`, "CONNECT").
fn banner(phone: &Phone) -> String {
    let state = phone.lock();
    let mut banner = "device::".to_owned();
    for name in ["ro.product.name", "ro.product.model", "ro.product.device"] {
        banner.push_str(&format!("{name}={};", state.properties.get(name)));
    }
    banner.push_str("features=shell_v2,cmd");
    banner
}

/// Reads packets and hands them to their streams.
async fn streams(
    phone: &Arc<Phone>,
    reader: &mut BufReader<OwnedReadHalf>,
    link: Arc<Link>,
) -> Result<(), WireError> {
    let streams = Streams::default();
    let mut tasks = JoinSet::new();
    let mut next_id: u32 = 1;
    let checksum = link.has_checksum();
    loop {
        let packet = Packet::read(reader, PAYLOAD_BYTES_MAX, Some(checksum)).await?;
        while tasks.try_join_next().is_some() {}
        let (remote, local) = (packet.arg0, packet.arg1);
        match packet.command {
            Command::Open => {
                let full = lock(&streams).len() >= STREAMS_MAX;
                let request = stream::Request::parse(&packet.payload);
                let (Some(request), false, true) = (request, full, remote != 0) else {
                    link.send(Command::Close, 0, remote, Vec::new()).await?;
                    continue;
                };
                let local = next_id;
                next_id = next_id.checked_add(1).unwrap_or(1);
                let (sender, events) = mpsc::channel(EVENTS_MAX);
                lock(&streams).insert(local, (remote, sender));
                let (link, phone) = (Arc::clone(&link), Arc::clone(phone));
                let streams = Arc::clone(&streams);
                tasks.spawn(async move {
                    let stream = stream::Stream { link: &link, local, remote, events };
                    if let Err(error) = stream.serve(phone, request).await {
                        tracing::debug!(%error, "stream ended");
                    }
                    lock(&streams).remove(&local);
                });
            }
            Command::Okay => deliver(&streams, local, remote, Event::Okay)?,
            Command::Write => deliver(&streams, local, remote, Event::Data(packet.payload))?,
            Command::Close => deliver(&streams, local, remote, Event::Close)?,
            Command::Connect | Command::Auth => {
                return Err(WireError::Unexpected("a second greeting"));
            }
        }
    }
}

/// Hands an event to its stream. One for a stream that is gone is late, not wrong; one too many
/// is against flow control.
fn deliver(streams: &Streams, local: u32, remote: u32, event: Event) -> Result<(), WireError> {
    let streams = lock(streams);
    let Some((known, sender)) = streams.get(&local) else { return Ok(()) };
    // A close may name no remote id (an old habit of adb's that adbd bears with).
    if *known != remote && !(remote == 0 && matches!(event, Event::Close)) {
        return Ok(());
    }
    match sender.try_send(event) {
        Err(mpsc::error::TrySendError::Full(_)) => {
            Err(WireError::Unexpected("more than flow control allows"))
        }
        _ => Ok(()),
    }
}

/// A poisoned map is whole: inserts and removals do not stop halfway.
fn lock(
    streams: &Mutex<HashMap<u32, (u32, mpsc::Sender<Event>)>>,
) -> MutexGuard<'_, HashMap<u32, (u32, mpsc::Sender<Event>)>> {
    streams.lock().unwrap_or_else(PoisonError::into_inner)
}
