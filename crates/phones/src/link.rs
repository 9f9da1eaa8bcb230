//! What the driver asks of a connection to a phone, whatever carries it.

use std::time::Duration;

use async_trait::async_trait;

/// Bytes that one script may print. Far above what [`crate::script`] lets a script ask for; over it
/// the answer is an error, so that no phone can fill our memory.
pub const OUTPUT_BYTES_MAX: usize = 64 * 1024;

/// Opens sessions to phones.
#[async_trait]
pub trait PhoneLink: Send + Sync + 'static {
    /// Opens a session to the phone at `address` (`host:port`) within `timeout`. That it opens
    /// means that the phone's own daemon has answered and let us in, not that something accepted
    /// the connection. Dropping the future drops what it had opened.
    async fn connect(
        &self,
        address: &str,
        timeout: Duration,
    ) -> Result<Box<dyn PhoneSession>, LinkError>;
}

/// One open session. One command at a time; dropping it closes the connection.
#[async_trait]
pub trait PhoneSession: Send {
    /// Runs `script` in the phone's shell and gives what it printed, within `timeout`. `sent` runs
    /// once the daemon has taken the script and before any of the answer is read. After an error,
    /// and after the future was dropped before its end, the session must be dropped.
    async fn shell(
        &mut self,
        script: &str,
        timeout: Duration,
        sent: &(dyn Fn() + Sync),
    ) -> Result<ShellOutput, LinkError>;

    /// Has the daemon restart the phone, and gives what it said against it within `timeout`:
    /// nothing where it obeys. Afterwards the session must be dropped.
    async fn reboot(&mut self, timeout: Duration) -> Result<String, LinkError>;

    /// Waits, while no script runs, until the connection has ended, and says how. Dropping the
    /// future before does no harm: the session can still be used.
    async fn ended(&mut self) -> LinkError;
}

/// What a script left behind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShellOutput {
    /// What it printed; together with `stderr` at most [`OUTPUT_BYTES_MAX`].
    pub stdout: Vec<u8>,
    /// What it complained about.
    pub stderr: Vec<u8>,
    /// How the shell ended; above 128 it was killed by a signal.
    pub exit_code: u8,
}

/// Why there is no session, or no answer.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The address could not be resolved, or nothing accepts connections there.
    #[error("no connection")]
    Connect(#[source] std::io::Error),
    /// Something accepted the connection, and the daemon behind it did not do its part.
    #[error("the ADB handshake failed: {0}")]
    Handshake(String),
    /// The daemon answered and does not let us in.
    #[error("{0}")]
    Unauthorised(String),
    /// The time was over before the answer was there.
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The connection ended.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The script printed more than [`OUTPUT_BYTES_MAX`].
    #[error("more than {OUTPUT_BYTES_MAX} bytes of answer")]
    TooMuch,
    /// The daemon has no such service.
    #[error("{0}")]
    Refused(String),
    /// The daemon answered with something that is not ADB, or can't run shell scripts.
    #[error("{0}")]
    Protocol(String),
}
