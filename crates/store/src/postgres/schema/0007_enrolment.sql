-- Projects that cameras may enrol in, and the cameras that wait there to be accepted: the tables of
-- the SQLite schema.

-- At most one a project, none where it is closed. `prefixes` is a JSON list; `actor` set it last,
-- at `set_at`.
CREATE TABLE enrolment (
    project         bigint PRIMARY KEY REFERENCES project (key),
    sealed_password bytea NOT NULL,
    prefixes        text COLLATE "C" NOT NULL,
    ends_at         bigint NOT NULL,
    actor           text COLLATE "C" NOT NULL,
    set_at          bigint NOT NULL
);

-- `address` is where it last came from, host and port. `rejected_at` is null for those that wait;
-- one that was rejected is kept so that it does not come again at once. Room is left in each page:
-- those that come again are written anew.
CREATE TABLE pending_device (
    project     bigint NOT NULL REFERENCES enrolment (project),
    id          text COLLATE "C" NOT NULL,
    first_seen  bigint NOT NULL,
    last_seen   bigint NOT NULL,
    address     text COLLATE "C" NOT NULL,
    transport   text COLLATE "C" NOT NULL,
    user_agent  text COLLATE "C",
    rejected_at bigint,
    PRIMARY KEY (project, id)
) WITH (fillfactor = 70);
