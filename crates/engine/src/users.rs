//! Users: people and programs that sign in with a name and a password, and the tokens they get.
//!
//! A user is of one project, which manages it, and may do in any what is granted there. Passwords
//! are kept as Argon2id hashes and tokens as SHA-256, so the store holds nothing that opens a door.

mod grants;
mod password;
mod tokens;

use std::sync::Arc;

use fleet::{Grant, Principal, ProjectId, Secret, Timestamp};
use store::write::{ChangeUser, CreateUser, IssueToken, UserChange};
use store::{Refused, StoredUser, Write};
use zeroize::Zeroizing;

use crate::command::Error;
use crate::handle::Handle;

pub use grants::NewToken;
pub(crate) use password::PasswordChecks;
pub use tokens::TokenHolder;
pub(crate) use tokens::Tokens;

/// Bytes of a user's name (Huawei Cloud IAM API, "Creating an IAM User": 1 to 64 characters).
const NAME_BYTES_MAX: usize = 64;

/// What signing in gives.
#[derive(Debug)]
pub struct SignedIn {
    /// The token: 43 characters of base64url. It is not shown again.
    pub token: Secret<String>,
    /// What the token is spoken of by.
    pub id: String,
    /// Who signed in. The password's hash is left out.
    pub user: StoredUser,
    /// Since when the token works.
    pub issued_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// There is no such user, or it may not sign in, or the password is another: which of them is
    /// not told, and takes equally long to find out.
    #[error("the name or the password is wrong")]
    Wrong,
    /// No user can have such a name or such a password, so nothing was checked. To be told like
    /// [`Self::Wrong`], but it is no guess that would have to be counted.
    #[error("the name or the password is wrong")]
    Impossible,
    /// As many passwords wait to be checked as may; try again after a second.
    #[error("too many are signing in at the moment")]
    Busy,
    /// The engine or its store failed.
    #[error("signing in failed")]
    Engine(#[source] Error),
}

impl From<Error> for SignInError {
    fn from(error: Error) -> Self {
        match error {
            Error::Busy => Self::Busy,
            error => Self::Engine(error),
        }
    }
}

impl From<store::Error> for SignInError {
    fn from(error: store::Error) -> Self {
        Error::from(error).into()
    }
}

impl Handle {
    /// Makes a user of `project`, who may sign in for it and do there what `grant` says. The name
    /// has 1 to 64 ASCII letters, digits, spaces, `-`, `_` and `.` and begins with none of digit
    /// and space, and no other user has it with whatever case of its letters; the password has 8
    /// to 128 bytes without control characters.
    ///
    /// Errors: the name or the password is not like that, the name is taken, there is no such
    /// project, too many passwords wait to be hashed, or the store failed.
    pub async fn create_user(
        &self,
        principal: &Principal,
        name: String,
        project: &ProjectId,
        grant: Grant,
        password: Secret<String>,
    ) -> Result<(), Error> {
        check_new_name(&name)?;
        if Principal::OWN_NAMES.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            let detail = format!("{name} is what the server calls itself where it tells who acted");
            return Err(Error::Invalid { what: "user name".to_owned(), detail });
        }
        password::check(&password)?;
        let password_hash = self.hash(password).await?;
        let at = self.shared.clock.now();
        let project = project.clone();
        let write = Write::CreateUser(CreateUser { name, project, grant, password_hash, at });
        self.shared.store.write(principal, write).await??;
        Ok(())
    }

    /// Gives a user another password. All tokens of the user have stopped working once this has
    /// returned.
    ///
    /// Errors: the password is not like that of [`Self::create_user`]; [`Refused::NoSuchUser`],
    /// also for a user who was disabled; too many passwords wait to be hashed; the store failed.
    pub async fn set_password(
        &self,
        principal: &Principal,
        name: &str,
        password: Secret<String>,
    ) -> Result<(), Error> {
        password::check(&password)?;
        let hash = self.hash(password).await?;
        self.change_user(principal, name, UserChange::Password(hash)).await
    }

    /// Lets a user sign in no more. All tokens of the user have stopped working once this has
    /// returned.
    ///
    /// Errors: [`Refused::NoSuchUser`], or the store failed.
    pub async fn disable_user(&self, principal: &Principal, name: &str) -> Result<(), Error> {
        self.change_user(principal, name, UserChange::Disable).await
    }

    /// Lets a user who was disabled sign in again, with the password from before. What the user may
    /// do is as it was; of the tokens none comes back.
    ///
    /// Errors: [`Refused::NoSuchUser`], or the store failed.
    pub async fn enable_user(&self, principal: &Principal, name: &str) -> Result<(), Error> {
        self.change_user(principal, name, UserChange::Enable).await
    }

    /// The names of users that differ from another's in the case of ASCII letters alone: from
    /// before that was refused. At most `limit`.
    ///
    /// Errors: the store failed.
    pub async fn namesakes(&self, limit: u32) -> Result<Vec<String>, Error> {
        Ok(self.shared.store.namesakes(limit).await?)
    }

    /// Checks a name and a password and issues a token, which works for the time that the engine's
    /// settings say. The case of the name's ASCII letters is of no account, unless it tells two
    /// users apart.
    ///
    /// Errors: see [`SignInError`]. Whoever calls this counts [`SignInError::Wrong`].
    pub async fn sign_in(
        &self,
        name: &str,
        password: Secret<String>,
    ) -> Result<SignedIn, SignInError> {
        let shared = &self.shared;
        // No user has such a name or such a password; which users there are has no part in it.
        if check_name(name).is_err() || password::check(&password).is_err() {
            return Err(SignInError::Impossible);
        }
        let turn = shared.password_checks.turn().await.map_err(|_| SignInError::Busy)?;
        let found = shared.store.user_meant(name).await?;
        let found = found.filter(|user| user.disabled_at.is_none());
        let hash = found.as_ref().map(|user| user.password_hash.clone());
        let is_right = turn.verify(password, hash).await?;
        let Some(mut user) = found.filter(|_| is_right) else {
            metrics::counter!("fleetwright_sign_ins_refused_total").increment(1);
            return Err(SignInError::Wrong);
        };
        let mut random = Zeroizing::new([0_u8; tokens::TOKEN_BYTES]);
        shared.entropy.fill(&mut *random);
        let (token, id) = (tokens::in_words(&random), self.token_id());
        let issued_at = shared.clock.now();
        let expires_at = issued_at.plus(shared.token_lifetime);
        let write = Write::IssueToken(IssueToken {
            user: user.name.clone(),
            id: id.clone(),
            password_hash: std::mem::take(&mut user.password_hash),
            hash: tokens::hash(token.expose()),
            at: issued_at,
            expires_at,
        });
        let principal = Principal::signed_in(user.project, user.name.clone());
        match shared.store.write(&principal, write).await? {
            Ok(_) => {}
            // Disabled, or given another password, since it was looked up.
            Err(Refused::NoSuchUser(_)) => return Err(SignInError::Wrong),
            Err(refused) => return Err(Error::Refused(refused).into()),
        }
        metrics::counter!("fleetwright_sign_ins_total").increment(1);
        Ok(SignedIn { token, id, user, issued_at, expires_at })
    }

    /// Who holds this token. A token that has expired is still given, for as long as the store has
    /// it, so that its holder can be told: the caller compares
    /// [`expires_at`](TokenHolder::expires_at) with the time. `None` if there is no such token, or
    /// its user has been changed or disabled since it was issued.
    ///
    /// Errors: the store failed.
    pub async fn token(&self, token: &str) -> Result<Option<Arc<TokenHolder>>, Error> {
        if !tokens::is_well_formed(token) {
            return Ok(None);
        }
        let shared = &self.shared;
        let hash = tokens::hash(token);
        if let Some(holder) = shared.tokens.get(&hash).filter(|_| shared.freshness.holds()) {
            return Ok(Some(holder));
        }
        let changes = shared.tokens.changes();
        let Some(stored) = shared.store.token(hash).await? else { return Ok(None) };
        let holder = Arc::new(TokenHolder {
            id: stored.id,
            name: stored.name,
            user: stored.user,
            grants: stored.grants,
            project: stored.project,
            project_id: stored.project_id,
            expires_at: stored.expires_at,
        });
        shared.tokens.keep(hash, &holder, changes);
        Ok(Some(holder))
    }

    /// Changes a user, and forgets the user's tokens even if the caller goes away meanwhile, or if
    /// it is not known whether the change was made.
    async fn change_user(
        &self,
        principal: &Principal,
        name: &str,
        change: UserChange,
    ) -> Result<(), Error> {
        let shared = self.shared.clone();
        let principal = principal.clone();
        let user = name.to_owned();
        let changing = async move {
            let (name, at) = (user.clone(), shared.clock.now());
            let write = Write::ChangeUser(ChangeUser { name, change, at });
            let written = shared.store.write(&principal, write).await;
            shared.tokens.forget_user(&user);
            written
        };
        tokio::spawn(changing).await.map_err(|_| Error::Closed)???;
        Ok(())
    }

    /// What a new token is to be spoken of by.
    fn token_id(&self) -> String {
        self.random_hex().get(..16).unwrap_or_default().to_owned()
    }

    async fn hash(&self, password: Secret<String>) -> Result<String, Error> {
        let mut salt = [0_u8; password::SALT_BYTES];
        self.shared.entropy.fill(&mut salt);
        let turn = self.shared.password_checks.turn().await.map_err(|_| Error::Busy)?;
        turn.hash(password, salt).await
    }
}

/// What a new user's name must be.
fn check_new_name(name: &str) -> Result<(), Error> {
    check_name(name)?;
    if matches!(name, "." | "..") {
        let detail = "must not be . or .., which can't stand in an address".to_owned();
        return Err(Error::Invalid { what: "user name".to_owned(), detail });
    }
    Ok(())
}

/// Huawei Cloud IAM's rule for a user's name: no user has one that is not like this.
fn check_name(name: &str) -> Result<(), Error> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b" -_.".contains(&byte);
    let detail = if name.is_empty() || name.len() > NAME_BYTES_MAX {
        format!("must have 1 to {NAME_BYTES_MAX} characters")
    } else if !name.bytes().all(is_allowed) {
        "may have letters of ASCII, digits, spaces, - _ and . only".to_owned()
    } else if name.starts_with(|first: char| first.is_ascii_digit() || first == ' ') {
        "must not begin with a digit or a space".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::Invalid { what: "user name".to_owned(), detail })
}

#[cfg(test)]
mod tests;
