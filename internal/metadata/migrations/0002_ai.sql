-- +goose Up
-- What an admin decided about models, and every model call. Columns are as in 0001.

CREATE TABLE ai_policies (
    environment TEXT PRIMARY KEY,
    sealed      BYTEA NOT NULL -- so that writing to this table alone switches nothing on
);

CREATE TABLE ledger (
    id            TEXT PRIMARY KEY, -- UUIDv7: in the order the calls began
    investigation TEXT NOT NULL,
    turn          BIGINT NOT NULL,
    ask           BIGINT NOT NULL,
    attempt       BIGINT NOT NULL,
    environment   TEXT NOT NULL,
    provider      TEXT NOT NULL,
    kind          TEXT NOT NULL,
    account       TEXT NOT NULL,
    model         TEXT NOT NULL,
    state         TEXT NOT NULL,
    begun_at      BIGINT NOT NULL,
    ended_at      BIGINT NOT NULL,
    input         BIGINT NOT NULL, -- tokens; the worst case until the call has ended
    output        BIGINT NOT NULL,
    cache_read    BIGINT NOT NULL,
    cache_write   BIGINT NOT NULL,
    cost          BIGINT NOT NULL, -- millionths of a US dollar; the worst case until the call has ended
    data_types    TEXT NOT NULL,   -- JSON array
    redactions    TEXT NOT NULL,   -- JSON object
    request       BYTEA NOT NULL,  -- sealed
    response      BYTEA,           -- sealed
    error         BYTEA,           -- sealed
    UNIQUE (investigation, turn, ask, attempt)
);
CREATE INDEX ledger_begun ON ledger (begun_at);

CREATE TABLE asks (
    investigation TEXT NOT NULL,
    turn          BIGINT NOT NULL,
    ask           BIGINT NOT NULL,
    put_at        BIGINT NOT NULL,
    sealed        BYTEA NOT NULL,
    PRIMARY KEY (investigation, turn, ask)
);

CREATE TABLE pseudonyms (
    investigation TEXT PRIMARY KEY REFERENCES investigations (id),
    sealed        BYTEA NOT NULL
);

-- +goose Down
DROP TABLE pseudonyms;
DROP TABLE asks;
DROP TABLE ledger;
DROP TABLE ai_policies;
