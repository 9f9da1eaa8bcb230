//! Pending devices that operators accept, each with a password of its own, or reject.

use std::time::Duration;

use fleet::{
    DeviceId, IdPrefix, Kind, NewCamera, NewDevice, Principal, Project, ProjectId, ProjectKey,
    Secret, Timestamp, limits,
};
use store::write::{
    AcceptPending, AcceptedPending, EnrolledWith, ImportedDevice, NotAccepted, RejectPending,
};
use store::{Write, Written};

use super::open;
use crate::access::invalid;
use crate::command::Error;
use crate::handle::Handle;
use crate::import::check_record;
use crate::operate::to_the_end;
use crate::shared::Shared;

/// A pending device that is to be accepted.
#[derive(Debug, Clone)]
pub struct PendingAsked {
    /// The device.
    pub id: DeviceId,
    /// The operator's name for it; `None`: its id.
    pub name: Option<String>,
    /// The password that it must register with from now on; `None` has one made.
    pub password: Option<Secret<String>>,
    /// The name of its profile; `None` or empty: the generic one.
    pub profile: Option<String>,
}

impl PendingAsked {
    /// The device of this id with all else left out.
    pub fn new(id: DeviceId) -> Self {
        Self { id, name: None, password: None, profile: None }
    }
}

/// Why a pending device is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcceptRefused {
    /// The store forbids it.
    #[error(transparent)]
    NotAccepted(#[from] NotAccepted),
    /// A value is not acceptable: which, and what is wrong with it. Never a password.
    #[error("{0}")]
    Invalid(String),
}

/// The first pending devices of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingPage {
    /// Their ids, in order.
    pub ids: Vec<DeviceId>,
    /// Whether there are more.
    pub more: bool,
}

/// What an accepted device comes with that is made here: its record, and the password if that was
/// made.
type Made = (AcceptedPending, Option<Secret<String>>);

impl Handle {
    /// The first pending devices of a project by id, those alone whose ids begin with `prefix` if
    /// it is given: at most [`limits::PENDING_PER_CALL_MAX`].
    ///
    /// Errors: no such project, or the store failed.
    pub async fn first_pending(
        &self,
        principal: &Principal,
        project: &ProjectId,
        prefix: Option<&IdPrefix>,
    ) -> Result<PendingPage, Error> {
        self.project_key(principal, project).await?;
        let mut page = PendingPage { ids: Vec::new(), more: false };
        let mut after = String::new();
        loop {
            let reads = &self.shared.store;
            let found = reads.pending(principal, project, &after, limits::SCAN_PAGE).await?;
            let Some(last) = found.last() else { return Ok(page) };
            last.id.as_str().clone_into(&mut after);
            let fits = |id: &DeviceId| {
                prefix.is_none_or(|prefix| id.as_str().starts_with(prefix.as_str()))
            };
            for device in found.into_iter().filter(|device| fits(&device.id)) {
                if page.ids.len() == limits::PENDING_PER_CALL_MAX {
                    page.more = true;
                    return Ok(page);
                }
                page.ids.push(device.id);
            }
        }
    }

    /// Makes pending devices devices of the project, each accepted or refused alone; what is
    /// accepted is durable when this returns. Gives for each, in order, the password that was made
    /// for it, which is not shown again. What they came with works besides for as long as the
    /// project lets passwords that are replaced.
    ///
    /// Errors: more than [`limits::PENDING_PER_CALL_MAX`], no such project, or the store failed.
    pub async fn accept_pending(
        &self,
        principal: &Principal,
        project: &ProjectId,
        asked: Vec<PendingAsked>,
    ) -> Result<Vec<Result<Option<Secret<String>>, AcceptRefused>>, Error> {
        check_count(asked.len())?;
        let found = self.shared.store.project(principal, project).await?;
        let found = found.ok_or_else(|| Error::NoSuchProject(project.clone()))?;
        let came_with = self.shared.store.enrolment(principal, project).await?;
        let came_with = came_with.and_then(|stored| open::password(&self.shared, project, &stored));
        let at = self.now();
        let mut made = Vec::with_capacity(asked.len());
        for asked in asked {
            made.push(self.make_accepted(&found, asked, came_with.as_ref(), at)?);
        }
        let mut devices = Vec::with_capacity(made.len());
        let mut results = Vec::with_capacity(made.len());
        for made in made {
            results.push(made.map(|(accepted, password)| {
                devices.push(accepted);
                password
            }));
        }
        let accept = AcceptPending { project: project.clone(), devices, at };
        let mut written = self.write_accepted(principal, found.key, accept).await?.into_iter();
        Ok(results
            .into_iter()
            .map(|result| {
                let password = result?;
                // One result for each that was written.
                written.next().unwrap_or(Err(NotAccepted::NotPending))?;
                Ok(password)
            })
            .collect())
    }

    /// What is put on record of one that is to be accepted; why not, if a value is not acceptable.
    ///
    /// Errors: a password can't be sealed, which does not happen to one within its bounds.
    fn make_accepted(
        &self,
        project: &Project,
        asked: PendingAsked,
        came_with: Option<&Secret<String>>,
        at: Timestamp,
    ) -> Result<Result<Made, AcceptRefused>, Error> {
        let PendingAsked { id, name, password, profile } = asked;
        let made = password.is_none();
        let password = password.unwrap_or_else(|| self.new_registration_password());
        let record = NewDevice {
            project: project.id.clone(),
            kind: Kind::Camera,
            name: name.unwrap_or_else(|| id.to_string()),
            id: id.clone(),
            server: String::new(),
            address: String::new(),
            container: String::new(),
            profile: profile.unwrap_or_default(),
            camera: Some(NewCamera { password: Some(password.clone()), ..NewCamera::default() }),
        };
        if let Err(error) = check_record(&self.catalogue(), "", &record) {
            return Ok(Err(AcceptRefused::Invalid(error.to_string())));
        }
        if came_with.is_some_and(|shared| shared.expose() == password.expose()) {
            let detail = "password: it is the enrolment password, which others know".to_owned();
            return Ok(Err(AcceptRefused::Invalid(detail)));
        }
        let overlap = Duration::from_secs(project.settings.password_overlap_seconds.into());
        let overlap = match came_with.filter(|_| !overlap.is_zero()) {
            Some(shared) => Some(EnrolledWith {
                sealed: self.sealed_password(&project.id, &id, shared)?.sealed,
                until: at.plus(overlap),
            }),
            None => None,
        };
        let sealed = self.sealed_password(&project.id, &id, &password)?;
        let new = ImportedDevice { record, marker: self.random_hex(), password: Some(sealed) };
        Ok(Ok((AcceptedPending { new, overlap }, made.then_some(password))))
    }

    /// Writes those that passed the checks: one result for each, in their order.
    async fn write_accepted(
        &self,
        principal: &Principal,
        project: ProjectKey,
        accept: AcceptPending,
    ) -> Result<Vec<Result<(), NotAccepted>>, Error> {
        let (handle, principal) = (self.clone(), principal.clone());
        to_the_end(async move {
            let shared = &handle.shared;
            let ids: Vec<DeviceId> =
                accept.devices.iter().map(|device| device.new.record.id.clone()).collect();
            let written = shared.store.write(&principal, Write::AcceptPending(accept)).await;
            // Whether they were accepted or not: it was known that nobody has these ids.
            forget(shared, project, &ids);
            match written?? {
                Written::PendingAccepted(results) => {
                    Ok(results.into_iter().map(|result| result.map(drop)).collect())
                }
                other => {
                    tracing::error!(?other, "the store answered about pending cameras otherwise");
                    Err(Error::Closed)
                }
            }
        })
        .await
    }

    /// Rejects pending devices: they are kept off the list for [`limits::REJECTED_FOR`]. Gives how
    /// many there were; those that are not pending are passed over.
    ///
    /// Errors: more than [`limits::PENDING_PER_CALL_MAX`], [`store::Refused::NoSuchProject`], or
    /// the store failed.
    pub async fn reject_pending(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Vec<DeviceId>,
    ) -> Result<usize, Error> {
        check_count(ids.len())?;
        let reject = RejectPending { project: project.clone(), ids, at: self.now() };
        match self.shared.store.write(principal, Write::RejectPending(reject)).await?? {
            Written::PendingRejected(rejected) => Ok(rejected),
            other => {
                tracing::error!(?other, "the store answered about pending cameras otherwise");
                Err(Error::Closed)
            }
        }
    }

    /// A password for a camera that nobody can foresee:
    /// [`limits::GENERATED_PASSWORD_DIGITS`] digits, each as likely as the others, but that the
    /// first is no 0: a spreadsheet takes that for a number's and leaves it out.
    fn new_registration_password(&self) -> Secret<String> {
        let mut password = String::with_capacity(limits::GENERATED_PASSWORD_DIGITS);
        while password.len() < limits::GENERATED_PASSWORD_DIGITS {
            let mut bytes = [0_u8; 16];
            self.shared.entropy.fill(&mut bytes);
            add_digits(&mut password, &bytes);
        }
        Secret::new(password)
    }
}

/// Adds what random bytes give to a password that is made, as far as there is room.
fn add_digits(password: &mut String, bytes: &[u8]) {
    // 250 is the highest multiple of ten that a byte holds.
    for byte in bytes.iter().filter(|byte| **byte < 250) {
        let digit = char::from(b'0' + byte % 10);
        let is_first = password.is_empty();
        if password.len() < limits::GENERATED_PASSWORD_DIGITS && !(is_first && digit == '0') {
            password.push(digit);
        }
    }
}

/// What was known of these ids is true no more.
fn forget(shared: &Shared, project: ProjectKey, ids: &[DeviceId]) {
    shared.registrants.forget(ids.iter());
    shared.targets.forget(ids.iter().map(|id| (project, id.clone())));
}

/// Refuses more devices than one call may name.
fn check_count(count: usize) -> Result<(), Error> {
    let most = limits::PENDING_PER_CALL_MAX;
    if count > most {
        return Err(invalid("devices", format!("{count} in one call; at most {most}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_password_has_digits_alone_and_begins_with_no_zero() {
        let mut password = String::new();
        add_digits(&mut password, &[250, 255]);
        assert_eq!(password, "");
        add_digits(&mut password, &[0, 240, 17, 249, 10]);
        assert_eq!(password, "790");
        add_digits(&mut password, &[1; 16]);
        assert_eq!(password, "790111111111");
        assert_eq!(password.len(), limits::GENERATED_PASSWORD_DIGITS);
    }
}
