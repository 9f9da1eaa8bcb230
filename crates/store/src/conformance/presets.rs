//! Presets, and what is read to make values of them.

use fleet::limits::PRESETS_PER_PROJECT_MAX;
use fleet::{Kind, Preset, PresetName, Principal, Refusal, Templates};

use super::fixture::*;
use crate::write::{ChangeTags, DeletePreset, SetPreset};
use crate::{AuditFilter, Refused, Store, Tag, Tagged, Write, Written};

fn name(name: &str) -> PresetName {
    PresetName::new(name).unwrap()
}

fn templates(pairs: &[(&str, &str)]) -> Templates {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), text.parse().unwrap())).collect()
}

/// A change of the preset `preset` of the project `p`, at [`AT`].
fn set(preset: &str, pairs: &[(&str, &str)], expected: Option<i64>) -> SetPreset {
    SetPreset {
        project: project_id("p"),
        name: name(preset),
        kind: Kind::Phone,
        description: "for 一楼".to_owned(),
        values: templates(pairs),
        expected,
        at: AT,
    }
}

async fn written(
    store: &dyn Store,
    principal: &Principal,
    set: SetPreset,
) -> Result<Preset, Refused> {
    match write_as(store, principal, Write::SetPreset(Box::new(set))).await {
        Ok(Written::Preset(preset)) => Ok(*preset),
        Ok(other) => panic!("no preset: {other:?}"),
        Err(refused) => Err(refused),
    }
}

async fn deleted(
    store: &dyn Store,
    principal: &Principal,
    preset: &str,
    expected: Option<i64>,
) -> Result<Written, Refused> {
    let delete = DeletePreset { project: project_id("p"), name: name(preset), expected };
    write_as(store, principal, Write::DeletePreset(delete)).await
}

pub(crate) async fn a_preset_is_set_read_back_and_deleted(store: &dyn Store) {
    let project = create_project(store, "p").await;
    let other = create_project(store, "other").await;
    let (own, foreign) = (Principal::client(project, "AK"), Principal::client(other, "AK2"));
    let first = set("lobby", &[("a", "${tag:city} $$ 一"), ("b", "")], Some(0));
    let refused = written(store, &foreign, first.clone()).await;
    assert_eq!(refused, Err(Refused::NoSuchProject(project_id("p"))));
    let made = written(store, &own, first.clone()).await.unwrap();
    assert_eq!((made.version, made.created_at, made.updated_at), (1, AT, AT));
    assert_eq!((&made.values, made.kind), (&first.values, Kind::Phone));
    assert_eq!((made.project, &made.project_id), (project, &project_id("p")));
    let read = |principal| async move {
        store.preset(principal, &project_id("p"), &name("lobby")).await.unwrap()
    };
    assert_eq!(read(&own).await, Some(made.clone()));
    assert_eq!(read(&foreign).await, None);

    let again = written(store, &own, SetPreset { at: LATER, expected: None, ..first.clone() });
    assert_eq!(again.await, Ok(made.clone()), "it is so already");
    let moved = Refused::PresetMoved { name: name("lobby"), version: 1 };
    assert_eq!(written(store, &own, first).await, Err(moved.clone()));
    let second = SetPreset { at: LATER, ..set("lobby", &[("a", "x")], Some(1)) };
    let changed = written(store, &own, second.clone()).await.unwrap();
    assert_eq!((changed.version, changed.created_at, changed.updated_at), (2, AT, LATER));
    assert_eq!(read(&own).await, Some(changed));
    assert!(written(store, &own, second).await.is_err(), "the same version twice");

    assert_eq!(deleted(store, &own, "lobby", Some(1)).await, {
        Err(Refused::PresetMoved { name: name("lobby"), version: 2 })
    });
    let refused = deleted(store, &foreign, "lobby", None).await;
    assert_eq!(refused, Err(Refused::NoSuchProject(project_id("p"))));
    assert_eq!(deleted(store, &own, "lobby", Some(2)).await, Ok(Written::Done));
    assert_eq!(deleted(store, &own, "lobby", None).await, {
        Err(Refused::NoSuchPreset(name("lobby")))
    });
    assert_eq!(read(&own).await, None);
    let acts = store.audit(&engine(), &AuditFilter::default(), None, 10).await.unwrap();
    let acts: Vec<(&str, &str)> =
        acts.iter().map(|act| (act.action.as_str(), act.target.as_str())).collect();
    let expected = [("preset.delete", "lobby"), ("preset.set", "lobby"), ("preset.set", "lobby")];
    assert_eq!(acts[..3], expected, "{acts:?}");
}

pub(crate) async fn presets_are_listed_by_name_and_have_a_bound(store: &dyn Store) {
    let project = create_project(store, "p").await;
    create_project(store, "q").await;
    for preset in ["b", "B", "a.1", "a-1"] {
        written(store, &engine(), set(preset, &[("a", "1")], None)).await.unwrap();
    }
    let elsewhere = SetPreset { project: project_id("q"), ..set("c", &[("a", "1")], None) };
    written(store, &engine(), elsewhere).await.unwrap();
    let names = |after, limit| async move {
        let found = store.presets(&engine(), &project_id("p"), after, limit).await.unwrap();
        found.into_iter().map(|preset| preset.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names("", 9).await, ["B", "a-1", "a.1", "b"], "by bytes on either engine");
    assert_eq!(names("a-1", 1).await, ["a.1"]);
    let client = Principal::client(project, "AK");
    let foreign = store.presets(&client, &project_id("q"), "", 9).await.unwrap();
    assert!(foreign.is_empty());

    for number in 4..PRESETS_PER_PROJECT_MAX {
        let preset = format!("n{number}");
        written(store, &engine(), set(&preset, &[("a", "1")], None)).await.unwrap();
    }
    let more = written(store, &engine(), set("more", &[("a", "1")], None)).await;
    assert_eq!(more, Err(Refused::TooManyPresets));
    let change = written(store, &engine(), set("b", &[("a", "2")], None)).await;
    assert_eq!(change.unwrap().version, 2, "a change is none more");

    let gone = write_as(store, &engine(), Write::DeleteProject(project_id("p"))).await;
    assert_eq!(gone, Ok(Written::Done));
    create_project(store, "p").await;
    assert!(names("", 9).await.is_empty(), "they go with their project");
}

pub(crate) async fn tags_of_devices_stand_in_the_order_asked(store: &dyn Store) {
    let (project, _) = fleet(store, 3).await;
    for (phone, tags) in [("phone-0", &[("z", "1"), ("a", "2")][..]), ("phone-2", &[("a", "")])] {
        let tag = |(key, value): &(&str, &str)| Tag {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        };
        let change = ChangeTags {
            project: project_id("p"),
            tagged: Tagged::Device(device_id(phone)),
            put: tags.iter().map(tag).collect(),
            take: Vec::new(),
        };
        write_as(store, &engine(), Write::ChangeTags(change)).await.unwrap();
    }
    let read = |principal| async move {
        let ids = ["phone-2", "phone-1", "nobody", "phone-0"].map(device_id).to_vec();
        let found = store.tags_of_devices(principal, &project_id("p"), ids).await.unwrap();
        let word = |tag: Tag| format!("{}={}", tag.key, tag.value);
        found.into_iter().map(|tags| tags.into_iter().map(word).collect()).collect()
    };
    let own = Principal::client(project, "AK");
    let found: Vec<Vec<String>> = read(&own).await;
    assert_eq!(found, [vec!["a="], vec![], vec![], vec!["a=2", "z=1"]]);
    let foreign = Principal::client(create_project(store, "q").await, "AK");
    let found: Vec<Vec<String>> = read(&foreign).await;
    assert!(found.len() == 4 && found.iter().all(Vec::is_empty));
}

pub(crate) async fn a_device_may_be_refused_when_its_rollout_is_made(store: &dyn Store) {
    let (project, keys) = fleet(store, 2).await;
    let missing =
        || Refusal::VariableMissing { name: "a".to_owned(), variable: "tag:city".to_owned() };
    let own = vec![
        (keys[0], device_id("phone-0"), Some(Err(missing()))),
        (keys[1], device_id("phone-1"), Some(Ok(values(&[("a", "1")])))),
    ];
    let rollout = super::rollouts::rollout(project, 1, 2);
    let id = rollout.id;
    let create = crate::write::CreateRollout { rollout, devices: own, last: true };
    write_as(store, &engine(), Write::CreateRollout(Box::new(create))).await.unwrap();
    let found = store.rollout_devices(&engine(), id, 0, 9, false).await.unwrap();
    assert_eq!((&found[0].patch, &found[0].refusal), (&None, &Some(missing())));
    assert_eq!((&found[1].patch, &found[1].refusal), (&Some(values(&[("a", "1")])), &None));
    let refused = store.rollout_devices(&engine(), id, 0, 9, true).await.unwrap();
    assert_eq!(refused, found[..1]);
}
