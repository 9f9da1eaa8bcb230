//! Which device an entry is about, and what may be asked of that.

use super::bed::{Bed, CAMERA, CHANNEL, FROZEN, OF_OPTIONAL, OF_STRANGER, OTHER, PASSWORD};
use super::{Entry, INVALID, Rows};
use crate::harness::iss::{entry, request};
use crate::harness::phones::PROJECT;

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    gbids(rows, bed);
    channels(rows, bed);
    elements(rows, bed);
    other_calls(rows, bed);
}

/// `Gbid`.
fn gbids(rows: &mut Rows, bed: &Bed) {
    let rest = format!("<Pwd>{PASSWORD}</Pwd><Name>x</Name>");
    for (what, gbid) in [
        ("missing", String::new()),
        ("empty", "<Gbid></Gbid>".to_owned()),
        ("self-closed", "<Gbid/>".to_owned()),
    ] {
        let request = bed.entry(&format!("{gbid}{rest}"));
        rows.add(format!("Gbid: {what}"), request, Entry("GbidMissing"));
    }
    let long = "3".repeat(8_000);
    for (what, gbid) in [
        ("a placeholder", "Gbid"),
        ("19 digits", "3402000000132000001"),
        ("21 digits", "340200000013200000011"),
        ("18 digits, as the standard's sample has", "340200000013200001"),
        ("8,000 digits", &long),
        ("a letter among the digits", "3402000000132000000A"),
        ("fullwidth digits", "３４０２００００００１３２０００００１"),
        ("Arabic digits", "٣٤٠٢٠٠٠٠٠٠١٣٢٠٠٠٠٠٠١"),
        ("a blank within", "3402000000 132000001"),
        ("a hyphen within", "3402000000-132000001"),
        ("a sign in front", "+3402000000132000001"),
        ("a name", "东门"),
        ("SQL", "34020000001320000001' OR '1'='1"),
        ("a path", "../34020000001320000001"),
        ("two ids", "34020000001320000001,34020000001320000002"),
    ] {
        let request = bed.entry(&format!("<Gbid>{gbid}</Gbid>{rest}"));
        rows.add(format!("Gbid: {what}"), request, Entry("InvalidGbid"));
    }
    for (what, gbid) in [
        ("unknown", "34020000001320009999"),
        ("of zeroes", "00000000000000000000"),
        ("somebody else's", OF_STRANGER),
        ("another project's of the same operator", OF_OPTIONAL),
        ("an unknown channel", "34020000001310009999"),
    ] {
        let request = bed.entry(&format!("<Gbid>{gbid}</Gbid>{rest}"));
        rows.add(format!("Gbid: {what}"), request, Entry("DeviceNotFound"));
    }
    let frozen = bed.entry(&format!("<Gbid>{FROZEN}</Gbid>{rest}"));
    rows.add("Gbid: of a device that is frozen", frozen, Entry("Frozen"));
}

/// What a channel has not.
fn channels(rows: &mut Rows, bed: &Bed) {
    for (what, fields) in [
        ("a password", format!("<Pwd>{PASSWORD}</Pwd>")),
        ("a password beside a name", format!("<Pwd>{PASSWORD}</Pwd><Name>x</Name>")),
        ("a user name", "<User>x</User>".to_owned()),
        ("an address", "<Ip>203.0.113.7</Ip>".to_owned()),
        ("a port", "<Port>5060</Port>".to_owned()),
        ("a manufacturer", "<Manufacturer>x</Manufacturer>".to_owned()),
    ] {
        let request = bed.entry(&format!("<Gbid>{CHANNEL}</Gbid>{fields}"));
        rows.add(format!("channel: {what}"), request, Entry("NotOfAChannel"));
    }
}

/// Fields that are there twice, or of the wrong sort.
fn elements(rows: &mut Rows, bed: &Bed) {
    for (what, fields) in [
        ("Name twice", "<Name>a</Name><Name>b</Name>"),
        ("Name twice, alike", "<Name>a</Name><Name>a</Name>"),
        ("Name twice, one empty", "<Name>a</Name><Name/>"),
        ("Name twice, in two cases", "<Name>a</Name><name>b</name>"),
        ("Desc twice", "<Desc>a</Desc><Desc>b</Desc>"),
        ("Pwd twice", "<Pwd>87654321</Pwd>"),
        ("Port twice", "<Port>5060</Port><Port>5061</Port>"),
        (
            "Organization twice",
            "<Organization><Level>0</Level></Organization><Organization><Level>0</Level></Organization>",
        ),
        ("Level twice", "<Organization><Level>0</Level><Level>1</Level><L1>a</L1></Organization>"),
        ("L1 twice", "<Organization><Level>1</Level><L1>a</L1><L1>b</L1></Organization>"),
    ] {
        rows.add(format!("field: {what}"), bed.fields(fields), Entry("DuplicateElement"));
    }
    let twice = format!("<Gbid>{CAMERA}</Gbid><Gbid>{OTHER}</Gbid><Pwd>{PASSWORD}</Pwd>");
    rows.add("field: Gbid twice", bed.entry(&twice), Entry("DuplicateElement"));
    for (what, fields) in [
        ("an element in Name", "<Name><b>a</b></Name>"),
        ("an element beside the text of Name", "<Name>a<b/></Name>"),
        ("an element in Desc", "<Desc><Desc>a</Desc></Desc>"),
        ("an element in Port", "<Port><Value>5060</Value></Port>"),
        ("an element in User", "<User><Name>a</Name></User>"),
        ("a text as Organization", "<Organization>北京/海淀</Organization>"),
        ("an element in Level", "<Organization><Level><a/></Level></Organization>"),
    ] {
        rows.add(format!("field: {what}"), bed.fields(fields), Entry("InvalidElement"));
    }
    let nested = format!("<Gbid><Id>{CAMERA}</Id></Gbid><Pwd>{PASSWORD}</Pwd>");
    rows.add("field: an element in Gbid", bed.entry(&nested), Entry("InvalidElement"));
}

/// CreateDevice, DeleteDevice and UpdateDeviceTransport.
fn other_calls(rows: &mut Rows, bed: &Bed) {
    let body = |entries: &[String]| request(PROJECT, entries);
    let two = [entry(CAMERA, &[]), entry(OTHER, &[])];
    rows.add("DeleteDevice: two devices", bed.with_body("DELETE", "/device", body(&two)), INVALID);
    for (what, gbid, refusal) in [
        ("an unknown device", "34020000001320009999", Entry("DeviceNotFound")),
        ("somebody else's device", OF_STRANGER, Entry("DeviceNotFound")),
        ("a channel", CHANNEL, Entry("NotOfAChannel")),
        ("an id that is none", "Gbid", Entry("InvalidGbid")),
        ("no id", "", Entry("GbidMissing")),
    ] {
        let request = bed.with_body("DELETE", "/device", body(&[entry(gbid, &[])]));
        rows.add(format!("DeleteDevice: {what}"), request, refusal);
    }
    for (what, gbid, transport, refusal) in [
        ("SCTP", CAMERA, "SCTP", Entry("InvalidTransport")),
        ("both", CAMERA, "UDP,TCP", Entry("InvalidTransport")),
        ("TLS", CAMERA, "TLS", Entry("InvalidTransport")),
        ("of an unknown device", "34020000001320009999", "TCP", Entry("DeviceNotFound")),
        ("of somebody else's device", OF_STRANGER, "TCP", Entry("DeviceNotFound")),
        ("of a channel", CHANNEL, "TCP", Entry("NotOfAChannel")),
        ("of a frozen device", FROZEN, "TCP", Entry("Frozen")),
    ] {
        let body = body(&[entry(gbid, &[("Transport", transport)])]);
        let request = bed.with_body("PUT", "/device?transport", body);
        rows.add(format!("UpdateDeviceTransport: {what}"), request, refusal);
    }
    let made = |fields: &str| {
        bed.with_body("POST", "/device", body(&[format!("<Devicelist>{fields}</Devicelist>")]))
    };
    let pwd = format!("<Pwd>{PASSWORD}</Pwd>");
    for (what, fields, refusal) in [
        ("no password", "<Name>x</Name>".to_owned(), Entry("MissingPwd")),
        ("an empty password", "<Name>x</Name><Pwd/>".to_owned(), Entry("MissingPwd")),
        ("a short password", "<Name>x</Name><Pwd>12345</Pwd>".to_owned(), Entry("InvalidPwd")),
        ("a name with a blank", format!("<Name>a b</Name>{pwd}"), Entry("InvalidName")),
        ("a low port", format!("<Name>x</Name>{pwd}<Port>80</Port>"), Entry("InvalidPort")),
        ("another type", format!("<Name>x</Name>{pwd}<Type>Nvr</Type>"), Entry("InvalidType")),
        (
            "another protocol",
            format!("<Name>x</Name>{pwd}<Protocol>RTMP</Protocol>"),
            Entry("InvalidProtocol"),
        ),
        (
            "another transport",
            format!("<Name>x</Name>{pwd}<Transport>QUIC</Transport>"),
            Entry("InvalidTransport"),
        ),
        (
            "an organization that has another id",
            format!(
                "<Name>x</Name>{pwd}<Organization><OrganizationId>none</OrganizationId>\
                 <Level>1</Level><L1>a</L1></Organization>"
            ),
            Entry("InvalidOrganization"),
        ),
    ] {
        rows.add(format!("CreateDevice: {what}"), made(&fields), refusal);
    }
    let many: Vec<String> =
        (0..101).map(|_| format!("<Devicelist><Name>x</Name>{pwd}</Devicelist>")).collect();
    rows.add("CreateDevice: 101 devices", bed.with_body("POST", "/device", body(&many)), INVALID);
}
