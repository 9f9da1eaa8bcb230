//! Who may do what, and who has done what.

use fleet::{Grant, ProjectId, ProjectKey, Timestamp};

/// What a user may do in one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserGrant {
    /// The project.
    pub project: ProjectKey,
    /// That project's public id.
    pub project_id: ProjectId,
    /// What the user may do in it.
    pub grant: Grant,
}

/// Who may do something in a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantHolder {
    /// The user.
    pub user: String,
    /// What the user may do in it.
    pub grant: Grant,
    /// Whether the user is one of this project's own.
    pub of_project: bool,
    /// When the user was disabled, if it was: it can't sign in since then.
    pub disabled_at: Option<Timestamp>,
}

/// What is on record of a token besides the token itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// What it is spoken of by.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// The project that its user is of.
    pub project: ProjectKey,
    /// What it is called; `None` if it was got by signing in.
    pub name: Option<String>,
    /// Since when it works.
    pub issued_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// When it was last used, to about a minute.
    pub last_used_at: Option<Timestamp>,
}

/// Which entries of the audit to list. Empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of what belongs to this project only.
    pub project: Option<ProjectId>,
    /// By this actor only, as [`fleet::Principal::actor`] gives it.
    pub actor: Option<String>,
    /// Of this action only.
    pub action: Option<String>,
}

/// One administrative act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number: higher than that of every earlier one.
    pub seq: i64,
    /// When, by the store's clock.
    pub at: Timestamp,
    /// Who: see [`fleet::Principal::actor`].
    pub actor: String,
    /// The project that it belongs to; `None` for the whole server.
    pub project_id: Option<ProjectId>,
    /// What was done: a thing and a verb, such as `key.revoke`.
    pub action: String,
    /// To what.
    pub target: String,
    /// What else is to be said of it, as a JSON object. Nothing secret.
    pub detail: String,
}
