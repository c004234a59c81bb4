-- A key for each person. Names, free text and files are sealed under it, and what
-- stands in the log is salted under it; erasing the key erases the person.

-- +goose Up
SET LOCAL lock_timeout = '3s';

-- +goose StatementBegin
DO $$ BEGIN
  IF EXISTS (SELECT 1 FROM person) THEN
    RAISE EXCEPTION 'this record was begun before people had keys, and what is in it could never be erased: begin a new one in an empty database (kutse-dev: with another --data, or move this one away)';
  END IF;
END $$;
-- +goose StatementEnd

-- A schema of its own: a backup of the record leaves it out, and is kept for
-- years; a backup of the keys is kept for days (deploy/README.md).
CREATE SCHEMA kutse_keys;
CREATE TABLE kutse_keys.data_key (
  person  text PRIMARY KEY CONSTRAINT data_key_of_a_person REFERENCES person,
  -- the person's key, wrapped by the key-encryption key that kek names
  wrapped bytea NOT NULL,
  kek     text NOT NULL,
  at      timestamptz NOT NULL
);
REVOKE ALL ON SCHEMA kutse_keys FROM PUBLIC;
REVOKE ALL ON kutse_keys.data_key FROM PUBLIC;
GRANT USAGE ON SCHEMA kutse_keys TO kutse_service;
-- the only rows of a person that are ever deleted, and the only ones rewritten:
-- wrapped anew when the key-encryption key is rotated
GRANT SELECT, INSERT, DELETE, UPDATE (wrapped, kek) ON kutse_keys.data_key TO kutse_service;

-- The SHA-256 of a file could be recognised by whoever has the same file: it is
-- sealed, and the file stands under a salted address.
ALTER TABLE blob RENAME COLUMN digest TO address;
ALTER TABLE blob RENAME CONSTRAINT blob_digest_is_sha256 TO blob_address_is_salted;
ALTER TABLE evidence_item DROP CONSTRAINT evidence_content_by_kind;
ALTER TABLE evidence_item ALTER COLUMN content SET NOT NULL; -- of a file: its SHA-256, sealed
ALTER TABLE evidence_item ADD COLUMN address bytea; -- of a file: where it stands in the blob store
ALTER TABLE evidence_item ADD CONSTRAINT evidence_address_by_kind CHECK ((kind = 'file') = (address IS NOT NULL));
GRANT SELECT (address) ON evidence_item TO kutse_reader;

-- +goose Down
ALTER TABLE evidence_item DROP CONSTRAINT evidence_address_by_kind, DROP COLUMN address, ALTER COLUMN content DROP NOT NULL;
ALTER TABLE evidence_item ADD CONSTRAINT evidence_content_by_kind CHECK ((kind = 'file') = (content IS NULL));
ALTER TABLE blob RENAME CONSTRAINT blob_address_is_salted TO blob_digest_is_sha256;
ALTER TABLE blob RENAME COLUMN address TO digest;
DROP SCHEMA kutse_keys CASCADE;
