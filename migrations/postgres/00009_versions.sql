-- A number per organization that rises with every change of what accepting and
-- sending read of it, whoever makes the change: what is kept in memory is used
-- only while its number still stands.

-- +goose Up
CREATE TABLE organization_versions (
    organization_id text COLLATE "C" PRIMARY KEY,
    version         bigint NOT NULL
) WITH (fillfactor = 50);

-- +goose StatementBegin
CREATE FUNCTION raise_organization_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed text;
BEGIN
    IF TG_TABLE_NAME = 'organizations' THEN
        changed := NEW.id;
    ELSIF TG_OP = 'DELETE' THEN
        changed := OLD.organization_id;
    ELSE
        changed := NEW.organization_id;
    END IF;
    INSERT INTO organization_versions (organization_id, version) VALUES (changed, 1)
        ON CONFLICT (organization_id) DO UPDATE SET version = organization_versions.version + 1;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER raise_version AFTER INSERT OR UPDATE ON organizations FOR EACH ROW EXECUTE FUNCTION raise_organization_version();
CREATE TRIGGER raise_version AFTER INSERT OR UPDATE OR DELETE ON endpoints FOR EACH ROW EXECUTE FUNCTION raise_organization_version();
CREATE TRIGGER raise_version AFTER INSERT OR UPDATE OR DELETE ON endpoint_secrets FOR EACH ROW EXECUTE FUNCTION raise_organization_version();
INSERT INTO organization_versions (organization_id, version) SELECT id, 1 FROM organizations;

-- +goose Down
DROP TRIGGER raise_version ON endpoint_secrets;
DROP TRIGGER raise_version ON endpoints;
DROP TRIGGER raise_version ON organizations;
DROP FUNCTION raise_organization_version();
DROP TABLE organization_versions;
