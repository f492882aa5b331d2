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

-- Towards automatic disabling. failing_since: the first failure since the last
-- success. failing_days: the days (UTC) with failures since then. failing_stage:
-- what of it was announced, at noted_at; mailed_at: when that was last mailed.
ALTER TABLE endpoint_states ADD COLUMN failing_since datetime;
ALTER TABLE endpoint_states ADD COLUMN failing_days text NOT NULL DEFAULT '';
ALTER TABLE endpoint_states ADD COLUMN failing_stage integer NOT NULL DEFAULT 0;
ALTER TABLE endpoint_states ADD COLUMN noted_at datetime;
ALTER TABLE endpoint_states ADD COLUMN mailed_at datetime;
ALTER TABLE endpoints ADD COLUMN disabled_by text NOT NULL DEFAULT '';

-- What an organization is to know of its endpoints: at most one open at a time
-- for each.
CREATE TABLE notices (
    id              text NOT NULL PRIMARY KEY,
    organization_id text NOT NULL,
    endpoint_id     text NOT NULL,
    kind            text NOT NULL,
    since           datetime,
    due_at          datetime,
    created_at      datetime NOT NULL,
    ended_at        datetime,
    dismissed_at    datetime,
    dismissed_by    text NOT NULL
);
CREATE UNIQUE INDEX notices_open ON notices (endpoint_id) WHERE ended_at IS NULL;
CREATE INDEX notices_organization ON notices (organization_id, id) WHERE ended_at IS NULL;

-- +goose Down
DROP TABLE notices;
ALTER TABLE endpoints DROP COLUMN disabled_by;
ALTER TABLE endpoint_states DROP COLUMN mailed_at;
ALTER TABLE endpoint_states DROP COLUMN noted_at;
ALTER TABLE endpoint_states DROP COLUMN failing_stage;
ALTER TABLE endpoint_states DROP COLUMN failing_days;
ALTER TABLE endpoint_states DROP COLUMN failing_since;
DROP TABLE mail_messages;
