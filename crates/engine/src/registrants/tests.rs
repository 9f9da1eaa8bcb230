use fleet::{Kind, NewCamera, NewDevice};

use super::*;
use crate::operate::stage::{Stage, device_id, project};

const KNOWN: &str = "34020000001320000001";
const MUTE: &str = "34020000001320000002";
const UNKNOWN: &str = "34020000001320000003";

fn camera(project_id: &str, id: &str, user: Option<&str>, password: Option<&str>) -> NewDevice {
    NewDevice {
        project: project(project_id),
        kind: Kind::Camera,
        id: device_id(id),
        name: "东门".to_owned(),
        server: String::new(),
        address: String::new(),
        container: String::new(),
        profile: "generic".to_owned(),
        camera: Some(NewCamera {
            user: user.map(str::to_owned),
            password: password.map(|password| Secret::new(password.to_owned())),
            ..NewCamera::default()
        }),
    }
}

async fn one(stage: &Stage, id: &str) -> Arc<Registrant> {
    let id = device_id(id);
    match stage.handle.registrant(&id) {
        Some(found) => found,
        None => stage.handle.registrants(vec![id]).await.unwrap().remove(0),
    }
}

#[tokio::test]
async fn a_new_password_counts_at_once_and_what_is_left_out_stays() {
    let stage = Stage::new().await;
    let import = |device| stage.handle.import(&stage.admin, vec![device]);
    import(camera("p", KNOWN, Some("east"), Some("12345678"))).await.unwrap();
    let found = one(&stage, KNOWN).await;
    assert!(matches!(found.standing, Standing::Known(_)));
    assert_eq!((found.user.as_str(), found.password.expose().as_str()), ("east", "12345678"));

    import(camera("p", KNOWN, None, Some("87654321"))).await.unwrap();
    let found = one(&stage, KNOWN).await;
    assert_eq!((found.user.as_str(), found.password.expose().as_str()), ("east", "87654321"));
    import(camera("p", KNOWN, None, None)).await.unwrap();
    assert_eq!(one(&stage, KNOWN).await.password.expose(), "87654321");
}

#[tokio::test]
async fn unknown_ids_and_those_without_a_password_cost_what_known_ones_do() {
    let stage = Stage::new().await;
    let devices = vec![camera("p", KNOWN, None, Some("12345678")), camera("p", MUTE, None, None)];
    stage.handle.import(&stage.admin, devices).await.unwrap();
    let mut costs = Vec::new();
    let mut standings = Vec::new();
    for id in [KNOWN, MUTE, UNKNOWN] {
        // Cold, then warm.
        for _ in 0..2 {
            let before = stage.handle.registrant_work();
            let found = one(&stage, id).await;
            let after = stage.handle.registrant_work();
            assert!(!found.password.expose().is_empty());
            assert_eq!(found.user, id);
            costs.push((after.lookups - before.lookups, after.opens - before.opens));
            standings.push(found.standing);
        }
    }
    assert_eq!(costs, [(1, 2), (0, 0), (1, 2), (0, 0), (1, 2), (0, 0)]);
    assert!(matches!(
        standings[..],
        [
            Standing::Known(_),
            Standing::Known(_),
            Standing::NoPassword(_),
            Standing::NoPassword(_),
            Standing::Unknown,
            Standing::Unknown
        ]
    ));
}

#[tokio::test]
async fn an_import_of_an_id_that_was_unknown_is_seen_at_once() {
    let stage = Stage::new().await;
    assert_eq!(one(&stage, KNOWN).await.standing, Standing::Unknown);
    let device = camera("p", KNOWN, None, Some("12345678"));
    stage.handle.import(&stage.admin, vec![device]).await.unwrap();
    assert!(matches!(one(&stage, KNOWN).await.standing, Standing::Known(_)));
}

#[tokio::test]
async fn bad_records_are_refused_with_their_field() {
    let stage = Stage::new().await;
    let refused = async |device: NewDevice| {
        stage.handle.import(&stage.admin, vec![device]).await.unwrap_err().to_string()
    };
    let with = |change: fn(&mut NewDevice)| {
        let mut device = camera("p", KNOWN, None, Some("12345678"));
        change(&mut device);
        device
    };
    let short = refused(camera("p", "3402000000132", None, None)).await;
    assert!(short.contains("device 1 (3402000000132), id") && short.contains("20 digits"));
    let addressed = refused(with(|device| device.address = "10.0.0.1:5060".to_owned())).await;
    assert!(addressed.contains("address"), "{addressed}");
    let phone = refused(with(|device| device.profile = "android".to_owned())).await;
    assert!(phone.contains("generic") && phone.contains("for a camera"), "{phone}");
    let empty = refused(camera("p", KNOWN, None, Some(""))).await;
    assert!(empty.contains("password"), "{empty}");
    let quote = refused(camera("p", KNOWN, Some("a\"b"), None)).await;
    assert!(quote.contains("user"), "{quote}");
    let twice = camera("p", KNOWN, None, None);
    stage.handle.import(&stage.admin, vec![twice]).await.unwrap();
    let taken = refused(camera("q", KNOWN, None, None)).await;
    assert!(taken.contains(KNOWN) && !taken.contains("project p"), "{taken}");
}
