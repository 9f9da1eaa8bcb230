use fleet::fault_point::FaultPoints;
use fleet::rollout::Stop;
use fleet::{Attention, Catalogue, Kind, Phase, Plan, Selector};
use store::sqlite::Inline;
use store::write::DeviceChange;
use store::{CountedFleet, Reads};
use tokio::time::{advance, sleep};

use super::*;
use crate::operate::stage::{Stage, project};
use crate::rollout::tests::phones::{World, ask, named};

/// Longer than anything here may take, by the paused clock.
const SOON: Duration = Duration::from_secs(3_600);

const MINUTE: Duration = Duration::from_secs(60);

/// Shorter than a lease.
const STEP: Duration = Duration::from_secs(1);

/// Puts phones on record that nobody answers for.
async fn import(stage: &Stage, of: &str, range: std::ops::Range<usize>) {
    for number in range {
        let id = format!("{of}{number}");
        stage.import(of, &id, &format!("{id}:1"), "simulated").await;
    }
}

/// What is told of a project, or of all.
async fn told(stage: &Stage, of: Option<&str>) -> CountedFleet {
    let of = of.map(project);
    let counted = stage.handle.reads().counted_fleet(&stage.admin, of.as_ref(), Timestamp(0));
    counted.await.unwrap()
}

/// Waits until it is so.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < SOON, "it never came about that {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until the lanes have looked for so many phones: nothing of what is counted changes then.
async fn until_looked_for(stage: &Stage, phones: usize) {
    let selector = Selector { attention: vec![Some(Attention::Trouble)], ..Selector::default() };
    until("nobody answered for the phones", async || {
        let reads = stage.handle.reads();
        let found = reads.select_keys(&stage.admin, None, &selector, DeviceKey(0), 1_000).await;
        found.unwrap().devices.len() == phones
    })
    .await;
}

async fn count(counter: &mut Counter, stage: &Stage) {
    counter.count(&stage.handle.shared).await.unwrap();
}

/// Has time pass, by both clocks, in steps in which the node can renew its lease.
async fn pass(stage: &Stage, time: Duration) {
    let mut rest = time;
    while !rest.is_zero() {
        let step = rest.min(STEP);
        stage.clock.forward(milliseconds(step));
        advance(step).await;
        sleep(Duration::from_millis(1)).await;
        rest -= step;
    }
}

#[test]
fn the_longer_a_count_takes_the_longer_it_waits() {
    let (least, most) = limits::COUNT_WAIT;
    let wait = |milliseconds| wait_after(Duration::from_millis(milliseconds), least);
    assert_eq!((wait(0), wait(200), wait(1_000)), (least, least, least * 5));
    assert_eq!(wait(3_600_000), most);
    assert_eq!(wait_after(Duration::MAX, most * 2), most * 2, "it was asked for");
}

#[test]
fn counts_of_very_many_projects_are_written_some_at_a_time() {
    let at = Timestamp(2);
    let parts = |newest: i64, sample: i64| {
        let keys = |count| (1..=count).map(|key| Some(ProjectKey(key))).chain([None]);
        let note = NoteCounts {
            at,
            newest: keys(newest).map(|key| (key, FleetCounts::default())).collect(),
            sample: keys(sample).map(|key| (key, DeviceCounts::default())).collect(),
            forget_before: Timestamp(1),
        };
        let parts: Vec<NoteCounts> = in_parts(&note).collect();
        assert!(parts.iter().all(|part| (part.at, part.forget_before) == (at, Timestamp(1))));
        let newest: Vec<_> = parts.iter().flat_map(|part| part.newest.clone()).collect();
        let sample: Vec<_> = parts.iter().flat_map(|part| part.sample.clone()).collect();
        assert_eq!((newest, sample), (note.newest, note.sample));
        parts.iter().map(|part| (part.newest.len(), part.sample.len())).collect::<Vec<_>>()
    };
    assert_eq!(parts(0, 0), [(1, 1)]);
    assert_eq!(parts(999, 1), [(1_000, 2)]);
    assert_eq!(parts(1, 2_000), [(2, 1_000), (0, 1_000), (0, 1)]);
    assert_eq!(parts(1_000, 0), [(1_000, 1), (1, 0)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_found_is_told_of_each_project_and_of_all() {
    let stage = Stage::new().await;
    import(&stage, "p", 0..3).await;
    import(&stage, "q", 0..2).await;
    until_looked_for(&stage, 5).await;
    assert_eq!(told(&stage, None).await, CountedFleet::default(), "nobody has counted");
    count(&mut Counter::default(), &stage).await;
    let at = Some(stage.handle.now());
    for (of, phones) in [(Some("p"), 3), (Some("q"), 2), (None, 5)] {
        let told = told(&stage, of).await;
        assert_eq!(told.at, at);
        assert_eq!(told.counts.devices.total(), phones, "{of:?}");
        assert_eq!(told.counts.devices.of_kind(Kind::Phone), phones);
        assert_eq!(told.counts.devices.with_attention(Attention::Trouble), phones);
        let history: Vec<_> = told.history.iter().map(|(_, devices)| devices.total()).collect();
        assert_eq!(history, [phones], "{of:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_written_when_it_changes_and_once_a_minute() {
    let stage = Stage::new().await;
    import(&stage, "p", 0..2).await;
    until_looked_for(&stage, 2).await;
    let mut counter = Counter::default();
    count(&mut counter, &stage).await;
    let first = told(&stage, None).await.at;
    pass(&stage, MINUTE / 6).await;
    count(&mut counter, &stage).await;
    assert_eq!(told(&stage, None).await.at, first, "nothing has changed");
    import(&stage, "p", 2..3).await;
    until_looked_for(&stage, 3).await;
    count(&mut counter, &stage).await;
    let told_now = told(&stage, Some("p")).await;
    assert_eq!((told_now.at, told_now.counts.devices.total()), (Some(stage.handle.now()), 3));
    assert_eq!(told_now.history.len(), 1, "it was kept a while ago");
    pass(&stage, MINUTE).await;
    count(&mut counter, &stage).await;
    assert_eq!(told(&stage, None).await.at, Some(stage.handle.now()), "a minute is over");
}

#[tokio::test(start_paused = true)]
async fn a_sample_is_kept_each_ten_minutes_and_for_two_days() {
    let stage = Stage::new().await;
    import(&stage, "p", 0..1).await;
    until_looked_for(&stage, 1).await;
    let mut counter = Counter::default();
    for minutes in 0..25 {
        count(&mut counter, &stage).await;
        let kept = told(&stage, Some("p")).await.history.len();
        assert_eq!(kept, minutes / 10 + 1, "after {minutes} minutes");
        stage.clock.forward(milliseconds(MINUTE));
    }
    // One that begins anew goes on where the last one was kept.
    count(&mut Counter::default(), &stage).await;
    assert_eq!(told(&stage, Some("p")).await.history.len(), 3);
    stage.clock.forward(milliseconds(limits::COUNTS_KEPT - 10 * MINUTE));
    count(&mut counter, &stage).await;
    let history = told(&stage, Some("p")).await.history;
    assert_eq!(history.len(), 2, "two are too old: {history:?}");
    assert_eq!(history.last().unwrap().0, stage.handle.now());
    // The clock is set back: what was kept is of a time to come.
    stage.clock.forward(-milliseconds(MINUTE));
    count(&mut counter, &stage).await;
    assert_eq!(told(&stage, Some("p")).await.history.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_history_of_a_project_begins_with_its_first_devices() {
    let stage = Stage::new().await;
    import(&stage, "p", 0..1).await;
    until_looked_for(&stage, 1).await;
    let mut counter = Counter::default();
    count(&mut counter, &stage).await;
    stage.clock.forward(milliseconds(MINUTE));
    import(&stage, "q", 0..2).await;
    until_looked_for(&stage, 3).await;
    let kept = async || {
        let mut kept = Vec::new();
        for of in [Some("p"), Some("q"), None] {
            let history = told(&stage, of).await.history;
            kept.push(history.iter().map(|(_, devices)| devices.total()).collect::<Vec<_>>());
        }
        kept
    };
    count(&mut counter, &stage).await;
    assert_eq!(kept().await, [vec![1], vec![2], vec![1]], "it is not its time, but q's");
    stage.clock.forward(milliseconds(MINUTE));
    import(&stage, "q", 2..3).await;
    until_looked_for(&stage, 4).await;
    count(&mut counter, &stage).await;
    assert_eq!(kept().await, [vec![1], vec![2], vec![1]], "q had some");
    stage.clock.forward(milliseconds(limits::COUNTS_SAMPLED_EVERY));
    count(&mut counter, &stage).await;
    assert_eq!(kept().await, [vec![1, 1], vec![2, 3], vec![1, 4]]);
}

#[tokio::test(start_paused = true)]
async fn what_another_node_wrote_late_does_not_stay() {
    let stage = Stage::new().await;
    import(&stage, "p", 0..1).await;
    until_looked_for(&stage, 1).await;
    let mut counter = Counter::default();
    count(&mut counter, &stage).await;
    let stale = stage.handle.reads().projects(&stage.admin).await.unwrap();
    let newest = vec![(Some(stale[0].key), FleetCounts::default())];
    let at = stage.handle.now();
    let note = NoteCounts { at, newest, sample: Vec::new(), forget_before: Timestamp(0) };
    let store = &stage.handle.shared.store;
    store.write(&Principal::engine(), Write::NoteCounts(Box::new(note))).await.unwrap().unwrap();
    assert_eq!(told(&stage, Some("p")).await.counts.devices.total(), 0);
    stage.clock.forward(milliseconds(limits::COUNTS_SAMPLED_EVERY));
    count(&mut counter, &stage).await;
    assert_eq!(told(&stage, Some("p")).await.counts.devices.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn jobs_of_waves_are_counted_until_all_of_them_have_ended() {
    let (world, engine) = World::with(8).await;
    let handle = engine.handle();
    let (p, away) = named(1);
    world.phones.set_off(1, true);
    handle.change_device(&world.admin, &p, &away, DeviceChange::Stopped(true)).await.unwrap();
    world.phones.refuse(3);
    let stop = Stop { failed: Some(1), failed_percent: None };
    let plan = Plan { wave: 2, stop, ..Plan::all_at_once() };
    let call = handle.new_call();
    let made = handle.create_update(&world.admin, call, &p, ask("fr", plan)).await.unwrap();
    world.comes_to_be(&made, Phase::Stopped).await;
    sleep(MINUTE).await;
    let waves = world.reads().waves(&world.admin, made.id).await.unwrap();
    assert_eq!(waves.len(), 2);

    let mut ended: HashMap<RequestId, EndedWaves> = HashMap::new();
    let jobs = async |ended: &mut HashMap<RequestId, EndedWaves>| {
        let (found, _) = walk(&handle.shared, ended).await.unwrap();
        let counts = found[&made.project].rollouts[&made.id];
        (counts.succeeded, counts.failed)
    };
    assert_eq!(jobs(&mut ended).await, (2, 1));
    assert_eq!(ended[&made.id].waves, HashSet::from([waves[1].request]), "one waits for its phone");
    // What is known of it for good is not read again.
    ended.get_mut(&made.id).unwrap().counts.failed += 10;
    assert_eq!(jobs(&mut ended).await, (2, 11));

    world.phones.set_off(1, false);
    handle.change_device(&world.admin, &p, &away, DeviceChange::Stopped(false)).await.unwrap();
    world.settled().await;
    assert_eq!(jobs(&mut ended).await, (3, 11));
    assert_eq!(ended[&made.id].waves.len(), 2);
    assert_eq!(jobs(&mut HashMap::new()).await, (3, 1), "one that begins anew counts all");

    handle.abort_rollout(&world.admin, made.id, false).await.unwrap();
    let (found, _) = walk(&handle.shared, &mut ended).await.unwrap();
    assert!(found[&made.project].rollouts.is_empty() && ended.is_empty(), "it is over");
}

#[tokio::test(start_paused = true)]
async fn counting_begins_by_itself_and_ends_with_the_engine() {
    let clock = Arc::new(|| Timestamp(1_800_000_000_000));
    let store = Inline::new(clock, FaultPoints::none()).unwrap();
    let catalogue = Catalogue::built_in().unwrap();
    let (every, began) = (Duration::from_secs(10), Instant::now());
    let stage = Stage::node_that_counts(&store, "one", catalogue, every).await;
    until("it has counted", async || told(&stage, None).await.at.is_some()).await;
    assert!(began.elapsed() >= every, "a start has other things to do");
    let Stage { engine, handle, admin, .. } = stage;
    engine.stop().await;
    let told = async || handle.reads().counted_fleet(&admin, None, Timestamp(0)).await.unwrap();
    let at = told().await;
    sleep(2 * limits::COUNTS_WRITTEN_EVERY).await;
    assert_eq!(told().await, at, "nobody counts any more");
}

#[tokio::test(start_paused = true)]
async fn one_node_counts_and_another_one_after_it() {
    let clock = Arc::new(|| Timestamp(1_800_000_000_000));
    let store = Inline::new(clock, FaultPoints::none()).unwrap();
    let catalogue = || Catalogue::built_in().unwrap();
    let one = Stage::node(&store, "one", catalogue()).await;
    let other = Stage::node(&store, "other", catalogue()).await;
    let id = project("p");
    one.handle.create_project(&one.admin, "p".to_owned(), Some(id), String::new()).await.unwrap();
    let shards = |stage: &Stage| stage.handle.standing().shards;
    until("both have half", async || (shards(&one), shards(&other)) == (128, 128)).await;
    let owns = |stage: &Stage| stage.handle.shared.ownership.owns(COUNTED_BY);
    assert!(owns(&one) != owns(&other), "one of them has the first shard");
    let (first, second) = if owns(&one) { (one, other) } else { (other, one) };
    import(&first, "p", 0..2).await;
    until_looked_for(&first, 2).await;
    let mut by_second = Counter::default();
    count(&mut by_second, &second).await;
    assert_eq!(told(&second, None).await.at, None, "it is not for this one to do");
    count(&mut Counter::default(), &first).await;
    assert_eq!(told(&second, Some("p")).await.counts.devices.total(), 2);

    first.engine.stop().await;
    until("the second has all", async || owns(&second)).await;
    import(&second, "p", 2..3).await;
    until_looked_for(&second, 3).await;
    second.clock.forward(1_000);
    count(&mut by_second, &second).await;
    let told = told(&second, Some("p")).await;
    assert_eq!((told.at, told.counts.devices.total()), (Some(second.handle.now()), 3));
    assert_eq!(told.history.len(), 1, "the first has kept one just before");
}
