//! What the cases have in common: short ways to say what is done to a store.

use fleet::{
    Binding, Condition, DeviceId, DeviceKey, Door, End, Epoch, JobId, Kind, NewCamera, NewDevice,
    Operation, Principal, ProjectId, ProjectKey, Proof, Refusal, RequestId, Revision, SipTransport,
    Timestamp, Values,
};

use crate::write::{
    Accept, AcceptEntry, AcceptedEntry, ChangeDevice, CreateKey, CreateProject, DeviceChange,
    EndedJob, ImportDevices, ImportedDevice, RevokeKey, Settle, Settled,
};
use crate::{DeviceWithState, Fence, Refused, Store, Write, Written};

/// The time of everything that no case asks about.
pub(crate) const AT: Timestamp = Timestamp(1_800_000_000_000);

/// A minute after [`AT`].
pub(crate) const LATER: Timestamp = Timestamp(AT.0 + 60_000);

pub(crate) const SUCCEEDED: End = End::Succeeded { proof: Proof::Verified };

pub(crate) fn engine() -> Principal {
    Principal::engine()
}

pub(crate) fn project_id(id: &str) -> ProjectId {
    ProjectId::new(id).unwrap()
}

pub(crate) fn device_id(id: &str) -> DeviceId {
    DeviceId::new(id).unwrap()
}

pub(crate) fn request(number: u64) -> RequestId {
    RequestId::from_parts(AT.0, number)
}

pub(crate) fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// One change by `principal` that the store must not fail at.
pub(crate) async fn write_as(
    store: &dyn Store,
    principal: &Principal,
    write: Write,
) -> Result<Written, Refused> {
    store.write(principal, write).await.unwrap()
}

pub(crate) async fn create_project(store: &dyn Store, id: &str) -> ProjectKey {
    let create = CreateProject { id: project_id(id), name: format!("name of {id}"), at: AT };
    let written = write_as(store, &engine(), Write::CreateProject(create)).await;
    assert_eq!(written, Ok(Written::Done));
    store.project(&engine(), &project_id(id)).await.unwrap().unwrap().key
}

pub(crate) fn create_key(ak: &str, project: &str) -> Write {
    let sealed_secret = format!("sealed {ak}").into_bytes();
    Write::CreateKey(CreateKey {
        ak: ak.to_owned(),
        project: project_id(project),
        sealed_secret,
        at: AT,
    })
}

pub(crate) fn revoke_key(ak: &str, at: Timestamp) -> Write {
    Write::RevokeKey(RevokeKey { ak: ak.to_owned(), at })
}

pub(crate) fn new_device(project: &str, id: &str) -> ImportedDevice {
    let record = NewDevice {
        project: project_id(project),
        kind: Kind::Phone,
        id: device_id(id),
        name: format!("name of {id}"),
        server: "server-1".to_owned(),
        address: "127.0.0.1:5555".to_owned(),
        container: format!("container-{id}"),
        profile: "simulated".to_owned(),
        camera: None,
    };
    ImportedDevice { record, marker: format!("marker of {id}"), sealed_password: None }
}

/// A GB device of which nothing is said that can be left out.
pub(crate) fn new_camera(project: &str, id: &str) -> ImportedDevice {
    let mut camera = new_device(project, id);
    camera.record.kind = Kind::Camera;
    camera.record.server = String::new();
    camera.record.address = String::new();
    camera.record.container = String::new();
    camera.record.profile = "generic".to_owned();
    camera.record.camera = Some(NewCamera::default());
    camera
}

/// The id of a GB device: a network video recorder (GB/T 28181-2016, annex D).
pub(crate) fn camera_id(number: usize) -> String {
    format!("3402000000118{number:07}")
}

/// The id of a channel: a camera behind a recorder.
pub(crate) fn channel_id(number: usize) -> DeviceId {
    device_id(&format!("3402000000131{number:07}"))
}

/// A project `p` with so many GB devices.
pub(crate) async fn cameras(store: &dyn Store, count: usize) -> (ProjectKey, Vec<DeviceKey>) {
    let project = create_project(store, "p").await;
    let devices = (0..count).map(|n| new_camera("p", &camera_id(n))).collect();
    (project, import_new(store, devices).await)
}

/// A registration at [`AT`] for an hour.
pub(crate) fn binding(device: DeviceKey) -> Binding {
    Binding {
        device,
        transport: SipTransport::Udp,
        remote: "192.0.2.10:5060".parse().unwrap(),
        registered_at: AT,
        refreshed_at: AT,
        expires_at: Timestamp(AT.0 + 3_600_000),
        version: None,
        nonce_at: AT.0 * 1_000,
        nonce_count: 1,
        ended: None,
    }
}

pub(crate) async fn bind(store: &dyn Store, bindings: Vec<Binding>) {
    assert_eq!(write_as(store, &engine(), Write::Bind(bindings)).await, Ok(Written::Done));
}

pub(crate) fn import(devices: Vec<ImportedDevice>) -> Write {
    Write::ImportDevices(ImportDevices { devices, at: AT })
}

/// The keys of devices that are all new.
pub(crate) async fn import_new(store: &dyn Store, devices: Vec<ImportedDevice>) -> Vec<DeviceKey> {
    let count = devices.len();
    match write_as(store, &engine(), import(devices)).await {
        Ok(Written::Imported { keys, new }) => {
            assert_eq!((keys.len(), new), (count, count));
            keys
        }
        other => panic!("not imported: {other:?}"),
    }
}

/// A project `p` with so many phones `phone-N`.
pub(crate) async fn fleet(store: &dyn Store, count: usize) -> (ProjectKey, Vec<DeviceKey>) {
    let project = create_project(store, "p").await;
    let devices = (0..count).map(|n| new_device("p", &format!("phone-{n}"))).collect();
    (project, import_new(store, devices).await)
}

/// A device and the values asked of it.
pub(crate) type Entry<'a> = (DeviceKey, &'a [(&'a str, &'a str)]);

/// A call with one entry for each device, in order.
pub(crate) fn accept(project: ProjectKey, request: RequestId, entries: &[Entry<'_>]) -> Accept {
    let entry = |(position, (device, patch)): (u16, &Entry<'_>)| AcceptEntry {
        position,
        device: *device,
        operation: Operation::Update,
        clear: false,
        patch: values(patch),
        camera: None,
    };
    let entries = (0_u16..).zip(entries).map(entry).collect();
    Accept { project, request, door: Door::Cph, at: AT, entries }
}

pub(crate) async fn accepted_as(
    store: &dyn Store,
    principal: &Principal,
    accept: Accept,
) -> Vec<Result<AcceptedEntry, Refusal>> {
    match write_as(store, principal, Write::Accept(accept)).await {
        Ok(Written::Accepted(results)) => results,
        other => panic!("not accepted: {other:?}"),
    }
}

/// One device, one patch, accepted.
pub(crate) async fn accept_one(
    store: &dyn Store,
    project: ProjectKey,
    number: u64,
    device: DeviceKey,
    patch: &[(&str, &str)],
) -> AcceptedEntry {
    let call = accept(project, request(number), &[(device, patch)]);
    accepted_as(store, &engine(), call).await.remove(0).unwrap()
}

pub(crate) async fn fence(store: &dyn Store, device: DeviceKey) -> Fence {
    let shard = device.shard();
    let epochs = store.epochs().await.unwrap();
    let (_, epoch) = *epochs.iter().find(|(other, _)| *other == shard).unwrap();
    Fence { shard, epoch }
}

/// A result that says: running, and all settled up to `settled`.
pub(crate) fn settle(device: DeviceKey, fence: Fence, settled: i64) -> Settle {
    Settle {
        fence,
        device,
        at: Timestamp(AT.0 + 5),
        reported: None,
        boot: None,
        settled: Revision(settled),
        condition: Condition::Running,
        since: Timestamp(AT.0 + 4),
        trouble: None,
        adopted: true,
        record_at: AT,
        read: None,
        adoption_done: None,
        desire: Values::new(),
        forget_below: None,
        copy: None,
        power: None,
        restart_pending: None,
        facts: None,
        ended: Vec::new(),
    }
}

pub(crate) fn ended(job: JobId, end: End) -> EndedJob {
    EndedJob { job, end, superseded_by: None }
}

/// What came of a result, recorded for the engine.
pub(crate) async fn settled(store: &dyn Store, settle: Settle) -> Result<Settled, Refused> {
    match write_as(store, &engine(), Write::Settle(Box::new(settle))).await {
        Ok(Written::Settled(settled)) => Ok(settled),
        Ok(other) => panic!("not settled: {other:?}"),
        Err(refused) => Err(refused),
    }
}

/// Ends all open jobs of a device as succeeded and leaves it at rest.
pub(crate) async fn settle_all(store: &dyn Store, device: DeviceKey) {
    let work = store.work(device).await.unwrap().unwrap();
    let mut result = settle(device, fence(store, device).await, work.state.revision.0);
    result.ended = work.state.open_jobs.iter().map(|job| ended(*job, SUCCEEDED)).collect();
    assert_eq!(settled(store, result).await.unwrap().open_jobs, 0);
}

pub(crate) async fn device(store: &dyn Store, key: DeviceKey) -> DeviceWithState {
    let work = store.work(key).await.unwrap().unwrap();
    let (id, project) = (&work.device.id, &work.device.project_id);
    let found = store.device(&engine(), Some(project), id).await.unwrap().remove(0);
    assert_eq!((&found.device, &found.state), (&work.device, &work.state));
    found
}

/// What an operator changes of a device of the project `p`, at [`LATER`].
pub(crate) fn change(id: &str, change: DeviceChange) -> Write {
    let (project, id) = (project_id("p"), device_id(id));
    Write::ChangeDevice(ChangeDevice { project, id, change, at: LATER })
}

/// The same, done for the engine.
pub(crate) async fn changed(store: &dyn Store, id: &str, to: DeviceChange) {
    assert_eq!(write_as(store, &engine(), change(id, to)).await, Ok(Written::Done));
}

/// The epoch after (or, below zero, before) another.
pub(crate) fn epoch_plus(fence: Fence, by: i64) -> Fence {
    Fence { epoch: Epoch(fence.epoch.0 + by), ..fence }
}
