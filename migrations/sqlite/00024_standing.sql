-- invited_by_user: the member whose role an invitation rests on. An identity
-- without a subject would be everybody's of its issuer.

-- +goose Up
ALTER TABLE invitations ADD COLUMN invited_by_user text;
UPDATE invitations SET invited_by_user = (SELECT a.actor_id FROM audit_entries a
    WHERE a.organization_id = invitations.organization_id AND a.target_id = invitations.id
        AND a.action IN ('invitation.created', 'invitation.resent')
    ORDER BY a.id DESC LIMIT 1)
WHERE accepted_at IS NULL AND revoked_at IS NULL;
UPDATE invitations SET invited_by_user = NULL WHERE invited_by_user NOT IN (SELECT id FROM users);
CREATE INDEX invitations_inviter ON invitations (invited_by_user) WHERE invited_by_user IS NOT NULL;

CREATE TABLE named_identities (
    issuer       text NOT NULL CHECK (issuer <> ''),
    subject      text NOT NULL CHECK (subject <> ''),
    user_id      text NOT NULL REFERENCES users (id),
    email        text NOT NULL,
    created_at   datetime NOT NULL,
    last_used_at datetime NOT NULL,
    PRIMARY KEY (issuer, subject)
);
INSERT INTO named_identities (issuer, subject, user_id, email, created_at, last_used_at)
    SELECT issuer, subject, user_id, email, created_at, last_used_at FROM user_identities WHERE issuer <> '' AND subject <> '';
DROP TABLE user_identities;
ALTER TABLE named_identities RENAME TO user_identities;
CREATE INDEX user_identities_user ON user_identities (user_id);

-- +goose Down
CREATE TABLE open_identities (
    issuer       text NOT NULL,
    subject      text NOT NULL,
    user_id      text NOT NULL REFERENCES users (id),
    email        text NOT NULL,
    created_at   datetime NOT NULL,
    last_used_at datetime NOT NULL,
    PRIMARY KEY (issuer, subject)
);
INSERT INTO open_identities (issuer, subject, user_id, email, created_at, last_used_at)
    SELECT issuer, subject, user_id, email, created_at, last_used_at FROM user_identities;
DROP TABLE user_identities;
ALTER TABLE open_identities RENAME TO user_identities;
CREATE INDEX user_identities_user ON user_identities (user_id);
DROP INDEX invitations_inviter;
ALTER TABLE invitations DROP COLUMN invited_by_user;
