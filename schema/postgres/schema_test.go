package postgres_test

import (
	"testing"

	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

func TestEveryStatementFitsTheSchema(t *testing.T) {
	t.Parallel()
	db, err := postgres.Connect(postgrestest.New(t).DB.Service)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, text := range postgres.Statements() {
		if _, err := db.Prepare(text); err != nil { //nolint:sqlclosecheck // closed with the pool
			t.Errorf("%v\n%s", err, text)
		}
	}
}

// A name in the list that the schema does not have explains nothing.
func TestEveryExplainedConstraintExists(t *testing.T) {
	t.Parallel()
	db, err := postgres.Connect(postgrestest.New(t).DB.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for name := range postgres.Constraints() {
		var n int
		err := db.Get(&n, `SELECT (SELECT count(*) FROM pg_constraint WHERE conname = $1) + (SELECT count(*) FROM pg_class WHERE relname = $1 AND relkind = 'i')`, name)
		if err != nil || n == 0 {
			t.Errorf("constraint %s: found %d (%v), want it in the schema", name, n, err)
		}
	}
}
