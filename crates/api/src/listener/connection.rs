//! One connection, from its TLS handshake to its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use super::activity::{Activity, TrackedBody, TrackedStream, Verdict};
use super::{Limits, PeerAddr, Stopping};

/// Smallest limit on headers that hyper takes.
const HEADER_BYTES_MIN: usize = 8 * 1024;

/// How long an idle connection may take to end.
const GOODBYE: Duration = Duration::from_secs(2);

/// How long a refused client may take to read its refusal.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// Most bytes that are read from a refused client, so that its own sending doesn't make the
/// kernel reset the connection before it has read the refusal.
const REFUSAL_READ_BYTES_MAX: u64 = 64 * 1024;

/// What a connection over the cap is told.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    retry-after: 1\r\n\
    connection: close\r\n\
    content-type: text/plain\r\n\
    content-length: 45\r\n\
    \r\n\
    too many connections; try again in a second.\n";

/// What serves every connection of a listener.
pub(super) struct Service {
    /// hyper's settings.
    builder: Builder,
    /// The doors.
    router: Router,
    /// TLS, if the listener has it.
    tls: Option<TlsAcceptor>,
    /// What a connection may take.
    limits: Limits,
    /// Ends all connections, each after its open requests.
    shutdown: CancellationToken,
}

impl Service {
    /// Serves `router` within `limits` until `shutdown`.
    pub(super) fn new(
        router: Router,
        tls: Option<Arc<ServerConfig>>,
        limits: Limits,
        shutdown: CancellationToken,
    ) -> Self {
        let header_bytes_max = limits.header_bytes_max.max(HEADER_BYTES_MIN);
        let mut builder = Builder::new();
        builder
            .timer(TokioTimer::new())
            // `Activity` does this, idle connections apart.
            .header_read_timeout(None)
            // A head must fit into the buffer. hyper's default of 400 kB, times all connections,
            // would also be too much memory for strangers to fill.
            .max_buf_size(header_bytes_max);
        // Given its state once here, the router need not do so for each request.
        let router = router.with_state(());
        Self { builder, router, tls: tls.map(TlsAcceptor::from), limits, shutdown }
    }

    /// Serves one connection to its end.
    pub(super) async fn serve(&self, stream: TcpStream, peer: SocketAddr) {
        // Answers are written whole; waiting for more to send would only delay them. The peer may
        // be gone already, which reading will tell.
        let _ = stream.set_nodelay(true);
        let activity = Activity::start();
        let stream = TrackedStream::new(stream, activity.clone());
        let Some(tls) = &self.tls else {
            return self.serve_http(stream, peer, &activity).await;
        };
        let handshake = timeout(self.limits.handshake_timeout, tls.accept(stream));
        match self.shutdown.run_until_cancelled(handshake).await {
            Some(Ok(Ok(stream))) => {
                activity.handshake_done();
                self.serve_http(stream, peer, &activity).await;
            }
            Some(Ok(Err(error))) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            Some(Err(_)) => tracing::debug!(%peer, "TLS handshake took too long"),
            None => {}
        }
    }

    /// Speaks HTTP on an open stream.
    async fn serve_http<S>(&self, stream: S, peer: SocketAddr, activity: &Arc<Activity>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(|request: Request<Incoming>| self.answer(request, peer, activity));
        let mut connection = pin!(self.builder.serve_connection(TokioIo::new(stream), service));
        let mut shutdown = pin!(self.shutdown.cancelled());
        let mut check = pin!(sleep_until(Instant::now()));
        let (mut is_stopping, mut is_leaving) = (false, false);
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%peer, %error, "connection failed");
                    }
                    return;
                }
                () = shutdown.as_mut(), if !is_stopping => {
                    is_stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = check.as_mut() => match activity.judge(&self.limits) {
                    Verdict::Wait(until) => check.as_mut().reset(until),
                    Verdict::Idle if !is_leaving => {
                        is_leaving = true;
                        connection.as_mut().graceful_shutdown();
                        check.as_mut().reset(Instant::now() + GOODBYE);
                    }
                    Verdict::Idle => return,
                    Verdict::Cut(reason) => {
                        tracing::debug!(%peer, reason, "connection cut off");
                        metrics::counter!("fleetwright_http_connections_cut_total").increment(1);
                        return;
                    }
                },
            }
        }
    }

    /// Gives one request to the doors.
    fn answer(
        &self,
        mut request: Request<Incoming>,
        peer: SocketAddr,
        activity: &Arc<Activity>,
    ) -> impl Future<Output = Result<Response<TrackedBody>, Infallible>> + Send + 'static {
        let in_flight = activity.request();
        request.extensions_mut().insert(PeerAddr(peer));
        request.extensions_mut().insert(Stopping(self.shutdown.clone()));
        // hyper looks at its bound only when its buffer is full, so a larger head may have come.
        let fits = head_bytes(&request) <= self.limits.header_bytes_max.max(HEADER_BYTES_MIN);
        let answer = fits.then(|| self.router.clone().call(request.map(Body::new)));
        let shutdown = self.shutdown.clone();
        async move {
            let mut answer = match answer {
                Some(answer) => answer.await?,
                None => head_too_large(),
            };
            // hyper says `close` by itself, but besides what a door has said. It takes the answer
            // in the same poll, so that nothing changes in between.
            if shutdown.is_cancelled()
                && let Some(connection) = answer.headers_mut().get_mut(header::CONNECTION)
            {
                *connection = HeaderValue::from_static("close");
            }
            Ok(answer.map(|body| TrackedBody::new(body, in_flight)))
        }
    }
}

/// Bytes of a request's head, as it may have been sent at the least.
fn head_bytes(request: &Request<Incoming>) -> usize {
    let uri = request.uri();
    let fields = request.headers().iter();
    uri.path().len()
        + uri.query().map_or(0, str::len)
        + fields.map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>()
}

/// The answer to a head over the bound; the connection ends with it.
fn head_too_large() -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// Tells a connection over the cap so, and closes it.
pub(super) async fn refuse(mut stream: TcpStream) {
    let refusal = async {
        stream.write_all(REFUSAL).await?;
        stream.shutdown().await?;
        let mut rest = stream.take(REFUSAL_READ_BYTES_MAX);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    // The client may be gone or slow; either way the connection is closed now.
    let _ = timeout(REFUSAL_TIMEOUT, refusal).await;
}
