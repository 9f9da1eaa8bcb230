//! Users, who sign in here and at the vendors' doors by name and password and get a token.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::{Grant, ProjectId, Secret};
use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::exchange::{self, FromPath};
use super::token::Caller;
use super::{Native, Problem, openapi};

/// A user. The password is never shown.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct User {
    /// The user's name, unique on this server.
    name: String,
    /// Whether another user has the same name but for the case of its letters, as was allowed
    /// once: then each signs in by exactly its own.
    has_namesake: bool,
    /// The user's id, as IAM's answers carry one.
    id: String,
    /// The project that the user may sign in for.
    #[schema(value_type = String)]
    project: ProjectId,
    /// When the user was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When the user was disabled; null while the user may sign in.
    #[schema(format = DateTime)]
    disabled_at: Option<String>,
}

impl From<store::StoredUser> for User {
    fn from(user: store::StoredUser) -> Self {
        Self {
            name: user.name,
            has_namesake: user.has_namesake,
            id: user.id,
            project: user.project_id,
            created_at: user.created_at.to_string(),
            disabled_at: user.disabled_at.map(|at| at.to_string()),
        }
    }
}

/// A project's users.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Users {
    /// By name, disabled ones included.
    users: Vec<User>,
}

/// A user to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    /// The user's name, unique on this server whatever the case of its letters: 1 to 64 ASCII
    /// letters, digits, spaces, `-`, `_` and `.`, not beginning with a digit or a space.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z_.-][A-Za-z0-9 _.-]*$")]
    name: String,
    /// The password: 8 to 128 bytes.
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, min_length = 8, max_length = 128)]
    password: Secret<String>,
    /// What the user may do in the project.
    #[serde(default = "operator")]
    #[schema(value_type = String, pattern = "^(viewer|operator|admin)$", default = "operator")]
    role: Grant,
}

/// What users may do who are made without a word about it.
fn operator() -> Grant {
    Grant::Operator
}

/// Another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    /// The password: 8 to 128 bytes.
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, min_length = 8, max_length = 128)]
    password: Secret<String>,
}

/// Reads a password. Its error does not say what was there, as serde's own would.
pub(super) fn secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Secret<String>, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => Ok(Secret::new(text)),
        _ => Err(serde::de::Error::custom("password is not a text")),
    }
}

/// Lists a project's users.
#[utoipa::path(
    get,
    path = "/projects/{project}/users",
    tag = "users",
    security(("token" = ["admin"])),
    params(("project" = String, Path, description = "The project's id")),
    responses(
        (status = 200, description = "The users", body = Users),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn list_users(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(project): FromPath<ProjectId>,
) -> Result<Json<Users>, Problem> {
    let reads = native.handle.reads();
    if reads.project(&principal, &project).await?.is_none() {
        return Err(Problem::no_such_project(&project));
    }
    let users = reads.users(&principal, &project).await?;
    Ok(Json(Users { users: users.into_iter().map(User::from).collect() }))
}

/// Makes a user of this project, who may sign in, at the vendors' APIs for this project.
#[utoipa::path(
    post,
    path = "/projects/{project}/users",
    tag = "users",
    security(("token" = ["admin"])),
    params(("project" = String, Path, description = "The project's id")),
    request_body = NewUser,
    responses(
        (status = 201, description = "The user", body = User),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn create_user(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(project): FromPath<ProjectId>,
    exchange::Json(new): exchange::Json<NewUser>,
) -> Result<(StatusCode, Json<User>), Problem> {
    let NewUser { name, password, role } = new;
    let handle = &native.handle;
    handle.create_user(&principal, name.clone(), &project, role, password).await?;
    let made = handle.reads().user(&name).await?;
    // Nobody deletes users, so what was just made is there.
    let made = made.ok_or_else(|| Problem::not_found(format!("no such user: {name}")))?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Gives a user another password. All of the user's tokens stop working.
#[utoipa::path(
    put,
    path = "/users/{name}/password",
    tag = "users",
    security(("token" = ["admin"])),
    params(("name" = String, Path, description = "The user's name")),
    request_body = NewPassword,
    responses(
        (status = 204, description = "It is the password from now on"),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn set_password(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(name): FromPath<String>,
    exchange::Json(new): exchange::Json<NewPassword>,
) -> Result<StatusCode, Problem> {
    native.handle.set_password(&principal, &name, new.password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Disables a user, who may not sign in any more and whose tokens stop working. Doing so again is
/// harmless.
#[utoipa::path(
    delete,
    path = "/users/{name}",
    tag = "users",
    security(("token" = ["admin"])),
    params(("name" = String, Path, description = "The user's name")),
    responses(
        (status = 204, description = "The user is disabled"),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn disable_user(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(name): FromPath<String>,
) -> Result<StatusCode, Problem> {
    native.handle.disable_user(&principal, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets a user who was disabled sign in again, with the password from before. Roles are as they
/// were; no token comes back. Doing so again is harmless.
#[utoipa::path(
    post,
    path = "/users/{name}/enable",
    tag = "users",
    security(("token" = ["admin"])),
    params(("name" = String, Path, description = "The user's name")),
    responses(
        (status = 204, description = "The user may sign in"),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn enable_user(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(name): FromPath<String>,
) -> Result<StatusCode, Problem> {
    native.handle.enable_user(&principal, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
