//! Projects, access keys and shards.

use fleet::{Principal, Timestamp};

use super::fixture::*;
use crate::write::CreateProject;
use crate::{Refused, Store, Write, Written};

pub(crate) async fn a_project_is_made_once_and_found(store: &dyn Store) {
    let key = create_project(store, "p").await;
    let again = CreateProject { id: project_id("p"), name: "another".to_owned(), at: AT };
    let refused = write_as(store, &engine(), Write::CreateProject(again)).await;
    assert_eq!(refused, Err(Refused::Exists { what: "project", id: "p".to_owned() }));

    let project = store.project(&engine(), &project_id("p")).await.unwrap().unwrap();
    assert_eq!((project.key, project.name.as_str()), (key, "name of p"));
    assert_eq!(project.created_at, AT);
    assert_eq!(store.project(&engine(), &project_id("q")).await.unwrap(), None);

    create_project(store, "b").await;
    let ids: Vec<String> =
        store.projects(&engine()).await.unwrap().iter().map(|p| p.id.to_string()).collect();
    assert_eq!(ids, ["b", "p"]);
}

pub(crate) async fn a_client_sees_its_own_project_alone(store: &dyn Store) {
    let own = create_project(store, "own").await;
    create_project(store, "other").await;
    let client = Principal::client(own, "AK");
    let seen = store.projects(&client).await.unwrap();
    assert_eq!(seen.iter().map(|p| p.key).collect::<Vec<_>>(), [own]);
    assert!(store.project(&client, &project_id("own")).await.unwrap().is_some());
    assert_eq!(store.project(&client, &project_id("other")).await.unwrap(), None);

    let create = CreateProject { id: project_id("new"), name: String::new(), at: AT };
    let refused = write_as(store, &client, Write::CreateProject(create)).await;
    assert_eq!(refused, Err(Refused::NoSuchProject(project_id("new"))));
    assert_eq!(store.project(&engine(), &project_id("new")).await.unwrap(), None);
}

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
    assert_eq!((found.project, found.project_id), (own, project_id("own")));
    assert_eq!(found.sealed_secret, b"sealed A");
    assert_eq!((found.created_at, found.revoked_at), (AT, None));
    assert_eq!(store.access_key("a").await.unwrap(), None);

    let keys = async |principal: &Principal, project: &str| {
        let keys = store.access_keys(principal, &project_id(project)).await.unwrap();
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

pub(crate) async fn every_shard_has_an_epoch(store: &dyn Store) {
    let epochs = store.epochs().await.unwrap();
    let shards: Vec<u16> = epochs.iter().map(|(shard, _)| u16::from(shard.0)).collect();
    assert_eq!(shards, (0..fleet::id::SHARDS).collect::<Vec<_>>());
    assert!(epochs.iter().all(|(_, epoch)| *epoch == epochs[0].1 && epoch.0 > 0));
}
