//! What an overview of a fleet is made of: why devices are not as they should be, how many there
//! are, and which jobs failed.

use std::collections::BTreeMap;

use fleet::limits::{COUNTS_FORGOTTEN_PER_WRITE, FAILURE_REASON_DEVICES_MAX};
use fleet::{
    Alike, Attention, CameraStatus, Condition, DeviceCounts, DeviceKey, End, Failure, FleetCounts,
    Offline, Principal, ProjectKey, Reported, RestartPending, RolloutCounts, Selector, Timestamp,
};

use super::fixture::*;
use crate::write::{DeviceChange, NoteCounts};
use crate::{CountedFleet, DeviceWithState, RecentFailures, Store, Write, Written};

/// What a device shows when all that is asked of it is settled.
#[derive(Default)]
struct Rest<'a> {
    /// The values.
    shown: &'a [(&'a str, Option<&'a str>)],
    /// The properties that wait for a restart.
    restart_pending: &'a [&'a str],
    /// What stands in its way.
    trouble: Option<&'a str>,
}

/// That it shows these values.
fn shows<'a>(shown: &'a [(&'a str, Option<&'a str>)]) -> Rest<'a> {
    Rest { shown, ..Rest::default() }
}

/// Settles all that is asked of a device, which ends so.
async fn rest(store: &dyn Store, key: DeviceKey, rest: Rest<'_>) {
    let work = store.work(key).await.unwrap().unwrap();
    let mut reported = Reported::default();
    let shown = rest.shown.iter();
    let shown = shown.map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)));
    reported.record(&shown.collect(), AT);
    let mut result = settle(key, fence(store, key).await, work.state.revision.0);
    result.reported = Some(reported);
    result.trouble = rest.trouble.map(str::to_owned);
    let pending = |name: &&str| ((*name).to_owned(), RestartPending { boot: None, since: AT });
    result.restart_pending = Some(rest.restart_pending.iter().map(pending).collect());
    result.ended = work.state.open_jobs.iter().map(|job| ended(*job, SUCCEEDED)).collect();
    settled(store, result).await.unwrap();
}

/// Devices of all kinds and states, each with the word that it has.
async fn mixed(store: &dyn Store) -> (ProjectKey, Vec<(DeviceKey, Option<Attention>)>) {
    let project = create_project(store, "p").await;
    let mut devices: Vec<_> = (0..15).map(|n| new_device("p", &format!("phone-{n}"))).collect();
    devices.extend((0..6).map(|n| new_camera("p", &camera_id(n))));
    let keys = import_new(store, devices).await;
    let asked: &[(&str, &str)] = &[("a.b", "1"), ("c", "汉 \" '")];
    for (number, key) in (1..).zip(&keys[1..13]) {
        accept_one(store, project, number, *key, asked).await;
    }
    let ok = [("a.b", Some("1")), ("c", Some("汉 \" '"))];
    let differs = [("a.b", Some("2")), ("c", Some("汉 \" '"))];
    rest(store, keys[1], shows(&ok)).await;
    rest(store, keys[2], shows(&differs)).await;
    rest(store, keys[3], shows(&[("a.b", None), ok[1]])).await;
    rest(store, keys[4], shows(&[ok[1]])).await;
    rest(store, keys[5], shows(&[("z", Some("9")), ok[0]])).await;
    rest(store, keys[6], Rest { trouble: Some("gone"), ..shows(&differs) }).await;
    rest(store, keys[7], Rest { restart_pending: &["a.b"], ..shows(&ok) }).await;
    rest(store, keys[8], Rest { restart_pending: &["a.b"], ..shows(&differs) }).await;
    rest(store, keys[9], Rest { restart_pending: &["c"], ..shows(&differs) }).await;
    rest(store, keys[10], shows(&differs)).await;
    accept_one(store, project, 20, keys[10], &[("a.b", "3")]).await;
    rest(store, keys[11], Rest { restart_pending: &["a.b"], ..shows(&ok) }).await;
    accept_one(store, project, 21, keys[11], &[("c", "3")]).await;
    rest(store, keys[13], shows(&differs)).await;
    changed(store, "phone-14", DeviceChange::Frozen(true)).await;

    // Never registered, registered, run out, gone; and two of which a name is asked.
    let mut bindings: Vec<_> = keys[16..].iter().map(|key| lasting(*key)).collect();
    bindings[1].expires_at = Timestamp(1);
    bindings[2].ended = Some((AT, Offline::Unregistered));
    bindings[4].ended = Some((AT, Offline::Expired));
    bind(store, bindings).await;
    for (number, key) in (30..).zip(&keys[19..]) {
        accept_one(store, project, number, *key, &[("Name", "Gate")]).await;
        rest(store, *key, shows(&[("Name", Some("Tor"))])).await;
    }

    let [trouble, drift, restart, pending] = Attention::ALL.map(Some);
    let words = [
        None, // Never reached, and nothing is asked of it.
        None, drift, drift, // It showed that it has none.
        None,  // It never showed one of them.
        None,  // Nor the other one; what it shows besides is not asked for.
        trouble, restart, restart, // What differs is what waits.
        drift,   // Another one waits.
        pending, // What differs may still change.
        restart, pending, None, // What it shows is not asked for.
        None, None, None, trouble, trouble, drift, trouble,
    ];
    assert_eq!(words.len(), keys.len());
    (project, keys.into_iter().zip(words).collect())
}

/// The word of a device by [`Attention::of`].
fn word(found: &DeviceWithState) -> Option<Attention> {
    let binding = found.camera.as_ref().and_then(|camera| camera.binding.as_ref());
    Attention::of(&found.state, binding, AT)
}

pub(crate) async fn the_term_finds_the_word_that_a_device_has(store: &dyn Store) {
    let (_, devices) = mixed(store).await;
    for (key, expected) in &devices {
        let found = device(store, *key).await;
        assert_eq!(word(&found), *expected, "{:?}", found.device.id);
    }
    let words = [&Attention::ALL.map(Some)[..], &[None]].concat();
    let mut asked: Vec<_> = words.iter().map(|word| vec![*word]).collect();
    asked.push(words[..4].to_vec());
    asked.push(vec![words[3], words[1], words[3]]);
    asked.push(vec![None, words[0], None]);
    asked.push(words);
    for attention in asked {
        let with = devices.iter().filter(|(_, word)| attention.contains(word));
        let expected: Vec<DeviceKey> = with.map(|(key, _)| *key).collect();
        let selector = Selector { attention, ..Selector::default() };
        for project in [Some(project_id("p")), None] {
            let (after, project) = (DeviceKey(0), project.as_ref());
            let page = store.select_keys(&engine(), project, &selector, after, 100).await.unwrap();
            let keys: Vec<_> = page.devices.into_iter().map(|(key, _)| key).collect();
            assert_eq!(keys, expected, "{selector:?}");
        }
        assert!(!expected.is_empty());
    }
}

/// All devices, counted so many at a time.
async fn counted(store: &dyn Store, limit: u32) -> BTreeMap<ProjectKey, DeviceCounts> {
    let mut all: BTreeMap<ProjectKey, DeviceCounts> = BTreeMap::new();
    let mut after = Some(DeviceKey(0));
    while let Some(key) = after {
        let page = store.count_devices(key, limit).await.unwrap();
        let devices: u64 = page.counts.iter().map(|(_, _, devices)| devices).sum();
        assert!(devices <= u64::from(limit));
        for (project, alike, devices) in page.counts {
            all.entry(project).or_default().add(alike, devices);
        }
        assert!(page.next.is_none_or(|next| next > key));
        after = page.next;
    }
    all
}

pub(crate) async fn devices_are_counted_by_all_that_they_are(store: &dyn Store) {
    assert!(counted(store, 3).await.is_empty());
    let (project, devices) = mixed(store).await;
    let other = create_project(store, "q").await;
    import_new(store, vec![new_device("q", "phone-0")]).await;
    let mut expected = DeviceCounts::default();
    for (key, attention) in &devices {
        let DeviceWithState { device, state, camera } = device(store, *key).await;
        let status = camera.map(|camera| CameraStatus::of(camera.binding.as_ref(), AT));
        let alike = Alike {
            kind: device.kind,
            condition: state.condition,
            status,
            frozen: state.frozen,
            attention: *attention,
        };
        expected.add(alike, 1);
    }
    assert_eq!((expected.total(), expected.frozen), (devices.len() as u64, 1));
    assert_eq!(expected.with_status(CameraStatus::OffLine), 3);
    let theirs =
        DeviceCounts { phones: BTreeMap::from([(Condition::New, 1)]), ..DeviceCounts::default() };
    for limit in [1, 2, 7, 22, 1_000] {
        let counted = counted(store, limit).await;
        let all = BTreeMap::from([(project, expected.clone()), (other, theirs.clone())]);
        assert_eq!(counted, all, "{limit} at a time");
    }
}

/// So many phones.
fn phones(count: u64) -> DeviceCounts {
    DeviceCounts { phones: BTreeMap::from([(Condition::Running, count)]), ..Default::default() }
}

fn fleet_of(count: u64) -> FleetCounts {
    FleetCounts { devices: phones(count), ..FleetCounts::default() }
}

fn at(minutes: i64) -> Timestamp {
    Timestamp(AT.0 + minutes * 60_000)
}

/// Notes what was counted of these and, if it is to be kept, a sample of it.
async fn note(
    store: &dyn Store,
    minutes: i64,
    newest: Vec<(Option<ProjectKey>, FleetCounts)>,
    (keep, forget_before): (bool, Timestamp),
) {
    let sample = newest.iter().map(|(project, counts)| (*project, counts.devices.clone()));
    let sample = if keep { sample.collect() } else { Vec::new() };
    let note = NoteCounts { at: at(minutes), newest, sample, forget_before };
    let written = write_as(store, &engine(), Write::NoteCounts(Box::new(note))).await;
    assert_eq!(written, Ok(Written::Done));
}

const KEEP: (bool, Timestamp) = (true, Timestamp(0));

async fn told(
    store: &dyn Store,
    principal: &Principal,
    project: Option<&str>,
    since: Timestamp,
) -> CountedFleet {
    let project = project.map(project_id);
    store.counted_fleet(principal, project.as_ref(), since).await.unwrap()
}

/// How many devices there were, by minute.
fn history(told: &CountedFleet) -> Vec<(i64, u64)> {
    let minute = |at: Timestamp| (at.0 - AT.0) / 60_000;
    told.history.iter().map(|(at, devices)| (minute(*at), devices.total())).collect()
}

pub(crate) async fn counts_are_told_to_who_may_see_them(store: &dyn Store) {
    let nothing = told(store, &engine(), None, Timestamp(0)).await;
    assert_eq!(nothing, CountedFleet::default());
    let (p, q) = (create_project(store, "p").await, create_project(store, "q").await);
    let r = create_project(store, "r").await;
    let mut of_p = fleet_of(1);
    of_p.rollouts.insert(request(1), RolloutCounts { succeeded: 3, failed: 1 });
    let first = vec![(Some(p), of_p.clone()), (Some(q), fleet_of(10)), (None, fleet_of(100))];
    note(store, 0, first, KEEP).await;
    note(store, 5, vec![(Some(q), fleet_of(20)), (None, fleet_of(200))], (false, at(100))).await;
    let third = vec![(Some(q), fleet_of(30)), (Some(p), of_p.clone()), (None, fleet_of(300))];
    note(store, 10, third, KEEP).await;
    note(store, 11, vec![(None, fleet_of(300))], KEEP).await;

    let all = told(store, &engine(), None, Timestamp(0)).await;
    assert_eq!((all.at, all.counts.clone()), (Some(at(11)), fleet_of(300)));
    assert_eq!(history(&all), [(0, 100), (10, 300), (11, 300)]);
    assert_eq!(history(&told(store, &engine(), None, at(10)).await), [(10, 300), (11, 300)]);
    let of_p_alone = told(store, &engine(), Some("p"), Timestamp(0)).await;
    assert_eq!((of_p_alone.at, of_p_alone.counts.clone()), (Some(at(11)), of_p.clone()));
    assert_eq!(history(&of_p_alone), [(0, 1), (10, 1)]);

    let client = Principal::client(q, "AK");
    for project in [Some("q"), None] {
        let mine = told(store, &client, project, Timestamp(0)).await;
        assert_eq!((mine.at, mine.counts.clone()), (Some(at(11)), fleet_of(30)));
        assert_eq!(history(&mine), [(0, 10), (10, 30)]);
    }
    assert_eq!(told(store, &client, Some("p"), Timestamp(0)).await, CountedFleet::default());
    let both = told(store, &Principal::user("anna", vec![p, q, r]), None, Timestamp(0)).await;
    assert_eq!((both.counts.devices.total(), both.counts.rollouts.len()), (31, 1));
    assert_eq!(history(&both), [(0, 11), (10, 31)]);
    let none = told(store, &Principal::user("ben", vec![]), None, Timestamp(0)).await;
    assert_eq!((none.counts, none.history), (FleetCounts::default(), Vec::new()));
}

pub(crate) async fn old_counts_are_forgotten_some_at_a_time(store: &dyn Store) {
    let p = create_project(store, "p").await;
    let both = |count| vec![(Some(p), fleet_of(count)), (None, fleet_of(count))];
    let more = i64::from(COUNTS_FORGOTTEN_PER_WRITE) / 2 + 10;
    for minutes in 0..more {
        note(store, minutes, both(1), KEEP).await;
    }
    let kept = async |of| told(store, &engine(), of, Timestamp(0)).await.history.len() as i64;
    assert_eq!((kept(Some("p")).await, kept(None).await), (more, more));
    note(store, more, both(2), (false, at(more))).await;
    assert_eq!(kept(None).await, more, "with a sample alone");
    note(store, more, both(2), (true, at(more))).await;
    let left = kept(Some("p")).await + kept(None).await;
    assert_eq!(left, 2 * (more + 1) - i64::from(COUNTS_FORGOTTEN_PER_WRITE) - 2);
    note(store, more, both(3), (true, at(more))).await;
    assert_eq!((kept(Some("p")).await, kept(None).await), (1, 1));
    let last = told(store, &engine(), Some("p"), Timestamp(0)).await;
    assert_eq!(history(&last), [(more, 3)], "of the same time the later one holds");
}

pub(crate) async fn counts_go_with_their_project(store: &dyn Store) {
    let (p, q) = (create_project(store, "p").await, create_project(store, "q").await);
    let all = || vec![(Some(p), fleet_of(1)), (Some(q), fleet_of(2)), (None, fleet_of(3))];
    note(store, 0, all(), KEEP).await;
    let delete = Write::DeleteProject(project_id("p"));
    assert_eq!(write_as(store, &Principal::admin(), delete).await, Ok(Written::Done));
    // Whoever counted had begun before.
    note(store, 1, all(), KEEP).await;
    let seen = Principal::user("anna", vec![p, q]);
    let told = told(store, &seen, None, Timestamp(0)).await;
    assert_eq!(told.counts, fleet_of(2));
    assert_eq!(history(&told), [(0, 2), (1, 2)]);
}

/// Ends the newest job of a device as failed, so long after [`AT`].
async fn fail(store: &dyn Store, project: ProjectKey, number: u64, of: DeviceKey, why: &Failure) {
    let job = accept_one(store, project, number, of, &[("a", "1")]).await.job;
    let revision = store.work(of).await.unwrap().unwrap().state.revision;
    let mut result = settle(of, fence(store, of).await, revision.0);
    result.at = at(i64::try_from(number).unwrap());
    result.ended = vec![ended(job, End::Failed { failure: why.clone() })];
    settled(store, result).await.unwrap();
}

async fn failures(
    store: &dyn Store,
    principal: &Principal,
    project: Option<&str>,
    since: i64,
) -> RecentFailures {
    let project = project.map(project_id);
    store.recent_failures(principal, project.as_ref(), at(since)).await.unwrap()
}

/// Of each reason how many failed, when the last did, and the devices that are named.
fn shortly(found: &RecentFailures) -> Vec<(u64, i64, Vec<&str>)> {
    let minute = |at: Timestamp| (at.0 - AT.0) / 60_000;
    let reasons = found.reasons.iter().map(|reason| {
        let devices = reason.newest.iter().map(|failed| failed.device.as_str());
        (reason.jobs, minute(reason.last_at), devices.collect())
    });
    reasons.collect()
}

pub(crate) async fn the_newest_failures_are_told_by_reason(store: &dyn Store) {
    let (p, keys) = fleet(store, 6).await;
    let q = create_project(store, "q").await;
    let theirs = import_new(store, vec![new_device("q", "phone-9")]).await[0];
    let refused = Failure::Refused { name: "a".to_owned(), detail: "汉 \" \\ '\u{0}".to_owned() };
    // Behind a colon devices tell of times of their own.
    let late = |why: &str| Failure::DeadlinePassed { trouble: why.to_owned() };
    let after_2_s = late("gone: after 2 s");
    assert_eq!(failures(store, &engine(), None, 0).await, RecentFailures::default());
    // A job that is open, and one that has succeeded.
    accept_one(store, p, 1, keys[5], &[("a", "1")]).await;
    accept_one(store, p, 2, keys[4], &[("a", "1")]).await;
    settle_all(store, keys[4]).await;
    for (number, device, why) in [
        (10, 0, &refused),
        (11, 1, &after_2_s),
        (12, 1, &refused),
        (13, 0, &refused),
        (14, 2, &refused),
        (15, 3, &refused),
    ] {
        fail(store, p, number, keys[device], why).await;
    }
    fail(store, q, 16, theirs, &late("gone")).await;

    let of_p = failures(store, &engine(), Some("p"), 0).await;
    assert_eq!((of_p.counted, of_p.more), (6, false));
    assert_eq!(
        shortly(&of_p),
        [(5, 15, vec!["phone-3", "phone-2", "phone-0"]), (1, 11, vec!["phone-1"])]
    );
    assert_eq!((&of_p.reasons[0].failure, &of_p.reasons[1].failure), (&refused, &late("gone")));
    let last = &of_p.reasons[0].newest[0];
    assert_eq!((&last.project, last.at), (&project_id("p"), at(15)));
    assert_eq!(last.job.request(), request(15));
    assert_eq!(of_p.reasons[0].newest.len(), FAILURE_REASON_DEVICES_MAX as usize);
    let lately = failures(store, &engine(), Some("p"), 13).await;
    assert_eq!(shortly(&lately), [(3, 15, vec!["phone-3", "phone-2", "phone-0"])]);
    assert_eq!(failures(store, &engine(), Some("p"), 17).await.counted, 0);

    let both = Principal::user("anna", vec![p, q]);
    for principal in [&engine(), &both] {
        let all = failures(store, principal, None, 0).await;
        assert_eq!(all.counted, 7);
        let found = shortly(&all);
        assert_eq!(found[1], (2, 16, vec!["phone-9", "phone-1"]), "{found:?}");
    }
    let client = Principal::client(q, "AK");
    assert_eq!(failures(store, &client, None, 0).await.counted, 1);
    assert_eq!(failures(store, &client, Some("p"), 0).await, RecentFailures::default());
    let none = Principal::user("ben", vec![]);
    assert_eq!(failures(store, &none, None, 0).await, RecentFailures::default());

    // What is deleted is named by the id that it had.
    delete_device(store, "phone-3").await;
    let named = failures(store, &engine(), Some("p"), 15).await;
    assert_eq!(shortly(&named)[0].2, ["phone-3"]);
}
