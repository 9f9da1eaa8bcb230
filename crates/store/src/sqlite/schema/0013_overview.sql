-- How many devices there are and how they do, counted once in a while; and the jobs that failed.

-- The newest counts of each project, and under 0 those of the whole server, which are written with
-- any of the others. `counts` is JSON.
CREATE TABLE fleet_count (
    project INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    counts  TEXT    NOT NULL
) STRICT;

-- What they were, a row each ten minutes for two days.
CREATE TABLE fleet_sample (
    project INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    counts  TEXT    NOT NULL,
    PRIMARY KEY (project, at)
) STRICT, WITHOUT ROWID;

CREATE INDEX fleet_sample_by_time ON fleet_sample (at);

-- The newest jobs that failed, of a project and of all. A job that has not failed is in neither,
-- and for it no more is done than to see that `failure` is null.
CREATE INDEX job_failed ON job (project, id) WHERE failure IS NOT NULL;
CREATE INDEX job_failed_newest ON job (id) WHERE failure IS NOT NULL;
