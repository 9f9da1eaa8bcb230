//! Bodies that are XML, and not the `Request` of a call.

use super::bed::{Bed, CAMERA, OTHER, PASSWORD, STRANGER};
use super::{Call, INVALID, MALFORMED, Rows};
use crate::harness::iss::entry;
use crate::harness::phones::PROJECT;

/// The project is not there, or not the caller's.
const NO_PROJECT: super::Refusal = Call(404, "NoSuchProject");

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    let device = entry(CAMERA, &[("Pwd", PASSWORD), ("Name", "x")]);
    projects(rows, bed, &device);
    lists(rows, bed, &device);
}

/// `ProjectId`.
fn projects(rows: &mut Rows, bed: &Bed, device: &str) {
    let said = |project: &str| format!("<Request>{device}{project}</Request>");
    for (what, project) in [
        ("missing", ""),
        ("empty", "<ProjectId></ProjectId>"),
        ("self-closed", "<ProjectId/>"),
        ("twice", "<ProjectId>demo</ProjectId><ProjectId>demo</ProjectId>"),
        ("twice, and one empty", "<ProjectId>demo</ProjectId><ProjectId/>"),
        ("twice, in two cases", "<ProjectId>demo</ProjectId><projectid>demo</projectid>"),
        ("with an element in it", "<ProjectId><Id>demo</Id></ProjectId>"),
        ("within another element", "<Project><ProjectId>demo</ProjectId></Project>"),
        ("as an attribute", "<Project ProjectId=\"demo\"/>"),
        ("of another name", "<ProjectID_>demo</ProjectID_>"),
        ("in a comment", "<!--<ProjectId>demo</ProjectId>-->"),
        ("in CDATA as markup", "<![CDATA[<ProjectId>demo</ProjectId>]]>"),
    ] {
        let row = rows.add(format!("ProjectId: {what}"), bed.update(said(project)), INVALID);
        "ProjectId".clone_into(&mut row.says);
    }
    let long = "p".repeat(65);
    let endless = "p".repeat(8_000);
    for (what, project) in [
        ("unknown", "no-such-project"),
        ("somebody else's", STRANGER),
        ("in other case", "DEMO"),
        ("less a letter", "dem"),
        ("and a letter", "demos"),
        ("of 65 characters", &long),
        ("of 8,000 characters", &endless),
        ("with a slash", "demo/a"),
        ("in Chinese", "项目"),
        ("with a NUL's picture", "demo\u{2400}"),
        ("a path", "../demo"),
        ("SQL", "demo' OR '1'='1"),
        ("a wildcard", "*"),
    ] {
        let body = said(&format!("<ProjectId>{project}</ProjectId>"));
        rows.add(format!("ProjectId: {what}"), bed.update(body), NO_PROJECT);
    }
    let body = format!("<Request>{device}<ProjectId>{PROJECT}</ProjectId></Request>");
    for (what, target) in [("unknown", "/device?projectId=none"), ("empty", "/device?projectId=")] {
        // UpdateDevice takes it from its body; what the query says besides is no matter.
        let without = body.replace(PROJECT, "none");
        rows.add(
            format!("ProjectId: unknown in the body, and {what} in the query"),
            bed.with_body("PUT", target, without),
            NO_PROJECT,
        );
    }
    let target = format!("/device?projectId={PROJECT}");
    let only = bed.with_body("PUT", &target, said(""));
    let row = rows.add("ProjectId: in the query alone", only, INVALID);
    "ProjectId".clone_into(&mut row.says);
}

/// The list of devices.
fn lists(rows: &mut Rows, bed: &Bed, device: &str) {
    let with = |lists: &str| {
        bed.update(format!("<Request>{lists}<ProjectId>{PROJECT}</ProjectId></Request>"))
    };
    let one = |n: usize| {
        let id = format!("3402000000132{n:07}");
        entry(&id, &[("Pwd", PASSWORD)])
    };
    let fields =
        |n: usize| one(n).replace("<Devicelist>", "<Device>").replace("</Devicelist>", "</Device>");
    let many = |count: usize| (0..count).map(one).collect::<String>();
    let nested = |count: usize| {
        format!("<DeviceList>{}</DeviceList>", (0..count).map(fields).collect::<String>())
    };
    let same = device.repeat(101);
    for (what, lists) in [
        ("missing", String::new()),
        ("empty", "<Devicelist></Devicelist>".to_owned()),
        ("self-closed", "<Devicelist/>".to_owned()),
        ("of words alone", "<Devicelist>all</Devicelist>".to_owned()),
        ("of an attribute alone", format!("<Devicelist Gbid=\"{CAMERA}\"/>")),
        (
            "three of them, all empty",
            "<Devicelist/><DeviceList/><Devicelist></Devicelist>".to_owned(),
        ),
        ("of another name", device.replace("Devicelist", "Devices")),
        ("within another element", format!("<List>{device}</List>")),
        ("a device without its list", device.replace("Devicelist", "Device")),
        ("101 devices", many(101)),
        ("101 devices, all the same", same),
        ("101 Device elements in one list", nested(101)),
        ("100 lists and one Device element", format!("{}{}", many(100), nested(1))),
        ("50 and 51 in two lists", format!("{}{}", nested(50), nested(51))),
        (
            "100 good ones and an empty Device",
            format!("{}<Devicelist><Device/></Devicelist>", many(100)),
        ),
        ("1,000 devices", many(1_000)),
    ] {
        rows.add(format!("Devicelist: {what}"), with(&lists), INVALID);
    }
    let other = entry(OTHER, &[("Pwd", PASSWORD), ("Name", "x")]);
    for (what, body) in [
        ("an outermost element in another language", format!("<请求>{device}</请求>")),
        ("SOAP", format!("<Envelope><Body><Request>{other}</Request></Body></Envelope>")),
        ("the list as outermost element", other),
        ("an answer", "<Response><Code>200</Code></Response>".to_owned()),
        ("HTML", "<html><body>Request</body></html>".to_owned()),
    ] {
        rows.add(format!("Request: {what}"), bed.update(body), MALFORMED);
    }
}
