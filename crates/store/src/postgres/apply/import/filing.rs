//! Where the GB devices of an import are filed, and the organizations that are made for that.

use std::collections::HashMap;

use fleet::limits::ORGANIZATIONS_PER_PROJECT_MAX;
use fleet::{
    OrganizationChange, OrganizationId, OrganizationPath, ProjectId, ProjectKey, Timestamp,
};
use tokio_postgres::Row;

use crate::columns::{column, parsed};
use crate::postgres::apply::organizations::ids;
use crate::postgres::connection::{Connection, Params};
use crate::rules::organizations::{Unfit, new_organizations, paths};
use crate::write::ImportedDevice;
use crate::{Error, Refused};

/// The organizations of one project, as far as an import needs them.
#[derive(Default)]
pub(super) struct Filing<'a> {
    /// Those that are there, and those that are made.
    ids: HashMap<OrganizationPath, OrganizationId>,
    /// How many the project has.
    count: usize,
    /// Those that are made.
    new: Vec<(&'a OrganizationPath, &'a OrganizationId)>,
}

impl<'a> Filing<'a> {
    /// Takes in where a device is to be filed, or says why it can't be.
    pub(super) fn file(&mut self, imported: &'a ImportedDevice) -> Result<(), Refused> {
        let Some(change) = change(imported) else {
            return Ok(());
        };
        let new = new_organizations(std::iter::once(change), &self.ids)?;
        if let OrganizationChange::Join { path, id_if_new, .. } = change
            && new > 0
        {
            if self.count >= ORGANIZATIONS_PER_PROJECT_MAX {
                return Err(Unfit::TooMany.into());
            }
            self.count += 1;
            self.ids.insert(path.clone(), id_if_new.clone());
            self.new.push((path, id_if_new));
        }
        Ok(())
    }
}

/// Where a device is to be filed from now on, if the import says it.
pub(super) fn change(imported: &ImportedDevice) -> Option<&OrganizationChange> {
    imported.record.camera.as_ref()?.record.organization.as_ref()
}

/// Reads the organizations that an import names, for each of its projects that has any of them.
pub(super) async fn read<'a>(
    c: &Connection,
    projects: &HashMap<ProjectId, ProjectKey>,
    round: &[&'a ImportedDevice],
) -> Result<HashMap<ProjectKey, Filing<'a>>, Error> {
    let mut changes: HashMap<ProjectKey, Vec<&OrganizationChange>> = HashMap::new();
    for imported in round {
        if let Some(project) = projects.get(&imported.record.project)
            && let Some(change) = change(imported)
        {
            changes.entry(*project).or_default().push(change);
        }
    }
    let mut filings = HashMap::new();
    for (project, changes) in changes {
        let asked = paths(changes.iter().copied());
        let mut filing = Filing { ids: ids(c, project, &asked).await?, ..Filing::default() };
        if filing.ids.len() < asked.len() {
            let sql = "SELECT count(*) FROM organization WHERE project = $1";
            let operation = "count the organizations of a project";
            let count = c.count(operation, sql, &[&project.0]).await?;
            filing.count = usize::try_from(count).unwrap_or(usize::MAX);
        }
        filings.insert(project, filing);
    }
    Ok(filings)
}

/// Makes the organizations that are new, and gives the keys of all that the import names, by
/// project and path.
pub(super) async fn make(
    c: &Connection,
    filings: &HashMap<ProjectKey, Filing<'_>>,
    at: Timestamp,
) -> Result<HashMap<(ProjectKey, OrganizationPath), i64>, Error> {
    let mut keys = HashMap::new();
    for (project, filing) in filings {
        if !filing.new.is_empty() {
            let paths: Vec<String> = filing.new.iter().map(|(path, _)| path.to_string()).collect();
            let ids: Vec<&str> = filing.new.iter().map(|(_, id)| id.as_str()).collect();
            let sql = "INSERT INTO organization (project, id, path, created_at, updated_at)
                 SELECT $1::bigint, id, path, $2::bigint, $2
                     FROM unnest($3::text[], $4::text[]) AS made (id, path)";
            let params: Params<'_> = &[&project.0, &at.0, &ids, &paths];
            c.execute("make organizations", sql, params).await?;
        }
        let paths: Vec<String> = filing.ids.keys().map(ToString::to_string).collect();
        let sql = "SELECT path, key FROM organization WHERE project = $1 AND path = ANY($2)";
        let read = |row: &Row| Ok(((*project, parsed(row, 0)?), column(row, 1)?));
        let operation = "find organizations by their paths";
        keys.extend(c.all(operation, sql, &[&project.0, &paths], read).await?);
    }
    Ok(keys)
}
