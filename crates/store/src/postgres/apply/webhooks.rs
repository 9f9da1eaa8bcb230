//! Webhooks, and how their deliveries stand.

use fleet::limits::{WEBHOOKS_MAX, WEBHOOKS_PER_PROJECT_MAX};
use fleet::{Principal, ProjectKey};

use super::projects::visible_project;
use crate::columns::{optional, to_json};
use crate::postgres::connection::{Connection, Params};
use crate::postgres::queries::is_storable;
use crate::rows::webhooks::Filter;
use crate::write::{ChangeWebhook, CreateWebhook, DeleteWebhook, DeliveryNote};
use crate::{Error, Refused, Written, rules};

/// Makes a webhook. One who is bound to projects makes none of the whole server.
pub(super) async fn create_webhook(
    c: &Connection,
    principal: &Principal,
    create: &CreateWebhook,
) -> Result<Result<Written, Refused>, Error> {
    let project = match &create.project {
        Some(id) => match visible_project(c, principal, id).await? {
            Some(project) => Some(project.0),
            None => return Ok(Err(Refused::NoSuchProject(id.clone()))),
        },
        None => match rules::webhooks::of_server(principal) {
            Ok(()) => None,
            Err(refused) => return Ok(Err(refused)),
        },
    };
    let sql = "SELECT project FROM webhook";
    let of = |row: &tokio_postgres::Row| optional::<i64>(row, 0);
    let all: Vec<Option<i64>> = c.all("count the webhooks", sql, &[], of).await?;
    let of_project = all.iter().filter(|of| **of == project).count();
    if of_project >= WEBHOOKS_PER_PROJECT_MAX || all.len() >= WEBHOOKS_MAX {
        return Ok(Err(Refused::TooManyWebhooks));
    }
    let CreateWebhook { id, url, types, sealed_secret, enabled, position, at, .. } = create;
    let (filter, position) = (to_json(&Filter { types: *types })?, position.to_string());
    let actor = principal.actor();
    let sql = "INSERT INTO webhook (id, project, url, filter, sealed_secret, enabled, position,
                                    created_at, created_by, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8) ON CONFLICT (id) DO NOTHING";
    let params: Params<'_> =
        &[id, &project, url, &filter, sealed_secret, enabled, &position, &at.0, &actor];
    let made = c.execute("make a webhook", sql, params).await?;
    if made == 0 {
        return Ok(Err(Refused::Exists { what: "webhook", id: id.clone() }));
    }
    Ok(Ok(Written::Done))
}

/// The project of a webhook that the principal may change, `Some(None)` if it is of the whole
/// server.
async fn own(
    c: &Connection,
    principal: &Principal,
    id: &str,
) -> Result<Option<Option<ProjectKey>>, Error> {
    if !is_storable(id) {
        return Ok(None);
    }
    let sql = "SELECT project FROM webhook WHERE id = $1";
    let project = c.first("find a webhook", sql, &[&id], |row| optional::<i64>(row, 0)).await?;
    let project = project.map(|project| project.map(ProjectKey));
    Ok(project.filter(|project| rules::webhooks::may_change(principal, *project)))
}

/// Changes a webhook. What made it wait is over.
pub(super) async fn change_webhook(
    c: &Connection,
    principal: &Principal,
    change: &ChangeWebhook,
) -> Result<Result<Written, Refused>, Error> {
    let ChangeWebhook { id, url, types, sealed_secret, enabled, at } = change;
    let Some(project) = own(c, principal, id).await? else {
        return Ok(Err(Refused::NoSuchWebhook(id.clone())));
    };
    let filter = types.map(|types| to_json(&Filter { types })).transpose()?;
    let sql = "UPDATE webhook SET url = coalesce($2, url), filter = coalesce($3, filter),
             sealed_secret = coalesce($4, sealed_secret), enabled = coalesce($5, enabled),
             failures = 0, next_attempt_at = NULL, updated_at = greatest($6, updated_at + 1)
         WHERE id = $1";
    let params: Params<'_> = &[id, url, &filter, sealed_secret, enabled, &at.0];
    c.execute("change a webhook", sql, params).await?;
    Ok(Ok(Written::Webhook(project)))
}

/// Deletes a webhook.
pub(super) async fn delete_webhook(
    c: &Connection,
    principal: &Principal,
    delete: &DeleteWebhook,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = own(c, principal, &delete.id).await? else {
        return Ok(Err(Refused::NoSuchWebhook(delete.id.clone())));
    };
    c.execute("delete a webhook", "DELETE FROM webhook WHERE id = $1", &[&delete.id]).await?;
    Ok(Ok(Written::Webhook(project)))
}

/// Notes how deliveries stand, one statement each, of which there are few; what made a webhook
/// wait, or be disabled, if it is as it was.
pub(super) async fn note_deliveries(
    c: &Connection,
    notes: &[DeliveryNote],
) -> Result<Written, Error> {
    let sql = "UPDATE webhook SET position = coalesce($2, position),
             last_success_at = coalesce($3, last_success_at),
             last_failure_at = coalesce($4, last_failure_at),
             last_failure = coalesce($5, last_failure),
             failures = CASE WHEN updated_at = $9 THEN $6 ELSE failures END,
             next_attempt_at = CASE WHEN updated_at = $9 THEN $7 ELSE next_attempt_at END,
             enabled = enabled AND NOT ($8 AND updated_at = $9)
         WHERE id = $1";
    for note in notes {
        let position = note.position.map(|position| position.to_string());
        let succeeded_at = note.succeeded_at.map(|at| at.0);
        let (failed_at, why) = note.failed.as_ref().map(|(at, why)| (at.0, why)).unzip();
        // PostgreSQL takes no U+0000 in a text, and a receiver may answer with one.
        let why = why.map(|why| why.replace('\0', "\u{fffd}"));
        let (failures, next) = (i64::from(note.failures), note.next_attempt_at.map(|at| at.0));
        let params: Params<'_> = &[
            &note.id,
            &position,
            &succeeded_at,
            &failed_at,
            &why,
            &failures,
            &next,
            &note.disable,
            &note.changed_at.0,
        ];
        c.execute("note what came of deliveries", sql, params).await?;
    }
    Ok(Written::Done)
}
