//! Whether things can be filed where they are to be.

use std::collections::{HashMap, HashSet};

use fleet::{OrganizationChange, OrganizationId, OrganizationPath};

use crate::Refused;

/// Why things can't be filed where they are to be; nothing has been written.
pub(crate) enum Unfit {
    /// The path has another id than expected.
    Other(OrganizationId, OrganizationPath),
    /// The path has no id yet, and this one was expected.
    Missing(OrganizationId, OrganizationPath),
    /// The project would have too many.
    TooMany,
}

impl From<Unfit> for Refused {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Other(id, path) => Self::OrganizationExists { id, path },
            Unfit::Missing(id, _) => Self::NoSuchOrganization(id),
            Unfit::TooMany => Self::TooManyOrganizations,
        }
    }
}

/// The paths that these changes name.
pub(crate) fn paths<'a>(
    changes: impl Iterator<Item = &'a OrganizationChange>,
) -> HashSet<&'a OrganizationPath> {
    let path = |change: &'a OrganizationChange| match change {
        OrganizationChange::Detach => None,
        OrganizationChange::Join { path, .. } => Some(path),
    };
    changes.filter_map(path).collect()
}

/// How many organizations these changes make, where those of `ids` are there; or why they can't be
/// done. Whether there would be too many is not looked at.
pub(crate) fn new_organizations<'a>(
    changes: impl Iterator<Item = &'a OrganizationChange>,
    ids: &HashMap<OrganizationPath, OrganizationId>,
) -> Result<usize, Unfit> {
    let mut new = HashSet::new();
    for change in changes {
        let OrganizationChange::Join { path, expected, .. } = change else {
            continue;
        };
        match (ids.get(path), expected) {
            (Some(id), Some(expected)) if id != expected => {
                return Err(Unfit::Other(id.clone(), path.clone()));
            }
            (None, Some(expected)) => {
                return Err(Unfit::Missing(expected.clone(), path.clone()));
            }
            (None, None) => {
                new.insert(path);
            }
            (Some(_), _) => {}
        }
    }
    Ok(new.len())
}
