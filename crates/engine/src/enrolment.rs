//! Enrolment: on what terms cameras that nobody has put on record may come to a project, which of
//! them have come, and what operators make of those.
//!
//! The registrar asks for the terms with every look-up, so those in force are kept in memory. What
//! it has seen is noted from there as well: many sightings with one change of the store.

mod accept;
mod open;
mod pending;

use std::collections::BTreeSet;

use fleet::{IdPrefix, Principal, ProjectId, Secret, Timestamp, limits};
use store::Write;
use store::rekey::ENROLMENT_PASSWORD;
use store::write::{EnrolmentTerms, SetEnrolment};

use crate::access::{check_text, invalid};
use crate::command::Error;
use crate::handle::Handle;
use crate::operate::to_the_end;

pub use accept::{AcceptRefused, PendingAsked, PendingPage};
pub(crate) use open::Enrolments;
pub use open::OpenEnrolment;
pub(crate) use pending::{keep, write};

/// On what terms a project is to be open.
#[derive(Debug, Clone)]
pub struct NewEnrolment {
    /// The password that cameras share: 8 to 256 bytes without control characters; `None` leaves
    /// the one that is there.
    pub password: Option<Secret<String>>,
    /// What their ids begin with, one of these: 1 to 32.
    pub prefixes: Vec<IdPrefix>,
    /// Until when: later than now, and at most 90 days.
    pub ends_at: Timestamp,
}

impl Handle {
    /// Opens a project for enrolment, or changes on what terms it is open. A password that is given
    /// begins the list of pending devices anew: they have shown the one before.
    ///
    /// Errors: a value that is not like that of [`NewEnrolment`];
    /// [`store::Refused::NoSuchProject`]; [`store::Refused::NoEnrolment`] if no password is given
    /// and there is none; [`store::Refused::TooManyEnrolments`]; or the store failed.
    pub async fn open_enrolment(
        &self,
        principal: &Principal,
        project: &ProjectId,
        new: NewEnrolment,
    ) -> Result<(), Error> {
        let prefixes: BTreeSet<IdPrefix> = new.prefixes.into_iter().collect();
        if !(1..=limits::ENROLMENT_PREFIXES_MAX).contains(&prefixes.len()) {
            let most = limits::ENROLMENT_PREFIXES_MAX;
            return Err(invalid("prefixes", format!("{}; give 1 to {most}", prefixes.len())));
        }
        let now = self.now();
        if new.ends_at <= now || new.ends_at > now.plus(limits::ENROLMENT_MAX) {
            let days = limits::ENROLMENT_MAX.as_secs() / (24 * 60 * 60);
            let detail = format!("{} is not within the next {days} days", new.ends_at);
            return Err(invalid("ends_at", detail));
        }
        let sealed_password =
            new.password.map(|password| self.sealed_enrolment(project, &password)).transpose()?;
        let terms = EnrolmentTerms {
            sealed_password,
            prefixes: prefixes.into_iter().collect(),
            ends_at: new.ends_at,
        };
        self.set_enrolment(principal, project, Some(terms)).await
    }

    /// Closes a project for enrolment, and forgets the password and all that are pending.
    ///
    /// Errors: [`store::Refused::NoSuchProject`], or the store failed.
    pub async fn close_enrolment(
        &self,
        principal: &Principal,
        project: &ProjectId,
    ) -> Result<(), Error> {
        self.set_enrolment(principal, project, None).await
    }

    /// Changes it; it is in force on this node when this returns, on others as soon as they hear.
    async fn set_enrolment(
        &self,
        principal: &Principal,
        project: &ProjectId,
        terms: Option<EnrolmentTerms>,
    ) -> Result<(), Error> {
        let (handle, principal) = (self.clone(), principal.clone());
        let set = SetEnrolment { project: project.clone(), terms, at: self.now() };
        to_the_end(async move {
            let shared = &handle.shared;
            let written = shared.store.write(&principal, Write::SetEnrolment(set)).await;
            // Whether it was made or not: the other terms must not be gone by.
            shared.enrolments.forget();
            written??;
            Ok(())
        })
        .await
    }

    /// An enrolment password as the store keeps it.
    fn sealed_enrolment(
        &self,
        project: &ProjectId,
        password: &Secret<String>,
    ) -> Result<Vec<u8>, Error> {
        let (password, least) = (password.expose(), limits::ENROLMENT_PASSWORD_BYTES_MIN);
        check_text("password", password, limits::REGISTRANT_BYTES_MAX)?;
        if password.len() < least {
            return Err(invalid("password", format!("has fewer than {least} bytes")));
        }
        let mut nonce = [0_u8; 24];
        self.shared.entropy.fill(&mut nonce);
        let sealed = self.shared.master_key.seal(nonce, &place(project), password.as_bytes());
        sealed.map_err(|error| invalid("password", error))
    }
}

/// What ties a sealed enrolment password to its place, so that it opens nowhere else.
fn place(project: &ProjectId) -> [&str; 3] {
    [project.as_str(), "", ENROLMENT_PASSWORD]
}

#[cfg(test)]
mod tests;
