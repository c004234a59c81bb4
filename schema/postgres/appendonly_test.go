package postgres_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

func openEnvelope(t *testing.T, body []byte) events.Envelope {
	t.Helper()
	var env events.Envelope
	if err := json.Unmarshal(body, &env); err != nil {
		t.Fatal(err)
	}
	return env
}

// factTables are the tables that hold facts. A new table must be put here or on
// the list of those that change.
var factTables = []string{
	"person", "person_role", "standard", "procedure", "assessor_scope", "blob", "evidence_item", "evidence_link", "round",
	"round_evidence", "round_closed", "verdict", "finding", "proposal", "proposal_overdue", "decision", "register_entry",
	"receipt", "audit", "event", "log_key", "log_entry", "log_node", "log_checkpoint", "log_cosignature", "reading",
	"sample", "sample_draw", "audit_finding", "legal_hold", "legal_hold_lifted", "erasure", "case_file", "prior_assessment",
}

var changingTables = []string{"application", "task", "register_counter", "outbox", "log_cursor", "log_waiting", "goose_db_version"}

func TestFactsAreAppendOnly(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.assess("B.2.8", assessment.NotYetShown)
	for user, url := range map[string]string{"service": s.DB.Service, "owner": s.DB.Owner, "superuser": s.DB.Superuser} {
		db := connect(t, url)
		for _, table := range append(factTables, partitions(t, db)...) {
			for _, act := range []string{"DELETE FROM %s", "TRUNCATE %s CASCADE", "UPDATE %s SET at = at"} {
				text := fmt.Sprintf(act, table)
				switch table {
				case "evidence_link", "round_evidence":
					text = strings.Replace(text, "at = at", "ordinal = ordinal", 1)
				case "log_node":
					text = strings.Replace(text, "at = at", "n = n", 1)
				}
				refused(t, db, user, text)
			}
		}
	}
}

// refused runs text and undoes it; it must fail, or touch no row at all.
func refused(t *testing.T, db *sqlx.DB, user, text string) {
	t.Helper()
	tx, err := db.Beginx()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	res, err := tx.Exec(text)
	if err != nil {
		if !strings.Contains(err.Error(), "append-only") && !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %s failed for another reason: %v", user, text, err)
		}
		return
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 || strings.HasPrefix(text, "TRUNCATE") {
		t.Errorf("%s: %s changed %d rows (%v), want it refused", user, text, n, err)
	}
}

// The test before this one cannot see a missing trigger on a table that the story
// left empty; the catalog can.
func TestEveryTableOfFactsHasItsTriggers(t *testing.T) {
	t.Parallel()
	db := connect(t, postgrestest.New(t).DB.Superuser)
	for _, table := range append(factTables, partitions(t, db)...) {
		var triggers []string
		err := db.Select(&triggers, `SELECT tgname FROM pg_trigger WHERE tgrelid = ('kutse.' || $1)::regclass AND tgenabled = 'A' AND NOT tgisinternal ORDER BY 1`, table)
		if want := []string{"no_change", "no_truncate"}; err != nil || !slices.Equal(triggers, want) {
			t.Errorf("%s: triggers that fire always: %v (%v), want %v", table, triggers, err, want)
		}
	}
}

func TestEveryTableIsEitherFactsOrKnownToChange(t *testing.T) {
	t.Parallel()
	s := begin(t)
	db := connect(t, s.DB.Superuser)
	known := map[string]bool{}
	for _, table := range append(append(factTables, changingTables...), partitions(t, db)...) {
		known[table] = true
	}
	var tables []string
	if err := db.Select(&tables, `SELECT tablename FROM pg_tables WHERE schemaname = 'kutse'`); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if !known[table] && !known[strings.TrimRight(table, "_0123456789")] { // a month of one that is partitioned
			t.Errorf("table %s is on neither list", table)
		}
	}
}

func TestTheServiceChangesOnlyWhatMoves(t *testing.T) {
	t.Parallel()
	s := begin(t)
	db := connect(t, s.DB.Service)
	for _, text := range []string{
		"UPDATE application SET candidate = 'c2'", "UPDATE application SET standard = standard", "DELETE FROM application",
		"UPDATE task SET candidate = 'c2'", "DELETE FROM task", "UPDATE register_counter SET type = 9",
		"ALTER TABLE audit DISABLE TRIGGER no_change", "SET session_replication_role = replica", "DROP TABLE outbox",
		"INSERT INTO register_counter VALUES (9, 0)",
	} {
		if _, err := db.Exec(text); err == nil {
			t.Errorf("%s was done as the service", text)
		}
	}
}

func TestAReaderSeesNothingThatIsSealed(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.assess("B.2.8", assessment.NotYetShown)
	db := connect(t, s.DB.Reader)
	for text, want := range map[string]bool{
		"SELECT count(*) FROM audit":                      true,
		"SELECT id, digest FROM evidence_item":            true,
		"SELECT outcome FROM verdict":                     true,
		"SELECT name FROM person":                         false,
		"SELECT content FROM evidence_item":               false,
		"SELECT reason FROM verdict":                      false,
		"SELECT grounds FROM decision":                    false,
		"SELECT body FROM receipt":                        false,
		"INSERT INTO outbox (event) SELECT id FROM event": false,
	} {
		if _, err := db.Exec(text); (err == nil) != want {
			t.Errorf("%s: %v, want allowed %v", text, err, want)
		}
	}
}

// What the rules refuse, the database refuses too: a second lock on the door that
// the courts look at.
func TestTheDatabaseRefusesARefusalWithoutReasons(t *testing.T) {
	t.Parallel()
	s := begin(t)
	p := s.assessAll()
	db := connect(t, s.DB.Service)
	const insert = `INSERT INTO decision (id, application, proposal, outcome, member, reviewed, grounds, legal_basis, unmet, reasons, returned, standard, procedure, position, at)
SELECT gen_random_uuid(), a.id, $1, $2, 'k1', $3, $4, $5, '{}', '{}', '{}', a.standard, a.procedure, 1, now() FROM application a WHERE a.id = $6`
	for name, args := range map[string][]any{
		"decision_refusal_has_reasons":      {p, award.Refuse, true, []byte("\x00because"), "KutS § 18(2)", s.app},
		"decision_was_reviewed":             {p, award.Award, false, []byte("\x00because"), "KutS § 18(2)", s.app},
		"decision_has_grounds":              {p, award.Award, true, []byte("\x00"), "KutS § 18(2)", s.app},
		"decision_has_a_legal_basis":        {p, award.Award, true, []byte("\x00because"), "", s.app},
		"decision_return_names_competences": {p, award.Return, true, []byte("\x00because"), "KutS § 18(2)", s.app},
	} {
		if _, err := db.Exec(insert, args...); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v, want it refused by %s", args, err, name)
		}
	}
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

func partitions(t *testing.T, db *sqlx.DB) []string {
	t.Helper()
	var names []string
	err := db.Select(&names, `SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent IN ('kutse.audit'::regclass, 'kutse.event'::regclass, 'kutse.reading'::regclass)`)
	if err != nil || len(names) < 3 {
		t.Fatalf("the tables of facts have the partitions %v (%v), want at least three", names, err)
	}
	return names
}
