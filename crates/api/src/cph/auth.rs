//! Who calls: the signature, the lock-out, and whether the project in the path is the key's.
//!
//! Nothing that a request says is looked at before its signature has held, and its body is read
//! only once its access key is known to exist.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{MutexGuard, PoisonError};

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequestParts as _, RawPathParams, Request};
use bytes::Bytes;
use fleet::limits::BODY_BYTES_MAX;
use fleet::{Principal, ProjectId};
use http::request::Parts;
use tokio::sync::OwnedSemaphorePermit;

use super::Door;
use super::error::{Code, Failure};
use crate::listener::{BODY_TIMEOUT, BodyError, PeerAddr, read_body};
use crate::signature::huawei::{Head, Refusal, Signed};
use crate::signature::lockout::Lockout;

/// Kilobytes of all large bodies at a time. A body is in memory before its signature can be
/// checked, and an access key's id is no secret: without a bound, strangers could fill the memory
/// with as many bodies of 12 MB as there may be connections. Room for 21 of the largest, or 100
/// calls for 8,096 phones.
pub(super) const BODIES_KILOBYTES_MAX: usize = 256 * 1024;

/// Bytes up to which a body needs no room, so that strangers who hold all of it hold up none but
/// large calls. Some 300 phones; all connections together then have at most 1 GB.
const SMALL_BODY_BYTES_MAX: u64 = 64 * 1024;

/// A large body's room, given back when it is dropped; `None` for a small one.
type Room = Option<OwnedSemaphorePermit>;

/// A call whose signature has held, for a project that is its key's.
pub(super) struct Call {
    /// The project.
    pub(super) project: ProjectId,
    /// Who calls.
    pub(super) principal: Principal,
    /// The query, still percent-encoded.
    pub(super) query: Option<String>,
    /// The body.
    pub(super) body: Bytes,
    /// What stands for `{...}` in the path, decoded.
    params: RawPathParams,
    /// The body's room.
    _room: Room,
}

impl Call {
    /// What stands for `{name}` in the path; empty if the path has no such part.
    pub(super) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }
}

impl Door {
    /// Lets a request in, or says why not.
    ///
    /// Errors: 401 APIGW.0301 if the signature does not hold or its caller is locked out; 413
    /// APIGW.0201 for a body over the bound; 403 CPS.0001 if the project is not the key's; 429
    /// where there is no room.
    pub(super) async fn admit(&self, request: Request) -> Result<Call, Failure> {
        let (mut parts, body) = request.into_parts();
        let (principal, project, body, room) = self.authenticate(&parts, body).await?;
        let params = RawPathParams::from_request_parts(&mut parts, &())
            .await
            .map_err(|_| Failure::of(Code::RequestBroken))?;
        let query = parts.uri.query().map(str::to_owned);
        let call = Call { project, principal, query, body, params, _room: room };
        if call.param("project_id") != call.project.as_str() {
            return Err(Failure::of(Code::ProjectForbidden));
        }
        Ok(call)
    }

    /// Checks the signature: gives who called, the key's project, and the body.
    async fn authenticate(
        &self,
        parts: &Parts,
        body: Body,
    ) -> Result<(Principal, ProjectId, Bytes, Room), Failure> {
        let now = self.handle.now();
        let address = address(parts);
        let signed = Signed::parse(Head::of(parts), now)?;
        let ak = signed.access_key();
        if self.lockout().is_locked(ak, address, now) {
            return Err(Refusal::Locked.into());
        }
        let Some(key) = self.handle.access_key(ak).await? else {
            return Err(Refusal::UnknownKey.into());
        };
        let room = self.room_for(&body)?;
        let body = read_body(body, BODY_BYTES_MAX, BODY_TIMEOUT).await;
        let body = body.map_err(|error| unread(&error))?;
        // A body may take half a minute; the key may have been revoked meanwhile.
        if self.handle.access_key(ak).await?.is_none() {
            return Err(Refusal::UnknownKey.into());
        }
        let verified = signed.verify(key.secret.expose().as_bytes(), &body, &self.public_hosts);
        if let Err(refusal) = verified {
            if refusal.is_guess() {
                self.lockout().failed(ak, address, self.handle.now());
            }
            return Err(refusal.into());
        }
        self.lockout().succeeded(ak, address);
        let principal = Principal::client(key.project, key.ak.as_str());
        Ok((principal, key.project_id.clone(), body, room))
    }

    /// The failures of late. Never held across a wait.
    fn lockout(&self) -> MutexGuard<'_, Lockout> {
        self.lockout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes room for a body: as much as it says that it has, or as it may have at most.
    fn room_for(&self, body: &Body) -> Result<Room, Failure> {
        let most = u64::try_from(BODY_BYTES_MAX).unwrap_or(u64::MAX);
        let bytes = body.size_hint().upper().unwrap_or(most).min(most);
        if bytes <= SMALL_BODY_BYTES_MAX {
            return Ok(None);
        }
        let kilobytes = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let room = self.bodies.clone().try_acquire_many_owned(kilobytes);
        room.map(Some).map_err(|_| Failure::of(Code::Throttled))
    }
}

/// Where the request came from; the unspecified address where nobody has said so.
fn address(parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<PeerAddr>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |PeerAddr(address)| address.ip())
}

/// Why there is no body, in the vendor's words.
fn unread(error: &BodyError) -> Failure {
    match error {
        BodyError::TooLarge { .. } => Failure::of(Code::BodyTooLarge),
        BodyError::TooSlow { .. } | BodyError::Broken(_) => {
            let detail = format!("{error}.");
            Failure::because(Code::RequestBroken, &detail)
        }
    }
}
