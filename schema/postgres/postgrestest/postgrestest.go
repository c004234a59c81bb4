// Package postgrestest gives a test a record of its own: real PostgreSQL,
// migrated, with the five standards, the default procedure and a few people in it.
package postgrestest

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kutse-dev/kutse/deploy/dev/pgserver/pgtest"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/migrations"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/procedure"
	"github.com/kutse-dev/kutse/schema/seal/kek"
)

// The people in the record.
var (
	Operator  = postgres.Actor{ID: "op", Role: person.Operator}
	Candidate = postgres.Actor{ID: "c1", Role: person.Candidate}
	Other     = postgres.Actor{ID: "c2", Role: person.Candidate}
	Assessor  = postgres.Actor{ID: "a1", Role: person.Assessor} // of everything
	Second    = postgres.Actor{ID: "a2", Role: person.Assessor} // of everything
	Member    = postgres.Actor{ID: "k1", Role: person.Committee}
	Auditor   = postgres.Actor{ID: "n1", Role: person.Council}
	Both      = postgres.Actor{ID: "ak", Role: person.Committee} // a member who also assesses
	BothA     = postgres.Actor{ID: "ak", Role: person.Assessor}
	Judged    = postgres.Actor{ID: "ca", Role: person.Candidate} // a candidate who also assesses
	JudgedA   = postgres.Actor{ID: "ca", Role: person.Assessor}
)

// Record is a record of one test.
type Record struct {
	*postgres.Store
	DB    pgtest.DB
	Clock *Clock
	KEK   string // address of the key-encryption key, for other stores on the same record
}

// The key-encryption key of every test: the template, and so the keys in it, are
// shared by all test processes. It protects nothing.
//
//go:embed testdata/kek.json
var keyset []byte

// keyFile puts the key-encryption key into a folder and returns its address.
func keyFile(dir string) (string, error) {
	path := filepath.Join(dir, "kek.json")
	return "file:" + path, os.WriteFile(path, keyset, 0o600)
}

// Clock is the record's time, set by the test.
type Clock struct{ now func() time.Time }

// Set makes it t.
func (c *Clock) Set(t time.Time) { c.now = func() time.Time { return t } }

// New makes a record. Its clock is the machine's until the test sets it.
func New(tb testing.TB) *Record {
	tb.Helper()
	return from(tb, "record-", fill)
}

// Empty makes a record of the same people, without a standard or a procedure.
func Empty(tb testing.TB) *Record {
	tb.Helper()
	return from(tb, "empty-", func(ctx context.Context, store *postgres.Store) error {
		if err := store.FirstOperator(ctx, Operator.ID, "Olev Operaator"); err != nil {
			return err
		}
		return addPeople(ctx, store, nil)
	})
}

func from(tb testing.TB, name string, fill func(context.Context, *postgres.Store) error) *Record {
	tb.Helper()
	digest, err := migrations.Digest()
	if err != nil {
		tb.Fatal(err)
	}
	db := pgtest.Database(tb, pgtest.Template{Name: name + digest, Build: func(ownerURL string) error { return build(ownerURL, fill) }})
	clock := &Clock{now: time.Now}
	uri, err := keyFile(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	store, err := open(db.Service, clock, uri)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := store.Close(); err != nil {
			tb.Errorf("closing the record: %v", err)
		}
	})
	return &Record{Store: store, DB: db, Clock: clock, KEK: uri}
}

func open(dsn string, clock *Clock, uri string) (*postgres.Store, error) {
	key, err := kek.Open(uri)
	if err != nil {
		return nil, err
	}
	return postgres.Open(context.Background(), dsn, postgres.Options{
		KEK: key, Now: func() time.Time { return clock.now() },
		Limits: evidence.Limits{TextBytes: 64 << 10, Indicators: 100}, Log: slog.New(slog.DiscardHandler),
	})
}

// build fills the template, once per cluster.
func build(ownerURL string, fill func(context.Context, *postgres.Store) error) (err error) {
	ctx := context.Background()
	db, err := postgres.Connect(ownerURL)
	if err != nil {
		return err
	}
	if _, err := migrations.Up(ctx, db.DB); err != nil {
		return errors.Join(err, db.Close())
	}
	if err := db.Close(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "kutse-test-keys-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	uri, err := keyFile(dir)
	if err != nil {
		return err
	}
	store, err := open(ownerURL, &Clock{now: time.Now}, uri)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return fill(ctx, store)
}

func fill(ctx context.Context, store *postgres.Store) error {
	if err := store.FirstOperator(ctx, Operator.ID, "Olev Operaator"); err != nil {
		return err
	}
	var all []request.Scope
	for _, std := range catalogue.All() {
		text, err := std.YAML()
		if err != nil {
			return err
		}
		if _, err := store.LoadStandard(ctx, Operator, request.LoadStandard{Acting: NewID(), YAML: string(text)}); err != nil {
			return fmt.Errorf("loading %s: %w", std.Key, err)
		}
		all = append(all, request.Scope{Standard: std.Key})
	}
	if _, err := store.LoadProcedure(ctx, Operator, request.LoadProcedure{Acting: NewID(), YAML: procedure.DefaultYAML()}); err != nil {
		return err
	}
	return addPeople(ctx, store, all)
}

func addPeople(ctx context.Context, store *postgres.Store, all []request.Scope) error {
	for _, p := range []request.AddPerson{
		{Person: Candidate.ID, Name: "Mari Maasikas", Roles: []person.Role{person.Candidate}},
		{Person: Other.ID, Name: "Juhan Juurikas", Roles: []person.Role{person.Candidate}},
		{Person: Assessor.ID, Name: "Hilja Hindaja", Roles: []person.Role{person.Assessor}, Scopes: all},
		{Person: Second.ID, Name: "Hanno Hindaja", Roles: []person.Role{person.Assessor}, Scopes: all},
		{Person: Member.ID, Name: "Kaja Komisjon", Roles: []person.Role{person.Committee}},
		{Person: Auditor.ID, Name: "Nele Nõukogu", Roles: []person.Role{person.Council}},
		{Person: Both.ID, Name: "Kalev Kahes", Roles: []person.Role{person.Committee, person.Assessor}, Scopes: all},
		{Person: Judged.ID, Name: "Tiina Taotleja", Roles: []person.Role{person.Candidate, person.Assessor}, Scopes: all},
	} {
		p.Acting = NewID()
		if _, err := store.AddPerson(ctx, Operator, p); err != nil {
			return fmt.Errorf("adding %s: %w", p.Person, err)
		}
	}
	return nil
}

// NewID makes the id of a new act.
func NewID() request.Acting { return request.Acting{ID: uuid.NewString()} }
