//! The ISS door: each kind of answer, byte for byte.

use fleet::{IssProfile, IssSettings};

use crate::cameras::{CAMERAS, CHANNEL};
use crate::iss_cameras::{camera, device, outcome, request, texts};
use crate::site::{KEY, PROJECT, Site};

/// The body of the vendor's worked request (UpdateDevice, "worked example").
const SEED_REQUEST: &str = include_str!("../data/iss-seed-request.xml");
/// The body of the vendor's skeleton (UpdateDevice, "request body").
const SEED_SKELETON: &str = include_str!("../data/iss-seed-skeleton.xml");

/// A site with [`CAMERAS`] and so many more.
async fn site(count: usize) -> Site {
    Site::start().await.with_cameras().await.with_many_cameras(count).await
}

#[tokio::test]
async fn all_good() {
    let site = site(2).await;
    let one = "<Name>东门-1</Name><Desc>Desc</Desc><Pwd>12345678</Pwd><Ip>192.168.1.64</Ip>\
        <Port>5060</Port><Manufacturer>Dahua</Manufacturer><Organization><Level>0</Level>\
        </Organization>";
    let devices = device(&camera(1), one) + &device(&camera(2), "<Pwd>123456</Pwd>");
    let answer = site.update_cameras(&devices).await;
    insta::assert_snapshot!(answer.iss_whole());
}

#[tokio::test]
async fn an_organization_has_its_names_and_a_channel_no_address() {
    let site = site(0).await;
    site.iss_settings(IssSettings { profile: IssProfile::Product1344, ..IssSettings::default() })
        .await;
    let path = "<Organization><Level>4</Level><L1>a</L1><L2>b</L2><L3>c</L3><L4>d</L4>\
        </Organization>";
    let devices = device(CHANNEL, "<Name>lens</Name>") + &device(CAMERAS[1], path);
    let answer = site.update_cameras(&devices).await;
    let id = texts(&answer.text, "OrganizationId")[1].to_owned();
    assert_eq!(id.len(), 32);
    insta::assert_snapshot!(answer.iss_whole().replace(&id, "[organization]"));
}

#[tokio::test]
async fn one_bad_of_a_hundred() {
    let site = site(100).await;
    let fields =
        |number: usize| if number == 50 { "<Pwd>12345</Pwd>" } else { "<Pwd>123456</Pwd>" };
    // From the last to the first: neither the ids' order nor that of the records.
    let numbers = || (1..=100).rev();
    let devices: String = numbers().map(|number| device(&camera(number), fields(number))).collect();
    let answer = site.update_cameras(&devices).await;
    let (done, failed) = outcome(&answer);
    let expected: Vec<String> = numbers().filter(|number| *number != 50).map(camera).collect();
    assert_eq!(done, expected, "99, in the order of the call");
    assert_eq!(failed, [(camera(50).as_str(), "InvalidPwd")]);
    insta::assert_snapshot!(answer.iss_whole());
}

#[tokio::test]
async fn all_bad_is_200_still() {
    let site = site(2).await;
    let before = site.cameras_fingerprint().await;
    let devices = device(&camera(2), "<Pwd>Pwd</Pwd>") + &device(&camera(1), "<Type>Nvr</Type>");
    let answer = site.update_cameras(&devices).await;
    assert_eq!(site.cameras_fingerprint().await, before);
    insta::assert_snapshot!(answer.iss_whole());
}

#[tokio::test]
async fn the_vendors_worked_request() {
    let site = site(1).await;
    let before = site.cameras_fingerprint().await;
    let answer = site.iss("PUT", "/device", SEED_REQUEST).await;
    assert!(answer.iss_refused(400, "InvalidArgument").contains("ProjectId"));
    assert_eq!(site.cameras_fingerprint().await, before);
    insta::assert_snapshot!(answer.iss_whole());
}

#[tokio::test]
async fn the_vendors_skeleton() {
    let site = site(1).await;
    let body = SEED_SKELETON.replace("<ProjectId>ProjectId<", &format!("<ProjectId>{PROJECT}<"));
    let answer = site.iss("PUT", "/device", &body).await;
    insta::assert_snapshot!(answer.iss_whole());
}

#[tokio::test]
async fn whole_requests_that_are_refused() {
    let site = site(101).await;
    let before = site.cameras_fingerprint().await;
    let good = device(&camera(1), "<Pwd>12345678</Pwd>");
    let beyond: String =
        (1..=101).map(|number| device(&camera(number), "<Pwd>12345678</Pwd>\n")).collect();
    let mut all = String::new();
    for (what, target, body) in [
        ("not well-formed", "/device", format!("<Request>\n  {good}</Reqest>")),
        ("a document type", "/device", format!("<!DOCTYPE a []>{}", request(&good))),
        (
            "another encoding",
            "/device",
            format!("<?xml version=\"1.0\" encoding=\"GBK\"?>{}", request(&good)),
        ),
        ("another root", "/device", request(&good).replace("Request", "Requests")),
        ("no body", "/device", String::new()),
        ("no project", "/device", format!("<Request>\n{good}</Request>")),
        ("an unknown project", "/device", request(&good).replace(PROJECT, "nosuch")),
        ("no device", "/device", request("<Devicelist/>")),
        ("101 devices", "/device", request(&beyond)),
        ("two calls in one", "/device?transport&status=on", request(&good)),
        ("video", "/device?status=on", request(&good)),
        ("too long", "/device", request(&good) + &" ".repeat(1024 * 1024)),
    ] {
        let answer = site.iss("PUT", target, &body).await;
        all += &format!("--- {what}\n{}\n", answer.iss_whole());
    }
    let answer = site.iss_as((KEY.0, "wrong"), "PUT", "/device", &request(&good)).await;
    answer.iss_refused(403, "SignatureDoesNotMatch");
    assert_eq!(site.cameras_fingerprint().await, before, "nothing was applied");
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn the_neighbours() {
    let site = site(1).await;
    site.register(&camera(1)).await;
    let mut all = String::new();
    let mut add = |what: &str, answer: crate::client::Answer| {
        all += &format!("--- {what}\n{}\n", answer.iss_whole());
    };
    let new = "<Devicelist><Name>new</Name><Pwd>123456</Pwd></Devicelist><Devicelist>\
        <Name>a b</Name><Pwd>123456</Pwd></Devicelist>";
    add("CreateDevice", site.iss("POST", "/device", &request(new)).await);
    let transport = device(&camera(1), "<Transport>TCP</Transport>")
        + &device(CHANNEL, "<Transport>TCP</Transport>");
    let changed = site.iss("PUT", "/device?transport", &request(&transport)).await;
    add("UpdateDeviceTransport", changed);
    add("DescribeDevice", site.describe(CAMERAS[1]).await);
    let list = format!("/device?projectId={PROJECT}&pageSize=2&pageNumber=2");
    add("DescribeDevices", site.iss("GET", &list, "").await);
    let deleted = site.iss("DELETE", "/device", &request(&device(&camera(1), ""))).await;
    add("DeleteDevice", deleted);
    let deleted = site.iss("DELETE", "/device", &request(&device(&camera(1), ""))).await;
    add("DeleteDevice of none", deleted);
    add("DescribeDevice of none", site.describe(&camera(1)).await);
    insta::assert_snapshot!(all);
}
