-- How many devices there are and how they do, counted once in a while, and the jobs that failed:
-- the tables of the SQLite schema.

-- The newest counts of each project, and under 0 those of the whole server. `counts` is JSON. Room
-- is left in each page: a row is written anew each time.
CREATE TABLE fleet_count (
    project bigint PRIMARY KEY,
    at      bigint NOT NULL,
    counts  text COLLATE "C" NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE fleet_sample (
    project bigint NOT NULL,
    at      bigint NOT NULL,
    counts  text COLLATE "C" NOT NULL,
    PRIMARY KEY (project, at)
);
CREATE INDEX fleet_sample_by_time ON fleet_sample (at);

-- The newest jobs that failed, of a project and of all. Neither `state` nor `ended_at` may be in an
-- index, not as a term either: each job that ends would be put into all indexes anew, where it is a
-- heap-only update as long as it has not failed and `failure` stays null.
CREATE INDEX job_failed ON job (project, id) WHERE failure IS NOT NULL;
CREATE INDEX job_failed_newest ON job (id) WHERE failure IS NOT NULL;
