use std::sync::atomic::Ordering;

use super::*;
use crate::operate::stage::{MODEL, Stage, answering, boot, project};

const PROFILE: &str = "simulated";

fn candidate(address: &str) -> Candidate {
    Candidate { address: address.to_owned(), ..Candidate::default() }
}

fn discovery(addresses: &[&str], apply: bool) -> Discovery {
    Discovery {
        project: project("p"),
        profile: PROFILE.to_owned(),
        server: "host-2".to_owned(),
        candidates: addresses.iter().map(|address| candidate(address)).collect(),
        apply,
    }
}

async fn found(stage: &Stage, addresses: &[&str], apply: bool) -> Vec<FoundAs> {
    let found = stage.handle.discover(&stage.admin, discovery(addresses, apply)).await.unwrap();
    assert!(found.iter().zip(addresses).all(|(found, address)| found.address == *address));
    found.into_iter().map(|found| found.outcome).collect()
}

async fn records(stage: &Stage) -> Vec<Device> {
    let page = Page { after: DeviceKey(0), limit: 100 };
    let filter = DeviceFilter { project: Some(project("p")), ..Default::default() };
    let devices = stage.handle.reads().devices(&stage.admin, &filter, page).await.unwrap();
    devices.into_iter().map(|found| found.device).collect()
}

/// Records a phone at an address, and gives the marker that it then bears in boot 1.
async fn adopted(stage: &Stage, project_id: &str, id: &str, address: &str) -> String {
    stage.import(project_id, id, address, PROFILE).await;
    let marker = stage.device(project_id, id).await.marker;
    stage.phones.put(address, answering(&marker, boot(1)));
    marker
}

fn known(id: &str) -> FoundAs {
    FoundAs::Known { id: DeviceId::new(id).unwrap(), container: None }
}

#[tokio::test]
async fn new_phones_are_shown_first_and_recorded_when_asked_to() {
    let stage = Stage::new().await;
    stage.phones.put("a:1", answering("", boot(1)));
    stage.phones.put("a:2", answering("", boot(2)));
    let preview = found(&stage, &["a:1", "a:2", "a:3"], false).await;
    let [FoundAs::New { id }, FoundAs::New { id: other }, FoundAs::Unreachable { why }] =
        &preview[..]
    else {
        panic!("{preview:?}");
    };
    assert_ne!(id, other);
    assert_eq!((id.as_str().len(), why.as_str()), (32, "connection refused"));
    assert_eq!(records(&stage).await, []);

    assert_eq!(found(&stage, &["a:1", "a:2", "a:3"], true).await, preview);
    let recorded = records(&stage).await;
    let seen: Vec<(&str, &str)> =
        recorded.iter().map(|device| (device.id.as_str(), device.address.as_str())).collect();
    assert_eq!(seen, [(id.as_str(), "a:1"), (other.as_str(), "a:2")]);
    let names: Vec<&str> = recorded.iter().map(|device| device.name.as_str()).collect();
    assert_eq!(names, [MODEL.to_owned(), format!("{MODEL} a:2")]);
    assert!(recorded.iter().all(|device| device.server == "host-2"));
    assert!(recorded.iter().all(|device| device.profile == PROFILE));
}

#[tokio::test]
async fn a_second_run_makes_no_duplicates_even_before_adoption() {
    let stage = Stage::new().await;
    stage.phones.put("a:1", answering("", boot(1)));
    let first = found(&stage, &["a:1"], true).await;
    let [FoundAs::New { id }] = &first[..] else { panic!("{first:?}") };
    assert_eq!(
        found(&stage, &["a:1"], true).await,
        [FoundAs::Known { id: id.clone(), container: None }]
    );
    assert_eq!(records(&stage).await.len(), 1);
}

#[tokio::test]
async fn two_runs_that_race_record_one_device() {
    let stage = Stage::new().await;
    for (number, address) in (1..).zip(["a:1", "a:2", "a:3"]) {
        stage.phones.put(address, answering("", boot(number)));
    }
    let run = async || found(&stage, &["a:1", "a:2", "a:3"], true).await;
    let (one, other, third) = tokio::join!(run(), run(), run());
    assert_eq!(records(&stage).await.len(), 3, "{one:?} {other:?} {third:?}");
}

#[tokio::test]
async fn what_has_moved_is_followed_by_its_marker() {
    let stage = Stage::new().await;
    let marker = adopted(&stage, "p", "A", "a:1").await;
    assert_eq!(found(&stage, &["a:1"], true).await, [known("A")]);
    stage.phones.take("a:1");
    stage.phones.put("a:9", answering(&marker, boot(2)));
    let id = DeviceId::new("A").unwrap();
    let moved = FoundAs::Moved { id, from: "a:1".to_owned() };
    assert_eq!(found(&stage, &["a:9"], false).await, std::slice::from_ref(&moved));
    assert_eq!(stage.device("p", "A").await.address, "a:1");
    assert_eq!(found(&stage, &["a:9"], true).await, [moved]);
    let device = stage.device("p", "A").await;
    assert_eq!((device.address.as_str(), device.marker), ("a:9", marker));
    assert_eq!((device.name.as_str(), device.container.as_str()), ("phone A", "box-A"));
    assert_eq!(found(&stage, &["a:9"], true).await, [known("A")]);
    assert_eq!(records(&stage).await.len(), 1);
}

#[tokio::test]
async fn nothing_has_moved_while_its_old_place_is_booting() {
    let stage = Stage::new().await;
    let marker = adopted(&stage, "p", "A", "a:1").await;
    let booting = Examination { away: Some(Away::Booting), ..Examination::default() };
    stage.phones.put("a:1", booting);
    stage.phones.put("a:9", answering(&marker, boot(2)));
    let outcomes = found(&stage, &["a:9"], true).await;
    let [FoundAs::Unreachable { why }] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(why.contains("a:1, is still booting"), "{why}");
    assert_eq!(stage.device("p", "A").await.address, "a:1");
}

#[tokio::test]
async fn phones_that_changed_places_are_both_followed() {
    let stage = Stage::new().await;
    let a = adopted(&stage, "p", "A", "a:1").await;
    let b = adopted(&stage, "p", "B", "a:2").await;
    stage.phones.put("a:1", answering(&b, boot(3)));
    stage.phones.put("a:2", answering(&a, boot(4)));
    let outcomes = found(&stage, &["a:1", "a:2"], true).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, FoundAs::Moved { .. })));
    assert_eq!(stage.device("p", "A").await.address, "a:2");
    assert_eq!(stage.device("p", "B").await.address, "a:1");
}

#[tokio::test]
async fn a_new_phone_at_an_address_that_a_found_one_left_gets_an_id_of_its_own() {
    let stage = Stage::new().await;
    stage.phones.put("a:1", answering("", boot(1)));
    found(&stage, &["a:1"], true).await;
    let first = records(&stage).await.remove(0);
    stage.phones.put("a:2", answering(&first.marker, boot(1)));
    stage.phones.put("a:1", answering("", boot(2)));
    // The record still says a:1 while both are looked at, so the new one is seen once it has moved.
    found(&stage, &["a:2"], true).await;
    let outcomes = found(&stage, &["a:1", "a:2"], true).await;
    assert!(matches!(&outcomes[0], FoundAs::New { id } if *id != first.id), "{outcomes:?}");
    assert_eq!(outcomes[1], FoundAs::Known { id: first.id.clone(), container: None });
    let records = records(&stage).await;
    assert_eq!(records.len(), 2);
    assert_eq!((&records[0].id, records[0].address.as_str()), (&first.id, "a:2"));
    assert_eq!(records[1].address, "a:1");
}

#[tokio::test]
async fn copies_are_named_and_nothing_is_recorded() {
    let stage = Stage::new().await;
    let marker = adopted(&stage, "p", "A", "a:1").await;
    let copy = |of: &[&str]| FoundAs::Copy { of: of.iter().map(|at| (*at).to_owned()).collect() };
    // The phone on record still answers, in another boot.
    stage.phones.put("a:2", answering(&marker, boot(2)));
    assert_eq!(found(&stage, &["a:2"], true).await, [copy(&["a:1", "a:2"])]);
    // The phone on record is gone, and two answer in its place.
    stage.phones.take("a:1");
    stage.phones.put("a:3", answering(&marker, boot(2)));
    let both = copy(&["a:2", "a:3"]);
    assert_eq!(found(&stage, &["a:2", "a:3"], true).await, [both.clone(), both]);
    // One that tells no boots apart proves nothing.
    stage.phones.put("a:1", answering(&marker, boot(2)));
    let mut silent = answering(&marker, boot(2));
    silent.boot = None;
    stage.phones.put("a:2", silent);
    assert_eq!(found(&stage, &["a:2"], true).await, [copy(&["a:1", "a:2"])]);
    assert_eq!(stage.device("p", "A").await.address, "a:1");
    assert_eq!(records(&stage).await.len(), 1);
}

#[tokio::test]
async fn one_phone_by_two_addresses_is_no_copy() {
    let stage = Stage::new().await;
    let marker = adopted(&stage, "p", "A", "a:1").await;
    stage.phones.put("localhost:1", answering(&marker, boot(1)));
    assert_eq!(found(&stage, &["localhost:1"], true).await, [known("A")]);
    assert_eq!(stage.device("p", "A").await.address, "a:1");
}

#[tokio::test]
async fn an_unmarked_phone_by_several_addresses_is_one() {
    let stage = Stage::new().await;
    for address in ["localhost:1", "a:1", "b:1"] {
        stage.phones.put(address, answering("", boot(1)));
    }
    stage.phones.put("a:2", answering("", boot(2)));
    let addresses = ["localhost:1", "a:1", "a:2", "b:1"];
    for apply in [false, true] {
        let outcomes = found(&stage, &addresses, apply).await;
        let [FoundAs::New { id }, same, FoundAs::New { id: other }, again] = &outcomes[..] else {
            panic!("{outcomes:?}");
        };
        assert_ne!(id, other);
        assert_eq!([same, again], [&known(id.as_str()), &known(id.as_str())]);
    }
    let recorded: Vec<String> =
        records(&stage).await.into_iter().map(|device| device.address).collect();
    assert_eq!(recorded, ["localhost:1", "a:2"]);
    // The one at the address on record is the device, wherever it stands.
    let outcomes = found(&stage, &["b:1", "localhost:1"], true).await;
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{outcomes:?}");
    assert_eq!(records(&stage).await.len(), 2);
}

#[tokio::test]
async fn phones_that_are_not_known_for_one_stay_apart() {
    let stage = Stage::new().await;
    // A boot with half of it unknown, or none of it, proves nothing.
    for (address, half) in [("a:1", true), ("a:2", true), ("a:3", false), ("a:4", false)] {
        let mut answer = answering("", boot(1));
        match &mut answer.boot {
            Some(boot) if half => boot.init_start.clear(),
            boot => *boot = None,
        }
        stage.phones.put(address, answer);
    }
    let outcomes = found(&stage, &["a:1", "a:2", "a:3", "a:4"], true).await;
    assert!(outcomes.iter().all(|found| matches!(found, FoundAs::New { .. })), "{outcomes:?}");
    // Nor does one tick of the clock, where docker says that they are two containers.
    let mut asked = discovery(&["b:1", "b:2"], true);
    for (candidate, name) in asked.candidates.iter_mut().zip(["box-1", "box-2"]) {
        stage.phones.put(&candidate.address, answering("", boot(7)));
        candidate.container = name.to_owned();
    }
    stage.handle.discover(&stage.admin, asked).await.unwrap();
    assert_eq!(records(&stage).await.len(), 6);
}

#[tokio::test]
async fn a_phone_that_waits_for_its_adoption_is_known_by_its_boot() {
    let stage = Stage::new().await;
    stage.import("p", "A", "a:1", PROFILE).await;
    stage.import("q", "B", "b:1", PROFILE).await;
    for (project_id, id, number) in [("p", "A", 1), ("q", "B", 2)] {
        stage.seen_in(project_id, id, boot(number)).await;
    }
    for (address, number) in [("c:1", 1), ("c:2", 2)] {
        stage.phones.put(address, answering("", boot(number)));
    }
    let outcomes = found(&stage, &["c:1", "c:2"], true).await;
    assert_eq!(outcomes[0], known("A"));
    assert!(matches!(outcomes[1], FoundAs::New { .. }), "another project's is not told of");
    assert_eq!(stage.device("p", "A").await.address, "a:1");
    // The next boot is nobody's.
    stage.phones.put("c:1", answering("", boot(3)));
    assert!(matches!(found(&stage, &["c:1"], false).await[0], FoundAs::New { .. }));
}

#[tokio::test]
async fn new_phones_get_names_of_their_own() {
    let stage = Stage::new().await;
    let mut asked = discovery(&["a:1", "a:2", "a:3", "a:4", "a:5"], true);
    for (number, candidate) in (1..).zip(&asked.candidates) {
        stage.phones.put(&candidate.address, answering("", boot(number)));
    }
    asked.candidates[1].container = "redroid-2".to_owned();
    asked.candidates[2].name = "desk".to_owned();
    asked.candidates[3].container = "desk".to_owned();
    stage.handle.discover(&stage.admin, asked).await.unwrap();
    stage.phones.put("a:6", answering("", boot(6)));
    found(&stage, &["a:6"], true).await;
    let names: Vec<String> = records(&stage).await.into_iter().map(|device| device.name).collect();
    let of_model = |address: &str| format!("{MODEL} {address}");
    let expected = [MODEL, "redroid-2", "desk", "desk a:4", &of_model("a:5"), &of_model("a:6")];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_known_phones_container_gets_its_name_once() {
    let stage = Stage::new().await;
    stage.phones.put("a:1", answering("", boot(1)));
    found(&stage, &["a:1"], true).await;
    let device = records(&stage).await.remove(0);
    stage.phones.put("a:1", answering(&device.marker, boot(1)));
    let ask = async |container: &str, apply: bool| {
        let mut asked = discovery(&["a:1"], apply);
        asked.candidates[0].container = container.to_owned();
        let found = stage.handle.discover(&stage.admin, asked).await.unwrap().remove(0);
        (found.outcome, records(&stage).await.remove(0))
    };
    let named = FoundAs::Known { id: device.id.clone(), container: Some("redroid-7".to_owned()) };
    assert_eq!(ask("redroid-7", false).await, (named.clone(), device.clone()), "a preview");
    let (outcome, after) = ask("redroid-7", true).await;
    assert_eq!((outcome, after.container.as_str()), (named, "redroid-7"));
    assert_eq!(
        (&after.name, &after.server, &after.address),
        (&device.name, &device.server, &device.address)
    );
    let (outcome, unchanged) = ask("another", true).await;
    assert_eq!((outcome, unchanged), (known(device.id.as_str()), after));
}

#[tokio::test]
async fn what_belongs_to_others_is_left_alone() {
    let stage = Stage::new().await;
    let theirs = adopted(&stage, "q", "A", "a:1").await;
    stage.phones.put("a:2", answering("0123", boot(1)));
    let foreign = |marker: &str| FoundAs::Foreign { marker: marker.to_owned() };
    let outcomes = found(&stage, &["a:1", "a:2"], true).await;
    assert_eq!(outcomes, [foreign(&theirs), foreign("0123")]);
    assert_eq!(records(&stage).await, []);
    assert_eq!(stage.device("q", "A").await.address, "a:1");
}

#[tokio::test]
async fn who_does_not_answer_is_told_why() {
    let stage = Stage::new().await;
    let away = |away| Examination { away: Some(away), ..Examination::default() };
    stage.phones.put("a:1", away(Away::Unauthorised("key refused".to_owned())));
    stage.phones.put("a:2", away(Away::Booting));
    stage.phones.put("a:3", Examination::default());
    let unreachable = |why: &str| FoundAs::Unreachable { why: why.to_owned() };
    assert_eq!(
        found(&stage, &["a:1", "a:2", "a:3"], true).await,
        [
            FoundAs::Unauthorised { why: "key refused".to_owned() },
            unreachable("still booting"),
            unreachable("it did not say which marker it bears"),
        ]
    );
    assert_eq!(records(&stage).await, []);
}

#[tokio::test]
async fn a_candidate_says_its_name_server_and_container() {
    let stage = Stage::new().await;
    for (number, address) in (1..).zip(["a:1", "a:2"]) {
        let mut answer = answering("", boot(number));
        answer.facts.0.insert(Facts::MODEL.to_owned(), "a\u{7}b".to_owned());
        stage.phones.put(address, answer);
    }
    let mut asked = discovery(&["a:1", "a:2", "a:1"], true);
    asked.candidates[0].name = "desk 4".to_owned();
    asked.candidates[0].server = "host-9".to_owned();
    asked.candidates[0].container = "redroid-7".to_owned();
    let found = stage.handle.discover(&stage.admin, asked).await.unwrap();
    assert_eq!(found.len(), 2, "an address that stands there twice is looked at once");
    let records = records(&stage).await;
    let [first, second] = &records[..] else { panic!("{records:?}") };
    assert_eq!([&first.name, &first.server, &first.container], ["desk 4", "host-9", "redroid-7"]);
    // A model that can't be a name is none.
    assert_eq!([&second.name, &second.server, &second.container], ["a:2", "host-2", ""]);
}

#[tokio::test]
async fn what_was_given_is_checked_before_anything_is_looked_at() {
    let stage = Stage::new().await;
    let refused = async |change: fn(&mut Discovery)| {
        let mut asked = discovery(&["a:1"], true);
        change(&mut asked);
        stage.handle.discover(&stage.admin, asked).await.unwrap_err().to_string()
    };
    let address = refused(|asked| asked.candidates[0].address = "a".to_owned()).await;
    assert_eq!(address, "candidate 1, address: \"a\" is not host:port");
    let name = refused(|asked| asked.candidates[0].name = "\n".to_owned()).await;
    assert_eq!(name, "candidate 1, name: has a control character");
    let profile = refused(|asked| asked.profile = "nexus".to_owned()).await;
    assert!(
        profile.starts_with("profile: no profile \"nexus\" for a phone; there are "),
        "{profile}"
    );
    let project = refused(|asked| asked.project = ProjectId::new("x").unwrap()).await;
    assert_eq!(project, "no such project: x");
    let count = refused(|asked| asked.candidates = vec![Candidate::default(); 1_025]).await;
    assert_eq!(count, "candidates: 1025 in one discovery; at most 1024");
    assert_eq!(stage.phones.looking_max.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_few_are_looked_at_at_a_time() {
    let stage = Stage::new().await;
    let addresses: Vec<String> = (1..=300).map(|port| format!("a:{port}")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    assert_eq!(found(&stage, &addresses, false).await.len(), 300);
    let most = stage.phones.looking_max.load(Ordering::SeqCst);
    assert_eq!(most, limits::DISCOVERY_AT_A_TIME);
}
