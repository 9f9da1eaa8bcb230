//! Groups of frequent changes: what they do is what their changes do one by one, and two of them
//! never wait for each other.

use std::collections::BTreeMap;

use fleet::{
    AdoptionRequest, Binding, Condition, DeviceKey, Epoch, Facts, NewChannel, Offline, Operation,
    Principal, ProjectKey, Push, PushOutcome, Refusal, RestartPending, Revision, Timestamp,
};

use super::server::Server;
use crate::conformance::fixture::*;
use crate::postgres::Postgres;
use crate::postgres::apply::{apply_group, is_frequent};
use crate::postgres::connection::Connection;
use crate::write::{
    AcceptEntry, CameraPatch, CredentialsPatch, DeviceChange, NotePush, NoteSurvey, Settled,
};
use crate::{Error, Fence, Refused, SessionKey, Write, Written};

/// What a group is told.
type Answers = Vec<Result<Written, Refused>>;

/// Applies a group for the engine in a transaction of its own.
async fn try_group(c: &Connection, writes: &[Write]) -> Result<Answers, Error> {
    let engine = engine();
    let group: Vec<(&Principal, &Write)> = writes.iter().map(|write| (&engine, write)).collect();
    c.client().batch_execute("BEGIN").await.unwrap();
    let answers = apply_group(c, &group).await;
    let end = if answers.is_ok() { "COMMIT" } else { "ROLLBACK" };
    c.client().batch_execute(end).await.unwrap();
    answers
}

/// The same, for what must not fail.
async fn group(c: &Connection, writes: &[Write]) -> Answers {
    try_group(c, writes).await.unwrap()
}

/// What a database that all tests start from has: phones, of which one is frozen, and cameras with
/// a channel each.
struct Fleet {
    project: ProjectKey,
    phones: Vec<DeviceKey>,
    cameras: Vec<DeviceKey>,
}

impl Fleet {
    async fn make(server: &Server, database: &str) -> Self {
        let store = server.open(database).await;
        let (project, phones) = fleet(&store, 5).await;
        let camera = |number| {
            let mut camera = new_camera("p", &camera_id(number));
            let name = "front door".to_owned();
            let channel = NewChannel { id: channel_id(number), name };
            camera.record.camera.as_mut().unwrap().channels.push(channel);
            camera.password = Some(sealed("first"));
            camera
        };
        let cameras = import_new(&store, (0..4).map(camera).collect()).await;
        changed(&store, "phone-4", DeviceChange::Frozen(true)).await;
        let adopt = AdoptionRequest::default();
        changed(&store, "phone-3", DeviceChange::Adopt(adopt)).await;
        store.close().await;
        // Sessions 1 and 2 last, 3 has ended; 1 owns all shards.
        let sessions =
            "INSERT INTO session (node, directory, roles, version, http, sip, started_at,
                 renewed_at, expires_at)
             VALUES ('a', 'a', 'engine', '', '', '', 0, 0, NULL),
                 ('b', 'b', 'sip', '', '', '', 0, 0, NULL), ('c', 'c', 'sip', '', '', '', 0, 0, 1);
             UPDATE shard SET epoch = 1, owner = 1";
        server.sql(database, sessions).await;
        Self { project, phones, cameras }
    }

    /// All devices, and one that is none.
    fn all(&self) -> Vec<DeviceKey> {
        let devices = self.phones.iter().chain(&self.cameras).copied();
        devices.chain([DeviceKey(999)]).collect()
    }

    fn accept(&self, number: u64, device: DeviceKey, patch: &[(&str, &str)]) -> Write {
        Write::Accept(accept(self.project, request(number), &[(device, patch)]))
    }
}

/// The fence that holds for a device which is bound nowhere else.
fn own_fence(device: DeviceKey) -> Fence {
    Fence::Shard { shard: device.shard(), epoch: Epoch(1) }
}

#[tokio::test]
async fn changes_of_one_device_build_on_each_other_within_a_group() {
    let server = Server::start(&[]).await;
    let fleet = Fleet::make(&server, "f").await;
    let c = Connection::new(server.client("f").await);
    let device = fleet.phones[0];
    let job = |number| request(number).job(0).unwrap();
    let mut first = settle(device, own_fence(device), 1);
    first.ended = vec![ended(job(1), SUCCEEDED), ended(job(7), SUCCEEDED)];
    let mut stale = settle(device, own_fence(device), 9);
    stale.read = Some((Condition::New, Timestamp(1)));
    let lost = settle(device, epoch_plus(own_fence(device), 1), 9);
    let mut last = settle(device, own_fence(device), 3);
    last.read = Some((first.condition, first.since));
    last.ended = vec![ended(job(1), SUCCEEDED), ended(job(2), SUCCEEDED)];
    let writes = [
        fleet.accept(1, device, &[("a", "1")]),
        fleet.accept(2, device, &[("b", "2")]),
        Write::Settle(Box::new(stale)),
        Write::Settle(Box::new(first)),
        fleet.accept(3, fleet.phones[4], &[("a", "1")]),
        Write::Settle(Box::new(lost)),
        fleet.accept(3, device, &[("a", "3")]),
        Write::Settle(Box::new(last)),
    ];
    assert!(writes.iter().all(is_frequent));
    let answers = group(&c, &writes).await;
    let settled = |revision, settled, open_jobs| {
        let (revision, settled) = (Revision(revision), Revision(settled));
        Ok(Written::Settled(Settled { revision, settled, open_jobs }))
    };
    assert_eq!(answers[2], Err(Refused::Stale));
    assert_eq!(answers[3], settled(2, 1, 1));
    assert_eq!(answers[4], Ok(Written::Accepted(vec![Err(Refusal::Frozen)])));
    assert_eq!(answers[5], Err(Refused::Fenced));
    assert_eq!(answers[7], settled(3, 3, 1));

    let store = Postgres::open(server.options("f")).await.unwrap();
    let state = state(&store, device).await;
    assert_eq!((state.revision, state.settled), (Revision(3), Revision(3)));
    assert_eq!(state.open_jobs, [job(3)]);
    assert_eq!(state.desired.values(), values(&[("a", "3"), ("b", "2")]));
    let open = server.number("f", "SELECT count(*) FROM job WHERE state = 0").await;
    assert_eq!((server.number("f", "SELECT count(*) FROM job").await, open), (3, 1));
    store.close().await;
}

async fn state(store: &dyn crate::Store, key: DeviceKey) -> fleet::DeviceState {
    device(store, key).await.state
}

#[tokio::test]
async fn a_group_that_fails_leaves_nothing() {
    let server = Server::start(&[]).await;
    let fleet = Fleet::make(&server, "f").await;
    let c = Connection::new(server.client("f").await);
    let (one, other) = (fleet.phones[0], fleet.phones[1]);
    group(&c, &[fleet.accept(1, one, &[])]).await;
    let before = dump(&c).await;
    // The id of the first job is given.
    let writes = [fleet.accept(2, other, &[("a", "1")]), fleet.accept(1, other, &[("b", "1")])];
    assert!(try_group(&c, &writes).await.is_err());
    let rare = Write::RevokeKey(crate::write::RevokeKey { ak: "A".to_owned(), at: AT });
    assert!(!is_frequent(&rare));
    assert!(try_group(&c, &[fleet.accept(3, one, &[]), rare]).await.is_err());
    assert_eq!(dump(&c).await, before);
}

#[test]
fn what_joins_an_organization_is_rare() {
    let mut call = accept(ProjectKey(1), request(1), &[(DeviceKey(1), &[])]);
    assert!(is_frequent(&Write::Accept(call.clone())));
    let patch = |organization| CameraPatch {
        record: fleet::RecordPatch { organization, ..Default::default() },
        ..Default::default()
    };
    call.entries[0].camera = Some(patch(Some(fleet::OrganizationChange::Detach)));
    assert!(is_frequent(&Write::Accept(call.clone())));
    call.entries[0].camera = Some(patch(Some(join("a", "o"))));
    assert!(!is_frequent(&Write::Accept(call)));
}

/// Everything that the changes of groups may have touched, as text.
async fn dump(c: &Connection) -> BTreeMap<&'static str, String> {
    let tables = ["device", "device_state", "device_facts", "camera", "channel", "binding", "job"];
    let mut dump = BTreeMap::new();
    for table in tables {
        let sql = format!(
            "SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\"), '')
             FROM {table} AS t"
        );
        dump.insert(table, c.client().query_one(&sql, &[]).await.unwrap().get(0));
    }
    dump
}

/// Numbers that look random and are the same each time (Marsaglia's xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn of<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    fn value(&mut self) -> String {
        self.below(5).to_string()
    }
}

/// A change of any kind that a group may have, the `number`th of its run.
fn any(random: &mut Random, fleet: &Fleet, number: u64) -> Write {
    match random.below(10) {
        0..4 => any_accept(random, fleet, number),
        4..7 => any_settle(random, fleet, number),
        7 => any_bind(random, fleet, number),
        8 => {
            let device = random.of(&fleet.all());
            let (revision, at) = (Revision(1), Timestamp(AT.0 + i64::try_from(number).unwrap()));
            let push = Push { revision, at, outcome: PushOutcome::Sent };
            Write::NotePush(NotePush { fence: any_fence(random, device), device, push })
        }
        _ => {
            let device = random.of(&fleet.all());
            let facts = random.one_in(2).then(|| any_facts(random));
            Write::NoteSurvey(NoteSurvey { device, at: Timestamp(AT.0 + 1), facts })
        }
    }
}

fn facts(model: String) -> Facts {
    Facts(BTreeMap::from([(Facts::MODEL.to_owned(), model)]))
}

fn any_facts(random: &mut Random) -> Facts {
    facts(random.value())
}

fn any_accept(random: &mut Random, fleet: &Fleet, number: u64) -> Write {
    let devices: Vec<DeviceKey> = (0..=random.below(4)).map(|_| random.of(&fleet.all())).collect();
    let mut call = accept(fleet.project, request(number), &[]);
    for (position, device) in (0_u16..).zip(devices) {
        let mut patch = fleet::Values::new();
        for _ in 0..random.below(3) {
            patch.insert(random.of(&["a", "b", "c"]).to_owned(), random.value());
        }
        let operation = random.of(&[Operation::Update, Operation::Update, Operation::Restart]);
        let place = fleet.cameras.iter().position(|camera| *camera == device);
        let camera = place.map(|place| any_patch(random, place));
        let record = if random.one_in(4) { values(&[("Desc", "x")]) } else { fleet::Values::new() };
        let clear = false;
        call.entries.push(AcceptEntry {
            position,
            device,
            operation,
            clear,
            patch,
            record,
            camera,
            if_revision: None,
        });
    }
    Write::Accept(call)
}

fn any_patch(random: &mut Random, place: usize) -> CameraPatch {
    let mut patch = CameraPatch::default();
    match random.below(7) {
        0 => patch.name = Some(random.value()),
        1 => {
            // Of four devices each has the channel of its own place.
            let channel = channel_id(if random.one_in(3) { 0 } else { place });
            patch.channels.push((channel, random.value(), "Name".to_owned()));
        }
        2 => patch.record = on_record(&[("Desc", &random.value())]),
        3 => {
            let record = on_record(&[("Ip", &random.value())]);
            patch.channel_records.push((channel_id(place), record, "Ip".to_owned()));
        }
        4 => {
            let password = Some(sealed(&random.value()));
            let user = random.one_in(2).then(|| random.value());
            let overlap_until = random.one_in(2).then_some(LATER);
            patch.credentials = Some(CredentialsPatch { user, password, overlap_until });
        }
        _ => {}
    }
    patch
}

fn any_fence(random: &mut Random, device: DeviceKey) -> Fence {
    match random.below(8) {
        0 => epoch_plus(own_fence(device), 1),
        1 => own_fence(DeviceKey(device.0 + 1)),
        2 => Fence::Binding(SessionKey(1)),
        3 => Fence::Binding(SessionKey(2)),
        _ => own_fence(device),
    }
}

fn any_settle(random: &mut Random, fleet: &Fleet, number: u64) -> Write {
    let device = random.of(&fleet.all());
    let settled = i64::try_from(random.below(6)).unwrap();
    let mut result = settle(device, any_fence(random, device), settled);
    let recent = |random: &mut Random| {
        let back = u64::try_from(random.below(8)).unwrap();
        request(number.saturating_sub(back)).job(u16::try_from(random.below(4)).unwrap()).unwrap()
    };
    result.ended = (0..random.below(4)).map(|_| ended(recent(random), SUCCEEDED)).collect();
    let conditions = [Condition::Running, Condition::Abnormal, Condition::Awaited];
    result.condition = random.of(&conditions);
    result.since = Timestamp(i64::try_from(random.below(3)).unwrap());
    result.adopted = random.one_in(2);
    result.record_at = random.of(&[AT, LATER]);
    if random.one_in(4) {
        result.read = Some((random.of(&conditions), Timestamp(0)));
    }
    if random.one_in(4) {
        result.adoption_done = Some(AdoptionRequest::default());
    }
    if random.one_in(4) {
        result.desire = values(&[("b", "shown"), (random.of(&["d", "e"]), "shown")]);
    }
    if random.one_in(6) {
        result.forget_below = Some(Revision(settled));
    }
    result.trouble = random.one_in(4).then(|| "it is on fire".to_owned());
    result.copy = random.one_in(5).then_some(DeviceKey(1));
    result.facts = random.one_in(3).then(|| any_facts(random));
    if random.one_in(3) {
        let (revision, at) = (Revision(settled), Timestamp(1));
        let mut reported = fleet::Reported { revision, ..Default::default() };
        reported.record(&BTreeMap::from([("a".to_owned(), Some(random.value()))]), at);
        result.reported = Some(reported);
    }
    if random.one_in(3) {
        let kernel = random.value();
        result.boot = Some(fleet::BootIdentity { kernel, init_start: "1".to_owned() });
    }
    result.restart_pending = any_restart_pending(random);
    Write::Settle(Box::new(result))
}

fn any_restart_pending(random: &mut Random) -> Option<BTreeMap<String, RestartPending>> {
    match random.below(4) {
        0 => Some(BTreeMap::new()),
        1 => {
            let boot = fleet::BootIdentity { kernel: "k".to_owned(), init_start: "1".to_owned() };
            let since = Timestamp(i64::try_from(random.below(3)).unwrap());
            let pending = RestartPending { boot: Some(boot), since };
            Some(BTreeMap::from([("a".to_owned(), pending)]))
        }
        _ => None,
    }
}

/// Nonces of one session only rise; those of the second are behind those of the first.
fn any_bind(random: &mut Random, fleet: &Fleet, number: u64) -> Write {
    let session = i64::try_from(1 + random.below(3)).unwrap();
    let bindings = (0..=random.below(3)).map(|_| Binding {
        nonce_at: i64::try_from(number).unwrap() - 20 * i64::from(session == 2),
        expires_at: random.of(&[AT, LATER]),
        ended: random.one_in(4).then_some((AT, Offline::Unregistered)),
        ..binding(random.of(&fleet.cameras))
    });
    Write::Bind(SessionKey(session), bindings.collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_does_what_its_changes_do_one_by_one() {
    const RUNS: u64 = 8;
    const CHANGES: u64 = 120;
    let server = Server::start(&[]).await;
    let fleet = Fleet::make(&server, "model").await;
    let mut refused = 0;
    for run in 1..=RUNS {
        let names = [format!("grouped_{run}"), format!("single_{run}")];
        for name in &names {
            server.sql("postgres", &format!("CREATE DATABASE {name} TEMPLATE model")).await;
        }
        let grouped = Connection::new(server.client(&names[0]).await);
        let single = Connection::new(server.client(&names[1]).await);
        let mut random = Random(run.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let writes: Vec<Write> =
            (1..=CHANGES).map(|number| any(&mut random, &fleet, number)).collect();
        let mut rest = writes.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(1 + random.below(16)));
            let answers = group(&grouped, now).await;
            for (write, answer) in now.iter().zip(answers) {
                refused += usize::from(answer.is_err());
                let alone = group(&single, std::slice::from_ref(write)).await;
                assert_eq!(alone, [answer], "run {run}: {write:?}");
            }
            rest = later;
        }
        assert_eq!(dump(&grouped).await, dump(&single).await, "run {run}");
    }
    let all = usize::try_from(RUNS * CHANGES).unwrap();
    assert!(refused > all / 20 && refused < all / 2, "{refused} of {all} refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_that_meet_in_opposite_order_never_wait_for_each_other() {
    const ROUNDS: u64 = 150;
    let server = Server::start(&[]).await;
    let fleet = Fleet::make(&server, "f").await;
    let first = Connection::new(server.client("f").await);
    let bindings = fleet.cameras.iter().map(|camera| binding(*camera)).collect();
    group(&first, &[Write::Bind(SessionKey(1), bindings)]).await;
    let second = Connection::new(server.client("f").await);
    let devices: Vec<DeviceKey> = fleet.phones.iter().chain(&fleet.cameras).copied().collect();
    let run = async |c: Connection, parity: u64, backwards: bool| -> usize {
        let mut accepted = 0;
        for round in 0..ROUNDS {
            let mut writes = Vec::new();
            for (place, device) in (0_u64..).zip(&devices) {
                let number = (2 * round + parity) * 100 + place;
                writes.push(fleet.accept(number, *device, &[("a", "1")]));
                let mut result = settle(*device, own_fence(*device), i64::MAX);
                result.ended.push(ended(request(number).job(0).unwrap(), SUCCEEDED));
                result.facts = Some(facts(number.to_string()));
                writes.push(Write::Settle(Box::new(result)));
            }
            for device in &fleet.cameras {
                writes.push(Write::Bind(SessionKey(1), vec![binding(*device)]));
                let (revision, at) = (Revision(1), AT);
                let push = Push { revision, at, outcome: PushOutcome::Sent };
                let (fence, device) = (own_fence(*device), *device);
                writes.push(Write::NotePush(NotePush { fence, device, push }));
            }
            if backwards {
                writes.reverse();
            }
            for answer in group(&c, &writes).await {
                if let Written::Accepted(results) = answer.unwrap() {
                    accepted += results.iter().flatten().count();
                }
            }
        }
        accepted
    };
    let (one, other) = tokio::join!(run(first, 0, false), run(second, 1, true));
    let jobs = server.number("f", "SELECT count(*) FROM job").await;
    // One of them may fill the devices' lines before the other has begun.
    assert!(one + other > 0, "{one} {other}");
    assert_eq!(jobs, i64::try_from(one + other).unwrap());
}
