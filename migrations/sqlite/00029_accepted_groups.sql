-- Deliveries that the sole worker claimed in the transaction that accepted them,
-- one row for each group: a delivery gets its own row with its outcome, or when
-- its group is expanded. organization_ids: each between commas. deliveries: JSON.

-- +goose Up
CREATE TABLE accepted_groups (
    token            text NOT NULL PRIMARY KEY,
    organization_ids text NOT NULL,
    accepted_at      datetime NOT NULL,
    deliveries       text NOT NULL
);

-- +goose Down
DROP TABLE accepted_groups;
