//! Copies into a database, out of one, and from one to another.

use tokio_postgres::error::SqlState;

use crate::conformance::fixture::{AT, LONG, begin, create_project, node};
use crate::copy::tables::{Column, GIVEN, Kind, TABLES};
use crate::copy::tests::rows::{ROWS, SchemaColumn, check_schema};
use crate::copy::tests::{Stored, check_copied, copy_with_breaks, go_on, refused};
use crate::copy::{CopyError, Place, Role, copy};
use crate::{Cluster, Error};

use super::server::Server;

/// The database of this name.
fn place(server: &Server, database: &str) -> Place {
    Place::Postgres(Box::new(server.options(database)))
}

/// Makes an empty database.
async fn empty(server: &Server, database: &str) -> Place {
    server.sql("postgres", &format!("CREATE DATABASE {database}")).await;
    place(server, database)
}

/// All cases on one server.
#[tokio::test]
async fn every_case_of_copies_passes() {
    let server = Server::start(&[]).await;
    for_each_case!(server:
        every_table_and_column_of_the_schema_is_copied_or_left_out_knowingly,
        a_store_goes_there_and_back_and_is_the_same,
        a_copy_that_is_broken_off_after_any_batch_goes_on,
        no_node_runs_on_half_a_copy,
        a_database_in_use_is_refused_on_either_side,
        no_session_begins_while_a_copy_is_made,
        a_text_that_postgresql_can_t_hold_is_named,
        another_programs_database_is_refused
    );
}

async fn every_table_and_column_of_the_schema_is_copied_or_left_out_knowingly(server: &Server) {
    server.open("fleet").await.close().await;
    let sql = "SELECT c.table_name::text, c.column_name::text, c.data_type::text,
             coalesce(k.ordinal_position, 0)::bigint
         FROM information_schema.columns AS c
         LEFT JOIN information_schema.table_constraints AS t
             ON t.table_name = c.table_name AND t.constraint_type = 'PRIMARY KEY'
                 AND t.table_schema = c.table_schema
         LEFT JOIN information_schema.key_column_usage AS k
             ON k.constraint_name = t.constraint_name AND k.column_name = c.column_name
                 AND k.table_schema = c.table_schema
         WHERE c.table_schema = 'public'";
    let found = server.client("fleet").await.query(sql, &[]).await.unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|row| SchemaColumn {
            table: row.get(0),
            column: row.get(1),
            kind: row.get(2),
            key: row.get(3),
        })
        .collect();
    let kind = |column: &Column| match column.kind {
        Kind::Integer => "bigint",
        Kind::Flag => "boolean",
        Kind::Text => "text",
        Kind::Bytes => "bytea",
    };
    check_schema(
        &found,
        kind,
        &["schema_migration", "session", "shard", "event", "guard", "idempotency"],
    );
    // Every sequence is set past the highest key.
    let sql = "SELECT table_name::text FROM information_schema.columns
         WHERE table_schema = 'public' AND is_identity = 'YES' AND table_name <> 'event'
         ORDER BY table_name";
    let found = server.client("fleet").await.query(sql, &[]).await.unwrap();
    let found: Vec<String> = found.iter().map(|row| row.get(0)).collect();
    let mut given: Vec<&str> = GIVEN.iter().map(|(table, _)| *table).collect();
    given.sort_unstable();
    assert_eq!(found, given);
}

async fn a_store_goes_there_and_back_and_is_the_same(server: &Server) {
    let (from, back) = (Stored::filled().await, Stored::nowhere());
    let there = empty(server, "there_1").await;
    let copied = copy(&from.place(), &there, AT, &mut go_on).await.unwrap();
    check_copied(&copied);

    let count = "SELECT count(*) FROM binding WHERE session IS NULL";
    assert_eq!(server.number("there_1", count).await, ROWS as i64);
    let epochs = from.number("SELECT max(epoch) FROM shard");
    assert_eq!(server.number("there_1", "SELECT min(epoch) FROM shard").await, epochs + 1);
    let given = "SELECT last_value FROM device_key_seq";
    assert_eq!(server.number("there_1", given).await, 900, "that of the deleted one");

    let other = empty(server, "other_1").await;
    assert_eq!(copy(&there, &other, AT, &mut go_on).await.unwrap(), copied);
    assert_eq!(server.number("other_1", given).await, 900);
    assert_eq!(copy(&other, &back.place(), AT, &mut go_on).await.unwrap(), copied);
    assert_eq!(back.number("SELECT seq FROM sqlite_sequence WHERE name = 'device'"), 900);
    assert_eq!(back.number("SELECT min(epoch) FROM shard"), epochs + 3);

    // It is a store that can be used: keys go on, and so do epochs.
    let store = crate::postgres::Postgres::open(server.options("there_1")).await.unwrap();
    assert_eq!(create_project(&store, "new").await.0, ROWS as i64 + 1);
    let (_, held) = begin(&store).await;
    assert!(held.shards.iter().all(|shard| shard.epoch.0 > epochs + 1));
    store.close().await;
}

async fn a_copy_that_is_broken_off_after_any_batch_goes_on(server: &Server) {
    let (from, back) = (Stored::filled().await, Stored::nowhere());
    let there = empty(server, "there_2").await;
    let (breaks, copied) = copy_with_breaks(&from.place(), &there).await;
    assert!(breaks >= 3 * TABLES.len(), "{breaks} breaks");
    check_copied(&copied);
    let (_, again) = copy_with_breaks(&there, &back.place()).await;
    assert_eq!(again, copied);
}

async fn no_node_runs_on_half_a_copy(server: &Server) {
    let from = Stored::filled().await;
    let there = empty(server, "there_3").await;
    let stop = copy(&from.place(), &there, AT, &mut |_| std::ops::ControlFlow::Break(())).await;
    assert!(matches!(stop, Err(CopyError::Stopped)), "{stop:?}");
    let store = crate::postgres::Postgres::open(server.options("there_3")).await.unwrap();
    for error in [
        store.begin_session(&node("node"), LONG).await.unwrap_err(),
        store.remember("master-key-check", "1").await.unwrap_err(),
    ] {
        let Error::Failed { source, .. } = error else { panic!("{error:?}") };
        assert!(source.to_string().contains("has not ended"), "{source}");
    }
    store.close().await;
    copy(&from.place(), &there, AT, &mut go_on).await.unwrap();
    let store = crate::postgres::Postgres::open(server.options("there_3")).await.unwrap();
    begin(&store).await;
    store.close().await;
}

async fn a_database_in_use_is_refused_on_either_side(server: &Server) {
    let (from, nowhere) = (Stored::filled().await, Stored::nowhere());
    let used = empty(server, "used_4").await;
    let store = crate::postgres::Postgres::open(server.options("used_4")).await.unwrap();
    let session = store.begin_session(&node("node"), LONG).await.unwrap().unwrap().key;
    let (error, words) = refused(&used, &nowhere.place()).await;
    assert!(matches!(error, CopyError::InUse { role: Role::Source, .. }), "{words}");
    assert!(words.contains("node node runs on it"), "{words}");
    let (error, words) = refused(&from.place(), &used).await;
    assert!(matches!(error, CopyError::InUse { role: Role::Target, .. }), "{words}");

    store.end_session(session).await.unwrap();
    let (error, words) = refused(&from.place(), &used).await;
    assert!(matches!(error, CopyError::NotEmpty { .. }), "{words}");
    // What one copy reads no other one writes.
    let (error, words) = refused(&used, &used).await;
    assert!(matches!(error, CopyError::InUse { role: Role::Target, .. }), "{words}");
    store.close().await;
    copy(&used, &nowhere.place(), AT, &mut go_on).await.unwrap();
}

async fn no_session_begins_while_a_copy_is_made(server: &Server) {
    let from = Stored::filled().await;
    let there = empty(server, "there_5").await;
    let source = crate::copy::open(&from.place(), Role::Source, AT).await.unwrap();
    let target = crate::copy::open(&there, Role::Target, AT).await.unwrap();
    let insert = "SET lock_timeout = 50;
         INSERT INTO session (node, directory, roles, version, http, sip, started_at, renewed_at)
         VALUES ('n', 'd', '', '', '', '', 0, 0)";
    let client = server.client("there_5").await;
    let blocked = client.batch_execute(insert).await.unwrap_err();
    assert_eq!(blocked.code(), Some(&SqlState::LOCK_NOT_AVAILABLE));
    source.let_go().await;
    target.let_go().await;
    client.batch_execute(insert).await.unwrap();
}

async fn a_text_that_postgresql_can_t_hold_is_named(server: &Server) {
    let from = Stored::filled().await;
    from.execute("UPDATE channel SET name = 'a' || char(0) || 'b' WHERE device = 3");
    let there = empty(server, "there_6").await;
    let (error, words) = refused(&from.place(), &there).await;
    let CopyError::Nul { table, key, column } = error else { panic!("{words}") };
    assert_eq!((table, column), ("channel", "name"));
    assert!(key.starts_with("3, "), "{key}");
    // Once it is changed, the copy goes on.
    from.execute("UPDATE channel SET name = 'ab' WHERE device = 3");
    check_copied(&copy(&from.place(), &there, AT, &mut go_on).await.unwrap());
}

async fn another_programs_database_is_refused(server: &Server) {
    let from = Stored::filled().await;
    let theirs = empty(server, "theirs_7").await;
    server.sql("theirs_7", "CREATE TABLE theirs (a bigint)").await;
    let (error, words) = refused(&from.place(), &theirs).await;
    assert!(matches!(error, CopyError::OpenServer { role: Role::Target, .. }), "{words}");
    assert!(words.contains("another program's"), "{words}");
}
