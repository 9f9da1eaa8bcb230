//! What a connection is doing and since when, so that one that does nothing can be closed.
//!
//! hyper's own header time-out also counts idle time and does not know a connection that has sent
//! nothing yet. So the socket and the requests note what happens, at the price of a
//! clock reading per request and direction, and one timer per connection looks at the notes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::Limits;

/// Stands for "not now" where a time is expected.
const NEVER: u64 = u64::MAX;

/// How often a connection is looked at, at least; time-outs are late by at most this.
const CHECK_PERIOD: Duration = Duration::from_secs(5);

/// The notes on one connection. Times are milliseconds since its start.
#[derive(Debug)]
pub(super) struct Activity {
    /// When the connection began.
    started: Instant,
    /// Requests whose answer's body isn't at its end.
    requests: AtomicU32,
    /// Since when a head is being read, or [`NEVER`].
    head_since_ms: AtomicU64,
    /// When the last answer ended.
    quiet_since_ms: AtomicU64,
    /// Since when the socket takes nothing of what waits to be sent, or [`NEVER`].
    blocked_since_ms: AtomicU64,
}

/// What is to be done about a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Look again then.
    Wait(Instant),
    /// Nothing came for too long between requests: close in good form.
    Idle,
    /// It holds resources without need: cut it off.
    Cut(&'static str),
}

impl Activity {
    /// A new connection, which owes a request head from now on.
    pub(super) fn start() -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            requests: AtomicU32::new(0),
            head_since_ms: AtomicU64::new(0),
            quiet_since_ms: AtomicU64::new(0),
            blocked_since_ms: AtomicU64::new(NEVER),
        })
    }

    /// The time for the first head begins now: a TLS handshake has ended.
    pub(super) fn handshake_done(&self) {
        self.head_since_ms.store(self.now_ms(), Relaxed);
    }

    /// A request has come whole but for its body; it lasts until the result is dropped.
    pub(super) fn request(self: &Arc<Self>) -> InFlight {
        self.requests.fetch_add(1, Relaxed);
        self.head_since_ms.store(NEVER, Relaxed);
        InFlight(self.clone())
    }

    /// What `limits` ask for now.
    pub(super) fn judge(&self, limits: &Limits) -> Verdict {
        let now_ms = self.now_ms();
        let past = |since_ms: u64, limit: Duration| {
            since_ms != NEVER && u128::from(now_ms.saturating_sub(since_ms)) >= limit.as_millis()
        };
        if past(self.blocked_since_ms.load(Relaxed), limits.stall_timeout) {
            return Verdict::Cut("the client does not take its answer");
        }
        if self.requests.load(Relaxed) == 0 {
            let head_since_ms = self.head_since_ms.load(Relaxed);
            if past(head_since_ms, limits.header_timeout) {
                return Verdict::Cut("the headers did not come in time");
            }
            let quiet_since_ms = self.quiet_since_ms.load(Relaxed);
            if head_since_ms == NEVER && past(quiet_since_ms, limits.idle_timeout) {
                return Verdict::Idle;
            }
        }
        let shortest = limits.stall_timeout.min(limits.header_timeout).min(limits.idle_timeout);
        Verdict::Wait(Instant::now() + CHECK_PERIOD.min(shortest / 2))
    }

    /// Milliseconds since the connection's start.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(NEVER - 1)
    }

    /// Bytes came. Outside a request they begin a head.
    fn note_read(&self) {
        let begins_head = self.requests.load(Relaxed) == 0;
        if begins_head && self.head_since_ms.load(Relaxed) == NEVER {
            self.head_since_ms.store(self.now_ms(), Relaxed);
        }
    }

    /// The socket took bytes, or couldn't.
    fn note_write(&self, is_blocked: bool) {
        let was_blocked = self.blocked_since_ms.load(Relaxed) != NEVER;
        if is_blocked && !was_blocked {
            self.blocked_since_ms.store(self.now_ms(), Relaxed);
        } else if was_blocked && !is_blocked {
            self.blocked_since_ms.store(NEVER, Relaxed);
        }
    }
}

/// A request that isn't answered whole.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.quiet_since_ms.store(self.0.now_ms(), Relaxed);
        self.0.requests.fetch_sub(1, Relaxed);
    }
}

/// An answer's body that keeps its request in flight until hyper has taken all of it.
#[derive(Debug)]
pub(super) struct TrackedBody {
    /// The body.
    body: Body,
    /// Ends the request when dropped.
    _request: InFlight,
}

impl TrackedBody {
    /// Ties the two.
    pub(super) fn new(body: Body, request: InFlight) -> Self {
        Self { body, _request: request }
    }
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A socket that notes what passes.
#[derive(Debug)]
pub(super) struct TrackedStream {
    /// The socket.
    stream: TcpStream,
    /// Where it notes.
    activity: Arc<Activity>,
}

impl TrackedStream {
    /// Ties the two.
    pub(super) fn new(stream: TcpStream, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }

    /// Notes whether a write went through.
    fn noted<T>(&self, result: Poll<T>) -> Poll<T> {
        self.activity.note_write(result.is_pending());
        result
    }
}

impl AsyncRead for TrackedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.activity.note_read();
        }
        result
    }
}

impl AsyncWrite for TrackedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.noted(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.noted(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
