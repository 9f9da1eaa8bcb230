//! The admin token: what opens the native door.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{Native, Problem};

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

/// Lets a request through that bears the token; nothing of any other is looked at.
pub(super) async fn guard(
    State(native): State<Arc<Native>>,
    request: Request,
    next: Next,
) -> Response {
    match bearer(request.headers()) {
        Some(token) if native.admin_token.is(token) => next.run(request).await,
        Some(_) => {
            Problem::unauthorized("the token is not this server's admin token").into_response()
        }
        None => Problem::unauthorized("the header Authorization: Bearer TOKEN is missing")
            .into_response(),
    }
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
