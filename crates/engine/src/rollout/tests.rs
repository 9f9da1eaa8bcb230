//! Rollouts on the real store, with phones that do what they are told and time that passes at once.

mod crashes;
pub(crate) mod phones;
mod repeats;

use std::time::Duration;

use fleet::limits::DESIRED_BYTES_MAX;
use fleet::rollout::{Source, Stop};
use fleet::{End, Ended, Failure, JobId, Kind, Operation, Phase, Plan, Refusal, Values, Window};
use store::Reads;
use store::write::DeviceChange;

use super::make::NewRollout;
use crate::command::Error;
use crate::{Ask, AskTarget};
use phones::{LOCALE, World, ask, id, named, set};

fn waves_of(wave: u32) -> Plan {
    Plan { wave, ..Plan::all_at_once() }
}

fn stops_at(failed: u32) -> Stop {
    Stop { failed: Some(failed), failed_percent: None }
}

#[tokio::test(start_paused = true)]
async fn the_canary_goes_first_and_waves_follow_in_order_with_a_pause() {
    let (world, engine) = World::with(25).await;
    let handle = engine.handle();
    let plan = Plan { canary: 5, pause_seconds: 60, ..waves_of(8) };
    let p = crate::operate::stage::project("p");
    let made =
        handle.create_update(&world.admin, handle.new_call(), &p, ask("fr", plan)).await.unwrap();
    assert_eq!((made.total, made.next, made.phase), (25, 0, Phase::Running));
    let done = world.comes_to_be(&made, Phase::Done).await;
    assert_eq!((done.next, done.wave, done.why), (25, 4, None));
    assert!(done.ended_at.is_some());
    let waves = world.reads().waves(&world.admin, made.id).await.unwrap();
    let sizes: Vec<_> = waves.iter().map(|wave| (wave.number, wave.first, wave.count)).collect();
    assert_eq!(sizes, [(1, 0, 5), (2, 5, 8), (3, 13, 8), (4, 21, 4)]);
    for pair in waves.windows(2) {
        let pause = pair[1].begun_at.since(pair[0].ended_at.unwrap());
        assert!(pause >= Duration::from_secs(60), "{pause:?}");
        assert!(pause < Duration::from_secs(62), "{pause:?}");
    }
    for number in 0..25 {
        assert_eq!(world.phones.value(&id(number), LOCALE).as_deref(), Some("fr"));
    }
    // The jobs are those of whoever asked.
    assert!(world.jobs(&made).await.iter().all(|found| found.job.actor == "admin"));
}

#[tokio::test(start_paused = true)]
async fn it_stops_at_so_many_failures_and_goes_on_a_wave_at_a_time_when_resumed() {
    let (world, engine) = World::with(20).await;
    let handle = engine.handle();
    world.phones.refuse(3);
    world.phones.refuse(7);
    let (p, _) = named(0);
    let plan = Plan { stop: stops_at(2), ..waves_of(5) };
    let made =
        handle.create_update(&world.admin, handle.new_call(), &p, ask("fr", plan)).await.unwrap();
    let stopped = world.comes_to_be(&made, Phase::Stopped).await;
    assert_eq!(stopped.next, 10);
    assert_eq!(stopped.why.as_deref(), Some("2 of 10 devices had failed: it stops at 2"));
    assert_eq!(stopped.ended_at, None);
    tokio::time::sleep(Duration::from_secs(60)).await;
    for number in 10..20 {
        assert_eq!(world.phones.value(&id(number), LOCALE), None);
    }
    let resumed = handle.resume_rollout(&world.admin, made.id).await.unwrap();
    assert_eq!(resumed.next, 15);
    let again = world.comes_to_be(&made, Phase::Stopped).await;
    assert_eq!(again.next, 15);
    assert_eq!(again.why.as_deref(), Some("2 of 15 devices had failed: it stops at 2"));
    // With the last wave there is nothing left that could stop.
    handle.resume_rollout(&world.admin, made.id).await.unwrap();
    let done = world.comes_to_be(&made, Phase::Done).await;
    assert_eq!(done.why.as_deref(), Some("2 of 20 devices had failed: it stops at 2"));
    let over = handle.resume_rollout(&world.admin, made.id).await;
    assert!(matches!(over, Err(Error::WrongPhase { phase: Phase::Done, .. })), "{over:?}");
}

#[tokio::test(start_paused = true)]
async fn it_stops_at_a_part_of_those_begun() {
    let (world, engine) = World::with(20).await;
    let handle = engine.handle();
    world.phones.refuse(4);
    let (p, _) = named(0);
    for (percent, phase, next) in [(10, Phase::Stopped, 10), (11, Phase::Done, 20)] {
        let stop = Stop { failed: None, failed_percent: Some(percent) };
        let plan = Plan { stop, ..waves_of(10) };
        let asked = ask(&format!("l{percent}"), plan);
        let made = handle.create_update(&world.admin, handle.new_call(), &p, asked).await.unwrap();
        let now = world.comes_to_be(&made, phase).await;
        assert_eq!(now.next, next);
    }
}

#[tokio::test(start_paused = true)]
async fn a_phone_that_goes_away_counts_as_failed_and_one_that_was_away_does_not() {
    let (world, engine) = World::with(6).await;
    let handle = engine.handle();
    let (p, stopped) = named(1);
    let change = DeviceChange::Stopped(true);
    world.phones.set_off(1, true);
    handle.change_device(&world.admin, &p, &stopped, change).await.unwrap();
    let plan = Plan { stop: stops_at(1), ..waves_of(3) };
    let made = handle
        .create_update(&world.admin, handle.new_call(), &p, ask("fr", plan.clone()))
        .await
        .unwrap();
    world.comes_to_be(&made, Phase::Done).await;
    let jobs = world.jobs(&made).await;
    let open: Vec<bool> = jobs.iter().map(|found| found.job.end.is_none()).collect();
    assert_eq!(open, [false, true, false, false, false, false]);
    assert!(jobs[1].job.stored);

    world.phones.set_off(2, true);
    let made =
        handle.create_update(&world.admin, handle.new_call(), &p, ask("de", plan)).await.unwrap();
    let stopped = world.comes_to_be(&made, Phase::Stopped).await;
    assert_eq!(stopped.next, 3);
    let why = stopped.why.unwrap();
    assert!(why.starts_with("1 of 3 devices had failed (1 of them could not be reached"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn it_is_paused_resumed_and_aborted() {
    let (world, engine) = World::with(12).await;
    let handle = engine.handle();
    let (p, _) = named(0);
    let plan = Plan { pause_seconds: 10, ..waves_of(4) };
    let made =
        handle.create_update(&world.admin, handle.new_call(), &p, ask("fr", plan)).await.unwrap();
    world.comes_to(&made, |it| it.wave == 1).await;
    let paused = handle.pause_rollout(&world.admin, made.id).await.unwrap();
    assert_eq!(paused.phase, Phase::Paused);
    assert_eq!(paused.why.as_deref(), Some("paused by admin"));
    tokio::time::sleep(Duration::from_secs(600)).await;
    let still = world.comes_to_be(&made, Phase::Paused).await;
    assert_eq!(still.wave, 1);
    handle.pause_rollout(&world.admin, made.id).await.unwrap();
    let resumed = handle.resume_rollout(&world.admin, made.id).await.unwrap();
    assert_eq!(resumed.why, None);
    world.comes_to(&made, |it| it.wave == 2).await;
    let aborted = handle.abort_rollout(&world.admin, made.id, false).await.unwrap();
    assert_eq!((aborted.phase, aborted.next), (Phase::Aborted, 8));
    assert!(aborted.ended_at.is_some());
    tokio::time::sleep(Duration::from_secs(600)).await;
    for number in 0..12 {
        let has = world.phones.value(&id(number), LOCALE);
        assert_eq!(has.as_deref(), (number < 8).then_some("fr"), "{number}");
    }
    for asked in [
        handle.pause_rollout(&world.admin, made.id).await,
        handle.resume_rollout(&world.admin, made.id).await,
        handle.abort_rollout(&world.admin, made.id, false).await,
    ] {
        assert!(matches!(asked, Err(Error::WrongPhase { phase: Phase::Aborted, .. })));
    }
    let (plain, _) = set(&handle, [id(0)], &[(LOCALE, "de")]).await;
    let not = handle.pause_rollout(&world.admin, plain).await;
    assert!(matches!(not, Err(Error::NotARollout(_))), "{not:?}");
    let nobody = handle.pause_rollout(&world.admin, handle.next_request_id()).await;
    assert!(matches!(nobody, Err(Error::NoSuchUpdate(_))), "{nobody:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_begins_outside_its_window() {
    let (world, engine) = World::with(3).await;
    let handle = engine.handle();
    let (p, _) = named(0);
    let minute = |after: i64| u16::try_from((world.now().0 / 60_000 + after) % 1_440).unwrap();
    let window = Some(Window { from_minute: minute(30), to_minute: minute(40) });
    let plan = Plan { window, ..waves_of(3) };
    let made =
        handle.create_update(&world.admin, handle.new_call(), &p, ask("fr", plan)).await.unwrap();
    let done = world.comes_to_be(&made, Phase::Done).await;
    let waited = done.ended_at.unwrap().since(made.created_at);
    assert!(waited > Duration::from_secs(29 * 60), "{waited:?}");
    assert!(waited < Duration::from_secs(31 * 60), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn what_has_stopped_is_resumed_within_its_window_alone() {
    let (world, engine) = World::with(20).await;
    let handle = engine.handle();
    world.phones.refuse(1);
    let minute = u16::try_from(handle.now().0 / 60_000 % (24 * 60)).unwrap();
    // Open for a minute or two: enough to stop in.
    let window = Window { from_minute: minute, to_minute: (minute + 2) % (24 * 60) };
    let (p, _) = named(0);
    let plan = Plan { stop: stops_at(1), window: Some(window), ..waves_of(5) };
    let made =
        handle.create_update(&world.admin, handle.new_call(), &p, ask("fr", plan)).await.unwrap();
    world.comes_to_be(&made, Phase::Stopped).await;
    tokio::time::sleep(Duration::from_secs(180)).await;
    let resumed = handle.resume_rollout(&world.admin, made.id).await;
    let Err(Error::WindowShut { opens }) = resumed else { panic!("{resumed:?}") };
    assert!(opens > handle.now() && window.is_open(opens));
    let stands = handle.rollout(&world.admin, made.id).await.unwrap();
    assert_eq!((stands.phase, stands.next), (Phase::Stopped, 5));
    tokio::time::sleep(opens.since(handle.now())).await;
    let resumed = handle.resume_rollout(&world.admin, made.id).await.unwrap();
    assert_eq!(resumed.next, 10);
}

#[tokio::test(start_paused = true)]
async fn nothing_follows_a_canary_of_phones_that_are_away() {
    let (world, engine) = World::with(4).await;
    let handle = engine.handle();
    let (p, first) = named(0);
    world.phones.set_off(0, true);
    let change = DeviceChange::Stopped(true);
    handle.change_device(&world.admin, &p, &first, change).await.unwrap();
    let plan = Plan { canary: 1, ..waves_of(3) };
    let made =
        handle.create_update(&world.admin, handle.new_call(), &p, ask("fr", plan)).await.unwrap();
    let paused = world.comes_to_be(&made, Phase::Paused).await;
    assert!(paused.why.unwrap().starts_with("none of the canary's 1 devices"));
    handle.resume_rollout(&world.admin, made.id).await.unwrap();
    world.comes_to_be(&made, Phase::Done).await;
}

#[tokio::test(start_paused = true)]
async fn named_devices_have_values_of_their_own_and_each_its_refusal() {
    let (world, engine) = World::with(3).await;
    let handle = engine.handle();
    let (p, frozen) = named(1);
    let change = DeviceChange::Frozen(true);
    handle.change_device(&world.admin, &p, &frozen, change).await.unwrap();
    let own = |value: &str| Values::from([(LOCALE.to_owned(), value.to_owned())]);
    let nobody = crate::operate::stage::device_id("nobody");
    let devices = [
        (named(2).1, own("de")),
        (nobody, own("de")),
        (named(1).1, Values::new()),
        (named(0).1, Values::new()),
    ];
    let target = AskTarget::Devices(devices.map(|(id, values)| phones::asked(id, values)).to_vec());
    let asked = Ask { target, kind: None, ..ask("fr", waves_of(3)) };
    let made = handle.create_update(&world.admin, handle.new_call(), &p, asked).await.unwrap();
    world.comes_to_be(&made, Phase::Done).await;
    assert_eq!(world.phones.value(&id(2), LOCALE).as_deref(), Some("de"));
    assert_eq!(world.phones.value(&id(0), LOCALE).as_deref(), Some("fr"));
    let reads = world.reads();
    let refused = reads.rollout_devices(&world.admin, made.id, 0, 10, true).await.unwrap();
    let refused: Vec<_> = refused.into_iter().map(|it| (it.position, it.refusal)).collect();
    use fleet::Refusal::{DeviceUnknown, Frozen};
    assert_eq!(refused, [(1, Some(DeviceUnknown)), (2, Some(Frozen))]);
    let waves = reads.waves(&world.admin, made.id).await.unwrap();
    let counts: Vec<_> = waves.iter().map(|wave| (wave.accepted, wave.refused)).collect();
    assert_eq!(counts, [(1, 2), (1, 0)]);
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_is_refused_as_a_whole() {
    let (world, engine) = World::with(2).await;
    let handle = engine.handle();
    let (p, _) = named(0);
    let with = |change: &dyn Fn(&mut Ask)| {
        let mut asked = ask("fr", waves_of(2));
        change(&mut asked);
        asked
    };
    for (asked, what) in [
        (with(&|it| it.plan.wave = 0), "rollout.wave"),
        (with(&|it| it.plan.canary = 9_000), "rollout.canary"),
        (with(&|it| it.plan.stop = stops_at(0)), "rollout.stop.failed"),
        (with(&|it| it.plan.stop.failed_percent = Some(101)), "rollout.stop.failed_percent"),
        (with(&|it| it.kind = None), "kind"),
        (with(&|it| it.patch.clear()), "set"),
        (with(&|it| it.operation = Operation::Reset), "operation"),
        (with(&|it| drop(it.patch.insert("pwd".to_owned(), "x".to_owned()))), "pwd"),
    ] {
        match handle.create_update(&world.admin, handle.new_call(), &p, asked).await {
            Err(Error::Invalid { what: named, .. }) => assert_eq!(named, what),
            other => panic!("{what}: {other:?}"),
        }
    }
    let text = Some("nobody".to_owned());
    let selector = fleet::Selector { text, ..fleet::Selector::default() };
    let asked = with(&|it| it.target = AskTarget::Selector(selector.clone()));
    let none = handle.create_update(&world.admin, handle.new_call(), &p, asked).await;
    assert!(matches!(none, Err(Error::NoneFound)), "{none:?}");
    assert!(world.reads().rollouts_open().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn no_more_is_asked_for_than_can_be_held() {
    let (world, engine) = World::with(1).await;
    let handle = engine.handle();
    let (p, phone) = named(0);
    let of = |bytes: usize| Values::from([(LOCALE.to_owned(), "x".repeat(bytes))]);
    let to = |count: usize, own: Values| {
        AskTarget::Devices(vec![phones::asked(phone.clone(), own); count])
    };
    let all = |patch: Values| Ask { patch, ..ask("", Plan::all_at_once()) };
    let what = |result: Result<(), Error>| match result {
        Err(Error::Invalid { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    let none = Values::new;
    for (asked, at_once, in_waves) in [
        (all(of(DESIRED_BYTES_MAX)), "set", "set"),
        (
            Ask { target: to(1, of(DESIRED_BYTES_MAX)), ..all(none()) },
            "device 1, set",
            "device 1, set",
        ),
        (Ask { target: to(1_100, of(1)), ..all(of(65_000)) }, "set", "set"),
        (Ask { target: to(1_100, none()), ..all(of(65_000)) }, "set", "rollout.wave"),
    ] {
        let made = handle.values_of(&world.admin, &p, asked.clone()).await;
        assert_eq!(what(made.map(drop)), at_once);
        let call = handle.new_call();
        let made = handle.create_update(&world.admin, call, &p, asked.clone()).await;
        assert_eq!(what(made.map(drop)), in_waves);
        if in_waves == at_once {
            let told = handle.dry_run(&world.admin, &p, &asked, 0, 10).await;
            assert_eq!(what(told.map(drop)), at_once);
        }
    }
    assert!(world.reads().rollouts_open().await.unwrap().is_empty());

    // One that was written down before that was looked at ends with a refusal.
    let found = world.reads().device(&world.admin, Some(&p), &phone).await.unwrap().remove(0);
    let new = NewRollout {
        project: (found.device.project, p.clone()),
        kind: Kind::Phone,
        operation: Operation::Update,
        patch: of(DESIRED_BYTES_MAX),
        plan: Plan::all_at_once(),
        source: Source::Devices,
        devices: vec![(found.device.key, phone.clone(), None)],
    };
    let made = handle.make_rollout(&world.admin, handle.new_call(), new).await.unwrap();
    world.comes_to_be(&made, Phase::Done).await;
    let devices = world.reads().rollout_devices(&world.admin, made.id, 0, 10, true).await.unwrap();
    let Some(Refusal::PropertiesInvalid { detail }) = &devices[0].refusal else {
        panic!("{devices:?}")
    };
    assert!(detail.ends_with("at most 65536 are allowed"), "{detail}");
}

#[tokio::test(start_paused = true)]
async fn what_is_cancelled_goes_back_to_what_was_asked_for_before() {
    let (world, engine) = World::with(4).await;
    let handle = engine.handle();
    let all = || (0..4).map(id);
    set(&handle, all(), &[(LOCALE, "fr")]).await;
    world.settled().await;
    world.phones.set_off(2, true);
    world.phones.set_off(3, true);
    let (request, _) = set(&handle, all(), &[(LOCALE, "de")]).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let cancelled = handle.cancel_update(&world.admin, request).await.unwrap();
    assert_eq!((cancelled.jobs, cancelled.left), (2, 0));
    let jobs = world.reads().jobs(&world.admin, &[request], 0, 10).await.unwrap();
    let is_cancelled = |end: &Option<Ended>| {
        let end = end.as_ref().map(|ended| &ended.end);
        matches!(end, Some(End::Failed { failure: Failure::Cancelled { by } }) if by == "admin")
    };
    let ends: Vec<bool> = jobs.iter().map(|found| is_cancelled(&found.job.end)).collect();
    assert_eq!(ends, [false, false, true, true]);
    world.phones.set_off(2, false);
    world.phones.set_off(3, false);
    world.settled().await;
    let have: Vec<_> = all().map(|id| world.phones.value(&id, LOCALE).unwrap()).collect();
    assert_eq!(have, ["de", "de", "fr", "fr"]);
    assert_eq!(handle.cancel_update(&world.admin, request).await.unwrap().jobs, 0);
    let nobody = handle.cancel_update(&world.admin, handle.next_request_id()).await;
    assert!(matches!(nobody, Err(Error::NoSuchUpdate(_))), "{nobody:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_rollout_begins_nothing_more() {
    let (world, engine) = World::with(4).await;
    let handle = engine.handle();
    let (p, _) = named(0);
    world.phones.set_off(1, true);
    let made = handle
        .create_update(&world.admin, handle.new_call(), &p, ask("fr", waves_of(2)))
        .await
        .unwrap();
    world.comes_to(&made, |it| it.wave == 1).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let aborted = handle.abort_rollout(&world.admin, made.id, true).await.unwrap();
    assert_eq!((aborted.phase, aborted.next), (Phase::Aborted, 2));
    let jobs: Vec<(JobId, bool)> = world
        .jobs(&made)
        .await
        .iter()
        .map(|found| (found.job.id, found.job.end.is_none()))
        .collect();
    assert!(jobs.len() == 2 && jobs.iter().all(|(_, open)| !open), "{jobs:?}");
    world.phones.set_off(1, false);
    world.settled().await;
    assert_eq!(world.phones.value(&id(1), LOCALE), None);
}
