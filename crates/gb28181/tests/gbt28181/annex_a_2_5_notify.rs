//! A.2.5: what a device says unasked.

use gb28181::manscdp::{Incoming, Keepalive, Outcome, Outgoing, Root};

use crate::example::{CAMERA, check_example, read};

/// A keepalive of the camera.
fn keepalive(sn: u32, status: Outcome) -> Keepalive {
    Keepalive { sn, device_id: CAMERA.to_owned(), status }
}

#[test]
fn keepalive_is_the_example() {
    let sent = keepalive(43, Outcome::Ok);
    let text = r#"<?xml version="1.0" encoding="GB2312"?>
<Notify>
<CmdType>Keepalive</CmdType>
<SN>43</SN>
<DeviceID>34020000001320000001</DeviceID>
<Status>OK</Status>
</Notify>"#;
    let read = check_example(&Outgoing::Keepalive(sent.clone()), 169, text);
    assert_eq!(read, Incoming::Keepalive(sent));
}

/// Checks what is read of a keepalive with these elements besides `CmdType` and `DeviceID`.
fn check(elements: &str, expected: Keepalive) {
    let id = format!("<DeviceID>{CAMERA}</DeviceID>");
    let text = format!("<Notify>{elements}{id}<CmdType>Keepalive</CmdType></Notify>");
    assert_eq!(read(&text), Incoming::Keepalive(expected), "{elements}");
}

#[test]
fn a_keepalive_counts_whatever_its_number_is() {
    check("<SN>7</SN><Status>OK</Status>", keepalive(7, Outcome::Ok));
    for number in ["", "<SN/>", "<SN>99999999999</SN>", "<SN>-1</SN>", "<SN>x</SN>"] {
        check(&format!("{number}<Status>OK</Status>"), keepalive(0, Outcome::Ok));
    }
}

#[test]
fn a_device_that_finds_itself_broken_says_so() {
    check("<SN>7</SN><Status>ERROR</Status>", keepalive(7, Outcome::Error("ERROR".to_owned())));
    check("<SN>7</SN><Status> ok </Status>", keepalive(7, Outcome::Ok));
    check("<SN>7</SN>", keepalive(7, Outcome::Ok));
    let with_list = "<SN>7</SN><Status>OK</Status><Info><DeviceID>1</DeviceID></Info>";
    check(with_list, keepalive(7, Outcome::Ok));
}

#[test]
fn other_notifications_are_named_and_left_alone() {
    let text = format!(
        "<Notify><CmdType>Alarm</CmdType><SN>3</SN><DeviceID>{CAMERA}</DeviceID>\
         <AlarmPriority>1</AlarmPriority></Notify>"
    );
    let expected = Incoming::Other {
        root: Root::Notify,
        cmd_type: "Alarm".to_owned(),
        sn: 3,
        device_id: CAMERA.to_owned(),
    };
    assert_eq!(read(&text), expected);
    // A change of the catalog that was subscribed to is no answer to a query.
    let text = text.replace("Alarm<", "Catalog<");
    assert!(matches!(read(&text), Incoming::Other { root: Root::Notify, .. }));
}
