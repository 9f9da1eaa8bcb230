//! Keys by which a call that is sent twice has one effect. Each of these changes the row of its key
//! alone, under that row's lock: it goes alone, and without the guard.

use fleet::limits::IDEMPOTENCY_KEYS_PER_PART_MAX;
use fleet::{Principal, Timestamp};

use crate::columns::{column, to_json};
use crate::postgres::connection::{Connection, Params};
use crate::rows::idempotency::{KEY_COLUMNS, stored};
use crate::rules::idempotency::{self as rules, EXPIRED_PER_KEY, EXPIRED_PER_ROUND, FREE};
use crate::write::{CallKey, FreeKeys, KeepAnswer, RenewKey, Reservation, ReserveKey};
use crate::{Error, Refused, Written};

/// The store's time in milliseconds.
const NOW: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// Reserves a key, or says what has become of its call. Of several that ask at once the first one's
/// row is there for the others to wait for.
pub(super) async fn reserve_key(c: &Connection, asked: &ReserveKey) -> Result<Written, Error> {
    let now = now(c).await?;
    delete_expired(c, now, EXPIRED_PER_KEY).await?;
    let CallKey { caller, hash } = &asked.key;
    let hash = hash.as_slice();
    let sql = format!(
        "SELECT {KEY_COLUMNS} FROM idempotency WHERE caller = $1 AND key_hash = $2 FOR UPDATE"
    );
    let mut found = c.first("find a key", &sql, &[caller, &hash], stored).await?;
    if found.is_none() {
        if is_full(c, &asked.key).await? {
            return Ok(Written::Reserved(Reservation::TooMany));
        }
        if insert(c, asked, now).await? {
            return Ok(Written::Reserved(Reservation::New { since: now }));
        }
        found = c.first("find a key", &sql, &[caller, &hash], stored).await?;
    }
    // Gone again: whoever had it may ask once more.
    let Some(stored) = found else { return Ok(Written::Reserved(Reservation::InProgress)) };
    let reservation = rules::judge(stored, asked, now);
    match &reservation {
        Reservation::New { since } => {
            let sql = "UPDATE idempotency SET fingerprint = $3, request = $4, node = $5,
                     begun_at = $6, expires_at = $7, status = NULL, headers = NULL, body = NULL
                 WHERE caller = $1 AND key_hash = $2";
            let (request, end) = (asked.request.to_bytes(), since.plus(asked.kept_for));
            let params: Params<'_> = &[
                caller,
                &hash,
                &asked.fingerprint.as_slice(),
                &request.as_slice(),
                &asked.node,
                &since.0,
                &end.0,
            ];
            c.execute("reserve a key", sql, params).await?;
        }
        Reservation::TakenOver { since, .. } => {
            let sql = "UPDATE idempotency SET begun_at = $3, node = $4
                 WHERE caller = $1 AND key_hash = $2";
            let params: Params<'_> = &[caller, &hash, &since.0, &asked.node];
            c.execute("take a key over", sql, params).await?;
        }
        Reservation::InProgress
        | Reservation::Answered(_)
        | Reservation::Reused
        | Reservation::TooMany => {}
    }
    Ok(Written::Reserved(reservation))
}

/// The store's time.
async fn now(c: &Connection) -> Result<Timestamp, Error> {
    let now = c.first("read the time", NOW, &[], |row| column(row, 0)).await?;
    Ok(Timestamp(now.unwrap_or_default()))
}

/// Whether the caller has as many keys as may be in the part that this one falls in.
async fn is_full(c: &Connection, key: &CallKey) -> Result<bool, Error> {
    let (low, high) = rules::part(&key.hash);
    let sql = "SELECT count(*) FROM idempotency
         WHERE caller = $1 AND key_hash BETWEEN $2 AND $3";
    let params: Params<'_> = &[&key.caller, &low.as_slice(), &high.as_slice()];
    let kept = c.count("count a caller's keys", sql, params).await?;
    Ok(kept >= IDEMPOTENCY_KEYS_PER_PART_MAX)
}

/// Records a key. Gives whether it was new.
async fn insert(c: &Connection, asked: &ReserveKey, at: Timestamp) -> Result<bool, Error> {
    let sql = "INSERT INTO idempotency (caller, key_hash, fingerprint, request, node, begun_at,
             expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (caller, key_hash) DO NOTHING";
    let (request, end) = (asked.request.to_bytes(), at.plus(asked.kept_for));
    let params: Params<'_> = &[
        &asked.key.caller,
        &asked.key.hash.as_slice(),
        &asked.fingerprint.as_slice(),
        &request.as_slice(),
        &asked.node,
        &at.0,
        &end.0,
    ];
    Ok(c.execute("reserve a key", sql, params).await? > 0)
}

/// Moves on the time since which a key is reserved, if it still is for the call that says so.
pub(super) async fn renew_key(c: &Connection, renew: &RenewKey) -> Result<Written, Error> {
    let RenewKey { key: CallKey { caller, hash }, since } = renew;
    let now = now(c).await?;
    let sql = "UPDATE idempotency SET begun_at = $4
         WHERE caller = $1 AND key_hash = $2 AND begun_at = $3 AND status IS NULL";
    let params: Params<'_> = &[caller, &hash.as_slice(), &since.0, &now.0];
    let renewed = c.execute("renew a key", sql, params).await?;
    Ok(rules::renewed(renewed > 0, now))
}

/// Keeps the answer to a call.
pub(super) async fn keep_answer(c: &Connection, keep: &KeepAnswer) -> Result<Written, Error> {
    let KeepAnswer { key: CallKey { caller, hash }, since, answer } = keep;
    let sql = "UPDATE idempotency SET status = $4, headers = $5, body = $6
         WHERE caller = $1 AND key_hash = $2 AND begun_at = $3 AND status IS NULL";
    let (hash, status) = (hash.as_slice(), i64::from(answer.status));
    let headers = to_json(&answer.headers)?;
    let params: Params<'_> = &[caller, &hash, &since.0, &status, &headers, &answer.body];
    c.execute("keep an answer", sql, params).await?;
    Ok(Written::Done)
}

/// Lets go of keys. All of a node's and those whose time is over are the engine's to let go.
pub(super) async fn free_keys(
    c: &Connection,
    principal: &Principal,
    free: &FreeKeys,
) -> Result<Result<Written, Refused>, Error> {
    let operation = "let go of keys";
    match free {
        FreeKeys::One { key: CallKey { caller, hash }, since } => {
            let sql = "UPDATE idempotency SET begun_at = $4
                 WHERE caller = $1 AND key_hash = $2 AND begun_at = $3 AND status IS NULL";
            let params: Params<'_> = &[caller, &hash.as_slice(), &since.0, &FREE.0];
            c.execute(operation, sql, params).await?;
        }
        FreeKeys::OfNode(_) | FreeKeys::Expired if !principal.is_server_admin() => {
            return Ok(rules::not_the_server());
        }
        FreeKeys::Expired => delete_expired(c, now(c).await?, EXPIRED_PER_ROUND).await?,
        FreeKeys::OfNode(node) => {
            let sql = "UPDATE idempotency SET begun_at = $2 WHERE node = $1 AND status IS NULL";
            c.execute(operation, sql, &[node, &FREE.0]).await?;
        }
    }
    Ok(Ok(Written::Done))
}

/// Deletes so many keys whose time is over at most, of those that nobody else is at.
async fn delete_expired(c: &Connection, now: Timestamp, most: u32) -> Result<(), Error> {
    let sql = "DELETE FROM idempotency WHERE (caller, key_hash) IN (
             SELECT caller, key_hash FROM idempotency WHERE expires_at <= $1
             ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)";
    let params: Params<'_> = &[&now.0, &i64::from(most)];
    c.execute("delete keys whose time is over", sql, params).await?;
    Ok(())
}
