//! What becomes of connections.

use std::sync::Arc;
use std::time::Duration;

use engine::{Action, Away, Driver, Report};
use phones::adb::{Adb, HostKey};
use phones::link::{LinkError, PhoneLink};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::support::{
    ENDLESS, KEPT, LIMIT, WIPED, adopt, device, faulty, phone, rig, set, simulated,
};

#[tokio::test]
async fn a_connection_lost_in_the_middle_is_renewed_in_the_same_action() {
    let (rig, fleet) = (rig(), simulated(|_| {}).await);
    let (phone, device) = (phone(&fleet), device(phone(&fleet).address()));
    rig.reach(&device, adopt(&[(KEPT, "a")])).await;
    phone
        .set_faults(faulty(|f| {
            f.drop_mid_script = Some(1);
            f.times = Some(1);
        }))
        .await;
    let reached = rig.reach(&device, set(&[(KEPT, "b"), (WIPED, "b")])).await;
    assert_eq!(reached.shown[KEPT].as_deref(), Some("b"));
    assert_eq!(reached.shown[WIPED].as_deref(), Some("b"));
    assert_eq!(phone.effects().changed[KEPT], 2, "sent twice, set once");
}

#[tokio::test]
async fn a_phone_that_restarts_in_the_middle_is_done_when_it_is_back() {
    let (rig, fleet) = (rig(), simulated(|_| {}).await);
    let (phone, device) = (phone(&fleet), device(phone(&fleet).address()));
    rig.reach(&device, adopt(&[(KEPT, "a")])).await;
    phone
        .set_faults(faulty(|f| {
            f.reboot_mid_script = Some(1);
            f.times = Some(1);
            f.boot = Some(ENDLESS);
        }))
        .await;
    let action = set(&[(KEPT, "b"), (WIPED, "b")]);
    let report = rig.run(&device, action.clone()).await;
    assert!(matches!(report, Report::Away(Away::Unreachable(_))), "{report:?}");
    phone.set_faults(faulty(|_| {})).await;
    phone.reboot().await;
    phone.booted().await;
    let reached = rig.reach(&device, action).await;
    assert_eq!(reached.shown[KEPT].as_deref(), Some("b"));
    assert_eq!(reached.shown[WIPED].as_deref(), Some("b"));
}

#[tokio::test]
async fn an_action_that_the_caller_gives_up_leaves_the_phone_usable() {
    let (rig, fleet) = (rig(), simulated(|_| {}).await);
    let (phone, device) = (phone(&fleet), device(phone(&fleet).address()));
    rig.reach(&device, adopt(&[(KEPT, "a")])).await;
    phone.set_faults(faulty(|f| f.slow = Some(Duration::from_secs(600)))).await;
    let slow = rig.phones.run(&device, set(&[(KEPT, "b")]));
    assert!(tokio::time::timeout(Duration::from_millis(200), slow).await.is_err());
    phone.set_faults(faulty(|_| {})).await;
    let reached = rig.reach(&device, set(&[(KEPT, "c")])).await;
    assert_eq!(reached.shown[KEPT].as_deref(), Some("c"));
}

#[tokio::test]
async fn the_end_of_a_watched_phone_is_told_at_once() {
    let (mut rig, fleet) = (rig(), simulated(|_| {}).await);
    let (phone, device) = (phone(&fleet), device(phone(&fleet).address()));
    rig.reach(&device, adopt(&[(KEPT, "a")])).await;
    rig.phones.watch(&device);
    assert!(rig.lost.try_recv().is_err());
    phone.power_off().await;
    let lost = tokio::time::timeout(LIMIT, rig.lost.recv()).await.unwrap();
    assert_eq!(lost, Some(device.key));
    let report = rig.run(&device, Action::default()).await;
    assert!(matches!(report, Report::Away(Away::Unreachable(_))), "{report:?}");
}

#[tokio::test]
async fn a_closed_driver_keeps_nothing() {
    let (mut rig, fleet) = (rig(), simulated(|_| {}).await);
    let (phone, device) = (phone(&fleet), device(phone(&fleet).address()));
    rig.reach(&device, adopt(&[(KEPT, "a")])).await;
    rig.phones.watch(&device);
    tokio::time::timeout(LIMIT, rig.phones.close()).await.unwrap();
    phone.power_off().await;
    assert!(rig.lost.try_recv().is_err(), "a connection that was closed was not lost");
}

#[tokio::test]
async fn what_is_no_phone_is_told_apart_from_one_that_is_away() {
    let rig = rig();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answers: [&'static [u8]; 2] =
        [b"", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"];
    let server = tokio::spawn(async move {
        for answer in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            // To close a connection on which something is unread is to reset it.
            assert!(socket.read(&mut [0; 4_096]).await.unwrap() > 0);
            socket.write_all(answer).await.unwrap();
        }
    });
    let report = rig.run(&device(address), Action::default()).await;
    assert!(matches!(report, Report::Away(Away::Unreachable(_))), "{report:?}");
    let report = rig.run(&device(address), Action::default()).await;
    assert!(matches!(report, Report::Away(Away::Garbled(_))), "{report:?}");
    server.await.unwrap();
    let report = rig.run(&device(address), Action::default()).await;
    assert!(matches!(report, Report::Away(Away::Unreachable(_))), "{report:?}");
}

#[tokio::test]
async fn who_accepts_and_says_nothing_is_not_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let adb = Adb::new(Arc::new(HostKey::generate().unwrap()));
    let limit = Duration::from_millis(100);
    let outcome = adb.connect(&address, limit).await.map(|_| ());
    assert!(matches!(outcome, Err(LinkError::TimedOut(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_script_that_prints_too_much_is_an_error() {
    let fleet = simulated(|_| {}).await;
    let adb = Adb::new(Arc::new(HostKey::generate().unwrap()));
    let address = phone(&fleet).address().to_string();
    let mut session = adb.connect(&address, LIMIT).await.unwrap();
    let output = session.shell("printf a; printf b >&2; exit 7", LIMIT, &|| ()).await.unwrap();
    assert_eq!((output.stdout, output.stderr, output.exit_code), (b"a".into(), b"b".into(), 7));
    let script = "x=0123456789abcdef0123456789abcdef; x=$x$x$x$x$x$x$x$x; x=$x$x$x$x$x$x$x$x\n\
                  for i in $x 2 3 4 5 6 7 8 9 a b c d e f g h i j k; do printf %s \"$x$x\"; done";
    let outcome = session.shell(script, LIMIT, &|| ()).await;
    assert!(matches!(outcome, Err(LinkError::TooMuch)), "{outcome:?}");
}
