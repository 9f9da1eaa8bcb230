//! Organizations: made, moved, deleted; and what is filed in them.

use fleet::{
    Organization, OrganizationChange, OrganizationId, Principal, RecordPatch, Refusal,
    ReportedChannel,
};

use super::fixture::*;
use crate::write::{CameraPatch, OrganizationEdit, RecordChannels};
use crate::{Refused, Store, Write, Written};

fn create(path: &str) -> OrganizationEdit {
    OrganizationEdit::Create(path.parse().unwrap())
}

fn to(path: &str) -> OrganizationEdit {
    OrganizationEdit::Move(path.parse().unwrap())
}

fn id(id: &str) -> OrganizationId {
    OrganizationId::new(id).unwrap()
}

async fn organized(
    store: &dyn Store,
    id: &str,
    change: OrganizationEdit,
) -> Result<Organization, Refused> {
    match write_as(store, &engine(), organize(id, change)).await {
        Ok(Written::Organization(organization)) => Ok(organization),
        Ok(other) => panic!("no organization: {other:?}"),
        Err(refused) => Err(refused),
    }
}

/// All organizations of the project `p`.
async fn all(store: &dyn Store) -> Vec<Organization> {
    let found = store.organizations(&engine(), &project_id("p"), None, 0, 99).await.unwrap();
    assert_eq!(found.total as usize, found.items.len());
    found.items
}

/// An update that files the device so.
fn file(change: OrganizationChange) -> CameraPatch {
    let record = RecordPatch { organization: Some(change), ..RecordPatch::default() };
    CameraPatch { record, ..CameraPatch::default() }
}

/// The same, of an organization that is said to have this id.
fn join_expecting(path: &str, expected_id: &str) -> OrganizationChange {
    let mut change = join(path, "o-new");
    if let OrganizationChange::Join { expected, .. } = &mut change {
        *expected = Some(id(expected_id));
    }
    change
}

pub(crate) async fn an_organization_is_made_moved_and_deleted(store: &dyn Store) {
    let (project, keys) = cameras(store, 1).await;
    let made = organized(store, "o", create("北京/海淀")).await.unwrap();
    assert_eq!(made, organization("o", "北京/海淀"));
    assert_eq!(all(store).await, std::slice::from_ref(&made));
    patched(store, project, 1, keys[0], (&[], file(join("北京/海淀", "other")))).await.unwrap();

    assert_eq!(organized(store, "o", to("北京/海淀")).await, Ok(made.clone()), "no change");
    let change = crate::write::ChangeOrganization {
        project: project_id("p"),
        id: id("o"),
        change: to("上海"),
        at: LATER,
    };
    let moved = write_as(store, &engine(), Write::ChangeOrganization(change)).await;
    let expected = Organization { updated_at: LATER, ..organization("o", "上海") };
    assert_eq!(moved, Ok(Written::Organization(expected.clone())));
    assert_eq!(all(store).await, std::slice::from_ref(&expected));
    let filed = camera_state(store, keys[0]).await.organization;
    assert_eq!(filed, Some(expected.clone()), "what is filed in it stays so");

    patched(store, project, 2, keys[0], (&[], file(OrganizationChange::Detach))).await.unwrap();
    let deleted = write_as(store, &engine(), organize("o", OrganizationEdit::Delete)).await;
    assert_eq!(deleted, Ok(Written::Organization(expected)));
    assert_eq!(all(store).await, []);
    for gone in [OrganizationEdit::Delete, to("x")] {
        let refused = write_as(store, &engine(), organize("o", gone)).await;
        assert_eq!(refused, Err(Refused::NoSuchOrganization(id("o"))));
    }
}

pub(crate) async fn a_path_and_an_id_are_given_once_in_a_project(store: &dyn Store) {
    create_project(store, "p").await;
    create_project(store, "q").await;
    organized(store, "o-1", create("a")).await.unwrap();
    // A path is no node: that it begins as another does says nothing.
    organized(store, "o-2", create("a/b")).await.unwrap();
    let taken = |other: &str, path: &str| {
        Err(Refused::OrganizationExists { id: id(other), path: path.parse().unwrap() })
    };
    assert_eq!(organized(store, "o-3", create("a")).await, taken("o-1", "a"));
    assert_eq!(organized(store, "o-2", to("a")).await, taken("o-1", "a"));
    let same_id = organized(store, "o-1", create("c")).await;
    assert_eq!(same_id, Err(Refused::Exists { what: "organization", id: "o-1".to_owned() }));
    assert_eq!(all(store).await, [organization("o-1", "a"), organization("o-2", "a/b")]);
    // Both are free in another project.
    let change = crate::write::ChangeOrganization {
        project: project_id("q"),
        id: id("o-1"),
        change: create("a"),
        at: AT,
    };
    let made = write_as(store, &engine(), Write::ChangeOrganization(change)).await;
    assert_eq!(made, Ok(Written::Organization(organization("o-1", "a"))));
}

pub(crate) async fn organizations_are_paged_by_path_and_found_by_id(store: &dyn Store) {
    create_project(store, "p").await;
    for (id, path) in [("o-3", "a"), ("o-1", "c"), ("o-2", "b"), ("o-4", "a/b")] {
        organized(store, id, create(path)).await.unwrap();
    }
    let page = async |ids: Option<&[&str]>, offset, limit| {
        let ids = ids.map(|ids| ids.iter().map(|text| id(text)).collect());
        let project = project_id("p");
        let found = store.organizations(&engine(), &project, ids, offset, limit).await.unwrap();
        let ids = found.items.iter().map(|organization| organization.id.to_string());
        (ids.collect::<Vec<_>>(), found.total)
    };
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    assert_eq!(page(None, 0, 99).await, (ids(&["o-3", "o-4", "o-2", "o-1"]), 4));
    assert_eq!(page(None, 1, 2).await, (ids(&["o-4", "o-2"]), 4));
    assert_eq!(page(None, 4, 2).await, (Vec::new(), 4));
    let asked: &[&str] = &["o-2", "none", "o-3", "o-1"];
    assert_eq!(page(Some(asked), 0, 99).await, (ids(&["o-2", "o-3", "o-1"]), 3));
    assert_eq!(page(Some(asked), 1, 1).await, (ids(&["o-3"]), 3));
    assert_eq!(page(Some(&[]), 0, 99).await, (Vec::new(), 0));
}

pub(crate) async fn an_update_makes_the_organization_that_it_names(store: &dyn Store) {
    let (project, keys) = cameras(store, 2).await;
    let channels = vec![(channel_id(1), ReportedChannel::default())];
    let record = RecordChannels { device: keys[0], channels, complete: true, at: AT };
    write_as(store, &engine(), Write::RecordChannels(record)).await.unwrap();
    let mut camera = file(join("a/b", "o-1"));
    let filed =
        |path, new| RecordPatch { organization: Some(join(path, new)), ..RecordPatch::default() };
    camera.channel_records =
        vec![(channel_id(1), filed("a/b", "o-2"), "Channel.x.Organization".to_owned())];
    patched(store, project, 1, keys[0], (&[], camera)).await.unwrap();
    let made = Organization { created_at: LATER, updated_at: LATER, ..organization("o-1", "a/b") };
    assert_eq!(all(store).await, std::slice::from_ref(&made), "one for both");
    assert_eq!(camera_state(store, keys[0]).await.organization, Some(made.clone()));
    let channels = store.channels(&engine(), keys[0], "", 9).await.unwrap();
    assert_eq!(channels[0].organization, Some(made.clone()));

    patched(store, project, 2, keys[1], (&[], file(join("a/b", "o-3")))).await.unwrap();
    assert_eq!(camera_state(store, keys[1]).await.organization, Some(made.clone()));
    assert_eq!(all(store).await.len(), 1);
    patched(store, project, 3, keys[1], (&[], file(join("c", "o-3")))).await.unwrap();
    assert_eq!(camera_state(store, keys[1]).await.organization.unwrap().id, id("o-3"));
    patched(store, project, 4, keys[1], (&[], file(OrganizationChange::Detach))).await.unwrap();
    assert_eq!(camera_state(store, keys[1]).await.organization, None);
    assert_eq!(all(store).await.len(), 2, "empty ones stay");
    assert_eq!(camera_state(store, keys[0]).await.organization, Some(made));
}

pub(crate) async fn an_id_that_is_not_the_paths_is_refused_alone(store: &dyn Store) {
    let (project, keys) = cameras(store, 2).await;
    organized(store, "o-1", create("a")).await.unwrap();
    for (number, (path, expected)) in (1..).zip([("a", "o-2"), ("b", "o-2"), ("b", "o-new")]) {
        let mut call = accept(project, request(number), &[(keys[0], &[]), (keys[1], &[])]);
        call.entries[0].camera = Some(file(join_expecting(path, expected)));
        call.entries[1].camera = Some(file(join_expecting("a", "o-1")));
        let results = accepted_as(store, &engine(), call).await;
        assert!(
            matches!(&results[0],
                Err(Refusal::PropertyInvalid { name, .. }) if name == "Organization"),
            "{results:?}"
        );
        assert!(results[1].is_ok());
        assert_eq!(camera_state(store, keys[0]).await.organization, None);
        assert_eq!(all(store).await.len(), 1);
    }
    let filed = camera_state(store, keys[1]).await.organization;
    assert_eq!(filed, Some(organization("o-1", "a")));
}

pub(crate) async fn one_in_which_something_is_filed_stays(store: &dyn Store) {
    let (project, keys) = cameras(store, 2).await;
    let channels = vec![(channel_id(1), ReportedChannel::default())];
    let record = RecordChannels { device: keys[0], channels, complete: true, at: AT };
    write_as(store, &engine(), Write::RecordChannels(record)).await.unwrap();
    for (number, key) in (1..).zip(&keys) {
        let mut camera = file(join("a", "o"));
        if number == 1 {
            let filed = camera.record.clone();
            camera.channel_records = vec![(channel_id(1), filed, String::new())];
        }
        patched(store, project, number, *key, (&[], camera)).await.unwrap();
    }
    let delete = || organize("o", OrganizationEdit::Delete);
    for (id, filed) in [(camera_id(1), 3), (camera_id(0), 2)] {
        let refused = write_as(store, &engine(), delete()).await;
        let in_use = Refused::OrganizationInUse { id: self::id("o"), filed };
        assert_eq!(refused, Err(in_use));
        assert_eq!(all(store).await.len(), 1);
        delete_device(store, &id).await;
    }
    let deleted = write_as(store, &engine(), delete()).await;
    assert!(matches!(deleted, Ok(Written::Organization(_))), "{deleted:?}");
}

pub(crate) async fn a_client_sees_its_own_organizations_alone(store: &dyn Store) {
    let own = create_project(store, "p").await;
    let other = create_project(store, "q").await;
    let client = Principal::client(own, "AK");
    let made = write_as(store, &client, organize("o", create("a"))).await;
    assert_eq!(made, Ok(Written::Organization(organization("o", "a"))));
    let stranger = Principal::client(other, "AK");
    for change in [create("b"), to("b"), OrganizationEdit::Delete] {
        let refused = write_as(store, &stranger, organize("o", change)).await;
        assert_eq!(refused, Err(Refused::NoSuchProject(project_id("p"))));
    }
    for (principal, count) in [(client, 1), (stranger, 0), (Principal::account("AK"), 1)] {
        for ids in [None, Some(vec![id("o")])] {
            let project = project_id("p");
            let found = store.organizations(&principal, &project, ids, 0, 9).await.unwrap();
            assert_eq!((found.items.len(), found.total), (count, count as u64));
        }
    }
}
