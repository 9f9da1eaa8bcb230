//! Signed requests, made before a slot begins, so that signing costs the slot nothing.
//!
//! What each asks for, and by which vendor's call, is in [`asks`].

mod asks;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::thread::{self, available_parallelism};

use anyhow::{Context, Result, anyhow};
use api::signature::{huawei, tencent};
use fleet::Timestamp;
use http::{HeaderMap, HeaderValue, Method, Uri, header};

use crate::clock;
pub use asks::{Asks, patch};

/// For how long before and after its making a signature of ISS's kind is valid, in seconds. Longer
/// than any slot, with what comes before it.
const VALID_SECONDS: i64 = 600;

/// Who signs, and for whom.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The server's address, which clients send as `Host`.
    host: String,
    /// The project that the access key belongs to.
    project: String,
    /// The access key's id.
    ak: String,
    /// The access key's secret; `None` leaves requests as they are.
    sk: Option<String>,
}

/// Which updates to make.
#[derive(Debug, Clone, Copy)]
pub struct Updates<'a> {
    /// What each entry asks for.
    pub asks: Asks,
    /// The ids of all devices, in the order in which their turn comes, over and over.
    pub devices: &'a [String],
    /// Devices in each request; at most all of them.
    pub per_request: usize,
    /// How many entries came before: where in the order to begin, and where to count on.
    pub first: usize,
    /// How many requests.
    pub count: usize,
}

/// A request before it is signed.
struct Plain {
    method: Method,
    target: String,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Signer {
    /// The same key for a server that has moved.
    pub fn at(mut self, address: SocketAddr) -> Self {
        self.host = address.to_string();
        self
    }

    /// Signs for the server at `address`.
    pub fn new(address: SocketAddr, project: &str, ak: &str, sk: &str) -> Self {
        let [project, ak, sk] = [project, ak, sk].map(str::to_owned);
        Self { host: address.to_string(), project, ak, sk: Some(sk) }
    }

    /// Makes the same requests, and signs none.
    pub fn unsigned(mut self) -> Self {
        self.sk = None;
        self
    }

    /// The bytes of a call of ListJobs for several requests.
    pub fn list_jobs(&self, requests: &[&str], offset: usize) -> Result<Vec<u8>> {
        let (project, requests) = (&self.project, requests.join("%2C"));
        let target = format!(
            "/v1/{project}/cloud-phone/jobs?request_ids={requests}&offset={offset}&limit=100"
        );
        let plain =
            Plain { method: Method::GET, target, content_type: "application/json", body: vec![] };
        self.sign(&plain, Scheme::Cph, clock::date())
    }

    /// The bytes of many updates, each of one request, signed now. On all cores: there are many.
    pub fn updates(&self, updates: Updates<'_>) -> Result<Vec<Vec<u8>>> {
        let date = clock::date();
        let workers = available_parallelism().map_or(1, usize::from);
        let share = updates.count.div_ceil(workers).max(1);
        let sign = |from: usize| -> Result<Vec<Vec<u8>>> {
            let requests = from..(from + share).min(updates.count);
            requests
                .map(|request| {
                    let plain = updates.plain(request, &self.project);
                    self.sign(&plain, updates.asks.scheme(), date)
                })
                .collect()
        };
        thread::scope(|scope| {
            let parts: Vec<_> = (0..updates.count)
                .step_by(share)
                .map(|from| scope.spawn(move || sign(from)))
                .collect();
            let mut all = Vec::with_capacity(updates.count);
            for part in parts {
                all.extend(part.join().map_err(|_| anyhow!("a signing thread ended"))??);
            }
            Ok(all)
        })
    }

    /// A whole HTTP/1.1 request.
    fn sign(&self, plain: &Plain, scheme: Scheme, date: Timestamp) -> Result<Vec<u8>> {
        let Plain { method, target, content_type, body } = plain;
        let uri: Uri = target.parse().context("could not make the request's target")?;
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(header::HOST, HeaderValue::from_str(&self.host)?);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        let mut proof = String::new();
        if let Some(sk) = &self.sk {
            let (ak, sk) = (self.ak.as_str(), sk.as_bytes());
            let value = match scheme {
                Scheme::Cph => {
                    let date = date.to_basic_text();
                    proof = format!("x-sdk-date: {date}\r\n");
                    huawei::sign(method, &uri, &headers, body, ak, sk, &date)?
                }
                Scheme::Iss => {
                    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
                    let now = date.0.div_euclid(1000);
                    let times = (now - VALID_SECONDS, now + VALID_SECONDS);
                    tencent::sign(method, &uri, &headers, ak, sk, times)?
                }
            };
            let value = value.to_str().context("the signature is no text")?;
            proof.push_str(&format!("authorization: {value}\r\n"));
        }
        let (host, length) = (&self.host, body.len());
        let mut request = format!(
            "{method} {target} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {content_type}\r\n\
             {proof}content-length: {length}\r\n\r\n"
        )
        .into_bytes();
        request.extend_from_slice(body);
        Ok(request)
    }
}

/// By which vendor's scheme a request is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Huawei Cloud's `SDK-HMAC-SHA256`.
    Cph,
    /// Tencent Cloud's `q-sign-algorithm=sha1`. Its SDKs sign `Host`, `Content-Type` and
    /// `Content-Length`, as is done here; never the body.
    Iss,
}

impl Updates<'_> {
    /// One of the requests.
    fn plain(&self, request: usize, project: &str) -> Plain {
        let first = self.first + request * self.per_request;
        let entries = (first..first + self.per_request).filter_map(|entry| {
            let device = self.devices.get(entry % self.devices.len().max(1))?;
            Some((device.as_str(), entry))
        });
        self.asks.plain(project, entries)
    }
}
