-- Where what happens is delivered. `project` null: what happens on the whole server. `filter` is
-- JSON: which events. `position` is the place in the feed up to which it has been told, as a resume
-- token. The rest says how deliveries went.
CREATE TABLE webhook (
    id              TEXT    NOT NULL PRIMARY KEY,
    project         INTEGER REFERENCES project (key),
    url             TEXT    NOT NULL,
    filter          TEXT    NOT NULL,
    sealed_secret   BLOB    NOT NULL,
    enabled         INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    position        TEXT    NOT NULL,
    last_success_at INTEGER,
    last_failure_at INTEGER,
    last_failure    TEXT,
    failures        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER,
    created_at      INTEGER NOT NULL,
    created_by      TEXT    NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_by_project ON webhook (project);
