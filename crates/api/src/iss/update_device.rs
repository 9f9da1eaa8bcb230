//! UpdateDevice (`PUT /device`): changes many devices, each its own way and each by itself.

use std::collections::HashSet;

use engine::{CameraAsked, Credentials, Patch, Update, UpdateEntry};
use fleet::{
    DeviceId, Door as Via, IssProfile, IssSettings, Kind, Operation, Project, Refusal, Values,
};

use super::Door;
use super::auth::Call;
use super::device::{self, Named, Outcome, Shown};
use super::error::Failure;
use super::fields::{self, EntryCode, Fault, Fields};
use super::request::{Asked, Entry};

/// What is asked of one device, within its bounds.
pub(super) struct Wanted {
    /// What the call names it by.
    pub(super) id: DeviceId,
    /// Its name and what goes on record of it, by property.
    pub(super) values: Values,
    /// What is asked of it besides.
    pub(super) camera: CameraAsked,
    /// Whether a password is required of it, if it is no channel, and not given.
    pub(super) lacks_password: bool,
}

impl Wanted {
    /// Reads one device of a call.
    fn read(entry: Entry<'_>, id: DeviceId, settings: &IssSettings) -> Result<Self, Fault> {
        let Fields { values, user, password, organization } = Fields::read(entry, settings)?;
        let is_required = settings.profile == IssProfile::Product460;
        Ok(Self {
            id,
            values,
            lacks_password: is_required && password.is_none(),
            camera: CameraAsked {
                credentials: Credentials { user, password, overlap: None },
                organization,
                ..CameraAsked::default()
            },
        })
    }

    /// Whether nothing is asked of it.
    fn is_empty(&self) -> bool {
        self.values.is_empty() && self.camera.credentials.is_empty()
    }
}

/// What came of a device that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// It has its job, durably.
    Accepted,
    /// Nothing was asked of it.
    NothingAsked,
}

/// Answers UpdateDevice.
pub(super) async fn update_device(door: &Door, call: &Call) -> Result<String, Failure> {
    let asked = Asked::read(&call.body)?;
    let project = door.project(call, Some(asked.project_id()?)).await?;
    let entries = asked.devices()?;
    let settings = &project.settings.iss;
    let wanted = read_each(&entries, |entry, id| Wanted::read(entry, id, settings));
    let outcomes = door.apply(call, &project, wanted).await?;
    Ok(device::response(call, |xml| {
        xml.text("Code", "200").text("Message", "OK");
        device::write_outcomes(xml, &outcomes, |xml, named| {
            Shown::of(named, &door.handle, settings).write_done(xml, "");
        });
    }))
}

/// Reads the devices of a call, each by its `Gbid`, of which each may be there once: the first
/// counts, whatever comes of it.
pub(super) fn read_each<'a>(
    entries: &[Entry<'a>],
    read: impl Fn(Entry<'a>, DeviceId) -> Result<Wanted, Fault>,
) -> Vec<Outcome<'a, Wanted>> {
    let mut seen = HashSet::new();
    let mut read_one = |entry: Entry<'a>| {
        let id = fields::gbid(entry)?;
        if !seen.insert(id.clone()) {
            let rule = "an earlier device of this call has this Gbid, and is the one that counts";
            return Err(Fault::new(EntryCode::DuplicateGbid, rule));
        }
        read(entry, id)
    };
    let outcome =
        |entry: &Entry<'a>| Outcome { gbid: entry.as_sent("Gbid"), result: read_one(*entry) };
    entries.iter().map(outcome).collect()
}

impl Door {
    /// Does what is asked of each device, and gives each as it stands from then on. What is done is
    /// durable.
    pub(super) async fn apply<'a>(
        &self,
        call: &Call,
        project: &Project,
        mut wanted: Vec<Outcome<'a, Wanted>>,
    ) -> Result<Vec<Outcome<'a, Named>>, Failure> {
        self.require_passwords(call, project, &mut wanted).await?;
        let done = self.update(call, project, wanted).await?;
        let passed = done.iter().filter_map(|outcome| outcome.result.as_ref().ok());
        let ids: Vec<DeviceId> = passed.map(|(id, _)| id.clone()).collect();
        let is_accepted = |outcome: &Outcome<'a, (DeviceId, Done)>| {
            matches!(outcome.result, Ok((_, Done::Accepted)))
        };
        let is_any_done = done.iter().any(is_accepted);
        let found = match self.find(call, project, ids).await {
            Ok(found) => Some(found),
            // What is durable is no failure, and must not be tried again for want of an answer.
            Err(failure) if is_any_done => {
                tracing::warn!(id = %call.id.request, ?failure, "what was changed can't be read back");
                None
            }
            Err(failure) => return Err(failure),
        };
        let is_read = found.is_some();
        let mut found = found.into_iter().flatten();
        let shown = |Outcome { gbid, result }: Outcome<'a, (DeviceId, Done)>| {
            let result = result.and_then(|(id, done)| match (done, found.next().flatten()) {
                (_, Some(named)) => Ok(named),
                (Done::Accepted, None) => Ok(Named::Unread(id)),
                (Done::NothingAsked, None) if is_read => Err(Fault::not_found()),
                (Done::NothingAsked, None) => {
                    Err(Fault::new(EntryCode::Busy, "it could not be read: try again"))
                }
            });
            Outcome { gbid, result }
        };
        Ok(done.into_iter().map(shown).collect())
    }

    /// Fails the devices of which a password is required and not given. Of channels none is, so
    /// those that lack one are looked up.
    async fn require_passwords(
        &self,
        call: &Call,
        project: &Project,
        wanted: &mut [Outcome<'_, Wanted>],
    ) -> Result<(), Failure> {
        let lacking = |outcome: &Outcome<'_, Wanted>| match &outcome.result {
            Ok(wanted) if wanted.lacks_password => Some(wanted.id.clone()),
            _ => None,
        };
        let ids: Vec<DeviceId> = wanted.iter().filter_map(lacking).collect();
        let mut found = self.find(call, project, ids).await?.into_iter();
        for outcome in wanted {
            if lacking(outcome).is_some()
                && let Some(Some(Named::Device(_))) = found.next()
            {
                outcome.result = Err(fields::password_missing());
            }
        }
        Ok(())
    }

    /// Gives the engine what is asked of the devices: what came of each of them, in their order. A
    /// device of which nothing is asked gets no job.
    async fn update<'a>(
        &self,
        call: &Call,
        project: &Project,
        mut wanted: Vec<Outcome<'a, Wanted>>,
    ) -> Result<Vec<Outcome<'a, (DeviceId, Done)>>, Failure> {
        let entries: Vec<UpdateEntry> = wanted.iter_mut().map(entry).collect();
        let is_asked: Vec<bool> = entries.iter().map(|entry| entry.patch.is_ok()).collect();
        // What does not pass now may have passed when the call was made first.
        let results = if is_asked.contains(&true) || call.id.may_repeat {
            let update = Update {
                call: call.id,
                door: Via::Iss,
                project: project.id.clone(),
                kind: Some(Kind::Camera),
                operation: Operation::Update,
                entries,
            };
            self.handle.update(&call.principal, update).await?
        } else {
            entries.iter().map(|_| Err(nothing_asked())).collect()
        };
        let done = |((outcome, is_asked), made): ((Outcome<'a, Wanted>, bool), _)| {
            let Outcome { gbid, result } = outcome;
            let result = match (result, made) {
                (Ok(wanted), Ok(_)) => Ok((wanted.id, Done::Accepted)),
                (Ok(wanted), Err(_)) if !is_asked => Ok((wanted.id, Done::NothingAsked)),
                (Ok(_), Err(refusal)) => Err(Fault::of(refusal)),
                // It has its job since the call was made first.
                (Err(fault), Ok(_)) => match DeviceId::new(gbid) {
                    Ok(id) => Ok((id, Done::Accepted)),
                    Err(_) => Err(fault),
                },
                (Err(fault), Err(_)) => Err(fault),
            };
            Outcome { gbid, result }
        };
        Ok(wanted.into_iter().zip(is_asked).zip(results).map(done).collect())
    }
}

/// What the engine is given for one device of a call. Where it has failed, or nothing is asked of
/// it, that is nothing, and holds its place: by its place a call that is made again finds its job.
fn entry(outcome: &mut Outcome<'_, Wanted>) -> UpdateEntry {
    let mut camera = CameraAsked::default();
    let (device, patch) = match &mut outcome.result {
        Ok(wanted) if wanted.is_empty() => (Ok(wanted.id.clone()), Err(nothing_asked())),
        Ok(wanted) => {
            camera = std::mem::take(&mut wanted.camera);
            let values = std::mem::take(&mut wanted.values);
            (Ok(wanted.id.clone()), Ok(Patch::from(values)))
        }
        Err(_) => {
            let id = DeviceId::new(outcome.gbid).map_err(|_| Refusal::DeviceIdInvalid);
            (id, Err(nothing_asked()))
        }
    };
    UpdateEntry { device, clear: false, patch, camera, if_revision: None }
}

/// Why the engine gives no job to a device of which nothing is asked. Nobody is told.
fn nothing_asked() -> Refusal {
    Refusal::PropertiesInvalid { detail: "nothing is asked".to_owned() }
}
