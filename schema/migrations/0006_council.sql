-- What the council does in its auditor's seat: samples drawn from a seed that was
-- committed before, audit findings, legal holds and erasures.

-- +goose Up
SET LOCAL lock_timeout = '3s';

CREATE TABLE sample (
  id         uuid PRIMARY KEY,
  actor      text NOT NULL CONSTRAINT sample_by_a_person REFERENCES person,
  title      bytea NOT NULL, -- sealed, as the seed is, under the actor's key
  seed       bytea NOT NULL,
  commitment bytea NOT NULL CONSTRAINT sample_commitment_is_sha256 CHECK (length(commitment) = 32),
  at         timestamptz NOT NULL
);

CREATE TABLE sample_draw (
  sample     uuid PRIMARY KEY CONSTRAINT sample_draw_of_a_sample REFERENCES sample,
  actor      text NOT NULL,
  seed       bytea NOT NULL CONSTRAINT sample_seed_is_32_bytes CHECK (length(seed) = 32),
  standard   text, -- key; NULL for all
  since      timestamptz NOT NULL,
  until      timestamptz NOT NULL,
  size       integer NOT NULL CONSTRAINT sample_draws_something CHECK (size > 0),
  population integer NOT NULL,
  -- SHA-256 over the ids of the population, in order, one a line
  digest     bytea NOT NULL CONSTRAINT sample_population_is_sha256 CHECK (length(digest) = 32),
  cases      uuid[] NOT NULL,
  at         timestamptz NOT NULL
);

CREATE TABLE audit_finding (
  id          uuid PRIMARY KEY,
  application uuid NOT NULL CONSTRAINT audit_finding_on_an_application REFERENCES application,
  object      text NOT NULL,
  kind        text NOT NULL CONSTRAINT audit_finding_kind CHECK (kind IN ('nonconformity', 'observation')),
  text        bytea NOT NULL, -- sealed under the candidate's key
  actor       text NOT NULL CONSTRAINT audit_finding_by_a_person REFERENCES person,
  at          timestamptz NOT NULL
);
CREATE INDEX audit_finding_by_application ON audit_finding (application);

CREATE TABLE legal_hold (
  id     uuid PRIMARY KEY,
  person text NOT NULL CONSTRAINT legal_hold_of_a_person REFERENCES person,
  ground bytea NOT NULL, -- sealed under the person's key
  actor  text NOT NULL CONSTRAINT legal_hold_by_a_person REFERENCES person,
  at     timestamptz NOT NULL
);
CREATE INDEX legal_hold_by_person ON legal_hold (person);

CREATE TABLE legal_hold_lifted (
  hold   uuid PRIMARY KEY CONSTRAINT legal_hold_lifted_of_a_hold REFERENCES legal_hold,
  ground bytea NOT NULL, -- sealed under the person's key
  actor  text NOT NULL CONSTRAINT legal_hold_lifted_by_a_person REFERENCES person,
  at     timestamptz NOT NULL
);

-- The tombstone: whose key was destroyed, by whom and on which ground.
CREATE TABLE erasure (
  person    text PRIMARY KEY CONSTRAINT erasure_of_a_person REFERENCES person,
  ground    text NOT NULL CONSTRAINT erasure_ground CHECK (ground IN ('request', 'term', 'order')),
  reference bytea NOT NULL, -- sealed under the actor's key
  actor     text NOT NULL CONSTRAINT erasure_by_a_person REFERENCES person,
  at        timestamptz NOT NULL,
  CONSTRAINT erasure_by_another CHECK (actor <> person)
);

SELECT make_append_only(t) FROM unnest(ARRAY['sample', 'sample_draw', 'audit_finding', 'legal_hold', 'legal_hold_lifted', 'erasure']::regclass[]) AS t;
GRANT SELECT (id, actor, commitment, at) ON sample TO kutse_reader;
GRANT SELECT ON sample_draw TO kutse_reader;
GRANT SELECT (id, application, object, kind, actor, at) ON audit_finding TO kutse_reader;
GRANT SELECT (id, person, actor, at) ON legal_hold TO kutse_reader;
GRANT SELECT (hold, actor, at) ON legal_hold_lifted TO kutse_reader;
GRANT SELECT (person, ground, actor, at) ON erasure TO kutse_reader;

-- +goose Down
DROP TABLE erasure, legal_hold_lifted, legal_hold, audit_finding, sample_draw, sample;
