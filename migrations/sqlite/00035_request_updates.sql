-- What failed has an error, which doesn't change for any other request: noting what
-- became of one writes to no index.

-- +goose Up
DROP INDEX requests_failed;
CREATE INDEX requests_failed ON requests (source_id, id) WHERE error <> '';

-- +goose Down
DROP INDEX requests_failed;
CREATE INDEX requests_failed ON requests (source_id, id) WHERE processing = 'failed';
