-- As in postgres/00019_probes.sql.

-- +goose Up
CREATE TABLE probes (
    id     text NOT NULL PRIMARY KEY,
    filler blob NOT NULL
);

-- +goose Down
DROP TABLE probes;
