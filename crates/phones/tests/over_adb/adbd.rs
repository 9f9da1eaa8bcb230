//! Against AOSP's `adbd` 34 (Debian's package), which hands scripts to a real `/bin/sh`.

use engine::{Away, Driver, Report};
use simulator::adbd::Adbd;

use super::support::{KEPT, LIMIT, MARKER, adopt, dangerous, device, rig, set};

#[tokio::test]
async fn a_real_daemon_takes_every_value_as_itself() {
    let directory = tempfile::tempdir().unwrap();
    let adbd = Adbd::start(directory.path(), 0).await.unwrap();
    let (rig, device) = (rig(), device(adbd.address()));
    let pairs = dangerous();
    let reached = rig.reach(&device, adopt(&pairs)).await;
    assert!(reached.faults.is_empty(), "{:?}", reached.faults);
    for (name, value) in &pairs {
        assert_eq!(adbd.get(name).unwrap(), *value);
        assert_eq!(reached.shown[name].as_ref(), Some(value));
    }
    assert_eq!(adbd.get(phones::script::MARKER_PROPERTY).unwrap(), MARKER);
    assert!(reached.boot.is_some());

    adbd.set(phones::script::MARKER_PROPERTY, "foreign").unwrap();
    let report = rig.run(&device, adopt(&[(KEPT, "a")])).await;
    let expected = Away::WrongDevice("its marker is \"foreign\"".to_owned());
    assert_eq!(report, Report::Away(expected));
    assert_eq!(adbd.get(KEPT).unwrap(), "");
}

#[tokio::test]
async fn a_real_daemon_takes_scripts_of_the_greatest_size() {
    let directory = tempfile::tempdir().unwrap();
    let adbd = Adbd::start(directory.path(), 0).await.unwrap();
    let (rig, device) = (rig(), device(adbd.address()));
    let pairs: Vec<(String, String)> = (0..150)
        .map(|n| (format!("persist.test.n{n}"), format!("{n:03}{}", "'".repeat(88))))
        .collect();
    let reached = rig.reach(&device, adopt(&pairs)).await;
    assert_eq!(reached.shown.len(), 150);
    assert!(reached.faults.is_empty(), "{:?}", reached.faults);
}

#[tokio::test]
async fn a_killed_daemon_is_lost_and_found_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut adbd = Adbd::start(directory.path(), 0).await.unwrap();
    let (mut rig, device) = (rig(), device(adbd.address()));
    rig.reach(&device, adopt(&[(KEPT, "a")])).await;
    rig.phones.watch(&device);
    adbd.kill().await;
    let lost = tokio::time::timeout(LIMIT, rig.lost.recv()).await.unwrap();
    assert_eq!(lost, Some(device.key));
    let report = rig.run(&device, set(&[(KEPT, "b")])).await;
    assert!(matches!(report, Report::Away(Away::Unreachable(_))), "{report:?}");
    adbd.restart().await.unwrap();
    let reached = rig.reach(&device, set(&[(KEPT, "b")])).await;
    assert_eq!(reached.shown[KEPT].as_deref(), Some("b"));
}
