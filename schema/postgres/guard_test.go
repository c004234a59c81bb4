package postgres_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

// cutter stands before PostgreSQL. Armed, it hangs up right after the next error
// that the server reports, as a failover or the restart of a pooler does.
type cutter struct {
	url      string
	listener net.Listener
	armed    atomic.Bool
	cut      atomic.Int32
}

func newCutter(t *testing.T, dsn string) *cutter {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	name := ".s.PGSQL." + q.Get("port")
	server := filepath.Join(q.Get("host"), name)
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	q.Set("host", dir)
	u.RawQuery = q.Encode()
	c := &cutter{url: u.String(), listener: l}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go c.serve(client, server)
		}
	}()
	return c
}

func (c *cutter) serve(client net.Conn, socket string) {
	defer client.Close()
	server, err := net.Dial("unix", socket)
	if err != nil {
		return
	}
	defer server.Close()
	go func() { _, _ = io.Copy(server, client) }()
	for head := make([]byte, 5); ; { // a message is its kind and its length, which counts itself
		if _, err := io.ReadFull(server, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(server, body); err != nil {
			return
		}
		if _, err := client.Write(append(head[:5:5], body...)); err != nil {
			return
		}
		if head[0] == 'E' && c.armed.CompareAndSwap(true, false) {
			c.cut.Add(1)
			return
		}
	}
}

func TestAConnectionThatBrokeWithAnErrorLeavesThePool(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		open    func(t *testing.T, url string) *sqlx.DB
		recover bool
	}{
		"with the guard": {connect, true},
		// When this one recovers, lib/pq is mended and guard.go can go.
		"lib/pq alone": {func(t *testing.T, url string) *sqlx.DB {
			db, err := sql.Open("postgres", url)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			return sqlx.NewDb(db, "postgres")
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := newCutter(t, postgrestest.New(t).DB.Service)
			db := c.open(t, proxy.url)
			db.SetMaxOpenConns(1)
			if err := db.Ping(); err != nil {
				t.Fatal(err)
			}
			proxy.armed.Store(true)
			if _, err := db.Exec(`SELECT nothing_of_this_name WHERE $1 = 1`, 1); err == nil || proxy.cut.Load() != 1 {
				t.Fatalf("the statement that cannot be parsed: %v, %d cuts; want an error and 1", err, proxy.cut.Load())
			}
			var failed []string
			for range 5 {
				var one int
				if err := db.Get(&one, `SELECT $1::int`, 1); err != nil {
					failed = append(failed, err.Error())
				}
			}
			if c.recover && len(failed) > 0 {
				t.Errorf("after the cut %d of 5 statements fail: %v", len(failed), failed)
			}
			if !c.recover && len(failed) != 5 {
				t.Errorf("lib/pq alone recovers: %d of 5 fail (%v); is the guard still needed?", len(failed), failed)
			}
		})
	}
}

func TestAnErrorThatIsNotTheConnectionsKeepsIt(t *testing.T) {
	t.Parallel()
	db := connect(t, postgrestest.New(t).DB.Service)
	db.SetMaxOpenConns(1)
	pid := func() (pid int) {
		if err := db.Get(&pid, `SELECT pg_backend_pid()`); err != nil {
			t.Fatal(err)
		}
		return pid
	}
	before := pid()
	if _, err := db.Exec(`SELECT 1 / $1::int`, 0); err == nil {
		t.Fatal("a division by zero is fine")
	}
	if after := pid(); after != before {
		t.Errorf("backend %d, after an error %d: the connection was thrown away", before, after)
	}
}

func TestACancelledStatementSaysThatTimeRanOut(t *testing.T) {
	t.Parallel()
	db := connect(t, postgrestest.New(t).DB.Service)
	cause := errors.New("the process stops")
	for name, run := range map[string]func(context.Context) error{
		"exec":  func(ctx context.Context) error { _, err := db.ExecContext(ctx, `SELECT pg_sleep(30)`); return err },
		"query": func(ctx context.Context) error { var s string; return db.GetContext(ctx, &s, `SELECT pg_sleep(30)`) },
		"params": func(ctx context.Context) error {
			var s string
			return db.GetContext(ctx, &s, `SELECT pg_sleep($1)`, 30)
		},
		"prepare": func(ctx context.Context) error { return prepared(ctx, db) },
		"in a tx": func(ctx context.Context) error { return inTx(ctx, db) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if err := run(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after its deadline: %v (%T), want DeadlineExceeded", err, err)
			}
		})
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, cause)
	defer cancel()
	if _, err := db.ExecContext(ctx, `SELECT pg_sleep(30)`); !errors.Is(err, cause) {
		t.Errorf("cancelled for a cause: %v, want %v", err, cause)
	}
}

func prepared(ctx context.Context, db *sqlx.DB) error {
	st, err := db.PreparexContext(ctx, `SELECT pg_sleep($1)`)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	_, err = st.ExecContext(ctx, 30)
	return err
}

func inTx(ctx context.Context, db *sqlx.DB) error {
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, `SELECT pg_sleep(30)`)
	return err
}

func TestATransactionThatLostARaceIsTriedAgain(t *testing.T) {
	t.Parallel()
	r := postgrestest.New(t)
	db := connect(t, r.DB.Service)
	tries := 0
	err := r.Transact(t.Context(), func(tx *sqlx.Tx) error {
		tries++
		if _, err := tx.Exec(`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`); err != nil {
			return err
		}
		var last int
		if err := tx.Get(&last, `SELECT last FROM register_counter WHERE type = 1`); err != nil {
			return err
		}
		if tries == 1 { // somebody else is faster
			if _, err := db.Exec(`UPDATE register_counter SET last = last + 1 WHERE type = 1`); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`UPDATE register_counter SET last = $1 WHERE type = 1`, last+1)
		return err
	})
	var last int
	if err := db.Get(&last, `SELECT last FROM register_counter WHERE type = 1`); err != nil {
		t.Fatal(err)
	}
	if err != nil || tries != 2 || last != 2 {
		t.Errorf("%v after %d tries, counter %d; want no error, 2 tries, 2", err, tries, last)
	}
}

func TestBothSidesOfADeadlockSucceed(t *testing.T) {
	t.Parallel()
	r := postgrestest.New(t)
	var tries atomic.Int32
	var both, done sync.WaitGroup
	both.Add(2)
	for _, order := range [][2]int{{1, 2}, {2, 1}} {
		done.Go(func() {
			first := true
			err := r.Transact(t.Context(), func(tx *sqlx.Tx) error {
				tries.Add(1)
				for n, counter := range order {
					if _, err := tx.Exec(`UPDATE register_counter SET last = last + 1 WHERE type = $1`, counter); err != nil {
						return err
					}
					if n == 0 && first {
						first = false
						both.Done()
						both.Wait() // now each holds what the other wants
					}
				}
				return nil
			})
			if err != nil {
				t.Errorf("locking %v: %v", order, err)
			}
		})
	}
	done.Wait()
	// On a busy machine PostgreSQL may end both sides before one of them goes on.
	if n := tries.Load(); n < 3 || n > 2*3 {
		t.Errorf("%d tries, want 3 or a few more: one of the two was tried again", n)
	}
}

func TestARaceThatIsNeverWonEnds(t *testing.T) {
	t.Parallel()
	r := postgrestest.New(t)
	for name, c := range map[string]struct {
		err   error
		tries int
	}{
		"a race that is lost each time":         {&pq.Error{Code: "40001"}, 5},
		"a deadlock each time":                  {&pq.Error{Code: "40P01"}, 5},
		"what no second try can change":         {&pq.Error{Code: "23505"}, 1},
		"a refusal":                             {fault.Conflict.New("no"), 1},
		"an error that PostgreSQL did not make": {errors.New("no"), 1},
	} {
		tries := 0
		err := r.Transact(t.Context(), func(*sqlx.Tx) error {
			tries++
			return c.err
		})
		if !errors.Is(err, c.err) && !strings.Contains(err.Error(), c.err.Error()) || tries != c.tries {
			t.Errorf("%s: %v after %d tries, want %v after %d", name, err, tries, c.err, c.tries)
		}
	}
}

// The first acts of a process must not wait for each other's connections.
func TestAFreshProcessWithASmallPoolAnswersManyAtOnce(t *testing.T) {
	t.Parallel()
	r := postgrestest.New(t)
	fresh, err := postgres.Open(t.Context(), r.DB.Service, postgres.Options{
		Now: time.Now, Limits: evidence.Limits{TextBytes: 1 << 10, Indicators: 10}, Log: slog.New(slog.DiscardHandler), Pool: 4,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fresh.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all sync.WaitGroup
	start := make(chan struct{})
	for range 32 {
		all.Go(func() {
			<-start
			if _, err := fresh.Stats(ctx, postgrestest.Auditor); err != nil {
				t.Errorf("one of many at once: %v", err)
			}
		})
	}
	close(start)
	all.Wait()
}

func TestAPanicDoesNotKeepItsConnection(t *testing.T) {
	t.Parallel()
	r := postgrestest.New(t)
	for range 40 { // more than the pool has
		func() {
			defer func() { _ = recover() }()
			_ = r.Transact(t.Context(), func(*sqlx.Tx) error { panic("a mistake of ours") })
		}()
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := r.Stats(ctx, postgrestest.Auditor); err != nil {
		t.Errorf("after the panics: %v, want an answer", err)
	}
}
