//! Who is let in at the ISS door, and that nothing is looked at before.

use std::time::Duration;

use api::signature::tencent::{Head, Signed, sign};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleet::{Principal, Timestamp};
use http::{HeaderMap, HeaderValue, Method, Uri};
use md5::{Digest as _, Md5};

use crate::client::{Answer, bytes, exchange};
use crate::iss_client::{ACCOUNT, STRICT, start, strict_headers};
use crate::site::{FOREIGN, KEY, PROJECT, Site};

/// A body that is no XML: whoever looks at it says so.
const NO_XML: &str = "this is no XML";
/// A secret that is wrong in its last character.
const WRONG: (&str, &str) = (KEY.0, "sk/Test+Vector/0123456789abcdefghijklmnoq");

async fn send(site: &Site, method: &str, target: &str, headers: &HeaderMap, body: &[u8]) -> Answer {
    exchange(site.address, &bytes(method, target, headers, body)).await
}

#[tokio::test]
async fn nothing_is_looked_at_without_a_signature_that_holds() {
    let site = Site::with_iss_keys().await;
    let before = site.fingerprint().await;
    let signed = |key| site.iss_signed(key, "PUT", "/device", NO_XML.as_bytes());
    let headers = |change: &dyn Fn(&mut HeaderMap)| {
        let mut headers = signed(KEY);
        change(&mut headers);
        headers
    };
    let value = HeaderValue::from_static;
    let times = |start: i64, end: i64| {
        site.iss_signed_for((start, end), KEY, "PUT", "/device", NO_XML.as_bytes())
    };
    let cases: Vec<(&str, HeaderMap, &str, &str)> = vec![
        (
            "no signature",
            headers(&|h| drop(h.remove("authorization"))),
            "AccessDenied",
            "the request is not signed",
        ),
        (
            "another scheme",
            headers(&|h| drop(h.insert("authorization", value("Basic abc")))),
            "InvalidSecurity",
            "must have the form q-sign-algorithm=sha1",
        ),
        (
            "a temporary key",
            headers(&|h| drop(h.insert("x-iss-security-token", value("t")))),
            "AccessDenied",
            "temporary keys are not supported",
        ),
        (
            "another one",
            headers(&|h| drop(h.insert("x-cos-security-token", value("t")))),
            "AccessDenied",
            "temporary keys are not supported",
        ),
        (
            "no such key",
            signed(("AKNOBODY", KEY.1)),
            "InvalidAccessKeyId",
            "no such access key, or it is revoked",
        ),
        ("a wrong secret", signed(WRONG), "SignatureDoesNotMatch", "HttpString: put|/device||"),
        (
            "another type",
            headers(&|h| drop(h.insert("content-type", value("text/xml")))),
            "SignatureDoesNotMatch",
            "StringToSign: sha1|",
        ),
        (
            "a header that is not there",
            headers(&|h| drop(h.remove("content-type"))),
            "InvalidSecurity",
            "the signed header content-type is not in the request",
        ),
        (
            "too old",
            times(start() - 600, start() - 1),
            "RequestTimeTooSkewed",
            "the server's time is 2026-11-21T12:00:00Z",
        ),
        ("too new", times(start() + 1, start() + 600), "RequestTimeTooSkewed", "is valid from"),
        (
            "reversed",
            times(start() + 1, start() - 1),
            "InvalidSecurity",
            "must end after it starts",
        ),
    ];
    for (case, headers, code, part) in cases {
        let answer = send(&site, "PUT", "/device", &headers, NO_XML.as_bytes()).await;
        let message = answer.iss_refused(403, code);
        assert!(message.contains(part), "{case}: {message}");
        assert!(!message.contains(KEY.1) && !message.contains(WRONG.1), "{case}");
        assert_eq!(answer.element("Resource"), "/device", "{case}");
    }
    assert_eq!(site.fingerprint().await, before, "nothing changes");
    let good = send(&site, "PUT", "/device", &signed(KEY), NO_XML.as_bytes()).await;
    good.iss_refused(400, "MalformedXML");
}

#[tokio::test]
async fn both_ends_of_the_time_are_inside_and_no_time_is_too_long() {
    let site = Site::with_iss_keys().await;
    for times in [(start(), start() + 1), (start() - 1, start()), (0, 99_999_999_999)] {
        let headers = site.iss_signed_for(times, KEY, "GET", "/project", b"");
        send(&site, "GET", "/project", &headers, b"").await.iss_done();
    }
}

/// What the vendor's own sample does: nothing but method and path is signed.
#[tokio::test]
async fn empty_lists_pass_by_a_key_that_is_not_strict_alone() {
    let site = Site::with_iss_keys().await;
    let empty = |(ak, sk): (&str, &str)| {
        let (method, uri) = ("GET".parse().unwrap(), "/project".parse().unwrap());
        let times = (start() - 60, start() + 600);
        let value = sign(&method, &uri, &HeaderMap::new(), ak, sk.as_bytes(), times).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("no matter"));
        headers.insert("authorization", value);
        headers
    };
    let target = "/project?pageSize=1&&name=a";
    send(&site, "GET", target, &empty(KEY), b"").await.iss_done();
    let answer = send(&site, "GET", target, &empty(STRICT), b"").await;
    let message = answer.iss_refused(403, "AccessDenied");
    assert_eq!(
        message,
        "this access key takes strict signatures only: the header host must be signed."
    );
}

#[tokio::test]
async fn a_strict_key_signs_the_whole_request_and_each_signature_once() {
    let site = Site::with_iss_keys().await;
    let body = format!("<Request><ProjectId>{PROJECT}</ProjectId></Request>");
    let body = body.as_bytes();
    let post = async |times: (i64, i64), target: &str, body: &[u8], left: &str| {
        let headers = strict_headers(&site, times, target, body, left);
        send(&site, "POST", "/organization", &headers, body).await
    };
    let short = (start() - 60, start() + 840);
    for left in ["host", "content-length", "content-md5"] {
        let message =
            post(short, "/organization", body, left).await.iss_refused(403, "AccessDenied");
        assert!(message.ends_with(&format!("the header {left} must be signed.")), "{message}");
    }
    let message = post((short.0, short.1 + 1), "/organization", body, "x").await;
    let message = message.iss_refused(403, "AccessDenied");
    assert!(message.ends_with("valid for 900 s at most."), "{message}");

    let headers = strict_headers(&site, short, "/organization", body, "x");
    let query = send(&site, "POST", "/organization?a=1", &headers, body).await;
    let message = query.iss_refused(403, "AccessDenied");
    assert!(message.ends_with("the parameter a must be signed."), "{message}");
    let changed = String::from_utf8(body.to_vec()).unwrap().replace("Project", "Objects");
    let other = send(&site, "POST", "/organization", &headers, changed.as_bytes()).await;
    other.iss_refused(400, "BadDigest");

    // It was not used up by those that were refused. It is by one that is let in.
    let first = send(&site, "POST", "/organization", &headers, body).await;
    first.iss_refused(400, "InvalidArgument");
    let again = send(&site, "POST", "/organization", &headers, body).await;
    let message = again.iss_refused(403, "AccessDenied");
    assert!(message.starts_with("this signature was used already"), "{message}");
    site.clock.advance(Duration::from_secs(840));
    let last = send(&site, "POST", "/organization", &headers, body).await;
    last.iss_refused(403, "AccessDenied");
    site.clock.advance(Duration::from_secs(1));
    let late = send(&site, "POST", "/organization", &headers, body).await;
    late.iss_refused(403, "RequestTimeTooSkewed");
}

#[tokio::test]
async fn a_stated_md5_is_held_to_whatever_the_key() {
    let site = Site::with_iss_keys().await;
    let mut headers = site.iss_signed(KEY, "PUT", "/device", NO_XML.as_bytes());
    headers.insert("content-md5", STANDARD.encode(Md5::digest(NO_XML)).parse().unwrap());
    let good = send(&site, "PUT", "/device", &headers, NO_XML.as_bytes()).await;
    good.iss_refused(400, "MalformedXML");
    headers.insert("content-md5", STANDARD.encode(Md5::digest("else")).parse().unwrap());
    let bad = send(&site, "PUT", "/device", &headers, NO_XML.as_bytes()).await;
    bad.iss_refused(400, "BadDigest");
}

#[tokio::test]
async fn five_wrong_signatures_lock_the_key_out_of_both_doors() {
    let site = Site::with_iss_keys().await;
    for _ in 0..5 {
        let answer = site.iss_as(WRONG, "GET", "/project", "").await;
        answer.iss_refused(403, "SignatureDoesNotMatch");
    }
    let message = site.iss("GET", "/project", "").await.iss_refused(403, "AccessDenied");
    assert!(message.starts_with("this access key is locked for your address"), "{message}");
    site.cph("GET", "phones", b"").await.refused(401, "APIGW.0301");
    site.iss_as(ACCOUNT, "GET", "/project", "").await.iss_done();
    site.clock.advance(Duration::from_secs(300));
    site.iss("GET", "/project", "").await.iss_done();
}

#[tokio::test]
async fn a_presigned_address_works() {
    let site = Site::with_iss_keys().await;
    let headers = site.iss_signed(KEY, "GET", "/project?pageSize=5", b"");
    let authorization = headers["authorization"].to_str().unwrap();
    let target = format!("/project?pageSize=5&{}", authorization.replace(';', "%3b"));
    let mut bare = HeaderMap::new();
    bare.insert("host", headers["host"].clone());
    let answer = send(&site, "GET", &target, &bare, b"").await;
    assert!(answer.iss_done().contains("<PageSize>5</PageSize>"));
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    let site = Site::with_iss_keys().await;
    site.iss("GET", "/project", "").await.iss_done();
    site.handle.revoke_key(&Principal::admin(), KEY.0).await.unwrap();
    site.iss("GET", "/project", "").await.iss_refused(403, "InvalidAccessKeyId");
}

/// A key that opens all projects is narrowed by CPH to the one that the path names.
#[tokio::test]
async fn an_account_key_opens_each_project_of_cph() {
    let site = Site::with_iss_keys().await;
    for (project, phones) in [(PROJECT, "\"count\":4"), (FOREIGN, "\"count\":1")] {
        let target = format!("/v1/{project}/cloud-phone/phones");
        let answer = site.cph_as(ACCOUNT, "GET", &target, b"").await;
        assert!(answer.status == 200 && answer.text.contains(phones), "{answer:?}");
    }
    for project in ["nobody", "a%2Fb", "x"] {
        let target = format!("/v1/{project}/cloud-phone/phones");
        site.cph_as(ACCOUNT, "GET", &target, b"").await.refused(403, "CPS.0001");
    }
    let listed = site.cph_as(ACCOUNT, "GET", "/v3/projects", b"").await.json();
    assert_eq!(listed["projects"].as_array().unwrap().len(), 2);
    let own = site.cph_as(KEY, "GET", "/v3/projects", b"").await.json();
    assert_eq!(own["projects"].as_array().unwrap().len(), 1);
}

/// Another project's job is unknown in the path of this one, whoever asks.
#[tokio::test]
async fn an_account_key_sees_no_job_of_another_project_in_cph() {
    let site = Site::with_iss_keys().await;
    let body = format!(
        "{{\"phones\":[{{\"phone_id\":\"{}\",\"property\":\"{{\\\"com.cph.mainkeys\\\":1}}\"}}]}}",
        crate::site::PHONES[0]
    );
    let accepted = site.update(&body).await.json();
    let job = accepted["jobs"][0]["job_id"].as_str().unwrap();
    let show = async |project: &str| {
        let target = format!("/v1/{project}/cloud-phone/jobs/{job}");
        site.cph_as(ACCOUNT, "GET", &target, b"").await
    };
    assert_eq!(show(PROJECT).await.status, 200);
    show(FOREIGN).await.refused(404, "CPS.0011");
}

#[tokio::test]
async fn bodies_are_bounded_and_their_length_is_known() {
    let site = Site::with_iss_keys().await;
    let headers = |method: &str, target: &str| {
        let (method, uri) = (method.parse().unwrap(), target.parse().unwrap());
        let times = (start() - 60, start() + 600);
        let signed = HeaderMap::new();
        let value = sign(&method, &uri, &signed, KEY.0, KEY.1.as_bytes(), times).unwrap();
        format!(
            "{method} {uri} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: {}\r\n",
            value.to_str().unwrap()
        )
    };
    let raw = async |head: String| exchange(site.address, head.as_bytes()).await;
    for method in ["PUT", "POST"] {
        let answer = raw(headers(method, "/device") + "\r\n").await;
        answer.iss_refused(411, "MissingContentLength");
        let answer = raw(headers(method, "/device") + "content-length: 0\r\n\r\n").await;
        answer.iss_refused(400, "MissingRequestBodyError");
    }
    let long = format!("content-length: {}\r\n\r\n", 1024 * 1024 + 1);
    raw(headers("PUT", "/device") + &long).await.iss_refused(400, "MaxMessageLengthExceeded");
    let chunked = "transfer-encoding: chunked\r\n\r\n5\r\n<a/>\n\r\n0\r\n\r\n";
    raw(headers("PUT", "/device") + chunked).await.iss_refused(400, "MalformedXML");
    // The vendor's page of DeleteDevice sends a body; one may be absent.
    let none = raw(headers("DELETE", "/device") + "\r\n").await;
    none.iss_refused(400, "MissingRequestBodyError");
    let body = "content-length: 4\r\n\r\n<a/>";
    raw(headers("DELETE", "/device") + body).await.iss_refused(400, "MalformedXML");
    let unknown = headers("PUT", "/device").replace(KEY.0, "AKNOBODY") + &long;
    raw(unknown).await.iss_refused(403, "InvalidAccessKeyId");
}

/// Our own client's signature is what the verifier reads.
#[tokio::test]
async fn the_test_client_signs_as_the_python_sdk_does() {
    let site = Site::empty().await;
    let headers = site.iss_signed(KEY, "PUT", "/device?transport", b"<a/>");
    let text = headers["authorization"].to_str().unwrap();
    assert!(
        text.contains("q-header-list=content-length;content-type;host&q-url-param-list=transport&")
    );
    let mut sent = headers.clone();
    sent.insert("content-length", 4.into());
    let (method, uri): (Method, Uri) = (Method::PUT, "/device?transport".parse().unwrap());
    let head = Head {
        method: &method,
        path: uri.path(),
        query: uri.query(),
        authority: None,
        headers: &sent,
    };
    let signed = Signed::parse(head, Timestamp(start() * 1000)).unwrap();
    assert_eq!(signed.verify(KEY.1.as_bytes(), &[]), Ok(()));
}
