//! Calls that may be sent twice: what all doors do with the header `Idempotency-Key`.
//!
//! A key belongs to a caller, so it is looked at once that one is known, and it stands for a
//! request, so the body is read by then. The native door knows its callers before its calls are
//! reached. The others let their callers in from within each call: there the key is reserved by
//! [`reserve`], and [`around`], which goes around all of the call, keeps the answer.
//!
//! A call with a key goes on when its client goes away, so that the answer is there when it comes
//! back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use engine::{Answer, CallId, Handle, HeldKey, Reserved};
use fleet::Principal;
use fleet::limits::{
    IDEMPOTENCY_ANSWER_BYTES_MAX, IDEMPOTENCY_KEY_BYTES_MAX, IDEMPOTENT_CALLS_MAX,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinHandle;
use tracing::Instrument as _;

/// Where a client says which call it is.
pub(crate) const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What an answer has that was given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// When to ask again for a call that is being made, or for room.
pub(crate) const RETRY_SECONDS: u32 = 1;

/// Headers that are of the exchange and not of the answer: each exchange has its own.
const OF_EXCHANGE: [HeaderName; 4] =
    [header::CONNECTION, header::CONTENT_LENGTH, header::DATE, header::TRANSFER_ENCODING];

/// Why a call with a key is not made.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// The header is not one key.
    Invalid(&'static str),
    /// The call is being made.
    InProgress,
    /// The call was answered so.
    Answered(Answer),
    /// The call was answered, and the answer was too large to be kept.
    TooLarge,
    /// The key was used for another request.
    Reused,
    /// The caller has as many keys as one may have.
    TooMany,
    /// As many calls with keys are being made as may be.
    Busy,
    /// The store failed.
    Failed(engine::Error),
}

/// What goes around the calls of a door.
#[derive(Clone)]
pub(crate) struct Keys {
    /// What is asked of the engine.
    handle: Handle,
    /// Room for calls that are being made.
    room: Arc<Semaphore>,
}

impl Keys {
    /// What goes around calls to the engine of `handle`.
    pub(crate) fn new(handle: Handle) -> Self {
        Self { handle, room: Arc::new(Semaphore::new(IDEMPOTENT_CALLS_MAX)) }
    }

    /// Reserves the key of a request whose caller is known and whose body is read.
    ///
    /// Errors: there is no making the call now.
    pub(crate) async fn reserve(
        &self,
        parts: &Parts,
        principal: &Principal,
        body: &[u8],
    ) -> Result<Held, Stopped> {
        let key = key(&parts.headers)?;
        let room = self.room.clone().try_acquire_owned().map_err(|_| Stopped::Busy)?;
        let query = parts.uri.query().unwrap_or_default();
        let header = |name| parts.headers.get(name).map_or(&b""[..], HeaderValue::as_bytes);
        let mut of_request = vec![
            parts.method.as_str().as_bytes(),
            parts.uri.path().as_bytes(),
            query.as_bytes(),
            header(header::CONTENT_TYPE),
        ];
        // Its lines are one list. The body is the last part: which these are is not in doubt.
        let if_match = parts.headers.get_all(header::IF_MATCH).iter();
        of_request.extend(if_match.map(HeaderValue::as_bytes));
        of_request.push(body);
        let reserved = self.handle.reserve_key(principal, key, &of_request).await;
        match reserved.map_err(Stopped::Failed)? {
            Reserved::Held(held) => {
                let (handle, principal, call) = (self.handle.clone(), principal.clone(), held.call);
                let (made, is_made) = oneshot::channel();
                let (by, of) = (handle.clone(), principal.clone());
                // It ends with the call, whether that sends a word or is gone.
                let until = async { is_made.await.unwrap_or_default() };
                let held = tokio::spawn(async move { by.hold_key(&of, held, until).await });
                Ok(Held { handle, principal, call, held, made, _room: room })
            }
            Reserved::InProgress => Err(Stopped::InProgress),
            Reserved::Answered(answer) => Err(Stopped::Answered(answer)),
            Reserved::TooLarge => Err(Stopped::TooLarge),
            Reserved::Reused => Err(Stopped::Reused),
            Reserved::TooMany => Err(Stopped::TooMany),
        }
    }
}

/// A key that is reserved for a call which is being made.
pub(crate) struct Held {
    /// What is asked of the engine.
    handle: Handle,
    /// Who calls.
    principal: Principal,
    /// The call's id.
    call: CallId,
    /// Renews the key until the call is made, and gives it then.
    held: JoinHandle<HeldKey>,
    /// Says that the call is made.
    made: oneshot::Sender<()>,
    /// The call's room.
    _room: OwnedSemaphorePermit,
}

impl Held {
    /// The call's id.
    pub(crate) fn call(&self) -> CallId {
        self.call
    }

    /// Keeps the answer to the call, or lets go of the key if it may be another the next time. The
    /// same answer comes out of it: what has been done is done, whether that is kept or not.
    pub(crate) async fn keep(self, response: Response) -> Response {
        let Self { handle, principal, call, held, made, .. } = self;
        let request = call.request;
        drop(made);
        let held = match held.await {
            Ok(held) => held,
            Err(error) => {
                tracing::error!(%request, %error, "the key of a call is lost");
                return response;
            }
        };
        let (kept, response) = if may_differ(response.status()) {
            (handle.free_key(&principal, held).await, response)
        } else {
            let (answer, response) = answer(response).await;
            (handle.keep_answer(&principal, held, &answer).await, response)
        };
        if let Err(error) = kept {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(%request, error, "the answer to a call could not be kept");
        }
        response
    }
}

/// Whether an answer of this status may be another if the call is made again: no fault of the
/// request, or one that its caller's rights may mend.
fn may_differ(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
        )
}

/// A response as it is kept, and the response itself again.
async fn answer(response: Response) -> (Answer, Response) {
    let (parts, body) = response.into_parts();
    let of_answer = parts.headers.iter().filter(|(name, _)| !OF_EXCHANGE.contains(name));
    let headers = of_answer
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    let mut answer =
        Answer { status: parts.status.as_u16(), headers: headers.collect(), body: None };
    let fits = body.size_hint().upper().is_some_and(|bytes| {
        usize::try_from(bytes).is_ok_and(|bytes| bytes <= IDEMPOTENCY_ANSWER_BYTES_MAX)
    });
    if !fits {
        return (answer, Response::from_parts(parts, body));
    }
    // Can't fail: each answer to a change is in memory already.
    let bytes = to_bytes(body, IDEMPOTENCY_ANSWER_BYTES_MAX).await.unwrap_or_default();
    answer.body = Some(bytes.to_vec());
    (answer, Response::from_parts(parts, Body::from(bytes)))
}

/// An answer that was given before, in the place of `response`, which keeps what is of this
/// exchange.
pub(crate) fn replay(mut response: Response, answer: Answer) -> Response {
    let Answer { status, headers, body } = answer;
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let connection = response.headers_mut().remove(header::CONNECTION);
    let mut replayed = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::try_from(name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            replayed.append(name, value);
        }
    }
    if let Some(connection) = connection {
        replayed.insert(header::CONNECTION, connection);
    }
    replayed.insert(REPLAYED, HeaderValue::from_static("true"));
    *response.headers_mut() = replayed;
    *response.body_mut() = Body::from(body.unwrap_or_default());
    response
}

/// Whether a request says which call it is. One that changes nothing may be sent as often as one
/// likes: of such the header is not looked at.
pub(crate) fn is_asked(request: &Request) -> bool {
    let changes =
        matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH | Method::DELETE);
    changes && request.headers().contains_key(KEY)
}

/// The one key of the headers.
fn key(headers: &HeaderMap) -> Result<&str, Stopped> {
    let mut values = headers.get_all(KEY).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Stopped::Invalid("Idempotency-Key: stands there twice"));
    };
    let invalid = "Idempotency-Key: has to be 1 to 255 visible ASCII characters";
    let is_one = |key: &&str| {
        (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    value.to_str().ok().filter(is_one).ok_or(Stopped::Invalid(invalid))
}

/// Where a call tells those around it what has become of its key.
#[derive(Clone)]
struct Slot {
    /// What the key is reserved with.
    keys: Keys,
    /// What has become of it; `None` before it is looked at, and where the call can't be made.
    outcome: Arc<Mutex<Option<Outcome>>>,
}

/// What has become of a key.
enum Outcome {
    /// The call is being made.
    Held(Held),
    /// The call was answered before.
    Answered(Answer),
}

impl Slot {
    /// Never held across a wait.
    fn outcome(&self) -> MutexGuard<'_, Option<Outcome>> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Goes around a call of a door that lets its callers in from within.
pub(crate) async fn around(State(keys): State<Keys>, mut request: Request, next: Next) -> Response {
    if !is_asked(&request) {
        return next.run(request).await;
    }
    let slot = Slot { keys, outcome: Arc::default() };
    request.extensions_mut().insert(slot.clone());
    to_the_end(async move {
        let response = next.run(request).await;
        let outcome = slot.outcome().take();
        match outcome {
            None => response,
            Some(Outcome::Held(held)) => held.keep(response).await,
            Some(Outcome::Answered(answer)) => replay(response, answer),
        }
    })
    .await
}

/// Reserves the key of a request that came through [`around`], whose caller is known and whose
/// body is read: gives the id under which the call is to be made; `None` for one without a key.
///
/// Errors: there is no making the call now. Of one that was answered, that answer takes the place
/// of whatever comes of this.
pub(crate) async fn reserve(
    parts: &Parts,
    principal: &Principal,
    body: &[u8],
) -> Result<Option<CallId>, Stopped> {
    let Some(slot) = parts.extensions.get::<Slot>() else { return Ok(None) };
    match slot.keys.reserve(parts, principal, body).await {
        Ok(held) => {
            let call = held.call();
            *slot.outcome() = Some(Outcome::Held(held));
            Ok(Some(call))
        }
        Err(Stopped::Answered(answer)) => {
            *slot.outcome() = Some(Outcome::Answered(answer.clone()));
            Err(Stopped::Answered(answer))
        }
        Err(stopped) => Err(stopped),
    }
}

/// Makes a call to its end, whether its client waits for that or not.
pub(crate) async fn to_the_end(call: impl Future<Output = Response> + Send + 'static) -> Response {
    let made = tokio::spawn(call.instrument(tracing::Span::current())).await;
    made.unwrap_or_else(|error| {
        tracing::error!(%error, "a call with an idempotency key has panicked");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let values = values.iter().map(|value| (KEY, HeaderValue::from_str(value).unwrap()));
        let mut headers = HeaderMap::new();
        for (name, value) in values {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn a_key_is_one_word_of_visible_ascii() {
        let long = "k".repeat(IDEMPOTENCY_KEY_BYTES_MAX);
        for good in ["a", "0", "~!", &long] {
            assert_eq!(key(&headers(&[good])).unwrap(), good);
        }
        let longer = format!("{long}k");
        for bad in ["", "a b", "a\tb", "ü", &longer] {
            assert!(matches!(key(&headers(&[bad])), Err(Stopped::Invalid(_))), "{bad}");
        }
        assert!(matches!(key(&headers(&["a", "a"])), Err(Stopped::Invalid(_))));
    }

    #[test]
    fn only_changes_are_looked_at() {
        let asked = |method: &str, has_key: bool| {
            let mut request = Request::builder().method(method).uri("/");
            if has_key {
                request = request.header(KEY, "k");
            }
            is_asked(&request.body(Body::empty()).unwrap())
        };
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            assert!(asked(method, true) && !asked(method, false), "{method}");
        }
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert!(!asked(method, true), "{method}");
        }
    }

    #[tokio::test]
    async fn a_replayed_answer_is_what_it_was_but_for_the_exchange() {
        let mut first = Response::new(Body::from("{\"a\":1}"));
        *first.status_mut() = StatusCode::ACCEPTED;
        let own = first.headers_mut();
        own.insert("content-type", HeaderValue::from_static("application/json"));
        own.insert("x-request-id", HeaderValue::from_static("1"));
        own.insert("connection", HeaderValue::from_static("close"));
        let (kept, first) = answer(first).await;
        assert_eq!(first.headers().len(), 3);
        let mut now = StatusCode::IM_A_TEAPOT.into_response();
        now.headers_mut().insert("connection", HeaderValue::from_static("keep-alive"));
        now.headers_mut().insert("x-request-id", HeaderValue::from_static("2"));
        let again = replay(now, kept);
        assert_eq!(again.status(), StatusCode::ACCEPTED);
        let header = |name: &str| again.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header("content-type"), Some("application/json"));
        assert_eq!(header("x-request-id"), Some("1"));
        assert_eq!(header("connection"), Some("keep-alive"));
        assert_eq!(header("idempotency-replayed"), Some("true"));
        assert_eq!(to_bytes(again.into_body(), 100).await.unwrap(), "{\"a\":1}");
    }

    #[test]
    fn what_may_differ_is_not_kept() {
        for status in [500, 501, 503, 429, 408, 401, 403] {
            assert!(may_differ(StatusCode::from_u16(status).unwrap()), "{status}");
        }
        for status in [200, 202, 204, 400, 404, 409, 412, 422] {
            assert!(!may_differ(StatusCode::from_u16(status).unwrap()), "{status}");
        }
    }
}
