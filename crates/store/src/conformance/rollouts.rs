//! Updates that go out in waves, and the list of all updates.

use fleet::limits::ROLLOUTS_OPEN_MAX;
use fleet::rollout::{Source, Stop};
use fleet::{
    DeviceKey, Door, Kind, Operation, Phase, Plan, Principal, ProjectKey, Refusal, RequestId,
    Rollout, Selector, Timestamp, WaveCounts, Window,
};

use super::fixture::*;
use crate::write::{
    AddRolloutDevices, CreateRollout, NewRolloutDevice, RolloutStep, StepRollout, WaveStep,
};
use crate::{Change, Refused, Store, UpdateHead, WaveOf, Write, Written};

/// A rollout of the project `p` as it is made: running, with so many devices.
pub(super) fn rollout(project: ProjectKey, number: u64, total: u32) -> Rollout {
    Rollout {
        id: request(number),
        project,
        project_id: project_id("p"),
        kind: Kind::Phone,
        operation: Operation::Restart,
        patch: values(&[("a", "1")]),
        plan: Plan {
            canary: 2,
            wave: 10,
            pause_seconds: 30,
            stop: Stop { failed: Some(3), failed_percent: Some(5) },
            window: Some(Window { from_minute: 60, to_minute: 30 }),
        },
        phase: Phase::Running,
        why: None,
        total,
        next: 0,
        wave: 0,
        next_at: None,
        actor: "user:anna".to_owned(),
        created_at: AT,
        ended_at: None,
        version: 0,
        source: Source::Selector(Selector { text: Some("x".to_owned()), ..Selector::default() }),
    }
}

/// Devices `phone-N` of these keys; the second has values of its own.
fn devices(keys: &[DeviceKey]) -> Vec<NewRolloutDevice> {
    let own = |number| (number == 1).then(|| Ok(values(&[("a", "2")])));
    let device = |(number, key): (usize, &DeviceKey)| {
        (*key, device_id(&format!("phone-{number}")), own(number))
    };
    keys.iter().enumerate().map(device).collect()
}

async fn create(
    store: &dyn Store,
    principal: &Principal,
    rollout: Rollout,
    devices: Vec<NewRolloutDevice>,
    last: bool,
) -> Result<Written, Refused> {
    let create = CreateRollout { rollout, devices, last };
    write_as(store, principal, Write::CreateRollout(Box::new(create))).await
}

/// A step of a rollout that changes nothing but its version.
pub(super) fn step(rollout: &Rollout) -> StepRollout {
    StepRollout {
        id: rollout.id,
        version: rollout.version,
        at: LATER,
        next: RolloutStep::of(rollout),
        wave: None,
        refusals: Vec::new(),
        accept: None,
    }
}

pub(super) async fn stepped(
    store: &dyn Store,
    principal: &Principal,
    step: &StepRollout,
) -> Result<Written, Refused> {
    write_as(store, principal, Write::StepRollout(Box::new(step.clone()))).await
}

pub(super) async fn stored(store: &dyn Store, id: RequestId) -> Rollout {
    store.rollout(&engine(), id).await.unwrap().unwrap()
}

pub(crate) async fn a_rollout_is_made_and_read_back(store: &dyn Store) {
    let (project, keys) = fleet(store, 3).await;
    let other = create_project(store, "other").await;
    let (own, foreign) = (Principal::client(project, "AK"), Principal::client(other, "AK2"));
    let made = rollout(project, 1, 3);
    let refused = create(store, &foreign, made.clone(), devices(&keys), true).await;
    assert_eq!(refused, Err(Refused::NoSuchProject(project_id("p"))));
    let written = create(store, &own, made.clone(), devices(&keys), true).await;
    assert_eq!(written, Ok(Written::Done));
    let again = create(store, &own, made.clone(), devices(&keys), true).await;
    assert_eq!(again, Err(Refused::Exists { what: "update", id: made.id.to_string() }));

    assert_eq!(stored(store, made.id).await, made);
    assert_eq!(store.rollouts_open().await.unwrap(), std::slice::from_ref(&made));
    assert_eq!(store.rollout(&foreign, made.id).await.unwrap(), None);
    assert!(store.rollout(&own, made.id).await.unwrap().is_some());
    assert_eq!(store.rollout(&engine(), request(2)).await.unwrap(), None);
    let found = store.rollout_devices(&own, made.id, 0, 10, false).await.unwrap();
    assert_eq!(found.iter().map(|one| one.position).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(found.iter().map(|one| one.device).collect::<Vec<_>>(), keys);
    assert_eq!(found[1].device_id, device_id("phone-1"));
    assert_eq!(found[1].patch, Some(values(&[("a", "2")])));
    assert_eq!((&found[0].patch, &found[0].refusal), (&None, &None));
    let page = store.rollout_devices(&own, made.id, 1, 1, false).await.unwrap();
    assert_eq!(page, found[1..2]);
    assert!(store.rollout_devices(&own, made.id, 0, 10, true).await.unwrap().is_empty());
    assert!(store.rollout_devices(&foreign, made.id, 0, 10, false).await.unwrap().is_empty());
    assert!(store.waves(&own, made.id).await.unwrap().is_empty());
}

pub(crate) async fn a_rollout_collects_its_devices_first(store: &dyn Store) {
    let (project, keys) = fleet(store, 3).await;
    let all = devices(&keys);
    let id = request(1);
    create(store, &engine(), rollout(project, 1, 3), all[..1].to_vec(), false).await.unwrap();
    let found = stored(store, id).await;
    assert_eq!((found.phase, found.total, found.version), (Phase::Collecting, 1, 0));
    let more = |version, devices: &[NewRolloutDevice], last| {
        Write::AddRolloutDevices(AddRolloutDevices { id, version, devices: devices.to_vec(), last })
    };
    let client = Principal::client(create_project(store, "other").await, "AK");
    let refused = write_as(store, &client, more(0, &all[1..2], false)).await;
    assert_eq!(refused, Err(Refused::NoSuchUpdate(id)));
    let added = write_as(store, &engine(), more(0, &all[1..2], false)).await;
    assert_eq!(added, Ok(Written::Done));
    let again = write_as(store, &engine(), more(0, &all[1..2], false)).await;
    assert_eq!(again, Err(Refused::RolloutMoved), "sent twice");
    let added = write_as(store, &engine(), more(1, &all[2..], true)).await;
    assert_eq!(added, Ok(Written::Done));
    let found = stored(store, id).await;
    assert_eq!((found.phase, found.total, found.version), (Phase::Running, 3, 2));
    let late = write_as(store, &engine(), more(2, &all[2..], true)).await;
    assert_eq!(late, Err(Refused::RolloutMoved), "it is running");
    let found = store.rollout_devices(&engine(), id, 0, 10, false).await.unwrap();
    assert_eq!(found.iter().map(|one| one.device).collect::<Vec<_>>(), keys);
}

/// The step that begins the first wave of a rollout, of its first three devices: the first is
/// refused already, the last does not exist.
fn first_wave(rollout: &Rollout, keys: &[DeviceKey]) -> StepRollout {
    let wave = request(100);
    let mut accept = accept(rollout.project, wave, &[(keys[0], &[]), (keys[1], &[("a", "2")])]);
    accept.entries.push(accept.entries[1].clone());
    accept.entries[2].device = DeviceKey(999);
    for (position, entry) in (1_u16..).zip(accept.entries.iter_mut().skip(1)) {
        entry.position = position;
    }
    accept.entries.remove(0);
    StepRollout {
        next: RolloutStep { next: 3, wave: 1, ..RolloutStep::of(rollout) },
        wave: Some(WaveStep::Begin { number: 1, request: wave, first: 0, count: 3 }),
        refusals: vec![(0, Refusal::Frozen)],
        accept: Some(accept),
        ..step(rollout)
    }
}

/// A rollout 1 of five phones whose first wave, 100, has begun: the first phone was frozen, the
/// second got its job, at position 1, and the third is gone.
pub(super) async fn begun(store: &dyn Store) -> (ProjectKey, Vec<DeviceKey>) {
    let (project, keys) = fleet(store, 5).await;
    create(store, &engine(), rollout(project, 1, 5), devices(&keys), true).await.unwrap();
    let begin = first_wave(&stored(store, request(1)).await, &keys);
    stepped(store, &engine(), &begin).await.unwrap();
    (project, keys)
}

pub(crate) async fn a_wave_names_what_it_is_of(store: &dyn Store) {
    let (project, keys) = begun(store).await;
    accept_one(store, project, 3, keys[0], &[("a", "1")]).await;
    let of = WaveOf { request: request(100), rollout: request(1), number: 1 };
    let found = store.waves_of(&[request(3), request(100), request(1)]).await.unwrap();
    assert_eq!(found, [of]);
    assert!(store.waves_of(&[]).await.unwrap().is_empty());
    assert!(store.waves_of(&[request(3)]).await.unwrap().is_empty());
}

pub(crate) async fn a_wave_begins_once(store: &dyn Store) {
    let (project, keys) = fleet(store, 5).await;
    create(store, &engine(), rollout(project, 1, 5), devices(&keys), true).await.unwrap();
    let begin = first_wave(&stored(store, request(1)).await, &keys);
    let client = Principal::client(create_project(store, "other").await, "AK");
    let refused = stepped(store, &client, &begin).await;
    assert_eq!(refused, Err(Refused::NoSuchUpdate(request(1))));
    let Ok(Written::Stepped(results)) = stepped(store, &engine(), &begin).await else {
        panic!("not stepped");
    };
    let job = results[0].as_ref().unwrap();
    assert_eq!((job.device, job.job), (keys[1], request(100).job(1).unwrap()));
    assert_eq!(results[1], Err(Refusal::DeviceUnknown));
    assert_eq!(stepped(store, &engine(), &begin).await, Err(Refused::RolloutMoved));
    assert_eq!(device(store, keys[1]).await.state.open_jobs, [job.job], "and not twice");
    let found = store.job(&engine(), job.job).await.unwrap().unwrap().job;
    assert_eq!((found.actor.as_str(), found.door), ("user:anna", Door::Cph));

    let found = stored(store, request(1)).await;
    assert_eq!((found.version, found.next, found.wave), (1, 3, 1));
    let waves = store.waves(&engine(), request(1)).await.unwrap();
    assert_eq!(waves.len(), 1);
    assert_eq!((waves[0].number, waves[0].request, waves[0].first), (1, request(100), 0));
    assert_eq!((waves[0].count, waves[0].accepted, waves[0].refused), (3, 1, 2));
    assert_eq!((waves[0].begun_at, waves[0].ended_at), (LATER, None));
    assert!(store.waves(&client, request(1)).await.unwrap().is_empty());
    let refused = store.rollout_devices(&engine(), request(1), 0, 10, true).await.unwrap();
    let refused: Vec<_> = refused.into_iter().map(|one| (one.position, one.refusal)).collect();
    let expected = [(0, Some(Refusal::Frozen)), (2, Some(Refusal::DeviceUnknown))];
    assert_eq!(refused, expected);
    let rest = store.rollout_devices(&engine(), request(1), 1, 10, true).await.unwrap();
    assert_eq!(rest.iter().map(|one| one.position).collect::<Vec<_>>(), [2]);
}

pub(crate) async fn a_rollout_goes_on_until_it_is_over(store: &dyn Store) {
    let (project, keys) = fleet(store, 5).await;
    create(store, &engine(), rollout(project, 1, 5), devices(&keys), true).await.unwrap();
    let begin = first_wave(&stored(store, request(1)).await, &keys);
    stepped(store, &engine(), &begin).await.unwrap();
    let found = stored(store, request(1)).await;
    let end = StepRollout { wave: Some(WaveStep::End { number: 1 }), ..step(&found) };
    let mut paused = StepRollout { at: Timestamp(LATER.0 + 1), ..end };
    paused.next.phase = Phase::Paused;
    paused.next.why = Some("by anna".to_owned());
    paused.next.next_at = Some(LATER);
    let own = Principal::client(project, "AK");
    assert_eq!(stepped(store, &own, &paused).await, Ok(Written::Stepped(Vec::new())));
    let found = stored(store, request(1)).await;
    assert_eq!((found.phase, found.next_at), (Phase::Paused, Some(LATER)));
    assert_eq!(found.why.as_deref(), Some("by anna"));
    let waves = store.waves(&engine(), request(1)).await.unwrap();
    assert_eq!(waves[0].ended_at, Some(Timestamp(LATER.0 + 1)));

    let second = StepRollout {
        next: RolloutStep { next: 5, wave: 2, why: None, ..RolloutStep::of(&found) },
        wave: Some(WaveStep::Begin { number: 2, request: request(101), first: 3, count: 2 }),
        refusals: vec![(3, Refusal::Frozen), (4, Refusal::Frozen)],
        ..step(&found)
    };
    stepped(store, &engine(), &second).await.unwrap();
    let found = stored(store, request(1)).await;
    let mut over = step(&found);
    over.next.phase = Phase::Aborted;
    over.next.ended_at = Some(LATER);
    stepped(store, &engine(), &over).await.unwrap();
    let waves = store.waves(&engine(), request(1)).await.unwrap();
    let ends: Vec<_> = waves.iter().map(|wave| wave.ended_at).collect();
    assert_eq!(ends, [Some(Timestamp(LATER.0 + 1)), Some(LATER)], "with it, what was open");
    assert_eq!((waves[1].accepted, waves[1].refused), (0, 2));
    assert!(store.rollouts_open().await.unwrap().is_empty());
    let found = stored(store, request(1)).await;
    assert_eq!((found.phase, found.why.as_deref()), (Phase::Aborted, None));
    assert_eq!(stepped(store, &engine(), &step(&found)).await, Err(Refused::RolloutMoved));
}

pub(crate) async fn a_project_has_so_many_rollouts_and_no_more(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    let count = ROLLOUTS_OPEN_MAX as u64;
    for number in 1..=count {
        let made = rollout(project, number, 1);
        create(store, &engine(), made, devices(&keys), true).await.unwrap();
    }
    let more = rollout(project, count + 1, 1);
    let refused = create(store, &engine(), more.clone(), devices(&keys), true).await;
    assert_eq!(refused, Err(Refused::TooManyRollouts));
    let other = create_project(store, "other").await;
    let elsewhere = Rollout { id: request(count + 2), project: other, ..more.clone() };
    create(store, &engine(), elsewhere, Vec::new(), true).await.unwrap();
    let mut over = step(&stored(store, request(1)).await);
    over.next.ended_at = Some(LATER);
    stepped(store, &engine(), &over).await.unwrap();
    create(store, &engine(), more, devices(&keys), true).await.unwrap();
}

pub(crate) async fn jobs_of_waves_are_counted(store: &dyn Store) {
    let (project, keys) = fleet(store, 6).await;
    let mut gone = settle(keys[5], fence(store, keys[5]).await, 0);
    gone.condition = fleet::Condition::Abnormal;
    settled(store, gone).await.unwrap();
    let patch: &[(&str, &str)] = &[("a", "1")];
    let entries: Vec<_> = keys.iter().map(|key| (*key, patch)).collect();
    accepted_as(store, &engine(), accept(project, request(1), &entries)).await;
    let mut restart = accept(project, request(2), &[(keys[3], patch)]);
    restart.entries[0].operation = Operation::Restart;
    accepted_as(store, &engine(), restart).await;
    settle_all(store, keys[0]).await;
    let failure = fleet::Failure::Deleted;
    let mut failed = settle(keys[1], fence(store, keys[1]).await, 1);
    failed.ended = vec![ended(request(1).job(1).unwrap(), fleet::End::Failed { failure })];
    settled(store, failed).await.unwrap();
    for key in [keys[3], keys[5]] {
        let mut result = settle(key, fence(store, key).await, 0);
        result.trouble = Some("nobody answers".to_owned());
        settled(store, result).await.unwrap();
    }
    let first = WaveCounts { total: 6, succeeded: 1, failed: 1, open: 4, lost: 1, away: 1 };
    assert_eq!(store.wave_counts(&[request(1)]).await.unwrap(), [first]);
    // A restart is not lost.
    let second = WaveCounts { total: 1, open: 1, ..WaveCounts::default() };
    let counts = store.wave_counts(&[request(2), request(9), request(1)]).await.unwrap();
    assert_eq!(counts, [second, WaveCounts::default(), first]);
    assert!(store.wave_counts(&[]).await.unwrap().is_empty());
}

pub(crate) async fn updates_are_listed_newest_first(store: &dyn Store) {
    let (project, keys) = fleet(store, 5).await;
    let other = create_project(store, "other").await;
    let foreign = import_new(store, vec![new_device("other", "foreign")]).await[0];
    // 1, 5 and 9 are calls of the one project, 3 is of the other; 4 is a rollout, 100 its wave.
    for number in [1, 5, 9] {
        let entries = [(keys[0], &[("a", "1")][..]), (keys[1], &[("a", "1")][..])];
        accepted_as(store, &engine(), accept(project, request(number), &entries)).await;
    }
    accept_one(store, other, 3, foreign, &[("a", "1")]).await;
    create(store, &engine(), rollout(project, 4, 5), devices(&keys), true).await.unwrap();
    let begin = first_wave(&stored(store, request(4)).await, &keys);
    stepped(store, &engine(), &begin).await.unwrap();

    let list = async |principal: &Principal, id: Option<&str>, limit: u32| {
        let (mut found, mut before) = (Vec::<UpdateHead>::new(), None);
        loop {
            let id = id.map(project_id);
            let page = store.updates(principal, id.as_ref(), before, limit).await.unwrap();
            assert!(page.updates.len() <= limit as usize);
            assert!(page.next.is_none_or(|next| before.is_none_or(|before| next < before)));
            found.extend(page.updates);
            before = page.next;
            if before.is_none() {
                return found;
            }
        }
    };
    let ids = |found: &[UpdateHead]| found.iter().map(|one| one.id).collect::<Vec<_>>();
    let expected = [9, 5, 4, 3, 1].map(request);
    for limit in [1, 2, 3, 5, 100] {
        assert_eq!(ids(&list(&engine(), None, limit).await), expected, "{limit}");
        let of_project = list(&engine(), Some("p"), limit).await;
        assert_eq!(ids(&of_project), [9, 5, 4, 1].map(request), "{limit}");
    }
    let client = Principal::client(other, "AK");
    assert_eq!(ids(&list(&client, None, 10).await), [request(3)]);
    assert!(list(&client, Some("p"), 10).await.is_empty());
    let both = Principal::user("anna", vec![project, other]);
    let all = list(&both, None, 10).await;
    assert_eq!(ids(&all), expected);
    let wave = UpdateHead {
        id: request(4),
        project_id: project_id("p"),
        door: Door::Native,
        actor: "user:anna".to_owned(),
        accepted_at: AT,
        phase: Some(Phase::Running),
    };
    assert_eq!(all[2], wave);
    assert_eq!((all[1].door, all[1].actor.as_str(), all[1].phase), (Door::Cph, "engine", None));
}

pub(crate) async fn what_a_wave_accepts_is_told(store: &dyn Store) {
    let (project, keys) = fleet(store, 5).await;
    create(store, &engine(), rollout(project, 1, 5), devices(&keys), true).await.unwrap();
    let begin = first_wave(&stored(store, request(1)).await, &keys);
    stepped(store, &engine(), &begin).await.unwrap();
    let commits = super::feed::told(store, 3).await;
    let expected = Change::Accepted {
        project,
        request: request(100),
        entries: vec![(1, keys[1])],
        records: vec![],
        power: false,
    };
    assert_eq!(commits[2].changes, [expected]);
}
