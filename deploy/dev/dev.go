// Package dev runs all that kutse stands on, PostgreSQL, NATS and Temporal, on
// one machine and in one data folder:
//
//	DATA/lock            held while a system runs on the folder
//	DATA/addresses.json  where the running system can be reached
//	DATA/pg              the PostgreSQL cluster
//	DATA/nats            the streams
//	DATA/temporal        the database of the workflows
//	DATA/blobs           content of evidence, by digest
//
// Everything listens on the loopback interface or on a Unix socket, and trusts
// whoever reaches it: the account that runs the program, and on the ports of
// NATS and Temporal everybody with an account on the machine.
package dev

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/kutse-dev/kutse/deploy/dev/internal/filelock"
	"github.com/kutse-dev/kutse/deploy/dev/natsserver"
	"github.com/kutse-dev/kutse/deploy/dev/pgserver"
	"github.com/kutse-dev/kutse/deploy/dev/temporalserver"
	"github.com/kutse-dev/kutse/schema/fault"
)

// Options says where a system lives. The zero value is a durable one in the
// default folder.
type Options struct {
	Data         string // data folder; empty: DefaultData(), or a temporary one when Ephemeral
	Ephemeral    bool   // remove the folder at the end; it must be new or empty
	Fast         bool   // for tests: a power cut may destroy everything
	DatabaseURL  string // a PostgreSQL that runs already; none is started
	NATSPort     int    // 0: one that is free
	TemporalPort int    // 0: one that is free
	Offline      bool   // never fetch PostgreSQL
	Logger       *slog.Logger
	// Progress is told what is ready and how long it took. A stage that takes
	// longer is told once before, with no time.
	Progress func(stage string, took time.Duration)
}

// System is a running system.
type System struct {
	Addresses
	options Options
	lock    *filelock.Lock
	servers []named // in the order in which they are stopped
	failed  chan error
	stop    sync.Once
	stopped chan struct{} // closed when a stop has begun
	stopErr error
}

type server interface {
	Done() <-chan struct{}
	Err() error
	Stop(context.Context) error
}

type named struct {
	name string
	server
}

// Start brings everything up and returns when all of it answers. A second start
// on the same folder is refused. ctx limits the start only.
func Start(ctx context.Context, o Options) (*System, error) {
	o = o.complete()
	data, err := openData(o)
	if err != nil {
		return nil, err
	}
	o.Data = data
	lock, err := lockData(data)
	if err != nil {
		return nil, err
	}
	s := &System{options: o, lock: lock, failed: make(chan error, 3), stopped: make(chan struct{})}
	if err := s.start(ctx); err != nil {
		s.giveUp(ctx)
		return nil, err
	}
	for _, srv := range s.servers {
		go s.watch(srv)
	}
	return s, nil
}

// giveUp cleans up after a start that failed or was called off, which ctx must
// not cut short, and a server that does not end must not prolong for ever. The
// reason of the failure counts more than what the clean-up meets.
func (s *System) giveUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	_ = s.Stop(ctx)
}

func (o Options) complete() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	progress, mu := o.Progress, sync.Mutex{}
	o.Progress = func(stage string, took time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		if progress != nil {
			progress(stage, took)
		}
	}
	return o
}

func (o Options) durable() bool { return !o.Fast && !o.Ephemeral }

func (s *System) start(ctx context.Context) error {
	s.PID = os.Getpid()
	s.Data = s.options.Data
	s.Blobs, s.Keys = filepath.Join(s.Data, "blobs"), filepath.Join(s.Data, "keys")
	for _, dir := range []string{s.Blobs, s.Keys} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("making the folders of blobs and keys: %w", err)
		}
	}
	if err := s.startServers(ctx); err != nil {
		return err
	}
	return s.Addresses.write()
}

// startServers starts the three at the same time. The first that fails calls
// the others off, and is the one to hear about.
func (s *System) startServers(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	starts := []struct {
		name  string
		start func(context.Context) (server, error)
	}{
		{"Temporal", s.startTemporal},
		{"NATS", s.startNATS},
		{"PostgreSQL", s.startPostgres},
	}
	running := make([]server, len(starts))
	var wg sync.WaitGroup
	for i, st := range starts {
		wg.Go(func() {
			began := time.Now()
			srv, err := st.start(ctx)
			if err != nil {
				cancel(err)
				return
			}
			running[i] = srv
			s.options.Progress(st.name, time.Since(began))
		})
	}
	wg.Wait()
	for i, srv := range running {
		if srv != nil {
			s.servers = append(s.servers, named{starts[i].name, srv})
		}
	}
	return context.Cause(ctx)
}

func (s *System) startPostgres(ctx context.Context) (server, error) {
	if url := s.options.DatabaseURL; url != "" {
		// A database that somebody configured is used or complained about, never
		// replaced by another one in silence. Its roles are its owner's affair.
		s.Postgres = Postgres{Owner: url, Service: url, Reader: url}
		return nil, ping(ctx, url)
	}
	pg, err := pgserver.Start(ctx, pgserver.Options{
		Dir:      filepath.Join(s.Data, "pg"),
		Durable:  s.options.durable(),
		Offline:  s.options.Offline,
		Logger:   s.options.Logger,
		Progress: func(stage string) { s.options.Progress(stage, 0) },
	})
	if err != nil {
		return nil, err
	}
	s.Postgres = Postgres{
		Owner:     pg.URL(pgserver.Database, pgserver.OwnerRole),
		Service:   pg.URL(pgserver.Database, pgserver.ServiceRole),
		Reader:    pg.URL(pgserver.Database, pgserver.ReaderRole),
		Superuser: pg.SuperuserURL(pgserver.Database),
		Psql:      pg.PsqlURL(pgserver.Database, pgserver.ReaderRole),
	}
	return pg, nil
}

func ping(ctx context.Context, url string) (err error) {
	db, err := sql.Open("postgres", url)
	if err != nil {
		return fault.Invalid.Because(err, "the configured database address cannot be read: %v", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.PingContext(ctx); err != nil {
		return fault.Unavailable.Because(err, "the configured database does not answer: %v", err)
	}
	return nil
}

func (s *System) startNATS(ctx context.Context) (server, error) {
	n, err := natsserver.Start(ctx, natsserver.Options{
		Dir:     filepath.Join(s.Data, "nats"),
		Port:    s.options.NATSPort,
		Durable: s.options.durable(),
		Logger:  s.options.Logger,
	})
	if err != nil {
		return nil, err
	}
	s.NATS = n.URL()
	return n, nil
}

func (s *System) startTemporal(ctx context.Context) (server, error) {
	t, err := temporalserver.Start(ctx, temporalserver.Options{
		Dir:    filepath.Join(s.Data, "temporal"),
		Port:   s.options.TemporalPort,
		Logger: s.options.Logger,
	})
	if err != nil {
		return nil, err
	}
	s.Temporal = Temporal{Address: t.Address(), Namespace: t.Namespace()}
	return t, nil
}

func (s *System) watch(srv named) {
	select {
	case <-s.stopped:
	case <-srv.Done():
		err := srv.Err()
		if err == nil {
			err = errors.New("it gave no reason")
		}
		select {
		case <-s.stopped:
		default:
			s.failed <- fmt.Errorf("%s ended: %w", srv.name, err)
		}
	}
}

// Failed tells of a server that ended on its own. The others go on until Stop,
// which is what the caller should do next.
func (s *System) Failed() <-chan error { return s.failed }

// Stop ends everything, Temporal before NATS before PostgreSQL, on which the
// others' clients depend. Stopping twice is harmless.
func (s *System) Stop(ctx context.Context) error {
	s.stop.Do(func() {
		close(s.stopped)
		s.stopErr = s.end(ctx)
	})
	return s.stopErr
}

func (s *System) end(ctx context.Context) error {
	errs := []error{removeAddresses(s.options.Data)}
	for _, srv := range s.servers {
		if err := srv.Stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", srv.name, err))
		}
	}
	if s.options.Ephemeral {
		errs = append(errs, os.RemoveAll(s.options.Data))
	}
	s.lock.Release()
	return errors.Join(errs...)
}
