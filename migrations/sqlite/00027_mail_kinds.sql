-- +goose Up
-- kind: what the message is about. sealed then holds the values of its words, and
-- nobody takes it before send_at; due_at is so far ahead that workers of an earlier
-- version never take it. Without a kind it is a message of an earlier version:
-- sealed holds its text, and due_at counts.
ALTER TABLE mail_messages ADD COLUMN kind text NOT NULL DEFAULT '';
ALTER TABLE mail_messages ADD COLUMN send_at datetime;
CREATE INDEX mail_messages_send ON mail_messages (send_at) WHERE sent_at IS NULL AND failed_at IS NULL;

-- +goose Down
DELETE FROM mail_messages WHERE kind <> '';
DROP INDEX mail_messages_send;
ALTER TABLE mail_messages DROP COLUMN send_at;
ALTER TABLE mail_messages DROP COLUMN kind;
