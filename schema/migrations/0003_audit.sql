-- The audit trail says whom and which standard an act concerned and what it
-- recorded; events and outbox are partitioned by month, as the trail is.

-- +goose Up
SET LOCAL lock_timeout = '3s';

ALTER TABLE audit
  ADD COLUMN candidate text,
  -- key of the standard; the version is the application's
  ADD COLUMN standard  text,
  -- each row that the act recorded: kind, id and the SHA-256 of its canonical form
  ADD COLUMN records   text[] NOT NULL DEFAULT '{}';
CREATE INDEX audit_by_candidate ON audit (candidate, at, id) WHERE candidate IS NOT NULL;
CREATE INDEX audit_by_standard ON audit (standard, at, id) WHERE standard IS NOT NULL;
-- what belongs to an application is found through it
CREATE INDEX audit_by_object ON audit (object, at, id) WHERE application IS NULL;
CREATE INDEX audit_by_act ON audit (act, at, id);
-- the order in which the sealer takes rows: a late commit cannot be overtaken
CREATE INDEX audit_by_transaction ON audit (xid, id);

-- Migration 0002 made sure that nobody, and so nothing, is in the record yet.
DROP TABLE outbox, event;

CREATE TABLE event (
  at          timestamptz NOT NULL,
  id          uuid NOT NULL,
  application uuid,
  position    integer NOT NULL,
  type        text NOT NULL,
  order_key   text NOT NULL,
  subject     text NOT NULL,
  -- the envelope as it is published, byte for byte
  body        text NOT NULL,
  PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
-- A partitioned table cannot hold this unique without the time. The application's
-- row lock keeps positions apart; `kutse audit check` looks for gaps and doubles.
CREATE INDEX event_in_sequence ON event (application, position) WHERE application IS NOT NULL;

-- What is not yet acknowledged by JetStream. The relay deletes after the
-- acknowledgement; the fact itself stays in event.
CREATE SEQUENCE outbox_id AS bigint;
CREATE TABLE outbox (
  at    timestamptz NOT NULL,
  id    bigint NOT NULL DEFAULT nextval('outbox_id'),
  event uuid NOT NULL, -- of the same time; no foreign key: it would be one for each pair of partitions
  PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX outbox_in_order ON outbox (id);
CREATE INDEX outbox_by_event ON outbox (event);
ALTER SEQUENCE outbox_id OWNED BY outbox.id;

SELECT make_append_only('event'::regclass);
REVOKE ALL ON outbox FROM PUBLIC;
GRANT SELECT, INSERT, DELETE ON outbox TO kutse_service;
GRANT USAGE ON SEQUENCE outbox_id TO kutse_service;
GRANT SELECT ON event, outbox TO kutse_reader;

-- +goose StatementBegin
-- Makes the partitions of this month and the next ones for every table that is
-- partitioned by time, where they are missing. Harmless twice: an existing one is
-- left alone. There is no DEFAULT partition, so a missing one fails loudly. Where
-- the table refuses TRUNCATE, so does the partition: statement triggers are not
-- cloned.
CREATE FUNCTION ensure_partitions(first date, months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = kutse, pg_temp AS $$
DECLARE
  made integer := 0;
  parent record;
  month date;
  name text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('kutse.ensure_partitions'));
  FOR parent IN
    SELECT c.relname, EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgname = 'no_truncate') AS facts
      FROM pg_class c JOIN pg_partitioned_table p ON p.partrelid = c.oid
     WHERE c.relnamespace = 'kutse'::regnamespace AND p.partstrat = 'r' ORDER BY c.relname
  LOOP
    FOR i IN 0 .. months - 1 LOOP
      month := (date_trunc('month', first) + make_interval(months => i))::date;
      name := parent.relname || '_' || to_char(month, 'YYYYMM');
      IF to_regclass('kutse.' || name) IS NULL THEN
        EXECUTE format('CREATE TABLE kutse.%I PARTITION OF kutse.%I FOR VALUES FROM (%L) TO (%L)',
          name, parent.relname, month::text || ' 00:00:00+00', (month + interval '1 month')::date::text || ' 00:00:00+00');
        EXECUTE format('REVOKE ALL ON kutse.%I FROM PUBLIC', name);
        IF parent.facts THEN
          EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON kutse.%I FOR EACH STATEMENT EXECUTE FUNCTION kutse.refuse_change()', name);
          EXECUTE format('ALTER TABLE kutse.%I ENABLE ALWAYS TRIGGER no_truncate', name);
        END IF;
        made := made + 1;
      END IF;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;
-- +goose StatementEnd

DROP FUNCTION ensure_audit_partitions(date, integer);
REVOKE ALL ON FUNCTION ensure_partitions(date, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_partitions(date, integer) TO kutse_service;
SELECT ensure_partitions(current_date, 3);

-- +goose Down
DROP FUNCTION ensure_partitions(date, integer);
-- +goose StatementBegin
CREATE FUNCTION ensure_audit_partitions(first date, months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = kutse, pg_temp AS $$
BEGIN
  RETURN 0; -- the way down keeps the partitions there are
END $$;
-- +goose StatementEnd
DROP TABLE outbox, event;
DROP INDEX audit_by_transaction, audit_by_act, audit_by_object, audit_by_standard, audit_by_candidate;
ALTER TABLE audit DROP COLUMN records, DROP COLUMN standard, DROP COLUMN candidate;
CREATE TABLE event (
  id uuid PRIMARY KEY, application uuid, position integer NOT NULL, type text NOT NULL, order_key text NOT NULL,
  subject text NOT NULL, body text NOT NULL, at timestamptz NOT NULL
);
CREATE UNIQUE INDEX event_in_sequence ON event (application, position) WHERE application IS NOT NULL;
CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event uuid NOT NULL CONSTRAINT outbox_of_an_event REFERENCES event
);
SELECT make_append_only('event'::regclass);
GRANT SELECT, INSERT, DELETE ON outbox TO kutse_service;
GRANT SELECT ON event, outbox TO kutse_reader;
