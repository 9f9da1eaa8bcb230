//! Random calls against a model that is simple enough to be right.

use std::collections::{BTreeMap, BTreeSet};

use fleet::limits::OPEN_JOBS_PER_DEVICE_MAX;
use fleet::{
    AdoptionRequest, Binding, Condition, DeviceKey, JobId, Offline, Operation, OrganizationChange,
    RecordPatch, Refusal, ReportedChannel, Revision, Values,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::chain;
use super::fixture::*;
use crate::write::{AcceptEntry, CameraPatch, CredentialsPatch, DeviceChange, RecordChannels};
use crate::{DeviceWithState, Fence, Refused, Store, Write};

/// Devices in the model's fleet: phones, and the last one a camera.
const PHONES: usize = 4;
const CAMERA: usize = PHONES - 1;

/// Names and values.
type Pairs = Vec<(&'static str, &'static str)>;

/// One entry of a random update.
#[derive(Debug, Clone)]
struct Entry {
    phone: usize,
    operation: Operation,
    clear: bool,
    patch: Pairs,
    /// What the camera, and a channel of it by its number, are to be called; phones pass it over.
    name: Option<&'static str>,
    channel: Option<(usize, &'static str)>,
    records: Records,
}

/// What one entry puts on record of the camera; phones pass it over.
#[derive(Debug, Clone)]
struct Records {
    /// What is said of it; empty for nothing any more.
    description: Option<&'static str>,
    /// Where its channel is filed, or that it is not.
    filed: Option<Option<&'static str>>,
    /// Its password, and whether the old one works besides.
    password: Option<(&'static str, bool)>,
}

impl Records {
    fn is_empty(&self) -> bool {
        self.description.is_none() && self.filed.is_none() && self.password.is_none()
    }
}

/// One random result.
#[derive(Debug, Clone)]
struct Outcome {
    settled: i64,
    condition: Condition,
    stale: bool,
    /// Which of the jobs ever made are said to have ended.
    ended: Vec<prop::sample::Index>,
    desire: Pairs,
    adoption_done: Option<AdoptionRequest>,
    copy: bool,
}

/// One random call.
#[derive(Debug, Clone)]
enum Call {
    Accept(Vec<Entry>),
    Settle(usize, Outcome),
    Change(usize, DeviceChange),
    /// The camera registers, or goes.
    Bind(bool),
}

/// What a phone should look like.
#[derive(Debug, Clone, PartialEq)]
struct Phone {
    revision: i64,
    settled: i64,
    condition: Condition,
    frozen: bool,
    adoption: Option<AdoptionRequest>,
    copy: bool,
    desired: BTreeMap<String, (String, i64)>,
    open: Vec<JobId>,
    camera: Option<Camera>,
}

/// What a camera should look like besides. It has one channel.
#[derive(Debug, Clone, PartialEq)]
struct Camera {
    name: String,
    channel: Option<String>,
    is_bound: bool,
    description: Option<String>,
    filed: Option<String>,
    password: Option<String>,
    old: Option<String>,
}

impl Phone {
    /// One that was just imported.
    fn new() -> Self {
        Self {
            revision: 0,
            settled: 0,
            condition: Condition::New,
            frozen: false,
            adoption: None,
            copy: false,
            desired: BTreeMap::new(),
            open: Vec::new(),
            camera: None,
        }
    }

    /// The camera, just imported.
    fn new_camera(name: &str) -> Self {
        let camera = Camera {
            name: name.to_owned(),
            channel: None,
            is_bound: false,
            description: None,
            filed: None,
            password: None,
            old: None,
        };
        Self { condition: Condition::Awaited, camera: Some(camera), ..Self::new() }
    }
}

fn pairs() -> impl Strategy<Value = Pairs> {
    let pair = (prop::sample::select(&["a", "b", "c"][..]), prop::sample::select(&["1", "2"][..]));
    prop::collection::vec(pair, 0..3)
}

fn request_to_adopt() -> impl Strategy<Value = AdoptionRequest> {
    any::<bool>()
        .prop_map(|replace_marker| AdoptionRequest { replace_marker, from_reported: false })
}

fn entry() -> impl Strategy<Value = Entry> {
    let operation = prop::sample::select(&[Operation::Update, Operation::Restart][..]);
    let name = || prop::sample::select(&["a", "b"][..]);
    let names = (prop::option::of(name()), prop::option::of((0..2_usize, name())));
    let asked = (operation, prop::bool::weighted(0.1), pairs());
    (0..PHONES + 1, asked, names, records()).prop_map(
        |(phone, (operation, clear, patch), (name, channel), records)| Entry {
            phone,
            operation,
            clear,
            patch,
            name,
            channel,
            records,
        },
    )
}

fn records() -> impl Strategy<Value = Records> {
    let word = || prop::sample::select(&["x", "y"][..]);
    let description = prop::option::of(prop::sample::select(&["", "x", "y"][..]));
    let filed = prop::option::of(prop::option::of(word()));
    let password = prop::option::of((word(), any::<bool>()));
    (description, filed, password).prop_map(|(description, filed, password)| Records {
        description,
        filed,
        password,
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let conditions = [Condition::Running, Condition::Abnormal, Condition::Stopped];
    let condition = prop::sample::select(conditions.to_vec());
    let ended = prop::collection::vec(any::<prop::sample::Index>(), 0..12);
    let adopted = (prop::option::weighted(0.3, pairs()), prop::option::of(request_to_adopt()));
    let flags = (prop::bool::weighted(0.1), prop::bool::weighted(0.2));
    (-1_i64..60, condition, flags, ended, adopted).prop_map(
        |(settled, condition, (stale, copy), ended, (desire, adoption_done))| {
            let desire = desire.unwrap_or_default();
            Outcome { settled, condition, stale, ended, desire, adoption_done, copy }
        },
    )
}

fn change() -> impl Strategy<Value = DeviceChange> {
    prop_oneof![
        1 => Just(DeviceChange::Frozen(true)),
        4 => Just(DeviceChange::Frozen(false)),
        2 => any::<bool>().prop_map(DeviceChange::Stopped),
        2 => request_to_adopt().prop_map(DeviceChange::Adopt),
    ]
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let accept = prop::collection::vec(entry(), 0..30).prop_map(Call::Accept);
    let settle = (0..PHONES, outcome()).prop_map(|(phone, outcome)| Call::Settle(phone, outcome));
    let change = (0..PHONES, change()).prop_map(|(phone, change)| Call::Change(phone, change));
    let bind = any::<bool>().prop_map(Call::Bind);
    prop::collection::vec(prop_oneof![4 => accept, 4 => settle, 2 => change, 1 => bind], 200)
}

pub(crate) async fn random_calls_do_what_the_model_does(store: &dyn Store) {
    let (project, mut keys) = fleet(store, CAMERA).await;
    keys.push(import_camera(store).await);
    keys.push(DeviceKey(999));
    let mut fences: Vec<Fence> = Vec::new();
    for key in &keys {
        fences.push(fence(store, *key).await);
    }
    let mut phones = vec![Phone::new(); CAMERA];
    phones.push(Phone::new_camera("name of phone-3"));
    let mut made: Vec<JobId> = Vec::new();
    let mut histories = vec![Vec::new(); keys.len()];
    let mut ends: BTreeSet<JobId> = BTreeSet::new();
    let mut refused_frozen = 0;
    let mut runner = TestRunner::deterministic();
    let calls = calls().new_tree(&mut runner).unwrap().current();
    for (number, call) in (1_u64..).zip(calls) {
        match call {
            Call::Accept(entries) => {
                let mut call = accept(project, request(number), &[]);
                call.entries = (0..).zip(&entries).map(|(n, e)| given(n, e, &keys)).collect();
                let results = accepted_as(store, &engine(), call).await;
                for (position, (entry, result)) in (0..).zip(entries.iter().zip(&results)) {
                    let job = request(number).job(position).unwrap();
                    let expected = accept_in_model(phones.get_mut(entry.phone), entry, job);
                    let found = result
                        .as_ref()
                        .map(|entry| (entry.job, entry.revision, entry.stored, entry.ended))
                        .map_err(word);
                    assert_eq!(found, expected, "call {number}, entry {position}");
                    refused_frozen += usize::from(expected == Err("frozen"));
                    histories[entry.phone].extend(expected.ok().map(|(job, ..)| job));
                    made.extend(expected.ok().map(|(job, ..)| job));
                    ends.extend(expected.ok().filter(|(.., ended)| *ended).map(|(job, ..)| job));
                }
            }
            Call::Settle(phone, outcome) => {
                let fence = epoch_plus(fences[phone], i64::from(outcome.stale));
                let mut result = settle(keys[phone], fence, outcome.settled);
                result.condition = outcome.condition;
                result.desire = values(&outcome.desire);
                result.adoption_done = outcome.adoption_done;
                result.copy = outcome.copy.then_some(DeviceKey(7));
                let some = outcome.ended.iter().filter(|_| !made.is_empty());
                result.ended = some.map(|i| ended(*i.get(&made), SUCCEEDED)).collect();
                let gone = result.ended.iter().map(|ended| ended.job).collect();
                let told = settled(store, result).await;
                if outcome.stale {
                    assert_eq!(told, Err(Refused::Fenced), "call {number}");
                    continue;
                }
                settle_in_model(&mut phones[phone], &outcome, &gone, &mut ends);
                let (told, model) = (told.unwrap(), &phones[phone]);
                assert_eq!(told.revision, Revision(model.revision), "call {number}");
                assert_eq!(told.settled, Revision(model.settled), "call {number}");
                assert_eq!(told.open_jobs, model.open.len(), "call {number}");
            }
            Call::Bind(is_bound) => {
                let ended = (!is_bound).then_some((AT, Offline::Unregistered));
                bind(store, vec![Binding { ended, ..binding(keys[CAMERA]) }]).await;
                let camera = phones[CAMERA].camera.iter_mut();
                camera.for_each(|camera| camera.is_bound = is_bound);
            }
            Call::Change(phone, change) => {
                changed(store, &format!("phone-{phone}"), change.clone()).await;
                change_in_model(&mut phones[phone], &change);
            }
        }
        compare(store, &keys, &phones, number).await;
    }
    for job in made {
        let found = store.job(&engine(), job).await.unwrap().unwrap().job;
        assert_eq!(found.end.is_some(), ends.contains(&job), "{job}");
    }
    for (key, mut jobs) in keys.into_iter().zip(histories) {
        jobs.reverse();
        assert_eq!(chain::walk(store, key, 30).await, jobs, "{key:?}");
    }
    assert!(phones.iter().any(|phone| phone.revision > 64), "the bound of open jobs was met");
    assert!(ends.len() > 20, "jobs have ended");
    assert!(refused_frozen > 5, "entries were refused for frozen phones");
}

/// The camera, with one channel.
async fn import_camera(store: &dyn Store) -> DeviceKey {
    let key = import_new(store, vec![new_camera("p", &format!("phone-{CAMERA}"))]).await[0];
    let channels = vec![(channel_id(0), ReportedChannel::default())];
    let record = RecordChannels { device: key, channels, complete: true, at: AT };
    write_as(store, &engine(), Write::RecordChannels(record)).await.unwrap();
    key
}

/// An entry as the store is given it.
fn given(position: u16, entry: &Entry, keys: &[DeviceKey]) -> AcceptEntry {
    AcceptEntry {
        position,
        device: keys[entry.phone],
        operation: entry.operation,
        clear: entry.clear,
        patch: values(&entry.patch),
        record: Values::new(),
        camera: (entry.phone == CAMERA).then(|| camera_patch(entry)),
        if_revision: None,
    }
}

/// What an entry changes of the camera's records.
fn camera_patch(entry: &Entry) -> CameraPatch {
    let name = |(number, name): (usize, &str)| (channel_id(number), name.to_owned(), String::new());
    let Records { description, filed, password } = &entry.records;
    let filed = filed.map(|path| {
        let change = path.map_or(OrganizationChange::Detach, |path| join(path, path));
        let record = RecordPatch { organization: Some(change), ..RecordPatch::default() };
        (channel_id(0), record, String::new())
    });
    let credentials = password.map(|(password, overlaps)| CredentialsPatch {
        user: None,
        password: Some(sealed(password)),
        overlap_until: overlaps.then_some(LATER),
    });
    CameraPatch {
        name: entry.name.map(str::to_owned),
        channels: entry.channel.map(name).into_iter().collect(),
        record: description.map_or_else(RecordPatch::default, |text| on_record(&[("Desc", text)])),
        channel_records: filed.into_iter().collect(),
        credentials,
    }
}

/// A word for a refusal.
fn word(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Busy { .. } => "busy",
        Refusal::Frozen => "frozen",
        Refusal::DeviceUnknown => "unknown",
        Refusal::PropertyUnsupported { .. } => "unsupported",
        _ => "another",
    }
}

/// What accepting one entry should give, and does to the model.
fn accept_in_model(
    phone: Option<&mut Phone>,
    entry: &Entry,
    job: JobId,
) -> Result<(JobId, Revision, bool, bool), &'static str> {
    let phone = phone.ok_or("unknown")?;
    if phone.frozen {
        return Err("frozen");
    }
    let ended = phone.camera.is_some()
        && !entry.records.is_empty()
        && entry.patch.is_empty()
        && entry.operation == Operation::Update;
    if !ended && phone.open.len() == OPEN_JOBS_PER_DEVICE_MAX {
        return Err("busy");
    }
    if let Some(camera) = &mut phone.camera {
        if entry.channel.is_some_and(|(number, _)| number > 0) {
            return Err("unsupported");
        }
        if let Some(name) = entry.name {
            camera.name = name.to_owned();
        }
        if let Some((_, name)) = entry.channel {
            camera.channel = Some(name.to_owned());
        }
        put_on_record(camera, &entry.records);
    }
    if ended {
        let all_settled = phone.settled == phone.revision;
        phone.revision += 1;
        phone.settled = if all_settled { phone.revision } else { phone.settled };
        return Ok((job, Revision(phone.revision), false, true));
    }
    phone.revision += 1;
    phone.open.push(job);
    for (name, value) in values(&entry.patch) {
        phone.desired.insert(name, (value, phone.revision));
    }
    let away = match &phone.camera {
        Some(camera) => !camera.is_bound,
        None => matches!(phone.condition, Condition::Abnormal | Condition::Stopped),
    };
    Ok((job, Revision(phone.revision), away && entry.operation == Operation::Update, false))
}

/// What an entry puts on record of the model's camera.
fn put_on_record(camera: &mut Camera, records: &Records) {
    if let Some(text) = records.description {
        camera.description = Some(text.to_owned()).filter(|text| !text.is_empty());
    }
    if let Some(path) = records.filed {
        camera.filed = path.map(str::to_owned);
    }
    if let Some((new, overlaps)) = records.password
        && camera.password.as_deref() != Some(new)
    {
        camera.old = camera.password.replace(new.to_owned()).filter(|_| overlaps);
    }
}

/// What a result does to the model.
fn settle_in_model(
    phone: &mut Phone,
    outcome: &Outcome,
    gone: &BTreeSet<JobId>,
    ends: &mut BTreeSet<JobId>,
) {
    ends.extend(phone.open.iter().filter(|job| gone.contains(job)));
    phone.open.retain(|job| !gone.contains(job));
    phone.settled = phone.settled.max(outcome.settled.min(phone.revision));
    phone.condition = outcome.condition;
    phone.copy = outcome.copy;
    if phone.adoption == outcome.adoption_done {
        phone.adoption = None;
    }
    let mut new = values(&outcome.desire);
    new.retain(|name, _| !phone.desired.contains_key(name));
    if !new.is_empty() {
        let all_settled = phone.settled == phone.revision;
        phone.revision += 1;
        phone.settled = if all_settled { phone.revision } else { phone.settled };
        let revision = phone.revision;
        phone.desired.extend(new.into_iter().map(|(name, value)| (name, (value, revision))));
    }
}

/// What an operator's change does to the model.
fn change_in_model(phone: &mut Phone, change: &DeviceChange) {
    match change {
        DeviceChange::Name(_) => {}
        DeviceChange::Frozen(frozen) => phone.frozen = *frozen,
        DeviceChange::Stopped(true) => phone.condition = Condition::Stopped,
        DeviceChange::Stopped(false) => {
            if matches!(phone.condition, Condition::Abnormal | Condition::Stopped) {
                phone.condition = Condition::New;
            }
        }
        DeviceChange::Adopt(request) => phone.adoption = Some(*request),
    }
}

/// What the store has of a camera, as the model has it.
async fn camera_found(store: &dyn Store, found: &DeviceWithState) -> Option<Camera> {
    let state = found.camera.as_ref()?;
    let channels = store.channels(&engine(), found.device.key, "", 9).await.unwrap();
    assert_eq!((channels.len(), state.channels), (1, 1));
    let is_bound = state.binding.as_ref().is_some_and(|binding| binding.is_live(AT));
    let registrant = registrant(store, found.device.id.as_str()).await.unwrap();
    let text = |sealed: Vec<u8>| String::from_utf8(sealed).unwrap().replace("sealed ", "");
    Some(Camera {
        name: found.device.name.clone(),
        channel: channels[0].name.clone(),
        is_bound,
        description: state.record.get("Desc").cloned(),
        filed: channels[0].organization.as_ref().map(|filed| filed.path.to_string()),
        password: registrant.sealed_password.map(text),
        old: registrant.old.map(|old| text(old.sealed_password)),
    })
}

/// The store's view of every phone against the model's.
async fn compare(store: &dyn Store, keys: &[DeviceKey], phones: &[Phone], number: u64) {
    let with_work = store.devices_with_work(DeviceKey(0), 100).await.unwrap();
    let at_rest = store.devices_at_rest(DeviceKey(0), 100).await.unwrap();
    for (key, phone) in keys.iter().zip(phones) {
        let found = device(store, *key).await;
        let camera = camera_found(store, &found).await;
        let state = found.state;
        let says_work = state.has_work();
        let desired = state.desired.0.into_iter();
        let found = Phone {
            revision: state.revision.0,
            settled: state.settled.0,
            condition: state.condition,
            frozen: state.frozen,
            adoption: state.adoption,
            copy: state.copy.is_some(),
            desired: desired.map(|(name, d)| (name, (d.value, d.revision.0))).collect(),
            open: state.open_jobs,
            camera,
        };
        assert_eq!(found, *phone, "after call {number}");
        let busy = phone.settled < phone.revision
            || !phone.open.is_empty()
            || !matches!(phone.condition, Condition::Running | Condition::Awaited)
            || phone.adoption.is_some()
            || phone.copy;
        let rests = !busy && !phone.desired.is_empty();
        assert_eq!(says_work, busy, "call {number}");
        assert_eq!(with_work.iter().any(|seed| seed.device == *key), busy, "call {number}");
        assert_eq!(at_rest.iter().any(|seed| seed.device == *key), rests, "call {number}");
    }
}
