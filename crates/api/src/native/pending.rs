//! Cameras that have shown a project's enrolment password and wait to be accepted.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::{AcceptRefused, PendingAsked, PendingPage};
use fleet::limits::PENDING_PER_CALL_MAX;
use fleet::{DeviceId, IdPrefix, PendingDevice, Principal, ProjectId, Secret, SipTransport};
use serde::{Deserialize, Serialize};
use store::write::NotAccepted;
use utoipa::ToSchema;

use super::entries::Entries;
use super::exchange::{self, FromPath, FromQuery};
use super::import::password;
use super::token::Caller;
use super::{Native, Problem, openapi, pages};

/// A camera that waits to be accepted. It is no device: nothing is sent to it.
#[derive(Debug, Serialize, ToSchema)]
struct PendingCamera {
    /// The id that it registers under.
    #[schema(value_type = String, example = "34020000001320000001")]
    id: DeviceId,
    /// When it came for the first time.
    #[schema(format = DateTime)]
    first_seen: String,
    /// When it last came, to about a minute.
    #[schema(format = DateTime)]
    last_seen: String,
    /// Where it last came from: address:port.
    #[schema(example = "192.0.2.10:5060")]
    remote: String,
    /// How: `udp` or `tcp`.
    #[schema(value_type = String, example = "udp")]
    transport: SipTransport,
    /// What it says of its make: its User-Agent; null if it says nothing.
    user_agent: Option<String>,
}

impl From<PendingDevice> for PendingCamera {
    fn from(device: PendingDevice) -> Self {
        Self {
            id: device.id,
            first_seen: device.first_seen.to_string(),
            last_seen: device.last_seen.to_string(),
            remote: device.remote.to_string(),
            transport: device.transport,
            user_agent: device.user_agent,
        }
    }
}

/// One page of a project's pending cameras.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PendingDevices {
    /// By id.
    devices: Vec<PendingCamera>,
    /// What to give as `after` for the next page; null on the last.
    #[schema(value_type = Option<String>)]
    next: Option<DeviceId>,
}

/// Which pending cameras to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// The page after this one: `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<DeviceId>,
    /// At most so many: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A pending camera to accept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Accepting {
    /// Its id.
    #[schema(value_type = String, example = "34020000001320000001")]
    id: DeviceId,
    /// The operator's name for it; its id unless given.
    #[schema(min_length = 1, max_length = 256)]
    name: Option<String>,
    /// The password that it must register with from now on; unless given, one is made. The
    /// enrolment password is none.
    #[serde(default, deserialize_with = "password")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 256)]
    password: Option<Secret<String>>,
    /// How it is spoken to: the name of a profile; `generic` unless given.
    #[schema(example = "generic")]
    profile: Option<String>,
}

/// Which pending cameras to accept: those that are named, or the first of all.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptPending {
    /// Those that are named: at most 1,000.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Accepting>>, max_items = 1000)]
    devices: Option<Entries<Accepting, PENDING_PER_CALL_MAX>>,
    /// Instead of named ones, the first 1,000 by id.
    #[serde(default)]
    all: bool,
    /// With `all`, those whose ids begin with this: 1 to 20 digits.
    #[schema(min_length = 1, max_length = 20)]
    prefix: Option<String>,
    /// That passwords are made, which `all` needs: there is nobody else to give them.
    #[serde(default)]
    generate: bool,
}

/// Which pending cameras to reject: those that are named, or the first of all.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RejectPending {
    /// The ids of those that are named: at most 1,000.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, max_items = 1000)]
    devices: Option<Entries<DeviceId, PENDING_PER_CALL_MAX>>,
    /// Instead of named ones, the first 1,000 by id.
    #[serde(default)]
    all: bool,
    /// With `all`, those whose ids begin with this: 1 to 20 digits.
    #[schema(min_length = 1, max_length = 20)]
    prefix: Option<String>,
}

/// Why a camera is not accepted.
#[derive(Debug, Serialize, ToSchema)]
struct AcceptError {
    /// For programs: `not_pending`, `id_taken` or `invalid`.
    #[schema(example = "not_pending")]
    code: &'static str,
    /// The same for people.
    detail: String,
}

impl From<AcceptRefused> for AcceptError {
    fn from(refused: AcceptRefused) -> Self {
        let code = match &refused {
            AcceptRefused::NotAccepted(NotAccepted::NotPending) => "not_pending",
            AcceptRefused::NotAccepted(NotAccepted::Taken) => "id_taken",
            AcceptRefused::Invalid(_) => "invalid",
        };
        Self { code, detail: refused.to_string() }
    }
}

/// What came of a camera that was to be accepted.
#[derive(Serialize, ToSchema)]
struct PendingOutcome {
    /// Its id.
    #[schema(value_type = String)]
    id: DeviceId,
    /// Whether it is a device of the project now.
    accepted: bool,
    /// The password that was made for it, which is not shown again; null if one was given.
    password: Option<String>,
    /// Why it is not accepted; null if it is.
    error: Option<AcceptError>,
}

/// What came of cameras that were to be accepted: the one answer that shows passwords that were
/// made.
#[derive(Serialize, ToSchema)]
pub(super) struct AcceptedPending {
    /// Each, in the order asked; with `all` by id.
    devices: Vec<PendingOutcome>,
    /// How many are accepted.
    accepted: usize,
    /// With `all`: whether there are more.
    more: bool,
}

/// What came of cameras that were to be rejected.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Rejected {
    /// How many are rejected: those that were not pending are none of them.
    rejected: usize,
    /// With `all`: whether there are more.
    more: bool,
}

/// Lists the cameras of a project that wait to be accepted, by id.
#[utoipa::path(
    get,
    path = "/projects/{project}/pending",
    tag = "enrolment",
    security(("token" = ["viewer"])),
    params(("project" = String, Path, description = "The project's id"), ListQuery),
    responses(
        (status = 200, description = "One page", body = PendingDevices),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn list_pending(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(project): FromPath<ProjectId>,
    FromQuery(ListQuery { after, limit }): FromQuery<ListQuery>,
) -> Result<Json<PendingDevices>, Problem> {
    let limit = pages::limit(limit)?;
    let reads = native.handle.reads();
    if reads.project(&principal, &project).await?.is_none() {
        return Err(Problem::no_such_project(&project));
    }
    let after = after.as_ref().map_or("", DeviceId::as_str);
    // One more than asked for shows whether there is a next page.
    let mut found = reads.pending(&principal, &project, after, limit + 1).await?;
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_next = found.len() > asked;
    found.truncate(asked);
    let last = found.last().map(|device| device.id.clone());
    Ok(Json(PendingDevices {
        devices: found.into_iter().map(PendingCamera::from).collect(),
        next: last.filter(|_| has_next),
    }))
}

/// Accepts pending cameras: each becomes a device of the project with a password of its own. The
/// enrolment password lets it in no more, except for as long as the project's
/// `password_overlap_seconds` says. Each is accepted or refused alone.
#[utoipa::path(
    post,
    path = "/projects/{project}/pending/accept",
    tag = "enrolment",
    security(("token" = ["operator"])),
    params(("project" = String, Path, description = "The project's id")),
    request_body = AcceptPending,
    responses(
        (status = 200, description = "What came of each", body = AcceptedPending),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn accept_pending(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(project): FromPath<ProjectId>,
    exchange::Json(asked): exchange::Json<AcceptPending>,
) -> Result<Json<AcceptedPending>, Problem> {
    let AcceptPending { devices, all, prefix, generate } = asked;
    if all && !generate {
        let detail = "all needs generate: there is nobody else to give the passwords";
        return Err(Problem::invalid(detail));
    }
    let (asked, more) = match named(devices, all, prefix.as_deref())? {
        Named::These(devices) => (devices.into_iter().map(PendingAsked::from).collect(), false),
        Named::First(prefix) => {
            let page = first(&native, &principal, &project, prefix.as_ref()).await?;
            (page.ids.into_iter().map(PendingAsked::new).collect::<Vec<_>>(), page.more)
        }
    };
    let ids: Vec<DeviceId> = asked.iter().map(|asked| asked.id.clone()).collect();
    let results = native.handle.accept_pending(&principal, &project, asked).await?;
    let devices: Vec<PendingOutcome> = ids
        .into_iter()
        .zip(results)
        .map(|(id, result)| match result {
            Ok(password) => {
                let password = password.map(|password| password.expose().clone());
                PendingOutcome { id, accepted: true, password, error: None }
            }
            Err(refused) => {
                PendingOutcome { id, accepted: false, password: None, error: Some(refused.into()) }
            }
        })
        .collect();
    let accepted = devices.iter().filter(|device| device.accepted).count();
    Ok(Json(AcceptedPending { devices, accepted, more }))
}

/// Rejects pending cameras: they are off the list for a day, and may come again after it.
#[utoipa::path(
    post,
    path = "/projects/{project}/pending/reject",
    tag = "enrolment",
    security(("token" = ["operator"])),
    params(("project" = String, Path, description = "The project's id")),
    request_body = RejectPending,
    responses(
        (status = 200, description = "How many are rejected", body = Rejected),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn reject_pending(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(project): FromPath<ProjectId>,
    exchange::Json(asked): exchange::Json<RejectPending>,
) -> Result<Json<Rejected>, Problem> {
    let RejectPending { devices, all, prefix } = asked;
    let page = match named(devices, all, prefix.as_deref())? {
        Named::These(ids) => PendingPage { ids, more: false },
        Named::First(prefix) => first(&native, &principal, &project, prefix.as_ref()).await?,
    };
    let rejected = native.handle.reject_pending(&principal, &project, page.ids).await?;
    Ok(Json(Rejected { rejected, more: page.more }))
}

impl From<Accepting> for PendingAsked {
    fn from(Accepting { id, name, password, profile }: Accepting) -> Self {
        Self { id, name, password, profile }
    }
}

/// Which pending cameras a call is about.
enum Named<T> {
    /// These.
    These(Vec<T>),
    /// The first of all, or of those whose ids begin so.
    First(Option<IdPrefix>),
}

/// Reads which pending cameras a call is about.
///
/// # Errors
/// It is not said, or in two ways.
fn named<T>(
    devices: Option<Entries<T, PENDING_PER_CALL_MAX>>,
    all: bool,
    prefix: Option<&str>,
) -> Result<Named<T>, Problem> {
    match (devices, all, prefix) {
        (Some(Entries(devices)), false, None) => Ok(Named::These(devices)),
        (None, true, prefix) => {
            let prefix = prefix.map(IdPrefix::new).transpose();
            let prefix = prefix.map_err(|error| Problem::invalid(format!("prefix: {error}")))?;
            Ok(Named::First(prefix))
        }
        (None, false, _) => Err(Problem::invalid("give devices, or all")),
        (Some(_), ..) => Err(Problem::invalid("devices goes with neither all nor prefix")),
    }
}

/// The first pending cameras.
async fn first(
    native: &Native,
    principal: &Principal,
    project: &ProjectId,
    prefix: Option<&IdPrefix>,
) -> Result<PendingPage, Problem> {
    Ok(native.handle.first_pending(principal, project, prefix).await?)
}
