//! Projects and their organizations: made, changed, deleted.

use fleet::{
    Organization, OrganizationId, OrganizationPath, Principal, Project, ProjectId, limits,
};
use store::write::{ChangeOrganization, ChangeProject, CreateProject, OrganizationEdit};
use store::{Write, Written};

use crate::access::{check_text, invalid};
use crate::command::Error;
use crate::handle::Handle;
use crate::operate::to_the_end;

/// What changes of a project; `None` leaves it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectChange {
    /// Its name: 1 to 256 bytes.
    pub name: Option<String>,
    /// What is said of it: at most 1,024 bytes.
    pub description: Option<String>,
    /// Whether it is paused.
    pub paused: Option<bool>,
}

/// The project that was made or changed.
fn project(written: Written) -> Result<Project, Error> {
    match written {
        Written::Project(project) => Ok(*project),
        other => {
            tracing::error!(?other, "the store answered about a project otherwise");
            Err(Error::Closed)
        }
    }
}

/// A name is what people find the project by: one of blanks alone nobody sees.
fn check_name(name: &str) -> Result<(), Error> {
    check_text("project name", name, limits::NAME_BYTES_MAX)?;
    if name.trim().is_empty() {
        return Err(invalid("project name", "has nothing but blanks"));
    }
    Ok(())
}

fn check_description(text: &str) -> Result<(), Error> {
    if text.is_empty() {
        return Ok(());
    }
    check_text("project description", text, limits::DESCRIPTION_BYTES_MAX)
}

impl Handle {
    /// Makes a project; without an id it gets one of 32 hexadecimal digits, as CPH's are.
    ///
    /// Errors: a name or description that is none; [`store::Refused::Exists`]; or the store failed.
    pub async fn create_project(
        &self,
        principal: &Principal,
        name: String,
        id: Option<ProjectId>,
        description: String,
    ) -> Result<Project, Error> {
        check_name(&name)?;
        check_description(&description)?;
        let shared = &self.shared;
        let id = match id {
            Some(id) => {
                id.check_new().map_err(|error| invalid("id", error))?;
                id
            }
            None => ProjectId::new(self.random_hex()).map_err(|error| invalid("id", error))?,
        };
        let at = shared.clock.now();
        let write = Write::CreateProject(CreateProject { id, name, description, at });
        project(shared.store.write(principal, write).await??)
    }

    /// Gives a project another name or description, or pauses it, all in one; what is `None` stays.
    ///
    /// Errors: a name or description that is none; [`store::Refused::NoSuchProject`]; or the store
    /// failed. Then nothing has changed.
    pub async fn change_project(
        &self,
        principal: &Principal,
        id: &ProjectId,
        change: ProjectChange,
    ) -> Result<Project, Error> {
        let ProjectChange { name, description, paused } = change;
        if let Some(name) = &name {
            check_name(name)?;
        }
        check_description(description.as_deref().unwrap_or_default())?;
        let (id, at) = (id.clone(), self.shared.clock.now());
        let change = ChangeProject { id, name, description, paused, at };
        let (handle, principal) = (self.clone(), principal.clone());
        to_the_end(async move {
            let shared = &handle.shared;
            let written = shared.store.write(&principal, Write::ChangeProject(change)).await??;
            if paused.is_some() {
                handle.rescan_now();
            }
            project(written)
        })
        .await
    }

    /// Deletes a project that has no devices, with its access keys, users and organizations.
    ///
    /// Errors: [`store::Refused::NoSuchProject`], [`store::Refused::ProjectInUse`], or the store
    /// failed.
    pub async fn delete_project(&self, principal: &Principal, id: &ProjectId) -> Result<(), Error> {
        let (handle, principal, id) = (self.clone(), principal.clone(), id.clone());
        to_the_end(async move {
            let shared = &handle.shared;
            let written = shared.store.write(&principal, Write::DeleteProject(id.clone())).await;
            // Whether it was deleted or not: what is remembered may be of it.
            shared.projects.forget(&id);
            shared.keys.forget_all();
            shared.tokens.forget_all();
            shared.targets.forget_all();
            shared.enrolments.forget();
            written??;
            tracing::info!(project = %id, "a project was deleted");
            Ok(())
        })
        .await
    }

    /// Makes an organization.
    ///
    /// Errors: [`store::Refused::OrganizationExists`] and its neighbours, or the store failed.
    pub async fn create_organization(
        &self,
        principal: &Principal,
        project: &ProjectId,
        path: OrganizationPath,
    ) -> Result<Organization, Error> {
        let id = self.new_organization_id().ok_or(Error::Closed)?;
        self.change_organization(principal, project, id, OrganizationEdit::Create(path)).await
    }

    /// Gives an organization another path. What is filed in it stays so.
    ///
    /// Errors: [`store::Refused::NoSuchOrganization`] and its neighbours, or the store failed.
    pub async fn move_organization(
        &self,
        principal: &Principal,
        project: &ProjectId,
        id: OrganizationId,
        path: OrganizationPath,
    ) -> Result<Organization, Error> {
        self.change_organization(principal, project, id, OrganizationEdit::Move(path)).await
    }

    /// Deletes an organization in which nothing is filed; gives it as it was.
    ///
    /// Errors: [`store::Refused::OrganizationInUse`] and its neighbours, or the store failed.
    pub async fn delete_organization(
        &self,
        principal: &Principal,
        project: &ProjectId,
        id: OrganizationId,
    ) -> Result<Organization, Error> {
        self.change_organization(principal, project, id, OrganizationEdit::Delete).await
    }

    async fn change_organization(
        &self,
        principal: &Principal,
        project: &ProjectId,
        id: OrganizationId,
        change: OrganizationEdit,
    ) -> Result<Organization, Error> {
        let at = self.shared.clock.now();
        let change = ChangeOrganization { project: project.clone(), id, change, at };
        let write = Write::ChangeOrganization(change);
        match self.shared.store.write(principal, write).await?? {
            Written::Organization(organization) => Ok(organization),
            other => {
                tracing::error!(?other, "the store answered about an organization otherwise");
                Err(Error::Closed)
            }
        }
    }

    /// An id for an organization; there always is one.
    pub(crate) fn new_organization_id(&self) -> Option<OrganizationId> {
        OrganizationId::new(self.random_hex()).ok()
    }
}
