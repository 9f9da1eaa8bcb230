//! Traces, as a collector receives them on its socket.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value as AnyValue};
use prost::Message as _;
use serde_json::json;
use tokio::net::TcpSocket;

use crate::harness::{PATIENCE, Phones, Site, Start, Stopwatch, wait_for, wait_until};

/// A span, as far as it is looked at.
#[derive(Debug, Clone)]
struct Span {
    name: String,
    attributes: BTreeMap<String, String>,
}

impl Span {
    /// An attribute; empty if it has none of that name.
    fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// What a collector was sent: paths, and bodies as they came.
type Received = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A collector that takes everything.
struct Collector {
    address: SocketAddr,
    received: Received,
}

impl Collector {
    /// Listens on a free port. Its threads end with the test.
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let received = Received::default();
        let kept = received.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = kept.clone();
                std::thread::spawn(move || answer(&stream, &kept));
            }
        });
        Self { address, received }
    }

    /// All spans so far.
    fn spans(&self) -> Vec<Span> {
        let received = self.received.lock().expect("no thread has failed");
        let mut spans = Vec::new();
        for (path, body) in received.iter() {
            assert_eq!(path, "/v1/traces");
            let export = ExportTraceServiceRequest::decode(body.as_slice()).expect("OTLP");
            for resource in export.resource_spans {
                let about = texts(&resource.resource.expect("a resource").attributes);
                assert_eq!(about["service.name"], "fleetwright");
                assert_eq!(about["service.version"], env!("CARGO_PKG_VERSION"));
                let found = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
                spans.extend(
                    found.map(|span| Span { attributes: texts(&span.attributes), name: span.name }),
                );
            }
        }
        spans
    }

    /// Whether any body has these bytes in it.
    fn was_told(&self, secret: &str) -> bool {
        let received = self.received.lock().expect("no thread has failed");
        let has = |body: &[u8]| body.windows(secret.len()).any(|piece| piece == secret.as_bytes());
        received.iter().any(|(_, body)| has(body))
    }
}

/// Attributes as texts.
fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| {
        let value = match pair.value.as_ref().and_then(|value| value.value.clone()) {
            Some(AnyValue::StringValue(text)) => text,
            Some(AnyValue::IntValue(number)) => number.to_string(),
            other => format!("{other:?}"),
        };
        (pair.key.clone(), value)
    };
    attributes.iter().map(text).collect()
}

/// Answers the requests of one connection, each with 200 and nothing in it.
fn answer(stream: &TcpStream, received: &Received) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 2) {
            head.push_str(&line.to_ascii_lowercase());
            line.clear();
        }
        let Some(path) = head.split(' ').nth(1) else { return };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.and_then(|length| length.trim().parse().ok()).expect("a length");
        assert!(head.contains("content-type: application/x-protobuf"), "{head}");
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        received.lock().expect("no thread has failed").push((path.to_owned(), body));
        let mut stream = stream;
        if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_err() {
            return;
        }
    }
}

/// A server with one phone that sends its traces there.
fn site(address: SocketAddr) -> Site {
    let config = format!("[telemetry]\notlp_endpoint = \"http://{address}\"\n");
    Site::start(&Start { config, ..Start::default() }, Phones::of(1))
}

#[test]
fn a_collector_sees_requests_and_what_was_done_on_devices() {
    const NUMBER: &str = "13812345678";
    let collector = Collector::start();
    let site = site(collector.address);
    let phone = site.phones.id(0);
    let job = site.cph().update(&phone, json!({ "sys.prop.writephonenum": NUMBER }));
    let exchange = wait_for("the exchange with the phone", PATIENCE, || {
        let spans = collector.spans();
        spans.into_iter().find(|span| span.get("jobs").contains(&job))
    });
    assert_eq!(exchange.name, "device exchange", "{exchange:?}");
    assert_eq!(exchange.get("device.id"), phone, "{exchange:?}");
    assert_eq!(exchange.get("device.kind"), "phone", "{exchange:?}");
    assert_eq!(exchange.get("ended"), "reached", "{exchange:?}");

    let request = wait_for("the request", PATIENCE, || {
        let spans = collector.spans();
        spans.into_iter().find(|span| !span.get("update.id").is_empty())
    });
    let route = "/v1/{project_id}/cloud-phone/phones/batch-update-property";
    assert_eq!(request.name, format!("POST {route}"), "{request:?}");
    assert_eq!(request.get("http.route"), route, "{request:?}");
    assert_eq!(request.get("http.response.status_code"), "200", "{request:?}");
    assert_eq!(request.get("door"), "cph", "{request:?}");
    // A job is its update's id and its position.
    assert_eq!(request.get("update.id")[..28], job[..28], "{request:?}");

    let token = site.server.admin_token();
    assert!(site.server.terminate().success());
    for secret in [NUMBER, &token, &site.key.ak, &site.key.sk] {
        assert!(!collector.was_told(secret), "{secret} went to the collector");
    }
    let names: Vec<String> = collector.spans().into_iter().map(|span| span.name).collect();
    assert!(!names.iter().any(|name| name.contains("healthz")), "{names:?}");
}

#[test]
fn a_collector_that_does_not_answer_hurts_nothing() {
    // It takes connections and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let site = site(listener.local_addr().expect("its address"));
    let value = json!({ "sys.prop.writephonenum": "1" });
    let job = site.cph().update(&site.phones.id(0), value);
    wait_until("the job to end", PATIENCE, || site.cph().job(&job)["status"] == 2);
    let watch = Stopwatch::start();
    assert!(site.server.terminate().success());
    assert!(watch.elapsed() < Duration::from_secs(10), "{:?} to end", watch.elapsed());
}

#[test]
fn a_collector_that_is_gone_is_counted_and_said_once() {
    // A port that is taken, so that nobody else comes to listen there, and where nobody does.
    let taken = TcpSocket::new_v4().expect("a socket");
    taken.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
    let site = site(taken.local_addr().expect("its address"));
    let native = site.native();
    wait_until("two batches to fail", PATIENCE, || {
        native.get("/api/v1/devices");
        native.metric("fleetwright_trace_exports_total") >= 2.0
    });
    assert!(site.server.has_said("traces can't be sent"));
}
