-- Records of ours about GB devices, where they are filed, passwords that overlap (Tencent Cloud
-- ISS); and what is left of devices and projects that are deleted.

ALTER TABLE project ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE project ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE project SET updated_at = created_at;

-- Made anew, since a key's project may be null from now on: it opens all of them. `strict`: ISS's
-- signatures by it have to cover the whole request.
CREATE TABLE access_key_new (
    ak            TEXT    NOT NULL PRIMARY KEY,
    project       INTEGER REFERENCES project (key),
    strict        INTEGER NOT NULL DEFAULT 0 CHECK (strict IN (0, 1)),
    sealed_secret BLOB    NOT NULL,
    created_at    INTEGER NOT NULL,
    revoked_at    INTEGER
) STRICT, WITHOUT ROWID;

INSERT INTO access_key_new (ak, project, sealed_secret, created_at, revoked_at)
SELECT ak, project, sealed_secret, created_at, revoked_at FROM access_key ORDER BY ak;

DROP TABLE access_key;
ALTER TABLE access_key_new RENAME TO access_key;
CREATE INDEX access_key_by_project ON access_key (project);

-- Where devices and channels are filed. `path` is its names, joined by `/`. UNIQUE with the path
-- lists a project's in order.
CREATE TABLE organization (
    key        INTEGER PRIMARY KEY,
    project    INTEGER NOT NULL REFERENCES project (key),
    id         TEXT    NOT NULL,
    path       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (project, id),
    UNIQUE (project, path)
) STRICT;

-- Made anew, so that `push` stands last. `password_tag` is a keyed hash by which the same password
-- is known again; null where the password is from before there were tags. `old_user` and
-- `old_sealed_password` were replaced and work until `old_until`; all three are null where nothing
-- overlaps, and `old_user` null beside the others is the device's id. `record` is JSON by property,
-- null for nothing. What is rarely set is null until then and takes one byte each.
CREATE TABLE camera_new (
    device              INTEGER PRIMARY KEY REFERENCES device (key),
    project             INTEGER NOT NULL,
    user                TEXT,
    sealed_password     BLOB,
    password_tag        BLOB,
    credentials_at      INTEGER,
    old_user            TEXT,
    old_sealed_password BLOB,
    old_until           INTEGER,
    surveyed_at         INTEGER,
    organization        INTEGER REFERENCES organization (key),
    record              TEXT,
    push                TEXT
) STRICT;

INSERT INTO camera_new (device, project, user, sealed_password, surveyed_at, push)
SELECT device, project, user, sealed_password, surveyed_at, push FROM camera ORDER BY device;

DROP TABLE camera;
ALTER TABLE camera_new RENAME TO camera;

-- The same of channels.
ALTER TABLE channel ADD COLUMN organization INTEGER REFERENCES organization (key);
ALTER TABLE channel ADD COLUMN record TEXT;

-- An organization is deleted when nothing is filed in it. Partial: what is filed nowhere pays
-- nothing for these.
CREATE INDEX camera_by_organization  ON camera  (organization) WHERE organization IS NOT NULL;
CREATE INDEX channel_by_organization ON channel (organization) WHERE organization IS NOT NULL;

-- A list of GB devices is paged by key and says how long it is. Partial, like that of phones.
CREATE INDEX device_camera_by_project ON device (project) WHERE kind = 'camera';

-- Whether the last REGISTER was made with what was replaced. 0 and 1 take no byte besides the one
-- that says which.
ALTER TABLE binding ADD COLUMN old_credentials INTEGER NOT NULL DEFAULT 0
    CHECK (old_credentials IN (0, 1));

-- What a job put on record, as JSON by property; null for nothing, as of every job of a phone. A
-- job that asked for nothing else is 4 (recorded) from the start: it was never open, and no fencing
-- token ended it.
ALTER TABLE job ADD COLUMN record TEXT;

-- Devices that were deleted: their jobs are still told with their ids. No reference to `project`,
-- which may be deleted too.
CREATE TABLE deleted_device (
    key        INTEGER PRIMARY KEY,
    project    INTEGER NOT NULL,
    id         TEXT    NOT NULL,
    deleted_at INTEGER NOT NULL
) STRICT;

-- Projects that were deleted: for their jobs, and so that a key is never given twice.
CREATE TABLE deleted_project (
    key INTEGER PRIMARY KEY,
    id  TEXT    NOT NULL
) STRICT;
