//! Signing in from a browser: the token goes into a cookie, and no script of a page sees it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use engine::SignedIn;
use fleet::Secret;
use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{NewSession, WhoAmI, check, own_body, shut_out};
use crate::admission::Checking;
use crate::native::token::{Bearer, bearer_of};
use crate::native::users::secret;
use crate::native::{Native, Problem, cookie, exchange, openapi};
use crate::signature::lockout::Outcome;

/// What wrong tokens are counted by, with the address that they come from: none has a name.
const OF_TOKENS: &str = "";

/// Who signs in, by a password or by a token.
#[derive(Deserialize, ToSchema)]
#[serde(untagged, try_from = "Given")]
pub(in crate::native) enum NewCookie {
    /// A user, by name and password.
    Password(NewSession),
    /// Whoever has a token.
    Token(GivenToken),
}

/// Who signs in by a token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct GivenToken {
    /// A user's token, or the admin token.
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, min_length = 1)]
    token: Secret<String>,
}

/// What a body of [`NewCookie`] may have. Read at one go, and not tried as this and as that, which
/// would leave copies of the secrets behind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    /// The user's name.
    user: Option<String>,
    /// The user's password.
    #[serde(default, deserialize_with = "some_secret")]
    password: Option<Secret<String>>,
    /// The token.
    #[serde(default, deserialize_with = "some_secret")]
    token: Option<Secret<String>>,
}

/// A secret that stands there. No error repeats it.
fn some_secret<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Secret<String>>, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => Ok(Some(Secret::new(text))),
        _ => Err(serde::de::Error::custom("password or token is not a text")),
    }
}

impl TryFrom<Given> for NewCookie {
    type Error = &'static str;

    fn try_from(given: Given) -> Result<Self, Self::Error> {
        match given {
            Given { user: Some(user), password: Some(password), token: None } => {
                Ok(Self::Password(NewSession { user, password }))
            }
            Given { user: None, password: None, token: Some(token) } => {
                Ok(Self::Token(GivenToken { token }))
            }
            _ => Err("it takes either user and password, or token"),
        }
    }
}

/// Signs in from a browser: the token goes into the cookie `__Host-fleetwright`, and calls with it
/// need no `Authorization`.
///
/// Browsers keep it over https and on this machine (`localhost`) only. It lasts as long as the
/// token that a password gets, and for a token that is given until the browser is closed. A call
/// by cookie that is not GET needs the header `X-Fleetwright-Console: 1`, as this one does, and
/// none is taken that a page of another site had sent: 403, `cross_site`. Who fails too often has
/// to wait.
#[utoipa::path(
    post,
    path = "/session/cookie",
    tag = "session",
    security(()),
    params(("X-Fleetwright-Console" = Option<String>, Header, pattern = "^1$",
        description = "`1`: it is a page of this server that asks. Without it: 403")),
    request_body = NewCookie,
    responses(
        (status = 200, description = "Who has signed in", body = WhoAmI,
            headers(("Set-Cookie" = String, description = "The token, for the browser alone"))),
        openapi::Invalid, openapi::Guarded,
    )
)]
pub(in crate::native) async fn sign_in_by_cookie(
    State(native): State<Arc<Native>>,
    request: Request,
) -> Result<([(HeaderName, HeaderValue); 2], Json<WhoAmI>), Problem> {
    let (parts, body) = request.into_parts();
    // Nobody is to be signed in as somebody else by a page of another site either.
    cookie::is_of_console(&parts.method, &parts.headers, &native.admission.public_hosts)?;
    let address = native.admission.address(&parts);
    let body = own_body(body).await?;
    let new = exchange::object(&body)?;
    drop(body);
    let (token, bearer, lasts) = match new {
        NewCookie::Password(NewSession { user, password }) => {
            let signed_in = check(&native, address, &user, password).await?;
            let SignedIn { token, issued_at, expires_at, .. } = signed_in;
            let bearer = bearer_of(&native, token.expose().as_bytes()).await?;
            (token, bearer, Some(expires_at.since(issued_at)))
        }
        NewCookie::Token(GivenToken { token }) => {
            let bearer = check_token(&native, address, &token).await?;
            (token, bearer, None)
        }
    };
    let cookie = cookie::set(token.expose(), lasts);
    let not_kept = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(([not_kept, (header::SET_COOKIE, cookie)], Json(bearer.into())))
}

/// Whose token it is, unless its sender has guessed too often or has too many checks under way.
async fn check_token(
    native: &Native,
    address: IpAddr,
    token: &Secret<String>,
) -> Result<Bearer, Problem> {
    let (handle, admission) = (&native.handle, &native.admission);
    admission.tokens().admit(OF_TOKENS, address, handle.now()).map_err(shut_out)?;
    let place = Checking::begin(admission, address).ok_or_else(Problem::busy)?;
    let bearer = bearer_of(native, token.expose().as_bytes()).await;
    drop(place);
    let outcome = match &bearer {
        Ok(_) => Outcome::Passed,
        Err(problem) if problem.is_unauthorized() => Outcome::Failed,
        Err(_) => Outcome::Unknown,
    };
    let settled = admission.tokens().settle(OF_TOKENS, address, handle.now(), outcome);
    settled.map_err(shut_out)?;
    bearer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_of_two_forms() {
        let read = |body: &str| exchange::object::<NewCookie>(body.as_bytes());
        let user = read(r#"{"user": "vera", "password": "correct horse"}"#).unwrap();
        assert!(matches!(user, NewCookie::Password(new) if new.user == "vera"));
        let token = read(r#"{"token": "abc"}"#).unwrap();
        assert!(matches!(token, NewCookie::Token(given) if given.token.expose() == "abc"));
        for body in [
            "{}",
            r#"{"user": "vera"}"#,
            r#"{"password": "correct horse"}"#,
            r#"{"user": "vera", "password": "correct horse", "token": "abc"}"#,
            r#"{"user": "vera", "token": "abc"}"#,
            r#"{"token": null}"#,
            r#"{"token": 7}"#,
            r#"{"token": "abc", "more": 1}"#,
            r#"["vera", "correct horse", null]"#,
        ] {
            let refused = read(body).err().map(|problem| problem.told().1.to_owned());
            let refused = refused.unwrap_or_else(|| panic!("{body} was taken"));
            assert!(!refused.contains("abc") && !refused.contains("horse"), "{refused}");
        }
    }
}
