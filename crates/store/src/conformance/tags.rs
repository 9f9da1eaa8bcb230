//! Tags.

use fleet::Principal;
use fleet::limits::TAGS_PER_RESOURCE_MAX;

use super::fixture::*;
use crate::write::ChangeTags;
use crate::{Refused, Store, Tag, TagFilter, Tagged, TaggedKind, Write, Written};

fn phone(id: &str) -> Tagged {
    Tagged::Device(device_id(id))
}

fn server(id: &str) -> Tagged {
    Tagged::Server(id.to_owned())
}

fn tags(pairs: &[(&str, &str)]) -> Vec<Tag> {
    let tag = |(key, value): &(&str, &str)| Tag { key: (*key).into(), value: (*value).into() };
    pairs.iter().map(tag).collect()
}

/// Tags put on a thing of the project `p`, and tags taken from it.
fn change(tagged: Tagged, put: &[(&str, &str)], take: &[(&str, Option<&str>)]) -> Write {
    let take = take.iter().map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned)));
    let take = take.collect();
    Write::ChangeTags(ChangeTags { project: project_id("p"), tagged, put: tags(put), take })
}

async fn done(store: &dyn Store, write: Write) {
    assert_eq!(write_as(store, &engine(), write).await, Ok(Written::Done));
}

async fn tags_of(store: &dyn Store, tagged: Tagged) -> Option<Vec<Tag>> {
    store.tags(&engine(), &project_id("p"), &tagged).await.unwrap()
}

pub(crate) async fn tags_are_put_on_and_taken_off(store: &dyn Store) {
    fleet(store, 2).await;
    for thing in [phone("phone-0"), server("server-1")] {
        assert_eq!(tags_of(store, thing.clone()).await, Some(Vec::new()));
        done(store, change(thing.clone(), &[("b", "2"), ("a", "1"), ("空", "")], &[])).await;
        let three = tags(&[("a", "1"), ("b", "2"), ("空", "")]);
        assert_eq!(tags_of(store, thing.clone()).await, Some(three));
        // Another value in the place of the first; keys that it lacks are passed over.
        let take = [("b", Some("1")), ("a", None), ("none", None)];
        done(store, change(thing.clone(), &[("空", "3")], &take)).await;
        assert_eq!(tags_of(store, thing.clone()).await, Some(tags(&[("b", "2"), ("空", "3")])));
        done(store, change(thing.clone(), &[], &[("b", Some("2"))])).await;
        // What is put stays, whatever is taken.
        done(store, change(thing.clone(), &[("空", "4")], &[("空", None)])).await;
        assert_eq!(tags_of(store, thing).await, Some(tags(&[("空", "4")])));
    }
    assert_eq!(tags_of(store, phone("phone-1")).await, Some(Vec::new()));
    for (thing, refused) in [
        (phone("none"), Refused::NoSuchDevice),
        (server("none"), Refused::NoSuchServer("none".to_owned())),
        (server(""), Refused::NoSuchServer(String::new())),
    ] {
        assert_eq!(tags_of(store, thing.clone()).await, None);
        let told = write_as(store, &engine(), change(thing, &[("a", "1")], &[])).await;
        assert_eq!(told, Err(refused));
    }
}

pub(crate) async fn a_thing_has_ten_tags_at_most(store: &dyn Store) {
    fleet(store, 1).await;
    let keys: Vec<String> = (0..=TAGS_PER_RESOURCE_MAX).map(|n| format!("key-{n:02}")).collect();
    let all: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "v")).collect();
    let too_many = write_as(store, &engine(), change(phone("phone-0"), &all, &[])).await;
    assert_eq!(too_many, Err(Refused::TooManyTags));
    assert_eq!(tags_of(store, phone("phone-0")).await, Some(Vec::new()));
    done(store, change(phone("phone-0"), &all[1..], &[])).await;
    let full = Some(tags(&all[1..]));
    let too_many = write_as(store, &engine(), change(phone("phone-0"), &all[..1], &[])).await;
    assert_eq!(too_many, Err(Refused::TooManyTags));
    assert_eq!(tags_of(store, phone("phone-0")).await, full);
    // One in the place of another, or of itself, is none more.
    done(store, change(phone("phone-0"), &all[1..2], &[])).await;
    done(store, change(phone("phone-0"), &all[..1], &[("key-10", None)])).await;
    assert_eq!(tags_of(store, phone("phone-0")).await, Some(tags(&all[..10])));
}

pub(crate) async fn keys_are_listed_with_their_values(store: &dyn Store) {
    fleet(store, 3).await;
    done(store, change(phone("phone-0"), &[("a", "2"), ("b", "1")], &[])).await;
    done(store, change(phone("phone-1"), &[("a", "1"), ("c", "")], &[])).await;
    done(store, change(phone("phone-2"), &[("a", "2")], &[])).await;
    done(store, change(server("server-1"), &[("s", "1")], &[])).await;
    let list = async |kind, offset, limit| {
        let found = store.tag_keys(&engine(), &project_id("p"), kind, offset, limit).await.unwrap();
        (found.items, found.total)
    };
    let keys = |all: &[(&str, &[&str])]| -> Vec<(String, Vec<String>)> {
        let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        all.iter().map(|(key, values)| ((*key).to_owned(), owned(values))).collect()
    };
    let three = keys(&[("a", &["1", "2"]), ("b", &["1"]), ("c", &[""])]);
    assert_eq!(list(TaggedKind::Device, 0, 10).await, (three.clone(), 3));
    assert_eq!(list(TaggedKind::Device, 1, 1).await, (three[1..2].to_vec(), 3));
    assert_eq!(list(TaggedKind::Device, 3, 1).await, (Vec::new(), 3));
    assert_eq!(list(TaggedKind::Server, 0, 10).await, (keys(&[("s", &["1"])]), 1));
}

pub(crate) async fn things_are_found_by_their_tags(store: &dyn Store) {
    fleet(store, 4).await;
    done(store, change(phone("phone-0"), &[("a", "1"), ("b", "1")], &[])).await;
    done(store, change(phone("phone-1"), &[("a", "2")], &[])).await;
    done(store, change(phone("phone-2"), &[("b", "1")], &[])).await;
    done(store, change(server("server-1"), &[("a", "1")], &[])).await;
    let check = async |kind, filter: &TagFilter, expected: &[&str]| {
        let found = store.tagged(&engine(), &project_id("p"), kind, filter, 0, 10).await.unwrap();
        let ids: Vec<&str> = found.items.iter().map(|thing| thing.id.as_str()).collect();
        assert_eq!(ids, expected, "{filter:?}");
        assert_eq!(found.total, expected.len() as u64, "{filter:?}");
    };
    let with = |tags: &[(&str, &[&str])]| {
        let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let tags = tags.iter().map(|(key, values)| ((*key).to_owned(), owned(values))).collect();
        TagFilter { tags, ..TagFilter::default() }
    };
    let phones = TaggedKind::Device;
    check(phones, &with(&[]), &["phone-0", "phone-1", "phone-2", "phone-3"]).await;
    check(phones, &with(&[("a", &[])]), &["phone-0", "phone-1"]).await;
    check(phones, &with(&[("a", &["2", "3"])]), &["phone-1"]).await;
    check(phones, &with(&[("a", &["1", "2"])]), &["phone-0", "phone-1"]).await;
    check(phones, &with(&[("a", &[]), ("b", &["1"])]), &["phone-0"]).await;
    check(phones, &with(&[("c", &[])]), &[]).await;
    let without = TagFilter { without_any: true, ..TagFilter::default() };
    check(phones, &without, &["phone-3"]).await;
    let named = |name: &str| TagFilter { name: Some(name.to_owned()), ..TagFilter::default() };
    check(phones, &named("name of phone-2"), &["phone-2"]).await;
    check(phones, &named("name"), &[]).await;
    check(TaggedKind::Server, &with(&[("a", &["1"])]), &["server-1"]).await;
    check(TaggedKind::Server, &with(&[("b", &[])]), &[]).await;
    check(TaggedKind::Server, &without, &[]).await;
    check(TaggedKind::Server, &named("server-1"), &["server-1"]).await;

    let every = TagFilter::default();
    let page = store.tagged(&engine(), &project_id("p"), phones, &every, 1, 1).await.unwrap();
    assert_eq!((page.items.len(), page.total), (1, 4));
    assert_eq!(
        (page.items[0].id.as_str(), page.items[0].name.as_str()),
        ("phone-1", "name of phone-1")
    );
    assert_eq!(page.items[0].tags, tags(&[("a", "2")]));
}

pub(crate) async fn a_client_tags_its_own_things_alone(store: &dyn Store) {
    let (own, _) = fleet(store, 1).await;
    let own = Principal::client(own, "AK");
    let stranger = Principal::client(create_project(store, "q").await, "AK");
    let write = || change(phone("phone-0"), &[("a", "1")], &[]);
    assert_eq!(write_as(store, &stranger, write()).await, Err(Refused::NoSuchDevice));
    let refused = write_as(store, &stranger, change(server("server-1"), &[], &[])).await;
    assert_eq!(refused, Err(Refused::NoSuchServer("server-1".to_owned())));
    assert_eq!(write_as(store, &own, write()).await, Ok(Written::Done));
    let (p, every) = (project_id("p"), TagFilter::default());
    for (who, things) in [(&own, 1), (&stranger, 0)] {
        let tags = store.tags(who, &p, &phone("phone-0")).await.unwrap();
        assert_eq!(tags.is_some(), things == 1);
        let keys = store.tag_keys(who, &p, TaggedKind::Device, 0, 9).await.unwrap();
        assert_eq!((keys.items.len(), keys.total), (things, things as u64));
        let found = store.tagged(who, &p, TaggedKind::Device, &every, 0, 9).await.unwrap();
        assert_eq!((found.items.len(), found.total), (things, things as u64));
    }
}
