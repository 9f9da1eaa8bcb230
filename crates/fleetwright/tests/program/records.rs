//! What is on record of cameras, who may register as one, and what is deleted.

use std::path::Path;

use serde_json::{Value, json};

use crate::cameras::{CAMERA, CHANNEL, RECORDER, import, server, simulated, write};
use crate::server::Server;

/// The ids of a list of devices.
fn ids(server: &Server, args: &[&str]) -> Vec<String> {
    let listed = server.json(&[&["device", "list"], args].concat());
    let devices = listed["devices"].as_array().unwrap().iter();
    devices.map(|device| device["id"].as_str().unwrap().to_owned()).collect()
}

/// A command about an organization of the project.
fn organization<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&["organization"], args, &["--project", "acme"]].concat()
}

/// A file with a password.
fn password(directory: &Path, text: &str) -> String {
    write(directory, "password.txt", text)
}

#[test]
fn a_cameras_password_is_changed_from_a_file_and_it_is_known_who_uses_it() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path());
    let (_running, ids_of) = simulated(&server, directory.path(), &["--count", "2"]);
    let id = ids_of[0].as_str();
    assert_eq!(ids(&server, &["--credentials", "current"]), ids_of);
    let file = password(directory.path(), "another-secret\n");
    let change = ["device", "credentials", id, "--password-file", &file];
    let changed = server.ok(&[&change[..], &["--overlap", "1h", "--wait"]].concat());
    assert!(changed.contains("succeeded") && changed.contains("Pwd = changed"), "{changed}");
    assert!(!changed.contains("another-secret"));
    assert_eq!(ids(&server, &["--credentials", "not-renewed"]), [id]);
    assert_eq!(ids(&server, &["--credentials", "current", "--limit", "1"]), [ids_of[1].as_str()]);
    assert!(ids(&server, &["--credentials", "old"]).is_empty());
    let shown = server.ok(&["device", "show", id]);
    for word in ["credentials ", "those before work until", "has not registered since"] {
        assert!(shown.contains(word), "{word} is not in {shown}");
    }
    let renamed = server.json(&["device", "credentials", id, "--user", "gate"]);
    assert_eq!(renamed["device"], id);
    assert_eq!(server.json(&["device", "show", id])["camera"]["user"], "gate");
    let job = renamed["job"].as_str().unwrap();
    assert!(server.ok(&["job", "show", job]).contains("on record"));
    assert!(!server.running.stderr().contains("another-secret"), "a password is in the log");

    for args in [
        &["device", "credentials", id][..],
        &["device", "credentials", id, "--overlap", "1h"],
        &["device", "credentials", id, "--password-stdin"],
        &["device", "credentials", id, "--password-stdin", "--password-file", &file],
        &["device", "credentials", id, "--password-file", "/nowhere"],
        &["device", "credentials", id, "--user", "x", "--overlap", "long"],
        &["device", "list", "--credentials", "older"],
        &["device", "list", "--credentials", "old", "--kind", "phone"],
    ] {
        assert_eq!(server.run(args).status, 2, "{args:?}");
    }
    let refused = server.run(&["device", "credentials", id, "--user", "a\"b"]);
    assert_eq!(refused.status, 5, "{}", refused.stderr);
    assert!(refused.stderr.contains("User"), "{}", refused.stderr);
}

#[test]
fn cameras_and_channels_are_filed_and_organizations_deleted_when_empty() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path());
    import(&server, directory.path());
    let made = server.json(&organization(&["create", "北京/海淀"]));
    let id = made["id"].as_str().unwrap();
    let devices = ["update", "--project", "acme", "--device", RECORDER, CHANNEL];
    let set = ["--set", "Organization=北京/海淀", "--set", "Desc=lobby"];
    assert!(server.ok(&[&devices[..], &set[..]].concat()).contains("2 of 2"));
    let moved = server.ok(&organization(&["move", id, "北京/昌平"]));
    assert!(moved.contains("北京/昌平"), "{moved}");
    let listed = server.ok(&organization(&["list"]));
    let line = listed.lines().find(|line| line.starts_with(id)).unwrap();
    assert!(line.contains("北京/昌平"), "{listed}");
    assert!(server.ok(&["device", "show", RECORDER]).contains("北京/昌平"));
    let channels = server.ok(&["device", "channels", RECORDER]);
    let line = channels.lines().find(|line| line.starts_with(CHANNEL)).unwrap();
    assert!(line.contains("lobby") && line.contains("北京/昌平"), "{channels}");
    let in_use = server.run(&organization(&["delete", id]));
    assert_eq!(in_use.status, 5, "{}", in_use.stderr);
    assert!(in_use.stderr.contains("2 devices and channels"), "{}", in_use.stderr);
    server.ok(&["device", "delete", RECORDER]);
    server.ok(&organization(&["delete", id]));
    assert_eq!(server.json(&organization(&["list"]))["organizations"], json!([]));
    assert_eq!(server.run(&organization(&["create", "1/2/3/4/5"])).status, 2);
}

#[test]
fn a_project_is_set_field_by_field_and_deleted_when_it_is_empty() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path());
    import(&server, directory.path());
    let set = ["project", "set", "acme", "--description", "the gates", "--password-overlap", "1h"];
    let iss = ["--iss-profile", "1344", "--iss-private-ip", "refuse", "--iss-passwords", "mask"];
    let words = server.ok(&[&set[..], &iss[..]].concat());
    assert!(words.contains("profile 1344, private IP refuse, passwords mask"), "{words}");
    assert!(words.contains("the gates") && words.contains("3600 s"), "{words}");
    let shown = server.json(&["project", "show", "acme"]);
    let iss = json!({ "profile": "1344", "private_ip": false, "mask_passwords": true });
    assert_eq!(shown["settings"]["iss"], iss);

    let in_use = server.run(&["project", "delete", "acme"]);
    assert_eq!(in_use.status, 5, "{}", in_use.stderr);
    assert!(in_use.stderr.contains("it has 2 devices"), "{}", in_use.stderr);
    for id in [CAMERA, RECORDER] {
        server.ok(&["device", "delete", id]);
        assert_eq!(server.run(&["device", "show", id]).status, 5);
    }
    server.ok(&["project", "delete", "acme"]);
    assert_eq!(server.json(&["project", "list"])["projects"], json!([]));
}

#[test]
fn a_key_for_all_projects_is_asked_for_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path());
    server.ok(&["project", "create", "Acme", "--id", "acme"]);
    let made = server.json(&["key", "create", "--all-projects", "--strict"]);
    assert_eq!((&made["project"], &made["strict"]), (&Value::Null, &true.into()));
    let own = server.json(&["key", "create", "--project", "acme"]);
    let listed = server.ok(&["key", "list", "--all-projects"]);
    let line = listed.lines().find(|line| line.starts_with(made["ak"].as_str().unwrap())).unwrap();
    assert!(line.contains("yes") && !listed.contains(own["ak"].as_str().unwrap()), "{listed}");
    assert!(!listed.contains(made["sk"].as_str().unwrap()));
    for args in [&["key", "create"][..], &["key", "create", "--all-projects", "--project", "acme"]]
    {
        assert_eq!(server.run(args).status, 2, "{args:?}");
    }
}
