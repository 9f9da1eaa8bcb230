-- GB devices (GB/T 28181): who may register as one, where it is, what channels it has.

-- A REGISTER names a device and no project, so among GB devices an id is unique on the whole
-- server. Partial: phones keep their ids to their project, and pay nothing for this.
CREATE UNIQUE INDEX device_camera_by_id ON device (id) WHERE kind = 'camera';

-- A list of phones says how long it is: counted here, where no camera lies between, without a look
-- at the devices' own rows (measured with 200,000 phones: 21 ms, and 48 with that look).
CREATE INDEX device_phone_by_project ON device (project) WHERE kind = 'phone';

-- What a GB device has besides its record in `device`. `project` is repeated here, so that the
-- index above and this row are all that a registration has to read. `user` null: the device's id.
-- `push` is JSON; it stands last, for it is the one that grows.
CREATE TABLE camera (
    device          INTEGER PRIMARY KEY REFERENCES device (key),
    project         INTEGER NOT NULL,
    user            TEXT,
    sealed_password BLOB,
    surveyed_at     INTEGER,
    push            TEXT
) STRICT;

-- Where a GB device is registered; no row if it never was. Written anew with every fresh
-- registration, hundreds in a commit, and so short: some 55 bytes, 73 to a page. What a binding
-- costs is its share of the pages that the log takes whole: a fifth more with the address as text.
-- Keyed by the device's own key, which makes it the rowid: a look-up compares integers and there is
-- no second tree (measured: WITHOUT ROWID writes a quarter more to the log). Nothing else is indexed
-- here, so that a row is replaced without a look at what it holds.
-- No reference to `device`, whose rows are long: the check would read a page of those for each new
-- binding. The registrar has read the device to check its password.
-- `remote` is the address of 4 or 16 bytes and the port of 2, big-endian; after that the zone of a
-- link-local IPv6 address, 4 bytes, if it has one. `nonce_at` is in microseconds.
CREATE TABLE binding (
    device        INTEGER PRIMARY KEY,
    transport     TEXT    NOT NULL,
    remote        BLOB    NOT NULL,
    registered_at INTEGER NOT NULL,
    refreshed_at  INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    nonce_at      INTEGER NOT NULL,
    nonce_count   INTEGER NOT NULL,
    version       TEXT,
    ended_at      INTEGER,
    ended_why     TEXT
) STRICT;

-- What a GB device's catalog names. `name` is ours and null until we give one; `reported` is what
-- the catalog said, as JSON, and null until it has. WITHOUT ROWID: a device's channels lie together
-- in the order of their ids, which is the order in which they are listed.
CREATE TABLE channel (
    device   INTEGER NOT NULL REFERENCES device (key),
    id       TEXT    NOT NULL,
    name     TEXT,
    missed   INTEGER NOT NULL,
    seen_at  INTEGER,
    reported TEXT,
    PRIMARY KEY (device, id)
) STRICT, WITHOUT ROWID;

-- A caller may name a channel without its device.
CREATE INDEX channel_by_id ON channel (id);
