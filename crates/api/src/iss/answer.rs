//! The form of every answer: XML with the vendor's headers (its page of common response headers,
//! and the samples of each call).

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::response::Response;
use fleet::{RequestId, Timestamp};
use http::{HeaderName, HeaderValue, StatusCode, Version, header};

use super::error::Failure;
use super::request_id;
use super::xml::Writer;
use crate::printable::printable;

/// Where a client finds the id of its call, besides the body.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-iss-request-id");

/// What the vendor's server calls itself.
const SERVER: HeaderValue = HeaderValue::from_static("tencent-iss");

/// Bytes of a path that an error shows.
const RESOURCE_BYTES_MAX: usize = 1024;

/// Eight hours: the vendor's samples print times as in China.
const ZONE_MILLISECONDS: i64 = 8 * 60 * 60 * 1000;

/// What is known of an answer before there is one.
pub(super) struct Envelope {
    /// The call.
    pub(super) id: RequestId,
    /// Its path: what an error is about.
    resource: String,
    /// Whether the client ends the connection with the answer.
    closes: bool,
    /// Whether the request has a body that was not read to its end: the connection is then of no
    /// use for another one, and hyper ends it.
    has_unread_body: bool,
    /// The version in which the client speaks.
    version: Version,
}

impl Envelope {
    /// That of the answer to this request.
    pub(super) fn of(id: RequestId, request: &Request) -> Self {
        let resource = printable(request.uri().path(), RESOURCE_BYTES_MAX);
        let has = |word: &str| {
            let values = request.headers().get_all(header::CONNECTION).iter();
            let mut words =
                values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
            words.any(|given| given.trim().eq_ignore_ascii_case(word))
        };
        let version = request.version();
        // RFC 9112, section 9.3.
        let closes = has("close") || (version < Version::HTTP_11 && !has("keep-alive"));
        let has_unread_body = !request.body().is_end_stream();
        Self { id, resource, closes, has_unread_body, version }
    }

    /// Notes that the request's body was read to its end.
    pub(super) fn note_body_read(&mut self) {
        self.has_unread_body = false;
    }

    /// The answer: 200 with the whole XML of the response, or the call's failure.
    pub(super) fn send(&self, outcome: Result<String, Failure>) -> Response {
        match outcome {
            Ok(body) => self.response(StatusCode::OK, body),
            Err(failure) => self.refuse(&failure),
        }
    }

    /// The answer to a call that is refused.
    fn refuse(&self, failure: &Failure) -> Response {
        let Failure { code, message, retry_after_seconds } = failure;
        tracing::debug!(id = %self.id, code = code.text(), %message, "refused");
        let id = request_id::to_text(self.id);
        let mut response =
            self.response(code.status(), error_body(code.text(), message, &self.resource, &id));
        if let Some(seconds) = retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
        }
        response
    }

    /// A response with the headers that each answer has. Its `Date` and `Content-Length` are the
    /// connection's to add.
    fn response(&self, status: StatusCode, body: String) -> Response {
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        // To an answer of 1.1 for a client of 1.0 hyper adds a `keep-alive` of its own.
        *response.version_mut() = self.version;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        headers.insert(header::SERVER, SERVER);
        let ends = self.closes || self.has_unread_body;
        let connection = if ends { "close" } else { "keep-alive" };
        headers.insert(header::CONNECTION, HeaderValue::from_static(connection));
        if let Ok(id) = HeaderValue::try_from(request_id::to_text(self.id)) {
            headers.insert(REQUEST_ID, id);
        }
        response
    }
}

/// The body of a refused call, in the shape that Tencent's object storage has, whose error page
/// ISS's own link to. Its SDKs take none of the first four for empty.
fn error_body(code: &str, message: &str, resource: &str, id: &str) -> String {
    let mut writer = Writer::new();
    writer.declaration("UTF-8");
    writer.open("Error");
    writer.text("Code", code);
    writer.text("Message", message);
    writer.text("Resource", resource);
    writer.text("RequestId", id);
    writer.text("TraceId", id);
    writer.close("Error");
    writer.finish()
}

/// A time as the vendor prints it: `2020-08-05T11:35:24+0800`.
pub(super) fn time_text(time: Timestamp) -> String {
    let local = Timestamp(time.0.saturating_add(ZONE_MILLISECONDS)).to_seconds_text();
    format!("{}+0800", local.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_shown_in_the_vendors_shape() {
        let body = error_body("InvalidArgument", "a < b & \"c\"", "/device", "aWQ=");
        assert_eq!(
            body,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <Error><Code>InvalidArgument</Code><Message>a &lt; b &amp; \"c\"</Message>\
             <Resource>/device</Resource><RequestId>aWQ=</RequestId>\
             <TraceId>aWQ=</TraceId></Error>"
        );
    }

    #[test]
    fn times_are_printed_as_in_china() {
        let time = Timestamp::from_basic_text("20200805T033524Z").unwrap();
        assert_eq!(time_text(time), "2020-08-05T11:35:24+0800");
        let evening = Timestamp::from_basic_text("20201231T200000Z").unwrap();
        assert_eq!(time_text(evening), "2021-01-01T04:00:00+0800");
    }

    #[test]
    fn the_connection_is_said_to_end_when_it_does() {
        let id = RequestId::from_parts(0, 0);
        let closes = |version, connection: Option<&str>| {
            let mut request = Request::builder().uri("/device").version(version);
            if let Some(connection) = connection {
                request = request.header("connection", connection);
            }
            Envelope::of(id, &request.body(Body::empty()).unwrap()).closes
        };
        for (version, connection, expected) in [
            (Version::HTTP_11, None, false),
            (Version::HTTP_11, Some("Keep-Alive"), false),
            (Version::HTTP_11, Some("TE, Close"), true),
            (Version::HTTP_10, None, true),
            (Version::HTTP_10, Some("keep-alive"), false),
        ] {
            assert_eq!(closes(version, connection), expected, "{version:?} {connection:?}");
        }
    }
}
