// Package wire brings the record, NATS and Temporal together: it opens them in
// order, runs the roles of a process, and closes in reverse. It is the only place
// that knows a port and what fills it.
package wire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	"github.com/kutse-dev/kutse/cmd/internal/config"
	"github.com/kutse-dev/kutse/cmd/internal/gateway"
	"github.com/kutse-dev/kutse/cmd/internal/sealer"
	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/bus"
	"github.com/kutse-dev/kutse/schema/blob"
	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/seal/kek"
	"github.com/kutse-dev/kutse/workflows"
)

// System is a process's open connections and the roles it runs.
type System struct {
	Record   *postgres.Store
	Temporal client.Client
	Stream   jetstream.JetStream

	cfg   config.Serve
	log   *slog.Logger
	door  *nats.Conn // answers people; publishes nothing else
	facts *nats.Conn // streams
	relay *bus.Relay
	seal  *sealer.Sealer // nil where the process has no sealer
}

// Open connects to everything that the roles of cfg need and provisions the
// streams. Nothing runs yet; call Run, and Close in any case.
func Open(ctx context.Context, cfg config.Serve, log *slog.Logger) (*System, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	s := &System{cfg: cfg, log: log}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *System) open(ctx context.Context) (err error) {
	url, err := s.cfg.URL()
	if err != nil {
		return err
	}
	var key kek.KEK
	if s.cfg.KEK != "" {
		if key, err = kek.Open(s.cfg.KEK); err != nil {
			return err
		}
	}
	// The clock of the record is the process's clock: the one place that reads it.
	s.Record, err = postgres.Open(ctx, url, postgres.Options{
		KEK: key, Now: time.Now, Limits: s.cfg.Evidence(), Log: s.log, Pool: s.cfg.Pool,
	})
	if err != nil {
		return err
	}
	if err := s.Record.EnsurePartitions(ctx); err != nil {
		return err
	}
	if s.door, err = connect(s.cfg.NATS.NATS, "door", s.log); err != nil {
		return err
	}
	if s.facts, err = connect(s.cfg.NATS.NATS, "facts", s.log); err != nil {
		return err
	}
	if s.Stream, err = jetstream.New(s.facts); err != nil {
		return fmt.Errorf("opening JetStream: %w", err)
	}
	if err := bus.Provision(ctx, s.Stream); err != nil {
		return err
	}
	s.relay = &bus.Relay{Outbox: s.Record, JetStream: s.Stream, Logger: s.log, Poll: s.cfg.Sweep}
	if s.cfg.Runs(config.Sealer) {
		if s.seal, err = newSealer(s.Record, s.cfg, s.log); err != nil {
			return err
		}
	}
	s.Temporal, err = DialTemporal(s.cfg.Temporal, s.log)
	return err
}

// newSealer makes the sealer that cfg describes.
func newSealer(record *postgres.Store, cfg config.Serve, log *slog.Logger) (*sealer.Sealer, error) {
	keys, err := sealer.OpenKeyring(cfg.LogKeys, cfg.LogHost)
	if err != nil {
		return nil, err
	}
	s := &sealer.Sealer{Record: record, Keys: keys, Publish: cfg.Publish, Every: cfg.SealEvery, Log: log}
	for i, url := range cfg.Witness {
		w, err := sealer.NewWitness(url, cfg.WitnessKey[i])
		if err != nil {
			return nil, err
		}
		s.Witnesses = append(s.Witnesses, w)
	}
	return s, nil
}

// DialTemporal connects to Temporal.
func DialTemporal(cfg config.Temporal, log *slog.Logger) (client.Client, error) {
	temporal, err := client.Dial(client.Options{
		HostPort: cfg.Temporal, Namespace: cfg.Namespace, Logger: sdklog.NewStructuredLogger(log),
	})
	if err != nil {
		return nil, fault.Unavailable.Because(err, "Temporal does not answer at %s: %v", cfg.Temporal, err)
	}
	return temporal, nil
}

// connect opens a service's connection: it comes back by itself, for ever.
func connect(url, name string, log *slog.Logger) (*nats.Conn, error) {
	conn, err := nats.Connect(url, nats.Name("kutse "+name), nats.MaxReconnects(-1),
		nats.ReconnectWait(200*time.Millisecond), nats.ReconnectBufSize(-1), nats.IgnoreAuthErrorAbort(),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("NATS connection lost", "name", name, "error", err)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn("NATS reported an error", "name", name, "error", err)
		}))
	if err != nil {
		return nil, fault.Unavailable.Because(err, "NATS does not answer at %s: %v", url, err)
	}
	return conn, nil
}

// Published counts the facts that this process's relay brought to JetStream.
func (s *System) Published() int64 { return int64(s.relay.Published()) }

// Run runs the process's roles until ctx ends or one of them fails; then all of
// them finish what they have begun. ready is called once everything answers.
func (s *System) Run(ctx context.Context, ready func()) error {
	var blobs *blob.Store // only where the door is
	var signs casefile.Key
	if s.cfg.Runs(config.Door) { // what can fail comes before what runs
		var err error
		if signs, err = caseFileKey(s.cfg.CaseFiles); err != nil {
			return err
		}
		if blobs, err = blob.Open(s.cfg.Blobs, s.Record.Sealer(), s.cfg.Blob()); err != nil {
			return err
		}
		defer func() { _ = blobs.Close() }()
	}
	group, ctx := errgroup.WithContext(ctx)
	if s.cfg.Runs(config.Worker) {
		broken := make(chan error, 1)
		w := worker.New(s.Temporal, workflows.TaskQueue, worker.Options{
			WorkerStopTimeout: s.cfg.StopAfter,
			OnFatalError: func(err error) {
				select {
				case broken <- fmt.Errorf("the worker broke: %w", err):
				default:
				}
			},
		})
		workflows.Register(w, s.Record)
		if err := w.Start(); err != nil {
			return fmt.Errorf("starting the worker: %w", err)
		}
		group.Go(func() error {
			defer w.Stop()
			select {
			case <-ctx.Done():
				return nil
			case err := <-broken: // a worker that stopped by itself would leave cases standing, in silence
				return err
			}
		})
	}
	if s.cfg.Runs(config.Relay) {
		group.Go(func() error { return s.relay.Run(ctx) })
	}
	if s.seal != nil {
		group.Go(func() error { return s.seal.Run(ctx) })
	}
	if s.cfg.Runs(config.Teller) {
		group.Go(func() error { return s.tell(ctx) })
	}
	if s.cfg.Runs(config.Door) {
		door := &gateway.Door{Record: s.Record, Blobs: blobs, Log: s.log, Opened: ready, CaseFileKey: signs, Trust: s.cfg.Trust}
		group.Go(func() error { return door.Run(ctx, s.door) })
	} else if ready != nil {
		ready()
	}
	group.Go(func() error { return s.keep(ctx, blobs) })
	return group.Wait()
}

// How many facts are told at once, and how long one may wait for Temporal's answer.
// A fact that a killed process was telling is told again after three times that
// (bus.Consumer), so it is short.
const (
	tellWorkers = 16
	tellTimeout = 5 * time.Second
)

// tell brings facts to the workflows they concern.
func (s *System) tell(ctx context.Context) error {
	return bus.Consume(ctx, s.Stream, bus.Consumer{
		Name: TellerName, Facts: workflows.Told(), Workers: tellWorkers, Timeout: tellTimeout, Logger: s.log,
		Handle: func(ctx context.Context, env events.Envelope, e events.Event) error {
			return workflows.Tell(ctx, s.Temporal, env.ID, e)
		},
	})
}

// TellerName is the durable consumer that tells workflows.
const TellerName = "tell-certification"

// Close lets go of everything, in reverse.
func (s *System) Close() error {
	if s.Temporal != nil {
		s.Temporal.Close()
	}
	for _, conn := range []*nats.Conn{s.facts, s.door} {
		if conn != nil {
			conn.Close()
		}
	}
	if s.Record != nil {
		return s.Record.Close()
	}
	return nil
}
