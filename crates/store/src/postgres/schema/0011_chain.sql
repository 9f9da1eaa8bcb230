-- The jobs of a device as a chain instead of an index over them: a job names the one before it, and
-- the state row the newest. A walk looks each up by its id.

ALTER TABLE device_state ADD COLUMN newest_job bytea;
UPDATE device_state AS s SET newest_job = n.id
FROM (SELECT DISTINCT ON (device) device, id FROM job ORDER BY device, revision DESC) AS n
WHERE n.device = s.device;

-- Of a device that is gone, the newest of the jobs that it has left.
ALTER TABLE deleted_device ADD COLUMN newest_job bytea;
UPDATE deleted_device AS d SET newest_job = n.id
FROM (SELECT DISTINCT ON (device) device, id FROM job ORDER BY device, revision DESC) AS n
WHERE n.device = d.key;

-- First, so that the rows that are written anew need no entry in it.
DROP INDEX job_by_device;

-- The job of the same device that was accepted before; null for its first. It may name one that is
-- not kept any more.
ALTER TABLE job ADD COLUMN previous bytea;
UPDATE job AS j SET previous = c.previous
FROM (SELECT id, lag(id) OVER (PARTITION BY device ORDER BY revision) AS previous FROM job) AS c
WHERE c.id = j.id AND c.previous IS NOT NULL;
