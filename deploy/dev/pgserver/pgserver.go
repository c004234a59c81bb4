// Package pgserver supervises a private PostgreSQL cluster for one machine.
//
// The server is a child of this process, listens on a Unix socket that only
// one account can reach, and ends with this process, also when it is killed.
// PostgreSQL itself comes from the machine, or, when there is none, from a
// package that is pinned by its content.
//
// PostgreSQL refuses to run as root. When this process is root, the server runs
// as the account "postgres", else "nobody", and the data folder has to be one
// that account can enter: /var/lib/kutse, not root's home, which is closed to
// everybody else. Folders of root below the temporary folder are opened for
// passing through (mode o+x), so that t.TempDir works.
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/kutse-dev/kutse/deploy/dev/internal/filelock"
	"github.com/kutse-dev/kutse/schema/fault"
)

// The names every cluster has after its first start.
const (
	Superuser   = "postgres"      // bootstrap superuser: never for the application
	OwnerRole   = "kutse_owner"   // owns the database, runs migrations
	ServiceRole = "kutse_service" // what the services log in as
	ReaderRole  = "kutse_reader"  // reads only, as far as migrations grant it
	Database    = "kutse"         // owned by OwnerRole
)

// Options says which cluster to run and with what.
type Options struct {
	Dir      string // data folder of the cluster; made when missing
	Binaries string // folder of initdb and postgres; empty: PG_BINDIR, else search
	Cache    string // fetched binaries and initdb results; empty: DefaultCache()
	Offline  bool   // never fetch anything; KUTSE_OFFLINE in the environment says the same
	Durable  bool   // false is for tests: a power cut may destroy the cluster
	Logger   *slog.Logger
	Progress func(string) // told what takes long, for a person who waits
}

// Server is a running cluster.
type Server struct {
	dir      string
	socket   string
	version  Version
	child    *child
	lock     *filelock.Lock
	stopping atomic.Bool
	done     chan struct{}
	err      error // set before done is closed
}

// patience is how long a start waits for what an earlier process left behind,
// and a stop for a server that does not react.
const patience = 10 * time.Second

// Start brings the cluster in o.Dir up, making it when there is none. It
// returns when the server answers. ctx limits the start only.
func Start(ctx context.Context, o Options) (*Server, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(o.Dir), 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of the cluster: %w", err)
	}
	// While we hold this, no other supervisor lives: a server found running on
	// the folder is a leftover, and ours to stop.
	lock, err := filelock.Acquire(o.Dir + ".lock")
	if held := (*filelock.Held)(nil); errors.As(err, &held) {
		return nil, fault.Conflict.Because(err, "the PostgreSQL folder %s is in use by process %d", o.Dir, held.PID)
	}
	if err != nil {
		return nil, err
	}
	s, err := start(ctx, o)
	if err != nil {
		lock.Release()
		return nil, err
	}
	s.lock = lock
	go s.watch()
	return s, nil
}

func start(ctx context.Context, o Options) (*Server, error) {
	acc, err := accountFor(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := openCache(o.Cache); err != nil {
		return nil, err
	}
	removeStale(o.Cache, acc)
	bins, err := find(ctx, o, acc)
	if err != nil {
		return nil, err
	}
	c := cluster{Options: o, account: acc, binaries: bins}
	if err := c.prepare(ctx); err != nil {
		return nil, err
	}
	socket, err := socketDir(o.Dir, acc)
	if err != nil {
		return nil, err
	}
	if err := c.stopLeftover(ctx, socket); err != nil {
		return nil, err
	}
	return c.run(ctx, socket)
}

// run leaves a server that has its roles, or neither a server nor its socket.
func (c cluster) run(ctx context.Context, socket string) (*Server, error) {
	ch, err := c.launch(ctx, socket)
	if err != nil {
		// A server that did not start has taken its socket away. If there is
		// something in the folder all the same, it is another's.
		_ = os.Remove(socket)
		return nil, err
	}
	s := &Server{dir: c.Dir, socket: socket, version: c.binaries.version, child: ch, done: make(chan struct{})}
	if err := s.createRoles(ctx); err != nil {
		ch.kill()
		_ = os.RemoveAll(socket)
		return nil, fmt.Errorf("creating the roles of the cluster: %w", err)
	}
	c.Logger.DebugContext(ctx, "postgres started", "version", s.version.String(), "binaries", c.binaries.dir, "pid", ch.pid)
	return s, nil
}

func (o Options) complete() (Options, error) {
	if o.Dir == "" {
		return o, errors.New("a PostgreSQL cluster needs a folder")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, fmt.Errorf("locating the folder of the cluster: %w", err)
	}
	o.Dir = dir
	if o.Cache == "" {
		o.Cache = DefaultCache()
	}
	if o.Binaries == "" {
		o.Binaries = os.Getenv("PG_BINDIR")
	}
	if os.Getenv("KUTSE_OFFLINE") != "" {
		o.Offline = true
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	return o, nil
}

// URL is how lib/pq reaches a database of the cluster as user. There is no
// password: whoever can open the socket is the account that owns the cluster.
func (s *Server) URL(database, user string) string {
	return s.url(database, user, url.Values{"binary_parameters": {"yes"}})
}

// SuperuserURL is for making databases and roles, never for the application.
func (s *Server) SuperuserURL(database string) string { return s.URL(database, Superuser) }

// PsqlURL is the same address for psql and others of libpq, which do not know
// lib/pq's own parameters.
func (s *Server) PsqlURL(database, user string) string { return s.url(database, user, url.Values{}) }

func (s *Server) url(database, user string, q url.Values) string {
	q.Set("host", s.socket)
	q.Set("port", port)
	q.Set("sslmode", "disable")
	u := url.URL{Scheme: "postgres", User: url.User(user), Path: "/" + database, RawQuery: q.Encode()}
	return u.String()
}

// SocketDir is the folder of the socket, which goes with the server.
func (s *Server) SocketDir() string { return s.socket }

// PID is the process of the postmaster.
func (s *Server) PID() int { return s.child.pid }

// Version is what the server is.
func (s *Server) Version() Version { return s.version }

// Done is closed when the server has ended, asked to or not.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err says why the server ended; nil while it runs and after Stop.
func (s *Server) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Stop shuts the server down: open transactions are rolled back, committed
// ones are on disk. When ctx ends first the server is stopped hard, which
// loses nothing either but makes the next start recover; Stop then says so.
// Stopping twice is harmless.
func (s *Server) Stop(ctx context.Context) error {
	s.stopping.Store(true)
	s.child.interrupt()
	select {
	case <-s.done:
		return nil // if it had ended before, Err says why
	case <-ctx.Done():
		s.child.kill()
		<-s.done
		return fmt.Errorf("stopping postgres: stopped hard: %w", context.Cause(ctx))
	}
}

func (s *Server) watch() {
	<-s.child.ended
	if !s.stopping.Load() {
		s.err = fmt.Errorf("postgres ended on its own: %w; its log is %s", s.child.state, logPath(s.dir))
	}
	_ = os.RemoveAll(s.socket)
	s.lock.Release()
	close(s.done)
}
