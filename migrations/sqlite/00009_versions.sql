-- As in postgres/00009_versions.sql.

-- +goose Up
CREATE TABLE organization_versions (
    organization_id text NOT NULL PRIMARY KEY,
    version         bigint NOT NULL
);

-- +goose StatementBegin
CREATE TRIGGER organizations_insert_raises_version AFTER INSERT ON organizations BEGIN
    INSERT INTO organization_versions (organization_id, version) VALUES (NEW.id, 1)
        ON CONFLICT (organization_id) DO UPDATE SET version = version + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER organizations_update_raises_version AFTER UPDATE ON organizations BEGIN
    INSERT INTO organization_versions (organization_id, version) VALUES (NEW.id, 1)
        ON CONFLICT (organization_id) DO UPDATE SET version = version + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER endpoints_insert_raises_version AFTER INSERT ON endpoints BEGIN
    INSERT INTO organization_versions (organization_id, version) VALUES (NEW.organization_id, 1)
        ON CONFLICT (organization_id) DO UPDATE SET version = version + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER endpoints_update_raises_version AFTER UPDATE ON endpoints BEGIN
    INSERT INTO organization_versions (organization_id, version) VALUES (NEW.organization_id, 1)
        ON CONFLICT (organization_id) DO UPDATE SET version = version + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER endpoints_delete_raises_version AFTER DELETE ON endpoints BEGIN
    INSERT INTO organization_versions (organization_id, version) VALUES (OLD.organization_id, 1)
        ON CONFLICT (organization_id) DO UPDATE SET version = version + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER endpoint_secrets_insert_raises_version AFTER INSERT ON endpoint_secrets BEGIN
    INSERT INTO organization_versions (organization_id, version) VALUES (NEW.organization_id, 1)
        ON CONFLICT (organization_id) DO UPDATE SET version = version + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER endpoint_secrets_update_raises_version AFTER UPDATE ON endpoint_secrets BEGIN
    INSERT INTO organization_versions (organization_id, version) VALUES (NEW.organization_id, 1)
        ON CONFLICT (organization_id) DO UPDATE SET version = version + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER endpoint_secrets_delete_raises_version AFTER DELETE ON endpoint_secrets BEGIN
    INSERT INTO organization_versions (organization_id, version) VALUES (OLD.organization_id, 1)
        ON CONFLICT (organization_id) DO UPDATE SET version = version + 1;
END;
-- +goose StatementEnd
INSERT INTO organization_versions (organization_id, version) SELECT id, 1 FROM organizations;

-- +goose Down
DROP TRIGGER organizations_insert_raises_version;
DROP TRIGGER organizations_update_raises_version;
DROP TRIGGER endpoints_insert_raises_version;
DROP TRIGGER endpoints_update_raises_version;
DROP TRIGGER endpoints_delete_raises_version;
DROP TRIGGER endpoint_secrets_insert_raises_version;
DROP TRIGGER endpoint_secrets_update_raises_version;
DROP TRIGGER endpoint_secrets_delete_raises_version;
DROP TABLE organization_versions;
