-- Refused requests of a source that a person has taken in are worked on as replays are:
-- such a row accepts what its filter's source refused, where it passes by then.

-- +goose Up
ALTER TABLE request_replays ADD COLUMN accepts boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE request_replays DROP COLUMN accepts;
