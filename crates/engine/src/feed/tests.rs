use fleet::fault_point::FaultPoints;
use fleet::{Catalogue, Door, Operation, RequestId, Secret, Timestamp};
use store::sqlite::Inline;

use super::*;
use crate::command::{CameraAsked, Patch, Update, UpdateEntry};
use crate::driver::{Away, Reached, Report};
use crate::operate::stage::{Stage, boot, device_id, project};

/// Longer than anything here may take.
const SOON: Duration = Duration::from_secs(60);

/// A store whose time follows the runtime's.
fn store() -> Arc<Inline> {
    let began = Instant::now();
    let clock = move || Timestamp(1_800_000_000_000).plus(began.elapsed());
    Inline::new(Arc::new(clock), FaultPoints::none()).unwrap()
}

async fn node(store: &Arc<Inline>, name: &str) -> Stage {
    Stage::node(store, name, Catalogue::built_in().unwrap()).await
}

/// Two nodes with the project `p`.
async fn two() -> (Stage, Stage) {
    let store = store();
    let (one, other) = (node(&store, "one").await, node(&store, "other").await);
    make_project(&one).await;
    (one, other)
}

async fn make_project(stage: &Stage) {
    let made = stage.handle.create_project(
        &stage.admin,
        "p".to_owned(),
        Some(project("p")),
        String::new(),
    );
    made.await.unwrap();
}

/// Waits until it is so.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) -> Duration {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < SOON, "it never came about that {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    began.elapsed()
}

fn shards(stage: &Stage) -> usize {
    stage.handle.standing().shards
}

#[tokio::test(start_paused = true)]
async fn a_second_node_gets_its_half_and_gives_it_back_at_once_when_it_stops() {
    let (one, other) = two().await;
    let took = until("both have half", async || (shards(&one), shards(&other)) == (128, 128)).await;
    assert!(took < Duration::from_secs(6), "{took:?}");
    assert_eq!(one.handle.standing().engines, 2);
    let began = Instant::now();
    other.engine.stop().await;
    until("the first has all", async || shards(&one) == 256).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_node_had_is_taken_when_its_lease_is_over_and_worked_on_after_a_while() {
    let (one, other) = two().await;
    until("both have half", async || (shards(&one), shards(&other)) == (128, 128)).await;
    // Neighbours lie in shards far apart: some of these are in the half of each.
    for number in 0..160 {
        let (id, address) = (number.to_string(), format!("{number}:1"));
        one.import("p", &id, &address, "simulated").await;
    }
    let asked = |stage: &Stage| stage.phones.asked();
    let all_asked = async || asked(&one).union(&asked(&other)).count() == 160;
    until("each looks at its own", all_asked).await;
    let before = asked(&one);
    assert!(before.len() < 160 && before.is_disjoint(&asked(&other)));
    drop(other);
    let died = Instant::now();
    until("the first has all", async || shards(&one) == 256).await;
    let took = died.elapsed();
    assert!(took <= limits::LEASE + limits::LEASE_RENEW_EVERY, "{took:?}");
    assert_eq!(asked(&one), before, "what the dead node had begun may still go on");
    until("the first works on all", async || asked(&one).len() == 160).await;
    let quiet = died.elapsed().saturating_sub(took);
    assert!(quiet >= limits::PHONE_ACTION_TIMEOUT, "{quiet:?}");
    assert!(quiet < limits::PHONE_ACTION_TIMEOUT + Duration::from_secs(2), "{quiet:?}");
}

#[tokio::test(start_paused = true)]
async fn what_one_node_has_changed_the_other_forgets() {
    let (one, other) = two().await;
    let secret = Some(("AK".to_owned(), Secret::new("secret".to_owned())));
    one.handle.create_key(&one.admin, None, secret, false).await.unwrap();
    assert!(other.handle.access_key("AK").await.unwrap().is_some());
    one.handle.revoke_key(&one.admin, "AK").await.unwrap();
    let revoked = async || other.handle.access_key("AK").await.unwrap().is_none();
    let took = until("it works on the other no more", revoked).await;
    assert!(took <= Duration::from_millis(300), "{took:?}");

    // A project that is gone, and one of its id that is another.
    let key = async |stage: &Stage| stage.handle.project_key(&stage.admin, &project("p")).await;
    let before = key(&other).await.unwrap();
    one.handle.delete_project(&one.admin, &project("p")).await.unwrap();
    make_project(&one).await;
    until("the other knows", async || key(&other).await.is_ok_and(|now| now != before)).await;

    let settings = fleet::ServerSettings { paused: true };
    one.handle.set_server_settings(&one.admin, settings).await.unwrap();
    until("the other is paused", async || other.handle.shared.server_paused.load(Ordering::SeqCst))
        .await;
}

/// What answers at a device's address, from both nodes' points of view.
fn meets(nodes: [&Stage; 2], device: &Device, report: &Report) {
    nodes.iter().for_each(|node| node.phones.meet(&device.address, report.clone()));
}

/// A phone with this marker, in a boot of its own.
fn other_phone(marker: &str) -> Report {
    Report::Away(Away::WrongDevice { marker: marker.to_owned(), boot: Some(boot(2)) })
}

/// Asks for a restart of a device.
async fn restart(node: &Stage, device: &Device) {
    let entry = UpdateEntry {
        device: Ok(device.id.clone()),
        clear: false,
        patch: Ok(Patch::default()),
        camera: CameraAsked::default(),
        if_revision: None,
    };
    let update = Update {
        call: RequestId::from_parts(1, 1).into(),
        door: Door::Native,
        project: project("p"),
        kind: None,
        operation: Operation::Restart,
        entries: vec![entry],
    };
    let result = node.handle.update(&node.admin, update).await.unwrap();
    assert!(result[0].is_ok(), "{:?}", result);
}

/// A device and one that the other node works on, each answering as it should.
async fn a_pair(one: &Stage, other: &Stage) -> [Device; 2] {
    until("both have half", async || (shards(one), shards(other)) == (128, 128)).await;
    let mut of: [Option<Device>; 2] = [None, None];
    for number in 0..64 {
        let (id, address) = (number.to_string(), format!("{number}:1"));
        one.import("p", &id, &address, "simulated").await;
        let device = one.device("p", &id).await;
        let is_here = one.handle.shared.ownership.fence(device.key, None).is_some();
        of[usize::from(!is_here)].get_or_insert(device);
    }
    let pair = of.map(Option::unwrap);
    let well = Report::Reached(Reached { boot: Some(boot(1)), ..Reached::default() });
    pair.iter().for_each(|device| meets([one, other], device, &well));
    pair
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_another_node_sees_stops_its_original_until_it_is_gone() {
    let (one, other) = two().await;
    let [original, copy] = a_pair(&one, &other).await;
    let copy_of = async || {
        let found = one.handle.device(&one.admin, &project("p"), &original.id).await.unwrap();
        found.state.copy
    };
    meets([&one, &other], &copy, &other_phone(&original.marker));
    until("the copy is known", async || copy_of().await == Some(copy.key)).await;

    // Its node forgets what it has seen, and so does the original's: it is asked for.
    for node in [&one, &other] {
        node.handle.shared.copies.keep(|_| false);
    }
    let asked = other.phones.asked_times(copy.key);
    until("it is asked for", async || other.phones.asked_times(copy.key) > asked).await;
    assert_eq!(copy_of().await, Some(copy.key), "it is still there");

    meets([&one, &other], &copy, &other_phone(""));
    until("nothing is known against it", async || copy_of().await.is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_restarted_by_another_nodes_call_is_looked_at_at_once() {
    let (one, other) = two().await;
    let [_, away] = a_pair(&one, &other).await;
    let unreachable = Report::Away(Away::Unreachable("no route".to_owned()));
    meets([&one, &other], &away, &unreachable);
    // So often that the next look is far away.
    until("it has been away for a while", async || other.phones.asked_times(away.key) > 6).await;
    let (looks, began) = (other.phones.asked_times(away.key), Instant::now());
    restart(&one, &away).await;
    until("it is looked at", async || other.phones.asked_times(away.key) > looks).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn nodes_that_number_devices_at_once_give_each_its_own() {
    let (one, other) = two().await;
    let make = async |stage: &Stage| {
        let mut ids = Vec::new();
        for _ in 0..20 {
            let new = crate::NewRegistrant {
                name: String::new(),
                credentials: crate::Credentials::default(),
                record: fleet::Values::new(),
            };
            let (handle, project) = (&stage.handle, project("p"));
            let made = handle.create_cameras(&stage.admin, &project, "3402000000", vec![new]);
            ids.extend(made.await.unwrap());
        }
        ids
    };
    let (mut first, second) = tokio::join!(make(&one), make(&other));
    first.extend(second);
    let ids: BTreeSet<_> = first.into_iter().map(Result::unwrap).collect();
    assert_eq!(ids.len(), 40);
    assert!(!ids.contains(&device_id("3402000000")));
}

#[tokio::test(start_paused = true)]
async fn who_has_not_heard_for_too_long_uses_nothing_cached() {
    let freshness = Freshness::new();
    assert!(freshness.holds());
    tokio::time::advance(limits::FEED_SILENCE_MAX).await;
    assert!(freshness.holds());
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(!freshness.holds());
    freshness.set_as_of(Instant::now());
    assert!(freshness.holds() && freshness.lag() < Duration::from_millis(2));
    freshness.set_alone(true);
    tokio::time::advance(SOON).await;
    assert!(freshness.holds(), "who is alone changes all itself");
}
