use fleet::DeviceKey;
use store::Change;

use super::describe::{EVENTS_MAX, group};
use super::*;
use crate::operate::stage::{Stage, device_id, project, record};

/// Longer than anything here may take.
const SOON: Duration = Duration::from_secs(60);

/// What is told next; it must come.
async fn next(watch: &mut Watch) -> Told {
    tokio::time::timeout(SOON, watch.next()).await.expect("nothing is told")
}

/// The next parts.
async fn parts(watch: &mut Watch) -> Parts {
    match next(watch).await {
        Told::Happened(parts) => parts,
        Told::Dropped(dropped) => panic!("{dropped:?}"),
    }
}

/// What was dropped next.
async fn dropped(watch: &mut Watch) -> Dropped {
    match next(watch).await {
        Told::Dropped(dropped) => dropped,
        Told::Happened(parts) => panic!("{parts:?}"),
    }
}

/// The ids of the next `count` devices whose records have changed, in the order that they are told
/// in.
async fn records(watch: &mut Watch, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    while ids.len() < count {
        for event in parts(watch).await.iter().flat_map(|part| &part.events) {
            match &event.what {
                Happened::DeviceChanged { id: Some(id), what: Aspect::Record, .. } => {
                    ids.push(id.as_str().to_owned());
                }
                Happened::DeviceChanged { what: Aspect::Settled, .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
    ids
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

async fn import(stage: &Stage, range: std::ops::Range<usize>) {
    for number in range {
        stage.import("p", &number.to_string(), &format!("{number}:1"), "simulated").await;
    }
}

/// Parts as the reader puts them into the queue, of a commit that nobody made.
fn part(row: i64, events: usize) -> Item {
    let event = Event { project: None, what: Happened::ProjectsChanged };
    let position = FeedPosition { row, ..FeedPosition::default() };
    let events = vec![event; events];
    Item::Happened([Part { position, at: Timestamp(0), events, is_last: true }].into())
}

#[tokio::test(start_paused = true)]
async fn what_happens_is_told_in_order_to_all_who_watch() {
    let stage = Stage::new().await;
    import(&stage, 0..3).await;
    let events = Events::new(&stage.handle);
    let (mut one, mut other) =
        (events.watch(None).await.unwrap(), events.watch(None).await.unwrap());
    import(&stage, 3..8).await;
    assert_eq!(records(&mut one, 5).await, numbers(3..8));
    assert_eq!(records(&mut other, 5).await, numbers(3..8));
    let project_key = stage.device("p", "3").await.project;
    stage.import("p", "new", "new:1", "simulated").await;
    let what = Happened::DeviceChanged {
        id: Some(device_id("new")),
        project: Some(project("p")),
        what: Aspect::Record,
    };
    let new = Event { project: Some(project_key), what };
    while !parts(&mut one).await.iter().any(|part| part.events.contains(&new)) {}
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_is_told_what_came_in_between_and_nothing_twice() {
    let stage = Stage::new().await;
    let events = Events::new(&stage.handle);
    let mut watch = events.watch(None).await.unwrap();
    let mut faithful = events.watch(None).await.unwrap();
    import(&stage, 0..2).await;
    assert_eq!(records(&mut watch, 2).await, numbers(0..2));
    let token = watch.token();
    drop(watch);
    // More than a page of commits, and what comes while they are read.
    let many = PAGE as usize * 2 + 50;
    import(&stage, 2..many).await;
    assert_eq!(records(&mut faithful, many).await, numbers(0..many));
    let mut watch = events.watch(Some(token)).await.unwrap();
    let mut told = records(&mut watch, 100).await;
    import(&stage, many..many + 5).await;
    told.extend(records(&mut watch, many + 3 - told.len()).await);
    assert_eq!(told, numbers(2..many + 5));
    let mut again = events.watch(Some(token)).await.unwrap();
    assert_eq!(records(&mut again, many + 3).await, numbers(2..many + 5));
}

#[tokio::test(start_paused = true)]
async fn a_large_commit_comes_in_parts_of_which_the_last_alone_is_a_place_to_go_on_from() {
    let stage = Stage::new().await;
    let events = Events::new(&stage.handle);
    let mut watch = events.watch(None).await.unwrap();
    let before = watch.token();
    let count = EVENTS_MAX * 2 + 7;
    let devices = numbers(0..count);
    let devices = devices.iter().map(|id| record("p", id, &format!("{id}:1"), "simulated"));
    stage.handle.import(&stage.admin, devices.collect()).await.unwrap();
    let mut told = Vec::new();
    while told.len() < count {
        for part in parts(&mut watch).await.iter() {
            if told.len() == count {
                break;
            }
            assert!(part.events.len() <= EVENTS_MAX);
            told.extend(part.events.clone());
            assert_eq!(part.is_last, told.len() == count);
            let place = watch.token_of(watch.position);
            assert_eq!(place == before, told.len() < count, "{}", told.len());
        }
    }
    assert_eq!(told.len(), count);
}

#[tokio::test(start_paused = true)]
async fn who_falls_behind_is_told_so_and_can_ask_for_what_was_left_out() {
    let stage = Stage::new().await;
    let events = Events::new(&stage.handle);
    let mut watch = events.watch(None).await.unwrap();
    import(&stage, 0..1).await;
    assert_eq!(records(&mut watch, 1).await, numbers(0..1));
    // This one comes by the queue: who has not come to it yet reads the feed instead.
    import(&stage, 1..2).await;
    assert_eq!(records(&mut watch, 1).await, numbers(1..2));
    let begins = watch.token();
    import(&stage, 2..4).await;
    let mut faithful = events.watch(Some(begins)).await.unwrap();
    assert_eq!(records(&mut faithful, 2).await, numbers(2..4));
    // The queue's reader comes to them at its own time.
    let (_, mut end) = events.hub.join(FeedPosition::default());
    while end < faithful.position {
        tokio::time::sleep(FEED_EVERY).await;
        end = events.hub.join(FeedPosition::default()).1;
    }
    // As much as makes the queue overflow, at one place.
    for _ in 0..400 {
        let Item::Happened(parts) = part(end.row, 1) else { panic!() };
        events.hub.put(vec![Item::Happened(parts)], end);
    }
    let gap = dropped(&mut watch).await;
    assert_eq!((gap.why, gap.from), (Why::Behind, begins));
    assert_eq!(gap.to.map(|to| to.position), Some(end));
    import(&stage, 4..6).await;
    assert_eq!(records(&mut watch, 2).await, numbers(4..6));
    let mut again = events.watch(Some(gap.from)).await.unwrap();
    assert_eq!(records(&mut again, 4).await, numbers(2..6));
}

#[tokio::test(start_paused = true)]
async fn places_that_the_feed_does_not_hold_are_told_as_such() {
    let stage = Stage::new().await;
    let events = Events::new(&stage.handle);
    let mut watch = events.watch(None).await.unwrap();
    let here = watch.token();
    let ahead = FeedPosition { row: here.position.row + 1_000, ..here.position };
    let mut lost = events.watch(Some(watch.token_of(ahead))).await.unwrap();
    let gap = dropped(&mut lost).await;
    assert_eq!((gap.why, gap.to), (Why::Gap, Some(here)));
    let elsewhere = ResumeToken { store: StoreId([9; 16]), ..here };
    let mut stranger = events.watch(Some(elsewhere)).await.unwrap();
    let gap = dropped(&mut stranger).await;
    assert_eq!((gap.why, gap.from, gap.to), (Why::OtherStore, elsewhere, Some(here)));
    import(&stage, 0..1).await;
    for watch in [&mut watch, &mut lost, &mut stranger] {
        assert_eq!(records(watch, 1).await, numbers(0..1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_gone_is_told_by_its_name() {
    let stage = Stage::new().await;
    let events = Events::new(&stage.handle);
    let mut watch = events.watch(None).await.unwrap();
    import(&stage, 0..1).await;
    assert_eq!(records(&mut watch, 1).await, numbers(0..1));
    let key = stage.device("p", "0").await.project;
    stage.handle.delete_device(&stage.admin, &project("p"), &device_id("0")).await.unwrap();
    let what = Happened::DeviceChanged {
        id: Some(device_id("0")),
        project: Some(project("p")),
        what: Aspect::Deleted,
    };
    let gone = Event { project: Some(key), what };
    while !parts(&mut watch).await.iter().any(|part| part.events.contains(&gone)) {}
}

#[tokio::test(start_paused = true)]
async fn so_many_may_watch_and_nothing_is_read_for_nobody() {
    let stage = Stage::new().await;
    let events = Events::new(&stage.handle);
    let mut watches = Vec::new();
    for _ in 0..WATCHES_MAX {
        watches.push(events.watch(None).await.unwrap());
    }
    assert!(matches!(events.watch(None).await, Err(WatchError::TooMany)));
    import(&stage, 0..1).await;
    for watch in &mut watches {
        assert_eq!(records(watch, 1).await, numbers(0..1));
    }
    assert!(events.hub.has_reader());
    drop(watches);
    let began = Instant::now();
    while events.hub.has_reader() {
        assert!(began.elapsed() < SOON, "the feed is read for nobody");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut watch = events.watch(None).await.unwrap();
    import(&stage, 1..2).await;
    assert_eq!(records(&mut watch, 1).await, numbers(1..2));
}

#[test]
fn commits_are_looked_at_together_as_far_as_memory_is_for() {
    let commit = |devices: usize| Commit {
        position: FeedPosition::default(),
        at: Timestamp(0),
        session: None,
        changes: vec![Change::Devices(vec![DeviceKey(1); devices])],
    };
    assert_eq!(group(&[]).len(), 0);
    assert_eq!(group(&[commit(1), commit(2)]).len(), 2);
    assert_eq!(group(&[commit(9_000), commit(2_000)]).len(), 1);
    assert_eq!(group(&[commit(20_000), commit(1)]).len(), 1);
}
