-- The transparency log: a Merkle tree over the audit trail, one tree for each
-- calendar year (RFC 6962; C2SP tlog-tiles). A business transaction writes none of
-- this; the sealer does, about every second.

-- +goose Up
SET LOCAL lock_timeout = '3s';

CREATE TABLE log_key (
  year      integer NOT NULL,
  origin    text NOT NULL,
  -- the verifier key as it is published (C2SP signed-note)
  vkey      text NOT NULL,
  -- size of the log at the first checkpoint that it signed
  from_size bigint NOT NULL,
  at        timestamptz NOT NULL,
  PRIMARY KEY (year, vkey)
);

-- Which audit row stands at which place, and the hash that it had when it was sealed.
CREATE TABLE log_entry (
  year     integer NOT NULL,
  position bigint NOT NULL CONSTRAINT log_entry_counts_from_zero CHECK (position >= 0),
  at       timestamptz NOT NULL,
  audit    uuid NOT NULL CONSTRAINT log_entry_once UNIQUE,
  hash     bytea NOT NULL CONSTRAINT log_entry_hash_is_sha256 CHECK (length(hash) = 32),
  PRIMARY KEY (year, position)
);

-- The hash of each complete subtree of 256, 65,536 … entries: tile level 1, 2 …
CREATE TABLE log_node (
  year  integer NOT NULL,
  level integer NOT NULL CONSTRAINT log_node_above_entries CHECK (level > 0),
  n     bigint NOT NULL,
  hash  bytea NOT NULL CONSTRAINT log_node_hash_is_sha256 CHECK (length(hash) = 32),
  PRIMARY KEY (year, level, n)
);

CREATE TABLE log_checkpoint (
  year integer NOT NULL,
  size bigint NOT NULL,
  at   timestamptz NOT NULL,
  root bytea NOT NULL CONSTRAINT log_checkpoint_root_is_sha256 CHECK (length(root) = 32),
  -- the signed note, byte for byte
  note text NOT NULL,
  PRIMARY KEY (year, size, at)
);

-- What a witness signed under a checkpoint (C2SP tlog-cosignature).
CREATE TABLE log_cosignature (
  year    integer NOT NULL,
  size    bigint NOT NULL,
  witness text NOT NULL,
  note    text NOT NULL,
  at      timestamptz NOT NULL,
  PRIMARY KEY (year, size, witness)
);

-- How far the sealer came. Transaction ids count per cluster: in another one,
-- after a restore, it starts over and passes what is sealed already.
CREATE TABLE log_cursor (
  one     boolean PRIMARY KEY DEFAULT true CONSTRAINT log_cursor_is_one CHECK (one),
  xid     xid8 NOT NULL,
  id      uuid NOT NULL,
  cluster text NOT NULL
);
INSERT INTO log_cursor (xid, id, cluster) VALUES ('0', '00000000-0000-0000-0000-000000000000', '');

SELECT make_append_only(t) FROM unnest(ARRAY['log_key', 'log_entry', 'log_node', 'log_checkpoint', 'log_cosignature']::regclass[]) AS t;
REVOKE ALL ON log_cursor FROM PUBLIC;
GRANT SELECT ON log_cursor TO kutse_service;
GRANT UPDATE (xid, id, cluster) ON log_cursor TO kutse_service;
GRANT SELECT ON log_key, log_entry, log_node, log_checkpoint, log_cosignature, log_cursor TO kutse_reader;

-- +goose Down
DROP TABLE log_cursor, log_cosignature, log_checkpoint, log_node, log_entry, log_key;
