-- Keys by which a call that is sent twice has one effect: the table of the SQLite schema.

CREATE TABLE idempotency (
    caller      text COLLATE "C" NOT NULL,
    key_hash    bytea  NOT NULL,
    fingerprint bytea  NOT NULL,
    request     bytea  NOT NULL,
    node        text COLLATE "C" NOT NULL,
    begun_at    bigint NOT NULL,
    expires_at  bigint NOT NULL,
    status      bigint,
    headers     text COLLATE "C",
    body        bytea,
    PRIMARY KEY (caller, key_hash)
);
CREATE INDEX idempotency_by_end ON idempotency (expires_at);
CREATE INDEX idempotency_open ON idempotency (node) WHERE status IS NULL;
-- What is sealed can't be made smaller: it is not tried.
ALTER TABLE idempotency ALTER COLUMN body SET STORAGE EXTERNAL;
