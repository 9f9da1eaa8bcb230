//! Keys by which a call that is sent twice has one effect.

use fleet::limits::IDEMPOTENCY_KEYS_PER_PART_MAX;
use fleet::{Principal, Timestamp};
use rusqlite::{Connection, params};

use crate::columns::to_json;
use crate::rows::idempotency::{KEY_COLUMNS, stored};
use crate::rules::idempotency::{self as rules, FREE};
pub(super) use crate::rules::idempotency::{EXPIRED_PER_KEY, EXPIRED_PER_ROUND};
use crate::sqlite::queries::{count, first};
use crate::sqlite::rows::During;
use crate::sqlite::terms::Terms;
use crate::write::{CallKey, FreeKeys, KeepAnswer, RenewKey, Reservation, ReserveKey};
use crate::{Error, Refused, Written};

/// Reserves a key, or says what has become of its call.
pub(super) fn reserve_key(
    connection: &Connection,
    terms: &Terms,
    asked: &ReserveKey,
) -> Result<Written, Error> {
    let now = terms.now.read(connection)?;
    delete_expired(connection, now, EXPIRED_PER_KEY)?;
    let CallKey { caller, hash } = &asked.key;
    let sql = format!("SELECT {KEY_COLUMNS} FROM idempotency WHERE caller = ?1 AND key_hash = ?2");
    let found = first(connection, "find a key", &sql, params![caller, hash], |row| stored(row))?;
    let reservation = match found {
        Some(stored) => rules::judge(stored, asked, now),
        None if is_full(connection, &asked.key)? => Reservation::TooMany,
        None => Reservation::New { since: now },
    };
    match &reservation {
        Reservation::New { since } => insert(connection, asked, *since)?,
        Reservation::TakenOver { since, .. } => {
            connection
                .prepare_cached(
                    "UPDATE idempotency SET begun_at = ?3, node = ?4
                     WHERE caller = ?1 AND key_hash = ?2",
                )
                .and_then(|mut update| update.execute(params![caller, hash, since.0, asked.node]))
                .during("take a key over")?;
        }
        Reservation::InProgress
        | Reservation::Answered(_)
        | Reservation::Reused
        | Reservation::TooMany => {}
    }
    Ok(Written::Reserved(reservation))
}

/// Whether the caller has as many keys as may be in the part that this one falls in.
fn is_full(connection: &Connection, key: &CallKey) -> Result<bool, Error> {
    let (low, high) = rules::part(&key.hash);
    let sql = "SELECT count(*) FROM idempotency
         WHERE caller = ?1 AND key_hash BETWEEN ?2 AND ?3";
    let kept = count(connection, "count a caller's keys", sql, params![key.caller, low, high])?;
    Ok(kept >= IDEMPOTENCY_KEYS_PER_PART_MAX)
}

/// Records a key, in the place of one whose time is over.
fn insert(connection: &Connection, asked: &ReserveKey, at: Timestamp) -> Result<(), Error> {
    let ReserveKey { key, fingerprint, request, node, kept_for, .. } = asked;
    let CallKey { caller, hash } = key;
    let (request, end) = (request.to_bytes(), at.plus(*kept_for));
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO idempotency (caller, key_hash, fingerprint, request, node,
                 begun_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .and_then(|mut insert| {
            insert.execute(params![caller, hash, fingerprint, request, node, at.0, end.0])
        })
        .during("reserve a key")?;
    Ok(())
}

/// Moves on the time since which a key is reserved, if it still is for the call that says so.
pub(super) fn renew_key(
    connection: &Connection,
    terms: &Terms,
    renew: &RenewKey,
) -> Result<Written, Error> {
    let RenewKey { key: CallKey { caller, hash }, since } = renew;
    let now = terms.now.read(connection)?;
    let renewed = connection
        .prepare_cached(
            "UPDATE idempotency SET begun_at = ?4
             WHERE caller = ?1 AND key_hash = ?2 AND begun_at = ?3 AND status IS NULL",
        )
        .and_then(|mut update| update.execute(params![caller, hash, since.0, now.0]))
        .during("renew a key")?;
    Ok(rules::renewed(renewed > 0, now))
}

/// Keeps the answer to a call.
pub(super) fn keep_answer(connection: &Connection, keep: &KeepAnswer) -> Result<Written, Error> {
    let KeepAnswer { key: CallKey { caller, hash }, since, answer } = keep;
    let headers = to_json(&answer.headers)?;
    connection
        .prepare_cached(
            "UPDATE idempotency SET status = ?4, headers = ?5, body = ?6
             WHERE caller = ?1 AND key_hash = ?2 AND begun_at = ?3 AND status IS NULL",
        )
        .and_then(|mut update| {
            update.execute(params![caller, hash, since.0, answer.status, headers, answer.body])
        })
        .during("keep an answer")?;
    Ok(Written::Done)
}

/// Lets go of keys. All of a node's and those whose time is over are the engine's to let go.
pub(super) fn free_keys(
    connection: &Connection,
    terms: &Terms,
    principal: &Principal,
    free: &FreeKeys,
) -> Result<Result<Written, Refused>, Error> {
    let freed = match free {
        FreeKeys::One { key: CallKey { caller, hash }, since } => connection
            .prepare_cached(
                "UPDATE idempotency SET begun_at = ?4
                 WHERE caller = ?1 AND key_hash = ?2 AND begun_at = ?3 AND status IS NULL",
            )
            .and_then(|mut update| update.execute(params![caller, hash, since.0, FREE.0])),
        FreeKeys::OfNode(_) | FreeKeys::Expired if !principal.is_server_admin() => {
            return Ok(rules::not_the_server());
        }
        FreeKeys::Expired => {
            delete_expired(connection, terms.now.read(connection)?, EXPIRED_PER_ROUND)?;
            return Ok(Ok(Written::Done));
        }
        FreeKeys::OfNode(node) => connection
            .prepare_cached(
                "UPDATE idempotency SET begun_at = ?2 WHERE node = ?1 AND status IS NULL",
            )
            .and_then(|mut update| update.execute(params![node, FREE.0])),
    };
    freed.during("let go of keys")?;
    Ok(Ok(Written::Done))
}

/// Deletes so many keys whose time is over at most.
fn delete_expired(connection: &Connection, now: Timestamp, most: u32) -> Result<(), Error> {
    connection
        .prepare_cached(
            "DELETE FROM idempotency WHERE rowid IN (
                 SELECT rowid FROM idempotency WHERE expires_at <= ?1
                 ORDER BY expires_at LIMIT ?2)",
        )
        .and_then(|mut delete| delete.execute(params![now.0, most]))
        .during("delete keys whose time is over")?;
    Ok(())
}
