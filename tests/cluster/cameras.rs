//! Cameras and several nodes: the one that a camera is registered with works on it, whoever was
//! asked; and a nonce of one is a nonce of all.

use std::time::Duration;

use serde_json::json;

use crate::harness::cameras::record;
use crate::harness::phones::PROJECT;
use crate::harness::sip::{Line, Ua};
use crate::harness::site::import;
use crate::harness::{Cameras, Cluster, PATIENCE, Start, wait_until};

const ID: &str = "34020000001320000001";
const PASSWORD: &str = "12345678";

/// Three nodes that serve cameras, and a project for them.
fn cluster() -> Cluster {
    let cluster = Cluster::start(3, &Start::with_cameras());
    cluster.nodes[0].native().new_project(PROJECT);
    cluster
}

#[test]
fn the_node_that_a_camera_is_registered_with_works_on_it() {
    let cluster = cluster();
    // Two on each node.
    let fleets: Vec<Cameras> = (0..3)
        .map(|node| {
            let first = format!("3402000000132000{node}001");
            let plan = Cameras::of(2, cluster.nodes[node].server.sip()).first_id(&first);
            Cameras::meet(plan, &cluster.nodes[0].native())
        })
        .collect();
    for (by, node) in cluster.nodes.iter().enumerate() {
        let native = node.native();
        for fleet in &fleets {
            for id in fleet.ids() {
                native.wait_for_status(&id, "OnLine");
                let name = format!("named by {by}");
                native.succeeded(&native.ask(&id, &json!({"Name": name})));
                assert_eq!(fleet.held(&id).name, name);
            }
        }
    }
    let state = cluster.state(1);
    let bindings = state["nodes"].as_array().expect("nodes").iter();
    let bindings: Vec<_> = bindings.map(|node| node["bindings"].clone()).collect();
    assert_eq!(bindings, [json!(2), json!(2), json!(2)], "{state}");
}

#[test]
fn a_camera_that_registers_elsewhere_is_worked_on_there() {
    let mut cluster = cluster();
    let native = cluster.nodes[2].native();
    let plan = |node: usize| Cameras::of(1, cluster.nodes[node].server.sip()).first_id(ID);
    let first = Cameras::meet(plan(0), &native);
    native.succeeded(&native.ask(ID, &json!({"Name": "at the first"})));
    drop(first);

    let second = Cameras::start(plan(1));
    second.wait_until_registered(PATIENCE);
    native.succeeded(&native.ask(ID, &json!({"Name": "at the second"})));
    assert_eq!(second.held(ID).name, "at the second");

    // The node that it has left changes nothing any more, nor does its end.
    let status = cluster.nodes[0].server.terminate();
    assert!(status.success(), "{status}");
    native.succeeded(&native.ask(ID, &json!({"Name": "still at the second"})));
    assert_eq!(native.camera_status(ID), "OnLine");
    cluster.nodes[0].restart();
    native.succeeded(&native.ask(ID, &json!({"Name": "and still"})));
    assert_eq!(second.held(ID).name, "and still");
}

#[test]
fn a_camera_of_a_dead_node_is_worked_on_where_it_registers_next() {
    let cluster = cluster();
    let native = cluster.nodes[2].native();
    let plan = |node: usize| Cameras::of(1, cluster.nodes[node].server.sip()).first_id(ID);
    let first = Cameras::meet(plan(0), &native);
    cluster.nodes[0].server.kill9();
    drop(first);
    let job = native.ask(ID, &json!({"Name": "after the death"}));
    let second = Cameras::start(plan(1));
    second.wait_until_registered(PATIENCE);
    native.succeeded(&job);
    assert_eq!(second.held(ID).name, "after the death");
}

#[test]
fn a_nonce_of_one_node_is_good_with_all_and_good_once() {
    let cluster = cluster();
    let native = cluster.nodes[2].native();
    import(&native, &[record(ID, PASSWORD)]);
    let at = |node: usize| cluster.nodes[node].server.sip();

    // Challenged by one, registered with the other: what a load balancer does.
    let mut ua = Ua::new(ID, PASSWORD, Line::udp(at(0)));
    let challenge = ua.challenge();
    ua.line.turn_to(at(1));
    let authorization = ua.credentials(&challenge).header();
    let captured = ua.register_bytes(3600, Some(&authorization));
    assert_eq!(ua.exchange(&captured).status, Some(200));
    native.wait_for_status(ID, "OnLine");

    // The same again, byte for byte, with the others, which have never met it.
    for node in [0, 2] {
        ua.line.turn_to(at(node));
        let answer = ua.exchange(&captured);
        assert!(answer.challenge().is_stale, "{}", answer.text());
    }
    assert_eq!(cluster.nodes[0].native().camera_status(ID), "OnLine");
}

#[test]
fn a_new_password_holds_with_every_node() {
    let cluster = cluster();
    let native = cluster.nodes[2].native();
    import(&native, &[record(ID, PASSWORD)]);
    // Every node has met the camera, and keeps what it registers with.
    let mut uas: Vec<Ua> = cluster
        .nodes
        .iter()
        .map(|node| Ua::new(ID, PASSWORD, Line::udp(node.server.sip())))
        .collect();
    for ua in &mut uas {
        assert_eq!(ua.register(3600).status, Some(200));
    }
    native.put(&format!("/api/v1/devices/{ID}/credentials"), &json!({"password": "87654321"}));
    for ua in &mut uas {
        wait_until("the old password to be refused", Duration::from_secs(5), || {
            ua.register(3600).status == Some(401)
        });
        ua.password = "87654321".to_owned();
        assert_eq!(ua.register(3600).status, Some(200));
    }
}
