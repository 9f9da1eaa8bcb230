//! A rollout is made: what is asked is checked as a whole, and its devices are written down.

use std::collections::HashSet;

use fleet::limits::{
    PHONES_PER_UPDATE_MAX, ROLLOUT_DEVICES_PER_WRITE_MAX, ROLLOUT_WAVES_MAX, SCAN_PAGE,
    UPDATE_DEVICES_MAX,
};
use fleet::rollout::Source;
use fleet::{
    DeviceKey, Kind, Operation, Phase, Plan, Preset, Principal, ProjectId, ProjectKey, RequestId,
    Rollout, Selector, Values,
};
use store::write::{AddRolloutDevices, CreateRollout, NewRolloutDevice};
use store::{Refused, Write};

use super::drive::is_not_whole;
use super::{Ask, AskTarget, AskedDevice, bounds};
use crate::access::invalid;
use crate::command::Error;
use crate::credentials;
use crate::handle::Handle;
use crate::idempotency::CallId;
use crate::operate::to_the_end;
use crate::presets::Meant;

/// A pause between waves is at most a week.
const PAUSE_SECONDS_MAX: u32 = 7 * 24 * 60 * 60;

/// What is written down of a rollout that is made.
pub(crate) struct NewRollout {
    /// Its project.
    pub(crate) project: (ProjectKey, ProjectId),
    /// What its devices are.
    pub(crate) kind: Kind,
    /// What is asked of them besides values.
    pub(crate) operation: Operation,
    /// The values.
    pub(crate) patch: Values,
    /// How it is to go out.
    pub(crate) plan: Plan,
    /// How its devices were named.
    pub(crate) source: Source,
    /// Its devices, in the order in which they begin.
    pub(crate) devices: Vec<NewRolloutDevice>,
}

impl Handle {
    /// Makes an update of many devices, which goes out by its plan. When this returns, what is
    /// asked is durable; its first wave begins at once, if its window is open.
    ///
    /// Errors: [`Error::Invalid`] for a plan, an operation or values that can't be, or a kind that
    /// is missing; [`Error::NoneFound`], [`Error::TooManyDevices`]; [`Error::NotWhole`] for a call
    /// that is made again too late; the project is not the caller's;
    /// [`store::Refused::TooManyRollouts`]; or the store failed.
    pub async fn create_update(
        &self,
        principal: &Principal,
        call: CallId,
        project: &ProjectId,
        ask: Ask,
    ) -> Result<Rollout, Error> {
        let key = self.project_key(principal, project).await?;
        if let Some(made) = self.made_before(principal, call).await? {
            return Ok(made);
        }
        let (ask, preset) = self.with_preset(principal, project, ask).await?;
        check(&ask, preset.is_some())?;
        let (kind, source, mut devices) = match &ask.target {
            AskTarget::Selector(selector) => {
                let selector = of_kind(selector, ask.kind)?;
                let kind = selector.kind.unwrap_or(Kind::Phone);
                let found = self.selected(principal, project, &selector).await?;
                let devices = found.into_iter().map(|(key, id)| (key, id, None)).collect();
                (kind, Source::Selector(selector), devices)
            }
            AskTarget::Devices(named) => {
                let (kind, devices) = self.named((key, project), &ask, named).await?;
                (kind, Source::Devices, devices)
            }
        };
        if let Some(preset) = &preset {
            self.fill_in(project, preset, &ask, &mut devices).await?;
        }
        let Ask { operation, patch, plan, .. } = ask;
        let project = (key, project.clone());
        let new = NewRollout { project, kind, operation, patch, plan, source, devices };
        self.make_rollout(principal, call, new).await
    }

    /// Gives each device the values that the preset makes for it, or why it can't have them.
    async fn fill_in(
        &self,
        project: &ProjectId,
        preset: &Preset,
        ask: &Ask,
        devices: &mut [NewRolloutDevice],
    ) -> Result<(), Error> {
        let named: &[AskedDevice] = match &ask.target {
            AskTarget::Selector(_) => &[],
            AskTarget::Devices(named) => named,
        };
        let meant = devices.iter().enumerate();
        let meant = meant.map(|(at, (key, id, _))| Meant { key: *key, id, asked: named.get(at) });
        let meant: Vec<Meant<'_>> = meant.collect();
        let values = self.expand(project, preset, ask, &meant).await?;
        for ((_, _, own), values) in devices.iter_mut().zip(values) {
            *own = Some(values);
        }
        Ok(())
    }

    /// The rollout that the call has made before, if all of it is written down.
    ///
    /// Errors: [`Error::NotWhole`] if it is not, and never will be; or the store failed.
    pub(crate) async fn made_before(
        &self,
        principal: &Principal,
        call: CallId,
    ) -> Result<Option<Rollout>, Error> {
        if !call.may_repeat {
            return Ok(None);
        }
        let found = self.shared.store.rollout(principal, call.request).await?;
        match found {
            Some(rollout) if is_not_whole(&rollout) => Err(Error::NotWhole(rollout.id)),
            found => Ok(found.filter(|rollout| rollout.phase != Phase::Collecting)),
        }
    }

    /// Writes a rollout down, with all of its devices, and has its first wave begin.
    ///
    /// Errors: it would have too many waves; or those of [`Self::create_update`].
    pub(crate) async fn make_rollout(
        &self,
        principal: &Principal,
        call: CallId,
        new: NewRollout,
    ) -> Result<Rollout, Error> {
        let found = new.devices.len();
        let total = u32::try_from(found).unwrap_or(u32::MAX);
        if found > UPDATE_DEVICES_MAX {
            return Err(Error::TooManyDevices { found: found as u64 });
        }
        check_waves(&new.plan, total)?;
        bounds::check_wave(&new.plan, &new.patch, found)?;
        let id = call.request;
        let rollout = self.drafted(principal, id, &new);
        let begun =
            if call.may_repeat { self.shared.store.rollout(principal, id).await? } else { None };
        let (handle, owner) = (self.clone(), principal.clone());
        // On a task of its own: one that is half written down would never begin.
        to_the_end(async move {
            match begun {
                None => handle.write_down(&owner, rollout, new.devices).await,
                Some(begun) => handle.write_on(&owner, &begun, new.devices).await,
            }
        })
        .await?;
        self.shared.rollouts.notify_one();
        let made = self.shared.store.rollout(principal, id).await?;
        made.ok_or(Error::NoSuchUpdate(id))
    }

    /// A rollout of which nothing has begun.
    fn drafted(&self, principal: &Principal, id: RequestId, new: &NewRollout) -> Rollout {
        Rollout {
            id,
            project: new.project.0,
            project_id: new.project.1.clone(),
            kind: new.kind,
            operation: new.operation,
            patch: new.patch.clone(),
            plan: new.plan.clone(),
            phase: Phase::Collecting,
            why: None,
            total: 0,
            next: 0,
            wave: 0,
            next_at: None,
            actor: principal.name().to_owned(),
            created_at: self.now(),
            ended_at: None,
            version: 0,
            source: new.source.clone(),
        }
    }

    /// Writes down a rollout with its devices.
    async fn write_down(
        &self,
        principal: &Principal,
        rollout: Rollout,
        mut devices: Vec<NewRolloutDevice>,
    ) -> Result<(), Error> {
        let id = rollout.id;
        let rest = devices.split_off(devices.len().min(ROLLOUT_DEVICES_PER_WRITE_MAX));
        let last = rest.is_empty();
        let create = CreateRollout { rollout, devices, last };
        let create = Write::CreateRollout(Box::new(create));
        self.shared.store.write(principal, create).await??;
        if last { Ok(()) } else { self.add_devices(principal, (id, 0), &rest).await }
    }

    /// Writes down what is missing of a rollout that somebody has begun to write down, for the same
    /// call, and has not ended with.
    ///
    /// Errors: [`Error::Busy`] if it is being written down; or the store failed.
    async fn write_on(
        &self,
        principal: &Principal,
        begun: &Rollout,
        mut devices: Vec<NewRolloutDevice>,
    ) -> Result<(), Error> {
        let (id, total) = (begun.id, begun.total);
        if let Source::RevertOf(_) = &begun.source {
            // What is brought back is found anew each time, and may be another list by now.
            let written = self.written_devices(principal, id).await?;
            devices.retain(|(key, ..)| !written.contains(key));
            return self.write_rest(principal, begun, &devices).await;
        }
        let read = total
            .checked_sub(1)
            .map(|last| self.shared.store.rollout_devices(principal, id, last, 1, false));
        let last = match read {
            Some(read) => read.await?.into_iter().next(),
            None => None,
        };
        let written = match (&begun.source, last) {
            // Others may fit by now: they stand by their keys.
            (Source::Selector(_), Some(last)) => {
                devices.iter().take_while(|(key, ..)| *key <= last.device).count()
            }
            _ => usize::try_from(total).unwrap_or(usize::MAX),
        };
        let rest = devices.split_off(written.min(devices.len()));
        self.write_rest(principal, begun, &rest).await
    }

    /// The devices that are written down of a rollout.
    ///
    /// Errors: the store failed.
    async fn written_devices(
        &self,
        principal: &Principal,
        id: RequestId,
    ) -> Result<HashSet<DeviceKey>, Error> {
        let (mut written, mut from) = (HashSet::new(), 0);
        loop {
            let store = &self.shared.store;
            let page = store.rollout_devices(principal, id, from, SCAN_PAGE, false).await?;
            let is_last = page.len() < SCAN_PAGE as usize;
            written.extend(page.into_iter().map(|device| device.device));
            if is_last {
                return Ok(written);
            }
            from += SCAN_PAGE;
        }
    }

    /// Writes down what is missing of a rollout that was read so.
    ///
    /// Errors: those of [`Self::write_on`].
    async fn write_rest(
        &self,
        principal: &Principal,
        begun: &Rollout,
        rest: &[NewRolloutDevice],
    ) -> Result<(), Error> {
        match self.add_devices(principal, (begun.id, begun.version), rest).await {
            Err(Error::Refused(Refused::RolloutMoved)) => Err(Error::Busy),
            other => other,
        }
    }

    /// Adds the rest of its devices to a rollout of this version.
    async fn add_devices(
        &self,
        principal: &Principal,
        (id, version): (RequestId, i64),
        rest: &[NewRolloutDevice],
    ) -> Result<(), Error> {
        let mut pieces: Vec<&[NewRolloutDevice]> =
            rest.chunks(ROLLOUT_DEVICES_PER_WRITE_MAX).collect();
        if pieces.is_empty() {
            pieces.push(&[]);
        }
        let count = pieces.len();
        for ((number, piece), version) in pieces.into_iter().enumerate().zip(version..) {
            let last = number + 1 == count;
            let add = AddRolloutDevices { id, version, devices: piece.to_vec(), last };
            self.shared.store.write(principal, Write::AddRolloutDevices(add)).await??;
        }
        Ok(())
    }

    /// Devices that were named, and their kind. One that is not there is written down all the same:
    /// it is refused when its wave begins, as an update refuses it.
    pub(crate) async fn named(
        &self,
        project: (ProjectKey, &ProjectId),
        ask: &Ask,
        named: &[AskedDevice],
    ) -> Result<(Kind, Vec<NewRolloutDevice>), Error> {
        if named.is_empty() {
            return Err(Error::NoneFound);
        }
        if named.len() > UPDATE_DEVICES_MAX {
            return Err(Error::TooManyDevices { found: named.len() as u64 });
        }
        bounds::check_copies(ask, named.iter().filter(|device| !device.values.is_empty()))?;
        let shared = &self.shared;
        let mut kind = ask.kind;
        let mut devices = Vec::with_capacity(named.len());
        for piece in named.chunks(PHONES_PER_UPDATE_MAX) {
            let ids = piece.iter().map(|device| device.id.clone()).collect();
            let found = shared.targets.find(shared, project, ids).await?;
            for (AskedDevice { id, values: own, .. }, target) in piece.iter().zip(found) {
                let is = target.as_ref().map(|target| target.kind);
                if let (None, Some(first), Some(is)) = (ask.kind, kind, is)
                    && first != is
                {
                    let detail = format!("{id} is a {}, others are not: say which", is.name());
                    return Err(invalid("kind", detail));
                }
                kind = kind.or(is);
                let key = target.map_or(DeviceKey(0), |target| target.device);
                let own = (!own.is_empty()).then(|| Ok(ask.values(own)));
                devices.push((key, id.clone(), own));
            }
        }
        Ok((kind.ok_or(Error::NoneFound)?, devices))
    }
}

/// The selector, with the kind that it has to say.
pub(crate) fn of_kind(selector: &Selector, kind: Option<Kind>) -> Result<Selector, Error> {
    match (kind, selector.kind) {
        (Some(asked), Some(is)) if asked != is => {
            let detail =
                format!("the selector speaks of {}s, the update of {}s", is.name(), asked.name());
            Err(invalid("kind", detail))
        }
        (None, None) => Err(invalid("kind", "has to be said: phone or camera".to_owned())),
        (asked, is) => Ok(Selector { kind: asked.or(is), ..selector.clone() }),
    }
}

/// Checks what is asked as a whole; whether a device takes it is seen with each. `has_preset` if a
/// preset asks for something of each besides.
pub(crate) fn check(ask: &Ask, has_preset: bool) -> Result<(), Error> {
    if !matches!(ask.operation, Operation::Update | Operation::Restart) {
        let detail = format!("many devices are not told to {} at once", ask.operation.name());
        return Err(invalid("operation", detail));
    }
    let own: &[AskedDevice] = match &ask.target {
        AskTarget::Selector(_) => &[],
        AskTarget::Devices(named) => named,
    };
    let lacks_own = own.is_empty() || own.iter().any(|device| device.values.is_empty());
    let asks_nothing = ask.patch.is_empty() && lacks_own && !has_preset;
    if ask.operation == Operation::Update && asks_nothing {
        return Err(invalid("set", "nothing is asked for".to_owned()));
    }
    bounds::check(ask)?;
    // They would be kept as they are. No property has such a name.
    let own = own.iter().map(|device| &device.values);
    let mut names = own.chain([&ask.patch]).flat_map(Values::keys);
    if let Some(name) = names.find(|name| credentials::is_secret(name)) {
        let detail = "a password is not given to many devices at once".to_owned();
        return Err(invalid(name, detail));
    }
    check_plan(&ask.plan)
}

/// Checks that so many devices don't take more waves than there may be.
pub(crate) fn check_waves(plan: &Plan, total: u32) -> Result<(), Error> {
    let waves = plan.waves(total);
    if waves <= ROLLOUT_WAVES_MAX {
        return Ok(());
    }
    let detail = format!(
        "{} is too small: {total} devices would take {waves} waves; at most {ROLLOUT_WAVES_MAX} \
         are allowed",
        plan.wave
    );
    Err(invalid("rollout.wave", detail))
}

/// Checks how it is to go out.
pub(crate) fn check_plan(plan: &Plan) -> Result<(), Error> {
    let most = u32::try_from(PHONES_PER_UPDATE_MAX).unwrap_or(u32::MAX);
    let of = |what: &str, detail: String| Err(invalid(&format!("rollout.{what}"), detail));
    if !(1..=most).contains(&plan.wave) {
        return of("wave", format!("has to be 1 to {most} devices"));
    }
    if plan.canary > most {
        return of("canary", format!("at most {most} devices are allowed"));
    }
    if plan.pause_seconds > PAUSE_SECONDS_MAX {
        return of("pause_seconds", format!("at most {PAUSE_SECONDS_MAX} are allowed"));
    }
    if plan.stop.failed == Some(0) {
        return of("stop.failed", "has to be 1 or more".to_owned());
    }
    if plan.stop.failed_percent.is_some_and(|percent| !(1..=100).contains(&percent)) {
        return of("stop.failed_percent", "has to be 1 to 100".to_owned());
    }
    let is_minute = |minute: u16| minute < 24 * 60;
    if plan.window.is_some_and(|it| !is_minute(it.from_minute) || !is_minute(it.to_minute)) {
        return of("window", "has to be two times of the day".to_owned());
    }
    Ok(())
}
