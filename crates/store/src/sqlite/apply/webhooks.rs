//! Webhooks, and how their deliveries stand.

use fleet::limits::{WEBHOOKS_MAX, WEBHOOKS_PER_PROJECT_MAX};
use fleet::{Principal, ProjectKey};
use rusqlite::{Connection, OptionalExtension, params};

use super::projects::visible_project;
use crate::columns::to_json;
use crate::rows::webhooks::Filter;
use crate::sqlite::rows::During;
use crate::write::{ChangeWebhook, CreateWebhook, DeleteWebhook, DeliveryNote};
use crate::{Error, Refused, Written, rules};

/// Makes a webhook. One who is bound to projects makes none of the whole server.
pub(super) fn create_webhook(
    connection: &Connection,
    principal: &Principal,
    create: &CreateWebhook,
) -> Result<Result<Written, Refused>, Error> {
    let project = match &create.project {
        Some(id) => match visible_project(connection, principal, id)? {
            Some(project) => Some(project.0),
            None => return Ok(Err(Refused::NoSuchProject(id.clone()))),
        },
        None => match rules::webhooks::of_server(principal) {
            Ok(()) => None,
            Err(refused) => return Ok(Err(refused)),
        },
    };
    let (of_project, all) = counts(connection, project.map(ProjectKey))?;
    if of_project >= WEBHOOKS_PER_PROJECT_MAX || all >= WEBHOOKS_MAX {
        return Ok(Err(Refused::TooManyWebhooks));
    }
    let CreateWebhook { id, url, types, sealed_secret, enabled, position, at, .. } = create;
    let (filter, position) = (to_json(&Filter { types: *types })?, position.to_string());
    let made = connection
        .prepare_cached(
            "INSERT INTO webhook (id, project, url, filter, sealed_secret, enabled, position,
                                  created_at, created_by, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?8) ON CONFLICT (id) DO NOTHING",
        )
        .and_then(|mut insert| {
            let actor = principal.actor();
            insert.execute(params![
                id,
                project,
                url,
                filter,
                sealed_secret,
                enabled,
                position,
                at.0,
                actor
            ])
        })
        .during("make a webhook")?;
    if made == 0 {
        return Ok(Err(Refused::Exists { what: "webhook", id: id.clone() }));
    }
    Ok(Ok(Written::Done))
}

/// How many webhooks a project has, or the server as a whole, and how many there are in all.
fn counts(connection: &Connection, project: Option<ProjectKey>) -> Result<(usize, usize), Error> {
    let (own, all): (i64, i64) = connection
        .prepare_cached("SELECT coalesce(sum(project IS ?1), 0), count(*) FROM webhook")
        .and_then(|mut select| {
            let project = project.map(|project| project.0);
            select.query_row([project], |row| Ok((row.get(0)?, row.get(1)?)))
        })
        .during("count the webhooks")?;
    let count = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    Ok((count(own), count(all)))
}

/// The project of a webhook that the principal may change, `Some(None)` if it is of the whole
/// server.
fn own(
    connection: &Connection,
    principal: &Principal,
    id: &str,
) -> Result<Option<Option<ProjectKey>>, Error> {
    let project: Option<Option<i64>> = connection
        .prepare_cached("SELECT project FROM webhook WHERE id = ?1")
        .and_then(|mut select| select.query_row([id], |row| row.get(0)).optional())
        .during("find a webhook")?;
    let project = project.map(|project| project.map(ProjectKey));
    Ok(project.filter(|project| rules::webhooks::may_change(principal, *project)))
}

/// Changes a webhook. What made it wait is over.
pub(super) fn change_webhook(
    connection: &Connection,
    principal: &Principal,
    change: &ChangeWebhook,
) -> Result<Result<Written, Refused>, Error> {
    let ChangeWebhook { id, url, types, sealed_secret, enabled, at } = change;
    let Some(project) = own(connection, principal, id)? else {
        return Ok(Err(Refused::NoSuchWebhook(id.clone())));
    };
    let filter = types.map(|types| to_json(&Filter { types })).transpose()?;
    connection
        .prepare_cached(
            "UPDATE webhook SET url = coalesce(?2, url), filter = coalesce(?3, filter),
                 sealed_secret = coalesce(?4, sealed_secret), enabled = coalesce(?5, enabled),
                 failures = 0, next_attempt_at = NULL, updated_at = max(?6, updated_at + 1)
             WHERE id = ?1",
        )
        .and_then(|mut update| {
            update.execute(params![id, url, filter, sealed_secret, enabled, at.0])
        })
        .during("change a webhook")?;
    Ok(Ok(Written::Webhook(project)))
}

/// Deletes a webhook.
pub(super) fn delete_webhook(
    connection: &Connection,
    principal: &Principal,
    delete: &DeleteWebhook,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = own(connection, principal, &delete.id)? else {
        return Ok(Err(Refused::NoSuchWebhook(delete.id.clone())));
    };
    connection
        .prepare_cached("DELETE FROM webhook WHERE id = ?1")
        .and_then(|mut statement| statement.execute([&delete.id]))
        .during("delete a webhook")?;
    Ok(Ok(Written::Webhook(project)))
}

/// Notes how deliveries stand; what made a webhook wait, or be disabled, if it is as it was.
pub(super) fn note_deliveries(
    connection: &Connection,
    notes: &[DeliveryNote],
) -> Result<Written, Error> {
    let operation = "note what came of deliveries";
    let sql = "UPDATE webhook SET position = coalesce(?2, position),
             last_success_at = coalesce(?3, last_success_at),
             last_failure_at = coalesce(?4, last_failure_at),
             last_failure = coalesce(?5, last_failure),
             failures = CASE WHEN updated_at = ?9 THEN ?6 ELSE failures END,
             next_attempt_at = CASE WHEN updated_at = ?9 THEN ?7 ELSE next_attempt_at END,
             enabled = enabled AND NOT (?8 AND updated_at = ?9)
         WHERE id = ?1";
    let mut update = connection.prepare_cached(sql).during(operation)?;
    for note in notes {
        let DeliveryNote { id, failures, disable, changed_at, .. } = note;
        let position = note.position.map(|position| position.to_string());
        let succeeded_at = note.succeeded_at.map(|at| at.0);
        let (failed_at, why) = note.failed.as_ref().map(|(at, why)| (at.0, why)).unzip();
        let next = note.next_attempt_at.map(|at| at.0);
        update
            .execute(params![
                id,
                position,
                succeeded_at,
                failed_at,
                why,
                failures,
                next,
                disable,
                changed_at.0
            ])
            .during(operation)?;
    }
    Ok(Written::Done)
}
