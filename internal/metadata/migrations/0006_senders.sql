-- +goose Up
-- Tokens of senders of telemetry: where it goes, and how much of it may come; 0: no limit.

ALTER TABLE tokens ADD COLUMN environment TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN bytes_per_second BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN requests_per_second BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN series BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE tokens DROP COLUMN environment;
ALTER TABLE tokens DROP COLUMN bytes_per_second;
ALTER TABLE tokens DROP COLUMN requests_per_second;
ALTER TABLE tokens DROP COLUMN series;
