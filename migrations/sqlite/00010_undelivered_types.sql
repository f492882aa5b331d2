-- +goose Up
CREATE INDEX undelivered_type ON undelivered (organization_id, state, event_type, delivery_id);

-- +goose Down
DROP INDEX undelivered_type;
