//! Devices, brought in by an operator. What an import meets is read for all of them at once, then
//! it is decided in their order whether any is refused, and then they are written, each table at
//! once: the number of statements does not hang on the number of devices, but for what GB devices
//! that are there register with and have on record, whose statements are sent without waiting.

mod again;
mod filing;
pub(super) mod new;

use std::collections::{BTreeMap, HashMap, HashSet};

use fleet::limits::CHANNELS_PER_DEVICE_MAX;
use fleet::{DeviceKey, Kind, Principal, ProjectId, ProjectKey};
use tokio_postgres::Row;

use self::again::Existing;
use self::filing::Filing;
use self::new::New;
use super::channels;
use super::device::lock;
use super::servers::name_servers;

use crate::columns::{column, parsed};
use crate::postgres::connection::Connection;
use crate::write::{ImportDevices, ImportedDevice};
use crate::{Error, Refused, Written};

/// Records the devices, all or none: the caller undoes what was written before a refusal.
pub(super) async fn import_devices(
    c: &Connection,
    principal: &Principal,
    import: &ImportDevices,
) -> Result<Result<Written, Refused>, Error> {
    let projects = visible_projects(c, principal, &import.devices).await?;
    let mut keys = Vec::with_capacity(import.devices.len());
    let mut new = 0;
    for round in rounds(&import.devices) {
        let present = Present::read(c, &projects, &round).await?;
        let mut filings = filing::read(c, &projects, &round).await?;
        let plan = match decide(&projects, &present, &mut filings, import.only_new, &round) {
            Ok(plan) => plan,
            Err(refused) => return Ok(Err(refused)),
        };
        new += plan.new.len();
        keys.extend(write(c, import, &filings, &plan).await?);
    }
    Ok(Ok(Written::Imported { keys, new }))
}

/// The devices in their order, in as few parts as can be in which none is given twice, nor the id
/// of a GB device, which is one on the whole cluster.
fn rounds(devices: &[ImportedDevice]) -> Vec<Vec<&ImportedDevice>> {
    let mut rounds = Vec::new();
    let mut round = Vec::new();
    let mut given: HashSet<(Option<&ProjectId>, &str)> = HashSet::new();
    for imported in devices {
        let device = &imported.record;
        let id = device.id.as_str();
        let own = (Some(&device.project), id);
        let shared = (None, id);
        let is_camera = device.kind == Kind::Camera;
        if given.contains(&own) || (is_camera && given.contains(&shared)) {
            rounds.push(std::mem::take(&mut round));
            given.clear();
        }
        given.insert(own);
        if is_camera {
            given.insert(shared);
        }
        round.push(imported);
    }
    rounds.push(round);
    rounds
}

/// The keys of the projects of these devices, by id: those that the principal may see.
async fn visible_projects(
    c: &Connection,
    principal: &Principal,
    devices: &[ImportedDevice],
) -> Result<HashMap<ProjectId, ProjectKey>, Error> {
    let asked: HashSet<&str> =
        devices.iter().map(|imported| imported.record.project.as_str()).collect();
    let asked: Vec<&str> = asked.into_iter().collect();
    let sql = "SELECT id, key FROM project WHERE id = ANY($1)";
    let read = |row: &Row| Ok((parsed(row, 0)?, ProjectKey(column(row, 1)?)));
    let found = c.all("find the projects of an import", sql, &[&asked], read).await?;
    Ok(found.into_iter().filter(|(_, key)| principal.may_see(*key)).collect())
}

/// What there is already of the devices of an import. Those of the import's projects are locked.
struct Present {
    /// The devices of these ids, of whatever project, by project and id.
    devices: HashMap<(ProjectKey, String), Found>,
    /// Those of the ids that GB devices have, of whatever project.
    cameras: HashSet<String>,
    /// How many channels each of those GB devices has that the import names channels of, without
    /// those that it names.
    channels: HashMap<DeviceKey, u64>,
}

/// A device that there is already.
struct Found {
    key: DeviceKey,
    kind: Kind,
    address: String,
}

impl Present {
    /// Reads it.
    async fn read(
        c: &Connection,
        projects: &HashMap<ProjectId, ProjectKey>,
        round: &[&ImportedDevice],
    ) -> Result<Self, Error> {
        let ids: HashSet<&str> = round.iter().map(|imported| imported.record.id.as_str()).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let sql = "SELECT d.project, d.id, d.key, d.kind, d.address
             FROM unnest($1::text[]) AS asked (id) JOIN device AS d ON d.id = asked.id";
        let read = |row: &Row| {
            let (key, kind) = (DeviceKey(column(row, 2)?), parsed(row, 3)?);
            let found = Found { key, kind, address: column(row, 4)? };
            Ok(((ProjectKey(column(row, 0)?), column::<String>(row, 1)?), found))
        };
        let found = c.all("find the devices of an import", sql, &[&ids], read).await?;
        let cameras = found.iter().filter(|(_, found)| found.kind == Kind::Camera);
        let cameras = cameras.map(|((_, id), _)| id.clone()).collect();
        let mut present =
            Self { devices: found.into_iter().collect(), cameras, channels: HashMap::new() };
        let found: Vec<(DeviceKey, &ImportedDevice)> = round
            .iter()
            .filter_map(|imported| {
                let project = projects.get(&imported.record.project)?;
                Some((present.get(*project, imported)?.key, *imported))
            })
            .collect();
        let keys: Vec<DeviceKey> = found.iter().map(|(key, _)| *key).collect();
        lock(c, &keys).await?;
        let named: HashSet<(DeviceKey, &str)> = found
            .iter()
            .flat_map(|(key, imported)| named(imported).map(|(id, _)| (*key, id)))
            .collect();
        if !named.is_empty() {
            present.channels = channels::others(c, &named).await?;
        }
        Ok(present)
    }

    /// The device of the project that is there under this id.
    fn get(&self, project: ProjectKey, imported: &ImportedDevice) -> Option<&Found> {
        self.devices.get(&(project, imported.record.id.to_string()))
    }

    /// Why a device can't be recorded beside those that there are.
    fn refusal(&self, project: ProjectKey, imported: &ImportedDevice) -> Option<Refused> {
        let (id, asked) = (&imported.record.id, imported.record.kind);
        match self.get(project, imported) {
            Some(found) if found.kind != asked => {
                let (is, asked) = (found.kind.name(), asked.name());
                Some(Refused::KindDiffers { id: id.clone(), is, asked })
            }
            None if asked == Kind::Camera && self.cameras.contains(id.as_str()) => {
                Some(Refused::Exists { what: "a GB device", id: id.to_string() })
            }
            _ => None,
        }
    }

    /// Whether the device would have more channels than one may have.
    fn has_too_many_channels(&self, found: Option<&Found>, imported: &ImportedDevice) -> bool {
        let new: HashSet<&str> = named(imported).map(|(id, _)| id).collect();
        let others = found.and_then(|found| self.channels.get(&found.key)).copied().unwrap_or(0);
        let others = usize::try_from(others).unwrap_or(usize::MAX);
        !new.is_empty() && others.saturating_add(new.len()) > CHANNELS_PER_DEVICE_MAX
    }
}

/// The channels of a GB device that the import names: id and name.
fn named(imported: &ImportedDevice) -> impl Iterator<Item = (&str, &str)> {
    let camera = imported.record.camera.as_ref().filter(|_| imported.record.kind == Kind::Camera);
    let channels = camera.into_iter().flat_map(|camera| &camera.channels);
    channels.map(|channel| (channel.id.as_str(), channel.name.as_str()))
}

/// What is to be written of a round.
struct Plan<'a> {
    /// The devices that are new.
    new: Vec<New<'a>>,
    /// Those that are there.
    existing: Vec<Existing<'a>>,
    /// The key of each that is there, in the order given; `None` for one that is new.
    keys: Vec<Option<DeviceKey>>,
}

/// Goes through the devices in their order; the first refusal ends it.
fn decide<'a>(
    projects: &HashMap<ProjectId, ProjectKey>,
    present: &Present,
    filings: &mut HashMap<ProjectKey, Filing<'a>>,
    only_new: bool,
    round: &[&'a ImportedDevice],
) -> Result<Plan<'a>, Refused> {
    let mut plan = Plan { new: Vec::new(), existing: Vec::new(), keys: Vec::new() };
    for imported in round {
        let device = &imported.record;
        let Some(project) = projects.get(&device.project).copied() else {
            return Err(Refused::NoSuchProject(device.project.clone()));
        };
        let found = present.get(project, imported);
        if only_new && found.is_some() {
            return Err(Refused::Exists { what: "a device", id: device.id.to_string() });
        }
        if let Some(refused) = present.refusal(project, imported) {
            return Err(refused);
        }
        if device.kind == Kind::Camera {
            if let Some(filing) = filings.get_mut(&project) {
                filing.file(imported)?;
            }
            if present.has_too_many_channels(found, imported) {
                return Err(Refused::TooManyChannels(device.id.clone()));
            }
        }
        plan.keys.push(found.map(|found| found.key));
        match found {
            None => plan.new.push(New { project, imported }),
            Some(found) => plan.existing.push(Existing {
                key: found.key,
                project,
                imported,
                moved: device.kind == Kind::Phone && found.address != device.address,
            }),
        }
    }
    Ok(plan)
}

/// Writes it, and gives the key of each device, in the order given.
async fn write(
    c: &Connection,
    import: &ImportDevices,
    filings: &HashMap<ProjectKey, Filing<'_>>,
    plan: &Plan<'_>,
) -> Result<Vec<DeviceKey>, Error> {
    let new = plan.new.iter().map(|new| (new.project, new.imported));
    let existing = plan.existing.iter().map(|existing| (existing.project, existing.imported));
    let servers: HashSet<(ProjectKey, &str)> = new
        .chain(existing)
        .map(|(project, imported)| (project, imported.record.server.as_str()))
        .collect();
    name_servers(c, servers.into_iter(), import.at).await?;
    let organizations = filing::make(c, filings, import.at).await?;
    let made = new::insert(c, &plan.new, &organizations, import.at).await?;
    again::update(c, &plan.existing, import.at).await?;
    let new = plan.new.iter().zip(&made).map(|(new, key)| (*key, new.imported));
    let existing = plan.existing.iter().map(|existing| (existing.key, existing.imported));
    let names: BTreeMap<(DeviceKey, &str), &str> = new
        .chain(existing)
        .flat_map(|(key, imported)| named(imported).map(move |(id, name)| ((key, id), name)))
        .collect();
    channels::import(c, &names).await?;
    let mut made = made.into_iter();
    Ok(plan.keys.iter().filter_map(|key| key.or_else(|| made.next())).collect())
}
