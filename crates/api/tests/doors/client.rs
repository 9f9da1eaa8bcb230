//! A client on a bare socket: signed calls of CPH, calls of the native door, and requests as they
//! should not be.

use std::net::SocketAddr;

use api::signature::huawei::sign;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::site::{KEY, PROJECT, START, Site, TOKEN};

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body; null if it is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// A header's value; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that it is a refusal of CPH with this status and code, in the vendor's form.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> String {
        let body = self.json();
        assert_eq!((self.status, body["error_code"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(self.header("content-type"), "application/json", "{self:?}");
        assert_eq!(body["request_id"], self.header("x-request-id"), "{self:?}");
        assert_eq!(self.header("x-request-id").len(), 32, "{self:?}");
        assert_eq!(body.as_object().unwrap().len(), 3, "{self:?}");
        body["error_msg"].as_str().unwrap().to_owned()
    }

    /// Checks that it is a problem of the native door with this status and code; gives its detail.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> String {
        let body = self.json();
        assert_eq!((self.status, body["code"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        assert_eq!((&body["status"], &body["type"]), (&status.into(), &"about:blank".into()));
        body["detail"].as_str().unwrap().to_owned()
    }
}

/// Sends a request as it is, on a connection of its own, and reads the answer to its end.
pub async fn exchange(address: SocketAddr, request: &[u8]) -> Answer {
    let answer = String::from_utf8(exchange_bytes(address, request).await).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    Answer { status, headers, text: body.to_owned() }
}

/// The same, with the answer as it came.
async fn exchange_bytes(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    // A server that refuses a body unread may cut the connection after its answer.
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

/// The bytes of a request.
pub fn bytes(method: &str, target: &str, headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let mut request = format!("{method} {target} HTTP/1.1\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    request += &format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    [request.as_bytes(), body].concat()
}

impl Site {
    /// The headers of a call signed with this key at the time of the site's start.
    pub fn signed(&self, key: (&str, &str), method: &str, target: &str, body: &[u8]) -> HeaderMap {
        self.signed_at(START, key, method, target, body)
    }

    /// The same at another time.
    pub fn signed_at(
        &self,
        date: &str,
        (ak, sk): (&str, &str),
        method: &str,
        target: &str,
        body: &[u8],
    ) -> HeaderMap {
        let method: Method = method.parse().unwrap();
        let uri: Uri = target.parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        headers.insert("host", self.address.to_string().parse().unwrap());
        headers.insert("x-sdk-date", date.parse().unwrap());
        let signature = sign(&method, &uri, &headers, body, ak, sk.as_bytes(), date).unwrap();
        headers.insert("authorization", signature);
        headers
    }

    /// A call of CPH, signed with this key.
    pub async fn cph_as(
        &self,
        key: (&str, &str),
        method: &str,
        target: &str,
        body: &[u8],
    ) -> Answer {
        let headers = self.signed(key, method, target, body);
        exchange(self.address, &bytes(method, target, &headers, body)).await
    }

    /// A call of CPH; `rest` follows the project's cloud phones.
    pub async fn cph(&self, method: &str, rest: &str, body: &[u8]) -> Answer {
        self.cph_as(KEY, method, &format!("/v1/{PROJECT}/cloud-phone/{rest}"), body).await
    }

    /// UpdateCloudPhoneProperty.
    pub async fn update(&self, body: &str) -> Answer {
        self.cph("POST", "phones/batch-update-property", body.as_bytes()).await
    }

    /// A call of the native door with the token; `rest` follows `/api/v1`.
    pub async fn native(&self, method: &str, rest: &str, body: &str) -> Answer {
        exchange(self.address, &native_bytes(method, rest, body)).await
    }

    /// The same for an answer that is no text: its status and its body.
    pub async fn native_bytes(&self, method: &str, rest: &str) -> (u16, Vec<u8>) {
        let answer = exchange_bytes(self.address, &native_bytes(method, rest, "")).await;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
        (status, answer[end + 4..].to_vec())
    }

    /// A call without any proof of who sends it.
    pub async fn unsigned(&self, method: &str, target: &str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("localhost"));
        exchange(self.address, &bytes(method, target, &headers, b"")).await
    }
}

/// The bytes of a call of the native door with the token.
fn native_bytes(method: &str, rest: &str, body: &str) -> Vec<u8> {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("localhost"));
    headers.insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
    bytes(method, &format!("/api/v1{rest}"), &headers, body.as_bytes())
}
