//! A.2.4: what a platform asks.

use gb28181::manscdp::{Incoming, Outgoing, Query, QueryKind};

use crate::example::{CAMERA, check_example, read};

/// Checks a query against the example of its kind, which has an element more or none.
fn check(cmd: QueryKind, sn: u32, content_length: usize, config_type: Option<&str>) {
    let sent = Outgoing::Query { cmd, sn, device_id: CAMERA.to_owned() };
    let more =
        config_type.map_or(String::new(), |value| format!("\n<ConfigType>{value}</ConfigType>"));
    let text = format!(
        r#"<?xml version="1.0" encoding="GB2312"?>
<Query>
<CmdType>{}</CmdType>
<SN>{sn}</SN>
<DeviceID>34020000001320000001</DeviceID>{more}
</Query>"#,
        cmd.cmd_type()
    );
    let expected = Query {
        cmd_type: cmd.cmd_type().to_owned(),
        sn,
        device_id: CAMERA.to_owned(),
        config_type: config_type.map(str::to_owned),
    };
    assert_eq!(check_example(&sent, content_length, &text), Incoming::Query(expected));
}

#[test]
fn a_2_4_4_device_info_is_the_example() {
    check(QueryKind::DeviceInfo, 904, 148, None);
}

#[test]
fn a_2_4_3_and_2_catalog_and_status_differ_in_their_names_alone() {
    check(QueryKind::Catalog, 904, 145, None);
    check(QueryKind::DeviceStatus, 904, 150, None);
}

#[test]
fn a_2_4_7_config_download_is_the_example() {
    check(QueryKind::ConfigDownload, 902, 189, Some("BasicParam"));
}

#[test]
fn several_types_of_configuration_are_parted_by_a_slash() {
    let text = format!(
        "<Query><CmdType>ConfigDownload</CmdType><SN>1</SN><DeviceID>{CAMERA}</DeviceID>\
         <ConfigType>BasicParam/VideoParamOpt</ConfigType></Query>"
    );
    let Incoming::Query(query) = read(&text) else { panic!("a query was sent") };
    assert_eq!(query.config_type.as_deref(), Some("BasicParam/VideoParamOpt"));
}

#[test]
fn a_query_of_any_other_kind_is_a_query() {
    let text = format!(
        "<Query><CmdType>RecordInfo</CmdType><SN>1</SN><DeviceID>{CAMERA}</DeviceID></Query>"
    );
    let Incoming::Query(query) = read(&text) else { panic!("a query was sent") };
    assert_eq!(query.cmd_type, "RecordInfo");
}
