//! `fleetwright user grant`, `ungrant` and `grants`: what users may do in each project.

use anyhow::Result;
use fleet::{Grant, ProjectId};
use serde_json::json;

use crate::client::Client;
use crate::client::answers::Grants;
use crate::output;

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
