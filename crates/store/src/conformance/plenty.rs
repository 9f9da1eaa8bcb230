//! A fleet of very many devices, and the first page of every list of it. What an engine reads for
//! that is the engine's own test's to look at.

use std::fmt::Write as _;

use fleet::{
    Attention, Condition, DeviceId, DeviceKey, Kind, Principal, RequestId, Selector, Timestamp,
    ValueIs, ValueOf,
};

use super::fixture::*;
use crate::{
    AuditFilter, DeviceFilter, Page, PhoneFilter, Reads, ServerFilter, TagFilter, Tagged,
    TaggedKind,
};

/// Rows of a page.
const PAGE: u32 = 100;

/// Projects among which the devices are divided.
const PROJECTS: usize = 10;

/// Projects of which counts are kept, those of the whole server among them, and how many of each.
const SAMPLED: usize = 300;
/// See there.
const SAMPLES: usize = 288;

/// How many devices a usual run has; what is reserved for a full run has the other number.
pub(crate) const USUAL: usize = 200_000;
/// The other number.
pub(crate) const MILLION: usize = 1_000_000;

/// What engines write differently.
pub(crate) struct Dialect {
    /// Bytes of which there are none.
    pub(crate) no_bytes: &'static str,
    /// The six bytes of a camera's address.
    pub(crate) address: &'static str,
    /// Sixteen bytes, of two numbers: `{a}` in the first 14, `{b}` in the last two.
    pub(crate) id: &'static str,
}

impl Dialect {
    fn id(&self, a: &str, b: &str) -> String {
        self.id.replace("{a}", a).replace("{b}", b)
    }
}

/// The numbers from 1 to `count` as a table whose column is `n`.
fn numbers(count: usize) -> String {
    format!(
        "(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count})
          SELECT n FROM s) AS numbers"
    )
}

/// Statements that fill an empty store: so many devices, half of them phones on 200 servers and
/// half cameras, divided among the projects; tags, values, organizations, jobs, users, keys.
pub(crate) fn fill(devices: usize, dialect: &Dialect) -> Vec<String> {
    let devices_of = numbers(devices);
    let many = numbers(5_000);
    let no_bytes = dialect.no_bytes;
    let mut all = vec![
        format!(
            "INSERT INTO project (id, name, created_at, updated_at)
             SELECT 'project-' || n, 'name', 1, 1 FROM {}",
            numbers(PROJECTS)
        ),
        format!(
            "INSERT INTO device (project, kind, id, name, server, address, profile, marker,
                 created_at, updated_at)
             SELECT 1 + n / 2 % {PROJECTS}, CASE WHEN n % 2 = 0 THEN 'camera' ELSE 'phone' END,
                 CASE WHEN n % 2 = 0 THEN '3402000000132' || (1000000 + n) ELSE 'phone-' || n END,
                 'name of ' || n, CASE WHEN n % 2 = 0 THEN '' ELSE 'server-' || (n / 2 % 200) END,
                 CASE WHEN n % 2 = 0 THEN '' ELSE '10.0.0.1:' || n END, 'generic',
                 'marker of ' || n, 1, 1
             FROM {devices_of}"
        ),
        format!(
            "INSERT INTO device_state (device, project, has_work, revision, settled, condition,
                 adopted, since, newest_job, open_jobs, desired, reported)
             SELECT key, project, key % 1000 = 0, 1, 1,
                 CASE WHEN key % 1000 = 7 THEN 'abnormal' ELSE 'running' END, true, 1, {},
                 {no_bytes},
                 '{{\"a\":[\"' || (key % 5) || '\",1]}}',
                 '{{\"revision\":0,\"values\":{{\"a\":[\"' || (key % 5) || '\",1]}}}}'
             FROM device",
            dialect.id("key / 10", "1 + key % 10")
        ),
        "INSERT INTO device_facts (device, facts)
         SELECT key, '{\"model\":\"model ' || (key % 7) || '\",\"manufacturer\":\"maker '
             || (key % 20) || '\"}' FROM device"
            .to_owned(),
        format!(
            "INSERT INTO organization (project, id, path, created_at, updated_at)
             SELECT 1 + n % {PROJECTS}, 'organization-' || n, 'path ' || n, 1, 1 FROM {many}"
        ),
        "INSERT INTO camera (device, project, organization)
         SELECT key, project, CASE WHEN key % 4 = 0 THEN 1 + key % 5000 END
         FROM device WHERE kind = 'camera'"
            .to_owned(),
        format!(
            "INSERT INTO binding (device, transport, remote, registered_at, refreshed_at,
                 expires_at, nonce_at, nonce_count)
             SELECT device, 'udp', {}, 1, 1, 9000000000000, 1, 1 FROM camera",
            dialect.address
        ),
        "INSERT INTO channel (device, id, missed)
         SELECT device, '3402000000131' || (1000000 + device), 0 FROM camera"
            .to_owned(),
        format!(
            "INSERT INTO job (id, device, project, revision, state, stored, door, actor,
                 accepted_at, patch)
             SELECT {}, n, 1 + n / 2 % {PROJECTS}, 1, 0, false, 'cph', 'somebody', 1, '{{}}'
             FROM {devices_of}",
            dialect.id("n / 10", "1 + n % 10")
        ),
        format!(
            "INSERT INTO rollout (id, project, kind, phase, total, next, wave, actor, created_at,
                 ended_at, version, patch, plan, source)
             SELECT {}, 1 + n % {PROJECTS}, 'phone', 'done', 3, 3, 1, 'somebody', 1,
                 CASE WHEN n % 500 = 0 THEN NULL ELSE 1 END, 0, '{{}}',
                 '{{\"canary\":0,\"wave\":1,\"pause_seconds\":0,\"stop\":{{}}}}', '\"devices\"'
             FROM {many}",
            dialect.id("1000000 + n", "0")
        ),
        "INSERT INTO server (project, id, name, created_at, updated_at)
         SELECT DISTINCT project, server, server, 1, 1 FROM device WHERE server <> ''"
            .to_owned(),
        "INSERT INTO tag (project, kind, thing, key, value)
         SELECT project, 0, id, 'key-' || (key % 7), 'value-' || (key % 3) FROM device
         WHERE kind = 'phone'"
            .to_owned(),
        format!(
            "INSERT INTO user_account (name, project, password_hash, created_at)
             SELECT 'user-' || n, 1 + n % {PROJECTS}, '', 1 FROM {many}"
        ),
        format!(
            "INSERT INTO user_grant (\"user\", project, role)
             SELECT 'user-' || n, 1 + n % {PROJECTS}, 'operator' FROM {many}"
        ),
        format!(
            "INSERT INTO access_key (ak, project, sealed_secret, created_at)
             SELECT 'ak-' || n, 1 + n % {PROJECTS}, {no_bytes}, 1 FROM {many}"
        ),
        format!(
            "INSERT INTO token (hash, \"user\", issued_at, expires_at, id)
             SELECT {}, 'user-' || n, 1, 9000000000000, 'token-' || n FROM {many}",
            dialect.id("n", "0")
        ),
        "UPDATE job SET state = 3, ended_at = 2, failure = '{\"why\":\"deleted\"}'
         WHERE device % 4000 IN (8, 9)"
            .to_owned(),
        format!(
            "INSERT INTO fleet_count (project, at, counts)
             SELECT n - 1, 1, '{{\"devices\":{{\"frozen\":1}}}}' FROM {}",
            numbers(SAMPLED)
        ),
        format!(
            "INSERT INTO fleet_sample (project, at, counts)
             SELECT n % {SAMPLED}, 1 + n / {SAMPLED}, '{{\"frozen\":1}}' FROM {}",
            numbers(SAMPLED * SAMPLES)
        ),
    ];
    let mut audit = "INSERT INTO audit (seq, at, actor, project, action, target, detail)
         SELECT n, 1, 'actor-' || (n % 50), 1 + n % 10, 'action-' || (n % 20), '', '{}' FROM "
        .to_owned();
    let _ = write!(audit, "{}", numbers(devices / 10));
    all.push(audit);
    all
}

/// Asks for the first page of every list, and says after each which it was.
pub(crate) async fn first_pages(store: &dyn Reads, asked: &mut (dyn FnMut(&str) + Send)) {
    devices(store, asked).await;
    selections(store, asked).await;
    of_a_project(store, asked).await;
    of_the_server(store, asked).await;
}

/// The project in the middle and a client of it.
fn own() -> (fleet::ProjectId, Principal) {
    (project_id("project-5"), Principal::client(fleet::ProjectKey(5), "ak-4"))
}

/// Every combination of what a list of devices is filtered by.
async fn devices(store: &dyn Reads, asked: &mut (dyn FnMut(&str) + Send)) {
    let (project, client) = own();
    let page = Page { after: DeviceKey(0), limit: PAGE };
    for combination in 0..16_u32 {
        let with = |bit: u32| combination & (1 << bit) != 0;
        let filter = DeviceFilter {
            project: with(0).then(|| project.clone()),
            kind: with(1).then_some(Kind::Phone),
            server: with(2).then(|| "server-4".to_owned()),
            condition: with(3).then_some(Condition::Running),
        };
        let principal = if with(0) { &client } else { &engine() };
        let found = store.devices(principal, &filter, page).await.unwrap();
        assert_eq!(found.len(), PAGE as usize, "{filter:?}");
        asked(&format!("devices by {filter:?}"));
    }
}

/// A term of a selector, given a value to look for of either sort.
type Term = fn(&mut Selector, &dyn Fn(ValueOf) -> ValueIs);

/// Every term of a selector alone and each pair of them, of a project and of all.
async fn selections(store: &dyn Reads, asked: &mut (dyn FnMut(&str) + Send)) {
    let (project, client) = own();
    let value = |of| ValueIs { name: "a".to_owned(), value: Some("1".to_owned()), of };
    let terms: [Term; 12] = [
        |_, _| {},
        |selector, _| selector.kind = Some(Kind::Phone),
        |selector, _| selector.servers = vec!["server-4".to_owned()],
        |selector, _| selector.tags = vec![("key-3".to_owned(), None)],
        |selector, _| selector.tags = vec![("key-3".to_owned(), Some("value-1".to_owned()))],
        |selector, _| selector.conditions = vec![Condition::Abnormal],
        |selector, _| selector.attention = vec![Some(Attention::Drift)],
        |selector, value| selector.values.push(value(ValueOf::Desired)),
        |selector, value| selector.values.push(value(ValueOf::Reported)),
        |selector, _| selector.organization = Some("path 4".parse().unwrap()),
        |selector, _| selector.manufacturer = Some("Maker 3".to_owned()),
        |selector, _| selector.text = Some("phone-99".to_owned()),
    ];
    for (number, first) in terms.iter().enumerate() {
        for second in &terms[number..] {
            let mut selector = Selector::default();
            first(&mut selector, &value);
            second(&mut selector, &value);
            for of in [None, Some(&project)] {
                let principal = if of.is_some() { &client } else { &engine() };
                let found = store.select(principal, of, &selector, DeviceKey(0), PAGE).await;
                let keys = store.select_keys(principal, of, &selector, DeviceKey(0), PAGE).await;
                let (found, keys) = (found.unwrap(), keys.unwrap());
                assert_eq!(found.devices.len(), keys.devices.len(), "{selector:?}");
                asked(&format!("a selection of {of:?} by {selector:?}"));
            }
        }
    }
    let ids = (1..200).step_by(2).map(|n| DeviceId::new(format!("phone-{n}")).unwrap());
    let selector = Selector { ids: ids.collect(), ..Selector::default() };
    let found = store.select(&engine(), None, &selector, DeviceKey(0), PAGE).await.unwrap();
    assert_eq!(found.devices.len(), 100);
    asked("a selection of ids");
}

/// What is listed of one project.
async fn of_a_project(store: &dyn Reads, asked: &mut (dyn FnMut(&str) + Send)) {
    let (project, client) = own();
    for filter in [
        PhoneFilter::default(),
        PhoneFilter { server: Some("server-4".to_owned()), ..PhoneFilter::default() },
        PhoneFilter {
            name: Some("NAME OF 8".to_owned()),
            conditions: vec![Condition::Running],
            frozen: Some(false),
            ..PhoneFilter::default()
        },
    ] {
        let found = store.phones(&client, &project, &filter, 0, PAGE).await.unwrap();
        assert_eq!(found.items.len(), PAGE as usize);
        asked(&format!("phones by {filter:?}"));
    }
    let all = ServerFilter::default();
    assert_eq!(store.servers(&client, &project, &all, 0, PAGE).await.unwrap().total, 20);
    asked("servers");
    assert_eq!(store.makes(&client, &project).await.unwrap().len(), 7);
    asked("makes");
    let keys = store.tag_keys(&client, &project, TaggedKind::Device, 0, PAGE).await.unwrap();
    assert_eq!(keys.total, 7);
    asked("keys of tags");
    for tags in [vec![], vec![("key-3".to_owned(), vec!["value-1".to_owned()])]] {
        let filter = TagFilter { tags, ..TagFilter::default() };
        let found = store.tagged(&client, &project, TaggedKind::Device, &filter, 0, PAGE).await;
        assert_eq!(found.unwrap().items.len(), PAGE as usize);
        asked("what has tags");
    }
    let phone = Tagged::Device(device_id("phone-9"));
    assert_eq!(store.tags(&client, &project, &phone).await.unwrap().unwrap().len(), 1);
    asked("tags");
    let found = store.organizations(&client, &project, None, 0, PAGE).await.unwrap();
    assert_eq!(found.items.len(), PAGE as usize);
    asked("organizations");
    let found = store.cameras(&client, &project, 0, PAGE).await.unwrap();
    assert_eq!(found.items.len(), PAGE as usize);
    asked("cameras");
    let camera = DeviceKey(8);
    assert_eq!(store.channels(&client, camera, "", PAGE).await.unwrap().len(), 1);
    asked("channels");
    let history = store.history(&client, DeviceKey(9), None, PAGE).await.unwrap();
    assert_eq!((history.jobs.len(), history.is_cut), (1, false));
    asked("a history");
    assert!(!store.updates(&client, Some(&project), None, PAGE).await.unwrap().updates.is_empty());
    asked("updates of a project");
    let counted = store.counted_fleet(&client, Some(&project), Timestamp(1)).await.unwrap();
    assert_eq!((counted.counts.devices.frozen, counted.history.len()), (1, SAMPLES));
    asked("what was counted of a project");
    let failed = store.recent_failures(&client, Some(&project), Timestamp(1)).await.unwrap();
    assert!(failed.counted >= 100 && failed.reasons.len() == 1, "{failed:?}");
    asked("the failures of a project");
    assert_eq!(store.access_keys(&client, Some(&project)).await.unwrap().len(), 500);
    asked("keys");
    assert_eq!(store.users(&client, &project).await.unwrap().len(), 500);
    asked("users");
}

/// What is listed of all projects.
async fn of_the_server(store: &dyn Reads, asked: &mut (dyn FnMut(&str) + Send)) {
    let engine = &engine();
    assert_eq!(store.projects(engine).await.unwrap().len(), PROJECTS);
    asked("projects");
    assert!(!store.updates(engine, None, None, PAGE).await.unwrap().updates.is_empty());
    asked("updates");
    let page = store.count_devices(DeviceKey(90), 1_000).await.unwrap();
    assert_eq!(page.counts.iter().map(|(_, _, devices)| devices).sum::<u64>(), 1_000);
    assert_eq!(page.next, Some(DeviceKey(1_090)));
    asked("counts of devices");
    let counted = store.counted_fleet(engine, None, Timestamp(1)).await.unwrap();
    assert_eq!(counted.history.len(), SAMPLES);
    asked("what was counted");
    let failed = store.recent_failures(engine, None, Timestamp(1)).await.unwrap();
    assert!(failed.counted >= 100, "{failed:?}");
    asked("failures");
    let requests: Vec<RequestId> =
        (1..=3_u128).map(|number| RequestId::from_bytes((number << 16).to_be_bytes())).collect();
    assert_eq!(store.jobs(engine, &requests, 0, 20).await.unwrap().len(), 20);
    asked("jobs");
    assert_eq!(store.rollouts_open().await.unwrap().len(), 10);
    asked("open rollouts");
    assert_eq!(store.tokens("user-4").await.unwrap().len(), 1);
    asked("tokens");
    assert_eq!(store.grants(engine, "user-4").await.unwrap().len(), 1);
    asked("grants");
    for combination in 0..8_u32 {
        let with = |bit: u32| combination & (1 << bit) != 0;
        let filter = AuditFilter {
            project: with(0).then(|| project_id("project-5")),
            actor: with(1).then(|| "actor-4".to_owned()),
            action: with(2).then(|| "action-4".to_owned()),
        };
        assert!(!store.audit(engine, &filter, None, PAGE).await.unwrap().is_empty());
        asked(&format!("the audit by {filter:?}"));
    }
}
