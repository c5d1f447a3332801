-- +goose Up
-- What became of the alert rules of an environment when they were evaluated last.

CREATE TABLE rule_states (
    environment TEXT PRIMARY KEY,
    at          BIGINT NOT NULL,
    sealed      BYTEA NOT NULL
);

-- +goose Down
DROP TABLE rule_states;
