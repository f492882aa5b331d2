-- The processes that have workers, each with when it was last there, and the one
-- that has them alone: it may claim deliveries as it accepts them, since nobody
-- else has any of their endpoint in flight.

-- +goose Up
CREATE TABLE workers (
    id      text NOT NULL PRIMARY KEY,
    seen_at datetime NOT NULL
);
ALTER TABLE installations ADD COLUMN sole_worker text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE installations DROP COLUMN sole_worker;
DROP TABLE workers;
