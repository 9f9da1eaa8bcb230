//! What users may do, tokens with names, and the audit.

use std::time::Duration;

use fleet::{Grant, Principal, ProjectId, Secret, Timestamp};
use store::write::{CreateToken, RevokeToken, SetGrant};
use store::{Refused, TokenRecord, Write};
use zeroize::Zeroizing;

use super::tokens;
use crate::access::check_text;
use crate::command::Error;
use crate::handle::Handle;
use crate::operate::to_the_end;

/// Bytes of a token's name.
const NAME_BYTES_MAX: usize = 64;
/// Days that a token may work at most: a year and a day.
const DAYS_MAX: u32 = 366;

/// A token that was made.
#[derive(Debug)]
pub struct NewToken {
    /// What it is spoken of by.
    pub id: String,
    /// The token: 43 characters of base64url. It is not shown again.
    pub token: Secret<String>,
    /// When it stops working.
    pub expires_at: Timestamp,
}

impl Handle {
    /// Says what a user may do in a project from now on; `None`: nothing. On this node it holds
    /// once this has returned, on others as soon as they have heard of it.
    ///
    /// Errors: [`Refused::NoSuchUser`], [`Refused::NoSuchProject`], or the store failed.
    pub async fn set_grant(
        &self,
        principal: &Principal,
        user: &str,
        project: &ProjectId,
        grant: Option<Grant>,
    ) -> Result<(), Error> {
        let (shared, principal) = (self.shared.clone(), principal.clone());
        let set = SetGrant { user: user.to_owned(), project: project.clone(), grant };
        to_the_end(async move {
            let user = set.user.clone();
            let written = shared.store.write(&principal, Write::SetGrant(set)).await;
            shared.tokens.forget_user(&user);
            written??;
            Ok(())
        })
        .await
    }

    /// Makes a token for a user, which works for `days` days: 1 to 366. Its name has 1 to 64 bytes
    /// and no control characters.
    ///
    /// Errors: the name or the days are not like that; [`Refused::NoSuchUser`], also for a user who
    /// was disabled; [`Refused::Exists`]; [`Refused::TooManyTokens`]; or the store failed.
    pub async fn create_token(
        &self,
        principal: &Principal,
        user: &str,
        name: &str,
        days: u32,
    ) -> Result<NewToken, Error> {
        check_text("token name", name, NAME_BYTES_MAX)?;
        if days == 0 || days > DAYS_MAX {
            let detail = format!("{days} is not 1 to {DAYS_MAX} days");
            return Err(Error::Invalid { what: "expires_in_days".to_owned(), detail });
        }
        let shared = &self.shared;
        let mut random = Zeroizing::new([0_u8; tokens::TOKEN_BYTES]);
        shared.entropy.fill(&mut *random);
        let token = tokens::in_words(&random);
        let (id, at) = (self.token_id(), shared.clock.now());
        let expires_at = at.plus(Duration::from_secs(u64::from(days) * 24 * 60 * 60));
        let write = Write::CreateToken(CreateToken {
            user: user.to_owned(),
            id: id.clone(),
            name: name.to_owned(),
            hash: tokens::hash(token.expose()),
            at,
            expires_at,
        });
        shared.store.write(principal, write).await??;
        Ok(NewToken { id, token, expires_at })
    }

    /// Deletes a token, which has stopped working on this node once this has returned, and on
    /// others as soon as they have heard of it.
    ///
    /// Errors: [`Refused::NoSuchToken`], or the store failed.
    pub async fn revoke_token(
        &self,
        principal: &Principal,
        token: &TokenRecord,
    ) -> Result<(), Error> {
        let (shared, principal) = (self.shared.clone(), principal.clone());
        let revoke = RevokeToken { id: token.id.clone(), user: token.user.clone() };
        to_the_end(async move {
            let user = revoke.user.clone();
            let written = shared.store.write(&principal, Write::RevokeToken(revoke)).await;
            shared.tokens.forget_user(&user);
            written??;
            Ok(())
        })
        .await
    }

    /// The token that is spoken of by this id.
    ///
    /// Errors: [`Refused::NoSuchToken`], or the store failed.
    pub async fn token_record(&self, id: &str) -> Result<TokenRecord, Error> {
        let found = self.shared.store.token_record(id).await?;
        found.ok_or_else(|| Refused::NoSuchToken(id.to_owned()).into())
    }
}
