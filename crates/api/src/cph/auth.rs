//! Who calls: the signature or the token, the lock-out, and whether the project in the path is the
//! caller's.
//!
//! Nothing that a request says is looked at before its caller has proved who it is, and its body is
//! read only once its access key or its token is known to exist.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts as _, RawPathParams, Request};
use bytes::Bytes;
use engine::{CallId, TokenHolder};
use fleet::limits::BODY_BYTES_MAX;
use fleet::{Grant, Principal, ProjectId, RequestId};
use http::request::Parts;
use http::{HeaderMap, Method};

use super::Door;
use super::error::{Code, Failure};
use super::tokens::microseconds;
use crate::admission::{NoRoom, Room};
use crate::idempotency;
use crate::listener::{BODY_TIMEOUT, BodyError, read_body};
use crate::signature::huawei::{Head, Refusal, Signed};
use crate::signature::lockout::{self, Outcome};

/// Bytes of a token that is looked for: the bound of `X-Auth-Token` in the API's definition.
pub(super) const TOKEN_BYTES_MAX: usize = 8_096;

/// Where a token is.
const TOKEN: &str = "x-auth-token";

/// Who calls, and for which projects.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// Who calls.
    pub(super) principal: Principal,
    /// The project that the key or the token opens; `None` opens all.
    pub(super) project: Option<ProjectId>,
}

/// A request of somebody who has proved who it is.
pub(super) struct Visit {
    /// Who.
    pub(super) caller: Caller,
    /// The call's id.
    id: CallId,
    /// The query, still percent-encoded.
    pub(super) query: Option<String>,
    /// The body.
    body: Bytes,
    /// What stands for `{...}` in the path, decoded.
    params: RawPathParams,
    /// The body's room.
    room: Room,
}

/// A call about a project of somebody who has proved who it is.
pub(super) struct Call {
    /// Its id.
    pub(super) id: CallId,
    /// The project.
    pub(super) project: ProjectId,
    /// Who calls: may see nothing but the project.
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
        param(&self.params, name)
    }
}

impl Door {
    /// Lets a request in whose path names a project, or says why not. `id` as in [`Self::enter`].
    ///
    /// Errors: those of [`Self::enter`]; 403 CPS.0001 if the project is not the caller's.
    pub(super) async fn admit(
        &self,
        id: &mut RequestId,
        request: Request,
    ) -> Result<Call, Failure> {
        let visit = self.enter(id, request).await?;
        let Visit { caller, id, query, body, params, room } = visit;
        let (principal, project) = self.narrow(caller, param(&params, "project_id")).await?;
        Ok(Call { id, project, principal, query, body, params, _room: room })
    }

    /// The project that a path names and its caller, who from here on sees nothing else.
    async fn narrow(&self, caller: Caller, named: &str) -> Result<(Principal, ProjectId), Failure> {
        let Caller { principal, project } = caller;
        if let Some(project) = project {
            let is_named = project.as_str() == named;
            return is_named
                .then_some((principal, project))
                .ok_or_else(|| Failure::of(Code::ProjectForbidden));
        }
        let id = ProjectId::new(named).map_err(|_| Failure::of(Code::ProjectForbidden))?;
        let found = self.handle.reads().project(&principal, &id).await?;
        let project = found.ok_or_else(|| Failure::of(Code::ProjectForbidden))?;
        Ok((Principal::client(project.key, principal.name()), project.id))
    }

    /// Lets a request in, or says why not. One of the two ways to prove who calls is enough; where
    /// there is a signature, it decides. `id` is the call's; it becomes that under which the call
    /// was made before, if its key says so.
    ///
    /// Errors: 401 APIGW.0301 if the signature does not hold, its caller is locked out, or the
    /// token does not work; 413 APIGW.0201 for a body over the bound; 429 where there is no room,
    /// for the body or to count what may be a guess; those of a key by which there is no making the
    /// call now.
    pub(super) async fn enter(
        &self,
        id: &mut RequestId,
        request: Request,
    ) -> Result<Visit, Failure> {
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
        let keyed = idempotency::reserve(&parts, &caller.principal, &body).await?;
        let call = keyed.unwrap_or_else(|| (*id).into());
        *id = call.request;
        let query = parts.uri.query().map(str::to_owned);
        Ok(Visit { caller, id: call, query, body, params, room })
    }

    /// Checks the token: gives who called, and the body. Guessing needs no lock-out: a token has 32
    /// random bytes.
    async fn by_token(&self, parts: &Parts, body: Body) -> Result<(Caller, Bytes, Room), Failure> {
        let token = token(&parts.headers)?;
        let needed = needed(parts);
        self.holder(token, needed).await?;
        let (body, room) = self.read(body).await?;
        // A body may take half a minute; the token may have stopped working meanwhile.
        let holder = self.holder(token, needed).await?;
        self.handle.token_used(&holder);
        let principal = Principal::signed_in(holder.project, holder.user.as_str());
        Ok((Caller { principal, project: Some(holder.project_id.clone()) }, body, room))
    }

    /// Who holds a token that works, and may do what is needed in the project that it opens.
    async fn holder(&self, token: &str, needed: Grant) -> Result<Arc<TokenHolder>, Failure> {
        let holder = self.handle.token(token).await?.ok_or(Refusal::UnknownToken)?;
        if self.handle.now() >= holder.expires_at {
            let expires_at = microseconds(holder.expires_at);
            return Err(Refusal::TokenExpired { expires_at }.into());
        }
        if holder.grant_in(holder.project) < Some(needed) {
            return Err(Failure::of(Code::ProjectForbidden));
        }
        Ok(holder)
    }

    /// Checks the signature: gives who called, and the body.
    async fn by_signature(
        &self,
        parts: &Parts,
        body: Body,
    ) -> Result<(Caller, Bytes, Room), Failure> {
        #[cfg(feature = "unsigned")]
        if let Some((principal, project)) = crate::unsigned::caller(parts) {
            let (body, room) = self.read(body).await?;
            return Ok((Caller { principal, project: Some(project) }, body, room));
        }
        let now = self.handle.now();
        let address = self.admission.address(parts);
        let signed = Signed::parse(Head::of(parts), now)?;
        let ak = signed.access_key();
        self.admission.lockout().admit(ak, address, now).map_err(shut_out)?;
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
        self.admission.lockout().admit(ak, address, self.handle.now()).map_err(shut_out)?;
        let verified =
            signed.verify(key.secret.expose().as_bytes(), &body, &self.admission.public_hosts);
        let outcome = match &verified {
            Ok(()) => Outcome::Passed,
            Err(refusal) if refusal.is_guess() => Outcome::Failed,
            Err(_) => Outcome::Unknown,
        };
        let settled = self.admission.lockout().settle(ak, address, self.handle.now(), outcome);
        settled.map_err(shut_out)?;
        verified?;
        self.handle.key_used(&key.ak);
        let project = key.project.as_ref().map(|(_, id)| id.clone());
        Ok((Caller { principal: key.principal(), project }, body, room))
    }

    /// The body of a caller who is known, with the room that it takes.
    async fn read(&self, body: Body) -> Result<(Bytes, Room), Failure> {
        let room = self.admission.bodies.take(&body, BODY_BYTES_MAX);
        let room = room.map_err(|NoRoom| Failure::of(Code::Throttled))?;
        let body = read_body(body, BODY_BYTES_MAX, BODY_TIMEOUT).await;
        Ok((body.map_err(|error| unread(&error))?, room))
    }
}

/// What a call takes: one that only reads, a viewer; any other, an operator. Searching by tags is a
/// POST that only reads.
fn needed(parts: &Parts) -> Grant {
    let is_search = parts.uri.path().ends_with("/resource_instances/action");
    match parts.method {
        Method::GET | Method::HEAD => Grant::Viewer,
        Method::POST if is_search => Grant::Viewer,
        _ => Grant::Operator,
    }
}

/// What stands for `{name}` in a path; empty if the path has no such part.
fn param<'a>(params: &'a RawPathParams, name: &str) -> &'a str {
    params.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
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
