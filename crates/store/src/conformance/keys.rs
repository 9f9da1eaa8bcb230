//! Access keys: of one project, and of all.

use fleet::{Principal, Timestamp};

use super::fixture::*;
use crate::write::CreateKey;
use crate::{Refused, Store, Write, Written};

pub(crate) async fn keys_are_found_by_id_and_by_project(store: &dyn Store) {
    let own = create_project(store, "own").await;
    let other = create_project(store, "other").await;
    for (ak, project) in [("B", "own"), ("A", "own"), ("C", "other")] {
        assert_eq!(write_as(store, &engine(), create_key(ak, project)).await, Ok(Written::Done));
    }
    let taken = write_as(store, &engine(), create_key("A", "other")).await;
    assert_eq!(taken, Err(Refused::Exists { what: "access key", id: "A".to_owned() }));
    let missing = write_as(store, &engine(), create_key("D", "none")).await;
    assert_eq!(missing, Err(Refused::NoSuchProject(project_id("none"))));

    let found = store.access_key("A").await.unwrap().unwrap();
    assert_eq!((found.project, found.strict), (Some((own, project_id("own"))), false));
    assert_eq!(found.sealed_secret, b"sealed A");
    assert_eq!((found.created_at, found.revoked_at), (AT, None));
    assert_eq!(store.access_key("a").await.unwrap(), None);

    let keys = async |principal: &Principal, project: &str| {
        let keys = store.access_keys(principal, Some(&project_id(project))).await.unwrap();
        keys.into_iter().map(|key| key.ak).collect::<Vec<_>>()
    };
    assert_eq!(keys(&engine(), "own").await, ["A", "B"]);
    assert_eq!(keys(&Principal::client(own, "A"), "own").await, ["A", "B"]);
    assert!(keys(&Principal::client(other, "C"), "own").await.is_empty());
    let foreign = write_as(store, &Principal::client(other, "C"), create_key("D", "own")).await;
    assert_eq!(foreign, Err(Refused::NoSuchProject(project_id("own"))));
}

pub(crate) async fn keys_are_revoked_once_and_by_their_own_project(store: &dyn Store) {
    create_project(store, "own").await;
    let other = create_project(store, "other").await;
    write_as(store, &engine(), create_key("A", "own")).await.unwrap();

    let stranger = Principal::client(other, "C");
    let none = Err(Refused::NoSuchKey("A".to_owned()));
    assert_eq!(write_as(store, &stranger, revoke_key("A", AT)).await, none);
    assert_eq!(store.access_key("A").await.unwrap().unwrap().revoked_at, None);

    let (first, second) = (Timestamp(AT.0 + 1), Timestamp(AT.0 + 2));
    assert_eq!(write_as(store, &engine(), revoke_key("A", first)).await, Ok(Written::Done));
    assert_eq!(write_as(store, &engine(), revoke_key("A", second)).await, Ok(Written::Done));
    assert_eq!(store.access_key("A").await.unwrap().unwrap().revoked_at, Some(first));
    let none = Err(Refused::NoSuchKey("B".to_owned()));
    assert_eq!(write_as(store, &engine(), revoke_key("B", AT)).await, none);
}

/// A key that opens all projects.
fn account_key(ak: &str, strict: bool) -> Write {
    let sealed_secret = format!("sealed {ak}").into_bytes();
    Write::CreateKey(CreateKey { ak: ak.to_owned(), project: None, strict, sealed_secret, at: AT })
}

pub(crate) async fn a_key_of_all_projects_is_of_none(store: &dyn Store) {
    let own = create_project(store, "own").await;
    write_as(store, &engine(), create_key("A", "own")).await.unwrap();
    for (ak, strict) in [("C", true), ("B", false)] {
        assert_eq!(write_as(store, &engine(), account_key(ak, strict)).await, Ok(Written::Done));
        let found = store.access_key(ak).await.unwrap().unwrap();
        assert_eq!((found.project, found.strict), (None, strict));
        assert_eq!(found.sealed_secret, format!("sealed {ak}").into_bytes());
    }
    for taken in [account_key("A", false), create_key("B", "own")] {
        let refused = write_as(store, &engine(), taken).await;
        assert!(matches!(refused, Err(Refused::Exists { what: "access key", .. })), "{refused:?}");
    }
    let client = Principal::client(own, "A");
    let refused = write_as(store, &client, account_key("D", false)).await;
    assert!(matches!(refused, Err(Refused::NoSuchServer(_))), "{refused:?}");
    assert_eq!(store.access_key("D").await.unwrap(), None);

    let listed = async |principal: &Principal, project: Option<&str>| {
        let project = project.map(project_id);
        let keys = store.access_keys(principal, project.as_ref()).await.unwrap();
        keys.into_iter().map(|key| (key.ak, key.strict)).collect::<Vec<_>>()
    };
    let both = [("B".to_owned(), false), ("C".to_owned(), true)];
    assert_eq!(listed(&Principal::account("B"), None).await, both);
    assert_eq!(listed(&client, None).await, []);
    assert_eq!(listed(&engine(), Some("own")).await, [("A".to_owned(), false)]);

    let none = Err(Refused::NoSuchKey("B".to_owned()));
    assert_eq!(write_as(store, &client, revoke_key("B", AT)).await, none);
    assert_eq!(write_as(store, &engine(), revoke_key("B", LATER)).await, Ok(Written::Done));
    assert_eq!(store.access_key("B").await.unwrap().unwrap().revoked_at, Some(LATER));
}
