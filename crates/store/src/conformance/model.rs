//! Random calls against a model that is simple enough to be right.

use std::collections::{BTreeMap, BTreeSet};

use fleet::limits::OPEN_JOBS_PER_DEVICE_MAX;
use fleet::{Condition, DeviceKey, JobId, Refusal, Revision, Values};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::fixture::*;
use crate::{Fence, Refused, Store};

/// Phones in the model's fleet.
const PHONES: usize = 4;

/// One random call.
#[derive(Debug, Clone)]
enum Call {
    /// For each entry a phone and a patch.
    Accept(Vec<(usize, Vec<(&'static str, &'static str)>)>),
    /// A result for a phone.
    Settle {
        phone: usize,
        settled: i64,
        condition: Condition,
        stale: bool,
        /// Which of the jobs ever made are said to have ended.
        ended: Vec<prop::sample::Index>,
    },
}

/// What a phone should look like.
#[derive(Debug, Clone, Default, PartialEq)]
struct Phone {
    revision: i64,
    settled: i64,
    abnormal: bool,
    reached: bool,
    desired: BTreeMap<String, (String, i64)>,
    open: Vec<JobId>,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let pair = (prop::sample::select(&["a", "b", "c"][..]), prop::sample::select(&["1", "2"][..]));
    let entry = (0..PHONES + 1, prop::collection::vec(pair, 0..3));
    let accept = prop::collection::vec(entry, 0..30).prop_map(Call::Accept);
    let condition = prop::sample::select(&[Condition::Running, Condition::Abnormal][..]);
    let ended = prop::collection::vec(any::<prop::sample::Index>(), 0..12);
    let settle = (0..PHONES, -1_i64..60, condition, prop::bool::weighted(0.1), ended).prop_map(
        |(phone, settled, condition, stale, ended)| Call::Settle {
            phone,
            settled,
            condition,
            stale,
            ended,
        },
    );
    prop::collection::vec(prop_oneof![accept, settle], 120)
}

pub(crate) async fn random_calls_do_what_the_model_does(store: &dyn Store) {
    let (project, mut keys) = fleet(store, PHONES).await;
    keys.push(DeviceKey(999));
    let fences: Vec<Fence> = {
        let mut fences = Vec::new();
        for key in &keys {
            fences.push(fence(store, *key).await);
        }
        fences
    };
    let mut phones = vec![Phone::default(); PHONES];
    let mut made: Vec<JobId> = Vec::new();
    let mut ends: BTreeMap<JobId, bool> = BTreeMap::new();
    let mut runner = TestRunner::deterministic();
    let calls = calls().new_tree(&mut runner).unwrap().current();
    for (number, call) in (1_u64..).zip(calls) {
        match call {
            Call::Accept(entries) => {
                let patches: Vec<(DeviceKey, &[(&str, &str)])> =
                    entries.iter().map(|(phone, patch)| (keys[*phone], patch.as_slice())).collect();
                let call = accept(project, request(number), &patches);
                let results = accepted_as(store, &engine(), call).await;
                for (position, ((phone, patch), result)) in (0..).zip(entries.iter().zip(&results))
                {
                    let job = request(number).job(position).unwrap();
                    let expected = accept_in_model(phones.get_mut(*phone), &values(patch), job);
                    let found = result
                        .as_ref()
                        .map(|entry| (entry.job, entry.revision, entry.stored))
                        .map_err(|refusal| matches!(refusal, Refusal::Busy { .. }));
                    assert_eq!(found, expected, "call {number}, entry {position}");
                    made.extend(expected.ok().map(|(job, ..)| job));
                }
            }
            Call::Settle { phone, settled: upto, condition, stale, ended: indices } => {
                let fence = epoch_plus(fences[phone], i64::from(stale));
                let mut result = settle(keys[phone], fence, upto);
                result.condition = condition;
                let some = indices.iter().filter(|_| !made.is_empty()).map(|i| *i.get(&made));
                result.ended = some.map(|job| ended(job, SUCCEEDED)).collect();
                let told = settled(store, result.clone()).await;
                if stale {
                    assert!(matches!(told, Err(Refused::Fenced { .. })), "call {number}");
                    continue;
                }
                let model = &mut phones[phone];
                let gone: BTreeSet<JobId> = result.ended.iter().map(|ended| ended.job).collect();
                ends.extend(model.open.iter().filter(|job| gone.contains(job)).map(|j| (*j, true)));
                model.open.retain(|job| !gone.contains(job));
                model.settled = model.settled.max(upto.min(model.revision));
                model.abnormal = condition == Condition::Abnormal;
                model.reached = true;
                let told = told.unwrap();
                assert_eq!(told.revision, Revision(model.revision), "call {number}");
                assert_eq!(told.settled, Revision(model.settled), "call {number}");
                assert_eq!(told.open_jobs, model.open.len(), "call {number}");
            }
        }
        compare(store, &keys, &phones, number).await;
    }
    for job in made {
        let found = store.job(&engine(), job).await.unwrap().unwrap().job;
        assert_eq!(found.end.is_some(), ends.contains_key(&job), "{job}");
    }
    assert!(phones.iter().any(|phone| phone.revision > 64), "the bound of open jobs was met");
    assert!(ends.len() > 20, "jobs have ended");
}

/// What accepting one entry should give, and does to the model: `Err(true)` for a busy phone,
/// `Err(false)` for one that there isn't.
fn accept_in_model(
    phone: Option<&mut Phone>,
    patch: &Values,
    job: JobId,
) -> Result<(JobId, Revision, bool), bool> {
    let phone = phone.ok_or(false)?;
    if phone.open.len() == OPEN_JOBS_PER_DEVICE_MAX {
        return Err(true);
    }
    phone.revision += 1;
    phone.open.push(job);
    for (name, value) in patch {
        phone.desired.insert(name.clone(), (value.clone(), phone.revision));
    }
    Ok((job, Revision(phone.revision), phone.abnormal))
}

/// The store's view of every phone against the model's.
async fn compare(store: &dyn Store, keys: &[DeviceKey], phones: &[Phone], number: u64) {
    let with_work = store.devices_with_work(DeviceKey(0), 100).await.unwrap();
    let at_rest = store.devices_at_rest(DeviceKey(0), 100).await.unwrap();
    for (key, phone) in keys.iter().zip(phones) {
        let state = device(store, *key).await.state;
        let desired = state.desired.0.into_iter();
        let found = Phone {
            revision: state.revision.0,
            settled: state.settled.0,
            abnormal: state.condition == Condition::Abnormal,
            reached: state.condition != Condition::New,
            desired: desired.map(|(name, d)| (name, (d.value, d.revision.0))).collect(),
            open: state.open_jobs,
        };
        assert_eq!(found, *phone, "after call {number}");
        let running = phone.reached && !phone.abnormal;
        let busy = phone.settled < phone.revision || !phone.open.is_empty() || !running;
        let rests = !busy && !phone.desired.is_empty();
        assert_eq!(with_work.iter().any(|seed| seed.device == *key), busy, "call {number}");
        assert_eq!(at_rest.iter().any(|seed| seed.device == *key), rests, "call {number}");
    }
}
