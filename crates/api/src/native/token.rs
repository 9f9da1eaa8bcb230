//! Who calls: the admin token, or the token of a user, who may do what is granted in each project.
//!
//! Each call says what it needs ([`super::need`]). Its caller is let in as who may see those
//! projects alone in which that is granted: so what every look-up asks anyway, whether the caller
//! may see a project, is whether the caller may make this call there.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use engine::TokenHolder;
use fleet::{Grant, Principal};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::need::{Need, Needs};
use super::{Native, Problem, keyed};
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
    mut request: Request,
    next: Next,
) -> Response {
    let need = needs.of_request(&request);
    if need == Some(Need::Nothing) {
        return next.run(request).await;
    }
    let bearer = match bearer_of(&native, request.headers()).await {
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

/// As who the bearer of the headers' token makes a call that needs `grant`, as the guard would let
/// it in now.
///
/// # Errors
/// 401 without a token that works, 403 if there is no project in which its holder may.
pub(super) async fn caller(
    native: &Native,
    headers: &HeaderMap,
    grant: Grant,
) -> Result<Principal, Problem> {
    bearer_of(native, headers).await?.caller(Need::Grant(grant))
}

/// Whose token the headers have.
///
/// # Errors
/// 401 if there is none that works, or the store failed.
async fn bearer_of(native: &Native, headers: &HeaderMap) -> Result<Bearer, Problem> {
    let missing = "the header Authorization: Bearer TOKEN is missing";
    let token = bearer(headers).ok_or_else(|| Problem::unauthorized(missing))?;
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
