-- Ids of people who were erased, as the published log tells, and whom a restore has
-- lost altogether: without a row of theirs there is no tombstone to keep their ids
-- from getting another key. `kutse keys honour` bars them, anew after each restore.

-- +goose Up
SET LOCAL lock_timeout = '3s';

CREATE TABLE kutse_keys.barred (
  person text PRIMARY KEY,
  at     timestamptz NOT NULL
);
REVOKE ALL ON kutse_keys.barred FROM PUBLIC;
GRANT SELECT, INSERT ON kutse_keys.barred TO kutse_service;

-- +goose Down
DROP TABLE kutse_keys.barred;
