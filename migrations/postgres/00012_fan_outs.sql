-- +goose Up
-- Events that are committed and of which not every delivery is written: one
-- that goes to more endpoints than a transaction is to write. endpoint_ids is a
-- JSON list of all of them; of the first ones, whose deliveries are written with
-- the event, the names are left out.
CREATE TABLE fan_outs (
    event_id text NOT NULL PRIMARY KEY,
    organization_id text NOT NULL REFERENCES organizations (id),
    endpoint_ids text NOT NULL,
    written bigint NOT NULL,
    wake_at timestamptz NOT NULL
);
CREATE INDEX fan_outs_wake ON fan_outs (wake_at);

-- +goose Down
DROP TABLE fan_outs;
