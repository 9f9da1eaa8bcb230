//! Moving in from WVP-GB28181-pro.

use std::path::Path;

use serde_json::json;

use crate::process::{fleetwright, run};
use crate::server::Server;

/// `wvp_device` as of 2.7.4, with what MySQL's clients write for NULL.
const DEVICES: &str = "\
id,device_id,name,manufacturer,model,firmware,transport,stream_mode,on_line,custom_name,password
1,34020000001320000001,IPC,Hikvision,DS-2CD,V5.7,UDP,TCP-PASSIVE,1,东门,secret-1
2,34020000001180000002,NVR,Dahua,NVR5,V4.0,TCP,TCP-PASSIVE,1,NULL,NULL
3,not-a-gb-id,x,,,,UDP,UDP,0,,
4,34020000001320000004,taken,,,,UDP,UDP,0,,
";

/// `wvp_device_channel` as of 2.7.4.
const CHANNELS: &str = "\
id,device_id,name,parental,channel_type,gb_device_id,gb_name,data_type,data_device_id
10,34020000001310000001,Camera 01,0,0,NULL,Gate,1,2
11,34020000001310000002,Camera 02,0,0,NULL,NULL,1,2
12,NULL,NULL,NULL,0,34020000001310000098,A stream,2,5
13,34020000001310000003,Camera 03,0,0,NULL,NULL,1,77
";

/// Writes both tables and gives their paths.
fn tables(directory: &Path) -> [String; 2] {
    [("wvp_device.csv", DEVICES), ("wvp_device_channel.csv", CHANNELS)].map(|(name, text)| {
        let path = directory.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    })
}

#[test]
fn a_dry_run_says_what_would_go_in_and_asks_no_server() {
    let directory = tempfile::tempdir().unwrap();
    let [devices, channels] = tables(directory.path());
    let args = ["device", "import", "--from", "wvp", &channels, &devices, "--project", "acme"];
    let ran = run(fleetwright(&args).args(["--dry-run", "--url", "http://127.0.0.1:1"]));
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    for line in [
        "wvp_device.csv:4: device_id: \"not-a-gb-id\" is not 20 digits",
        "wvp_device_channel.csv:5: none of the devices has the id 77 (its row in wvp_device)",
        "2 lines can't be taken",
    ] {
        assert!(ran.stderr.contains(line), "{line} is not in {}", ran.stderr);
    }
    assert!(ran.stdout.contains("would import 3 devices with 2 channels"), "{}", ran.stdout);
    assert!(ran.stdout.contains("2 have no password"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("secret-1") && !ran.stderr.contains("secret-1"));
    let usage = ["device", "import", "--from", "wvp", &devices, "--dry-run"];
    assert_eq!(run(&mut fleetwright(&usage)).status, 2, "it takes a project");
    let alone = ["device", "import", &devices, "--dry-run"];
    assert_eq!(run(&mut fleetwright(&alone)).status, 2, "it is for --from");
}

#[test]
fn what_can_be_taken_goes_in_and_what_the_server_refuses_is_named_by_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path());
    server.ok(&["project", "create", "Acme", "--id", "acme"]);
    server.ok(&["project", "create", "Bolt", "--id", "bolt"]);
    // A GB id is on the whole server once.
    let taken = directory.path().join("taken.jsonl");
    let line = json!({"kind": "camera", "project": "bolt", "id": "34020000001320000004",
        "name": "theirs"});
    std::fs::write(&taken, line.to_string()).unwrap();
    server.ok(&["device", "import", taken.to_str().unwrap()]);
    let password = directory.path().join("password");
    std::fs::write(&password, "12345678\n").unwrap();

    let [devices, channels] = tables(directory.path());
    let args = ["device", "import", "--from", "wvp", &devices, &channels, "--project", "acme"];
    let all = [&args[..], &["--strict"]].concat();
    let strict = server.run(&all);
    assert_eq!(strict.status, 2, "{}", strict.stderr);
    let listed = server.json(&["device", "list", "--project", "acme"]);
    assert_eq!(listed["devices"], json!([]));

    let all = [&args[..], &["--password-file", password.to_str().unwrap(), "--json"]].concat();
    let ran = server.run(&all);
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&report["new"], &report["devices"], &report["channels"], &report["without_password"]),
        (&json!(2), &json!(2), &json!(2), &json!(0)),
        "{report}"
    );
    let lines: Vec<_> = report["untaken"]
        .as_array()
        .unwrap()
        .iter()
        .map(|untaken| untaken["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [4, 5, 5], "{report}");
    let refused = report["untaken"][1]["reason"].as_str().unwrap();
    assert!(refused.contains("34020000001320000004 exists already"), "{refused}");

    let camera = server.json(&["device", "show", "34020000001320000001"]);
    assert_eq!(
        (&camera["name"], &camera["camera"]["has_password"]),
        (&json!("东门"), &json!(true))
    );
    let channels = server.json(&["device", "channels", "34020000001180000002"]);
    let names: Vec<_> = channels["channels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|channel| channel["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Gate", "Camera 02"]);

    let again = server.run(&args);
    assert!(again.stdout.contains("0 new, 2 known"), "{}", again.stdout);
    let nowhere = ["device", "import", "--from", "wvp", &devices, "--project", "nowhere"];
    let nowhere = server.run(&nowhere);
    assert_eq!(nowhere.status, 5, "{}", nowhere.stderr);
    assert!(nowhere.stderr.contains("no such project: nowhere"), "{}", nowhere.stderr);
}
