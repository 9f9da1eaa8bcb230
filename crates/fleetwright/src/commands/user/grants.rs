//! `fleetwright user grant`, `ungrant` and `grants`: what users may do in each project.

use anyhow::Result;
use fleet::{Grant, ProjectId};
use serde_json::{Value, json};

use crate::client::Client;
use crate::client::answers::{Grants, ProjectGrants};
use crate::output;

/// Users in one page: the most that the server gives.
const PAGE: usize = 1_000;

/// Says what a user may do in a project, or, without a role, that it is nothing.
pub fn set(client: &Client, name: &str, project: &ProjectId, role: Option<Grant>) -> Result<()> {
    let path = ["users", name, "grants", project.as_str()];
    let name = output::clean(name);
    if let Some(role) = role {
        client.put(&path, &[], &json!({ "role": role.name() }))?;
        output::tell(&format!("{name} is {} in {project}", role.name()));
    } else {
        client.delete(&path, &[])?;
        output::tell(&format!("{name} may do nothing in {project}"));
    }
    Ok(())
}

/// Lists who may do something in a project.
pub fn holders(client: &Client, project: &ProjectId, is_json: bool) -> Result<()> {
    let (mut whole, mut holders) = (Vec::new(), Vec::new());
    let mut after: Option<String> = None;
    loop {
        let mut query = vec![("limit", PAGE.to_string())];
        query.extend(after.take().map(|after| ("after", after)));
        let mut answer = client.get(&["projects", project.as_str(), "grants"], &query)?;
        let page: ProjectGrants = client.read(&answer)?;
        after = page.next;
        holders.extend(page.grants);
        if let Some(Value::Array(page)) = answer.get_mut("grants").map(Value::take) {
            whole.extend(page);
        }
        if after.is_none() {
            break;
        }
    }
    if is_json {
        return Ok(output::json(&json!({ "grants": whole }))?);
    }
    let rows = holders.into_iter().map(|holder| {
        let of = if holder.of_project { "this project" } else { "another project" };
        let disabled = holder.disabled_at.unwrap_or_default();
        vec![holder.user, holder.role, of.to_owned(), disabled]
    });
    let head = ["USER", "ROLE", "USER OF", "DISABLED"];
    Ok(output::data(&output::table(&head, rows.collect()))?)
}

/// Lists what a user may do.
pub fn list(client: &Client, name: &str, is_json: bool) -> Result<()> {
    let answer = client.get(&["users", name, "grants"], &[])?;
    if is_json {
        return Ok(output::json(&answer)?);
    }
    let list: Grants = client.read(&answer)?;
    let rows = list.grants.into_iter().map(|held| vec![held.project, held.role]);
    Ok(output::data(&output::table(&["PROJECT", "ROLE"], rows.collect()))?)
}
