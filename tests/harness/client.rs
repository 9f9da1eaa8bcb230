//! Clients of the two doors: signed calls as Huawei's SDK makes them, and the native API.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use api::signature::huawei::sign;
use fleet::Timestamp;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use serde_json::{Value, json};
use ureq::Agent;

/// No call of a test takes longer.
const CALL_SECONDS: u64 = 60;

/// What a call was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The header `X-Request-Id`.
    pub request_id: Option<String>,
    /// All headers.
    pub headers: HeaderMap,
    /// The body; null if it is not JSON.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Answer {
    /// An answer of these parts.
    pub fn new(status: u16, headers: HeaderMap, text: String) -> Self {
        let request_id = headers.get("x-request-id").and_then(|id| id.to_str().ok());
        let request_id = request_id.map(str::to_owned);
        let body = serde_json::from_str(&text).unwrap_or_default();
        Self { status, request_id, headers, body, text }
    }

    /// The body, given that the call succeeded.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.text);
        self.body
    }

    /// Checks that the call was refused with this status and this code.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status, &self.body["error_code"]),
            (status, &json!(code)),
            "{}",
            self.text
        );
    }
}

/// The agent of one client: its connection is kept between calls.
fn agent() -> Agent {
    let timeout = Some(Duration::from_secs(CALL_SECONDS));
    Agent::config_builder().http_status_as_error(false).timeout_global(timeout).build().new_agent()
}

/// Sends a request and reads the whole answer. Errors are those of the connection alone.
fn exchange(
    agent: &Agent,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Answer, ureq::Error> {
    let mut request = Request::builder().method(method).uri(uri);
    if let Some(own) = request.headers_mut() {
        own.clone_from(headers);
    }
    let mut response = if [Method::POST, Method::PUT, Method::PATCH].contains(method) {
        agent.run(request.body(body)?)?
    } else {
        agent.run(request.body(())?)?
    };
    let text = response.body_mut().with_config().limit(64 << 20).read_to_string()?;
    Ok(Answer::new(response.status().as_u16(), response.headers().clone(), text))
}

/// An access key and the project that it opens.
#[derive(Debug, Clone)]
pub struct Key {
    /// The project.
    pub project: String,
    /// The key's id.
    pub ak: String,
    /// Its secret.
    pub sk: String,
}

/// A client of the CPH door.
pub struct Cph {
    agent: Agent,
    address: SocketAddr,
    key: Key,
}

impl Cph {
    /// A client with a connection of its own.
    pub fn new(address: SocketAddr, key: &Key) -> Self {
        Self { agent: agent(), address, key: key.clone() }
    }

    /// One signed call; `target` is the path with its query.
    pub fn call(&self, method: &Method, target: &str, body: &[u8]) -> Result<Answer, ureq::Error> {
        let host = self.address.to_string();
        let uri: Uri = format!("http://{host}{target}").parse().expect("a valid target");
        let date = wall_clock().to_basic_text();
        let value = |text: &str| HeaderValue::from_str(text).expect("a valid header");
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, value("application/json"));
        headers.insert(header::HOST, value(&host));
        headers.insert("x-sdk-date", value(&date));
        let Key { ak, sk, .. } = &self.key;
        let signature = sign(method, &uri, &headers, body, ak, sk.as_bytes(), &date);
        headers.insert(header::AUTHORIZATION, signature.expect("a signable request"));
        exchange(&self.agent, method, &uri, &headers, body)
    }

    /// The path of the project's cloud phones with `rest`.
    fn target(&self, rest: &str) -> String {
        format!("/v1/{}/cloud-phone/{rest}", self.key.project)
    }

    /// UpdateCloudPhoneProperty with a body as it is.
    pub fn update_raw(&self, body: &[u8]) -> Result<Answer, ureq::Error> {
        self.call(&Method::POST, &self.target("phones/batch-update-property"), body)
    }

    /// UpdateCloudPhoneProperty of these phones, each with its properties.
    pub fn try_update(&self, phones: &[(&str, Value)]) -> Result<Answer, ureq::Error> {
        let entry = |(id, property): &(&str, Value)| json!({"phone_id": id, "property": property.to_string()});
        let body = json!({"phones": phones.iter().map(entry).collect::<Vec<_>>()});
        self.update_raw(body.to_string().as_bytes())
    }

    /// Updates one phone and gives the job, which must have been accepted.
    #[track_caller]
    pub fn update(&self, phone: &str, property: Value) -> String {
        let body = self.try_update(&[(phone, property)]).expect("an answer").ok();
        let job = body["jobs"][0]["job_id"].as_str();
        job.unwrap_or_else(|| panic!("no job: {body}")).to_owned()
    }

    /// ListJobs with a query as it is.
    pub fn list_jobs(&self, query: &str) -> Result<Answer, ureq::Error> {
        self.call(&Method::GET, &self.target(&format!("jobs?{query}")), &[])
    }

    /// All jobs of a request, page by page.
    #[track_caller]
    pub fn jobs_of(&self, request: &str) -> Vec<Value> {
        let mut jobs = Vec::new();
        loop {
            let query = format!("request_id={request}&offset={}&limit=100", jobs.len());
            let page = self.list_jobs(&query).expect("an answer").ok();
            let page = page["jobs"].as_array().expect("jobs").clone();
            let last = page.len() < 100;
            jobs.extend(page);
            if last {
                return jobs;
            }
        }
    }

    /// ShowJob of a job that must exist.
    #[track_caller]
    pub fn job(&self, job: &str) -> Value {
        self.call(&Method::GET, &self.target(&format!("jobs/{job}")), &[]).expect("an answer").ok()
    }

    /// ShowCloudPhoneDetail of a phone that must exist.
    #[track_caller]
    pub fn phone(&self, phone: &str) -> Value {
        let target = self.target(&format!("phones/{phone}"));
        self.call(&Method::GET, &target, &[]).expect("an answer").ok()
    }
}

/// A client of the native door.
pub struct Native {
    agent: Agent,
    address: SocketAddr,
    token: String,
    /// The nodes beside the one at `address`, which count what they do themselves.
    beside: Vec<SocketAddr>,
}

impl Native {
    /// A client with a connection of its own.
    pub fn new(address: SocketAddr, token: &str) -> Self {
        Self { agent: agent(), address, token: token.to_owned(), beside: Vec::new() }
    }

    /// The same, where these nodes do the same work.
    pub fn with_beside(self, beside: Vec<SocketAddr>) -> Self {
        Self { beside, ..self }
    }

    /// One call with the token.
    pub fn call(&self, method: &Method, target: &str, body: &Value) -> Result<Answer, ureq::Error> {
        self.call_at(self.address, method, target, body)
    }

    fn call_at(
        &self,
        address: SocketAddr,
        method: &Method,
        target: &str,
        body: &Value,
    ) -> Result<Answer, ureq::Error> {
        let uri: Uri = format!("http://{address}{target}").parse().expect("a valid target");
        let mut headers = HeaderMap::new();
        let token = HeaderValue::try_from(format!("Bearer {}", self.token)).expect("a token");
        headers.insert(header::AUTHORIZATION, token);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        exchange(&self.agent, method, &uri, &headers, body.to_string().as_bytes())
    }

    /// Reads what must be there.
    #[track_caller]
    pub fn get(&self, target: &str) -> Value {
        self.call(&Method::GET, target, &Value::Null).expect("an answer").ok()
    }

    /// Makes something, which must be taken.
    #[track_caller]
    pub fn post(&self, target: &str, body: &Value) -> Value {
        self.call(&Method::POST, target, body).expect("an answer").ok()
    }

    /// Makes a project and a key for it.
    #[track_caller]
    pub fn new_project(&self, id: &str) -> Key {
        self.post("/api/v1/projects", &json!({"id": id, "name": id}));
        let key = self.post(&format!("/api/v1/projects/{id}/keys"), &json!({}));
        let text = |name: &str| key[name].as_str().unwrap_or_else(|| panic!("{key}")).to_owned();
        Key { project: id.to_owned(), ak: text("ak"), sk: text("sk") }
    }

    /// Puts something in place, which must be taken.
    #[track_caller]
    pub fn put(&self, target: &str, body: &Value) -> Value {
        self.call(&Method::PUT, target, body).expect("an answer").ok()
    }

    /// A device with its state.
    #[track_caller]
    pub fn device(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/devices/{id}"))
    }

    /// A job.
    #[track_caller]
    pub fn job(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/jobs/{id}"))
    }

    /// The sum of a metric over all its labels and all nodes; 0 if nothing was counted yet.
    #[track_caller]
    pub fn metric(&self, name: &str) -> f64 {
        let nodes = std::iter::once(self.address).chain(self.beside.iter().copied());
        nodes.map(|node| self.metric_at(node, name)).sum()
    }

    /// The same of one node.
    #[track_caller]
    fn metric_at(&self, node: SocketAddr, name: &str) -> f64 {
        let answer = self.call_at(node, &Method::GET, "/metrics", &Value::Null);
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text);
        let values = answer.text.lines().filter_map(|line| {
            let rest = line.strip_prefix(name).filter(|rest| rest.starts_with(['{', ' ']))?;
            rest.rsplit(' ').next()?.parse::<f64>().ok()
        });
        values.sum()
    }
}

/// The time that a client signs with.
#[allow(clippy::disallowed_methods, reason = "a client outside the product has the real time")]
pub fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or_default())
}
