use fleet::fault_point::FaultPoints;
use fleet::{Catalogue, Phase, Plan};
use store::sqlite::Inline;
use store::{History as _, Reads};

use super::*;
use crate::handle::Handle;
use crate::operate::stage::{Stage, project};
use crate::rollout::tests::phones::{LOCALE, World, ask, id, named, set};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// What is kept by one rule alone.
fn by_age() -> History {
    History { jobs_max: None, disk_free_percent: 0, ..History::default() }
}

fn by_count(most: u64) -> History {
    History { kept: None, jobs_max: Some(most), disk_free_percent: 0, ..History::default() }
}

/// A stage with so many phones `phone-N` of the project `p`, whom nobody answers for.
async fn stage(phones: usize) -> Stage {
    let stage = Stage::new().await;
    for number in 0..phones {
        stage.import("p", &id(number), &format!("phone:{}", number + 1), "simulated").await;
    }
    stage
}

fn forward(stage: &Stage, time: Duration) {
    stage.clock.forward(i64::try_from(time.as_millis()).unwrap());
}

/// An update of these phones that is taken back at once.
async fn over(stage: &Stage, phones: std::ops::Range<usize>) -> RequestId {
    let (request, jobs) = set(&stage.handle, phones.map(id), &[(LOCALE, "de")]).await;
    assert!(jobs.iter().all(Result::is_ok), "{jobs:?}");
    stage.handle.cancel_update(&stage.admin, request).await.unwrap();
    request
}

/// How many jobs there are of a request.
async fn jobs_of(handle: &Handle, request: RequestId) -> usize {
    let admin = Principal::admin();
    handle.reads().jobs(&admin, &[request], 0, 1_000).await.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn jobs_are_forgotten_so_long_after_they_ended() {
    let stage = stage(2).await;
    let first = over(&stage, 0..2).await;
    let (open, _) = set(&stage.handle, [id(0)], &[(LOCALE, "fr")]).await;
    let mut forgetting = Forgetting::new(by_age());
    for (passed, left) in [(DAY * 29, 2), (DAY - HOUR, 2), (HOUR * 2, 0)] {
        forward(&stage, passed);
        forgetting.look(&stage.handle.shared).await.unwrap();
        assert_eq!(jobs_of(&stage.handle, first).await, left, "after {passed:?} more");
    }
    assert_eq!(jobs_of(&stage.handle, open).await, 1, "it has not ended, or not long ago");
    let plan = Plan::all_at_once();
    let call = stage.handle.new_call();
    let reverted = stage.handle.revert_update(&stage.admin, call, first, plan).await;
    assert!(matches!(reverted, Err(Error::NoSuchUpdate(_))), "{reverted:?}");
    stage.handle.cancel_update(&stage.admin, open).await.unwrap();
    forward(&stage, DAY * 31);
    forgetting.look(&stage.handle.shared).await.unwrap();
    assert_eq!(jobs_of(&stage.handle, open).await, 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_forgotten_that_is_to_be_kept_for_ever() {
    let stage = stage(1).await;
    let first = over(&stage, 0..1).await;
    forward(&stage, DAY * 10_000);
    let all = History { kept: None, jobs_max: None, ..History::default() };
    Forgetting::new(all).look(&stage.handle.shared).await.unwrap();
    assert_eq!(jobs_of(&stage.handle, first).await, 1);
}

#[tokio::test(start_paused = true)]
async fn of_too_many_jobs_the_oldest_are_forgotten() {
    let stage = stage(2).await;
    let mut requests = Vec::new();
    for _ in 0..15 {
        forward(&stage, Duration::from_millis(1));
        requests.push(over(&stage, 0..2).await);
    }
    let left = async || {
        let mut left = Vec::new();
        for request in &requests {
            left.push(jobs_of(&stage.handle, *request).await);
        }
        left
    };
    let mut forgetting = Forgetting::new(by_count(10));
    forgetting.look(&stage.handle.shared).await.unwrap();
    assert_eq!(left().await, [2; 15], "they ended just now");
    assert_eq!(forgetting.counted.total(), 30);
    forward(&stage, HOUR);
    forgetting.look(&stage.handle.shared).await.unwrap();
    assert_eq!(left().await, [[0; 10].as_slice(), &[2; 5]].concat());
    assert_eq!(forgetting.counted.total(), 10);
    requests.push(over(&stage, 0..2).await);
    forward(&stage, HOUR);
    forgetting.look(&stage.handle.shared).await.unwrap();
    assert_eq!(forgetting.counted.total(), 10, "what has come since is counted too");
    let store = &stage.handle.shared.store;
    assert_eq!(store.count_jobs(FIRST_JOB, 100).await.unwrap().jobs, 10);
}

#[tokio::test(start_paused = true)]
async fn one_node_forgets() {
    let store = Inline::new(Arc::new(|| Timestamp(0)), FaultPoints::none()).unwrap();
    let first = Stage::node(&store, "first", Catalogue::built_in().unwrap()).await;
    let second = Stage::node(&store, "second", Catalogue::built_in().unwrap()).await;
    let (admin, id_of_p) = (&first.admin, Some(project("p")));
    first.handle.create_project(admin, "p".to_owned(), id_of_p, String::new()).await.unwrap();
    first.import("p", &id(0), "phone:1", "simulated").await;
    let request = over(&first, 0..1).await;
    forward(&first, DAY * 31);
    forward(&second, DAY * 31);
    let owns = |stage: &Stage| stage.handle.shared.ownership.epoch(FORGOTTEN_BY).is_some();
    assert_ne!(owns(&first), owns(&second));
    let (owner, other) = if owns(&first) { (&first, &second) } else { (&second, &first) };
    Forgetting::new(by_age()).look(&other.handle.shared).await.unwrap();
    assert_eq!(jobs_of(&first.handle, request).await, 1, "the shard is the other's");
    Forgetting::new(by_age()).look(&owner.handle.shared).await.unwrap();
    assert_eq!(jobs_of(&first.handle, request).await, 0);
}

#[tokio::test(start_paused = true)]
async fn an_engine_forgets_by_itself() {
    let stage = stage(1).await;
    let first = over(&stage, 0..1).await;
    forward(&stage, DAY * 31);
    assert_eq!(jobs_of(&stage.handle, first).await, 1);
    let began = Instant::now();
    while jobs_of(&stage.handle, first).await > 0 {
        assert!(began.elapsed() < HOUR, "it never did");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_went_out_in_waves_is_forgotten_with_all_its_jobs() {
    let stage = stage(3).await;
    let plan = Plan { wave: 1, ..Plan::all_at_once() };
    let call = stage.handle.new_call();
    let made = stage
        .handle
        .create_update(&stage.admin, call, &project("p"), ask("de", plan))
        .await
        .unwrap();
    let reads = stage.handle.reads();
    let waves = async || reads.waves(&stage.admin, made.id).await.unwrap();
    while waves().await.is_empty() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let wave = waves().await[0].request;
    let mut forgetting = Forgetting::new(by_age());
    forward(&stage, DAY * 31);
    forgetting.look(&stage.handle.shared).await.unwrap();
    assert_eq!(waves().await[0].request, wave, "it is not over");
    stage.handle.cancel_update(&stage.admin, made.id).await.unwrap();
    let begun = waves().await.len();
    forgetting.look(&stage.handle.shared).await.unwrap();
    assert_eq!((waves().await.len(), jobs_of(&stage.handle, wave).await), (begun, 1));
    forward(&stage, DAY * 31);
    forgetting.look(&stage.handle.shared).await.unwrap();
    assert_eq!(reads.rollout(&stage.admin, made.id).await.unwrap(), None);
    assert_eq!(jobs_of(&stage.handle, wave).await, 0);
    assert!(waves().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_brought_back_is_needed_and_what_is_partly_gone_is_not_brought_back() {
    let (world, engine) = World::with(3).await;
    let handle = engine.handle();
    let (p, _) = named(0);
    set(&handle, (0..3).map(id), &[(LOCALE, "fr")]).await;
    world.settled().await;
    let by_one = Plan { wave: 1, ..Plan::all_at_once() };
    let asked = ask("de", by_one.clone());
    let made = handle.create_update(&world.admin, handle.new_call(), &p, asked).await.unwrap();
    world.comes_to_be(&made, Phase::Done).await;
    assert!(needed(&handle.shared).await.unwrap().is_empty());
    let slowly = Plan { pause_seconds: 3_600, ..by_one };
    let wave = world.reads().waves(&world.admin, made.id).await.unwrap()[0].request;
    let call = handle.new_call();
    handle.revert_update(&world.admin, call, wave, slowly).await.unwrap();
    assert_eq!(needed(&handle.shared).await.unwrap(), [wave, made.id]);

    // What is brought back is looked for behind all that came later.
    let slowly = Plan { pause_seconds: 3 * 3_600, wave: 1, ..Plan::all_at_once() };
    let call = handle.new_call();
    let back = handle.revert_update(&world.admin, call, made.id, slowly).await.unwrap();
    tokio::time::sleep(HOUR * 2).await;
    assert_eq!(needed(&handle.shared).await.unwrap(), [made.id]);
    let epoch = handle.shared.ownership.epoch(FORGOTTEN_BY).unwrap();
    let forgetting = Forgetting::new(History { kept: Some(HOUR), ..by_age() });
    let old = async || forgetting.old(&handle.shared, epoch, Rule::Age).await.unwrap().unwrap();
    assert!(old().await.up_to < made.id);
    handle.cancel_update(&world.admin, back.rollout.id).await.unwrap();
    assert!(old().await.up_to > made.id && old().await.kept.is_empty());

    let store = world.store.node();
    let epochs = store.epochs().await.unwrap();
    let fence = *epochs.iter().find(|(shard, _)| *shard == FORGOTTEN_BY).unwrap();
    let forgotten = store.forget_rollout(fence, made.id, 1).await.unwrap();
    assert!(forgotten.more);
    let once = Plan::all_at_once();
    let call = handle.new_call();
    let reverted = handle.revert_update(&world.admin, call, made.id, once.clone()).await;
    assert!(matches!(reverted, Err(Error::NotKept(of)) if of == made.id), "{reverted:?}");
    let dry = handle.dry_run_revert_update(&world.admin, made.id, &once, 0, 10).await;
    assert!(matches!(dry, Err(Error::NotKept(_))), "{dry:?}");
}

#[test]
fn a_disk_is_full_below_its_share() {
    let room = |free_bytes| Room { free_bytes, total_bytes: 1_000 };
    assert!(is_full(room(99), 10) && !is_full(room(100), 10));
    assert!(!is_full(room(0), 0));
    assert!(!is_full(Room { free_bytes: u64::MAX, total_bytes: u64::MAX }, 90));
}

#[test]
fn what_is_counted_follows_what_comes_and_goes() {
    let job = |number: u64| RequestId::from_parts(1, number).job(0).unwrap();
    let beyond = |number: u64| Some(job(number).request());
    let mut counted = Counted::default();
    assert_eq!((counted.total(), counted.last(), counted.beyond(0)), (0, FIRST_JOB, None));
    for number in [10, 20, 30, 35] {
        counted.add(job(number), if number == 35 { 5 } else { 10 }, 10);
    }
    assert_eq!((counted.total(), counted.last()), (35, job(35)));
    assert_eq!((counted.beyond(35), counted.beyond(34)), (None, beyond(10)));
    assert_eq!((counted.beyond(25), counted.beyond(24)), (beyond(10), beyond(20)));
    counted.add(job(37), 2, 10);
    assert_eq!((counted.pages.len(), counted.total()), (4, 37), "small pages become one");
    counted.forget(12);
    assert_eq!((counted.pages.len(), counted.total()), (3, 25));
    assert_eq!(counted.beyond(20), beyond(20));
    counted.forget(100);
    assert_eq!((counted.total(), counted.last()), (0, job(37)));
}
