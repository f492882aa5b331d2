-- What pages read at scale. Nothing that changes stands in an index of
-- deliveries, so that an update of one touches no index at all.

-- +goose Up
-- Deliveries that failed or were cancelled, and are not delivered since. What
-- still waits has its row in delivery_work.
CREATE TABLE undelivered (
    delivery_id     text COLLATE "C" PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL,
    endpoint_id     text COLLATE "C" NOT NULL,
    event_type      text NOT NULL,
    state           text NOT NULL
);
CREATE INDEX undelivered_organization ON undelivered (organization_id, state, delivery_id, event_type);
CREATE INDEX undelivered_endpoint ON undelivered (endpoint_id, state, delivery_id, event_type);
INSERT INTO undelivered (delivery_id, organization_id, endpoint_id, event_type, state)
SELECT id, organization_id, endpoint_id, event_type, state FROM deliveries WHERE state IN ('failed', 'cancelled');
DROP INDEX deliveries_unfinished;

CREATE INDEX deliveries_type ON deliveries (organization_id, event_type, id);
CREATE INDEX events_type ON events (organization_id, type, id);

-- What is rare among all, and never changes.
CREATE INDEX deliveries_test ON deliveries (organization_id, id) WHERE test;
CREATE INDEX events_origin ON events (organization_id, origin, id) WHERE origin <> 'api';

-- So that what waits can be narrowed by type without reading its deliveries.
ALTER TABLE delivery_work ADD COLUMN event_type text NOT NULL DEFAULT '';
UPDATE delivery_work SET event_type = coalesce((SELECT d.event_type FROM deliveries d WHERE d.id = delivery_work.delivery_id), '');

-- Attempts and ended deliveries, counted: one row for each span of time, of an
-- endpoint or, where endpoint_id is empty, of the organization. since: Unix
-- seconds, the start. span: seconds. ms*: answers that took less than so many
-- milliseconds, and no less than the one before.
CREATE TABLE rollups (
    organization_id text COLLATE "C" NOT NULL,
    endpoint_id     text COLLATE "C" NOT NULL,
    span            bigint NOT NULL,
    since           bigint NOT NULL,
    attempts        bigint NOT NULL,
    failed_attempts bigint NOT NULL,
    delivered       bigint NOT NULL,
    failed          bigint NOT NULL,
    ms5 bigint NOT NULL,
    ms10 bigint NOT NULL,
    ms20 bigint NOT NULL,
    ms40 bigint NOT NULL,
    ms70 bigint NOT NULL,
    ms100 bigint NOT NULL,
    ms150 bigint NOT NULL,
    ms200 bigint NOT NULL,
    ms300 bigint NOT NULL,
    ms500 bigint NOT NULL,
    ms800 bigint NOT NULL,
    ms1200 bigint NOT NULL,
    ms2000 bigint NOT NULL,
    ms5000 bigint NOT NULL,
    ms10000 bigint NOT NULL,
    ms30000 bigint NOT NULL,
    PRIMARY KEY (organization_id, endpoint_id, span, since)
) WITH (fillfactor = 70);

-- What is not in the rollups yet: one row for each group of attempts that was
-- recorded, written with them and removed as it is added to the rollups.
CREATE TABLE rollup_deltas (
    id     text COLLATE "C" PRIMARY KEY,
    counts text NOT NULL
);

-- +goose Down
DROP TABLE rollup_deltas, rollups;
ALTER TABLE delivery_work DROP COLUMN event_type;
DROP INDEX events_origin;
DROP INDEX deliveries_test;
DROP INDEX events_type;
DROP INDEX deliveries_type;
CREATE INDEX deliveries_unfinished ON deliveries (organization_id, state, id) WHERE state <> 'delivered';
DROP TABLE undelivered;
