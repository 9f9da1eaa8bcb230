//! Who owns the shards: each start takes all of them under a higher fencing token.

use fleet::{Epoch, Timestamp};
use rusqlite::{Connection, params};

/// Takes every shard for a session that begins at `now`, in one transaction, and gives the new
/// epoch: higher than any before it. What an earlier session still holds can't be written any more.
pub(super) fn take_shards(
    connection: &Connection,
    now: Timestamp,
) -> Result<Epoch, rusqlite::Error> {
    let transaction = connection.unchecked_transaction()?;
    transaction
        .execute("INSERT INTO session (node, started_at) VALUES ('local', ?1)", params![now.0])?;
    let session = transaction.last_insert_rowid();
    let epoch: i64 =
        transaction
            .query_row("SELECT coalesce(max(epoch), 0) + 1 FROM shard", [], |row| row.get(0))?;
    transaction.execute(
        "WITH RECURSIVE number (shard) AS (
             SELECT 0 UNION ALL SELECT shard + 1 FROM number WHERE shard + 1 < ?3
         )
         INSERT INTO shard (shard, epoch, owner) SELECT shard, ?1, ?2 FROM number WHERE true
         ON CONFLICT (shard) DO UPDATE SET epoch = excluded.epoch, owner = excluded.owner",
        params![epoch, session, fleet::id::SHARDS],
    )?;
    transaction.execute("DELETE FROM session WHERE key <> ?1", params![session])?;
    transaction.commit()?;
    Ok(Epoch(epoch))
}
