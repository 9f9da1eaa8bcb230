use std::sync::Arc;

use fleet::{EventType, ProjectId};
use store::StoreId;

use super::*;
use crate::events::{Dropped, Happened, Part, Why};

const STORE: StoreId = StoreId([7; 16]);
const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// Entropy whose bytes are all the same.
struct Same(u8);

impl Entropy for Same {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn place(row: i64) -> ResumeToken {
    let position = FeedPosition { row, ..FeedPosition::default() };
    ResumeToken { store: STORE, position }
}

/// A webhook of a project, of all types, that was told up to row 0.
fn webhook() -> StoredWebhook {
    StoredWebhook {
        id: "w".to_owned(),
        project: Some((ProjectKey(1), ProjectId::new("p").unwrap())),
        url: String::new(),
        types: EventTypes::ALL,
        sealed_secret: Vec::new(),
        enabled: true,
        position: place(0).to_string(),
        last_success_at: None,
        last_failure_at: None,
        last_failure: None,
        failures: 0,
        next_attempt_at: None,
        created_at: NOW,
        created_by: "admin".to_owned(),
        updated_at: NOW,
    }
}

fn course() -> Course {
    Course::new(&webhook(), NOW)
}

/// An update of a project, told apart by its number.
fn event(project: i64, number: usize) -> Event {
    let id = fleet::RequestId::from_parts(1, number as u64);
    let what = Happened::UpdateAccepted { id, project: None, jobs: number };
    Event { project: Some(ProjectKey(project)), what }
}

/// A commit at a row, or a part of one, with these events of project 1.
fn part(row: i64, numbers: std::ops::Range<usize>, is_last: bool) -> Part {
    let events = numbers.map(|number| event(1, number)).collect();
    Part { position: place(row).position, at: NOW, events, is_last }
}

fn hear(course: &mut Course, parts: Vec<Part>) {
    course.hear(&Told::Happened(Arc::from(parts)), |position| place(position.row));
}

fn hear_dropped(course: &mut Course, to: Option<i64>) {
    let dropped = Dropped { why: Why::Gap, from: place(0), to: to.map(place) };
    course.hear(&Told::Dropped(dropped), |position| place(position.row));
}

/// The delivery that is to be sent now.
fn sent(course: &mut Course, now: Timestamp) -> Delivery {
    match course.next(now, || "d".to_owned()) {
        Next::Send(delivery) => delivery,
        other => panic!("{other:?}"),
    }
}

fn numbers(delivery: &Delivery) -> Vec<usize> {
    let number = |(_, event): &(Timestamp, Event)| match event.what {
        Happened::UpdateAccepted { jobs, .. } => jobs,
        ref other => panic!("{other:?}"),
    };
    delivery.events.iter().map(number).collect()
}

#[test]
fn events_go_out_in_order_and_the_place_follows_what_was_taken() {
    let mut course = course();
    assert_eq!(course.next(NOW, String::new), Next::Hear);
    assert_eq!(course.hears_from(), Some(place(0)));
    hear(&mut course, vec![part(1, 0..2, true), part(2, 2..3, true)]);
    let delivery = sent(&mut course, NOW);
    assert_eq!((numbers(&delivery), delivery.dropped), (vec![0, 1, 2], false));
    // Until it is taken, the same again, and what comes meanwhile waits.
    hear(&mut course, vec![part(3, 3..4, true)]);
    assert_eq!(sent(&mut course, NOW), delivery);
    let note = course.succeeded(NOW);
    assert_eq!((note.position, note.succeeded_at, note.failures), (Some(place(2)), Some(NOW), 0));
    assert_eq!(numbers(&sent(&mut course, NOW)), [3]);
    assert_eq!(course.succeeded(NOW).position, Some(place(3)));
    assert_eq!(course.next(NOW, String::new), Next::Hear);
}

#[test]
fn a_large_commit_goes_out_in_several_and_is_whole_with_the_last() {
    let mut course = course();
    hear(&mut course, vec![part(1, 0..128, false)]);
    assert!(!course.has_room());
    hear(&mut course, vec![part(1, 128..150, true), part(2, 150..151, true)]);
    let first = sent(&mut course, NOW);
    assert_eq!(numbers(&first), (0..DELIVERY_EVENTS_MAX).collect::<Vec<_>>());
    // In the middle there is no place to go on from, nor may what was heard be forgotten.
    assert!(!course.shed());
    assert_eq!(course.succeeded(NOW).position, None);
    let second = sent(&mut course, NOW);
    assert_eq!(numbers(&second), (DELIVERY_EVENTS_MAX..151).collect::<Vec<_>>());
    assert_eq!(course.succeeded(NOW).position, Some(place(2)));
}

#[test]
fn a_delivery_that_ends_with_its_commit_has_the_place() {
    let mut course = course();
    hear(&mut course, vec![part(1, 0..DELIVERY_EVENTS_MAX, true), part(2, 0..1, true)]);
    assert_eq!(sent(&mut course, NOW).events.len(), DELIVERY_EVENTS_MAX);
    assert_eq!(course.succeeded(NOW).position, Some(place(1)));
}

#[test]
fn what_is_of_another_project_or_type_is_passed_over() {
    let own = |types: &str, project| {
        let mut stored = webhook();
        stored.types = types.parse().unwrap();
        stored.project = project;
        let mut course = Course::new(&stored, NOW);
        let projects = Event { project: None, what: Happened::ProjectsChanged };
        let events = vec![event(1, 1), event(2, 2), projects];
        let position = place(1).position;
        hear(&mut course, vec![Part { position, at: NOW, events, is_last: true }]);
        course
    };
    let project = webhook().project;
    let mut of_project = own("update.accepted,projects.changed", project.clone());
    assert_eq!(numbers(&sent(&mut of_project, NOW)), [1]);
    let mut of_server = own("update.accepted", None);
    assert_eq!(numbers(&sent(&mut of_server, NOW)), [1, 2]);
    let mut of_projects = own("projects.changed", None);
    let told = sent(&mut of_projects, NOW).events;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].1.what.event_type(), EventType::ProjectsChanged);
    // Nothing to tell: it has come so far all the same.
    let mut of_nothing = own("job.ended", project);
    assert_eq!(of_nothing.next(NOW, String::new), Next::Hear);
    assert_eq!(of_nothing.hears_from(), Some(place(1)));
}

#[test]
fn a_failure_is_tried_again_after_longer_and_longer() {
    let (first, longest) = DELIVERY_RETRY;
    let mut course = course();
    hear(&mut course, vec![part(1, 0..1, true)]);
    let delivery = sent(&mut course, NOW);
    let (mut now, mut waits) = (NOW, Vec::new());
    for failures in 1..=14 {
        let note = course.failed(now, "no\nanswer", &Same(255));
        assert_eq!((note.failures, note.position, note.disable), (failures, None, false));
        assert_eq!(note.failed, Some((now, "no answer".to_owned())));
        let Next::Wait(wait) = course.next(now, String::new) else { panic!() };
        assert_eq!(note.next_attempt_at, Some(now.plus(wait)));
        waits.push(wait);
        now = now.plus(wait);
        assert_eq!(sent(&mut course, now), delivery, "the same, with the same id");
    }
    let doubled: Vec<_> = (0..14).map(|n| (first * (1 << n)).min(longest)).collect();
    assert_eq!(waits, doubled);
    // By chance up to half less, and never less than the first.
    for failures in [1_u32, 2, 5, 100, u32::MAX] {
        let whole = wait_after(failures, &Same(255));
        let least = wait_after(failures, &Same(0));
        assert_eq!(least, (whole / 2).max(first), "{failures}");
    }
    let note = course.succeeded(now);
    assert_eq!((note.failures, note.next_attempt_at), (0, None));
    assert_eq!(note.position, Some(place(1)));
}

#[test]
fn a_receiver_that_is_gone_is_disabled() {
    let mut course = course();
    hear(&mut course, vec![part(1, 0..1, true)]);
    sent(&mut course, NOW);
    let note = course.gone(NOW, "HTTP status 410");
    assert!(note.disable);
    assert_eq!((note.position, note.next_attempt_at), (None, None), "it may be enabled again");
}

#[test]
fn what_was_left_out_is_told_with_the_next_delivery() {
    let mut course = course();
    hear(&mut course, vec![part(1, 0..1, true)]);
    hear_dropped(&mut course, None);
    hear(&mut course, vec![part(9, 1..2, true)]);
    let before = sent(&mut course, NOW);
    assert_eq!((numbers(&before), before.dropped), (vec![0], false));
    assert_eq!(course.succeeded(NOW).position, Some(place(1)));
    let after = sent(&mut course, NOW);
    assert_eq!((numbers(&after), after.dropped), (vec![1], true));
    course.failed(NOW, "no", &Same(0));
    let again = sent(&mut course, NOW.plus(DELIVERY_RETRY.1));
    assert!(again.dropped, "until it is taken");
    course.succeeded(NOW);
    hear(&mut course, vec![part(10, 2..3, true)]);
    assert!(!sent(&mut course, NOW).dropped);
}

#[test]
fn while_it_was_not_told_what_was_left_out_the_place_stays() {
    let mut course = course();
    hear_dropped(&mut course, Some(9));
    assert_eq!(course.next(NOW, String::new), Next::Hear);
    let late = NOW.plus(PLACE_NOTED_EVERY * 2);
    assert_eq!(course.rests_at(place(10), late), None, "whoever goes on must see the gap");
    assert_eq!(course.passes(late), None);
    hear(&mut course, vec![part(11, 0..1, true)]);
    assert!(sent(&mut course, late).dropped);
    assert_eq!(course.succeeded(late).position, Some(place(11)));
}

#[test]
fn what_the_feed_has_forgotten_is_given_up_and_said_so() {
    let mut course = course();
    hear(&mut course, vec![part(1, 0..1, true)]);
    sent(&mut course, NOW);
    course.failed(NOW, "no", &Same(0));
    let kept = NOW.plus(FEED_KEPT);
    assert_eq!(numbers(&sent(&mut course, kept)), [0]);
    let forgotten = kept.plus(Duration::from_millis(1));
    assert_eq!(course.next(forgotten, String::new), Next::Hear);
    assert_eq!(course.hears_from(), Some(place(1)));
    let mut late = part(2, 1..2, true);
    late.at = forgotten;
    hear(&mut course, vec![late]);
    let next = sent(&mut course, forgotten);
    assert_eq!((numbers(&next), next.dropped), (vec![1], true));
}

#[test]
fn a_place_that_grows_old_is_noted_though_nothing_is_told() {
    let mut course = course();
    let soon = NOW.plus(Duration::from_secs(1));
    assert_eq!(course.rests_at(place(1), soon), None);
    let late = NOW.plus(PLACE_NOTED_EVERY);
    let note = course.rests_at(place(2), late).unwrap();
    assert_eq!((note.position, note.succeeded_at, note.failed), (Some(place(2)), None, None));
    assert_eq!(course.rests_at(place(3), late), None, "not again so soon");
    let later = late.plus(PLACE_NOTED_EVERY);
    assert_eq!(course.rests_at(place(3), later).unwrap().position, Some(place(3)));
    let much_later = later.plus(PLACE_NOTED_EVERY * 9);
    assert_eq!(course.rests_at(place(3), much_later), None, "it is on record, or will be");
    // What passes by untold is noted as well.
    let other = Event { project: Some(ProjectKey(2)), ..event(1, 1) };
    let position = place(4).position;
    hear(&mut course, vec![Part { position, at: NOW, events: vec![other], is_last: true }]);
    assert_eq!(course.next(much_later, String::new), Next::Hear);
    assert_eq!(course.passes(much_later).unwrap().position, Some(place(4)));
}

#[test]
fn it_goes_on_as_it_is_on_record() {
    let mut stored = webhook();
    stored.position = place(5).to_string();
    stored.failures = 3;
    stored.next_attempt_at = Some(NOW.plus(Duration::from_secs(4)));
    let mut course = Course::new(&stored, NOW);
    assert_eq!(course.hears_from(), Some(place(5)));
    hear(&mut course, vec![part(6, 0..1, true)]);
    assert_eq!(course.next(NOW, String::new), Next::Wait(Duration::from_secs(4)));
    assert_eq!(course.failed(NOW, "no", &Same(0)).failures, 4);
    // A clock that is ahead makes nobody wait for days.
    stored.next_attempt_at = Some(NOW.plus(Duration::from_secs(1_000_000)));
    let mut course = Course::new(&stored, NOW);
    hear(&mut course, vec![part(6, 0..1, true)]);
    assert_eq!(course.next(NOW, String::new), Next::Wait(DELIVERY_RETRY.1));
}

#[test]
fn a_receiver_that_is_away_takes_no_memory() {
    let mut course = course();
    hear(&mut course, vec![part(1, 0..1, true)]);
    let delivery = sent(&mut course, NOW);
    hear(&mut course, vec![part(2, 1..128, true)]);
    course.failed(NOW, "no", &Same(0));
    assert!(course.shed());
    assert_eq!(course.hears_from(), Some(place(1)), "what follows the delivery is heard again");
    assert!(course.waiting.is_empty());
    assert_eq!(sent(&mut course, NOW.plus(DELIVERY_RETRY.1)), delivery);
}

#[test]
fn a_reason_is_kept_on_one_line_and_short() {
    assert_eq!(clipped("a\r\nb\0c"), "a  b c");
    let long = "ü".repeat(DELIVERY_FAILURE_BYTES_MAX);
    assert_eq!(clipped(&long).len(), DELIVERY_FAILURE_BYTES_MAX);
}
