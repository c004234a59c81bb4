// Package temporalserver runs a Temporal server in this process, on one SQLite
// file or in memory.
//
// Its four services talk over ports of the loopback interface, and whoever
// reaches those is trusted. It calls nobody: the version check is off.
package temporalserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/temporal"

	"github.com/kutse-dev/kutse/deploy/dev/internal/filelock"
	"github.com/kutse-dev/kutse/schema/fault"
)

// DefaultNamespace is where kutse's workflows live.
const DefaultNamespace = "kutse"

// Options says where the server keeps its state and where it listens.
type Options struct {
	Dir       string // data folder, made when missing; empty: everything in memory
	Port      int    // of the frontend, on the loopback interface; 0: one that is free
	Namespace string // made when missing; empty: DefaultNamespace
	Retention time.Duration
	Logger    *slog.Logger
}

// Server is a running server.
type Server struct {
	temporal  temporal.Server
	address   string
	namespace string
	log       *logger
	lock      *filelock.Lock // nil in memory
	stop      sync.Once
	done      chan struct{}
}

// patience is how long a start may take on a busy machine; it takes half a
// second on an idle one.
const patience = time.Minute

// attempts is how often we pick other ports: between finding a free port and
// listening on it somebody else can take it.
const attempts = 3

// inUse is how a collision is told; Temporal hands on no more than text.
const inUse = "address already in use"

// Start runs a server and returns when it answers and knows its namespace.
func Start(ctx context.Context, o Options) (*Server, error) {
	o = o.complete()
	lock, err := lockDir(o.Dir)
	if err != nil {
		return nil, err
	}
	s, err := startOnFreePorts(ctx, o)
	if err != nil {
		if lock != nil {
			lock.Release()
		}
		return nil, err
	}
	s.lock = lock
	return s, nil
}

func (o Options) complete() Options {
	if o.Namespace == "" {
		o.Namespace = DefaultNamespace
	}
	if o.Retention == 0 {
		o.Retention = 7 * 24 * time.Hour // to look at what happened; the record is PostgreSQL
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func lockDir(dir string) (*filelock.Lock, error) {
	if dir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of Temporal: %w", err)
	}
	lock, err := filelock.Acquire(filepath.Join(dir, "lock"))
	if held := (*filelock.Held)(nil); errors.As(err, &held) {
		return nil, fault.Conflict.Because(err, "the Temporal folder %s is already used by process %d", dir, held.PID)
	}
	return lock, err
}

func startOnFreePorts(ctx context.Context, o Options) (*Server, error) {
	for n := 1; ; n++ {
		p, err := pickPorts(o.Port)
		if err != nil {
			return nil, err
		}
		s, err := start(ctx, o, p)
		if err == nil {
			return s, nil
		}
		if n == attempts || !strings.Contains(err.Error(), inUse) {
			return nil, err
		}
	}
}

func start(ctx context.Context, o Options, p ports) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	store, err := prepareStore(o, fmt.Sprintf("kutse-%016x", rand.Uint64()))
	if err != nil {
		return nil, err
	}
	s := &Server{address: p.address("frontend"), namespace: o.Namespace, log: newLogger(o.Logger), done: make(chan struct{})}
	if err := s.run(ctx, p, store); err != nil {
		return nil, err
	}
	go s.watch()
	return s, nil
}

// run gives the server a goroutine of its own: what it calls fatal ends that
// goroutine instead of the process.
func (s *Server) run(ctx context.Context, p ports, store store) error {
	srv, err := s.build(p, store)
	if err != nil {
		return fmt.Errorf("configuring Temporal: %w", err)
	}
	s.temporal = srv
	started := make(chan error, 1)
	go func() { started <- srv.Start() }()
	select {
	case err := <-started:
		if err != nil {
			s.halt()
			return fmt.Errorf("starting Temporal: %w", err)
		}
	case <-s.log.dead:
		s.halt()
		return fault.Unavailable.New("Temporal did not start: %s", s.log.reason())
	case <-ctx.Done():
		s.halt()
		return fmt.Errorf("starting Temporal: %w", context.Cause(ctx))
	}
	if err := s.awaitReady(ctx); err != nil {
		s.halt()
		return err
	}
	return nil
}

// build makes the server, which takes its ports already. What is fatal here
// comes as a panic: the constructors run one in another, and sync.OnceValue
// among them makes a crash of the end of a goroutine.
func (s *Server) build(p ports, store store) (srv temporal.Server, err error) {
	s.log.building.Store(true)
	defer s.log.building.Store(false)
	defer func() {
		switch r := recover().(type) {
		case nil:
		case fatal:
			err = fault.Unavailable.New("%s", string(r))
		default:
			panic(r)
		}
	}()
	return temporal.NewServer(
		temporal.WithConfig(configuration(p, store)),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(p.hosts()),
		temporal.WithLogger(s.log),
		temporal.WithDynamicConfigClient(tuning()),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
	)
}

// awaitReady asks through the front door, as a worker will.
func (s *Server) awaitReady(ctx context.Context) error {
	c, err := client.DialContext(ctx, client.Options{
		HostPort:  s.address,
		Namespace: s.namespace,
		Logger:    sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return fmt.Errorf("waiting for Temporal: %w", err)
	}
	defer c.Close()
	if _, err := c.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("waiting for Temporal: %w", err)
	}
	if _, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{}); err != nil {
		return fmt.Errorf("waiting for the namespace %s: %w", s.namespace, err)
	}
	return nil
}

// watch ends a server that has met something fatal: half of it would be worse.
func (s *Server) watch() {
	select {
	case <-s.log.dead:
		_ = s.Stop(context.Background())
	case <-s.done:
	}
}

// Address is where clients and workers connect.
func (s *Server) Address() string { return s.address }

// Namespace is the namespace that is ready for use.
func (s *Server) Namespace() string { return s.namespace }

// Done is closed when the server has ended, asked to or not.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err says why the server ended on its own; nil after Stop.
func (s *Server) Err() error {
	if reason := s.log.reason(); reason != "" {
		return errors.New("temporal: " + reason)
	}
	return nil
}

// Stop ends the server; it takes about a second. Workers should have stopped
// before. Workflows go on at the next start, unless they were in memory.
// Stopping twice is harmless.
func (s *Server) Stop(ctx context.Context) error {
	go s.stop.Do(func() {
		s.halt()
		if s.lock != nil {
			s.lock.Release()
		}
		close(s.done)
	})
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopping Temporal: %w", context.Cause(ctx))
	}
}

func (s *Server) halt() {
	s.log.stopping.Store(true)
	if err := s.temporal.Stop(); err != nil {
		s.log.slog.Warn("temporal did not stop cleanly", "error", err)
	}
}
