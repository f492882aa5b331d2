-- +goose Up
-- How often something was done lately that may be done so many times within a
-- span: mail to an address, accounts made from an address. Each time is eight
-- bytes of Unix microseconds, the oldest first.
CREATE TABLE budgets (
    key       blob NOT NULL PRIMARY KEY,
    times     blob NOT NULL,
    forget_at datetime NOT NULL
);
CREATE INDEX budgets_forget ON budgets (forget_at);

-- +goose Down
DROP TABLE budgets;
