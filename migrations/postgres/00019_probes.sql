-- What readiness writes and removes again, to see whether writing works.

-- +goose Up
CREATE TABLE probes (
    id     text COLLATE "C" PRIMARY KEY,
    filler bytea NOT NULL
);

-- +goose Down
DROP TABLE probes;
