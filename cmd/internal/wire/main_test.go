package wire

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/cmd/internal/config"
	"github.com/kutse-dev/kutse/cmd/internal/play"
	"github.com/kutse-dev/kutse/deploy/dev/natsserver"
	"github.com/kutse-dev/kutse/deploy/dev/pgserver/pgtest"
	"github.com/kutse-dev/kutse/deploy/dev/temporalserver"
	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/bus"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// patience bounds every wait for something that has to happen.
const patience = 30 * time.Second

var quiet = slog.New(slog.DiscardHandler)

// servers are what processes of kutse meet at, of one test alone.
type servers struct {
	*testing.T
	record    *postgrestest.Record
	nats      *natsserver.Server
	temporal  *temporalserver.Server
	blobs     string
	logKeys   string
	published string
}

func startServers(t *testing.T) *servers {
	t.Helper()
	s := &servers{T: t, record: postgrestest.New(t), blobs: t.TempDir(), logKeys: t.TempDir(), published: t.TempDir()}
	s.renew()
	return s
}

// renew starts a NATS and a Temporal that know nothing.
func (s *servers) renew() {
	s.Helper()
	var err error
	if s.nats, err = natsserver.Start(s.Context(), natsserver.Options{Dir: s.TempDir(), MaxFile: 1 << 30}); err != nil {
		s.Fatal(err)
	}
	ns := s.nats
	s.Cleanup(func() { _ = ns.Stop(context.WithoutCancel(s.Context())) })
	if s.temporal, err = temporalserver.Start(s.Context(), temporalserver.Options{}); err != nil {
		s.Fatal(err)
	}
	ts := s.temporal
	s.Cleanup(func() { _ = ts.Stop(context.WithoutCancel(s.Context())) })
}

// process is a running `kutse serve`.
type process struct {
	*System
	stop func() // waits until it has finished what it had begun; once
}

func (s *servers) config(roles ...config.Role) config.Serve {
	return config.Serve{
		Roles: roles, Database: config.Database{Database: s.record.DB.Service}, NATS: config.NATS{NATS: s.nats.URL()},
		Keys:     config.Keys{KEK: s.record.KEK},
		Temporal: config.Temporal{Temporal: s.temporal.Address(), Namespace: temporalserver.DefaultNamespace},
		Limits:   config.Limits{MaxText: 64 << 10, MaxFile: 1 << 20, MaxIndicators: 100, MaxUploads: 5},
		Log:      config.Log{LogKeys: s.logKeys, LogHost: "kutse.test", Publish: s.published, SealEvery: 50 * time.Millisecond},
		Blobs:    s.blobs, Pool: 8, Sweep: 200 * time.Millisecond, StopAfter: 5 * time.Second,
	}
}

func (s *servers) open(roles ...config.Role) *System {
	s.Helper()
	sys, err := Open(s.Context(), s.config(roles...), quiet)
	if err != nil {
		s.Fatal(err)
	}
	return sys
}

// serve runs a process with these roles until its stop or the end of the test.
func (s *servers) serve(roles ...config.Role) *process {
	s.Helper()
	return s.run(s.open(roles...))
}

func (s *servers) run(sys *System) *process {
	s.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.Context()))
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- sys.Run(ctx, func() { close(ready) }) }()
	p := &process{System: sys, stop: sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			s.Errorf("a process ended with %v", err)
		}
		if err := sys.Close(); err != nil {
			s.Errorf("closing: %v", err)
		}
	})}
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		s.Fatalf("a process did not begin: %v", err)
	}
	s.Cleanup(p.stop)
	return p
}

func (s *servers) as(a postgres.Actor) *client.Client {
	s.Helper()
	c, err := client.Dial(s.nats.URL(), a.ID)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(c.Close)
	return c
}

// assess lets an assessor work until stop.
func (s *servers) assess(ctx context.Context) (stop func()) {
	s.Helper()
	ctx, cancel := context.WithCancel(ctx)
	assessor := &play.Assessor{Client: s.as(postgrestest.Assessor)}
	ended := make(chan error, 1)
	go func() { ended <- assessor.Work(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			s.Error(err)
		}
	}
}

func (s *servers) stats() request.Stats {
	s.Helper()
	stats, err := s.record.Stats(context.WithoutCancel(s.Context()), postgrestest.Auditor)
	if err != nil {
		s.Fatal(err)
	}
	return stats
}

// allPublished waits until JetStream has every fact of the record, once.
func (s *servers) allPublished(js jetstream.JetStream) {
	s.Helper()
	// A workflow may record something more between two looks, so it is looked again.
	s.await("each fact of the record to be in JetStream once", func() bool {
		stats := s.stats()
		ids, err := bus.PublishedIDs(s.Context(), js, "")
		if err != nil {
			s.Fatal(err)
		}
		stream, err := js.Stream(s.Context(), events.Stream)
		if err != nil {
			s.Fatal(err)
		}
		return stats.Unpublished == 0 && int(stream.CachedInfo().State.Msgs) == stats.Events && len(ids) == stats.Events
	})
}

// allSealed waits until a sealer has come to rest: after that it tells of no more
// checkpoints.
func (s *servers) allSealed() {
	s.Helper()
	s.await("every act to be sealed", func() bool { return s.stats().Unsealed == 0 })
}

func (s *servers) await(what string, isTrue func() bool) {
	s.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !isTrue() {
		select {
		case <-tick.C:
		case <-deadline:
			s.Fatalf("waited %s in vain for %s", patience, what)
		}
	}
}

// finish takes a case from where it stands to the register.
func (s *servers) finish(ctx context.Context, p *play.Case) {
	s.Helper()
	in := func(state application.State) func(request.Case) bool {
		return func(c request.Case) bool { return c.State == state }
	}
	if c, err := p.Await(ctx, in(application.Proposed)); err != nil {
		s.Fatalf("%v; lacking %q, the record holds %+v", err, c.Lacking, s.stats())
	}
	if _, err := play.Decide(ctx, s.as(postgrestest.Member), p.App, award.Award); err != nil {
		s.Fatal(err)
	}
	c, err := p.Await(ctx, in(application.Registered))
	if err != nil {
		s.Fatal(err)
	}
	if c.Entry == nil || c.Entry.Number != "1-000001" {
		s.Errorf("the register has %+v, want 1-000001", c.Entry)
	}
	if n := s.stats(); n.Entries != 1 || n.Decisions != 1 || n.Submissions != 55 {
		s.Errorf("the record holds %+v, want 55 submissions, one decision, one entry", n)
	}
}

// apply opens a case with evidence for what is judged along with everything else.
func (s *servers) apply(ctx context.Context) (p *play.Case, slots []string) {
	s.Helper()
	std, err := catalogue.ByKey("it-manager-7")
	if err != nil {
		s.Fatal(err)
	}
	if p, err = play.Open(ctx, s.as(postgrestest.Candidate), std, nil); err != nil {
		s.Fatal(err)
	}
	for _, code := range std.Recurring() {
		if _, err := p.Support(ctx, code); err != nil {
			s.Fatal(err)
		}
	}
	return p, play.Slots(std)
}

func handIn(ctx context.Context, p *play.Case, codes ...string) error {
	for _, code := range codes {
		if _, err := p.Support(ctx, code); err != nil {
			return fmt.Errorf("supporting %s: %w", code, err)
		}
		if err := p.HandIn(ctx, code); err != nil {
			return err
		}
	}
	return nil
}
