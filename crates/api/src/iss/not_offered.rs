//! The documented calls that this server does not have: those that steer video. Each says so,
//! rather than look like a path that was mistyped.
//!
//! Paths and names are those of the vendor's pages. Nothing is checked before the answer: it tells
//! no more than this list does. UpdateDeviceStatus shares its path with UpdateDevice and is told
//! from it by the query, after the signature.

use axum::extract::Request;
use axum::response::Response;

use super::Door;
use super::answer::Envelope;
use super::error::{Code, Failure};

/// Paths whose every method is among those calls, and what they are called.
pub(crate) const NOT_OFFERED: &[(&str, &str)] = &[
    ("/device/stream", "DescribeStream"),
    ("/device/stream/record", "DescribeStreamRecord"),
    ("/device/stream/record/health", "DescribeDeviceStreamRecordHealth"),
    ("/device/recordstream", "DescribeStreamRecord"),
    ("/stream", "the calls about streams"),
    ("/stream/{*rest}", "the calls about streams"),
    ("/domain", "the calls about domains"),
    ("/domain/{*rest}", "the calls about domains"),
    ("/template", "the calls about templates"),
    ("/template/{*rest}", "the calls about templates"),
    ("/workflow", "the calls about workflows"),
    ("/workflow/{*rest}", "the calls about workflows"),
    ("/project/{id}/jobs", "the calls about jobs of a project's templates"),
    ("/project/{id}/jobs/{*rest}", "the calls about jobs of a project's templates"),
];

/// Answers a documented call that is not offered.
pub(crate) fn not_offered(door: &Door, name: &str, request: &Request) -> Response {
    Envelope::of(door.handle.next_request_id(), request).send(Err(failure(name)))
}

/// The refusal of a call of this name.
pub(super) fn failure(name: &str) -> Failure {
    let detail =
        format!("this server does not offer {name}: it manages devices and steers no video");
    Failure::because(Code::NotImplemented, detail)
}
