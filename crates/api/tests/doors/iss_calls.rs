//! The ISS door as its clients meet it: the bytes that a stock client sent, and the headers and
//! connections of its answers.

use std::time::Duration;

use api::iss::request_id;
use api::signature::tencent::sign;
use fleet::Principal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{bytes, exchange};
use crate::iss_client::{start, strict_headers};
use crate::site::{KEY, PROJECT, Site};

/// What `requests` with `CosS3Auth` of cos-python-sdk-v5 1.9.44 sent to a server on port 18080, but
/// for its `Connection`, which was kept.
const RECORDED: &str = "PUT /device HTTP/1.1\r\n\
    Host: 127.0.0.1:18080\r\n\
    User-Agent: python-requests/2.34.2\r\n\
    Accept-Encoding: gzip, deflate\r\n\
    Accept: */*\r\n\
    Connection: close\r\n\
    Content-Type: application/xml\r\n\
    Content-Length: 310\r\n\
    Authorization: q-sign-algorithm=sha1&q-ak=AKIDEXAMPLEiss0000000000000000000001\
    &q-sign-time=1795300498;1795301158&q-key-time=1795300498;1795301158\
    &q-header-list=content-length;content-type;host&q-url-param-list=\
    &q-signature=35c8d423ae2ac13f728aaff594fcaa675a45311a\r\n\
    \r\n\
    <?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Request><Devicelist><Gbid>44010300001320000024</Gbid>\
    <Name>东门-1</Name><Pwd>12345678</Pwd></Devicelist><Devicelist><Gbid>44010300001320000025</Gbid>\
    <Name>gate-2</Name><Pwd>12345678</Pwd></Devicelist>\
    <ProjectId>pj1460606b9752148c4ab182f55163ba7cd</ProjectId></Request>";

#[tokio::test]
async fn what_a_stock_client_sent_is_let_in() {
    let site = Site::with_iss_keys().await;
    let until = u64::try_from(1_795_300_498 - start()).unwrap();
    site.clock.advance(Duration::from_secs(until));
    let answer = exchange(site.address, RECORDED.as_bytes()).await;
    // The signature holds, the body is read, and it names a project that this server lacks.
    answer.iss_refused(404, "NoSuchProject");
    let longer = RECORDED.replace("Length: 310", "Length: 309");
    let refused = exchange(site.address, &longer.as_bytes()[..longer.len() - 1]).await;
    refused.iss_refused(403, "SignatureDoesNotMatch");
}

/// Reads one answer from a connection: its head in lower case, and its body.
async fn read_answer(stream: &mut TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    loop {
        let mut more = [0; 4096];
        let count = stream.read(&mut more).await.unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&more[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next());
        if length.and_then(|length| length.parse().ok()) == Some(body.len()) {
            return (head, body.to_owned());
        }
    }
}

#[tokio::test]
async fn a_connection_is_kept_and_each_call_has_an_id_of_its_own() {
    let site = Site::with_iss_keys().await;
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    let mut ids = Vec::new();
    for (target, status) in [("/project", "200 ok"), ("/device/x", "404 not found")] {
        let headers = site.iss_signed(KEY, "GET", target, b"");
        let mut request = format!("GET {target} HTTP/1.1\r\n");
        for (name, value) in &headers {
            request += &format!("{name}: {}\r\n", value.to_str().unwrap());
        }
        stream.write_all(format!("{request}\r\n").as_bytes()).await.unwrap();
        let (head, _) = read_answer(&mut stream).await;
        assert!(head.starts_with(&format!("http/1.1 {status}\r\n")), "{head}");
        for line in
            ["content-type: application/xml", "server: tencent-iss", "connection: keep-alive"]
        {
            assert!(head.contains(line), "{head}");
        }
        assert_eq!(head.matches("connection: ").count(), 1, "{head}");
        ids.push(
            head.split("x-iss-request-id: ").nth(1).unwrap().split('\r').next().unwrap().to_owned(),
        );
    }
    assert_ne!(ids[0], ids[1]);
}

/// Checks the one `Connection` header of a head.
#[track_caller]
fn says(head: &str, connection: &str) {
    assert_eq!(head.matches("connection: ").count(), 1, "{head}");
    assert!(head.contains(&format!("\r\nconnection: {connection}")), "{head}");
}

#[tokio::test]
async fn a_connection_whose_body_was_not_read_is_said_to_end_and_does() {
    let site = Site::with_iss_keys().await;
    for (line, fields) in [
        ("PUT /device HTTP/1.1", "content-length: 1000000"),
        ("PUT /device HTTP/1.1", "transfer-encoding: chunked"),
        ("PUT /device HTTP/1.0", "connection: keep-alive\r\ncontent-length: 1000000"),
        ("PATCH /device HTTP/1.1", "content-length: 1000000"),
        ("POST /device/x HTTP/1.1", "content-length: 1000000"),
        ("POST /stream HTTP/1.1", "content-length: 1000000"),
    ] {
        let mut stream = TcpStream::connect(site.address).await.unwrap();
        let request = format!("{line}\r\nhost: x\r\n{fields}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        says(&read_answer(&mut stream).await.0, "close");
        assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0, "{line}");
    }
}

/// RFC 9112, appendix C.2.2.
#[tokio::test]
async fn a_client_of_http_1_0_keeps_its_connection_if_it_asks() {
    let site = Site::with_iss_keys().await;
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    for (fields, connection) in [("connection: keep-alive\r\n", "keep-alive"), ("", "close")] {
        let request = format!("GET /device/x HTTP/1.0\r\nhost: x\r\n{fields}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        says(&read_answer(&mut stream).await.0, connection);
    }
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_server_that_ends_says_once_that_the_connection_does() {
    let site = Site::with_iss_keys().await;
    let headers = site.iss_signed(KEY, "PUT", "/device", b"<a/>");
    let mut request = String::from_utf8(bytes("PUT", "/device", &headers, b"<a/>")).unwrap();
    request = request.replace("connection: close\r\n", "expect: 100-continue\r\n");
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    let (head, body) = request.split_at(request.len() - 4);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut told = [0; 25];
    stream.read_exact(&mut told).await.unwrap();
    assert!(told.starts_with(b"HTTP/1.1 100 "), "the head was let in");
    drop(site);
    stream.write_all(body.as_bytes()).await.unwrap();
    says(&read_answer(&mut stream).await.0, "close");
}

/// What was used is remembered for as long as it is valid and no longer. A body that comes to its
/// end after that would be let in again.
#[tokio::test]
async fn a_strict_signature_that_runs_out_while_its_body_is_under_way_is_not_taken() {
    let site = Site::with_iss_keys().await;
    let body = format!(
        "<Request><ProjectId>{PROJECT}</ProjectId><Organization><Level>1</Level><L1>a</L1>\
         </Organization></Request>"
    );
    let (target, body) = ("/organization", body.as_bytes());
    let headers = strict_headers(&site, (start() - 60, start() + 840), target, body, "none");
    exchange(site.address, &bytes("POST", target, &headers, body)).await.iss_done();
    site.clock.advance(Duration::from_secs(840));
    let mut stream = site.iss_head("POST", target, &headers, body).await;
    site.clock.advance(Duration::from_secs(1));
    stream.write_all(body).await.unwrap();
    let (head, text) = read_answer(&mut stream).await;
    assert!(head.starts_with("http/1.1 403 "), "{head}");
    assert!(text.contains("<Code>RequestTimeTooSkewed</Code>"), "{text}");
}

#[tokio::test]
async fn a_key_that_is_revoked_while_a_body_is_under_way_opens_nothing() {
    let site = Site::with_iss_keys().await;
    let headers = site.iss_signed(KEY, "PUT", "/device", b"<a/>");
    let mut stream = site.iss_head("PUT", "/device", &headers, b"<a/>").await;
    site.handle.revoke_key(&Principal::admin(), KEY.0).await.unwrap();
    stream.write_all(b"<a/>").await.unwrap();
    let (head, text) = read_answer(&mut stream).await;
    assert!(head.starts_with("http/1.1 403 "), "{head}");
    assert!(text.contains("<Code>InvalidAccessKeyId</Code>"), "{text}");
}

#[tokio::test]
async fn the_id_in_the_body_is_that_of_the_header_and_of_the_engine() {
    let site = Site::with_iss_keys().await;
    let answer = site.iss("GET", &format!("/organization?projectId={PROJECT}"), "").await;
    answer.iss_done();
    let id = answer.header("x-iss-request-id");
    assert_eq!(answer.element("RequestId"), id);
    let known = request_id::from_text(id).unwrap();
    assert_eq!(request_id::to_text(known), id);
}

/// Room for 256 of the largest. A caller who signs well can't fill the memory either.
#[tokio::test]
async fn all_large_bodies_together_are_bounded_and_small_ones_go_on() {
    let site = Site::with_iss_keys().await;
    let (method, uri) = (http::Method::PUT, "/device".parse().unwrap());
    let times = (start() - 60, start() + 600);
    let none = http::HeaderMap::new();
    let signature = sign(&method, &uri, &none, KEY.0, KEY.1.as_bytes(), times).unwrap();
    let head = format!(
        "PUT /device HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: {}\r\n\
         content-length: {}\r\n\r\n",
        signature.to_str().unwrap(),
        1024 * 1024
    );
    // None of them sends its body, so only the 257th is answered.
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..257 {
        let (address, head) = (site.address, head.clone());
        calls.spawn(async move { exchange(address, head.as_bytes()).await });
    }
    let answer = calls.join_next().await.unwrap().unwrap();
    answer.iss_refused(503, "SlowDown");
    assert_eq!(answer.header("retry-after"), "1");
    let body = "<Request><Name>x</Name></Request>";
    site.iss("PUT", &format!("/project/{PROJECT}"), body).await.iss_done();
    assert_eq!(calls.len(), 256);
}
