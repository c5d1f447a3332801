-- +goose Up
-- What people ask about investigations, and the answers. Columns are as in 0001.

CREATE TABLE questions (
    id            TEXT PRIMARY KEY,
    investigation TEXT NOT NULL REFERENCES investigations (id),
    number        BIGINT NOT NULL, -- from 1, in the order in which they were asked
    status        TEXT NOT NULL,
    asked_at      BIGINT NOT NULL,
    sealed        BYTEA NOT NULL,
    UNIQUE (investigation, number)
);

-- +goose Down
DROP TABLE questions;
