//! The ISS door: both sides of every bound of UpdateDevice's fields, under both profiles, against
//! the whole server; and the shapes of a batch.

use fleet::{IssProfile, IssSettings};

use crate::iss_cameras::{camera, device, outcome, request, text, texts};
use crate::site::{PROJECT, Site};

/// A field of a device, and what comes of it under the profiles `460` and `1344`: `None` if it is
/// taken, the code otherwise.
struct Case {
    fields: String,
    expected: [Option<&'static str>; 2],
}

/// A case that both profiles take alike.
fn both(fields: impl Into<String>, expected: Option<&'static str>) -> Case {
    Case { fields: fields.into(), expected: [expected; 2] }
}

/// Sends all cases in one call, each for a camera of its own and with a password, and checks what
/// came of each: those that are refused have changed nothing.
async fn check(profile: IssProfile, private_ip: bool, cases: &[Case]) {
    assert!(cases.len() <= 100);
    let site = Site::start().await.with_many_cameras(cases.len()).await;
    site.iss_settings(IssSettings { profile, private_ip, mask_passwords: false }).await;
    let fields = |case: &Case| match case.fields.contains("<Pwd") {
        true => case.fields.clone(),
        false => format!("{}<Pwd>12345678</Pwd>", case.fields),
    };
    let numbered = || (1..).zip(cases);
    let devices: String =
        numbered().map(|(number, case)| device(&camera(number), &fields(case))).collect();
    let before: Vec<String> = described(&site, cases.len()).await;
    let answer = site.update_cameras(&devices).await;
    let (done, failed) = outcome(&answer);
    let after: Vec<String> = described(&site, cases.len()).await;
    for (number, case) in numbered() {
        let id = camera(number);
        let code = failed.iter().find(|(gbid, _)| *gbid == id).map(|(_, code)| *code);
        let expected = case.expected[usize::from(profile == IssProfile::Product1344)];
        assert_eq!(code, expected, "{profile:?}: {}", case.fields);
        assert_eq!(done.contains(&id.as_str()), expected.is_none(), "{}", case.fields);
        let is_same = before[number - 1] == after[number - 1];
        assert_eq!(is_same, expected.is_some(), "{profile:?}: {}", case.fields);
    }
}

/// Each of the first `count` cameras as it is listed.
async fn described(site: &Site, count: usize) -> Vec<String> {
    let target = format!("/device?projectId={PROJECT}&pageSize=100");
    let listed = site.iss("GET", &target, "").await;
    let all: Vec<String> =
        texts(&listed.text, "Device").into_iter().take(count).map(str::to_owned).collect();
    assert_eq!(all.len(), count);
    all
}

/// Checks cases under both profiles.
async fn check_both(private_ip: bool, cases: &[Case]) {
    for profile in [IssProfile::Product460, IssProfile::Product1344] {
        check(profile, private_ip, cases).await;
    }
}

#[tokio::test]
async fn names() {
    let mut cases = Vec::new();
    for (field, code) in [
        ("Name", "InvalidName"),
        ("Desc", "InvalidDesc"),
        ("User", "InvalidUser"),
        ("Manufacturer", "InvalidManufacturer"),
    ] {
        let mut add = |value: &str, refused: bool| {
            cases.push(both(format!("<{field}>{value}</{field}>"), refused.then_some(code)));
        };
        for good in ["a", "东", "Az09_-*东门", &"x".repeat(64), &"东".repeat(64)] {
            add(good, false);
        }
        for good in ["&#x20000;".repeat(64), "々〇".to_owned()] {
            add(&good, false);
        }
        for bad in [&"x".repeat(65), &"东".repeat(65), "a b", "a.b", "a/b", "é", "ア", "🎥", "&#9;"]
        {
            add(bad, true);
        }
    }
    check_both(true, &cases).await;
}

#[tokio::test]
async fn passwords() {
    let pwd = |value: &str| format!("<Pwd>{value}</Pwd>");
    let refused = Some("InvalidPwd");
    let mut cases = Vec::new();
    for count in [1, 5] {
        let fields = pwd(&"7".repeat(count));
        cases.push(Case { fields, expected: [refused, None] });
    }
    for count in [6, 64] {
        cases.push(both(pwd(&"7".repeat(count)), None));
    }
    cases.push(both(pwd(&"7".repeat(65)), refused));
    for word in ["12345a", "１２３４５６", "a b=&lt;\"'&amp;", "пароль", &"东".repeat(64)]
    {
        cases.push(Case { fields: pwd(word), expected: [refused, None] });
    }
    cases.push(both(pwd(&"东".repeat(65)), refused));
    cases.push(both(pwd("123456&#9;"), refused));
    cases
        .push(Case { fields: "<Desc>d</Desc><Pwd/>".into(), expected: [Some("MissingPwd"), None] });
    check_both(true, &cases).await;
}

#[tokio::test]
async fn ports_and_types() {
    let port = |value: &str| format!("<Port>{value}</Port>");
    let mut cases = Vec::new();
    for good in ["1025", "5060", "65535"] {
        cases.push(both(port(good), None));
    }
    for bad in ["1024", "65536", "0", "-1", "05060", "5060.0", "１０２５", "x"] {
        cases.push(both(port(bad), Some("InvalidPort")));
    }
    for good in ["Ipc", "IPC", "ipc"] {
        cases.push(both(format!("<Type>{good}</Type><Desc>d</Desc>"), None));
    }
    for bad in ["Nvr", "Ipc2", "摄像机"] {
        cases.push(both(format!("<Type>{bad}</Type>"), Some("InvalidType")));
    }
    check_both(true, &cases).await;
}

#[tokio::test]
async fn addresses_with_the_switch_on_and_off() {
    let ip = |value: &str| format!("<Ip>{value}</Ip>");
    let private =
        ["10.0.0.1", "172.16.0.1", "192.168.1.64", "127.0.0.1", "169.254.1.1", "100.64.0.1"];
    let private = private.into_iter().chain(["fd00::1", "fe80::1", "::1"]);
    let mut cases = Vec::new();
    for good in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2400:3200::1"] {
        cases.push(both(ip(good), None));
    }
    for bad in ["256.0.0.1", "1.2.3", "camera.example", "203.0.113.9:80", "203.0.113.09"] {
        cases.push(both(ip(bad), Some("InvalidIp")));
    }
    let public = cases.len();
    cases.extend(private.map(|address| both(ip(address), None)));
    check_both(true, &cases).await;
    for case in &mut cases[public..] {
        case.expected = [Some("InvalidIp"); 2];
    }
    check_both(false, &cases).await;
}

#[tokio::test]
async fn levels() {
    let organization = |level: &str, names: &[usize]| {
        let names: String = names.iter().map(|n| format!("<L{n}>n{n}</L{n}>")).collect();
        format!("<Organization><Level>{level}</Level>{names}</Organization>")
    };
    let mut cases = Vec::new();
    for level in 1..=4_usize {
        let all: Vec<usize> = (1..=level).collect();
        cases.push(both(organization(&level.to_string(), &all), None));
        for missing in &all {
            let rest: Vec<usize> = all.iter().copied().filter(|one| one != missing).collect();
            cases.push(both(organization(&level.to_string(), &rest), Some("InvalidLevel")));
        }
        cases.push(both(organization(&(level - 1).to_string(), &all), Some("InvalidLevel")));
    }
    for bad in ["5", "-1", "00", "一"] {
        cases.push(both(organization(bad, &[1]), Some("InvalidLevel")));
    }
    cases.push(both("<Organization><L1>n</L1></Organization>", Some("InvalidLevel")));
    for (name, refused) in [("东", 64), ("x", 64), ("东", 65), ("x", 65)]
        .map(|(name, count)| (name.repeat(count), (count > 64).then_some("InvalidOrganization")))
    {
        let fields = format!("<Organization><Level>1</Level><L1>{name}</L1></Organization>");
        cases.push(both(fields, refused));
    }
    check_both(true, &cases).await;
}

#[tokio::test]
async fn level_0_detaches() {
    let site = Site::start().await.with_many_cameras(1).await;
    let filed = |inside: &str| {
        device(&camera(1), &format!("<Pwd>123456</Pwd><Organization>{inside}</Organization>"))
    };
    let joined = site.update_cameras(&filed("<Level>1</Level><L1>a</L1>")).await;
    assert_eq!(text(&joined.text, "Level"), "1");
    let left_alone = site.update_cameras(&filed("<Level/><L1></L1>")).await;
    assert_eq!(text(&left_alone.text, "L1"), "a");
    let left = site.update_cameras(&filed("<Level>0</Level><L1/>")).await;
    assert_eq!((text(&left.text, "Level"), text(&left.text, "L1")), ("", ""));
}

#[tokio::test]
async fn a_batch_has_any_shape_and_any_order() {
    let site = Site::start().await.with_many_cameras(4).await;
    let fields = |number: usize| {
        let gbid = camera(number);
        format!("<Pwd>7654321</Pwd><Name>n{number}</Name><Gbid>{gbid}</Gbid>")
    };
    let project = format!("<ProjectId>{PROJECT}</ProjectId>");
    let repeated: String =
        (1..=4).map(|number| format!("<Devicelist>{}</Devicelist>", fields(number))).collect();
    let within: String =
        (1..=4).map(|number| format!("<Device>{}</Device>", fields(number))).collect();
    let (two, four) = (&within[..within.len() / 2], &within[within.len() / 2..]);
    let expected: Vec<String> = (1..=4).map(camera).collect();
    for body in [
        format!("{repeated}{project}"),
        format!("{project}{repeated}"),
        format!("{project}<DeviceList>{within}</DeviceList>"),
        format!("<Devicelist>{within}</Devicelist>{project}"),
        format!(
            "<DeviceList>{two}</DeviceList>{project}<Extra><a/></Extra><devicelist>{four}</devicelist>"
        ),
        format!("\n<!-- c -->{project}<DEVICELIST>\n{two}\n{four}\n</DEVICELIST>\n"),
    ] {
        let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Request>{body}</Request>");
        let answer = site.iss("PUT", "/device", &body).await;
        let (done, failed) = outcome(&answer);
        assert_eq!(done, expected, "{body}");
        assert!(failed.is_empty(), "{failed:?}");
        assert_eq!(texts(&answer.text, "Name"), ["n1", "n2", "n3", "n4"]);
    }
}

#[tokio::test]
async fn of_101_devices_none_is_touched() {
    let site = Site::start().await.with_many_cameras(101).await;
    let before = site.cameras_fingerprint().await;
    let devices = |count: usize| {
        (1..=count).map(|n| device(&camera(n), "<Pwd>7654321</Pwd>")).collect::<String>()
    };
    let within: String =
        (1..=101).map(|n| format!("<Device><Gbid>{}</Gbid></Device>", camera(n))).collect();
    for inside in [devices(101), format!("<DeviceList>{within}</DeviceList>")] {
        for (method, target) in
            [("PUT", "/device"), ("PUT", "/device?transport"), ("POST", "/device")]
        {
            let answer = site.iss(method, target, &request(&inside)).await;
            let message = answer.iss_refused(400, "InvalidArgument");
            assert!(message.starts_with("a call has at most 100 devices (line 1, column "));
        }
    }
    assert_eq!(site.cameras_fingerprint().await, before);
    let answer = site.update_cameras(&devices(100)).await;
    assert_eq!(outcome(&answer).0.len(), 100);
}
