//! Who may have webhooks.

use fleet::{Principal, ProjectKey};

use crate::write::Refused;

/// Whether the principal may make a webhook that is told of what happens on the whole server.
pub(crate) fn of_server(principal: &Principal) -> Result<(), Refused> {
    if principal.is_server_admin() {
        Ok(())
    } else {
        Err(Refused::NoSuchServer("this server as a whole".to_owned()))
    }
}

/// Whether the principal may change a webhook of this project, or of the whole server.
pub(crate) fn may_change(principal: &Principal, project: Option<ProjectKey>) -> bool {
    project.map_or_else(|| principal.is_server_admin(), |project| principal.may_see(project))
}
