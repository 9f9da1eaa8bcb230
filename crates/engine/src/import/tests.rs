use fleet::catalogue::{DESCRIPTION, ORGANIZATION};
use fleet::{NewChannel, Secret, Selector};

use super::*;
use crate::operate::stage::{Stage, record};

const PROFILE: &str = "simulated";
const CAMERA: &str = "34020000001320000001";

fn phone(project: &str, id: &str) -> ImportEntry {
    let device = record(project, id, &format!("{id}:1"), PROFILE);
    ImportEntry { device, record: Values::new() }
}

fn camera(project: &str, id: &str) -> ImportEntry {
    let mut device = record(project, id, "", "");
    device.kind = Kind::Camera;
    device.server.clear();
    device.container.clear();
    device.camera = Some(NewCamera {
        password: Some(Secret::new("a-secret".to_owned())),
        ..NewCamera::default()
    });
    ImportEntry { device, record: Values::new() }
}

fn terms(good_alone: bool, dry_run: bool) -> ImportTerms {
    ImportTerms { good_alone, dry_run }
}

/// What became of an import: new, updated, and the places and reasons of the others.
async fn import(
    stage: &Stage,
    entries: Vec<ImportEntry>,
    terms: ImportTerms,
) -> (usize, usize, Vec<(usize, String)>) {
    let judged = stage.handle.import_each(&stage.admin, entries, terms).await.unwrap();
    let Judged { new, updated, untaken } = judged;
    let mut untaken: Vec<(usize, String)> =
        untaken.into_iter().map(|it| (it.index, it.error.to_string())).collect();
    untaken.sort();
    (new, updated, untaken)
}

/// The ids on record in the project.
async fn on_record(stage: &Stage, project: &str) -> Vec<String> {
    let project = ProjectId::new(project).unwrap();
    let reads = stage.handle.reads();
    let all = Selector::default();
    let page = reads.select(&stage.admin, Some(&project), &all, fleet::DeviceKey(0), 1_000);
    page.await.unwrap().devices.into_iter().map(|found| found.device.id.to_string()).collect()
}

/// Two that are right, and one of each sort that is not.
fn mixed() -> Vec<ImportEntry> {
    let mut nameless = phone("p", "nameless");
    nameless.device.name = String::new();
    let mut unfiled = camera("p", "34020000001320000009");
    unfiled.record.insert(ORGANIZATION.to_owned(), "a//b".to_owned());
    vec![
        phone("p", "one"),
        nameless,
        phone("nowhere", "two"),
        camera("p", "known"),
        camera("p", "34020000001320000002"),
        unfiled,
        phone("p", "known"),
        camera("q", CAMERA),
    ]
}

async fn stage() -> Stage {
    let stage = Stage::new().await;
    let known = vec![phone("p", "known"), camera("p", CAMERA)];
    assert_eq!(import(&stage, known, terms(false, false)).await, (2, 0, Vec::new()));
    stage
}

#[tokio::test]
async fn each_that_is_not_right_is_named_and_nothing_goes_in() {
    let stage = stage().await;
    let before = on_record(&stage, "p").await;
    for dry_run in [true, false] {
        let (new, updated, untaken) = import(&stage, mixed(), terms(false, dry_run)).await;
        assert_eq!((new, updated), (0, 0));
        let expected = [
            (1, "name: is empty"),
            (2, "no such project: nowhere"),
            (3, "id: \"known\" is not 20 digits"),
            (5, "Organization: "),
            (7, "a GB device 34020000001320000001 exists already"),
        ];
        assert_eq!(untaken.len(), expected.len(), "{untaken:?}");
        for ((index, why), (place, begin)) in untaken.iter().zip(expected) {
            assert_eq!(*index, place);
            assert!(why.starts_with(begin), "{why}");
        }
    }
    assert_eq!(on_record(&stage, "p").await, before);
}

#[tokio::test]
async fn the_good_ones_go_in_alone_if_they_may() {
    let stage = stage().await;
    let before = on_record(&stage, "p").await;
    let (new, updated, untaken) = import(&stage, mixed(), terms(true, true)).await;
    assert_eq!((new, updated, untaken.len()), (2, 1, 5));
    assert_eq!(on_record(&stage, "p").await, before, "a rehearsal changes nothing");
    let (new, updated, untaken) = import(&stage, mixed(), terms(true, false)).await;
    assert_eq!((new, updated, untaken.len()), (2, 1, 5));
    let after = on_record(&stage, "p").await;
    assert_eq!(after, ["known", CAMERA, "one", "34020000001320000002"]);
    assert!(on_record(&stage, "q").await.is_empty());
}

#[tokio::test]
async fn a_device_of_the_other_kind_is_refused_alone() {
    let stage = stage().await;
    let entries = vec![phone("p", CAMERA), phone("p", "new")];
    let (new, updated, untaken) = import(&stage, entries, terms(true, false)).await;
    assert_eq!((new, updated), (1, 0));
    assert_eq!(untaken, [(0, format!("device {CAMERA} is a camera, not a phone"))]);
}

#[tokio::test]
async fn what_the_store_alone_can_refuse_is_found_among_the_others() {
    let stage = stage().await;
    let mut full = camera("p", CAMERA);
    let channel = |number: usize| NewChannel {
        id: DeviceId::new(format!("3402000000131{number:07}")).unwrap(),
        name: "c".to_owned(),
    };
    let channels = |from: usize, count: usize| (from..from + count).map(channel).collect();
    let most = limits::CHANNELS_PER_DEVICE_MAX;
    full.device.camera.as_mut().unwrap().channels = channels(0, most);
    assert_eq!(import(&stage, vec![full.clone()], terms(false, false)).await, (0, 1, Vec::new()));
    full.device.camera.as_mut().unwrap().channels = channels(most, 1);
    let entries = |full: &ImportEntry| {
        let mut entries: Vec<ImportEntry> =
            (0..20).map(|number| phone("p", &format!("phone-{number}"))).collect();
        entries.insert(13, full.clone());
        entries
    };
    let (new, _, untaken) = import(&stage, entries(&full), terms(false, false)).await;
    assert_eq!((new, untaken.len(), untaken[0].0), (0, 1, 13));
    let (new, updated, untaken) = import(&stage, entries(&full), terms(true, false)).await;
    assert_eq!((new, updated), (20, 0));
    assert_eq!(untaken.len(), 1);
    assert!(untaken[0].0 == 13 && untaken[0].1.contains("more than"), "{untaken:?}");
}

#[tokio::test]
async fn what_goes_on_record_besides_does() {
    let stage = stage().await;
    let mut entry = camera("p", CAMERA);
    entry.record.insert(DESCRIPTION.to_owned(), "above the door".to_owned());
    entry.record.insert(ORGANIZATION.to_owned(), "site 1/gates".to_owned());
    assert_eq!(import(&stage, vec![entry], terms(false, false)).await, (0, 1, Vec::new()));
    let id = DeviceId::new(CAMERA).unwrap();
    let found = stage.handle.reads().device(&stage.admin, None, &id).await.unwrap().remove(0);
    let camera = found.camera.unwrap();
    assert_eq!(camera.record.get(DESCRIPTION).map(String::as_str), Some("above the door"));
    assert_eq!(camera.organization.unwrap().path.to_string(), "site 1/gates");
}

#[test]
fn a_channel_is_checked_by_itself() {
    let check = |id: &str, name: &str| {
        let channel = NewChannel { id: DeviceId::new(id).unwrap(), name: name.to_owned() };
        check_channel(&channel).map_err(|error| error.to_string())
    };
    assert_eq!(check(CAMERA, "gate"), Ok(()));
    assert_eq!(check("3402", "gate"), Err("id: \"3402\" is not 20 digits".to_owned()));
    assert_eq!(check(CAMERA, "a\nb"), Err("name: has a control character".to_owned()));
}
