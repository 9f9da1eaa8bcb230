//! `POST /v3/auth/tokens` (IAM API, page iam_30_0001, KeystoneCreateUserTokenByPassword): signs a
//! user in. The token is in the header `X-Subject-Token`; errors are nested, as IAM's are.
//!
//! There are no domains here: whichever one the client names is taken and given back. A user may
//! sign in for one project. Asking for another is answered as a wrong password is, which is what
//! Keystone, on whose API IAM's is built, does for a project that the user has no role in and for
//! one that does not exist: an answer of its own would tell which projects there are.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use engine::{SignInError, SignedIn};
use fleet::{RequestId, Secret, Timestamp};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};

use super::error::{Code, Failure};
use super::{Door, answer, auth, query::Query, small_body};
use crate::admission::Checking;
use crate::listener::{BODY_TIMEOUT, read_body};
use crate::signature::lockout::{self, Outcome};

/// Where the token is.
const SUBJECT_TOKEN: HeaderName = HeaderName::from_static("x-subject-token");

/// Bytes of a body: anybody may send one, and one with the longest name, password and project has a
/// quarter of it.
pub(super) const BODY_BYTES_MAX: usize = 16 * 1024;

/// What the domain is called where the client names none: as Keystone calls its first.
pub(super) const DOMAIN: &str = "default";

/// The answer.
#[derive(Serialize)]
struct Answer<'a> {
    token: Token<'a>,
}

/// What the answer says of the token.
#[derive(Serialize)]
struct Token<'a> {
    methods: [&'static str; 1],
    issued_at: String,
    expires_at: String,
    project: Named<'a>,
    user: User<'a>,
    /// What the user may do is not told here: a viewer is refused what changes something.
    roles: [(); 0],
    /// This server is one endpoint, which the client has found. Absent if it does not want it.
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog: Option<[(); 0]>,
}

/// The project.
#[derive(Serialize)]
struct Named<'a> {
    id: &'a str,
    name: &'a str,
    domain: Domain<'a>,
}

/// The user.
#[derive(Serialize)]
struct User<'a> {
    id: &'a str,
    name: &'a str,
    domain: Domain<'a>,
    /// Never.
    password_expires_at: &'static str,
}

/// The domain that the client named.
#[derive(Clone, Copy, Serialize)]
struct Domain<'a> {
    id: &'a str,
    name: &'a str,
}

/// An error in IAM's shape.
#[derive(Serialize)]
struct Refused<'a> {
    error: Error<'a>,
}

/// What an error says.
#[derive(Serialize)]
struct Error<'a> {
    code: u16,
    message: &'a str,
    title: &'a str,
}

/// `POST /v3/auth/tokens`.
pub(crate) async fn create_token(State(door): State<Arc<Door>>, request: Request) -> Response {
    let id = door.handle.next_request_id();
    match sign_in(&door, id, request).await {
        Ok(response) => response,
        Err(failure) => refuse(id, &failure),
    }
}

/// Who wants to sign in, and for what.
#[derive(Debug)]
pub(super) struct Asked {
    /// The user's name.
    name: String,
    /// The password.
    password: Secret<String>,
    /// The domain that the client calls the user's.
    domain: String,
    /// The project's id, if it is named by that.
    project_id: Option<String>,
    /// The project's name, if it is named by that.
    project_name: Option<String>,
}

/// Signs in, or says why not.
async fn sign_in(door: &Door, id: RequestId, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let address = door.admission.address(&parts);
    let body = read(body).await?;
    let Asked { name, password, domain, project_id, project_name } = asked(&body)?;
    drop(body);
    let signed_in = check(door, address, &name, password).await?;
    let user = &signed_in.user;
    let is_theirs = project_id.is_none_or(|id| id == user.project_id.as_str())
        && project_name.is_none_or(|name| name == user.project_name);
    if !is_theirs {
        return Err(Failure::of(Code::SignInWrong));
    }
    let has_catalog = Query::parse(parts.uri.query()).text("nocatalog").is_none();
    answer(id, &signed_in, &domain, has_catalog)
}

/// Checks the password, unless its sender has guessed too often or has too many checks under way.
async fn check(
    door: &Door,
    address: IpAddr,
    name: &str,
    password: Secret<String>,
) -> Result<SignedIn, Failure> {
    // As many guesses at a user as at a name, however it is written.
    let counted = name.to_ascii_lowercase();
    door.admission.passwords().admit(&counted, address, door.handle.now()).map_err(shut_out)?;
    let place = Checking::begin(&door.admission, address);
    let place = place.ok_or_else(|| Failure::of(Code::SignInBusy))?;
    let signed_in = door.handle.sign_in(name, password).await;
    drop(place);
    let outcome = match &signed_in {
        Ok(_) => Outcome::Passed,
        // Names that do not exist count too, or being locked out would tell which do.
        Err(SignInError::Wrong) => Outcome::Failed,
        Err(SignInError::Impossible | SignInError::Busy | SignInError::Engine(_)) => {
            Outcome::Unknown
        }
    };
    // Guesses that were under way when the fifth failed learn nothing either.
    let settled = door.admission.passwords().settle(&counted, address, door.handle.now(), outcome);
    settled.map_err(shut_out)?;
    signed_in.map_err(|error| match error {
        SignInError::Wrong | SignInError::Impossible => Failure::of(Code::SignInWrong),
        SignInError::Busy => Failure::of(Code::SignInBusy),
        SignInError::Engine(error) => error.into(),
    })
}

/// Why a name is shut out.
fn shut_out(refused: lockout::Refused) -> Failure {
    match refused {
        lockout::Refused::Locked => Failure::of(Code::SignInLocked),
        lockout::Refused::Full => Failure::of(Code::SignInBusy),
    }
}

/// The body, of which strangers may send little.
async fn read(body: Body) -> Result<Bytes, Failure> {
    let body = read_body(body, BODY_BYTES_MAX, BODY_TIMEOUT).await;
    body.map_err(|error| auth::unread(&error))
}

/// Reads the body.
///
/// # Errors
/// 400 for what does not say who signs in by which password, and for any other way or scope than a
/// password for a project.
pub(super) fn asked(body: &[u8]) -> Result<Asked, Failure> {
    let invalid = || Failure::of(Code::TokenBodyInvalid);
    let body = small_body::object(body, Code::TokenBodyInvalid).map_err(|_| invalid())?;
    let auth = object(body.get("auth"))?;
    let identity = object(auth.get("identity"))?;
    let methods = identity.get("methods").and_then(Value::as_array).ok_or_else(invalid)?;
    if methods.len() != 1 || !methods.iter().all(|method| method == "password") {
        return Err(invalid());
    }
    let user = object(object(identity.get("password"))?.get("user"))?;
    let text = |key: &str| user.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = text("name").ok_or_else(invalid)?.to_owned();
    let password = Secret::new(text("password").ok_or_else(invalid)?.to_owned());
    let domain = match user.get("domain") {
        None | Some(Value::Null) => None,
        domain => {
            let domain = object(domain)?;
            let named = optional(domain, "name")?;
            Some(named.or(optional(domain, "id")?).ok_or_else(invalid)?)
        }
    };
    let (project_id, project_name) = match auth.get("scope") {
        None | Some(Value::Null) => (None, None),
        scope => {
            let project = object(object(scope)?.get("project"))?;
            (optional(project, "id")?, optional(project, "name")?)
        }
    };
    if auth.get("scope").is_some_and(Value::is_object)
        && project_id.is_none()
        && project_name.is_none()
    {
        return Err(invalid());
    }
    let domain = domain.unwrap_or_else(|| DOMAIN.to_owned());
    Ok(Asked { name, password, domain, project_id, project_name })
}

/// An object of JSON.
fn object(value: Option<&Value>) -> Result<&Map<String, Value>, Failure> {
    let object = value.and_then(Value::as_object);
    object.ok_or_else(|| Failure::of(Code::TokenBodyInvalid))
}

/// The text at `key`; `None` if there is nothing.
fn optional(object: &Map<String, Value>, key: &str) -> Result<Option<String>, Failure> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err(Failure::of(Code::TokenBodyInvalid)),
    }
}

/// The answer to who has signed in.
fn answer(
    id: RequestId,
    signed_in: &SignedIn,
    domain: &str,
    has_catalog: bool,
) -> Result<Response, Failure> {
    let SignedIn { token, user, issued_at, expires_at, .. } = signed_in;
    let domain = Domain { id: domain, name: domain };
    let body = Answer {
        token: Token {
            methods: ["password"],
            issued_at: microseconds(*issued_at),
            expires_at: microseconds(*expires_at),
            project: Named { id: user.project_id.as_str(), name: &user.project_name, domain },
            user: User { id: &user.id, name: &user.name, domain, password_expires_at: "" },
            roles: [],
            catalog: has_catalog.then_some([]),
        },
    };
    let body = serde_json::to_vec(&body).map_err(|error| {
        tracing::error!(%error, "a token's answer can't be written as JSON");
        Failure::of(Code::Internal)
    })?;
    // Can't fail: a token is of visible ASCII.
    let mut token =
        HeaderValue::try_from(token.expose().as_str()).map_err(|_| Failure::of(Code::Internal))?;
    token.set_sensitive(true);
    let mut response = answer::response(id, StatusCode::CREATED, body);
    response.headers_mut().insert(SUBJECT_TOKEN, token);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// A refusal in IAM's shape. What is refused in the gateway's place, a body that is too long or
/// that breaks off, has the gateway's.
fn refuse(id: RequestId, failure: &Failure) -> Response {
    if matches!(failure.code, Code::BodyTooLarge | Code::RequestBroken) {
        return answer::refuse(id, failure);
    }
    let status = failure.code.status();
    let title = status.canonical_reason().unwrap_or_default();
    let error = Error { code: status.as_u16(), message: &failure.message, title };
    // Can't fail: it is a number and two texts.
    let body = serde_json::to_vec(&Refused { error }).unwrap_or_default();
    let mut response = answer::response(id, status, body);
    if let Some(seconds) = failure.retry_after_seconds {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// `YYYY-MM-DDTHH:MM:SS.ffffffZ`, as IAM prints times.
pub(super) fn microseconds(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{}000Z", text.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests;
