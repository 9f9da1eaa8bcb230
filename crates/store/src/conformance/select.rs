//! The devices that a selector means.

use fleet::limits::SELECT_WALK_MAX;
use fleet::{
    CameraStatus, Condition, CredentialsInUse, DeviceKey, Facts, Kind, Offline, Principal,
    Selector, Timestamp, ValueIs, ValueOf,
};

use super::before::show;
use super::credentials::{change, credentials};
use super::fixture::*;
use crate::write::{CameraPatch, ChangeTags, DeviceChange};
use crate::{Store, Tag, Tagged, Write};

/// All devices of the project `p`, or of all, that a selector means, page by page.
async fn all(
    store: &dyn Store,
    principal: &Principal,
    project: Option<&str>,
    selector: &Selector,
    limit: u32,
) -> Vec<DeviceKey> {
    let project = project.map(project_id);
    let (mut found, mut after) = (Vec::new(), DeviceKey(0));
    loop {
        let keys =
            store.select_keys(principal, project.as_ref(), selector, after, limit).await.unwrap();
        let page = store.select(principal, project.as_ref(), selector, after, limit).await.unwrap();
        let both = |found: &crate::DeviceWithState| (found.device.key, found.device.id.clone());
        assert_eq!(page.devices.iter().map(both).collect::<Vec<_>>(), keys.devices);
        assert_eq!(page.next, keys.next);
        assert!(keys.devices.len() <= limit as usize);
        found.extend(keys.devices.into_iter().map(|(key, _)| key));
        match keys.next {
            Some(next) => {
                assert!(next > after);
                after = next;
            }
            None => return found,
        }
    }
}

/// Asserts what a selector means, however it is paged.
async fn means(store: &dyn Store, selector: Selector, expected: &[DeviceKey]) {
    for limit in [1, 2, 100] {
        for project in [Some("p"), None] {
            let found = all(store, &engine(), project, &selector, limit).await;
            assert_eq!(found, expected, "{limit}, {project:?}: {selector:?}");
        }
    }
}

async fn tag(store: &dyn Store, id: &str, key: &str, value: &str) {
    let change = ChangeTags {
        project: project_id("p"),
        tagged: Tagged::Device(device_id(id)),
        put: vec![Tag { key: key.to_owned(), value: value.to_owned() }],
        take: Vec::new(),
    };
    write_as(store, &engine(), Write::ChangeTags(change)).await.unwrap();
}

/// Four phones on two servers and two cameras.
async fn mixed(store: &dyn Store) -> (fleet::ProjectKey, Vec<DeviceKey>) {
    let project = create_project(store, "p").await;
    let mut devices: Vec<_> = (0..4).map(|n| new_device("p", &format!("phone-{n}"))).collect();
    devices[2].record.server = "server-2".to_owned();
    devices[3].record.server = "Server-3".to_owned();
    devices[3].record.address = "10.0.0.9:5555".to_owned();
    devices.extend((0..2).map(|n| new_camera("p", &camera_id(n))));
    (project, import_new(store, devices).await)
}

pub(crate) async fn devices_are_selected_by_their_records(store: &dyn Store) {
    let (project, keys) = mixed(store).await;
    let selector = Selector::default;
    means(store, selector(), &keys).await;
    means(store, Selector { kind: Some(Kind::Camera), ..selector() }, &keys[4..]).await;
    let on = |servers: &[&str]| Selector {
        servers: servers.iter().map(|server| (*server).to_owned()).collect(),
        ..selector()
    };
    means(store, on(&["server-1"]), &keys[..2]).await;
    means(store, on(&["server-2", "server-1", "none", "server-1"]), &keys[..3]).await;
    let ids =
        |ids: &[&str]| Selector { ids: ids.iter().map(|id| device_id(id)).collect(), ..selector() };
    means(store, ids(&["phone-3", "nobody", "phone-1", "phone-1"]), &[keys[1], keys[3]]).await;
    let on_it = Selector { servers: vec!["server-2".to_owned()], ..ids(&["phone-2", "phone-1"]) };
    means(store, on_it, &keys[2..3]).await;
    for (text, expected) in [
        ("PHONE-1", &keys[1..2]),
        ("server-3", &keys[3..4]),
        ("0.9:5", &keys[3..4]),
        ("Name of phone", &keys[..4]),
        ("%", &[]),
        ("_", &[]),
    ] {
        let text = Some(text.to_owned());
        means(store, Selector { text, ..selector() }, expected).await;
    }

    for (id, key, value) in
        [("phone-0", "k", "v"), ("phone-1", "k", "w"), ("phone-1", "l", ""), ("phone-2", "l", "")]
    {
        tag(store, id, key, value).await;
    }
    let tagged = |tags: &[(&str, Option<&str>)]| Selector {
        tags: tags.iter().map(|(k, v)| ((*k).to_owned(), v.map(str::to_owned))).collect(),
        ..selector()
    };
    means(store, tagged(&[("k", None)]), &keys[..2]).await;
    means(store, tagged(&[("k", Some("w"))]), &keys[1..2]).await;
    means(store, tagged(&[("k", None), ("l", Some(""))]), &keys[1..2]).await;
    means(store, tagged(&[("none", None)]), &[]).await;

    for (number, path) in [(4, "a/b"), (5, "ab")] {
        let mut record = on_record(&[]);
        record.organization = Some(join(path, &format!("o{number}")));
        let camera = CameraPatch { record, ..CameraPatch::default() };
        patched(store, project, number, keys[number as usize], (&[], camera)).await.unwrap();
    }
    for (path, expected) in
        [("a", &keys[4..5]), ("a/b", &keys[4..5]), ("ab", &keys[5..]), ("b", &[]), ("a/b/c", &[])]
    {
        let organization = Some(path.parse().unwrap());
        means(store, Selector { organization, ..selector() }, expected).await;
    }
}

pub(crate) async fn devices_are_selected_by_their_state(store: &dyn Store) {
    let (project, keys) = mixed(store).await;
    accept_one(store, project, 1, keys[0], &[("a.b", "1"), ("c", "汉 \"")]).await;
    accept_one(store, project, 2, keys[1], &[("a.b", "2")]).await;
    show(store, keys[0], &[("a.b", Some("2")), ("c", None)]).await;
    show(store, keys[2], &[("a.b", Some("1"))]).await;
    let mut facts = settle(keys[4], fence(store, keys[4]).await, 0);
    facts.condition = Condition::Abnormal;
    facts.facts = Some(Facts([("manufacturer".to_owned(), "DaHua".to_owned())].into()));
    settled(store, facts).await.unwrap();

    let value = |name: &str, value: Option<&str>, of| ValueIs {
        name: name.to_owned(),
        value: value.map(str::to_owned),
        of,
    };
    let (wanted, shown) = (ValueOf::Desired, ValueOf::Reported);
    let rest = |from: usize| &keys[from..];
    for (values, expected) in [
        (vec![value("a.b", Some("1"), wanted)], &keys[..1]),
        (vec![value("c", Some("汉 \""), wanted)], &keys[..1]),
        (vec![value("a.b", None, wanted)], rest(2)),
        (vec![value("a.b", Some("1"), shown)], &keys[2..3]),
        (vec![value("c", None, shown)], &keys[..]),
        (vec![value("a.b", Some("2"), shown), value("a.b", Some("1"), wanted)], &keys[..1]),
        (vec![value("a.b", Some("2"), shown), value("a.b", Some("2"), wanted)], &[]),
        (vec![value("no\"\\name", None, wanted)], &keys[..]),
        (vec![value("no\"\\name", Some("x"), wanted)], &[]),
        (vec![value("", None, shown)], &keys[..]),
    ] {
        means(store, Selector { values, ..Selector::default() }, expected).await;
    }
    let conditions = vec![Condition::Awaited, Condition::Running];
    let expected = [keys[0], keys[2], keys[5]];
    means(store, Selector { conditions, ..Selector::default() }, &expected).await;
    let manufacturer = Some("dahuA".to_owned());
    means(store, Selector { manufacturer, ..Selector::default() }, &keys[4..5]).await;
    let conditions = vec![Condition::New];
    let values = vec![value("a.b", Some("1"), shown)];
    means(store, Selector { conditions, values, ..Selector::default() }, &[]).await;
    changed(store, "phone-1", DeviceChange::Frozen(true)).await;
    means(store, Selector { frozen: Some(true), ..Selector::default() }, &keys[1..2]).await;
    let thawed = [&keys[..1], &keys[2..]].concat();
    means(store, Selector { frozen: Some(false), ..Selector::default() }, &thawed).await;
    let of_others = Selector {
        values: vec![value("a.b", None, wanted)],
        conditions: vec![Condition::Running, Condition::New],
        ..Selector::default()
    };
    means(store, of_others, &[keys[2], keys[3]]).await;
}

pub(crate) async fn cameras_are_selected_by_their_registration(store: &dyn Store) {
    let project = create_project(store, "p").await;
    let mut devices = vec![new_device("p", "phone-0")];
    devices.extend((0..6).map(|n| new_camera("p", &camera_id(n))));
    let keys = import_new(store, devices).await;
    // By the store's clock, which is the machine's: never registered, run out, unregistered, and
    // three that are registered for good. Of the last three the password is changed: one has
    // registered with the old one since, one not at all.
    let mut bindings: Vec<_> = keys[2..].iter().map(|key| lasting(*key)).collect();
    bindings[0].expires_at = Timestamp(1);
    bindings[1].ended = Some((AT, Offline::Unregistered));
    bindings[2].old_credentials = true;
    bindings[3].refreshed_at = LATER;
    bindings[3].old_credentials = true;
    bind(store, bindings).await;
    for (number, key) in (1..).zip(&keys[5..]) {
        change(store, (project, *key), number, credentials(None, Some("second"), None)).await;
    }
    let stands =
        |statuses: &[CameraStatus]| Selector { statuses: statuses.to_vec(), ..Selector::default() };
    let [new, on, off] = [CameraStatus::Register, CameraStatus::OnLine, CameraStatus::OffLine];
    means(store, stands(&[new]), &keys[1..2]).await;
    means(store, stands(&[off]), &keys[2..4]).await;
    means(store, stands(&[on]), &keys[4..]).await;
    means(store, stands(&[on, new, on]), &[&keys[1..2], &keys[4..]].concat()).await;
    means(store, stands(&[new, on, off]), &keys[1..]).await;
    means(store, Selector { kind: Some(Kind::Phone), ..stands(&[on]) }, &[]).await;
    let with = |credentials: &[CredentialsInUse]| Selector {
        credentials: credentials.to_vec(),
        ..Selector::default()
    };
    let [current, old, not_renewed] =
        [CredentialsInUse::Current, CredentialsInUse::Old, CredentialsInUse::NotRenewed];
    means(store, with(&[current]), &keys[4..5]).await;
    means(store, with(&[old]), &keys[5..6]).await;
    means(store, with(&[not_renewed]), &keys[6..]).await;
    means(store, with(&[not_renewed, old]), &keys[5..]).await;
    means(store, Selector { statuses: vec![off], ..with(&[current, old]) }, &[]).await;
    let on_it = Selector { servers: vec!["server-1".to_owned()], ..with(&[old]) };
    means(store, on_it, &[]).await;
    // As the device's view finds it.
    for (key, in_use) in [(keys[4], current), (keys[5], old), (keys[6], not_renewed)] {
        let camera = camera_state(store, key).await;
        assert_eq!(camera.credentials_in_use(camera.binding.as_ref().unwrap()), in_use);
    }
}

pub(crate) async fn a_selection_is_of_what_the_principal_sees(store: &dyn Store) {
    let (project, keys) = mixed(store).await;
    let other = create_project(store, "other").await;
    let theirs = import_new(store, vec![new_device("other", "phone-0")]).await[0];
    create_project(store, "third").await;
    import_new(store, vec![new_device("third", "phone-0")]).await;
    let client = Principal::client(other, "AK");
    let both = Principal::user("anna", vec![project, other]);
    let none = Principal::user("ben", vec![]);
    let of_id = Selector { ids: vec![device_id("phone-0")], ..Selector::default() };
    let of_server = Selector { servers: vec!["server-1".to_owned()], ..Selector::default() };
    for selector in [Selector::default(), of_id, of_server] {
        for limit in [1, 100] {
            assert_eq!(all(store, &client, None, &selector, limit).await, [theirs]);
            assert!(all(store, &client, Some("p"), &selector, limit).await.is_empty());
            assert!(all(store, &none, None, &selector, limit).await.is_empty());
            let found = all(store, &both, None, &selector, limit).await;
            assert_eq!((found[0], *found.last().unwrap()), (keys[0], theirs));
            assert_eq!(all(store, &both, Some("other"), &selector, limit).await, [theirs]);
        }
    }
}

pub(crate) async fn a_page_of_a_selection_ends_where_the_next_begins(store: &dyn Store) {
    create_project(store, "p").await;
    let count = SELECT_WALK_MAX + 50;
    let phones = (0..count).map(|n| new_device("p", &format!("phone-{n}"))).collect();
    let keys = import_new(store, phones).await;
    let rare = Selector { text: Some("phone-10049".to_owned()), ..Selector::default() };
    for project in [Some(project_id("p")), None] {
        let select = async |selector: &Selector, after, limit| {
            store.select_keys(&engine(), project.as_ref(), selector, after, limit).await.unwrap()
        };
        let page = select(&rare, DeviceKey(0), 10).await;
        assert!(page.devices.is_empty(), "a page does not walk past more");
        let walked = page.next.unwrap();
        assert_eq!(keys.iter().position(|key| *key == walked), Some(SELECT_WALK_MAX - 1));
        let page = select(&rare, walked, 10).await;
        assert_eq!((page.devices[0].0, page.next), (keys[count - 1], None));
        let page = select(&Selector::default(), DeviceKey(0), 2_500).await;
        let found: Vec<_> = page.devices.into_iter().map(|(key, _)| key).collect();
        assert_eq!((&found[..], page.next), (&keys[..2_500], Some(keys[2_499])));
        let page = select(&Selector::default(), keys[count - 2], 1).await;
        assert_eq!((page.devices[0].0, page.next), (keys[count - 1], None));
    }
    let few = all(store, &engine(), Some("p"), &rare, 10).await;
    assert_eq!(few, [keys[count - 1]]);
}
