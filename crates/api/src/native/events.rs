//! What happens, as a stream of server-sent events (the HTML standard, section 9.2) that a client
//! can go on with after a break.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use engine::events::{WATCHES_MAX, Watch, WatchError};
use fleet::{DeviceId, EventTypes, Grant, Principal, ProjectId, UnknownEventType};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use store::ResumeToken;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::exchange::FromQuery;
use super::token::{self, Caller, Presented};
use super::{Native, Problem, openapi};
use crate::listener::Stopping;

mod filter;
mod text;

use filter::Filter;
pub(super) use text::data;

/// How often a client that is told nothing else gets a sign of life, with the place that it goes on
/// from; and how often it is asked whether it may watch still.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a client is to wait before it tries again where no more may watch.
const RETRY_SECONDS: u32 = 30;

/// The header by which a client that comes back says up to where it was told.
const LAST_EVENT_ID: &str = "last-event-id";

/// Which events, and from where on.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Of this project only.
    #[param(value_type = Option<String>)]
    project: Option<ProjectId>,
    /// Of the device with this id only: `job.ended` and `device.changed`.
    #[param(value_type = Option<String>)]
    device: Option<DeviceId>,
    /// Of these types only, parted by commas: `update.accepted`, `job.ended`, `device.changed`,
    /// `projects.changed`. What was dropped is always told.
    types: Option<String>,
    /// What comes after this place: the last `id` that was got. Unless given, what happens from now
    /// on. The header `Last-Event-ID`, which says the same, comes first.
    after: Option<String>,
}

/// Tells what happens, as server-sent events (`text/event-stream`), for as long as the client
/// likes.
///
/// `event:` is the type and `data:` a JSON object with `at`, when it happened:
///
/// - `update.accepted`: `id`, `project`, `jobs`: an update, or a wave of one, with so many jobs
/// - `job.ended`: `id`, `device`, `project`, `state`, which is `succeeded` or `failed`
/// - `device.changed`: `id`, `project`, `what`: `record`, `registration`, `channels`, `settled`
///   (the result of a step) or `deleted`. It says that there may be something new to read
/// - `projects.changed`: to those alone who may see all projects
/// - `dropped`: `why` (`behind`: taken too slowly; `gap`: the server does not hold what followed;
///   `other_store`: the place was of another store), `from` and, if it is known, `to`: what came
///   between these places is not told. If `why` is `behind`, it is by `after=FROM`
///
/// `id:` is an opaque place to go on from: send the last one as `Last-Event-ID` or `after`. Of the
/// events that happened at one time the last alone has one, so that some may come again after a
/// break and none is missing. The server keeps a day. Every 15 s a comment is sent with the place
/// reached. A client that takes nothing for 20 s is cut off.
#[utoipa::path(
    get,
    path = "/events",
    tag = "events",
    security(("token" = ["viewer"])),
    params(
        Asked,
        ("Last-Event-ID" = Option<String>, Header, description = "The last `id` that was got"),
    ),
    responses(
        (status = 200, description = "The events", content_type = "text/event-stream",
            body = String),
        openapi::Guarded, openapi::Invalid, openapi::Missing,
    )
)]
pub(super) async fn follow_events(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    presented: Presented,
    stopping: Option<Extension<Stopping>>,
    headers: HeaderMap,
    FromQuery(asked): FromQuery<Asked>,
) -> Result<Response, Problem> {
    let after = after(&headers, asked.after.as_deref())?;
    let types = asked.types.as_deref().map(str::parse).transpose();
    let types = types.map_err(|error: UnknownEventType| Problem::invalid(error.to_string()))?;
    if let Some(project) = &asked.project {
        let found = native.handle.reads().project(&principal, project).await?;
        found.ok_or_else(|| Problem::no_such_project(project))?;
    }
    let watch = native.events.watch(after).await.map_err(|error| match error {
        WatchError::TooMany => {
            let detail = format!("{WATCHES_MAX} clients are told of events by this node already");
            Problem::unavailable("too_many_streams", detail, RETRY_SECONDS)
        }
        WatchError::Store(error) => error.into(),
    })?;
    let types = types.unwrap_or(EventTypes::ALL);
    let following = Following {
        native,
        watch,
        filter: Filter { project: asked.project, device: asked.device, types },
        principal,
        presented,
        stopping: stopping.map(|Extension(Stopping(stopping))| stopping).unwrap_or_default(),
        beat: Instant::now() + HEARTBEAT,
        greeting: true,
    };
    let pieces = stream::unfold(following, async |mut following| {
        let piece = following.piece().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), following))
    });
    Ok(answer(Body::from_stream(pieces)))
}

/// The answer that this body is of. Whatever stands between is not to keep it.
fn answer(body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx's own, https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// The place to go on from, by the header or else by the query.
fn after(headers: &HeaderMap, asked: Option<&str>) -> Result<Option<ResumeToken>, Problem> {
    let invalid = |what: &str| Problem::invalid(format!("{what} is no id of an event of this API"));
    // A browser that has got no id sends none, and some send an empty one.
    let header = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty());
    if let Some(value) = header {
        let token = value.to_str().ok().and_then(|text| text.parse().ok());
        return token.map(Some).ok_or_else(|| invalid("Last-Event-ID"));
    }
    asked.map(|text| text.parse().map_err(|_| invalid("after"))).transpose()
}

/// One client that is told what happens.
struct Following {
    native: Arc<Native>,
    watch: Watch,
    filter: Filter,
    principal: Principal,
    presented: Presented,
    stopping: CancellationToken,
    /// When the next heartbeat is due.
    beat: Instant,
    /// Whether nothing was sent yet.
    greeting: bool,
}

impl Following {
    /// What is sent next; `None` at the stream's end.
    async fn piece(&mut self) -> Option<Bytes> {
        if std::mem::take(&mut self.greeting) {
            return Some(text::greeting(self.watch.token()).into());
        }
        let stopping = self.stopping.clone();
        stopping.run_until_cancelled(self.next()).await?
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            // Looked at first: a client that is told much is to be asked as well.
            if Instant::now() >= self.beat {
                self.beat = Instant::now() + HEARTBEAT;
                if !self.may_watch().await {
                    return None;
                }
                return Some(text::heartbeat(self.watch.token()).into());
            }
            if let Ok(told) = timeout_at(self.beat, self.watch.next()).await {
                let text = text::told(&told, &self.watch, &self.filter, &self.principal);
                if !text.is_empty() {
                    return Some(text.into());
                }
            }
        }
    }

    /// Whether this client may still be told, and of what: tokens expire and roles change.
    async fn may_watch(&mut self) -> bool {
        match token::caller(&self.native, &self.presented, Grant::Viewer).await {
            Ok(principal) => {
                self.principal = principal;
                true
            }
            // It did before, and that nobody can say now whether it still may is no reason.
            Err(problem) => {
                let status = problem.into_response().status();
                status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
            }
        }
    }
}

#[cfg(test)]
mod tests;
