-- +goose Up
-- One schema for SQLite and PostgreSQL: TEXT, BIGINT and BYTEA mean the same in both. Times are Unix microseconds, 0 is
-- never. A column named "sealed" is JSON under AES-256-GCM (internal/seal), bound to the row it stands in.

CREATE TABLE incidents (
    id          TEXT PRIMARY KEY,
    environment TEXT NOT NULL,
    status      TEXT NOT NULL,
    opened_at   BIGINT NOT NULL,
    sealed      BYTEA NOT NULL
);
CREATE INDEX incidents_opened ON incidents (opened_at);

CREATE TABLE investigations (
    id          TEXT PRIMARY KEY,
    incident    TEXT NOT NULL,
    environment TEXT NOT NULL,
    status      TEXT NOT NULL,
    started_at  BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL,
    revision    BIGINT NOT NULL, -- grows with every change to the investigation, its evidence, incident or fix
    sealed      BYTEA NOT NULL,  -- the request
    report      BYTEA            -- sealed too
);
CREATE INDEX investigations_started ON investigations (started_at);
CREATE INDEX investigations_incident ON investigations (incident);

CREATE TABLE turns (
    investigation TEXT NOT NULL REFERENCES investigations (id),
    number        BIGINT NOT NULL,
    sealed        BYTEA NOT NULL,
    PRIMARY KEY (investigation, number)
);

CREATE TABLE evidence (
    investigation TEXT NOT NULL REFERENCES investigations (id),
    id            TEXT NOT NULL,
    seq           BIGINT NOT NULL, -- order of arrival; the number in an id "e<n>" that was assigned here
    call_id       TEXT NOT NULL,
    sealed        BYTEA NOT NULL,
    PRIMARY KEY (investigation, id),
    UNIQUE (investigation, call_id),
    UNIQUE (investigation, seq)
);

CREATE TABLE fixes (
    id            TEXT PRIMARY KEY,
    incident      TEXT NOT NULL,
    investigation TEXT NOT NULL,
    digest        TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    sealed        BYTEA NOT NULL
);
CREATE INDEX fixes_incident ON fixes (incident);
CREATE INDEX fixes_investigation ON fixes (investigation);

CREATE TABLE spent_nonces (
    nonce    TEXT PRIMARY KEY,
    fix      TEXT NOT NULL,
    spent_at BIGINT NOT NULL
);

CREATE TABLE tokens (
    id         TEXT PRIMARY KEY,
    parent     TEXT NOT NULL,        -- id of the token a browser session was opened with; '' for a token
    hash       TEXT NOT NULL UNIQUE, -- hex SHA-256 of the whole token
    subject    TEXT NOT NULL,
    role       TEXT NOT NULL,
    namespaces TEXT NOT NULL,        -- JSON array; empty: all
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL
);

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE audit (
    id      TEXT PRIMARY KEY,
    at      BIGINT NOT NULL,
    subject TEXT NOT NULL,
    action  TEXT NOT NULL,
    object  TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail  TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at);

-- +goose Down
DROP TABLE audit;
DROP TABLE settings;
DROP TABLE tokens;
DROP TABLE spent_nonces;
DROP TABLE fixes;
DROP TABLE evidence;
DROP TABLE turns;
DROP TABLE investigations;
DROP TABLE incidents;
