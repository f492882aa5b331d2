-- What mail providers report of Hookwell's own messages.

-- +goose Up
-- queue_id: the mail server's own name for a message that it took. feedback: what the
-- provider reported last of it, when that happened, and what the receiving server wrote.
ALTER TABLE mail_messages ADD COLUMN queue_id text NOT NULL DEFAULT '';
ALTER TABLE mail_messages ADD COLUMN feedback text NOT NULL DEFAULT '';
ALTER TABLE mail_messages ADD COLUMN feedback_at datetime;
ALTER TABLE mail_messages ADD COLUMN feedback_reason text NOT NULL DEFAULT '';
CREATE INDEX mail_messages_queue ON mail_messages (queue_id) WHERE queue_id <> '';
CREATE INDEX mail_messages_recipient ON mail_messages (organization_id, recipient, id);

-- Addresses that get no invitations and alerts: a message to them bounced for good, or
-- its reader complained. One that was lifted is kept while messages from before are.
CREATE TABLE mail_suppressions (
    address    text NOT NULL PRIMARY KEY,
    kind       text NOT NULL,
    reason     text NOT NULL,
    message_id text NOT NULL,
    created_at datetime NOT NULL,
    lifted_at  datetime,
    lifted_by  text NOT NULL
);

-- +goose Down
DROP TABLE mail_suppressions;
DROP INDEX mail_messages_recipient;
DROP INDEX mail_messages_queue;
ALTER TABLE mail_messages DROP COLUMN feedback_reason;
ALTER TABLE mail_messages DROP COLUMN feedback_at;
ALTER TABLE mail_messages DROP COLUMN feedback;
ALTER TABLE mail_messages DROP COLUMN queue_id;
