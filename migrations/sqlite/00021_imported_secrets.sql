-- +goose Up
-- Whether a secret was brought along, so that others may know it and use it
-- elsewhere. Of earlier ones nobody knows, so they count as imported.
ALTER TABLE endpoint_secrets ADD COLUMN imported boolean NOT NULL DEFAULT true;

-- +goose Down
ALTER TABLE endpoint_secrets DROP COLUMN imported;
