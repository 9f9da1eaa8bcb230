//! Projects and shards.

use fleet::{Principal, ProjectSettings, Timestamp};

use super::fixture::*;
use crate::write::{
    ChangeProject, ChangeTags, CreateProject, CreateUser, IssueToken, OrganizationEdit, SetProject,
};
use crate::{Refused, Store, Tag, Tagged, Write, Written};

pub(crate) async fn a_project_is_made_once_and_found(store: &dyn Store) {
    let key = create_project(store, "p").await;
    let (name, description) = ("another".to_owned(), "of another".to_owned());
    let again = CreateProject { id: project_id("p"), name, description, at: AT };
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

    let (name, description) = (String::new(), String::new());
    let create = CreateProject { id: project_id("new"), name, description, at: AT };
    let refused = write_as(store, &client, Write::CreateProject(create)).await;
    assert_eq!(refused, Err(Refused::NoSuchProject(project_id("new"))));
    assert_eq!(store.project(&engine(), &project_id("new")).await.unwrap(), None);
}

pub(crate) async fn a_project_is_changed_and_keeps_what_is_left_out(store: &dyn Store) {
    let own = create_project(store, "p").await;
    create_project(store, "q").await;
    let change = |name: Option<&str>, description: Option<&str>| {
        let (name, description) = (name.map(str::to_owned), description.map(str::to_owned));
        let (id, paused) = (project_id("p"), None);
        Write::ChangeProject(ChangeProject { id, name, description, paused, at: LATER })
    };
    let read = async || store.project(&engine(), &project_id("p")).await.unwrap().unwrap();
    let before = read().await;
    assert_eq!((before.description.as_str(), before.updated_at), ("", AT));
    // What it has already is no change.
    for same in [change(None, None), change(Some("name of p"), None), change(None, Some(""))] {
        let done = write_as(store, &engine(), same).await;
        assert_eq!(done, Ok(Written::Project(Box::new(before.clone()))));
        assert_eq!(read().await, before);
    }
    for (name, description, expected) in [
        (Some("门口"), None, ("门口", "")),
        (None, Some("东门 \"1\""), ("门口", "东门 \"1\"")),
        (Some(""), Some("x"), ("", "x")),
        (None, Some(""), ("", "")),
    ] {
        let client = Principal::client(own, "AK");
        let done = write_as(store, &client, change(name, description)).await;
        let after = read().await;
        assert_eq!(done, Ok(Written::Project(Box::new(after.clone()))));
        assert_eq!((after.name.as_str(), after.description.as_str()), expected);
        assert_eq!((after.created_at, after.updated_at), (AT, LATER));
    }
    // Pausing it leaves what else is set for it.
    let settings = ProjectSettings { identity: true, ..ProjectSettings::default() };
    let set = SetProject { id: project_id("p"), settings, at: LATER };
    write_as(store, &engine(), Write::SetProject(set)).await.unwrap();
    let again = Timestamp(LATER.0 + 1);
    for (paused, changed) in [(true, true), (true, false), (false, true), (false, false)] {
        let before = read().await;
        let (id, paused) = (project_id("p"), Some(paused));
        let at = Timestamp(before.updated_at.0.max(again.0) + 1);
        let change = ChangeProject { id, name: None, description: None, paused, at };
        write_as(store, &engine(), Write::ChangeProject(change)).await.unwrap();
        let after = read().await;
        assert_eq!(after.settings, ProjectSettings { paused: paused.unwrap(), ..settings });
        assert_eq!(after.updated_at, if changed { at } else { before.updated_at });
    }
    let other = store.project(&engine(), &project_id("q")).await.unwrap().unwrap();
    assert_eq!((other.name.as_str(), other.updated_at), ("name of q", AT));

    let before = read().await;
    let stranger = Principal::client(other.key, "AK");
    let refused = write_as(store, &stranger, change(Some("x"), None)).await;
    assert_eq!(refused, Err(Refused::NoSuchProject(project_id("p"))));
    assert_eq!(read().await, before);
}

pub(crate) async fn a_project_is_deleted_with_all_but_its_jobs(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    let other = create_project(store, "q").await;
    let job = accept_one(store, project, 1, keys[0], &[("a", "1")]).await.job;
    for (ak, of) in [("A", "p"), ("B", "q")] {
        write_as(store, &engine(), create_key(ak, of)).await.unwrap();
    }
    let made = organize("o", OrganizationEdit::Create("a/b".parse().unwrap()));
    write_as(store, &engine(), made).await.unwrap();
    let (name, password_hash) = ("anna".to_owned(), "hash".to_owned());
    let user = CreateUser {
        name: name.clone(),
        project: project_id("p"),
        grant: fleet::Grant::Operator,
        password_hash: password_hash.clone(),
        at: AT,
    };
    write_as(store, &engine(), Write::CreateUser(user.clone())).await.unwrap();
    let (hash, expires_at) = ([7; 32], LATER);
    let id = "token-7".to_owned();
    let issue = IssueToken { user: name, id, password_hash, hash, at: AT, expires_at };
    write_as(store, &engine(), Write::IssueToken(issue)).await.unwrap();
    for tagged in [Tagged::Device(device_id("phone-0")), Tagged::Server("server-1".to_owned())] {
        let put = vec![Tag { key: "k".to_owned(), value: "v".to_owned() }];
        let tags = ChangeTags { project: project_id("p"), tagged, put, take: Vec::new() };
        write_as(store, &engine(), Write::ChangeTags(tags)).await.unwrap();
    }

    let delete = || Write::DeleteProject(project_id("p"));
    let in_use = Refused::ProjectInUse { id: project_id("p"), devices: 1 };
    assert_eq!(write_as(store, &engine(), delete()).await, Err(in_use));
    delete_device(store, "phone-0").await;
    let none = Err(Refused::NoSuchProject(project_id("p")));
    for bound in [project, other] {
        let client = Principal::client(bound, "AK");
        assert_eq!(write_as(store, &client, delete()).await, none, "nor by its own");
    }
    assert_eq!(write_as(store, &Principal::admin(), delete()).await, Ok(Written::Done));
    assert_eq!(write_as(store, &engine(), delete()).await, none);

    assert_eq!(store.project(&engine(), &project_id("p")).await.unwrap(), None);
    assert_eq!(store.projects(&engine()).await.unwrap().len(), 1);
    assert_eq!(store.access_key("A").await.unwrap(), None);
    assert!(store.access_key("B").await.unwrap().is_some());
    assert_eq!(store.user("anna").await.unwrap(), None);
    assert_eq!(store.token([7; 32]).await.unwrap(), None);
    let found = store.job(&engine(), job).await.unwrap().unwrap();
    assert_eq!((found.project_id, found.device_id), (project_id("p"), device_id("phone-0")));

    // Its id is free; what was its own is not the new one's, and neither is its key.
    let again = create_project(store, "p").await;
    assert!(again.0 > project.0 && again.0 > other.0, "{again:?}");
    assert_eq!(store.job(&Principal::client(again, "AK"), job).await.unwrap(), None);
    let organizations = store.organizations(&engine(), &project_id("p"), None, 0, 9).await.unwrap();
    assert_eq!((organizations.items, organizations.total), (Vec::new(), 0));
    write_as(store, &engine(), Write::CreateUser(user)).await.unwrap();
    assert_eq!(store.token([7; 32]).await.unwrap(), None);
    let phone = import_new(store, vec![new_device("p", "phone-0")]).await[0];
    assert!(phone.0 > keys[0].0);
    for tagged in [Tagged::Device(device_id("phone-0")), Tagged::Server("server-1".to_owned())] {
        let tags = store.tags(&engine(), &project_id("p"), &tagged).await.unwrap();
        assert_eq!(tags, Some(Vec::new()));
    }
}

pub(crate) async fn the_key_of_a_deleted_project_is_never_given_again(store: &dyn Store) {
    let mut last = 0;
    for _ in 0..3 {
        let key = create_project(store, "p").await;
        assert!(key.0 > last);
        last = key.0;
        let deleted = write_as(store, &engine(), Write::DeleteProject(project_id("p"))).await;
        assert_eq!(deleted, Ok(Written::Done));
    }
}

pub(crate) async fn every_shard_has_an_epoch(store: &dyn Store) {
    let epochs = store.epochs().await.unwrap();
    let shards: Vec<u16> = epochs.iter().map(|(shard, _)| u16::from(shard.0)).collect();
    assert_eq!(shards, (0..fleet::id::SHARDS).collect::<Vec<_>>());
    assert!(epochs.iter().all(|(_, epoch)| *epoch == epochs[0].1 && epoch.0 > 0));
}
