//! Calls that may be sent twice: a call with a key has one effect, and one answer, however often it
//! is sent.
//!
//! The key is reserved before the call has any effect, and the reservation holds the id under which
//! the call is made. Where the node dies in the middle of it, whoever has the key makes the call
//! again under the same id, and what is done under an id already is not done again.

use fleet::limits::{IDEMPOTENCY_KEPT, IDEMPOTENCY_RENEWED_EVERY, IDEMPOTENCY_TAKEN_OVER_AFTER};
use fleet::{Principal, RequestId, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use store::write::{CallKey, FreeKeys, KeepAnswer, KeptAnswer, RenewKey, Reservation, ReserveKey};
use store::{Write, Written};

use crate::command::Error;
use crate::handle::Handle;
use crate::shared::Shared;

/// The id of a call that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallId {
    /// The id: those of what the call makes follow from it.
    pub request: RequestId,
    /// Whether the call may have been made under this id before: it has a key.
    pub may_repeat: bool,
}

impl From<RequestId> for CallId {
    /// That of a call which is made once.
    fn from(request: RequestId) -> Self {
        Self { request, may_repeat: false }
    }
}

/// What became of a call's key.
#[derive(Debug)]
pub enum Reserved {
    /// The call is to be made; its answer is to be given to [`Handle::keep_answer`], or the key to
    /// [`Handle::free_key`].
    Held(HeldKey),
    /// The call is being made.
    InProgress,
    /// The call was answered so.
    Answered(Answer),
    /// The call was answered, and the answer was too large to be kept.
    TooLarge,
    /// The key was used for another request.
    Reused,
    /// The caller has as many keys as one may have.
    TooMany,
}

/// A key that is reserved for a call.
#[derive(Debug, Clone)]
pub struct HeldKey {
    /// The call's id.
    pub call: CallId,
    /// The key.
    key: CallKey,
    /// Since when it is reserved: what proves that it still is.
    since: Timestamp,
}

/// An answer to a call.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its HTTP status.
    pub status: u16,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body; `None` if it is too large to be kept.
    pub body: Option<Vec<u8>>,
}

impl std::fmt::Debug for Answer {
    /// Without headers and body: there may be a secret in them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Handle {
    /// An id for a call that is made once.
    pub fn new_call(&self) -> CallId {
        self.next_request_id().into()
    }

    /// Reserves a key for a call of `principal`, whose request is all of `parts`, or says what has
    /// become of the call. When this returns, the reservation is durable.
    ///
    /// Errors: the store failed, or its disk is low; or a kept answer can't be opened, because the
    /// master key that it was sealed with is lost.
    pub async fn reserve_key(
        &self,
        principal: &Principal,
        key: &str,
        parts: &[&[u8]],
    ) -> Result<Reserved, Error> {
        let shared = &self.shared;
        let key = CallKey { caller: principal.actor(), hash: Sha256::digest(key).into() };
        let request = self.next_request_id();
        let reserve = ReserveKey {
            key: key.clone(),
            fingerprint: self.fingerprint(parts),
            request,
            node: shared.node.new.node.clone(),
            kept_for: IDEMPOTENCY_KEPT,
            taken_over_after: IDEMPOTENCY_TAKEN_OVER_AFTER,
        };
        let written = shared.store.write(principal, Write::ReserveKey(Box::new(reserve))).await??;
        let Written::Reserved(reservation) = written else { return Err(Error::Closed) };
        let held = |since, request| {
            let call = CallId { request, may_repeat: true };
            Reserved::Held(HeldKey { call, key: key.clone(), since })
        };
        Ok(match reservation {
            Reservation::New { since } => held(since, request),
            Reservation::TakenOver { since, request } => held(since, request),
            Reservation::InProgress => Reserved::InProgress,
            Reservation::Answered(kept) => self.opened_answer(&key, kept)?,
            Reservation::Reused => Reserved::Reused,
            Reservation::TooMany => Reserved::TooMany,
        })
    }

    /// Keeps a key reserved for as long as its call is being made, which is until `made` comes.
    /// Gives the key as it is reserved then: it has to be waited for, even by who needs it no more.
    pub async fn hold_key(
        &self,
        principal: &Principal,
        mut held: HeldKey,
        made: impl Future<Output = ()>,
    ) -> HeldKey {
        let mut made = std::pin::pin!(made);
        loop {
            tokio::select! {
                biased;
                () = &mut made => return held,
                () = tokio::time::sleep(IDEMPOTENCY_RENEWED_EVERY) => {}
            }
            let id = held.call.request;
            match self.renew_key(principal, &held).await {
                Ok(Some(since)) => held.since = since,
                Ok(None) => {
                    tracing::warn!(%id, "the key of a call is somebody else's by now");
                    made.await;
                    return held;
                }
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(%id, error, "the key of a call could not be renewed");
                }
            }
        }
    }

    /// Says that the call of a key is still being made. Gives since when the key is reserved from
    /// then on; `None` if it is not this call's any more.
    ///
    /// Errors: the store failed.
    async fn renew_key(
        &self,
        principal: &Principal,
        held: &HeldKey,
    ) -> Result<Option<Timestamp>, Error> {
        let renew = RenewKey { key: held.key.clone(), since: held.since };
        let renew = Write::RenewKey(Box::new(renew));
        match self.shared.store.write(principal, renew).await?? {
            Written::Reserved(Reservation::New { since }) => Ok(Some(since)),
            _ => Ok(None),
        }
    }

    /// Keeps the answer to a call: who sends it again gets it. Of one that is too large it is kept
    /// that there was one.
    ///
    /// Errors: the store failed. Then the call is made again by who sends it again, once the key is
    /// taken over.
    pub async fn keep_answer(
        &self,
        principal: &Principal,
        held: HeldKey,
        answer: &Answer,
    ) -> Result<(), Error> {
        let HeldKey { key, since, .. } = held;
        let hash = hex::encode(key.hash);
        let seal = |body: &Vec<u8>| {
            let mut nonce = [0_u8; 24];
            self.shared.entropy.fill(&mut nonce);
            self.shared.master_key.seal(nonce, &place(&key, &hash), body)
        };
        let body = answer.body.as_ref().map(seal).transpose();
        let body = body.map_err(|error| unsealed(&error))?;
        let answer = KeptAnswer { status: answer.status, headers: answer.headers.clone(), body };
        let keep = Write::KeepAnswer(Box::new(KeepAnswer { key, since, answer }));
        self.shared.store.write(principal, keep).await??;
        Ok(())
    }

    /// Lets go of the key of a call whose answer is not one to be kept: who sends it again makes
    /// it, under the same id.
    ///
    /// Errors: the store failed. Then the key is taken over after its time.
    pub async fn free_key(&self, principal: &Principal, held: HeldKey) -> Result<(), Error> {
        let HeldKey { key, since, .. } = held;
        let free = Write::FreeKeys(FreeKeys::One { key, since });
        self.shared.store.write(principal, free).await??;
        Ok(())
    }

    /// A keyed hash of a request, of no use to whoever has not the master key: there may be a
    /// password in it.
    fn fingerprint(&self, parts: &[&[u8]]) -> [u8; 32] {
        let key = self.shared.master_key.derive("idempotency fingerprint");
        // Can't fail: HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return [0; 32] };
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// A kept answer, opened.
    fn opened_answer(&self, key: &CallKey, kept: KeptAnswer) -> Result<Reserved, Error> {
        let KeptAnswer { status, headers, body } = kept;
        let Some(sealed) = body else { return Ok(Reserved::TooLarge) };
        let hash = hex::encode(key.hash);
        let body = self.shared.master_key.open(&place(key, &hash), &sealed);
        let body = body.map_err(|error| unsealed(&error))?;
        Ok(Reserved::Answered(Answer { status, headers, body: Some(body) }))
    }
}

/// Lets go of the keys that the process before this one on the same node held: it makes no calls
/// any more.
///
/// Errors: the store failed.
pub(crate) async fn free_own(shared: &Shared) -> Result<(), store::Error> {
    let free = Write::FreeKeys(FreeKeys::OfNode(shared.node.new.node.clone()));
    if let Err(refused) = shared.store.write(&Principal::engine(), free).await? {
        tracing::error!(%refused, "the keys of this node's calls could not be let go");
    }
    Ok(())
}

/// Deletes keys whose time is over, some at a time: else the answers of a caller who asks no more
/// would stay for good.
pub(crate) async fn forget_expired(shared: &Shared) {
    let (engine, forget) = (Principal::engine(), Write::FreeKeys(FreeKeys::Expired));
    if let Err(error) = shared.store.write(&engine, forget).await {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, "the keys whose time is over could not be deleted");
    }
}

/// What the answer to a call is sealed for; `hash` is the key's, as text.
fn place<'a>(key: &'a CallKey, hash: &'a str) -> [&'a str; 3] {
    [&key.caller, hash, "answer"]
}

/// An answer that can't be sealed or opened, as the store's failure that it is.
fn unsealed(error: &dyn std::fmt::Display) -> Error {
    Error::Store(store::Error::Damaged {
        what: "the answer that is kept of a call".to_owned(),
        detail: error.to_string(),
    })
}
