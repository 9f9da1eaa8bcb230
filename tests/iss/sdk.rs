//! Tencent's own signer with `requests`, unmodified and on a port that is not HTTP's: every call of
//! the door, Chinese names, flags, blanks in the query, and what strict keys make of it.

use serde_json::{Value, json};

use crate::harness::cameras::server;
use crate::harness::iss::{Stock, assert_request_id, content_md5, entry, request};
use crate::harness::phones::PROJECT;
use crate::harness::{Iss, Start};

/// Checks the headers of an answer, and gives what it says.
#[track_caller]
fn answered(answer: &Value, status: u16) -> Value {
    let headers = &answer["headers"];
    assert_eq!(answer["status"], status, "{answer}");
    assert_eq!(headers["server"], "tencent-iss", "{answer}");
    assert_eq!(headers["content-type"], "application/xml", "{answer}");
    // A call that is refused for its signature ends the connection, its body being unread.
    let may_end = status == 403 && headers["connection"] == "close";
    assert!(may_end || headers["connection"] == "keep-alive", "{answer}");
    assert!(headers["date"].as_str().is_some_and(|date| date.ends_with(" GMT")), "{answer}");
    let text = answer["text"].as_str().expect("a text");
    assert_eq!(headers["content-length"], text.len().to_string(), "{answer}");
    let id = headers["x-iss-request-id"].as_str().expect("an id");
    assert_request_id(id);
    let (_, said) = answer["xml"].as_object().expect("an element").iter().next().expect("one");
    // The vendor's answers about projects have none.
    if let Some(own) = said.get("RequestId") {
        assert_eq!(own, id, "{answer}");
    }
    said.clone()
}

/// An answer that is 200.
#[track_caller]
fn ok(answer: &Value) -> Value {
    answered(answer, 200)
}

/// What repeats itself, as a list, however often it does.
fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    }
}

/// Values that must be text, as that.
#[track_caller]
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a text")).to_owned()
}

#[test]
fn all_its_calls_work() {
    let (server, native) = server(&Start::with_cameras());
    let key = native.new_account_key();
    let mut stock = Stock::new(&server.url(), &key, &json!({}));
    let project = projects(&mut stock);
    let organization = organizations(&mut stock, &project);
    let [first, second] = devices(&mut stock, &project, &organization);

    let sip = ok(&stock.call("GET", "/device/sip", &json!({"projectId": project}), ""));
    let sip = &sip["SipServerList"]["SipServer"];
    assert_eq!(sip["NetPort"], server.sip().port().to_string(), "{sip}");
    assert_eq!(sip["ServerGbid"], crate::harness::sip::SERVER_ID, "{sip}");
    assert_eq!(sip["Domain"], crate::harness::sip::DOMAIN, "{sip}");

    for gbid in [&first, &second] {
        let body = request(&project, &[entry(gbid, &[])]);
        let gone = ok(&stock.call("DELETE", "/device", &json!({}), &body));
        assert_eq!(gone["DeviceList"]["Device"]["Gbid"], *gbid, "{gone}");
    }
    let params = json!({"projectId": project, "id": organization});
    ok(&stock.call("DELETE", "/organization", &params, ""));
    let gone = ok(&stock.call("DELETE", &format!("/project/{project}"), &json!({}), ""));
    assert_eq!(gone["ProjectId"], project);
    let left = ok(&stock.call("GET", "/project", &json!({"ids": project}), ""));
    assert_eq!(left["NonExistProjectIds"]["ProjectId"], project, "{left}");
}

/// The calls about projects; gives one that was made.
fn projects(stock: &mut Stock) -> String {
    let body = "<Request><Name>园区-1</Name><Desc>北区_*</Desc><Mode>GB28181</Mode></Request>";
    let made = ok(&stock.call("POST", "/project", &json!({}), body));
    let project = text(&made["ProjectId"]);
    let body = "<Request><Name>园区-2</Name></Request>";
    let path = format!("/project/{project}");
    let named = ok(&stock.flagged("PUT", &path, &["baseinfo"], body));
    assert_eq!((&named["Name"], &named["Desc"]), (&json!("园区-2"), &json!("北区_*")), "{named}");
    let body = "<Request><Status>Paused</Status></Request>";
    let paused = ok(&stock.call("PUT", &path, &json!({"status": ""}), body));
    assert_eq!(paused["Status"], "Paused", "{paused}");
    let body = "<Request><Status>Active</Status></Request>";
    assert_eq!(ok(&stock.call("PUT", &path, &json!({}), body))["Status"], "Active");

    let params = json!({"pageNumber": 1, "pageSize": 100, "name": "园区"});
    let shown = ok(&stock.call("GET", "/project", &params, ""));
    let shown = list(&shown["ProjectList"]);
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert_eq!((&shown[0]["Name"], &shown[0]["Mode"]), (&json!("园区-2"), &json!("GB28181")));
    assert!(text(&shown[0]["CreateTime"]).ends_with("+0800"), "{shown:?}");
    // A blank goes as `+` and is signed as `%20`; a slash and an asterisk are signed encoded.
    let odd = ok(&stock.call("GET", "/project", &json!({"name": "园区 1/*+&="}), ""));
    assert_eq!(odd["TotalCount"], "0", "{odd}");
    let some = ok(&stock.call("GET", "/project", &json!({"ids": format!("{project},none")}), ""));
    assert_eq!(list(&some["ProjectList"]).len(), 1, "{some}");
    assert_eq!(some["NonExistProjectIds"]["ProjectId"], "none", "{some}");
    project
}

/// The calls about organizations; gives one that was made.
fn organizations(stock: &mut Stock, project: &str) -> String {
    let said = |inner: &str| {
        format!(
            "<Request><ProjectId>{project}</ProjectId><Organization>{inner}</Organization></Request>"
        )
    };
    let body = said("<Level>2</Level><L1>北京</L1><L2>海淀</L2>");
    let made = ok(&stock.call("POST", "/organization", &json!({}), &body));
    let id = text(&made["Organization"]["OrganizationId"]);
    assert_eq!(
        (&made["ProjectId"], &made["Organization"]["Level"]),
        (&json!(project), &json!("2"))
    );
    let inner = format!("<OrganizationId>{id}</OrganizationId><Level>1</Level><L1>上海</L1>");
    let moved = ok(&stock.call("PUT", "/organization", &json!({}), &said(&inner)));
    assert_eq!(moved["Organization"]["L1"], "上海", "{moved}");
    assert_eq!(moved["Organization"]["OrganizationId"], id, "{moved}");
    let params = json!({"projectId": project, "ids": format!("{id},gone"), "pageSize": 10});
    let shown = ok(&stock.call("GET", "/organization", &params, ""));
    let organizations = list(&shown["OrganizationList"]);
    assert_eq!(organizations.len(), 1, "{shown}");
    assert_eq!(organizations[0]["Organization"]["L1"], "上海", "{shown}");
    assert_eq!(shown["NonExistOrganizationIds"]["OrganizationId"], "gone", "{shown}");
    assert_eq!((&shown["TotalCount"], &shown["PageNumber"]), (&json!("1"), &json!("1")), "{shown}");
    id
}

/// The calls about devices; gives two that were made.
fn devices(stock: &mut Stock, project: &str, organization: &str) -> [String; 2] {
    let new =
        |name: &str| format!("<Devicelist><Name>{name}</Name><Pwd>12345678</Pwd></Devicelist>");
    let body = request(project, &[new("东门-1"), new("𠮷野_2")]);
    let made = ok(&stock.call("POST", "/device", &json!({}), &body));
    let made = list(&made["DeviceList"]["Device"]);
    let ids: [String; 2] = made
        .iter()
        .map(|device| text(&device["Gbid"]))
        .collect::<Vec<_>>()
        .try_into()
        .expect("two");
    assert_eq!((&made[0]["Name"], &made[1]["Name"]), (&json!("东门-1"), &json!("𠮷野_2")));
    assert_eq!((&made[0]["Port"], &made[0]["Type"]), (&json!("1025"), &json!("Ipc")));

    let filed =
        format!("<OrganizationId>{organization}</OrganizationId><Level>1</Level><L1>上海</L1>");
    let fields = [
        ("Name", "西门*"),
        ("Pwd", "87654321"),
        ("Desc", "描述"),
        ("Organization", filed.as_str()),
    ];
    let body = request(project, &[entry(&ids[0], &fields), entry("1", &fields)]);
    let changed = ok(&stock.call("PUT", "/device", &json!({}), &body));
    assert_eq!((&changed["Code"], &changed["Message"]), (&json!("200"), &json!("OK")));
    let device = &changed["DeviceList"]["Device"];
    assert_eq!((&device["Name"], &device["Pwd"]), (&json!("西门*"), &json!("87654321")));
    assert_eq!(device["Organization"]["OrganizationId"], organization, "{changed}");
    let failed = &changed["FailedDeviceList"]["Device"];
    assert!(text(&failed["Msg"]).starts_with("InvalidGbid: "), "{changed}");

    // A flag, with `=` as `requests` sends it and without.
    let body = request(project, &[entry(&ids[0], &[("Transport", "TCP")])]);
    for answer in [
        stock.call("PUT", "/device", &json!({"transport": ""}), &body),
        stock.flagged("PUT", "/device", &["transport"], &body),
        stock.flagged("PUT", "/device", &["TRANSPORT"], &body),
    ] {
        let device = ok(&answer)["DeviceList"]["Device"].clone();
        assert_eq!((&device["Transport"], &device["Msg"]), (&json!("TCP"), &json!("Success")));
    }
    let one = json!({"projectId": project, "gbid": ids[0]});
    let shown = ok(&stock.call("GET", "/device", &one, ""));
    let shown = &shown["Device"];
    assert_eq!(
        (&shown["Name"], &shown["Status"]),
        (&json!("西门*"), &json!("Register")),
        "{shown}"
    );
    let page = json!({"projectId": project, "pageNumber": 2, "pageSize": 1});
    let shown = ok(&stock.call("GET", "/device", &page, ""));
    assert_eq!(shown["DeviceList"]["Device"]["Gbid"], ids[1], "{shown}");
    assert_eq!((&shown["TotalCount"], &shown["PageSize"]), (&json!("2"), &json!("1")), "{shown}");
    ids
}

#[test]
fn refusals_are_read_by_its_own_exception() {
    let (server, native) = server(&Start::with_cameras());
    let key = native.new_key(PROJECT, false);
    let mut stock = Stock::new(&server.url(), &key, &json!({}));
    let one = request("none", &[entry("34020000001320000001", &[])]);
    let on = json!({"status": "on"});
    let unknown = json!({"projectId": PROJECT, "gbid": "34020000001320000001"});
    let rows: [(&str, &str, Value, &str, u16, &str); 6] = [
        ("PUT", "/device", json!({}), &one, 404, "NoSuchProject"),
        ("PUT", "/device", json!({}), "<Request>", 400, "MalformedXML"),
        ("PUT", "/device", on, &one, 501, "NotImplemented"),
        ("GET", "/device", json!({}), "", 400, "InvalidArgument"),
        ("GET", "/device", unknown, "", 404, "NoSuchDevice"),
        ("POST", "/project", json!({}), "<Request><Name>x</Name></Request>", 403, "AccessDenied"),
    ];
    for (method, path, params, body, status, code) in rows {
        let answer = stock.call(method, path, &params, body);
        answered(&answer, status);
        let error = &answer["error"];
        assert_eq!(error["code"], code, "{answer}");
        assert_eq!((&error["resource"], &error["trace_id"]), (&json!(path), &error["request_id"]));
        assert_eq!(error["request_id"], answer["headers"]["x-iss-request-id"], "{answer}");
        assert!(error["message"].as_str().is_some_and(|message| message.len() > 5), "{answer}");
    }
    let mut wrong = key;
    wrong.sk.push('x');
    let mut stranger = Stock::new(&server.url(), &wrong, &json!({}));
    let answer = stranger.call("GET", "/device", &json!({"projectId": PROJECT}), "");
    answered(&answer, 403);
    assert_eq!(answer["error"]["code"], "SignatureDoesNotMatch", "{answer}");
}

#[test]
fn empty_lists_pass_unless_the_key_is_strict() {
    let (server, native) = server(&Start::with_cameras());
    let (key, strict) = (native.new_key(PROJECT, false), native.new_key(PROJECT, true));
    let nothing = json!({"sign_host": false, "sign_params": false});
    let params = json!({"projectId": PROJECT});
    let lists = "q-header-list=&q-url-param-list=&";

    let answer = Stock::new(&server.url(), &key, &nothing).call("GET", "/device", &params, "");
    assert!(text(&answer["sent"]).contains(lists), "{answer}");
    assert_eq!(ok(&answer)["TotalCount"], "0", "{answer}");
    let answer = Stock::new(&server.url(), &strict, &nothing).call("GET", "/device", &params, "");
    assert!(text(&answer["sent"]).contains(lists), "{answer}");
    answered(&answer, 403);
    assert_eq!(answer["error"]["code"], "AccessDenied", "{answer}");

    // With all that a strict key asks, the stock signer does.
    let mut whole = Stock::new(&server.url(), &strict, &json!({}));
    assert_eq!(ok(&whole.call("GET", "/device", &params, ""))["TotalCount"], "0");
    let body = request(PROJECT, &[entry("34020000001320000001", &[])]);
    let answer = whole.call("PUT", "/device", &json!({}), &body);
    answered(&answer, 403);
    assert!(text(&answer["error"]["message"]).contains("content-md5"), "{answer}");
    let call = json!({
        "method": "PUT", "path": "/device", "headers": {"Content-MD5": content_md5(body.as_bytes())},
    });
    let failed = &ok(&whole.exchange(&call, &body))["FailedDeviceList"]["Device"];
    assert!(text(&failed["Msg"]).starts_with("DeviceNotFound: "), "{failed}");
}

#[test]
fn a_client_of_ones_own_and_the_stock_signer_sign_alike() {
    let (server, native) = server(&Start::with_cameras());
    let key = native.new_key(PROJECT, false);
    let mut stock = Stock::new(&server.url(), &key, &json!({}));
    let sent = text(&stock.call("GET", "/device", &json!({"projectId": PROJECT}), "")["sent"]);
    let (start, _) = sent.split_once("q-sign-time=").expect("a time");
    assert!(start.contains(&key.ak), "{sent}");
    let time = sent.split("q-key-time=").nth(1).and_then(|rest| rest.split('&').next());
    let (from, until) = time.and_then(|time| time.split_once(';')).expect("two times");
    let signing = crate::harness::iss::Signing {
        from: from.parse().expect("a number"),
        until: until.parse().expect("a number"),
        ..crate::harness::iss::Signing::new(&key)
    };
    let own = crate::harness::Request::new("GET", &format!("/device?projectId={PROJECT}"));
    assert_eq!(signing.authorization(&own, &server.address().to_string()), sent);
    let list =
        Iss::new(server.address(), &key).ok("GET", &format!("/device?projectId={PROJECT}"), "");
    assert!(list.contains("<TotalCount>0</TotalCount>"), "{list}");
}
