//! The ISS door: what its calls about devices do.

use fleet::{DeviceId, IssProfile, IssSettings, Principal, ReportedChannel};
use serde_json::Value;

use crate::cameras::{CAMERAS, CHANNEL, PASSWORD};
use crate::iss_cameras::{camera, device, outcome, password, request, text, texts};
use crate::site::{FOREIGN, FOREIGN_KEY, PHONES, PROJECT, Site};

/// A site with [`CAMERAS`] and five more.
async fn site() -> Site {
    Site::start().await.with_cameras().await.with_many_cameras(5).await
}

/// Settings of the profile `1344`.
fn product_1344() -> IssSettings {
    IssSettings { profile: IssProfile::Product1344, ..IssSettings::default() }
}

#[tokio::test]
async fn an_update_takes_effect_and_is_answered_with_what_stands_on_record() {
    let site = site().await;
    site.register(&camera(1)).await;
    let fields = "<Name>东门-1</Name><Desc>Desc</Desc><User>gatekeeper</User><Pwd>12345678</Pwd>\
        <Ip>192.168.1.64</Ip><Port>5060</Port><Type>IPC</Type><Manufacturer>Dahua</Manufacturer>\
        <Organization><Level>2</Level><L1>北京</L1><L2>gate_1</L2></Organization>\
        <Transport>TCP</Transport><Protocol>RTMP</Protocol>";
    let answer = site.update_cameras(&device(&camera(1), fields)).await;
    assert_eq!(outcome(&answer), (vec![camera(1).as_str()], vec![]));
    for (name, value) in [
        ("Code", "200"),
        ("Message", "OK"),
        ("Name", "东门-1"),
        ("Desc", "Desc"),
        ("Ip", "192.168.1.64"),
        ("Port", "5060"),
        ("User", "gatekeeper"),
        ("Pwd", "12345678"),
        ("Manufacturer", "Dahua"),
        ("Type", "Ipc"),
        ("Transport", ""),
        ("Protocol", "GB28181"),
        ("Level", "2"),
        ("L1", "北京"),
        ("L2", "gate_1"),
        ("L3", ""),
    ] {
        assert_eq!(text(&answer.text, name), value, "{name}");
    }
    assert_eq!(text(&answer.text, "OrganizationId").len(), 32);
    assert!(answer.text.contains("<Msg/>"));
    let credentials = site.credentials(&camera(1)).await;
    assert_eq!(credentials, ("gatekeeper".to_owned(), "12345678".to_owned()));
    let named = async || site.cameras.get(&camera(1), "Name").as_deref() == Some("东门-1");
    site.until("the camera to be told its name", named).await;

    // What is absent or empty stays; the others' names too.
    let answer = site.update_cameras(&device(&camera(1), "<Pwd>12345678</Pwd><Name/>")).await;
    assert_eq!((text(&answer.text, "Name"), text(&answer.text, "Desc")), ("东门-1", "Desc"));
    let other = site.describe(&camera(2)).await;
    assert_eq!((text(&other.text, "Name"), text(&other.text, "Pwd")), ("gate-2", "100002"));
}

#[tokio::test]
async fn an_update_is_found_by_its_id_at_the_native_door() {
    let site = site().await;
    let fields = "<Name>n1</Name><Pwd>87654321</Pwd>";
    let answer = site.update_cameras(&device(&camera(1), fields)).await;
    let id = text(&answer.text, "RequestId");
    assert_eq!(id, answer.header("x-iss-request-id"));
    let request = api::iss::request_id::from_text(id).unwrap();
    let found = site.handle.reads().jobs(&Principal::admin(), &[request], 0, 10).await.unwrap();
    assert_eq!((found.len(), found[0].device_id.as_str()), (1, camera(1).as_str()));
    assert_eq!((found[0].job.door, found[0].job.patch["Name"].as_str()), (fleet::Door::Iss, "n1"));
    assert_eq!(found[0].job.record["Pwd"], "changed", "never the password itself");
}

#[tokio::test]
async fn devices_fail_one_by_one_and_the_order_is_kept() {
    let site = site().await;
    let pwd = "<Pwd>11111111</Pwd>";
    let devices = [
        device(&camera(3), pwd),
        device("34020000001320009999", pwd),
        device(&camera(1), &format!("{pwd}<Name>a b</Name>")),
        device(&camera(2), pwd),
        device("", pwd),
        device(&camera(2), "<Pwd>22222222</Pwd>"),
        device(&camera(1), pwd),
        device(PHONES[0], pwd),
        device(&camera(4), ""),
        device(&camera(5), &format!("{pwd}<Name>n</Name><Name>n</Name>")),
        device("<x/>", pwd),
    ];
    let answer = site.update_cameras(&devices.concat()).await;
    let (done, failed) = outcome(&answer);
    assert_eq!(done, [camera(3), camera(2)]);
    let (one, four, five) = (camera(1), camera(4), camera(5));
    assert_eq!(
        failed,
        [
            ("34020000001320009999", "DeviceNotFound"),
            (one.as_str(), "InvalidName"),
            ("", "GbidMissing"),
            (&camera(2), "DuplicateGbid"),
            (&one, "DuplicateGbid"),
            (PHONES[0], "InvalidGbid"),
            (&four, "MissingPwd"),
            (&five, "DuplicateElement"),
            ("", "InvalidElement"),
        ]
    );
    assert_eq!(site.credentials(&camera(2)).await.1, "11111111", "the first counts");
    assert_eq!(site.credentials(&camera(1)).await.1, password(1), "of one that failed nothing");
    assert!(!answer.text.contains("22222222"), "what is refused is not shown: {}", answer.text);
}

#[tokio::test]
async fn what_is_sent_as_an_id_is_shown_harmless_and_short() {
    let site = site().await;
    let long = "9".repeat(5_000);
    let devices = device("&lt;Msg&gt;&amp;&#13;", "") + &device(&long, "");
    let answer = site.update_cameras(&devices).await;
    let failed = text(&answer.text, "FailedDeviceList");
    let shown = texts(failed, "Gbid");
    assert_eq!(shown[0], "&lt;Msg&gt;&amp;\\r");
    assert!(shown[1].len() <= 64 && shown[1].starts_with("999"), "{}", shown[1]);
}

#[tokio::test]
async fn a_channel_has_a_name_a_description_and_an_organization_alone() {
    let site = site().await;
    let fields = "<Name>lens-1</Name><Desc>north</Desc>\
        <Organization><Level>1</Level><L1>gate</L1></Organization>";
    for iss in [IssSettings::default(), product_1344()] {
        site.iss_settings(iss).await;
        let answer = site.update_cameras(&device(CHANNEL, fields)).await;
        assert_eq!(outcome(&answer), (vec![CHANNEL], vec![]), "no password is required of it");
        let values = ["Name", "Desc", "L1", "Type"].map(|name| text(&answer.text, name));
        assert_eq!(values, ["lens-1", "north", "gate", "Ipc"]);
        assert!(answer.text.contains("<User/><Pwd/>"), "nobody registers as it: {}", answer.text);
    }
    for (field, value) in [
        ("Pwd", "12345678"),
        ("User", "u"),
        ("Ip", "10.0.0.1"),
        ("Port", "5060"),
        ("Manufacturer", "Dahua"),
    ] {
        let fields = format!("<Desc>south</Desc><{field}>{value}</{field}>");
        let answer = site.update_cameras(&device(CHANNEL, &fields)).await;
        assert_eq!(outcome(&answer), (vec![], vec![(CHANNEL, "NotOfAChannel")]), "{field}");
    }
    let shown = site.describe(CHANNEL).await;
    assert_eq!((text(&shown.text, "Desc"), text(&shown.text, "ChannelCount")), ("north", "0"));
    let of_device = site.describe(CAMERAS[1]).await;
    assert_eq!(text(&of_device.text, "ChannelName"), "lens-1");
    let deleted = site.iss("DELETE", "/device", &request(&device(CHANNEL, ""))).await;
    assert_eq!(outcome(&deleted), (vec![], vec![(CHANNEL, "NotOfAChannel")]));
}

#[tokio::test]
async fn the_profile_says_whether_a_password_is_required() {
    let site = site().await;
    let user = device(&camera(1), "<User>u1</User>");
    let refused = site.update_cameras(&user).await;
    assert_eq!(outcome(&refused).1, [(camera(1).as_str(), "MissingPwd")]);
    assert_eq!(site.credentials(&camera(1)).await.0, camera(1), "unset, it is the id");
    site.iss_settings(product_1344()).await;
    let answer = site.update_cameras(&user).await;
    assert_eq!((text(&answer.text, "User"), text(&answer.text, "Pwd")), ("u1", "100001"));
    assert_eq!(site.credentials(&camera(1)).await, ("u1".to_owned(), "100001".to_owned()));
    // Nothing at all asked of it: it is shown, and nothing has changed.
    let before = site.cameras_fingerprint().await;
    let answer = site.update_cameras(&(device(&camera(2), "") + &device(PHONES[0], ""))).await;
    assert_eq!(outcome(&answer), (vec![camera(2).as_str()], vec![(PHONES[0], "InvalidGbid")]));
    let unknown = device("34020000001320009999", "<Type>Ipc</Type>");
    let answer = site.update_cameras(&unknown).await;
    assert_eq!(outcome(&answer).1, [("34020000001320009999", "DeviceNotFound")]);
    assert_eq!(site.cameras_fingerprint().await, before);
}

#[tokio::test]
async fn passwords_are_masked_where_the_project_says_so() {
    let site = site().await;
    site.iss_settings(IssSettings { mask_passwords: true, ..product_1344() }).await;
    let answer = site.update_cameras(&device(&camera(1), "<Pwd>hunter22</Pwd>")).await;
    assert_eq!(text(&answer.text, "Pwd"), "******");
    let listed = site.iss("GET", &format!("/device?projectId={PROJECT}"), "").await;
    for text in [&answer.text, &listed.text, &site.describe(&camera(1)).await.text] {
        assert!(!text.contains("hunter22") && !text.contains(PASSWORD), "{text}");
    }
    assert!(site.describe(CAMERAS[1]).await.text.contains("<Pwd/>"), "it has none");
}

#[tokio::test]
async fn organizations_are_joined_made_and_left() {
    let site = site().await;
    let filed = |id: &str, level: u8, names: &str| {
        format!(
            "<Pwd>12345678</Pwd><Organization><OrganizationId>{id}</OrganizationId>\
             <Level>{level}</Level>{names}</Organization>"
        )
    };
    let path = "<L1>a</L1><L2>b</L2>";
    let first = site.update_cameras(&device(&camera(1), &filed("", 2, path))).await;
    let id = text(&first.text, "OrganizationId").to_owned();
    let second = device(&camera(2), &filed(&id, 2, path));
    let other = device(&camera(3), &filed(&id, 1, "<L1>a</L1>"));
    let unknown = device(&camera(4), &filed("nosuch", 1, "<L1>z</L1>"));
    let answer = site.update_cameras(&(second + &other + &unknown)).await;
    let (three, four) = (camera(3), camera(4));
    let (done, failed) = outcome(&answer);
    assert_eq!(done, [camera(2)]);
    assert_eq!(text(&answer.text, "OrganizationId"), id);
    let refused = "InvalidOrganization";
    assert_eq!(failed, [(three.as_str(), refused), (&four, refused)]);
    let left = site.update_cameras(&device(&camera(1), &filed("", 0, ""))).await;
    assert_eq!((text(&left.text, "OrganizationId"), text(&left.text, "Level")), ("", ""));
    let nowhere = site.describe(&camera(1)).await;
    assert_eq!(text(&nowhere.text, "L1"), "");
}

#[tokio::test]
async fn devices_are_made_described_changed_and_deleted() {
    let site = site().await;
    let inside = "<Devicelist><Name>new-1</Name><Pwd>123456</Pwd><Organization><Level>1</Level>\
        <L1>yard</L1></Organization></Devicelist><Devicelist><Name>n</Name></Devicelist>\
        <Devicelist><Name>new-2</Name><Pwd>654321</Pwd><User>u</User><Transport>tcp</Transport>\
        <Port>5061</Port><Protocol>GB28181</Protocol></Devicelist>\
        <Devicelist><Name>n</Name><Pwd>123456</Pwd><Protocol>ONVIF</Protocol></Devicelist>";
    let answer = site.iss("POST", "/device", &request(inside)).await;
    let (done, failed) = outcome(&answer);
    assert_eq!(failed, [("", "MissingPwd"), ("", "InvalidProtocol")]);
    assert!(answer.text.contains("MissingPwd: device 2: "), "{}", answer.text);
    assert_eq!(done.len(), 2);
    let ids: Vec<String> = done.iter().map(|&id| id.to_owned()).collect();
    for id in &ids {
        assert!(id.len() == 20 && id.starts_with("34020000001320"), "{id}");
    }
    let list = text(&answer.text, "DeviceList");
    assert_eq!(texts(list, "Port"), ["1025", "5061"]);
    assert_eq!(texts(list, "Transport"), ["UDP", "TCP"]);
    assert_eq!(texts(list, "User"), [ids[0].as_str(), "u"]);
    assert_eq!(site.credentials(&ids[1]).await, ("u".to_owned(), "654321".to_owned()));

    let described = site.describe(&ids[0]).await;
    let values = ["Gbid", "Name", "Status", "Enabled", "L1", "ChannelCount"];
    let values = values.map(|name| text(&described.text, name));
    assert_eq!(values, [&ids[0], "new-1", "Register", "false", "yard", "0"]);
    site.register(&ids[0]).await;
    assert_eq!(text(&site.describe(&ids[0]).await.text, "Status"), "OnLine");

    let transports = device(&ids[0], "<Transport>TCP</Transport>")
        + &device(&ids[1], "")
        + &device(CHANNEL, "<Transport>TCP</Transport>")
        + &device(&camera(1), "<Transport>TLS</Transport>");
    let changed = site.iss("PUT", "/device?transport", &request(&transports)).await;
    let list = text(&changed.text, "DeviceList");
    assert_eq!(texts(list, "Transport"), ["TCP", "UDP"]);
    assert_eq!(texts(list, "Msg"), ["Success", "Success"]);
    let one = camera(1);
    let refused = [(CHANNEL, "NotOfAChannel"), (one.as_str(), "InvalidTransport")];
    assert_eq!(outcome(&changed).1, refused);

    let body = request(&device(&ids[0], ""));
    let deleted = site.iss("DELETE", "/device", &body).await;
    assert_eq!(outcome(&deleted), (vec![ids[0].as_str()], vec![]));
    assert_eq!(site.describe(&ids[0]).await.iss_refused(404, "NoSuchDevice"), "No such device.");
    let again = site.iss("DELETE", "/device", &body).await;
    assert_eq!(outcome(&again), (vec![], vec![(ids[0].as_str(), "DeviceNotFound")]));
    let two = request(&(device(&ids[1], "") + &device(&one, "")));
    site.iss("DELETE", "/device", &two).await.iss_refused(400, "InvalidArgument");
    assert_eq!(site.describe(&ids[1]).await.status, 200, "nothing was deleted");
}

#[tokio::test]
async fn a_device_that_is_made_without_a_name_has_its_id() {
    let site = site().await;
    let inside = "<Devicelist><Name/><Pwd>123456</Pwd></Devicelist>";
    let answer = site.iss("POST", "/device", &request(inside)).await;
    let (done, failed) = outcome(&answer);
    assert_eq!((done.len(), failed.len()), (1, 0), "{}", answer.text);
    assert_eq!(text(&answer.text, "Name"), done[0]);
}

#[tokio::test]
async fn an_organizations_id_has_to_be_right_when_a_device_is_made() {
    let site = site().await;
    let inside = |id: &str, name: &str| {
        format!(
            "<Devicelist><Name>n</Name><Pwd>123456</Pwd><Organization><Level>1</Level><L1>{name}\
             </L1><OrganizationId>{id}</OrganizationId></Organization></Devicelist>"
        )
    };
    let made = site.iss("POST", "/device", &request(&inside("", "yard"))).await;
    let id = text(&made.text, "OrganizationId").to_owned();
    let three = [inside(&id, "yard"), inside(&id, "gate"), inside("nosuch", "yard")].concat();
    let answer = site.iss("POST", "/device", &request(&three)).await;
    let (done, failed) = outcome(&answer);
    assert_eq!((done.len(), failed), (1, vec![("", "InvalidOrganization"); 2]));
    assert_eq!(text(&answer.text, "OrganizationId"), id);
}

#[tokio::test]
async fn a_list_of_devices_is_paged_and_shows_their_channels() {
    let site = site().await;
    let reported = |name: &str| ReportedChannel {
        name: name.to_owned(),
        manufacturer: "Dahua".to_owned(),
        status: "ON".to_owned(),
        ..ReportedChannel::default()
    };
    let channel = |number: usize| DeviceId::new(format!("340200000013100001{number:02}")).unwrap();
    let channels = (0..30).map(|number| (channel(number), reported("IPC"))).collect();
    let key = site.camera_key(&camera(2)).await;
    site.handle.record_channels(key, channels, true).await.unwrap();

    let list = async |query: &str| {
        site.iss("GET", &format!("/device?projectId={PROJECT}{query}"), "").await
    };
    let first = list("").await;
    assert_eq!(texts(&first.text, "Gbid").len(), 7);
    assert_eq!(texts(&first.text, "Gbid")[..2], CAMERAS, "the oldest first");
    let counted = |answer: &crate::client::Answer| {
        ["TotalCount", "PageNumber", "PageSize"].map(|name| text(&answer.text, name).to_owned())
    };
    assert_eq!(counted(&first), ["7", "1", "10"]);
    let page = list("&PAGENUMBER=2&pagesize=3&&").await;
    assert_eq!(texts(&page.text, "Gbid"), [camera(2), camera(3), camera(4)]);
    assert_eq!(counted(&page), ["7", "2", "3"]);
    assert_eq!(texts(&page.text, "ChannelCount"), ["30", "0", "0"]);
    assert_eq!(texts(&page.text, "ChannelId").len(), 30);
    let past = list("&pageNumber=4&pageSize=3").await;
    assert!(past.text.contains("<DeviceList></DeviceList><TotalCount>7</TotalCount>"));
    for bad in ["&pageSize=101", "&pageSize=0", "&pageNumber=0", "&pageNumber=x"] {
        list(bad).await.iss_refused(400, "InvalidArgument");
    }

    let described = site.describe(channel(7).as_str()).await;
    let values = ["Name", "Status", "Manufacturer"].map(|name| texts(&described.text, name));
    assert_eq!(values, [vec!["IPC"], vec!["OnLine"], vec![]]);
    let name = device(channel(7).as_str(), "<Name>yard-7</Name>");
    assert_eq!(outcome(&site.update_cameras(&name).await).0.len(), 1);
    let described = site.describe(&camera(2)).await;
    assert_eq!(texts(&described.text, "ChannelName")[7], "yard-7");
    assert_eq!(texts(&described.text, "Enabled"), ["false"; 31]);
}

#[tokio::test]
async fn the_profile_1344_knows_no_register() {
    let site = site().await;
    assert_eq!(text(&site.describe(&camera(1)).await.text, "Status"), "Register");
    site.iss_settings(product_1344()).await;
    assert_eq!(text(&site.describe(&camera(1)).await.text, "Status"), "OffLine");
}

#[tokio::test]
async fn nothing_of_another_project_is_seen_or_changed() {
    let site = site().await;
    let before = site.cameras_fingerprint().await;
    let own = device(&camera(1), "<Pwd>12345678</Pwd>");
    let foreign = format!("<Request>{own}<ProjectId>{FOREIGN}</ProjectId></Request>");
    for body in [&foreign, &foreign.replace(FOREIGN, "nosuch"), &foreign.replace(FOREIGN, "a/b")] {
        for (method, target) in [
            ("PUT", "/device"),
            ("PUT", "/device?transport"),
            ("POST", "/device"),
            ("DELETE", "/device"),
        ] {
            site.iss(method, target, body).await.iss_refused(404, "NoSuchProject");
        }
    }
    // The same id is none of the other project's.
    let answer = site.iss_as(FOREIGN_KEY, "PUT", "/device", &foreign).await;
    assert_eq!(outcome(&answer), (vec![], vec![(camera(1).as_str(), "DeviceNotFound")]));
    for target in ["", "&gbid=34020000001320000001"] {
        let target = format!("/device?projectId={FOREIGN}{target}");
        site.iss("GET", &target, "").await.iss_refused(404, "NoSuchProject");
    }
    let target = format!("/device?projectId={FOREIGN}&gbid={}", camera(1));
    site.iss_as(FOREIGN_KEY, "GET", &target, "").await.iss_refused(404, "NoSuchDevice");
    site.describe(PHONES[0]).await.iss_refused(404, "NoSuchDevice");
    site.describe(&"9".repeat(500)).await.iss_refused(404, "NoSuchDevice");
    assert_eq!(site.cameras_fingerprint().await, before);
}

#[tokio::test]
async fn a_frozen_device_fails_alone() {
    let site = site().await;
    let frozen = site.ask(&camera(1), "freeze", "").await;
    assert!(frozen.status < 300, "{frozen:?}");
    let pwd = "<Name>n</Name><Pwd>12345678</Pwd>";
    let devices = device(&camera(1), pwd) + &device(&camera(2), pwd);
    let answer = site.update_cameras(&devices).await;
    assert_eq!(outcome(&answer), (vec![camera(2).as_str()], vec![(&*camera(1), "Frozen")]));
    assert_eq!(site.credentials(&camera(1)).await.1, password(1));
    assert_eq!(site.shown(&camera(1)).await["open_jobs"], Value::Array(Vec::new()));
}
