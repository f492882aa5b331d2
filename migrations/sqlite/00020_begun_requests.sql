-- +goose Up
-- How many HTTP requests an attempt began. A default that is a constant rewrites
-- no row; what was recorded before began one, as far as is known.
ALTER TABLE attempts ADD COLUMN requests integer NOT NULL DEFAULT 1;

-- +goose Down
ALTER TABLE attempts DROP COLUMN requests;
