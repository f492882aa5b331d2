-- Where one role owns the tables and another serves from them, the serving one
-- owns none: these make and remove the partitions of days in its place, of three
-- tables alone, and remove none that may hold what has not ended. What they look
-- up by name is Postgres's own; the schema of the tables is written into them.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION partition_bound(parent text, at timestamp) RETURNS text LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- The smallest id that is made at that time: 48 bits of milliseconds since
    -- 1970 in the first ten of 26 digits of base 32.
    bits bigint := (extract(epoch FROM at) * 1000)::bigint << 2;
    digits text := '';
BEGIN
    FOR place IN REVERSE 9..0 LOOP
        digits := digits || substr('0123456789abcdefghjkmnpqrstvwxyz', ((bits >> (5 * place)) & 31)::int + 1, 1);
    END LOOP;
    RETURN CASE parent WHEN 'events' THEN 'evt_' ELSE 'dlv_' END || digits || repeat('0', 16);
END $$;
-- +goose StatementEnd

-- make_partition adds the partition of a day (UTC). The first one of all takes in
-- everything before it. It attaches instead of creating it in place, which would
-- wait for every transaction on the table and hold up those that come.
-- +goose StatementBegin
CREATE FUNCTION make_partition(parent text, day date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    home text := 'the schema of the tables';
    name text := parent || '_' || to_char(day, 'YYYYMMDD');
    lower_bound text;
    upper_bound text;
BEGIN
    IF parent NOT IN ('events', 'deliveries', 'attempts') THEN
        RAISE EXCEPTION '% has no partitions of ours', parent USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('SELECT quote_literal(%I.partition_bound($1, $2)), %1$I.partition_bound($1, $3)', home)
        INTO lower_bound, upper_bound USING parent, day::timestamp, (day + 1)::timestamp;
    IF to_regclass(format('%I.%I', home, parent || '_first')) IS NULL THEN
        name := parent || '_first';
        lower_bound := 'MINVALUE';
    END IF;
    IF to_regclass(format('%I.%I', home, name)) IS NOT NULL THEN
        RETURN;
    END IF;
    -- A delivery is updated soon after it was inserted: with room for that beside
    -- it, and nothing that changes in an index, the update writes to no index.
    EXECUTE format('CREATE TABLE %1$I.%2$I (LIKE %1$I.%3$I INCLUDING ALL EXCLUDING INDEXES) WITH (fillfactor = %4$s)',
        home, name, parent, CASE parent WHEN 'deliveries' THEN 50 ELSE 100 END);
    EXECUTE format('ALTER TABLE %1$I.%2$I ATTACH PARTITION %1$I.%3$I FOR VALUES FROM (%4$s) TO (%5$L)', home, parent, name, lower_bound, upper_bound);
END $$;
-- +goose StatementEnd

-- remove_partition does one step: it empties the first of all, which takes in
-- whatever a clock that lags may bring, detaches another, or drops one that is
-- detached; it says which. It waits 200 ms for a lock, since others wait behind it.
-- +goose StatementBegin
CREATE FUNCTION remove_partition(parent text, name text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
    home text := 'the schema of the tables';
    place regclass := to_regclass(format('%I.%I', home, name));
    youngest timestamp := (now() AT TIME ZONE 'UTC') - interval '7 days';
    bound text;
    pending boolean;
    upper_bound text;
    old boolean;
BEGIN
    IF parent NOT IN ('events', 'deliveries', 'attempts') OR name !~ ('^' || parent || '_(first|[0-9]{8})$') OR place IS NULL THEN
        RAISE EXCEPTION '% is no partition of %', name, parent USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT i.inhdetachpending, substring(pg_get_expr(c.relpartbound, c.oid) FROM $re$TO \('([^']+)'\)$re$) INTO pending, upper_bound
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhrelid = place;
    EXECUTE format('SELECT %I.partition_bound($1, $2)', home) INTO bound USING parent, youngest;
    IF upper_bound IS NOT NULL THEN
        old := upper_bound COLLATE "C" <= bound COLLATE "C";
    ELSE
        old := name !~ 'first$' AND to_date(right(name, 8), 'YYYYMMDD') + 1 <= youngest;
    END IF;
    IF NOT old THEN
        RAISE EXCEPTION '% holds what is younger than 7 days', name USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF name ~ 'first$' THEN
        EXECUTE format('TRUNCATE %s', place);
        RETURN 'emptied';
    ELSIF pending IS NULL THEN
        EXECUTE format('DROP TABLE %s', place);
        RETURN 'dropped';
    END IF;
    EXECUTE format('ALTER TABLE %I.%I DETACH PARTITION %s%s', home, parent, place, CASE WHEN pending THEN ' FINALIZE' ELSE '' END);
    RETURN 'detached';
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
DECLARE
    made regprocedure;
BEGIN
    FOREACH made IN ARRAY ARRAY['make_partition(text, date)', 'remove_partition(text, text)']::regprocedure[] LOOP
        EXECUTE replace(pg_get_functiondef(made), quote_literal('the schema of the tables'), quote_literal(current_schema()));
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION remove_partition(text, text);
DROP FUNCTION make_partition(text, date);
DROP FUNCTION partition_bound(text, timestamp);
