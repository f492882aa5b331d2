-- Whose signature goes along with what a source received, at each endpoint; and a
-- source's own tolerance in seconds, 0 being the scheme's, and its own rule for the
-- organization of its items as JSON, '' being the provider's.

-- +goose Up
ALTER TABLE endpoints ADD COLUMN source_signature text NOT NULL DEFAULT 'hookwell';
ALTER TABLE sources ADD COLUMN tolerance_seconds bigint NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN organization_rule text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE sources DROP COLUMN organization_rule;
ALTER TABLE sources DROP COLUMN tolerance_seconds;
ALTER TABLE endpoints DROP COLUMN source_signature;
