use super::*;

/// Reads a body.
fn asked(body: &str) -> Asked {
    Asked::read(body.as_bytes()).unwrap_or_else(|failure| panic!("{failure:?}: {body}"))
}

/// The code and the message of a refusal.
fn refused<T: std::fmt::Debug>(result: Result<T, Failure>) -> (&'static str, String) {
    let failure = result.unwrap_err();
    (failure.code.text(), failure.message.into_owned())
}

/// What each device's `Gbid` is, in order.
fn gbids(body: &str) -> Vec<String> {
    let asked = asked(body);
    let devices = asked.devices().unwrap();
    devices.iter().map(|device| device.as_sent("Gbid").to_owned()).collect()
}

/// The body of the vendor's own sample (UpdateDevice, "worked example").
const SAMPLE: &str = "<Request>
    <Devicelist>
        <Gbid></Gbid>
        <Name></Name>
        <Pwd>Pwd</Pwd>
        <Desc>Desc</Desc>
        <User></User>
    </Devicelist>
    <ProjectId></ProjectId>
</Request>";

#[test]
fn a_list_of_devices_is_read_in_each_form_that_the_vendor_writes() {
    for body in [
        "<Request><Devicelist><Gbid>1</Gbid></Devicelist><ProjectId>p</ProjectId>\
         <Devicelist><Gbid>2</Gbid></Devicelist><Devicelist><Gbid>3</Gbid></Devicelist></Request>",
        "<Request><DeviceList><Device><Gbid>1</Gbid></Device><Device><Gbid>2</Gbid></Device>\
         </DeviceList><DeviceList><Device><Gbid>3</Gbid></Device></DeviceList></Request>",
        "<request><devicelist><GBID>1</GBID><device><gbid>2</gbid></device></devicelist>\
         <DEVICELIST><Other/><Device><Gbid>3</Gbid></Device></DEVICELIST></request>",
        "<Request><Deviceist><Gbid>1</Gbid></Deviceist><Other><Gbid>4</Gbid></Other>\
         <DeviceList><Desc/><Gbid>2</Gbid><Device><Gbid>3</Gbid></Device></DeviceList></Request>",
    ] {
        assert_eq!(gbids(body), ["1", "2", "3"], "{body}");
    }
    assert_eq!(gbids(SAMPLE), [""]);
    assert_eq!(gbids("<Request><Devicelist><Device/></Devicelist></Request>"), [""]);
    assert_eq!(gbids("<Request><Devicelist><Other/></Devicelist></Request>"), [""]);
}

#[test]
fn a_call_has_1_to_100_devices() {
    let body = |count: usize, device: &str| format!("<Request>{}</Request>", device.repeat(count));
    let repeated = "<Devicelist><Gbid>1</Gbid></Devicelist>";
    let within = "<Device><Gbid>1</Gbid></Device>";
    assert_eq!(gbids(&body(100, repeated)).len(), 100);
    let lists = |count: usize| format!("<DeviceList>{}</DeviceList>", within.repeat(count));
    assert_eq!(gbids(&body(2, &lists(50))).len(), 100);
    for body in [body(101, repeated), body(1, &lists(101)), body(3, &lists(40))] {
        let (code, message) = refused(asked(&body).devices());
        assert_eq!(code, "InvalidArgument");
        assert!(
            message.starts_with("a call has at most 100 devices (line 1, column "),
            "{message}"
        );
    }
    for body in [
        "<Request/>",
        "<Request><ProjectId>p</ProjectId></Request>",
        "<Request><Devicelist/><DeviceList> </DeviceList></Request>",
        "<Request><Device><Gbid>1</Gbid></Device></Request>",
    ] {
        let (code, message) = refused(asked(body).devices());
        assert_eq!(code, "InvalidArgument");
        assert!(message.contains("Devicelist is required"), "{message}");
    }
    let two = body(2, repeated);
    let (code, message) = refused(asked(&two).only_device());
    assert_eq!(code, "InvalidArgument");
    assert!(message.starts_with("this call takes one device (line 1, column 49)"), "{message}");
    assert_eq!(asked(&body(1, repeated)).only_device().unwrap().as_sent("Gbid"), "1");
}

#[test]
fn the_project_has_to_be_named_once() {
    let (code, message) = refused(asked(SAMPLE).project_id());
    assert_eq!(code, "InvalidArgument");
    assert_eq!(message, "ProjectId is required and empty (line 9, column 5).");
    for (inside, part) in [
        ("", "ProjectId is required and missing (line 1, column 1)"),
        ("<ProjectId/>", "is required and empty"),
        ("<ProjectId>a</ProjectId><projectid>a</projectid>", "is given twice (line 1, column 34)"),
        ("<ProjectId><a>b</a></ProjectId>", "is a text and has elements in it"),
    ] {
        let (code, message) = refused(asked(&format!("<Request>{inside}</Request>")).project_id());
        assert!(code == "InvalidArgument" && message.contains(part), "{inside}: {message}");
    }
    let named = asked("<Request><Devicelist/><PROJECTID> p1 </PROJECTID></Request>");
    assert_eq!(named.project_id().unwrap(), " p1 ", "as it stands");
}

#[test]
fn what_is_no_request_is_refused_whole() {
    for (body, code, part) in [
        (&b""[..], "MissingRequestBodyError", "body is missing"),
        (b"<Response/>", "MalformedXML", "must be Request (line 1, column 1)"),
        (b"<Request>", "MalformedXML", "line 1, column 10: the document ends here"),
        (b"{}", "MalformedXML", "line 1, column 1: "),
        (&[b' '; xml::BYTES_MAX + 1], "MalformedXML", "at most 1048576 bytes"),
    ] {
        let (found, message) = refused(Asked::read(body));
        assert!(found == code && message.contains(part), "{found}: {message}");
    }
}

#[test]
fn a_field_is_there_once_and_holds_what_it_should() {
    let body = "<Request><Devicelist><Name>a</Name><name>b</name><Desc/>\
        <User><x/></User><Ip> 1 </Ip><Organization>Org</Organization></Devicelist></Request>";
    let asked = asked(body);
    let device = asked.only_device().unwrap();
    assert_eq!(device.text("Desc"), Ok(None), "empty is absent");
    assert_eq!(device.text("Pwd"), Ok(None));
    assert_eq!(device.text("Ip"), Ok(Some(" 1 ")), "as it stands");
    let code = |fault: Fault| fault.code();
    assert_eq!(device.text("Name").map_err(code), Err(EntryCode::DuplicateElement));
    assert_eq!(device.text("User").map_err(code), Err(EntryCode::InvalidElement));
    let container = device.container("Organization").map(drop);
    assert_eq!(container.map_err(code), Err(EntryCode::InvalidElement));
    assert!(device.container("Desc").unwrap().is_none());
}
