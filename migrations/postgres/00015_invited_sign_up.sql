-- +goose Up
-- The invitation that a sign-up accepts, once its address is proved.
ALTER TABLE account_links ADD COLUMN invitation_id text COLLATE "C";

-- +goose Down
ALTER TABLE account_links DROP COLUMN invitation_id;
