-- Named values of a project, in which names stand for what each device has of its own.

-- `templates` is JSON: a text for each property. `version` counts how often it was set.
CREATE TABLE preset (
    project     INTEGER NOT NULL REFERENCES project (key),
    name        TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    templates   TEXT    NOT NULL,
    PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;
