//! A client of the CPH API as the vendor's SDK is one: signed requests, JSON answers.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use engine::{Clock, SystemClock};
use fleet::Secret;
use serde_json::Value;
use ureq::http::{HeaderMap, HeaderValue, Method, Request, Uri};

/// How long a call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes that an answer may have: 8,096 entries have about 1 MB.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A client with its access key.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    endpoint: String,
    project: String,
    ak: String,
    secret: Secret<String>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The header `X-Request-Id`; empty if there is none.
    pub request_id: String,
    /// The body.
    pub body: Value,
}

impl Client {
    /// A client of `endpoint` (`http://host:port`) that signs with `ak` and its secret.
    pub fn new(endpoint: String, project: String, ak: String, secret: Secret<String>) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(CALL_TIMEOUT));
        Self { agent: config.build().new_agent(), endpoint, project, ak, secret }
    }

    /// The path of UpdateCloudPhoneProperty.
    pub fn update_path(&self) -> String {
        format!("/v1/{}/cloud-phone/phones/batch-update-property", self.project)
    }

    /// UpdateCloudPhoneProperty with this body, byte for byte. Blocks.
    pub fn update(&self, body: Vec<u8>) -> Result<Answer> {
        self.call(Method::POST, &self.update_path(), body)
    }

    /// The path of RestartCloudPhone.
    pub fn restart_path(&self) -> String {
        format!("/v1/{}/cloud-phone/phones/batch-restart", self.project)
    }

    /// RestartCloudPhone with this body. Blocks.
    pub fn restart(&self, body: Vec<u8>) -> Result<Answer> {
        self.call(Method::POST, &self.restart_path(), body)
    }

    /// One page of ListJobs: the jobs of a request. Blocks.
    pub fn jobs(&self, request_id: &str, offset: usize) -> Result<Vec<Value>> {
        let path = format!(
            "/v1/{}/cloud-phone/jobs?request_id={request_id}&offset={offset}&limit=100",
            self.project
        );
        let mut answer = self.call(Method::GET, &path, Vec::new())?;
        match answer.body.get_mut("jobs").map(Value::take) {
            Some(Value::Array(jobs)) if answer.status == 200 => Ok(jobs),
            _ => bail!("ListJobs answered {} {}", answer.status, answer.body),
        }
    }

    /// One signed call.
    fn call(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Answer> {
        let uri: Uri = format!("{}{path}", self.endpoint).parse().context("the address")?;
        let date = SystemClock.now().to_basic_text();
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        headers.insert("x-sdk-date", HeaderValue::from_str(&date)?);
        let secret = self.secret.expose().as_bytes();
        let signature =
            api::signature::huawei::sign(&method, &uri, &headers, &body, &self.ak, secret, &date)?;
        headers.insert("authorization", signature);
        let mut request = Request::builder().method(method).uri(uri).body(body)?;
        *request.headers_mut() = headers;
        let mut answer = self.agent.run(request).context("the server does not answer")?;
        let request_id = answer.headers().get("x-request-id");
        let request_id = request_id.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let request_id = request_id.to_owned();
        let status = answer.status().as_u16();
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
        let body = serde_json::from_slice(&text).context("the answer is no JSON")?;
        Ok(Answer { status, request_id, body })
    }
}
