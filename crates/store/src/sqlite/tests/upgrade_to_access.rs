//! A database from before there were grants, opened by this version: users may do what they could,
//! and their tokens work on.

use fleet::Grant;

use super::opened::{Opened, execute, options};
use crate::conformance::fixture::*;
use crate::sqlite::Sqlite;
use crate::sqlite::migrate::MIGRATIONS;
use crate::{AuditFilter, Reads};

/// Two users of two projects, one with a token and one disabled, and a key.
const DATA: &str = "
INSERT INTO project (key, id, name, created_at, updated_at)
VALUES (1, 'p', 'first', 1, 1), (2, 'q', 'second', 1, 1);
INSERT INTO user_account VALUES ('ada', 1, 'hash', 2, NULL), ('bob', 2, 'hash', 3, 4);
INSERT INTO token
VALUES (x'00ff000000000000000000000000000000000000000000000000000000000000', 'ada', 5, 6);
INSERT INTO access_key (ak, project, sealed_secret, created_at) VALUES ('AK', 1, x'01', 7);
";

#[tokio::test]
async fn users_may_do_what_they_could() {
    let directory = tempfile::tempdir().unwrap();
    drop(Sqlite::open_with(options(directory.path()), &MIGRATIONS[..6]).unwrap());
    execute(directory.path(), DATA);
    let opened = Opened::with(directory, |_| {});
    for (user, project) in [("ada", "p"), ("bob", "q")] {
        let grants = opened.grants(&engine(), user).await.unwrap();
        let grants: Vec<_> =
            grants.iter().map(|held| (held.project_id.as_str(), held.grant)).collect();
        assert_eq!(grants, [(project, Grant::Operator)], "{user}");
    }
    let mut hash = [0; 32];
    hash[1] = 0xff;
    let token = opened.token(hash).await.unwrap().unwrap();
    assert_eq!((token.user.as_str(), token.id.as_str()), ("ada", "00ff000000000000"));
    assert_eq!((token.name, token.grants.len()), (None, 1));
    assert_eq!(opened.access_key("AK").await.unwrap().unwrap().last_used_at, None);
    let audit = opened.audit(&engine(), &AuditFilter::default(), None, 10).await.unwrap();
    assert!(audit.is_empty(), "{audit:?}");
}
