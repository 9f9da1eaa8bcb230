//! Who asks. Every call to the store carries it, and every look-up checks it.

use crate::id::ProjectKey;

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The engine itself: every project, never on a caller's behalf.
    Engine,
    /// The operator of this server, who holds the admin token: every project.
    Admin,
    /// A client program with an access key: its own project only, or all if the key is made so.
    Client,
}

/// Who asks, for which project, in which role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The one project the caller may see; `None` for those who may see all.
    project: Option<ProjectKey>,
    role: Role,
    /// What is written beside what the caller did: an access key's id, `admin`, `engine`.
    name: String,
}

impl Principal {
    /// The engine, acting for itself.
    pub fn engine() -> Self {
        Self { project: None, role: Role::Engine, name: "engine".to_owned() }
    }

    /// The operator of this server.
    pub fn admin() -> Self {
        Self { project: None, role: Role::Admin, name: "admin".to_owned() }
    }

    /// A client program that proved to hold the access key `access_key` of `project`.
    pub fn client(project: ProjectKey, access_key: impl Into<String>) -> Self {
        Self { project: Some(project), role: Role::Client, name: access_key.into() }
    }

    /// A client program that proved to hold the access key `access_key`, which opens all projects.
    pub fn account(access_key: impl Into<String>) -> Self {
        Self { project: None, role: Role::Client, name: access_key.into() }
    }

    /// Whether this caller may see what belongs to `project`. A project it may not see looks to it
    /// like one that does not exist.
    pub fn may_see(&self, project: ProjectKey) -> bool {
        self.project.is_none_or(|own| own == project)
    }

    /// The one project this caller is bound to, if it is.
    pub fn project(&self) -> Option<ProjectKey> {
        self.project
    }

    /// Whether this caller may change what is the whole server's: its settings, its catalogue, what
    /// opens all projects. A key that opens all projects is no operator.
    pub fn is_operator(&self) -> bool {
        matches!(self.role, Role::Engine | Role::Admin)
    }

    /// What this caller may do.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The name to write beside what the caller did.
    pub fn name(&self) -> &str {
        &self.name
    }
}
