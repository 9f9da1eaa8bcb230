//! Who calls: the signature or the token, the lock-out, and whether the project in the path is the
//! caller's.
//!
//! Nothing that a request says is looked at before its caller has proved who it is, and its body is
//! read only once its access key or its token is known to exist.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, MutexGuard, PoisonError};

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequestParts as _, RawPathParams, Request};
use bytes::Bytes;
use engine::TokenHolder;
use fleet::limits::BODY_BYTES_MAX;
use fleet::{Principal, ProjectId};
use http::HeaderMap;
use http::request::Parts;
use tokio::sync::OwnedSemaphorePermit;

use super::Door;
use super::error::{Code, Failure};
use super::tokens::microseconds;
use crate::listener::{BODY_TIMEOUT, BodyError, PeerAddr, client_address, read_body};
use crate::signature::huawei::{Head, Refusal, Signed};
use crate::signature::lockout::{self, Lockout, Outcome};

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

/// Bytes of a token that is looked for: the bound of `X-Auth-Token` in the API's definition.
pub(super) const TOKEN_BYTES_MAX: usize = 8_096;

/// Where a token is.
const TOKEN: &str = "x-auth-token";

/// Who calls, and for which project.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// Who calls.
    pub(super) principal: Principal,
    /// The project that the key or the token opens.
    pub(super) project: ProjectId,
}

/// A call of somebody who has proved who it is.
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

    /// Who calls, and for which project.
    pub(super) fn caller(&self) -> Caller {
        Caller { principal: self.principal.clone(), project: self.project.clone() }
    }
}

impl Door {
    /// Lets a request in whose path names a project, or says why not.
    ///
    /// Errors: those of [`Self::enter`]; 403 CPS.0001 if the project is not the caller's.
    pub(super) async fn admit(&self, request: Request) -> Result<Call, Failure> {
        let call = self.enter(request).await?;
        if call.param("project_id") != call.project.as_str() {
            return Err(Failure::of(Code::ProjectForbidden));
        }
        Ok(call)
    }

    /// Lets a request in, or says why not. One of the two ways to prove who calls is enough; where
    /// there is a signature, it decides.
    ///
    /// Errors: 401 APIGW.0301 if the signature does not hold, its caller is locked out, or the
    /// token does not work; 413 APIGW.0201 for a body over the bound; 429 where there is no room,
    /// for the body or to count what may be a guess.
    pub(super) async fn enter(&self, request: Request) -> Result<Call, Failure> {
        let (mut parts, body) = request.into_parts();
        let by_token = parts.headers.contains_key(TOKEN) && !Signed::is_meant(&parts.headers);
        let (caller, body, room) = if by_token {
            self.by_token(&parts, body).await?
        } else {
            self.by_signature(&parts, body).await?
        };
        let params = RawPathParams::from_request_parts(&mut parts, &())
            .await
            .map_err(|_| Failure::of(Code::RequestBroken))?;
        let query = parts.uri.query().map(str::to_owned);
        let Caller { principal, project } = caller;
        Ok(Call { project, principal, query, body, params, _room: room })
    }

    /// Checks the token: gives who called, and the body. Guessing needs no lock-out: a token has 32
    /// random bytes.
    async fn by_token(&self, parts: &Parts, body: Body) -> Result<(Caller, Bytes, Room), Failure> {
        let token = token(&parts.headers)?;
        self.holder(token).await?;
        let (body, room) = self.read(body).await?;
        // A body may take half a minute; the token may have stopped working meanwhile.
        let holder = self.holder(token).await?;
        let principal = Principal::client(holder.project, holder.user.as_str());
        Ok((Caller { principal, project: holder.project_id.clone() }, body, room))
    }

    /// Who holds a token that works.
    async fn holder(&self, token: &str) -> Result<Arc<TokenHolder>, Failure> {
        let holder = self.handle.token(token).await?.ok_or(Refusal::UnknownToken)?;
        if self.handle.now() >= holder.expires_at {
            let expires_at = microseconds(holder.expires_at);
            return Err(Refusal::TokenExpired { expires_at }.into());
        }
        Ok(holder)
    }

    /// Checks the signature: gives who called, and the body.
    async fn by_signature(
        &self,
        parts: &Parts,
        body: Body,
    ) -> Result<(Caller, Bytes, Room), Failure> {
        let now = self.handle.now();
        let address = self.address(parts);
        let signed = Signed::parse(Head::of(parts), now)?;
        let ak = signed.access_key();
        self.lockout().admit(ak, address, now).map_err(shut_out)?;
        let Some(key) = self.handle.access_key(ak).await? else {
            return Err(Refusal::UnknownKey.into());
        };
        let (body, room) = self.read(body).await?;
        // A body may take half a minute; the key may have been revoked meanwhile.
        if self.handle.access_key(ak).await?.is_none() {
            return Err(Refusal::UnknownKey.into());
        }
        // Others may have used up the guesses while the body came, and while this one is verified:
        // only what is settled before the lock is told.
        self.lockout().admit(ak, address, self.handle.now()).map_err(shut_out)?;
        let verified = signed.verify(key.secret.expose().as_bytes(), &body, &self.public_hosts);
        let outcome = match &verified {
            Ok(()) => Outcome::Passed,
            Err(refusal) if refusal.is_guess() => Outcome::Failed,
            Err(_) => Outcome::Unknown,
        };
        let settled = self.lockout().settle(ak, address, self.handle.now(), outcome);
        settled.map_err(shut_out)?;
        verified?;
        let principal = Principal::client(key.project, key.ak.as_str());
        Ok((Caller { principal, project: key.project_id.clone() }, body, room))
    }

    /// The body of a caller who is known, with the room that it takes.
    async fn read(&self, body: Body) -> Result<(Bytes, Room), Failure> {
        let room = self.room_for(&body)?;
        let body = read_body(body, BODY_BYTES_MAX, BODY_TIMEOUT).await;
        Ok((body.map_err(|error| unread(&error))?, room))
    }

    /// The client's address: that of the peer, or what trusted proxies say it is; the unspecified
    /// address where nobody has said anything.
    pub(super) fn address(&self, parts: &Parts) -> IpAddr {
        match parts.extensions.get::<PeerAddr>() {
            Some(PeerAddr(peer)) => {
                client_address(peer.ip(), &parts.headers, &self.trusted_proxies)
            }
            None => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        }
    }

    /// The wrong passwords of late, and the checks under way. Never held across a wait.
    pub(super) fn passwords(&self) -> MutexGuard<'_, Lockout> {
        self.passwords.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Why a key is shut out, in the vendor's words.
fn shut_out(refused: lockout::Refused) -> Failure {
    match refused {
        lockout::Refused::Locked => Refusal::Locked.into(),
        lockout::Refused::Full => Failure::of(Code::Throttled),
    }
}

/// The one token of the headers.
fn token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(TOKEN).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Refusal::UnknownToken);
    };
    let token = value.to_str().map_err(|_| Refusal::UnknownToken)?;
    match token.len() {
        0 => Err(Refusal::Missing),
        1..=TOKEN_BYTES_MAX => Ok(token),
        _ => Err(Refusal::UnknownToken),
    }
}

/// Why there is no body, in the vendor's words.
pub(super) fn unread(error: &BodyError) -> Failure {
    match error {
        BodyError::TooLarge { .. } => Failure::of(Code::BodyTooLarge),
        BodyError::TooSlow { .. } | BodyError::Broken(_) => {
            let detail = format!("{error}.");
            Failure::because(Code::RequestBroken, &detail)
        }
    }
}
