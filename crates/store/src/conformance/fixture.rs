//! What the cases have in common: short ways to say what is done to a store.

use std::time::Duration;

use fleet::{
    Binding, Condition, DeviceId, DeviceKey, Door, End, Epoch, JobId, Kind, NewCamera, NewDevice,
    Operation, Organization, OrganizationChange, OrganizationId, Principal, ProjectId, ProjectKey,
    Proof, RecordPatch, Refusal, RequestId, Revision, SipTransport, Timestamp, Values,
};

use crate::write::{
    Accept, AcceptEntry, AcceptedEntry, CameraPatch, ChangeDevice, ChangeOrganization, CreateKey,
    CreateProject, DeleteDevice, DeviceChange, EndedJob, ImportDevices, ImportedDevice,
    OrganizationEdit, RevokeKey, SealedPassword, Settle, Settled,
};
use crate::{
    CameraState, DeviceWithState, Fence, Held, NewSession, NodeReport, Refused, Renewal, Roles,
    SealedRegistrant, SessionKey, Store, Write, Written,
};

/// The time of everything that no case asks about.
pub(crate) const AT: Timestamp = Timestamp(1_800_000_000_000);

/// A minute after [`AT`].
pub(crate) const LATER: Timestamp = Timestamp(AT.0 + 60_000);

pub(crate) const SUCCEEDED: End = End::Succeeded { proof: Proof::Verified };

/// A lease that no case waits for the end of, and a quiet time that none waits out.
pub(crate) const LONG: Duration = Duration::from_secs(3_600);

/// What the node called `name` says of itself.
pub(crate) fn node(name: &str) -> NewSession {
    NewSession {
        node: name.to_owned(),
        directory: format!("{:0>32}", hex::encode(name)),
        instance: String::new(),
        roles: Roles::ALL,
        version: "1".to_owned(),
        http: format!("http://{name}"),
        sip: String::new(),
    }
}

/// A renewal for long that takes what it can.
pub(crate) fn renewal(session: SessionKey) -> Renewal {
    let report = NodeReport::default();
    let instance = String::new();
    Renewal { session, instance, lease: LONG, quiet: LONG, takes: true, report }
}

/// Begins the session of the one node there is, which has all shards then.
pub(crate) async fn begin(store: &dyn Store) -> (SessionKey, Held) {
    let session = store.begin_session(&node("node"), LONG).await.unwrap().unwrap().key;
    let held = store.renew(&renewal(session)).await.unwrap().unwrap();
    assert_eq!((held.shards.len(), held.surplus, held.engines), (256, 0, 1));
    (session, held)
}

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
    let (name, description) = (format!("name of {id}"), String::new());
    let create = CreateProject { id: project_id(id), name, description, at: AT };
    let written = write_as(store, &engine(), Write::CreateProject(create)).await;
    let project = store.project(&engine(), &project_id(id)).await.unwrap().unwrap();
    assert_eq!(written, Ok(Written::Project(Box::new(project.clone()))));
    project.key
}

pub(crate) fn create_key(ak: &str, project: &str) -> Write {
    let sealed_secret = format!("sealed {ak}").into_bytes();
    Write::CreateKey(CreateKey {
        ak: ak.to_owned(),
        project: Some(project_id(project)),
        strict: false,
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
    ImportedDevice { record, marker: format!("marker of {id}"), password: None }
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
        old_credentials: false,
    }
}

/// One that does not run out, whatever the store's clock says.
pub(crate) fn lasting(device: DeviceKey) -> Binding {
    Binding { expires_at: Timestamp(i64::MAX / 2), ..binding(device) }
}

/// A password as it is stored: the same for the same text, whatever it was sealed with.
pub(crate) fn sealed(text: &str) -> SealedPassword {
    let mut tag = [0; 16];
    for (byte, of) in tag.iter_mut().zip(text.bytes()) {
        *byte = of;
    }
    SealedPassword { sealed: format!("sealed {text}").into_bytes(), tag }
}

/// The session of the one node there is, once it has begun.
pub(crate) async fn own(store: &dyn Store) -> SessionKey {
    let nodes = store.cluster(true).await.unwrap().nodes;
    nodes.first().map_or(SessionKey(0), |node| node.session)
}

pub(crate) async fn bind(store: &dyn Store, bindings: Vec<Binding>) {
    bind_to(store, own(store).await, bindings).await;
}

pub(crate) async fn bind_to(store: &dyn Store, session: SessionKey, bindings: Vec<Binding>) {
    let bind = Write::Bind(session, bindings);
    assert_eq!(write_as(store, &engine(), bind).await, Ok(Written::Done));
}

pub(crate) fn import(devices: Vec<ImportedDevice>) -> Write {
    Write::ImportDevices(ImportDevices { devices, only_new: false, at: AT })
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
        record: Values::new(),
        camera: None,
        if_revision: None,
    };
    let entries = (0_u16..).zip(entries).map(entry).collect();
    Accept { project, request, may_repeat: false, door: Door::Cph, at: AT, entries }
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
    Fence::Shard { shard, epoch }
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
    let key = store.device(&engine(), Some(&project_id("p")), &device_id(id)).await.unwrap()[0]
        .device
        .key;
    assert_eq!(write_as(store, &engine(), change(id, to)).await, Ok(Written::Changed(key)));
}

/// What goes on record of a device or a channel; where it is filed stays as it is.
pub(crate) fn on_record(pairs: &[(&str, &str)]) -> RecordPatch {
    RecordPatch { values: values(pairs), organization: None }
}

/// One update of one GB device that asks for these values and changes its records so.
pub(crate) async fn patched(
    store: &dyn Store,
    project: ProjectKey,
    number: u64,
    device: DeviceKey,
    (patch, camera): (&[(&str, &str)], CameraPatch),
) -> Result<AcceptedEntry, Refusal> {
    let mut call = accept(project, request(number), &[(device, patch)]);
    call.at = LATER;
    call.entries[0].camera = Some(camera);
    accepted_as(store, &engine(), call).await.remove(0)
}

/// What is known of a GB device besides its record and state.
pub(crate) async fn camera_state(store: &dyn Store, key: DeviceKey) -> CameraState {
    device(store, key).await.camera.unwrap()
}

/// Who may register under an id.
pub(crate) async fn registrant(store: &dyn Store, id: &str) -> Option<SealedRegistrant> {
    store.registrants(vec![device_id(id)]).await.unwrap().remove(0)
}

/// The organization of this id with this path, made at [`AT`].
pub(crate) fn organization(id: &str, path: &str) -> Organization {
    let id = OrganizationId::new(id).unwrap();
    Organization { id, path: path.parse().unwrap(), created_at: AT, updated_at: AT }
}

/// To be filed in the organization of this path, which gets the id if it is new.
pub(crate) fn join(path: &str, id_if_new: &str) -> OrganizationChange {
    OrganizationChange::Join {
        path: path.parse().unwrap(),
        expected: None,
        id_if_new: OrganizationId::new(id_if_new).unwrap(),
    }
}

/// What becomes of an organization of the project `p`, at [`AT`].
pub(crate) fn organize(id: &str, change: OrganizationEdit) -> Write {
    let (project, id) = (project_id("p"), OrganizationId::new(id).unwrap());
    Write::ChangeOrganization(ChangeOrganization { project, id, change, at: AT })
}

/// Deletes a device of the project `p`, at [`LATER`], for the engine.
pub(crate) async fn delete_device(store: &dyn Store, id: &str) -> DeviceKey {
    match write_as(store, &engine(), delete(id)).await {
        Ok(Written::Deleted(key)) => key,
        other => panic!("not deleted: {other:?}"),
    }
}

/// What deletes a device of the project `p`, at [`LATER`].
pub(crate) fn delete(id: &str) -> Write {
    let (project, id) = (project_id("p"), device_id(id));
    Write::DeleteDevice(DeleteDevice { project, id, at: LATER })
}

/// The epoch after (or, below zero, before) another.
pub(crate) fn epoch_plus(fence: Fence, by: i64) -> Fence {
    match fence {
        Fence::Shard { shard, epoch } => Fence::Shard { shard, epoch: Epoch(epoch.0 + by) },
        Fence::Binding(_) => panic!("{fence:?} has no epoch"),
    }
}
