-- Sources of webhooks, what they took in and refused, and what that became.

-- +goose Up
-- A provider whose webhooks are taken in. organization_id is '' for a source of the
-- installation. token_hash is what a request's URL is looked up by; the token itself is
-- sealed, and so is the earlier one, which stands until earlier_until. revision rises
-- with every change of what receiving reads, secrets included. scheme, allow_networks,
-- response and mappings are JSON; '' is the template's.
CREATE TABLE sources (
    id                    text NOT NULL PRIMARY KEY,
    organization_id       text NOT NULL,
    name                  text NOT NULL,
    slug                  text NOT NULL,
    provider              text NOT NULL,
    scheme                text NOT NULL,
    mappings              text NOT NULL,
    token_hash            blob NOT NULL,
    token                 blob NOT NULL,
    earlier_hash          blob,
    earlier_token         blob,
    earlier_until         datetime,
    allow_networks        text NOT NULL,
    max_body_bytes        integer NOT NULL,
    rate_limit_per_second integer NOT NULL,
    response              text NOT NULL,
    dedupe                text NOT NULL,
    relay_unverified      boolean NOT NULL,
    revision              integer NOT NULL,
    version               integer NOT NULL,
    first_verified_at     datetime,
    disabled_at           datetime,
    disabled_by           text NOT NULL,
    created_at            datetime NOT NULL,
    updated_at            datetime NOT NULL,
    deleted_at            datetime
);
CREATE UNIQUE INDEX sources_token ON sources (token_hash);
CREATE UNIQUE INDEX sources_earlier ON sources (earlier_hash) WHERE earlier_until IS NOT NULL;
CREATE UNIQUE INDEX sources_slug ON sources (organization_id, slug) WHERE deleted_at IS NULL;
CREATE INDEX sources_organization ON sources (organization_id, id);

-- Secrets that a provider signs with, sealed. One that has ended verifies nothing and
-- is kept for a while, so that a refusal can name it.
CREATE TABLE source_secrets (
    id              text NOT NULL PRIMARY KEY,
    source_id       text NOT NULL REFERENCES sources (id),
    organization_id text NOT NULL,
    sealed          blob NOT NULL,
    hint            text NOT NULL,
    created_by      text NOT NULL,
    created_at      datetime NOT NULL,
    ended_at        datetime
);
CREATE INDEX source_secrets_source ON source_secrets (source_id, id);
CREATE INDEX source_secrets_ended ON source_secrets (ended_at) WHERE ended_at IS NOT NULL;

-- What a source took in: exact bytes, with credentials masked.
CREATE TABLE requests (
    id              text NOT NULL PRIMARY KEY,
    organization_id text NOT NULL,
    source_id       text NOT NULL,
    state           text NOT NULL,
    cause           text NOT NULL,
    diagnosis       text NOT NULL,
    checked         text NOT NULL,
    method          text NOT NULL,
    query           text NOT NULL,
    remote_address  text NOT NULL,
    headers         blob NOT NULL,
    body            blob NOT NULL,
    body_bytes      integer NOT NULL,
    external_id     text NOT NULL,
    external_type   text NOT NULL,
    external_time   datetime,
    test            boolean NOT NULL,
    status_code     integer NOT NULL,
    duplicates      integer NOT NULL,
    processing      text NOT NULL,
    reason          text NOT NULL,
    error           text NOT NULL,
    received_at     datetime NOT NULL,
    accepted_at     datetime,
    processed_at    datetime
);
CREATE INDEX requests_organization ON requests (organization_id, id);
CREATE INDEX requests_source ON requests (source_id, id);
CREATE INDEX requests_external ON requests (source_id, external_id);
CREATE INDEX requests_failed ON requests (source_id, id) WHERE processing = 'failed';

-- What a source refused, within bounds. whole: all of it is kept, so that it can be
-- accepted once the secret is right. share is the network that it came from.
CREATE TABLE refused_requests (
    id              text NOT NULL PRIMARY KEY,
    organization_id text NOT NULL,
    source_id       text NOT NULL,
    state           text NOT NULL,
    cause           text NOT NULL,
    diagnosis       text NOT NULL,
    checked         text NOT NULL,
    method          text NOT NULL,
    query           text NOT NULL,
    remote_address  text NOT NULL,
    headers         blob NOT NULL,
    body            blob NOT NULL,
    body_bytes      integer NOT NULL,
    external_id     text NOT NULL,
    external_type   text NOT NULL,
    external_time   datetime,
    test            boolean NOT NULL,
    status_code     integer NOT NULL,
    duplicates      integer NOT NULL,
    processing      text NOT NULL,
    reason          text NOT NULL,
    error           text NOT NULL,
    received_at     datetime NOT NULL,
    accepted_at     datetime,
    processed_at    datetime,
    whole           boolean NOT NULL,
    share           text NOT NULL,
    size            integer NOT NULL
);
CREATE INDEX refused_requests_organization ON refused_requests (organization_id, id);
CREATE INDEX refused_requests_source ON refused_requests (source_id, whole, id);

-- How many requests a source refused, by cause and minute (Unix seconds of its start).
CREATE TABLE refused_counts (
    source_id       text NOT NULL,
    cause           text NOT NULL,
    minute          integer NOT NULL,
    organization_id text NOT NULL,
    count           integer NOT NULL,
    PRIMARY KEY (source_id, cause, minute)
);
CREATE INDEX refused_counts_minute ON refused_counts (minute);

-- Requests that are yet to be turned into events. due_at: not before it.
CREATE TABLE request_work (
    request_id      text NOT NULL PRIMARY KEY,
    organization_id text NOT NULL,
    source_id       text NOT NULL,
    due_at          datetime NOT NULL,
    tries           integer NOT NULL,
    forced          boolean NOT NULL,
    replay_id       text NOT NULL
);
CREATE INDEX request_work_source ON request_work (source_id, due_at);
CREATE INDEX request_work_replay ON request_work (replay_id) WHERE replay_id <> '';

-- The references that parked requests wait for: once an organization has one of them,
-- the request is processed again.
CREATE TABLE awaited_references (
    name       text NOT NULL,
    value      text NOT NULL,
    request_id text NOT NULL,
    PRIMARY KEY (name, value, request_id)
);
CREATE INDEX awaited_references_request ON awaited_references (request_id);

-- What makes a later request a duplicate of one that is kept.
CREATE TABLE request_keys (
    source_id  text NOT NULL,
    key        blob NOT NULL,
    request_id text NOT NULL,
    created_at datetime NOT NULL,
    PRIMARY KEY (source_id, key)
);
CREATE INDEX request_keys_created ON request_keys (created_at);

-- The first duplicates of a request; requests.duplicates counts all.
CREATE TABLE request_duplicates (
    request_id      text NOT NULL,
    number          integer NOT NULL,
    organization_id text NOT NULL,
    reason          text NOT NULL,
    remote_address  text NOT NULL,
    received_at     datetime NOT NULL,
    PRIMARY KEY (request_id, number)
);
CREATE INDEX request_duplicates_received ON request_duplicates (received_at);

-- What a request became. request_organization_id is the request's own, '' for one of
-- the installation; organization_id is the event's.
CREATE TABLE request_events (
    request_id              text NOT NULL,
    event_id                text NOT NULL,
    request_organization_id text NOT NULL,
    organization_id         text NOT NULL,
    source_id               text NOT NULL,
    event_type              text NOT NULL,
    mapping                 text NOT NULL,
    created_at              datetime NOT NULL,
    PRIMARY KEY (request_id, event_id)
);
CREATE INDEX request_events_event ON request_events (event_id);
CREATE INDEX request_events_created ON request_events (created_at);

-- What makes two requests the same event of an organization.
CREATE TABLE event_identities (
    organization_id text NOT NULL,
    source_id       text NOT NULL,
    kind            text NOT NULL,
    identity        blob NOT NULL,
    event_id        text NOT NULL,
    created_at      datetime NOT NULL,
    PRIMARY KEY (organization_id, source_id, kind, identity)
);
CREATE INDEX event_identities_created ON event_identities (created_at);

-- What a source has told of a payment, in minor units of its currency: refunds are
-- added up.
CREATE TABLE source_payments (
    organization_id text NOT NULL,
    source_id       text NOT NULL,
    payment_id      text NOT NULL,
    paid            integer,
    refunded        integer NOT NULL,
    updated_at      datetime NOT NULL,
    PRIMARY KEY (organization_id, source_id, payment_id)
);
CREATE INDEX source_payments_updated ON source_payments (updated_at);

-- By what an installation's sources find an organization.
CREATE TABLE source_references (
    name            text NOT NULL,
    value           text NOT NULL,
    organization_id text NOT NULL REFERENCES organizations (id),
    created_at      datetime NOT NULL,
    PRIMARY KEY (name, value)
);
CREATE UNIQUE INDEX source_references_organization ON source_references (organization_id, name);

-- What a person asked to be processed again: worked on in small steps.
CREATE TABLE request_replays (
    id              text NOT NULL PRIMARY KEY,
    organization_id text NOT NULL,
    filter          text NOT NULL,
    forced          boolean NOT NULL,
    per_second      integer NOT NULL,
    state           text NOT NULL,
    total           integer NOT NULL,
    queued          integer NOT NULL,
    cursor          text NOT NULL,
    last            text NOT NULL,
    next_at         datetime NOT NULL,
    created_by      text NOT NULL,
    created_at      datetime NOT NULL,
    ended_at        datetime
);
CREATE INDEX request_replays_organization ON request_replays (organization_id, id);
CREATE INDEX request_replays_next ON request_replays (next_at) WHERE state = 'running';

-- The headers that go along with a received body, as JSON; null for any other event.
ALTER TABLE events ADD COLUMN relayed blob;

-- +goose Down
DELETE FROM events WHERE length(relayed) > 0;
ALTER TABLE events DROP COLUMN relayed;
DROP TABLE request_replays;
DROP TABLE source_references;
DROP TABLE source_payments;
DROP TABLE event_identities;
DROP TABLE request_events;
DROP TABLE request_duplicates;
DROP TABLE request_keys;
DROP TABLE awaited_references;
DROP TABLE request_work;
DROP TABLE refused_counts;
DROP TABLE refused_requests;
DROP TABLE requests;
DROP TABLE source_secrets;
DROP TABLE sources;
