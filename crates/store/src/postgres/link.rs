//! A connection that is open, and the task that moves its bytes.

use std::future::poll_fn;
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio_postgres::{AsyncMessage, Client};

use super::connection::Connection;

/// How long a connection that is given up may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// A connection. Dropping it closes it, whatever is under way on it.
pub(super) struct Link {
    connection: Connection,
    generation: u64,
    warnings: Arc<AtomicU64>,
    /// Its being dropped tells the task.
    _held: oneshot::Sender<()>,
}

impl Link {
    /// Runs both halves of a new connection. The task ends by itself once the connection or this
    /// does.
    pub(super) fn new<S, T>(client: Client, stream: tokio_postgres::Connection<S, T>) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let warnings = Arc::default();
        let (held, gone) = oneshot::channel();
        tokio::spawn(run(stream, Arc::clone(&warnings), gone));
        Self { connection: Connection::new(client), generation: 0, warnings, _held: held }
    }

    /// The same, counted among the connections to the server that was right at that time: see
    /// [`super::connect::Connector::is_current`].
    pub(super) fn of_generation(self, generation: u64) -> Self {
        Self { generation, ..self }
    }

    /// See [`Self::of_generation`].
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// How often the server has warned on this connection.
    pub(super) fn warnings(&self) -> u64 {
        self.warnings.load(Ordering::Acquire)
    }
}

impl Deref for Link {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

/// Moves bytes until the connection ends, or a little longer than somebody holds it.
async fn run<S, T>(
    mut stream: tokio_postgres::Connection<S, T>,
    warnings: Arc<AtomicU64>,
    gone: oneshot::Receiver<()>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut messages = pin!(async {
        while let Some(message) = poll_fn(|context| stream.poll_message(context)).await {
            match message {
                Ok(AsyncMessage::Notice(notice)) if notice.severity() == "WARNING" => {
                    // Before the answer to the statement that it is about is handed on.
                    warnings.fetch_add(1, Ordering::Release);
                    tracing::warn!(code = notice.code().code(), "{}", notice.message());
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(%error, "a connection to the database has ended");
                    return;
                }
            }
        }
    });
    tokio::select! {
        biased;
        () = &mut messages => return,
        _ = gone => {}
    }
    let _ = tokio::time::timeout(GOODBYE, messages).await;
}
