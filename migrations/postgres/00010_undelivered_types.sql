-- +goose NO TRANSACTION
-- +goose Up
-- A rare type among many failures, and a prefix of types. Beside running workers:
-- no row of it is locked. One that was cut short is made again.
DROP INDEX CONCURRENTLY IF EXISTS undelivered_type;
CREATE INDEX CONCURRENTLY undelivered_type ON undelivered (organization_id, state, event_type text_pattern_ops, delivery_id);

-- +goose Down
DROP INDEX CONCURRENTLY undelivered_type;
