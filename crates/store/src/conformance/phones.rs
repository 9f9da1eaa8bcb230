//! Phones as pages of a list that says how long it is, and their makes.

use fleet::{Condition, Facts, Principal};

use super::fixture::*;
use crate::write::DeviceChange;
use crate::{Make, PhoneFilter, Store};

/// The ids of a page of the project `p`, and the length of the list.
async fn list(
    store: &dyn Store,
    filter: &PhoneFilter,
    offset: u64,
    limit: u32,
) -> (Vec<String>, u64) {
    let found = store.phones(&engine(), &project_id("p"), filter, offset, limit).await.unwrap();
    let ids = found.items.iter().map(|phone| phone.device.id.to_string()).collect();
    (ids, found.total)
}

pub(crate) async fn phones_are_listed_newest_first(store: &dyn Store) {
    let (own, keys) = fleet(store, 5).await;
    let stranger = Principal::client(create_project(store, "q").await, "AK");
    import_new(store, vec![new_device("q", "foreign")]).await;
    let every = PhoneFilter::default();
    let ids = |numbers: &[usize]| numbers.iter().map(|n| format!("phone-{n}")).collect::<Vec<_>>();
    assert_eq!(list(store, &every, 0, 10).await, (ids(&[4, 3, 2, 1, 0]), 5));
    assert_eq!(list(store, &every, 1, 2).await, (ids(&[3, 2]), 5));
    assert_eq!(list(store, &every, 5, 2).await, (ids(&[]), 5));
    assert_eq!(list(store, &every, u64::MAX, 2).await, (ids(&[]), 5));

    let client = Principal::client(own, "AK");
    let found = store.phones(&client, &project_id("p"), &every, 4, 1).await.unwrap();
    assert_eq!(found.items[0], device(store, keys[0]).await);
    let found = store.phones(&stranger, &project_id("p"), &every, 0, 9).await.unwrap();
    assert_eq!((found.items.len(), found.total), (0, 0));
}

pub(crate) async fn phones_are_filtered(store: &dyn Store) {
    create_project(store, "p").await;
    let devices = [("a", "Alpha", "s-1"), ("b", "alphabet", "s-2"), ("c", "50%_Ä", "s-2")];
    let devices = devices.map(|(id, name, server)| {
        let mut device = new_device("p", id);
        (device.record.name, device.record.server) = (name.to_owned(), server.to_owned());
        device
    });
    let keys = import_new(store, devices.to_vec()).await;
    settle_all(store, keys[0]).await;
    changed(store, "b", DeviceChange::Stopped(true)).await;
    changed(store, "c", DeviceChange::Frozen(true)).await;
    let check = async |filter: PhoneFilter, expected: &[&str]| {
        let expected: Vec<String> = expected.iter().map(|id| (*id).to_owned()).collect();
        let total = expected.len() as u64;
        assert_eq!(list(store, &filter, 0, 9).await, (expected, total), "{filter:?}");
    };
    let every = PhoneFilter::default;
    let named = |name: &str| PhoneFilter { name: Some(name.to_owned()), ..every() };
    check(named("ALPHA"), &["b", "a"]).await;
    check(named("%_"), &["c"]).await;
    check(named("h_b"), &[]).await;
    check(named("Ä"), &["c"]).await;
    check(named("ä"), &[]).await;
    let on = |server: &str| PhoneFilter { server: Some(server.to_owned()), ..every() };
    check(on("s-2"), &["c", "b"]).await;
    check(on("S-2"), &[]).await;
    let are = |conditions: &[Condition]| PhoneFilter { conditions: conditions.to_vec(), ..every() };
    check(are(&[]), &["c", "b", "a"]).await;
    check(are(&[Condition::Running]), &["a"]).await;
    check(are(&[Condition::New, Condition::Stopped]), &["c", "b"]).await;
    check(PhoneFilter { frozen: Some(true), ..every() }, &["c"]).await;
    check(PhoneFilter { frozen: Some(false), ..every() }, &["b", "a"]).await;
    let all = PhoneFilter {
        name: Some("ph".to_owned()),
        server: Some("s-2".to_owned()),
        conditions: vec![Condition::Stopped],
        frozen: Some(false),
    };
    check(all, &["b"]).await;
}

pub(crate) async fn makes_are_counted(store: &dyn Store) {
    let (own, keys) = fleet(store, 6).await;
    create_project(store, "q").await;
    let foreign = import_new(store, vec![new_device("q", "foreign")]).await[0];
    let make = |model: &str| values(&[(Facts::MODEL, model), (Facts::RELEASE, "14")]);
    let full = values(&[
        (Facts::MODEL, "b"),
        (Facts::RELEASE, "14"),
        (Facts::BUILD, "B1"),
        (Facts::FINGERPRINT, "x/y:14"),
    ]);
    let told = [make("a"), make("b"), make("b"), full.clone(), values(&[])];
    for (key, facts) in keys.iter().zip(told).chain([(&foreign, make("a"))]) {
        let mut facts = Facts(facts);
        facts.0.insert(Facts::USER.to_owned(), format!("user {key:?}"));
        let mut result = settle(*key, fence(store, *key).await, 0);
        result.facts = Some(facts);
        settled(store, result).await.unwrap();
    }
    let makes = |all: Vec<(fleet::Values, u64)>| -> Vec<Make> {
        all.into_iter().map(|(facts, devices)| Make { facts: Facts(facts), devices }).collect()
    };
    let expected = makes(vec![(make("b"), 2), (make("a"), 1), (full, 1)]);
    assert_eq!(store.makes(&engine(), &project_id("p")).await.unwrap(), expected);
    let client = Principal::client(own, "AK");
    assert_eq!(store.makes(&client, &project_id("p")).await.unwrap(), expected);
    assert!(store.makes(&client, &project_id("q")).await.unwrap().is_empty());
}
