//! Who may do what: grants, tokens with names, last uses, the audit.

use fleet::{DeviceKey, Grant, Principal, Timestamp};
use serde_json::{Value, json};

use super::fixture::*;
use super::users::{create_user, done, issue};
use crate::write::{ChangeUser, CreateToken, NoteUse, RevokeToken, SetGrant, UserChange};
use crate::{
    AuditEntry, AuditFilter, DeviceFilter, GrantHolder, Page, Refused, Store, Write, Written,
};

fn grant(user: &str, project: &str, grant: Option<Grant>) -> Write {
    Write::SetGrant(SetGrant { user: user.to_owned(), project: project_id(project), grant })
}

fn token(user: &str, name: &str, number: u8) -> Write {
    Write::CreateToken(CreateToken {
        user: user.to_owned(),
        id: format!("token-{number}"),
        name: name.to_owned(),
        hash: [number; 32],
        at: AT,
        expires_at: LATER,
    })
}

fn revoke(user: &str, id: &str) -> Write {
    Write::RevokeToken(RevokeToken { id: id.to_owned(), user: user.to_owned() })
}

/// What a user may do, as the principal sees it.
async fn grants(store: &dyn Store, principal: &Principal, user: &str) -> Vec<(String, Grant)> {
    let grants = store.grants(principal, user).await.unwrap();
    grants.into_iter().map(|grant| (grant.project_id.to_string(), grant.grant)).collect()
}

pub(crate) async fn a_user_may_do_what_is_granted_in_each_project(store: &dyn Store) {
    let own = create_project(store, "p").await;
    let other = create_project(store, "q").await;
    done(store, create_user("adam", "p")).await;
    let of = |project: &str, grant| (project.to_owned(), grant);
    assert_eq!(grants(store, &engine(), "adam").await, [of("p", Grant::Operator)]);

    done(store, grant("adam", "q", Some(Grant::Viewer))).await;
    done(store, grant("adam", "p", Some(Grant::Admin))).await;
    let both = [of("p", Grant::Admin), of("q", Grant::Viewer)];
    assert_eq!(grants(store, &engine(), "adam").await, both);
    let seen = grants(store, &Principal::user("eve", vec![other]), "adam").await;
    assert_eq!(seen, [of("q", Grant::Viewer)]);

    done(store, issue("adam", [1; 32], AT)).await;
    let token = store.token([1; 32]).await.unwrap().unwrap();
    let held: Vec<_> = token.grants.iter().map(|held| (held.project, held.grant)).collect();
    assert_eq!(held, [(own, Grant::Admin), (other, Grant::Viewer)]);
    assert_eq!((token.name, token.project), (None, own));

    done(store, grant("adam", "p", None)).await;
    done(store, grant("adam", "p", None)).await;
    assert_eq!(grants(store, &engine(), "adam").await, [of("q", Grant::Viewer)]);
    let refused = write_as(store, &engine(), grant("none", "p", None)).await;
    assert_eq!(refused, Err(Refused::NoSuchUser("none".to_owned())));
    let foreign = Principal::user("eve", vec![other]);
    let refused = write_as(store, &foreign, grant("adam", "p", Some(Grant::Admin))).await;
    assert_eq!(refused, Err(Refused::NoSuchProject(project_id("p"))));
}

pub(crate) async fn grants_go_with_the_user_and_with_the_project(store: &dyn Store) {
    for project in ["p", "q", "r"] {
        create_project(store, project).await;
    }
    done(store, create_user("adam", "p")).await;
    done(store, create_user("eve", "q")).await;
    for (user, project) in [("adam", "q"), ("adam", "r"), ("eve", "p")] {
        done(store, grant(user, project, Some(Grant::Viewer))).await;
    }
    done(store, Write::DeleteProject(project_id("p"))).await;
    assert!(grants(store, &engine(), "adam").await.is_empty());
    let left = grants(store, &engine(), "eve").await;
    assert_eq!(left, [("q".to_owned(), Grant::Operator)]);
}

pub(crate) async fn who_may_do_something_in_a_project_is_listed_by_name(store: &dyn Store) {
    let own = create_project(store, "p").await;
    let other = create_project(store, "q").await;
    for (user, project) in [("Zoe", "p"), ("adam", "p"), ("eve", "q"), ("out", "q")] {
        done(store, create_user(user, project)).await;
    }
    done(store, grant("eve", "p", Some(Grant::Admin))).await;
    done(store, grant("Zoe", "p", Some(Grant::Viewer))).await;
    done(store, grant("Zoe", "q", Some(Grant::Viewer))).await;
    let (name, change) = ("adam".to_owned(), UserChange::Disable);
    done(store, Write::ChangeUser(ChangeUser { name, change, at: AT })).await;

    let holder = |user: &str, grant, of_project, disabled_at| GrantHolder {
        user: user.to_owned(),
        grant,
        of_project,
        disabled_at,
    };
    let expected = [
        holder("Zoe", Grant::Viewer, true, None),
        holder("adam", Grant::Operator, true, Some(AT)),
        holder("eve", Grant::Admin, false, None),
    ];
    let (p, insider) = (project_id("p"), Principal::user("eve", vec![own]));
    for principal in [&engine(), &insider] {
        assert_eq!(store.grants_in(principal, &p, "", 10).await.unwrap(), expected);
    }
    assert_eq!(store.grants_in(&insider, &p, "", 2).await.unwrap(), expected[..2]);
    assert_eq!(store.grants_in(&insider, &p, "adam", 2).await.unwrap(), expected[2..]);
    assert!(store.grants_in(&insider, &p, "eve", 2).await.unwrap().is_empty());
    assert_eq!(store.grants_in(&insider, &p, "adam\0x", 10).await.unwrap(), expected[2..]);
    let outsider = Principal::user("eve", vec![other]);
    assert!(store.grants_in(&outsider, &p, "", 10).await.unwrap().is_empty());
    let none = project_id("none");
    assert!(store.grants_in(&engine(), &none, "", 10).await.unwrap().is_empty());

    done(store, grant("eve", "p", None)).await;
    assert_eq!(store.grants_in(&insider, &p, "", 10).await.unwrap(), expected[..2]);
}

pub(crate) async fn a_principal_of_several_projects_sees_these(store: &dyn Store) {
    let mut keys = Vec::new();
    for project in ["p", "q", "r"] {
        keys.push(create_project(store, project).await);
        import_new(store, vec![new_device(project, "A")]).await;
    }
    let user = Principal::user("eve", vec![keys[2], keys[0]]);
    let projects = store.projects(&user).await.unwrap();
    assert_eq!(projects.iter().map(|found| found.key).collect::<Vec<_>>(), [keys[0], keys[2]]);
    assert_eq!(store.project(&user, &project_id("q")).await.unwrap(), None);
    let found = store.device(&user, None, &device_id("A")).await.unwrap();
    let of: Vec<_> = found.iter().map(|found| found.device.project).collect();
    assert_eq!(of, [keys[0], keys[2]]);
    let page = Page { after: DeviceKey(0), limit: 10 };
    for (filter, expected) in [
        (DeviceFilter::default(), vec![keys[0], keys[2]]),
        (DeviceFilter { project: Some(project_id("r")), ..DeviceFilter::default() }, vec![keys[2]]),
        (DeviceFilter { project: Some(project_id("q")), ..DeviceFilter::default() }, vec![]),
    ] {
        let found = store.devices(&user, &filter, page).await.unwrap();
        let found: Vec<_> = found.iter().map(|found| found.device.project).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    let nobody = Principal::user("eve", Vec::new());
    assert!(store.projects(&nobody).await.unwrap().is_empty());
    assert!(store.devices(&nobody, &DeviceFilter::default(), page).await.unwrap().is_empty());
    assert!(store.access_keys(&nobody, None).await.unwrap().is_empty());
}

pub(crate) async fn tokens_with_names_are_counted_listed_and_revoked(store: &dyn Store) {
    let own = create_project(store, "p").await;
    let other = create_project(store, "q").await;
    done(store, create_user("adam", "p")).await;
    done(store, create_user("eve", "p")).await;
    done(store, token("adam", "backup", 1)).await;
    done(store, token("eve", "backup", 2)).await;
    done(store, issue("adam", [3; 32], Timestamp(AT.0 + 1))).await;
    let taken = write_as(store, &engine(), token("adam", "backup", 4)).await;
    assert_eq!(taken, Err(Refused::Exists { what: "token", id: "backup".to_owned() }));
    let none = write_as(store, &engine(), token("none", "x", 5)).await;
    assert_eq!(none, Err(Refused::NoSuchUser("none".to_owned())));

    let listed = store.tokens("adam").await.unwrap();
    let names: Vec<_> = listed.iter().map(|token| token.name.as_deref()).collect();
    assert_eq!(names, [Some("backup"), None]);
    assert_eq!((listed[0].issued_at, listed[0].expires_at), (AT, LATER));
    assert_eq!((listed[0].project, listed[0].last_used_at), (own, None));
    assert_eq!(store.token_record("token-1").await.unwrap().as_ref(), listed.first());
    let found = store.token([1; 32]).await.unwrap().unwrap();
    assert_eq!((found.id.as_str(), found.name.as_deref()), ("token-1", Some("backup")));

    let nowhere = Err(Refused::NoSuchToken("token-1".to_owned()));
    assert_eq!(write_as(store, &engine(), revoke("eve", "token-1")).await, nowhere);
    let stranger = Principal::user("x", vec![other]);
    assert_eq!(write_as(store, &stranger, revoke("adam", "token-1")).await, nowhere);
    done(store, revoke("adam", "token-1")).await;
    assert_eq!(store.token([1; 32]).await.unwrap(), None);
    assert_eq!(write_as(store, &engine(), revoke("adam", "token-1")).await, nowhere);

    let tokens_max = u8::try_from(fleet::limits::TOKENS_PER_USER_MAX).unwrap();
    for number in 0..tokens_max {
        done(store, token("adam", &format!("name {number}"), 10 + number)).await;
    }
    let refused = write_as(store, &engine(), token("adam", "more", 200)).await;
    assert_eq!(refused, Err(Refused::TooManyTokens));
    let (name, change) = ("adam".to_owned(), UserChange::Disable);
    done(store, Write::ChangeUser(ChangeUser { name, change, at: AT })).await;
    assert!(store.tokens("adam").await.unwrap().is_empty());
    let disabled = write_as(store, &engine(), token("adam", "more", 200)).await;
    assert_eq!(disabled, Err(Refused::NoSuchUser("adam".to_owned())));
}

pub(crate) async fn the_last_use_is_the_latest(store: &dyn Store) {
    create_project(store, "p").await;
    done(store, create_key("AK", "p")).await;
    done(store, create_user("adam", "p")).await;
    done(store, token("adam", "backup", 1)).await;
    assert_eq!(store.access_key("AK").await.unwrap().unwrap().last_used_at, None);
    let note = |at: i64| {
        let keys = vec![("AK".to_owned(), Timestamp(at)), ("none".to_owned(), Timestamp(at))];
        let tokens = vec![("token-1".to_owned(), Timestamp(at))];
        Write::NoteUse(NoteUse { keys, tokens })
    };
    for (at, last) in [(5_000, 5_000), (9_000, 9_000), (7_000, 9_000)] {
        done(store, note(at)).await;
        let last = Some(Timestamp(last));
        assert_eq!(store.access_key("AK").await.unwrap().unwrap().last_used_at, last);
        let listed = store.access_keys(&engine(), Some(&project_id("p"))).await.unwrap();
        assert_eq!(listed[0].last_used_at, last);
        let token = store.token_record("token-1").await.unwrap().unwrap();
        assert_eq!(token.last_used_at, last);
    }
    done(store, Write::NoteUse(NoteUse::default())).await;
    assert_eq!(store.access_key("none").await.unwrap(), None);
}

/// The audit as the principal sees it, newest first.
async fn audit(store: &dyn Store, principal: &Principal, filter: &AuditFilter) -> Vec<AuditEntry> {
    store.audit(principal, filter, None, 100).await.unwrap()
}

/// Action, target and project of each entry.
fn told(entries: &[AuditEntry]) -> Vec<(&str, &str, Option<&str>)> {
    entries
        .iter()
        .map(|entry| {
            let project = entry.project_id.as_ref().map(fleet::ProjectId::as_str);
            (entry.action.as_str(), entry.target.as_str(), project)
        })
        .collect()
}

pub(crate) async fn what_is_done_is_in_the_audit(store: &dyn Store) {
    let key = create_project(store, "p").await;
    done(store, create_key("AK", "p")).await;
    let eve = Principal::user("eve", vec![key]);
    let created = write_as(store, &eve, create_user("adam", "p")).await;
    assert_eq!(created, Ok(Written::Done));
    // What is refused is not done.
    assert!(write_as(store, &eve, create_user("adam", "p")).await.is_err());
    let client = Principal::client(key, "AK");
    assert_eq!(write_as(store, &client, revoke_key("AK", AT)).await, Ok(Written::Done));
    let (name, change) = ("adam".to_owned(), UserChange::Password("a new hash".to_owned()));
    done(store, Write::ChangeUser(ChangeUser { name, change, at: AT })).await;
    done(store, token("adam", "backup", 1)).await;
    done(store, grant("adam", "p", Some(Grant::Viewer))).await;
    done(store, Write::NoteUse(NoteUse::default())).await;
    done(store, Write::SetServer(fleet::ServerSettings { paused: true })).await;
    done(store, Write::DeleteProject(project_id("p"))).await;

    let entries = audit(store, &engine(), &AuditFilter::default()).await;
    let p = Some("p");
    let expected = [
        ("project.delete", "p", p),
        ("server.settings", "server", None),
        ("user.grant", "adam", p),
        ("token.create", "adam", p),
        ("user.password", "adam", p),
        ("key.revoke", "AK", p),
        ("user.create", "adam", p),
        ("key.create", "AK", p),
        ("project.create", "p", p),
    ];
    assert_eq!(told(&entries), expected);
    let actors: Vec<_> = entries.iter().rev().take(4).map(|entry| entry.actor.as_str()).collect();
    assert_eq!(actors, ["engine", "engine", "user:eve", "key:AK"]);
    let detail: Value = serde_json::from_str(&entries[2].detail).unwrap();
    assert_eq!(detail, json!({ "role": "viewer" }));
    assert!(entries.is_sorted_by(|a, b| a.seq > b.seq && a.at >= b.at));
    let all: String = entries.iter().map(|entry| entry.detail.as_str()).collect();
    assert!(!all.contains("hash") && !all.contains("sealed"), "{all}");
}

pub(crate) async fn the_audit_is_read_by_project_actor_and_action(store: &dyn Store) {
    let own = create_project(store, "p").await;
    let other = create_project(store, "q").await;
    let eve = Principal::user("eve", vec![own, other]);
    for (user, project) in [("a", "p"), ("b", "q"), ("c", "p")] {
        assert_eq!(write_as(store, &eve, create_user(user, project)).await, Ok(Written::Done));
    }
    let targets = async |principal: &Principal, filter: AuditFilter| {
        let entries = audit(store, principal, &filter).await;
        entries.into_iter().map(|entry| entry.target).collect::<Vec<_>>()
    };
    let all = AuditFilter::default;
    let project = |id: &str| AuditFilter { project: Some(project_id(id)), ..all() };
    assert_eq!(targets(&engine(), project("p")).await, ["c", "a", "p"]);
    let actor = AuditFilter { actor: Some("user:eve".to_owned()), ..all() };
    assert_eq!(targets(&engine(), actor.clone()).await, ["c", "b", "a"]);
    let action = AuditFilter { action: Some("project.create".to_owned()), ..all() };
    assert_eq!(targets(&engine(), action.clone()).await, ["q", "p"]);
    let both = AuditFilter { actor: actor.actor, ..project("q") };
    assert_eq!(targets(&engine(), both).await, ["b"]);

    let user = |projects: &[_]| Principal::user("x", projects.to_vec());
    assert_eq!(targets(&user(&[other]), all()).await, ["b", "q"]);
    assert!(targets(&user(&[other]), project("p")).await.is_empty());
    assert_eq!(targets(&user(&[own, other]), all()).await, ["c", "b", "a", "q", "p"]);
    assert!(targets(&user(&[]), all()).await.is_empty());
    // What is the whole server's is for those who see all.
    done(store, Write::SetServer(fleet::ServerSettings { paused: false })).await;
    assert_eq!(targets(&user(&[own, other]), all()).await, ["c", "b", "a", "q", "p"]);

    let first = store.audit(&engine(), &all(), None, 2).await.unwrap();
    assert_eq!(told(&first)[1].1, "c");
    let next = store.audit(&engine(), &all(), Some(first[1].seq), 2).await.unwrap();
    assert_eq!(next.iter().map(|entry| entry.target.as_str()).collect::<Vec<_>>(), ["b", "a"]);
}
