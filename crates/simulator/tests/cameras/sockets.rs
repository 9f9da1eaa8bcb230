//! Fleets on UDP and TCP: who sends from where, and what control from outside does.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use simulator::camera::{Faults, Options as Camera, Transport};
use simulator::cameras::{Fleet, Options};
use simulator::control::{self, ControlAddress, ControlError};
use simulator::phones;

use super::registrar::Registrar;
use super::{PATIENCE, until};

/// A fleet at a registrar, registered.
async fn fleet(registrar: &Registrar, transport: Transport, options: Options) -> Fleet {
    let server = match transport {
        Transport::Udp => registrar.udp,
        Transport::Tcp => registrar.tcp,
    };
    let camera = Camera {
        server,
        transport,
        retry: Duration::from_millis(200),
        t1: Duration::from_millis(100),
        ..options.camera
    };
    let fleet = Fleet::start(Options { camera, ..options }).await.unwrap();
    tokio::time::timeout(2 * PATIENCE, fleet.all_registered()).await.unwrap();
    fleet
}

#[tokio::test(flavor = "multi_thread")]
async fn one_control_serves_phones_and_cameras() {
    let registrar = Registrar::start().await;
    let cameras = fleet(&registrar, Transport::Udp, Options::default()).await;
    let phones = phones::Fleet::start(phones::Options::default()).await.unwrap();
    let any: ControlAddress = "127.0.0.1:0".parse().unwrap();
    let control = phones.control_beside(&cameras, &any).await.unwrap();
    let ask = async |words: &[&str]| control::ask(control.address(), words).await;
    let phone = phones.phone(0).unwrap();
    let camera = "34020000001320000001";

    ask(&["fault", phone.id(), "away"]).await.unwrap();
    assert!(phone.faults().refuse);
    ask(&["fault", "phone-0001", r#"{"clock_ahead": 5}"#]).await.unwrap();
    assert_eq!(phone.faults(), phones::Faults { clock_ahead: 5, ..Default::default() });
    ask(&["clear", phone.id()]).await.unwrap();
    assert_eq!(phone.faults(), phones::Faults::default());

    ask(&["fault", camera, "silent"]).await.unwrap();
    assert!(cameras.held(camera).unwrap().faults.silence);
    ask(&["clear", "all"]).await.unwrap();
    assert_eq!(cameras.held(camera).unwrap().faults, Faults::default());

    for (words, reason) in [
        (["fault", "nobody", "away"], "no phone and no camera nobody"),
        (["fault", camera, "away"], "is no fault; silent, "),
        (["fault", "phone-0001", "{}x"], "no faults: "),
        (["fault", "phone-0001", "gone"], "is no fault; away, "),
    ] {
        let Err(ControlError::Refused(said)) = ask(&words).await else { panic!("{words:?}") };
        assert!(said.contains(reason), "{said}");
    }
}

fn rename(id: &str, name: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Control><CmdType>DeviceConfig</CmdType>\
         <SN>9</SN><DeviceID>{id}</DeviceID><BasicParam><Name>{name}</Name></BasicParam></Control>"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn many_cameras_share_few_ports_and_are_told_apart() {
    let registrar = Registrar::start().await;
    let options = Options { count: 300, ports_max: 7, ..Options::default() };
    let fleet = fleet(&registrar, Transport::Udp, options).await;
    let progress = fleet.progress();
    assert_eq!((progress.registered, progress.able, progress.waiting), (300, 300, 0));
    let registers = registrar.heard(|heard| heard.method() == "REGISTER");
    let ports: BTreeSet<_> = registers.iter().map(|heard| heard.from).collect();
    assert_eq!(ports.len(), 7);
    let users: BTreeSet<_> = registers.iter().map(|heard| heard.user().to_owned()).collect();
    assert_eq!(users, fleet.ids().map(str::to_owned).collect());

    // One of those that share a port is renamed, and no other.
    let id = "34020000001320000123";
    let at = registers.iter().find(|heard| heard.user() == id).unwrap().from;
    registrar.send(at, id, &rename(id, "x")).await;
    let answered = || {
        let result = "<Result>OK</Result>";
        registrar.heard(|heard| heard.text.contains(result) && heard.user() == id).len() == 1
    };
    until("an answer", answered).await;
    let renamed: Vec<_> = fleet.ids().filter(|id| fleet.held(id).unwrap().name == "x").collect();
    assert_eq!(renamed, [id]);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tcp_each_camera_has_a_connection_and_comes_back_when_it_is_lost() {
    let registrar = Registrar::start().await;
    let options = Options { count: 20, ..Options::default() };
    let fleet = fleet(&registrar, Transport::Tcp, options).await;
    let id = "34020000001320000005";
    let from = || {
        let of = |heard: &_| super::registrar::Heard::user(heard) == id;
        registrar.heard(of).last().unwrap().from
    };
    let at = from();
    assert_eq!(registrar.heard(|heard| heard.from == at).len(), 2);
    registrar.send(at, id, &rename(id, "y")).await;
    until("the name", || fleet.held(id).unwrap().name == "y").await;
    registrar.hang_up(at);
    until("another connection", || from() != at).await;
    until("it is registered", || fleet.held(id).unwrap().state == "registered").await;
    assert_eq!(fleet.held(id).unwrap().counts.registrations, 2);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_moves_to_another_port_or_address_without_registering() {
    let registrar = Registrar::start().await;
    let mut number = 0;
    for transport in [Transport::Udp, Transport::Tcp] {
        for (json, same_address) in [("changed_port", true), ("changed_address", false)] {
            number += 1;
            let first_id = format!("340200000013200{number:05}");
            let camera = Camera { keepalive_seconds: 1, ..Camera::default() };
            let options = Options { first_id: first_id.clone(), camera, ..Options::default() };
            let fleet = fleet(&registrar, transport, options).await;
            let faults: Faults = serde_json::from_str(&format!("{{\"{json}\":true}}")).unwrap();
            fleet.with(&first_id, |camera, _| camera.set_faults(faults)).unwrap();
            let of = |method: &'static str| {
                let id = first_id.clone();
                registrar.heard(move |heard| heard.user() == id && heard.method() == method)
            };
            let home = of("REGISTER")[0].from;
            until("a keepalive from elsewhere", || {
                of("MESSAGE").iter().any(|heard| heard.from != home)
            })
            .await;
            let moved = of("MESSAGE").last().unwrap().from;
            assert_eq!(moved.ip() == home.ip(), same_address, "{moved} {transport}");
            assert_eq!(of("REGISTER").len(), 2);
            assert_eq!(fleet.held(&first_id).unwrap().address, Some(moved));
            // It hears there, too.
            registrar.send(moved, &first_id, &rename(&first_id, "z")).await;
            until("the name", || fleet.held(&first_id).unwrap().name == "z").await;
            fleet.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cameras_are_controlled_from_outside() {
    let registrar = Registrar::start().await;
    // It does not boot by itself within the time of this test.
    let boot = Duration::from_secs(3_600);
    let camera = Camera { recorder: Some(32), boot, ..Camera::default() };
    let options = Options { count: 2, camera, ..Options::default() };
    let fleet = fleet(&registrar, Transport::Udp, options).await;
    let any: ControlAddress = "127.0.0.1:0".parse().unwrap();
    let control = fleet.control(&any).await.unwrap();
    let ask = async |words: &[&str]| control::ask(control.address(), words).await;
    let id = "34020000001320000001";
    let show =
        async || -> Value { serde_json::from_str(&ask(&["show", id]).await.unwrap()).unwrap() };

    let channel = "34020000001310000032";
    assert_eq!(ask(&["set-name", id, "东门 1"]).await.unwrap(), "");
    ask(&["set-name", &format!("{id}/{channel}"), "萳园"]).await.unwrap();
    ask(&["fault", "all", r#"{ "late_answers": {"ms": 5} }"#]).await.unwrap();
    let held = show().await;
    assert_eq!((&held["id"], &held["name"]), (&id.into(), &"东门 1".into()));
    assert_eq!(held["channels"].as_array().unwrap().len(), 32);
    assert_eq!(held["channels"][31], serde_json::json!({"id": channel, "name": "萳园"}));
    assert_eq!(held["faults"]["late_answers"]["ms"], 5);
    assert_eq!((&held["state"], &held["last_status"]), (&"registered".into(), &200.into()));
    assert_eq!(held["device_configs"], 0);

    ask(&["set-password", id, "87654321"]).await.unwrap();
    let sum = "e24df920078c3dd4e7e8d2442f00e5c9ab2a231bb3918d65cc50906e49ecaef4";
    assert_eq!(show().await["password_sha256"], sum);
    until("it registers with that", || fleet.held(id).unwrap().counts.registrations == 2).await;
    ask(&["restart", id]).await.unwrap();
    assert_eq!(show().await["state"], "booting");
    ask(&["register", id]).await.unwrap();
    until("it is back", || fleet.held(id).unwrap().counts.registrations == 3).await;
    ask(&["register", id]).await.unwrap();
    until("a refresh", || fleet.held(id).unwrap().counts.registrations == 4).await;
    ask(&["set-user", id, "gate", "87654321"]).await.unwrap();
    assert_eq!(
        (&show().await["user"], &show().await["password_sha256"]),
        (&"gate".into(), &sum.into())
    );
    until("it registers as that", || fleet.held(id).unwrap().counts.registrations == 5).await;
    assert_eq!(show().await["refusals"], 0);
    ask(&["unregister", "all"]).await.unwrap();
    until("they are off", || fleet.ids().all(|id| fleet.held(id).unwrap().state == "off")).await;
    assert_eq!(fleet.progress().registered, 0);
    ask(&["start", id]).await.unwrap();
    until("it is on", || fleet.held(id).unwrap().state == "registered").await;
    ask(&["stop", id]).await.unwrap();
    assert_eq!(show().await["state"], "off");

    for bad in [
        &["show", "all"][..],
        &["show", "34020000001320000009"],
        &["set-name", id],
        &["set-user", id],
        &["set-name", "34020000001320000001/34020000001310000033", "x"],
        &["fault", id, r#"{"silent":true}"#],
        &["stop", id, "now"],
        &["explode", id],
        &["show"],
    ] {
        let refused = ask(bad).await;
        assert!(matches!(refused, Err(ControlError::Refused(_))), "{bad:?}: {refused:?}");
    }
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_with_faults_is_complete_when_all_are_there_that_can_be() {
    let registrar = Registrar::start().await;
    let faults = simulator::camera::FaultMix { seed: 3, share: 0.5 };
    let options = Options { count: 60, faults: Some(faults), ..Options::default() };
    let fleet = fleet(&registrar, Transport::Udp, options).await;
    let able = fleet.progress().able;
    assert!((40..60).contains(&able), "{able}");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_cameras_cost_a_few_hundred_file_descriptors() {
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let registrar = Registrar::start().await;
    let before = open();
    let options =
        Options { count: 20_000, ports_max: 400, register_rate: 4000, ..Options::default() };
    let fleet = fleet(&registrar, Transport::Udp, options).await;
    assert_eq!(fleet.progress().registered, 20_000);
    assert!((400..410).contains(&(open() - before)), "{}", open() - before);
    fleet.stop().await;
    until("all sockets are closed", || open() <= before).await;
}
