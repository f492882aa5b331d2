-- The first layout is the last one: what grows without end (events, deliveries,
-- attempts) is partitioned by ranges of its rising id, has no foreign keys and
-- keeps bodies as bytes; unfinished work and idempotency keys live in small
-- tables of their own. Ids compare by bytes, on every server locale.

-- +goose Up
CREATE TABLE organizations (
    id          text COLLATE "C" PRIMARY KEY,
    external_id text COLLATE "C",
    name        text NOT NULL,
    slug        text COLLATE "C" NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    deleted_at  timestamptz
);
CREATE UNIQUE INDEX organizations_external_id ON organizations (external_id);
CREATE UNIQUE INDEX organizations_slug ON organizations (slug);

-- Every slug that was ever given, so that a freed one is never given again.
CREATE TABLE slugs (
    slug            text COLLATE "C" PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL REFERENCES organizations (id),
    created_at      timestamptz NOT NULL
);

CREATE TABLE users (
    id            text COLLATE "C" PRIMARY KEY,
    email         text COLLATE "C" NOT NULL,
    name          text NOT NULL,
    password_hash text NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX users_email ON users (email);

CREATE TABLE members (
    id              text COLLATE "C" PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL REFERENCES organizations (id),
    user_id         text COLLATE "C" NOT NULL REFERENCES users (id),
    role            text NOT NULL,
    created_at      timestamptz NOT NULL
);
CREATE UNIQUE INDEX members_organization_user ON members (organization_id, user_id);
CREATE INDEX members_user ON members (user_id);

-- A session is known by the SHA-256 of its token: who reads the table can't use it.
CREATE TABLE sessions (
    token_hash bytea PRIMARY KEY,
    data       bytea NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- organization_id is null for a platform key.
CREATE TABLE api_keys (
    id              text COLLATE "C" PRIMARY KEY,
    organization_id text COLLATE "C" REFERENCES organizations (id),
    name            text NOT NULL,
    hash            bytea NOT NULL,
    hint            text NOT NULL,
    scopes          text NOT NULL,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL,
    last_used_at    timestamptz,
    revoked_at      timestamptz
);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
CREATE INDEX api_keys_organization ON api_keys (organization_id, id);

CREATE TABLE endpoints (
    id                    text COLLATE "C" PRIMARY KEY,
    organization_id       text COLLATE "C" NOT NULL REFERENCES organizations (id),
    url                   text NOT NULL,
    name                  text NOT NULL,
    description           text NOT NULL,
    event_types           text NOT NULL,
    schedule              text NOT NULL,
    timeout_seconds       bigint NOT NULL,
    max_in_flight         bigint NOT NULL,
    rate_limit_per_second bigint NOT NULL,
    headers               bytea,
    signature_format      text NOT NULL,
    disabled_at           timestamptz,
    disabled_reason       text NOT NULL,
    created_at            timestamptz NOT NULL,
    updated_at            timestamptz NOT NULL,
    deleted_at            timestamptz
);
CREATE INDEX endpoints_organization ON endpoints (organization_id, id);

-- One row per endpoint: what holds all its deliveries back, and how it fares.
-- Claims lock this row, so that slots in flight are counted once at a time.
CREATE TABLE endpoint_states (
    endpoint_id     text COLLATE "C" PRIMARY KEY REFERENCES endpoints (id),
    held_until      timestamptz,
    held_because    text NOT NULL,
    failures        bigint NOT NULL,
    rate_free_us    bigint NOT NULL,
    last_success_at timestamptz,
    last_failure_at timestamptz
);

-- What an endpoint was subscribed to, and whether it was enabled, since when.
-- Why an event went nowhere is read from here, never stored per event.
CREATE TABLE endpoint_settings (
    endpoint_id     text COLLATE "C" NOT NULL,
    since           timestamptz NOT NULL,
    organization_id text COLLATE "C" NOT NULL,
    event_types     text NOT NULL,
    enabled         boolean NOT NULL,
    deleted         boolean NOT NULL,
    PRIMARY KEY (endpoint_id, since)
);
CREATE INDEX endpoint_settings_organization ON endpoint_settings (organization_id, since);

-- Newest first signs first; an old one signs until expires_at, and the older
-- header x-webhook-signature until switched_at.
CREATE TABLE endpoint_secrets (
    id              text COLLATE "C" PRIMARY KEY,
    endpoint_id     text COLLATE "C" NOT NULL REFERENCES endpoints (id),
    organization_id text COLLATE "C" NOT NULL,
    sealed          bytea NOT NULL,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz,
    switched_at     timestamptz
);
CREATE INDEX endpoint_secrets_endpoint ON endpoint_secrets (endpoint_id, id);
CREATE INDEX endpoint_secrets_expiry ON endpoint_secrets (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE audit_entries (
    id              text COLLATE "C" PRIMARY KEY,
    organization_id text COLLATE "C",
    actor_kind      text NOT NULL,
    actor_id        text NOT NULL,
    actor_name      text NOT NULL,
    action          text NOT NULL,
    target_id       text NOT NULL,
    target_name     text NOT NULL,
    details         text NOT NULL,
    remote_address  text NOT NULL,
    request_id      text NOT NULL,
    created_at      timestamptz NOT NULL
);
CREATE INDEX audit_entries_organization ON audit_entries (organization_id, id);

CREATE TABLE events (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL,
    type            text NOT NULL,
    origin          text NOT NULL,
    test            boolean NOT NULL,
    occurred_at     timestamptz NOT NULL,
    created_at      timestamptz NOT NULL,
    deliveries      bigint NOT NULL,
    body            bytea NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX events_organization ON events (organization_id, id);

CREATE TABLE deliveries (
    id               text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id  text COLLATE "C" NOT NULL,
    event_id         text COLLATE "C" NOT NULL,
    event_type       text NOT NULL,
    endpoint_id      text COLLATE "C" NOT NULL,
    state            text NOT NULL,
    test             boolean NOT NULL,
    attempt_count    bigint NOT NULL,
    planned_attempts bigint NOT NULL,
    created_at       timestamptz NOT NULL,
    delivered_at     timestamptz,
    ended_at         timestamptz,
    last_attempt_at  timestamptz,
    last_status_code bigint NOT NULL,
    last_cause       text NOT NULL,
    last_duration_us bigint NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX deliveries_organization ON deliveries (organization_id, id);
CREATE INDEX deliveries_endpoint ON deliveries (endpoint_id, id);
CREATE INDEX deliveries_event ON deliveries (event_id);
CREATE INDEX deliveries_unfinished ON deliveries (organization_id, state, id) WHERE state <> 'delivered';

CREATE TABLE attempts (
    delivery_id      text COLLATE "C" NOT NULL,
    number           bigint NOT NULL,
    organization_id  text COLLATE "C" NOT NULL,
    trigger          text NOT NULL,
    started_at       timestamptz NOT NULL,
    duration_us      bigint NOT NULL,
    status_code      bigint NOT NULL,
    cause            text NOT NULL,
    error            text NOT NULL,
    note             text NOT NULL,
    remote_address   text NOT NULL,
    tls_version      text NOT NULL,
    dns_us           bigint NOT NULL,
    connect_us       bigint NOT NULL,
    tls_us           bigint NOT NULL,
    first_byte_us    bigint NOT NULL,
    request_url      text NOT NULL,
    request_headers  bytea NOT NULL,
    response_headers bytea NOT NULL,
    response_body    bytea NOT NULL,
    truncated        boolean NOT NULL,
    PRIMARY KEY (delivery_id, number)
) PARTITION BY RANGE (delivery_id);

-- The unfinished work: one row per delivery that still has an attempt to come.
-- due_at: no attempt before it. wake_at: when the due scan looks at it next.
-- resume_at: the planned attempt that a person's resend came before.
-- cancelled: a person cancelled it in flight; no other attempt follows.
-- recovery_id: the recovery that asked for it, or empty.
CREATE TABLE delivery_work (
    delivery_id     text COLLATE "C" PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL,
    endpoint_id     text COLLATE "C" NOT NULL,
    event_id        text COLLATE "C" NOT NULL,
    trigger         text NOT NULL,
    priority        bigint NOT NULL,
    attempt         bigint NOT NULL,
    position        bigint NOT NULL,
    due_at          timestamptz NOT NULL,
    wake_at         timestamptz NOT NULL,
    resume_at       timestamptz,
    expires_at      timestamptz NOT NULL,
    claimed_at      timestamptz,
    lease_until     timestamptz,
    lease_token     text NOT NULL,
    cancelled       boolean NOT NULL,
    recovery_id     text COLLATE "C" NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX delivery_work_wake ON delivery_work (endpoint_id, priority, wake_at) WHERE lease_until IS NULL;
CREATE INDEX delivery_work_lease ON delivery_work (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX delivery_work_in_flight ON delivery_work (endpoint_id) WHERE lease_until IS NOT NULL;
CREATE INDEX delivery_work_recovery ON delivery_work (recovery_id) WHERE recovery_id <> '';

-- What a person asked to be sent again, or at last, for one endpoint: worked on
-- in small steps. cursor: the last row that was looked at. next_at: no step
-- before it, which is the throttle.
CREATE TABLE recoveries (
    id              text COLLATE "C" PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL,
    endpoint_id     text COLLATE "C" NOT NULL,
    kind            text NOT NULL,
    since           timestamptz NOT NULL,
    until           timestamptz NOT NULL,
    types           text NOT NULL,
    causes          text NOT NULL,
    per_second      bigint NOT NULL,
    state           text NOT NULL,
    total           bigint NOT NULL,
    queued          bigint NOT NULL,
    skipped         bigint NOT NULL,
    cursor          text COLLATE "C" NOT NULL,
    next_at         timestamptz NOT NULL,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL,
    ended_at        timestamptz
);
CREATE INDEX recoveries_endpoint ON recoveries (endpoint_id, id);
CREATE INDEX recoveries_next ON recoveries (next_at) WHERE state = 'running';
CREATE UNIQUE INDEX recoveries_running ON recoveries (endpoint_id) WHERE state = 'running';

CREATE TABLE idempotency_keys (
    organization_id text COLLATE "C" NOT NULL,
    key             text COLLATE "C" NOT NULL,
    request_hash    bytea NOT NULL,
    event_id        text COLLATE "C" NOT NULL,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

-- +goose Down
DROP TABLE idempotency_keys, recoveries, delivery_work, attempts, deliveries, events, audit_entries,
    endpoint_secrets, endpoint_settings, endpoint_states, endpoints, api_keys, sessions,
    members, users, slugs, organizations;
