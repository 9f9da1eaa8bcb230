//! Paths of ISS: those that it has not, those that are not offered, wrong methods.

use crate::iss_client::ACCOUNT;
use crate::site::{PROJECT, Site};

#[tokio::test]
async fn a_path_that_no_call_has_is_not_found() {
    let site = Site::empty().await;
    for target in [
        "/device/",
        "/device/nothing",
        "/device/sip/x",
        "/organization/x",
        "/organization/",
        "/project/",
        "/project/a/b",
        "/device/%3Cx%3E",
        "/%64evice",
        "/device%2Fsip",
        "/%6frganization/x",
    ] {
        for method in ["GET", "PUT"] {
            let answer = site.unsigned(method, target).await;
            assert_eq!(answer.iss_refused(404, "NoSuchResource"), "There is nothing at this path.");
            assert_eq!(answer.element("Resource"), target);
        }
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_apart_and_the_right_ones_named() {
    let site = Site::empty().await;
    for (method, target, allowed) in [
        ("PATCH", "/device", ["POST", "PUT", "DELETE", "GET"].as_slice()),
        ("POST", "/device/sip", &["GET"]),
        ("PATCH", "/organization", &["POST", "PUT", "DELETE", "GET"]),
        ("DELETE", "/project", &["POST", "GET"]),
        ("GET", "/project/x", &["PUT", "DELETE"]),
    ] {
        let answer = site.unsigned(method, target).await;
        let message = answer.iss_refused(405, "MethodNotAllowed");
        assert_eq!(message, format!("this path has no method {method}."));
        for method in allowed {
            assert!(answer.header("allow").contains(method), "{answer:?}");
        }
    }
}

/// RFC 9110, section 9.3.2.
#[tokio::test]
async fn a_head_is_answered_as_a_get_without_its_body() {
    let site = Site::with_iss_keys().await;
    let whole = site.iss("GET", "/project", "").await;
    whole.iss_done();
    let answer = site.iss("HEAD", "/project", "").await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    assert_eq!(answer.header("content-length"), whole.text.len().to_string());
    assert_eq!(site.unsigned("HEAD", "/project").await.status, 403);
}

/// A variable that a client left empty asks for one device, not for all.
#[tokio::test]
async fn an_empty_gbid_does_not_list_all_devices() {
    let site = Site::with_iss_keys().await;
    for query in ["gbid=", "gbid", "Gbid=&pageSize=5"] {
        let target = format!("/device?projectId={PROJECT}&{query}");
        let message = site.iss("GET", &target, "").await.iss_refused(400, "InvalidArgument");
        assert!(message.starts_with("gbid is required"), "{message}");
    }
}

#[tokio::test]
async fn what_steers_video_says_that_it_is_not_offered() {
    let site = Site::with_iss_keys().await;
    for (method, target, name) in [
        ("GET", "/device/stream?projectId=a", "DescribeStream"),
        ("GET", "/device/stream/record", "DescribeStreamRecord"),
        ("GET", "/device/stream/record/health", "DescribeDeviceStreamRecordHealth"),
        ("GET", "/device/recordstream", "DescribeStreamRecord"),
        ("POST", "/stream", "the calls about streams"),
        ("DELETE", "/stream/a/b", "the calls about streams"),
        ("POST", "/domain", "the calls about domains"),
        ("GET", "/template", "the calls about templates"),
        ("PUT", "/template/x", "the calls about templates"),
        ("GET", "/workflow?projectId=a", "the calls about workflows"),
        ("GET", "/project/a/jobs?ids=1", "the calls about jobs of a project's templates"),
    ] {
        let message = site.unsigned(method, target).await.iss_refused(501, "NotImplemented");
        assert_eq!(
            message,
            format!("this server does not offer {name}: it manages devices and steers no video.")
        );
    }
    for target in ["/device?status=on", "/device?STATUS=off", "/device?status"] {
        site.unsigned("PUT", target).await.iss_refused(403, "AccessDenied");
        let answer = site.iss("PUT", target, "<a/>").await;
        let message = answer.iss_refused(501, "NotImplemented");
        assert!(message.contains("UpdateDeviceStatus"), "{message}");
    }
    let answer = site.iss("PUT", "/device?status=on&transport", "<a/>").await;
    answer.iss_refused(400, "InvalidArgument");
}

#[tokio::test]
async fn an_installer_is_told_what_to_type_in() {
    let site = Site::with_iss_keys().await;
    let body = site.iss("GET", &format!("/device/sip?projectId={PROJECT}"), "").await.iss_done();
    assert_eq!(
        body,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <Response><RequestId>[id]</RequestId><SipServerList><SipServer>\
         <ServerGbid>34020000002000000001</ServerGbid><NetPort>5060</NetPort>\
         <NetIp>192.0.2.1</NetIp><TimeOut>180</TimeOut><Domain>3402000000</Domain>\
         </SipServer></SipServerList></Response>"
    );
    for (target, status, code) in [
        ("/device/sip", 400, "InvalidArgument"),
        ("/device/sip?projectid=", 400, "InvalidArgument"),
        ("/device/sip?projectId=nobody", 404, "NoSuchProject"),
        ("/device/sip?projectId=a%20b", 404, "NoSuchProject"),
        ("/device/sip?projectId=ffffffffffffffffffffffffffffffff", 404, "NoSuchProject"),
        ("/device/sip?projectId=a&PROJECTID=b", 403, "InvalidSecurity"),
        ("/device/sip?projectId=%ff", 400, "InvalidArgument"),
    ] {
        site.iss("GET", target, "").await.iss_refused(status, code);
    }
    let foreign = "/device/sip?PROJECTID=ffffffffffffffffffffffffffffffff";
    site.iss_as(ACCOUNT, "GET", foreign, "").await.iss_done();
}
