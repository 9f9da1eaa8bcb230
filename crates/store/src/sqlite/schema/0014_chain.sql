-- The jobs of a device as a chain instead of an index over them: a job names the one before it, and
-- the state row the newest. A walk looks each up by its id.

-- Both are made anew, so that the new column stands before the long ones. What was before a job is
-- looked up along the index, row by row: to sort the jobs of many years takes memory.
CREATE TABLE device_state_new (
    device          INTEGER PRIMARY KEY REFERENCES device (key),
    project         INTEGER NOT NULL,
    has_work        INTEGER NOT NULL CHECK (has_work IN (0, 1)),
    revision        INTEGER NOT NULL,
    settled         INTEGER NOT NULL CHECK (settled <= revision),
    condition       TEXT    NOT NULL,
    adopted         INTEGER NOT NULL CHECK (adopted IN (0, 1)),
    frozen          INTEGER NOT NULL DEFAULT 0 CHECK (frozen IN (0, 1)),
    since           INTEGER NOT NULL,
    newest_job      BLOB,
    open_jobs       BLOB    NOT NULL,
    copy            INTEGER,
    trouble         TEXT,
    boot            TEXT,
    adoption        TEXT,
    power           TEXT,
    restart_pending TEXT,
    desired         TEXT    NOT NULL,
    reported        TEXT    NOT NULL
) STRICT;

INSERT INTO device_state_new (device, project, has_work, revision, settled, condition, adopted,
    frozen, since, newest_job, open_jobs, copy, trouble, boot, adoption, power, restart_pending,
    desired, reported)
SELECT device, project, has_work, revision, settled, condition, adopted, frozen, since,
    (SELECT j.id FROM job AS j WHERE j.device = s.device ORDER BY j.revision DESC LIMIT 1),
    open_jobs, copy, trouble, boot, adoption, power, restart_pending, desired, reported
FROM device_state AS s ORDER BY s.device;

DROP TABLE device_state;
ALTER TABLE device_state_new RENAME TO device_state;
CREATE INDEX device_state_with_work ON device_state (device) WHERE has_work = 1;

-- Of a device that is gone, the newest of the jobs that it has left.
ALTER TABLE deleted_device ADD COLUMN newest_job BLOB;
UPDATE deleted_device SET newest_job =
    (SELECT j.id FROM job AS j WHERE j.device = key ORDER BY j.revision DESC LIMIT 1);

-- `previous`: the job of the same device that was accepted before; null for its first. It may name
-- one that is not kept any more.
CREATE TABLE job_new (
    id             BLOB    NOT NULL PRIMARY KEY,
    device         INTEGER NOT NULL,
    project        INTEGER NOT NULL,
    revision       INTEGER NOT NULL,
    previous       BLOB,
    state          INTEGER NOT NULL,
    stored         INTEGER NOT NULL,
    door           TEXT    NOT NULL,
    actor          TEXT    NOT NULL,
    accepted_at    INTEGER NOT NULL,
    ended_at       INTEGER,
    finisher_epoch INTEGER,
    superseded_by  BLOB,
    failure        TEXT,
    patch          TEXT    NOT NULL,
    operation      INTEGER,
    record         TEXT,
    before         TEXT
) STRICT, WITHOUT ROWID;

INSERT INTO job_new (id, device, project, revision, previous, state, stored, door, actor,
    accepted_at, ended_at, finisher_epoch, superseded_by, failure, patch, operation, record, before)
SELECT id, device, project, revision,
    (SELECT b.id FROM job AS b WHERE b.device = j.device AND b.revision < j.revision
     ORDER BY b.revision DESC LIMIT 1),
    state, stored, door, actor, accepted_at, ended_at, finisher_epoch, superseded_by, failure,
    patch, operation, record, before
FROM job AS j ORDER BY j.id;

DROP TABLE job;
ALTER TABLE job_new RENAME TO job;
CREATE INDEX job_failed ON job (project, id) WHERE failure IS NOT NULL;
CREATE INDEX job_failed_newest ON job (id) WHERE failure IS NOT NULL;
