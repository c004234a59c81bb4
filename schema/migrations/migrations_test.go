package migrations_test

import (
	"database/sql"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	"github.com/kutse-dev/kutse/deploy/dev/pgserver/pgtest"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/migrations"
	"github.com/kutse-dev/kutse/schema/postgres"
)

var update = flag.Bool("update", false, "write testdata/catalog.txt")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(pgtest.Main(m))
}

func empty(t *testing.T) pgtest.DB {
	t.Helper()
	return pgtest.Database(t, pgtest.Template{})
}

func connect(t *testing.T, url string) *sqlx.DB {
	t.Helper()
	db, err := postgres.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func up(t *testing.T, db *sql.DB) []migrations.Applied {
	t.Helper()
	applied, err := migrations.Up(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return applied
}

// catalog is the schema as PostgreSQL sees it: columns, constraints, indexes,
// triggers, functions, types and grants. Left out is what differs between its
// versions 15 and 18 (NOT NULL as a constraint, the owner's own grants) and what
// differs between months (each partition of the audit trail counts as the same).
func catalog(t *testing.T, db *sqlx.DB) string {
	t.Helper()
	const text = `
WITH rel AS (
  SELECT c.oid, c.relname, c.relkind, c.relowner, c.relacl,
         CASE WHEN c.relnamespace = 'kutse'::regnamespace THEN '' ELSE c.relnamespace::regnamespace || '.' END ||
         regexp_replace(c.relname, '_\d{6}(_|$)', '_YYYYMM\1') AS name
    FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
   WHERE s.nspname IN ('kutse', 'kutse_keys') AND c.relname NOT LIKE 'goose%'
)
SELECT DISTINCT line FROM (
  SELECT format('column %s.%s %s%s%s%s', r.name, a.attname, format_type(a.atttypid, a.atttypmod),
                CASE WHEN a.attnotnull THEN ' not null' ELSE '' END, COALESCE(' default ' || pg_get_expr(d.adbin, d.adrelid), ''),
                CASE a.attidentity WHEN 'a' THEN ' identity always' ELSE a.attidentity::text END) AS line
    FROM rel r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE r.relkind IN ('r', 'p', 'v', 'm')
  UNION ALL
  SELECT format('constraint %s %s %s', r.name, regexp_replace(k.conname, '_\d{6}_', '_YYYYMM_'), pg_get_constraintdef(k.oid))
    FROM rel r JOIN pg_constraint k ON k.conrelid = r.oid WHERE k.contype <> 'n'
  UNION ALL
  SELECT format('index %s', regexp_replace(pg_get_indexdef(i.indexrelid), '_\d{6}(_| )', '_YYYYMM\1', 'g'))
    FROM rel r JOIN pg_index i ON i.indrelid = r.oid
  UNION ALL
  SELECT format('trigger %s %s %s', r.name, regexp_replace(pg_get_triggerdef(g.oid), '_\d{6} ', '_YYYYMM '), g.tgenabled)
    FROM rel r JOIN pg_trigger g ON g.tgrelid = r.oid WHERE NOT g.tgisinternal
  UNION ALL
  SELECT format('function %s(%s) returns %s owner %s%s, body %s', p.proname, pg_get_function_identity_arguments(p.oid),
                pg_get_function_result(p.oid), p.proowner::regrole, CASE WHEN p.prosecdef THEN ' security definer' ELSE '' END, md5(p.prosrc))
    FROM pg_proc p WHERE p.pronamespace = 'kutse'::regnamespace
  UNION ALL
  SELECT format('type %s: %s', y.typname, string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder))
    FROM pg_type y JOIN pg_enum e ON e.enumtypid = y.oid WHERE y.typnamespace = 'kutse'::regnamespace GROUP BY y.typname
  UNION ALL
  SELECT format('owner %s %s', r.name, r.relowner::regrole) FROM rel r WHERE r.relkind IN ('r', 'p', 'v', 'S')
  UNION ALL
  SELECT format('grant %s to %s: %s', r.name, COALESCE(NULLIF(x.grantee, 0)::regrole::text, 'PUBLIC'), string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type))
    FROM rel r, aclexplode(r.relacl) x WHERE x.grantee <> r.relowner GROUP BY r.name, r.oid, x.grantee
  UNION ALL
  SELECT format('grant %s.%s to %s: %s', r.name, a.attname, COALESCE(NULLIF(x.grantee, 0)::regrole::text, 'PUBLIC'), string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type))
    FROM rel r JOIN pg_attribute a ON a.attrelid = r.oid, aclexplode(a.attacl) x GROUP BY r.name, a.attname, x.grantee
  UNION ALL
  SELECT format('grant function %s to %s', p.proname, COALESCE(NULLIF(x.grantee, 0)::regrole::text, 'PUBLIC'))
    FROM pg_proc p, aclexplode(p.proacl) x WHERE p.pronamespace = 'kutse'::regnamespace AND x.grantee <> p.proowner
) AS lines`
	var lines []string
	if err := db.Select(&lines, text); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

func TestTheCatalogIsTheOneWeReviewed(t *testing.T) {
	t.Parallel()
	db := connect(t, empty(t).Owner)
	up(t, db.DB)
	got := catalog(t, db)
	const file = "testdata/catalog.txt"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the schema is not what %s says; review, then -update (-reviewed +now):\n%s", file, diff)
	}
}

func TestUpDownUpGivesTheSameCatalog(t *testing.T) {
	t.Parallel()
	db := connect(t, empty(t).Owner)
	first := up(t, db.DB)
	if len(first) == 0 {
		t.Fatal("nothing was applied to an empty database")
	}
	want := catalog(t, db)
	if again := up(t, db.DB); len(again) != 0 {
		t.Errorf("up again applied %v, want nothing", again)
	}
	provider, err := migrations.Provider(db.DB)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.DownTo(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if left := catalog(t, db); left != "\n" {
		t.Errorf("down left:\n%s", left)
	}
	if second := up(t, db.DB); !cmp.Equal(first, second) {
		t.Errorf("up applied %v, after down %v", first, second)
	}
	if diff := cmp.Diff(want, catalog(t, db)); diff != "" {
		t.Errorf("after up, down, up (-first +second):\n%s", diff)
	}
}

func TestFourProcessesAtOnceMigrateOnce(t *testing.T) {
	t.Parallel()
	at := empty(t)
	start := make(chan struct{})
	var mu sync.Mutex
	var wg sync.WaitGroup
	var workers int
	for range 4 {
		db := connect(t, at.Owner)
		if err := db.Ping(); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			<-start
			applied, err := migrations.Up(t.Context(), db.DB)
			if err != nil {
				t.Errorf("migrating beside others: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if len(applied) > 0 {
				workers++
			}
		})
	}
	close(start)
	wg.Wait()
	if workers != 1 {
		t.Errorf("%d of 4 processes applied steps, want 1", workers)
	}
}

func TestRolesAreMadeOnceAndHoldNoPower(t *testing.T) {
	t.Parallel()
	db := connect(t, empty(t).Superuser)
	roles := func() (list []string) {
		if err := db.Select(&list, `SELECT rolname || ' ' || rolsuper || rolcreatedb || rolcreaterole || rolreplication || rolbypassrls
  FROM pg_roles WHERE rolname LIKE 'kutse\_%' ORDER BY 1`); err != nil {
			t.Fatal(err)
		}
		return list
	}
	for range 2 {
		if _, err := db.Exec(migrations.Roles); err != nil {
			t.Fatalf("roles.sql: %v", err)
		}
	}
	const none = " falsefalsefalsefalsefalse"
	if diff := cmp.Diff([]string{"kutse_owner" + none, "kutse_reader" + none, "kutse_service" + none}, roles()); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
}

func TestTheServiceCannotMigrate(t *testing.T) {
	t.Parallel()
	at := empty(t)
	up(t, connect(t, at.Owner).DB)
	for name, url := range map[string]string{"service": at.Service, "reader": at.Reader} {
		if applied, err := migrations.Up(t.Context(), connect(t, url).DB); err == nil {
			t.Errorf("the %s migrated: %v", name, applied)
		}
	}
}

func TestARecordFromBeforeKeysIsRefused(t *testing.T) {
	t.Parallel()
	db := connect(t, empty(t).Owner)
	up(t, db.DB)
	provider, err := migrations.Provider(db.DB)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.DownTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`INSERT INTO person (id, name, contact, at) VALUES ('mari', '\x00', '\x00', now())`); err != nil {
		t.Fatal(err)
	}
	if _, err := migrations.Up(t.Context(), db.DB); !errors.Is(err, fault.Conflict) || !strings.Contains(fault.Message(err), "before people had keys") || strings.Contains(fault.Message(err), "pq:") {
		t.Errorf("migrating a record with people and no keys: %v, want it refused in words", err)
	}
	var people int
	if err := db.Get(&people, `SELECT count(*) FROM person`); err != nil || people != 1 {
		t.Errorf("%d people are left, %v; want the record as it was", people, err)
	}
}
