//! Who may enrol, and the GB devices that wait to be accepted.

use std::time::Duration;

use fleet::limits::{
    ENROLMENTS_MAX, ENROLMENTS_PENDING_MAX, PENDING_KEPT, PENDING_PER_WRITE_MAX, REJECTED_FOR,
};
use fleet::{DeviceKey, IdPrefix, PendingDevice, Principal, ProjectKey, SipTransport, Timestamp};
use serde_json::{Value, json};

use super::credentials;
use super::feed::told;
use super::fixture::*;
use super::users::done;
use crate::feed::Change;
use crate::write::{
    AcceptPending, AcceptedPending, EnrolledWith, EnrolmentTerms, NotAccepted, NotePending,
    RejectPending, SetEnrolment,
};
use crate::{
    AuditFilter, DeviceFilter, OldCredentials, Page, Refused, Store, StoredEnrolment, Write,
    Written,
};

/// When every enrolment of these cases ends.
const END: Timestamp = Timestamp(AT.0 + 3_600_000);

fn terms(password: Option<&str>, prefixes: &[&str]) -> EnrolmentTerms {
    EnrolmentTerms {
        sealed_password: password.map(|password| password.as_bytes().to_vec()),
        prefixes: prefixes.iter().map(|prefix| IdPrefix::new(*prefix).unwrap()).collect(),
        ends_at: END,
    }
}

fn set(project: &str, terms: Option<EnrolmentTerms>) -> Write {
    set_at(project, terms, AT)
}

fn set_at(project: &str, terms: Option<EnrolmentTerms>, at: Timestamp) -> Write {
    Write::SetEnrolment(SetEnrolment { project: project_id(project), terms, at })
}

/// Makes a project that is open for enrolment.
async fn open(store: &dyn Store, project: &str) -> ProjectKey {
    let key = create_project(store, project).await;
    done(store, set(project, Some(terms(Some("sealed shared"), &["3402"])))).await;
    key
}

/// The device of this number, seen at this time.
fn seen(number: usize, at: Timestamp) -> PendingDevice {
    PendingDevice {
        id: device_id(&camera_id(number)),
        first_seen: at,
        last_seen: at,
        remote: "[2001:db8::7]:5060".parse().unwrap(),
        transport: SipTransport::Tcp,
        user_agent: Some("IP Camera 摄像机".to_owned()),
    }
}

/// Notes devices, and gives how many there was no room for.
async fn note(
    store: &dyn Store,
    project: ProjectKey,
    devices: Vec<PendingDevice>,
    at: Timestamp,
) -> usize {
    let seen = devices.into_iter().map(|device| (project, device)).collect();
    match write_as(store, &engine(), Write::NotePending(NotePending { seen, at })).await {
        Ok(Written::PendingNoted { left_out }) => left_out,
        other => panic!("{other:?}"),
    }
}

async fn come(store: &dyn Store, project: ProjectKey, numbers: &[usize]) {
    let devices = numbers.iter().map(|number| seen(*number, AT)).collect();
    assert_eq!(note(store, project, devices, AT).await, 0);
}

async fn pending(store: &dyn Store, project: &str) -> Vec<PendingDevice> {
    store.pending(&engine(), &project_id(project), "", 1_000).await.unwrap()
}

/// The numbers of the pending devices.
async fn numbers(store: &dyn Store, project: &str) -> Vec<usize> {
    let number = |device: PendingDevice| device.id.as_str()[13..].parse().unwrap();
    pending(store, project).await.into_iter().map(number).collect()
}

/// Accepts a device with a password of its own, and what it came with until then.
fn accepting(project: &str, number: usize, until: Option<Timestamp>) -> AcceptedPending {
    let mut new = new_camera(project, &camera_id(number));
    new.password = Some(sealed("own"));
    let overlap = until.map(|until| EnrolledWith { sealed: b"shared for it".to_vec(), until });
    AcceptedPending { new, overlap }
}

async fn accept(
    store: &dyn Store,
    principal: &Principal,
    project: &str,
    devices: Vec<AcceptedPending>,
) -> Result<Vec<Result<DeviceKey, NotAccepted>>, Refused> {
    let accept = AcceptPending { project: project_id(project), devices, at: LATER };
    match write_as(store, principal, Write::AcceptPending(accept)).await? {
        Written::PendingAccepted(results) => Ok(results),
        other => panic!("{other:?}"),
    }
}

async fn reject(store: &dyn Store, project: &str, numbers: &[usize], at: Timestamp) -> usize {
    let ids = numbers.iter().map(|number| device_id(&camera_id(*number))).collect();
    let reject = RejectPending { project: project_id(project), ids, at };
    match write_as(store, &engine(), Write::RejectPending(reject)).await {
        Ok(Written::PendingRejected(rejected)) => rejected,
        other => panic!("{other:?}"),
    }
}

/// `AT` and so much more.
fn after(time: Duration) -> Timestamp {
    AT.plus(time)
}

pub(crate) async fn an_enrolment_is_opened_changed_and_closed(store: &dyn Store) {
    let key = create_project(store, "p").await;
    let other = create_project(store, "q").await;
    let found = async || store.enrolment(&engine(), &project_id("p")).await.unwrap();
    assert_eq!(found().await, None);
    // There is no password to keep.
    let refused = write_as(store, &engine(), set("p", Some(terms(None, &["34"])))).await;
    assert_eq!(refused, Err(Refused::NoEnrolment(project_id("p"))));
    let eve = Principal::user("eve", vec![key]);
    let first = terms(Some("one"), &["34", "3502"]);
    assert_eq!(write_as(store, &eve, set("p", Some(first.clone()))).await, Ok(Written::Done));
    let mut expected = StoredEnrolment {
        project: key,
        project_id: project_id("p"),
        sealed_password: b"one".to_vec(),
        prefixes: first.prefixes,
        ends_at: END,
        actor: "user:eve".to_owned(),
        set_at: AT,
    };
    assert_eq!(found().await, Some(expected.clone()));
    // Another prefix and the same password.
    let second = terms(None, &["44"]);
    done(store, set("p", Some(second.clone()))).await;
    (expected.prefixes, expected.actor) = (second.prefixes, "engine".to_owned());
    assert_eq!(found().await, Some(expected.clone()));
    done(store, set("p", Some(terms(Some("two"), &["44"])))).await;
    expected.sealed_password = b"two".to_vec();
    assert_eq!(found().await, Some(expected.clone()));

    done(store, set("q", Some(terms(Some("three"), &["44"])))).await;
    let open = async |at| {
        let open = store.enrolments_open(at).await.unwrap();
        open.into_iter().map(|open| open.project).collect::<Vec<_>>()
    };
    assert_eq!(open(AT).await, [key, other]);
    assert_eq!(open(Timestamp(END.0 - 1)).await, [key, other]);
    assert!(open(END).await.is_empty());
    assert_eq!(found().await, Some(expected), "its time is over, and it is shown");

    let stranger = Principal::user("stan", vec![other]);
    assert_eq!(store.enrolment(&stranger, &project_id("p")).await.unwrap(), None);
    let refused = write_as(store, &stranger, set("p", None)).await;
    assert_eq!(refused, Err(Refused::NoSuchProject(project_id("p"))));
    for _ in 0..2 {
        done(store, set("p", None)).await;
        assert_eq!(found().await, None);
    }
    assert_eq!(open(AT).await, [other]);
}

pub(crate) async fn a_pending_device_is_no_device(store: &dyn Store) {
    let key = open(store, "p").await;
    come(store, key, &[2, 1]).await;
    assert_eq!(pending(store, "p").await, [seen(1, AT), seen(2, AT)]);
    // It comes again, from elsewhere: of two sightings in one change the later counts.
    let mut again = seen(1, LATER);
    (again.user_agent, again.transport) = (None, SipTransport::Udp);
    again.remote = "192.0.2.7:15060".parse().unwrap();
    let both = vec![again.clone(), seen(1, AT)];
    assert_eq!(note(store, key, both, LATER).await, 0);
    assert_eq!(pending(store, "p").await[0], PendingDevice { first_seen: AT, ..again });

    let page = Page { after: DeviceKey(0), limit: 10 };
    let devices = store.devices(&engine(), &DeviceFilter::default(), page).await.unwrap();
    assert!(devices.is_empty());
    assert_eq!(registrant(store, &camera_id(1)).await, None);
    let targets = vec![device_id(&camera_id(1))];
    let targets = store.accept_targets(&engine(), &project_id("p"), targets).await.unwrap();
    assert_eq!(targets, [None]);
    // The list is paged, and of those who may see the project.
    let page = async |principal: &Principal, after: &str, limit| {
        let page = store.pending(principal, &project_id("p"), after, limit).await.unwrap();
        page.into_iter().map(|device| device.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(page(&engine(), "", 1).await, [camera_id(1)]);
    assert_eq!(page(&engine(), &camera_id(1), 9).await, [camera_id(2)]);
    assert!(page(&engine(), &camera_id(2), 9).await.is_empty());
    let stranger = Principal::user("stan", vec![ProjectKey(key.0 + 1)]);
    assert!(page(&stranger, "", 9).await.is_empty());
}

pub(crate) async fn only_devices_of_an_open_project_that_nobody_has_are_noted(store: &dyn Store) {
    let key = open(store, "p").await;
    let closed = create_project(store, "q").await;
    come(store, closed, &[1]).await;
    assert!(pending(store, "q").await.is_empty());
    // Imported since it came, in this project or in another.
    import_new(store, vec![new_camera("p", &camera_id(1)), new_camera("q", &camera_id(2))]).await;
    come(store, key, &[1, 2, 3]).await;
    assert_eq!(numbers(store, "p").await, [3]);
    import_new(store, vec![new_camera("q", &camera_id(3))]).await;
    assert!(pending(store, "p").await.is_empty(), "it waits for nothing");
    // What was seen before the end and is written after it counts; closing forgets all.
    come(store, key, &[4]).await;
    done(store, set("p", None)).await;
    come(store, key, &[5]).await;
    done(store, set("p", Some(terms(Some("sealed shared"), &["3402"])))).await;
    assert!(pending(store, "p").await.is_empty());
}

pub(crate) async fn a_project_has_so_many_pending_devices_and_no_more(store: &dyn Store) {
    let key = open(store, "p").await;
    let other = open(store, "q").await;
    let devices: Vec<_> = (0..ENROLMENTS_PENDING_MAX - 1).map(|n| seen(n, AT)).collect();
    for piece in devices.chunks(PENDING_PER_WRITE_MAX) {
        assert_eq!(note(store, key, piece.to_vec(), AT).await, 0);
    }
    let new = |n| seen(ENROLMENTS_PENDING_MAX + n, LATER);
    // One that is there takes no room.
    assert_eq!(note(store, key, vec![seen(0, LATER), new(1), new(2), new(3)], LATER).await, 2);
    assert_eq!(note(store, key, vec![seen(1, LATER), new(4)], LATER).await, 1);
    assert_eq!(note(store, other, vec![new(4)], LATER).await, 0);
    let all = store.pending(&engine(), &project_id("p"), "", u32::MAX >> 1).await.unwrap();
    assert_eq!(all.len(), ENROLMENTS_PENDING_MAX);
    assert_eq!((all[0].last_seen, all[2].last_seen), (LATER, AT));
    // Those that have not come for long make room.
    let late = after(PENDING_KEPT);
    assert_eq!(note(store, key, vec![seen(9_999_999, late)], late).await, 0);
    let left = numbers(store, "p").await;
    assert_eq!(left, [0, 1, ENROLMENTS_PENDING_MAX + 1, 9_999_999]);
}

pub(crate) async fn an_accepted_device_has_a_password_of_its_own(store: &dyn Store) {
    let key = open(store, "p").await;
    come(store, key, &[1, 2, 3]).await;
    let until = Timestamp(LATER.0 + 600_000);
    let mut named = accepting("p", 2, None);
    named.new.record.name = "东门".to_owned();
    let devices = vec![accepting("p", 1, Some(until)), named];
    let eve = Principal::user("eve", vec![key]);
    let made = accept(store, &eve, "p", devices).await.unwrap();
    let [Ok(first), Ok(second)] = made[..] else { panic!("{made:?}") };
    assert!(first < second);
    assert_eq!(numbers(store, "p").await, [3]);

    let found = registrant(store, &camera_id(1)).await.unwrap();
    assert_eq!((found.device, found.user), (first, None));
    assert_eq!(found.sealed_password, Some(b"sealed own".to_vec()));
    let shared = b"shared for it".to_vec();
    assert_eq!(found.old, Some(OldCredentials { user: None, sealed_password: shared, until }));
    let found = registrant(store, &camera_id(2)).await.unwrap();
    assert_eq!((found.device, found.old), (second, None));
    let state = camera_state(store, first).await;
    assert_eq!((state.credentials_at, state.overlap_until), (Some(LATER), Some(until)));
    // It is a device as one that was imported.
    let expected = import_new(store, vec![new_camera("p", &camera_id(9))]).await[0];
    let (made, imported) = (device(store, second).await, device(store, expected).await);
    assert_eq!((made.device.name.as_str(), made.device.profile.as_str()), ("东门", "generic"));
    assert_eq!(made.device.created_at, LATER);
    assert_eq!(made.state.condition, imported.state.condition);
    assert_eq!((made.state.adopted, made.state.revision), (true, imported.state.revision));
    // The password is known again: the same one changes nothing.
    let same = credentials::credentials(None, Some("own"), Some(until));
    credentials::change(store, (key, second), 1, same).await;
    assert_eq!(registrant(store, &camera_id(2)).await.unwrap().old, None);
}

pub(crate) async fn pending_devices_are_accepted_or_refused_alone(store: &dyn Store) {
    let key = open(store, "p").await;
    let other = open(store, "q").await;
    come(store, key, &[1, 2, 3, 4]).await;
    come(store, other, &[2]).await;
    assert_eq!(reject(store, "p", &[3], AT).await, 1);
    let of_other = accept(store, &engine(), "q", vec![accepting("q", 2, None)]).await.unwrap();
    assert!(of_other[0].is_ok());
    let devices = [1, 2, 3, 9, 1, 4].map(|number| accepting("p", number, None)).to_vec();
    let results = accept(store, &engine(), "p", devices.clone()).await.unwrap();
    let [Ok(first), ref refused @ .., Ok(last)] = results[..] else { panic!("{results:?}") };
    let not_pending = Err(NotAccepted::NotPending);
    assert_eq!(*refused, [Err(NotAccepted::Taken), not_pending, not_pending, not_pending]);
    assert_eq!(registrant(store, &camera_id(1)).await.unwrap().device, first);
    assert_eq!(registrant(store, &camera_id(4)).await.unwrap().device, last);
    let again = accept(store, &engine(), "p", devices).await.unwrap();
    assert!(again.iter().all(Result::is_err));
    let stranger = Principal::user("stan", vec![other]);
    let refused = accept(store, &stranger, "p", Vec::new()).await;
    assert_eq!(refused, Err(Refused::NoSuchProject(project_id("p"))));
}

pub(crate) async fn a_rejected_device_may_come_again_after_a_day(store: &dyn Store) {
    let key = open(store, "p").await;
    come(store, key, &[1, 2]).await;
    assert_eq!(reject(store, "p", &[1, 7], AT).await, 1);
    assert_eq!(reject(store, "p", &[1], LATER).await, 0, "the first time counts");
    assert_eq!(numbers(store, "p").await, [2]);
    let last = Timestamp(after(REJECTED_FOR).0 - 1);
    assert_eq!(note(store, key, vec![seen(1, last)], last).await, 0);
    assert_eq!(numbers(store, "p").await, [2]);
    let over = after(REJECTED_FOR);
    assert_eq!(note(store, key, vec![seen(1, over)], over).await, 0);
    assert_eq!(pending(store, "p").await, [seen(1, over), seen(2, AT)]);
}

pub(crate) async fn an_enrolment_goes_with_its_project(store: &dyn Store) {
    let key = open(store, "p").await;
    come(store, key, &[1]).await;
    done(store, Write::DeleteProject(project_id("p"))).await;
    assert!(store.enrolments_open(AT).await.unwrap().is_empty());
    open(store, "p").await;
    assert!(pending(store, "p").await.is_empty());
}

pub(crate) async fn another_password_begins_the_list_anew(store: &dyn Store) {
    let key = open(store, "p").await;
    let other = open(store, "q").await;
    come(store, key, &[1, 2]).await;
    come(store, other, &[3]).await;
    assert_eq!(reject(store, "p", &[2], AT).await, 1);
    // Other terms and the same password.
    done(store, set_at("p", Some(terms(None, &["34"])), LATER)).await;
    assert_eq!(numbers(store, "p").await, [1]);
    done(store, set_at("p", Some(terms(Some("another"), &["34"])), LATER)).await;
    assert!(pending(store, "p").await.is_empty());
    assert_eq!(numbers(store, "q").await, [3]);
    // Seen with the one before, and written now.
    let before = Timestamp(LATER.0 - 1);
    assert_eq!(note(store, key, vec![seen(4, before), seen(5, LATER)], LATER).await, 0);
    assert_eq!(numbers(store, "p").await, [5]);
    assert_eq!(note(store, key, vec![seen(2, LATER)], LATER).await, 0);
    assert_eq!(numbers(store, "p").await, [5], "it is rejected still");
}

pub(crate) async fn enrolments_whose_time_is_over_take_no_room(store: &dyn Store) {
    let key = open(store, "p").await;
    come(store, key, &[1]).await;
    for number in 1..ENROLMENTS_MAX {
        open(store, &format!("p{number}")).await;
    }
    create_project(store, "more").await;
    let more = |at: Timestamp| {
        let ends_at = at.plus(Duration::from_secs(60));
        let terms = EnrolmentTerms { ends_at, ..terms(Some("sealed"), &["34"]) };
        set_at("more", Some(terms), at)
    };
    let last = Timestamp(END.0 - 1);
    let refused = write_as(store, &engine(), more(last)).await;
    assert_eq!(refused, Err(Refused::TooManyEnrolments));
    // One that is there changes all the same.
    done(store, set_at("p", Some(terms(None, &["34"])), last)).await;
    done(store, more(END)).await;
    let found = async || store.enrolment(&engine(), &project_id("p")).await.unwrap();
    let kept = END.plus(PENDING_KEPT);
    done(store, more(Timestamp(kept.0 - 1))).await;
    assert!(found().await.is_some());
    assert_eq!(numbers(store, "p").await, [1]);
    done(store, more(kept)).await;
    assert_eq!(found().await, None);
    assert!(pending(store, "p").await.is_empty());
    let reopened = set_at("p", Some(terms(None, &["34"])), kept);
    let refused = write_as(store, &engine(), reopened).await;
    assert_eq!(refused, Err(Refused::NoEnrolment(project_id("p"))));
}

pub(crate) async fn what_is_done_to_enrolments_is_told_and_audited(store: &dyn Store) {
    let key = open(store, "p").await;
    come(store, key, &[1, 2, 3]).await;
    let made = accept(store, &engine(), "p", vec![accepting("p", 1, None)]).await.unwrap();
    let Ok(device) = made[0] else { panic!("{made:?}") };
    // Nothing comes of these.
    assert!(
        accept(store, &engine(), "p", vec![accepting("p", 1, None)]).await.unwrap()[0].is_err()
    );
    assert_eq!(reject(store, "p", &[1], AT).await, 0);
    assert_eq!(reject(store, "p", &[2, 3], AT).await, 2);
    done(store, set("p", None)).await;

    let entries = store.audit(&engine(), &AuditFilter::default(), None, 100).await.unwrap();
    let acts: Vec<_> =
        entries.iter().map(|entry| (entry.action.as_str(), entry.target.as_str())).collect();
    let id = camera_id(1);
    assert_eq!(
        acts,
        [
            ("enrolment.close", "p"),
            ("enrolment.reject", "2 devices"),
            ("enrolment.accept", id.as_str()),
            ("enrolment.open", "p"),
            ("project.create", "p"),
        ]
    );
    let detail: Value = serde_json::from_str(&entries[3].detail).unwrap();
    let expected = json!({ "prefixes": ["3402"], "ends_at": END.to_string(), "password": true });
    assert_eq!(detail, expected);
    let all: String = entries.iter().map(|entry| entry.detail.as_str()).collect();
    assert!(!all.contains("sealed") && !all.contains("shared"), "{all}");

    let commits = told(store, 4).await;
    let changes: Vec<_> = commits.into_iter().flat_map(|commit| commit.changes).collect();
    let (accepted, projects) = (Change::Devices(vec![device]), Change::Projects);
    assert_eq!(changes, [projects.clone(), projects.clone(), accepted, projects]);
}
