//! That queries look rows up, on tables that are too large to be read whole.
//!
//! What a query has read is counted by the server itself, for each table and index, in the
//! transaction that it ran in. Each query runs more often than the server needs to settle on a plan
//! that holds for any values, so that both kinds of plan are seen.

use std::future::Future;

use fleet::{
    Attention, CameraStatus, Condition, CredentialsInUse, DeviceId, DeviceKey, Kind,
    OrganizationId, Principal, ProjectId, RequestId, Selector, Timestamp, ValueIs, ValueOf,
};

use super::server::Server;
use crate::conformance::fixture::{camera_id, channel_id, device_id, engine, project_id};
use crate::postgres::connection::Connection;
use crate::postgres::queries::{
    camera_ids, cameras, channels, devices, failures, jobs, lanes, listings, organizations,
    overview, phones, projects, rollouts, select, servers, tags, users,
};
use crate::postgres::{feed, history};
use crate::{
    CredentialsCounts, DeviceFilter, Error, FeedPosition, JobFilter, JobStands, Old, Page,
    PhoneFilter, ServerFilter, TagFilter, Tagged, TaggedKind,
};

/// After so many uses of a statement the server may settle on one plan: five, says the manual
/// ("PREPARE", notes), and a few more to see it used.
const USES: usize = 8;

/// Ten projects with 900 devices each, a third of them GB devices with two channels, and ten jobs
/// of each device, ten in a request; and an eleventh project with nothing in it.
const FILL: &str = "
    INSERT INTO project (id, name, created_at, updated_at)
    SELECT 'project-' || n, 'name', 1, 1 FROM generate_series(0, 10) AS n;
    INSERT INTO device (project, kind, id, name, server, address, profile, marker, created_at,
                        updated_at)
    SELECT 1 + n % 10, CASE WHEN n % 3 = 0 THEN 'camera' ELSE 'phone' END,
        CASE WHEN n % 3 = 0 THEN '3402000000118' || lpad(n::text, 7, '0') ELSE 'phone-' || n END,
        'name of ' || n, CASE WHEN n % 3 = 0 THEN '' ELSE 'server-' || n % 50 END,
        CASE WHEN n % 3 = 0 THEN '' ELSE '10.0.0.1:' || n END, 'generic', 'marker of ' || n, 1, 1
    FROM generate_series(1, 9000) AS n;
    INSERT INTO device_state (device, project, has_work, revision, settled, condition, adopted,
                              since, newest_job, open_jobs, desired, reported)
    SELECT key, project, key % 20 = 0, 1, 1, 'running', true, 1,
        decode(lpad(to_hex(key), 28, '0') || '000a', 'hex'),
        CASE WHEN key % 20 = 0 THEN decode(lpad(to_hex(key), 28, '0') || '0001', 'hex')
            ELSE '' END,
        '{\"a\":[\"1\",1]}', '{\"revision\":0,\"values\":{}}' FROM device;
    INSERT INTO device_facts (device, facts)
    SELECT key, '{\"model\":\"model ' || key % 7 || '\"}' FROM device WHERE kind = 'phone';
    INSERT INTO session (node, directory, roles, version, http, sip, started_at, renewed_at)
    VALUES ('node', 'directory', 'sip', '1', '', '', 1, 1);
    INSERT INTO organization (project, id, path, created_at, updated_at)
    SELECT 1 + n % 10, 'organization-' || n, 'path ' || n, 1, 1 FROM generate_series(1, 5000) AS n;
    INSERT INTO camera (device, project, organization)
    SELECT key, project, key FROM device WHERE kind = 'camera' AND key <= 5000;
    INSERT INTO camera (device, project)
    SELECT key, project FROM device WHERE kind = 'camera' AND key > 5000;
    INSERT INTO binding (device, transport, remote, registered_at, refreshed_at, expires_at,
                         nonce_at, nonce_count, session)
    SELECT device, 'udp', '\\x7f00000113c4', 1, 1, 9000000000000, 1, 1, 1 FROM camera;
    INSERT INTO channel (device, id, missed)
    SELECT device, '3402000000131' || lpad((device * 2 + n)::text, 7, '0'), 0
    FROM camera, generate_series(0, 1) AS n;
    INSERT INTO job (id, device, project, revision, previous, state, stored, door, actor,
                     accepted_at, patch)
    SELECT decode(lpad(to_hex(n), 28, '0') || lpad(to_hex(place), 4, '0'), 'hex'), n, 1 + n % 10, 1,
        CASE WHEN place > 1
            THEN decode(lpad(to_hex(n), 28, '0') || lpad(to_hex(place - 1), 4, '0'), 'hex') END,
        0, false, 'cph', 'somebody', 1, '{}'
    FROM generate_series(1, 9000) AS n, generate_series(1, 10) AS place;
    UPDATE job SET state = 3, ended_at = 2, failure = '{\"why\":\"deleted\"}'
    WHERE device % 100 = 3;
    INSERT INTO fleet_sample (project, at, counts)
    SELECT n % 300, n / 300, '{\"frozen\":1}' FROM generate_series(0, 86399) AS n;
    INSERT INTO fleet_count (project, at, counts)
    SELECT n, 1, '{\"devices\":{\"frozen\":1}}' FROM generate_series(0, 19999) AS n;
    INSERT INTO rollout (id, project, kind, phase, total, next, wave, actor, created_at, ended_at,
                         version, patch, plan, source)
    SELECT decode(lpad(to_hex(20000 + n), 28, '0') || '0000', 'hex'), 1 + n % 10, 'phone', 'done',
        3, 3, 1, 'somebody', 1, CASE WHEN n % 500 = 0 THEN NULL ELSE 1 END, 0, '{}',
        '{\"canary\":0,\"wave\":1,\"pause_seconds\":0,\"stop\":{}}', '\"devices\"'
    FROM generate_series(1, 5000) AS n;
    INSERT INTO rollout_wave (rollout, number, request, first, count, accepted, refused, begun_at)
    SELECT id, 1,
        decode(lpad(to_hex(2 * row_number() OVER (ORDER BY id)), 28, '0') || '0000', 'hex'),
        0, 3, 3, 0, 1
    FROM rollout;
    INSERT INTO rollout_device (rollout, position, device, device_id, refusal)
    SELECT id, n, n, 'phone-' || n, CASE WHEN n = 2 THEN '{\"code\":\"frozen\"}' END
    FROM rollout, generate_series(0, 9) AS n;
    INSERT INTO server (project, id, name, created_at, updated_at)
    SELECT DISTINCT project, server, server, 1, 1 FROM device WHERE server <> '';
    INSERT INTO tag (project, kind, thing, key, value)
    SELECT project, 0, id, 'key-' || key % 7, 'value-' || key % 3 FROM device WHERE kind = 'phone';
    INSERT INTO user_account (name, project, password_hash, created_at)
    SELECT 'user-' || n, 1 + n % 10, '', 1 FROM generate_series(1, 5000) AS n;
    INSERT INTO access_key (ak, project, sealed_secret, created_at)
    SELECT 'ak-' || n, 1 + n % 10, '', 1 FROM generate_series(1, 5000) AS n;";

/// How often each table was read whole, and how many entries of each index were read, by what this
/// connection has not yet reported. Tables of one page are left out: nothing is faster than to read
/// that.
const COUNTED: &str = "
    SELECT relname, relkind = 'r' AS is_table,
        CASE relkind WHEN 'r' THEN pg_stat_get_xact_numscans(oid)
            ELSE pg_stat_get_xact_tuples_returned(oid) END AS count
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
        AND (relkind = 'i' OR relkind = 'r' AND relpages > 1)
    ORDER BY oid";

/// A connection that queries are run on, each in a transaction of its own.
struct Reader(Connection);

impl Reader {
    /// Asks, and asserts that no table was read whole and at most so many entries of indexes.
    async fn reads<T>(
        &self,
        most: i64,
        what: &str,
        query: impl Future<Output = Result<T, Error>>,
    ) -> T {
        let client = self.0.client();
        client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.unwrap();
        let before = client.query(COUNTED, &[]).await.unwrap();
        let answer = query.await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        let after = client.query(COUNTED, &[]).await.unwrap();
        client.batch_execute("ROLLBACK").await.unwrap();
        let mut entries = 0;
        for (before, after) in before.iter().zip(&after) {
            let count = after.get::<_, i64>("count") - before.get::<_, i64>("count");
            if after.get("is_table") {
                let table: &str = after.get("relname");
                assert_eq!(count, 0, "{what}: {table} was read whole");
            } else {
                entries += count;
            }
        }
        assert!(entries <= most, "{what}: {entries} entries of indexes were read");
        answer
    }
}

/// A server with the tables filled.
async fn filled() -> (Server, Reader) {
    let server = Server::start(&["autovacuum=off"]).await;
    server.open("plans").await.close().await;
    server.sql("plans", FILL).await;
    server.sql("plans", "VACUUM ANALYZE").await;
    let client = server.client("plans").await;
    client.batch_execute("SET jit = off").await.unwrap();
    (server, Reader(Connection::new(client)))
}

/// The project of the device whose key is 3, and a client of it.
fn own() -> (ProjectId, Principal) {
    (project_id("project-3"), Principal::client(fleet::ProjectKey(4), "ak-3"))
}

/// Ids of phones.
fn phone_ids(numbers: impl Iterator<Item = usize>) -> Vec<DeviceId> {
    numbers.map(|number| device_id(&format!("phone-{number}"))).collect()
}

/// A hundred keys.
fn keys() -> Vec<DeviceKey> {
    (4_000..4_100).map(DeviceKey).collect()
}

#[tokio::test]
async fn queries_look_rows_up() {
    let (_server, reader) = filled().await;
    for _ in 0..USES {
        lists_of_devices(&reader).await;
        lists_by_id(&reader).await;
        what_lanes_ask(&reader).await;
        what_cameras_ask(&reader).await;
        jobs_and_names(&reader).await;
        selections(&reader).await;
        updates_and_rollouts(&reader).await;
        what_is_old(&reader).await;
        overviews(&reader).await;
    }
}

#[tokio::test]
async fn the_end_of_a_feed_that_is_held_back_is_looked_up() {
    let (server, reader) = filled().await;
    let events = |count: u32| {
        format!(
            "INSERT INTO event (at, changes)
             SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint - 3000, '[]'
             FROM generate_series(1, {count})"
        )
    };
    server.sql("plans", &events(20_000)).await;
    // So that its pages are counted: nothing is known yet of what is in them.
    server.sql("plans", "VACUUM event").await;
    let earlier = server.client("plans").await;
    earlier.batch_execute("BEGIN; SELECT pg_current_xact_id()").await.unwrap();
    server.sql("plans", &events(5_000)).await;
    for _ in 0..USES {
        let query = feed::changes(&reader.0, FeedPosition::default(), 1);
        let page = reader.reads(20, "the end of the feed", query).await;
        assert!(page.held_back_ms >= 3_000, "{page:?}");
    }
}

async fn lists_of_devices(reader: &Reader) {
    let (c, (project, client), engine) = (&reader.0, own(), engine());
    let page = Page { after: DeviceKey(5_000), limit: 50 };
    let all = DeviceFilter::default();
    let query = devices::devices(c, &engine, &all, page);
    assert_eq!(reader.reads(600, "all devices", query).await.len(), 50);
    let of_project = DeviceFilter { project: Some(project.clone()), ..all.clone() };
    let query = devices::devices(c, &client, &of_project, page);
    assert_eq!(reader.reads(600, "devices of a project", query).await.len(), 50);
    let kind = DeviceFilter { kind: Some(Kind::Camera), ..of_project.clone() };
    let query = devices::devices(c, &client, &kind, page);
    assert_eq!(reader.reads(800, "GB devices of a project", query).await.len(), 50);
    let on_it = DeviceFilter { server: Some("server-3".to_owned()), ..of_project.clone() };
    let query = devices::devices(c, &client, &on_it, page);
    assert!(reader.reads(700, "devices of a server", query).await.len() > 10);
    let running = DeviceFilter { condition: Some(Condition::Running), ..of_project };
    let query = devices::devices(c, &client, &running, page);
    assert_eq!(reader.reads(700, "devices that run", query).await.len(), 50);

    let filter = PhoneFilter::default();
    let query = phones::phones(c, &client, &project, &filter, 100, 50);
    let phones = reader.reads(1_900, "phones", query).await;
    assert_eq!((phones.total, phones.items.len()), (600, 50));
    let filter = PhoneFilter {
        name: Some("NAME OF 8".to_owned()),
        server: Some("server-3".to_owned()),
        conditions: vec![Condition::Running],
        frozen: Some(false),
    };
    let query = phones::phones(c, &client, &project, &filter, 0, 50);
    assert!(reader.reads(3_200, "phones of a name", query).await.total > 1);
    let query = phones::makes(c, &client, &project);
    assert_eq!(reader.reads(1_400, "makes", query).await.len(), 7);
    let all = ServerFilter::default();
    let query = servers::servers(c, &client, &project, &all, 2, 2);
    assert_eq!(reader.reads(2_500, "servers", query).await.items.len(), 2);
    let query = listings::cameras(c, &client, &project, 100, 50);
    let cameras = reader.reads(1_600, "cameras", query).await;
    assert_eq!((cameras.total, cameras.items.len()), (300, 50));
}

async fn lists_by_id(reader: &Reader) {
    let (c, (project, client), engine, keys) = (&reader.0, own(), engine(), keys());
    let phone = device_id("phone-13");
    let query = devices::device(c, &engine, None, &phone);
    assert_eq!(reader.reads(40, "a device", query).await.len(), 1);
    let query = devices::device(c, &client, Some(&project), &phone);
    assert_eq!(reader.reads(40, "a device of a project", query).await.len(), 1);
    let mut ids = phone_ids((13..1_000).step_by(30));
    ids.push(channel_id(33 * 2 + 1));
    let query = devices::accept_targets(c, &client, &project, &ids);
    let targets = reader.reads(80, "targets", query).await;
    assert!(targets.iter().all(Option::is_some));
    assert_eq!(targets.last().unwrap().as_ref().unwrap().device, DeviceKey(33));
    let query = devices::records(c, &keys);
    assert_eq!(reader.reads(400, "records", query).await.len(), 100);
    let query = devices::device_by_marker(c, "marker of 14");
    assert!(reader.reads(20, "a marker", query).await.is_some());
    let addresses = ["10.0.0.1:13".to_owned(), "10.0.0.1:23".to_owned()];
    let query = devices::devices_at(c, &client, &project, &addresses);
    assert_eq!(reader.reads(30, "addresses", query).await.len(), 2);
    let cameras: Vec<DeviceId> =
        (33..1_000).step_by(30).map(|n| device_id(&camera_id(n))).collect();
    let query = listings::cameras_named(c, &client, &project, &cameras);
    assert!(reader.reads(400, "cameras by id", query).await.iter().all(Option::is_some));
    let ids: Vec<DeviceId> = (33..1_000).step_by(30).map(|n| channel_id(2 * n)).collect();
    let query = channels::channels_named(c, &client, &project, &ids);
    assert!(reader.reads(140, "channels by id", query).await.iter().all(Option::is_some));
    let ids = [13, 23].map(|n| OrganizationId::new(format!("organization-{n}")).unwrap());
    let query = organizations::organizations(c, &client, &project, Some(&ids), (0, 10));
    assert_eq!(reader.reads(20, "organizations by id", query).await.total, 2);
    let query = organizations::organizations(c, &client, &project, None, (100, 10));
    assert_eq!(reader.reads(1_200, "organizations", query).await.total, 500);
}

async fn what_lanes_ask(reader: &Reader) {
    let (c, keys) = (&reader.0, keys());
    let query = lanes::work(c, DeviceKey(4_200));
    let work = reader.reads(14, "work", query).await.unwrap();
    assert_eq!((work.jobs.len(), work.bound_to.is_some()), (1, true));
    let query = lanes::devices_with_work(c, DeviceKey(4_000), 50);
    assert_eq!(reader.reads(360, "devices with work", query).await.len(), 50);
    let query = lanes::devices_at_rest(c, DeviceKey(4_000), 100);
    assert_eq!(reader.reads(480, "devices at rest", query).await.len(), 100);
    let query = lanes::lane_seeds(c, &keys);
    assert_eq!(reader.reads(280, "seeds of lanes", query).await.len(), 100);
}

async fn what_cameras_ask(reader: &Reader) {
    let (c, (_, client), engine) = (&reader.0, own(), engine());
    let ids: Vec<DeviceId> = (30..330).step_by(3).map(|n| device_id(&camera_id(n))).collect();
    let query = cameras::registrants(c, &ids);
    assert!(reader.reads(620, "registrants", query).await.iter().all(Option::is_some));
    let query = cameras::bindings(c, DeviceKey(4_000), 100);
    assert_eq!(reader.reads(840, "bindings", query).await.len(), 100);
    let query = cameras::camera(c, DeviceKey(33));
    assert!(reader.reads(20, "a camera", query).await.is_some());
    let query = channels::channels(c, &client, DeviceKey(33), "", 10);
    assert_eq!(reader.reads(20, "channels", query).await.len(), 2);
    let query = camera_ids::free_camera_ids(c, "3402000000118", 10);
    assert_eq!(reader.reads(20, "free ids", query).await.len(), 10);
    // A project with no camera, beside others that have many.
    let none = project_id("project-10");
    let query = cameras::credentials_counts(c, &engine, &none);
    let counts = reader.reads(20, "credentials in use", query).await;
    assert_eq!(counts, Some(CredentialsCounts::default()));
}

async fn jobs_and_names(reader: &Reader) {
    let (c, (project, client)) = (&reader.0, own());
    let request = |number: u128| RequestId::from_bytes((number << 16).to_be_bytes());
    let query = jobs::job(c, &client, request(13).job_range().0);
    assert!(reader.reads(20, "a job", query).await.is_some());
    let requests = [request(23), request(13), request(4_003)];
    let query = jobs::jobs(c, &client, &requests, 5, 20);
    assert_eq!(reader.reads(200, "jobs", query).await.len(), 20);

    assert!(reader.reads(10, "a key", projects::access_key(c, "ak-3")).await.is_some());
    assert!(reader.reads(10, "a user", users::user(c, "user-3")).await.is_some());
    assert!(reader.reads(10, "whom a name means", users::user_meant(c, "USER-3")).await.is_some());
    let query = projects::access_keys(c, &client, Some(&project));
    assert_eq!(reader.reads(600, "keys", query).await.len(), 500);
    let query = users::users(c, &client, &project);
    assert_eq!(reader.reads(1_200, "users", query).await.len(), 500);

    let phone = Tagged::Device(device_id("phone-13"));
    let query = tags::tags(c, &client, &project, &phone);
    assert_eq!(reader.reads(20, "tags", query).await.unwrap().len(), 1);
    let ids = phone_ids([13, 23].into_iter());
    let query = tags::tags_of_devices(c, &client, &project, &ids);
    assert_eq!(reader.reads(100, "the tags of devices", query).await.len(), 2);
    let query = tags::tag_keys(c, &client, &project, TaggedKind::Device, 0, 10);
    assert_eq!(reader.reads(2_500, "keys of tags", query).await.total, 7);
    let filter = TagFilter { tags: vec![("key-3".to_owned(), Vec::new())], ..TagFilter::default() };
    let query = tags::tagged(c, &client, &project, TaggedKind::Device, &filter, (0, 10));
    assert!(reader.reads(4_000, "what has a tag", query).await.total > 50);
}

async fn selections(reader: &Reader) {
    let (c, (project, client), engine) = (&reader.0, own(), engine());
    let page = (DeviceKey(0), 50);
    let all = Selector::default();
    let query = select::select(c, &engine, None, &all, page);
    assert_eq!(reader.reads(4_000, "a selection of all", query).await.devices.len(), 50);
    let query = select::select_keys(c, &client, Some(&project), &all, page);
    assert_eq!(reader.reads(3_500, "a selection", query).await.devices.len(), 50);
    let value = |of| ValueIs { name: "a".to_owned(), value: Some("1".to_owned()), of };
    let on_it = Selector { servers: vec!["server-3".to_owned()], ..all.clone() };
    let tagged = Selector { tags: vec![("key-3".to_owned(), None)], ..all.clone() };
    let filed = Selector { organization: Some("path 3".parse().unwrap()), ..all.clone() };
    let named = Selector { ids: phone_ids([13, 23].into_iter()), ..all.clone() };
    let registered = Selector {
        statuses: vec![CameraStatus::OnLine, CameraStatus::OffLine],
        credentials: vec![CredentialsInUse::Old],
        ..all.clone()
    };
    let searched = Selector {
        kind: Some(Kind::Phone),
        conditions: vec![Condition::Running],
        attention: Attention::ALL.map(Some).to_vec(),
        values: vec![value(ValueOf::Desired)],
        manufacturer: Some("none".to_owned()),
        text: Some("NAME".to_owned()),
        ..all.clone()
    };
    for (selector, what, most) in [
        (on_it, "a selection of a server", 1_500),
        (tagged, "a selection of a tag", 2_500),
        (filed, "a selection of an organization", 2_500),
        (named, "a selection of ids", 100),
        (registered, "a selection of cameras", 8_000),
        (searched, "a selection of a state", 8_000),
    ] {
        let query = select::select(c, &client, Some(&project), &selector, page);
        reader.reads(most, what, query).await;
    }
}

async fn overviews(reader: &Reader) {
    let (c, (project, client), engine) = (&reader.0, own(), engine());
    let query = overview::count_devices(c, (DeviceKey(4_000), 100));
    let page = reader.reads(600, "counts of devices", query).await;
    assert_eq!(page.next, Some(DeviceKey(4_100)));
    for (principal, of) in [(&client, Some(&project)), (&engine, None)] {
        let query = overview::counted_fleet(c, principal, of, Timestamp(1));
        let counted = reader.reads(400, "what was counted", query).await;
        assert_eq!(counted.history.len(), 287);
        let query = overview::recent_failures(c, principal, of, Timestamp(1));
        let failed = reader.reads(2_000, "failures", query).await;
        assert_eq!((failed.counted, failed.reasons.len()), (900, 1));
    }
}

async fn updates_and_rollouts(reader: &Reader) {
    let (c, (project, client), engine) = (&reader.0, own(), engine());
    let request = |number: u128| RequestId::from_bytes((number << 16).to_be_bytes());
    let query = jobs::history(c, &client, DeviceKey(13), None, 5);
    let page = reader.reads(60, "a history", query).await;
    assert_eq!((page.jobs.len(), page.next), (5, request(13).job(4)));
    let query = jobs::history(c, &client, DeviceKey(13), page.next, 50);
    let page = reader.reads(60, "the rest of a history", query).await;
    assert_eq!((page.jobs.len(), page.next, page.is_cut), (5, None, false));
    let query = rollouts::updates(c, &engine, None, Some(request(4_001)), 20);
    assert_eq!(reader.reads(4_000, "updates", query).await.updates.len(), 20);
    let query = rollouts::updates(c, &client, Some(&project), Some(request(4_001)), 20);
    assert!(!reader.reads(12_000, "updates of a project", query).await.updates.is_empty());
    let query = rollouts::rollouts_open(c);
    assert_eq!(reader.reads(100, "open rollouts", query).await.len(), 10);
    let of_client = request(20_003);
    let query = rollouts::rollout(c, &client, of_client);
    assert!(reader.reads(10, "a rollout", query).await.is_some());
    let query = rollouts::waves(c, &client, of_client);
    assert_eq!(reader.reads(10, "waves", query).await.len(), 1);
    for refused in [false, true] {
        let query = rollouts::rollout_devices(c, &client, of_client, (1, 5), refused);
        let found = reader.reads(20, "devices of a rollout", query).await;
        assert_eq!(found.len(), if refused { 1 } else { 5 });
    }
    let requests = [request(23), request(13), request(4_003)];
    let all = JobFilter::default();
    let query = jobs::jobs_from(c, &client, &requests, (5, 20), &all);
    assert_eq!(reader.reads(200, "jobs from a position on", query).await.len(), 20);
    let failed = JobFilter {
        stands: vec![JobStands::Failed],
        codes: vec!["refused".to_owned()],
        same_reason_as: request(3).job(0),
    };
    let query = jobs::jobs_from(c, &client, &requests, (0, 20), &failed);
    reader.reads(200, "failed jobs", query).await;
    let query = failures::failures(c, &client, &requests, Some(of_client));
    assert!(reader.reads(300, "failures", query).await.total > 0, "one was refused");
    let query = rollouts::waves_of(c, &requests);
    reader.reads(20, "what waves are of", query).await;
    let query = rollouts::wave_counts(c, &requests);
    let counted = reader.reads(200, "counts of waves", query).await;
    assert_eq!(counted.iter().map(|counts| counts.total).collect::<Vec<_>>(), [10, 10, 10]);
}

async fn what_is_old(reader: &Reader) {
    let c = &reader.0;
    let request = |number: u128| RequestId::from_bytes((number << 16).to_be_bytes());
    let old = |up_to| Old { up_to: request(up_to), ended_by: Timestamp(2), kept: Vec::new() };
    let (jobs_of, rollouts_of) = (old(9_000), old(30_000));
    let query = history::find(c, &jobs_of, request(102), 100);
    let (jobs, next) = reader.reads(400, "old jobs", query).await;
    assert_eq!((jobs.len(), next), (10, Some(request(112))), "those of one request of ten ended");
    let query = history::old_rollouts(c, &rollouts_of, request(21_000), 10);
    assert_eq!(reader.reads(100, "old updates", query).await.len(), 10);
    let (first, _) = request(4_000).job_range();
    let query = history::count_jobs(c, first, 100);
    assert_eq!(reader.reads(200, "a count of jobs", query).await.jobs, 100);
}
