//! Any node answers any call with the truth, whichever node brought it about.

use std::time::Duration;

use serde_json::json;

use crate::harness::phones::PROJECT;
use crate::harness::{Cluster, PATIENCE, Phones, Start, wait_until};

/// How long a node may take to hear of what another has changed, where it keeps a copy of its own.
const HEARSAY: Duration = Duration::from_secs(5);

const NAME: &str = "sys.prop.writephonenum";

#[test]
fn an_update_is_in_every_nodes_answers_at_once() {
    let cluster = Cluster::start(3, &Start::default());
    let (phones, key) = cluster.with_phones(Phones::of(12));
    for round in 0..10 {
        let by = round % 3;
        let entries: Vec<_> = (0..12).map(|phone| phones.id(phone)).collect();
        let entries: Vec<_> =
            entries.iter().map(|id| (id.as_str(), json!({NAME: format!("{round}")}))).collect();
        let answer = cluster.cph(by, &key).try_update(&entries).unwrap().ok();
        let request = answer["request_id"].as_str().expect("a request").to_owned();
        for node in 0..3 {
            // At once: no waiting here.
            let jobs = cluster.cph(node, &key).jobs_of(&request);
            assert_eq!(jobs.len(), 12, "update by node {by}, asked of node {node}");
        }
    }
    // All of it arrives, whichever node accepted it and whichever owns the phone.
    for phone in 0..12 {
        wait_until("the last value", PATIENCE, || phones.get(phone, NAME).as_deref() == Some("9"));
    }
}

#[test]
fn an_update_by_one_node_wakes_the_lane_on_another() {
    let cluster = Cluster::start(3, &Start::default());
    let (phones, key) = cluster.with_phones(Phones::of(24));
    for by in 0..3 {
        let cph = cluster.cph(by, &key);
        let watch = crate::harness::Stopwatch::start();
        for phone in 0..24 {
            cph.update(&phones.id(phone), json!({NAME: format!("10{by}")}));
        }
        for phone in 0..24 {
            let value = format!("10{by}");
            wait_until("the value", PATIENCE, || phones.get(phone, NAME) == Some(value.clone()));
        }
        println!("24 phones of three nodes, updated by node {by}, in {:?}", watch.elapsed());
        // The rescan, which finds what an event lost, comes once a minute.
        assert!(watch.elapsed() < PATIENCE, "the lanes were not woken");
    }
}

#[test]
fn what_one_node_forbids_no_other_allows() {
    let cluster = Cluster::start(3, &Start::default());
    let (phones, key) = cluster.with_phones(Phones::of(2));
    let list = |node: usize| {
        let target = format!("/v1/{PROJECT}/cloud-phone/phones");
        cluster.cph(node, &key).call(&http::Method::GET, &target, &[]).unwrap().status
    };
    // Each node has met the key, and keeps what it has met.
    assert_eq!([list(0), list(1), list(2)], [200; 3]);

    // Revoked by one, refused by all.
    let native = cluster.nodes[0].native();
    native.call(&http::Method::DELETE, &format!("/api/v1/keys/{}", key.ak), &json!({})).unwrap();
    for node in 0..3 {
        wait_until("the key to be refused", HEARSAY, || list(node) == 401);
    }

    // A device that one deletes is unknown to all at once.
    let id = phones.id(0);
    let answer = native.call(&http::Method::DELETE, &format!("/api/v1/devices/{id}"), &json!({}));
    assert!(answer.is_ok_and(|answer| (200..300).contains(&answer.status)));
    for node in &cluster.nodes {
        let target = format!("/api/v1/devices/{id}");
        let answer = node.native().call(&http::Method::GET, &target, &json!(null)).unwrap();
        assert_eq!(answer.status, 404, "{}", answer.text);
    }
}

#[test]
fn what_one_node_pauses_all_let_rest() {
    let cluster = Cluster::start(3, &Start::default());
    let (phones, key) = cluster.with_phones(Phones::of(12));
    cluster.nodes[1].native().put("/api/v1/settings", &json!({"paused": true}));
    for node in &cluster.nodes {
        wait_until("the pause to be known", HEARSAY, || {
            node.native().get("/api/v1/settings")["paused"] == true
        });
    }
    // Every node's lanes hear of it within the time that hearsay takes.
    crate::harness::waiting::pause(HEARSAY);
    let before: u64 = (0..12).map(|phone| phones.applications(phone)).sum();
    for phone in 0..12 {
        cluster.cph(phone % 3, &key).update(&phones.id(phone), json!({NAME: "555"}));
    }
    crate::harness::waiting::pause(HEARSAY);
    let after: u64 = (0..12).map(|phone| phones.applications(phone)).sum();
    assert_eq!(after, before, "something was done on a phone");

    cluster.nodes[2].native().put("/api/v1/settings", &json!({"paused": false}));
    for phone in 0..12 {
        let shown = || phones.get(phone, NAME).as_deref() == Some("555");
        wait_until("the value", 2 * PATIENCE, shown);
    }
}
