-- +goose Up
-- Sessions know whose they are, and from where. Those of before are ended.
DROP TABLE sessions;
CREATE TABLE sessions (
    token_hash     bytea NOT NULL PRIMARY KEY,
    id             text COLLATE "C" NOT NULL,
    user_id        text COLLATE "C" REFERENCES users (id), -- null while nobody has signed in
    data           bytea NOT NULL,
    user_agent     text NOT NULL,
    remote_address text NOT NULL,
    created_at     timestamptz NOT NULL,
    last_used_at   timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL
);
CREATE UNIQUE INDEX sessions_id ON sessions (id);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- How often something was tried in vain. A key is the SHA-256 of what is
-- counted, so that the table holds neither addresses nor accounts.
CREATE TABLE throttles (
    key       bytea NOT NULL PRIMARY KEY,
    failures  integer NOT NULL,
    free_at   timestamptz NOT NULL,
    forget_at timestamptz NOT NULL
);
CREATE INDEX throttles_forget ON throttles (forget_at);

-- The links that go out by mail: each works once, and is known by the SHA-256
-- of its token. A sign-up waits here until its address is proved.
CREATE TABLE account_links (
    hash          bytea NOT NULL PRIMARY KEY,
    purpose       text NOT NULL,
    user_id       text COLLATE "C" REFERENCES users (id),
    email         text NOT NULL,
    name          text NOT NULL,
    password_hash text NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL
);
CREATE INDEX account_links_user ON account_links (user_id);
CREATE INDEX account_links_expires ON account_links (expires_at);

-- id is the user's. last_step is the time step of the last code that was taken:
-- none works twice.
CREATE TABLE two_factors (
    id         text COLLATE "C" NOT NULL PRIMARY KEY REFERENCES users (id),
    sealed     bytea NOT NULL,
    last_step  bigint NOT NULL,
    created_at timestamptz NOT NULL,
    enabled_at timestamptz -- null until the first right code
);

CREATE TABLE recovery_codes (
    hash       bytea NOT NULL PRIMARY KEY,
    user_id    text COLLATE "C" NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX recovery_codes_user ON recovery_codes (user_id);

-- Who a provider of OpenID Connect says that somebody is: by issuer and
-- subject alone, never by address.
CREATE TABLE user_identities (
    issuer       text NOT NULL,
    subject      text NOT NULL,
    user_id      text COLLATE "C" NOT NULL REFERENCES users (id),
    email        text NOT NULL,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX user_identities_user ON user_identities (user_id);

-- +goose Down
DROP TABLE user_identities;
DROP TABLE recovery_codes;
DROP TABLE two_factors;
DROP TABLE account_links;
DROP TABLE throttles;
DROP TABLE sessions;
CREATE TABLE sessions (
    token_hash bytea NOT NULL PRIMARY KEY,
    data       bytea NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_expires ON sessions (expires_at);
