//! Users whose names differ in case alone: from before that was refused, so that an engine's own
//! test puts them there past the store.

use fleet::Grant;

use super::fixture::*;
use super::users::{create_user, done, issue};
use crate::write::{ChangeUser, SetGrant, UserChange};
use crate::{Refused, Store, Write};

/// Puts the users there, of which the first is made already: of the same project and with the same
/// role. Either engine takes it.
pub(crate) const PLANT: &str = "
    INSERT INTO user_account (name, project, password_hash, created_at)
    SELECT 'VERA', project, 'hash of VERA', 7 FROM user_account WHERE name = 'vera';
    INSERT INTO user_grant SELECT 'VERA', project, role FROM user_grant;";

/// Makes what has to be there before.
pub(crate) async fn prepare(store: &dyn Store) {
    create_project(store, "p").await;
    done(store, create_user("vera", "p")).await;
}

/// What holds of them then.
pub(crate) async fn each_is_meant_by_exactly_its_name(store: &dyn Store) {
    for name in ["vera", "VERA"] {
        let user = store.user_meant(name).await.unwrap().unwrap();
        assert_eq!((user.name.as_str(), user.has_namesake), (name, true));
        assert_eq!(user.password_hash, format!("hash of {name}"));
        done(store, issue(name, [name.as_bytes()[0]; 32], AT)).await;
        let token = store.token([name.as_bytes()[0]; 32]).await.unwrap().unwrap();
        assert_eq!((token.user.as_str(), token.grants[0].grant), (name, Grant::Operator));
    }
    assert_eq!(store.user_meant("Vera").await.unwrap(), None, "that would be a guess");
    assert_eq!(store.namesakes(9).await.unwrap(), ["VERA", "vera"]);
    assert_eq!(store.namesakes(1).await.unwrap(), ["VERA"]);
    let users = store.users(&engine(), &project_id("p")).await.unwrap();
    assert!(users.len() == 2 && users.iter().all(|user| user.has_namesake));

    // Neither is lost by what is done to the other, and there is no third.
    let third = write_as(store, &engine(), create_user("Vera", "p")).await;
    assert_eq!(third, Err(Refused::Exists { what: "user", id: "VERA".to_owned() }));
    let change = UserChange::Disable;
    let disable = ChangeUser { name: "VERA".to_owned(), change, at: LATER };
    done(store, Write::ChangeUser(disable)).await;
    let (user, project) = ("VERA".to_owned(), project_id("p"));
    done(store, Write::SetGrant(SetGrant { user, project, grant: None })).await;
    let kept = store.token([b'v'; 32]).await.unwrap().unwrap();
    assert_eq!((kept.user.as_str(), kept.grants.len()), ("vera", 1));
    assert_eq!(store.token([b'V'; 32]).await.unwrap(), None);
    assert_eq!(store.user("vera").await.unwrap().unwrap().disabled_at, None);
}
