-- Who may do what: grants, tokens with names, when keys and tokens were last used, the audit.

-- What a user may do in a project. Users there are could do in their own what operators do.
CREATE TABLE user_grant (
    "user"  text COLLATE "C" NOT NULL REFERENCES user_account (name),
    project bigint NOT NULL REFERENCES project (key),
    role    text COLLATE "C" NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    PRIMARY KEY ("user", project)
);
CREATE INDEX user_grant_by_project ON user_grant (project);

INSERT INTO user_grant ("user", project, role)
SELECT name, project, 'operator' FROM user_account;

-- `id` is what a token is spoken of by: it opens nothing. `name` is null for one that was got by
-- signing in.
ALTER TABLE token ADD COLUMN id text COLLATE "C";
ALTER TABLE token ADD COLUMN name text COLLATE "C";
ALTER TABLE token ADD COLUMN last_used_at bigint;
UPDATE token SET id = encode(substring(hash FROM 1 FOR 8), 'hex');
ALTER TABLE token ALTER COLUMN id SET NOT NULL;
CREATE UNIQUE INDEX token_by_id ON token (id);

ALTER TABLE access_key ADD COLUMN last_used_at bigint;

-- Every administrative act, written with what it did. `project` is null for what is the whole
-- server's; it may be the key of one that is deleted. `detail` is JSON.
CREATE TABLE audit (
    seq     bigint NOT NULL PRIMARY KEY,
    at      bigint NOT NULL,
    actor   text COLLATE "C" NOT NULL,
    project bigint,
    action  text COLLATE "C" NOT NULL,
    target  text COLLATE "C" NOT NULL,
    detail  text COLLATE "C" NOT NULL
);
CREATE INDEX audit_by_project ON audit (project, seq);
CREATE INDEX audit_by_actor   ON audit (actor, seq);
CREATE INDEX audit_by_action  ON audit (action, seq);
