-- The record: people, standards, procedures, applications and the facts about
-- them, the audit rows, and the outbox.
--
-- Run as kutse_owner, which owns everything and is used by migrations alone. The
-- services log in as kutse_service, readers as kutse_reader. A table of facts is
-- append-only twice: kutse_service is granted SELECT and INSERT and nothing else,
-- and a trigger that fires ALWAYS refuses what a grant would let through.

-- +goose Up
SET LOCAL lock_timeout = '3s';

CREATE TYPE role AS ENUM ('cand', 'asr', 'com', 'cnl', 'adm');
CREATE TYPE application_state AS ENUM
  ('gathering', 'assessing', 'proposed', 'awarded', 'registered', 'refused', 'withdrawn');
CREATE TYPE evidence_kind AS ENUM ('text', 'link', 'file');
CREATE TYPE task_state AS ENUM ('open', 'claimed', 'done', 'cancelled');
CREATE TYPE verdict_outcome AS ENUM ('shown', 'not_yet_shown');
CREATE TYPE award_outcome AS ENUM ('award', 'refuse', 'return');

-- ── people ─────────────────────────────────────────────────────────────────

CREATE TABLE person (
  id      text PRIMARY KEY CONSTRAINT person_id_is_a_token CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
  -- sealed under the person's own key: nothing outside this table names them
  name    bytea NOT NULL,
  contact bytea NOT NULL,
  at      timestamptz NOT NULL
);

CREATE TABLE person_role (
  person text NOT NULL CONSTRAINT person_role_of_a_person REFERENCES person,
  role   role NOT NULL,
  at     timestamptz NOT NULL,
  PRIMARY KEY (person, role)
);

-- ── what is valid: standards and procedures by version ─────────────────────

CREATE TABLE standard (
  digest bytea PRIMARY KEY CONSTRAINT standard_digest_is_sha256 CHECK (length(digest) = 32),
  key    text NOT NULL,
  -- the canonical JSON that the digest is of, byte for byte
  body   text NOT NULL,
  at     timestamptz NOT NULL
);
CREATE INDEX standard_by_key ON standard (key, at DESC);

CREATE TABLE procedure (
  digest bytea PRIMARY KEY CONSTRAINT procedure_digest_is_sha256 CHECK (length(digest) = 32),
  key    text NOT NULL,
  body   text NOT NULL,
  at     timestamptz NOT NULL
);
CREATE INDEX procedure_by_key ON procedure (key, at DESC);

-- which competences of which standard version a person may assess
CREATE TABLE assessor_scope (
  assessor   text NOT NULL CONSTRAINT assessor_scope_of_a_person REFERENCES person,
  standard   bytea NOT NULL CONSTRAINT assessor_scope_of_a_standard REFERENCES standard,
  competence text NOT NULL,
  at         timestamptz NOT NULL,
  PRIMARY KEY (assessor, standard, competence)
);

-- ── applications ───────────────────────────────────────────────────────────

CREATE TABLE application (
  id        uuid PRIMARY KEY,
  candidate text NOT NULL CONSTRAINT application_of_a_person REFERENCES person,
  standard  bytea NOT NULL CONSTRAINT application_for_a_standard REFERENCES standard,
  procedure bytea NOT NULL CONSTRAINT application_under_a_procedure REFERENCES procedure,
  opened_at timestamptz NOT NULL,
  -- The only two columns that change. Both follow from the facts; they stand here
  -- so that an act can be refused at once and facts of one application be in order.
  state     application_state NOT NULL,
  position  integer NOT NULL CONSTRAINT application_position_counts CHECK (position > 0)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX one_open_application ON application (candidate, standard)
  WHERE state IN ('gathering', 'assessing', 'proposed', 'awarded');
CREATE INDEX application_proposed ON application (id) WHERE state = 'proposed';

-- ── evidence ───────────────────────────────────────────────────────────────

CREATE TABLE blob (
  person     text NOT NULL CONSTRAINT blob_of_a_person REFERENCES person,
  digest     bytea NOT NULL CONSTRAINT blob_digest_is_sha256 CHECK (length(digest) = 32),
  size       bigint NOT NULL,
  media_type text NOT NULL,
  at         timestamptz NOT NULL,
  PRIMARY KEY (person, digest)
);

CREATE TABLE evidence_item (
  id          uuid PRIMARY KEY,
  application uuid NOT NULL CONSTRAINT evidence_of_an_application REFERENCES application,
  candidate   text NOT NULL,
  kind        evidence_kind NOT NULL,
  -- SHA-256 of the text, the link or the file
  digest      bytea NOT NULL CONSTRAINT evidence_digest_is_sha256 CHECK (length(digest) = 32),
  size        bigint NOT NULL,
  -- the text or link, sealed; a file is in the blob store
  content     bytea,
  position    integer NOT NULL,
  at          timestamptz NOT NULL,
  CONSTRAINT evidence_content_by_kind CHECK ((kind = 'file') = (content IS NULL))
);
CREATE INDEX evidence_by_application ON evidence_item (application, position);

CREATE TABLE evidence_link (
  item        uuid NOT NULL CONSTRAINT evidence_link_of_an_item REFERENCES evidence_item,
  application uuid NOT NULL,
  competence  text NOT NULL,
  ordinal     integer NOT NULL,
  PRIMARY KEY (item, competence, ordinal)
);
CREATE INDEX evidence_link_by_indicator ON evidence_link (application, competence, ordinal);

-- ── assessment ─────────────────────────────────────────────────────────────

CREATE TABLE round (
  id          uuid PRIMARY KEY,
  application uuid NOT NULL CONSTRAINT round_of_an_application REFERENCES application,
  competence  text NOT NULL,
  number      integer NOT NULL,
  asked       text[] NOT NULL CONSTRAINT round_asks_something CHECK (cardinality(asked) > 0),
  offered     text[] NOT NULL,
  position    integer NOT NULL,
  at          timestamptz NOT NULL,
  CONSTRAINT round_numbered_once UNIQUE (application, competence, number)
);

-- the evidence as it was when the round was handed in
CREATE TABLE round_evidence (
  round      uuid NOT NULL CONSTRAINT round_evidence_of_a_round REFERENCES round,
  item       uuid NOT NULL CONSTRAINT round_evidence_of_an_item REFERENCES evidence_item,
  competence text NOT NULL,
  ordinal    integer NOT NULL,
  PRIMARY KEY (round, item, competence, ordinal)
);

-- a round is closed when everything it asked has its verdict
CREATE TABLE round_closed (
  round    uuid PRIMARY KEY CONSTRAINT round_closed_of_a_round REFERENCES round,
  position integer NOT NULL,
  at       timestamptz NOT NULL
);

-- the queue: states change here, and each change leaves an audit row
CREATE TABLE task (
  id          uuid PRIMARY KEY,
  round       uuid NOT NULL CONSTRAINT task_once_per_round UNIQUE CONSTRAINT task_of_a_round REFERENCES round,
  application uuid NOT NULL,
  candidate   text NOT NULL,
  standard    bytea NOT NULL,
  competence  text NOT NULL,
  due_at      timestamptz NOT NULL,
  state       task_state NOT NULL DEFAULT 'open',
  assessor    text CONSTRAINT task_of_an_assessor REFERENCES person,
  fence       integer NOT NULL DEFAULT 0,
  lease_until timestamptz,
  overdue_at  timestamptz,
  CONSTRAINT task_claimed_has_a_holder CHECK (state <> 'claimed' OR (assessor IS NOT NULL AND lease_until IS NOT NULL)),
  CONSTRAINT task_open_has_none CHECK (state <> 'open' OR assessor IS NULL),
  CONSTRAINT task_not_held_by_its_candidate CHECK (assessor IS DISTINCT FROM candidate)
) WITH (fillfactor = 80);
CREATE INDEX task_open ON task (standard, competence, due_at, id) WHERE state = 'open';
CREATE INDEX task_lease ON task (lease_until) WHERE state = 'claimed';
CREATE INDEX task_held ON task (assessor) WHERE state = 'claimed';
CREATE INDEX task_by_application ON task (application);

CREATE TABLE verdict (
  id          uuid PRIMARY KEY,
  round       uuid NOT NULL CONSTRAINT verdict_in_a_round REFERENCES round,
  task        uuid NOT NULL,
  application uuid NOT NULL,
  competence  text NOT NULL,
  ordinal     integer NOT NULL,
  -- the competence during whose assessment a recurring indicator was judged
  context     text,
  outcome     verdict_outcome NOT NULL,
  reason      bytea,
  assessor    text NOT NULL,
  -- SHA-256 of every piece of evidence that was frozen for this indicator
  saw         bytea[] NOT NULL,
  position    integer NOT NULL,
  at          timestamptz NOT NULL,
  CONSTRAINT verdict_not_yet_shown_says_why CHECK (outcome = 'shown' OR reason IS NOT NULL)
);
CREATE INDEX verdict_by_application ON verdict (application, position);
CREATE INDEX verdict_by_round ON verdict (round);

-- what the verdicts of a closed round amounted to, under which versions
CREATE TABLE finding (
  round       uuid NOT NULL CONSTRAINT finding_of_a_round REFERENCES round,
  application uuid NOT NULL,
  competence  text NOT NULL,
  met         boolean NOT NULL,
  open        text[] NOT NULL,
  standard    bytea NOT NULL,
  procedure   bytea NOT NULL,
  position    integer NOT NULL,
  at          timestamptz NOT NULL,
  PRIMARY KEY (round, competence)
);
CREATE INDEX finding_by_application ON finding (application);

-- ── award ──────────────────────────────────────────────────────────────────

CREATE TABLE proposal (
  id          uuid PRIMARY KEY,
  application uuid NOT NULL CONSTRAINT proposal_for_an_application REFERENCES application,
  number      integer NOT NULL,
  outcome     award_outcome NOT NULL CONSTRAINT proposal_is_no_return CHECK (outcome <> 'return'),
  -- digest of the verdicts it rests on
  basis       bytea NOT NULL,
  due_at      timestamptz NOT NULL,
  position    integer NOT NULL,
  at          timestamptz NOT NULL,
  CONSTRAINT proposal_numbered_once UNIQUE (application, number)
);

-- a proposal that was not decided in time: a reminder went out
CREATE TABLE proposal_overdue (
  proposal uuid PRIMARY KEY CONSTRAINT proposal_overdue_of_a_proposal REFERENCES proposal,
  position integer NOT NULL,
  at       timestamptz NOT NULL
);

CREATE TABLE decision (
  id          uuid PRIMARY KEY,
  application uuid NOT NULL CONSTRAINT decision_for_an_application REFERENCES application,
  proposal    uuid NOT NULL CONSTRAINT decision_once_per_proposal UNIQUE CONSTRAINT decision_on_a_proposal REFERENCES proposal,
  outcome     award_outcome NOT NULL,
  member      text NOT NULL CONSTRAINT decision_by_a_person REFERENCES person,
  reviewed    boolean NOT NULL CONSTRAINT decision_was_reviewed CHECK (reviewed),
  grounds     bytea NOT NULL CONSTRAINT decision_has_grounds CHECK (length(grounds) > 1),
  legal_basis text NOT NULL CONSTRAINT decision_has_a_legal_basis CHECK (legal_basis <> ''),
  unmet       text[] NOT NULL,
  reasons     bytea[] NOT NULL,
  returned    text[] NOT NULL,
  standard    bytea NOT NULL,
  procedure   bytea NOT NULL,
  position    integer NOT NULL,
  at          timestamptz NOT NULL,
  CONSTRAINT decision_refusal_has_reasons CHECK
    (cardinality(unmet) = cardinality(reasons) AND (outcome = 'refuse') = (cardinality(unmet) > 0)),
  CONSTRAINT decision_return_names_competences CHECK ((outcome = 'return') = (cardinality(returned) > 0))
);
CREATE INDEX decision_by_application ON decision (application);

-- the last register number of each type (1 full, 2 partial, 3 initial)
CREATE TABLE register_counter (
  type integer PRIMARY KEY,
  last integer NOT NULL
);
INSERT INTO register_counter VALUES (1, 0), (2, 0), (3, 0);

CREATE TABLE register_entry (
  number      text PRIMARY KEY,
  type        integer NOT NULL,
  application uuid NOT NULL CONSTRAINT register_entry_once_per_application UNIQUE
                            CONSTRAINT register_entry_for_an_application REFERENCES application,
  decision    uuid NOT NULL CONSTRAINT register_entry_once_per_decision UNIQUE
                            CONSTRAINT register_entry_on_a_decision REFERENCES decision,
  candidate   text NOT NULL,
  standard    bytea NOT NULL,
  procedure   bytea NOT NULL,
  valid_from  date NOT NULL,
  valid_to    date NOT NULL,
  position    integer NOT NULL,
  at          timestamptz NOT NULL,
  CONSTRAINT register_entry_ends_after_it_begins CHECK (valid_to > valid_from)
);

-- ── the receipts, the audit trail, the news ────────────────────────────────

-- One row per request id and person: the same id again finds it, and changes nothing.
CREATE TABLE receipt (
  person  text NOT NULL,
  request text NOT NULL,
  digest  bytea NOT NULL,
  body    text NOT NULL,
  at      timestamptz NOT NULL,
  CONSTRAINT receipt_once PRIMARY KEY (person, request)
);

CREATE TABLE audit (
  at          timestamptz NOT NULL,
  id          uuid NOT NULL,
  xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
  actor       text NOT NULL,
  role        text NOT NULL,
  act         text NOT NULL,
  application uuid,
  -- what was recorded, by id
  object      text NOT NULL,
  position    integer NOT NULL,
  request     text NOT NULL,
  -- digest of what was asked, and of the versions it was judged under
  payload     bytea NOT NULL CONSTRAINT audit_payload_is_sha256 CHECK (length(payload) = 32),
  PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX audit_by_application ON audit (application, at, id) WHERE application IS NOT NULL;
CREATE INDEX audit_by_actor ON audit (actor, at, id);

CREATE TABLE event (
  id          uuid PRIMARY KEY,
  application uuid,
  position    integer NOT NULL,
  type        text NOT NULL,
  order_key   text NOT NULL,
  subject     text NOT NULL,
  -- the envelope as it is published, byte for byte
  body        text NOT NULL,
  at          timestamptz NOT NULL
);
CREATE UNIQUE INDEX event_in_sequence ON event (application, position) WHERE application IS NOT NULL;

-- What is not yet acknowledged by JetStream. The relay deletes after the
-- acknowledgement; the fact itself stays in event.
CREATE TABLE outbox (
  id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event uuid NOT NULL CONSTRAINT outbox_of_an_event REFERENCES event
);

-- ── append-only ────────────────────────────────────────────────────────────

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', tg_table_name, tg_op USING ERRCODE = '42501';
END $$;

-- Makes a table append-only. TRUNCATE triggers are not cloned to partitions, so
-- every partition gets its own.
CREATE FUNCTION make_append_only(t regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION kutse.refuse_change()', t);
  EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER no_change', t);
  EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION kutse.refuse_change()', t);
  EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER no_truncate', t);
  EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', t);
  EXECUTE format('GRANT SELECT, INSERT ON %s TO kutse_service', t);
END $$;

-- Makes the audit partitions of this month and the next ones, where they are
-- missing. Harmless twice: an existing partition is left alone. There is no
-- DEFAULT partition, so a missing one fails loudly.
CREATE FUNCTION ensure_audit_partitions(first date, months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = kutse, pg_temp AS $$
DECLARE
  made integer := 0;
  month date;
  name text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('kutse.ensure_audit_partitions'));
  FOR i IN 0 .. months - 1 LOOP
    month := (date_trunc('month', first) + make_interval(months => i))::date;
    name := 'audit_' || to_char(month, 'YYYYMM');
    IF to_regclass('kutse.' || name) IS NULL THEN
      EXECUTE format('CREATE TABLE kutse.%I PARTITION OF kutse.audit FOR VALUES FROM (%L) TO (%L)',
        name, month::text || ' 00:00:00+00', (month + interval '1 month')::date::text || ' 00:00:00+00');
      EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON kutse.%I FOR EACH STATEMENT EXECUTE FUNCTION kutse.refuse_change()', name);
      EXECUTE format('ALTER TABLE kutse.%I ENABLE ALWAYS TRIGGER no_truncate', name);
      EXECUTE format('REVOKE ALL ON kutse.%I FROM PUBLIC', name);
      made := made + 1;
    END IF;
  END LOOP;
  RETURN made;
END $$;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['person', 'person_role', 'standard', 'procedure', 'assessor_scope', 'blob',
    'evidence_item', 'evidence_link', 'round', 'round_evidence', 'round_closed', 'verdict', 'finding',
    'proposal', 'proposal_overdue', 'decision', 'register_entry', 'receipt', 'audit', 'event'] LOOP
    PERFORM kutse.make_append_only(('kutse.' || t)::regclass);
  END LOOP;
END $$;
-- +goose StatementEnd

REVOKE ALL ON FUNCTION make_append_only(regclass), ensure_audit_partitions(date, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_audit_partitions(date, integer) TO kutse_service;
SELECT ensure_audit_partitions(current_date, 3);

-- ── who may do what ────────────────────────────────────────────────────────

REVOKE ALL ON application, task, register_counter, outbox FROM PUBLIC;
GRANT USAGE ON SCHEMA kutse TO kutse_service, kutse_reader;
GRANT SELECT, INSERT ON application, task TO kutse_service;
GRANT UPDATE (state, position) ON application TO kutse_service;
GRANT UPDATE (state, assessor, fence, lease_until, overdue_at) ON task TO kutse_service;
GRANT SELECT ON register_counter TO kutse_service;
GRANT UPDATE (last) ON register_counter TO kutse_service;
GRANT SELECT, INSERT, DELETE ON outbox TO kutse_service;

-- A reader sees who did what to which record, and nothing that is sealed.
GRANT SELECT ON application, standard, procedure, assessor_scope, person_role, round, round_evidence, round_closed,
  task, finding, proposal, proposal_overdue, register_entry, audit, event, outbox, evidence_link TO kutse_reader;
GRANT SELECT (id, application, candidate, kind, digest, size, position, at) ON evidence_item TO kutse_reader;
GRANT SELECT (id, round, task, application, competence, ordinal, context, outcome, assessor, saw, position, at) ON verdict TO kutse_reader;
GRANT SELECT (id, application, proposal, outcome, member, reviewed, legal_basis, unmet, returned, standard, procedure, position, at)
  ON decision TO kutse_reader;

-- +goose Down
DROP TABLE outbox, event, audit, receipt, register_entry, register_counter, decision, proposal_overdue, proposal, finding, verdict, task,
  round_closed, round_evidence, round, evidence_link, evidence_item, blob, application, assessor_scope, procedure, standard,
  person_role, person;
DROP FUNCTION ensure_audit_partitions(date, integer), make_append_only(regclass), refuse_change();
DROP TYPE award_outcome, verdict_outcome, task_state, evidence_kind, application_state, role;
