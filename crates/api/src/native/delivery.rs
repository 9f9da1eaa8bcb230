//! A webhook's delivery as it goes over the wire: a JSON object, signed.

use engine::webhooks::{Delivery, Receiver};
use fleet::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Method, Request, header};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::Sha256;

use super::events;

/// The headers of a delivery.
const DELIVERY: &str = "fleetwright-delivery";
const TIMESTAMP: &str = "fleetwright-timestamp";
const SIGNATURE: &str = "fleetwright-signature";

/// The type of the one event of a person's trial.
const TEST: &str = "test";

/// A delivery's body.
#[derive(Serialize)]
struct Body<'a> {
    webhook: &'a str,
    delivery: &'a str,
    events: Vec<Told>,
    dropped: bool,
}

/// An event: its type, and its data to the byte as server-sent events have it.
#[derive(Serialize)]
struct Told {
    #[serde(rename = "type")]
    event_type: &'static str,
    data: Box<RawValue>,
}

impl Told {
    fn new(event_type: &'static str, data: String) -> Self {
        // Can't fail: it is JSON.
        Self { event_type, data: RawValue::from_string(data).unwrap_or_default() }
    }
}

/// The request that tells `receiver` of a delivery, made at `at`: its signature is HMAC-SHA256
/// under the receiver's secret over the time in seconds, a dot, and the body.
///
/// # Errors
/// The receiver's URL is none.
pub fn request(
    receiver: &Receiver,
    delivery: &Delivery,
    at: Timestamp,
) -> Result<Request<Vec<u8>>, http::Error> {
    let body = body(receiver, delivery, at);
    let seconds = at.0.div_euclid(1_000).to_string();
    let signature = signature(receiver.secret.expose(), &seconds, &body);
    Request::builder()
        .method(Method::POST)
        .uri(&receiver.url)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, concat!("fleetwright/", env!("CARGO_PKG_VERSION")))
        .header(DELIVERY, &delivery.id)
        .header(TIMESTAMP, seconds)
        .header(SIGNATURE, format!("v1={signature}"))
        .body(body)
}

fn body(receiver: &Receiver, delivery: &Delivery, at: Timestamp) -> Vec<u8> {
    let told = delivery
        .events
        .iter()
        .map(|(at, event)| Told::new(event.what.event_type().name(), events::data(event, *at)));
    let mut told: Vec<Told> = told.collect();
    if told.is_empty() {
        told.push(Told::new(TEST, serde_json::json!({ "at": at.to_string() }).to_string()));
    }
    let (webhook, id) = (receiver.webhook.as_str(), delivery.id.as_str());
    let body = Body { webhook, delivery: id, events: told, dropped: delivery.dropped };
    // Can't fail: it is texts.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// The signature in hexadecimal digits.
fn signature(secret: &str, seconds: &str, body: &[u8]) -> String {
    // Can't fail: HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(seconds.as_bytes());
    mac.update(b".");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use engine::events::{Event, Happened};
    use fleet::{DeviceId, ProjectId, ProjectKey, RequestId, Secret};

    use super::*;

    fn receiver() -> Receiver {
        Receiver {
            webhook: "w".to_owned(),
            url: "https://receiver.example/fleet?x=1".to_owned(),
            secret: Secret::new("0123456789abcdef".to_owned()),
        }
    }

    #[test]
    fn a_delivery_is_signed_over_its_time_and_its_body() {
        let job = RequestId::from_parts(1_800_000_000_000, 1).job(0).unwrap();
        let what = Happened::JobEnded {
            id: job,
            device: DeviceId::new("phone").unwrap(),
            project: ProjectId::new("acme").unwrap(),
            succeeded: true,
        };
        let event = Event { project: Some(ProjectKey(1)), what };
        let at = Timestamp(1_800_000_000_999);
        let events = vec![(at, event.clone())];
        let delivery = Delivery { id: "d".to_owned(), events, dropped: true };
        let request = request(&receiver(), &delivery, at).unwrap();
        let expected = format!(
            "{}{{\"type\":\"job.ended\",\"data\":{}}}],\"dropped\":true}}",
            r#"{"webhook":"w","delivery":"d","events":["#,
            events::data(&event, at)
        );
        assert_eq!(std::str::from_utf8(request.body()).unwrap(), expected);
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header(DELIVERY), "d");
        assert_eq!(header(TIMESTAMP), "1800000000");
        let signed = signature("0123456789abcdef", "1800000000", expected.as_bytes());
        assert_eq!(header(SIGNATURE), format!("v1={signed}"));
        assert_eq!(
            (request.method(), header("content-type")),
            (&Method::POST, "application/json".into())
        );
        assert_eq!(request.uri(), "https://receiver.example/fleet?x=1");
    }

    #[test]
    fn the_signature_is_hmac_sha256() {
        // printf '1.{}' | openssl dgst -sha256 -hmac key
        let expected = "1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224";
        assert_eq!(signature("key", "1", b"{}"), expected);
    }

    #[test]
    fn a_trial_has_one_event_of_its_own() {
        let delivery = Delivery { id: "d".to_owned(), events: Vec::new(), dropped: false };
        let request = request(&receiver(), &delivery, Timestamp(0)).unwrap();
        let expected = concat!(
            r#"{"webhook":"w","delivery":"d","events":[{"type":"test","#,
            r#""data":{"at":"1970-01-01T00:00:00.000Z"}}],"dropped":false}"#
        );
        assert_eq!(std::str::from_utf8(request.body()).unwrap(), expected);
    }
}
