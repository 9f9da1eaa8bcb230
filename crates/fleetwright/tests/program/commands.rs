//! The commands that operate a server, and how they end.

use std::path::Path;

use engine::{Clock, SystemClock};
use serde_json::{Value, json};
use ureq::http::{HeaderMap, HeaderValue, Method, Uri};

use crate::process::{Running, fleetwright, run};
use crate::server::Server;

#[test]
fn a_tenant_moves_in_with_its_own_key_and_out_again() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path());
    let made = server.ok(&["project", "create", "Acme Ltd", "--id", "acme"]);
    assert!(made.contains("acme") && made.contains("Acme Ltd"), "{made}");
    let again = server.run(&["project", "create", "Acme", "--id", "acme"]);
    assert_eq!(again.status, 5, "{}", again.stderr);
    assert!(again.stderr.contains("acme exists already"), "{}", again.stderr);
    assert_eq!(server.json(&["project", "list"])["projects"][0]["id"], "acme");

    let secret = directory.path().join("sk");
    std::fs::write(&secret, "a-secret-that-exists-elsewhere\n").unwrap();
    let sk_file = secret.to_str().unwrap();
    let own = ["key", "create", "--project", "acme", "--ak", "AKOWN", "--sk-file", sk_file];
    let made = server.ok(&own);
    assert!(made.contains("AKOWN") && !made.contains("a-secret-that"), "{made}");
    let fresh = server.json(&["key", "create", "--project", "acme"]);
    assert!(fresh["ak"].as_str().unwrap().len() >= 16 && fresh["sk"].as_str().unwrap().len() >= 32);
    let listed = server.ok(&["key", "list", "--project", "acme"]);
    assert!(listed.contains("AKOWN") && !listed.contains(fresh["sk"].as_str().unwrap()));
    server.ok(&["key", "revoke", "AKOWN"]);
    let keys = server.json(&["key", "list", "--project", "acme"]);
    let keys = keys["keys"].as_array().unwrap();
    let revoked: Vec<&Value> = keys.iter().filter(|key| !key["revoked_at"].is_null()).collect();
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0]["ak"], "AKOWN");
    assert_eq!(server.run(&["key", "revoke", "AKNONE"]).status, 5);
    assert!(!server.running.stderr().contains("a-secret-that"), "a secret is in the log");
}

#[test]
fn a_fleet_is_imported_listed_and_shown() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path());
    server.ok(&["project", "create", "Acme", "--id", "acme"]);
    server.ok(&["project", "create", "Bolt", "--id", "bolt"]);
    let emit = directory.path().join("phones.jsonl");
    let args = ["simulate", "phones", "--count", "3", "--project", "acme", "--emit"];
    let phones = Running::start(fleetwright(&args).arg(&emit));
    phones.says("3 phones listen");

    let text = std::fs::read_to_string(&emit).unwrap();
    let broken = directory.path().join("broken.jsonl");
    std::fs::write(&broken, text.replacen("\"kind\"", "\"knid\"", 1)).unwrap();
    let refused = server.run(&["device", "import", broken.to_str().unwrap()]);
    assert_eq!(refused.status, 2);
    assert!(refused.stderr.contains("broken.jsonl:1 "), "{}", refused.stderr);
    assert!(refused.stderr.contains("unknown field \"knid\""), "{}", refused.stderr);
    assert!(refused.stderr.contains("nothing was imported"), "{}", refused.stderr);
    assert!(server.json(&["device", "list"])["devices"].as_array().unwrap().is_empty());

    let imported = server.ok(&["device", "import", emit.to_str().unwrap()]);
    assert_eq!(imported, "imported 3 devices: 3 new, 0 known\n");
    let again = server.json(&["device", "import", emit.to_str().unwrap()]);
    assert_eq!((&again["new"], &again["changed"]), (&0.into(), &3.into()));

    let listed = server.ok(&["device", "list"]);
    assert_eq!(listed.lines().count(), 4, "a heading and three phones: {listed}");
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let id = first["id"].as_str().unwrap();
    let shown = server.ok(&["device", "show", id]);
    for word in [id, "phone-0001", "server-001", "simulated", "acme"] {
        assert!(shown.contains(word), "{word} is not in {shown}");
    }
    let limited = server.run(&["device", "list", "--limit", "2", "--json"]);
    let devices: Value = serde_json::from_str(&limited.stdout).unwrap();
    assert_eq!(devices["devices"].as_array().unwrap().len(), 2);
    assert!(limited.stderr.contains("more than 2"), "{}", limited.stderr);
    assert!(!server.ok(&["device", "list", "--server", "nowhere"]).contains(id));

    // The same id in a second project: it takes --project then, and the refusal names both.
    let moved = directory.path().join("bolt.jsonl");
    std::fs::write(&moved, text.replace("\"acme\"", "\"bolt\"")).unwrap();
    server.ok(&["device", "import", moved.to_str().unwrap()]);
    let unclear = server.run(&["device", "show", id]);
    assert_eq!(unclear.status, 5);
    assert!(
        unclear.stderr.contains("acme") && unclear.stderr.contains("bolt"),
        "{}",
        unclear.stderr
    );
    assert_eq!(server.json(&["device", "show", id, "--project", "bolt"])["project"], "bolt");
    let unknown = server.run(&["job", "wait", "019a7c6e4b3d7a1c8e5f000000000001"]);
    assert_eq!(unknown.status, 5, "{}", unknown.stderr);
}

/// Asks a phone for a value through the CPH door, as a client program does, and gives the job.
fn update(server: &Server, key: &Value, phone: &str, name: &str, value: &str) -> String {
    let path = "/v1/acme/cloud-phone/phones/batch-update-property";
    let property = json!({ name: value }).to_string();
    let body = json!({"phones": [{"phone_id": phone, "property": property}]}).to_string();
    let uri: Uri = format!("{}{path}", server.url).parse().unwrap();
    let date = SystemClock.now().to_basic_text();
    let headers = HeaderMap::from_iter([(
        "x-sdk-date".parse().unwrap(),
        HeaderValue::from_str(&date).unwrap(),
    )]);
    let (ak, sk) = (key["ak"].as_str().unwrap(), key["sk"].as_str().unwrap().as_bytes());
    let signature =
        api::signature::huawei::sign(&Method::POST, &uri, &headers, body.as_bytes(), ak, sk, &date);
    let mut answer = ureq::post(uri)
        .header("x-sdk-date", date)
        .header("authorization", signature.unwrap())
        .send(&body)
        .unwrap();
    let answer: Value = serde_json::from_slice(&answer.body_mut().read_to_vec().unwrap()).unwrap();
    answer["jobs"][0]["job_id"].as_str().unwrap_or_else(|| panic!("no job: {answer}")).to_owned()
}

#[test]
fn a_job_is_waited_for_and_its_values_are_shown() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path());
    server.ok(&["project", "create", "Acme", "--id", "acme"]);
    let key = server.json(&["key", "create", "--project", "acme"]);
    let emit = directory.path().join("phones.jsonl");
    let args = ["simulate", "phones", "--count", "2", "--project", "acme", "--emit"];
    let phones = Running::start(fleetwright(&args).arg(&emit));
    phones.says("2 phones listen");
    server.ok(&["device", "import", emit.to_str().unwrap()]);
    let text = std::fs::read_to_string(&emit).unwrap();
    let ids: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();

    let job = update(&server, &key, &ids[0], "sys.prop.writephonenum", "13800138000");
    let waited = server.ok(&["job", "wait", &job, "--timeout", "30s"]);
    assert!(waited.contains("succeeded") && waited.contains("verified"), "{waited}");
    assert_eq!(
        server.json(&["job", "show", &job])["patch"]["sys.prop.writephonenum"],
        "13800138000"
    );
    let shown = server.ok(&["device", "show", &ids[0]]);
    let line = shown.lines().find(|line| line.starts_with("sys.prop.writephonenum")).unwrap();
    assert_eq!(line.matches("13800138000").count(), 2, "asked for and shown: {line}");
    assert!(line.contains("s ago") && line.contains("shown"), "{line}");

    // The other phone is gone: its job waits, and the wait ends first.
    drop(phones);
    let job = update(&server, &key, &ids[1], "sys.prop.writephonenum", "13800138001");
    let waited = server.run(&["job", "wait", &job, "--timeout", "300ms"]);
    assert_eq!(waited.status, 3, "{}", waited.stderr);
    assert!(waited.stderr.contains(&job) && waited.stdout.is_empty(), "{}", waited.stderr);
}

#[test]
fn where_no_server_is_the_status_is_4_and_the_words_help() {
    let mut command = fleetwright(&["project", "list", "--url", "http://127.0.0.1:1"]);
    let ran = run(command.env("FLEETWRIGHT_TOKEN", "x"));
    assert_eq!(ran.status, 4);
    assert!(ran.stderr.contains("http://127.0.0.1:1") && ran.stderr.contains("fleetwright serve"));
    assert_eq!(ran.stdout, "", "only data goes to stdout");
}

#[test]
fn mistakes_in_use_end_with_2() {
    for args in [
        &["project", "list"][..],
        &["device", "list", "--condition", "sleepy"],
        &["job", "show", "not-an-id"],
        &["key", "create", "--project", "p", "--sk", "s"],
        &["key", "create", "--project", "p", "--ak", "a"],
        &["nonsense"],
        &[],
    ] {
        let mut command = fleetwright(args);
        if args.first() == Some(&"key") {
            command.env("FLEETWRIGHT_TOKEN", "x");
        }
        let ran = run(&mut command);
        assert_eq!(ran.status, 2, "{args:?}: {}", ran.stderr);
        assert!(!ran.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn an_input_file_that_can_not_be_read_ends_with_2() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().to_str().unwrap();
    for file in ["/nonexistent/file", folder] {
        for args in [
            &["user", "create", "ada", "--project", "p", "--password-file", file][..],
            &["user", "password", "ada", "--password-file", file],
            &["key", "create", "--project", "p", "--ak", "a", "--sk-file", file],
            &["device", "import", file],
            &["device", "discover", "--project", "p", "--docker-ps", file],
        ] {
            let ran = run(fleetwright(args).env("FLEETWRIGHT_TOKEN", "x"));
            assert_eq!(ran.status, 2, "{args:?}: {}", ran.stderr);
            assert!(ran.stderr.contains(&format!("{file} can't be read: ")), "{}", ran.stderr);
        }
    }
}

#[test]
fn the_printed_configuration_is_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("fleetwright.toml");
    let printed = run(&mut fleetwright(&["config", "default"]));
    assert_eq!(printed.status, 0);
    std::fs::write(&file, &printed.stdout).unwrap();
    let check = |file: &Path| run(fleetwright(&["config", "check"]).arg(file));
    assert_eq!(check(&file).status, 0, "{}", check(&file).stderr);
    std::fs::write(&file, printed.stdout.replace("sweep_per_second = ", "swep = ")).unwrap();
    let refused = check(&file);
    assert_eq!(refused.status, 2);
    assert!(refused.stderr.contains("engine.swep"), "{}", refused.stderr);
}

#[test]
fn data_that_nobody_reads_on_is_no_error() {
    use std::process::Stdio;
    let mut command = fleetwright(&["config", "default"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_version_is_the_packages() {
    let ran = run(&mut fleetwright(&["--version"]));
    assert_eq!(ran.stdout, concat!("fleetwright ", env!("CARGO_PKG_VERSION"), "\n"));
}
