//! Control of simulated phones from outside, as an operator's command has it: one line, one answer.
//!
//! A client connects, writes `COMMAND ID [ARGUMENT...]` and a newline, and reads `ok` or
//! `error REASON`, as often as it likes. ID is a phone's id or its name. The commands:
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
//!
//! An answer comes when the phone's port has followed, not when the boot is complete. There is no
//! authentication: the socket is a file of the user's, or a port of the loopback interface.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::phone::power::Cause;
use crate::phone::{Common, Phone, Power};
use crate::phones::swap;

/// Longest line either way, in bytes.
const LINE_BYTES_MAX: usize = 4096;
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
        phones: Arc<[Arc<Phone>]>,
        common: Arc<Common>,
        address: &ControlAddress,
    ) -> Result<Self, ControlError> {
        let failed = |source| ControlError::Listen { address: address.clone(), source };
        let stop = common.stop.child_token();
        let serving = Serving { phones, stop: stop.clone() };
        let bound = match address {
            ControlAddress::Tcp(wanted) if !wanted.ip().is_loopback() => {
                return Err(ControlError::Address(wanted.to_string()));
            }
            ControlAddress::Tcp(wanted) => {
                let listener = TcpListener::bind(wanted).await.map_err(failed)?;
                let bound = listener.local_addr().map_err(failed)?;
                common.tasks.spawn(serving.run(async move || Ok(listener.accept().await?.0)));
                ControlAddress::Tcp(bound)
            }
            ControlAddress::Unix(path) => {
                let listener = UnixListener::bind(path).map_err(failed)?;
                let file = SocketFile(path.clone());
                common.tasks.spawn(async move {
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
struct Serving {
    phones: Arc<[Arc<Phone>]>,
    stop: CancellationToken,
}

impl Serving {
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
        while let Some(line) = read_line(&mut client).await? {
            let answer = match self.act(&line).await {
                Ok(()) => "ok\n".to_owned(),
                Err(reason) => format!("error {reason}\n"),
            };
            client.write_all(answer.as_bytes()).await?;
            client.flush().await?;
        }
        Ok(())
    }

    /// Does what a line says.
    async fn act(&self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [command, id, rest @ ..] = words.as_slice() else {
            return Err("expected COMMAND ID".to_owned());
        };
        let mut phones = self.phones.iter();
        let phone = phones.find(|phone| phone.id() == *id || phone.name() == *id);
        let phone = phone.ok_or_else(|| format!("no phone {id}"))?;
        match (*command, rest) {
            ("stop", []) => phone.power_off().await,
            ("start", []) if phone.power() != Power::Off => {}
            ("start" | "restart", []) => {
                phone.begin_boot(Cause::Operator);
                phone.settle().await;
            }
            ("factory-reset", []) => {
                phone.begin_factory_reset(Cause::Operator);
                phone.settle().await;
            }
            ("recreate", args) => {
                let wrong = |arg| format!("{arg} is no NAME=VALUE");
                phone.start_with(args, Cause::Operator).map_err(wrong)?;
                phone.settle().await;
            }
            ("freeze", []) => phone.freeze(),
            ("thaw", []) => phone.thaw(),
            ("swap", [address]) => {
                let address = address.parse().map_err(|_| format!("{address} is no address"))?;
                let moved = swap(&self.phones, phone, address).await;
                moved.map_err(|error| error.to_string())?;
            }
            _ => return Err(format!("unknown command, or wrong arguments: {command}")),
        }
        Ok(())
    }
}

/// Reads a line of at most [`LINE_BYTES_MAX`]; none at the end.
async fn read_line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let most = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
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

/// Has a control do something, such as `["restart", "phone-0001"]`; returns when it has answered.
pub async fn ask(address: &ControlAddress, words: &[&str]) -> Result<(), ControlError> {
    let failed = |source| ControlError::Connect { address: address.clone(), source };
    let answer = match address {
        ControlAddress::Tcp(tcp) => exchange(TcpStream::connect(tcp).await, words).await,
        ControlAddress::Unix(path) => exchange(UnixStream::connect(path).await, words).await,
    };
    match answer.map_err(failed)?.as_str() {
        "ok" => Ok(()),
        other => {
            let reason = other.strip_prefix("error ").unwrap_or(other);
            Err(ControlError::Refused(reason.to_owned()))
        }
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
    read_line(&mut stream).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
