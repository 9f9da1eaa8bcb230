//! Control of simulated devices from outside, as an operator's command has it: one line there, one
//! line back.
//!
//! A client connects, writes `COMMAND ID [ARGUMENT...]` and a newline, and reads `ok`, `ok TEXT` or
//! `error REASON`, as often as it likes. There is no authentication: the socket is a file of the
//! user's, or a port of the loopback interface.
//!
//! The commands for phones, where ID is a phone's id or its name. An answer comes when the phone's
//! port has followed, not when the boot is complete.
//!
//! | Command | What it does |
//! | --- | --- |
//! | `stop ID` | switches the phone off, or stops its container |
//! | `start ID` | starts one that is off |
//! | `restart ID` | restarts it, whether it is on or not |
//! | `factory-reset ID` | wipes /data and starts it |
//! | `recreate ID [NAME=VALUE...]` | makes its container anew with these arguments, and starts it |
//! | `freeze ID`, `thaw ID` | lets nothing on it move, and again |
//! | `swap ID ADDRESS` | moves it to that address, in exchange with the phone that is there |
//! | `fault ID FAULT` | gives it these faults: a word of [`crate::phone::NAMED`], or JSON |
//! | `clear ID` | takes them away |
//!
//! The commands for cameras, where ID is a camera's 20-digit code, or `all` for all but `show`:
//!
//! | Command | What it does |
//! | --- | --- |
//! | `show ID` | answers with what the camera holds, as JSON ([`crate::camera::Held`]) |
//! | `set-name ID NAME` | somebody renames it at its web page |
//! | `set-name ID/CHANNEL NAME` | the same with one of its channels, by the channel's code |
//! | `set-password ID PASSWORD` | somebody sets its password: it registers with that at once |
//! | `set-user ID USER [PASSWORD]` | the same with its user name, and a password if one is given |
//! | `fault ID FAULT` | gives it these faults: a word of [`crate::camera::NAMED`], or JSON |
//! | `clear ID` | takes them away |
//! | `stop ID` | cuts its power: it says nothing |
//! | `start ID` | switches one on that is off |
//! | `restart ID` | restarts it, whether it is on or not: it un-registers nowhere |
//! | `register ID` | registers at once, whatever it waits for |
//! | `unregister ID` | takes itself off at its server, and stays off |
//!
//! Faults come in place of those that were there; as JSON they are [`crate::phone::Faults`] and
//! [`crate::camera::Faults`]. What came of a camera's registering, `show` tells by `registrations`,
//! `refusals` and `last_status`.
//!
//! One control may serve phones and cameras both: an id is then looked for among the phones first.

mod cameras;
mod phones;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::cameras::Hub;
use crate::phone::Phone;

/// Longest command, in bytes.
const LINE_BYTES_MAX: usize = 4096;
/// Longest answer, in bytes: that of a recorder with the most channels has less.
const ANSWER_BYTES_MAX: usize = 512 * 1024;
/// Most clients at once; the others wait.
const CLIENTS_MAX: usize = 64;
/// How long a client may take for a line, and an answer may take to come.
const LINE_MAX: Duration = Duration::from_secs(30);

/// Where a control listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlAddress {
    /// An address of the loopback interface; with port 0, some free port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for ControlAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ControlAddress::Tcp(address) => address.fmt(f),
            ControlAddress::Unix(path) => path.display().fmt(f),
        }
    }
}

impl FromStr for ControlAddress {
    type Err = ControlError;

    /// `127.0.0.1:6999`, or a path with a `/` in it.
    fn from_str(text: &str) -> Result<Self, ControlError> {
        match text.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(ControlAddress::Tcp(address)),
            Err(_) if text.contains('/') => Ok(ControlAddress::Unix(PathBuf::from(text))),
            _ => Err(ControlError::Address(text.to_owned())),
        }
    }
}

/// Why there is no control, or no good answer from one.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The address is none, or not of the loopback interface.
    #[error("'{0}' is neither a loopback address with a port nor a path with a '/'")]
    Address(String),
    /// It cannot listen there.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: ControlAddress,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nobody is there, or the connection broke.
    #[error("no answer from {address}")]
    Connect {
        /// Where.
        address: ControlAddress,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The command was refused, for this reason.
    #[error("{0}")]
    Refused(String),
}

/// What is controlled: it knows the commands.
pub(crate) trait Operated: Send + Sync + 'static {
    /// Does what a line says. Gives what is to be answered beside `ok`, or why it is not done.
    fn act(&self, line: &str) -> impl Future<Output = Result<Option<String>, String>> + Send;
}

/// Phones and cameras behind one control.
pub(crate) struct Both {
    /// The phones.
    pub phones: Arc<[Arc<Phone>]>,
    /// The cameras.
    pub cameras: Arc<Hub>,
}

impl Operated for Both {
    async fn act(&self, line: &str) -> Result<Option<String>, String> {
        let id = line.split_whitespace().nth(1).unwrap_or_default();
        if self.phones.iter().any(|phone| phone.id() == id || phone.name() == id) {
            return self.phones.act(line).await;
        }
        let camera = id.split_once('/').map_or(id, |(camera, _)| camera);
        if camera != cameras::ALL && self.cameras.with(camera, |_, _| ()).is_none() {
            return Err(format!("no phone and no camera {camera}"));
        }
        self.cameras.act(line).await
    }
}

/// Reads a fault: JSON, or a word that `named` knows.
fn fault<F: DeserializeOwned>(
    text: &str,
    named: fn(&str) -> Option<F>,
    words: &[(&str, &str)],
) -> Result<F, String> {
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|error| format!("no faults: {error}"));
    }
    named(text).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("{text:?} is no fault; {} are, and JSON", words.join(", "))
    })
}

/// A control that listens; it ends when it is dropped, or with its fleet.
#[derive(Debug)]
pub struct Control {
    address: ControlAddress,
    _stop: DropGuard,
}

/// Removes the socket's file when the control ends.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // It may be gone already, with its directory.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Control {
    /// Listens; the last control's file at a socket's path must be gone.
    pub(crate) async fn start(
        operated: impl Operated,
        stop: CancellationToken,
        tasks: &TaskTracker,
        address: &ControlAddress,
    ) -> Result<Self, ControlError> {
        let failed = |source| ControlError::Listen { address: address.clone(), source };
        let serving = Serving { operated, stop: stop.clone() };
        let bound = match address {
            ControlAddress::Tcp(wanted) if !wanted.ip().is_loopback() => {
                return Err(ControlError::Address(wanted.to_string()));
            }
            ControlAddress::Tcp(wanted) => {
                let listener = TcpListener::bind(wanted).await.map_err(failed)?;
                let bound = listener.local_addr().map_err(failed)?;
                tasks.spawn(serving.run(async move || Ok(listener.accept().await?.0)));
                ControlAddress::Tcp(bound)
            }
            ControlAddress::Unix(path) => {
                let listener = UnixListener::bind(path).map_err(failed)?;
                let file = SocketFile(path.clone());
                tasks.spawn(async move {
                    serving.run(async move || Ok(listener.accept().await?.0)).await;
                    drop(file);
                });
                ControlAddress::Unix(path.clone())
            }
        };
        Ok(Control { address: bound, _stop: stop.drop_guard() })
    }

    /// Where it listens.
    pub fn address(&self) -> &ControlAddress {
        &self.address
    }
}

/// What serves clients.
struct Serving<O> {
    operated: O,
    stop: CancellationToken,
}

impl<O: Operated> Serving<O> {
    /// Takes clients until the control ends.
    async fn run<S>(self, accept: impl AsyncFn() -> io::Result<S>)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (stop, places) = (self.stop.clone(), Arc::new(Semaphore::new(CLIENTS_MAX)));
        let own = Arc::new(self);
        loop {
            // The semaphore is never closed.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let client = tokio::select! {
                client = accept() => client,
                () = stop.cancelled() => return,
            };
            let Ok(client) = client else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let own = Arc::clone(&own);
            tokio::spawn(async move {
                tokio::select! {
                    // A client that breaks off has said what it wanted.
                    _ = own.serve(client) => {}
                    () = own.stop.cancelled() => {}
                }
                drop(place);
            });
        }
    }

    /// Answers one client until it leaves.
    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, client: S) -> io::Result<()> {
        let mut client = BufReader::new(client);
        while let Some(line) = read_line(&mut client, LINE_BYTES_MAX).await? {
            let answer = match self.operated.act(&line).await {
                Ok(None) => "ok\n".to_owned(),
                Ok(Some(text)) => format!("ok {text}\n"),
                Err(reason) => format!("error {reason}\n"),
            };
            client.write_all(answer.as_bytes()).await?;
            client.flush().await?;
        }
        Ok(())
    }
}

/// Reads a line of at most `bytes_max`; none at the end.
async fn read_line<S: AsyncRead + Unpin>(
    stream: &mut BufReader<S>,
    bytes_max: usize,
) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let most = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let mut stream = stream.take(most);
    let read = stream.read_until(b'\n', &mut line);
    tokio::time::timeout(LINE_MAX, read).await.map_err(|_| io::ErrorKind::TimedOut)??;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::InvalidData.into());
    }
    String::from_utf8(line).map(Some).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Has a control do something, such as `["restart", "phone-0001"]`; returns when it has answered,
/// with what it answered beside `ok`: mostly nothing.
pub async fn ask(address: &ControlAddress, words: &[&str]) -> Result<String, ControlError> {
    let failed = |source| ControlError::Connect { address: address.clone(), source };
    let answer = match address {
        ControlAddress::Tcp(tcp) => exchange(TcpStream::connect(tcp).await, words).await,
        ControlAddress::Unix(path) => exchange(UnixStream::connect(path).await, words).await,
    };
    let answer = answer.map_err(failed)?;
    match answer.split_once(' ') {
        None if answer == "ok" => Ok(String::new()),
        Some(("ok", text)) => Ok(text.to_owned()),
        Some(("error", reason)) => Err(ControlError::Refused(reason.to_owned())),
        _ => Err(ControlError::Refused(answer)),
    }
}

/// One line there, one line back.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: io::Result<S>,
    words: &[&str],
) -> io::Result<String> {
    let mut stream = BufReader::new(stream?);
    stream.write_all((words.join(" ") + "\n").as_bytes()).await?;
    stream.flush().await?;
    read_line(&mut stream, ANSWER_BYTES_MAX)
        .await?
        .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
