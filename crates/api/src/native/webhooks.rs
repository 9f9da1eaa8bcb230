//! Webhooks: where what happens is delivered to.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::webhooks::{NewWebhook, Tried, WebhookChange};
use fleet::{EventTypes, Principal, ProjectId, Secret};
use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use store::{Refused, StoredWebhook};
use utoipa::ToSchema;

use super::exchange::{self, FromPath, FromQuery};
use super::token::Caller;
use super::{Native, Problem, openapi};

/// A webhook. The secret that its deliveries are signed with is never shown again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Webhook {
    /// Its id.
    id: String,
    /// The project whose events it is told of; null: those of the whole server.
    #[schema(value_type = Option<String>)]
    project: Option<ProjectId>,
    /// Where deliveries go.
    url: String,
    /// The types of events that it is told of.
    #[schema(value_type = Vec<String>)]
    types: EventTypes,
    /// Whether deliveries are made. A receiver that answers 410 ends that.
    enabled: bool,
    /// When a delivery was last taken; null if none was.
    #[schema(format = DateTime)]
    last_success_at: Option<String>,
    /// When one last failed; null if none has.
    #[schema(format = DateTime)]
    last_failure_at: Option<String>,
    /// Why it did.
    last_failure: Option<String>,
    /// How many have failed in a row: 0 while they are taken.
    failures: u32,
    /// When the next is tried, where that is waited for.
    #[schema(format = DateTime)]
    next_attempt_at: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// By whom: `admin`, or `user:` and a name.
    created_by: String,
    /// When a person last changed it.
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<StoredWebhook> for Webhook {
    fn from(webhook: StoredWebhook) -> Self {
        Self {
            id: webhook.id,
            project: webhook.project.map(|(_, id)| id),
            url: webhook.url,
            types: webhook.types,
            enabled: webhook.enabled,
            last_success_at: webhook.last_success_at.map(|at| at.to_string()),
            last_failure_at: webhook.last_failure_at.map(|at| at.to_string()),
            last_failure: webhook.last_failure,
            failures: webhook.failures,
            next_attempt_at: webhook.next_attempt_at.map(|at| at.to_string()),
            created_at: webhook.created_at.to_string(),
            created_by: webhook.created_by,
            updated_at: webhook.updated_at.to_string(),
        }
    }
}

/// Webhooks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Webhooks {
    /// The oldest first.
    webhooks: Vec<Webhook>,
}

/// A webhook that was just made or changed.
#[derive(Serialize, ToSchema)]
pub(super) struct Made {
    /// The webhook.
    #[serde(flatten)]
    webhook: Webhook,
    /// The secret that its deliveries are signed with, if the server has made it now: it is not
    /// shown again. Null otherwise.
    secret: Option<String>,
}

/// A webhook to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToMake {
    /// The project whose events it is told of. Left out: those of the whole server, which takes
    /// the admin token.
    #[schema(value_type = Option<String>)]
    project: Option<ProjectId>,
    /// Where deliveries go: `https://`, or `http://` to the server's own machine.
    #[schema(max_length = 2048)]
    url: String,
    /// Whether `http://` to another machine is meant: everybody in between can read it.
    #[serde(default)]
    insecure: bool,
    /// The types of events that it is told of: `update.accepted`, `job.ended`, `device.changed`,
    /// `projects.changed`. Left out: all.
    #[schema(value_type = Option<Vec<String>>)]
    types: Option<EventTypes>,
    /// What deliveries are signed with: 16 to 256 visible ASCII characters. Left out: it is made,
    /// and shown once.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = Option<String>, min_length = 16, max_length = 256)]
    secret: Option<Secret<String>>,
    /// Whether deliveries are made.
    #[serde(default = "yes")]
    #[schema(default = true)]
    enabled: bool,
}

/// What changes of a webhook. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// Where deliveries go: `https://`, or `http://` to the server's own machine.
    #[schema(max_length = 2048)]
    url: Option<String>,
    /// Whether `http://` to another machine is meant: everybody in between can read it.
    #[serde(default)]
    insecure: bool,
    /// The types of events that it is told of.
    #[schema(value_type = Option<Vec<String>>)]
    types: Option<EventTypes>,
    /// What deliveries are signed with from now on: 16 to 256 visible ASCII characters.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = Option<String>, min_length = 16, max_length = 256)]
    secret: Option<Secret<String>>,
    /// Whether another secret is made, and shown once.
    #[serde(default)]
    new_secret: bool,
    /// Whether deliveries are made. What happened while they were not is delivered then, as far
    /// back as a day.
    enabled: Option<bool>,
}

/// What came of a trial.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Trial {
    /// Whether the receiver took it.
    taken: bool,
    /// The HTTP status that it answered; null if it did not answer.
    status: Option<u16>,
    /// How long that took.
    took_ms: u64,
    /// What it said, or why there is no answer; clipped.
    detail: String,
}

impl From<Tried> for Trial {
    fn from(tried: Tried) -> Self {
        let took_ms = u64::try_from(tried.took.as_millis()).unwrap_or(u64::MAX);
        match tried.answer {
            Ok(answer) => Self {
                taken: answer.is_taken(),
                status: Some(answer.status),
                took_ms,
                detail: answer.detail,
            },
            Err(error) => Self { taken: false, status: None, took_ms, detail: error.to_string() },
        }
    }
}

/// Which webhooks.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Of this project only.
    #[param(value_type = Option<String>)]
    project: Option<ProjectId>,
}

fn yes() -> bool {
    true
}

/// Reads a secret. Its error does not say what was there, as serde's own would.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret<String>>, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Null => Ok(None),
        serde_json::Value::String(text) => Ok(Some(Secret::new(text))),
        _ => Err(serde::de::Error::custom("secret is not a text")),
    }
}

/// A webhook as it stands, which must be there.
async fn found(native: &Native, principal: &Principal, id: &str) -> Result<Webhook, Problem> {
    let webhook = native.handle.reads().webhook(principal, id).await?;
    let webhook = webhook.ok_or_else(|| Refused::NoSuchWebhook(id.to_owned()))?;
    Ok(webhook.into())
}

/// Lists webhooks: of the projects whose admin one is, or all.
#[utoipa::path(
    get,
    path = "/webhooks",
    tag = "webhooks",
    security(("token" = ["admin"])),
    params(Asked),
    responses(
        (status = 200, description = "The webhooks", body = Webhooks),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn list_webhooks(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromQuery(asked): FromQuery<Asked>,
) -> Result<Json<Webhooks>, Problem> {
    let reads = native.handle.reads();
    if let Some(project) = &asked.project {
        let found = reads.project(&principal, project).await?;
        found.ok_or_else(|| Problem::no_such_project(project))?;
    }
    let webhooks = reads.webhooks(&principal, asked.project.as_ref()).await?;
    Ok(Json(Webhooks { webhooks: webhooks.into_iter().map(Webhook::from).collect() }))
}

/// Makes a webhook, which is told of what happens from now on: `POST`s of JSON with up to 100
/// events each, in order, signed. The documentation says how a receiver verifies them.
#[utoipa::path(
    post,
    path = "/webhooks",
    tag = "webhooks",
    security(("token" = ["admin"])),
    request_body = ToMake,
    responses(
        (status = 201, description = "The webhook; its secret if that was made", body = Made),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn create_webhook(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    exchange::Json(new): exchange::Json<ToMake>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    if new.project.is_none() && !principal.is_server_admin() {
        let detail = "project: is missing; a webhook of the whole server takes the admin token";
        return Err(Problem::forbidden(detail));
    }
    let new = NewWebhook {
        project: new.project,
        url: new.url,
        insecure: new.insecure,
        types: new.types.unwrap_or(EventTypes::ALL),
        secret: new.secret,
        enabled: new.enabled,
    };
    let (id, secret) = native.handle.create_webhook(&principal, new).await?;
    let secret = secret.map(|secret| secret.expose().clone());
    let webhook = found(&native, &principal, &id).await?;
    Ok((StatusCode::CREATED, Json(Made { webhook, secret })))
}

/// Shows a webhook, and how its deliveries stand.
#[utoipa::path(
    get,
    path = "/webhooks/{id}",
    tag = "webhooks",
    security(("token" = ["admin"])),
    params(("id" = String, Path, description = "The webhook's id")),
    responses(
        (status = 200, description = "The webhook", body = Webhook),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn show_webhook(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(id): FromPath<String>,
) -> Result<Json<Webhook>, Problem> {
    Ok(Json(found(&native, &principal, &id).await?))
}

/// Changes a webhook, and tries at once what it waited with. What is left out stays.
#[utoipa::path(
    put,
    path = "/webhooks/{id}",
    tag = "webhooks",
    security(("token" = ["admin"])),
    params(("id" = String, Path, description = "The webhook's id")),
    request_body = Change,
    responses(
        (status = 200, description = "The webhook; its secret if another was made", body = Made),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn change_webhook(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(id): FromPath<String>,
    exchange::Json(change): exchange::Json<Change>,
) -> Result<Json<Made>, Problem> {
    let Change { url, insecure, types, secret, new_secret, enabled } = change;
    let change = WebhookChange { url, insecure, types, secret, new_secret, enabled };
    let secret = native.handle.change_webhook(&principal, &id, change).await?;
    let secret = secret.map(|secret| secret.expose().clone());
    Ok(Json(Made { webhook: found(&native, &principal, &id).await?, secret }))
}

/// Deletes a webhook.
#[utoipa::path(
    delete,
    path = "/webhooks/{id}",
    tag = "webhooks",
    security(("token" = ["admin"])),
    params(("id" = String, Path, description = "The webhook's id")),
    responses(
        (status = 204, description = "It is deleted"),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn delete_webhook(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(id): FromPath<String>,
) -> Result<StatusCode, Problem> {
    native.handle.delete_webhook(&principal, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a webhook's receiver one event of the type `test`, now, and tells what came back, whether
/// the webhook is enabled or not.
#[utoipa::path(
    post,
    path = "/webhooks/{id}/test",
    tag = "webhooks",
    security(("token" = ["admin"])),
    params(("id" = String, Path, description = "The webhook's id")),
    responses(
        (status = 200, description = "What came of it, good or bad", body = Trial),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn test_webhook(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(id): FromPath<String>,
) -> Result<Json<Trial>, Problem> {
    Ok(Json(native.handle.try_webhook(&principal, &id).await?.into()))
}
