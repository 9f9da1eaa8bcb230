//! Phones over ADB: the one file that knows `libadb`.
//!
//! The protocol is AOSP's (`packages/modules/adb/protocol.txt` and `docs/dev/`): `CNXN`, then
//! `AUTH` by RSA signature or `STLS`, then one `shell,v2,raw:` stream a script.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fleet::Secret;
use futures_util::FutureExt;
use libadb::auth::Authenticator;
use libadb::error::{AuthError, Error as AdbError};
use libadb::keys::rsa::rand_core::OsRng;
use libadb::shell::v2::{self, Frame};
use libadb::transport::tls::MaybeTls;
use libadb::{
    AdbKey, Connection, ConnectionConfig, Feature, TlsClientConfig, TlsIdentity, TokioTcp,
};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::answer::words;
use crate::link::{LinkError, OUTPUT_BYTES_MAX, PhoneLink, PhoneSession, ShellOutput};

/// A connection: one stream at a time (a second slot for the one that is just closing), and room
/// for a banner of today's size twice over.
type Wire = Connection<MaybeTls<TokioTcp>, 2, 16, 48>;

/// Bytes of one message, either way: adbd takes no longer ones than it may send. Room for a script
/// of [`crate::script::SCRIPT_BYTES_MAX`]; more would only let a phone fill more of our memory.
const PAYLOAD_BYTES_MAX: u32 = 64 * 1024;

/// Bytes in which the frames of an answer are put together; a longer frame comes in pieces.
const FRAME_BUFFER_BYTES: usize = 8 * 1024;

/// What stands around a script in the message that opens its stream: `shell,v2,raw:` and a NUL.
const SERVICE_BYTES: usize = "shell,v2,raw:\0".len();

/// Bytes of a refusal to reboot that are read.
const REFUSAL_BYTES_MAX: usize = 512;

/// What a phone reads as the owner of our key when it lists those that it trusts.
const KEY_NAME: &str = "fleetwright";

/// How long a connection may be silent before the kernel asks whether the other end still is: a
/// phone that lost its power closes nothing.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(15);
/// How long the kernel waits between two such questions.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);
/// Unanswered questions after which the connection has ended: 30 s after the last sign of life.
const KEEPALIVE_TRIES: u32 = 3;

/// The RSA-2048 key by which phones know this server: what `adb` keeps as `~/.android/adbkey`.
pub struct HostKey {
    /// A signature needs the key's own random numbers, and so the key to itself.
    key: Mutex<AdbKey>,
    public: Vec<u8>,
    tls: TlsClientConfig,
}

/// Why there is no host key.
#[derive(Debug, thiserror::Error)]
pub enum HostKeyError {
    /// No key could be made.
    #[error("the key could not be made")]
    Generate(#[source] libadb::keys::KeyError),
    /// The text is no PKCS#8 PEM, or not of an RSA-2048 key.
    #[error("the key could not be read")]
    Read(#[source] libadb::keys::KeyError),
    /// The key could not be put into words.
    #[error("the key could not be written")]
    Write(#[source] libadb::keys::KeyError),
    /// No certificate could be signed with the key.
    #[error("the key's certificate could not be made")]
    Certificate(#[source] libadb::tls::TlsIdentityError),
    /// TLS does not take the key.
    #[error("the key can't be used for TLS")]
    Tls(#[source] libadb::tls::TlsConfigError),
}

impl HostKey {
    /// Makes a new key. Takes up to a second of one core.
    pub fn generate() -> Result<Self, HostKeyError> {
        Self::new(AdbKey::generate(&mut OsRng, KEY_NAME).map_err(HostKeyError::Generate)?)
    }

    /// Reads a key as [`Self::to_pem`] and `adb keygen` write it: PKCS#8 PEM.
    pub fn from_pem(pem: &str) -> Result<Self, HostKeyError> {
        let key = AdbKey::from_pkcs8_pem(pem, &mut OsRng, KEY_NAME);
        Self::new(key.map_err(HostKeyError::Read)?)
    }

    /// The whole key, the private half too, as PKCS#8 PEM.
    pub fn to_pem(&self) -> Result<Secret<String>, HostKeyError> {
        let key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        let pem = key.to_pkcs8_pem().map_err(HostKeyError::Write)?;
        Ok(Secret::new(pem.as_str().to_owned()))
    }

    /// The public half, as one line: what a phone's `/data/misc/adb/adb_keys` must hold.
    pub fn public_line(&self) -> String {
        String::from_utf8_lossy(self.public.strip_suffix(b"\0").unwrap_or(&self.public))
            .into_owned()
    }

    fn new(key: AdbKey) -> Result<Self, HostKeyError> {
        let identity =
            TlsIdentity::from_key(&key, &mut OsRng).map_err(HostKeyError::Certificate)?;
        let tls = TlsClientConfig::adb(&identity).map_err(HostKeyError::Tls)?;
        let public = key.public_key_wire().to_vec();
        Ok(Self { key: Mutex::new(key), public, tls })
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostKey(…)")
    }
}

/// Signs what a phone asks us to sign.
///
/// It never offers the public key to a phone that does not know it: that would put a question on
/// the phone's screen with every attempt, and there is rarely anybody before it to answer.
struct Signer(Arc<HostKey>);

impl Authenticator for Signer {
    type Error = String;

    fn sign(&mut self, token: &[u8]) -> impl Future<Output = Result<Vec<u8>, String>> {
        let host = Arc::clone(&self.0);
        let token = token.to_vec();
        async move {
            // About a millisecond of computing, which thousands of phones may ask for at once.
            let signed = tokio::task::spawn_blocking(move || {
                let mut key = host.key.lock().unwrap_or_else(PoisonError::into_inner);
                key.sign(&token).now_or_never()
            });
            match signed.await {
                Ok(Some(signature)) => signature.map_err(|error| error.to_string()),
                Ok(None) | Err(_) => Err("the signature was not finished".to_owned()),
            }
        }
    }

    fn public_key(&self) -> &[u8] {
        &self.0.public
    }

    fn offer_public_key(&self) -> bool {
        false
    }
}

/// Opens ADB connections over TCP, in TLS where the phone asks for it.
#[derive(Debug)]
pub struct Adb {
    key: Arc<HostKey>,
}

impl Adb {
    /// A link that proves itself with `key` to phones that ask.
    pub fn new(key: Arc<HostKey>) -> Self {
        Self { key }
    }

    async fn open(&self, address: &str) -> Result<Box<dyn PhoneSession>, LinkError> {
        let socket = TcpStream::connect(address).await.map_err(LinkError::Connect)?;
        keep_alive(&socket).map_err(LinkError::Connect)?;
        let config = ConnectionConfig::new()
            .with_max_payload(PAYLOAD_BYTES_MAX)
            .with_max_rx_per_channel(OUTPUT_BYTES_MAX);
        let wire = Wire::connect_tls_with_config(
            MaybeTls::plain(TokioTcp::new(socket)),
            Signer(Arc::clone(&self.key)),
            &[Feature::ShellV2],
            &self.key.tls,
            config,
        );
        // The handshake's future is large; one allocation keeps every future that awaits it small.
        let wire = Box::pin(wire).await.map_err(|error| handshake_error(&error))?;
        let state = wire.device_banner_parsed().map_or("device", |banner| banner.state());
        if state != "device" {
            return Err(LinkError::Handshake(format!("the phone is in the state {state:?}")));
        }
        Ok(Box::new(Session { wire: Box::new(wire) }))
    }
}

#[async_trait]
impl PhoneLink for Adb {
    async fn connect(
        &self,
        address: &str,
        limit: Duration,
    ) -> Result<Box<dyn PhoneSession>, LinkError> {
        timeout(limit, self.open(address)).await.unwrap_or(Err(LinkError::TimedOut(limit)))
    }
}

/// Small messages at once, and a question to a silent peer now and then.
fn keep_alive(socket: &TcpStream) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY)
        .with_retries(KEEPALIVE_TRIES);
    socket2::SockRef::from(socket).set_tcp_keepalive(&keepalive)
}

/// One open ADB connection.
struct Session {
    wire: Box<Wire>,
}

impl Session {
    async fn exchange(
        &mut self,
        script: &str,
        sent: &(dyn Fn() + Sync),
    ) -> Result<ShellOutput, LinkError> {
        // Never so with a daemon that has shell v2: those take what we offer, up to 256 KiB.
        if script.len().saturating_add(SERVICE_BYTES) > self.wire.max_payload() as usize {
            return Err(LinkError::Protocol("the phone's adbd takes no script so long".to_owned()));
        }
        let mut buffer = vec![0_u8; FRAME_BUFFER_BYTES];
        let mut shell = v2::open(&mut *self.wire, script, &mut buffer).await.map_err(open_error)?;
        sent();
        let mut output = ShellOutput::default();
        loop {
            match shell.read_frame().await.map_err(|error| wire_error(&error))? {
                Frame::Stdout(bytes) => output.stdout.extend_from_slice(&bytes),
                Frame::Stderr(bytes) => output.stderr.extend_from_slice(&bytes),
                Frame::Exit(code) => {
                    output.exit_code = code;
                    // The answer is whole. If the connection is at its end, its next use will tell.
                    let _ = shell.close().await;
                    return Ok(output);
                }
                Frame::Other { .. } => {}
            }
            if output.stdout.len().saturating_add(output.stderr.len()) > OUTPUT_BYTES_MAX {
                return Err(LinkError::TooMuch);
            }
        }
    }
}

impl Session {
    /// Opens `reboot:` and adds what the daemon says to `said`, until it closes or there is enough.
    async fn ask_to_reboot(&mut self, said: &mut Vec<u8>) -> Result<(), LinkError> {
        let mut channel = match self.wire.open(b"reboot:\0").await {
            Ok(channel) => channel,
            Err(AdbError::ChannelClosed) => {
                let why = "the phone's adbd has no reboot service".to_owned();
                return Err(LinkError::Refused(why));
            }
            Err(error) => return Err(wire_error(&error)),
        };
        let mut buffer = [0_u8; REFUSAL_BYTES_MAX];
        // A daemon that obeys says nothing and goes down with the phone, in whatever way.
        while let Ok(count @ 1..) = channel.read(&mut buffer).await {
            said.extend_from_slice(buffer.get(..count).unwrap_or_default());
            if said.len() >= REFUSAL_BYTES_MAX {
                break;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl PhoneSession for Session {
    async fn shell(
        &mut self,
        script: &str,
        limit: Duration,
        sent: &(dyn Fn() + Sync),
    ) -> Result<ShellOutput, LinkError> {
        timeout(limit, self.exchange(script, sent)).await.unwrap_or(Err(LinkError::TimedOut(limit)))
    }

    async fn reboot(&mut self, limit: Duration) -> Result<String, LinkError> {
        let mut said = Vec::new();
        // adbd keeps the stream open until the phone is down, and writes and closes only if it
        // can't obey (AOSP, packages/modules/adb/daemon, `reboot_service`): time that runs out
        // with nothing said is obedience.
        match timeout(limit, self.ask_to_reboot(&mut said)).await {
            Ok(Err(error)) => Err(error),
            Ok(Ok(())) | Err(_) => Ok(words(&said, REFUSAL_BYTES_MAX)),
        }
    }

    async fn ended(&mut self) -> LinkError {
        loop {
            match self.wire.accept_incoming().await {
                // A phone that opens a stream to us (`adb reverse`) was asked by somebody else.
                Ok(incoming) => {
                    if let Err(error) = incoming.reject().await {
                        return wire_error(&error);
                    }
                }
                Err(error) => return wire_error(&error),
            }
        }
    }
}

/// How a failed handshake is told to the engine.
fn handshake_error<E: fmt::Display>(error: &AdbError<E>) -> LinkError {
    const REMEDY: &str = "add the line in adb-host-key.pub, in this server's data directory, to the \
         phone's /data/misc/adb/adb_keys";
    match error {
        AdbError::Auth(AuthError::SignFailed(_)) => LinkError::Handshake(error.to_string()),
        AdbError::Auth(AuthError::TlsKeyNotTrusted | AuthError::TlsClosedBeforeConnect) => {
            LinkError::Unauthorised(format!("the phone does not know our key over TLS; {REMEDY}"))
        }
        AdbError::Auth(_) => {
            LinkError::Unauthorised(format!("the phone does not know our key; {REMEDY}"))
        }
        AdbError::Protocol(problem) => {
            LinkError::Protocol(format!("not the ADB protocol: {problem}"))
        }
        AdbError::UnexpectedEof => {
            LinkError::Handshake("the connection was accepted and closed again".to_owned())
        }
        other => LinkError::Handshake(other.to_string()),
    }
}

/// How a script that could not be started is told.
fn open_error<E: fmt::Display>(error: AdbError<E>) -> LinkError {
    match error {
        AdbError::MissingFeature(_) => {
            LinkError::Protocol("the phone's adbd lacks shell v2 (Android 7 and later)".to_owned())
        }
        AdbError::ChannelClosed => {
            // As it does while the phone goes down.
            LinkError::Lost("the phone's adbd did not start a shell".to_owned())
        }
        other => wire_error(&other),
    }
}

/// How an error on an open connection is told.
fn wire_error<E: fmt::Display>(error: &AdbError<E>) -> LinkError {
    match error {
        AdbError::Protocol(problem) => LinkError::Protocol(problem.to_string()),
        AdbError::ChannelRxOverflow => LinkError::TooMuch,
        AdbError::ChannelClosed => LinkError::Lost("the shell was cut off".to_owned()),
        AdbError::UnexpectedEof => LinkError::Lost("closed by the phone".to_owned()),
        other => LinkError::Lost(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_key_survives_its_own_words_and_shows_nothing() {
        let key = HostKey::generate().unwrap();
        let pem = key.to_pem().unwrap();
        assert!(pem.expose().starts_with("-----BEGIN PRIVATE KEY-----"));
        let again = HostKey::from_pem(pem.expose()).unwrap();
        assert_eq!(again.public_line(), key.public_line());
        assert!(key.public_line().ends_with(" fleetwright"));
        assert_eq!(format!("{key:?}"), "HostKey(…)");
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_quoted() {
        let error = HostKey::from_pem("not-a-key-but-secret").unwrap_err();
        assert!(matches!(error, HostKeyError::Read(_)));
        assert!(!format!("{error:?} {error}").contains("secret"));
    }
}
