//! Who may join, and what a node does by its roles.

use serde_json::Value;

use crate::harness::cluster::{LEASE, copy_keys, refused_start};
use crate::harness::postgres::PASSWORD;
use crate::harness::{
    Cli, Cluster, Native, PATIENCE, Postgres, Request, Server, Start, Stopwatch, wait_until,
};

#[test]
fn a_node_joins_with_the_first_ones_keys_alone() {
    let cluster = Cluster::start(1, &Start::default());
    let url = cluster.postgres().url();

    let stranger = tempfile::tempdir().unwrap();
    let said = refused_start(&stranger, &url, "stranger", "");
    assert!(said.contains("master-key") && said.contains("copy"), "{said}");
    assert!(!stranger.path().join("data/master-key").exists(), "it made a key of its own");

    let other = Server::start(&Start::default());
    copy_keys(&other.data(), &stranger.path().join("data"));
    let said = refused_start(&stranger, &url, "stranger", "");
    assert!(said.contains("master key"), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
}

#[test]
fn a_name_is_taken_while_its_node_lives() {
    let cluster = Cluster::start(1, &Start::default());
    let namesake = tempfile::tempdir().unwrap();
    copy_keys(&cluster.nodes[0].server.data(), &namesake.path().join("data"));
    let said = refused_start(&namesake, &cluster.postgres().url(), cluster.nodes[0].name(), "");
    assert!(said.contains("node-0") && said.contains("running already"), "{said}");
}

#[test]
fn a_node_that_was_killed_comes_back_at_once() {
    let mut cluster = Cluster::start(1, &Start::default());
    cluster.nodes[0].server.kill9();
    let watch = Stopwatch::start();
    cluster.nodes[0].restart();
    // Its own earlier session is no obstacle, and its shards are its own: it waits for no lease.
    let shared = cluster.wait_until_shared(&["node-0"], LEASE / 2);
    println!("all shards {shared:?} after the restart, itself {:?}", watch.elapsed());
    assert!(watch.elapsed() < LEASE * 4 / 5, "it waited for its own lease: {:?}", watch.elapsed());
    let state = cluster.state(0);
    assert_eq!(state["nodes"].as_array().map(Vec::len), Some(1), "{state}");
}

#[test]
fn a_node_whose_directory_was_cloned_ends_and_names_the_clone() {
    let cluster = Cluster::start(1, &Start::default());
    let first = &cluster.nodes[0].server;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    copy_keys(&first.data(), &data);
    std::fs::copy(first.data().join("node-id"), data.join("node-id")).unwrap();
    let (store, node) = (Some(cluster.postgres().url()), Some("node-0".to_owned()));
    let clone = Server::start_in(folder, &Start { store, node, ..Start::default() });

    wait_until("the first one to end", LEASE, || !first.is_running());
    let words = first.wait_for_line("fleetwright: ");
    let address = clone.address().to_string();
    assert!(words.contains("another process") && words.contains(&address), "{words}");
    cluster.wait_until_shared(&["node-0"], LEASE);
    assert_eq!(Request::new("GET", "/readyz").send(clone.address()).status, 200);
    assert!(!clone.has_said("beginning anew"), "the first one has ended what is not its own");
}

#[test]
fn a_node_without_its_store_says_so_and_not_where_that_is() {
    let cluster = Cluster::start(1, &Start::default());
    let (node, native) = (&cluster.nodes[0], cluster.nodes[0].native());
    let readyz = || Request::new("GET", "/readyz").send(node.server.address());
    assert_eq!(readyz().status, 200);
    wait_until("the metric to say so", PATIENCE, || native.metric("fleetwright_ready") > 0.5);
    node.link().cut();
    wait_until("the node not to be ready", PATIENCE, || readyz().status == 503);
    wait_until("the metric to say so", LEASE / 2, || native.metric("fleetwright_ready") < 0.5);
    let said = readyz().text;
    for secret in ["127.0.0.1", &node.link().port().to_string(), PASSWORD] {
        assert!(!said.contains(secret), "{said}");
    }
    node.link().mend();
    wait_until("the node to be ready again", PATIENCE, || readyz().status == 200);
    wait_until("the metric to say so", PATIENCE, || native.metric("fleetwright_ready") > 0.5);
}

#[test]
fn a_store_that_can_not_be_used_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut postgres = Postgres::start();

    let said = refused_start(&folder, &postgres.url().replace(PASSWORD, "wrong"), "node", "");
    assert!(said.contains("password") && !said.contains("wrong@"), "{said}");

    // A role that may connect and no more.
    postgres.sql(
        "CREATE ROLE guest LOGIN PASSWORD 'guest'; REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    );
    let guest = format!("postgres://guest:guest@127.0.0.1:{}/postgres", postgres.port());
    let said = refused_start(&folder, &guest, "node", "");
    assert!(said.contains("guest") && said.contains("CREATE"), "{said}");

    let standby = postgres.standby("standby", postgres.port());
    let said = refused_start(&folder, &standby.url(), "node", "");
    assert!(said.contains("standby") || said.contains("read-only"), "{said}");

    let demands = "[postgres]\nsynchronous_standby = true\n";
    let said = refused_start(&folder, &postgres.url(), "node", demands);
    assert!(said.contains("synchronous"), "{said}");

    postgres.stop();
    let said = refused_start(&folder, &postgres.url(), "node", "");
    assert!(said.contains("127.0.0.1"), "it does not say where nobody answers: {said}");
}

#[test]
fn a_node_that_would_do_nothing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    // No store is asked: it is the configuration that is wrong.
    let url = "postgres://nobody@127.0.0.1:1/none";
    let said = refused_start(&folder, url, "idle", "[cluster]\nroles = ['sip']\n");
    assert!(said.contains("the role \"sip\" does nothing"), "{said}");
    let away = "postgres://nobody@192.0.2.1/none";
    let said = refused_start(&folder, away, "idle", "");
    assert!(said.contains("postgres.tls"), "it would speak in the clear: {said}");
    assert!(!folder.path().join("data").exists(), "it made a data directory");
}

#[test]
fn a_node_does_what_its_roles_say() {
    let mut cluster = Cluster::start(1, &Start::default());
    cluster.join("worker", &Start { roles: Some("engine"), ..Start::default() });
    cluster.join("door", &Start { roles: Some("api"), ..Start::default() });
    cluster.wait_until_balanced();
    let shards = cluster.shards();
    let of = |name: &str| shards.iter().find(|(node, _)| node == name).expect("a node").1;
    assert_eq!((of("node-0"), of("worker"), of("door")), (128, 128, 0), "{shards:?}");

    let worker = cluster.nodes[1].server.address();
    for target in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(Request::new("GET", target).send(worker).status, 200, "{target}");
    }
    let native = Native::new(worker, &cluster.nodes[1].server.admin_token());
    let answer = native.call(&http::Method::GET, "/api/v1/projects", &Value::Null).unwrap();
    assert_eq!(answer.status, 404, "{}", answer.text);

    let cli = Cli::new(&cluster.nodes[2].server);
    let table = cli.run(&["cluster", "status"]).ok();
    for word in ["node-0", "worker", "door", "PostgreSQL 15"] {
        assert!(table.contains(word), "{word} is missing: {table}");
    }
    let state: Value =
        serde_json::from_str(&cli.run(&["cluster", "status", "--json"]).ok()).unwrap();
    let nodes = state["nodes"].as_array().expect("nodes");
    assert_eq!(nodes.len(), 3, "{state}");
    assert!(!state.to_string().contains(PASSWORD), "{state}");
}
