//! Signing in and out, and who one is.

pub(super) mod cookie;

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use engine::{SignInError, SignedIn};
use fleet::{Principal, ProjectId, Secret};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::grants::UserGrant;
use super::token::{Bearer, Carrier, Presented};
use super::users::secret;
use super::{Native, Problem, openapi};
use crate::admission::Checking;
use crate::listener::{BODY_TIMEOUT, BodyError, read_body};
use crate::signature::lockout::{self, Outcome};

/// Bytes of a body: anybody may send one, and one with the longest name and password has far less.
const BODY_BYTES_MAX: usize = 4 * 1024;

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSession {
    /// The user's name. The case of its letters is of no account, unless it tells two users apart.
    #[schema(min_length = 1, max_length = 64)]
    user: String,
    /// The password.
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, min_length = 8, max_length = 128)]
    password: Secret<String>,
}

/// What signing in gives.
#[derive(Serialize, ToSchema)]
pub(super) struct Session {
    /// The token. It is not shown again.
    token: String,
    /// What it is spoken of by.
    id: String,
    /// The user.
    user: String,
    /// When it stops working.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Who one is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WhoAmI {
    /// The user; null for the server's administrator.
    user: Option<String>,
    /// Whether it is the server's administrator, who may do everything.
    server_admin: bool,
    /// The project that the user is of.
    #[schema(value_type = Option<String>)]
    project: Option<ProjectId>,
    /// What the token is spoken of by.
    token: Option<String>,
    /// When the token stops working; null for never.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// What the user may do, by project.
    grants: Vec<UserGrant>,
}

/// Signs a user in: gives a token. Who fails too often has to wait.
#[utoipa::path(
    post,
    path = "/session",
    tag = "session",
    security(()),
    request_body = NewSession,
    responses(
        (status = 201, description = "The token, which is not shown again", body = Session),
        openapi::Invalid, openapi::Guarded,
    )
)]
pub(super) async fn sign_in(
    State(native): State<Arc<Native>>,
    request: Request,
) -> Result<([(header::HeaderName, HeaderValue); 1], (StatusCode, Json<Session>)), Problem> {
    let (parts, body) = request.into_parts();
    let address = native.admission.address(&parts);
    let body = own_body(body).await?;
    let NewSession { user, password } = super::exchange::object(&body)?;
    drop(body);
    let signed_in = check(&native, address, &user, password).await?;
    let SignedIn { token, id, user, expires_at, .. } = signed_in;
    let session = Session {
        token: token.expose().clone(),
        id,
        user: user.name,
        expires_at: expires_at.to_string(),
    };
    let not_kept = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((not_kept, (StatusCode::CREATED, Json(session))))
}

/// Reads the body of a call that anybody may make.
async fn own_body(body: Body) -> Result<Bytes, Problem> {
    let body = read_body(body, BODY_BYTES_MAX, BODY_TIMEOUT).await;
    body.map_err(|error| match error {
        BodyError::TooLarge { .. } => Problem::too_large(error.to_string()),
        BodyError::TooSlow { .. } | BodyError::Broken(_) => Problem::invalid(error.to_string()),
    })
}

/// Checks the password, unless its sender has guessed too often or has too many checks under way.
async fn check(
    native: &Native,
    address: std::net::IpAddr,
    name: &str,
    password: Secret<String>,
) -> Result<SignedIn, Problem> {
    let (handle, admission) = (&native.handle, &native.admission);
    // As many guesses at a user as at a name, however it is written.
    let counted = name.to_ascii_lowercase();
    admission.passwords().admit(&counted, address, handle.now()).map_err(shut_out)?;
    let place = Checking::begin(admission, address).ok_or_else(Problem::busy)?;
    let signed_in = handle.sign_in(name, password).await;
    drop(place);
    let outcome = match &signed_in {
        Ok(_) => Outcome::Passed,
        Err(SignInError::Wrong) => Outcome::Failed,
        Err(SignInError::Impossible | SignInError::Busy | SignInError::Engine(_)) => {
            Outcome::Unknown
        }
    };
    let settled = admission.passwords().settle(&counted, address, handle.now(), outcome);
    settled.map_err(shut_out)?;
    signed_in.map_err(|error| match error {
        SignInError::Wrong | SignInError::Impossible => {
            Problem::unauthorized("the name or the password is wrong")
        }
        SignInError::Busy => Problem::busy(),
        SignInError::Engine(error) => error.into(),
    })
}

/// Why a name is shut out.
fn shut_out(refused: lockout::Refused) -> Problem {
    match refused {
        lockout::Refused::Locked => Problem::unauthorized(
            "too many wrong passwords for this name, or tokens, from here: wait a while",
        ),
        lockout::Refused::Full => Problem::busy(),
    }
}

/// Tells who one is, and what one may do.
#[utoipa::path(
    get,
    path = "/session",
    tag = "session",
    security(("token" = [])),
    responses(
        (status = 200, description = "Who one is", body = WhoAmI),
        openapi::Guarded,
    )
)]
pub(super) async fn who_am_i(bearer: Bearer) -> Json<WhoAmI> {
    Json(bearer.into())
}

impl From<Bearer> for WhoAmI {
    fn from(bearer: Bearer) -> Self {
        match bearer {
            Bearer::Admin => Self {
                user: None,
                server_admin: true,
                project: None,
                token: None,
                expires_at: None,
                grants: Vec::new(),
            },
            Bearer::User(holder) => Self {
                user: Some(holder.user.clone()),
                server_admin: false,
                project: Some(holder.project_id.clone()),
                token: Some(holder.id.clone()),
                expires_at: Some(holder.expires_at.to_string()),
                grants: holder.grants.iter().cloned().map(UserGrant::from).collect(),
            },
        }
    }
}

/// Signs out: the token with which it is called stops working. The admin token does not, and cannot
/// be signed out with.
///
/// Called by cookie, it has the browser forget the cookie, whatever the answer. There the admin
/// token can be signed out with, and it goes on working, as a token with a name does.
#[utoipa::path(
    delete,
    path = "/session",
    tag = "session",
    security(("token" = [])),
    responses(
        (status = 204, description = "The token does not work any more, or the browser forgets it"),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn sign_out(
    State(native): State<Arc<Native>>,
    bearer: Bearer,
    presented: Presented,
) -> Result<StatusCode, Problem> {
    let is_of_browser_alone = match &bearer {
        Bearer::Admin => false,
        Bearer::User(holder) => holder.name.is_none(),
    };
    if presented.by == Carrier::Cookie && !is_of_browser_alone {
        return Ok(StatusCode::NO_CONTENT);
    }
    let Bearer::User(holder) = bearer else {
        return Err(Problem::forbidden("the admin token is changed in its file, not here"));
    };
    let token = native.handle.token_record(&holder.id).await?;
    let principal = Principal::user(holder.user.as_str(), vec![holder.project]);
    native.handle.revoke_token(&principal, &token).await?;
    Ok(StatusCode::NO_CONTENT)
}
