//! Signed requests, made before a slot begins, so that signing costs the slot nothing.
//!
//! An update is the documented sample of UpdateCloudPhoneProperty (Huawei CPH API, page
//! `cph_api_0536`): a phone number, an IMSI and a Wi-Fi name for each phone, the numbers never the
//! same twice.

use std::net::SocketAddr;
use std::thread::{self, available_parallelism};

use anyhow::{Context, Result, anyhow};
use api::signature::huawei;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use serde_json::json;

use crate::clock;

/// Who signs, and for whom.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The server's address, which clients send as `Host`.
    host: String,
    /// The project that the access key belongs to.
    project: String,
    /// The access key's id.
    ak: String,
    /// The access key's secret.
    sk: String,
}

/// Which updates to make.
#[derive(Debug, Clone, Copy)]
pub struct Updates<'a> {
    /// The ids of all phones, in the order in which their turn comes, over and over.
    pub phones: &'a [String],
    /// Phones in each request; at most all of them.
    pub phones_per_request: usize,
    /// How many entries came before: where in the order to begin, and where to count on.
    pub first: usize,
    /// How many requests.
    pub count: usize,
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
        Self { host: address.to_string(), project, ak, sk }
    }

    /// The bytes of a call of ListJobs for several requests.
    pub fn list_jobs(&self, requests: &[&str], offset: usize) -> Result<Vec<u8>> {
        let (project, requests) = (&self.project, requests.join("%2C"));
        let target = format!(
            "/v1/{project}/cloud-phone/jobs?request_ids={requests}&offset={offset}&limit=100"
        );
        self.sign(&Method::GET, &target, b"", &clock::date().to_basic_text())
    }

    /// The bytes of many updates, each of one request, signed now. On all cores: there are many.
    pub fn updates(&self, updates: Updates<'_>) -> Result<Vec<Vec<u8>>> {
        let target = format!("/v1/{}/cloud-phone/phones/batch-update-property", self.project);
        let date = clock::date().to_basic_text();
        let workers = available_parallelism().map_or(1, usize::from);
        let share = updates.count.div_ceil(workers).max(1);
        let sign = |from: usize| -> Result<Vec<Vec<u8>>> {
            let requests = from..(from + share).min(updates.count);
            requests
                .map(|request| self.sign(&Method::POST, &target, &updates.body(request), &date))
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
    fn sign(&self, method: &Method, target: &str, body: &[u8], date: &str) -> Result<Vec<u8>> {
        let uri: Uri = target.parse().context("could not make the request's target")?;
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(header::HOST, HeaderValue::from_str(&self.host)?);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let value = huawei::sign(method, &uri, &headers, body, &self.ak, self.sk.as_bytes(), date)?;
        let value = value.to_str().context("the signature is no text")?;
        let (host, length) = (&self.host, body.len());
        let mut request = format!(
            "{method} {target} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             x-sdk-date: {date}\r\nauthorization: {value}\r\ncontent-length: {length}\r\n\r\n"
        )
        .into_bytes();
        request.extend_from_slice(body);
        Ok(request)
    }
}

impl Updates<'_> {
    /// The body of one of the requests.
    fn body(&self, request: usize) -> Vec<u8> {
        let first = self.first + request * self.phones_per_request;
        let entries = (first..first + self.phones_per_request).filter_map(|entry| {
            let phone = self.phones.get(entry % self.phones.len().max(1))?;
            Some(json!({ "phone_id": phone, "property": patch(entry) }))
        });
        json!({ "phones": entries.collect::<Vec<_>>() }).to_string().into_bytes()
    }
}

/// What the `serial`-th entry asks for, as JSON text. Always of the same length.
pub fn patch(serial: usize) -> String {
    let number = serial % 10_000_000_000;
    format!(
        "{{\"sys.prop.writeimsi\":\"46002{number:010}\",\
         \"sys.prop.writephonenum\":\"1{number:010}\",\
         \"sys.prop.writewifissid\":\"test_wifi\"}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> Signer {
        Signer::new(([127, 0, 0, 1], 8080).into(), "bench", "AK", "SK")
    }

    /// Checks a request as the server does; gives its body.
    fn verify(request: &[u8], sk: &str) -> Result<String, huawei::Refusal> {
        let text = std::str::from_utf8(request).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.split("\r\n");
        let mut first = lines.next().unwrap().split(' ');
        let (method, target) = (first.next().unwrap(), first.next().unwrap());
        let mut builder = http::Request::builder().method(method).uri(target);
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            builder = builder.header(name, value);
        }
        let (parts, ()) = builder.body(()).unwrap().into_parts();
        let signed = huawei::Signed::parse(huawei::Head::of(&parts), clock::date())?;
        assert_eq!(signed.access_key(), "AK");
        signed.verify(sk.as_bytes(), body.as_bytes(), &[])?;
        Ok(body.to_owned())
    }

    #[test]
    fn every_update_is_signed_and_takes_the_next_phones() {
        let phones: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        let updates = Updates { phones: &phones, phones_per_request: 2, first: 2, count: 5 };
        let requests = signer().updates(updates).unwrap();
        let ids: Vec<String> = requests
            .iter()
            .map(|request| {
                let body: serde_json::Value =
                    serde_json::from_str(&verify(request, "SK").unwrap()).unwrap();
                let phones = body["phones"].as_array().unwrap();
                phones.iter().map(|phone| phone["phone_id"].as_str().unwrap()).collect()
            })
            .collect();
        assert_eq!(ids, ["ca", "bc", "ab", "ca", "bc"]);
        let bodies: std::collections::HashSet<_> = requests.iter().collect();
        assert_eq!(bodies.len(), 5, "all are distinct");
    }

    #[test]
    fn another_secret_fails() {
        let phones = ["a".to_owned()];
        let updates = Updates { phones: &phones, phones_per_request: 1, first: 0, count: 1 };
        let requests = signer().updates(updates).unwrap();
        assert!(verify(&requests[0], "other").is_err());
    }

    #[test]
    fn a_query_is_signed_too() {
        let request = signer().list_jobs(&["a", "b"], 100).unwrap();
        verify(&request, "SK").unwrap();
        let line = "GET /v1/bench/cloud-phone/jobs?request_ids=a%2Cb&offset=100&limit=100 HTTP/1.1";
        assert!(request.starts_with(line.as_bytes()));
    }

    #[test]
    fn patches_are_json_of_one_length() {
        for serial in [0, 1, 9_999_999_999, 10_000_000_001] {
            assert_eq!(patch(serial).len(), patch(0).len());
            serde_json::from_str::<serde_json::Value>(&patch(serial)).unwrap();
        }
    }
}
