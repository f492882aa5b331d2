-- How long what sources received is kept. body_retention_days: after so many days a
-- request's body, headers and query go; 0 keeps them as long as the request.
-- bodies_dropped_to: before this id they have gone. body_dropped_at: when they went.

-- +goose Up
ALTER TABLE sources ADD COLUMN body_retention_days bigint NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN bodies_dropped_to text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN body_dropped_at timestamptz;
ALTER TABLE refused_requests ADD COLUMN body_dropped_at timestamptz;

-- How much is kept of a source's refused requests, so that its bound costs no look at
-- all of them. It may say too much, never too little.
CREATE TABLE refused_rings (
    source_id       text COLLATE "C" NOT NULL,
    whole           boolean NOT NULL,
    organization_id text COLLATE "C" NOT NULL,
    count           bigint NOT NULL,
    size            bigint NOT NULL,
    PRIMARY KEY (source_id, whole)
) WITH (fillfactor = 70);
INSERT INTO refused_rings (source_id, whole, organization_id, count, size)
    SELECT source_id, whole, min(organization_id), count(*), sum(size) FROM refused_requests GROUP BY source_id, whole;

-- What the sources of a closed organization received is erased in steps. erased_to:
-- before this id its events hold nothing of it any more.
ALTER TABLE organizations ADD COLUMN erased_at timestamptz;
ALTER TABLE organizations ADD COLUMN erased_to text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX organizations_to_erase ON organizations (closed_at) WHERE closed_at IS NOT NULL AND erased_at IS NULL;

-- +goose Down
DROP INDEX organizations_to_erase;
ALTER TABLE organizations DROP COLUMN erased_to;
ALTER TABLE organizations DROP COLUMN erased_at;
DROP TABLE refused_rings;
ALTER TABLE refused_requests DROP COLUMN body_dropped_at;
ALTER TABLE requests DROP COLUMN body_dropped_at;
ALTER TABLE sources DROP COLUMN bodies_dropped_to;
ALTER TABLE sources DROP COLUMN body_retention_days;
