-- +goose Up
ALTER TABLE api_keys ADD COLUMN expires_at datetime;

-- What the page of the audit log narrows by; each is read from its newest row on.
CREATE INDEX audit_entries_actor ON audit_entries (organization_id, actor_id, id);
CREATE INDEX audit_entries_action ON audit_entries (organization_id, action, id);
CREATE INDEX audit_entries_target ON audit_entries (organization_id, target_id, id);

-- Rows of the log are only ever added, whoever asks.
-- +goose StatementBegin
CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries BEGIN
    SELECT RAISE(ABORT, 'audit_entries is append-only: UPDATE is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries BEGIN
    SELECT RAISE(ABORT, 'audit_entries is append-only: DELETE is refused');
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER audit_entries_no_delete;
DROP TRIGGER audit_entries_no_update;
DROP INDEX audit_entries_target;
DROP INDEX audit_entries_action;
DROP INDEX audit_entries_actor;
ALTER TABLE api_keys DROP COLUMN expires_at;
