-- Why a request that is relayed wasn't mapped stands beside that. reason_mappings: the
-- mappings that the reason is about. unchanged_at: when a replay last made nothing new.
-- Neither is in an index, so that noting what became of a request writes to none.

-- +goose Up
ALTER TABLE requests ADD COLUMN reason_mappings text NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN unchanged_at datetime;
ALTER TABLE refused_requests ADD COLUMN reason_mappings text NOT NULL DEFAULT '';
ALTER TABLE refused_requests ADD COLUMN unchanged_at datetime;

-- Whoever replayed a request had it counted as ignored, though it became events.
UPDATE requests SET processing = 'processed', reason = '', error = ''
    WHERE processing = 'ignored' AND reason = 'repeated' AND EXISTS (SELECT 1 FROM request_events e WHERE e.request_id = requests.id);
UPDATE requests SET error = '' WHERE processing = 'ignored' AND reason = 'repeated' AND error <> '';

-- +goose Down
ALTER TABLE refused_requests DROP COLUMN unchanged_at;
ALTER TABLE refused_requests DROP COLUMN reason_mappings;
ALTER TABLE requests DROP COLUMN unchanged_at;
ALTER TABLE requests DROP COLUMN reason_mappings;
