-- Run once per cluster, by a superuser. Harmless twice: what exists is left alone.
DO $$
DECLARE r text;
BEGIN
  FOREACH r IN ARRAY ARRAY['kutse_owner', 'kutse_service', 'kutse_reader'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', r);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
  END LOOP;
END $$;
