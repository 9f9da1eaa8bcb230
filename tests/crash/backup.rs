//! A backup made under load, restored elsewhere: all that was answered before is in it.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fleet::JobId;

use super::load::{CLIENTS, Load, PROPERTY};
use crate::harness::{Cli, PATIENCE, Phones, Server, Site, Start, wait_until};

/// Phones under load.
const PHONES: usize = 12;

/// How long each phone takes to answer, so that jobs are unfinished at every instant.
const SLOW: Duration = Duration::from_millis(25);

/// Answered updates before the backup.
const UPDATES: u64 = 200;

/// What the server's directory has beside the database that a restored one needs.
const BESIDE: [&str; 3] = ["master-key", "admin-token", "adb-host-key"];

#[test]
fn every_update_answered_before_a_backup_is_in_it() {
    let site = Site::start(&Start::default(), Phones::of(PHONES).boot(Duration::ZERO));
    site.phones.slow_down(SLOW);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let backup = folder.path().join("fleet.db");
    let cli = Cli::new(&site.server);
    let values = AtomicU64::new(1_000_000);
    let load = Load { site: &site, values: &values, seed: 3 };

    // What was answered before is told by the values, of which each update takes the next one
    // before it is sent.
    let mut before = 0;
    let ledger = load.run(|answered| {
        wait_until("answers", PATIENCE, || answered.load(Ordering::Relaxed) >= UPDATES);
        before = values.load(Ordering::Relaxed);
        let ran = cli.run(&["backup", "--to", &backup.to_string_lossy()]);
        ran.ok();
        let meanwhile = answered.load(Ordering::Relaxed);
        wait_until("the load to go on", PATIENCE, || answered.load(Ordering::Relaxed) > meanwhile);
        site.server.kill9();
    });
    // A client has one call under way at most: all its values of then but the last were answered.
    let under_way: Vec<u64> = (0..CLIENTS)
        .map(|client| {
            let own = ledger.phones.iter().filter(|(phone, _)| **phone % CLIENTS == client);
            let values = own.flat_map(|(_, sent)| sent.iter().map(|(value, _)| *value));
            values.filter(|value| *value <= before).max().unwrap_or_default()
        })
        .collect();
    let safe: Vec<(usize, u64, JobId)> = ledger
        .accepted()
        .filter(|(phone, value, _)| *value < under_way[*phone % CLIENTS])
        .collect();
    let later = ledger.accepted().filter(|(_, value, _)| *value > before).count();
    println!("{} jobs were answered before the backup, {later} while or after", safe.len());
    assert!(safe.len() as u64 >= UPDATES && later > 0, "there was no load");

    let restored = restore(&site, &backup);
    let native = restored.native();
    for (phone, value, job) in &safe {
        let shown = native.job(&job.to_string());
        assert_eq!(shown["device"], *site.phones.id(*phone), "{shown}");
        assert_eq!(shown["patch"][PROPERTY], value.to_string(), "{shown}");
    }
    for phone in 0..PHONES {
        let of_phone = safe.iter().filter(|(of, ..)| *of == phone);
        let Some(last) = of_phone.map(|(_, value, _)| *value).max() else { continue };
        let device = native.device(&site.phones.id(phone));
        let desired = device["desired"][PROPERTY].as_str().and_then(|text| text.parse().ok());
        assert!(desired.is_some_and(|value: u64| value >= last), "phone {phone}: {device}");
    }

    // It is a server like any other: it ends what was open.
    wait_until("all jobs to end", PATIENCE, || {
        (0..PHONES).all(|phone| {
            let device = native.device(&site.phones.id(phone));
            device["open_jobs"].as_array().is_some_and(Vec::is_empty)
        })
    });
    let cph = crate::harness::Cph::new(restored.address(), &site.key);
    for (_, _, job) in &safe {
        assert_eq!(cph.job(&job.to_string())["status"], serde_json::json!(2), "job {job}");
    }
}

/// Restores a backup into a directory of its own and starts a server on it.
fn restore(site: &Site, backup: &Path) -> Server {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let offline = Cli::at("http://127.0.0.1:1");
    let (file, to) = (backup.to_string_lossy(), data.to_string_lossy());
    let ran = offline.run(&["restore", &file, "--data-dir", &to]);
    ran.ok();
    // A second one is refused: a restore writes over nothing.
    let again = offline.run(&["restore", &file, "--data-dir", &to]);
    assert_ne!(again.status, Some(0), "{again:?}");
    for name in BESIDE {
        std::fs::copy(site.server.data().join(name), data.join(name))
            .unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    Server::start_in(folder, &Start::default())
}

#[test]
fn a_damaged_backup_is_refused() {
    let site = Site::start(&Start::default(), Phones::of(1).boot(Duration::ZERO));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let backup = folder.path().join("fleet.db");
    Cli::new(&site.server).run(&["backup", "--to", &backup.to_string_lossy()]).ok();
    let mut bytes = std::fs::read(&backup).expect("the backup");
    let cut = bytes.len() / 2;
    for (name, damaged) in [
        ("cut off", bytes[..cut].to_vec()),
        ("overwritten", {
            bytes[4096..].iter_mut().step_by(7).for_each(|byte| *byte = !*byte);
            bytes.clone()
        }),
        ("empty", Vec::new()),
        ("text", b"not a database".to_vec()),
    ] {
        let file = folder.path().join("damaged.db");
        std::fs::write(&file, damaged).expect("write");
        let data = folder.path().join(format!("data of {name}"));
        let ran = Cli::at("http://127.0.0.1:1").run(&[
            "restore",
            &file.to_string_lossy(),
            "--data-dir",
            &data.to_string_lossy(),
        ]);
        assert!(matches!(ran.status, Some(1 | 2)), "{name}: {ran:?}");
        assert!(!data.join("fleetwright.db").exists(), "{name}: something was restored");
    }
}
