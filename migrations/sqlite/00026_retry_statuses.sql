-- Which statuses of failures an endpoint's deliveries are tried again after; '' is all.

-- +goose Up
ALTER TABLE endpoints ADD COLUMN retry_statuses text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE endpoints DROP COLUMN retry_statuses;
