//! A client of the ISS door that signs as cos-python-sdk-v5 does: the length and type of the body
//! and the host, that without its port, and every parameter of the query.

use api::signature::tencent::sign;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleet::{Principal, Secret, Timestamp};
use http::{HeaderMap, HeaderValue, Method, Uri};
use md5::{Digest as _, Md5};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{Answer, bytes, exchange};
use crate::site::{KEY, START, Site};

/// A key that opens all projects, and a strict one of [`crate::site::PROJECT`]. A site has them by
/// [`Site::with_iss_keys`].
pub const ACCOUNT: (&str, &str) =
    ("AKIDEXAMPLEiss0000000000000000000001", "exampleSecretKey00000000000000AB");
pub const STRICT: (&str, &str) =
    ("AKIDEXAMPLEiss0000000000000000000002", "exampleSecretKey00000000000000CD");

/// The time of [`START`] in Unix seconds.
pub fn start() -> i64 {
    Timestamp::from_basic_text(START).unwrap().0 / 1000
}

/// The headers of a POST by [`STRICT`] that is signed for these times: whole, but for the header
/// `left`.
pub fn strict_headers(
    site: &Site,
    times: (i64, i64),
    target: &str,
    body: &[u8],
    left: &str,
) -> HeaderMap {
    let (method, uri): (Method, Uri) = ("POST".parse().unwrap(), target.parse().unwrap());
    let mut headers = HeaderMap::new();
    headers.insert("host", site.address.to_string().parse().unwrap());
    headers.insert("content-length", body.len().into());
    headers.insert("content-md5", STANDARD.encode(Md5::digest(body)).parse().unwrap());
    let unsigned = headers.remove(left);
    let (ak, sk) = STRICT;
    let signature = sign(&method, &uri, &headers, ak, sk.as_bytes(), times).unwrap();
    headers.remove("content-length");
    if let Some(value) = unsigned.filter(|_| left != "content-length") {
        headers.insert(left.parse::<http::HeaderName>().unwrap(), value);
    }
    headers.insert("authorization", signature);
    headers
}

impl Site {
    /// Starts one, with [`ACCOUNT`] and [`STRICT`] besides.
    pub async fn with_iss_keys() -> Self {
        let site = Self::start().await;
        let project = fleet::ProjectId::new(crate::site::PROJECT).unwrap();
        for ((ak, sk), project, strict) in [(ACCOUNT, None, false), (STRICT, Some(&project), true)]
        {
            let given = Some((ak.to_owned(), Secret::new(sk.to_owned())));
            site.handle.create_key(&Principal::admin(), project, given, strict).await.unwrap();
        }
        site
    }

    /// The headers of a call signed with this key at the time of the site's start.
    pub fn iss_signed(
        &self,
        key: (&str, &str),
        method: &str,
        target: &str,
        body: &[u8],
    ) -> HeaderMap {
        self.iss_signed_for((start() - 60, start() + 600), key, method, target, body)
    }

    /// The same for another time.
    pub fn iss_signed_for(
        &self,
        times: (i64, i64),
        (ak, sk): (&str, &str),
        method: &str,
        target: &str,
        body: &[u8],
    ) -> HeaderMap {
        let method: Method = method.parse().unwrap();
        let uri: Uri = target.parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("host", self.address.ip().to_string().parse().unwrap());
        if !body.is_empty() {
            headers.insert("content-type", HeaderValue::from_static("application/xml"));
            headers.insert("content-length", body.len().into());
        }
        let signature = sign(&method, &uri, &headers, ak, sk.as_bytes(), times).unwrap();
        // The length is that of `bytes`, and the port is sent though it is not signed.
        headers.remove("content-length");
        headers.insert("host", self.address.to_string().parse().unwrap());
        headers.insert("authorization", signature);
        headers
    }

    /// A call, signed with this key.
    pub async fn iss_as(
        &self,
        key: (&str, &str),
        method: &str,
        target: &str,
        body: &str,
    ) -> Answer {
        let headers = self.iss_signed(key, method, target, body.as_bytes());
        exchange(self.address, &bytes(method, target, &headers, body.as_bytes())).await
    }

    /// Sends the head of a call and waits until its body is asked for (RFC 9110, section 10.1.1):
    /// the head was let in then. Gives the connection, on which the body is to be sent.
    pub async fn iss_head(
        &self,
        method: &str,
        target: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> TcpStream {
        const ASKED: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
        let mut headers = headers.clone();
        headers.insert("expect", HeaderValue::from_static("100-continue"));
        let request = bytes(method, target, &headers, body);
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(&request[..request.len() - body.len()]).await.unwrap();
        let mut told = [0; ASKED.len()];
        stream.read_exact(&mut told).await.unwrap();
        assert_eq!(told, ASKED, "{}", String::from_utf8_lossy(&told));
        stream
    }

    /// A call, signed with the project's key.
    pub async fn iss(&self, method: &str, target: &str, body: &str) -> Answer {
        self.iss_as(KEY, method, target, body).await
    }
}

impl Answer {
    /// The text of the first element of this name; empty if there is none.
    pub fn element(&self, name: &str) -> &str {
        let rest = self.text.split_once(&format!("<{name}>")).map_or("", |(_, rest)| rest);
        rest.split_once('<').map_or("", |(text, _)| text)
    }

    /// Checks the headers that each answer of the door has.
    #[track_caller]
    pub fn iss_headers(&self) {
        for (name, value) in [
            ("content-type", "application/xml"),
            ("server", "tencent-iss"),
            ("connection", "close"),
            ("content-length", self.text.len().to_string().as_str()),
        ] {
            assert_eq!(self.header(name), value, "{self:?}");
        }
        assert!(self.header("date").ends_with(" GMT"), "{self:?}");
        let id = self.header("x-iss-request-id");
        assert!(api::iss::request_id::from_text(id).is_some(), "{self:?}");
    }

    /// Checks that it is a refusal of ISS with this status and code, in the vendor's form; gives
    /// its message, escaped as it stands.
    #[track_caller]
    pub fn iss_refused(&self, status: u16, code: &str) -> String {
        self.iss_headers();
        assert_eq!((self.status, self.element("Code")), (status, code), "{self:?}");
        let (message, id) = (self.element("Message"), self.header("x-iss-request-id"));
        let resource = self.element("Resource");
        assert!(!message.is_empty() && resource.starts_with('/'), "{self:?}");
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
             <Message>{message}</Message><Resource>{resource}</Resource>\
             <RequestId>{id}</RequestId><TraceId>{id}</TraceId></Error>"
        );
        assert_eq!(self.text, body);
        message.to_owned()
    }

    /// Checks that it is a success; gives its body, with the request's id replaced.
    #[track_caller]
    pub fn iss_done(&self) -> String {
        self.iss_headers();
        assert_eq!(self.status, 200, "{self:?}");
        self.text.replace(self.header("x-iss-request-id"), "[id]")
    }
}
