//! Cameras that have shown a project's enrolment password: they are put off until an operator has
//! accepted them.

use std::time::Instant;

use engine::RegistrationFault;
use fleet::limits::{PENDING_RETRY_SECONDS, USER_AGENT_CHARS_MAX};
use fleet::{PendingDevice, ProjectKey, Timestamp};
use gb28181::endpoint::{Keep, OutgoingResponse};
use gb28181::sip::{Message, Name};

use super::Station;
use super::register::Claim;
use crate::registrar::bindings::transport_of;
use crate::registrar::verdict;

/// Devices that may wait to be taken: as many as come in one turn. One beyond comes again.
const ENROLLING_MAX: usize = 4_096;

impl Station {
    /// 503 with a Retry-After to one that has the enrolment password: it may come again, and is not
    /// refused for good (RFC 3261, 21.5.4). Nothing is kept of it here, neither a binding nor the
    /// nonce that it answered.
    pub(super) fn put_off(
        &mut self,
        now: Instant,
        wall: Timestamp,
        claim: &Claim,
        project: ProjectKey,
    ) {
        let request = &claim.request;
        if self.enrolling.len() < ENROLLING_MAX {
            let seen = PendingDevice {
                id: claim.id.clone(),
                first_seen: wall,
                last_seen: wall,
                remote: request.from.remote,
                transport: transport_of(request.from.transport),
                user_agent: user_agent(&request.message),
            };
            self.enrolling.push_back((project, seen));
        }
        let id = claim.id.as_str().as_bytes();
        let detail = verdict::detail(claim.credentials());
        self.note_refusal(wall, request, id, RegistrationFault::Pending, detail);
        let seconds = PENDING_RETRY_SECONDS.to_string();
        let response = OutgoingResponse::new(503).with(Name::RetryAfter, seconds);
        self.endpoint.respond(now, request, response, Keep::Nothing);
    }
}

/// What a message says of the make of its sender, without control characters; `None` for nothing.
fn user_agent(message: &Message) -> Option<String> {
    let header = message.header(Name::UserAgent)?;
    let text = String::from_utf8_lossy(&header);
    let text: String =
        text.trim().chars().filter(|c| !c.is_control()).take(USER_AGENT_CHARS_MAX).collect();
    (!text.is_empty()).then_some(text)
}
