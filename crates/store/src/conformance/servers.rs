//! The hosts that phones live on.

use fleet::{Facts, Principal, Timestamp};

use super::fixture::*;
use crate::write::{ImportDevices, ImportedDevice, RenameServer};
use crate::{Refused, Server, ServerFilter, Store, Write, Written};

fn on_server(project: &str, id: &str, server: &str) -> ImportedDevice {
    let mut device = new_device(project, id);
    device.record.server = server.to_owned();
    device
}

fn rename(id: &str, name: &str) -> Write {
    let (id, name) = (id.to_owned(), name.to_owned());
    Write::RenameServer(RenameServer { project: project_id("p"), id, name, at: LATER })
}

async fn list(store: &dyn Store, filter: &ServerFilter, offset: u64, limit: u32) -> Vec<Server> {
    let found = store.servers(&engine(), &project_id("p"), filter, offset, limit).await.unwrap();
    found.items
}

async fn all(store: &dyn Store) -> Vec<Server> {
    list(store, &ServerFilter::default(), 0, 100).await
}

pub(crate) async fn records_make_servers(store: &dyn Store) {
    create_project(store, "p").await;
    create_project(store, "q").await;
    assert!(all(store).await.is_empty());
    let devices = vec![
        on_server("p", "a", "s-1"),
        on_server("p", "b", "s-1"),
        on_server("p", "c", ""),
        on_server("q", "d", "s-2"),
    ];
    write_as(store, &engine(), import(devices)).await.unwrap();
    let found = all(store).await;
    let first = Server {
        id: "s-1".to_owned(),
        name: "s-1".to_owned(),
        project_id: project_id("p"),
        devices: 2,
        model: None,
        created_at: AT,
        updated_at: AT,
    };
    assert_eq!(found, [first]);

    // A record that moves on names its new server, and leaves the old one.
    let moved = vec![on_server("p", "b", "s-3"), on_server("p", "e", "s-1")];
    let moved = Write::ImportDevices(ImportDevices { devices: moved, only_new: false, at: LATER });
    write_as(store, &engine(), moved).await.unwrap();
    let found = all(store).await;
    let seen: Vec<_> = found.iter().map(|s| (s.id.as_str(), s.devices, s.created_at)).collect();
    assert_eq!(seen, [("s-3", 1, LATER), ("s-1", 2, AT)]);
}

pub(crate) async fn a_server_has_the_model_of_most_of_its_phones(store: &dyn Store) {
    let (_, keys) = fleet(store, 4).await;
    for (key, model) in keys.iter().zip(["kvm", "pad", "pad"]) {
        let mut result = settle(*key, fence(store, *key).await, 0);
        result.facts = Some(Facts(values(&[(Facts::MODEL, model), (Facts::USER, "root")])));
        settled(store, result).await.unwrap();
        let expected = if *key == keys[2] { "pad" } else { "kvm" };
        assert_eq!(all(store).await[0].model.as_deref(), Some(expected));
    }
    let mut result = settle(keys[3], fence(store, keys[3]).await, 0);
    result.facts = Some(Facts(values(&[(Facts::USER, "root")])));
    settled(store, result).await.unwrap();
    let found = all(store).await;
    assert_eq!((found[0].model.as_deref(), found[0].devices), (Some("pad"), 4));
}

pub(crate) async fn servers_are_filtered_and_paged(store: &dyn Store) {
    create_project(store, "p").await;
    for (number, server) in (0..).zip(["rack-A", "rack-b", "Tower", "100%_"]) {
        let devices = vec![on_server("p", &format!("phone-{number}"), server)];
        let at = Timestamp(AT.0 + number * 1_000);
        let import = Write::ImportDevices(ImportDevices { devices, only_new: false, at });
        write_as(store, &engine(), import).await.unwrap();
    }
    let ids = async |filter: ServerFilter, offset, limit| {
        let found = list(store, &filter, offset, limit).await;
        found.into_iter().map(|server| server.id).collect::<Vec<_>>()
    };
    let every = ServerFilter::default;
    assert_eq!(ids(every(), 0, 9).await, ["100%_", "Tower", "rack-b", "rack-A"]);
    assert_eq!(ids(every(), 1, 2).await, ["Tower", "rack-b"]);
    assert_eq!(ids(every(), 9, 2).await, [] as [&str; 0]);
    let counted = store.servers(&engine(), &project_id("p"), &every(), 3, 1).await.unwrap();
    assert_eq!((counted.items.len(), counted.total), (1, 4));
    let named = |name: &str| ServerFilter { name: Some(name.to_owned()), ..every() };
    assert_eq!(ids(named("RACK-"), 0, 9).await, ["rack-b", "rack-A"]);
    assert_eq!(ids(named("0%_"), 0, 9).await, ["100%_"]);
    assert_eq!(ids(named("k%b"), 0, 9).await, [] as [&str; 0]);
    let filter = ServerFilter { id: Some("Tower".to_owned()), ..every() };
    assert_eq!(ids(filter, 0, 9).await, ["Tower"]);
    let filter = ServerFilter {
        created_since: Some(Timestamp(AT.0 + 1_000)),
        created_until: Some(Timestamp(AT.0 + 2_000)),
        ..every()
    };
    assert_eq!(ids(filter, 0, 9).await, ["Tower", "rack-b"]);
    // A name that was given counts, not the id.
    write_as(store, &engine(), rename("Tower", "rack-c")).await.unwrap();
    assert_eq!(ids(named("rack-"), 0, 1).await, ["Tower"]);
    assert_eq!(ids(named("tower"), 0, 1).await, [] as [&str; 0]);
}

pub(crate) async fn a_server_keeps_its_name(store: &dyn Store) {
    create_project(store, "p").await;
    let import_on = async |server: &str| {
        let devices = vec![on_server("p", "a", server)];
        write_as(store, &engine(), import(devices)).await.unwrap();
    };
    import_on("s-1").await;
    assert_eq!(write_as(store, &engine(), rename("s-1", "机")).await, Ok(Written::Done));
    let named = all(store).await;
    assert_eq!((named[0].id.as_str(), named[0].name.as_str()), ("s-1", "机"));
    assert_eq!((named[0].created_at, named[0].updated_at), (AT, LATER));
    import_on("s-1").await;
    assert_eq!(all(store).await, named);

    // While no record names it there is none; its name is there for its return.
    import_on("s-2").await;
    assert_eq!(all(store).await[0].id, "s-2");
    let refused = write_as(store, &engine(), rename("s-1", "x")).await;
    assert_eq!(refused, Err(Refused::NoSuchServer("s-1".to_owned())));
    import_on("s-1").await;
    assert_eq!(all(store).await, named);
    import_on("").await;
    assert!(all(store).await.is_empty());
    let refused = write_as(store, &engine(), rename("", "x")).await;
    assert_eq!(refused, Err(Refused::NoSuchServer(String::new())));
}

pub(crate) async fn a_client_sees_its_own_servers_alone(store: &dyn Store) {
    let (own, _) = fleet(store, 1).await;
    let own = Principal::client(own, "AK");
    let stranger = Principal::client(create_project(store, "q").await, "AK");
    let filter = ServerFilter::default();
    let p = project_id("p");
    let found = store.servers(&own, &p, &filter, 0, 10).await.unwrap();
    assert_eq!((found.items.len(), found.total), (1, 1));
    let found = store.servers(&stranger, &p, &filter, 0, 10).await.unwrap();
    assert_eq!((found.items.len(), found.total), (0, 0));
    let refused = write_as(store, &stranger, rename("server-1", "x")).await;
    assert_eq!(refused, Err(Refused::NoSuchServer("server-1".to_owned())));
    assert_eq!(all(store).await[0].name, "server-1");
}
