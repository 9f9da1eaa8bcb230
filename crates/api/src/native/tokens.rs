//! Tokens of users: made with a name and an end, beside those got by signing in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::{Grant, Principal};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::exchange::{self, FromPath};
use super::grants::no_such_user;
use super::need::Need;
use super::token::Bearer;
use super::{Native, Problem, openapi};

/// A token. What opens doors of it is shown when it is made and never again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Token {
    /// What it is spoken of by.
    id: String,
    /// What it is called; null if it was got by signing in.
    name: Option<String>,
    /// Since when it works.
    #[schema(format = DateTime)]
    issued_at: String,
    /// When it stops working.
    #[schema(format = DateTime)]
    expires_at: String,
    /// When it was last used, to about a minute; null if it was not, or that has been lost.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
}

impl From<store::TokenRecord> for Token {
    fn from(token: store::TokenRecord) -> Self {
        Self {
            id: token.id,
            name: token.name,
            issued_at: token.issued_at.to_string(),
            expires_at: token.expires_at.to_string(),
            last_used_at: token.last_used_at.map(|at| at.to_string()),
        }
    }
}

/// A user's tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tokens {
    /// The oldest first. Some that have expired may be among them.
    tokens: Vec<Token>,
}

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// What it is called, once among the user's tokens: 1 to 64 bytes.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// How many days it works.
    #[schema(minimum = 1, maximum = 366)]
    expires_in_days: u32,
}

/// A token that was just made: the one answer that shows it.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedToken {
    /// What it is spoken of by.
    id: String,
    /// What it is called.
    name: String,
    /// The token itself. It is not shown again.
    token: String,
    /// When it stops working.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// As who the bearer deals with the tokens of `user`, who is the bearer itself or of a project
/// whose admin the bearer is.
///
/// # Errors
/// 404 if it is neither.
async fn dealing_with(native: &Native, bearer: &Bearer, user: &str) -> Result<Principal, Problem> {
    let found = native.handle.reads().user(user).await?;
    let Some(found) = found else { return Err(no_such_user(user)) };
    if let Ok(principal) = bearer.caller(Need::Grant(Grant::Admin))
        && principal.may_see(found.project)
    {
        return Ok(principal);
    }
    if bearer.is_user(user) {
        return Ok(Principal::user(user, vec![found.project]));
    }
    Err(no_such_user(user))
}

/// Lists a user's tokens: one's own, or those of the users of projects whose admin one is.
#[utoipa::path(
    get,
    path = "/users/{name}/tokens",
    tag = "users",
    security(("token" = [])),
    params(("name" = String, Path, description = "The user's name")),
    responses(
        (status = 200, description = "The tokens", body = Tokens),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn list_tokens(
    State(native): State<Arc<Native>>,
    bearer: Bearer,
    FromPath(name): FromPath<String>,
) -> Result<Json<Tokens>, Problem> {
    dealing_with(&native, &bearer, &name).await?;
    let tokens = native.handle.reads().tokens(&name).await?;
    Ok(Json(Tokens { tokens: tokens.into_iter().map(Token::from).collect() }))
}

/// Makes a token that may do what its user may: for oneself, or for a user of a project whose admin
/// one is. For oneself it takes a token that was got by signing in, so that a token which has got
/// into other hands can't outlive its end.
#[utoipa::path(
    post,
    path = "/users/{name}/tokens",
    tag = "users",
    security(("token" = [])),
    params(("name" = String, Path, description = "The user's name")),
    request_body = NewToken,
    responses(
        (status = 201, description = "The token, which is not shown again", body = CreatedToken),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn create_token(
    State(native): State<Arc<Native>>,
    bearer: Bearer,
    FromPath(user): FromPath<String>,
    exchange::Json(new): exchange::Json<NewToken>,
) -> Result<(StatusCode, Json<CreatedToken>), Problem> {
    let principal = dealing_with(&native, &bearer, &user).await?;
    if bearer.is_user(&user) && bearer.has_name() {
        let detail = "a token for oneself is made with one that was got by signing in";
        return Err(Problem::forbidden(detail));
    }
    let NewToken { name, expires_in_days } = new;
    let made = native.handle.create_token(&principal, &user, &name, expires_in_days).await?;
    let created = CreatedToken {
        id: made.id,
        name,
        token: made.token.expose().clone(),
        expires_at: made.expires_at.to_string(),
    };
    Ok((StatusCode::CREATED, Json(created)))
}

/// Revokes a token: one's own, or that of a user of a project whose admin one is.
#[utoipa::path(
    delete,
    path = "/tokens/{id}",
    tag = "users",
    security(("token" = [])),
    params(("id" = String, Path, description = "The token's id")),
    responses(
        (status = 204, description = "It does not work any more"),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn revoke_token(
    State(native): State<Arc<Native>>,
    bearer: Bearer,
    FromPath(id): FromPath<String>,
) -> Result<StatusCode, Problem> {
    let token = native.handle.token_record(&id).await?;
    let principal = dealing_with(&native, &bearer, &token.user).await;
    // Whose it is, is told to those alone who deal with it.
    let principal = principal.map_err(|_| Problem::from(store::Refused::NoSuchToken(id)))?;
    native.handle.revoke_token(&principal, &token).await?;
    Ok(StatusCode::NO_CONTENT)
}
