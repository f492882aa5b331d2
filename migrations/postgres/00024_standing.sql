-- invited_by_user: the member whose role an invitation rests on. An identity
-- without a subject would be everybody's of its issuer.

-- +goose Up
ALTER TABLE invitations ADD COLUMN invited_by_user text COLLATE "C";
UPDATE invitations SET invited_by_user = (SELECT a.actor_id FROM audit_entries a
    WHERE a.organization_id = invitations.organization_id AND a.target_id = invitations.id
        AND a.action IN ('invitation.created', 'invitation.resent')
    ORDER BY a.id DESC LIMIT 1)
WHERE accepted_at IS NULL AND revoked_at IS NULL;
UPDATE invitations SET invited_by_user = NULL WHERE invited_by_user NOT IN (SELECT id FROM users);
CREATE INDEX invitations_inviter ON invitations (invited_by_user) WHERE invited_by_user IS NOT NULL;

DELETE FROM user_identities WHERE issuer = '' OR subject = '';
ALTER TABLE user_identities ADD CONSTRAINT user_identities_named CHECK (issuer <> '' AND subject <> '');

-- +goose Down
ALTER TABLE user_identities DROP CONSTRAINT user_identities_named;
DROP INDEX invitations_inviter;
ALTER TABLE invitations DROP COLUMN invited_by_user;
