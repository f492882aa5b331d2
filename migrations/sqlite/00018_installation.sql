-- As in postgres/00018_installation.sql.

-- +goose Up
CREATE TABLE installations (
    id text NOT NULL PRIMARY KEY
);
INSERT INTO installations (id) VALUES (lower(hex(randomblob(16))));

-- +goose Down
DROP TABLE installations;
