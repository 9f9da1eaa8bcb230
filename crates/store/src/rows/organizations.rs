//! The rows of organizations, alone and joined to what is filed in them.

use fleet::{Organization, OrganizationId, OrganizationPath, Timestamp};

use crate::Error;
use crate::columns::{Columns, column, optional, parsed};

/// The columns that [`organization`] reads, from `organization AS o`.
pub(crate) const ORGANIZATION_COLUMNS: &str = "o.id AS organization_id, \
     o.path AS organization_path, o.created_at AS organization_created_at, \
     o.updated_at AS organization_updated_at";

/// A row with [`ORGANIZATION_COLUMNS`]; `None` where nothing was joined.
pub(crate) fn organization(row: &impl Columns) -> Result<Option<Organization>, Error> {
    if optional::<String>(row, "organization_id")?.is_none() {
        return Ok(None);
    }
    Ok(Some(Organization {
        id: parsed::<OrganizationId>(row, "organization_id")?,
        path: parsed::<OrganizationPath>(row, "organization_path")?,
        created_at: Timestamp(column(row, "organization_created_at")?),
        updated_at: Timestamp(column(row, "organization_updated_at")?),
    }))
}
