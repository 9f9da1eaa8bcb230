//! Opening a database: what is refused, in words that say what to do, and what several nodes do at
//! once.

use std::error::Error as _;

use tokio::task::JoinSet;

use super::server::Server;
use crate::Reads as _;
use crate::conformance::fixture::{create_project, engine};
use crate::postgres::migrate::{MIGRATIONS, Migration};
use crate::postgres::{Options, Postgres};

/// Why a database does not open, with all its causes.
async fn refusal(options: Options) -> String {
    let error = Postgres::open(options).await.unwrap_err();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}

/// Checks that a database does not open and that it is said why.
async fn check(options: Options, expected: &str) {
    let said = refusal(options).await;
    assert!(said.contains(expected), "{said:?} lacks {expected:?}");
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do() {
    let server = Server::start(&[]).await;
    let options = |database: &str| server.options(database);

    check(options("nowhere"), "database \"nowhere\" does not exist").await;

    let sql = "CREATE DATABASE latin TEMPLATE template0 ENCODING LATIN1";
    server.sql("postgres", sql).await;
    check(options("latin"), "encoding is LATIN1: make it with ENCODING 'UTF8'").await;

    server.sql("postgres", "CREATE DATABASE frozen").await;
    server.sql("postgres", "ALTER DATABASE frozen SET default_transaction_read_only = on").await;
    check(options("frozen"), "set default_transaction_read_only to off").await;

    server.sql("postgres", "CREATE DATABASE others").await;
    server.sql("others", "CREATE TABLE accounts (id int)").await;
    check(options("others"), "schema public holds tables but no record").await;

    server.sql("postgres", "CREATE DATABASE alone").await;
    let mut demanding = options("alone");
    demanding.synchronous_standby = true;
    check(demanding.clone(), "set synchronous_standby_names").await;
    server.sql("alone", "ALTER SYSTEM SET synchronous_standby_names = 'second'").await;
    server.sql("alone", "SELECT pg_reload_conf()").await;
    let set = "SELECT current_setting('synchronous_standby_names') = 'second'";
    server.wait_until("alone", set).await;
    server.sql("alone", "ALTER SYSTEM RESET synchronous_standby_names").await;
    check(demanding, "none is connected (synchronous_standby_names is \"second\")").await;
}

#[tokio::test]
async fn rights_that_are_missing_are_named() {
    let server = Server::start(&[]).await;
    server.sql("postgres", "CREATE ROLE fleet LOGIN").await;
    server.sql("postgres", "CREATE DATABASE f").await;
    let as_fleet = || {
        let mut options = server.options("f");
        options.url = options.url.replace("//postgres@", "//fleet@");
        options
    };
    check(as_fleet(), "GRANT CREATE ON SCHEMA \"public\" TO \"fleet\"").await;
    server.sql("f", "DROP SCHEMA public").await;
    check(as_fleet(), "has no schema to put tables into: see search_path").await;
    server.sql("f", "CREATE SCHEMA public").await;
    // An operator makes the tables, and forgets whom they are for.
    Postgres::open(server.options("f")).await.unwrap().close().await;
    server.sql("f", "GRANT USAGE ON SCHEMA public TO fleet").await;
    server.sql("f", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO fleet").await;
    check(as_fleet(), "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES").await;
    let sql = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO fleet";
    server.sql("f", sql).await;
    let store = Postgres::open(as_fleet()).await.unwrap();
    create_project(&store, "p").await;
    store.close().await;
}

#[tokio::test]
async fn a_schema_that_is_not_this_programs_is_left_alone() {
    let server = Server::start(&[]).await;
    server.open("f").await.close().await;
    let newest = MIGRATIONS.last().unwrap().version;
    let sql = format!("INSERT INTO schema_migration VALUES ({}, 'later', 'x', 0)", newest + 1);
    server.sql("f", &sql).await;
    check(server.options("f"), "start the newer program").await;
    server.sql("f", "DELETE FROM schema_migration WHERE name = 'later'").await;
    server.sql("f", "UPDATE schema_migration SET checksum = 'x' WHERE version = 1").await;
    check(server.options("f"), "was applied in another form").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_start_at_once_apply_each_step_once() {
    const STEPS: &[Migration] = &[
        Migration { version: 1, name: "one", sql: "CREATE TABLE one (a int)" },
        Migration { version: 2, name: "two", sql: "INSERT INTO one SELECT 1 FROM pg_sleep(0.2)" },
        Migration { version: 3, name: "three", sql: "INSERT INTO one VALUES (2)" },
    ];
    let server = Server::start(&[]).await;
    server.sql("postgres", "CREATE DATABASE f").await;
    let mut nodes = JoinSet::new();
    for _ in 0..6 {
        let options = server.options("f");
        nodes.spawn(async move { Postgres::open_with(options, STEPS).await.map(drop) });
    }
    for opened in nodes.join_all().await {
        opened.unwrap();
    }
    assert_eq!(server.number("f", "SELECT count(*) FROM one").await, 2);
    assert_eq!(server.number("f", "SELECT count(*) FROM schema_migration").await, 3);

    // A step that fails leaves nothing behind, and the next start does it.
    let broken = "CREATE TABLE half (a int); SELECT 1 / 0";
    let steps: Vec<Migration> = STEPS
        .iter()
        .copied()
        .chain([Migration { version: 4, name: "four", sql: broken }])
        .collect();
    let error = Postgres::open_with(server.options("f"), &steps).await.unwrap_err();
    assert!(error.to_string().contains("step 4 (four) failed"), "{error}");
    let half = "SELECT count(*) FROM pg_class WHERE relname = 'half'";
    assert_eq!(server.number("f", half).await, 0);
}

#[tokio::test]
async fn the_server_that_takes_changes_is_found_and_found_again() {
    let server = Server::start(&[]).await;
    server.sql("postgres", "CREATE DATABASE f").await;
    // A port where nobody is, before the one where the server is.
    let hosts = format!("127.0.0.1:1,127.0.0.1:{}", server.port());
    let url = format!("postgres://postgres@{hosts}/f");
    let store = Postgres::open(Options { url, ..server.options("f") }).await.unwrap();
    create_project(&store, "p").await;
    assert_eq!(store.projects(&engine()).await.unwrap().len(), 1);
    store.close().await;
    assert!(matches!(store.projects(&engine()).await, Err(crate::Error::Closed)));

    let url = "postgres://postgres:hunter2@127.0.0.1:1/f".to_owned();
    let options = Options { url, ..server.options("f") };
    assert!(!format!("{options:?}").contains("hunter2"));
    let said = refusal(options).await;
    assert!(said.contains("127.0.0.1:1"), "{said}");
    assert!(said.contains("refused") && !said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn a_session_makes_its_commits_durable_whatever_the_server_is_set_to() {
    let server = Server::start(&["synchronous_commit=off"]).await;
    let store = server.open("f").await;
    let trigger = "CREATE TABLE seen (setting text);
         CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN new; END $$;
         CREATE TRIGGER look BEFORE INSERT ON project FOR EACH ROW EXECUTE FUNCTION look()";
    server.sql("f", trigger).await;
    create_project(&store, "p").await;
    let sql = "SELECT count(*) FROM seen WHERE setting = 'on'";
    assert_eq!(server.number("f", sql).await, 1);
}
