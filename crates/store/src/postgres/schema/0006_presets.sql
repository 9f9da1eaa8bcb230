-- Named values of a project, in which names stand for what each device has of its own: the table of
-- the SQLite schema.

-- `templates` is JSON: a text for each property. `version` counts how often it was set.
CREATE TABLE preset (
    project     bigint NOT NULL REFERENCES project (key),
    name        text COLLATE "C" NOT NULL,
    kind        text COLLATE "C" NOT NULL,
    description text COLLATE "C" NOT NULL,
    created_at  bigint NOT NULL,
    updated_at  bigint NOT NULL,
    version     bigint NOT NULL,
    templates   text COLLATE "C" NOT NULL,
    PRIMARY KEY (project, name)
);
