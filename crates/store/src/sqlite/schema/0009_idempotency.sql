-- Keys by which a call that is sent twice has one effect.

-- `key_hash` is SHA-256 of the key, `fingerprint` a keyed hash of the request. `begun_at` 0: nobody
-- is making the call. `status`, `headers` and `body` are null until it is answered; `body` is
-- sealed, and null too where it was too large to be kept. With a rowid: the keys are counted, and
-- the index of the key is all that has to be read for it.
CREATE TABLE idempotency (
    caller      TEXT    NOT NULL,
    key_hash    BLOB    NOT NULL,
    fingerprint BLOB    NOT NULL,
    request     BLOB    NOT NULL,
    node        TEXT    NOT NULL,
    begun_at    INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    status      INTEGER,
    headers     TEXT,
    body        BLOB,
    PRIMARY KEY (caller, key_hash)
) STRICT;

CREATE INDEX idempotency_by_end ON idempotency (expires_at);
-- Only those without an answer: they are let go when their node begins.
CREATE INDEX idempotency_open ON idempotency (node) WHERE status IS NULL;
