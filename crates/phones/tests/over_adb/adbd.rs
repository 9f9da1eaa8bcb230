//! Against AOSP's `adbd` 34 (Debian's package), which hands scripts to a real `/bin/sh`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use engine::{Away, Driver, PowerReport, Report};
use fleet::{BootIdentity, Device, Facts, Operation};
use phones::adb::HostKey;
use simulator::adbd::Adbd;

use super::support::{KEPT, LIMIT, MARKER, Rig, adopt, dangerous, device, rig, rig_of, set, wrong};

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
    assert_eq!(wrong(&report), "foreign");
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

/// A driver that sets a file and runs a program in `directory`.
fn rig_in(directory: &Path) -> Rig {
    let directory = directory.to_str().unwrap();
    let property = |name: &str| {
        format!(
            "[[property]]\nname = {name:?}\nkind = \"text\"\nbytes_max = 65536\n\
             timing = \"at-once\"\nmeaning = \"anything\"\nsource = \"these tests\"\n\n"
        )
    };
    let names = ["place.file", "place.command", "place.setting"];
    let properties: String = names.into_iter().map(property).collect();
    let profile = |name: &str, privilege: &str| {
        format!(
            r#"
name = "{name}"
base = "plain"
privilege = "{privilege}"

[[apply]]
names = ["place.file"]
how = "file"
path = "{directory}/a 'file'"

[[apply]]
names = ["place.command"]
how = "command"
set = ["sh", "-c", 'printf %s "$0" >"{directory}/command"', "{{value}}"]
get = ["cat", "{directory}/command"]
effect = ["sh", "-c", 'cat "{directory}/command" | tr a-z A-Z']

[[apply]]
names = ["place.setting"]
how = "settings"
namespace = "global"
key = "place"
"#
        )
    };
    let profiles = [profile("place", "none"), profile("su-place", "su")];
    let profiles: Vec<&str> = profiles.iter().map(String::as_str).collect();
    rig_of(Arc::new(HostKey::generate().unwrap()), &properties, &profiles)
}

#[tokio::test]
async fn a_real_daemon_sets_in_every_way_with_su_and_without() {
    let directory = tempfile::tempdir().unwrap();
    let adbd = Adbd::start(directory.path(), 0).await.unwrap();
    // AOSP's: a user, a program, its arguments.
    let su = directory.path().join("bin/su");
    let log = directory.path().join("su.log");
    let script = format!("#!/bin/sh\necho x >>{}\nshift\nexec \"$@\"\n", log.display());
    fs::write(&su, script).unwrap();
    fs::set_permissions(&su, fs::Permissions::from_mode(0o755)).unwrap();
    let rig = rig_in(directory.path());
    for (profile, times) in [("place", 0), ("su-place", 1)] {
        let device = Device { profile: profile.to_owned(), ..device(adbd.address()) };
        for (n, (_, value)) in dangerous().iter().enumerate() {
            let value = format!("{value}{profile}");
            let names = ["place.file", "place.command", "place.setting", KEPT];
            let pairs = names.map(|name| (name, value.as_str()));
            let reached = rig.reach(&device, adopt(&pairs)).await;
            assert!(reached.faults.is_empty(), "{:?}", reached.faults);
            for name in names {
                assert_eq!(reached.shown[name].as_ref(), Some(&value), "{name}");
            }
            let acts = value.trim().to_ascii_uppercase();
            assert_eq!(reached.effects["place.command"], acts);
            let file = fs::read_to_string(directory.path().join("a 'file'")).unwrap();
            assert_eq!(file, value);
            assert_eq!(fs::read(&log).map_or(0, |log| log.len() / 2), times * (n + 1));
        }
    }
}

#[tokio::test]
async fn a_real_daemon_is_looked_at_and_told_only_in_its_own_boot() {
    let directory = tempfile::tempdir().unwrap();
    let adbd = Adbd::start(directory.path(), 0).await.unwrap();
    let (rig, device) = (rig(), device(adbd.address()));
    let before = rig.phones.examine(&device).await;
    assert_eq!((&before.away, before.marker.as_deref()), (&None, Some("")));
    assert!(before.facts.get(Facts::RIGHTS).is_some());
    assert!(before.clock_seconds.is_some_and(|seconds| seconds > 1_700_000_000));
    assert_eq!(adbd.get(phones::script::MARKER_PROPERTY).unwrap(), "", "it changes nothing");

    let boot = rig.reach(&device, adopt(&[(KEPT, "a")])).await.boot.unwrap();
    let after = rig.phones.examine(&device).await;
    assert_eq!((after.boot, after.marker.as_deref()), (Some(boot.clone()), Some(MARKER)));
    let other = BootIdentity { init_start: "1".to_owned(), ..boot.clone() };
    for operation in [Operation::Restart, Operation::Reset] {
        let report = rig.power(&device, operation, Some(&other)).await;
        assert_eq!(report, PowerReport::OtherBoot);
    }
    // Debian's adbd has no such service.
    let report = rig.power(&device, Operation::Restart, Some(&boot)).await;
    let refused = "the phone's adbd has no reboot service".to_owned();
    assert_eq!(report, PowerReport::Refused(refused));
    adbd.set(phones::script::MARKER_PROPERTY, "foreign").unwrap();
    let report = rig.power(&device, Operation::Restart, Some(&boot)).await;
    assert!(matches!(report, PowerReport::Away(Away::WrongDevice { .. })), "{report:?}");
}
