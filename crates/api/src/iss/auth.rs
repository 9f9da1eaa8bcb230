//! Who calls: the signature, the lock-out, and which projects are the caller's.
//!
//! Nothing that a request says is looked at before its caller has proved who it is. The signature
//! leaves the body out, so that is not even read before.

use std::sync::{MutexGuard, PoisonError};

use axum::body::Body;
use axum::extract::{FromRequestParts as _, RawPathParams, Request};
use bytes::Bytes;
use engine::CallId;
use fleet::{Principal, Project, ProjectId};
use http::request::Parts;
use http::{Method, header};

use super::Door;
use super::answer::Envelope;
use super::error::{Code, Failure};
use super::query::Query;
use super::request_id;
use super::xml::BYTES_MAX;
use crate::admission::{NoRoom, Room};
use crate::idempotency;
use crate::listener::{BODY_TIMEOUT, read_body};
use crate::signature::lockout::Outcome;
use crate::signature::tencent::{Head, Refusal, Replays, Signed};

/// Which projects a caller may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    /// This one.
    One(ProjectId),
    /// All, those that are yet to be made among them.
    All,
}

/// A call of somebody who has proved who it is.
pub(super) struct Call {
    /// Its id.
    pub(super) id: CallId,
    /// The same as ISS prints it, for `RequestId`.
    pub(super) request_id: String,
    /// Who calls.
    pub(super) principal: Principal,
    /// Which projects the caller may use.
    pub(super) scope: Scope,
    /// What follows `?`.
    pub(super) query: Query,
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
    /// Errors: 403 if the signature does not hold, is outside its time, or its caller is locked
    /// out, and, for a strict key, if it leaves something out or was used before; 400 for a body
    /// over the bound or not of its MD5, and for a query that can't be read; 411 for one of unknown
    /// length; 503 where there is no room, for the body, to count what may be a guess, or to
    /// remember what a strict key used; those of a key by which there is no making the call now.
    pub(super) async fn admit(
        &self,
        envelope: &mut Envelope,
        request: Request,
    ) -> Result<Call, Failure> {
        let (mut parts, body) = request.into_parts();
        let (principal, scope, body, room) = self.authenticate(envelope, &parts, body).await?;
        let keyed = idempotency::reserve(&parts, &principal, &body).await?;
        let id = keyed.unwrap_or_else(|| envelope.id.into());
        envelope.id = id.request;
        let query = Query::parse(parts.uri.query())?;
        let params = RawPathParams::from_request_parts(&mut parts, &())
            .await
            .map_err(|_| Failure::because(Code::InvalidArgument, "the path is not UTF-8"))?;
        let request_id = request_id::to_text(id.request);
        Ok(Call { id, request_id, principal, scope, query, body, params, _room: room })
    }

    /// The project that a call names, if its caller may use it. `id` is what the call says.
    ///
    /// Errors: 400 InvalidArgument if it names none, 404 NoSuchProject if there is none of that id
    /// or it is not the caller's.
    pub(super) async fn project(&self, call: &Call, id: Option<&str>) -> Result<Project, Failure> {
        let Some(id) = id.filter(|id| !id.is_empty()) else {
            return Err(Failure::because(Code::InvalidArgument, "ProjectId is required"));
        };
        let no_project = || Failure::of(Code::NoSuchProject);
        let id = ProjectId::new(id).map_err(|_| no_project())?;
        if matches!(&call.scope, Scope::One(own) if *own != id) {
            return Err(no_project());
        }
        let found = self.handle.reads().project(&call.principal, &id).await?;
        found.ok_or_else(no_project)
    }

    /// Checks the signature, then reads the body: gives who called, and the body.
    async fn authenticate(
        &self,
        envelope: &mut Envelope,
        parts: &Parts,
        body: Body,
    ) -> Result<(Principal, Scope, Bytes, Room), Failure> {
        #[cfg(feature = "unsigned")]
        if let Some((principal, project)) = crate::unsigned::caller(parts) {
            let (body, room) = self.read(envelope, parts, body).await?;
            return Ok((principal, Scope::One(project), body, room));
        }
        let now = self.handle.now();
        let signed = Signed::parse(Head::of(parts), now)?;
        let ak = signed.access_key();
        let address = self.admission.address(parts);
        self.admission.lockout().admit(ak, address, now)?;
        let Some(key) = self.handle.access_key(ak).await? else {
            return Err(Refusal::UnknownKey.into());
        };
        let secret = key.secret.expose().as_bytes();
        let verified = signed.verify(secret, &self.admission.public_hosts);
        let outcome = match &verified {
            Ok(()) => Outcome::Passed,
            Err(refusal) if refusal.is_guess() => Outcome::Failed,
            Err(_) => Outcome::Unknown,
        };
        // Others may have used up the guesses meanwhile: only what is settled is told.
        self.admission.lockout().settle(ak, address, self.handle.now(), outcome)?;
        verified?;
        self.handle.key_used(&key.ak);
        if key.strict {
            signed.check_strict(signed.has_body()).map_err(Refusal::from)?;
        }
        let (body, room) = self.read(envelope, parts, body).await?;
        signed.check_body(&body)?;
        // A body may take half a minute; the key may have been revoked meanwhile.
        if self.handle.access_key(ak).await?.is_none() {
            return Err(Refusal::UnknownKey.into());
        }
        if key.strict {
            // The signature may have run out meanwhile, and then it is not remembered either: that
            // it was used would not be known. So both are asked at one time.
            let now = self.handle.now();
            signed.check_time(now)?;
            let (signature, end) = signed.mark();
            self.replays().use_once(ak, signature, end, now)?;
        }
        let scope = key.project.as_ref().map_or(Scope::All, |(_, id)| Scope::One(id.clone()));
        Ok((key.principal(), scope, body, room))
    }

    /// The body of a caller who is known, with the room that it takes. Of what the vendor's pages
    /// show, only `DELETE` has a body without saying how long it is.
    async fn read(
        &self,
        envelope: &mut Envelope,
        parts: &Parts,
        body: Body,
    ) -> Result<(Bytes, Room), Failure> {
        let has = |name| parts.headers.contains_key(name);
        let is_framed = has(header::CONTENT_LENGTH) || has(header::TRANSFER_ENCODING);
        if !is_framed && matches!(parts.method, Method::PUT | Method::POST) {
            return Err(Failure::of(Code::MissingContentLength));
        }
        let room = self.admission.bodies.take(&body, BYTES_MAX);
        let room = room.map_err(|NoRoom| Failure::of(Code::SlowDown))?;
        let body = read_body(body, BYTES_MAX, BODY_TIMEOUT).await?;
        envelope.note_body_read();
        Ok((body, room))
    }

    /// The signatures of strict keys that were used. Never held across a wait.
    fn replays(&self) -> MutexGuard<'_, Replays> {
        self.replays.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
