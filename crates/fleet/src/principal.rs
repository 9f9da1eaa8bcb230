//! Who asks. Every call to the store carries it, and every look-up checks it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::device::UnknownWord;
use crate::id::ProjectKey;

/// What a user may do in a project. Each may what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// Look at everything but secrets, and change nothing.
    Viewer,
    /// Change devices.
    Operator,
    /// Change the project itself, its access keys and users, and who may do what in it.
    Admin,
}

impl Grant {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// The word that stands for it in the store, the API and the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for Grant {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|grant| grant.name() == text);
        found.ok_or_else(|| UnknownWord { what: "role", word: text.to_owned() })
    }
}

/// As what a caller asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The engine itself: every project, never on a caller's behalf.
    Engine,
    /// The administrator of this server, who holds the admin token: every project.
    Admin,
    /// A user of the native API, in those projects where the user's grant is enough for the call.
    User,
    /// A user who has signed in at a vendor's API, where programs do.
    SignedIn,
    /// A client program with an access key: its own project only, or all if the key is made so.
    Client,
}

/// Who asks, for which projects, in which role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The projects that the caller may see, in order; `None` for those who may see all.
    projects: Option<Arc<[ProjectKey]>>,
    role: Role,
    /// What is written beside what the caller did: an access key's id, a user's name, `admin`,
    /// `engine`.
    name: String,
}

/// What is written beside what the engine did.
const ENGINE: &str = "engine";
/// What is written beside what the administrator of this server did.
const ADMIN: &str = "admin";

impl Principal {
    /// The names that the server goes by itself: nobody else may, or what is on record would not
    /// say who it was.
    pub const OWN_NAMES: [&str; 2] = [ENGINE, ADMIN];

    /// The engine, acting for itself.
    pub fn engine() -> Self {
        Self { projects: None, role: Role::Engine, name: ENGINE.to_owned() }
    }

    /// The administrator of this server.
    pub fn admin() -> Self {
        Self { projects: None, role: Role::Admin, name: ADMIN.to_owned() }
    }

    /// The user `name` of the native API, whose grants are enough for the call in `projects`.
    pub fn user(name: impl Into<String>, mut projects: Vec<ProjectKey>) -> Self {
        projects.sort_unstable();
        projects.dedup();
        Self { projects: Some(projects.into()), role: Role::User, name: name.into() }
    }

    /// The user `name`, who has signed in for `project` at a vendor's API.
    pub fn signed_in(project: ProjectKey, name: impl Into<String>) -> Self {
        Self { projects: Some([project].into()), role: Role::SignedIn, name: name.into() }
    }

    /// A client program that proved to hold the access key `access_key` of `project`.
    pub fn client(project: ProjectKey, access_key: impl Into<String>) -> Self {
        Self { projects: Some([project].into()), role: Role::Client, name: access_key.into() }
    }

    /// A client program that proved to hold the access key `access_key`, which opens all projects.
    pub fn account(access_key: impl Into<String>) -> Self {
        Self { projects: None, role: Role::Client, name: access_key.into() }
    }

    /// Whether this caller may see what belongs to `project`. A project it may not see looks to it
    /// like one that does not exist.
    pub fn may_see(&self, project: ProjectKey) -> bool {
        self.projects().is_none_or(|own| own.binary_search(&project).is_ok())
    }

    /// The projects that this caller may see, in order; `None` for one who may see all.
    pub fn projects(&self) -> Option<&[ProjectKey]> {
        self.projects.as_deref()
    }

    /// Whether this caller is bound to some projects, and so can't speak for the whole server.
    pub fn is_bound(&self) -> bool {
        self.projects.is_some()
    }

    /// Whether this caller may change what is the whole server's: its settings, its catalogue, what
    /// opens all projects. A key that opens all projects may not.
    pub fn is_server_admin(&self) -> bool {
        matches!(self.role, Role::Engine | Role::Admin)
    }

    /// Whether this caller may do to a frozen device what programs may not: those who freeze may.
    pub fn may_change_frozen(&self) -> bool {
        matches!(self.role, Role::Engine | Role::Admin | Role::User)
    }

    /// As what this caller asks.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The name to write beside what the caller did.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name with what it is the name of, since a user and a key may be called alike, or like
    /// the administrator: `admin`, `engine`, `user:NAME`, `key:ID`.
    pub fn actor(&self) -> String {
        match self.role {
            Role::Engine | Role::Admin => self.name.clone(),
            Role::User | Role::SignedIn => format!("user:{}", self.name),
            Role::Client => format!("key:{}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_ordered_and_named() {
        assert!(Grant::Viewer < Grant::Operator && Grant::Operator < Grant::Admin);
        for grant in Grant::ALL {
            assert_eq!(grant.name().parse(), Ok(grant));
            assert_eq!(serde_json::to_value(grant).unwrap(), grant.name());
        }
        assert!("owner".parse::<Grant>().is_err());
    }

    #[test]
    fn a_user_sees_the_given_projects_alone() {
        let keys = [ProjectKey(9), ProjectKey(3), ProjectKey(9)];
        let user = Principal::user("alice", keys.to_vec());
        assert_eq!(user.projects(), Some(&[ProjectKey(3), ProjectKey(9)][..]));
        assert!(user.may_see(ProjectKey(9)) && !user.may_see(ProjectKey(4)));
        assert!(!user.is_server_admin() && user.is_bound());
        assert_eq!(user.actor(), "user:alice");
        assert!(!Principal::user("bob", Vec::new()).may_see(ProjectKey(3)));
        assert_eq!(Principal::account("AK").actor(), "key:AK");
        assert!(Principal::account("AK").may_see(ProjectKey(4)));
    }
}
