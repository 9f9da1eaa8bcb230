//! Webhooks, and how their deliveries stand.

use fleet::limits::{WEBHOOKS_MAX, WEBHOOKS_PER_PROJECT_MAX};
use fleet::{EventTypes, Principal, ProjectKey, Timestamp};

use super::fixture::*;
use crate::feed::{FeedPosition, ResumeToken};
use crate::write::{ChangeWebhook, CreateWebhook, DeleteWebhook, DeliveryNote};
use crate::{AuditFilter, Refused, Store, StoredWebhook, Write, Written};

fn place(row: i64) -> ResumeToken {
    let position = FeedPosition { row, ..FeedPosition::default() };
    ResumeToken { store: crate::StoreId([7; 16]), position }
}

fn types() -> EventTypes {
    "job.ended,device.changed".parse().unwrap()
}

pub(super) fn create(id: &str, project: Option<&str>) -> Write {
    Write::CreateWebhook(Box::new(CreateWebhook {
        id: id.to_owned(),
        project: project.map(project_id),
        url: format!("https://receiver.example/{id}?key=hidden"),
        types: types(),
        sealed_secret: format!("sealed {id}").into_bytes(),
        enabled: true,
        position: place(1),
        at: AT,
    }))
}

fn no_change(id: &str) -> ChangeWebhook {
    ChangeWebhook {
        id: id.to_owned(),
        url: None,
        types: None,
        sealed_secret: None,
        enabled: None,
        at: LATER,
    }
}

pub(super) fn delete(id: &str) -> Write {
    Write::DeleteWebhook(DeleteWebhook { id: id.to_owned() })
}

fn note(id: &str) -> DeliveryNote {
    DeliveryNote {
        id: id.to_owned(),
        position: None,
        succeeded_at: None,
        failed: None,
        failures: 0,
        next_attempt_at: None,
        disable: false,
        changed_at: AT,
    }
}

async fn done(store: &dyn Store, write: Write) {
    let written = write_as(store, &engine(), write.clone()).await;
    assert_eq!(written, Ok(Written::Done), "{write:?}");
}

async fn changed(store: &dyn Store, write: Write, of: Option<ProjectKey>) {
    let written = write_as(store, &engine(), write.clone()).await;
    assert_eq!(written, Ok(Written::Webhook(of)), "{write:?}");
}

async fn webhook(store: &dyn Store, id: &str) -> StoredWebhook {
    store.webhook(&engine(), id).await.unwrap().unwrap()
}

/// The ids of the webhooks that the principal sees, of a project if it is given.
async fn seen(store: &dyn Store, principal: &Principal, project: Option<&str>) -> Vec<String> {
    let project = project.map(project_id);
    let found = store.webhooks(principal, project.as_ref()).await.unwrap();
    found.into_iter().map(|webhook| webhook.id).collect()
}

pub(crate) async fn a_webhook_is_made_shown_changed_and_deleted(store: &dyn Store) {
    let project = create_project(store, "p").await;
    done(store, create("w", Some("p"))).await;
    let made = webhook(store, "w").await;
    let expected = StoredWebhook {
        id: "w".to_owned(),
        project: Some((project, project_id("p"))),
        url: "https://receiver.example/w?key=hidden".to_owned(),
        types: types(),
        sealed_secret: b"sealed w".to_vec(),
        enabled: true,
        position: place(1).to_string(),
        last_success_at: None,
        last_failure_at: None,
        last_failure: None,
        failures: 0,
        next_attempt_at: None,
        created_at: AT,
        created_by: "engine".to_owned(),
        updated_at: AT,
    };
    assert_eq!(made, expected);
    let taken = write_as(store, &engine(), create("w", Some("p"))).await;
    assert_eq!(taken, Err(Refused::Exists { what: "webhook", id: "w".to_owned() }));

    changed(store, Write::ChangeWebhook(no_change("w")), Some(project)).await;
    assert_eq!(webhook(store, "w").await, StoredWebhook { updated_at: LATER, ..made.clone() });
    let change = ChangeWebhook {
        url: Some("https://other.example/".to_owned()),
        types: Some(EventTypes::ALL),
        sealed_secret: Some(b"another".to_vec()),
        enabled: Some(false),
        ..no_change("w")
    };
    changed(store, Write::ChangeWebhook(change), Some(project)).await;
    let expected = StoredWebhook {
        url: "https://other.example/".to_owned(),
        types: EventTypes::ALL,
        sealed_secret: b"another".to_vec(),
        enabled: false,
        // In the same millisecond it is another change all the same.
        updated_at: Timestamp(LATER.0 + 1),
        ..made
    };
    assert_eq!(webhook(store, "w").await, expected);

    changed(store, delete("w"), Some(project)).await;
    assert_eq!(store.webhook(&engine(), "w").await.unwrap(), None);
    for write in [delete("w"), Write::ChangeWebhook(no_change("w")), delete("\0")] {
        let refused = write_as(store, &engine(), write).await;
        assert!(matches!(refused, Err(Refused::NoSuchWebhook(_))), "{refused:?}");
    }
    assert_eq!(store.webhook(&engine(), "\0").await.unwrap(), None);
}

pub(crate) async fn webhooks_of_others_look_as_if_there_were_none(store: &dyn Store) {
    let own = create_project(store, "p").await;
    let other = create_project(store, "q").await;
    done(store, create("own", Some("p"))).await;
    done(store, create("all", None)).await;
    let user = Principal::user("eve", vec![own]);
    let stranger = Principal::user("sam", vec![other]);
    let admin = Principal::admin();
    assert_eq!(seen(store, &admin, None).await, ["all", "own"]);
    assert_eq!(seen(store, &admin, Some("p")).await, ["own"]);
    assert_eq!(seen(store, &user, None).await, ["own"]);
    assert_eq!(seen(store, &user, Some("p")).await, ["own"]);
    for project in [None, Some("p"), Some("q")] {
        assert!(seen(store, &stranger, project).await.is_empty(), "{project:?}");
    }
    for (principal, id) in [(&stranger, "own"), (&stranger, "all"), (&user, "all")] {
        assert_eq!(store.webhook(principal, id).await.unwrap(), None, "{id}");
        let none = Err(Refused::NoSuchWebhook(id.to_owned()));
        assert_eq!(write_as(store, principal, delete(id)).await, none);
        let change = Write::ChangeWebhook(no_change(id));
        assert_eq!(write_as(store, principal, change).await, none);
    }
    let refused = write_as(store, &stranger, create("new", Some("p"))).await;
    assert_eq!(refused, Err(Refused::NoSuchProject(project_id("p"))));
    let refused = write_as(store, &user, create("new", None)).await;
    assert!(matches!(refused, Err(Refused::NoSuchServer(_))), "{refused:?}");
    assert_eq!(write_as(store, &user, delete("own")).await, Ok(Written::Webhook(Some(own))));
    assert_eq!(write_as(store, &admin, delete("all")).await, Ok(Written::Webhook(None)));
}

pub(crate) async fn a_project_has_so_many_webhooks_and_they_go_with_it(store: &dyn Store) {
    create_project(store, "p").await;
    create_project(store, "q").await;
    for number in 0..WEBHOOKS_PER_PROJECT_MAX {
        done(store, create(&format!("p{number}"), Some("p"))).await;
        done(store, create(&format!("all{number}"), None)).await;
    }
    for project in [Some("p"), None] {
        let refused = write_as(store, &engine(), create("more", project)).await;
        assert_eq!(refused, Err(Refused::TooManyWebhooks), "{project:?}");
    }
    done(store, create("q", Some("q"))).await;
    done(store, Write::DeleteProject(project_id("p"))).await;
    let left = seen(store, &engine(), None).await;
    assert_eq!(left.len(), WEBHOOKS_PER_PROJECT_MAX + 1);
    assert!(!left.iter().any(|id| id.starts_with('p')), "{left:?}");
    // In all there are so many too.
    let mut count = left.len();
    for project in 0.. {
        let id = format!("many{project}");
        create_project(store, &id).await;
        for number in 0..WEBHOOKS_PER_PROJECT_MAX {
            let create = create(&format!("{id}-{number}"), Some(&id));
            let written = write_as(store, &engine(), create).await;
            if count == WEBHOOKS_MAX {
                assert_eq!(written, Err(Refused::TooManyWebhooks));
                return;
            }
            assert_eq!(written, Ok(Written::Done));
            count += 1;
        }
    }
}

pub(crate) async fn how_deliveries_stand_is_noted(store: &dyn Store) {
    let project = create_project(store, "p").await;
    done(store, create("a", Some("p"))).await;
    done(store, create("b", Some("p"))).await;
    let before = webhook(store, "a").await;
    let next = Some(Timestamp(LATER.0 + 1_000));
    let failed = Some((LATER, "no\0 answer".to_owned()));
    let notes = vec![
        DeliveryNote { failed, failures: 2, next_attempt_at: next, ..note("a") },
        DeliveryNote { succeeded_at: Some(LATER), position: Some(place(9)), ..note("b") },
        DeliveryNote { failures: 7, ..note("gone") },
    ];
    done(store, Write::NoteDeliveries(notes)).await;
    let a = webhook(store, "a").await;
    assert!(a.last_failure.as_ref().is_some_and(|why| why.starts_with("no")), "{a:?}");
    let expected = StoredWebhook {
        last_failure_at: Some(LATER),
        last_failure: a.last_failure.clone(),
        failures: 2,
        next_attempt_at: next,
        ..before
    };
    assert_eq!(a, expected);
    let b = webhook(store, "b").await;
    assert_eq!((b.position.clone(), b.last_success_at), (place(9).to_string(), Some(LATER)));
    assert_eq!((b.failures, b.last_failure_at), (0, None));

    // What is left out stays; a success ends the failures and leaves the last one on record.
    let taken = DeliveryNote { succeeded_at: Some(LATER), position: Some(place(3)), ..note("a") };
    done(store, Write::NoteDeliveries(vec![taken])).await;
    let a = webhook(store, "a").await;
    assert_eq!((a.failures, a.next_attempt_at, a.last_failure_at), (0, None, Some(LATER)));
    assert_eq!(a.position, place(3).to_string());

    // A receiver that is gone; and a person who enables it again.
    let gone = DeliveryNote { disable: true, failures: 1, ..note("a") };
    done(store, Write::NoteDeliveries(vec![gone])).await;
    let a = webhook(store, "a").await;
    assert_eq!((a.enabled, a.failures, a.updated_at), (false, 1, AT));
    let enable = ChangeWebhook { enabled: Some(true), ..no_change("a") };
    changed(store, Write::ChangeWebhook(enable), Some(project)).await;
    let a = webhook(store, "a").await;
    assert_eq!((a.enabled, a.failures, a.position), (true, 0, place(3).to_string()));
    done(store, Write::NoteDeliveries(Vec::new())).await;
}

pub(crate) async fn what_came_of_a_delivery_spoils_no_later_change(store: &dyn Store) {
    let project = create_project(store, "p").await;
    done(store, create("w", Some("p"))).await;
    changed(store, Write::ChangeWebhook(no_change("w")), Some(project)).await;
    let next = Some(Timestamp(LATER.0 + 1_000));
    let late = DeliveryNote {
        failed: Some((LATER, "gone".to_owned())),
        failures: 3,
        next_attempt_at: next,
        disable: true,
        position: Some(place(5)),
        ..note("w")
    };
    done(store, Write::NoteDeliveries(vec![late.clone()])).await;
    let now = webhook(store, "w").await;
    assert_eq!((now.enabled, now.failures, now.next_attempt_at), (true, 0, None));
    // What has happened has happened.
    assert_eq!((now.position, now.last_failure_at), (place(5).to_string(), Some(LATER)));
    let in_time = DeliveryNote { changed_at: now.updated_at, ..late };
    done(store, Write::NoteDeliveries(vec![in_time])).await;
    let now = webhook(store, "w").await;
    assert_eq!((now.enabled, now.failures, now.next_attempt_at), (false, 3, next));
}

pub(crate) async fn webhooks_are_in_the_audit_without_their_secrets(store: &dyn Store) {
    create_project(store, "p").await;
    done(store, create("w", Some("p"))).await;
    done(store, create("all", None)).await;
    let change = ChangeWebhook {
        url: Some("https://other.example/x?key=hidden".to_owned()),
        sealed_secret: Some(b"sealed again".to_vec()),
        enabled: Some(false),
        ..no_change("w")
    };
    let change = Write::ChangeWebhook(change);
    assert!(write_as(store, &engine(), change).await.is_ok());
    done(store, Write::NoteDeliveries(vec![DeliveryNote { failures: 1, ..note("w") }])).await;
    for id in ["w", "all"] {
        assert!(write_as(store, &engine(), delete(id)).await.is_ok());
    }
    let acts = store.audit(&engine(), &AuditFilter::default(), None, 100).await.unwrap();
    let mut told: Vec<_> = acts
        .iter()
        .filter(|act| act.action.starts_with("webhook."))
        .map(|act| {
            assert!(!act.detail.contains("hidden") && !act.detail.contains("sealed"), "{act:?}");
            let project = act.project_id.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{} {} {project}", act.action, act.target)
        })
        .collect();
    told.reverse();
    let expected = [
        "webhook.create w p",
        "webhook.create all ",
        "webhook.change w p",
        "webhook.delete w p",
        "webhook.delete all ",
    ];
    assert_eq!(told, expected);
}
