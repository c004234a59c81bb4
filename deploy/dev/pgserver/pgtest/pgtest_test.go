package pgtest_test

import (
	"database/sql"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/deploy/dev/pgserver/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

var builds atomic.Int32

var template = pgtest.Template{
	Name: "things",
	Build: func(ownerURL string) error {
		builds.Add(1)
		db, err := sql.Open("postgres", ownerURL)
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = db.Exec(`create table thing (id int); grant select, insert on thing to kutse_service; grant select on thing to kutse_reader`)
		return err
	},
}

func TestEachTestHasItsOwnDatabase(t *testing.T) {
	t.Parallel()
	for range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			db := pgtest.Database(t, template)
			t.Logf("database in %s", time.Since(began).Round(time.Millisecond))
			if _, err := open(t, db.Service).Exec(`insert into thing values (1)`); err != nil {
				t.Error(err)
			}
			if _, err := open(t, db.Reader).Exec(`insert into thing values (2)`); err == nil {
				t.Error("the reader may write")
			}
			var n int
			if err := open(t, db.Reader).QueryRow(`select count(*) from thing`).Scan(&n); err != nil || n != 1 {
				t.Errorf("%d things, %v; want only this test's", n, err)
			}
			if builds.Load() != 1 {
				t.Errorf("the template was built %d times", builds.Load())
			}
		})
	}
}

func TestTheZeroTemplateIsEmpty(t *testing.T) {
	t.Parallel()
	db := pgtest.Database(t, pgtest.Template{})
	if _, err := open(t, db.Owner).Exec(`create table mine ()`); err != nil {
		t.Error(err)
	}
}

func open(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
