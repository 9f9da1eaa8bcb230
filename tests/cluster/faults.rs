//! Nodes and the store's servers that are killed, stopped and cut off under mixed load. Nothing
//! answered is lost, no effect comes out of order, no stale write is taken, and no job is stuck for
//! longer than a lease, one action's time-out and five seconds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::history;
use super::load::{self, Ledger, PROPERTY};
use crate::harness::cluster::{ACTION, LEASE};
use crate::harness::waiting::pause;
use crate::harness::{Cluster, Key, PATIENCE, Phones, Start, Stopwatch, wait_until};

/// Phones under load.
const PHONES: usize = 9;

/// How long each phone takes to answer: so that answered jobs are unfinished at every instant.
const SLOW: Duration = Duration::from_millis(25);

/// How long no job may be stuck after a fault.
const STUCK_MAX: Duration = LEASE.saturating_add(ACTION).saturating_add(Duration::from_secs(5));

/// Longer than a lease: whoever is away for so long has lost its shards.
const PAST_THE_LEASE: Duration = LEASE.saturating_add(Duration::from_secs(3));

/// How many times a node is stopped past its lease, two of three at a time.
const STOPS: usize = 20;

/// Shorter than a lease.
const SHORT: Duration = Duration::from_secs(3);

#[test]
fn a_node_is_killed() {
    trial(1, 0, |cluster, answered| {
        under_way(answered);
        cluster.nodes[1].server.kill9();
        let shared = cluster.wait_until_shared(&["node-0", "node-2"], STUCK_MAX);
        println!("shards were shared anew {shared:?} after the kill");
        assert!(shared <= LEASE + Duration::from_secs(5), "{shared:?}");
        under_way(answered);
    });
}

#[test]
fn nodes_are_stopped_past_their_leases_and_go_on() {
    // What each had in flight when it was stopped may land when it goes on.
    trial(2, STOPS, |cluster, answered| {
        for stop in 0..STOPS / 2 {
            let stays = stop % 3;
            let stopped = [(stays + 1) % 3, (stays + 2) % 3];
            under_way(answered);
            stopped.iter().for_each(|node| cluster.nodes[*node].server.signal("STOP"));
            pause(PAST_THE_LEASE);
            cluster.wait_until_shared(&[&format!("node-{stays}")], STUCK_MAX);
            stopped.iter().for_each(|node| cluster.nodes[*node].server.signal("CONT"));
            under_way(answered);
            cluster.wait_until_balanced();
        }
    });
}

#[test]
fn a_node_is_cut_off_from_the_store_past_its_lease() {
    trial(3, 1, |cluster, answered| {
        under_way(answered);
        cluster.nodes[0].link().cut();
        pause(PAST_THE_LEASE);
        cluster.wait_until_shared(&["node-1", "node-2"], STUCK_MAX);
        cluster.nodes[0].link().mend();
        under_way(answered);
        cluster.wait_until_balanced();
    });
}

#[test]
fn nodes_are_cut_off_from_the_store_for_a_moment() {
    trial(4, 0, |cluster, answered| {
        for node in [0, 1, 2, 0, 1, 2] {
            under_way(answered);
            if node % 2 == 0 {
                cluster.nodes[node].link().cut();
            } else {
                cluster.nodes[node].link().refuse();
            }
            pause(SHORT / 3);
            cluster.nodes[node].link().mend();
        }
        under_way(answered);
        cluster.wait_until_balanced();
    });
}

#[test]
fn the_primary_is_stopped_and_goes_on() {
    trial(5, 0, |cluster, answered| {
        under_way(answered);
        cluster.postgres().signal_all("STOP");
        pause(SHORT);
        cluster.postgres().signal_all("CONT");
        under_way(answered);
        cluster.wait_until_balanced();
    });
}

#[test]
fn the_primary_is_killed_and_started_again() {
    trial(6, 0, |cluster, answered| {
        for _ in 0..2 {
            under_way(answered);
            cluster.postgres_mut().kill9();
            pause(SHORT / 3);
            cluster.postgres_mut().run();
        }
        under_way(answered);
        cluster.wait_until_balanced();
    });
}

#[test]
fn the_standby_is_cut_off_and_comes_back() {
    trial(7, 0, |cluster, answered| {
        under_way(answered);
        let stream = cluster.stream.as_ref().expect("there is a standby");
        stream.cut();
        pause(SHORT);
        stream.mend();
        under_way(answered);
        cluster.wait_until_balanced();
    });
}

/// Waits until load has got through, twenty updates of it: the fault finds work under way, and all
/// is well again after it.
pub fn under_way(answered: &AtomicU64) {
    let before = answered.load(Ordering::Relaxed);
    wait_until("updates to be answered", STUCK_MAX + PATIENCE, || {
        answered.load(Ordering::Relaxed) >= before + 20
    });
}

/// Three nodes on a replicated store under load while `faults` does what it does; then the checks.
/// `late` is how many effects of each phone may come late: one action in flight for each time that
/// a node was away and came back.
fn trial(seed: u64, late: usize, faults: impl FnOnce(&mut Cluster, &AtomicU64)) {
    let mut cluster = Cluster::replicated(3, &Start::default());
    let (phones, key) = cluster.with_phones(Phones::of(PHONES).boot(Duration::ZERO));
    phones.slow_down(SLOW);
    let mut faulted = None;
    let ledger = load::beside(&mut cluster, &phones, &key, seed, |cluster, answered| {
        faults(cluster, answered);
        faulted = Some(Stopwatch::start());
    });
    finish(&cluster, &phones, &key, &ledger, late, faulted.expect("the load has ended"));
}

/// Waits until all work has ended, `since` the last fault was mended, and checks everything.
pub fn finish(
    cluster: &Cluster,
    phones: &Phones,
    key: &Key,
    ledger: &Ledger,
    late: usize,
    since: Stopwatch,
) {
    let living = cluster.nodes.iter().position(|node| node.server.is_running());
    let living = living.expect("a node that runs");
    settle(cluster, living, phones, since);
    check(cluster, living, phones, key, ledger, late);
}

/// Waits until no phone has work left.
fn settle(cluster: &Cluster, node: usize, phones: &Phones, since: Stopwatch) {
    let native = cluster.nodes[node].native();
    for phone in 0..phones.count() {
        let id = phones.id(phone);
        wait_until("all jobs of a phone to end", STUCK_MAX, || {
            native.device(&id)["open_jobs"].as_array().is_some_and(Vec::is_empty)
        });
    }
    println!("all jobs had ended {:?} after the load", since.elapsed());
    assert!(since.elapsed() < STUCK_MAX, "{:?}", since.elapsed());
}

/// Everything that must hold at the end.
fn check(cluster: &Cluster, node: usize, phones: &Phones, key: &Key, ledger: &Ledger, late: usize) {
    let (native, cph) = (cluster.nodes[node].native(), cluster.cph(node, key));
    let unanswered = ledger.sent.iter().filter(|sent| sent.job.is_none()).count();
    println!(
        "{} values sent, {unanswered} of unknown fate, {} reads; the longest time without a good \
         answer was {:?}",
        ledger.sent.len(),
        ledger.reads.len(),
        ledger.gap
    );
    for sent in ledger.sent.iter().filter(|sent| sent.job.is_some()) {
        let job = sent.job.expect("checked").to_string();
        assert_eq!(cph.job(&job)["status"], 2, "job {job} of {sent:?}");
    }
    let revision_of = |sent: &load::Sent| {
        let job = native.job(&sent.job.expect("answered").to_string());
        job["revision"].as_i64().expect("a revision")
    };
    for phone in 0..phones.count() {
        let order = history::claimed(ledger, phone, revision_of);
        let reads: Vec<load::Read> =
            ledger.reads.iter().filter(|read| read.phone == phone).cloned().collect();
        assert_eq!(history::faults(&order, &reads), Vec::<String>::new(), "phone {phone}");
        let sets: Vec<u64> = phones
            .sets_of(phone, PROPERTY)
            .iter()
            .map(|value| value.parse().expect("a number"))
            .collect();
        let wrong = history::out_of_order(&order, &sets);
        assert!(wrong.len() <= late, "phone {phone} was set out of order: {wrong:?} of {sets:?}");
        if !wrong.is_empty() {
            println!("phone {phone}: an action in flight landed late: {wrong:?}");
        }
        ends_with_the_last(&native.device(&phones.id(phone)), phones, phone, &order);
    }
}

/// The phone is asked for what came last, and shows it.
fn ends_with_the_last(device: &Value, phones: &Phones, phone: usize, order: &[history::Placed]) {
    let desired = device["desired"][PROPERTY].as_str().and_then(|value| value.parse::<u64>().ok());
    let shown = phones.get(phone, PROPERTY).and_then(|value| value.parse::<u64>().ok());
    assert_eq!(shown, desired, "phone {phone} does not show what it is asked for");
    let last = order.last().expect("each phone was updated");
    let revision = device["revision"].as_i64().expect("a revision");
    if revision == last.revision {
        assert_eq!(desired, Some(last.value), "phone {phone}");
    } else {
        // One of those that were not answered came last.
        assert!(revision > last.revision, "phone {phone} is behind {last:?}: {device}");
    }
}
