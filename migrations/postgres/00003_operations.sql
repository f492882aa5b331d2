-- +goose Up
-- The request that reported the event: what leads from an attempt back to the
-- call. Empty for what was reported before there was this column.
ALTER TABLE events ADD COLUMN request_id text NOT NULL DEFAULT '';

-- A link that signs a product's user in, once. It is known by the SHA-256 of its
-- token. Its session asks for the row at every request, so that it ends with the
-- organization and with the key.
CREATE TABLE portal_links (
    id              text COLLATE "C" PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL REFERENCES organizations (id),
    token_hash      bytea NOT NULL,
    key_id          text COLLATE "C" NOT NULL REFERENCES api_keys (id),
    role            text NOT NULL,
    name            text NOT NULL,
    navigation      boolean NOT NULL,
    frame_origin    text NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    used_at         timestamptz
);
CREATE UNIQUE INDEX portal_links_token ON portal_links (token_hash);
CREATE INDEX portal_links_expires ON portal_links (expires_at);

-- +goose Down
DROP TABLE portal_links;
ALTER TABLE events DROP COLUMN request_id;
