-- Several nodes on one store: sessions, who a GB device is registered with, and the feed of what
-- was committed. The columns are those of the schema for PostgreSQL, so that a store can be copied.

-- Made anew: the sessions that were there are of processes that have ended. Epochs go on.
CREATE TABLE shard_epoch AS SELECT shard, epoch FROM shard;
DROP TABLE shard;
DROP TABLE session;

-- The nodes, those that run and those that did. `expires_at` null: it does not run out. `roles` is
-- words with blanks between, `report` JSON. A node that comes back on the same data directory has
-- the same row. AUTOINCREMENT: bindings speak of a session by its key after it is gone.
CREATE TABLE session (
    key        INTEGER PRIMARY KEY AUTOINCREMENT,
    node       TEXT    NOT NULL,
    directory  TEXT    NOT NULL,
    roles      TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    http       TEXT    NOT NULL,
    sip        TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    renewed_at INTEGER NOT NULL,
    expires_at INTEGER,
    report     TEXT    NOT NULL DEFAULT '{}',
    UNIQUE (node, directory)
) STRICT;

-- Who owns a shard and under which fencing token. `quiet_until`: nothing is done on its devices
-- before, for what a dead owner had begun may still be going on.
CREATE TABLE shard (
    shard       INTEGER PRIMARY KEY CHECK (shard BETWEEN 0 AND 255),
    epoch       INTEGER NOT NULL,
    owner       INTEGER REFERENCES session (key),
    quiet_until INTEGER
) STRICT;

INSERT INTO shard (shard, epoch)
WITH RECURSIVE number (shard) AS (
    SELECT 0 UNION ALL SELECT shard + 1 FROM number WHERE shard < 255
)
SELECT n.shard, coalesce(e.epoch, 0)
FROM number AS n LEFT JOIN shard_epoch AS e ON e.shard = n.shard;
DROP TABLE shard_epoch;

-- Whom the device is registered with: a session's key, null where it was written before there were
-- any. No reference, for the same reason as there is none to `device`.
ALTER TABLE binding ADD COLUMN session INTEGER;

-- One row a commit: what it changed, as JSON. Numbers are without gaps: the next one is one above
-- the highest there is, and the row with the highest is never deleted, so that none is given twice
-- without a table of its own to keep count, which every commit would write to.
CREATE TABLE event (
    seq     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    session INTEGER,
    changes TEXT    NOT NULL
) STRICT;
