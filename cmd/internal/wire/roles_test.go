package wire

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/cmd/internal/config"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

// Each role is a process of its own, and each is replaced in the middle.
func TestRolesInProcessesOfTheirOwnLoseNothingWhenOneStops(t *testing.T) {
	t.Parallel()
	s := startServers(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	door, relay, worker := s.serve(config.Door), s.serve(config.Relay), s.serve(config.Worker, config.Teller)
	p, slots := s.apply(ctx)
	defer s.assess(ctx)()
	if err := handIn(ctx, p, slots[:2]...); err != nil {
		t.Fatal(err)
	}
	if _, err := p.AwaitWeighed(ctx, slots[0]); err != nil {
		t.Fatal(err)
	}

	relay.stop() // people are answered without it; their facts wait
	if err := handIn(ctx, p, slots[2:4]...); err != nil {
		t.Fatal(err)
	}
	if n := s.stats().Unpublished; n == 0 {
		t.Error("without a relay the outbox is empty")
	}
	relay = s.serve(config.Relay)

	worker.stop() // a second process takes over where the first stopped
	if err := handIn(ctx, p, slots[4:6]...); err != nil {
		t.Fatal(err)
	}
	s.serve(config.Worker, config.Teller)

	s.serve(config.Door) // two doors; the first closes while people ask
	closed := make(chan struct{})
	go func() { defer close(closed); door.stop() }()
	if err := handIn(ctx, p, slots[6:]...); err != nil {
		t.Fatal(err)
	}
	<-closed
	s.finish(ctx, p)
	s.allPublished(relay.Stream)
}

func TestTheSecondRelayStandsBy(t *testing.T) {
	t.Parallel()
	s := startServers(t)
	open := func() request.OpenApplication {
		return request.OpenApplication{Acting: client.NewID(), Standard: "it-manager-7"}
	}
	first := s.serve(config.Door, config.Relay)
	if _, err := s.as(postgrestest.Candidate).Act(t.Context(), person.Candidate, "application", "open", open()); err != nil {
		t.Fatal(err)
	}
	s.await("the first relay to publish", func() bool { return first.Published() == 1 })
	second := s.serve(config.Door, config.Relay)
	if _, err := s.as(postgrestest.Other).Act(t.Context(), person.Candidate, "application", "open", open()); err != nil {
		t.Fatal(err)
	}
	s.await("the first relay to publish", func() bool { return first.Published() == 2 })
	if n := second.Published(); n != 0 {
		t.Errorf("the second relay published %d facts beside the first", n)
	}
	first.stop()
	if _, err := s.as(postgrestest.Judged).Act(t.Context(), person.Candidate, "application", "open", open()); err != nil {
		t.Fatal(err)
	}
	s.await("the second relay to take over", func() bool { return second.Published() == 1 })
	s.allPublished(second.Stream)
}

func TestWhatCannotBeReachedIsSaidAndNothingStaysOpen(t *testing.T) {
	t.Parallel()
	s := startServers(t)
	for name, c := range map[string]struct {
		change func(*config.Serve)
		kind   fault.Kind
	}{
		"no PostgreSQL": {func(c *config.Serve) {
			c.Database.Database = "postgres://kutse_service@127.0.0.1:1/kutse?sslmode=disable"
		}, fault.Unavailable},
		"no NATS":                {func(c *config.Serve) { c.NATS.NATS = "nats://127.0.0.1:1" }, fault.Unavailable},
		"no Temporal":            {func(c *config.Serve) { c.Temporal.Temporal = "127.0.0.1:1" }, fault.Unavailable},
		"settings that are none": {func(c *config.Serve) { c.Pool = 0 }, fault.Invalid},
	} {
		cfg := s.config()
		c.change(&cfg)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		sys, err := Open(ctx, cfg, quiet)
		cancel()
		if !errors.Is(err, c.kind) || sys != nil {
			t.Errorf("%s: %v, want %s", name, err, c.kind)
		}
	}
	sys := s.open(config.Door)
	sys.cfg.Blobs = "/proc/nowhere"
	if err := sys.Run(t.Context(), func() { t.Error("it says it is ready") }); err == nil {
		t.Error("a door without its folder runs")
	}
	if err := sys.Close(); err != nil {
		t.Error(err)
	}
}
