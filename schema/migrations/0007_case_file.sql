-- Portable case files: those that were made here, and those that were brought from
-- another installation as prior assessment. Both lie in the person's blob store.

-- +goose Up
SET LOCAL lock_timeout = '3s';

CREATE TABLE case_file (
  id          uuid PRIMARY KEY,
  application uuid NOT NULL CONSTRAINT case_file_of_an_application REFERENCES application,
  person      text NOT NULL CONSTRAINT case_file_of_a_person REFERENCES person,
  address     bytea NOT NULL CONSTRAINT case_file_address_is_salted CHECK (length(address) = 32),
  size        bigint NOT NULL,
  actor       text NOT NULL,
  at          timestamptz NOT NULL
);
CREATE INDEX case_file_by_application ON case_file (application);

CREATE TABLE prior_assessment (
  id       uuid PRIMARY KEY,
  person   text NOT NULL CONSTRAINT prior_assessment_of_a_person REFERENCES person,
  address  bytea NOT NULL CONSTRAINT prior_assessment_address_is_salted CHECK (length(address) = 32),
  -- digest of the standard version that it was judged against; it need not be known here
  standard bytea NOT NULL CONSTRAINT prior_assessment_standard_is_sha256 CHECK (length(standard) = 32),
  -- what it says, sealed under the person's key
  summary  bytea NOT NULL,
  at       timestamptz NOT NULL,
  CONSTRAINT prior_assessment_once UNIQUE (person, address)
);

SELECT make_append_only(t) FROM unnest(ARRAY['case_file', 'prior_assessment']::regclass[]) AS t;
GRANT SELECT ON case_file TO kutse_reader;
GRANT SELECT (id, person, address, standard, at) ON prior_assessment TO kutse_reader;

-- +goose Down
DROP TABLE prior_assessment, case_file;
