//! Calls that are made again: by who did not hear that they were made.

use std::time::Duration;

use fleet::rollout::Source;
use fleet::{Door, Operation, Phase, Plan, Principal, Rollout, Values};
use store::write::{CreateRollout, DeviceChange};
use store::{Reads, Write};

use super::phones::{LOCALE, World, ask, id, named, set};
use super::waves_of;
use crate::command::{CameraAsked, Error, Update, UpdateEntry};
use crate::{Answer, CallId, Handle, Reserved};

/// An id of a call that may be made again.
fn repeatable(handle: &Handle) -> CallId {
    CallId { may_repeat: true, ..handle.new_call() }
}

/// What becomes of one key with this request.
async fn reserve(handle: &Handle, by: &Principal, parts: &[&[u8]]) -> Reserved {
    handle.reserve_key(by, "key", parts).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_update_made_again_has_the_jobs_that_it_had() {
    let (world, engine) = World::with(3).await;
    let handle = engine.handle();
    let (p, first) = named(0);
    let call = repeatable(&handle);
    let update = || {
        let entry = |number| UpdateEntry {
            device: Ok(named(number).1),
            clear: false,
            patch: Ok(Values::from([(LOCALE.to_owned(), "fr".to_owned())]).into()),
            camera: CameraAsked::default(),
            if_revision: None,
        };
        Update {
            call,
            door: Door::Native,
            project: p.clone(),
            kind: None,
            operation: Operation::Update,
            entries: (0..3).map(entry).collect(),
        }
    };
    let made = handle.update(&world.admin, update()).await.unwrap();
    assert!(made.iter().all(Result::is_ok), "{made:?}");
    // What would be refused by now was accepted then.
    handle.change_device(&world.admin, &p, &first, DeviceChange::Frozen(true)).await.unwrap();
    assert_eq!(handle.update(&world.admin, update()).await.unwrap(), made);
    let jobs = world.reads().jobs(&world.admin, &[call.request], 0, 10).await.unwrap();
    assert_eq!(jobs.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_rollout_made_again_is_the_same_and_one_half_written_down_is_written_on() {
    let (world, engine) = World::with(9).await;
    let handle = engine.handle();
    let (p, _) = named(0);
    let call = repeatable(&handle);
    let make = || handle.create_update(&world.admin, call, &p, ask("fr", waves_of(4)));
    let made = make().await.unwrap();
    let again = make().await.unwrap();
    assert_eq!((again.id, again.total), (made.id, 9));
    world.comes_to_be(&made, Phase::Done).await;
    assert_eq!(make().await.unwrap().phase, Phase::Done);
    assert_eq!(world.jobs(&made).await.len(), 9);

    let call = repeatable(&handle);
    let draft = Rollout {
        id: call.request,
        phase: Phase::Collecting,
        created_at: handle.now(),
        ..made.clone()
    };
    let written = world.reads().rollout_devices(&world.admin, made.id, 0, 2, false).await.unwrap();
    let devices =
        written.into_iter().map(|device| (device.device, device.device_id, None)).collect();
    let create = CreateRollout { rollout: draft, devices, last: false };
    let create = Write::CreateRollout(Box::new(create));
    handle.shared.store.write(&world.admin, create).await.unwrap().unwrap();
    let made = handle.create_update(&world.admin, call, &p, ask("de", waves_of(4)));
    let made = made.await.unwrap();
    assert_eq!((made.id, made.total), (call.request, 9));
    let all = world.reads().rollout_devices(&world.admin, made.id, 0, 99, false).await.unwrap();
    let ids: Vec<_> = all.iter().map(|device| device.device_id.to_string()).collect();
    assert_eq!(ids, (0..9).map(id).collect::<Vec<_>>());
    world.comes_to_be(&made, Phase::Done).await;
    assert_eq!(world.jobs(&made).await.len(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_the_callers_and_its_answer_is_sealed() {
    let (world, engine) = World::with(1).await;
    let handle = engine.handle();
    let other = Principal::account("AK");
    let parts: &[&[u8]] = &[b"POST", b"/x", b"{}"];
    let Reserved::Held(held) = reserve(&handle, &world.admin, parts).await else {
        panic!("not new")
    };
    assert!(held.call.may_repeat);
    assert!(matches!(reserve(&handle, &world.admin, parts).await, Reserved::InProgress));
    assert!(matches!(reserve(&handle, &other, parts).await, Reserved::Held(_)));
    // Where one part ends matters.
    let shifted: &[&[u8]] = &[b"POST/", b"x", b"{}"];
    assert!(matches!(reserve(&handle, &world.admin, shifted).await, Reserved::Reused));

    let first = held.call;
    handle.free_key(&world.admin, held).await.unwrap();
    let Reserved::Held(held) = reserve(&handle, &world.admin, parts).await else {
        panic!("not free")
    };
    assert_eq!(held.call, first);
    let headers = vec![("a".to_owned(), "b".to_owned())];
    let body = Some(b"a secret".to_vec());
    let answer = Answer { status: 201, headers, body };
    assert!(!format!("{answer:?}").contains("secret"));
    handle.keep_answer(&world.admin, held, &answer).await.unwrap();
    match reserve(&handle, &world.admin, parts).await {
        Reserved::Answered(kept) => assert_eq!(kept, answer),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_long_keeps_its_key() {
    let (world, engine) = World::with(1).await;
    let handle = engine.handle();
    let parts: &[&[u8]] = &[b"POST", b"/backup", b""];
    let Reserved::Held(held) = reserve(&handle, &world.admin, parts).await else {
        panic!("not new")
    };
    let call = held.call;
    let (made, is_made) = tokio::sync::oneshot::channel::<()>();
    let (holder, by) = (handle.clone(), world.admin.clone());
    let holding = tokio::spawn(async move {
        holder.hold_key(&by, held, async { is_made.await.unwrap_or_default() }).await
    });
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(45)).await;
        let again = reserve(&handle, &world.admin, parts).await;
        assert!(matches!(again, Reserved::InProgress), "{again:?}");
    }
    drop(made);
    let held = holding.await.unwrap();
    assert_eq!(held.call, call);
    let answer = Answer { status: 201, headers: Vec::new(), body: Some(b"{}".to_vec()) };
    handle.keep_answer(&world.admin, held, &answer).await.unwrap();
    match reserve(&handle, &world.admin, parts).await {
        Reserved::Answered(kept) => assert_eq!(kept, answer),
        other => panic!("{other:?}"),
    }
}

/// Writes a rollout down as who died in the middle of it has left it: with these devices of
/// `made`, whose plan it has.
async fn left_half_written(world: &World, handle: &Handle, draft: Rollout, of: &[(Rollout, u32)]) {
    let mut devices = Vec::new();
    for (made, at) in of {
        let found = world.reads().rollout_devices(&world.admin, made.id, *at, 1, false).await;
        let device = found.unwrap().remove(0);
        devices.push((device.device, device.device_id, None));
    }
    let create = CreateRollout { rollout: draft, devices, last: false };
    let create = Write::CreateRollout(Box::new(create));
    handle.shared.store.write(&world.admin, create).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_was_given_up_half_written_is_not_answered_as_begun() {
    let (world, engine) = World::with(3).await;
    let handle = engine.handle();
    let (p, _) = named(0);
    let plan = || ask("fr", waves_of(2));
    let made = handle.create_update(&world.admin, handle.new_call(), &p, plan()).await.unwrap();
    world.comes_to_be(&made, Phase::Done).await;

    let call = repeatable(&handle);
    let (id, phase) = (call.request, Phase::Collecting);
    let draft = Rollout { id, phase, created_at: handle.now(), ..made.clone() };
    left_half_written(&world, &handle, draft, &[(made, 0)]).await;
    tokio::time::sleep(Duration::from_secs(700)).await;
    let left = world.reads().rollout(&world.admin, id).await.unwrap().unwrap();
    assert_eq!((left.phase, left.next), (Phase::Aborted, 0));
    for _ in 0..2 {
        let again = handle.create_update(&world.admin, call, &p, plan()).await;
        assert!(matches!(again, Err(Error::NotWhole(it)) if it == id), "{again:?}");
    }
    // Who aborts one that was whole has it answered as it was.
    let call = repeatable(&handle);
    let slow = Plan { pause_seconds: 3_600, ..waves_of(1) };
    let whole = handle.create_update(&world.admin, call, &p, ask("de", slow)).await.unwrap();
    handle.abort_rollout(&world.admin, whole.id, false).await.unwrap();
    let again = handle.create_update(&world.admin, call, &p, plan()).await.unwrap();
    assert_eq!((again.id, again.phase), (whole.id, Phase::Aborted));
}

#[tokio::test(start_paused = true)]
async fn a_half_written_revert_is_written_on_by_its_devices() {
    let (world, engine) = World::with(4).await;
    let handle = engine.handle();
    let (p, _) = named(0);
    for value in ["fr", "de"] {
        let asked = ask(value, Plan::all_at_once());
        let made = handle.create_update(&world.admin, handle.new_call(), &p, asked).await.unwrap();
        world.comes_to_be(&made, Phase::Done).await;
        if value == "fr" {
            continue;
        }
        let call = repeatable(&handle);
        let draft = Rollout {
            id: call.request,
            phase: Phase::Collecting,
            created_at: handle.now(),
            source: Source::RevertOf(made.id),
            ..made.clone()
        };
        let of = [(made.clone(), 0), (made.clone(), 1), (made.clone(), 2)];
        left_half_written(&world, &handle, draft, &of).await;
        // The first is not brought back any more, so that the list is another.
        set(&handle, [id(0)], &[(LOCALE, "it")]).await;
        world.settled().await;
        let plan = Plan::all_at_once();
        let back = handle.revert_update(&world.admin, call, made.id, plan).await.unwrap().rollout;
        let all = world.reads().rollout_devices(&world.admin, back.id, 0, 99, false).await.unwrap();
        let ids: Vec<_> = all.iter().map(|device| device.device_id.to_string()).collect();
        assert_eq!(ids, (0..4).map(id).collect::<Vec<_>>());
        assert_eq!(back.total, 4);
    }
}
