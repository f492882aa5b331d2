-- +goose Up
-- A rare type among many failures, and a prefix of types: in this collation a
-- prefix is a range of the index.
ALTER TABLE undelivered ALTER COLUMN event_type TYPE text COLLATE "C";
CREATE INDEX undelivered_type ON undelivered (organization_id, state, event_type, delivery_id);

-- +goose Down
DROP INDEX undelivered_type;
ALTER TABLE undelivered ALTER COLUMN event_type TYPE text;
