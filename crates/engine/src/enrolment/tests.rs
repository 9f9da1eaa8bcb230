use std::time::Duration;

use fleet::{DeviceId, PendingDevice, ProjectKey, SipTransport};
use store::Refused;
use store::write::NotAccepted;

use super::*;
use crate::operate::stage::{Stage, device_id, project};
use crate::registrants::{Registrant, Standing};

const SHARED: &str = "install-me-2026";
const CAMERA: &str = "34020000001320000001";
const OTHER: &str = "34020000001320000002";

/// Terms with this password until an hour from now.
fn terms(stage: &Stage, password: Option<&str>, prefixes: &[&str]) -> NewEnrolment {
    NewEnrolment {
        password: password.map(|password| Secret::new(password.to_owned())),
        prefixes: prefixes.iter().map(|prefix| IdPrefix::new(*prefix).unwrap()).collect(),
        ends_at: stage.handle.now().plus(Duration::from_secs(3_600)),
    }
}

async fn open(stage: &Stage, of: &str, password: &str, prefixes: &[&str]) {
    let new = terms(stage, Some(password), prefixes);
    stage.handle.open_enrolment(&stage.admin, &project(of), new).await.unwrap();
}

/// The passwords that an id is checked against.
async fn tried(stage: &Stage, id: &str) -> Vec<String> {
    let found = stage.handle.enrolments_for(&[device_id(id)]).await.unwrap().remove(0);
    found.into_iter().map(|enrolment| enrolment.password.expose().clone()).collect()
}

/// A camera has come with the enrolment password, and that is written.
async fn come(stage: &Stage, of: &str, id: &str) {
    let at = stage.handle.now();
    let seen = PendingDevice {
        id: device_id(id),
        first_seen: at,
        last_seen: at,
        remote: "192.0.2.10:5060".parse().unwrap(),
        transport: SipTransport::Udp,
        user_agent: Some("IP Camera".to_owned()),
    };
    stage.handle.note_pending(key(stage, of).await, seen);
    write(&stage.handle.shared).await;
}

async fn key(stage: &Stage, of: &str) -> ProjectKey {
    stage.handle.project_key(&stage.admin, &project(of)).await.unwrap()
}

async fn pending(stage: &Stage, of: &str) -> Vec<String> {
    let page = stage.handle.first_pending(&stage.admin, &project(of), None).await.unwrap();
    assert!(!page.more);
    page.ids.iter().map(DeviceId::to_string).collect()
}

async fn registrant(stage: &Stage, id: &str) -> std::sync::Arc<Registrant> {
    let id = device_id(id);
    match stage.handle.registrant(&id) {
        Some(found) => found,
        None => stage.handle.registrants(vec![id]).await.unwrap().remove(0),
    }
}

/// Has passwords that are replaced work so long in the project `p`.
async fn set_overlap(stage: &Stage, seconds: u32) {
    let settings =
        fleet::ProjectSettings { password_overlap_seconds: seconds, ..Default::default() };
    stage.handle.set_project(&stage.admin, &project("p"), settings).await.unwrap();
}

#[tokio::test]
async fn terms_out_of_their_bounds_are_refused() {
    let stage = Stage::new().await;
    let refused = async |new: NewEnrolment| {
        let refused = stage.handle.open_enrolment(&stage.admin, &project("p"), new).await;
        refused.unwrap_err().to_string()
    };
    let right = || terms(&stage, Some(SHARED), &["3402"]);
    let password = |text: &str| Some(Secret::new(text.to_owned()));
    let none = NewEnrolment { prefixes: Vec::new(), ..right() };
    assert_eq!(refused(none).await, "prefixes: 0; give 1 to 32");
    let many = (10..43).map(|number| IdPrefix::new(number.to_string()).unwrap()).collect();
    assert_eq!(
        refused(NewEnrolment { prefixes: many, ..right() }).await,
        "prefixes: 33; give 1 to 32"
    );
    let now = stage.handle.now();
    for ends_at in [now, now.plus(limits::ENROLMENT_MAX + Duration::from_millis(1))] {
        let text = refused(NewEnrolment { ends_at, ..right() }).await;
        assert!(text.ends_with("is not within the next 90 days"), "{text}");
    }
    let short = refused(NewEnrolment { password: password("1234567"), ..right() }).await;
    assert_eq!(short, "password: has fewer than 8 bytes");
    let odd = refused(NewEnrolment { password: password("1234567\n"), ..right() }).await;
    assert_eq!(odd, "password: has a control character");
    let kept = NewEnrolment { password: None, ..right() };
    assert_eq!(refused(kept).await, "project p has no enrolment password: give one");
    assert_eq!(tried(&stage, CAMERA).await, [""; 0]);
}

#[tokio::test]
async fn terms_are_in_force_at_once_and_until_their_end() {
    let stage = Stage::new().await;
    assert_eq!(tried(&stage, CAMERA).await, [""; 0]);
    open(&stage, "p", SHARED, &["3402", "3402"]).await;
    assert_eq!(tried(&stage, CAMERA).await, [SHARED]);
    // Another prefix, the same password.
    let kept = terms(&stage, None, &["3402000000132"]);
    stage.handle.open_enrolment(&stage.admin, &project("p"), kept).await.unwrap();
    open(&stage, "q", "another-password", &["3402"]).await;
    assert_eq!(tried(&stage, CAMERA).await, [SHARED, "another-password"]);
    assert_eq!(tried(&stage, "34020000001180000001").await, ["another-password"]);
    stage.clock.forward(3_600_000);
    assert_eq!(tried(&stage, CAMERA).await, [""; 0]);
    open(&stage, "p", SHARED, &["3402"]).await;
    stage.handle.close_enrolment(&stage.admin, &project("p")).await.unwrap();
    assert_eq!(tried(&stage, CAMERA).await, [""; 0]);
    open(&stage, "p", SHARED, &["3402"]).await;
    stage.handle.delete_project(&stage.admin, &project("p")).await.unwrap();
    assert_eq!(tried(&stage, CAMERA).await, [""; 0]);
}

#[tokio::test]
async fn what_an_id_is_checked_against_does_not_hang_on_whether_a_device_has_it() {
    let stage = Stage::new().await;
    open(&stage, "p", SHARED, &["3402"]).await;
    come(&stage, "p", CAMERA).await;
    let asked = vec![PendingAsked::new(device_id(CAMERA))];
    let accepted = stage.handle.accept_pending(&stage.admin, &project("p"), asked).await.unwrap();
    assert!(accepted[0].is_ok());
    assert_eq!(tried(&stage, CAMERA).await, tried(&stage, OTHER).await);
}

#[tokio::test]
async fn an_accepted_camera_has_a_password_of_its_own() {
    let stage = Stage::new().await;
    open(&stage, "p", SHARED, &["3402"]).await;
    come(&stage, "p", CAMERA).await;
    come(&stage, "p", OTHER).await;
    assert_eq!(pending(&stage, "p").await, [CAMERA, OTHER]);
    assert_eq!(registrant(&stage, CAMERA).await.standing, Standing::Unknown);
    let given = PendingAsked {
        name: Some("东门".to_owned()),
        password: Some(Secret::new("87654321".to_owned())),
        ..PendingAsked::new(device_id(OTHER))
    };
    let asked = vec![PendingAsked::new(device_id(CAMERA)), given];
    let accepted = stage.handle.accept_pending(&stage.admin, &project("p"), asked).await.unwrap();
    let [Ok(Some(made)), Ok(None)] = accepted.as_slice() else { panic!("{accepted:?}") };
    assert_eq!(made.expose().len(), 12);
    assert!(made.expose().bytes().all(|byte| byte.is_ascii_digit()), "{}", made.expose());
    assert_eq!(pending(&stage, "p").await, [""; 0]);
    for (id, password) in [(CAMERA, made.expose().as_str()), (OTHER, "87654321")] {
        let found = registrant(&stage, id).await;
        assert!(matches!(found.standing, Standing::Known(_)));
        assert_eq!((found.user.as_str(), found.password.expose().as_str()), (id, password));
        assert!(!found.old.standing, "nothing overlaps unless the project says so");
    }
    assert_eq!(stage.device("p", OTHER).await.name, "东门");
    assert_eq!(stage.device("p", CAMERA).await.profile, "generic");
}

#[tokio::test]
async fn what_it_came_with_works_for_the_projects_overlap() {
    let stage = Stage::new().await;
    set_overlap(&stage, 600).await;
    open(&stage, "p", SHARED, &["3402"]).await;
    come(&stage, "p", CAMERA).await;
    let asked = vec![PendingAsked::new(device_id(CAMERA))];
    let accepted = stage.handle.accept_pending(&stage.admin, &project("p"), asked).await.unwrap();
    assert!(accepted[0].is_ok());
    let old = &registrant(&stage, CAMERA).await.old;
    assert!(old.standing);
    assert_eq!((old.user.as_str(), old.password.expose().as_str()), (CAMERA, SHARED));
    assert_eq!(old.until, stage.handle.now().plus(Duration::from_secs(600)));
}

#[tokio::test]
async fn who_came_with_another_password_than_the_one_now_waits_no_longer() {
    let stage = Stage::new().await;
    set_overlap(&stage, 600).await;
    open(&stage, "p", SHARED, &["3402"]).await;
    come(&stage, "p", CAMERA).await;
    // Seen before the change and written after it.
    let at = stage.handle.now();
    let seen = PendingDevice {
        id: device_id(OTHER),
        first_seen: at,
        last_seen: at,
        remote: "192.0.2.10:5060".parse().unwrap(),
        transport: SipTransport::Udp,
        user_agent: None,
    };
    stage.handle.note_pending(key(&stage, "p").await, seen);
    stage.clock.forward(1);
    open(&stage, "p", "another-password", &["3402"]).await;
    write(&stage.handle.shared).await;
    assert_eq!(pending(&stage, "p").await, [""; 0]);
    let asked = vec![PendingAsked::new(device_id(CAMERA))];
    let accepted = stage.handle.accept_pending(&stage.admin, &project("p"), asked).await.unwrap();
    let not_pending = AcceptRefused::NotAccepted(NotAccepted::NotPending);
    assert_eq!(accepted[0].as_ref().unwrap_err(), &not_pending);
    // With the one that holds now it is noted at once.
    come(&stage, "p", CAMERA).await;
    assert_eq!(pending(&stage, "p").await, [CAMERA]);
}

#[tokio::test]
async fn each_is_accepted_or_refused_alone() {
    let stage = Stage::new().await;
    open(&stage, "p", SHARED, &["3402"]).await;
    for number in 1..=4 {
        come(&stage, "p", &format!("3402000000132000000{number}")).await;
    }
    let id = |number: u32| device_id(&format!("3402000000132000000{number}"));
    let password = |text: &str| Some(Secret::new(text.to_owned()));
    let asked = vec![
        PendingAsked::new(id(9)),
        PendingAsked { password: password(SHARED), ..PendingAsked::new(id(1)) },
        PendingAsked { profile: Some("android".to_owned()), ..PendingAsked::new(id(2)) },
        PendingAsked { name: Some("a\nb".to_owned()), ..PendingAsked::new(id(3)) },
        PendingAsked::new(id(4)),
        PendingAsked::new(id(4)),
    ];
    let accepted = stage.handle.accept_pending(&stage.admin, &project("p"), asked).await.unwrap();
    let not_pending = AcceptRefused::NotAccepted(NotAccepted::NotPending);
    assert_eq!(accepted[0].as_ref().unwrap_err(), &not_pending);
    for (result, field) in accepted[1..4].iter().zip(["password", "profile", "name"]) {
        let text = result.as_ref().unwrap_err().to_string();
        assert!(text.starts_with(&format!("{field}: ")) && !text.contains(SHARED), "{text}");
    }
    assert!(accepted[4].is_ok());
    assert_eq!(accepted[5].as_ref().unwrap_err(), &not_pending);
    assert_eq!(pending(&stage, "p").await.len(), 3);
    let many = (0..=limits::PENDING_PER_CALL_MAX).map(|_| PendingAsked::new(id(1))).collect();
    let refused = stage.handle.accept_pending(&stage.admin, &project("p"), many).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })));
}

#[tokio::test]
async fn a_rejected_camera_stays_away_for_a_day() {
    let stage = Stage::new().await;
    open(&stage, "p", SHARED, &["3402"]).await;
    come(&stage, "p", CAMERA).await;
    let reject = async |id| {
        let ids = vec![device_id(id)];
        stage.handle.reject_pending(&stage.admin, &project("p"), ids).await
    };
    assert_eq!(reject(CAMERA).await.unwrap(), 1);
    assert_eq!(reject(CAMERA).await.unwrap(), 0);
    stage.clock.forward(60_000);
    come(&stage, "p", CAMERA).await;
    assert_eq!(pending(&stage, "p").await, [""; 0]);
    stage.clock.forward(24 * 3_600 * 1_000);
    come(&stage, "p", CAMERA).await;
    assert_eq!(pending(&stage, "p").await, [CAMERA]);
    let nowhere = stage.handle.reject_pending(&stage.admin, &project("none"), Vec::new()).await;
    assert!(matches!(nowhere, Err(Error::Refused(Refused::NoSuchProject(_)))));
}
