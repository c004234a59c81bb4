-- No single audit row, and no single log, keeps the others from being sealed.

-- +goose Up
SET LOCAL lock_timeout = '3s';

-- One row that cannot be read would end all sealing.
ALTER TABLE audit ADD CONSTRAINT audit_records_are_a_list
  CHECK (records = '{}' OR (array_ndims(records) = 1 AND array_lower(records, 1) = 1 AND array_position(records, NULL) IS NULL));

-- The sealer goes by xid: a row that came with a smaller one than its transaction's
-- would lie behind it for good. The service cannot name one. A later column of audit
-- has to be granted, too.
REVOKE INSERT ON audit FROM kutse_service;
GRANT INSERT (at, id, actor, role, act, application, candidate, standard, object, position, request, payload, records) ON audit TO kutse_service;

-- Audit rows that the sealer has come past while the log of their year could not be
-- signed: they have their places before all later ones of that year.
CREATE TABLE log_waiting (
  n     bigint GENERATED ALWAYS AS IDENTITY,
  year  integer NOT NULL,
  at    timestamptz NOT NULL,
  audit uuid NOT NULL CONSTRAINT log_waiting_once UNIQUE,
  PRIMARY KEY (year, n)
);
REVOKE ALL ON log_waiting FROM PUBLIC;
GRANT SELECT, INSERT, DELETE ON log_waiting TO kutse_service;
GRANT SELECT ON log_waiting TO kutse_reader;

-- +goose Down
DROP TABLE log_waiting;
REVOKE INSERT (at, id, actor, role, act, application, candidate, standard, object, position, request, payload, records) ON audit FROM kutse_service;
GRANT INSERT ON audit TO kutse_service;
ALTER TABLE audit DROP CONSTRAINT audit_records_are_a_list;
