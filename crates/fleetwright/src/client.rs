//! The client of the native API: what the commands speak to a server with.

pub mod answers;

use std::io::Read;
use std::time::Duration;

use fleet::Secret;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use ureq::Body;
use ureq::http::{Method, Request, Response};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::exit::Exit;

/// Where a server is looked for unless told otherwise: where `serve` answers unless told otherwise.
const URL_DEFAULT: &str = "http://127.0.0.1:8080";

/// Bytes that an answer may have: a page of 1,000 devices with all their values has some 10 MB.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How long a connection may take to be made, and a call to be answered.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a call may take that looks at a thousand addresses or copies a database.
const LONG_CALL_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// What stands in a path or a query as it is: RFC 3986's unreserved characters.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How a command finds its server.
#[derive(Debug, Clone, clap::Args)]
pub struct ServerOptions {
    /// The server.
    #[arg(long, global = true, env = "FLEETWRIGHT_URL", default_value = URL_DEFAULT)]
    pub url: String,
    /// The certificate, PEM, of the authority that signed the server's; for https with one's own.
    #[arg(long, global = true, env = "FLEETWRIGHT_CA_CERT", value_name = "FILE")]
    pub ca_cert: Option<std::path::PathBuf>,
    /// Prints the answer as JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

/// Why a server did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No token is given.
    #[error(
        "FLEETWRIGHT_TOKEN is not set. It is a user's token, or the content of the file \
         admin-token in the server's data directory:\n  \
         export FLEETWRIGHT_TOKEN=\"$(cat fleetwright-data/admin-token)\""
    )]
    NoToken,
    /// The URL, the token or the authority's certificate can't be used.
    #[error("{what}: {detail}")]
    Setting {
        /// Which.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Nothing answers there, or not in time.
    #[error("no answer from {url} ({detail})\n{}", remedy(detail))]
    Unreachable {
        /// The server's URL.
        url: String,
        /// What happened.
        detail: String,
    },
    /// The server refused.
    #[error("{url} refused: {detail}{}", advice(*status))]
    Refused {
        /// The server's URL.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What the server said.
        detail: String,
    },
    /// The answer is none of this API.
    #[error("{url} answers, and not as a Fleetwright server does: {detail}")]
    Garbled {
        /// The server's URL.
        url: String,
        /// What is wrong with the answer.
        detail: String,
    },
}

/// What to do where nobody answers. The library tells of TLS in no other way than by its words.
fn remedy(detail: &str) -> &'static str {
    if detail.contains("InvalidContentType") {
        "What answers there does not speak TLS: is its URL http://?"
    } else if detail.contains("invalid peer certificate") {
        "If an authority of your own has signed the server's certificate, name that authority's by \
         FLEETWRIGHT_CA_CERT or --ca-cert"
    } else {
        "Is the server running there? Start one with `fleetwright serve`, or name another by \
         FLEETWRIGHT_URL or --url"
    }
}

/// What to do about a refusal.
fn advice(status: u16) -> &'static str {
    match status {
        401 => {
            "\nFLEETWRIGHT_TOKEN must be a token of a user there, or the content of the file \
             admin-token in that server's data directory"
        }
        429 | 503 => "\nTry again in a moment",
        _ => "",
    }
}

impl Error {
    /// How the program ends by it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoToken | Self::Setting { .. } => Exit::Usage,
            Self::Unreachable { .. } => Exit::Unreachable,
            Self::Refused { .. } => Exit::Refused,
            Self::Garbled { .. } => Exit::Failed,
        }
    }
}

/// RFC 9457's problem, as far as it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: String,
    detail: String,
}

/// The status of an answer that says why nothing of a file can be taken.
const NOTHING_TAKEN: u16 = 422;

/// A body and what it is.
struct Sent<'a> {
    content_type: &'a str,
    bytes: Vec<u8>,
    /// What the call is known by if it is sent again.
    key: Option<&'a str>,
}

impl Sent<'_> {
    /// A body that is JSON.
    fn json(body: &Value) -> Self {
        Self { content_type: "application/json", bytes: body.to_string().into_bytes(), key: None }
    }
}

/// A server and what we prove ourselves by.
pub struct Client {
    agent: ureq::Agent,
    url: String,
    authorization: Secret<String>,
}

impl Client {
    /// A client for the server of `options`, with the token of the environment.
    pub fn new(options: &ServerOptions) -> Result<Self, Error> {
        let token = std::env::var("FLEETWRIGHT_TOKEN").unwrap_or_default();
        Self::with_token(options, &Secret::new(token), CALL_TIMEOUT)
    }

    /// The same for calls that take long.
    pub fn patient(options: &ServerOptions) -> Result<Self, Error> {
        Self::with_timeout(options, LONG_CALL_TIMEOUT)
    }

    /// The same for calls that take at most so long.
    pub fn with_timeout(options: &ServerOptions, timeout: Duration) -> Result<Self, Error> {
        let token = std::env::var("FLEETWRIGHT_TOKEN").unwrap_or_default();
        Self::with_token(options, &Secret::new(token), timeout)
    }

    /// The same with a token, for calls that take at most so long.
    pub fn with_token(
        options: &ServerOptions,
        token: &Secret<String>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let token = token.expose().trim();
        if token.is_empty() {
            return Err(Error::NoToken);
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let detail = "must be visible ASCII characters".to_owned();
            return Err(Error::Setting { what: "FLEETWRIGHT_TOKEN".to_owned(), detail });
        }
        let url = options.url.trim_end_matches('/');
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            let detail = "must begin with http:// or https://".to_owned();
            return Err(Error::Setting { what: format!("the server's URL {url:?}"), detail });
        }
        Ok(Self {
            agent: agent(options, timeout)?,
            url: url.to_owned(),
            authorization: Secret::new(format!("Bearer {token}")),
        })
    }

    /// Asks for what is at `path`, whose parts are escaped here, with these query keys.
    pub fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value, Error> {
        self.call(Method::GET, path, query, None)
    }

    /// Posts `body` to `path`.
    pub fn post(&self, path: &[&str], body: &Value) -> Result<Value, Error> {
        self.call(Method::POST, path, &[], Some(body))
    }

    /// Posts `body` to `path`, known by `key` if one is given: sent again with it, it has no second
    /// effect.
    pub fn post_once(
        &self,
        path: &[&str],
        body: &Value,
        key: Option<&str>,
    ) -> Result<Value, Error> {
        let sent = Sent { key, ..Sent::json(body) };
        let mut answer = self.exchange(Method::POST, path, &[], Some(sent))?;
        if !answer.status().is_success() {
            return Err(self.refused(&mut answer)?);
        }
        let text = self.text(&mut answer)?;
        serde_json::from_slice(&text).map_err(|error| self.garbled(format!("no JSON: {error}")))
    }

    /// Posts `body` to `path` with these query keys.
    pub fn post_with(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        body: &Value,
    ) -> Result<Value, Error> {
        self.call(Method::POST, path, query, Some(body))
    }

    /// Posts a file, or a part of one, to `path` with these query keys. What the server says to
    /// 422, that nothing of it can be taken, is an answer too: the second value says which it is.
    pub fn post_file(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        content_type: &str,
        file: Vec<u8>,
    ) -> Result<(Value, bool), Error> {
        let sent = Sent { content_type, bytes: file, key: None };
        let mut answer = self.exchange(Method::POST, path, query, Some(sent))?;
        let is_taken = answer.status().is_success();
        if !is_taken && answer.status().as_u16() != NOTHING_TAKEN {
            return Err(self.refused(&mut answer)?);
        }
        let text = self.text(&mut answer)?;
        let read = serde_json::from_slice(&text);
        let answer = read.map_err(|error| self.garbled(format!("no JSON: {error}")))?;
        Ok((answer, is_taken))
    }

    /// Puts `body` at `path` with these query keys.
    pub fn put(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        body: &Value,
    ) -> Result<Value, Error> {
        self.call(Method::PUT, path, query, Some(body))
    }

    /// Changes what is at `path` by `body`.
    pub fn patch(&self, path: &[&str], body: &Value) -> Result<Value, Error> {
        self.call(Method::PATCH, path, &[], Some(body))
    }

    /// Deletes what is at `path`, with these query keys.
    pub fn delete(&self, path: &[&str], query: &[(&str, String)]) -> Result<(), Error> {
        self.call(Method::DELETE, path, query, None).map(|_| ())
    }

    /// Reads an answer into the type that the command prints.
    pub fn read<T: serde::de::DeserializeOwned>(&self, answer: &Value) -> Result<T, Error> {
        T::deserialize(answer).map_err(|error| self.garbled(error.to_string()))
    }

    fn garbled(&self, detail: String) -> Error {
        Error::Garbled { url: self.url.clone(), detail }
    }

    fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> Result<Value, Error> {
        let mut answer = self.send(method, path, query, body)?;
        let text = self.text(&mut answer)?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&text).map_err(|error| self.garbled(format!("no JSON: {error}")))
    }

    /// Asks for the file at `path` and gives its content to be read, however long it is.
    pub fn download(&self, path: &[&str]) -> Result<impl Read + use<>, Error> {
        self.stream(path, &[])
    }

    /// The same with these query keys.
    pub fn stream(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<impl Read + use<>, Error> {
        let answer = self.send(Method::GET, path, query, None)?;
        Ok(answer.into_body().into_with_config().limit(u64::MAX).reader())
    }

    /// Sends a request. The answer is one of success.
    fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> Result<Response<Body>, Error> {
        let mut answer = self.exchange(method, path, query, body.map(Sent::json))?;
        if answer.status().is_success() { Ok(answer) } else { Err(self.refused(&mut answer)?) }
    }

    /// Sends a request, and gives the answer whatever it says.
    fn exchange(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: Option<Sent<'_>>,
    ) -> Result<Response<Body>, Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(self.address(path, query))
            .header("authorization", self.authorization.expose());
        if let Some(body) = &body {
            request = request.header("content-type", body.content_type);
            if let Some(key) = body.key {
                request = request.header("idempotency-key", key);
            }
        }
        let body = body.map(|body| body.bytes).unwrap_or_default();
        let request = request.body(body).map_err(|error| Error::Setting {
            what: format!("the server's URL {:?}", self.url),
            detail: error.to_string(),
        })?;
        self.agent.run(request).map_err(|error| self.unreachable(error))
    }

    /// What an answer that is not one of success says.
    fn refused(&self, answer: &mut Response<Body>) -> Result<Error, Error> {
        let status = answer.status();
        let text = self.text(answer)?;
        let problem: Problem = serde_json::from_slice(&text).unwrap_or_default();
        let detail = match (problem.detail.as_str(), problem.title.as_str()) {
            ("", "") => format!("HTTP {status}"),
            ("", title) => title.to_owned(),
            (detail, _) => detail.to_owned(),
        };
        Ok(Error::Refused { url: self.url.clone(), status: status.as_u16(), detail })
    }

    /// An answer's whole body.
    fn text(&self, answer: &mut Response<Body>) -> Result<Vec<u8>, Error> {
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        body.read_to_vec().map_err(|error| self.unreachable(error))
    }

    /// The whole address of a call.
    fn address(&self, path: &[&str], query: &[(&str, String)]) -> String {
        let mut address = format!("{}/api/v1", self.url);
        for part in path {
            address.push('/');
            address.extend(utf8_percent_encode(part, ESCAPED));
        }
        for (index, (key, value)) in query.iter().enumerate() {
            address.push(if index == 0 { '?' } else { '&' });
            address.push_str(key);
            address.push('=');
            address.extend(utf8_percent_encode(value, ESCAPED));
        }
        address
    }

    fn unreachable(&self, error: ureq::Error) -> Error {
        let detail = match error {
            ureq::Error::Io(error) => error.to_string(),
            ureq::Error::Timeout(which) => format!("no answer in time: {which}"),
            other => other.to_string(),
        };
        Error::Unreachable { url: self.url.clone(), detail }
    }
}

/// The HTTP client: no proxy, for the token is for this server alone; no redirects, for the same
/// reason; refusals are answers.
fn agent(options: &ServerOptions, timeout: Duration) -> Result<ureq::Agent, Error> {
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_global(Some(timeout));
    if let Some(path) = &options.ca_cert {
        let failed = |detail: String| Error::Setting { what: path.display().to_string(), detail };
        let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
        let certificate =
            Certificate::from_pem(&pem).map_err(|error| failed(format!("no PEM: {error}")))?;
        let roots = RootCerts::Specific(std::sync::Arc::new(vec![certificate]));
        config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
    }
    Ok(config.build().new_agent())
}

#[cfg(test)]
mod tests;
