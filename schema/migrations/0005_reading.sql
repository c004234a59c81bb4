-- Who read whose data, when and for what. A reading is itself personal data, and is
-- kept for a term (procedure: retention): whole months are dropped after it.

-- +goose Up
SET LOCAL lock_timeout = '3s';

CREATE TABLE reading (
  at          timestamptz NOT NULL,
  id          uuid NOT NULL,
  reader      text NOT NULL,
  role        text NOT NULL,
  purpose     text NOT NULL CONSTRAINT reading_has_a_purpose CHECK (purpose <> ''),
  -- whose data it was
  person      text NOT NULL,
  application uuid,
  -- what was asked: evidence.list
  what        text NOT NULL,
  PRIMARY KEY (at, id),
  CONSTRAINT reading_by_another CHECK (reader <> person)
) PARTITION BY RANGE (at);
CREATE INDEX reading_by_person ON reading (person, at, id);
CREATE INDEX reading_by_reader ON reading (reader, at, id);
CREATE INDEX reading_by_application ON reading (application, at, id) WHERE application IS NOT NULL;

SELECT make_append_only('reading'::regclass);

-- +goose StatementBegin
-- Drops the months of readings that ended before a day; returns how many. Harmless twice.
CREATE FUNCTION forget_readings(before date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = kutse, pg_temp AS $$
DECLARE
  dropped integer := 0;
  part record;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('kutse.ensure_partitions'));
  FOR part IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'kutse.reading'::regclass AND to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month' <= before
  LOOP
    EXECUTE format('DROP TABLE kutse.%I', part.relname);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION forget_readings(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_readings(date) TO kutse_service;
SELECT ensure_partitions(current_date, 3);

-- +goose Down
DROP FUNCTION forget_readings(date);
DROP TABLE reading;
