package local_test

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/cmd/internal/config"
	"github.com/kutse-dev/kutse/cmd/internal/play"
	"github.com/kutse-dev/kutse/cmd/internal/wire"
	"github.com/kutse-dev/kutse/deploy/dev/natsserver"
	"github.com/kutse-dev/kutse/deploy/dev/pgserver"
	"github.com/kutse-dev/kutse/deploy/dev/temporalserver"
	"github.com/kutse-dev/kutse/events/bus"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/seal/kek"
)

// site is three servers that can be taken away one by one, and a `kutse serve` on
// them that is never restarted. They are durable: a commit that PostgreSQL
// acknowledged with synchronous_commit off would be gone after a kill.
type site struct {
	*testing.T
	dir      string
	pg       *pgserver.Server
	nats     *natsserver.Server
	temporal *temporalserver.Server
	ports    [2]int
	sys      *wire.System
}

var quiet = slog.New(slog.DiscardHandler)

func openSite(t *testing.T) *site {
	t.Helper()
	s := &site{T: t, dir: t.TempDir(), ports: [2]int{freePort(t), freePort(t)}}
	s.startPostgres()
	s.startNATS()
	s.startTemporal()
	if _, err := wire.Migrate(t.Context(), s.pg.URL(pgserver.Database, pgserver.OwnerRole)); err != nil {
		t.Fatal(err)
	}
	s.serve()
	if err := s.sys.Record.FirstOperator(t.Context(), play.Operator, play.OperatorName); err != nil {
		t.Fatal(err)
	}
	if err := play.Load(t.Context(), s.nats.URL()); err != nil {
		t.Fatal(err)
	}
	return s
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (s *site) startPostgres() {
	s.Helper()
	server, err := pgserver.Start(s.Context(), pgserver.Options{Dir: filepath.Join(s.dir, "pg"), Durable: true, Logger: quiet})
	if err != nil {
		s.Fatal(err)
	}
	s.pg = server
	s.Cleanup(func() { _ = server.Stop(context.WithoutCancel(s.Context())) })
}

func (s *site) startNATS() {
	s.Helper()
	server, err := natsserver.Start(s.Context(), natsserver.Options{Dir: filepath.Join(s.dir, "nats"), Port: s.ports[0], Durable: true, Logger: quiet})
	if err != nil {
		s.Fatal(err)
	}
	s.nats = server
	s.Cleanup(func() { _ = server.Stop(context.WithoutCancel(s.Context())) })
}

func (s *site) startTemporal() {
	s.Helper()
	server, err := temporalserver.Start(s.Context(), temporalserver.Options{Dir: filepath.Join(s.dir, "temporal"), Port: s.ports[1], Logger: quiet})
	if err != nil {
		s.Fatal(err)
	}
	s.temporal = server
	s.Cleanup(func() { _ = server.Stop(context.WithoutCancel(s.Context())) })
}

func (s *site) serve() {
	s.Helper()
	cfg, err := config.Defaults()
	if err != nil {
		s.Fatal(err)
	}
	cfg.Database.Database = s.pg.URL(pgserver.Database, pgserver.ServiceRole)
	cfg.NATS.NATS, cfg.Temporal.Temporal, cfg.Namespace = s.nats.URL(), s.temporal.Address(), s.temporal.Namespace()
	cfg.Blobs, cfg.StopAfter = filepath.Join(s.dir, "blobs"), time.Second
	cfg.LogKeys, cfg.Publish = filepath.Join(s.dir, "logkeys"), filepath.Join(s.dir, "log")
	keys := filepath.Join(s.dir, "kek.json")
	if _, err := kek.Create(keys); err != nil {
		s.Fatal(err)
	}
	cfg.KEK = "file:" + keys
	if s.sys, err = wire.Open(s.Context(), cfg, quiet); err != nil {
		s.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(s.Context()))
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- s.sys.Run(ctx, func() { close(ready) }) }()
	s.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			s.Errorf("the roles ended with %v", err)
		}
		_ = s.sys.Close()
	})
	<-ready
}

// killPostgres kills the postmaster without a word and starts another on its folder.
func (s *site) killPostgres() {
	if err := syscall.Kill(s.pg.PID(), syscall.SIGKILL); err != nil {
		s.Errorf("killing PostgreSQL: %v", err)
	}
	<-s.pg.Done()
	s.startPostgres()
}

func (s *site) restartNATS() {
	if err := s.nats.Stop(s.Context()); err != nil {
		s.Errorf("stopping NATS: %v", err)
	}
	s.startNATS()
}

func (s *site) restartTemporal() {
	if err := s.temporal.Stop(s.Context()); err != nil {
		s.Errorf("stopping Temporal: %v", err)
	}
	s.startTemporal()
}

// Each server goes away and comes back while people work and the roles run on. The
// case finishes, and every fact is in JetStream once.
func TestEachServerMayGoAwayAndComeBack(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	s := openSite(t)
	std, err := catalogue.ByKey("it-project-planner-manager")
	if err != nil {
		t.Fatal(err)
	}
	url := s.nats.URL()
	assessor := &play.Assessor{Client: dial(t, url, "a3")}
	working, stop := context.WithCancel(ctx)
	var people, outages sync.WaitGroup
	people.Go(func() {
		for working.Err() == nil {
			_ = assessor.Resume(working)
			if err := assessor.Work(working); err != nil {
				t.Logf("the assessor was interrupted: %v", err)
			}
		}
	})
	c, err := play.Open(ctx, dial(t, url, play.Candidate), std, nil)
	if err != nil {
		t.Fatal(err)
	}
	away := map[int]func(){2: s.killPostgres, 5: s.restartNATS, 8: s.restartTemporal}
	for n, code := range play.Slots(std) {
		if goAway := away[n]; goAway != nil {
			outages.Wait()
			outages.Go(goAway)
		}
		if _, err := c.Support(ctx, code); err != nil {
			t.Fatal(err)
		}
		if err := c.HandIn(ctx, code); err != nil {
			t.Fatal(err)
		}
	}
	outages.Wait()
	if now, err := c.Await(ctx, func(c request.Case) bool { return c.State == application.Proposed }); err != nil {
		out, _ := s.sys.Record.Outstanding(context.WithoutCancel(ctx), c.App)
		t.Fatalf("%v; lacking %v, waiting for %+v", err, now.Lacking, out)
	}
	stop()
	people.Wait()
	if _, err := play.Decide(ctx, dial(t, url, play.Member), c.App, award.Award); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Await(ctx, func(c request.Case) bool { return c.State == application.Registered }); err != nil {
		t.Fatal(err)
	}
	s.checkPublished(ctx)
	report, err := merkle.Verify(ctx, merkle.Dir(filepath.Join(s.dir, "log", time.Now().UTC().Format("2006"))), merkle.Options{})
	if err != nil || !report.OK() || report.Size == 0 {
		t.Errorf("the published log has %d records, %v (%v), want it whole", report.Size, report.Faults, err)
	}
}

func dial(t *testing.T, url string, id person.ID) *client.Client {
	t.Helper()
	c, err := client.Dial(url, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (s *site) checkPublished(ctx context.Context) {
	s.Helper()
	council := dial(s.T, s.nats.URL(), play.Auditor)
	for {
		var stats request.Stats
		if err := council.Read(ctx, person.Council, "get", "stats", request.Nothing{}, &stats); err != nil {
			s.Fatal(err)
		}
		if stats.Unpublished > 0 || stats.Unsealed > 0 { // sealing tells a fact of its own
			continue
		}
		ids, err := bus.PublishedIDs(ctx, s.sys.Stream, "")
		if err != nil {
			s.Fatal(err)
		}
		dead, err := bus.ListDeadLetters(ctx, s.sys.Stream, 10)
		if err != nil || len(ids) != stats.Events || len(dead) > 0 {
			s.Errorf("JetStream has %d facts and %v dead letters (%v), the record %d facts", len(ids), dead, err, stats.Events)
		}
		return
	}
}
