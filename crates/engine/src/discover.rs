//! Finding phones: looks at addresses and says who answers there, so that an operator can record
//! what is new and follow what has moved. A phone is known by its marker; by its address only where
//! it bears none yet.

mod compare;
mod names;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use fleet::{
    BootIdentity, Device, DeviceId, DeviceKey, Facts, Kind, NewDevice, Principal, ProjectId,
    ProjectKey, limits,
};
use sha2::{Digest, Sha256};
use store::{DeviceFilter, DeviceWithState, Page};
use tokio::task::JoinSet;

use crate::access::{check_address, check_optional, check_profile};
use crate::command::Error;
use crate::driver::{Away, Driver, Examination};
use crate::handle::Handle;
use compare::{Decided, OnRecord};
use names::Names;

/// Addresses to look at for phones of one make.
#[derive(Debug, Clone)]
pub struct Discovery {
    /// The project that they belong to, or will.
    pub project: ProjectId,
    /// The profile by which they are spoken to.
    pub profile: String,
    /// The host that they live on, where a candidate says no other; empty if none is given.
    pub server: String,
    /// Where to look: at most [`limits::DISCOVERED_PER_CALL_MAX`]. An address that stands here
    /// twice is looked at once.
    pub candidates: Vec<Candidate>,
    /// Whether what is new is recorded and what has moved is followed; else nothing changes.
    pub apply: bool,
}

/// An address to look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidate {
    /// Where a phone may answer: `host:port`.
    pub address: String,
    /// What its server calls it; empty if that is not known.
    pub container: String,
    /// The name to record it by, if it is new; empty for that of its container, or else its model,
    /// with its address behind it where that is taken, or else its address.
    pub name: String,
    /// The host that it lives on; empty for that of the discovery.
    pub server: String,
}

/// What was found at one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The address.
    pub address: String,
    /// Who answers there.
    pub outcome: FoundAs,
    /// The model that it says it is.
    pub model: Option<String>,
}

/// Who answers at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundAs {
    /// A phone without a marker, at an address that is not on record.
    New {
        /// The id that it is recorded by, or would be.
        id: DeviceId,
    },
    /// A device of the project: it bears the marker of its record, or none yet and its address is
    /// on record, or it was never adopted and is in the boot that its record says. It may answer at
    /// the address on record as well. Or a phone that is new at another of the addresses.
    Known {
        /// The device.
        id: DeviceId,
        /// The container's name that its record gets, having none so far.
        container: Option<String>,
    },
    /// A device of the project that is on record at another address and answers here alone.
    Moved {
        /// The device.
        id: DeviceId,
        /// The address on record until now.
        from: String,
    },
    /// Several phones bear the same marker: all but one are copies. Nothing is changed.
    Copy {
        /// Where they answer, in order.
        of: Vec<String>,
    },
    /// A phone that bears a marker which none of the project's devices was given: it belongs to
    /// another project or another server. Nothing is changed.
    Foreign {
        /// Its marker.
        marker: String,
    },
    /// Nobody answers, or nobody who makes sense.
    Unreachable {
        /// Why, in words.
        why: String,
    },
    /// It answers and does not let us in.
    Unauthorised {
        /// Why, in words.
        why: String,
    },
}

impl Handle {
    /// Looks at all candidates, [`limits::DISCOVERY_AT_A_TIME`] at a time, and says of each
    /// address, in the order given, who answers there. If asked to, records what is new, what has
    /// moved and what a container is called, all or nothing. Doing it again, even at the same time,
    /// records no phone a second time: what is new gets its id from its address, and unmarked
    /// phones in one boot are one phone.
    ///
    /// Errors: too many candidates, or one that is malformed; no such profile or project; or the
    /// store failed.
    pub async fn discover(
        &self,
        principal: &Principal,
        discovery: Discovery,
    ) -> Result<Vec<Found>, Error> {
        let project = self.project_key(principal, &discovery.project).await?;
        let candidates = self.check_discovery(&discovery)?;
        let strangers =
            candidates.iter().map(|candidate| self.stranger(project, &discovery, candidate));
        let strangers = strangers.collect::<Result<Vec<Device>, Error>>()?;
        let mut answers = self.examine_all(strangers).await;
        let mut record = self.on_record(principal, &discovery.project, &mut answers).await?;

        let mut decided: Vec<Decided> = candidates
            .iter()
            .map(|candidate| compare::decide(&candidate.address, &answers, &record))
            .collect();
        let news = candidates.iter().zip(&decided).filter(|(_, decided)| **decided == Decided::New);
        let news: Vec<&Candidate> = news.map(|(candidate, _)| candidate).collect();
        let names =
            self.read_through(principal, &discovery.project, &news, &answers, &mut record).await?;
        compare::join(&candidates, &mut decided, &answers, &record);
        let ids = self.new_ids(principal, &discovery.project, &candidates, &mut decided).await?;

        let models = models(&answers);
        let mut told = Telling { discovery: &discovery, record: &record, ids, names, models };
        let (found, imports) = told.tell(candidates, decided);
        if discovery.apply && !imports.is_empty() {
            self.import(principal, imports).await?;
        }
        Ok(found)
    }

    /// Checks what was given. Gives the candidates, each address once.
    fn check_discovery(&self, discovery: &Discovery) -> Result<Vec<Candidate>, Error> {
        let count = discovery.candidates.len();
        if count > limits::DISCOVERED_PER_CALL_MAX {
            let max = limits::DISCOVERED_PER_CALL_MAX;
            return Err(Error::Invalid {
                what: "candidates".to_owned(),
                detail: format!("{count} in one discovery; at most {max}"),
            });
        }
        let catalogue = self.shared.catalogue.get();
        check_profile("profile", &catalogue, Kind::Phone, &discovery.profile)?;
        check_optional("server", &discovery.server)?;
        let mut seen = BTreeSet::new();
        let mut candidates = Vec::with_capacity(count);
        for (index, candidate) in discovery.candidates.iter().enumerate() {
            let at = |field: &str| format!("candidate {}, {field}", index + 1);
            check_address(&at("address"), &candidate.address)?;
            check_optional(&at("container"), &candidate.container)?;
            check_optional(&at("name"), &candidate.name)?;
            check_optional(&at("server"), &candidate.server)?;
            if seen.insert(candidate.address.as_str()) {
                candidates.push(candidate.clone());
            }
        }
        Ok(candidates)
    }

    /// A record for whoever answers at a candidate's address. It is never stored.
    fn stranger(
        &self,
        project: ProjectKey,
        discovery: &Discovery,
        candidate: &Candidate,
    ) -> Result<Device, Error> {
        let now = self.shared.clock.now();
        Ok(Device {
            key: DeviceKey(0),
            project,
            project_id: discovery.project.clone(),
            kind: Kind::Phone,
            id: id_for(&discovery.project, &candidate.address, 0)?,
            name: candidate.name.clone(),
            server: or(&candidate.server, &discovery.server),
            address: candidate.address.clone(),
            container: candidate.container.clone(),
            profile: discovery.profile.clone(),
            marker: String::new(),
            created_at: now,
            updated_at: now,
        })
    }

    /// Looks at who answers at these devices' addresses. Gives what was seen, by address.
    async fn examine_all(&self, devices: Vec<Device>) -> BTreeMap<String, Examination> {
        let mut waiting = devices.into_iter();
        let mut running = JoinSet::new();
        let mut answers = BTreeMap::new();
        loop {
            while running.len() < limits::DISCOVERY_AT_A_TIME {
                let Some(device) = waiting.next() else { break };
                let handle = self.clone();
                running.spawn(async move {
                    let answer = handle.examine(&device).await;
                    (device.address, answer)
                });
            }
            match running.join_next().await {
                Some(Ok((address, answer))) => {
                    answers.insert(address, answer);
                }
                // The product aborts on a panic, so the runtime itself is ending.
                Some(Err(error)) => tracing::error!(%error, "a look at a device did not end"),
                None => return answers,
            }
        }
    }

    /// Looks at who answers at a device's address, for as long as an action may take.
    pub(crate) async fn examine(&self, device: &Device) -> Examination {
        let away = |why: String| Examination {
            away: Some(Away::Unreachable(why)),
            ..Examination::default()
        };
        let Some(driver): Option<Arc<dyn Driver>> = self.shared.driver(device.kind).cloned() else {
            return away(format!("this server does not speak to a {}", device.kind.name()));
        };
        let patience = self.shared.action_timeout;
        match tokio::time::timeout(patience, driver.examine(device)).await {
            Ok(examination) => examination,
            Err(_) => away(format!("no answer within {} s", patience.as_secs_f32())),
        }
    }

    /// Reads what the store has of those who answered. Where a marked device's address on record
    /// was not a candidate, looks there too.
    async fn on_record(
        &self,
        principal: &Principal,
        project: &ProjectId,
        answers: &mut BTreeMap<String, Examination>,
    ) -> Result<OnRecord, Error> {
        let store = &self.shared.store;
        let addresses = answers.keys().cloned().collect();
        let at = store.devices_at(principal, project, addresses).await?;
        let by_address = at.into_iter().map(|device| (device.address.clone(), device)).collect();
        let markers: BTreeSet<&str> = answers
            .values()
            .filter_map(|answer| answer.marker.as_deref())
            .filter(|marker| !marker.is_empty())
            .collect();
        let mut by_marker = BTreeMap::new();
        for marker in markers {
            let device = store.device_by_marker(marker).await?;
            // Of another project's devices nothing is told.
            if let Some(device) = device.filter(|device| device.project_id == *project) {
                by_marker.insert(marker.to_owned(), device);
            }
        }
        let elsewhere: BTreeMap<&str, &Device> = by_marker
            .values()
            .filter(|device| !answers.contains_key(&device.address))
            .map(|device| (device.address.as_str(), device))
            .collect();
        let more = self.examine_all(elsewhere.into_values().cloned().collect()).await;
        answers.extend(more);
        Ok(OnRecord { by_marker, by_address, in_boot: Vec::new() })
    }

    /// Reads through the project's devices where there are new phones: puts those on `record` that
    /// were never adopted and were last seen in a new one's boot. Gives the names that new ones
    /// would get and that are taken.
    async fn read_through(
        &self,
        principal: &Principal,
        project: &ProjectId,
        news: &[&Candidate],
        answers: &BTreeMap<String, Examination>,
        record: &mut OnRecord,
    ) -> Result<Names, Error> {
        let models = models(answers);
        let model = |address: &String| models.get(address).map(String::as_str);
        let wanted: BTreeSet<&str> = news
            .iter()
            .map(|candidate| names::own_name(candidate, model(&candidate.address)))
            .collect();
        let boots: HashSet<&BootIdentity> = news
            .iter()
            .filter_map(|candidate| compare::unmarked_boot(answers.get(&candidate.address)?))
            .collect();
        let given = news.iter().map(|candidate| candidate.name.clone());
        let mut taken = Names(given.filter(|name| !name.is_empty()).collect());
        let filter = DeviceFilter { project: Some(project.clone()), ..DeviceFilter::default() };
        let mut after = (!news.is_empty()).then_some(DeviceKey(0));
        while let Some(start) = after {
            let page = Page { after: start, limit: limits::SCAN_PAGE };
            let page = self.shared.store.devices(principal, &filter, page).await?;
            after = page.last().map(|last| last.device.key);
            for DeviceWithState { device, state, .. } in page {
                if wanted.contains(device.name.as_str()) {
                    taken.0.insert(device.name.clone());
                }
                if let Some(boot) = state.boot.filter(|boot| boots.contains(boot))
                    && !state.adopted
                {
                    record.in_boot.push((boot, device));
                }
            }
        }
        Ok(taken)
    }

    /// Gives each new phone an id, by its address. What has come on record since it was looked for
    /// becomes known.
    async fn new_ids(
        &self,
        principal: &Principal,
        project: &ProjectId,
        candidates: &[Candidate],
        decided: &mut [Decided],
    ) -> Result<BTreeMap<String, DeviceId>, Error> {
        let store = &self.shared.store;
        let mut ids = BTreeMap::new();
        // Each further attempt is for an id whose device has moved away since it was given.
        for attempt in 0.. {
            let pending: Vec<(&str, &mut Decided)> = candidates
                .iter()
                .map(|candidate| candidate.address.as_str())
                .zip(decided.iter_mut())
                .filter(|(address, decided)| {
                    matches!(decided, Decided::New) && !ids.contains_key(*address)
                })
                .collect();
            if pending.is_empty() {
                break;
            }
            let addresses = pending.iter().map(|(address, _)| (*address).to_owned()).collect();
            let at = store.devices_at(principal, project, addresses).await?;
            let at: BTreeMap<&str, &Device> =
                at.iter().map(|device| (device.address.as_str(), device)).collect();
            let mut asked = Vec::new();
            for (address, decided) in pending {
                match at.get(address) {
                    Some(device) => *decided = compare::known(device),
                    None => asked.push((address, id_for(project, address, attempt)?)),
                }
            }
            let wanted = asked.iter().map(|(_, id)| id.clone()).collect();
            let taken = store.accept_targets(principal, project, wanted).await?;
            for ((address, id), taken) in asked.into_iter().zip(taken) {
                if taken.is_none() {
                    ids.insert(address.to_owned(), id);
                }
            }
        }
        Ok(ids)
    }
}

/// The models that those who answered say they are, by address.
fn models(answers: &BTreeMap<String, Examination>) -> BTreeMap<String, String> {
    let models = answers.iter().filter_map(|(address, answer)| {
        answer.facts.get(Facts::MODEL).map(|model| (address.clone(), model.to_owned()))
    });
    models.collect()
}

/// What it takes to tell what was found and what is to be recorded of it.
struct Telling<'a> {
    discovery: &'a Discovery,
    record: &'a OnRecord,
    /// The ids of new phones, by address.
    ids: BTreeMap<String, DeviceId>,
    /// The names that are taken.
    names: Names,
    /// The models, by address.
    models: BTreeMap<String, String>,
}

impl Telling<'_> {
    /// What was found at each address, and the records that follow from it.
    fn tell(
        &mut self,
        candidates: Vec<Candidate>,
        decided: Vec<Decided>,
    ) -> (Vec<Found>, Vec<NewDevice>) {
        let mut found = Vec::with_capacity(candidates.len());
        let mut imports = Vec::new();
        // The devices that were found, by address, and those whose containers got a name.
        let mut met: BTreeMap<String, DeviceId> = BTreeMap::new();
        let mut named: BTreeSet<DeviceId> = BTreeSet::new();
        for (candidate, decided) in candidates.into_iter().zip(decided) {
            let address = candidate.address.clone();
            let mut outcome = match decided {
                Decided::As(outcome) => outcome,
                Decided::New => match self.ids.get(&address) {
                    Some(id) => FoundAs::New { id: id.clone() },
                    None => continue,
                },
                Decided::Same(first) => match met.get(&first) {
                    Some(id) => FoundAs::Known { id: id.clone(), container: None },
                    None => continue,
                },
            };
            match &mut outcome {
                FoundAs::New { id } => {
                    met.insert(address.clone(), id.clone());
                    imports.push(self.new_record(candidate, id.clone()));
                }
                FoundAs::Moved { id, .. } => {
                    let device = self.record.device(id);
                    imports.extend(device.map(|device| moved(self.discovery, candidate, device)));
                }
                FoundAs::Known { id, container } => {
                    met.insert(address.clone(), id.clone());
                    let device = self.record.device(id).filter(|device| {
                        device.container.is_empty() && !candidate.container.is_empty()
                    });
                    if let Some(device) = device
                        && named.insert(id.clone())
                    {
                        *container = Some(candidate.container.clone());
                        imports.push(contained(&candidate, device));
                    }
                }
                _ => {}
            }
            let model = self.models.get(&address).cloned();
            found.push(Found { address, outcome, model });
        }
        (found, imports)
    }

    /// What is put on record of a new phone.
    fn new_record(&mut self, candidate: Candidate, id: DeviceId) -> NewDevice {
        let model = self.models.get(&candidate.address).map(String::as_str);
        NewDevice {
            project: self.discovery.project.clone(),
            kind: Kind::Phone,
            id,
            name: self.names.give(&candidate, model),
            server: or(&candidate.server, &self.discovery.server),
            address: candidate.address,
            container: candidate.container,
            profile: self.discovery.profile.clone(),
            camera: None,
        }
    }
}

/// What is put on record of a device whose container had no name yet: that, and nothing else.
fn contained(candidate: &Candidate, device: &Device) -> NewDevice {
    NewDevice {
        project: device.project_id.clone(),
        kind: device.kind,
        id: device.id.clone(),
        name: device.name.clone(),
        server: device.server.clone(),
        address: device.address.clone(),
        container: candidate.container.clone(),
        profile: device.profile.clone(),
        camera: None,
    }
}

/// What is put on record of a device that has moved: its new place, and nothing else.
fn moved(discovery: &Discovery, candidate: Candidate, device: &Device) -> NewDevice {
    let server = or(&candidate.server, &discovery.server);
    NewDevice {
        project: discovery.project.clone(),
        kind: device.kind,
        id: device.id.clone(),
        name: device.name.clone(),
        server: or(&server, &device.server),
        address: candidate.address,
        container: or(&candidate.container, &device.container),
        profile: device.profile.clone(),
        camera: None,
    }
}

/// The id of a phone that is found at `address`: the same one whoever finds it, so that two who
/// find it at once record it once. `attempt` counts the ids that went on with phones that moved.
fn id_for(project: &ProjectId, address: &str, attempt: u32) -> Result<DeviceId, Error> {
    let mut hash = Sha256::new();
    for part in ["phone found at", project.as_str(), address, &attempt.to_string()] {
        hash.update(part);
        hash.update([0]);
    }
    let digest: [u8; 32] = hash.finalize().into();
    let half = digest.first_chunk::<16>().copied().unwrap_or_default();
    DeviceId::new(hex::encode(half)).map_err(|error| Error::Invalid {
        what: format!("an id for the phone at {address}"),
        detail: error.to_string(),
    })
}

/// `given`, or else `other`.
fn or(given: &str, other: &str) -> String {
    if given.is_empty() { other } else { given }.to_owned()
}

#[cfg(test)]
mod tests;
