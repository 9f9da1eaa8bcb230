-- Who may do what: grants, tokens with names, when keys and tokens were last used, the audit.

-- What a user may do in a project. Users there are could do in their own what operators do.
CREATE TABLE user_grant (
    user    TEXT    NOT NULL REFERENCES user_account (name),
    project INTEGER NOT NULL REFERENCES project (key),
    role    TEXT    NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    PRIMARY KEY (user, project)
) STRICT, WITHOUT ROWID;

CREATE INDEX user_grant_by_project ON user_grant (project);

INSERT INTO user_grant (user, project, role)
SELECT name, project, 'operator' FROM user_account ORDER BY name;

-- `id` is what a token is spoken of by: it opens nothing. `name` is null for one that was got by
-- signing in.
ALTER TABLE token ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE token ADD COLUMN name TEXT;
ALTER TABLE token ADD COLUMN last_used_at INTEGER;
UPDATE token SET id = lower(hex(substr(hash, 1, 8)));
CREATE UNIQUE INDEX token_by_id ON token (id);

ALTER TABLE access_key ADD COLUMN last_used_at INTEGER;

-- Every administrative act, written with what it did. `project` is null for what is the whole
-- server's; it may be the key of one that is deleted. `detail` is JSON.
CREATE TABLE audit (
    seq     INTEGER NOT NULL PRIMARY KEY,
    at      INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    project INTEGER,
    action  TEXT    NOT NULL,
    target  TEXT    NOT NULL,
    detail  TEXT    NOT NULL
) STRICT;

-- Lists are ordered by seq, which each of these carries as its last column.
CREATE INDEX audit_by_project ON audit (project);
CREATE INDEX audit_by_actor   ON audit (actor);
CREATE INDEX audit_by_action  ON audit (action);
