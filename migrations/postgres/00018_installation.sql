-- What tells this installation from others that share its Redis: every name in
-- there carries the id.

-- +goose Up
CREATE TABLE installations (
    id text COLLATE "C" PRIMARY KEY
);
INSERT INTO installations (id) VALUES (replace(gen_random_uuid()::text, '-', ''));

-- +goose Down
DROP TABLE installations;
