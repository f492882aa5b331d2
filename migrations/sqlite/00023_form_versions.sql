-- +goose Up
-- A number that rises with every save of what the row's form shows, so that a
-- form that was drawn before is not saved over it.
ALTER TABLE organizations ADD COLUMN version bigint NOT NULL DEFAULT 0;
ALTER TABLE endpoints ADD COLUMN version bigint NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE endpoints DROP COLUMN version;
ALTER TABLE organizations DROP COLUMN version;
