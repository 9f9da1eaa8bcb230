//! Changes of who may do what: grants and tokens, and when keys and tokens were last used.

use fleet::{Grant, ProjectId, Timestamp};

/// Says what a user may do in a project from now on. Refused with [`super::Refused::NoSuchProject`]
/// and with [`super::Refused::NoSuchUser`]. Taking away what is not there is harmless.
#[derive(Debug, Clone)]
pub struct SetGrant {
    /// The user, of whichever project.
    pub user: String,
    /// The project.
    pub project: ProjectId,
    /// What the user may do in it; `None`: nothing.
    pub grant: Option<Grant>,
}

/// Records a token with a name, which works beside those got by signing in. Refused with
/// [`super::Refused::NoSuchUser`] if the user is gone or disabled, with [`super::Refused::Exists`]
/// if one of the user's that has not expired has the name, and with
/// [`super::Refused::TooManyTokens`].
#[derive(Debug, Clone)]
pub struct CreateToken {
    /// The user.
    pub user: String,
    /// What the token is spoken of by.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// Now.
    pub at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// Deletes a token. Refused with [`super::Refused::NoSuchToken`].
#[derive(Debug, Clone)]
pub struct RevokeToken {
    /// What the token is spoken of by.
    pub id: String,
    /// Whose it is.
    pub user: String,
}

/// Notes when access keys and tokens were used. What is gone is passed over, and a time that is
/// earlier than the one on record changes nothing.
#[derive(Debug, Clone, Default)]
pub struct NoteUse {
    /// Access keys by their ids.
    pub keys: Vec<(String, Timestamp)>,
    /// Tokens by what they are spoken of by.
    pub tokens: Vec<(String, Timestamp)>,
}
