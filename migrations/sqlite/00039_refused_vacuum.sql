-- SQLite uses the pages of removed rows again by itself. The number is that of the
-- settings on Postgres.

-- +goose Up
SELECT 1;

-- +goose Down
SELECT 1;
