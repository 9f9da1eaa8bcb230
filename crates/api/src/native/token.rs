//! Who calls: the admin token, or the token of a user, who may do what is granted in each project.
//!
//! Each call says what it needs ([`super::need`]). Its caller is let in as who may see those
//! projects alone in which that is granted: so what every look-up asks anyway, whether the caller
//! may see a project, is whether the caller may make this call there.
//!
//! A token comes with the header `Authorization`, or from a browser in the console's cookie
//! ([`super::cookie`]): [`presented`] alone knows where.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use engine::TokenHolder;
use fleet::{Grant, Principal, Secret};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::need::{Need, Needs};
use super::{Native, Problem, cookie, keyed};
use crate::idempotency;

/// The admin token, hashed: the token itself is not kept. Its strength is that of 32 random bytes,
/// so a fast hash does, and guessing needs no lock-out.
#[derive(Clone)]
pub struct AdminToken {
    hash: [u8; 32],
}

impl AdminToken {
    /// The token of this text.
    pub fn new(token: &str) -> Self {
        Self { hash: Sha256::digest(token.as_bytes()).into() }
    }

    /// Whether `presented` is the token. Takes the same time wherever they differ.
    fn is(&self, presented: &[u8]) -> bool {
        let presented: [u8; 32] = Sha256::digest(presented).into();
        self.hash.ct_eq(&presented).into()
    }
}

impl std::fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminToken(...)")
    }
}

/// Who makes a call, as who may see the projects in which the call is allowed, and no others.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Principal);

/// What brings a request its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    /// The header `Authorization`, which nothing but the caller's own program sends.
    Authorization,
    /// The console's cookie, which a browser adds to whatever is sent to this server.
    Cookie,
}

/// The token that a request's head has. It proves who the client is as long as a stream lasts.
#[derive(Debug, Clone)]
pub(super) struct Presented {
    /// What brings it.
    pub(super) by: Carrier,
    /// The token, which may be anybody's or nobody's.
    token: Secret<Vec<u8>>,
}

/// Whose token it is.
#[derive(Debug, Clone)]
pub(super) enum Bearer {
    /// The server's administrator's.
    Admin,
    /// A user's.
    User(Arc<TokenHolder>),
}

impl Bearer {
    /// Whether it is this user.
    pub(super) fn is_user(&self, name: &str) -> bool {
        matches!(self, Self::User(holder) if holder.user == name)
    }

    /// Whether the token was made with a name, and not got by signing in.
    pub(super) fn has_name(&self) -> bool {
        matches!(self, Self::User(holder) if holder.name.is_some())
    }

    /// As who its holder makes a call that needs `need`.
    ///
    /// # Errors
    /// 403 if there is no project in which the holder may.
    pub(super) fn caller(&self, need: Need) -> Result<Principal, Problem> {
        match (self, need) {
            (Self::Admin, _) => Ok(Principal::admin()),
            (Self::User(_), Need::Server) => {
                let detail =
                    "this call is for the server's administrator: it needs the admin token";
                Err(Problem::forbidden(detail))
            }
            (Self::User(holder), Need::Grant(grant)) => holder.with(grant).ok_or_else(|| {
                let detail = format!("this call needs the role {} in a project", grant.name());
                Problem::forbidden(detail)
            }),
            (Self::User(holder), Need::Nothing | Need::Token) => Ok(holder
                .with(Grant::Viewer)
                .unwrap_or_else(|| Principal::user(holder.user.as_str(), Vec::new()))),
        }
    }

    /// Whether there are projects in which its holder may do something, but not what `grant`
    /// allows.
    fn is_less_elsewhere(&self, grant: Grant) -> bool {
        match self {
            Self::Admin => false,
            Self::User(holder) => holder.grants.iter().any(|held| held.grant < grant),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::unguarded)
    }
}

impl<S: Sync> FromRequestParts<S> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::unguarded)
    }
}

impl<S: Sync> FromRequestParts<S> for Presented {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::unguarded)
    }
}

/// What the guard goes by.
#[derive(Clone)]
pub(super) struct Guard {
    /// The door.
    pub(super) native: Arc<Native>,
    /// What the calls need.
    pub(super) needs: Arc<Needs>,
}

/// Lets a request through whose token is enough for its call; nothing of any other is looked at.
pub(super) async fn guard(
    State(Guard { native, needs }): State<Guard>,
    request: Request,
    next: Next,
) -> Response {
    let need = needs.of_request(&request);
    if need == Some(Need::Nothing) {
        return next.run(request).await;
    }
    let presented = presented(request.headers());
    let by_cookie = presented.as_ref().is_some_and(|presented| presented.by == Carrier::Cookie);
    if !by_cookie {
        return let_in(native, need, presented, request, next).await;
    }
    let own_names = &native.admission.public_hosts;
    if let Err(problem) = cookie::is_of_console(request.method(), request.headers(), own_names) {
        return problem.into_response();
    }
    let signs_out = cookie::signs_out(&request);
    let mut response = let_in(native, need, presented, request, next).await;
    cookie::mark(&mut response, signs_out);
    response
}

/// Lets a request through that presents this token, if it is enough for what its call needs; `None`
/// where there is no such call.
async fn let_in(
    native: Arc<Native>,
    need: Option<Need>,
    presented: Option<Presented>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(presented) = presented else {
        let missing = "the header Authorization: Bearer TOKEN is missing";
        return Problem::unauthorized(missing).into_response();
    };
    let bearer = match bearer_of(&native, presented.token.expose()).await {
        Ok(bearer) => bearer,
        Err(problem) => return problem.into_response(),
    };
    // Where there is no such call, the router says so.
    let Some(need) = need else { return next.run(request).await };
    let principal = match bearer.caller(need) {
        Ok(principal) => principal,
        Err(problem) => return problem.into_response(),
    };
    request.extensions_mut().insert(Caller(principal.clone()));
    request.extensions_mut().insert(bearer.clone());
    request.extensions_mut().insert(presented);
    let answered = async move |request| {
        let response = next.run(request).await;
        match need {
            Need::Grant(grant)
                if response.status() == StatusCode::NOT_FOUND
                    && bearer.is_less_elsewhere(grant) =>
            {
                or_too_little(response, grant)
            }
            _ => response,
        }
    };
    if idempotency::is_asked(&request) {
        keyed::make(&native, principal, request, answered).await
    } else {
        answered(request).await
    }
}

/// The same answer, which says what else may be the reason.
fn or_too_little(response: Response, grant: Grant) -> Response {
    match response.extensions().get::<Problem>() {
        Some(problem) => problem
            .clone()
            .and(&format!("or your role there is below {}", grant.name()))
            .into_response(),
        None => response,
    }
}

/// As who the bearer of a token makes a call that needs `grant`, as the guard would let it in now.
///
/// # Errors
/// 401 if the token does not work, 403 if there is no project in which its holder may.
pub(super) async fn caller(
    native: &Native,
    presented: &Presented,
    grant: Grant,
) -> Result<Principal, Problem> {
    bearer_of(native, presented.token.expose()).await?.caller(Need::Grant(grant))
}

/// Whose token it is.
///
/// # Errors
/// 401 if it does not work, or the store failed.
pub(super) async fn bearer_of(native: &Native, token: &[u8]) -> Result<Bearer, Problem> {
    if native.admin_token.is(token) {
        return Ok(Bearer::Admin);
    }
    let unknown = || {
        let detail =
            "the token is neither this server's admin token nor one of a user's that works";
        Problem::unauthorized(detail)
    };
    let token = std::str::from_utf8(token).map_err(|_| unknown())?;
    let holder = native.handle.token(token).await?.ok_or_else(unknown)?;
    if native.handle.now() >= holder.expires_at {
        return Err(Problem::unauthorized("the token has expired"));
    }
    native.handle.token_used(&holder);
    Ok(Bearer::User(holder))
}

/// The token that a request's head has. One with a header `Authorization` is judged by that alone,
/// whatever it says: its cookie is not looked at.
fn presented(headers: &HeaderMap) -> Option<Presented> {
    let (by, token) = if headers.contains_key(header::AUTHORIZATION) {
        (Carrier::Authorization, bearer(headers)?.to_vec())
    } else {
        (Carrier::Cookie, cookie::token(headers)?)
    };
    Some(Presented { by, token: Secret::new(token) })
}

/// The one bearer token of the headers (RFC 6750, section 2.1); the scheme's name has no case.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.as_bytes().split_first_chunk::<7>()?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_the_token() {
        let token = AdminToken::new("t0ken");
        assert!(token.is(b"t0ken"));
        for other in [&b""[..], b"t0keN", b"t0ken ", b"t0ke", b"t0kenn"] {
            assert!(!token.is(other));
        }
        assert!(!format!("{token:?}").contains("t0ken"));
    }

    #[test]
    fn the_cookie_counts_where_there_is_no_other_header() {
        let check = |lines: &[(&'static str, &str)], expected: Option<(Carrier, &[u8])>| {
            let lines = lines
                .iter()
                .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
            let presented = presented(&lines.collect());
            let found = presented.as_ref().map(|one| (one.by, one.token.expose().as_slice()));
            assert_eq!(found, expected);
            assert!(!format!("{presented:?}").contains("97"), "the token is not shown");
        };
        let cookie = ("cookie", "__Host-fleetwright=abc");
        check(&[cookie], Some((Carrier::Cookie, b"abc")));
        let header = ("authorization", "Bearer def");
        check(&[header], Some((Carrier::Authorization, b"def")));
        check(&[header, cookie], Some((Carrier::Authorization, b"def")));
        for unfit in ["", "Bearer ", "Basic abcdef", "Bearer"] {
            check(&[cookie, ("authorization", unfit)], None);
        }
        check(&[("cookie", "a=b")], None);
        check(&[], None);
    }

    #[test]
    fn finds_the_one_bearer_token() {
        let check = |values: &[&'static str], expected: Option<&[u8]>| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            assert_eq!(bearer(&headers), expected, "{values:?}");
        };
        check(&["Bearer abc"], Some(b"abc"));
        check(&["bEARER  abc "], Some(b"abc"));
        check(&["Bearer "], None);
        check(&[], None);
        check(&["Basic abcdef"], None);
        check(&["Bearer"], None);
        check(&["Bearer abc", "Bearer abc"], None);
    }
}
