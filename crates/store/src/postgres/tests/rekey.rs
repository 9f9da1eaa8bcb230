//! Master keys changed in a database.

use tokio_postgres::error::SqlState;

use super::server::Server;
use crate::Cluster;
use crate::conformance::fixture::{AT, LONG, node};
use crate::copy::{CopyError, Place, Role};
use crate::rekey::tests as cases;
use crate::rekey::{RekeyError, Rekeying};

/// Makes a database with our schema and nothing in it.
async fn made(server: &Server) -> Place {
    server.open("fleet").await.close().await;
    Place::Postgres(Box::new(server.options("fleet")))
}

/// All cases on one server.
#[tokio::test]
async fn every_case_of_changed_keys_passes() {
    let server = Server::start(&[]).await;
    for_each_case!(server:
        every_sealed_column_of_the_schema_is_in_the_list,
        everything_is_sealed_again,
        what_is_broken_off_at_any_step_goes_on,
        what_a_lost_key_has_sealed_is_refused_or_left,
        a_store_of_another_key_is_refused,
        no_node_runs_while_a_key_is_changed
    );
}

async fn every_sealed_column_of_the_schema_is_in_the_list(server: &Server) {
    made(server).await;
    let sql = "SELECT table_name::text, column_name::text FROM information_schema.columns
         WHERE table_schema = 'public' AND column_name LIKE '%sealed%'";
    let found = server.client("fleet").await.query(sql, &[]).await.unwrap();
    cases::check_columns(&found.iter().map(|row| (row.get(0), row.get(1))).collect());
}

async fn everything_is_sealed_again(server: &Server) {
    cases::everything_is_sealed_again(&made(server).await).await;
}

async fn what_is_broken_off_at_any_step_goes_on(server: &Server) {
    cases::what_is_broken_off_at_any_step_goes_on(&made(server).await).await;
}

async fn what_a_lost_key_has_sealed_is_refused_or_left(server: &Server) {
    cases::what_a_lost_key_has_sealed_is_refused_or_left(&made(server).await).await;
}

async fn a_store_of_another_key_is_refused(server: &Server) {
    cases::a_store_of_another_key_is_refused(&made(server).await).await;
}

async fn no_node_runs_while_a_key_is_changed(server: &Server) {
    let place = made(server).await;
    let store = crate::postgres::Postgres::open(server.options("fleet")).await.unwrap();
    let session = store.begin_session(&node("node"), LONG).await.unwrap().unwrap().key;
    let error = Rekeying::open(&place, AT).await.map(drop).unwrap_err();
    let in_use = matches!(error, RekeyError::Store(CopyError::InUse { role: Role::Only, .. }));
    assert!(in_use && error.to_string().contains("node node runs on it"), "{error:?}");
    store.end_session(session).await.unwrap();

    let rekeying = Rekeying::open(&place, AT).await.unwrap();
    let insert = "SET lock_timeout = 50;
         INSERT INTO session (node, directory, roles, version, http, sip, started_at, renewed_at)
         VALUES ('n', 'd', '', '', '', '', 0, 0)";
    let client = server.client("fleet").await;
    let blocked = client.batch_execute(insert).await.unwrap_err();
    assert_eq!(blocked.code(), Some(&SqlState::LOCK_NOT_AVAILABLE), "no session begins meanwhile");
    rekeying.close().await.unwrap();
    client.batch_execute(insert).await.unwrap();
    store.close().await;
}
