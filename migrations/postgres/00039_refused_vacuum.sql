-- Rows of refused requests come and go all the time, most of their bytes beside the
-- table. Room that is free is to be found again before the files grow.

-- +goose Up
ALTER TABLE refused_requests SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 100,
    toast.autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_threshold = 500, toast.autovacuum_vacuum_cost_delay = 0);

-- +goose Down
ALTER TABLE refused_requests RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,
    toast.autovacuum_vacuum_scale_factor, toast.autovacuum_vacuum_threshold, toast.autovacuum_vacuum_cost_delay);
