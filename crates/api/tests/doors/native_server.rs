//! The native door: the catalogue, backups, and the server as a whole.

use serde_json::{Value, json};

use crate::site::{PROJECT, Site};

#[tokio::test]
async fn an_operators_properties_come_into_force_and_a_bad_file_changes_nothing() {
    let site = Site::start().await;
    let own = site.files().join("own.toml");
    let shown = async || site.native("GET", "/catalogue", "").await.json();
    let has_own = |catalogue: &Value| {
        catalogue["properties"].as_array().unwrap().iter().any(|one| one["name"] == "own.one")
    };
    let before = shown().await;
    assert!(!has_own(&before));
    assert_eq!(before["operator_files"], json!(["own.toml"]));
    let profiles: Vec<&str> = before["profiles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["name"].as_str().unwrap())
        .collect();
    assert!(profiles.contains(&"redroid") && profiles.contains(&"android"), "{profiles:?}");

    let property = "[[property]]\nname = \"own.one\"\nkind = \"bool01\"\ntiming = \"at-once\"\n\
        meaning = \"Ours.\"\nsource = \"us\"\n";
    std::fs::write(&own, property).unwrap();
    assert!(!has_own(&shown().await), "a file alone changes nothing");
    let reloaded = site.native("POST", "/catalogue/reload", "").await;
    assert_eq!(reloaded.status, 200, "{reloaded:?}");
    assert!(has_own(&shown().await));

    std::fs::write(&own, format!("{property}colour = 1\n")).unwrap();
    let detail =
        site.native("POST", "/catalogue/reload", "").await.problem(400, "catalogue_invalid");
    assert!(detail.starts_with("own.toml:7:1: "), "{detail}");
    assert!(has_own(&shown().await), "what was in force stays");

    let shown = site.native("GET", "/catalogue?profile=simulated", "").await.json();
    let mainkeys = shown["properties"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "com.cph.mainkeys");
    assert_eq!(mainkeys.unwrap()["route"]["how"], "setprop");
    assert_eq!(mainkeys.unwrap()["route"]["timing"], "after_restart");
    site.native("GET", "/catalogue?profile=none", "").await.problem(404, "not_found");
    site.native("GET", "/catalogue?colour=red", "").await.problem(400, "invalid");
}

#[tokio::test]
async fn a_backup_is_made_fetched_whole_and_deleted() {
    use std::os::unix::fs::PermissionsExt as _;

    let site = Site::start().await;
    let made = site.native("POST", "/backup", "").await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let name = made["name"].as_str().unwrap();
    assert_eq!(name, "fleetwright-2026-11-21T120000.000Z.db");
    assert_eq!(made["counts"], json!({ "projects": 2, "devices": 5, "jobs": 0 }));
    let path = site.files().join("backups").join(name);
    assert_eq!(made["path"], path.display().to_string());
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!((mode(&path) & 0o777, mode(path.parent().unwrap()) & 0o777), (0o600, 0o700));
    let content = std::fs::read(&path).unwrap();
    assert_eq!(made["bytes"], content.len());
    let kept = site.native("GET", "/backups", "").await;
    let expected = json!({
        "backups": [{
            "name": name, "bytes": content.len(), "made_at": "2026-11-21T12:00:00.000Z",
        }],
        "total": 1,
    });
    assert_eq!((kept.status, kept.json()), (200, expected));
    let missing = made["not_included"].as_array().unwrap();
    assert!(missing.contains(&"master-key".into()) && missing.contains(&"admin-token".into()));

    let target = format!("/backups/{name}");
    let fetched = site.native_bytes("GET", &target).await;
    assert_eq!(fetched.0, 200);
    assert!(fetched.1 == content, "{} bytes came", fetched.1.len());
    let head = site.unsigned("GET", &format!("/api/v1{target}")).await;
    head.problem(401, "unauthorized");
    assert_eq!(site.native("DELETE", &target, "").await.status, 204);
    let kept = site.native("GET", "/backups", "").await.json();
    assert_eq!(kept, json!({ "backups": [], "total": 0 }));
    for method in ["GET", "DELETE"] {
        site.native(method, &target, "").await.problem(404, "not_found");
        for name in ["..%2Fx.db", "fleetwright-..%2F..%2Fx.db", "x", "fleetwright-%00.db"] {
            site.native(method, &format!("/backups/{name}"), "").await.problem(404, "not_found");
        }
    }
    for number in 0..64 {
        std::fs::write(site.files().join("backups").join(number.to_string()), "").unwrap();
    }
    let detail = site.native("POST", "/backup", "").await.problem(409, "too_many_backups");
    assert!(detail.contains("at most 64"), "{detail}");
}

#[tokio::test]
async fn the_servers_settings_are_shown_and_set() {
    let site = Site::start().await;
    let shown = async || site.native("GET", "/settings", "").await.json();
    assert_eq!(shown().await, json!({ "paused": false }));
    let set = async |body: &str| site.native("PUT", "/settings", body).await;
    assert_eq!(set(r#"{"paused":true}"#).await.json(), json!({ "paused": true }));
    assert_eq!(shown().await, json!({ "paused": true }));
    assert_eq!(set(r#"{"paused":false}"#).await.status, 200);
    for body in ["{}", r#"{"paused":1}"#, r#"{"paused":true,"x":1}"#, ""] {
        set(body).await.problem(400, "invalid");
    }
    assert_eq!(shown().await, json!({ "paused": false }));
    // The project's own switch is another one.
    let project = site.native("GET", &format!("/projects/{PROJECT}"), "").await.json();
    assert_eq!(project["settings"]["paused"], false);
}

#[tokio::test]
async fn the_nodes_of_the_store_are_shown_to_operators_alone() {
    let site = Site::empty().await;
    let ask = async || site.native("GET", "/cluster", "").await;
    site.until("the node to have its shards", async || ask().await.json()["orphaned_shards"] == 0)
        .await;
    let shown = ask().await.json();
    assert_eq!(shown["answered_by"], "node-1");
    assert!(shown["store"].as_str().unwrap().starts_with("SQLite 3."), "{shown}");
    let [node] = shown["nodes"].as_array().unwrap().as_slice() else { panic!("{shown}") };
    assert_eq!((&node["node"], &node["shards"]), (&json!("node-1"), &json!(256)));
    assert_eq!(node["roles"], json!(["api", "engine", "sip"]));
    assert_eq!(node["started_at"], "2026-11-21T12:00:00.000Z");
    assert!(node["lease_left_seconds"].as_f64().is_some_and(|left| left > 0.0), "{node}");
    site.unsigned("GET", "/api/v1/cluster").await.problem(401, "unauthorized");
}
