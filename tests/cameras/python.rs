//! A device that shares no code with the product: registrations, and every command byte for byte.

use serde_json::{Value, json};

use crate::harness::cameras::{record, server};
use crate::harness::sip::{DOMAIN, SERVER_ID};
use crate::harness::site::import;
use crate::harness::{Cli, Native, PATIENCE, PythonCamera, Server, Start, wait_for, wait_until};

const ID: &str = "34020000001320000001";
const PASSWORD: &str = "12345678";

/// A server and a device on it that is registered.
fn registered(start: &Start, more: &Value, profile: &str) -> (Server, Native, PythonCamera) {
    let (server, native) = server(start);
    let mut known = record(ID, PASSWORD);
    known["profile"] = json!(profile);
    import(&native, &[known]);
    let mut camera = PythonCamera::new(ID, PASSWORD, server.sip(), more);
    assert_eq!(camera.register(3600), 200);
    (server, native, camera)
}

/// `fleetwright update` of the device, which must succeed and be verified.
fn update(server: &Server, native: &Native, set: &[&str]) {
    let mut args = vec!["update", "--project", "demo", "--device", ID, "--wait", "60s", "--json"];
    set.iter().for_each(|value| args.extend(["--set", value]));
    let text = Cli::new(server).run(&args).ok();
    let told: Value = serde_json::from_str(&text).expect("JSON");
    let update = told["id"].as_str().expect("an update");
    let jobs = native.get(&format!("/api/v1/updates/{update}/jobs"));
    assert_eq!(jobs["jobs"][0]["proof"], "verified", "{jobs}");
    let shown = Cli::new(server).run(&["update", "show", update, "--json"]).ok();
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!((&shown["jobs"]["succeeded"], &shown["jobs"]["failed"]), (&json!(1), &json!(0)));
}

/// Checks a command that reached the device: its head as in the standard's examples, and its body
/// byte for byte, but for the SN.
#[track_caller]
fn assert_said(camera: &mut PythonCamera, heard: &Value, body: &str) {
    let decoded = camera.decoded(heard["body"].as_str().expect("digits"));
    let sn = sn(heard);
    assert!(sn > 0, "{decoded}");
    let expected = body.replace('\n', "\r\n").replace("{SN}", &sn.to_string());
    assert_eq!(decoded, expected);
    assert_eq!(heard["body"], camera.encoded(&expected).as_str(), "the bytes differ");

    let head = heard["head"].as_str().expect("text");
    let mut lines = head.split("\r\n");
    let start = lines.next().expect("a first line");
    assert!(start.starts_with(&format!("MESSAGE sip:{ID}@127.0.0.1:")), "{head}");
    assert!(start.ends_with(" SIP/2.0"), "{head}");
    let header = |name: &str| {
        let found: Vec<&str> =
            head.split("\r\n").filter_map(|line| line.strip_prefix(&format!("{name}: "))).collect();
        assert_eq!(found.len(), 1, "{name} once: {head}");
        found[0].to_owned()
    };
    let via = header("Via");
    assert!(via.starts_with("SIP/2.0/UDP 127.0.0.1:") && via.contains(";rport"), "{via}");
    assert!(via.contains(";branch=z9hG4bK"), "{via}");
    assert!(header("From").starts_with(&format!("<sip:{SERVER_ID}@{DOMAIN}>;tag=")), "{head}");
    assert_eq!(header("To"), format!("<sip:{ID}@{DOMAIN}>"));
    assert!(!header("Call-ID").is_empty());
    assert!(header("CSeq").ends_with(" MESSAGE"), "{head}");
    assert_eq!(header("Max-Forwards"), "70");
    assert_eq!(header("Content-Type"), "Application/MANSCDP+xml");
    let bytes = heard["body"].as_str().map_or(0, str::len) / 2;
    assert_eq!(header("Content-Length"), bytes.to_string());
}

/// A command's number.
#[track_caller]
fn sn(heard: &Value) -> u32 {
    let bytes = hex::decode(heard["body"].as_str().expect("digits")).expect("digits");
    let text = String::from_utf8_lossy(&bytes);
    let sn = text.split("<SN>").nth(1).and_then(|rest| rest.split('<').next()?.parse().ok());
    sn.unwrap_or_else(|| panic!("no SN: {text}"))
}

/// The first command of this type that reached the device.
fn first(camera: &mut PythonCamera, cmd_type: &str) -> Value {
    wait_for(cmd_type, PATIENCE, || camera.heard(cmd_type).first().cloned())
}

#[test]
fn it_registers_and_takes_itself_off_in_both_forms_and_over_both_transports() {
    let (server, native) = server(&Start::with_cameras());
    import(&native, &[record(ID, PASSWORD)]);
    for transport in ["udp", "tcp"] {
        for qop in [true, false] {
            let more = json!({"transport": transport, "qop": qop});
            let mut wrong = PythonCamera::new(ID, "wrong", server.sip(), &more);
            assert_eq!(wrong.register(3600), 401);
            let mut camera = PythonCamera::new(ID, PASSWORD, server.sip(), &more);
            assert_eq!(camera.register(3600), 200);
            let shown = native.device(ID)["camera"].clone();
            assert_eq!(
                (&shown["status"], &shown["transport"]),
                (&json!("OnLine"), &json!(transport))
            );
            assert_eq!(camera.register(3600), 200, "a refresh");
            assert_eq!(camera.register(0), 200);
            native.wait_for_status(ID, "OffLine");
        }
    }
}

#[test]
fn a_name_and_the_rest_arrive_as_in_the_standards_example() {
    let (server, native, mut camera) = registered(&Start::with_cameras(), &json!({}), "generic");
    let set = ["Name=东门-1", "Expiration=3600", "HeartBeatInterval=60", "HeartBeatCount=3"];
    update(&server, &native, &set);
    let held = camera.held();
    assert_eq!(held["name"], "东门-1");
    assert_eq!(held["expiration"], 3600);
    let heard = camera.heard("DeviceConfig");
    assert_eq!(heard.len(), 1, "asked once");
    let config = "<?xml version=\"1.0\" encoding=\"GB2312\"?>\n<Control>\n\
        <CmdType>DeviceConfig</CmdType>\n<SN>{SN}</SN>\n<DeviceID>34020000001320000001</DeviceID>\n\
        <BasicParam>\n<Name>东门-1</Name>\n<Expiration>3600</Expiration>\n\
        <HeartBeatInterval>60</HeartBeatInterval>\n<HeartBeatCount>3</HeartBeatCount>\n\
        </BasicParam>\n</Control>\n";
    assert_said(&mut camera, &heard[0], config);
    let read = first(&mut camera, "ConfigDownload");
    let query = "<?xml version=\"1.0\" encoding=\"GB2312\"?>\n<Query>\n\
        <CmdType>ConfigDownload</CmdType>\n<SN>{SN}</SN>\n\
        <DeviceID>34020000001320000001</DeviceID>\n<ConfigType>BasicParam</ConfigType>\n</Query>\n";
    assert_said(&mut camera, &read, query);
    let reported = native.device(ID)["reported"].clone();
    assert_eq!(reported["Name"]["value"], "东门-1", "{reported}");

    // One SN is never used twice.
    let mut sns = Vec::new();
    for cmd_type in ["DeviceConfig", "ConfigDownload", "DeviceInfo", "Catalog"] {
        sns.extend(camera.heard(cmd_type).iter().map(sn));
    }
    let distinct: std::collections::BTreeSet<&u32> = sns.iter().collect();
    assert_eq!(distinct.len(), sns.len(), "{sns:?}");
}

#[test]
fn the_questions_are_those_of_the_standards_examples() {
    let start = Start { cameras: true, ..Start::default() };
    let (_server, native, mut camera) = registered(&start, &json!({"name": "东门-1"}), "generic");
    for cmd_type in ["DeviceInfo", "Catalog"] {
        let heard = first(&mut camera, cmd_type);
        let query = format!(
            "<?xml version=\"1.0\" encoding=\"GB2312\"?>\n<Query>\n<CmdType>{cmd_type}</CmdType>\n\
             <SN>{{SN}}</SN>\n<DeviceID>34020000001320000001</DeviceID>\n</Query>\n"
        );
        assert_said(&mut camera, &heard, &query);
    }
    // What it answers to them is shown.
    wait_until("what it said to be shown", PATIENCE, || {
        let shown = native.device(ID)["camera"].clone();
        shown["manufacturer"] == "ExampleCam" && shown["channels"] == 1
    });
    let shown = native.device(ID)["camera"].clone();
    assert_eq!((&shown["model"], &shown["firmware"]), (&json!("EC-200"), &json!("V1.2.3")));
    assert_eq!(shown["reported_name"], "东门-1");
    let channel = native.channels(ID)[0].clone();
    assert_eq!(channel["id"], "34020000001310000001");
    assert_eq!(channel["reported_name"], "东门-1");
    assert_eq!((&channel["status"], &channel["parent"]), (&json!("ON"), &json!(ID)));
}

#[test]
fn names_beyond_gb2312_arrive_and_are_read_back() {
    let (server, native, mut camera) = registered(&Start::with_cameras(), &json!({}), "generic");
    // In GBK and not in GB2312; of four bytes; of XML's own; and beyond the Basic Multilingual
    // Plane in another script.
    let names = ["萳园", "𠮷野路口", "㙍埔<&>码头", "é—€", "😀", "a b"];
    for (count, name) in (1..).zip(names) {
        update(&server, &native, &[&format!("Name={name}")]);
        assert_eq!(camera.held()["name"], name);
        let heard = camera.heard("DeviceConfig");
        assert_eq!(heard.len(), count, "{name}");
        let escaped = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"GB2312\"?>\n<Control>\n\
             <CmdType>DeviceConfig</CmdType>\n<SN>{{SN}}</SN>\n\
             <DeviceID>34020000001320000001</DeviceID>\n<BasicParam>\n<Name>{escaped}</Name>\n\
             </BasicParam>\n</Control>\n"
        );
        assert_said(&mut camera, &heard[count - 1], &body);
        let shown = native.device(ID);
        assert_eq!(shown["reported"]["Name"]["value"], name);
        assert_eq!(shown["name"], name);
    }
    assert_eq!(camera.encoded("𠮷").len(), 8, "four bytes");
}

#[test]
fn the_shape_of_2014_has_all_ten_parts() {
    let profile =
        "name = \"old\"\nbase = \"generic\"\nmeaning = \"of 2014\"\n\n[gb]\nshape = \"2014\"\n";
    let start = Start::with_cameras().with_file("catalogue/profiles/old.toml", profile);
    let more = json!({"expiration": 3600, "interval": 60, "count": 3});
    let (server, native, mut camera) = registered(&start, &more, "old");
    update(&server, &native, &["Name=gate-1"]);
    let port = server.sip().port();
    let heard = camera.heard("DeviceConfig");
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"GB2312\"?>\n<Control>\n<CmdType>DeviceConfig</CmdType>\n\
         <SN>{{SN}}</SN>\n<DeviceID>{ID}</DeviceID>\n<BasicParam>\n<Name>gate-1</Name>\n\
         <DeviceID>{ID}</DeviceID>\n<SIPServerID>{SERVER_ID}</SIPServerID>\n\
         <SIPServerIP>127.0.0.1</SIPServerIP>\n<SIPServerPort>{port}</SIPServerPort>\n\
         <DomainName>{DOMAIN}</DomainName>\n<Expiration>3600</Expiration>\n\
         <Password>{PASSWORD}</Password>\n<HeartBeatInterval>60</HeartBeatInterval>\n\
         <HeartBeatCount>3</HeartBeatCount>\n</BasicParam>\n</Control>\n"
    );
    assert_said(&mut camera, &heard[0], &body);
}
