-- +goose Up
-- Messages to people, queued in the transaction of what they tell of. sealed:
-- the text, null once it is sent or given up. due_at: nobody takes it before.
CREATE TABLE mail_messages (
    id              text COLLATE "C" PRIMARY KEY,
    organization_id text COLLATE "C",
    recipient       text NOT NULL,
    subject         text NOT NULL,
    secret          boolean NOT NULL,
    sealed          bytea,
    created_at      timestamptz NOT NULL,
    due_at          timestamptz NOT NULL,
    attempts        bigint NOT NULL,
    lease_token     text NOT NULL,
    sent_at         timestamptz,
    failed_at       timestamptz,
    failure         text NOT NULL
);
CREATE INDEX mail_messages_due ON mail_messages (due_at) WHERE sent_at IS NULL AND failed_at IS NULL;

-- Towards automatic disabling. failing_since: the first failure since the last
-- success. failing_days: the days (UTC) with failures since then. failing_stage:
-- what of it was announced, at noted_at; mailed_at: when that was last mailed.
ALTER TABLE endpoint_states ADD COLUMN failing_since timestamptz;
ALTER TABLE endpoint_states ADD COLUMN failing_days text NOT NULL DEFAULT '';
ALTER TABLE endpoint_states ADD COLUMN failing_stage bigint NOT NULL DEFAULT 0;
ALTER TABLE endpoint_states ADD COLUMN noted_at timestamptz;
ALTER TABLE endpoint_states ADD COLUMN mailed_at timestamptz;
ALTER TABLE endpoints ADD COLUMN disabled_by text NOT NULL DEFAULT '';

-- What an organization is to know of its endpoints: at most one open at a time
-- for each.
CREATE TABLE notices (
    id              text COLLATE "C" PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL,
    endpoint_id     text COLLATE "C" NOT NULL,
    kind            text NOT NULL,
    since           timestamptz,
    due_at          timestamptz,
    created_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    dismissed_at    timestamptz,
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
