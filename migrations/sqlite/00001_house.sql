-- The same tables as in postgres/00001_house.sql, for one machine: SQLite
-- compares text by bytes, has no partitions and keeps times as UTC text.

-- +goose Up
CREATE TABLE organizations (
    id          text NOT NULL PRIMARY KEY,
    external_id text,
    name        text NOT NULL,
    slug        text NOT NULL,
    created_at  datetime NOT NULL,
    updated_at  datetime NOT NULL,
    deleted_at  datetime
);
CREATE UNIQUE INDEX organizations_external_id ON organizations (external_id);
CREATE UNIQUE INDEX organizations_slug ON organizations (slug);

-- Every slug that was ever given, so that a freed one is never given again.
CREATE TABLE slugs (
    slug            text NOT NULL PRIMARY KEY,
    organization_id text NOT NULL REFERENCES organizations (id),
    created_at      datetime NOT NULL
);

CREATE TABLE users (
    id            text NOT NULL PRIMARY KEY,
    email         text NOT NULL,
    name          text NOT NULL,
    password_hash text NOT NULL,
    created_at    datetime NOT NULL,
    updated_at    datetime NOT NULL
);
CREATE UNIQUE INDEX users_email ON users (email);

CREATE TABLE members (
    id              text NOT NULL PRIMARY KEY,
    organization_id text NOT NULL REFERENCES organizations (id),
    user_id         text NOT NULL REFERENCES users (id),
    role            text NOT NULL,
    created_at      datetime NOT NULL
);
CREATE UNIQUE INDEX members_organization_user ON members (organization_id, user_id);
CREATE INDEX members_user ON members (user_id);

-- A session is known by the SHA-256 of its token: who reads the table can't use it.
CREATE TABLE sessions (
    token_hash blob NOT NULL PRIMARY KEY,
    data       blob NOT NULL,
    expires_at datetime NOT NULL
);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- organization_id is null for a platform key.
CREATE TABLE api_keys (
    id              text NOT NULL PRIMARY KEY,
    organization_id text REFERENCES organizations (id),
    name            text NOT NULL,
    hash            blob NOT NULL,
    hint            text NOT NULL,
    scopes          text NOT NULL,
    created_by      text NOT NULL,
    created_at      datetime NOT NULL,
    last_used_at    datetime,
    revoked_at      datetime
);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
CREATE INDEX api_keys_organization ON api_keys (organization_id, id);

CREATE TABLE endpoints (
    id                    text NOT NULL PRIMARY KEY,
    organization_id       text NOT NULL REFERENCES organizations (id),
    url                   text NOT NULL,
    name                  text NOT NULL,
    description           text NOT NULL,
    event_types           text NOT NULL,
    schedule              text NOT NULL,
    timeout_seconds       integer NOT NULL,
    max_in_flight         integer NOT NULL,
    rate_limit_per_second integer NOT NULL,
    headers               blob,
    signature_format      text NOT NULL,
    disabled_at           datetime,
    disabled_reason       text NOT NULL,
    created_at            datetime NOT NULL,
    updated_at            datetime NOT NULL,
    deleted_at            datetime
);
CREATE INDEX endpoints_organization ON endpoints (organization_id, id);

-- One row per endpoint: what holds all its deliveries back, and how it fares.
-- Claims lock this row, so that slots in flight are counted once at a time.
CREATE TABLE endpoint_states (
    endpoint_id     text NOT NULL PRIMARY KEY REFERENCES endpoints (id),
    held_until      datetime,
    held_because    text NOT NULL,
    failures        integer NOT NULL,
    rate_free_us    integer NOT NULL,
    last_success_at datetime,
    last_failure_at datetime
);

-- What an endpoint was subscribed to, and whether it was enabled, since when.
-- Why an event went nowhere is read from here, never stored per event.
CREATE TABLE endpoint_settings (
    endpoint_id     text NOT NULL,
    since           datetime NOT NULL,
    organization_id text NOT NULL,
    event_types     text NOT NULL,
    enabled         boolean NOT NULL,
    deleted         boolean NOT NULL,
    PRIMARY KEY (endpoint_id, since)
);
CREATE INDEX endpoint_settings_organization ON endpoint_settings (organization_id, since);

-- Newest first signs first; an old one signs until expires_at, and the older
-- header x-webhook-signature until switched_at.
CREATE TABLE endpoint_secrets (
    id              text NOT NULL PRIMARY KEY,
    endpoint_id     text NOT NULL REFERENCES endpoints (id),
    organization_id text NOT NULL,
    sealed          blob NOT NULL,
    created_by      text NOT NULL,
    created_at      datetime NOT NULL,
    expires_at      datetime,
    switched_at     datetime
);
CREATE INDEX endpoint_secrets_endpoint ON endpoint_secrets (endpoint_id, id);
CREATE INDEX endpoint_secrets_expiry ON endpoint_secrets (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE audit_entries (
    id              text NOT NULL PRIMARY KEY,
    organization_id text,
    actor_kind      text NOT NULL,
    actor_id        text NOT NULL,
    actor_name      text NOT NULL,
    action          text NOT NULL,
    target_id       text NOT NULL,
    target_name     text NOT NULL,
    details         text NOT NULL,
    remote_address  text NOT NULL,
    request_id      text NOT NULL,
    created_at      datetime NOT NULL
);
CREATE INDEX audit_entries_organization ON audit_entries (organization_id, id);

CREATE TABLE events (
    id              text NOT NULL PRIMARY KEY,
    organization_id text NOT NULL,
    type            text NOT NULL,
    origin          text NOT NULL,
    test            boolean NOT NULL,
    occurred_at     datetime NOT NULL,
    created_at      datetime NOT NULL,
    deliveries      integer NOT NULL,
    body            blob NOT NULL
);
CREATE INDEX events_organization ON events (organization_id, id);

CREATE TABLE deliveries (
    id               text NOT NULL PRIMARY KEY,
    organization_id  text NOT NULL,
    event_id         text NOT NULL,
    event_type       text NOT NULL,
    endpoint_id      text NOT NULL,
    state            text NOT NULL,
    test             boolean NOT NULL,
    attempt_count    integer NOT NULL,
    planned_attempts integer NOT NULL,
    created_at       datetime NOT NULL,
    delivered_at     datetime,
    ended_at         datetime,
    last_attempt_at  datetime,
    last_status_code integer NOT NULL,
    last_cause       text NOT NULL,
    last_duration_us integer NOT NULL
);
CREATE INDEX deliveries_organization ON deliveries (organization_id, id);
CREATE INDEX deliveries_endpoint ON deliveries (endpoint_id, id);
CREATE INDEX deliveries_event ON deliveries (event_id);
CREATE INDEX deliveries_unfinished ON deliveries (organization_id, state, id) WHERE state <> 'delivered';

CREATE TABLE attempts (
    delivery_id      text NOT NULL,
    number           integer NOT NULL,
    organization_id  text NOT NULL,
    trigger          text NOT NULL,
    started_at       datetime NOT NULL,
    duration_us      integer NOT NULL,
    status_code      integer NOT NULL,
    cause            text NOT NULL,
    error            text NOT NULL,
    note             text NOT NULL,
    remote_address   text NOT NULL,
    tls_version      text NOT NULL,
    dns_us           integer NOT NULL,
    connect_us       integer NOT NULL,
    tls_us           integer NOT NULL,
    first_byte_us    integer NOT NULL,
    request_url      text NOT NULL,
    request_headers  blob NOT NULL,
    response_headers blob NOT NULL,
    response_body    blob NOT NULL,
    truncated        boolean NOT NULL,
    PRIMARY KEY (delivery_id, number)
);

-- The unfinished work: one row per delivery that still has an attempt to come.
-- due_at: no attempt before it. wake_at: when the due scan looks at it next.
-- resume_at: the planned attempt that a person's resend came before.
-- cancelled: a person cancelled it in flight; no other attempt follows.
-- recovery_id: the recovery that asked for it, or empty.
CREATE TABLE delivery_work (
    delivery_id     text NOT NULL PRIMARY KEY,
    organization_id text NOT NULL,
    endpoint_id     text NOT NULL,
    event_id        text NOT NULL,
    trigger         text NOT NULL,
    priority        integer NOT NULL,
    attempt         integer NOT NULL,
    position        integer NOT NULL,
    due_at          datetime NOT NULL,
    wake_at         datetime NOT NULL,
    resume_at       datetime,
    expires_at      datetime NOT NULL,
    claimed_at      datetime,
    lease_until     datetime,
    lease_token     text NOT NULL,
    cancelled       boolean NOT NULL,
    recovery_id     text NOT NULL
);
CREATE INDEX delivery_work_wake ON delivery_work (endpoint_id, priority, wake_at) WHERE lease_until IS NULL;
CREATE INDEX delivery_work_lease ON delivery_work (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX delivery_work_in_flight ON delivery_work (endpoint_id) WHERE lease_until IS NOT NULL;
CREATE INDEX delivery_work_recovery ON delivery_work (recovery_id) WHERE recovery_id <> '';

-- What a person asked to be sent again, or at last, for one endpoint: worked on
-- in small steps. cursor: the last row that was looked at. next_at: no step
-- before it, which is the throttle.
CREATE TABLE recoveries (
    id              text NOT NULL PRIMARY KEY,
    organization_id text NOT NULL,
    endpoint_id     text NOT NULL,
    kind            text NOT NULL,
    since           datetime NOT NULL,
    until           datetime NOT NULL,
    types           text NOT NULL,
    causes          text NOT NULL,
    per_second      integer NOT NULL,
    state           text NOT NULL,
    total           integer NOT NULL,
    queued          integer NOT NULL,
    skipped         integer NOT NULL,
    cursor          text NOT NULL,
    next_at         datetime NOT NULL,
    created_by      text NOT NULL,
    created_at      datetime NOT NULL,
    ended_at        datetime
);
CREATE INDEX recoveries_endpoint ON recoveries (endpoint_id, id);
CREATE INDEX recoveries_next ON recoveries (next_at) WHERE state = 'running';
CREATE UNIQUE INDEX recoveries_running ON recoveries (endpoint_id) WHERE state = 'running';

CREATE TABLE idempotency_keys (
    organization_id text NOT NULL,
    key             text NOT NULL,
    request_hash    blob NOT NULL,
    event_id        text NOT NULL,
    created_at      datetime NOT NULL,
    PRIMARY KEY (organization_id, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

-- +goose Down
DROP TABLE idempotency_keys;
DROP TABLE recoveries;
DROP TABLE delivery_work;
DROP TABLE attempts;
DROP TABLE deliveries;
DROP TABLE events;
DROP TABLE audit_entries;
DROP TABLE endpoint_secrets;
DROP TABLE endpoint_settings;
DROP TABLE endpoint_states;
DROP TABLE endpoints;
DROP TABLE api_keys;
DROP TABLE sessions;
DROP TABLE members;
DROP TABLE users;
DROP TABLE slugs;
DROP TABLE organizations;
