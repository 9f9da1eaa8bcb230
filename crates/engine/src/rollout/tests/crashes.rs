//! Nodes that die between two steps, and nodes that take the same step.

use std::collections::BTreeMap;
use std::time::Duration;

use fleet::{DeviceId, Phase, Plan, Principal, Rollout};
use store::Reads;
use store::write::RolloutStep;

use super::phones::{World, ask, id, named, set};
use super::waves_of;
use crate::Handle;

/// Longer than any test.
const NEVER: Duration = Duration::from_secs(1_000_000);

async fn read(world: &World, rollout: &Rollout) -> Rollout {
    world.reads().rollout(&world.admin, rollout.id).await.unwrap().unwrap()
}

/// Takes one step of the rollout, if there is one.
async fn one_step(handle: &Handle, rollout: &Rollout) -> bool {
    let engine = Principal::engine();
    let counted = handle.count(&engine, rollout).await.unwrap();
    handle.step(&engine, rollout, counted).await.unwrap()
}

/// Every device has one job, and the waves follow each other without a gap.
async fn each_has_begun_once(world: &World, rollout: &Rollout, phones: usize) {
    let mut jobs: BTreeMap<DeviceId, usize> = BTreeMap::new();
    for found in world.jobs(rollout).await {
        *jobs.entry(found.device_id).or_default() += 1;
    }
    assert_eq!(jobs.len(), phones);
    assert!(jobs.values().all(|count| *count == 1), "{jobs:?}");
    let waves = world.reads().waves(&world.admin, rollout.id).await.unwrap();
    let mut next = 0;
    for (number, wave) in (1..).zip(&waves) {
        assert_eq!((wave.number, wave.first), (number, next));
        next += wave.count;
    }
    assert_eq!(next as usize, phones);
}

#[tokio::test(start_paused = true)]
async fn a_death_after_every_step_begins_no_wave_twice_and_leaves_none_out() {
    let (world, engine) = World::with(11).await;
    let (p, _) = named(0);
    let plan = Plan { canary: 1, pause_seconds: 3, ..waves_of(4) };
    let made = engine
        .handle()
        .create_update(&world.admin, engine.handle().new_call(), &p, ask("fr", plan))
        .await
        .unwrap();
    drop(engine);
    let mut deaths = 0;
    for _ in 0..1_000 {
        let rollout = read(&world, &made).await;
        if rollout.phase == Phase::Done {
            break;
        }
        let engine = world.engine_that_looks("node", NEVER).await;
        if one_step(&engine.handle(), &rollout).await {
            deaths += 1;
        } else {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        drop(engine);
    }
    // Four waves that begin and end, and the end of it all.
    assert!((8..=9).contains(&deaths), "{deaths}");
    assert_eq!(read(&world, &made).await.phase, Phase::Done);
    each_has_begun_once(&world, &made, 11).await;
    let engine = world.engine("node").await;
    world.settled().await;
    drop(engine);
    for number in 0..11 {
        assert_eq!(world.phones.value(&id(number), super::LOCALE).as_deref(), Some("fr"));
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_nodes_that_begin_a_wave_one_does() {
    let (world, engine) = World::with(6).await;
    let (p, _) = named(0);
    drop(engine);
    let first = world.engine_that_looks("node", NEVER).await;
    let second = world.engine_that_looks("other", NEVER).await;
    let made = first
        .handle()
        .create_update(&world.admin, first.handle().new_call(), &p, ask("fr", waves_of(2)))
        .await;
    // The first look of a driver is at once, so one wave may have begun by then.
    let made = made.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    for _ in 0..100 {
        let rollout = read(&world, &made).await;
        if rollout.phase == Phase::Done {
            break;
        }
        let (one, two) = (first.handle(), second.handle());
        let (one, two) = tokio::join!(one_step(&one, &rollout), one_step(&two, &rollout));
        assert!(!(one && two), "both took the step of {rollout:?}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    each_has_begun_once(&world, &made, 6).await;
}

#[tokio::test(start_paused = true)]
async fn a_stale_step_changes_nothing() {
    let (world, engine) = World::with(4).await;
    let handle = engine.handle();
    let (p, _) = named(0);
    drop(engine);
    let plan = Plan { pause_seconds: 3_600, ..waves_of(2) };
    let engine = world.engine("node").await;
    let made = engine
        .handle()
        .create_update(&world.admin, engine.handle().new_call(), &p, ask("fr", plan))
        .await
        .unwrap();
    let stale = read(&world, &made).await;
    let begun = world.comes_to(&made, |it| it.wave == 1 && it.next_at.is_some()).await;
    let next = RolloutStep::of(&stale);
    assert!(!handle.begin_wave(&world.admin, &stale, 2, next).await.unwrap());
    assert_eq!(read(&world, &made).await, begun);
    assert_eq!(world.jobs(&made).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn two_nodes_follow_many_rollouts_and_one_takes_over_from_the_other() {
    let (world, engine) = World::with(8).await;
    let (p, _) = named(0);
    let second = world.engine("other").await;
    // They share the shards.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let mut made = Vec::new();
    for number in 0..6 {
        let plan = Plan { pause_seconds: 5, ..waves_of(3) };
        let handle = if number % 2 == 0 { engine.handle() } else { second.handle() };
        let asked = ask(&format!("l{number}"), plan);
        made.push(handle.create_update(&world.admin, handle.new_call(), &p, asked).await.unwrap());
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    drop(second);
    for rollout in &made {
        world.comes_to_be(rollout, Phase::Done).await;
        each_has_begun_once(&world, rollout, 8).await;
    }
    let handle = engine.handle();
    set(&handle, [id(0)], &[(super::LOCALE, "fr")]).await;
    world.settled().await;
}
