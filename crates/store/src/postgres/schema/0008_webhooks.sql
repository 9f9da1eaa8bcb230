-- Where what happens is delivered: the table of the SQLite schema. `project` null: what happens on
-- the whole server.
CREATE TABLE webhook (
    id              text COLLATE "C" PRIMARY KEY,
    project         bigint REFERENCES project (key),
    url             text COLLATE "C" NOT NULL,
    filter          text COLLATE "C" NOT NULL,
    sealed_secret   bytea NOT NULL,
    enabled         boolean NOT NULL,
    position        text COLLATE "C" NOT NULL,
    last_success_at bigint,
    last_failure_at bigint,
    last_failure    text COLLATE "C",
    failures        bigint NOT NULL DEFAULT 0,
    next_attempt_at bigint,
    created_at      bigint NOT NULL,
    created_by      text COLLATE "C" NOT NULL,
    updated_at      bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX webhook_by_project ON webhook (project);
