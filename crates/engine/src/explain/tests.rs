use fleet::catalogue::{DESCRIPTION, NAME, TRANSPORT};
use fleet::{Door, NewCamera, NewDevice, Operation, Values};

use super::*;
use crate::command::{CameraAsked, Update, UpdateEntry};
use crate::import::{ImportEntry, ImportTerms};
use crate::operate::stage::{Stage, device_id, project};

const GATE: &str = "34020000001320000001";

/// A camera that was imported with a description.
async fn described(stage: &Stage) {
    let device = NewDevice {
        project: project("p"),
        kind: Kind::Camera,
        id: device_id(GATE),
        name: "gate".to_owned(),
        server: String::new(),
        address: String::new(),
        container: String::new(),
        profile: String::new(),
        camera: Some(NewCamera::default()),
    };
    let record = Values::from([(DESCRIPTION.to_owned(), "东门".to_owned())]);
    let terms = ImportTerms { good_alone: false, dry_run: false };
    let entries = vec![ImportEntry { device, record }];
    let judged = stage.handle.import_each(&stage.admin, entries, terms).await.unwrap();
    assert!(judged.untaken.is_empty(), "{:?}", judged.untaken);
}

/// So many updates of one property.
async fn update(stage: &Stage, count: usize, (name, value): (&str, &str)) {
    let entry = UpdateEntry {
        device: Ok(device_id(GATE)),
        clear: false,
        patch: Ok(Values::from([(name.to_owned(), value.to_owned())]).into()),
        camera: CameraAsked::default(),
        if_revision: None,
    };
    let update = Update {
        call: stage.handle.new_call(),
        door: Door::Native,
        project: project("p"),
        kind: None,
        operation: Operation::Update,
        entries: vec![entry; count],
    };
    let results = stage.handle.update(&stage.admin, update).await.unwrap();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), count);
}

#[tokio::test]
async fn what_was_asked_is_too_old_only_behind_a_thousand_updates() {
    let stage = Stage::new().await;
    described(&stage).await;
    update(&stage, 1, (NAME, "north")).await;
    for (more, why) in [(0, NO_RECORD), (801, NO_RECORD), (198, NO_RECORD), (1, TOO_OLD)] {
        update(&stage, more, (TRANSPORT, "TCP")).await;
        let (p, gate) = (project("p"), device_id(GATE));
        let explained = stage.handle.explain(&stage.admin, &p, &gate, Some(DESCRIPTION)).await;
        let values = explained.unwrap().values;
        assert_eq!(values[0].desired.as_deref(), Some("东门"));
        assert_eq!(values[0].asked.as_ref().err(), Some(&why), "after {more} more");
        let explained = stage.handle.explain(&stage.admin, &p, &gate, Some(NAME)).await;
        let named = explained.unwrap().values.remove(0);
        let asked = named.asked.map(|asked| asked.job.job.patch[NAME].clone());
        let expected = if why == TOO_OLD { Err(TOO_OLD) } else { Ok("north".to_owned()) };
        assert_eq!(asked, expected, "after {more} more");
    }
}
