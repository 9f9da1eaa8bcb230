//! What a node leaves behind, another takes up: at once if it went in order, after its lease if it
//! died.

use std::time::Duration;

use serde_json::json;

use crate::harness::cluster::{ACTION, LEASE};
use crate::harness::{Cluster, PATIENCE, Phones, Start, Stopwatch, wait_until};

const NAME: &str = "sys.prop.writephonenum";

/// A hand-over in order takes no longer.
const IN_ORDER: Duration = Duration::from_secs(2);

/// How many are made to see that.
const HAND_OVERS: usize = 3;

#[test]
fn a_clean_stop_hands_over_within_two_seconds() {
    let mut cluster = Cluster::start(3, &Start::default());
    let (phones, key) = cluster.with_phones(Phones::of(24));
    let hand_over = |cluster: &Cluster| {
        let stopped = Stopwatch::start();
        cluster.nodes[2].server.signal("TERM");
        cluster.wait_until_shared(&["node-0", "node-1"], PATIENCE);
        let shared = stopped.elapsed();
        println!("the shards had new owners after {shared:?}");
        shared
    };
    // What else the machine does makes it later, and never sooner: the quickest one tells.
    let mut shared = hand_over(&cluster);
    for _ in 1..HAND_OVERS {
        if shared < IN_ORDER {
            break;
        }
        wait_until("the node to end", PATIENCE, || !cluster.nodes[2].server.is_running());
        cluster.nodes[2].restart();
        cluster.wait_until_balanced();
        shared = hand_over(&cluster);
    }
    assert!(shared < IN_ORDER, "the shards had new owners after {shared:?}");

    let cph = cluster.cph(0, &key);
    let watch = Stopwatch::start();
    for phone in 0..24 {
        cph.update(&phones.id(phone), json!({NAME: "999"}));
    }
    for phone in 0..24 {
        let shown = || phones.get(phone, NAME).as_deref() == Some("999");
        wait_until("the value", PATIENCE, shown);
    }
    println!("shards moved in {shared:?}; all phones were updated {:?} later", watch.elapsed());
    // Nothing was in flight, so nobody waits for it.
    assert!(watch.elapsed() < ACTION, "{:?}", watch.elapsed());
}

#[test]
fn what_a_dead_node_left_is_taken_up_after_its_lease() {
    let cluster = Cluster::start(3, &Start::default());
    let (phones, key) = cluster.with_phones(Phones::of(24));
    cluster.nodes[2].server.kill9();
    let killed = Stopwatch::start();
    let cph = cluster.cph(0, &key);
    for phone in 0..24 {
        cph.update(&phones.id(phone), json!({NAME: "999"}));
    }
    let (mut first, mut last) = (None, Duration::ZERO);
    for phone in 0..24 {
        let shown = || phones.get(phone, NAME).as_deref() == Some("999");
        wait_until("the value", LEASE + ACTION + PATIENCE, shown);
        first.get_or_insert_with(|| killed.elapsed());
        last = killed.elapsed();
    }
    println!("first phone {first:?}, last one {last:?} after the kill");
    // Those of the dead node wait for its lease, and for what it may have had in flight.
    assert!(last > ACTION, "nobody waited for what was in flight: {last:?}");
    assert!(last < LEASE + ACTION + Duration::from_secs(5), "{last:?}");
}

#[test]
fn a_node_that_comes_gets_its_share() {
    let mut cluster = Cluster::start(1, &Start::default());
    let (phones, key) = cluster.with_phones(Phones::of(12));
    for (count, name) in [(2, "second"), (3, "third")] {
        cluster.join(name, &Start::default());
        cluster.wait_until_balanced();
        assert_eq!(cluster.shards().len(), count);
        let value = format!("1{count}");
        for phone in 0..12 {
            cluster.cph(count - 1, &key).update(&phones.id(phone), json!({NAME: value}));
        }
        for phone in 0..12 {
            let shown = || phones.get(phone, NAME).as_ref() == Some(&value);
            wait_until("the value", PATIENCE, shown);
        }
    }
}
