//! Clients of the ISS door: one that signs by its own means, sharing nothing with the product, and
//! Tencent's own signer with `requests`, in a Python process.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Method;
use md5::Md5;
use serde_json::{Value, json};
use sha1_11::{Digest as _, Sha1};

use super::client::wall_clock;
use super::phones::PROJECT;
use super::wire::Connection;
use super::{Answer, Key, Native, Request, tools};

/// How long before now a signature begins to hold, as Tencent's signer has it.
const EARLIER_SECONDS: i64 = 60;

/// How long it holds.
const LATER_SECONDS: i64 = 600;

/// HMAC-SHA1 in hexadecimal: the form in which one is the key of the next (Tencent Cloud, "Request
/// signature").
fn hmac(key: &str, message: &str) -> String {
    let mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("a key of any length");
    hex::encode(mac.chain_update(message).finalize().into_bytes())
}

/// A text with all but `A-Z a-z 0-9 - _ . ~` percent-encoded.
pub fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// A query's text without its encoding. What is no encoding stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (decoded, after) = match (first, byte) {
            (b'%', Some(byte)) => (byte, &tail[2..]),
            (b'+', _) => (b' ', tail),
            (other, _) => (*other, tail),
        };
        bytes.push(decoded);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a signature says and covers, all of which a test may change.
#[derive(Debug, Clone)]
pub struct Signing {
    /// The key's id.
    pub ak: String,
    /// Its secret.
    pub sk: String,
    /// From when it holds, in Unix seconds.
    pub from: i64,
    /// Until when.
    pub until: i64,
    /// The headers that it covers, in order; those that the request has not are left out.
    pub headers: Vec<&'static str>,
    /// Whether it covers the query.
    pub covers_query: bool,
    /// Whether `host` is signed with its port. Tencent's signer leaves that out.
    pub with_port: bool,
}

impl Signing {
    /// As Tencent's signer does it, now.
    pub fn new(key: &Key) -> Self {
        let now = wall_clock().0 / 1000;
        Self {
            ak: key.ak.clone(),
            sk: key.sk.clone(),
            from: now - EARLIER_SECONDS,
            until: now + LATER_SECONDS,
            headers: vec!["content-length", "content-md5", "content-type", "host"],
            covers_query: true,
            with_port: false,
        }
    }

    /// Covers nothing but method and path, like the vendor's sample of UpdateDevice.
    pub fn covering_nothing(mut self) -> Self {
        self.headers.clear();
        self.covers_query = false;
        self
    }

    /// Holds between these, in seconds from now.
    pub fn between(mut self, from: i64, until: i64) -> Self {
        let now = wall_clock().0 / 1000;
        (self.from, self.until) = (now + from, now + until);
        self
    }

    /// `start;end`.
    pub fn time(&self) -> String {
        format!("{};{}", self.from, self.until)
    }

    /// What `Authorization` says of a request to `host`.
    pub fn authorization(&self, request: &Request, host: &str) -> String {
        let value = |name: &str| match name {
            "host" if !self.with_port => host.split(':').next().map(str::to_owned),
            "content-length" => (!request.body.is_empty()).then(|| request.body.len().to_string()),
            _ if name == "host" => Some(host.to_owned()),
            _ => {
                let mut headers = request.headers.iter();
                let found = headers.find(|(own, _)| own.eq_ignore_ascii_case(name));
                found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            }
        };
        let headers: Vec<(String, String)> = self
            .headers
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), value(name)?)))
            .collect();
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty() && self.covers_query);
        let mut params: Vec<(String, String)> = pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (encoded(&decoded(name)).to_lowercase(), decoded(value)))
            .collect();
        params.sort();
        let joined = |pairs: &[(String, String)]| {
            let pairs: Vec<String> =
                pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
            pairs.join("&")
        };
        let names = |pairs: &[(String, String)]| {
            let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
            names.join(";")
        };
        let method = request.method.to_lowercase();
        let what = format!("{method}\n{path}\n{}\n{}\n", joined(&params), joined(&headers));
        let (time, digest) = (self.time(), hex::encode(Sha1::digest(what)));
        let signature = hmac(&hmac(&self.sk, &time), &format!("sha1\n{time}\n{digest}\n"));
        format!(
            "q-sign-algorithm=sha1&q-ak={}&q-sign-time={time}&q-key-time={time}\
             &q-header-list={}&q-url-param-list={}&q-signature={signature}",
            self.ak,
            names(&headers),
            names(&params),
        )
    }

    /// The request with that, and with `Host`.
    pub fn sign(&self, request: Request, host: &str) -> Request {
        let authorization = self.authorization(&request, host);
        request.header("host", host).header("authorization", authorization)
    }
}

/// A request with a body of XML.
pub fn with_xml(method: &str, target: &str, body: impl Into<Vec<u8>>) -> Request {
    let request = Request { body: body.into(), ..Request::new(method, target) };
    request.header("content-type", "application/xml")
}

/// What `Content-MD5` says of a body (RFC 1864).
pub fn content_md5(body: &[u8]) -> String {
    STANDARD.encode(Md5::digest(body))
}

/// Checks that a text is an id of the vendor's form: base64 of `<time>_<8>_<4>_<digits>`, all
/// hexadecimal, the time in Unix seconds and lately.
#[track_caller]
pub fn assert_request_id(text: &str) {
    let shape = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let shape = shape.unwrap_or_else(|| panic!("{text} is not base64 of a text"));
    let parts: Vec<&str> = shape.split('_').collect();
    let [time, eight, four, rest] = parts.as_slice() else { panic!("{shape}") };
    let is_hex =
        |part: &&str| part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    assert!(parts.iter().all(is_hex) && !rest.is_empty(), "{shape}");
    assert_eq!((time.len(), eight.len(), four.len()), (8, 8, 4), "{shape}");
    let time = i64::from_str_radix(time, 16).expect("a number");
    assert!((wall_clock().0 / 1000 - time).abs() < 3_600, "{shape}");
}

/// A client of the ISS door that keeps its connection.
pub struct Iss {
    address: SocketAddr,
    key: Key,
    connection: Mutex<Option<Connection>>,
}

impl Iss {
    /// A client that has not connected yet.
    pub fn new(address: SocketAddr, key: &Key) -> Self {
        Self { address, key: key.clone(), connection: Mutex::default() }
    }

    /// One signed call; without a body if that is empty. Errors are those of the connection.
    pub fn try_call(&self, method: &str, target: &str, body: &str) -> io::Result<Answer> {
        let request = match body {
            "" => Request::new(method, target),
            body => with_xml(method, target, body),
        };
        let host = self.address.to_string();
        let request = Signing::new(&self.key).sign(request, &host);
        let bytes = request.header("connection", "keep-alive").bytes(&host);
        let mut kept = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Connection::open(Ipv4Addr::LOCALHOST, self.address)?,
        };
        let answer = connection.exchange(&bytes)?;
        if answer.headers.get("connection").is_none_or(|value| value != "close") {
            *kept = Some(connection);
        }
        Ok(answer)
    }

    /// One call that must be answered.
    #[track_caller]
    pub fn call(&self, method: &str, target: &str, body: &str) -> Answer {
        self.try_call(method, target, body).unwrap_or_else(|e| panic!("{method} {target}: {e}"))
    }

    /// One call that must succeed; gives the body.
    #[track_caller]
    pub fn ok(&self, method: &str, target: &str, body: &str) -> String {
        let answer = self.call(method, target, body);
        assert_eq!(answer.status, 200, "{method} {target}: {}", answer.text);
        answer.text
    }

    /// UpdateDevice in the key's project. The entries are whole `Devicelist`s.
    pub fn try_update(&self, entries: &[String]) -> io::Result<Answer> {
        self.try_call("PUT", "/device", &request(&self.key.project, entries))
    }

    /// UpdateDevice in the key's project, which must be answered with 200; gives the body.
    #[track_caller]
    pub fn update(&self, entries: &[String]) -> String {
        self.ok("PUT", "/device", &request(&self.key.project, entries))
    }

    /// UpdateDevice of one device or channel, which must be taken; gives the body.
    #[track_caller]
    pub fn set(&self, id: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.update(&[entry(id, fields)]);
        assert!(!answer.contains("<FailedDeviceList>"), "{answer}");
        assert_eq!(element(&answer, "Gbid"), id, "{answer}");
        answer
    }

    /// DescribeDevice of one that must be there: the body.
    #[track_caller]
    pub fn device(&self, id: &str) -> String {
        self.ok("GET", &format!("/device?projectId={}&gbid={id}", self.key.project), "")
    }
}

/// A `Devicelist` of one device.
pub fn entry(id: &str, fields: &[(&str, &str)]) -> String {
    let fields: String =
        fields.iter().map(|(name, value)| format!("<{name}>{value}</{name}>")).collect();
    format!("<Devicelist><Gbid>{id}</Gbid>{fields}</Devicelist>")
}

/// A body of UpdateDevice and its neighbours.
pub fn request(project: &str, entries: &[String]) -> String {
    format!("<Request>{}<ProjectId>{project}</ProjectId></Request>", entries.concat())
}

/// What is in the elements of this name, none of which is in another of that name.
pub fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close, empty) = (format!("<{name}>"), format!("</{name}>"), format!("<{name}/>"));
    let mut found = Vec::new();
    let mut rest = xml;
    loop {
        let far = usize::MAX;
        let (at, at_empty) = (rest.find(&open).unwrap_or(far), rest.find(&empty).unwrap_or(far));
        if at < at_empty {
            let inner = &rest[at + open.len()..];
            let end = inner.find(&close).unwrap_or_else(|| panic!("{name} has no end: {xml}"));
            found.push(&inner[..end]);
            rest = &inner[end + close.len()..];
        } else if at_empty < far {
            found.push("");
            rest = &rest[at_empty + empty.len()..];
        } else {
            return found;
        }
    }
}

/// What is in the first element of this name.
#[track_caller]
pub fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    elements(xml, name).first().unwrap_or_else(|| panic!("no {name}: {xml}"))
}

/// What the failed entries of an answer say: id and message of each.
pub fn failed(answer: &str) -> Vec<(&str, &str)> {
    let lists = elements(answer, "FailedDeviceList");
    let devices = lists.iter().flat_map(|list| elements(list, "Device"));
    devices.map(|device| (element(device, "Gbid"), element(device, "Msg"))).collect()
}

/// The ids of an answer's good entries, in order.
#[track_caller]
pub fn updated(answer: &str) -> Vec<&str> {
    let list = element(answer, "DeviceList");
    elements(list, "Device").iter().map(|device| element(device, "Gbid")).collect()
}

impl Native {
    /// Changes the settings of a project, which must be taken.
    #[track_caller]
    pub fn set_project(&self, project: &str, settings: &Value) {
        let target = format!("/api/v1/projects/{project}");
        self.call(&Method::PATCH, &target, settings).expect("an answer").ok();
    }

    /// A project whose requests are checked by the page `product/1344`: `Pwd` is optional.
    #[track_caller]
    pub fn with_optional_password(&self) {
        self.set_project(PROJECT, &json!({"iss": {"profile": "1344"}}));
    }

    /// Makes one more key for a project, strict or not.
    #[track_caller]
    pub fn new_key(&self, project: &str, strict: bool) -> Key {
        let target = format!("/api/v1/projects/{project}/keys");
        made(project, &self.post(&target, &json!({"strict": strict})))
    }

    /// Makes a key for all projects.
    #[track_caller]
    pub fn new_account_key(&self) -> Key {
        made(PROJECT, &self.post("/api/v1/keys", &json!({"all_projects": true})))
    }
}

/// The key that an answer shows.
#[track_caller]
fn made(project: &str, key: &Value) -> Key {
    let text = |name: &str| key[name].as_str().unwrap_or_else(|| panic!("{key}")).to_owned();
    Key { project: project.to_owned(), ak: text("ak"), sk: text("sk") }
}

/// Tencent's signer over `requests`, unmodified. The process ends with this value.
pub struct Stock {
    process: Child,
    calls: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Stock {
    /// A client for the server at `endpoint`. `options` are `sign_host` and `sign_params`, both
    /// true unless given.
    pub fn new(endpoint: &str, key: &Key, options: &Value) -> Self {
        let mut command = Command::new(tools::python());
        command.arg(tools::workspace().join("tests/python/iss_sdk.py"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let calls = process.stdin.take().expect("stdin is piped");
        let answers = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let mut stock = Self { process, calls, answers };
        let mut setup = json!({"endpoint": endpoint, "ak": key.ak, "sk": key.sk});
        let options = options.as_object().cloned().unwrap_or_default();
        setup.as_object_mut().expect("an object").extend(options);
        stock.say(&setup);
        stock
    }

    /// One call: `params` go through `requests`; what it was answered.
    #[track_caller]
    pub fn call(&mut self, method: &str, path: &str, params: &Value, body: &str) -> Value {
        self.exchange(&json!({"method": method, "path": path, "params": params}), body)
    }

    /// One call whose query is a flag without `=`.
    #[track_caller]
    pub fn flagged(&mut self, method: &str, path: &str, flags: &[&str], body: &str) -> Value {
        self.exchange(&json!({"method": method, "path": path, "flags": flags}), body)
    }

    /// One call as it stands; a body is said to be XML.
    #[track_caller]
    pub fn exchange(&mut self, call: &Value, body: &str) -> Value {
        let mut call = call.clone();
        if !body.is_empty() {
            call["body"] = json!(body);
            call["headers"]["Content-Type"] = json!("application/xml");
        }
        self.say(&call);
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer of the client");
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("the client said {line:?}: {e}"))
    }

    fn say(&mut self, value: &Value) {
        writeln!(self.calls, "{value}").expect("the client takes calls");
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        // An error means that it is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
