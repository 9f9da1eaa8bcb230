//! A client of the ISS API as programs that sign with the vendor's COS SDK are one: signed
//! requests, XML both ways.

use std::time::Duration;

use anyhow::{Context, Result};
use engine::{Clock, SystemClock};
use fleet::Secret;
use ureq::http::{HeaderMap, HeaderValue, Method, Request, Uri};

/// How long a call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a signature holds, in seconds.
const SIGNATURE_SECONDS: i64 = 600;

/// Bytes that an answer may have: 100 devices have some 100 KB.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// A client with its access key.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    endpoint: String,
    ak: String,
    secret: Secret<String>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The header `x-iss-request-id`; empty if there is none.
    pub request_id: String,
    /// The body.
    pub xml: String,
}

impl Client {
    /// A client of `endpoint` (`http://host:port`) that signs with `ak` and its secret.
    pub fn new(endpoint: String, ak: String, secret: Secret<String>) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(CALL_TIMEOUT));
        Self { agent: config.build().new_agent(), endpoint, ak, secret }
    }

    /// UpdateDevice with this body, byte for byte. Blocks.
    pub fn update(&self, body: Vec<u8>) -> Result<Answer> {
        let uri: Uri = format!("{}/device", self.endpoint).parse().context("the address")?;
        let now = SystemClock.now().0.div_euclid(1_000);
        // The vendor's SDK leaves out the port.
        let host = uri.host().unwrap_or_default().to_owned();
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_str(&host)?);
        headers.insert("content-type", HeaderValue::from_static("application/xml"));
        let (secret, times) = (self.secret.expose().as_bytes(), (now, now + SIGNATURE_SECONDS));
        let method = Method::PUT;
        let signature =
            api::signature::tencent::sign(&method, &uri, &headers, &self.ak, secret, times)?;
        headers.remove("host");
        headers.insert("authorization", signature);
        let mut request = Request::builder().method(method).uri(uri).body(body)?;
        *request.headers_mut() = headers;
        let mut answer = self.agent.run(request).context("the server does not answer")?;
        let request_id = answer.headers().get("x-iss-request-id");
        let request_id = request_id.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let request_id = request_id.to_owned();
        let status = answer.status().as_u16();
        let bytes = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
        let xml = String::from_utf8(bytes).context("the answer is no UTF-8")?;
        Ok(Answer { status, request_id, xml })
    }
}

impl Answer {
    /// The text of the first element of this name; `None` if there is none.
    pub fn first(&self, name: &str) -> Option<&str> {
        elements(&self.xml, name).into_iter().next()
    }

    /// What stands within each device of a list (`DeviceList`, `FailedDeviceList`).
    pub fn devices(&self, list: &str) -> Vec<&str> {
        self.first(list).map(|list| elements(list, "Device")).unwrap_or_default()
    }
}

/// What stands within each element of this name, which must neither have attributes nor stand
/// within another of its name.
pub fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = xml.split(open.as_str()).skip(1);
    parts.filter_map(|part| part.split_once(close.as_str()).map(|(inside, _)| inside)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_devices_of_an_answer_are_told_by_their_list() {
        let xml = "<Response><RequestId>x</RequestId><DeviceList><Device><Gbid>1</Gbid><Name>a\
                   </Name></Device><Device><Gbid>2</Gbid></Device></DeviceList><FailedDeviceList>\
                   <Device><Gbid>3</Gbid><Msg>no</Msg></Device></FailedDeviceList></Response>";
        let answer = Answer { status: 200, request_id: "x".to_owned(), xml: xml.to_owned() };
        assert_eq!(answer.first("RequestId"), Some("x"));
        assert_eq!(answer.first("Name"), Some("a"));
        assert_eq!(answer.first("Port"), None);
        let listed = answer.devices("DeviceList");
        let ids: Vec<_> = listed.iter().flat_map(|device| elements(device, "Gbid")).collect();
        assert_eq!(ids, ["1", "2"]);
        assert_eq!(answer.devices("FailedDeviceList"), ["<Gbid>3</Gbid><Msg>no</Msg>"]);
        assert!(answer.devices("Others").is_empty());
    }
}
