// Package postgres is the record: the only place with SQL. One exported method is
// one act or one reading; an act is one transaction that writes the fact, its
// audit row, its event with the outbox row, and the receipt.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/migrations"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/seal"
	"github.com/kutse-dev/kutse/schema/seal/kek"
)

// Store is the record as a service sees it. It is safe for concurrent use.
type Store struct {
	db     *sqlx.DB
	dsn    string
	kek    kek.KEK
	now    func() time.Time
	limits evidence.Limits
	log    *slog.Logger
	bell   *bell

	prepared map[string]*sqlx.Stmt // by statement text
	tallies  tallies
	versions sync.Map // digest → *catalogue.Standard or *procedure.Procedure; immutable, so never stale
}

// Options are what a Store needs beside the database.
type Options struct {
	KEK    kek.KEK          // wraps the keys of people; nil for a process that seals and opens nothing
	Now    func() time.Time // the clock of the record
	Limits evidence.Limits
	Log    *slog.Logger
	Pool   int // connections at most; 0 for 16
}

// Open connects to the record as the service role. The database must be migrated.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	db, err := Connect(dsn)
	if err != nil {
		return nil, err
	}
	pool := o.Pool
	if pool == 0 {
		pool = 16
	}
	db.SetMaxOpenConns(pool)
	db.SetMaxIdleConns(pool)
	db.SetConnMaxLifetime(5 * time.Minute)
	s := &Store{db: db, dsn: dsn, kek: o.KEK, now: o.Now, limits: o.Limits, log: o.Log}
	if err := s.ready(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.bell = newBell(s)
	return s, nil
}

var countTables = statement(`SELECT count(*) FROM information_schema.tables WHERE table_schema = 'kutse' AND table_name = 'outbox'`)

func (s *Store) ready(ctx context.Context) error {
	var tables int
	if err := s.db.GetContext(ctx, &tables, countTables); err != nil {
		return fault.Unavailable.Because(err, "PostgreSQL does not answer: %v", err)
	}
	if tables == 0 {
		return fault.Unavailable.New("the database has no record in it; run `kutse migrate` first")
	}
	return s.prepare(ctx)
}

// Close lets go of the database.
func (s *Store) Close() error {
	s.bell.stop()
	return s.db.Close()
}

// Connect opens a pool behind the guard (guard.go), with kutse as its search path.
func Connect(dsn string) (*sqlx.DB, error) {
	full, err := withParams(dsn, map[string]string{
		"search_path": migrations.Schema, "binary_parameters": "yes", "timezone": "UTC",
		"idle_in_transaction_session_timeout": "60000", "application_name": "kutse",
	})
	if err != nil {
		return nil, err
	}
	connector, err := pq.NewConnector(full)
	if err != nil {
		return nil, fault.Invalid.Because(err, "the PostgreSQL address cannot be read: %v", err)
	}
	return sqlx.NewDb(sql.OpenDB(&guard{connector}), "postgres"), nil
}

// withParams adds run-time parameters to a URL or a key=value address, where the
// address does not set them itself.
func withParams(dsn string, params map[string]string) (string, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		for k, v := range params {
			if !strings.Contains(dsn, k+"=") {
				dsn += fmt.Sprintf(" %s='%s'", k, v)
			}
		}
		return dsn, nil
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fault.Invalid.New("the PostgreSQL address is no URL") // without the cause: it may hold a password
	}
	q := u.Query()
	for k, v := range params {
		if !q.Has(k) {
			q.Set(k, v)
		}
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// statements lists every statement, so that one test can prepare them all
// against the migrated schema.
var statements []string

// statement puts text on the list; only what is on it can be run in a transaction. Statements stand right above what runs them.
func statement(text string) string {
	statements = append(statements, text)
	return text
}

// tx is one transaction of the record.
type tx struct {
	*sqlx.Tx
	s    *Store
	keys map[person.ID]seal.DataKey // those it has met
}

func (s *Store) tx(begun *sqlx.Tx) tx { return tx{begun, s, map[person.ID]seal.DataKey{}} }

// prepare prepares every statement once. database/sql keeps them prepared on each
// connection it uses them on: parsing and planning would otherwise cost PostgreSQL
// a third more per act. It is done before the first transaction, because preparing
// takes a connection of its own, and transactions that wait for one while they hold
// the others would wait for ever.
func (s *Store) prepare(ctx context.Context) error {
	s.prepared = make(map[string]*sqlx.Stmt, len(statements))
	for _, text := range statements {
		st, err := s.db.PreparexContext(ctx, text) //nolint:sqlclosecheck // prepared for as long as the pool lives
		if err != nil {
			return fault.Unavailable.Because(err, "the database does not fit this program; run `kutse migrate`: %v", err)
		}
		s.prepared[text] = st
	}
	return nil
}

// prepared is a statement on the transaction's own connection.
func (t tx) prepared(ctx context.Context, query string) *sqlx.Stmt {
	return t.StmtxContext(ctx, t.s.prepared[query])
}

// GetContext reads one row, with a prepared statement.
func (t tx) GetContext(ctx context.Context, into any, query string, args ...any) error {
	return t.prepared(ctx, query).GetContext(ctx, into, args...) //nolint:sqlclosecheck // closed with its transaction
}

// SelectContext reads rows, with a prepared statement.
func (t tx) SelectContext(ctx context.Context, into any, query string, args ...any) error {
	return t.prepared(ctx, query).SelectContext(ctx, into, args...) //nolint:sqlclosecheck // closed with its transaction
}

// ExecContext changes rows, with a prepared statement.
func (t tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return t.prepared(ctx, query).ExecContext(ctx, args...)
}

// maxTries bounds how often a transaction that the database asked us to repeat
// is repeated.
const maxTries = 5

// transact runs do in a transaction. A serialisation failure or a deadlock is
// tried again: do must not keep anything from a try that failed.
func (s *Store) transact(ctx context.Context, do func(tx) error) error {
	for try := 1; ; try++ {
		err := s.transactOnce(ctx, do)
		if !again(err) || try == maxTries {
			return explain(err)
		}
	}
}

func (s *Store) transactOnce(ctx context.Context, do func(tx) error) error {
	t, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = t.Rollback() }() // a panic must not take the connection with it
	if err := do(s.tx(t)); err != nil {
		return errors.Join(err, ignoreDone(t.Rollback()))
	}
	return t.Commit()
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// clock is the record's time: UTC, to the microsecond that PostgreSQL keeps, so
// that what is answered is what is stored.
func (s *Store) clock() time.Time { return s.now().UTC().Truncate(time.Microsecond) }
