//! Access keys, by which client programs prove who they are at the vendors' doors.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::{Principal, ProjectId, Secret};
use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use store::SealedKey;
use utoipa::ToSchema;

use super::exchange::{self, FromPath};
use super::token::Caller;
use super::{Native, Problem, openapi};

/// An access key. Its secret is never shown again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Key {
    /// Its id.
    ak: String,
    /// The project that it opens; null if it opens all.
    #[schema(value_type = Option<String>)]
    project: Option<ProjectId>,
    /// Whether it opens all projects.
    all_projects: bool,
    /// Whether ISS's signatures by it have to cover the whole request.
    strict: bool,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was revoked; null while it works.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
    /// When a request was last signed with it, to about a minute; null if none was, or it has been
    /// lost.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
}

impl From<SealedKey> for Key {
    fn from(key: SealedKey) -> Self {
        Self {
            ak: key.ak,
            all_projects: key.project.is_none(),
            project: key.project.map(|(_, id)| id),
            strict: key.strict,
            created_at: key.created_at.to_string(),
            revoked_at: key.revoked_at.map(|at| at.to_string()),
            last_used_at: key.last_used_at.map(|at| at.to_string()),
        }
    }
}

/// Access keys.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Keys {
    /// The keys, revoked ones included.
    keys: Vec<Key>,
}

/// An access key to make, or one that clients hold already: then both its id and its secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewKey {
    /// The id of a key that clients hold already: up to 128 visible ASCII characters but commas.
    #[schema(min_length = 1, max_length = 128)]
    ak: Option<String>,
    /// That key's secret, of the same form.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128)]
    sk: Option<Secret<String>>,
    /// Whether ISS's signatures by it have to cover the whole request: the host, all of the query,
    /// the body by its length and MD5, and each signature once. The vendor's own SDKs don't.
    #[serde(default)]
    strict: bool,
}

/// An access key for all projects to make, or one that clients hold already.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAccountKey {
    /// Always true: whoever holds the key may see, change, make and delete every project by the
    /// vendors' APIs.
    all_projects: bool,
    /// The id of a key that clients hold already: up to 128 visible ASCII characters but commas.
    #[schema(min_length = 1, max_length = 128)]
    ak: Option<String>,
    /// That key's secret, of the same form.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128)]
    sk: Option<Secret<String>>,
    /// Whether ISS's signatures by it have to cover the whole request, as of a project's key.
    #[serde(default)]
    strict: bool,
}

/// Reads a secret. Its error does not say what was there, as serde's own would.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret<String>>, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Null => Ok(None),
        serde_json::Value::String(text) => Ok(Some(Secret::new(text))),
        _ => Err(serde::de::Error::custom("sk is not a text")),
    }
}

/// A key that was just made: the one answer that shows a secret.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedKey {
    /// Its id.
    ak: String,
    /// Its secret. It is not shown again.
    sk: String,
    /// The project that it opens; null if it opens all.
    #[schema(value_type = Option<String>)]
    project: Option<ProjectId>,
    /// Whether it opens all projects.
    all_projects: bool,
    /// Whether ISS's signatures by it have to cover the whole request.
    strict: bool,
}

/// Lists a project's access keys, without their secrets.
#[utoipa::path(
    get,
    path = "/projects/{project}/keys",
    tag = "keys",
    security(("token" = ["admin"])),
    params(("project" = String, Path, description = "The project's id")),
    responses(
        (status = 200, description = "The keys", body = Keys),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn list_keys(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(project): FromPath<ProjectId>,
) -> Result<Json<Keys>, Problem> {
    let reads = native.handle.reads();
    if reads.project(&principal, &project).await?.is_none() {
        return Err(Problem::no_such_project(&project));
    }
    let keys = reads.access_keys(&principal, Some(&project)).await?;
    Ok(Json(Keys { keys: keys.into_iter().map(Key::from).collect() }))
}

/// Lists the access keys that open all projects, without their secrets.
#[utoipa::path(
    get,
    path = "/keys",
    tag = "keys",
    security(("token" = ["server"])),
    responses(
        (status = 200, description = "The keys", body = Keys),
        openapi::Guarded,
    )
)]
pub(super) async fn list_account_keys(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
) -> Result<Json<Keys>, Problem> {
    let keys = native.handle.reads().access_keys(&principal, None).await?;
    Ok(Json(Keys { keys: keys.into_iter().map(Key::from).collect() }))
}

/// Makes an access key, or takes one over that clients hold already.
#[utoipa::path(
    post,
    path = "/projects/{project}/keys",
    tag = "keys",
    security(("token" = ["admin"])),
    params(("project" = String, Path, description = "The project's id")),
    request_body = NewKey,
    responses(
        (status = 201, description = "The key with its secret, which is not shown again", body = CreatedKey),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn create_key(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(project): FromPath<ProjectId>,
    exchange::Json(new): exchange::Json<NewKey>,
) -> Result<(StatusCode, Json<CreatedKey>), Problem> {
    make(&native, &principal, Some(project), new.ak, new.sk, new.strict).await
}

/// Makes an access key that opens all projects, or takes one over that clients hold already.
#[utoipa::path(
    post,
    path = "/keys",
    tag = "keys",
    security(("token" = ["server"])),
    request_body = NewAccountKey,
    responses(
        (status = 201, description = "The key with its secret, which is not shown again", body = CreatedKey),
        openapi::Invalid, openapi::Guarded, openapi::Conflict,
    )
)]
pub(super) async fn create_account_key(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    exchange::Json(new): exchange::Json<NewAccountKey>,
) -> Result<(StatusCode, Json<CreatedKey>), Problem> {
    if !new.all_projects {
        return Err(Problem::invalid(
            "all_projects: must be true; a key of one project is made at /projects/{project}/keys",
        ));
    }
    make(&native, &principal, None, new.ak, new.sk, new.strict).await
}

/// Makes the key of a project, or of all.
async fn make(
    native: &Native,
    principal: &Principal,
    project: Option<ProjectId>,
    ak: Option<String>,
    sk: Option<Secret<String>>,
    strict: bool,
) -> Result<(StatusCode, Json<CreatedKey>), Problem> {
    let given = match (ak, sk) {
        (None, None) => None,
        (Some(ak), Some(sk)) => Some((ak, sk)),
        _ => return Err(Problem::invalid("ak and sk are given together or not at all")),
    };
    let made = native.handle.create_key(principal, project.as_ref(), given, strict).await?;
    let (ak, sk) = made;
    let (sk, all_projects) = (sk.expose().clone(), project.is_none());
    Ok((StatusCode::CREATED, Json(CreatedKey { ak, sk, project, all_projects, strict })))
}

/// Revokes an access key: no request signed with it is taken any more. Doing so again is harmless.
#[utoipa::path(
    delete,
    path = "/keys/{ak}",
    tag = "keys",
    security(("token" = ["admin"])),
    params(("ak" = String, Path, description = "The key's id")),
    responses(
        (status = 204, description = "It is revoked"),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn revoke_key(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(ak): FromPath<String>,
) -> Result<StatusCode, Problem> {
    native.handle.revoke_key(&principal, &ak).await?;
    Ok(StatusCode::NO_CONTENT)
}
