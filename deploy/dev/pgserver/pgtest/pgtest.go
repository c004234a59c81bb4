// Package pgtest gives each test a PostgreSQL database of its own.
//
// There is one cluster per test binary, started by the first test that asks and
// removed when the process ends, however it ends. It trades all safety for
// speed: fsync is off and the files are in memory where there is room.
package pgtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/deploy/dev/pgserver"
)

// Template is a database that tests get copies of. Build fills it, logged in
// as the owner, once per cluster, and must leave no connection open.
type Template struct {
	Name  string // tells templates apart: for example the hash of the migrations
	Build func(ownerURL string) error
}

// DB holds the addresses of one test's database, one for each role.
type DB struct {
	Name                              string
	Owner, Service, Reader, Superuser string
}

var shared = sync.OnceValues(startCluster)

// Cluster returns the cluster of this test binary, starting it if need be.
// Roles belong to the cluster: a test that changes them disturbs the others.
func Cluster(tb testing.TB) *pgserver.Server {
	tb.Helper()
	c, err := shared()
	if err != nil {
		tb.Fatalf("starting PostgreSQL for the test: %v", err)
	}
	return c.server
}

// Database makes a copy of the template for this test alone, and drops it at
// the end. The zero Template stands for an empty database. Parallel tests may
// call it at the same time.
func Database(tb testing.TB, t Template) DB {
	tb.Helper()
	Cluster(tb)
	c, _ := shared()
	template, err := c.template(t)
	if err != nil {
		tb.Fatalf("building the template %q: %v", t.Name, err)
	}
	name := "t_" + strings.ToLower(rand.Text())
	if err := c.create(name, template); err != nil {
		tb.Fatalf("making the database of the test: %v", err)
	}
	tb.Cleanup(func() {
		if _, err := c.admin.Exec("drop database " + name + " with (force)"); err != nil {
			tb.Errorf("dropping the database of the test: %v", err)
		}
	})
	return c.addresses(name)
}

// Main runs the tests and then stops the cluster in order. A package may do
// without it; then the end of the process does the same.
func Main(m *testing.M) int {
	code := m.Run()
	stop()
	return code
}

type cluster struct {
	server    *pgserver.Server
	admin     *sql.DB
	dir       string
	mu        sync.Mutex
	templates map[string]func() error
}

// running is set once the cluster is up, so that stop does not start one.
var running *cluster

func startCluster() (*cluster, error) {
	dir, err := newDir()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	s, err := pgserver.Start(ctx, pgserver.Options{Dir: clusterDir(dir)})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := removeAtExit(dir, s.SocketDir()); err != nil {
		return nil, errors.Join(err, s.Stop(ctx), os.RemoveAll(dir))
	}
	admin, err := sql.Open("postgres", s.SuperuserURL("postgres"))
	if err != nil {
		return nil, errors.Join(err, s.Stop(ctx), os.RemoveAll(dir))
	}
	running = &cluster{server: s, admin: admin, dir: dir, templates: map[string]func() error{}}
	return running, nil
}

func stop() {
	c := running
	if c == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = c.admin.Close()
	_ = c.server.Stop(ctx)
	_ = os.RemoveAll(c.dir)
}

// template returns the database of t, building it if this is the first use.
func (c *cluster) template(t Template) (string, error) {
	if t.Name == "" {
		return "template1", nil
	}
	name := "tpl_" + t.Name
	if len(name) > 63 {
		return "", errors.New("the name is longer than PostgreSQL allows (59)")
	}
	c.mu.Lock()
	build, ok := c.templates[t.Name]
	if !ok {
		build = sync.OnceValue(func() error { return c.build(name, t.Build) })
		c.templates[t.Name] = build
	}
	c.mu.Unlock()
	return name, build()
}

func (c *cluster) build(name string, fill func(ownerURL string) error) error {
	if err := c.create(name, "template1"); err != nil {
		return err
	}
	if err := fill(c.server.URL(name, pgserver.OwnerRole)); err != nil {
		return err
	}
	// From here on nobody can connect, and so nobody can hold up a copy.
	_, err := c.admin.Exec("alter database " + pq.QuoteIdentifier(name) + " allow_connections false")
	if err != nil {
		return err
	}
	return c.awaitUnused(name)
}

// awaitUnused waits for backends whose client has closed already to be gone.
func (c *cluster) awaitUnused(name string) error {
	deadline := time.Now().Add(5 * time.Second)
	for {
		var n int
		err := c.admin.QueryRow(`select count(*) from pg_stat_activity where datname = $1`, name).Scan(&n)
		if err != nil || n == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the template's Build left %d connections open", n)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// create copies files instead of logging each page: with fsync off that is the
// faster way by far.
func (c *cluster) create(name, template string) error {
	_, err := c.admin.Exec(fmt.Sprintf("create database %s template %s owner %s strategy file_copy",
		pq.QuoteIdentifier(name), pq.QuoteIdentifier(template), pgserver.OwnerRole))
	if err != nil {
		return err
	}
	return pgserver.RestrictDatabase(context.Background(), c.admin, name)
}

func (c *cluster) addresses(name string) DB {
	return DB{
		Name:      name,
		Owner:     c.server.URL(name, pgserver.OwnerRole),
		Service:   c.server.URL(name, pgserver.ServiceRole),
		Reader:    c.server.URL(name, pgserver.ReaderRole),
		Superuser: c.server.URL(name, pgserver.Superuser),
	}
}
