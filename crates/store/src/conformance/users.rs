//! Users and tokens.

use fleet::{Grant, Principal, Timestamp};

use super::fixture::*;
use crate::write::{ChangeUser, CreateUser, IssueToken, UserChange};
use crate::{Refused, Store, Write, Written};

pub(super) fn create_user(name: &str, project: &str) -> Write {
    let password_hash = format!("hash of {name}");
    let (name, project) = (name.to_owned(), project_id(project));
    let grant = Grant::Operator;
    Write::CreateUser(CreateUser { name, project, grant, password_hash, at: AT })
}

fn change_user(name: &str, change: UserChange, at: Timestamp) -> Write {
    Write::ChangeUser(ChangeUser { name: name.to_owned(), change, at })
}

/// A token that works for a minute.
pub(super) fn issue(user: &str, hash: [u8; 32], at: Timestamp) -> Write {
    Write::IssueToken(IssueToken {
        user: user.to_owned(),
        id: hex::encode(hash),
        password_hash: format!("hash of {user}"),
        hash,
        at,
        expires_at: Timestamp(at.0 + 60_000),
    })
}

pub(super) async fn done(store: &dyn Store, write: Write) {
    assert_eq!(write_as(store, &engine(), write).await, Ok(Written::Done));
}

fn nobody(name: &str) -> Result<Written, Refused> {
    Err(Refused::NoSuchUser(name.to_owned()))
}

pub(crate) async fn a_user_is_made_once_and_found(store: &dyn Store) {
    let key = create_project(store, "p").await;
    create_project(store, "q").await;
    done(store, create_user("zoë", "p")).await;
    done(store, create_user("adam", "p")).await;
    let taken = write_as(store, &engine(), create_user("adam", "q")).await;
    assert_eq!(taken, Err(Refused::Exists { what: "user", id: "adam".to_owned() }));
    let none = write_as(store, &engine(), create_user("eve", "none")).await;
    assert_eq!(none, Err(Refused::NoSuchProject(project_id("none"))));

    let user = store.user("adam").await.unwrap().unwrap();
    assert_eq!((user.project, &user.project_id), (key, &project_id("p")));
    assert_eq!((user.name.as_str(), user.project_name.as_str()), ("adam", "name of p"));
    assert_eq!(user.password_hash, "hash of adam");
    assert_eq!((user.created_at, user.disabled_at), (AT, None));
    assert!(user.id.len() == 32 && user.id.bytes().all(|b| b.is_ascii_hexdigit()), "{}", user.id);
    let users = store.users(&engine(), &project_id("p")).await.unwrap();
    assert_eq!(users.iter().map(|u| u.name.as_str()).collect::<Vec<_>>(), ["adam", "zoë"]);
    assert_eq!(users[0], user);
    assert_ne!(users[1].id, user.id);
    assert_eq!(store.user("Adam").await.unwrap(), None);
    assert!(store.users(&engine(), &project_id("q")).await.unwrap().is_empty());
}

pub(crate) async fn a_users_name_is_one_whatever_its_case(store: &dyn Store) {
    create_project(store, "p").await;
    create_project(store, "q").await;
    done(store, create_user("Vera", "p")).await;
    for (name, project) in [("Vera", "q"), ("VERA", "p"), ("vera", "q")] {
        let taken = write_as(store, &engine(), create_user(name, project)).await;
        assert_eq!(taken, Err(Refused::Exists { what: "user", id: "Vera".to_owned() }), "{name}");
    }
    for name in ["Vera", "vera", "VERA"] {
        let user = store.user_meant(name).await.unwrap().unwrap();
        assert_eq!((user.name.as_str(), user.has_namesake), ("Vera", false), "{name}");
    }
    assert_eq!(store.user_meant("ver").await.unwrap(), None);
    assert_eq!(store.user_meant("v_ra").await.unwrap(), None);
    assert!(store.namesakes(9).await.unwrap().is_empty());
    // No other letters are folded.
    done(store, create_user("zoë", "p")).await;
    assert_eq!(store.user_meant("ZOË").await.unwrap(), None);
    assert_eq!(store.user_meant("Zoë").await.unwrap().unwrap().name, "zoë");
    done(store, create_user("zoË", "p")).await;
}

pub(crate) async fn a_user_is_enabled_again(store: &dyn Store) {
    let own = Principal::client(create_project(store, "p").await, "AK");
    let stranger = Principal::client(create_project(store, "q").await, "AK");
    done(store, create_user("eve", "p")).await;
    done(store, issue("eve", [1; 32], AT)).await;
    done(store, change_user("eve", UserChange::Disable, AT)).await;
    let enable = || change_user("eve", UserChange::Enable, LATER);
    assert_eq!(write_as(store, &stranger, enable()).await, nobody("eve"));
    assert_eq!(write_as(store, &own, enable()).await, Ok(Written::Done));
    let user = store.user("eve").await.unwrap().unwrap();
    assert_eq!((user.disabled_at, user.password_hash.as_str()), (None, "hash of eve"));
    assert_eq!(store.token([1; 32]).await.unwrap(), None, "what was taken does not come back");
    // Again, it takes nothing.
    done(store, issue("eve", [2; 32], LATER)).await;
    done(store, enable()).await;
    assert!(store.token([2; 32]).await.unwrap().is_some());
    assert_eq!(
        write_as(store, &engine(), change_user("none", UserChange::Enable, AT)).await,
        nobody("none")
    );
}

pub(crate) async fn a_client_sees_the_users_of_its_own_project_alone(store: &dyn Store) {
    let own = Principal::client(create_project(store, "p").await, "AK");
    let stranger = Principal::client(create_project(store, "q").await, "AK");
    let refused = write_as(store, &stranger, create_user("adam", "p")).await;
    assert_eq!(refused, Err(Refused::NoSuchProject(project_id("p"))));
    done(store, create_user("adam", "p")).await;
    assert_eq!(store.users(&own, &project_id("p")).await.unwrap().len(), 1);
    assert!(store.users(&stranger, &project_id("p")).await.unwrap().is_empty());
    let disable = change_user("adam", UserChange::Disable, AT);
    assert_eq!(write_as(store, &stranger, disable.clone()).await, nobody("adam"));
    assert_eq!(write_as(store, &stranger, issue("adam", [1; 32], AT)).await, nobody("adam"));
    assert_eq!(store.user("adam").await.unwrap().unwrap().disabled_at, None);
    assert_eq!(write_as(store, &own, disable).await, Ok(Written::Done));
}

pub(crate) async fn a_token_is_found_until_it_is_deleted_after_its_time(store: &dyn Store) {
    let key = create_project(store, "p").await;
    done(store, create_user("adam", "p")).await;
    done(store, issue("adam", [1; 32], AT)).await;
    let token = store.token([1; 32]).await.unwrap().unwrap();
    assert_eq!((token.user.as_str(), token.project), ("adam", key));
    assert_eq!((token.project_id, token.expires_at), (project_id("p"), LATER));
    assert_eq!(store.token([2; 32]).await.unwrap(), None);

    done(store, issue("adam", [2; 32], Timestamp(LATER.0 - 1))).await;
    assert!(store.token([1; 32]).await.unwrap().is_some(), "it works to the end");
    done(store, issue("adam", [3; 32], LATER)).await;
    assert_eq!(store.token([1; 32]).await.unwrap(), None, "the next one's turn to clear up");
    assert!(store.token([2; 32]).await.unwrap().is_some());
}

pub(crate) async fn a_change_of_a_user_takes_its_tokens_away(store: &dyn Store) {
    create_project(store, "p").await;
    for user in ["adam", "eve"] {
        done(store, create_user(user, "p")).await;
    }
    done(store, issue("adam", [1; 32], AT)).await;
    done(store, issue("eve", [2; 32], AT)).await;
    done(store, change_user("adam", UserChange::Password("new".to_owned()), LATER)).await;
    assert_eq!(store.user("adam").await.unwrap().unwrap().password_hash, "new");
    assert_eq!(store.token([1; 32]).await.unwrap(), None);
    assert!(store.token([2; 32]).await.unwrap().is_some());

    done(store, change_user("eve", UserChange::Disable, LATER)).await;
    done(store, change_user("eve", UserChange::Disable, AT)).await;
    assert_eq!(store.user("eve").await.unwrap().unwrap().disabled_at, Some(LATER));
    assert_eq!(store.token([2; 32]).await.unwrap(), None);
    assert_eq!(write_as(store, &engine(), issue("eve", [3; 32], LATER)).await, nobody("eve"));
    let password = change_user("eve", UserChange::Password("new".to_owned()), LATER);
    assert_eq!(write_as(store, &engine(), password).await, nobody("eve"));
    assert_eq!(store.user("eve").await.unwrap().unwrap().password_hash, "hash of eve");
    let none = change_user("none", UserChange::Disable, AT);
    assert_eq!(write_as(store, &engine(), none).await, nobody("none"));
}

pub(crate) async fn a_token_is_for_the_password_that_was_checked(store: &dyn Store) {
    create_project(store, "p").await;
    done(store, create_user("adam", "p")).await;
    done(store, change_user("adam", UserChange::Password("new".to_owned()), LATER)).await;
    assert_eq!(write_as(store, &engine(), issue("adam", [1; 32], AT)).await, nobody("adam"));
    assert_eq!(write_as(store, &engine(), issue("none", [1; 32], AT)).await, nobody("none"));
    assert_eq!(store.token([1; 32]).await.unwrap(), None);
}

pub(crate) async fn few_expired_tokens_are_deleted_at_a_time(store: &dyn Store) {
    create_project(store, "p").await;
    done(store, create_user("adam", "p")).await;
    let hash = |number: u8| [number; 32];
    for number in 0..=130 {
        done(store, issue("adam", hash(number), Timestamp(AT.0 + i64::from(number)))).await;
    }
    let left = async || {
        let mut left = 0;
        for number in 0..=130 {
            left += usize::from(store.token(hash(number)).await.unwrap().is_some());
        }
        left
    };
    assert_eq!(left().await, 131);
    let much_later = Timestamp(AT.0 + 3_600_000);
    done(store, issue("adam", hash(200), much_later)).await;
    assert_eq!(left().await, 31);
    assert_eq!(store.token(hash(99)).await.unwrap(), None, "the oldest first");
    assert!(store.token(hash(100)).await.unwrap().is_some());
    done(store, issue("adam", hash(201), much_later)).await;
    assert_eq!(left().await, 0);
    assert!(store.token(hash(200)).await.unwrap().is_some());
}
