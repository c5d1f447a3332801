-- +goose Up
-- Which investigations an environment has, without reading their rows.

CREATE INDEX investigations_environment ON investigations (environment, id);

-- +goose Down
DROP INDEX investigations_environment;
