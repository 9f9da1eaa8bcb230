use fleet::{Before, End, Ended, Failure, Phase, Plan, Proof, Revision, Timestamp, Window};
use store::{Old, Reads};

use super::*;
use crate::rollout::tests::phones::{LOCALE, World, ask, id, named, set};

const NUMERIC: &str = "gsm.operator.numeric";

fn locales(world: &World, phones: usize) -> Vec<String> {
    (0..phones).map(|number| world.phones.value(&id(number), LOCALE).unwrap_or_default()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_revert_brings_all_back_but_what_has_changed_since() {
    let (world, engine) = World::with(6).await;
    let handle = engine.handle();
    let (p, _) = named(0);
    set(&handle, (0..6).map(id), &[(LOCALE, "fr")]).await;
    world.settled().await;
    world.phones.refuse(5);
    let mut asked = ask("de", Plan { wave: 4, ..Plan::all_at_once() });
    asked.patch.insert(NUMERIC.to_owned(), "46000".to_owned());
    let made = handle.create_update(&world.admin, handle.new_call(), &p, asked).await.unwrap();
    world.comes_to_be(&made, Phase::Done).await;
    set(&handle, [id(3)], &[(LOCALE, "it")]).await;
    world.settled().await;
    assert_eq!(locales(&world, 6), ["de", "de", "de", "it", "de", "fr"]);
    let explained = handle.explain(&world.admin, &p, &named(0).1, Some(LOCALE)).await.unwrap();
    let asked = explained.values[0].asked.as_ref().unwrap();
    assert_eq!(asked.rollout, Some(made.id), "and its request is a wave's");
    assert_ne!(asked.job.job.id.request(), made.id);
    let explained = handle.explain(&world.admin, &p, &named(3).1, Some(LOCALE)).await.unwrap();
    assert_eq!(explained.values[0].asked.as_ref().unwrap().rollout, None);

    let plan = Plan { wave: 2, ..Plan::all_at_once() };
    let reverted =
        handle.revert_update(&world.admin, handle.new_call(), made.id, plan.clone()).await.unwrap();
    assert_eq!(reverted.rollout.source, Source::RevertOf(made.id));
    assert_eq!((reverted.rollout.total, &reverted.rollout.plan), (5, &plan));
    // Of the other value nothing is known from before, on each of the six.
    assert_eq!(reverted.left_out_total, 7);
    let left: Vec<_> = reverted.left_out.iter().filter(|left| left.name == LOCALE).collect();
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].device.as_str(), left[0].why), (id(3).as_str(), CHANGED));
    assert!(reverted.left_out.iter().any(|left| left.name == NUMERIC && left.why == NOTHING));
    world.comes_to_be(&made, Phase::Done).await;
    let reverted = world.comes_to_be(&reverted.rollout, Phase::Done).await;
    world.settled().await;
    assert_eq!(locales(&world, 6), ["fr", "fr", "fr", "it", "fr", "fr"]);

    // And forth again: what a revert did is an update like any other.
    let forth = handle
        .revert_update(&world.admin, handle.new_call(), reverted.id, Plan::all_at_once())
        .await
        .unwrap();
    world.comes_to_be(&forth.rollout, Phase::Done).await;
    world.settled().await;
    assert_eq!(locales(&world, 6)[..3], ["de", "de", "de"]);
    let nothing = handle
        .revert_update(&world.admin, handle.new_call(), reverted.id, Plan::all_at_once())
        .await;
    assert!(matches!(nothing, Err(Error::NothingToRevert(_))), "{nothing:?}");
}

#[tokio::test(start_paused = true)]
async fn what_runs_is_not_reverted_and_what_has_stopped_is_given_up_with_it() {
    let (world, engine) = World::with(4).await;
    let handle = engine.handle();
    let (p, _) = named(0);
    set(&handle, (0..4).map(id), &[(LOCALE, "fr")]).await;
    world.settled().await;
    let plan = Plan { wave: 2, pause_seconds: 600, ..Plan::all_at_once() };
    let made =
        handle.create_update(&world.admin, handle.new_call(), &p, ask("de", plan)).await.unwrap();
    world.comes_to(&made, |it| it.wave == 1 && it.next_at.is_some()).await;
    let runs =
        handle.revert_update(&world.admin, handle.new_call(), made.id, Plan::all_at_once()).await;
    assert!(matches!(runs, Err(Error::WrongPhase { phase: Phase::Running, .. })), "{runs:?}");
    handle.pause_rollout(&world.admin, made.id).await.unwrap();
    let wave = world.reads().waves(&world.admin, made.id).await.unwrap()[0].request;
    let part =
        handle.revert_update(&world.admin, handle.new_call(), wave, Plan::all_at_once()).await;
    assert!(matches!(part, Err(Error::WaveOfOpen(of)) if of == made.id), "{part:?}");
    let back = handle
        .revert_update(&world.admin, handle.new_call(), made.id, Plan::all_at_once())
        .await
        .unwrap();
    assert_eq!(back.rollout.total, 2);
    world.comes_to_be(&made, Phase::Aborted).await;
    world.comes_to_be(&back.rollout, Phase::Done).await;
    let again =
        handle.revert_update(&world.admin, handle.new_call(), wave, Plan::all_at_once()).await;
    assert!(matches!(again, Err(Error::NothingToRevert(_))), "it is over: {again:?}");
    world.settled().await;
    assert_eq!(locales(&world, 4), ["fr", "fr", "fr", "fr"]);
    let nobody = handle.next_request_id();
    let nobody =
        handle.revert_update(&world.admin, handle.new_call(), nobody, Plan::all_at_once()).await;
    assert!(matches!(nobody, Err(Error::NoSuchUpdate(_))), "{nobody:?}");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_tells_what_a_revert_would_do_and_does_nothing() {
    let (world, engine) = World::with(4).await;
    let handle = engine.handle();
    let (p, device) = named(0);
    set(&handle, (0..4).map(id), &[(LOCALE, "fr")]).await;
    world.settled().await;
    let plan = Plan { wave: 3, pause_seconds: 600, ..Plan::all_at_once() };
    let made =
        handle.create_update(&world.admin, handle.new_call(), &p, ask("de", plan)).await.unwrap();
    world.comes_to(&made, |it| it.wave == 1 && it.next_at.is_some()).await;
    let once = Plan::all_at_once();
    let dry =
        |after, limit| handle.dry_run_revert_update(&world.admin, made.id, &once, after, limit);
    let runs = dry(0, 10).await;
    assert!(matches!(runs, Err(Error::WrongPhase { phase: Phase::Running, .. })), "{runs:?}");
    handle.pause_rollout(&world.admin, made.id).await.unwrap();
    set(&handle, [id(2)], &[(LOCALE, "it")]).await;
    world.settled().await;
    let reads = world.reads();
    let state =
        || async { reads.device(&world.admin, Some(&p), &device).await.unwrap().remove(0).state };
    let before = state().await;

    let first = dry(0, 1).await.unwrap();
    let counted = first.counted.clone().unwrap();
    assert_eq!((counted.total, counted.left_out_total, first.page.next), (2, 1, Some(1)));
    assert_eq!((&counted.left_out[0].device, counted.left_out[0].why), (&named(2).1, CHANGED));
    let second = dry(1, 1).await.unwrap();
    assert_eq!((&second.counted, second.page.next), (&None, Some(2)));
    // What was changed since is looked at, and not told of; beyond it there is nothing.
    for after in [2, 3, 1 << 16, u64::MAX] {
        let rest = dry(after, 10).await.unwrap();
        assert!(rest.page.devices.is_empty() && rest.page.next.is_none(), "{after}: {rest:?}");
    }
    let of_device = handle
        .dry_run_revert_device(&world.admin, &p, &device, Revision(before.revision.0 - 1))
        .await
        .unwrap();
    let counted = of_device.counted.clone().unwrap();
    assert_eq!((counted.total, counted.left_out_total, of_device.page.next), (1, 0, None));
    for (predicted, number) in [(&first, 0), (&second, 1), (&of_device, 0)] {
        let [foretold] = predicted.page.devices.as_slice() else { panic!("{predicted:?}") };
        let [change] = foretold.changes.as_slice() else { panic!("{foretold:?}") };
        assert_eq!((foretold.id.as_str(), foretold.refused.as_ref()), (id(number).as_str(), None));
        assert_eq!((change.name.as_str(), change.to.as_str()), (LOCALE, "fr"));
        assert_eq!(change.desired.as_deref(), Some("de"));
    }
    let never = Revision(before.revision.0 + 1);
    let refused = handle.dry_run_revert_device(&world.admin, &p, &device, never).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");

    let after = state().await;
    assert_eq!((after.revision, &after.desired), (before.revision, &before.desired));
    assert_eq!(reads.rollouts_open().await.unwrap().len(), 1);
    assert_eq!(locales(&world, 4), ["de", "de", "it", "fr"]);
    let found = reads.rollout(&world.admin, made.id).await.unwrap().unwrap();
    assert_eq!(found.phase, Phase::Paused);

    // It is as it was foretold.
    let back = handle.revert_update(&world.admin, handle.new_call(), made.id, once.clone()).await;
    assert_eq!(back.unwrap().rollout.total, 2);
}

#[tokio::test(start_paused = true)]
async fn a_device_goes_back_to_a_revision() {
    let (world, engine) = World::with(1).await;
    let handle = engine.handle();
    let (p, device) = named(0);
    for value in ["fr", "de", "it"] {
        set(&handle, [id(0)], &[(LOCALE, value)]).await;
        world.settled().await;
    }
    set(&handle, [id(0)], &[(NUMERIC, "46000")]).await;
    world.settled().await;
    let reads = world.reads();
    let state =
        || async { reads.device(&world.admin, Some(&p), &device).await.unwrap().remove(0).state };
    let revision = state().await.revision;
    let to = |back: i64| {
        handle.revert_device(&world.admin, handle.new_call(), &p, &device, Revision(back))
    };
    let reverted = to(revision.0 - 3).await.unwrap();
    assert_eq!(reverted.values, Values::from([(LOCALE.to_owned(), "fr".to_owned())]));
    assert!(reverted.job.is_ok());
    assert_eq!(reverted.left_out.len(), 1);
    assert_eq!(reverted.left_out[0].name, NUMERIC);
    world.settled().await;
    assert_eq!(world.phones.value(&id(0), LOCALE).as_deref(), Some("fr"));
    let last = state().await.revision;
    let same = to(last.0).await;
    assert!(matches!(same, Err(Error::NothingToRevert(_))), "{same:?}");
    for never in [-1, last.0 + 1] {
        let refused = to(never).await;
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_goes_back_as_far_as_its_jobs_are_kept() {
    let (world, engine) = World::with(1).await;
    let handle = engine.handle();
    let (p, device) = named(0);
    set(&handle, [id(0)], &[(NUMERIC, "46000")]).await;
    world.settled().await;
    for value in ["fr", "de", "it"] {
        set(&handle, [id(0)], &[(LOCALE, value)]).await;
        world.settled().await;
    }
    let reads = world.reads();
    let key = reads.device(&world.admin, Some(&p), &device).await.unwrap().remove(0).device.key;
    let jobs = reads.history(&world.admin, key, None, 9).await.unwrap().jobs;
    let store = &handle.shared.store;
    let epoch = store.epochs().await.unwrap().remove(0);
    let first = RequestId::from_bytes([0; 16]);
    let up_to = jobs[2].job.id.request();
    let old = Old { up_to, ended_by: Timestamp(i64::MAX), kept: Vec::new() };
    let forgotten = store.forget_jobs(epoch, &old, first, 9).await.unwrap();
    assert_eq!(forgotten.jobs, 2);
    let left = reads.history(&world.admin, key, None, 9).await.unwrap();
    assert_eq!((left.jobs.len(), left.next, left.is_cut), (2, None, true));

    let to = |to: Revision| handle.revert_device(&world.admin, handle.new_call(), &p, &device, to);
    let kept = Revision(jobs[1].job.revision.0 - 1);
    for gone in [Revision(0), Revision(kept.0 - 1)] {
        let refused = to(gone).await.unwrap_err().to_string();
        assert!(refused.contains(&format!("kept back to revision {}", kept.0)), "{refused}");
    }
    let explained = handle.explain(&world.admin, &p, &device, Some(NUMERIC)).await.unwrap();
    let why = explained.values[0].asked.as_ref().err();
    assert!(why.is_some_and(|why| why.contains("updates of this device that are kept")), "{why:?}");
    let back = to(kept).await.unwrap();
    assert_eq!(back.values, Values::from([(LOCALE.to_owned(), "fr".to_owned())]));
}

/// Asks for the factory reset of a phone that forgets what was asked of it.
async fn reset(handle: &Handle, number: usize) -> RequestId {
    let call = handle.new_call();
    let (project, device) = named(number);
    let entry = UpdateEntry {
        device: Ok(device),
        clear: true,
        patch: Ok(Values::new().into()),
        camera: CameraAsked::default(),
        if_revision: None,
    };
    let operation = Operation::Reset;
    let entries = vec![entry];
    let update = Update { call, door: Door::Cph, project, kind: None, operation, entries };
    let jobs = handle.update(&Principal::admin(), update).await.unwrap();
    assert!(jobs.iter().all(Result::is_ok), "{jobs:?}");
    call.request
}

#[tokio::test(start_paused = true)]
async fn what_a_factory_reset_forgot_is_asked_for_again() {
    let (world, engine) = World::with(1).await;
    let handle = engine.handle();
    let (p, device) = named(0);
    for (name, value) in [(LOCALE, "fr"), (NUMERIC, "46000")] {
        set(&handle, [id(0)], &[(name, value)]).await;
        world.settled().await;
    }
    let reads = world.reads();
    let state =
        || async { reads.device(&world.admin, Some(&p), &device).await.unwrap().remove(0).state };
    let asked = Values::from([
        (LOCALE.to_owned(), "fr".to_owned()),
        (NUMERIC.to_owned(), "46000".to_owned()),
    ]);
    let both = state().await.revision;
    reset(&handle, 0).await;
    world.settled().await;
    assert!(state().await.desired.0.is_empty(), "it has forgotten");
    let call = handle.new_call();
    let reverted = handle.revert_device(&world.admin, call, &p, &device, both).await.unwrap();
    assert_eq!((&reverted.values, reverted.left_out.len()), (&asked, 0));
    world.settled().await;
    assert_eq!(state().await.desired.values(), asked);
    assert_eq!(world.phones.value(&id(0), NUMERIC).as_deref(), Some("46000"));

    // And as the update that it was.
    let forgot = reset(&handle, 0).await;
    world.settled().await;
    assert!(state().await.desired.0.is_empty(), "it has forgotten again");
    let back = handle
        .revert_update(&world.admin, handle.new_call(), forgot, Plan::all_at_once())
        .await
        .unwrap();
    assert_eq!(back.left_out_total, 0);
    world.comes_to_be(&back.rollout, Phase::Done).await;
    world.settled().await;
    assert_eq!(state().await.desired.values(), asked);
}

#[tokio::test(start_paused = true)]
async fn what_was_only_cancelled_since_is_no_change() {
    let (world, engine) = World::with(2).await;
    let handle = engine.handle();
    set(&handle, (0..2).map(id), &[(LOCALE, "fr")]).await;
    world.settled().await;
    let (first, _) = set(&handle, (0..2).map(id), &[(LOCALE, "de")]).await;
    world.settled().await;
    // One was changed in earnest, and then asked for the same again.
    for value in ["it", "de"] {
        set(&handle, [id(1)], &[(LOCALE, value)]).await;
        world.settled().await;
    }
    for number in 0..2 {
        world.phones.set_off(number, true);
        let (later, _) = set(&handle, [id(number)], &[(LOCALE, "es")]).await;
        assert_eq!(handle.cancel_update(&world.admin, later).await.unwrap().jobs, 1);
        world.phones.set_off(number, false);
    }
    let back = handle
        .revert_update(&world.admin, handle.new_call(), first, Plan::all_at_once())
        .await
        .unwrap();
    assert_eq!((back.rollout.total, back.left_out_total), (1, 1));
    assert_eq!((back.left_out[0].device.as_str(), back.left_out[0].why), (&*id(1), CHANGED));
    world.comes_to_be(&back.rollout, Phase::Done).await;
    world.settled().await;
    assert_eq!(locales(&world, 2), ["fr", "de"]);
}

#[tokio::test(start_paused = true)]
async fn a_revert_that_is_refused_ends_nothing() {
    let (world, engine) = World::with(4).await;
    let handle = engine.handle();
    let (p, _) = named(0);
    let plan = Plan { wave: 2, pause_seconds: 600, ..Plan::all_at_once() };
    let made =
        handle.create_update(&world.admin, handle.new_call(), &p, ask("de", plan)).await.unwrap();
    world.comes_to(&made, |it| it.wave == 1 && it.next_at.is_some()).await;
    handle.pause_rollout(&world.admin, made.id).await.unwrap();
    let nothing =
        handle.revert_update(&world.admin, handle.new_call(), made.id, Plan::all_at_once()).await;
    assert!(matches!(nothing, Err(Error::NothingToRevert(_))), "{nothing:?}");
    world.comes_to_be(&made, Phase::Paused).await;
    let resumed = handle.resume_rollout(&world.admin, made.id).await.unwrap();
    assert_eq!(resumed.phase, Phase::Running);
    world.comes_to_be(&made, Phase::Done).await;
}

#[tokio::test(start_paused = true)]
async fn an_update_of_which_nothing_has_begun_is_known() {
    let (world, engine) = World::with(1).await;
    let handle = engine.handle();
    let (p, _) = named(0);
    // It is eight o'clock.
    let window = Some(Window { from_minute: 20 * 60, to_minute: 21 * 60 });
    let plan = Plan { window, ..Plan::all_at_once() };
    let made =
        handle.create_update(&world.admin, handle.new_call(), &p, ask("de", plan)).await.unwrap();
    handle.pause_rollout(&world.admin, made.id).await.unwrap();
    for phase in [Phase::Paused, Phase::Aborted] {
        let call = handle.new_call();
        let nothing = handle.revert_update(&world.admin, call, made.id, Plan::all_at_once()).await;
        let Err(Error::NothingToRevert(why)) = nothing else { panic!("{nothing:?}") };
        assert_eq!(why, "nothing of it has begun");
        world.comes_to_be(&made, phase).await;
        drop(handle.abort_rollout(&world.admin, made.id, false).await);
    }
}

/// A job of a GB device that has ended so.
fn job(revision: i64, patch: &[(&str, &str)], were: &[(&str, Option<&str>)], end: End) -> Job {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let before = |(name, desired): &(&str, Option<&str>)| {
        let before =
            Before { desired: text(*desired), shown: text(Some("cam")), ..Before::default() };
        ((*name).to_owned(), before)
    };
    let values = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Job {
        id: RequestId::from_parts(1_000, 7).job(0).unwrap(),
        device: DeviceKey(1),
        project: ProjectKey(1),
        revision: Revision(revision),
        operation: Operation::Update,
        clear: false,
        patch: patch.iter().map(values).collect(),
        record: Values::new(),
        before: were.iter().map(before).collect(),
        stored: false,
        door: Door::Native,
        actor: "anna".to_owned(),
        accepted_at: Timestamp(1),
        end: Some(Ended { end, at: Timestamp(2), superseded_by: None }),
    }
}

#[test]
fn of_a_cancelled_job_stays_what_did_not_go_back() {
    let cancelled = End::Failed { failure: Failure::Cancelled { by: "anna".to_owned() } };
    let patch = &[("Name", "new"), ("HeartBeatInterval", "30")];
    let were = &[("Name", None), ("HeartBeatInterval", Some("60")), ("Desc", Some("old"))];
    let mut job = job(3, patch, were, cancelled);
    job.record = Values::from([("Desc".to_owned(), "new".to_owned())]);
    let mut done = Done::default();
    done.add(JobWithDevice {
        job,
        device_id: named(0).1,
        project_id: named(0).0,
        server: String::new(),
        trouble: None,
    });
    let changes = &done.changes[&DeviceKey(1)];
    assert_eq!(changes.keys().collect::<Vec<_>>(), ["Desc", "Name"]);
    assert_eq!(changes["Desc"].asked.as_deref(), Some("new"));
    let name = &changes["Name"];
    assert_eq!(name.asked, None, "nothing is desired any more");
    assert_eq!(name.before.as_ref().unwrap().shown.as_deref(), Some("cam"));
}

#[test]
fn a_reset_forgets_only_if_it_has_succeeded() {
    let succeeded = End::Succeeded { proof: Proof::Verified };
    let failed = End::Failed { failure: Failure::Deleted };
    for (end, forgotten) in [(succeeded, vec!["a"]), (failed, vec![])] {
        let mut job = job(3, &[("b", "2")], &[("a", Some("1")), ("b", Some("1"))], end);
        (job.operation, job.clear) = (Operation::Reset, true);
        assert_eq!(job.forgotten().collect::<Vec<_>>(), forgotten);
        let mut changes = Changes::new();
        note(&mut changes, &job);
        assert_eq!(changes.contains_key("a"), !forgotten.is_empty());
    }
}
