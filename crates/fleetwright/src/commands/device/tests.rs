use fleet::{CameraStatus, Kind};
use serde_json::Value;

use super::list::tables;
use super::show::{ago, words};
use super::*;
use crate::client::answers;

/// A device as the server shows one.
fn device() -> answers::Device {
    serde_json::from_value(json!({
        "project": "acme", "id": "1678567b8bab40f93711234cb80d0764", "kind": "phone",
        "name": "phone-0002", "server": "server-001", "address": "127.0.0.1:5557",
        "container": "phone-2",
        "profile": "simulated", "condition": "abnormal", "since": "2026-11-22T01:02:03.000Z",
        "trouble": "another device answers at this address (\u{1b}]0;x\u{7})", "adopted": true,
        "frozen": true, "adoption": {"replace_marker": true, "from_reported": false},
        "copy": {"project": "acme", "id": "other", "address": "127.0.0.1:9"},
        "power": {"operation": "restart", "begun_at": "2026-11-22T01:03:00.000Z", "told": 1},
        "facts": {"model": "Simulated", "release": "9"}, "boot": null,
        "revision": 4, "settled": 3,
        "desired": {
            "com.cph.mainkeys": "1",
            "sys.prop.writewifissid": "",
        },
        "reported": {
            "com.cph.mainkeys": {"value": "0", "at": "2026-11-22T01:00:00.000Z", "age_milliseconds": 123_000},
            "gsm.sim.state": {"value": null, "at": "2026-11-22T01:00:00.000Z", "age_milliseconds": 9_000},
        },
        "states": {"com.cph.mainkeys": "drift", "sys.prop.writewifissid": "restart_pending"},
        "restart_pending": {"sys.prop.writewifissid": {"since": "2026-11-22T01:00:00.000Z"}},
        "drift": ["com.cph.mainkeys"], "open_jobs": ["019a7c6e4b3d7a1c8e5f000000000001"],
        "created_at": "2026-11-22T00:00:00.000Z", "updated_at": "2026-11-22T00:00:00.000Z",
    }))
    .unwrap()
}

#[test]
fn a_device_is_shown_with_all_that_is_asked_and_shown() {
    insta::assert_snapshot!(words(&device()), @r#"
    device     1678567b8bab40f93711234cb80d0764
    kind       phone
    project    acme
    name       phone-0002
    server     server-001
    address    127.0.0.1:5557
    container  phone-2
    profile    simulated
    adopted    yes; asked for, in place of any other marker
    condition  abnormal since 2026-11-22T01:02:03.000Z; FROZEN
    trouble    another device answers at this address (\u{1b}]0;x\u{7})
    copy       other at 127.0.0.1:9 bears its marker too
    going on   restart begun at 2026-11-22T01:03:00.000Z
    says       model Simulated, release 9
    revision   4
    open jobs  019a7c6e4b3d7a1c8e5f000000000001

    PROPERTY                DESIRED  SHOWN   READ       STATE
    com.cph.mainkeys        1        0       2 min ago  DIFFERS
    gsm.sim.state           -        (none)  9 s ago    -
    sys.prop.writewifissid  ""       -       -          restart pending since 2026-11-22T01:00:00.000Z
    "#);
}

#[test]
fn devices_are_listed_a_line_each() {
    let (mut away, mut other) = (device(), device());
    (away.id, away.trouble) = ("desk-7".to_owned(), Some("gone".to_owned()));
    (other.id, other.trouble) = ("desk-11".to_owned(), None);
    (away.project, other.project) = ("a".to_owned(), "b".to_owned());
    other.condition = "running".to_owned();
    other.open_jobs = Vec::new();
    insta::assert_snapshot!(tables(vec![away, other], None), @r"
    ID       PROJECT  NAME        SERVER      ADDRESS         CONDITION         WORK       TROUBLE
    desk-7   a        phone-0002  server-001  127.0.0.1:5557  abnormal, frozen  1 open     gone
    desk-11  b        phone-0002  server-001  127.0.0.1:5557  running, frozen   1 drifted  -
    ");
}

#[test]
fn an_age_is_told_in_its_largest_unit() {
    let told: Vec<String> =
        [0, 59, 60, 3_599, 3_600, 86_399, 86_400].map(|age| ago(age * 1_000)).to_vec();
    let expected = ["0 ms", "59 s", "1 min", "59 min", "1 h", "23 h", "1 d"];
    assert_eq!(told, expected.map(|age| format!("{age} ago")));
}

/// A camera as the server shows one; `camera` is what it has alone.
fn camera(id: &str, name: &str, camera: &Value) -> answers::Device {
    serde_json::from_value(json!({
        "project": "acme", "id": id, "kind": "camera", "name": name, "profile": "generic",
        "condition": "awaited", "since": "2026-11-22T01:02:03.000Z", "trouble": null,
        "frozen": false, "camera": camera, "facts": {"manufacturer": "Hikvision"},
        "revision": 1, "settled": 0, "desired": {"Name": "东门"}, "states": {"Name": "drift"},
        "reported": {
            "Name": {"value": "IPC", "at": "2026-11-22T01:00:00.000Z", "age_milliseconds": 9_000},
        },
        "drift": ["Name"], "open_jobs": [],
        "created_at": "2026-11-22T00:00:00.000Z", "updated_at": "2026-11-22T00:00:00.000Z",
    }))
    .unwrap()
}

/// Three cameras: one that never came, one that is here, one that is gone.
fn cameras() -> [answers::Device; 3] {
    let known = json!({
        "status": "OnLine", "user": "gate", "has_password": true, "transport": "udp",
        "credentials": {"changed_at": "01:30", "overlap_until": "04:00", "in_use": "old"},
        "record": {"description": "lobby", "ip": "192.0.2.99", "port": null,
            "manufacturer": null, "transport": "TCP"},
        "organization": {"id": "0a", "path": "北京/海淀"},
        "remote": "192.0.2.10:5060", "registered_at": "01:00",
        "refreshed_at": "02:00", "expires_at": "03:00",
        "version": "3.0", "offline": null, "reported_name": "IPC", "manufacturer": "Hikvision",
        "model": "DS-2CD", "firmware": "V5.7", "channels": 1
    });
    let mut gone = known.clone();
    gone["status"] = json!("OffLine");
    gone["offline"] = json!({"at": "02:30", "why": "keepalives_missed",
        "text": "silence"});
    gone["credentials"]["in_use"] = Value::Null;
    let awaited = json!({
        "status": "Register", "user": null, "has_password": false, "transport": null,
        "credentials": {"changed_at": null, "overlap_until": null, "in_use": null},
        "record": {"description": null, "ip": null, "port": null, "manufacturer": null,
            "transport": null},
        "organization": null,
        "remote": null, "registered_at": null, "refreshed_at": null, "expires_at": null,
        "version": null, "offline": null, "reported_name": null, "manufacturer": null,
        "model": null, "firmware": null, "channels": 0
    });
    [
        camera("34020000001320000001", "west", &awaited),
        camera("34020000001320000002", "东门", &known),
        camera("34020000001320000003", "yard", &gone),
    ]
}

#[test]
fn cameras_are_listed_by_what_they_have_and_apart_from_phones() {
    let listed = tables(cameras().into(), None);
    // The blanks that align its columns make it wide.
    let cells = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let listed: Vec<String> = listed.lines().map(cells).collect();
    insta::assert_snapshot!(listed.join("\n"), @r"
    ID PROJECT STATUS NAME SHOWN FROM EXPIRES CHANNELS WORK TROUBLE
    34020000001320000001 acme Register west - - - 0 1 drifted has no password to register with
    34020000001320000002 acme OnLine 东门 IPC udp 192.0.2.10:5060 03:00 1 1 drifted OLD password
    34020000001320000003 acme OffLine yard IPC udp 192.0.2.10:5060 - 1 1 drifted silence at 02:30
    ");
    let [camera, ..] = cameras();
    let both = tables(vec![camera, device()], None);
    let parts: Vec<&str> = both.split("\n\n").collect();
    assert!(parts.len() == 2 && parts[0].contains("phone-0002"), "{both}");
    assert!(parts[1].contains("34020000001320000001"), "{both}");
    assert!(tables(Vec::new(), Some(Kind::Camera)).contains("EXPIRES"));
    assert!(tables(Vec::new(), None).contains("SERVER"));
}

#[test]
fn a_camera_is_shown_with_its_registration_and_both_names() {
    let [awaited, known, gone] = cameras();
    insta::assert_snapshot!(words(&known), @r"
    device        34020000001320000002
    kind          camera
    project       acme
    name          东门
    shows         IPC
    status        OnLine since 01:00, renewed 02:00, until 03:00
    from          udp 192.0.2.10:5060
    speaks        GB/T 28181 3.0
    user          gate
    password      on record
    credentials   changed at 01:30, those before work until 04:00; it USES THOSE BEFORE
    organization  北京/海淀
    on record     lobby, IP 192.0.2.99, wanted over TCP
    profile       generic
    manufacturer  Hikvision
    model         DS-2CD
    firmware      V5.7
    channels      1; see fleetwright device channels 34020000001320000002
    condition     awaited since 2026-11-22T01:02:03.000Z
    revision      1

    PROPERTY  DESIRED  SHOWN  READ     STATE
    Name      东门     IPC    9 s ago  DIFFERS
    ");
    let awaited = words(&awaited);
    for line in ["status        Register", "password      none: it can't register"] {
        assert!(awaited.contains(line), "{line} is not in {awaited}");
    }
    let gone = words(&gone);
    let line = "offline       silence at 02:30";
    assert!(gone.contains(line) && !gone.contains("renewed"), "{gone}");
}

#[test]
fn how_a_camera_stands_is_named_whatever_the_case() {
    for (text, expected) in [
        ("OffLine", CameraStatus::OffLine),
        ("online", CameraStatus::OnLine),
        ("REGISTER", CameraStatus::Register),
    ] {
        assert_eq!(status(text), Ok(expected));
    }
    let why = status("gone").unwrap_err();
    assert_eq!(why, "\"gone\" is none of Register, OnLine, OffLine");
}
