//! A rollout is made: what is asked is checked as a whole, and its devices are written down.

use fleet::limits::{
    PHONES_PER_UPDATE_MAX, ROLLOUT_DEVICES_PER_WRITE_MAX, ROLLOUT_WAVES_MAX, UPDATE_DEVICES_MAX,
};
use fleet::rollout::Source;
use fleet::{
    DeviceId, DeviceKey, Kind, Operation, Phase, Plan, Principal, ProjectId, ProjectKey, RequestId,
    Rollout, Selector, Values,
};
use store::Write;
use store::write::{AddRolloutDevices, CreateRollout, NewRolloutDevice};

use super::{Ask, AskTarget};
use crate::access::invalid;
use crate::command::Error;
use crate::credentials;
use crate::handle::Handle;
use crate::operate::to_the_end;

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
    /// is missing; [`Error::NoneFound`], [`Error::TooManyDevices`]; the project is not the
    /// caller's; [`store::Refused::TooManyRollouts`]; or the store failed.
    pub async fn create_update(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ask: Ask,
    ) -> Result<Rollout, Error> {
        let key = self.project_key(principal, project).await?;
        check(&ask)?;
        let (kind, source, devices) = match &ask.target {
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
        let Ask { operation, patch, plan, .. } = ask;
        let project = (key, project.clone());
        let new = NewRollout { project, kind, operation, patch, plan, source, devices };
        self.make_rollout(principal, new).await
    }

    /// Writes a rollout down, with all of its devices, and has its first wave begin.
    ///
    /// Errors: it would have too many waves; or those of [`Self::create_update`].
    pub(crate) async fn make_rollout(
        &self,
        principal: &Principal,
        new: NewRollout,
    ) -> Result<Rollout, Error> {
        let found = new.devices.len();
        let total = u32::try_from(found).unwrap_or(u32::MAX);
        if found > UPDATE_DEVICES_MAX {
            return Err(Error::TooManyDevices { found: found as u64 });
        }
        let waves = new.plan.waves(total);
        if waves > ROLLOUT_WAVES_MAX {
            let detail = format!(
                "{} is too small: {found} devices would take {waves} waves; at most \
                 {ROLLOUT_WAVES_MAX} are allowed",
                new.plan.wave
            );
            return Err(invalid("rollout.wave", detail));
        }
        let id = self.next_request_id();
        let rollout = self.drafted(principal, id, &new);
        let (handle, owner) = (self.clone(), principal.clone());
        // On a task of its own: one that is half written down would never begin.
        to_the_end(async move { handle.write_down(&owner, rollout, new.devices).await }).await?;
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

    async fn write_down(
        &self,
        principal: &Principal,
        rollout: Rollout,
        mut devices: Vec<NewRolloutDevice>,
    ) -> Result<(), Error> {
        let store = &self.shared.store;
        let id = rollout.id;
        let rest = devices.split_off(devices.len().min(ROLLOUT_DEVICES_PER_WRITE_MAX));
        let last = rest.is_empty();
        let create = CreateRollout { rollout, devices, last };
        store.write(principal, Write::CreateRollout(Box::new(create))).await??;
        let pieces = rest.chunks(ROLLOUT_DEVICES_PER_WRITE_MAX);
        let count = pieces.len();
        for (number, piece) in pieces.enumerate() {
            let add = AddRolloutDevices {
                id,
                version: i64::try_from(number).unwrap_or(i64::MAX),
                devices: piece.to_vec(),
                last: number + 1 == count,
            };
            store.write(principal, Write::AddRolloutDevices(add)).await??;
        }
        Ok(())
    }

    /// Devices that were named, and their kind. One that is not there is written down all the same:
    /// it is refused when its wave begins, as an update refuses it.
    pub(crate) async fn named(
        &self,
        project: (ProjectKey, &ProjectId),
        ask: &Ask,
        named: &[(DeviceId, Values)],
    ) -> Result<(Kind, Vec<NewRolloutDevice>), Error> {
        if named.is_empty() {
            return Err(Error::NoneFound);
        }
        if named.len() > UPDATE_DEVICES_MAX {
            return Err(Error::TooManyDevices { found: named.len() as u64 });
        }
        let shared = &self.shared;
        let mut kind = ask.kind;
        let mut devices = Vec::with_capacity(named.len());
        for piece in named.chunks(PHONES_PER_UPDATE_MAX) {
            let ids = piece.iter().map(|(id, _)| id.clone()).collect();
            let found = shared.targets.find(shared, project, ids).await?;
            for ((id, own), target) in piece.iter().zip(found) {
                let is = target.as_ref().map(|target| target.kind);
                if let (None, Some(first), Some(is)) = (ask.kind, kind, is)
                    && first != is
                {
                    let detail = format!("{id} is a {}, others are not: say which", is.name());
                    return Err(invalid("kind", detail));
                }
                kind = kind.or(is);
                let key = target.map_or(DeviceKey(0), |target| target.device);
                let own = (!own.is_empty()).then(|| ask.values(own));
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

/// Checks what is asked as a whole; whether a device takes it is seen with each.
pub(crate) fn check(ask: &Ask) -> Result<(), Error> {
    if !matches!(ask.operation, Operation::Update | Operation::Restart) {
        let detail = format!("many devices are not told to {} at once", ask.operation.name());
        return Err(invalid("operation", detail));
    }
    let own: &[(DeviceId, Values)] = match &ask.target {
        AskTarget::Selector(_) => &[],
        AskTarget::Devices(named) => named,
    };
    let lacks_own = own.is_empty() || own.iter().any(|(_, values)| values.is_empty());
    if ask.operation == Operation::Update && ask.patch.is_empty() && lacks_own {
        return Err(invalid("set", "nothing is asked for".to_owned()));
    }
    // They would be kept as they are. No property has such a name.
    let mut names = own.iter().map(|(_, own)| own).chain([&ask.patch]).flat_map(Values::keys);
    if let Some(name) = names.find(|name| credentials::is_secret(name)) {
        let detail = "a password is not given to many devices at once".to_owned();
        return Err(invalid(name, detail));
    }
    check_plan(&ask.plan)
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
