//! A.2.3: what a platform tells a device to do.

use gb28181::manscdp::{
    BasicParam, Control, ControlCommand, Encoding, Incoming, Outgoing, Secret, Shape, WriteError,
};

use crate::example::{CAMERA, check_example, read};

/// The command to set parameters.
fn config(sn: u32, basic: BasicParam, shape: Shape) -> Outgoing {
    Outgoing::Config { sn, device_id: CAMERA.to_owned(), basic: Box::new(basic), shape }
}

/// What a device reads of a command for it.
fn control(sn: u32, command: ControlCommand) -> Incoming {
    Incoming::Control(Control { sn, device_id: CAMERA.to_owned(), command })
}

/// The four parameters of the 2016 shape.
fn four(name: &str) -> BasicParam {
    BasicParam {
        name: Some(name.to_owned()),
        expiration: Some(3600),
        heartbeat_interval: Some(60),
        heartbeat_count: Some(3),
        ..BasicParam::default()
    }
}

/// The ten parameters of the 2014 shape.
fn ten(password: &str) -> BasicParam {
    BasicParam {
        device_id: Some(CAMERA.to_owned()),
        sip_server_id: Some("34020000002000000001".to_owned()),
        sip_server_ip: Some("198.51.100.5".to_owned()),
        sip_server_port: Some(5060),
        domain_name: Some("3402000000".to_owned()),
        password: Some(Secret::new(password)),
        ..four("gate-1")
    }
}

#[test]
fn a_2_3_2_device_config_is_the_example() {
    let text = r#"<?xml version="1.0" encoding="GB2312"?>
<Control>
<CmdType>DeviceConfig</CmdType>
<SN>901</SN>
<DeviceID>34020000001320000001</DeviceID>
<BasicParam>
<Name>东门-1</Name>
<Expiration>3600</Expiration>
<HeartBeatInterval>60</HeartBeatInterval>
<HeartBeatCount>3</HeartBeatCount>
</BasicParam>
</Control>"#;
    let read = check_example(&config(901, four("东门-1"), Shape::Y2016), 314, text);
    assert_eq!(read, control(901, ControlCommand::DeviceConfig(Box::new(four("东门-1")))));
}

#[test]
fn amendment_2014_device_config_is_the_example() {
    let text = r#"<?xml version="1.0" encoding="GB2312"?>
<Control>
<CmdType>DeviceConfig</CmdType>
<SN>903</SN>
<DeviceID>34020000001320000001</DeviceID>
<BasicParam>
<Name>gate-1</Name>
<DeviceID>34020000001320000001</DeviceID>
<SIPServerID>34020000002000000001</SIPServerID>
<SIPServerIP>198.51.100.5</SIPServerIP>
<SIPServerPort>5060</SIPServerPort>
<DomainName>3402000000</DomainName>
<Expiration>3600</Expiration>
<Password>87654321</Password>
<HeartBeatInterval>60</HeartBeatInterval>
<HeartBeatCount>3</HeartBeatCount>
</BasicParam>
</Control>"#;
    let read = check_example(&config(903, ten("87654321"), Shape::Y2014), 552, text);
    assert_eq!(read, control(903, ControlCommand::DeviceConfig(Box::new(ten("87654321")))));
}

#[test]
fn edition_2022_device_config_is_the_same_in_gb18030() {
    let command = config(901, four("东门-𠮷"), Shape::Y2016);
    let body = command.to_body(Encoding::Gb18030).unwrap();
    assert!(body.starts_with(b"<?xml version=\"1.0\" encoding=\"GB18030\"?>\r\n<Control>\r\n"));
    let name = b"<Name>\xb6\xab\xc3\xc5-\x95\x34\xb2\x35</Name>\r\n";
    assert!(body.windows(name.len()).any(|window| window == name));
    let utf8 = command.to_body(Encoding::Utf8).unwrap();
    assert!(String::from_utf8(utf8).unwrap().contains("<Name>东门-𠮷</Name>\r\n"));
}

#[test]
fn a_2_3_2_every_parameter_is_optional() {
    let only_name = BasicParam { name: Some("gate".to_owned()), ..BasicParam::default() };
    let body = config(1, only_name, Shape::Y2016).to_body(Encoding::Utf8).unwrap();
    let text = String::from_utf8(body).unwrap();
    assert!(text.contains("<BasicParam>\r\n<Name>gate</Name>\r\n</BasicParam>\r\n"), "{text}");
}

#[test]
fn what_a_shape_lacks_is_refused_and_not_left_out() {
    let refused = |basic: BasicParam, shape| config(1, basic, shape).to_body(Encoding::Utf8);
    let password = BasicParam { password: Some(Secret::new("1")), ..four("gate") };
    let error = refused(password, Shape::Y2016);
    assert_eq!(error, Err(WriteError::NotInShape { element: "Password" }));
    for shape in [Shape::Y2016, Shape::Y2014] {
        let placed = BasicParam { longitude: Some("117.2".to_owned()), ..four("gate") };
        let error = refused(placed, shape);
        assert_eq!(error, Err(WriteError::NotInShape { element: "Longitude" }));
    }
}

#[test]
fn a_2_3_1_3_tele_boot_is_the_example() {
    let text = r#"<?xml version="1.0" encoding="GB2312"?>
<Control>
<CmdType>DeviceControl</CmdType>
<SN>906</SN>
<DeviceID>34020000001320000001</DeviceID>
<TeleBoot>Boot</TeleBoot>
</Control>"#;
    let sent = Outgoing::TeleBoot { sn: 906, device_id: CAMERA.to_owned() };
    assert_eq!(check_example(&sent, 182, text), control(906, ControlCommand::TeleBoot));
}

#[test]
fn other_controls_are_named_and_left_alone() {
    for (cmd_type, element) in [
        ("DeviceControl", "<PTZCmd>A50F01021F0000D6</PTZCmd>"),
        ("DeviceConfig", "<SVACEncodeConfig/>"),
        // Each under the other's name.
        ("DeviceConfig", "<TeleBoot>Boot</TeleBoot>"),
        ("DeviceControl", "<BasicParam/>"),
    ] {
        let text = format!(
            "<Control><CmdType>{cmd_type}</CmdType><SN>5</SN><DeviceID>{CAMERA}</DeviceID>\
             {element}</Control>"
        );
        let other = ControlCommand::Other { cmd_type: cmd_type.to_owned() };
        assert_eq!(read(&text), control(5, other));
    }
}

#[test]
fn the_password_is_not_shown() {
    let command = config(1, ten("hunter2-secret"), Shape::Y2014);
    let heard = Incoming::parse(&command.to_body(Encoding::Gb18030).unwrap()).unwrap();
    for shown in [format!("{command:?}"), format!("{heard:?}"), format!("{heard:#?}")] {
        assert!(shown.contains("Secret") && !shown.contains("hunter2"), "{shown}");
    }
    let Incoming::Control(Control { command: ControlCommand::DeviceConfig(basic), .. }) = heard
    else {
        panic!("a configuration was sent")
    };
    assert_eq!(basic.password.as_ref().map(Secret::expose), Some("hunter2-secret"));
}

#[test]
fn the_password_is_in_no_error() {
    for password in ["hunter2\u{1}", &"hunter2".repeat(200)] {
        let error = config(1, ten(password), Shape::Y2014).to_body(Encoding::Utf8).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("Password") && !shown.contains("hunter2"), "{shown}");
    }
    // Entities and closing tags are what a parser likes to quote.
    for broken in ["<Password>a&hunter2;</Password>", "<Password>1</hunter2>", "<hunter2"] {
        let text = format!("<Control><CmdType>DeviceConfig</CmdType><BasicParam>{broken}");
        let error = Incoming::parse(text.as_bytes()).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
