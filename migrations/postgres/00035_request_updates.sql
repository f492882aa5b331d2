-- A request is updated once, soon after it was inserted, with what became of it. With
-- room for that beside it, and nothing that changes in an index, the update writes to
-- no index: what failed has an error, and what became its events has none before and
-- after.

-- +goose Up
DROP INDEX requests_failed;
CREATE INDEX requests_failed ON requests (source_id, id) WHERE error <> '';
-- +goose StatementBegin
DO $$
DECLARE
    part regclass;
BEGIN
    EXECUTE replace(pg_get_functiondef('make_partition(text, date)'::regprocedure), $q$CASE parent WHEN 'deliveries' THEN 50 ELSE$q$, $q$CASE WHEN parent IN ('deliveries', 'requests') THEN 50 ELSE$q$);
    FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'requests'::regclass LOOP
        EXECUTE format('ALTER TABLE %s SET (fillfactor = 50)', part);
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
DECLARE
    part regclass;
BEGIN
    EXECUTE replace(pg_get_functiondef('make_partition(text, date)'::regprocedure), $q$CASE WHEN parent IN ('deliveries', 'requests') THEN 50 ELSE$q$, $q$CASE parent WHEN 'deliveries' THEN 50 ELSE$q$);
    FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'requests'::regclass LOOP
        EXECUTE format('ALTER TABLE %s RESET (fillfactor)', part);
    END LOOP;
END $$;
-- +goose StatementEnd
DROP INDEX requests_failed;
CREATE INDEX requests_failed ON requests (source_id, id) WHERE processing = 'failed';
