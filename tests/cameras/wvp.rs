//! Moving in from WVP-GB28181-pro: its two tables as CSV.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::cameras::server;
use crate::harness::sip::{Line, Ua};
use crate::harness::{Cli, Start};

/// `wvp_device` as its 2.7 exports it, in part, with one line that is no device's.
const DEVICES: &str = "id,device_id,name,manufacturer,model,firmware,transport,stream_mode,on_line,\
                       charset,password,custom_name\n\
1,34020000001320000001,IPC,Hikvision,DS-2CD,V5,UDP,UDP,true,GB2312,secret-1,东门-1\n\
2,34020000001180000002,NVR,Dahua,NVR5,V4,TCP,TCP-PASSIVE,false,UTF-8,,NULL\n\
3,3.402E+19,rounded,,,,UDP,UDP,0,GB2312,x,\\N\n\
4,34020000001320000004,\\N,NULL,,,UDP,UDP,0,GB2312,\\N,\n";

/// `wvp_device_channel` of the same version.
const CHANNELS: &str = "id,device_id,name,manufacturer,channel_type,gb_device_id,gb_name,data_type,\
                        data_device_id\n\
1,34020000001310000001,Camera 01,Dahua,0,NULL,前台,1,2\n\
2,34020000001310000002,Camera 02,Dahua,0,NULL,NULL,1,2\n\
3,34020000001310000003,Camera 03,Dahua,0,NULL,NULL,1,77\n";

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("write");
    path.to_string_lossy().into_owned()
}

#[test]
fn both_tables_are_moved_in_and_what_can_not_be_is_named() {
    let (server, native) = server(&Start::with_cameras());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let devices = write(folder.path(), "wvp_device.csv", DEVICES);
    let channels = write(folder.path(), "wvp_device_channel.csv", CHANNELS);
    let cli = Cli::new(&server);
    let import = |more: &[&str]| {
        let words = ["device", "import", "--from", "wvp", "--project", "demo", &channels, &devices];
        cli.run(&[&words[..], more].concat())
    };
    // A rehearsal, and one that takes all or nothing, leave nothing behind.
    let rehearsed = import(&["--dry-run"]);
    assert_eq!(rehearsed.status, Some(1), "{rehearsed:?}");
    let strict = import(&["--strict"]);
    assert!(strict.status != Some(0), "{strict:?}");
    assert_eq!(native.get("/api/v1/devices?kind=camera")["devices"], json!([]));

    let ran = import(&["--json"]);
    assert_eq!(ran.status, Some(1), "two lines can't be taken: {ran:?}");
    let report: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&report["devices"], &report["new"]), (&json!(3), &json!(3)), "{report}");
    assert_eq!(report["channels"], 2, "{report}");
    let untaken = report["untaken"].as_array().expect("lines");
    let named: Vec<(bool, u64)> = untaken
        .iter()
        .map(|line| (line["file"] == devices.as_str(), line["line"].as_u64().expect("a number")))
        .collect();
    assert_eq!(named, [(false, 4), (true, 4)], "{report}");
    assert!(!ran.stdout.contains("secret-1") && !ran.stderr.contains("secret-1"));

    // WVP's own name for a device wins; one without any is called by its id.
    let name = |id: &str| native.device(id)["name"].as_str().expect("a name").to_owned();
    assert_eq!(name("34020000001320000001"), "东门-1");
    assert_eq!(name("34020000001180000002"), "NVR");
    assert_eq!(name("34020000001320000004"), "34020000001320000004");
    let channels = native.channels("34020000001180000002");
    let names: Vec<&Value> = channels.iter().map(|channel| &channel["name"]).collect();
    assert_eq!(names, [&json!("前台"), &json!("Camera 02")]);
    let has_password = |id: &str| native.device(id)["camera"]["has_password"].clone();
    assert_eq!(has_password("34020000001320000001"), true);
    assert_eq!(has_password("34020000001180000002"), false);
    // The camera moves over untouched.
    let mut ua = Ua::new("34020000001320000001", "secret-1", Line::udp(server.sip()));
    assert_eq!(ua.register(3600).status, Some(200));
    let again = import(&["--json"]);
    let report: Value = serde_json::from_str(&again.stdout).expect("JSON");
    assert_eq!((&report["new"], &report["updated"]), (&json!(0), &json!(3)), "{report}");
    assert_eq!(native.camera_status("34020000001320000001"), "OnLine", "it was not disturbed");
}
