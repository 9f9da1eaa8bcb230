//! Importing devices: what an operator puts on record of many at a time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use fleet::catalogue::GENERIC_PROFILE;
use fleet::{
    Catalogue, DeviceId, Kind, NewCamera, NewDevice, Principal, ProjectId, ProjectKey, Values,
    limits,
};
use store::write::{ImportDevices, ImportedDevice};
use store::{Refused, Write, Written};

use crate::accept::{check_organizations, records};
use crate::access::{check_address, check_optional, check_profile, check_text, invalid};
use crate::command::{CameraAsked, Error};
use crate::credentials;
use crate::handle::Handle;
use crate::lane::Wake;
use crate::shared::Shared;
use crate::sweep::{seed_of, wake_all};

#[cfg(test)]
mod tests;

/// Devices that are looked up at a time before an import: one read of the store.
const LOOKED_UP_AT_A_TIME: usize = 1_000;

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// Devices that are new.
    pub new: usize,
    /// Devices that existed and took the new record.
    pub updated: usize,
}

/// One device of an import in which each is judged by itself.
#[derive(Debug, Clone)]
pub struct ImportEntry {
    /// The device.
    pub device: NewDevice,
    /// What goes on record of a GB device besides, by property and unchecked: `Desc`,
    /// `Organization`. Of a phone nothing may.
    pub record: Values,
}

/// How an import goes about what can't be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportTerms {
    /// Whether the others go in all the same. Else nothing does.
    pub good_alone: bool,
    /// Whether it only says what it would do.
    pub dry_run: bool,
}

/// What became of an import in which each device was judged by itself.
#[derive(Debug)]
pub struct Judged {
    /// Devices that are new, or would be.
    pub new: usize,
    /// Devices that existed and took the new record, or would.
    pub updated: usize,
    /// Those that can't be taken, by their place among the entries.
    pub untaken: Vec<Untaken>,
}

/// A device that can't be taken.
#[derive(Debug)]
pub struct Untaken {
    /// Its place among the entries, from 0.
    pub index: usize,
    /// Why. Of a value that is not acceptable, [`Error::Invalid`] names the field alone.
    pub error: Error,
}

impl Handle {
    /// Records devices, all or none, and begins to look for those that are new or have moved.
    ///
    /// Errors: more than [`limits::DEVICES_PER_IMPORT_MAX`] devices, a value that is not
    /// acceptable (it names the device by its place, from 1), no such project, a refusal of the
    /// store's, or the store failed.
    pub async fn import(
        &self,
        principal: &Principal,
        devices: Vec<NewDevice>,
    ) -> Result<Imported, Error> {
        check_count(devices.len())?;
        let total = devices.len();
        let catalogue = self.shared.catalogue.get();
        let mut new_devices = Vec::with_capacity(total);
        for (index, record) in devices.into_iter().enumerate() {
            check_record(&catalogue, &format!("device {} ({}), ", index + 1, record.id), &record)?;
            new_devices.push(self.to_record(record)?);
        }
        let new = self.record(principal, new_devices, false).await?;
        Ok(Imported { new, updated: total - new })
    }

    /// Records devices as [`Handle::import`] does, and judges each by itself. No two may be one
    /// device. Where the good ones go in alone they may do so in several changes of the store, each
    /// of them whole.
    ///
    /// Errors: more than [`limits::DEVICES_PER_IMPORT_MAX`] devices, or the store failed; some may
    /// be in then.
    pub async fn import_each(
        &self,
        principal: &Principal,
        entries: Vec<ImportEntry>,
        terms: ImportTerms,
    ) -> Result<Judged, Error> {
        check_count(entries.len())?;
        let catalogue = self.shared.catalogue.get();
        let mut untaken = Vec::new();
        let mut passed = Vec::with_capacity(entries.len());
        for (index, entry) in entries.into_iter().enumerate() {
            match self.checked(&catalogue, entry) {
                Ok(device) => passed.push((index, device)),
                Err(error) => untaken.push(Untaken { index, error }),
            }
        }
        let known = self.beside_those_on_record(principal, &mut passed, &mut untaken).await?;
        if !terms.good_alone && !untaken.is_empty() {
            return Ok(Judged { new: 0, updated: 0, untaken });
        }
        if terms.dry_run {
            let new = passed.iter().filter(|(index, _)| !known.contains(index)).count();
            return Ok(Judged { new, updated: passed.len() - new, untaken });
        }
        let mut devices = Vec::with_capacity(passed.len());
        for (index, device) in passed {
            devices.push((index, self.to_record(device)?));
        }
        self.record_good(principal, devices, terms.good_alone, untaken).await
    }

    /// Checks one entry, and puts what goes on record besides into its device.
    fn checked(&self, catalogue: &Catalogue, entry: ImportEntry) -> Result<NewDevice, Error> {
        let ImportEntry { mut device, record } = entry;
        check_record(catalogue, "", &device)?;
        if record.is_empty() {
            return Ok(device);
        }
        for (name, value) in &record {
            catalogue
                .check(GENERIC_PROFILE, false, name, value)
                .map_err(|refusal| invalid(name, refusal))?;
        }
        if let Err(refusal) = check_organizations(&record, device.kind) {
            return Err(invalid(fleet::catalogue::ORGANIZATION, refusal));
        }
        let filed = records::split(record, &CameraAsked::default(), || self.new_organization_id());
        if let Some(camera) = &mut device.camera {
            camera.record = records::camera_patch(&filed, &Values::new(), None).record;
        }
        Ok(device)
    }

    /// Takes those out of `passed` that can't stand beside what is on record, and gives the places
    /// of those that are on record already. What others put there meanwhile, the store refuses.
    async fn beside_those_on_record(
        &self,
        principal: &Principal,
        passed: &mut Vec<(usize, NewDevice)>,
        untaken: &mut Vec<Untaken>,
    ) -> Result<HashSet<usize>, Error> {
        let mut by_project: HashMap<ProjectId, Vec<(usize, DeviceId, Kind)>> = HashMap::new();
        for (index, device) in passed.iter() {
            let of_project = by_project.entry(device.project.clone()).or_default();
            of_project.push((*index, device.id.clone(), device.kind));
        }
        let (mut known, mut refused) = (HashSet::new(), HashMap::new());
        for (project, devices) in by_project {
            match self.project_key(principal, &project).await {
                Ok(_) => {}
                Err(Error::NoSuchProject(_)) => {
                    let no_such = || Refused::NoSuchProject(project.clone());
                    refused.extend(devices.iter().map(|(index, _, _)| (*index, no_such())));
                    continue;
                }
                Err(error) => return Err(error),
            }
            for piece in devices.chunks(LOOKED_UP_AT_A_TIME) {
                self.look_up(principal, &project, piece, &mut known, &mut refused).await?;
            }
        }
        passed.retain(|(index, _)| !refused.contains_key(index));
        let named = |(index, refused)| Untaken { index, error: Error::Refused(refused) };
        untaken.extend(refused.into_iter().map(named));
        Ok(known)
    }

    /// Looks up devices of one project: `known` gets the places of those that are on record, and
    /// `refused` why those can't be taken that can't be.
    async fn look_up(
        &self,
        principal: &Principal,
        project: &ProjectId,
        devices: &[(usize, DeviceId, Kind)],
        known: &mut HashSet<usize>,
        refused: &mut HashMap<usize, Refused>,
    ) -> Result<(), Error> {
        let store = &self.shared.store;
        let ids = devices.iter().map(|(_, id, _)| id.clone()).collect();
        let found = store.accept_targets(principal, project, ids).await?;
        let mut new_cameras = Vec::new();
        for ((index, id, kind), target) in devices.iter().zip(found) {
            // An id that is a channel's is no device's.
            match target.filter(|target| target.channel.is_none()) {
                Some(target) if target.kind != *kind => {
                    let (is, asked) = (target.kind.name(), kind.name());
                    refused.insert(*index, Refused::KindDiffers { id: id.clone(), is, asked });
                }
                Some(_) => {
                    known.insert(*index);
                }
                None if *kind == Kind::Camera => new_cameras.push((*index, id.clone())),
                None => {}
            }
        }
        let ids = new_cameras.iter().map(|(_, id)| id.clone()).collect();
        let elsewhere = store.registrants(ids).await?;
        for ((index, id), found) in new_cameras.into_iter().zip(elsewhere) {
            if found.is_some_and(|found| found.project_id != *project) {
                let id = id.to_string();
                refused.insert(index, Refused::Exists { what: "a GB device", id });
            }
        }
        Ok(())
    }

    /// Records devices that were checked. Where the store refuses some all the same, the others go
    /// in alone if they may: what it refuses is halved until those stand alone that it does not
    /// take, or until that has taken [`limits::IMPORT_WRITES_MAX`] changes.
    async fn record_good(
        &self,
        principal: &Principal,
        devices: Vec<(usize, ImportedDevice)>,
        good_alone: bool,
        mut untaken: Vec<Untaken>,
    ) -> Result<Judged, Error> {
        let (mut new, mut updated, mut writes) = (0, 0, 0);
        let mut pieces = vec![devices];
        while let Some(mut piece) = pieces.pop() {
            if piece.is_empty() {
                continue;
            }
            writes += 1;
            let records = piece.iter().map(|(_, device)| device.clone()).collect();
            match self.record(principal, records, false).await {
                Ok(made) => {
                    new += made;
                    updated += piece.len() - made;
                }
                Err(Error::Refused(refused)) if !good_alone => {
                    untaken.push(named_by(&piece, refused)?);
                }
                Err(Error::Refused(_)) if piece.len() > 1 && writes < limits::IMPORT_WRITES_MAX => {
                    let second = piece.split_off(piece.len() / 2);
                    pieces.extend([second, piece]);
                }
                Err(Error::Refused(refused)) => {
                    let refuse = |(index, _)| Untaken { index, error: refused.clone().into() };
                    untaken.extend(piece.into_iter().map(refuse));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Judged { new, updated, untaken })
    }

    /// A device as it goes on record: with a marker, its password sealed.
    fn to_record(&self, record: NewDevice) -> Result<ImportedDevice, Error> {
        let password = record.camera.as_ref().and_then(|camera| camera.password.as_ref());
        let password =
            password.map(|password| self.sealed_password(&record.project, &record.id, password));
        let (password, marker) = (password.transpose()?, self.random_hex());
        Ok(ImportedDevice { record, marker, password })
    }

    /// Records devices, all or none, and begins to look for those that are new or have moved. Gives
    /// how many are new; with `only_new` all are, or it is refused.
    pub(crate) async fn record(
        &self,
        principal: &Principal,
        devices: Vec<ImportedDevice>,
        only_new: bool,
    ) -> Result<usize, Error> {
        let mut ids = Vec::with_capacity(devices.len());
        for ImportedDevice { record, .. } in &devices {
            ids.push((self.project_key(principal, &record.project).await?, record.id.clone()));
        }
        let at = self.shared.clock.now();
        let write = ImportDevices { devices, only_new, at };
        // On a task of its own: once the change is handed to the store, what was known of these
        // devices must be forgotten even if the caller goes away meanwhile.
        let recording = record(self.shared.clone(), principal.clone(), write, ids);
        tokio::spawn(recording).await.map_err(|_| Error::Closed)?
    }
}

/// Records devices and begins to look for them. `ids` are theirs. Gives how many are new.
async fn record(
    shared: Arc<Shared>,
    principal: Principal,
    import: ImportDevices,
    ids: Vec<(ProjectKey, DeviceId)>,
) -> Result<usize, Error> {
    // GB devices come to us: there is nobody to look for.
    let servers: Vec<Option<String>> = import
        .devices
        .iter()
        .map(|device| (device.record.kind == Kind::Phone).then(|| device.record.server.clone()))
        .collect();
    let written = shared.store.write(&principal, Write::ImportDevices(import)).await;
    shared.registrants.forget(ids.iter().map(|(_, id)| id));
    shared.targets.forget(ids.into_iter());
    let Written::Imported { keys, new } = written?? else { return Err(Error::Closed) };
    let seeds = keys
        .into_iter()
        .zip(servers)
        .filter_map(|(device, server)| {
            let server = server?;
            Some(seed_of(&shared, (device, Kind::Phone), server))
        })
        .collect();
    // A device that has moved may be reachable now, so its wait ends.
    wake_all(&shared, seeds, Wake::Now).await;
    Ok(new)
}

/// The device of a piece that a refusal of the whole names by its id. One that names none is
/// refused to the call.
fn named_by(piece: &[(usize, ImportedDevice)], refused: Refused) -> Result<Untaken, Error> {
    let named = match &refused {
        Refused::KindDiffers { id, .. } | Refused::TooManyChannels(id) => id.as_str(),
        Refused::Exists { id, .. } => id.as_str(),
        _ => return Err(refused.into()),
    };
    let found = piece.iter().find(|(_, device)| device.record.id.as_str() == named);
    match found {
        Some((index, _)) => Ok(Untaken { index: *index, error: refused.into() }),
        None => Err(refused.into()),
    }
}

/// How many devices one import has.
fn check_count(devices: usize) -> Result<(), Error> {
    let most = limits::DEVICES_PER_IMPORT_MAX;
    if devices > most {
        return Err(invalid("devices", format!("{devices} in one import; at most {most}")));
    }
    Ok(())
}

/// Checks what an operator puts on record of a device. Errors name the field behind `of`.
pub(crate) fn check_record(
    catalogue: &Catalogue,
    of: &str,
    record: &NewDevice,
) -> Result<(), Error> {
    let at = |field: &str| format!("{of}{field}");
    record.id.check_new().map_err(|error| invalid(&at("id"), error))?;
    check_text(&at("name"), &record.name, limits::NAME_BYTES_MAX)?;
    check_optional(&at("server"), &record.server)?;
    check_optional(&at("container"), &record.container)?;
    if record.kind == Kind::Phone || !record.profile.is_empty() {
        check_profile(&at("profile"), catalogue, record.kind, &record.profile)?;
    }
    match (record.kind, &record.camera) {
        (Kind::Phone, None) => check_address(&at("address"), &record.address),
        (Kind::Camera, Some(camera)) => check_camera(at, record, camera),
        (Kind::Phone, Some(_)) => Err(invalid(&at("kind"), "a phone has no user or password")),
        (Kind::Camera, None) => Err(invalid(&at("kind"), "what a GB device has is missing")),
    }
}

/// Checks what a GB device has besides.
fn check_camera(
    at: impl Fn(&str) -> String,
    record: &NewDevice,
    camera: &NewCamera,
) -> Result<(), Error> {
    check_gb_id(&at("id"), &record.id)?;
    for (field, text) in [("address", &record.address), ("container", &record.container)] {
        if !text.is_empty() {
            return Err(invalid(&at(field), "a GB device has none: it comes to us"));
        }
    }
    if let Some(user) = &camera.user {
        credentials::check_user(user).map_err(|detail| invalid(&at("user"), detail))?;
    }
    if let Some(password) = &camera.password {
        check_text(&at("password"), password.expose(), limits::REGISTRANT_BYTES_MAX)?;
    }
    if camera.channels.len() > limits::CHANNELS_PER_DEVICE_MAX {
        let channels_max = limits::CHANNELS_PER_DEVICE_MAX;
        return Err(invalid(&at("channels"), format!("more than {channels_max} channels")));
    }
    for channel in &camera.channels {
        check_gb_id(&at("channel id"), &channel.id)?;
        let what = at(&format!("channel {}, name", channel.id));
        check_text(&what, &channel.name, limits::NAME_BYTES_MAX)?;
    }
    Ok(())
}

/// Checks a channel that is told apart from its device. Errors name the field: `id` or `name`.
pub fn check_channel(channel: &fleet::NewChannel) -> Result<(), Error> {
    check_gb_id("id", &channel.id)?;
    check_text("name", &channel.name, limits::NAME_BYTES_MAX)
}

/// The id of a GB device or a channel: 20 digits (GB/T 28181-2016, annex D).
pub(crate) fn check_gb_id(what: &str, id: &DeviceId) -> Result<(), Error> {
    let id = id.as_str();
    if id.len() == 20 && id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(invalid(what, format!("{id:?} is not 20 digits")))
}
