//! A.2.6: what a device answers.

use gb28181::manscdp::{
    BasicParam, CatalogItem, CatalogPart, ConfigDownload, ConfigResult, DeviceInfo, DeviceStatus,
    Encoding, Incoming, ManscdpError, Outcome, Outgoing,
};

use crate::example::{CAMERA, check_example, read};

/// A text that is there.
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn a_2_6_8_device_config_is_the_example() {
    let text = r#"<?xml version="1.0" encoding="GB2312"?>
<Response>
<CmdType>DeviceConfig</CmdType>
<SN>901</SN>
<DeviceID>34020000001320000001</DeviceID>
<Result>OK</Result>
</Response>"#;
    let sent = ConfigResult { sn: 901, device_id: CAMERA.to_owned(), result: Outcome::Ok };
    let read = check_example(&Outgoing::ConfigResult(sent.clone()), 177, text);
    assert_eq!(read, Incoming::DeviceConfig(sent));
}

#[test]
fn a_2_6_9_config_download_is_the_example() {
    let text = r#"<?xml version="1.0" encoding="GB2312"?>
<Response>
<CmdType>ConfigDownload</CmdType>
<SN>902</SN>
<DeviceID>34020000001320000001</DeviceID>
<Result>OK</Result>
<BasicParam>
<Name>东门-1</Name>
<Expiration>3600</Expiration>
<HeartBeatInterval>60</HeartBeatInterval>
<HeartBeatCount>3</HeartBeatCount>
<PositionCapability>0</PositionCapability>
<Longitude>0</Longitude>
<Latitude>0</Latitude>
</BasicParam>
</Response>"#;
    let basic = BasicParam {
        name: some("东门-1"),
        expiration: Some(3600),
        heartbeat_interval: Some(60),
        heartbeat_count: Some(3),
        position_capability: Some(0),
        longitude: some("0"),
        latitude: some("0"),
        ..BasicParam::default()
    };
    let sent = ConfigDownload {
        sn: 902,
        device_id: CAMERA.to_owned(),
        result: Outcome::Ok,
        basic: Some(Box::new(basic)),
        other_types: Vec::new(),
    };
    let read = check_example(&Outgoing::ConfigDownload(sent.clone()), 433, text);
    assert_eq!(read, Incoming::ConfigDownload(sent));
}

#[test]
fn a_2_6_5_device_info_is_the_example() {
    let text = r#"<?xml version="1.0" encoding="GB2312"?>
<Response>
<CmdType>DeviceInfo</CmdType>
<SN>904</SN>
<DeviceID>34020000001320000001</DeviceID>
<DeviceName>gate-1</DeviceName>
<Result>OK</Result>
<Manufacturer>ExampleCam</Manufacturer>
<Model>EC-200</Model>
<Firmware>V1.2.3</Firmware>
<Channel>1</Channel>
</Response>"#;
    let sent = DeviceInfo {
        sn: 904,
        device_id: CAMERA.to_owned(),
        device_name: some("gate-1"),
        result: Outcome::Ok,
        manufacturer: some("ExampleCam"),
        model: some("EC-200"),
        firmware: some("V1.2.3"),
        channel: Some(1),
    };
    let read = check_example(&Outgoing::DeviceInfo(sent.clone()), 323, text);
    assert_eq!(read, Incoming::DeviceInfo(sent));
}

#[test]
fn a_2_6_4_catalog_is_the_example() {
    let text = r#"<?xml version="1.0" encoding="GB2312"?>
<Response>
<CmdType>Catalog</CmdType>
<SN>905</SN>
<DeviceID>34020000001320000001</DeviceID>
<SumNum>1</SumNum>
<DeviceList Num="1">
<Item>
<DeviceID>34020000001310000001</DeviceID>
<Name>cam</Name>
<Manufacturer>ExampleCam</Manufacturer>
<Model>EC-200</Model>
<Owner>0</Owner>
<CivilCode>340200</CivilCode>
<Address>gate</Address>
<Parental>0</Parental>
<ParentID>34020000001320000001</ParentID>
<SafetyWay>0</SafetyWay>
<RegisterWay>1</RegisterWay>
<Secrecy>0</Secrecy>
<Status>ON</Status>
</Item>
</DeviceList>
</Response>"#;
    let item = CatalogItem {
        device_id: "34020000001310000001".to_owned(),
        name: some("cam"),
        manufacturer: some("ExampleCam"),
        model: some("EC-200"),
        owner: some("0"),
        civil_code: some("340200"),
        address: some("gate"),
        parental: Some(0),
        parent_id: some(CAMERA),
        safety_way: Some(0),
        register_way: Some(1),
        secrecy: Some(0),
        status: some("ON"),
        ..CatalogItem::default()
    };
    assert_eq!(item.is_on(), Some(true));
    let sent =
        CatalogPart { sn: 905, device_id: CAMERA.to_owned(), sum_num: Some(1), items: vec![item] };
    let read = check_example(&Outgoing::Catalog(sent.clone()), 590, text);
    assert_eq!(read, Incoming::Catalog(sent));
}

#[test]
fn a_2_6_6_device_status_is_written_in_the_standards_order() {
    let sent = DeviceStatus {
        sn: 907,
        device_id: CAMERA.to_owned(),
        result: Outcome::Ok,
        online: some("ONLINE"),
        status: Some(Outcome::Ok),
        reason: None,
        encode: some("ON"),
        record: some("OFF"),
        device_time: some("2026-11-21T22:40:00"),
    };
    let body = Outgoing::DeviceStatus(sent.clone()).to_body(Encoding::Gb18030).unwrap();
    let text = String::from_utf8(body.clone()).unwrap();
    let expected = "<Result>OK</Result>\r\n<Online>ONLINE</Online>\r\n<Status>OK</Status>\r\n\
                    <Encode>ON</Encode>\r\n<Record>OFF</Record>\r\n\
                    <DeviceTime>2026-11-21T22:40:00</DeviceTime>\r\n</Response>\r\n";
    assert!(text.ends_with(expected), "{text}");
    assert_eq!(Incoming::parse(&body), Ok(Incoming::DeviceStatus(sent)));
}

/// A response of a kind with these elements after the common ones.
fn response(cmd_type: &str, elements: &str) -> String {
    format!(
        "<Response><CmdType>{cmd_type}</CmdType><SN>9</SN><DeviceID>{CAMERA}</DeviceID>\
         {elements}</Response>"
    )
}

#[test]
fn a_result_is_ok_in_any_case_and_else_an_error_in_the_devices_words() {
    for (text, expected) in [
        ("OK", Outcome::Ok),
        ("Ok", Outcome::Ok),
        ("\r\n ok\t", Outcome::Ok),
        ("ERROR", Outcome::Error("ERROR".to_owned())),
        ("error", Outcome::Error("error".to_owned())),
        ("OKAY", Outcome::Error("OKAY".to_owned())),
        ("不支持", Outcome::Error("不支持".to_owned())),
    ] {
        let heard = read(&response("DeviceConfig", &format!("<Result>{text}</Result>")));
        let Incoming::DeviceConfig(answer) = heard else { panic!("an answer was sent") };
        assert_eq!(answer.result.is_ok(), expected == Outcome::Ok);
        assert_eq!(answer.result, expected);
    }
}

#[test]
fn an_answer_to_a_configuration_that_does_not_say_how_it_went_is_none() {
    for elements in ["", "<Result/>", "<Result> </Result>"] {
        let error = Incoming::parse(response("DeviceConfig", elements).as_bytes());
        assert_eq!(error, Err(ManscdpError::Missing { element: "Result" }));
    }
    // One to a query shows how it went by what it brings.
    let heard = read(&response("DeviceInfo", "<Manufacturer>Dahua</Manufacturer>"));
    let Incoming::DeviceInfo(info) = heard else { panic!("an answer was sent") };
    assert_eq!((info.result, info.manufacturer), (Outcome::Ok, some("Dahua")));
}

#[test]
fn an_answer_without_a_number_is_none() {
    for (sn, expected) in [
        ("", ManscdpError::Missing { element: "SN" }),
        ("<SN>x</SN>", ManscdpError::NotANumber { element: "SN" }),
        ("<SN>4294967296</SN>", ManscdpError::NotANumber { element: "SN" }),
    ] {
        for cmd_type in ["Catalog", "DeviceInfo", "DeviceStatus", "ConfigDownload"] {
            let text = response(cmd_type, "").replace("<SN>9</SN>", sn);
            assert_eq!(Incoming::parse(text.as_bytes()), Err(expected.clone()), "{cmd_type}");
        }
    }
}

#[test]
fn config_download_has_both_shapes_and_numbers_that_are_none() {
    let heard = read(&response(
        "ConfigDownload",
        "<Result>OK</Result><BasicParam><Name> gate </Name><SIPServerPort>5060</SIPServerPort>\
         <Expiration>null</Expiration><HeartBeatInterval/><HeartBeatCount>-3</HeartBeatCount>\
         <Password>12345678</Password></BasicParam>",
    ));
    let Incoming::ConfigDownload(answer) = heard else { panic!("an answer was sent") };
    let basic = answer.basic.unwrap();
    assert_eq!((basic.name, basic.sip_server_port), (some("gate"), Some(5060)));
    assert_eq!(
        (basic.expiration, basic.heartbeat_interval, basic.heartbeat_count),
        (None, None, None)
    );
    assert_eq!(basic.password.unwrap().expose(), "12345678");
}

#[test]
fn config_download_tells_what_else_it_has() {
    let heard = read(&response(
        "ConfigDownload",
        "<Result>OK</Result><VideoParamOpt><Resolution>6</Resolution></VideoParamOpt><Basic/>",
    ));
    let Incoming::ConfigDownload(answer) = heard else { panic!("an answer was sent") };
    assert_eq!(answer.basic, None);
    assert_eq!(answer.other_types, ["VideoParamOpt", "Basic"]);
}

#[test]
fn other_responses_are_named_and_left_alone() {
    let heard = read(&response("RecordInfo", "<SumNum>0</SumNum>"));
    assert!(matches!(heard, Incoming::Other { cmd_type, sn: 9, .. } if cmd_type == "RecordInfo"));
}
