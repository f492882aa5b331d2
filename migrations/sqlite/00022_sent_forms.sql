-- +goose Up
-- What a page's form has made, so that the same form makes nothing twice. id is
-- a hash; shown is what the answer shows once, sealed with what the form alone
-- holds, and null when it is not to be shown again.
CREATE TABLE sent_forms (
    id         blob NOT NULL PRIMARY KEY,
    made       text NOT NULL,
    shown      blob,
    created_at datetime NOT NULL
);
CREATE INDEX sent_forms_created ON sent_forms (created_at);

-- +goose Down
DROP TABLE sent_forms;
