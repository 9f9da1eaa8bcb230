-- Which start of its process a session is of, so that two that run on copies of one data directory
-- are told apart.
ALTER TABLE session ADD COLUMN instance text COLLATE "C" NOT NULL DEFAULT '';

-- Nothing looks events up by their time.
DROP INDEX event_by_time;
