//! Backups and restores as an operator makes them.

use std::os::unix::fs::PermissionsExt;

use crate::process::{fleetwright, run};
use crate::server::Server;

#[test]
fn a_backup_becomes_another_servers_database() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let mut server = Server::start(directory.path());
    server.ok(&["project", "create", "Acme", "--id", "acme"]);
    let key = server.json(&["key", "create", "--project", "acme"]);

    let kept = server.json(&["backup"]);
    let there = std::path::Path::new(kept["path"].as_str().unwrap());
    assert!(there.starts_with(path("data/backups")) && there.exists());
    let to = path("fleet.db");
    let listed = server.json(&["backup", "list"]);
    assert_eq!((&listed["backups"][0]["name"], &listed["total"]), (&kept["name"], &1.into()));
    let ran = server.run(&["backup", "--to", &to]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("projects  1") && ran.stdout.contains(&to), "{}", ran.stdout);
    assert!(ran.stderr.contains("master-key"), "what is not in it is said: {}", ran.stderr);
    assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    let left = std::fs::read_dir(path("data/backups")).unwrap().count();
    assert_eq!(left, 1, "the server keeps none of what was brought away");
    let again = server.run(&["backup", "--to", &to]);
    assert_eq!(again.status, 2, "nothing is written over: {}", again.stderr);
    server.ok(&["project", "create", "Bolt", "--id", "bolt"]);

    let restore =
        |more: &[&str]| run(fleetwright(&["restore", &to, "--data-dir", &path("data")]).args(more));
    let in_use = restore(&["--replace"]);
    assert_eq!(in_use.status, 1);
    assert!(in_use.stderr.contains("in use by another server"), "{}", in_use.stderr);
    server.running.signal("TERM");
    assert_eq!(server.running.ended().code(), Some(0));
    let refused = restore(&[]);
    assert_eq!(refused.status, 2);
    assert!(refused.stderr.contains("--replace"), "{}", refused.stderr);
    let broken = path("broken.db");
    let content = std::fs::read(&to).unwrap();
    std::fs::write(&broken, &content[..content.len() / 2]).unwrap();
    let damaged =
        run(&mut fleetwright(&["restore", &broken, "--data-dir", &path("data"), "--replace"]));
    assert_eq!(damaged.status, 1, "{}", damaged.stderr);
    assert!(std::path::Path::new(&path("data/fleetwright.db")).exists(), "it is still there");

    let restored = restore(&["--replace"]);
    assert_eq!(restored.status, 0, "{}", restored.stderr);
    assert!(restored.stdout.contains("projects  1"), "{}", restored.stdout);
    assert!(restored.stderr.contains("admin-token"), "{}", restored.stderr);
    let aside = std::fs::read_dir(path("data")).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        let name = name.to_string_lossy().into_owned();
        name.starts_with("fleetwright-before-restore-") && name.ends_with(".db")
    });
    assert_eq!(aside.count(), 1, "the old one is kept");
    let server = Server::start(directory.path());
    let projects = server.json(&["project", "list"]);
    assert_eq!(projects["projects"].as_array().unwrap().len(), 1, "as it was at the backup");
    let listed = server.ok(&["key", "list", "--project", "acme"]);
    assert!(listed.contains(key["ak"].as_str().unwrap()));

    // On a new machine, the key has to come by other means, and that is said.
    let new = path("new");
    let args = ["restore", &to, "--data", &new, "--json"];
    let restored = run(&mut fleetwright(&args));
    assert_eq!(restored.status, 0, "{}", restored.stderr);
    assert!(restored.stderr.contains("There is no") && restored.stderr.contains("master-key"));
    let said: serde_json::Value = serde_json::from_str(&restored.stdout).unwrap();
    assert_eq!((&said["counts"]["projects"], said["kept"].is_null()), (&1.into(), true));
    assert_eq!(run(&mut fleetwright(&["restore", "/nonexistent", "--data-dir", &new])).status, 2);
}

#[test]
fn a_restore_goes_where_the_servers_database_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(path("disk")).unwrap();
    let store = format!("sqlite:{}", path("disk/fleet.db"));
    let mut server = Server::start_with(directory.path(), &["--store", &store]);
    server.ok(&["project", "create", "Acme", "--id", "acme"]);
    let to = path("backup.db");
    server.ok(&["backup", "--to", &to]);
    server.ok(&["project", "create", "Bolt", "--id", "bolt"]);

    // The three ways in which a server is told.
    let config = path("fleetwright.toml");
    let text = format!("data = '{}'\nstore = '{store}'\n", path("data"));
    // Off loopback it takes TLS, which the server may have by its flags: no concern of a restore.
    std::fs::write(&config, format!("{text}[http]\nlisten = '0.0.0.0:443'\n")).unwrap();
    let data = path("data");
    let restore = ["restore", &to, "--replace", "--json"];
    let by_flag = || run(fleetwright(&restore).args(["--data-dir", &data, "--store", &store]));
    let by_file = || run(fleetwright(&restore).args(["--config", &config]));
    let by_variable =
        || run(fleetwright(&restore).args(["--data-dir", &data]).env("FLEETWRIGHT_STORE", &store));
    for in_use in [by_flag(), by_file(), by_variable()] {
        assert_eq!(in_use.status, 1);
        assert!(in_use.stderr.contains("in use by another server"), "{}", in_use.stderr);
    }
    // Nor without being told: the data directory is the running server's.
    let untold = run(fleetwright(&restore).args(["--data-dir", &data]));
    assert!(untold.stderr.contains("in use by another server"), "{}", untold.stderr);
    server.running.signal("TERM");
    assert_eq!(server.running.ended().code(), Some(0));
    for restored in [by_flag(), by_file(), by_variable()] {
        assert_eq!(restored.status, 0, "{}", restored.stderr);
        let said: serde_json::Value = serde_json::from_str(&restored.stdout).unwrap();
        assert_eq!(said["path"], path("disk/fleet.db"));
        assert!(said["kept"].as_str().unwrap().starts_with(&path("disk/fleetwright-before-")));
        assert!(!restored.stderr.contains("There is no"), "{}", restored.stderr);
    }
    assert!(!std::path::Path::new(&path("data/fleetwright.db")).exists());
    let server = Server::start_with(directory.path(), &["--store", &store]);
    let projects = server.json(&["project", "list"]);
    assert_eq!(projects["projects"].as_array().unwrap().len(), 1, "as it was at the backup");
}

#[test]
fn a_backup_that_can_not_be_brought_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path());
    let to = directory.path().join("missing/fleet.db");
    let refused = server.run(&["backup", "--to", to.to_str().unwrap()]);
    assert_eq!(refused.status, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("missing/fleet.db can't be written"), "{}", refused.stderr);
    let there = directory.path().join("data/backups");
    assert!(!there.exists() || std::fs::read_dir(there).unwrap().next().is_none());
}
