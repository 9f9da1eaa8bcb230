//! Registrations of GB devices that were refused: which, from where, and why.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::SipTransport;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Native, openapi};

/// The registrations that were refused of late.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefusedRegistrations {
    /// The last one first; at most 1,000 are remembered, and none over a restart of the server.
    registrations: Vec<RefusedRegistration>,
}

/// Registrations of one id from one host that were refused for one reason.
#[derive(Debug, Serialize, ToSchema)]
struct RefusedRegistration {
    /// The id as it was given, at most 64 characters of it.
    id: String,
    /// Where the last one came from: address:port.
    #[schema(example = "192.0.2.10:5060")]
    remote: String,
    /// How: `udp` or `tcp`.
    #[schema(value_type = String, example = "udp")]
    transport: SipTransport,
    /// Why: `unknown_id`, `no_password`, `wrong_user`, `wrong_realm`, `wrong_digest`,
    /// `stale_nonce`, `malformed` or `pending`, which waits to be accepted.
    #[schema(example = "wrong_digest")]
    why: &'static str,
    /// The same for people.
    text: String,
    /// What else helps to find the fault; empty if there is nothing.
    detail: String,
    /// How often.
    count: u64,
    /// When first.
    #[schema(format = DateTime)]
    first_at: String,
    /// When last.
    #[schema(format = DateTime)]
    at: String,
}

impl From<engine::RefusedRegistration> for RefusedRegistration {
    fn from(refused: engine::RefusedRegistration) -> Self {
        Self {
            id: refused.id,
            remote: refused.remote.to_string(),
            transport: refused.transport,
            why: refused.why.name(),
            text: refused.why.to_string(),
            detail: refused.detail,
            count: refused.count,
            first_at: refused.first_at.to_string(),
            at: refused.at.to_string(),
        }
    }
}

/// Lists the registrations of GB devices that were refused of late, the last one first.
#[utoipa::path(
    get,
    path = "/registrations/refused",
    tag = "devices",
    security(("token" = ["server"])),
    responses(
        (status = 200, description = "The registrations", body = RefusedRegistrations),
        openapi::Guarded,
    )
)]
pub(super) async fn refused_registrations(
    State(native): State<Arc<Native>>,
) -> Json<RefusedRegistrations> {
    let refused = native.handle.refused_registrations();
    let registrations = refused.into_iter().map(RefusedRegistration::from).collect();
    Json(RefusedRegistrations { registrations })
}
