-- +goose Up
ALTER TABLE api_keys ADD COLUMN expires_at timestamptz;

-- What the page of the audit log narrows by; each is read from its newest row on.
CREATE INDEX audit_entries_actor ON audit_entries (organization_id, actor_id, id);
CREATE INDEX audit_entries_action ON audit_entries (organization_id, action, id);
CREATE INDEX audit_entries_target ON audit_entries (organization_id, target_id, id);

-- Rows of the log are only ever added, whoever asks.
-- +goose StatementBegin
CREATE FUNCTION audit_entries_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_entries is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_append_only();

-- +goose Down
DROP TRIGGER audit_entries_append_only ON audit_entries;
DROP FUNCTION audit_entries_append_only();
DROP INDEX audit_entries_target;
DROP INDEX audit_entries_action;
DROP INDEX audit_entries_actor;
ALTER TABLE api_keys DROP COLUMN expires_at;
