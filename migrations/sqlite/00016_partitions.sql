-- There are no partitions here. As on Postgres, the past of the audit log can't
-- change, which REPLACE would do without a trigger of its own: it removes the row
-- that is in the way by no DELETE.

-- +goose Up
-- +goose StatementBegin
CREATE TRIGGER audit_entries_no_replace BEFORE INSERT ON audit_entries
    WHEN EXISTS (SELECT 1 FROM audit_entries WHERE id = NEW.id OR rowid = NEW.rowid) BEGIN
    SELECT RAISE(ABORT, 'audit_entries is append-only: REPLACE is refused');
END;
-- +goose StatementEnd
-- A row number that SQLite doesn't give out by itself would make the trigger
-- above take each later row for one that is there.
-- +goose StatementBegin
CREATE TRIGGER audit_entries_own_rowid AFTER INSERT ON audit_entries WHEN NEW.rowid < 1 BEGIN
    SELECT RAISE(ABORT, 'audit_entries is append-only: its row numbers are SQLite''s own');
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER audit_entries_own_rowid;
DROP TRIGGER audit_entries_no_replace;
