//! The published and the self-made vectors, and what must be refused.

mod flips;
mod malformed;
mod vectors;

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::*;

/// A request as it came over the wire, owned, so that tests can bend it.
#[derive(Debug, Clone)]
struct Wire {
    method: Method,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    body: Vec<u8>,
    secret: &'static str,
}

/// The made-up key of vectors A to D.
const AK: &str = "AKTESTVECTOR00000001";
const SK: &str = "sk/Test+Vector/0123456789abcdefghijklmnop";
const PROJECT: &str = "0123456789abcdef0123456789abcdef";
const DATE_A: &str = "20261121T120000Z";

impl Wire {
    /// A request without headers.
    fn new(method: Method, target: &str, body: &str) -> Self {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let (path, body) = (path.to_owned(), body.as_bytes().to_vec());
        Self { method, path, query, headers: HeaderMap::new(), body, secret: SK }
    }

    /// The same with one more header.
    fn with(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        self.headers.append(HeaderName::from_static(name), value);
        self
    }

    /// The same with this header in place of any of that name.
    fn set(mut self, name: &'static str, value: &str) -> Self {
        self.headers.remove(name);
        self.with(name, value)
    }

    /// The same, signed by `sign`.
    fn signed(mut self, date: &str) -> Self {
        let target = match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        };
        let (uri, key) = (target.parse().unwrap(), self.secret.as_bytes());
        let value = sign(&self.method, &uri, &self.headers, &self.body, AK, key, date).unwrap();
        self.headers.insert(DATE, date.parse().unwrap());
        self.headers.insert(header::AUTHORIZATION, value);
        self
    }

    fn head(&self) -> Head<'_> {
        let (path, query) = (self.path.as_str(), self.query.as_deref());
        Head { method: &self.method, path, query, authority: None, headers: &self.headers }
    }

    fn verify_at(&self, now: Timestamp, public_hosts: &[String]) -> Result<(), Refusal> {
        Signed::parse(self.head(), now)?.verify(self.secret.as_bytes(), &self.body, public_hosts)
    }

    /// Verifies at the very time of its own date, or of vector A's if it has no readable one.
    fn verify(&self) -> Result<(), Refusal> {
        let date = self.headers.get(DATE).and_then(|value| value.to_str().ok());
        let now = date.and_then(Timestamp::from_basic_text).unwrap_or_else(|| at(DATE_A));
        self.verify_at(now, &[])
    }

    /// SHA-256 of the canonical request that the verifier makes.
    fn canonical_hash(&self) -> String {
        let head = self.head();
        let signed = Signed::parse(head, at(self.headers[DATE].to_str().unwrap())).unwrap();
        let mut canonical = Canonical::new(&head, &signed.names);
        let text = canonical.with(head.host(), &sha256_hex(&self.body));
        hex::encode(Sha256::digest(text))
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_basic_text(text).unwrap()
}

/// The `Authorization` value of these parts.
fn authorization(ak: &str, names: &str, signature: &str) -> String {
    format!("SDK-HMAC-SHA256 Access={ak}, SignedHeaders={names}, Signature={signature}")
}

const UPDATE: &str =
    "/v1/0123456789abcdef0123456789abcdef/cloud-phone/phones/batch-update-property";
const SIGNATURE_A: &str = "25dc0f8800fa56f0c4d76237f9717730adb3af9eea48fef8ea77764fc1690d54";

/// Vector A: an update as the Python SDK signs it.
fn vector_a() -> Wire {
    let body = concat!(
        r#"{"phones": [{"phone_id": "1678567b8bab40f93711234cb80d0764", "#,
        r#""property": "{\"sys.prop.writephonenum\":\"13666666666\"}"}]}"#,
    );
    let names = "content-type;host;x-project-id;x-sdk-date";
    Wire::new(Method::POST, UPDATE, body)
        .with("content-type", "application/json")
        .with("host", "127.0.0.1:8099")
        .with("x-project-id", PROJECT)
        .with(DATE, DATE_A)
        .with("authorization", &authorization(AK, names, SIGNATURE_A))
}

/// Vector B: a GET with a sorted query.
fn vector_b() -> Wire {
    let target = format!(
        "/v1/{PROJECT}/cloud-phone/jobs?limit=100&offset=0\
         &request_id=6837531fd3f54550927b930180a706bf"
    );
    let names = "content-type;host;x-project-id;x-sdk-date";
    let signature = "766fe9054397e3e681089d981619e672e86ff8ed0699c533929a9818ed6accec";
    Wire::new(Method::GET, &target, "")
        .with("content-type", "application/json")
        .with("host", "127.0.0.1:8099")
        .with("x-project-id", PROJECT)
        .with(DATE, DATE_A)
        .with("authorization", &authorization(AK, names, signature))
}

/// Vector C: a query with everything that needs care.
fn vector_c() -> Wire {
    let target = format!(
        "/v1/{PROJECT}/cloud-phone/phones?phone_name=%E6%89%8B%E6%9C%BA%20a%2Bb~%2A%2F&status=-7"
    );
    let signature = "b0274f5a2a4cae5699b4a67e52dbb9bb9d03039872aece8266b0f42f81436759";
    Wire::new(Method::GET, &target, "")
        .with("host", "cph.local")
        .with(DATE, DATE_A)
        .with("authorization", &authorization(AK, "host;x-sdk-date", signature))
}

/// Vector D: golangsdk's style: no host, headers added after signing, a body that ends in LF.
fn vector_d() -> Wire {
    let body = concat!(
        r#"{"phones":[{"phone_id":"1678567b8bab40f93711234cb80d0764","#,
        r#""property":"{\"com.cph.mainkeys\":0}"}]}"#,
        "\n"
    );
    let names = "accept;content-type;user-agent;x-sdk-date";
    let signature = "4dc5926f4305d82e7f7a01920ae37c8aede0b86b779d40ea514dad2ccc6a1a99";
    Wire::new(Method::POST, UPDATE, body)
        .with("accept", "application/json")
        .with("content-type", "application/json")
        .with("user-agent", "golangsdk/2.0.0")
        .with(DATE, DATE_A)
        .with("authorization", &authorization(AK, names, signature))
        .with("host", "cph.example:8443")
        .with("x-project-id", PROJECT)
        .with("x-domain-id", "anything")
}
