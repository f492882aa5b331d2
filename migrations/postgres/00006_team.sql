-- +goose Up
ALTER TABLE users ADD COLUMN email_verified_at timestamptz;
ALTER TABLE members ADD COLUMN title text NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN created_by_user text COLLATE "C";
CREATE INDEX api_keys_user ON api_keys (created_by_user) WHERE created_by_user IS NOT NULL;

-- closed_at: when the endpoints of a deleted organization stopped, after all
-- that waited for them had ended.
ALTER TABLE organizations ADD COLUMN require_two_factor boolean NOT NULL DEFAULT false;
ALTER TABLE organizations ADD COLUMN closed_at timestamptz;
CREATE INDEX organizations_closing ON organizations (deleted_at) WHERE deleted_at IS NOT NULL AND closed_at IS NULL;

-- An invitation is known by the SHA-256 of its link's token. by_mail: that link
-- went to the address alone, so that who has it has the address.
CREATE TABLE invitations (
    id              text COLLATE "C" PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL REFERENCES organizations (id),
    email           text NOT NULL,
    role            text NOT NULL,
    token_hash      bytea NOT NULL,
    by_mail         boolean NOT NULL,
    invited_by      text NOT NULL,
    created_at      timestamptz NOT NULL,
    sent_at         timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    accepted_at     timestamptz,
    revoked_at      timestamptz
);
CREATE UNIQUE INDEX invitations_token ON invitations (token_hash);
CREATE INDEX invitations_organization ON invitations (organization_id, id);
CREATE UNIQUE INDEX invitations_open ON invitations (organization_id, email) WHERE accepted_at IS NULL AND revoked_at IS NULL;

-- +goose Down
DROP TABLE invitations;
DROP INDEX organizations_closing;
ALTER TABLE organizations DROP COLUMN closed_at;
ALTER TABLE organizations DROP COLUMN require_two_factor;
DROP INDEX api_keys_user;
ALTER TABLE api_keys DROP COLUMN created_by_user;
ALTER TABLE members DROP COLUMN title;
ALTER TABLE users DROP COLUMN email_verified_at;
