//! Who is let in at the CPH door, and that nothing is looked at before.

use std::collections::BTreeSet;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{bytes, exchange};
use crate::site::{FOREIGN, FOREIGN_KEY, KEY, PHONES, PROJECT, START, Site};

const UPDATE: &str =
    "/v1/0123456789abcdef0123456789abcdef/cloud-phone/phones/batch-update-property";

fn body() -> String {
    json!({ "phones": [{ "phone_id": PHONES[0], "property": "{\"com.cph.mainkeys\":1}" }] })
        .to_string()
}

/// A secret that is wrong in its last character.
const WRONG: (&str, &str) = (KEY.0, "sk/Test+Vector/0123456789abcdefghijklmnoq");

#[tokio::test]
async fn nothing_changes_without_a_signature_that_holds() {
    let site = Site::start().await;
    let before = site.fingerprint().await;
    let (body, key) = (body(), KEY);
    let body = body.as_bytes();
    let headers = |change: &dyn Fn(&mut HeaderMap)| {
        let mut headers = site.signed(key, "POST", UPDATE, body);
        change(&mut headers);
        headers
    };
    let value = HeaderValue::from_static;
    let cases: Vec<(&str, HeaderMap, &str)> = vec![
        ("no signature", headers(&|h| drop(h.remove("authorization"))), "x-auth-token not found"),
        (
            "another scheme",
            headers(&|h| drop(h.insert("authorization", value("Basic abc")))),
            "verify aksk",
        ),
        ("no date", headers(&|h| drop(h.remove("x-sdk-date"))), "x-sdk-date"),
        (
            "another date",
            headers(&|h| drop(h.insert("x-sdk-date", value("20261121T120001Z")))),
            "canonicalRequest",
        ),
        (
            "another host",
            headers(&|h| drop(h.insert("host", value("else.example.com")))),
            "canonicalRequest",
        ),
        (
            "a temporary key",
            headers(&|h| drop(h.insert("x-security-token", value("t")))),
            "temporary",
        ),
        (
            "no such key",
            site.signed(("AKNOBODY", KEY.1), "POST", UPDATE, body),
            "Get secretKey failed",
        ),
        ("a wrong secret", site.signed(WRONG, "POST", UPDATE, body), "canonicalRequest"),
        ("another body", site.signed(KEY, "POST", UPDATE, b"{}"), "canonicalRequest"),
        (
            "another path",
            site.signed(KEY, "POST", "/v1/x/cloud-phone/jobs", body),
            "canonicalRequest",
        ),
        (
            "too old",
            site.signed_at("20261121T114459Z", KEY, "POST", UPDATE, body),
            "the server's time is 20261121T120000Z",
        ),
        (
            "too new",
            site.signed_at("20261121T121501Z", KEY, "POST", UPDATE, body),
            "signature expired",
        ),
    ];
    let mut ids = BTreeSet::new();
    for (case, headers, part) in cases {
        let answer = exchange(site.address, &bytes("POST", UPDATE, &headers, body)).await;
        let message = answer.refused(401, "APIGW.0301");
        assert!(message.starts_with("Incorrect IAM authentication information: "), "{case}");
        assert!(message.contains(part), "{case}: {message}");
        assert!(!message.contains(KEY.1) && !message.contains(WRONG.1), "{case}");
        assert!(ids.insert(answer.header("x-request-id").to_owned()), "{case}: an id of its own");
    }
    assert_eq!(site.fingerprint().await, before, "nothing changes");
    site.clock.advance(Duration::from_secs(300));
    assert_eq!(site.update(std::str::from_utf8(body).unwrap()).await.status, 200);
}

#[tokio::test]
async fn both_ends_of_the_window_are_inside() {
    let site = Site::start().await;
    for date in ["20261121T114500Z", START, "20261121T121500Z"] {
        let target = format!("/v1/{PROJECT}/cloud-phone/phones/{}", PHONES[0]);
        let headers = site.signed_at(date, KEY, "GET", &target, b"");
        let answer = exchange(site.address, &bytes("GET", &target, &headers, b"")).await;
        assert_eq!(answer.status, 200, "{date}: {answer:?}");
    }
}

#[tokio::test]
async fn five_wrong_signatures_lock_the_key_out_for_five_minutes() {
    let site = Site::start().await;
    let target = format!("/v1/{PROJECT}/cloud-phone/phones/{}", PHONES[0]);
    let try_with = async |key, date: &str| {
        let headers = site.signed_at(date, key, "GET", &target, b"");
        exchange(site.address, &bytes("GET", &target, &headers, b"")).await
    };
    for _ in 0..4 {
        try_with(WRONG, START).await.refused(401, "APIGW.0301");
    }
    assert_eq!(try_with(KEY, START).await.status, 200, "a success starts the count again");
    for _ in 0..5 {
        let message = try_with(WRONG, START).await.refused(401, "APIGW.0301");
        assert!(message.contains("canonicalRequest"), "{message}");
    }
    let message = try_with(KEY, START).await.refused(401, "APIGW.0301");
    assert!(message.ends_with("AK access failed to reach the limit,forbidden"), "{message}");
    let others = format!("/v1/{FOREIGN}/cloud-phone/jobs");
    site.cph_as(FOREIGN_KEY, "GET", &others, b"").await.refused(400, "CPS.0049");
    site.clock.advance(Duration::from_secs(300));
    assert_eq!(try_with(KEY, START).await.status, 200, "the lock is over");
}

/// Sends a signed call's head; gives the connection once the server waits for the body, which the
/// server says because it is asked to (RFC 9110, section 10.1.1).
async fn head_of_call(site: &Site, key: (&str, &str), body: &str) -> TcpStream {
    let mut headers = site.signed(key, "POST", UPDATE, body.as_bytes());
    headers.insert("expect", HeaderValue::from_static("100-continue"));
    let call = bytes("POST", UPDATE, &headers, body.as_bytes());
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    stream.write_all(&call[..call.len() - body.len()]).await.unwrap();
    let mut interim = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

/// Sends the body; gives the answer's text.
async fn rest_of_call(mut stream: TcpStream, body: &str) -> String {
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn of_many_signatures_under_way_at_once_five_are_told_wrong() {
    let site = Site::start().await;
    let before = site.fingerprint().await;
    let body = body();
    let mut heads = Vec::new();
    for _ in 0..40 {
        heads.push(head_of_call(&site, WRONG, &body).await);
    }
    let right = head_of_call(&site, KEY, &body).await;
    // All are past the first look at the lock-out, and wait for their bodies.
    let mut calls = tokio::task::JoinSet::new();
    for stream in heads {
        let body = body.clone();
        calls.spawn(async move { rest_of_call(stream, &body).await });
    }
    let answers = calls.join_all().await;
    let told = |part: &str| answers.iter().filter(|answer| answer.contains(part)).count();
    assert_eq!((told("canonicalRequest"), told("reach the limit,forbidden")), (5, 35));
    let answer = rest_of_call(right, &body).await;
    assert!(answer.contains("reach the limit,forbidden"), "the right one comes too late: {answer}");
    assert_eq!(site.fingerprint().await, before, "nothing changes");
    site.clock.advance(Duration::from_secs(300));
    assert_eq!(site.update(&body).await.status, 200, "the lock is over");
}

#[tokio::test]
async fn a_key_opens_its_own_project_only() {
    let site = Site::start().await;
    let before = site.fingerprint().await;
    let body = body();
    let request = site
        .update(&json!({ "phones": [{ "phone_id": PHONES[1], "property": "{}" }] }).to_string())
        .await;
    let request_id = request.json()["request_id"].as_str().unwrap().to_owned();
    let job = request.json()["jobs"][0]["job_id"].as_str().unwrap().to_owned();
    for project in [FOREIGN, "no-such-project", "0123456789ABCDEF0123456789ABCDEF"] {
        for (method, rest, body) in [
            ("POST", "phones/batch-update-property".to_owned(), body.as_bytes()),
            ("POST", "phones/batch-update-property".to_owned(), b"not JSON"),
            ("GET", format!("phones/{}", PHONES[0]), b""),
            ("GET", format!("jobs/{job}"), b""),
            ("GET", "jobs".to_owned(), b""),
        ] {
            let target = format!("/v1/{project}/cloud-phone/{rest}");
            let message = site.cph_as(KEY, method, &target, body).await.refused(403, "CPS.0001");
            assert_eq!(message, "No permission to request resources.");
        }
    }
    // By a key of its own, a foreign project finds nothing of what is here.
    let foreign = format!("/v1/{FOREIGN}/cloud-phone");
    let get =
        async |rest: String| site.cph_as(FOREIGN_KEY, "GET", &(foreign.clone() + &rest), b"").await;
    get(format!("/jobs/{job}")).await.refused(404, "CPS.0011");
    get(format!("/jobs?request_id={request_id}")).await.refused(404, "CPS.0050");
    get(format!("/phones/{}", PHONES[0])).await.refused(404, "CPS.0005");
    let update = format!("{foreign}/phones/batch-update-property");
    let answer = site.cph_as(FOREIGN_KEY, "POST", &update, body.as_bytes()).await;
    assert_eq!(answer.json()["jobs"][0]["error_code"], "CPS.0005");
    assert_eq!(site.fingerprint().await[0], before[0], "nothing changes");
}

#[tokio::test]
async fn a_host_that_a_proxy_rewrote_may_be_named() {
    let site = Site::start().await;
    let target = format!("/v1/{PROJECT}/cloud-phone/phones/{}", PHONES[0]);
    let uri = target.parse().unwrap();
    let sign = |host: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static(host));
        headers.insert("x-sdk-date", HeaderValue::from_static(START));
        let signature = api::signature::huawei::sign(
            &http::Method::GET,
            &uri,
            &headers,
            b"",
            KEY.0,
            KEY.1.as_bytes(),
            START,
        );
        headers.insert("authorization", signature.unwrap());
        headers.insert("host", HeaderValue::from_static("10.0.0.1:8080"));
        headers
    };
    let send = async |headers| exchange(site.address, &bytes("GET", &target, &headers, b"")).await;
    assert_eq!(send(sign("cph.example.com")).await.status, 200);
    send(sign("evil.example.com")).await.refused(401, "APIGW.0301");
}

#[tokio::test]
async fn a_body_is_read_only_for_a_key_that_exists_and_only_so_far() {
    let site = Site::start().await;
    // Neither sends its body: an answer shows that nobody waited for it.
    let head = |key, length: usize| {
        let mut headers = site.signed(key, "POST", UPDATE, b"");
        headers.insert("content-length", length.to_string().parse().unwrap());
        let text = String::from_utf8(bytes("POST", UPDATE, &headers, b"")).unwrap();
        text.replace("content-length: 0\r\n", "").into_bytes()
    };
    let answer = exchange(site.address, &head(("AKNOBODY", "x"), 1_000)).await;
    answer.refused(401, "APIGW.0301");
    let answer = exchange(site.address, &head(KEY, 12 * 1024 * 1024 + 1)).await;
    let message = answer.refused(413, "APIGW.0201");
    assert_eq!(message, "Request entity too large.");
}

#[tokio::test]
async fn all_large_bodies_together_are_bounded_and_small_ones_go_on() {
    let site = Site::start().await;
    let mut headers = site.signed(KEY, "POST", UPDATE, b"");
    headers.insert("content-length", (12 * 1024 * 1024).to_string().parse().unwrap());
    let head = String::from_utf8(bytes("POST", UPDATE, &headers, b"")).unwrap();
    let head = head.replace("content-length: 0\r\n", "");
    // There is room for 21; none of them sends its body, so only the 22nd is answered.
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..22 {
        let (address, head) = (site.address, head.clone());
        calls.spawn(async move { exchange(address, head.as_bytes()).await });
    }
    let answer = calls.join_next().await.unwrap().unwrap();
    assert_eq!(answer.refused(429, "APIGW.0308"), "The throttling threshold has been reached.");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(site.update(&body()).await.status, 200, "a small call has its place");
    assert_eq!(calls.len(), 21);
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    let site = Site::start().await;
    let rest = format!("phones/{}", PHONES[0]);
    assert_eq!(site.cph("GET", &rest, b"").await.status, 200);
    assert_eq!(site.native("DELETE", &format!("/keys/{}", KEY.0), "").await.status, 204);
    site.cph("GET", &rest, b"").await.refused(401, "APIGW.0301");
}
