// Package local is a whole kutse on one machine, in one process: PostgreSQL, NATS
// and Temporal with all roles of kutse on them, the five standards and a few
// people. It is what `kutse-dev` starts, and what the tests of the whole system
// run against.
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/kutse-dev/kutse/cmd/internal/config"
	"github.com/kutse-dev/kutse/cmd/internal/play"
	"github.com/kutse-dev/kutse/cmd/internal/wire"
	"github.com/kutse-dev/kutse/deploy/dev"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/seal/kek"
)

// System is a running whole.
type System struct {
	dev.Addresses
	*wire.System
	servers *dev.System
	stop    context.CancelFunc
	ended   chan error // what Run returned, once
}

// stopWithin bounds the clean-up after a start that failed.
const stopWithin = 30 * time.Second

// Start starts the servers, migrates, runs all roles and loads the demonstration's
// standards and people. Everything it does is harmless on a folder that was
// started before. On an error nothing is left running.
func Start(ctx context.Context, o dev.Options) (*System, error) {
	servers, err := dev.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &System{Addresses: servers.Addresses, servers: servers, ended: make(chan error, 1)}
	if err := s.run(ctx, o); err != nil {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		return nil, errors.Join(err, s.Stop(stopping))
	}
	return s, nil
}

func (s *System) run(ctx context.Context, o dev.Options) error {
	step := func(name string, do func() error) error {
		began := time.Now()
		if err := do(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if o.Progress != nil {
			o.Progress(name, time.Since(began))
		}
		return nil
	}
	if err := step("database migrated", func() error {
		if o.DatabaseURL != "" { // one that was not made by dev.Start has no roles yet
			if err := wire.MakeRoles(ctx, o.DatabaseURL); err != nil {
				return err
			}
		}
		_, err := wire.Migrate(ctx, s.Postgres.Owner)
		return err
	}); err != nil {
		return err
	}
	if _, err := kek.Create(keyFile(s.Addresses)); err != nil && !errors.Is(err, fault.Conflict) { // there already, from an earlier start
		return err
	}
	cfg, err := Config(s.Addresses)
	if err != nil {
		return err
	}
	if _, err := wire.MakeCaseFileKey(cfg.CaseFileKey, cfg.LogHost); err != nil && !errors.Is(err, fault.Conflict) {
		return err
	}
	if err := step("roles started", func() error { return s.roles(ctx, o.Logger) }); err != nil {
		return err
	}
	return step("standards and people loaded", func() error {
		if err := s.Record.FirstOperator(ctx, play.Operator, play.OperatorName); err != nil {
			return err
		}
		return play.Load(ctx, s.NATS)
	})
}

func (s *System) roles(ctx context.Context, log *slog.Logger) (err error) {
	cfg, err := Config(s.Addresses)
	if err != nil {
		return err
	}
	if s.System, err = wire.Open(ctx, cfg, log); err != nil {
		return err
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	ready := make(chan struct{})
	go func() { s.ended <- s.System.Run(run, func() { close(ready) }) }()
	select {
	case <-ready:
		return nil
	case err := <-s.ended:
		s.ended <- err
		return errors.Join(errors.New("the roles ended before they began"), err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Config is what `kutse serve` would be given to run beside these servers. What it
// has begun is finished soon: whoever pressed Ctrl-C waits for it.
func Config(at dev.Addresses) (config.Serve, error) {
	cfg, err := config.Defaults()
	cfg.Database.Database, cfg.NATS.NATS, cfg.Blobs = at.Postgres.Service, at.NATS, at.Blobs
	cfg.Temporal = config.Temporal{Temporal: at.Temporal.Address, Namespace: at.Temporal.Namespace}
	cfg.KEK = "file:" + keyFile(at)
	cfg.CaseFileKey = filepath.Join(at.Keys, "casefile.key")
	cfg.LogKeys, cfg.Publish = filepath.Join(at.Keys, "log"), PublishedLog(at)
	cfg.StopAfter = 5 * time.Second
	return cfg, err
}

// PublishedLog is where this system publishes the log of its audit trail.
func PublishedLog(at dev.Addresses) string { return filepath.Join(at.Data, "log") }

// keyFile is where the key-encryption key of this system is.
func keyFile(at dev.Addresses) string { return filepath.Join(at.Keys, "kek.json") }

// Wait waits until a server or a role fails, or ctx ends; only a failure is an error.
func (s *System) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.servers.Failed():
		return err
	case err := <-s.ended:
		s.ended <- err
		return errors.Join(errors.New("the roles ended"), err)
	}
}

// Stop stops the roles, which finish what they have begun, then the servers.
func (s *System) Stop(ctx context.Context) error {
	var errs []error
	if s.stop != nil {
		s.stop()
		select {
		case err := <-s.ended:
			errs = append(errs, err)
		case <-ctx.Done():
			errs = append(errs, errors.New("the roles did not finish what they had begun in time"))
		}
	}
	if s.System != nil {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, s.servers.Stop(ctx))...)
}
