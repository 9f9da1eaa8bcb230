-- What operators do: settings, power, adoption, users and tokens, servers with names, tags.

-- The settings as JSON, whose every field is optional: a setting more needs no step here.
ALTER TABLE project ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

ALTER TABLE device ADD COLUMN container TEXT NOT NULL DEFAULT '';

-- A marker that was met on a phone leads to its device, an address to the devices said to be there
-- (with the project in the index: without it SQLite would rather walk the whole project by key).
CREATE INDEX device_by_marker  ON device (marker);
CREATE INDEX device_by_address ON device (address, project);
-- A name is given once in a project; a server's devices are counted.
CREATE INDEX device_by_name    ON device (project, name);
CREATE INDEX device_by_place   ON device (project, server);

-- Made anew, so that the new columns stand before the two long ones. Those that are rarely set are
-- null until then and take one byte each. `adoption`, `power` and `restart_pending` are JSON;
-- `copy` is the key of another device.
CREATE TABLE device_state_new (
    device          INTEGER PRIMARY KEY REFERENCES device (key),
    project         INTEGER NOT NULL,
    has_work        INTEGER NOT NULL CHECK (has_work IN (0, 1)),
    revision        INTEGER NOT NULL,
    settled         INTEGER NOT NULL CHECK (settled <= revision),
    condition       TEXT    NOT NULL,
    adopted         INTEGER NOT NULL CHECK (adopted IN (0, 1)),
    frozen          INTEGER NOT NULL DEFAULT 0 CHECK (frozen IN (0, 1)),
    since           INTEGER NOT NULL,
    open_jobs       BLOB    NOT NULL,
    copy            INTEGER,
    trouble         TEXT,
    boot            TEXT,
    adoption        TEXT,
    power           TEXT,
    restart_pending TEXT,
    desired         TEXT    NOT NULL,
    reported        TEXT    NOT NULL
) STRICT;

INSERT INTO device_state_new (device, project, has_work, revision, settled, condition, adopted,
    since, open_jobs, trouble, boot, desired, reported)
SELECT device, project, has_work, revision, settled, condition, adopted,
    since, open_jobs, trouble, boot, desired, reported
FROM device_state ORDER BY device;

DROP TABLE device_state;
ALTER TABLE device_state_new RENAME TO device_state;
CREATE INDEX device_state_with_work ON device_state (device) WHERE has_work = 1;

-- What a device said of itself, as JSON. Changes once a boot at most, so it stands apart from the
-- state, whose row is written anew with every update and every result. No row: it said nothing.
CREATE TABLE device_facts (
    device INTEGER PRIMARY KEY REFERENCES device (key),
    facts  TEXT    NOT NULL
) STRICT;

-- What a job asks besides values: null for nothing, 1 restart, 2 reset, 3 stop. At the end, which
-- spares a rewrite of all jobs: a job is never read without its patch. `state` has a word more:
-- 4 recorded (nothing on this make of device reads the values).
ALTER TABLE job ADD COLUMN operation INTEGER;

-- The hosts that devices' records name or have named. Shown while a record names them.
CREATE TABLE server (
    project    INTEGER NOT NULL REFERENCES project (key),
    id         TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (project, id)
) STRICT, WITHOUT ROWID;

INSERT INTO server (project, id, name, created_at, updated_at)
SELECT project, server, server, min(created_at), min(created_at)
FROM device WHERE server <> '' GROUP BY project, server;

-- kind: 0 devices, 1 servers. `thing` is the id of either within its project.
CREATE TABLE tag (
    project INTEGER NOT NULL REFERENCES project (key),
    kind    INTEGER NOT NULL CHECK (kind IN (0, 1)),
    thing   TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    value   TEXT    NOT NULL,
    PRIMARY KEY (project, kind, thing, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX tag_by_key ON tag (project, kind, key, value);

-- Who may sign in, each for one project.
CREATE TABLE user_account (
    name          TEXT    NOT NULL PRIMARY KEY,
    project       INTEGER NOT NULL REFERENCES project (key),
    password_hash TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    disabled_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX user_account_by_project ON user_account (project);

-- Tokens, as their SHA-256: what is read from here opens nothing.
CREATE TABLE token (
    hash       BLOB    NOT NULL PRIMARY KEY,
    user       TEXT    NOT NULL REFERENCES user_account (name),
    issued_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX token_by_user   ON token (user);
CREATE INDEX token_by_expiry ON token (expires_at);

-- What holds for the whole server: JSON by name.
CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
