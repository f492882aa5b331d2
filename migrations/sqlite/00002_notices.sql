-- +goose Up
-- Messages to people, queued in the transaction of what they tell of. sealed:
-- the text, null once it is sent or given up. due_at: nobody takes it before.
CREATE TABLE mail_messages (
    id              text NOT NULL PRIMARY KEY,
    organization_id text,
    recipient       text NOT NULL,
    subject         text NOT NULL,
    secret          boolean NOT NULL,
    sealed          blob,
    created_at      datetime NOT NULL,
    due_at          datetime NOT NULL,
    attempts        integer NOT NULL,
    lease_token     text NOT NULL,
    sent_at         datetime,
    failed_at       datetime,
    failure         text NOT NULL
);
CREATE INDEX mail_messages_due ON mail_messages (due_at) WHERE sent_at IS NULL AND failed_at IS NULL;

-- +goose Down
DROP TABLE mail_messages;
