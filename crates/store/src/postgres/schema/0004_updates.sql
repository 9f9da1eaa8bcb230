-- What there was before a job, the jobs of one device, and updates that go out in waves: the tables
-- of the SQLite schema.

-- JSON by property: what was desired or on record and what was shown. Null for nothing, as of every
-- job from before this was kept.
ALTER TABLE job ADD COLUMN before text COLLATE "C";
CREATE INDEX job_by_device ON job (device, revision);

-- `version` counts the changes: whoever changes a row names the one that was read.
CREATE TABLE rollout (
    id         bytea PRIMARY KEY,
    project    bigint NOT NULL,
    kind       text COLLATE "C" NOT NULL,
    operation  bigint,
    phase      text COLLATE "C" NOT NULL,
    why        text COLLATE "C",
    total      bigint NOT NULL,
    next       bigint NOT NULL,
    wave       bigint NOT NULL,
    next_at    bigint,
    actor      text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    ended_at   bigint,
    version    bigint NOT NULL,
    patch      text COLLATE "C" NOT NULL,
    plan       text COLLATE "C" NOT NULL,
    source     text COLLATE "C" NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX rollout_by_project ON rollout (project, id);
CREATE INDEX rollout_open ON rollout (project) WHERE ended_at IS NULL;

CREATE TABLE rollout_wave (
    rollout  bytea NOT NULL REFERENCES rollout (id),
    number   bigint NOT NULL,
    request  bytea NOT NULL UNIQUE,
    first    bigint NOT NULL,
    count    bigint NOT NULL,
    accepted bigint NOT NULL,
    refused  bigint NOT NULL,
    begun_at bigint NOT NULL,
    ended_at bigint,
    PRIMARY KEY (rollout, number)
);

-- No reference to `device`, which may be deleted before its wave begins.
CREATE TABLE rollout_device (
    rollout   bytea NOT NULL REFERENCES rollout (id),
    position  bigint NOT NULL,
    device    bigint NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    patch     text COLLATE "C",
    refusal   text COLLATE "C",
    PRIMARY KEY (rollout, position)
);
CREATE INDEX rollout_device_refused ON rollout_device (rollout, position)
    WHERE refusal IS NOT NULL;
