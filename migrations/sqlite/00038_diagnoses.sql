-- diagnosis names what most likely happened to a refused request (inbound.Reason), and
-- diagnosis_text says it to people. Until now diagnosis had the text.

-- +goose Up
ALTER TABLE requests ADD COLUMN diagnosis_text text NOT NULL DEFAULT '';
ALTER TABLE refused_requests ADD COLUMN diagnosis_text text NOT NULL DEFAULT '';
UPDATE refused_requests SET diagnosis_text = diagnosis, diagnosis = '' WHERE diagnosis <> '';

-- +goose Down
UPDATE refused_requests SET diagnosis = diagnosis_text WHERE diagnosis_text <> '';
ALTER TABLE refused_requests DROP COLUMN diagnosis_text;
ALTER TABLE requests DROP COLUMN diagnosis_text;
