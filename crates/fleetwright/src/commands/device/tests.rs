use super::show::{ago, words};
use super::*;

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
    insta::assert_snapshot!(table(vec![away, other]), @r"
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
