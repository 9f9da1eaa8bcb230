use fleet::{Phase, Plan, Revision};
use store::Reads;

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
    let made = handle.create_update(&world.admin, &p, asked).await.unwrap();
    world.comes_to_be(&made, Phase::Done).await;
    set(&handle, [id(3)], &[(LOCALE, "it")]).await;
    world.settled().await;
    assert_eq!(locales(&world, 6), ["de", "de", "de", "it", "de", "fr"]);

    let plan = Plan { wave: 2, ..Plan::all_at_once() };
    let reverted = handle.revert_update(&world.admin, made.id, plan.clone()).await.unwrap();
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
    let forth = handle.revert_update(&world.admin, reverted.id, Plan::all_at_once()).await.unwrap();
    world.comes_to_be(&forth.rollout, Phase::Done).await;
    world.settled().await;
    assert_eq!(locales(&world, 6)[..3], ["de", "de", "de"]);
    let nothing = handle.revert_update(&world.admin, reverted.id, Plan::all_at_once()).await;
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
    let made = handle.create_update(&world.admin, &p, ask("de", plan)).await.unwrap();
    world.comes_to(&made, |it| it.wave == 1 && it.next_at.is_some()).await;
    let runs = handle.revert_update(&world.admin, made.id, Plan::all_at_once()).await;
    assert!(matches!(runs, Err(Error::WrongPhase { phase: Phase::Running, .. })), "{runs:?}");
    handle.pause_rollout(&world.admin, made.id).await.unwrap();
    let back = handle.revert_update(&world.admin, made.id, Plan::all_at_once()).await.unwrap();
    assert_eq!(back.rollout.total, 2);
    world.comes_to_be(&made, Phase::Aborted).await;
    world.comes_to_be(&back.rollout, Phase::Done).await;
    world.settled().await;
    assert_eq!(locales(&world, 4), ["fr", "fr", "fr", "fr"]);
    let nobody = handle.next_request_id();
    let nobody = handle.revert_update(&world.admin, nobody, Plan::all_at_once()).await;
    assert!(matches!(nobody, Err(Error::NoSuchUpdate(_))), "{nobody:?}");
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
    let to = |back: i64| handle.revert_device(&world.admin, &p, &device, Revision(back));
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
