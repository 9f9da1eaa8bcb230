-- Times are milliseconds since 1970-01-01T00:00:00Z. STRICT: a value of the wrong type is an error
-- at the write, not a surprise at the read.

CREATE TABLE project (
    key        INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Asked by `ak` on every signed call, before there is a principal.
CREATE TABLE access_key (
    ak            TEXT    NOT NULL PRIMARY KEY,
    project       INTEGER NOT NULL REFERENCES project (key),
    sealed_secret BLOB    NOT NULL,
    created_at    INTEGER NOT NULL,
    revoked_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX access_key_by_project ON access_key (project);

-- What operators say of a device. AUTOINCREMENT: lanes and jobs speak of a device by its key, so a
-- key is never given twice. UNIQUE starts with the id, so that one index finds a device by its id
-- with the project and without.
CREATE TABLE device (
    key        INTEGER PRIMARY KEY AUTOINCREMENT,
    project    INTEGER NOT NULL REFERENCES project (key),
    kind       TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    server     TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    profile    TEXT    NOT NULL,
    marker     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (id, project)
) STRICT;

-- Lists are ordered by key, which both of these carry as their last column.
CREATE INDEX device_by_project ON device (project);
CREATE INDEX device_by_server  ON device (server);

-- What changes with every update and every result, apart from the record so that the row is short.
-- Accepting reads one row of this table and nothing else: `project` is repeated here for that.
-- `open_jobs` is the ids of the device's open jobs, 16 bytes each, oldest first. The list is what
-- makes a job open, and it spares `job` an index that every insert and every end would have to keep.
-- The two long columns stand last, so that a look at the others does not read their overflow pages.
CREATE TABLE device_state (
    device    INTEGER PRIMARY KEY REFERENCES device (key),
    project   INTEGER NOT NULL,
    has_work  INTEGER NOT NULL CHECK (has_work IN (0, 1)),
    revision  INTEGER NOT NULL,
    settled   INTEGER NOT NULL CHECK (settled <= revision),
    condition TEXT    NOT NULL,
    adopted   INTEGER NOT NULL CHECK (adopted IN (0, 1)),
    since     INTEGER NOT NULL,
    open_jobs BLOB    NOT NULL,
    trouble   TEXT,
    boot      TEXT,
    desired   TEXT    NOT NULL,
    reported  TEXT    NOT NULL
) STRICT;

-- Only the devices with work, so that a start and a rescan read no others. `has_work` is a column
-- of its own because SQLite rewrites an index entry whenever an UPDATE names a column that the
-- index depends on: an update of a device that has work already does not name it.
CREATE INDEX device_state_with_work ON device_state (device) WHERE has_work = 1;

-- Keyed by the job's id: big-endian, so the jobs of one request are one range in their order, and
-- ids grow with time, so rows are appended. WITHOUT ROWID: one tree to write, not two.
-- No reference to `device`: the row that was read to make the job proves that the device exists,
-- and the check would cost a look-up for each job.
-- state: 0 open, 1 verified, 2 acknowledged, 3 failed. While it is 0, `ended_at`, `finisher_epoch`
-- (the fencing token under which the job was ended) and `superseded_by` are null; `failure` is set
-- for 3 alone, so that a job that succeeds hardly grows and its page need not be split.
CREATE TABLE job (
    id             BLOB    NOT NULL PRIMARY KEY,
    device         INTEGER NOT NULL,
    project        INTEGER NOT NULL,
    revision       INTEGER NOT NULL,
    state          INTEGER NOT NULL,
    stored         INTEGER NOT NULL,
    door           TEXT    NOT NULL,
    actor          TEXT    NOT NULL,
    accepted_at    INTEGER NOT NULL,
    ended_at       INTEGER,
    finisher_epoch INTEGER,
    superseded_by  BLOB,
    failure        TEXT,
    patch          TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- A running server. One row for SQLite, where the lock on the data directory is the lease and so
-- nothing expires.
CREATE TABLE session (
    key        INTEGER PRIMARY KEY,
    node       TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;

-- Who owns a shard and under which fencing token.
CREATE TABLE shard (
    shard INTEGER PRIMARY KEY CHECK (shard BETWEEN 0 AND 255),
    epoch INTEGER NOT NULL,
    owner INTEGER REFERENCES session (key)
) STRICT;
