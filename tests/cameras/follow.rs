//! Where a keepalive moves a camera, by `sip.follow`: it carries no digest, so it proves nothing.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::json;

use crate::harness::cameras::{record, server};
use crate::harness::sip::{ELSEWHERE, Line, Ua};
use crate::harness::site::import;
use crate::harness::{Native, PATIENCE, Server, Start, wait_until};

const ID: &str = "34020000001320000001";
const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A server with this policy, and a camera that is registered there.
fn registered(follow: Option<&str>) -> (Server, Native, Ua) {
    let follow = follow.map_or_else(String::new, |follow| format!("\nfollow = \"{follow}\""));
    let (server, native) = server(&Start::with_sip(&format!("survey_per_second = 1{follow}")));
    import(&native, &[record(ID, "12345678")]);
    let mut ua = Ua::new(ID, "12345678", Line::udp(server.sip()));
    assert_eq!(ua.register(3600).status, Some(200));
    ua.introduce_itself();
    wait_until("the server to know what it is", PATIENCE, || {
        native.device(ID)["camera"]["manufacturer"] == "ExampleCam"
    });
    assert_eq!(ua.keepalive().status, Some(200));
    (server, native, ua)
}

/// Where the camera is, as the server has it.
fn remote(native: &Native) -> String {
    native.device(ID)["camera"]["remote"].as_str().expect("an address").to_owned()
}

/// Waits until the server has the camera there, and checks that its commands go there too: it asks
/// what the camera is called before it gives it a name.
fn assert_at(native: &Native, ua: &mut Ua, name: &str) {
    let local: SocketAddr = ua.local();
    wait_until("the camera to have moved", PATIENCE, || remote(native) == local.to_string());
    native.ask(ID, &json!({"Name": name}));
    let asked = ua.asked("ConfigDownload");
    assert!(asked.start.starts_with(&format!("MESSAGE sip:{ID}@{local} SIP/2.0")), "{asked:?}");
}

#[test]
fn by_default_the_port_may_change_and_the_address_may_not() {
    let (server, native, ua) = registered(None);
    let before = native.device(ID)["camera"].clone();
    let mut elsewhere = ua.moved(Line::udp_from(ELSEWHERE, server.sip()));
    assert_eq!(elsewhere.keepalive().status, Some(403));
    let mut tcp = ua.moved(Line::tcp(server.sip()));
    assert_eq!(tcp.keepalive().status, Some(403), "another transport is another place");
    assert_eq!(native.device(ID)["camera"], before);

    let mut moved = ua.moved(Line::udp_from(HERE, server.sip()));
    assert_eq!(moved.keepalive().status, Some(200));
    assert_at(&native, &mut moved, "one");
    // It moved, and was not registered anew by that.
    let camera = &native.device(ID)["camera"];
    for unchanged in ["registered_at", "refreshed_at", "expires_at", "transport"] {
        assert_eq!(camera[unchanged], before[unchanged], "{unchanged}");
    }
    // What is not a keepalive moves nothing, wherever it comes from.
    let mut other = ua.moved(Line::udp_from(HERE, server.sip()));
    let notify = "<?xml version=\"1.0\"?><Notify><CmdType>Alarm</CmdType><SN>1</SN>\
                  <DeviceID>34020000001320000001</DeviceID></Notify>";
    let bytes = other.message_bytes(notify.as_bytes());
    other.line.send(&bytes);
    let answer = other.line.receive_within(PATIENCE).expect("an answer");
    assert_eq!(answer.status, Some(403));
    assert_eq!(remote(&native), moved.local().to_string());
    // A registration moves it whatever the policy.
    assert_eq!(elsewhere.register(3600).status, Some(200));
    assert_at(&native, &mut elsewhere, "two");
    assert_eq!(moved.keepalive().status, Some(403));
}

#[test]
fn told_so_nothing_moves_but_by_a_registration() {
    let (server, native, ua) = registered(Some("registered"));
    let before = native.device(ID)["camera"].clone();
    for from in [HERE, ELSEWHERE] {
        let mut moved = ua.moved(Line::udp_from(from, server.sip()));
        assert_eq!(moved.keepalive().status, Some(403), "{from}");
    }
    assert_eq!(native.device(ID)["camera"], before);
    let mut ua = ua;
    assert_eq!(ua.keepalive().status, Some(200));
    assert_at(&native, &mut ua, "one");
}

#[test]
fn told_so_a_camera_is_followed_anywhere() {
    let (server, native, ua) = registered(Some("any"));
    let mut moved = ua.moved(Line::udp_from(ELSEWHERE, server.sip()));
    assert_eq!(moved.keepalive().status, Some(200));
    assert_at(&native, &mut moved, "one");
}
