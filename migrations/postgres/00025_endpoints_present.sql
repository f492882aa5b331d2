-- The number of an organization's endpoints stands on each of its pages, and is
-- read from the index alone.

-- +goose Up
CREATE INDEX endpoints_present ON endpoints (organization_id, id) WHERE deleted_at IS NULL;

-- +goose Down
DROP INDEX endpoints_present;
