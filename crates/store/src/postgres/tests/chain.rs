//! A database from before jobs named the one before them, opened by this version: the history of
//! each device is what it was, and what is accepted goes on from there. And what a history is where
//! jobs are not kept any more.

use fleet::{DeviceKey, JobId};

use super::server::Server;
use crate::Reads as _;
use crate::conformance::chain::walk;
use crate::conformance::fixture::*;
use crate::postgres::Postgres;
use crate::postgres::migrate::MIGRATIONS;

/// What a server of version 10 has left: a device with jobs whose ids have another order than their
/// revisions, which have gaps; one without jobs; one with one; and two that are gone, of which one
/// has left jobs.
const DATA: &str = "
    INSERT INTO project (key, id, name, created_at, updated_at) VALUES (1, 'p', 'first', 1, 1);
    INSERT INTO device (key, project, kind, id, name, server, address, profile, marker, created_at,
                        updated_at)
    SELECT key, 1, 'phone', 'd-' || key, '', '', '', 'redroid', 'm-' || key, 1, 1
    FROM unnest(ARRAY[3, 4, 9]) AS key;
    INSERT INTO device_state (device, project, has_work, revision, settled, condition, adopted,
                              since, open_jobs, desired, reported)
    SELECT key, 1, false, 9, 9, 'running', true, 1, '', '{}', '{\"revision\":0,\"values\":{}}'
    FROM device;
    INSERT INTO deleted_device (key, project, id, deleted_at)
    VALUES (11, 1, 'd', 5), (12, 1, 'e', 6);
    INSERT INTO job (id, device, project, revision, state, stored, door, actor, accepted_at,
                     ended_at, patch)
    SELECT decode(lpad(j.id, 32, '0'), 'hex'), device, 1, revision, 1, false, 'cph', 'AK', 1, 2,
        '{}'
    FROM (VALUES ('10001', 3, 1), ('10002', 9, 1), ('20001', 3, 5), ('20002', 3, 2),
        ('30001', 11, 2), ('40001', 11, 1), ('50001', 3, 9)) AS j (id, device, revision);";

/// The job of [`DATA`] with this number of its request.
fn job(of: u64, number: u16) -> JobId {
    JobId::from_bytes((u128::from(of) << 16 | u128::from(number)).to_be_bytes())
}

/// The histories in [`DATA`], newest first.
fn histories() -> [(DeviceKey, Vec<JobId>); 5] {
    [
        (3, vec![job(5, 1), job(2, 1), job(2, 2), job(1, 1)]),
        (4, vec![]),
        (9, vec![job(1, 2)]),
        (11, vec![job(3, 1), job(4, 1)]),
        (12, vec![]),
    ]
    .map(|(key, jobs)| (DeviceKey(key), jobs))
}

/// A server with the database `f`, as version 10 has left it.
async fn version_10() -> Server {
    let server = Server::start(&[]).await;
    server.sql("postgres", "CREATE DATABASE f").await;
    let old = Postgres::open_with(server.options("f"), &MIGRATIONS[..10]).await.unwrap();
    old.close().await;
    server.sql("f", DATA).await;
    server
}

#[tokio::test]
async fn histories_are_what_they_were_and_go_on() {
    let server = version_10().await;
    let store = Postgres::open(server.options("f")).await.unwrap();
    for (key, jobs) in histories() {
        for limit in [1, 2, 9] {
            assert_eq!(walk(&store, key, limit).await, jobs, "{key:?}");
        }
    }
    let indexes = "SELECT count(*) FROM pg_class WHERE relname = 'job_by_device'";
    assert_eq!(server.number("f", indexes).await, 0);
    let project = store.project(&engine(), &project_id("p")).await.unwrap().unwrap().key;
    for key in [3, 4, 9].map(DeviceKey) {
        let (_, before) = histories().into_iter().find(|(other, _)| *other == key).unwrap();
        let number = 100 + key.0.unsigned_abs();
        let new = accept_one(&store, project, number, key, &[("y", "1")]).await.job;
        assert_eq!(walk(&store, key, 9).await, [vec![new], before].concat());
    }
    store.close().await;
}

#[tokio::test]
async fn a_history_ends_where_a_job_is_not_kept() {
    let server = version_10().await;
    let store = Postgres::open(server.options("f")).await.unwrap();
    server.sql("f", "DELETE FROM job WHERE revision = 2 AND device = 3 OR device = 9").await;
    let page = async |key, from, limit| {
        let page = store.history(&engine(), DeviceKey(key), from, limit).await.unwrap();
        let jobs: Vec<JobId> = page.jobs.iter().map(|found| found.job.id).collect();
        (jobs, page.next, page.is_cut)
    };
    assert_eq!(page(3, None, 9).await, (vec![job(5, 1), job(2, 1)], None, true));
    let full = (vec![job(5, 1), job(2, 1)], Some(job(2, 2)), false);
    assert_eq!(page(3, None, 2).await, full, "what comes next is not looked at");
    assert_eq!(page(3, Some(job(2, 2)), 9).await, (vec![], None, true));
    assert_eq!(page(3, Some(job(1, 1)), 9).await, (vec![job(1, 1)], None, false));
    assert_eq!(page(9, None, 9).await, (vec![], None, true), "the newest");
    assert_eq!(page(4, None, 9).await, (vec![], None, false), "there was none");
    store.close().await;
}
