-- Projects that cameras may enrol in, and the cameras that wait there to be accepted.

-- At most one a project, none where it is closed. `prefixes` is a JSON list; `actor` set it last,
-- at `set_at`.
CREATE TABLE enrolment (
    project         INTEGER PRIMARY KEY REFERENCES project (key),
    sealed_password BLOB    NOT NULL,
    prefixes        TEXT    NOT NULL,
    ends_at         INTEGER NOT NULL,
    actor           TEXT    NOT NULL,
    set_at          INTEGER NOT NULL
) STRICT;

-- `address` is where it last came from, host and port. `rejected_at` is null for those that wait;
-- one that was rejected is kept so that it does not come again at once.
CREATE TABLE pending_device (
    project     INTEGER NOT NULL REFERENCES enrolment (project),
    id          TEXT    NOT NULL,
    first_seen  INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,
    address     TEXT    NOT NULL,
    transport   TEXT    NOT NULL,
    user_agent  TEXT,
    rejected_at INTEGER,
    PRIMARY KEY (project, id)
) STRICT, WITHOUT ROWID;
