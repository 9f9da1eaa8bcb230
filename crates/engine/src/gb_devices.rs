//! GB devices that callers make, with ids of ours, and devices that are deleted.

use std::time::Duration;

use fleet::catalogue::{GENERIC_PROFILE, NAME};
use fleet::{DeviceId, Kind, NewCamera, NewDevice, Principal, ProjectId, Refusal, Values, limits};
use store::write::{DeleteDevice, ImportedDevice};
use store::{Refused, Write, Written};

use crate::accept::{check_organizations, records};
use crate::access::{check_text, invalid};
use crate::command::{CameraAsked, Error, NewRegistrant};
use crate::copies;
use crate::credentials;
use crate::handle::Handle;
use crate::operate::to_the_end;

/// What follows the domain in the id of a device that we number: it is a network camera (GB/T
/// 28181-2016, annex D.1, type 132), on network 0.
const CAMERA: &str = "1320";

/// How often ids are drawn anew because others took them meanwhile.
const DRAWS_MAX: u32 = 16;

impl Handle {
    /// Makes GB devices, each with an id of 20 digits: the first ten of `domain` (centre and
    /// industry code), what makes it a camera, and the next number. Each is made or refused alone;
    /// what is made is durable when this returns.
    ///
    /// Errors: the domain is not ten digits, more than [`limits::CAMERAS_PER_CALL_MAX`] are asked
    /// for, the project is not the caller's, all ids of the domain are taken, or the store failed;
    /// then none is made.
    pub async fn create_cameras(
        &self,
        principal: &Principal,
        project: &ProjectId,
        domain: &str,
        asked: Vec<NewRegistrant>,
    ) -> Result<Vec<Result<DeviceId, Refusal>>, Error> {
        let prefix = prefix(domain)?;
        if asked.len() > limits::CAMERAS_PER_CALL_MAX {
            let most = limits::CAMERAS_PER_CALL_MAX;
            return Err(invalid("devices", format!("{} in one call; at most {most}", asked.len())));
        }
        self.project_key(principal, project).await?;
        let checked: Vec<Result<(), Refusal>> =
            asked.iter().map(|new| self.check_new(new)).collect();
        let wanted = checked.iter().filter(|result| result.is_ok()).count();
        let ids = self.make(principal, project, &prefix, &asked, &checked, wanted).await?;
        let mut ids = ids.into_iter();
        let made = |result: Result<(), Refusal>| {
            result.and_then(|()| ids.next().ok_or(Refusal::DeviceUnknown))
        };
        Ok(checked.into_iter().map(made).collect())
    }

    /// Makes those that passed, under ids that are free; gives the ids.
    async fn make(
        &self,
        principal: &Principal,
        project: &ProjectId,
        prefix: &str,
        asked: &[NewRegistrant],
        checked: &[Result<(), Refusal>],
        wanted: usize,
    ) -> Result<Vec<DeviceId>, Error> {
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let count = u32::try_from(wanted).unwrap_or(u32::MAX);
        // Those of this node draw one after the other: all would draw the same ids.
        let _alone = self.shared.numbering.lock().await;
        let mut draws = 0;
        loop {
            let ids = self.shared.store.free_camera_ids(prefix, count).await?;
            if ids.len() < wanted {
                return Err(invalid("domain", format!("hardly any id of {prefix} is free")));
            }
            let passed = asked.iter().zip(checked).filter(|(_, result)| result.is_ok());
            let devices = passed
                .zip(&ids)
                .map(|((new, _), id)| self.new_device(project, id, new))
                .collect::<Result<Vec<ImportedDevice>, Error>>()?;
            draws += 1;
            match self.record(principal, devices, true).await {
                // Another call has taken one of them since, on another node perhaps, which then
                // draws at this very moment as well.
                Err(Error::Refused(Refused::Exists { .. })) if draws < DRAWS_MAX => {
                    let mut byte = [0_u8; 1];
                    self.shared.entropy.fill(&mut byte);
                    tokio::time::sleep(Duration::from_millis(byte[0].into()) / 4).await;
                }
                Err(Error::Refused(Refused::Exists { .. })) => return Err(Error::Busy),
                recorded => return recorded.map(|_| ids),
            }
        }
    }

    /// Checks one device to make.
    fn check_new(&self, new: &NewRegistrant) -> Result<(), Refusal> {
        if !new.name.is_empty()
            && let Err(Error::Invalid { detail, .. }) =
                check_text(NAME, &new.name, limits::NAME_BYTES_MAX)
        {
            return Err(Refusal::PropertyInvalid { name: NAME.to_owned(), detail });
        }
        let catalogue = self.shared.catalogue.get();
        for (name, value) in &new.record {
            if fleet::catalogue::record_of(name).is_none_or(|record| record.channel.is_some()) {
                let detail = "it is no record of a device".to_owned();
                return Err(Refusal::PropertyUnsupported { name: name.clone(), detail });
            }
            catalogue.check(GENERIC_PROFILE, false, name, value)?;
        }
        check_organizations(&new.record, Kind::Camera)?;
        credentials::check(&new.credentials)
    }

    /// What is put on record of it.
    fn new_device(
        &self,
        project: &ProjectId,
        id: &DeviceId,
        new: &NewRegistrant,
    ) -> Result<ImportedDevice, Error> {
        let password = new.credentials.password.as_ref();
        let password = password.map(|password| self.sealed_password(project, id, password));
        let filed = records::split(new.record.clone(), &CameraAsked::default(), || {
            self.new_organization_id()
        });
        let record = NewDevice {
            project: project.clone(),
            kind: Kind::Camera,
            id: id.clone(),
            name: if new.name.is_empty() { id.to_string() } else { new.name.clone() },
            server: String::new(),
            address: String::new(),
            container: String::new(),
            profile: String::new(),
            camera: Some(NewCamera {
                user: new.credentials.user.clone(),
                password: None,
                channels: Vec::new(),
                record: records::camera_patch(&filed, &Values::new(), None).record,
            }),
        };
        Ok(ImportedDevice { record, marker: self.random_hex(), password: password.transpose()? })
    }

    /// Deletes a device and all that is on record of it. Its open jobs end; all its jobs stay.
    ///
    /// Errors: no such project, [`Refused::NoSuchDevice`], or the store failed.
    pub async fn delete_device(
        &self,
        principal: &Principal,
        project: &ProjectId,
        id: &DeviceId,
    ) -> Result<(), Error> {
        let project_key = self.project_key(principal, project).await?;
        let (handle, principal) = (self.clone(), principal.clone());
        let (project, id) = (project.clone(), id.clone());
        to_the_end(async move {
            let shared = &handle.shared;
            let delete = DeleteDevice { project, id: id.clone(), at: shared.clock.now() };
            let written = shared.store.write(&principal, Write::DeleteDevice(delete)).await;
            shared.registrants.forget(std::iter::once(&id));
            shared.targets.forget(std::iter::once((project_key, id.clone())));
            if let Written::Deleted(device) = written?? {
                for driver in shared.drivers.values() {
                    driver.forget(device);
                }
                tracing::info!(device = %id, "a device was deleted");
                if let Some(copied) = shared.copies.forget(device) {
                    // Nothing more is known against it. Should the store fail, the rescan finds it.
                    copies::wake(shared, copied).await?;
                }
            }
            Ok(())
        })
        .await
    }
}

/// What the ids of a domain's cameras begin with.
fn prefix(domain: &str) -> Result<String, Error> {
    let digits = domain.get(..10).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let digits = digits.ok_or_else(|| invalid("domain", "does not begin with ten digits"))?;
    Ok(format!("{digits}{CAMERA}"))
}
