//! Who may do what, and who has done what.

use serde::Deserialize;
use serde_json::Value;

/// `GET /users/{name}/grants`.
#[derive(Debug, Deserialize)]
pub struct Grants {
    /// By project.
    pub grants: Vec<Grant>,
}

/// What a user may do in a project.
#[derive(Debug, Deserialize)]
pub struct Grant {
    /// The project.
    pub project: String,
    /// `viewer`, `operator` or `admin`.
    pub role: String,
}

/// One page of `GET /projects/{project}/grants`.
#[derive(Debug, Deserialize)]
pub struct ProjectGrants {
    /// By user.
    pub grants: Vec<GrantHolder>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// Who may do something in a project.
#[derive(Debug, Deserialize)]
pub struct GrantHolder {
    /// The user.
    pub user: String,
    /// `viewer`, `operator` or `admin`.
    pub role: String,
    /// Whether the user is one of the project's own.
    pub of_project: bool,
    /// When the user was disabled, if it was.
    pub disabled_at: Option<String>,
}

/// `GET /users/{name}/tokens`.
#[derive(Debug, Deserialize)]
pub struct Tokens {
    /// The oldest first.
    pub tokens: Vec<Token>,
}

/// A token, without what opens doors.
#[derive(Debug, Deserialize)]
pub struct Token {
    /// What it is spoken of by.
    pub id: String,
    /// What it is called; `None` if it was got by signing in.
    pub name: Option<String>,
    /// Since when it works.
    pub issued_at: String,
    /// When it stops working.
    pub expires_at: String,
    /// When it was last used, if it was.
    pub last_used_at: Option<String>,
}

/// A token that was just made: the one answer with the token in it.
#[derive(Deserialize)]
pub struct NewToken {
    /// What it is spoken of by.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The token.
    pub token: String,
    /// When it stops working.
    pub expires_at: String,
}

/// `GET /audit`.
#[derive(Debug, Deserialize)]
pub struct Audit {
    /// The newest first, as they came.
    pub acts: Vec<Value>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// An administrative act.
#[derive(Debug, Deserialize)]
pub struct Act {
    /// When.
    pub at: String,
    /// Who.
    pub actor: String,
    /// The project; `None` for the whole server.
    pub project: Option<String>,
    /// What was done.
    pub action: String,
    /// To what.
    pub target: String,
    /// What else is to be said of it.
    #[serde(default)]
    pub detail: Value,
}
