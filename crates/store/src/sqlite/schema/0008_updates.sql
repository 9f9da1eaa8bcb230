-- What there was before a job, the jobs of one device, and updates that go out in waves.

-- JSON by property: what was desired or on record and what was shown. Null for nothing, as of every
-- job from before this was kept.
ALTER TABLE job ADD COLUMN before TEXT;

CREATE INDEX job_by_device ON job (device, revision);

-- An update that goes out in waves. No reference to `project`, which may be deleted: jobs stay, and
-- so do these. `operation` as in `job`; `patch`, `plan` and `source` are JSON. `version` counts the
-- changes: whoever changes a row names the one that was read.
CREATE TABLE rollout (
    id         BLOB    NOT NULL PRIMARY KEY,
    project    INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    operation  INTEGER,
    phase      TEXT    NOT NULL,
    why        TEXT,
    total      INTEGER NOT NULL,
    next       INTEGER NOT NULL,
    wave       INTEGER NOT NULL,
    next_at    INTEGER,
    actor      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at   INTEGER,
    version    INTEGER NOT NULL,
    patch      TEXT    NOT NULL,
    plan       TEXT    NOT NULL,
    source     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX rollout_by_project ON rollout (project, id);
-- Only those that are not over: they are read twice a second.
CREATE INDEX rollout_open ON rollout (project) WHERE ended_at IS NULL;

-- The waves that have begun. UNIQUE: a list of updates asks of each request whether it is a wave.
CREATE TABLE rollout_wave (
    rollout  BLOB    NOT NULL REFERENCES rollout (id),
    number   INTEGER NOT NULL,
    request  BLOB    NOT NULL UNIQUE,
    first    INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    refused  INTEGER NOT NULL,
    begun_at INTEGER NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (rollout, number)
) STRICT, WITHOUT ROWID;

-- The devices, in the order in which they begin. No reference to `device`, which may be deleted
-- before its wave begins. `patch` null: the rollout's. `refusal` null: not refused.
CREATE TABLE rollout_device (
    rollout   BLOB    NOT NULL REFERENCES rollout (id),
    position  INTEGER NOT NULL,
    device    INTEGER NOT NULL,
    device_id TEXT    NOT NULL,
    patch     TEXT,
    refusal   TEXT,
    PRIMARY KEY (rollout, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX rollout_device_refused ON rollout_device (rollout, position)
    WHERE refusal IS NOT NULL;
