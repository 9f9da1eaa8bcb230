//! GB devices as the registrar knows them: who may register, where each is, what it was told.
//!
//! The registrar asks for a registrant with every REGISTER, so those asked for lately are kept in
//! bounded memory, ids that are none among them. An id that is unknown, or has no password, gives a
//! decoy: to find it, to open it and to check an answer against it costs what a true one costs, so
//! that nobody learns from our work which ids exist.

mod refused;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fleet::limits;
use fleet::{
    Binding, DeviceId, DeviceKey, Facts, ProjectId, Push, ReportedChannel, Secret, Timestamp,
};
use quick_cache::sync::Cache;
use store::rekey::REGISTRATION_PASSWORD;
use store::seal::MasterKey;
use store::write::{NotePush, NoteSurvey, RecordChannels};
use store::{SealedRegistrant, SessionKey, StoredBinding, Write};

use crate::clock::Entropy;
use crate::command::Error;
use crate::credentials;
use crate::handle::Handle;

pub(crate) use refused::RefusedRegistrations;
pub use refused::{RefusedRegistration, RegistrationFault};

/// Who may register under an id.
#[derive(Debug)]
pub struct Registrant {
    /// Whether anybody may.
    pub standing: Standing,
    /// The digest user name.
    pub user: String,
    /// The password; a decoy that nobody knows unless somebody may register.
    pub password: Secret<String>,
    /// The user name and password that these took the place of.
    pub old: OldRegistrant,
}

/// A user name and password that were replaced. There always are some to check an answer against:
/// a decoy where none work any more.
#[derive(Debug)]
pub struct OldRegistrant {
    /// Whether they are a device's.
    pub standing: bool,
    /// The digest user name.
    pub user: String,
    /// The password.
    pub password: Secret<String>,
    /// Until when they work.
    pub until: Timestamp,
}

/// Whether somebody may register under an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// This device.
    Known(DeviceKey),
    /// This device, once it is given a password.
    NoPassword(DeviceKey),
    /// Nobody.
    Unknown,
}

/// How much was done to find registrants: the same for ids that exist and ids that don't.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RegistrantWork {
    /// Ids looked up in the store.
    pub lookups: u64,
    /// Secrets opened.
    pub opens: u64,
}

/// What a driver knows of a GB device before it speaks to it.
#[derive(Debug)]
pub struct Camera {
    /// Its id.
    pub id: DeviceId,
    /// Its digest user name.
    pub user: String,
    /// Its password, if it has one that can be opened.
    pub password: Option<Secret<String>>,
    /// The session of the node that it is registered with, whether it lasts or not.
    pub bound_to: Option<SessionKey>,
    /// Its registration, the last one if it is not registered; `None` if it never was.
    pub binding: Option<Binding>,
    /// What was last sent to it.
    pub push: Option<Push>,
    /// When it was last asked what it is.
    pub surveyed_at: Option<Timestamp>,
    /// What it said of itself.
    pub facts: Facts,
    /// When its user name or password last changed; `None` if they never did.
    pub credentials_at: Option<Timestamp>,
    /// Until when those before work too; `None` if they don't, whatever the time.
    pub overlap_until: Option<Timestamp>,
}

/// The registrants that were asked for lately.
pub(crate) struct Registrants {
    known: Cache<DeviceId, Arc<Registrant>>,
    /// Goes up with each change of a record, so that a look-up which began before one leaves
    /// nothing behind.
    changes: AtomicU64,
    /// What is opened in place of a secret that is not there.
    decoy: Vec<u8>,
    /// The key of the hashes by which a password is known again.
    pub(crate) tag_key: [u8; 32],
    lookups: AtomicU64,
    opens: AtomicU64,
}

/// What ties the decoy to its place.
const DECOY_PLACE: [&str; 3] = ["", "", "decoy"];

impl Registrants {
    /// With a decoy of this start's own.
    pub(crate) fn new(master_key: &MasterKey, entropy: &dyn Entropy) -> Self {
        let (mut nonce, mut password) = ([0; 24], [0; 16]);
        entropy.fill(&mut nonce);
        entropy.fill(&mut password);
        let password = hex::encode(password);
        // Sealing so little can't fail; what can't be opened would fit no answer either.
        let decoy = master_key.seal(nonce, &DECOY_PLACE, password.as_bytes()).unwrap_or_default();
        Self {
            known: Cache::new(limits::REGISTRANTS_CACHED_MAX),
            changes: AtomicU64::new(0),
            decoy,
            tag_key: credentials::tag_key(master_key),
            lookups: AtomicU64::new(0),
            opens: AtomicU64::new(0),
        }
    }

    /// What is kept of these ids is true no more.
    /// Nothing that is kept may be true any more.
    pub(crate) fn forget_all(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.known.clear();
    }

    pub(crate) fn forget<'a>(&self, ids: impl Iterator<Item = &'a DeviceId>) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        for id in ids {
            self.known.remove(id);
        }
    }
}

impl Handle {
    /// Who may register under `id`, if memory knows it; otherwise ask [`Self::registrants`].
    pub fn registrant(&self, id: &DeviceId) -> Option<Arc<Registrant>> {
        // One who has not heard of changes for too long has to ask.
        self.shared.freshness.holds().then(|| self.shared.registrants.known.get(id)).flatten()
    }

    /// Who may register under each of the ids, in order.
    ///
    /// Errors: the store failed.
    pub async fn registrants(&self, ids: Vec<DeviceId>) -> Result<Vec<Arc<Registrant>>, Error> {
        let registrants = &self.shared.registrants;
        let changes = registrants.changes.load(Ordering::SeqCst);
        registrants.lookups.fetch_add(ids.len() as u64, Ordering::Relaxed);
        let sealed = self.shared.store.registrants(ids.clone()).await?;
        let mut found = Vec::with_capacity(ids.len());
        for (id, sealed) in ids.into_iter().zip(sealed) {
            let registrant = Arc::new(self.opened(&id, sealed.as_ref()));
            registrants.known.insert(id.clone(), registrant.clone());
            if registrants.changes.load(Ordering::SeqCst) != changes {
                registrants.known.remove(&id);
            }
            found.push(registrant);
        }
        Ok(found)
    }

    /// How much was done so far to find registrants.
    pub fn registrant_work(&self) -> RegistrantWork {
        let registrants = &self.shared.registrants;
        RegistrantWork {
            lookups: registrants.lookups.load(Ordering::Relaxed),
            opens: registrants.opens.load(Ordering::Relaxed),
        }
    }

    /// A registrant with its password opened, or the decoy.
    fn opened(&self, id: &DeviceId, sealed: Option<&SealedRegistrant>) -> Registrant {
        let device = sealed.map(|sealed| sealed.device);
        let user = sealed.and_then(|sealed| sealed.user.clone());
        let password = sealed.and_then(|sealed| self.registration_password(sealed));
        let standing = match (device, &password) {
            (Some(device), Some(_)) => Standing::Known(device),
            (Some(device), None) => Standing::NoPassword(device),
            (None, _) => Standing::Unknown,
        };
        let decoy = || self.open(&DECOY_PLACE, None).unwrap_or_else(|| Secret::new(String::new()));
        let password = password.unwrap_or_else(decoy);
        let now = self.shared.clock.now();
        let of_device = sealed
            .and_then(|sealed| Some((sealed, sealed.old.as_ref().filter(|old| old.until > now)?)));
        let old = of_device
            .and_then(|(sealed, old)| Some((old, self.open_for(sealed, &old.sealed_password)?)));
        let named = |user: Option<String>| user.unwrap_or_else(|| id.as_str().to_owned());
        let old = match old {
            Some((old, password)) => OldRegistrant {
                standing: true,
                user: named(old.user.clone()),
                password,
                until: old.until,
            },
            None => OldRegistrant {
                standing: false,
                user: named(None),
                password: decoy(),
                until: Timestamp(0),
            },
        };
        Registrant { standing, user: named(user), password, old }
    }

    /// The password that a GB device must register with; `None` if it has none, or none that this
    /// master key opens.
    pub fn registration_password(&self, sealed: &SealedRegistrant) -> Option<Secret<String>> {
        self.open_for(sealed, sealed.sealed_password.as_deref()?)
    }

    /// Opens a password of this registrant's.
    fn open_for(&self, sealed: &SealedRegistrant, bytes: &[u8]) -> Option<Secret<String>> {
        let place = sealed_with(&sealed.project_id, &sealed.id);
        let opened = self.open(&place, Some(bytes));
        if opened.is_none() {
            let device = sealed.device.0;
            tracing::warn!(device, "a camera's password can't be opened with this master key");
        }
        opened
    }

    /// Opens a secret, or the decoy if none is given.
    fn open(&self, place: &[&str], sealed: Option<&[u8]>) -> Option<Secret<String>> {
        let registrants = &self.shared.registrants;
        registrants.opens.fetch_add(1, Ordering::Relaxed);
        let sealed = sealed.unwrap_or(&registrants.decoy);
        let opened = self.shared.master_key.open(place, sealed).ok()?;
        String::from_utf8(opened).ok().map(Secret::new)
    }

    /// Records where devices are: from now on they are registered with this node. Durable when this
    /// returns.
    ///
    /// Errors: [`Error::Busy`] while this node's session does not last; or the store failed.
    pub async fn bind(&self, bindings: Vec<Binding>) -> Result<(), Error> {
        let session = self.shared.ownership.live_session().ok_or(Error::Busy)?;
        self.write(Write::Bind(session, bindings)).await
    }

    /// See [`store::Reads::bindings`].
    pub async fn bindings(
        &self,
        after: DeviceKey,
        limit: u32,
    ) -> Result<Vec<StoredBinding>, Error> {
        Ok(self.shared.store.bindings(after, limit).await?)
    }

    /// What a driver needs to know of a GB device; `None` if there is none.
    pub async fn camera(&self, device: DeviceKey) -> Result<Option<Camera>, Error> {
        let Some(found) = self.shared.store.camera(device).await? else { return Ok(None) };
        let bound_to = found.bound_to;
        let password = self.registration_password(&found.registrant);
        let overlap_until = found.registrant.old.map(|old| old.until);
        let id = found.registrant.id;
        Ok(Some(Camera {
            user: found.registrant.user.unwrap_or_else(|| id.as_str().to_owned()),
            id,
            password,
            bound_to,
            binding: found.binding,
            push: found.push,
            surveyed_at: found.surveyed_at,
            facts: found.facts,
            credentials_at: found.credentials_at,
            overlap_until,
        }))
    }

    /// Records what is about to be sent to a device, or what came of it. Durable when this returns.
    ///
    /// Errors: [`Error::Closed`] if the device is not this node's to speak to; or the store failed.
    pub async fn note_push(&self, device: DeviceKey, push: Push) -> Result<(), Error> {
        let shared = &self.shared;
        let fence = match shared.running_under(device) {
            Some(fence) => Some(fence),
            // What comes after the action has ended.
            None => {
                let seeds = shared.store.lane_seeds(&[device]).await?;
                let bound_to = seeds.first().and_then(|seed| seed.bound_to);
                shared.ownership.fence(device, bound_to)
            }
        };
        // Who does not own the device must not speak to it.
        let fence = fence.ok_or(Error::Closed)?;
        self.write(Write::NotePush(NotePush { fence, device, push })).await
    }

    /// Records that a device was asked what it is, and what it said.
    pub async fn note_survey(&self, device: DeviceKey, facts: Option<Facts>) -> Result<(), Error> {
        let at = self.shared.clock.now();
        self.write(Write::NoteSurvey(NoteSurvey { device, at, facts })).await
    }

    /// Records what a device's catalog said of its channels.
    pub async fn record_channels(
        &self,
        device: DeviceKey,
        channels: Vec<(DeviceId, ReportedChannel)>,
        complete: bool,
    ) -> Result<(), Error> {
        let at = self.shared.clock.now();
        self.write(Write::RecordChannels(RecordChannels { device, channels, complete, at })).await
    }

    /// Remembers a registration that was refused, for operators to see why.
    pub fn refuse_registration(&self, refused: RefusedRegistration) {
        self.shared.refused_registrations.note(refused);
    }

    /// The registrations that were refused of late, the last one first.
    pub fn refused_registrations(&self) -> Vec<RefusedRegistration> {
        self.shared.refused_registrations.list()
    }

    /// The key that nonces are made with: the same wherever the master key is.
    pub fn nonce_key(&self) -> [u8; 32] {
        self.shared.master_key.derive("SIP digest nonces")
    }

    async fn write(&self, write: Write) -> Result<(), Error> {
        self.shared.store.write(&fleet::Principal::engine(), write).await??;
        Ok(())
    }
}

/// What ties a sealed password to its place, so that it opens nowhere else.
pub(crate) fn sealed_with<'a>(project: &'a ProjectId, id: &'a DeviceId) -> [&'a str; 3] {
    [project.as_str(), id.as_str(), REGISTRATION_PASSWORD]
}

#[cfg(test)]
mod tests;
